import { isObject, textOrNull } from '../json';

/** Sum of the documents of one month and currency; a stream without money has one of these for all its rows. */
export interface Sum {
  /** Null = without a date. */
  readonly month: string | null;
  readonly currency: string | null;
  readonly rows: number;
  /** One per field that is summed, in minor units; null = larger than a number holds exactly. */
  readonly amounts: readonly (number | null)[];
}

/** A finished sweep, as its record on the topic of sweeps says. */
export interface FinishedSweep {
  readonly number: number;
  /** `YYYY-MM-DD`, inclusive; null = unbounded. */
  readonly from: string | null;
  readonly to: string | null;
  readonly startedAt: string;
  readonly finishedAt: string;
  /** When its last page was compared with the ledger, by the clock that records are stamped with. */
  readonly observedAt: string;
  readonly rows: number;
  readonly sums: readonly Sum[];
}

/** Reads the decoded record of a finished sweep; undefined = it is a record of another kind. */
export function finishedSweepOf(value: unknown, sumFields: readonly string[]): FinishedSweep | undefined {
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

/** The value where it is an integer that a number holds exactly, else 0. */
export function amountOf(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : 0;
}
