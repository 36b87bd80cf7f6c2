import { type Ledger } from '../changes/ledger';
import { EntryFlag } from '../changes/block';
import { type Entry } from '../changes/entries';
import type { EntityId, StreamName } from '../model';
import type { FinishedSweep, Sum } from './finished-sweep';
import { AFTER, LIVE, SETTLED, UNKNOWN, type Columns } from './reconcile-columns';

/** A row whose newest record is not what the ledger says was published. */
export interface Difference {
  readonly id: number;
  readonly what: 'another fingerprint' | 'not on the topic' | 'not in the ledger';
}

/** One month and currency, in the sweep and on the topic. */
export interface ComparedSum extends Omit<Sum, 'rows' | 'amounts'> {
  readonly sweep: Omit<Sum, 'month' | 'currency'>;
  /** Of the rows that the sweep must have shown just as they are on the topic. */
  readonly topic: Omit<Sum, 'month' | 'currency'>;
  readonly agrees: boolean;
}

/** How the records of one stream agree with its last finished sweep and with the ledger. */
export interface Reconciled {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly agrees: boolean;
  /** Null = there is none, or no record of it. */
  readonly sweep: FinishedSweep | null;
  /** Rows on the topic now, newest record of each key, without those that have left the scope. */
  readonly rows: number;
  readonly sums: readonly ComparedSum[];
  readonly differences: readonly Difference[];
  /** Ids that are no difference, for these reasons. */
  readonly apart: {
    /** Published after the sweep had ended, or by another scan while it was under way. */
    readonly later: readonly number[];
    /** Deleted after the sweep had ended: its tombstones follow it. */
    readonly deleted: readonly number[];
    /** Absent from the sweep, and not yet known to be deleted. */
    readonly missing: readonly number[];
    readonly deadLettered: readonly number[];
    /** Published when fingerprints were computed in another way, so that they cannot be compared. */
    readonly olderDefinition: readonly number[];
  };
}

/** What is compared: the records of a stream as they were read, its last finished sweep, and the ledger. */
export interface ReadStream {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly sweep: FinishedSweep | null;
  /** Null = nothing is remembered of the stream. */
  readonly ledger: Pick<Ledger, 'entry' | 'ids'> | null;
  /** Numbers of the definitions that entries may have, oldest first. */
  readonly definitions: readonly number[];
  /** Place of each id in the columns. */
  readonly places: ReadonlyMap<number, number>;
  readonly rows: Columns;
  /** Months and currencies, in the order by which the columns count them. */
  readonly sums: readonly Pick<Sum, 'month' | 'currency'>[];
  /** Sums of the sweep. */
  readonly sweepSums: readonly Sum[];
  /** Amounts that are compared of each sum. */
  readonly amounts: number;
}

interface Total {
  rows: number;
  readonly amounts: bigint[];
}

/** What a comparison row by row has found so far. */
interface Tally {
  readonly differences: Difference[];
  readonly later: number[];
  readonly deleted: number[];
  readonly missing: number[];
  readonly deadLettered: number[];
  readonly olderDefinition: number[];
  /** Sums of the rows on the topic that the sweep must have shown. */
  readonly totals: readonly Total[];
  /** Rows that the sweep may have shown in one way or another. */
  uncertain: number;
  /** Rows on the topic now. */
  now: number;
}

/** Compares a stream that was read. */
export function resultOf(read: ReadStream): Reconciled {
  const { entity, stream, sweep, sums } = read;
  const tally: Tally = {
    differences: [],
    later: [],
    deleted: [],
    missing: [],
    deadLettered: [],
    olderDefinition: [],
    totals: sums.map(() => ({ rows: 0, amounts: Array.from({ length: read.amounts }, () => 0n) })),
    uncertain: 0,
    now: 0,
  };
  compareWithLedger(read, tally);
  compareOutsideLedger(read, tally);
  const { differences, later, deleted, missing, deadLettered, olderDefinition, uncertain } = tally;
  const compared = sums.map((sum, index) => comparedSum(read, sum, tally.totals[index], uncertain));
  const beyond = compared.reduce((total, each) => total + each.sweep.rows - each.topic.rows, 0);
  return {
    entity,
    stream,
    agrees: sweep !== null && differences.length === 0 && beyond <= uncertain && compared.every(({ agrees }) => agrees),
    sweep,
    rows: tally.now,
    sums: sweep === null ? [] : compared.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
    differences: differences.sort((a, b) => a.id - b.id),
    apart: {
      later: later.sort((a, b) => a - b),
      deleted: deleted.sort((a, b) => a - b),
      missing,
      deadLettered,
      olderDefinition,
    },
  };
}

