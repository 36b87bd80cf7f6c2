import { createHash } from 'node:crypto';

import { EntryFlag } from '../changes/block';
import type { Comparison, Publish } from '../changes/compare';
import { dayOrNull } from '../changes/kinds';
import { deadLetterOf, sweepRecordOf, lineRecordsOf, recordsOf, tombstonesOf, type Origin } from '../changes/records';
import { FatalError, RecordError } from '../errors';
import { textOrNull } from '../json';
import type { Counts, Cursor, EntityId, Page, Query, ScanName, StreamName } from '../model';
import { addCounts, addSums, advance, cursorOf, NO_COUNTS, withDeletions, withMark, type Walk } from '../rules/cursor';
import type { OutgoingRecord } from '../sinks/transaction';
import { comparePage, type PageChanges } from './compare-page';
import type { Memory, Place, StreamState } from './memory';
import type { ShardOptions } from './shard-options';

/** One page on its way into a commit. */
export interface PageToCommit {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly scan: ScanName;
  readonly page: Page;
  /** Only of the last page of `newest`: the highest id that it saw. */
  readonly mark?: number;
  /** Only of a row that was asked for by its address: that it is outside the scope. */
  readonly left?: boolean;
}

/** What became of a page. */
export interface PageResult {
  readonly counts: Counts;
  /** Where the scan stands after it. */
  readonly cursor: Cursor;
  /** Ids whose row was older than what is published: to be read again at once. */
  readonly stale: readonly number[];
  /** Ids that are open no longer, as the page of `open` proves: to be read by themselves. */
  readonly noLongerOpen: readonly number[];
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
  /** Records of rows and lines, dead letters, and the record of a sweep that the page completes. */
  readonly records: readonly OutgoingRecord[];
  /** Number and bytes of those records, without the sweep's. */
  readonly size: { readonly records: number; readonly bytes: number };
  /** True where the list of rows without an id has grown. */
  readonly newStrays: boolean;
  /** True where the result is to be told once the page is committed; false = it changed nothing, and is told at once. */
  readonly waits: boolean;
  /** `moved`: the cursor is written at once, or with the next commit where the page does not wait. `stays`: it is not written. */
  readonly cursor: 'moved' | 'stays';
  /** Why the stream must be parked once the page is committed. */
  readonly parks: FatalError | null;
}

/** What the outcome of a page depends on beside the page. */
export interface PageContext {
  readonly memory: Memory;
  readonly options: Pick<ShardOptions, 'deadLetters' | 'sweeps' | 'now'>;
  /** A row of a page that was cut up: the cursor stays, so that a crash repeats the whole page. */
  readonly partial: boolean;
  /** When the oldest request of the stream began whose page was not compared yet; Infinity = none is. */
  readonly oldestOpen: number;
  /** True of a row that the broker refused alone. */
  readonly wasRefused: (id: number) => boolean;
}

const MAX_STRAYS = 100;
const SHAPE_WINDOW = 500;
const SHAPE_MIN = 5;
const SHAPE_SHARE = 0.05;

/** Compares a page with the ledger: ledger, cursor and counts in memory go on, and what is to be published comes back. */
export function changesOf(context: PageContext, state: StreamState, toCommit: PageToCommit): PageForBatch {
  const { memory, options, partial } = context;
  const { page, scan } = toCommit;
  // A spot read has no walk of its own and moves no cursor; it asks what the sweep asks.
  const walk = state.walks.get(scan === 'spot' ? 'sweep' : scan);
  if (walk === undefined)
    throw new Error(`a page of ${scan} of ${state.name} came before its scan was begun; this is a bug`);
  const origin = originOf(memory, state, scan);
  const compared = compareRows(context, origin, { state, scan }, page);
  const strayed =
    scan === 'spot' &&
    page.interval.upTo !== null &&
    toCommit.left === true &&
    compared.stale.length === 0 &&
    state.ledger.setFlags(page.interval.upTo, EntryFlag.LEFT, 0);
  const strays = newStrays(options, state, origin, page.strays);
  const letters = [
    ...compared.deadLetters.map(({ row, error, fingerprint }) =>
      deadLetterOf(origin, row, { id: row.id, error, fingerprint }, options.deadLetters),
    ),
    ...strays,
  ];
  const outgoing = [...compared.records.flat(), ...letters];
  if (outgoing.length > 0) memory.observed(origin.observedAtMs);

  const counts: Counts = {
    rows: page.rows.length,
    created: compared.created,
    updated: compared.updated,
    deleted: 0,
    unchanged: compared.unchanged,
    deadLetters: letters.length,
  };
  const moved = scan === 'spot' ? { counts, walk } : moveCursor(context, state, walk, { toCommit, counts });
  const completes = page.end && scan === 'sweep' && !partial;
  const sweepRecords: OutgoingRecord[] = [];
  if (completes) {
    const report = { sweeps: options.sweeps, strays: state.strays.length };
    sweepRecords.push(sweepRecordOf(origin, cursorOf(moved.walk), report));
    memory.observed(origin.observedAtMs);
  }

  const { cursor } = moved.walk;
  // A look for new documents that found none writes nothing.
  const idles = scan === 'newest' && cursor.mark === walk.cursor.mark;
  const waits = compared.touched || strayed || letters.length > 0 || (page.end && scan !== 'newest');
  const stays = partial || scan === 'spot' || (!waits && idles);
  return {
    result: { counts: moved.counts, cursor, stale: compared.stale, noLongerOpen: compared.noLongerOpen },
    records: [...outgoing, ...sweepRecords],
    size: {
      records: outgoing.length,
      bytes: outgoing.reduce((bytes, { value }) => bytes + (value?.length ?? 0), 0),
    },
    newStrays: strays.length > 0,
    waits,
    cursor: stays ? 'stays' : 'moved',
    parks: shapeChanged(state, page.rows.length, letters.length),
  };
}

