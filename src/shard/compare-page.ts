import { RecordError } from '../errors';
import { ascending, type Comparison, type LastPublished, type Publish } from '../changes/compare';
import type { Ledger } from '../changes/ledger';
import type { ChangedRow, Op, Row } from '../model';
import { EntryFlag } from '../changes/block';

/** A row that could not become a record. */
export interface DeadLetter {
  readonly row: Row;
  readonly error: RecordError;
  readonly fingerprint: string;
  /** What the record would have had. */
  readonly op: Op;
  /** What the newest record of the row says; null = there is none, or a dead letter came after it. */
  readonly before: LastPublished | null;
}

/** A row that was published anew, by what says which scan could have shown that. */
export interface EditedRow {
  readonly id: number;
  readonly wasOpen: boolean;
  readonly isOpen: boolean;
  /** Days since 1970-01-01; `NO_DATE` = none. */
  readonly date: number;
}
/** A page names no more changed rows than these: whoever looks on gets the rest as numbers. */
const MOST_CHANGED = 20;

/** What a page changed. A row is created, updated, republished, unchanged, a dead letter or stale. */
export interface PageChanges<T> {
  readonly records: readonly T[];
  readonly deadLetters: readonly DeadLetter[];
  /** The first 20 rows published as created or updated; none of a first read or of what is published again. */
  readonly changed: readonly ChangedRow[];
  /** Rows published that had no record before. */
  readonly created: number;
  /** Of the created, those published as `r`. */
  readonly firstRead: number;
  readonly updated: number;
  /** Rows published again with the content that was published before, or for their lines alone. */
  readonly republished: number;
  /** Of the rows updated, what each was and is. */
  readonly edited: readonly EditedRow[];
  /** Rows whose content was known, of which nothing was published. */
  readonly unchanged: number;
  /** Entries marked missing by this page, and all that it proved absent. */
  readonly missing: number;
  readonly absent: number;
  /** Ids to read again: seen differently by a request that began before their last publication was read. */
  readonly stale: readonly number[];
  /** Ids that `open` showed before and this page of `open` proves to be open no longer: to be read by themselves. */
  readonly noLongerOpen: readonly number[];
  /** A record, a dead letter or any entry changed: the page needs a commit. */
  readonly touched: boolean;
}

/**
 * Compares a page with the ledger, encodes what is to be published and brings the ledger up to the page. A row that `encode`
 * refuses by a RecordError is a dead letter, once; any other error leaves the ledger half changed.
 */
export function comparePage<T>(ledger: Ledger, how: Comparison, encode: (publish: Publish) => T): PageChanges<T> {
  const records: T[] = [];
  const deadLetters: DeadLetter[] = [];
  const changed: ChangedRow[] = [];
  const stale: number[] = [];
  const edited: EditedRow[] = [];
  const counts = { created: 0, firstRead: 0, updated: 0, republished: 0, unchanged: 0 };
  let touched = false;
  for (const row of ascending(how.page.rows)) {
    const verdict = ledger.compare(row, how);
    if (verdict.kind === 'known') counts.unchanged++;
    else if (verdict.kind === 'stale') stale.push(row.id);
    else if (verdict.kind === 'touched') {
      ledger.apply(verdict, how);
      counts.unchanged++;
      touched = true;
    } else {
      const error = publish(verdict);
      if (error !== null && verdict.ifRefused !== null) {
        counts.unchanged++;
        if (verdict.ifRefused.kind === 'known') continue;
        ledger.apply(verdict.ifRefused, how);
        touched = true;
        continue;
      }
      if (error !== null) deadLetters.push(deadLetterOf(verdict, error));
      ledger.apply(verdict, how, error === null);
      if (error === null && verdict.countsAs === 'updated') edited.push(editedBy(verdict, how));
      if (error === null && verdict.op !== 'r' && changed.length < MOST_CHANGED)
        changed.push({ id: row.id, op: verdict.op, scan: how.scan });
      if (error === null) counts[verdict.countsAs]++;
      else if (verdict.part === 'lines') counts.unchanged++;
      if (error === null && verdict.countsAs === 'created' && verdict.op === 'r') counts.firstRead++;
      touched = true;
    }
  }
  const absences = ledger.markAbsent(how);
  const { missing, absent, noLongerOpen } = absences;
  return {
    records,
    deadLetters,
    ...counts,
    changed,
    edited,
    missing,
    absent,
    stale,
    noLongerOpen,
    touched: touched || absences.touched,
  };

  function publish(verdict: Publish): RecordError | null {
    try {
      records.push(encode(verdict));
      return null;
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      return error;
    }
  }
}

function editedBy({ row, content }: Publish, { isOpen }: Comparison): EditedRow {
  return { id: row.id, wasOpen: (content.flags & EntryFlag.OPEN) !== 0, isOpen: isOpen(row), date: content.date };
}

function deadLetterOf({ row, part, fingerprint, op, before }: Publish, error: RecordError): DeadLetter {
  // Where the lines alone failed, they are still to be published although the record stands.
  return { row, error, fingerprint, op, before: part === 'lines' ? null : before };
}