/** Compares every row of the ledger with its newest record. */
function compareWithLedger({ ledger, places, rows, sweep, definitions, amounts }: ReadStream, tally: Tally): void {
  for (const id of ledger?.ids(null, null) ?? []) {
    const entry = ledger?.entry(id);
    const place = places.get(id);
    if (entry === undefined) continue;
    const has = (flag: number): boolean => (entry.flags & flag) !== 0;
    const flags = place === undefined ? SETTLED : rows.flags(place);
    const [live, settled, after] = [(flags & LIVE) !== 0, (flags & SETTLED) !== 0, (flags & AFTER) !== 0];
    if (live && !has(EntryFlag.LEFT)) tally.now += 1;
    if (entry.missing > 0) tally.missing.push(id);
    if (has(EntryFlag.DEAD_LETTERED)) {
      tally.deadLettered.push(id);
      if (entry.missing === 0 && !has(EntryFlag.LEFT)) tally.uncertain += 1;
      continue;
    }
    if (has(EntryFlag.PUBLISHED) && !live) differs(tally, id, 'not on the topic', settled);
    else if (place !== undefined && live && !rows.is(place, entry.fingerprint)) {
      if (entry.definition !== (definitions[0] ?? entry.definition)) tally.olderDefinition.push(id);
      else differs(tally, id, 'another fingerprint', settled);
    } else if (after || (place !== undefined && rows.shown(place) === UNKNOWN)) tally.later.push(id);
    if (place === undefined || wasMissing(entry, sweep)) continue;
    // A row with both marks was edited out of the scope, before the sweep or after it.
    if (has(EntryFlag.LEFT) && after) tally.uncertain += 1;
    else count(tally, rows, place, amounts);
  }
}

/** Looks at the rows on the topic that the ledger does not have. */
function compareOutsideLedger({ ledger, places, rows, amounts }: ReadStream, tally: Tally): void {
  for (const [id, place] of places) {
    if (ledger?.entry(id) !== undefined) continue;
    const flags = rows.flags(place);
    if ((flags & LIVE) === 0) {
      // Rows that a sweep has shown are deleted after a later sweep only.
      if ((flags & AFTER) !== 0) tally.deleted.push(id);
      continue;
    }
    tally.now += 1;
    differs(tally, id, 'not in the ledger', (flags & SETTLED) !== 0);
    if ((flags & SETTLED) !== 0) count(tally, rows, place, amounts);
  }
}

/** A difference of a record that was written after the ledger was read is none: the row is listed as changed later. */
function differs(tally: Tally, id: number, what: Difference['what'], settled: boolean): void {
  if (settled) tally.differences.push({ id, what });
  else tally.later.push(id);
}

/** Adds the row to the sum in which the sweep must have counted it. */
function count(tally: Tally, rows: Columns, place: number, amounts: number): void {
  const shown = rows.shown(place);
  if (shown === UNKNOWN) tally.uncertain += 1;
  const total = tally.totals[shown];
  if (total === undefined) return;
  total.rows += 1;
  for (let index = 0; index < amounts; index += 1)
    total.amounts[index] = (total.amounts[index] ?? 0n) + BigInt(rows.amount(place, index));
}

function comparedSum(
  { sweepSums, amounts: width }: ReadStream,
  { month, currency }: Pick<Sum, 'month' | 'currency'>,
  total: Total | undefined,
  uncertain: number,
): ComparedSum {
  const { rows, amounts } = sweepSums.find((each) => each.month === month && each.currency === currency) ?? {
    rows: 0,
    amounts: Array.from({ length: width }, () => 0),
  };
  const topic = total ?? { rows: 0, amounts: [] };
  const exact = amounts.every((amount, at) => amount === null || BigInt(amount) === topic.amounts[at]);
  const beyond = rows - topic.rows;
  return {
    month,
    currency,
    sweep: { rows, amounts },
    topic: { rows: topic.rows, amounts: topic.amounts.map(numberOrNull) },
    agrees: beyond === 0 ? exact : beyond > 0 && beyond <= uncertain,
  };
}

/** Whether the sweep did not show the row. */
function wasMissing({ missing }: Entry, sweep: FinishedSweep | null): boolean {
  return missing > 0 && sweep !== null && missing <= sweep.number;
}

function nameOf({ month, currency }: Pick<Sum, 'month' | 'currency'>): string {
  return `${month ?? ''} ${currency ?? ''}`;
}

function numberOrNull(amount: bigint): number | null {
  const value = Number(amount);
  return Number.isSafeInteger(value) ? value : null;
}
