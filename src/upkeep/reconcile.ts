import { isObject, textOrNull } from '../changes/kinds';
import { EntryFlag, type Entry, type Ledger } from '../changes/ledger';
import type { EntityId, StreamDeclaration, StreamName } from '../model';

/** What the documents of one month and currency come to; a stream without money has one of these for all its rows. */
export interface Sum {
  /** Null = without a date. */
  readonly month: string | null;
  readonly currency: string | null;
  readonly rows: number;
  /** One per field that is summed, in minor units; null = larger than can be told exactly. */
  readonly amounts: readonly (number | null)[];
}

/** A finished lap, as the record of it says. */
export interface Lap {
  readonly number: number;
  /** `YYYY-MM-DD`, inclusive; null = unbounded. */
  readonly from: string | null;
  readonly to: string | null;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** When its last page was held against the ledger, by the clock that records are stamped with. */
  readonly observedAt: string;
  readonly rows: number;
  readonly sums: readonly Sum[];
}

/** A record of a data topic. */
export interface TopicRecord {
  readonly id: number;
  /** Decoded; null is a tombstone. */
  readonly value: Readonly<Record<string, unknown>> | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Written before the ledger was read, so that the ledger knows of it. */
  readonly settled: boolean;
}

/** A row whose newest record is not what the ledger says was published. */
export interface Difference {
  readonly id: number;
  readonly what: 'another fingerprint' | 'not on the topic' | 'not in the ledger';
}

/** One month and currency, in the lap and on the topic. */
export interface HeldSum extends Omit<Sum, 'rows' | 'amounts'> {
  readonly lap: Omit<Sum, 'month' | 'currency'>;
  /** Of the rows that the lap must have shown just as they are on the topic. */
  readonly topic: Omit<Sum, 'month' | 'currency'>;
  readonly agrees: boolean;
}

/** How the records of one stream and its last lap hold against each other. */
export interface Reconciled {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly agrees: boolean;
  /** Null = there is none, or no record of it. */
  readonly lap: Lap | null;
  /** Rows on the topic now, newest record of each key, without those that have left the scope. */
  readonly rows: number;
  readonly sums: readonly HeldSum[];
  readonly differences: readonly Difference[];
  /** Ids that say nothing against the lap, for these reasons. */
  readonly apart: {
    /** Published after the lap had ended, or by another scan while it was under way. */
    readonly later: readonly number[];
    /** Absent from the lap, and not yet known to be deleted. */
    readonly missing: readonly number[];
    readonly deadLettered: readonly number[];
    /** Published when fingerprints were computed in another way, so that they cannot be compared. */
    readonly olderDefinition: readonly number[];
  };
}

/** Holds a stream's records, as they are read, against its last lap and the ledger. */
export interface Reconciliation {
  /** Records in the order of the topic's partitions. */
  add(record: TopicRecord): void;
  result(): Reconciled;
}

/** What a reconciliation is about. */
export interface ReconciliationOptions {
  readonly entity: EntityId;
  readonly declaration: Pick<StreamDeclaration, 'name' | 'scopeField' | 'sumFields'>;
  readonly lap: Lap | null;
  /** Null = nothing is remembered of the stream. */
  readonly ledger: Pick<Ledger, 'entry' | 'ids'> | null;
  /** Numbers of the definitions that entries may have, oldest first. */
  readonly definitions: readonly number[];
}

/** How the lap must have shown a row; a number from 0 on is the sum that it counts in. */
const NOT_SHOWN = -1;
const UNKNOWN = -2;
const OUTSIDE = -3;

/** Bits of a row. */
const LIVE = 1;
const SETTLED = 2;
const AFTER = 4;
const BY_SWEEP = 8;

/**
 * Begins a reconciliation. Of each row it keeps a few numbers: its newest record's fingerprint, and what it was when the lap passed.
 *
 * Of a row's records the lap has shown the one that it published itself, or else the newest from before it began. A record that another scan
 * published while the lap was under way may or may not have been there yet when the lap passed: such a row is uncertain, as is a dead letter.
 * The lap agrees if what it has beyond the certain rows is no more than the uncertain ones.
 */
