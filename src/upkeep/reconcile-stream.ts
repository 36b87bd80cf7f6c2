import { currencyInSums } from '../rules/cursor';
import type { Ledger } from '../changes/ledger';
import { textOrNull } from '../json';
import type { EntityId, StreamDeclaration } from '../model';
import { amountOf, type FinishedSweep } from './finished-sweep';
import { AFTER, BY_SWEEP, createColumns, LIVE, NOT_SHOWN, OUTSIDE, SETTLED, UNKNOWN } from './reconcile-columns';
import { resultOf, type Reconciled } from './reconcile-result';

/** A record of a data topic. */
export interface TopicRecord {
  readonly id: number;
  /** Decoded; null is a tombstone. */
  readonly value: Readonly<Record<string, unknown>> | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Written before the ledger was read, so that the ledger knows of it. */
  readonly settled: boolean;
}

/** Compares a stream's records, as they are read, with its last finished sweep and with the ledger. */
export interface Reconciliation {
  /** Takes a record; records come in the order of the topic's partitions. */
  add(record: TopicRecord): void;
  result(): Reconciled;
}

/** What a reconciliation is about. */
export interface ReconciliationOptions {
  readonly entity: EntityId;
  readonly declaration: Pick<StreamDeclaration, 'name' | 'scopeField' | 'sumFields'>;
  /** Null = there is none, or no record of it. */
  readonly sweep: FinishedSweep | null;
  /** Null = nothing is remembered of the stream. */
  readonly ledger: Pick<Ledger, 'entry' | 'ids'> | null;
  /** Numbers of the definitions that entries may have, oldest first. */
  readonly definitions: readonly number[];
}

/**
 * Begins a reconciliation of one stream. A few numbers are kept of each row: the fingerprint of its newest record, and how the sweep must
 * have shown it.
 *
 * The sweep has shown the record of a row that it published itself, or else the newest from before it began. A record that another scan
 * published while the sweep was under way may have come before or after the sweep reached the row: such a row is uncertain, as is a dead
 * letter. The sweep agrees if what it has beyond the certain rows is no more than the uncertain ones.
 */
export function reconcileStream(options: ReconciliationOptions): Reconciliation {
  const { entity, declaration, sweep, ledger, definitions } = options;
  const { scopeField, sumFields } = declaration;
  const places = new Map<number, number>();
  const sums: { readonly month: string | null; readonly currency: string | null }[] = [];
  const sumPlaces = new Map<string, number>();
  const rows = createColumns(sumFields.length);
  // Only the rows are compared of a sweep whose sums did not fit its record.
  const bySum = sumFields.length > 0 && (sweep === null || sweep.rows === 0 || sweep.sums.length > 0);
  const amountFields = bySum ? sumFields : [];

  const sumOf = (month: string | null, currency: string | null): number => {
    const name = `${month ?? ''} ${currency ?? ''}`;
    const known = sumPlaces.get(name);
    if (known !== undefined) return known;
    sums.push({ month, currency });
    sumPlaces.set(name, sums.length - 1);
    return sums.length - 1;
  };
  const sweepSums = bySum
    ? (sweep?.sums ?? [])
    : [{ month: null, currency: null, rows: sweep?.rows ?? 0, amounts: [] }];
  for (const { month, currency } of sweepSums) sumOf(month, currency);

  /** Which sum of the sweep the value counts in. */
  function shownAs(value: Readonly<Record<string, unknown>>): number {
    const date = scopeField === null ? null : textOrNull(value[scopeField]);
    const { from, to } = sweep ?? { from: null, to: null };
    const within = date === null ? from === null && to === null : (from ?? date) <= date && date <= (to ?? date);
    if (scopeField !== null && !within) return OUTSIDE;
    return bySum ? sumOf(date === null ? null : date.slice(0, 7), textOrNull(currencyInSums(value['currency']))) : 0;
  }

  function add({ id, value, headers, settled }: TopicRecord): void {
    const isNew = !places.has(id);
    const place = places.get(id) ?? rows.add();
    if (isNew) places.set(id, place);
    const observedAt = headers['observed_at'] ?? '';
    const after = sweep !== null && observedAt > sweep.observedAt;
    const during = sweep !== null && !after && observedAt > sweep.startedAt;
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

  return {
    add,
    result: () =>
      resultOf({
        entity,
        stream: declaration.name,
        sweep,
        ledger,
        definitions,
        places,
        rows,
        sums,
        sweepSums,
        amounts: amountFields.length,
      }),
  };
}
