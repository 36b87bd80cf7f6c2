/** The id of a legal entity: the name of its configuration file. */
export type EntityId = string;

/** The name of a stream, as in `StreamDeclaration.name`. */
export type StreamName = string;

/** What a row was read by: the scans, all the same walk over another query, the spot read of a single row, and the search for rows that came or went. */
export type ScanName = 'sweep' | 'newest' | 'open' | 'recent' | ProvenScan | 'spot' | 'search';

/** The scans by a filter that is used only while it has shown on this account that it works: payments, and edits of any age. */
export type ProvenScan = 'paid' | 'changed';

/** A list whose total and ranks are compared with the ledger: that of the sweep's query, and that of the unpaid documents in it. */
export type CountedList = 'all' | 'open';

/** `r` first seen before the first finished sweep, or asked for again; `c` created; `u` updated; `d` deleted. */
export type Op = 'r' | 'c' | 'u' | 'd';

/** A row that a scan found changed, without anything of its content. */
export interface ChangedRow {
  readonly id: number;
  readonly op: Exclude<Op, 'r'>;
  readonly scan: ScanName;
}

/** What a webhook says of a document: that it came to be, was paid, was deleted, or has gone to KSeF or was refused there. */
export type HintKind = 'created' | 'paid' | 'deleted' | 'ksef';

/** A JSON object as the API sent it, whose id was checked to be a positive integer that a key can hold. */
export interface Row {
  readonly id: number;
  readonly [name: string]: unknown;
}

/** What a scan asks for; fixed when the scan starts and kept in its cursor. */
export interface Query {
  /** First business date in scope, `YYYY-MM-DD`, inclusive; null = no lower bound. */
  readonly from: string | null;
  /** Last business date in scope, `YYYY-MM-DD`, inclusive; null = no upper bound. */
  readonly to: string | null;
  /** Direction of the walk by id. */
  readonly order: 'asc' | 'desc';
  /** Only documents whose `openField` is null. */
  readonly open?: true;
  /** Only documents whose `openField` holds this day or a later one, `YYYY-MM-DD`. */
  readonly paidSince?: string;
  /** Only rows that the API changed on this day or later, `YYYY-MM-DD`; no row shows when that was. */
  readonly changedSince?: string;
}

/** Ids that a page proves complete: `after < id <= upTo` (ascending walk); null = unbounded. */
export interface Interval {
  readonly after: number | null;
  readonly upTo: number | null;
}

/** Where an anchored walk stands: enough to ask for the next page. */
export interface Position {
  readonly offset: number;
  /** Last id proven so far; null before the first proof. */
  readonly anchor: number | null;
  /** Size of the next step back or forward; 1 after a proof. */
  readonly step: number;
  /** Requests since the scan started. */
  readonly requests: number;
  /** Requests since the last proof. */
  readonly unproven: number;
  /** The offset from which the walk has just stepped back, as the list showed nothing there although its total named more. */
  readonly emptyAt?: number;
}

/**
 * How what is told of a row beside it stands: nothing is known or it is to be published again, it may change still, it is read no more although
 * it is not final, or it is final.
 */
export type Following = 'unknown' | 'followed' | 'given-up' | 'final';

/** What a request says of itself when it asks for leave. */
export interface Turn {
  readonly stream: StreamName;
  /** `proof`: it asks whether the list's filters work, and no scan does. */
  readonly scan: ScanName | 'proof';
  readonly urgency: Urgency;
}

/**
 * When a request is wanted. `now`: something is known to have changed. `bulk`: a list that was never read as a whole, or a run of one sweep.
 * `scheduled`: when reading it is worth a request; `worth` is asked again from time to time, and before each choice while `isHurried` says so.
 */
export type Urgency =
  | { readonly kind: 'now' }
  | { readonly kind: 'bulk' }
  | { readonly kind: 'scheduled'; readonly worth: () => Worth; readonly isHurried?: () => boolean };

/** What a request is worth now. */
export interface Worth {
  /** Delay that the request is thought to save, in seconds by the weight of the changes. */
  readonly index: number;
  /** Age of what the request would show, over its guarantee; from 1 on it is late. */
  readonly late: number;
  /** How long ago the list's total was asked for, where the request is a look for what is new; 0 = it is none. */
  readonly polledMs: number;
  /** Milliseconds until, with nothing else happening, the request is wanted. */
  readonly inMs: number;
}

/** What the page of a row was answered with that could not be read. */
export interface RawBody {
  /** Null = no answer came. */
  readonly status: number | null;
  readonly bytes: Buffer;
  readonly began: number;
  readonly ended: number;
}