export function reconcile({ entity, declaration, lap, ledger, definitions }: ReconciliationOptions): Reconciliation {
  const { scopeField, sumFields } = declaration;
  const places = new Map<number, number>();
  const sums: { readonly month: string | null; readonly currency: string | null }[] = [];
  const sumPlaces = new Map<string, number>();
  const rows = createColumns(sumFields.length);
  // A lap whose sums did not fit its record is held by its rows alone.
  const bySum = sumFields.length > 0 && (lap === null || lap.rows === 0 || lap.sums.length > 0);
  const amountFields = bySum ? sumFields : [];

  const sumOf = (month: string | null, currency: string | null): number => {
    const name = `${month ?? ''} ${currency ?? ''}`;
    const known = sumPlaces.get(name);
    if (known !== undefined) return known;
    sums.push({ month, currency });
    sumPlaces.set(name, sums.length - 1);
    return sums.length - 1;
  };
  const lapSums = bySum ? (lap?.sums ?? []) : [{ month: null, currency: null, rows: lap?.rows ?? 0, amounts: [] }];
  for (const { month, currency } of lapSums) sumOf(month, currency);

  /** Which sum of the lap the value counts in. */
  function shownAs(value: Readonly<Record<string, unknown>>): number {
    const date = scopeField === null ? null : textOrNull(value[scopeField]);
    const { from, to } = lap ?? { from: null, to: null };
    const within = date === null ? from === null && to === null : (from ?? date) <= date && date <= (to ?? date);
    if (scopeField !== null && !within) return OUTSIDE;
    return bySum ? sumOf(date === null ? null : date.slice(0, 7), textOrNull(value['currency'])) : 0;
  }

  function add({ id, value, headers, settled }: TopicRecord): void {
    const isNew = !places.has(id);
    const place = places.get(id) ?? rows.add();
    if (isNew) places.set(id, place);
    const observedAt = headers['observed_at'] ?? '';
    const after = lap !== null && observedAt > lap.observedAt;
    const during = lap !== null && !after && observedAt > lap.startedAt;
    const bySweep = headers['scan'] === 'sweep';
    const before = isNew ? 0 : rows.flags(place);
    if (isNew) rows.show(place, NOT_SHOWN, []);
    if (!after) {
      if (value === null) rows.show(place, NOT_SHOWN, []);
      else if (!during || bySweep)
        rows.show(
          place,
          shownAs(value),
          amountFields.map((field) => amountOf(value[field])),
        );
      else if ((before & BY_SWEEP) === 0) rows.show(place, UNKNOWN, []);
    }
    const shownBySweep = during && bySweep && value !== null ? BY_SWEEP : during ? before & BY_SWEEP : before;
    rows.write(
      place,
      headers['fingerprint'] ?? '',
      (value === null ? 0 : LIVE) | (settled ? SETTLED : 0) | (after ? AFTER : 0) | (shownBySweep & BY_SWEEP),
    );
  }

  function result(): Reconciled {
    const differences: Difference[] = [];
    const later: number[] = [];
    const missing: number[] = [];
    const deadLettered: number[] = [];
    const olderDefinition: number[] = [];
    const totals = sums.map(() => ({ rows: 0, amounts: amountFields.map(() => 0n) }));
    let uncertain = 0;
    let now = 0;

    const count = (place: number): void => {
      const shown = rows.shown(place);
      if (shown === UNKNOWN) uncertain += 1;
      const total = totals[shown];
      if (total === undefined) return;
      total.rows += 1;
      for (const [index] of amountFields.entries())
        total.amounts[index] = (total.amounts[index] ?? 0n) + BigInt(rows.amount(place, index));
    };
    const differs = (id: number, what: Difference['what'], settled: boolean): void => {
      if (settled) differences.push({ id, what });
      else later.push(id);
    };

    for (const id of ledger?.ids(null, null) ?? []) {
      const entry = ledger?.entry(id);
      const place = places.get(id);
      if (entry === undefined) continue;
      const has = (flag: number): boolean => (entry.flags & flag) !== 0;
      const flags = place === undefined ? SETTLED : rows.flags(place);
      const [live, settled, after] = [(flags & LIVE) !== 0, (flags & SETTLED) !== 0, (flags & AFTER) !== 0];
      if (live && !has(EntryFlag.LEFT)) now += 1;
      if (entry.missing > 0) missing.push(id);
      if (has(EntryFlag.DEAD_LETTERED)) {
        deadLettered.push(id);
        if (entry.missing === 0 && !has(EntryFlag.LEFT)) uncertain += 1;
        continue;
      }
      if (has(EntryFlag.PUBLISHED) && !live) differs(id, 'not on the topic', settled);
      else if (place !== undefined && live && !rows.is(place, entry.fingerprint)) {
        if (entry.definition !== (definitions[0] ?? entry.definition)) olderDefinition.push(id);
        else differs(id, 'another fingerprint', settled);
      } else if (after || (place !== undefined && rows.shown(place) === UNKNOWN)) later.push(id);
      if (place === undefined || wasMissing(entry, lap)) continue;
      // An edit took it out of the scope, before the lap or after it.
      if (has(EntryFlag.LEFT) && after) uncertain += 1;
      else count(place);
    }
    for (const [id, place] of places) {
      if (ledger?.entry(id) !== undefined) continue;
      const flags = rows.flags(place);
      if ((flags & LIVE) === 0) {
        // Rows that a lap has shown are deleted after a later one only.
        if ((flags & AFTER) !== 0) later.push(id);
        continue;
      }
      now += 1;
      differs(id, 'not in the ledger', (flags & SETTLED) !== 0);
      if ((flags & SETTLED) !== 0) count(place);
    }

    const held = sums.map(({ month, currency }, index): HeldSum => {
      const nothing = { rows: 0, amounts: amountFields.map(() => 0) };
      const { rows: lapRows, amounts } =
        lapSums.find((each) => each.month === month && each.currency === currency) ?? nothing;
      const total = totals[index] ?? { rows: 0, amounts: [] };
      const exact = amounts.every((amount, at) => amount === null || BigInt(amount) === total.amounts[at]);
      const beyond = lapRows - total.rows;
      return {
        month,
        currency,
        lap: { rows: lapRows, amounts },
        topic: { rows: total.rows, amounts: total.amounts.map(numberOrNull) },
        agrees: beyond === 0 ? exact : beyond > 0 && beyond <= uncertain,
      };
    });
    const beyond = held.reduce((sum, each) => sum + each.lap.rows - each.topic.rows, 0);
    return {
      entity,
      stream: declaration.name,
      agrees: lap !== null && differences.length === 0 && beyond <= uncertain && held.every(({ agrees }) => agrees),
      lap,
      rows: now,
      sums: lap === null ? [] : held.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1)),
      differences: differences.sort((a, b) => a.id - b.id),
      apart: { later: later.sort((a, b) => a - b), missing, deadLettered, olderDefinition },
    };
  }

  return { add, result };
}

