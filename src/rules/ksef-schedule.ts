import type { Following, Worth } from '../model';
import { changedByDayMs, isFollowedByDay, nextReadMs, READ_AFTER_MS, type Followed } from './ksef';
import { DAY_MS } from './scope';
import { IDLE_POLL_MS, WORTH_A_REQUEST } from './stream-schedule';

/** A read that is due is worth as much as it is late, in seconds, up to this: looks for new and unpaid documents grow faster and go first. */
const MOST_INDEX = 20;

/** A spare read grows in worth by one in so many seconds, so that it is made now and then where no request is ever to spare. */
const SPARE_PACE = 10;

interface Due extends Followed {
  readonly dueMs: number;
  /** How it came to be due: by its time, as a webhook or a list says that its state has changed. */
  readonly because: 'time' | 'webhook' | 'list';
  readonly shown: Shown | null;
}

/** What a document was seen to have in KSeF, and when. */
interface Shown {
  readonly what: 'data' | 'nothing';
  readonly atMs: number;
}

/** What reading a document came to. */
export interface ReadOutcome {
  /** It has no number yet. */
  readonly open: boolean;
  /** Its state is not what was published before. */
  readonly isNews: boolean;
  /** What it has in KSeF, as its detail says, or a row with data; absent = that is not known. */
  readonly shown?: Shown['what'];
}

/** The next document to be read. */
export interface NextRead {
  readonly id: number;
  /** Not before this. */
  readonly atMs: number;
  /** It is read although its state may be settled, as a webhook says that KSeF has answered. */
  readonly isAnswered: boolean;
}

/**
 * Which document of one stream is asked next what KSeF says of it: those that changed lately at their times, and in spare requests those that
 * were never read. All of it is memory of this process: after a restart each page that shows a document brings it back.
 */
export class KsefSchedule {
  readonly #readAfterMs: readonly number[];
  readonly #due = new Map<number, Due>();
  /** Documents to be read in spare requests, by the days they are of, in the order in which pages showed them. */
  readonly #unread = new Map<number, string>();
  /** Documents whose state is on its way from elsewhere, and how many times. */
  readonly #held = new Map<number, number>();
  /** When a document was read last that had never been read, or the first such one was shown. */
  #spareMs = 0;
  /** The first of those that are due, as `next` and `worth` ask for it again and again; undefined = it is to be looked for. */
  #known: NextRead | null | undefined;

  constructor(readAfterMs: readonly number[] = READ_AFTER_MS) {
    this.#readAfterMs = readAfterMs;
  }

  /** A page shows a document that KSeF concerns. */
  shown(id: number, day: string, known: Following, nowMs: number): void {
    if (known === 'given-up' || known === 'final' || this.#due.has(id) || this.#unread.has(id)) return;
    if (known === 'unknown') {
      if (this.#unread.size === 0) this.#spareMs = nowMs;
      this.#unread.set(id, day);
      return;
    }
    this.#put(id, {
      changedMs: changedByDayMs(day, nowMs),
      readMs: null,
      dueMs: nowMs,
      because: 'time',
      shown: null,
    });
  }

  /** The row of a document changed, or is new. */
  changed(id: number, nowMs: number): void {
    this.#unread.delete(id);
    this.#follow(id, { changedMs: nowMs, readMs: null }, { because: 'time', shown: null });
  }

  /** A webhook says that KSeF has answered for a document. */
  answered(id: number, nowMs: number): void {
    this.#unread.delete(id);
    this.#put(id, { changedMs: nowMs, readMs: null, dueMs: nowMs, because: 'webhook', shown: null });
  }

  /** A list shows that a document has its number, and not what else there is of it; true once until it is read and changes again. */
  hurry(id: number, nowMs: number): void {
    const before = this.#due.get(id);
    if (before === undefined || before.because !== 'time') return;
    this.#put(id, { ...before, dueMs: Math.min(nowMs, before.dueMs), because: 'list' });
  }

  /** What KSeF says of a document is on its way from elsewhere: it is not asked for until it was released as often as it was held. */
  hold(id: number): void {
    this.#held.set(id, (this.#held.get(id) ?? 0) + 1);
    this.#known = undefined;
  }

