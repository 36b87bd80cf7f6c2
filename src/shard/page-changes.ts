import { EntryFlag } from '../changes/block';
import type { Comparison, Publish } from '../changes/compare';
import { dayOrNull, uuidOf } from '../changes/kinds';
import { deadLetterOf, lineRecordsOf, recordsOf, tombstonesOf, type Origin } from '../changes/records';
import { sweepRecordOf, type SweepReport } from '../changes/reports';
import { FatalError, RecordError } from '../errors';
import type {
  ChangedRow,
  CountedList,
  Counts,
  Cursor,
  EntityId,
  Misfits,
  Page,
  Query,
  ScanName,
  StreamName,
} from '../model';
import {
  addCounts,
  addSums,
  advance,
  cursorOf,
  hasPublished,
  NO_COUNTS,
  publishedIn,
  withDeletions,
  withMark,
  withMisfits,
  withPublished,
  type Walk,
} from '../rules/cursor';
import { filteredBy, isOpenRow, isProvenScan } from '../rules/scope';
import type { OutgoingRecord } from '../sinks/transaction';
import type { PageCount } from '../rules/search';
import { followAgain, removeTold, withRowsThere } from './beside';
import { comparePage, type EditedRow, type PageChanges } from './compare-page';
import { driftOfPage, learnDrift, type FoundDrift } from './drift-of-page';
import type { FollowingEnd, Memory, Place, StreamState } from './memory';
import { countOf, listProvedBy, markLeft, noteAbsent, sweepUnderWay } from './page-evidence';
import type { ShardOptions } from './shard-options';
import { completenessIn } from './stream-completeness';
import { isBeforeFirstFinishedSweep, lettersOfStrays, lettersOfUnreadable } from './letters-without-id';

/** One page on its way into a commit. */
export interface PageToCommit {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly scan: ScanName;
  readonly page: Page;
  /** Only of a page of a search: the list that is searched. */
  readonly list?: CountedList;
  /** Only of the last page of `newest`: the highest id that it saw. */
  readonly mark?: number;
  /** Only of a row that was asked for by its address: that it is outside the scope, and where the page has no row, that it is not there. */
  readonly left?: boolean;
  /** Only of what is told beside a row: that it will not be followed any more, and why; default: it is. */
  readonly ends?: FollowingEnd;
  /** Only of what is told beside rows: that what is final already stays as it is. */
  readonly keepsFinal?: boolean;
  /** Ids of rows that themselves show that what is told beside them is final, so that a change of theirs has it read no more. */
  readonly shownFinal?: ReadonlySet<number>;
}

/** A row as it went into a transaction. */
export interface RowSent {
  readonly id: number;
  /** 16 hexadecimal digits. */
  readonly fingerprint: string;
}

/** A row that went to the dead-letter topic, without anything of its content. */
export interface DeadLettered {
  /** Null where the row has no id. */
  readonly id: number | null;
  /** Where in the row; empty = the row as a whole. */
  readonly path: string;
  readonly reason: string;
}

/** What became of a page. */
export interface PageResult {
  readonly counts: Counts;
  readonly deadLettered: readonly DeadLettered[];
  /** The first rows published as created or updated. */
  readonly changed: readonly ChangedRow[];
  /** Why the stream must be parked now that the page is committed. */
  readonly parks: FatalError | null;
  /** Where the scan stands after it. */
  readonly cursor: Cursor;
  /** Ids whose row was older than what is published: to be read again at once. */
  readonly stale: readonly number[];
  /** Ids that are open no longer, as the page of `open` proves: to be read by themselves. */
  readonly noLongerOpen: readonly number[];
  /** Fields of published rows whose value was not of their kind. */
  readonly misfits: Misfits;
  /** The page's place in its list against the ledger; null = the page's list is not compared, or it shows no row. */
  readonly count: PageCount | null;
  /** What each row was and is that was published anew; lines apart. */
  readonly edited: readonly EditedRow[];
  /** Entries that the page marked missing, and all that it proved absent. */
  readonly missing: number;
  readonly absent: number;
  /** How the API differs from all that the stream has shown before; null = in nothing. */
  readonly drift: FoundDrift | null;
}