/** A lap as its record has it, decoded; undefined where that is another kind of record. */
export function lapOf(value: unknown, sumFields: readonly string[]): Lap | undefined {
  if (!isObject(value)) return undefined;
  const { number, rows, sums } = value;
  const [startedAt, finishedAt, observedAt] = [value['started_at'], value['finished_at'], value['observed_at']].map(
    textOrNull,
  );
  if (typeof number !== 'number' || typeof rows !== 'number') return undefined;
  if (startedAt == null || finishedAt == null || observedAt == null) return undefined;
  return {
    number,
    from: textOrNull(value['from']),
    to: textOrNull(value['to']),
    startedAt,
    finishedAt,
    observedAt,
    rows,
    sums: (Array.isArray(sums) ? sums : []).filter(isObject).map((sum) => ({
      month: textOrNull(sum['month']),
      currency: textOrNull(sum['currency']),
      rows: amountOf(sum['rows']),
      amounts: sumFields.map((field) => (typeof sum[field] === 'number' ? sum[field] : null)),
    })),
  };
}

/** Whether the lap did not show the row. */
function wasMissing({ missing }: Entry, lap: Lap | null): boolean {
  return missing > 0 && lap !== null && missing <= lap.number;
}

function nameOf({ month, currency }: Pick<Sum, 'month' | 'currency'>): string {
  return `${month ?? ''} ${currency ?? ''}`;
}

function amountOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : 0;
}

function numberOrNull(amount: bigint): number | null {
  const value = Number(amount);
  return Number.isSafeInteger(value) ? value : null;
}

/** The rows of a stream in columns: a million of them take about 50 MB, whatever they hold. */
function createColumns(width: number) {
  let size = 0;
  let capacity = 1_024;
  let fingerprints = new BigUint64Array(capacity);
  let flags = new Uint8Array(capacity);
  let shown = new Int32Array(capacity);
  let amounts = new Float64Array(capacity * width);
  const spelled = (fingerprint: string): bigint =>
    /^[0-9a-f]{16}$/.test(fingerprint) ? BigInt(`0x${fingerprint}`) : 0n;
  const longer = <T extends { set(from: T): void }>(column: T, make: (length: number) => T, length: number): T => {
    const grown = make(length);
    grown.set(column);
    return grown;
  };
  return {
    add(): number {
      if (size === capacity) {
        capacity *= 2;
        fingerprints = longer(fingerprints, (length) => new BigUint64Array(length), capacity);
        flags = longer(flags, (length) => new Uint8Array(length), capacity);
        shown = longer(shown, (length) => new Int32Array(length), capacity);
        amounts = longer(amounts, (length) => new Float64Array(length), capacity * width);
      }
      size += 1;
      return size - 1;
    },
    write(place: number, fingerprint: string, bits: number): void {
      fingerprints[place] = spelled(fingerprint);
      flags[place] = bits;
    },
    show(place: number, as: number, values: readonly number[]): void {
      shown[place] = as;
      amounts.set(values, place * width);
    },
    is: (place: number, fingerprint: string): boolean => fingerprints[place] === spelled(fingerprint),
    flags: (place: number): number => flags[place] ?? 0,
    shown: (place: number): number => shown[place] ?? NOT_SHOWN,
    amount: (place: number, index: number): number => amounts[place * width + index] ?? 0,
  };
}