  /** What was on its way was added, or came to nothing. */
  release(id: number): void {
    const others = (this.#held.get(id) ?? 1) - 1;
    if (others > 0) this.#held.set(id, others);
    else this.#held.delete(id);
    this.#known = undefined;
  }

  /** Whether a document that is read and stays as it is will not be read again by itself: always, unless its state is news, or never. */
  ends(id: number, nowMs: number): 'always' | 'unless-news' | 'never' {
    const due = this.#due.get(id);
    if (due !== undefined)
      return nextReadMs({ changedMs: due.changedMs, readMs: nowMs }, this.#readAfterMs) === null
        ? 'unless-news'
        : 'never';
    const day = this.#unread.get(id);
    return day !== undefined && !isFollowedByDay(day, nowMs) ? 'always' : 'never';
  }

  /** A document was read. */
  read(id: number, { open, isNews, shown }: ReadOutcome, nowMs: number): void {
    const before = this.#due.get(id);
    const day = this.#unread.get(id);
    if (day !== undefined) this.#spareMs = nowMs;
    this.forget(id);
    if (!open) return;
    const sinceMs = before?.changedMs ?? (day === undefined ? nowMs : changedByDayMs(day, nowMs));
    // What was never read before is no news of now.
    const isChange = isNews && day === undefined;
    const isHurried = !isChange && before?.because === 'list';
    this.#follow(
      id,
      { changedMs: isChange ? nowMs : sinceMs, readMs: nowMs },
      {
        because: isHurried ? 'list' : 'time',
        shown: shown === undefined ? (before?.shown ?? null) : { what: shown, atMs: nowMs },
      },
    );
  }

  /** A document is not to be asked for, unless a page shows it again. */
  forget(id: number): void {
    this.#drop(id);
    this.#unread.delete(id);
  }

  /** The document to be read next, and when; null = there is none. */
  next(nowMs: number): NextRead | null {
    const first = this.#first();
    if (first !== null && first.atMs <= nowMs) return first;
    for (const id of this.#unread.keys()) if (!this.#held.has(id)) return { id, atMs: nowMs, isAnswered: false };
    return first;
  }

  /** Documents within these ids, both included, that are to be read now and that lists may show. */
  wantedWithin(from: number, upTo: number, nowMs: number): readonly number[] {
    const due = [...this.#due].filter(([, { dueMs, because }]) => dueMs <= nowMs && because !== 'webhook');
    const ids = [...due.map(([id]) => id), ...this.#unread.keys()];
    return ids.filter((id) => id >= from && id <= upTo && !this.#held.has(id));
  }

  /** Whether a document is to be read, now or later, and its state is not on its way from elsewhere. */
  isWaiting(id: number): boolean {
    return (this.#due.has(id) || this.#unread.has(id)) && !this.#held.has(id);
  }

  /**
   * What a list's row that has no data of a document comes to: that it is `so`, as its detail said the same within a day; that its detail is to
   * be asked, as also by the last read; or that it `contradicts` what was seen.
   */
  nothingShown(id: number, nowMs: number): 'so' | 'ask' | 'contradicts' {
    const shown = this.#due.get(id)?.shown ?? null;
    if (shown?.what === 'data') return 'contradicts';
    return shown !== null && nowMs - shown.atMs < DAY_MS && this.ends(id, nowMs) === 'never' ? 'so' : 'ask';
  }

  /** What the next read is worth now: what was never read takes the place of an idle look for what is new, and now and then that of another. */
  worth(nowMs: number): Worth {
    const first = this.#first();
    if (first === null || first.atMs > nowMs) {
      const waitedSeconds = Math.max(0, nowMs - this.#spareMs) / 1_000;
      return { index: Math.min(MOST_INDEX, waitedSeconds / SPARE_PACE), late: 0, polledMs: IDLE_POLL_MS, inMs: 0 };
    }
    const lateSeconds = (nowMs - first.atMs) / 1_000;
    return {
      index: Math.max(WORTH_A_REQUEST, Math.min(MOST_INDEX, lateSeconds)),
      late: 0,
      polledMs: 0,
      inMs: 0,
    };
  }

  #first(): NextRead | null {
    if (this.#known !== undefined) return this.#known;
    let first: NextRead | null = null;
    for (const [id, { dueMs, because }] of this.#due)
      if ((first === null || dueMs < first.atMs) && !this.#held.has(id))
        first = { id, atMs: dueMs, isAnswered: because === 'webhook' };
    this.#known = first;
    return first;
  }

  #follow(id: number, followed: Followed, more: Pick<Due, 'because' | 'shown'>): void {
    const dueMs = nextReadMs(followed, this.#readAfterMs);
    if (dueMs === null) this.#drop(id);
    else this.#put(id, { ...followed, ...more, dueMs });
  }

  #put(id: number, due: Due): void {
    this.#due.set(id, due);
    this.#known = undefined;
  }

  #drop(id: number): void {
    this.#due.delete(id);
    this.#known = undefined;
  }
}