/** A row that the API itself says is gone. */
export interface ConfirmedDeletion {
  readonly id: number;
  /** Number of the sweep that first missed it, when it was asked for. */
  readonly missing: number;
  /** When the answer was complete. */
  readonly ended: number;
  /** A person has agreed: it does not count against what may be deleted within a day. */
  readonly released: boolean;
}

/** What a page brings to the transaction that is being filled. */
export interface PageForBatch {
  readonly result: PageResult;
  /** Records of rows and lines, and dead letters. */
  readonly records: readonly OutgoingRecord[];
  /** Makes the record of the sweep that the page completes, once all that goes with it is known; null = it completes none. */
  readonly sweepRecord: (() => OutgoingRecord) | null;
  /** Number and bytes of those records, without the sweep's. */
  readonly size: { readonly records: number; readonly bytes: number };
  /** True where the list of rows without an id, of records behind dead letters, or of what is not documented has changed. */
  readonly newStrays: boolean;
  /** True where the result is to be told once the page is committed; false = it changed nothing, and is told at once. */
  readonly waits: boolean;
  /** `moved`: the cursor is written at once, or with the next commit where the page does not wait. `stays`: it is not written. */
  readonly cursor: 'moved' | 'stays';
  /** What the page, or the part of a cut page, published; no rows read. */
  readonly published: Counts;
  /** What the page published counts in the sweep, whose cursor is written with it. */
  readonly countsInSweep: boolean;
  /** What is told beside the rows and is to be read again, as they changed. */
  readonly followed: readonly StreamState[];
}

/** What the outcome of a page depends on beside the page. */
export interface PageContext {
  readonly memory: Memory;
  readonly options: Pick<ShardOptions, 'deadLetters' | 'sweeps' | 'now'>;
  /** A row of a page that was cut up: the cursor stays, so that a crash repeats the whole page. */
  readonly partial: boolean;
  /** When the oldest request of the stream began whose page was not compared yet; Infinity = none is. */
  readonly oldestOpen: number;
  /** True of a row that the broker refused alone as it is now. */
  readonly wasRefused: (row: RowSent) => boolean;
}

/** Of more rows than these an update is published even if they show again what was published before their dead letter. */
const MAX_LAST_PUBLISHED = 1000;
const SHAPE_WINDOW = 500;
const SHAPE_MIN = 5;
const SHAPE_SHARE = 0.05;

