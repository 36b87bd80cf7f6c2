import type { ScanName } from '../model';
import type { ServiceEvent } from '../service/events';

/** What asked for requests: a scan, or `other`, as for whose account it is. */
export type Asker = ScanName | 'other';

/** The requests of the last hour, by minute and by what asked for them. */
export interface RequestHour {
  /** When each minute began, the oldest first. */
  readonly minutesMs: readonly number[];
  /** Requests of each of those minutes. */
  readonly byAsker: Readonly<Record<Asker, readonly number[]>>;
  /** Requests that the API allows in a minute; null = no limit, or none was made yet. */
  readonly limit: number | null;
}

/** All that ask, in the order in which they are shown. */
export const ASKERS: readonly Asker[] = [
  'newest',
  'open',
  'recent',
  'paid',
  'changed',
  'sweep',
  'search',
  'spot',
  'other',
];

const MINUTE_MS = 60_000;
const MINUTES = 60;

/** Counts requests that were sent in a ring of sixty minutes; what is older makes room. */
export class RequestMinutes {
  readonly #counts: readonly Record<Asker, number>[] = Array.from({ length: MINUTES }, none);
  /** The minute that each place of the ring holds. */
  readonly #minutes: number[] = new Array<number>(MINUTES).fill(-1);
  #limit: number | null = null;

  tell(event: ServiceEvent, nowMs: number): void {
    if (event.kind !== 'request') return;
    this.#limit = event.allowance.limit;
    // It waited for its turn and was not sent.
    if (event.waitedMs === null) return;
    const minute = Math.floor(nowMs / MINUTE_MS);
    const counts = this.#counts[minute % MINUTES] ?? none();
    if (this.#minutes[minute % MINUTES] !== minute) Object.assign(counts, none());
    this.#minutes[minute % MINUTES] = minute;
    const asker: Asker = event.scan ?? 'other';
    counts[asker]++;
  }

  /** The sixty minutes up to this one, which is not over yet. */
  hourAt(nowMs: number): RequestHour {
    const last = Math.floor(nowMs / MINUTE_MS);
    const minutes = Array.from({ length: MINUTES }, (_, index) => last - MINUTES + 1 + index);
    const of = (asker: Asker): readonly number[] =>
      minutes.map((minute) =>
        this.#minutes[minute % MINUTES] === minute ? (this.#counts[minute % MINUTES]?.[asker] ?? 0) : 0,
      );
    return {
      minutesMs: minutes.map((minute) => minute * MINUTE_MS),
      byAsker: {
        newest: of('newest'),
        open: of('open'),
        recent: of('recent'),
        paid: of('paid'),
        changed: of('changed'),
        sweep: of('sweep'),
        search: of('search'),
        spot: of('spot'),
        other: of('other'),
      },
      limit: this.#limit,
    };
  }
}

function none(): Record<Asker, number> {
  return { newest: 0, open: 0, recent: 0, paid: 0, changed: 0, sweep: 0, search: 0, spot: 0, other: 0 };
}