/** Rows that a list has and nobody can read, by what lies on both sides of them. */
export interface UnreadableRows {
  readonly bodies: readonly RawBody[];
  /** Ids that were not read, nor proved absent: between the row before and the row behind; null = unbounded. */
  readonly gap: Interval;
}

/** Rows of one answer that follow each other and are no object or have no usable id. */
export interface RowsWithoutId {
  readonly rows: readonly unknown[];
  /** Ids that they may have: between the row before and the row behind; null = unbounded. */
  readonly gap: Interval;
}

/** How many rows between two ids could not be read. */
export interface UnreadableGap extends Interval {
  readonly rows: number;
}

/** By field, such as `services.unit`: the number of records published with a value that is not of the field's kind. */
export type Misfits = Readonly<Record<string, number>>;

/** One answer of a list, its envelope checked and nothing else. */
export interface Answer {
  /** In the order of the answer; anything JSON allows. */
  readonly rows: readonly unknown[];
  /** The rows begin at this offset, behind rows that could not be read, and not where they were asked for. */
  readonly unreadable?: { readonly bodies: readonly RawBody[]; readonly resumedAt: number };
  /** How many rows were asked for, where that was a whole page. */
  readonly asked?: number;
  readonly totalCount: number;
  /** Per-process marks: when the request was begun and its answer complete. */
  readonly began: number;
  readonly ended: number;
  /** When the request was asked for, in milliseconds since 1970. */
  readonly askedMs?: number;
}

/** Where an answer lies in its list. */
export interface PagePlace {
  readonly offset: number;
  /** Rows of the answer, those without an id included. */
  readonly rows: number;
  /** Ids of its first and last row, in the order of the answer. */
  readonly first: number;
  readonly last: number;
}

/** Up to 100 rows and the interval that they prove. */
export interface Page {
  /** The rows inside the interval and inside the query, ids ascending in the direction of the walk. */
  readonly rows: readonly Row[];
  /** Rows of this answer that are no object or have no usable id, by where they are. */
  readonly strays: readonly RowsWithoutId[];
  /** Rows inside the interval that the query excludes: the API ignored a filter. */
  readonly outsideQuery: number;
  /** Rows in front of this page's first that could not be read: the page proves nothing of them. */
  readonly unreadable?: UnreadableRows;
  /** Where this answer lies in its list. */
  readonly place?: PagePlace;
  /** When the request was asked for, in milliseconds since 1970: it was made no earlier. */
  readonly askedMs?: number;
  /** Rows of the list up to this page's last, where the list's own total says another number. */
  readonly miscounted?: number;
  /** Rows of the answer, where they are fewer than asked for although the list has more. */
  readonly cappedAt?: number;
  readonly interval: Interval;
  readonly totalCount: number;
  readonly began: number;
  readonly ended: number;
  /** Where the walk goes on after this page. */
  readonly next: Position;
  /** True on the last page of the walk. */
  readonly end: boolean;
}

/** One kind of thing the API lists: all that is special about a stream. */
export interface StreamDeclaration {
  readonly name: StreamName;
  /** Path of the list below the base URL, with its leading slash. */
  readonly path: string;
  /** By which field the API addresses one row. */
  readonly address: 'uuid' | 'id';
  /** Path of one row below the base URL. */
  readonly detailPath: (address: string) => string;
  /** Field with the business date that scopes the stream; null = no scope. */
  readonly scopeField: string | null;
  /** Field that is null while a document is open, by which the `open` scan filters; null = there is no such scan. */
  readonly openField: string | null;
  /** File name in schemas/avro, without its ending: the fields and their kinds. */
  readonly schema: string;
  /** Paths that no change is judged by, e.g. `is_vindicable`, `services.id`; `vat_exchange_date_kind[PLN]` of documents in that currency alone. */
  readonly volatileFields: readonly string[];
  /** Fields that no row lacks, and of which some have a value in every row: an answer without them is a stub and no row. */
  readonly everyRowHas: readonly string[];
  /** Fields that only the detail shows. */
  readonly detailOnlyFields: readonly string[];
  /** Values that inFakt documents of fields whose list is open, by the field's path: another one is told of. */
  readonly documentedValues: Readonly<Record<string, readonly string[]>>;
  /** Money fields summed by month of the scope field and currency in the sweep's cursor. */
  readonly sumFields: readonly string[];
  /** Kinds of hints that may be about a row which is not known yet; absent = such a hint is nothing to this stream. */
  readonly hintedNew?: readonly HintKind[];
  /** A table made of the lines in each row, published beside it where it is asked for; null = there is none. */
  readonly projection: Projection | null;
  /** Read only of an entity whose file names the stream; an account may well have no such list. Absent = read of every entity. */
  readonly isOptional?: true;
  /** Only of what is told of another stream's rows and remembered by itself: that stream, and the topic without the prefix. */
  readonly beside?: { readonly stream: StreamName; readonly topic: string };
  /** Only of a dictionary, read as a whole into a topic that all of them share: what keys call it, and that topic without the prefix. */
  readonly dictionary?: { readonly kind: string; readonly topic: string };
}