/** Compares a page with the ledger: ledger, cursor and counts in memory go on, and what is to be published comes back. */
export function changesOf(context: PageContext, state: StreamState, toCommit: PageToCommit): PageForBatch {
  const { memory, options, partial } = context;
  const { page, scan } = toCommit;
  // What reads single rows or pages has no walk of its own and moves no cursor; it asks what the sweep asks.
  const isWalk = scan !== 'spot' && scan !== 'search';
  const walk = state.walks.get(isWalk ? scan : 'sweep');
  if (walk === undefined)
    throw new Error(`a page of ${scan} of ${state.name} came before its scan was begun; this is a bug`);
  const origin = { ...originOf(memory, state, scan), drift: state.drift };
  learnDrift(state);
  const there = { ...toCommit, page: withRowsThere(memory, state, toCommit) };
  const compared = compareRows(context, origin, { state, scan }, there);
  const strayed = markLeft(state, there, compared);
  const followed = followAgain(memory, state, toCommit, compared.edited);
  const strays = lettersOfStrays(
    options,
    state,
    origin,
    page.strays.flatMap(({ rows }) => rows),
  );
  const unreadable = lettersOfUnreadable(options, state, origin, page.unreadable);
  const letters = [
    ...compared.deadLetters.map(({ row, error, fingerprint, op }) =>
      deadLetterOf(origin, row, { id: row.id, error, fingerprint, op }, options.deadLetters),
    ),
    ...strays.map(({ letter }) => letter),
    ...unreadable.map(({ letter }) => letter),
  ];
  const deadLettered = [
    ...compared.deadLetters.map(({ row: { id }, error }) => ({ id, path: error.path, reason: error.message })),
    ...strays.map(({ reason }) => ({ id: null, path: 'id', reason })),
    ...unreadable.map(({ reason }) => ({ id: null, path: '', reason })),
  ];
  const remembered = rememberPublished(state, compared);
  const drift = driftOfPage(state, page, scan);
  const outgoing = [...compared.records.flat(), ...letters];
  if (outgoing.length > 0) memory.observed(origin.observedAtMs);

  const counts: Counts = {
    rows: there.page.rows.length,
    created: compared.created,
    firstRead: compared.firstRead,
    updated: compared.updated,
    republished: compared.republished,
    deleted: 0,
    unchanged: compared.unchanged,
    deadLetters: letters.length,
  };
  const moved = isWalk ? moveCursor(context, state, walk, { toCommit, counts }) : { counts, walk };
  // Nobody compares sums of a dictionary, which no list of the sweeps names.
  const isSummed = state.codec.declaration.dictionary === undefined;
  const completes = page.end && scan === 'sweep' && !partial && isSummed;
  const sweepRecord = completes ? sweepRecordLater(memory, state, moved.walk) : null;

  const { cursor } = moved.walk;
  const misfits = misfitsIn(outgoing, origin);
  const countsInSweep = countInSweep(state, scan, counts, misfits);
  // A look for new documents that found none writes nothing.
  const idles = scan === 'newest' && cursor.mark === walk.cursor.mark;
  // Where a scan by a proven filter stands is never written: another process proves the filter itself, and begins anew.
  const isStored = isWalk && !isProvenScan(scan);
  const endWaits = page.end && isStored && scan !== 'newest';
  const waits = compared.touched || strayed || letters.length > 0 || endWaits;
  const stays = partial || !isStored || (!waits && idles);
  return {
    result: {
      counts: moved.counts,
      deadLettered,
      changed: compared.changed,
      parks: shapeChanged(state, page.rows.length, letters.length),
      cursor,
      stale: compared.stale,
      noLongerOpen: compared.noLongerOpen,
      misfits,
      count: countOf(state, toCommit),
      edited: compared.edited.map(({ row, ...edit }) => ({ ...edit, row: filteredBy(state.codec.declaration, row) })),
      missing: compared.missing,
      absent: compared.absent,
      drift,
    },
    records: outgoing,
    sweepRecord,
    size: {
      records: outgoing.length,
      bytes: outgoing.reduce((bytes, { value }) => bytes + (value?.length ?? 0), 0),
    },
    // That a stream is looked at is written with whatever else is.
    newStrays:
      strays.length + unreadable.length > 0 || remembered || ((waits || drift !== null) && state.drift.takeChange()),
    waits,
    cursor: stays ? 'stays' : 'moved',
    published: publishedIn(counts),
    countsInSweep,
    followed,
  };
}

/**
 * The record of a finished sweep, to be made as its transaction is sent: it sums up what is published by then. What is published later says
 * a later time, so that whoever holds a copy can tell which rows a sweep's sums are about.
 */
function sweepRecordLater(memory: Memory, state: StreamState, walk: Walk): () => OutgoingRecord {
  const cursor = cursorOf(walk);
  const strays = state.strays.length;
  const completeness = completenessIn(state, cursor, cursor.number - 1);
  return () => {
    const origin = originOf(memory, state, 'sweep');
    memory.observed(origin.observedAtMs + 1);
    const living = state.ledger.living(state.definition, (id) => state.lastPublished.get(id));
    const report: SweepReport = { sweeps: memory.sweeps, strays, completeness, living };
    return sweepRecordOf(origin, cursor, report);
  };
}