/** Removes from the ledger what no page has shown since it was asked for; returns the tombstones, and the number of rows. */
export function removeDeleted(
  memory: Memory,
  state: StreamState,
  confirmed: readonly ConfirmedDeletion[],
): { readonly records: readonly OutgoingRecord[]; readonly rows: number } {
  const { ledger } = state;
  const origin = originOf(memory, state, 'sweep');
  const records: OutgoingRecord[] = [];
  let rows = 0;
  let counted = 0;
  for (const { id, missing, ended, released } of confirmed) {
    const entry = ledger.entry(id);
    if (entry === undefined || entry.missing !== missing) continue;
    if ((entry.flags & EntryFlag.PUBLISHED) !== 0) records.push(...tombstonesOf(origin, entry));
    ledger.remove(id, ended);
    rows += 1;
    if (!released) counted += 1;
  }
  const walk = state.walks.get('sweep');
  if (rows === 0 || walk === undefined) return { records, rows: 0 };
  memory.observed(origin.observedAtMs);
  state.walks.set('sweep', withDeletions(walk, rows, { at: origin.observedAt, rows: counted }));
  return { records, rows };
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
  page: Page,
): PageChanges<readonly OutgoingRecord[]> {
  const { codec, entity, ledger, name } = state;
  const { lines } = codec;
  const sweep = state.walks.get('sweep')?.cursor;
  const encode = (publication: Publish): readonly OutgoingRecord[] => {
    const { id } = publication.row;
    if (wasRefused(id)) {
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
    sweep: sweep?.number ?? 1,
    beforeFirstFinishedSweep: sweep === undefined || (sweep.number === 1 && sweep.finishedAt === null),
    definition: state.definition,
    fingerprint: state.fingerprint,
    fingerprintOf: (number) => memory.fingerprintUnder(state, number),
    uuidOf: (row) => (codec.declaration.address === 'uuid' ? textOrNull(row['uuid']) : null),
    dateOf: codec.dateOf,
    linesOf: lines?.count ?? null,
    oldestOpen,
  };
  return comparePage(ledger, comparison, encode);
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

/** Dead letters of rows without an id, each kind of row once. */
function newStrays(
  { deadLetters }: PageContext['options'],
  state: StreamState,
  origin: Origin,
  rows: readonly unknown[],
): readonly OutgoingRecord[] {
  const letters: OutgoingRecord[] = [];
  for (const row of rows) {
    const fingerprint = createHash('sha256').update(JSON.stringify(row)).digest('hex').slice(0, 16);
    if (state.strays.includes(fingerprint)) continue;
    state.strays = [...state.strays, fingerprint].slice(-MAX_STRAYS);
    const message = `reading a row of ${state.name} of ${state.entity}: expected an object with a positive integer id, got ${kindOf(row)}`;
    const error = new RecordError(message, { path: 'id', entity: state.entity, stream: state.name });
    letters.push(deadLetterOf(origin, row, { id: null, error, fingerprint }, deadLetters));
  }
  return letters;
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

function kindOf(row: unknown): string {
  if (row === null) return 'null';
  if (Array.isArray(row)) return 'an array';
  return typeof row === 'object' ? 'an object without one' : `a ${typeof row}`;
}
