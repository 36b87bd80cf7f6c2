import type { Worth } from '../model';
import { changedByDayMs, nextReadMs, READ_AFTER_MS, type Followed } from './ksef';
import { IDLE_POLL_MS, WORTH_A_REQUEST } from './stream-schedule';

/** A read that is due is worth as much as it is late, in seconds, up to this: looks for new and unpaid documents grow faster and go first. */
const MOST_INDEX = 20;

/** What the ledger says of a document's state in KSeF: never read or to be published again, read and open, or settled. */
export type KsefKnown = 'unknown' | 'followed' | 'left';

interface Due extends Followed {
  readonly dueMs: number;
}

/** The next document to be read. */
export interface NextRead {
  readonly id: number;
  /** Not before this. */
  readonly atMs: number;
}

/**
 * Which document of one stream is asked next what KSeF says of it: those that changed lately at their times, and in spare requests those that
 * were never read. All of it is memory of this process: after a restart each page that shows a document brings it back.
 */
export class KsefSchedule {
  readonly #readAfterMs: readonly number[];
  readonly #due = new Map<number, Due>();
  /** Documents never read, by the days they are of, in the order in which pages showed them. */
  readonly #unread = new Map<number, string>();

  constructor(readAfterMs: readonly number[] = READ_AFTER_MS) {
    this.#readAfterMs = readAfterMs;
  }

  /** A page shows a document that KSeF concerns. */
  shown(id: number, day: string, known: KsefKnown, nowMs: number): void {
    if (known === 'left' || this.#due.has(id)) return;
    if (known === 'unknown') {
      this.#unread.set(id, day);
      return;
    }
    const changedMs = changedByDayMs(day, nowMs);
    if (nextReadMs({ changedMs, readMs: nowMs }, this.#readAfterMs) === null) return;
    this.#due.set(id, { changedMs, readMs: null, dueMs: nowMs });
  }

  /** The row of a document changed, or is new. */
  changed(id: number, nowMs: number): void {
    this.#unread.delete(id);
    this.#follow(id, { changedMs: nowMs, readMs: null });
  }

  /** A webhook says that KSeF has answered for a document. */
  answered(id: number, nowMs: number): void {
    this.#unread.delete(id);
    this.#due.set(id, { changedMs: nowMs, readMs: null, dueMs: nowMs });
  }

  /** A document was read; `open`: neither has it a number nor was it refused; `isNews`: its state is not what was published before. */
  read(id: number, { open, isNews }: { readonly open: boolean; readonly isNews: boolean }, nowMs: number): void {
    const before = this.#due.get(id);
    const day = this.#unread.get(id);
    this.forget(id);
    if (!open) return;
    const sinceMs = before?.changedMs ?? (day === undefined ? nowMs : changedByDayMs(day, nowMs));
    // What was never read before is no news of now.
    const changedMs = isNews && day === undefined ? nowMs : sinceMs;
    this.#follow(id, { changedMs, readMs: nowMs });
  }

  /** A document is not to be asked for, unless a page shows it again. */
  forget(id: number): void {
    this.#due.delete(id);
    this.#unread.delete(id);
  }

  /** The document to be read next, and when; null = there is none. */
  next(nowMs: number): NextRead | null {
    const first = this.#first();
    if (first !== null && first.atMs <= nowMs) return first;
    for (const id of this.#unread.keys()) return { id, atMs: nowMs };
    return first;
  }

  /** What the next read is worth now: what was never read takes the place of an idle look for what is new, after all others. */
  worth(nowMs: number): Worth {
    const first = this.#first();
    if (first === null || first.atMs > nowMs) return { index: 0, late: 0, polledMs: IDLE_POLL_MS, inMs: 0 };
    const lateSeconds = (nowMs - first.atMs) / 1_000;
    return {
      index: Math.max(WORTH_A_REQUEST, Math.min(MOST_INDEX, lateSeconds)),
      late: 0,
      polledMs: 0,
      inMs: 0,
    };
  }

  #first(): NextRead | null {
    let first: NextRead | null = null;
    for (const [id, { dueMs }] of this.#due) if (first === null || dueMs < first.atMs) first = { id, atMs: dueMs };
    return first;
  }

  #follow(id: number, followed: Followed): void {
    const dueMs = nextReadMs(followed, this.#readAfterMs);
    if (dueMs === null) this.#due.delete(id);
    else this.#due.set(id, { ...followed, dueMs });
  }
}