/** What removing deleted rows came to. */
interface Removed {
  readonly records: readonly OutgoingRecord[];
  readonly rows: number;
  /** Whether what was published of a dead-lettered row is remembered no longer, as its record is gone from the topic. */
  readonly forgot: boolean;
}

/** Removes from the ledger what no page has shown since it was asked for; returns the tombstones, and the number of rows. */
export function removeDeleted(memory: Memory, state: StreamState, confirmed: readonly ConfirmedDeletion[]): Removed {
  const { ledger } = state;
  const origin = originOf(memory, state, 'sweep');
  const besides = memory.besides(state);
  const records: OutgoingRecord[] = [];
  let rows = 0;
  let counted = 0;
  let forgot = false;
  for (const { id, missing, ended, released } of confirmed) {
    const entry = ledger.entry(id);
    if (entry === undefined || entry.missing !== missing) continue;
    if ((entry.flags & EntryFlag.PUBLISHED) !== 0) records.push(...tombstonesOf(origin, entry));
    ledger.remove(id, ended);
    for (const beside of besides) records.push(...removeTold(beside, origin, id, ended));
    if (state.lastPublished.delete(id)) forgot = true;
    rows += 1;
    if (!released) counted += 1;
  }
  const walk = state.walks.get('sweep');
  if (rows === 0 || walk === undefined) return { records, rows: 0, forgot };
  memory.observed(origin.observedAtMs);
  state.walks.set('sweep', withDeletions(walk, rows, { at: origin.observedAt, rows: counted }));
  return { records, rows, forgot };
}

/** Marks as left what a new scope leaves out: these entries are not missing from the sweep. Returns true where there were any. */
export function leaveOutOfScope({ codec, ledger }: StreamState, { from, to }: Query): boolean {
  return codec.declaration.scopeField !== null && ledger.rescope(dayOrNull(from), dayOrNull(to)) > 0;
}

function originOf(memory: Memory, { entity, codec }: StreamState, scan: ScanName): Origin {
  const observedAtMs = memory.observe();
  return { entity, codec, scan, observedAtMs, observedAt: new Date(observedAtMs).toISOString() };
}

function compareRows(
  { memory, oldestOpen, wasRefused }: PageContext,
  origin: Origin,
  { state, scan }: Place,
  { page, list }: PageToCommit,
): PageChanges<readonly OutgoingRecord[]> {
  const { codec, entity, ledger, name } = state;
  const { lines } = codec;
  const sweep = state.walks.get('sweep')?.cursor;
  const encode = (publication: Publish): readonly OutgoingRecord[] => {
    const { fingerprint, row } = publication;
    const { id } = row;
    state.refused.delete(id);
    if (wasRefused({ id, fingerprint })) {
      state.refused.add(id);
      const message = `publishing ${name} ${id} of ${entity}: the broker refused this record alone`;
      throw new RecordError(message, { path: '', entity, stream: name });
    }
    return publication.part === 'lines' && lines !== null
      ? lineRecordsOf(origin, lines, publication)
      : recordsOf(origin, publication);
  };
  const comparison: Comparison = {
    page,
    scan,
    proves: listProvedBy(scan, list),
    isOpen: (row) => isOpenRow(codec.declaration, row),
    onAbsent: noteAbsent(state, page.askedMs, memory.wallClock()),
    sweep: sweepUnderWay(state),
    beforeFirstFinishedSweep: isBeforeFirstFinishedSweep(sweep),
    definition: state.definition,
    fingerprint: state.fingerprint,
    fingerprintOf: (number) => memory.fingerprintUnder(state, number),
    uuidOf: (row) => (codec.declaration.address === 'uuid' ? uuidOf(row['uuid']) : null),
    dateOf: codec.dateOf,
    linesOf: lines?.count ?? null,
    lastPublished: (id) => state.lastPublished.get(id),
    isRefused: (id) => state.refused.has(id),
    oldestOpen,
  };
  return comparePage(ledger, comparison, encode);
}