/** The elements of an array in each row as records of their own, keyed by entity, id of the row, and number of the line from 1. */
export interface Projection {
  /** Name of its topic, without the prefix. */
  readonly name: string;
  /** The array in the row. */
  readonly field: string;
  /** File name in schemas/avro, without its ending: the fields of a line, and what it is keyed by. */
  readonly schema: string;
}

/** By month (`YYYY-MM`, or "" where there is no date) and currency: the number of rows, then one sum per `sumFields`. */
export type Sums = Readonly<Record<string, readonly number[]>>;

/** What the rows of a scan turned out to be, so far. */
export interface Counts {
  readonly rows: number;
  /** Rows published that had no record before, those first read among them. */
  readonly created: number;
  /** Of the created, those published as `r` as the stream had no finished sweep yet. */
  readonly firstRead: number;
  readonly updated: number;
  /** Rows published again with the content that was published before: asked for by a person, or for their lines. */
  readonly republished: number;
  readonly deleted: number;
  /** Rows whose content was known, of which nothing was published. */
  readonly unchanged: number;
  readonly deadLetters: number;
}

/** Where a scan stands, as stored under `{"entity","stream","scan"}`. */
export interface Cursor {
  /** Number of this scan, from 1; a sweep's number where the scan is the sweep. */
  readonly number: number;
  readonly query: Query;
  readonly startedAt: string;
  /** Null while the walk is under way. */
  readonly finishedAt: string | null;
  readonly position: Position;
  readonly totalCount: number | null;
  readonly counts: Counts;
  /** Keys are `YYYY-MM currency`; only of a sweep. */
  readonly sums: Sums;
  /** Where this walk found rows in the list that it could not read: it reaches its end and is not complete. */
  readonly unreadable?: readonly UnreadableGap[];
  /** The same of the last finished sweep, while the next is under way; only of a sweep. */
  readonly unreadableBefore?: readonly UnreadableGap[];
  /** Published values that were not of their field's kind, by all scans since the stream was first read; only of a sweep. */
  readonly misfits?: Misfits;
  /** Highest id that a whole walk of `newest` has come down from; only of that scan. */
  readonly mark?: number;
  /** Deletions of the last 24 h that nobody had to agree to; only of a sweep. */
  readonly deletions?: readonly Deletions[];
  /** Tombstones since the end of this sweep: they count in the next. */
  readonly deletedSince?: number;
  /** What other scans published since the end of this sweep: it counts in the next. */
  readonly publishedSince?: Counts;
}

/** Tombstones of one transaction. */
export interface Deletions {
  readonly at: string;
  readonly rows: number;
}

/** A ledger block as the state topic holds it; columns, one element an entry, ids ascending. Bytes are little-endian. */
export interface LedgerBlock {
  /** First id of the block, inclusive. */
  readonly from: number;
  /** End of the block, exclusive; null = no end. */
  readonly to: number | null;
  /** Each id less the one before it; the first less `from`. */
  readonly ids: readonly number[];
  /** 8 bytes an entry. */
  readonly fingerprints: Buffer;
  /** 1 byte an entry: number of the definition in the shard's layout record. */
  readonly definitions: Buffer;
  /** 16 bytes an entry; all zero = none, or listed in `oddUuids`. */
  readonly uuids: Buffer;
  /** UUIDs that are not in canonical lower-case form, byte for byte. */
  readonly oddUuids: readonly { readonly id: number; readonly uuid: string }[];
  /** 4 bytes an entry, signed: days since 1970-01-01 of the scope's date; -2147483648 = none. */
  readonly dates: Buffer;
  /** 1 byte an entry: bits of `EntryFlag`. */
  readonly flags: Buffer;
  /** 4 bytes an entry: number of the sweep that first missed the row; 0 = not missing. */
  readonly missing: Buffer;
  /** 2 bytes an entry: lines published. */
  readonly lines: Buffer;
}