/** Keeps what the records of dead-lettered rows say, as their entries no longer do; returns whether that changed. */
function rememberPublished(
  { ledger, lastPublished }: StreamState,
  { deadLetters, touched }: Pick<PageChanges<unknown>, 'deadLetters' | 'touched'>,
): boolean {
  let changed = false;
  for (const { row, before } of deadLetters) {
    if (before === null || lastPublished.size >= MAX_LAST_PUBLISHED) continue;
    lastPublished.set(row.id, before);
    changed = true;
  }
  if (!touched) return changed;
  for (const id of lastPublished.keys()) {
    if (((ledger.entry(id)?.flags ?? 0) & EntryFlag.DEAD_LETTERED) !== 0) continue;
    lastPublished.delete(id);
    changed = true;
  }
  return changed;
}

/** Moves the scan's cursor behind the page; of a page that was cut up only with its last row, whose counts are then the whole page's. */
function moveCursor(
  { options, partial }: PageContext,
  state: StreamState,
  walk: Walk,
  { toCommit: { page, scan, mark }, counts }: { readonly toCommit: PageToCommit; readonly counts: Counts },
): { readonly counts: Counts; readonly walk: Walk } {
  const before = state.cutPage ?? { counts: NO_COUNTS, sums: walk.sums };
  const whole = addCounts(before.counts, counts);
  const sums = scan === 'sweep' ? addSums(before.sums, state.codec.declaration, page.rows) : before.sums;
  const advanced = partial ? walk : advance(walk, page, whole, sums, options.now());
  const moved = mark === undefined || !page.end ? advanced : withMark(advanced, mark);
  state.cutPage = partial ? { counts: whole, sums } : null;
  state.walks.set(scan, moved);
  return { counts: whole, walk: moved };
}

/** Notes in the sweep the misfits of any scan, and what other scans published; returns whether there was anything of the latter. */
function countInSweep({ walks }: StreamState, scan: ScanName, counts: Counts, misfits: Misfits): boolean {
  const before = walks.get('sweep');
  if (before === undefined) return false;
  const walk = Object.keys(misfits).length === 0 ? before : withMisfits(before, misfits);
  const countsInSweep = scan !== 'sweep' && hasPublished(counts);
  walks.set('sweep', countsInSweep ? withPublished(walk, counts) : walk);
  return countsInSweep;
}

/** Many rows at once that do not fit the schema mean that the API changed, not that the rows are bad. */
function shapeChanged(state: StreamState, rows: number, bad: number): FatalError | null {
  // A window that forgets by halves: the last 250 to 500 rows.
  const { recent } = state;
  const kept =
    recent.rows + rows > SHAPE_WINDOW ? { rows: Math.floor(recent.rows / 2), bad: Math.floor(recent.bad / 2) } : recent;
  const seen = { rows: kept.rows + rows, bad: kept.bad + bad };
  const changed = bad > 0 && seen.bad >= SHAPE_MIN && seen.bad > seen.rows * SHAPE_SHARE;
  state.recent = changed ? { rows: 0, bad: 0 } : seen;
  if (!changed) return null;
  return new FatalError(
    `reading ${state.name} of ${state.entity}: expected rows of the known shape, got ${seen.bad} of the last ${seen.rows} that do not fit it; the API seems to have changed, see the dead-letter topic`,
    { reason: 'shape-changed', parks: 'stream', entity: state.entity, stream: state.name },
  );
}

/** Misfits in the records of rows, by field. */
function misfitsIn(records: readonly OutgoingRecord[], { codec }: Origin): Misfits {
  const counts = new Map<string, number>();
  for (const { topic, headers } of records) {
    if (topic !== codec.topic.name || headers['misfits'] === undefined) continue;
    for (const field of headers['misfits'].split(',')) counts.set(field, (counts.get(field) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort());
}
