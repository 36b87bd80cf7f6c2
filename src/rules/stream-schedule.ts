import type { CountedList, ProvenScan, Worth } from '../model';
import { Rate } from './rate';
import { pagesOf, type TimedScan, type WalkedScan } from './rhythm';
import { isProvenScan } from './scope';

/** A change by what it says of where changes are. */
export type FoundChange = 'new' | 'paid' | 'deleted' | 'edited-open' | 'edited-recent' | 'edited-old';

/** An index from which on a request is made, if the allowance has one: half a second of delay, by weight. */
export const WORTH_A_REQUEST = 0.5;
/** A look for what is new is made so often where the allowance has a request to spare. */
export const IDLE_POLL_MS = 15_000;

/** Whether a scheduled request is wanted now, where the allowance has one. */
export function isWanted({ index, late, polledMs }: Worth): boolean {
  return index >= WORTH_A_REQUEST || late >= 1 || polledMs >= IDLE_POLL_MS;
}

/** What a minute's delay of a change weighs: a new document is waited for, an edit seldom. */
export const WEIGHTS: Readonly<Record<FoundChange, number>> = {
  new: 16,
  paid: 4,
  deleted: 0.5,
  'edited-open': 1,
  'edited-recent': 1,
  'edited-old': 1,
};
/** A deletion that no total shows is found by walks. */
const DELETED_BY_WALK = 1.5;
/** The same where a look at a list by a proven filter shows the change itself, without a search or a walk over other rows. */
const WEIGHT_BY_FILTER = 16;
/** A look at one page of the unpaid ones and a search are as cheap as walks over so many pages. */
const PAGES_OF_A_SEARCH = 2;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Nothing is read again before this, unless its guarantee is shorter. */
export const LEAST_AGE_MS = 3_000;
/** Nothing counts as older than this, so that a list that was never read is no infinite number. */
const MOST_AGE_MS = 7 * 24 * 60 * MINUTE;
/** What a person or a contradiction asks for comes before everything that is only likely. */
const HURRIED = 1_000_000;
/** Part of a mean that the last of what it is of makes up. */
const LATELY = 0.1;
/** A page that was read when so much of its guarantee was over was read for that reason. */
const NEARLY_LATE = 0.95;
/** What finding a row that left a list weighs, while a search is under way. */
const SEARCH_WEIGHTS: Readonly<Record<CountedList, number>> = { all: 1.5, open: 2 };
/** A search comes before whatever is only likely to show a change, where requests suffice. */
const LEAST_SEARCH_INDEX = 50;

/** A scan's list, page by page. */
interface Lane {
  rows: number;
  pages: number;
  /** When each page was read last. */
  readAtMs: number[];
  /** When the last whole walk began: pages that were not there then count as read then. */
  sinceMs: number;
  /** When the walk under way began, and how long the last one took. */
  beganMs: number;
  walkMs: number;
  /** How old its pages were when they were read again, lately and in the mean; null = none was read twice. */
  agedMs: number | null;
  isHurried: boolean;
  /** Of a scan by a filter: whether that is proven. */
  isUsed: boolean;
  rate: Rate;
}

interface Total {
  polledMs: number;
  isTrusted: boolean;
  readonly rate: Rate;
}

/** The list whose total a page of a scan shows; null = none that is compared. */
export function listOfScan(scan: WalkedScan): CountedList | null {
  if (scan === 'recent' || isProvenScan(scan)) return null;
  return scan === 'open' ? 'open' : 'all';
}

/** What a schedule starts from. */
export interface StreamScheduleOptions {
  readonly scans: readonly TimedScan[];
  /** The age of what is known by each scan that is not exceeded while the allowance suffices, in milliseconds. */
  readonly guarantees: Readonly<Record<TimedScan, number>>;
  /** Rows asked for in one page. */
  readonly limit: number;
  /** When the last walk of a scan began; null = there was none. */
  readonly startedMs: (scan: TimedScan) => number | null;
  readonly nowMs: number;
}

/**
 * What each scan of one stream is worth reading next, from what was read when, and what was found.
 *
 * The next page of a list of c pages, read so long ago, on which changes of such weight are found a minute, is worth rate x age^2 / c: walks
 * then come as often as makes the mean weighted delay of all changes least. A page that shows the list's total is worth a look for whatever
 * that total tells besides. All of it is memory of this process; times are of whoever calls.
 */
export class StreamSchedule {
  readonly #options: StreamScheduleOptions;
  readonly #lanes = new Map<WalkedScan, Lane>();
  readonly #totals: Readonly<Record<CountedList, Total>>;

  /** When a request's worth was asked for last; at first, later than any time. */
  #askedMs = Infinity;

  constructor(options: StreamScheduleOptions) {
    const { scans, startedMs, nowMs } = options;
    this.#options = options;
    for (const scan of scans) {
      this.#lanes.set(scan, newLane(startedMs(scan) ?? -Infinity, new Rate(WEIGHTS['edited-old'], nowMs), nowMs));
    }
    this.#totals = {
      all: { polledMs: startedMs('newest') ?? -Infinity, isTrusted: true, rate: new Rate(WEIGHTS.new, nowMs) },
      open: { polledMs: startedMs('open') ?? -Infinity, isTrusted: true, rate: new Rate(WEIGHTS.paid, nowMs) },
    };
  }

  /** What a scan's request for the rows from an offset on is worth. */
  worth(scan: WalkedScan, offset: number, nowMs: number): Worth {
    const lane = this.#lane(scan);
    if (nowMs < this.#askedMs) this.#forgetFuture(nowMs);
    this.#askedMs = nowMs;
    const ageMs = ageOf(lane.readAtMs[this.#pageAt(lane, offset)] ?? lane.sinceMs, nowMs);
    const guaranteeMs = this.#guaranteeMs(scan);
    // A filter's list is short because rows are left out, and not because few are changed.
    const rows = isProvenScan(scan) ? this.#rowsOf('sweep') : lane.rows;
    const walk = scan === 'newest' ? 0 : lane.rate.perSecond(rows, lane.walkMs, nowMs) / lane.pages;
    const total = this.#totalOf(scan);
    const look = total === null ? 0 : total.rate.perSecond(this.#rowsOf(scan), 0, nowMs);
    const polledMs = total === null ? 0 : ageOf(total.polledMs, nowMs);
    const leastMs = Math.min(LEAST_AGE_MS, guaranteeMs);
    const waitMs = Math.max(0, leastMs - ageMs);
    const isPoll = scan === 'newest' || (scan === 'open' && this.#totals.open.isTrusted);
    const index = indexOf({ walk, ageMs, look, polledMs });
    const paysInMs = lane.isHurried ? 0 : untilWorth({ walk, ageMs, look, polledMs });
    return {
      index: waitMs > 0 ? 0 : lane.isHurried ? HURRIED + index : index,
      late: ageMs / guaranteeMs,
      polledMs: isPoll && waitMs === 0 ? polledMs : 0,
      inMs: Math.max(waitMs, Math.min(paysInMs, guaranteeMs - ageMs, isPoll ? IDLE_POLL_MS - polledMs : Infinity), 0),
    };
  }

  /** A scan begins a walk. */
  began(scan: WalkedScan, nowMs: number): void {
    this.#lane(scan).beganMs = nowMs;
  }

  /** A page of a scan was answered: its offset, and how many rows the list has by its own total. */
  read(
    scan: WalkedScan,
    { offset, totalCount }: { readonly offset: number; readonly totalCount: number },
    nowMs: number,
  ): void {
    const lane = this.#lane(scan);
    const { limit } = this.#options;
    lane.rows = totalCount;
    lane.pages = scan === 'newest' ? 1 : pagesOf(totalCount, limit);
    lane.readAtMs.length = Math.min(lane.readAtMs.length, lane.pages);
    const page = this.#pageAt(lane, offset);
    const beforeMs = lane.readAtMs[page];
    if (beforeMs !== undefined) {
      const ageMs = ageOf(beforeMs, nowMs);
      lane.agedMs = lane.agedMs === null ? ageMs : lane.agedMs + (ageMs - lane.agedMs) * LATELY;
    }
    lane.readAtMs[page] = nowMs;
    const list = listOfScan(scan);
    if (list !== null && (this.#totals[list].isTrusted || scan === 'newest')) this.polled(list, nowMs);
  }

  /** A list's total was seen, by whatever request. */
  polled(list: CountedList, nowMs: number): void {
    this.#totals[list].polledMs = nowMs;
  }

  /** A walk is over. */
  ended(scan: WalkedScan, nowMs: number): void {
    const lane = this.#lane(scan);
    lane.sinceMs = lane.beganMs;
    lane.walkMs = Math.max(0, nowMs - lane.beganMs);
    lane.isHurried = false;
  }

  /** What the next request of a search in a list is worth: until the search is over, what it looks for waits for a walk. */
  searchWorth(list: CountedList, nowMs: number): Worth {
    const lane = this.#lane(list === 'open' ? 'open' : 'sweep');
    const oldestMs = Math.min(lane.sinceMs, ...Object.values(lane.readAtMs));
    const index = (SEARCH_WEIGHTS[list] * ageOf(oldestMs, nowMs)) / SECOND / (1 + Math.log2(lane.pages));
    return { index: Math.max(LEAST_SEARCH_INDEX, index), late: 0, polledMs: 0, inMs: 0 };
  }

  /**
   * A scan by a filter is made from now on, or no longer. What is known of lists that show the same changes is begun anew, as these are found
   * elsewhere now.
   */
  use(scan: ProvenScan, isUsed: boolean, nowMs: number): void {
    const known = this.#lanes.get(scan);
    if ((known?.isUsed ?? false) === isUsed) return;
    const lane = known ?? newLane(-Infinity, new Rate(WEIGHTS[scan === 'paid' ? 'paid' : 'edited-old'], nowMs), nowMs);
    this.#lanes.set(scan, lane);
    lane.isUsed = isUsed;
    const relieved: readonly TimedScan[] = scan === 'paid' ? ['open'] : ['open', 'recent', 'sweep'];
    for (const each of relieved) {
      const other = this.#lanes.get(each);
      if (other !== undefined) other.rate = new Rate(WEIGHTS['edited-old'], nowMs);
    }
  }

  /** Changes were found, by whatever scan: they count for the cheapest list that could have shown them. */
  found(change: FoundChange, count = 1): void {
    const weight = count * WEIGHTS[change];
    const { all, open } = this.#totals;
    switch (change) {
      case 'new':
        all.rate.found(weight);
        return;
      case 'deleted':
        if (all.isTrusted) all.rate.found(weight);
        else this.#lane('sweep').rate.found(count * DELETED_BY_WALK);
        return;
      case 'paid': {
        const walked = this.#cheapest('open');
        const byFilter = this.#byFilter(['changed', 'paid'], open.isTrusted ? PAGES_OF_A_SEARCH : walked.pages);
        if (byFilter !== null) byFilter.rate.found(count * WEIGHT_BY_FILTER);
        else (open.isTrusted ? open : walked).rate.found(weight);
        return;
      }
      case 'edited-open':
        this.#foundEdit(this.#cheapest('open'), count);
        return;
      case 'edited-recent':
        this.#foundEdit(this.#cheapest('recent'), count);
        return;
      case 'edited-old':
        this.#foundEdit(this.#lane('sweep'), count);
    }
  }

  /** Whether a list's total is compared with the ledger: of one that is not, walks alone find what left it. */
  trust(list: CountedList, isTrusted: boolean): void {
    this.#totals[list].isTrusted = isTrusted;
  }

  isTrusted(list: CountedList): boolean {
    return this.#totals[list].isTrusted;
  }

  /** Lets the next walk of a scan, or the rest of this one, go before everything that is only likely. */
  hurry(scan: TimedScan): void {
    this.#lane(scan).isHurried = true;
  }

  isHurried(scan: WalkedScan): boolean {
    return this.#lane(scan).isHurried;
  }

  /** The change that a row is, by whether the row was and is open, and by its day. */
  kindOf({
    wasOpen,
    isOpen,
    isRecent,
  }: {
    readonly wasOpen: boolean;
    readonly isOpen: boolean;
    readonly isRecent: boolean;
  }): FoundChange {
    if (wasOpen && !isOpen) return 'paid';
    if (isOpen) return 'edited-open';
    return isRecent ? 'edited-recent' : 'edited-old';
  }

  /** How often each scan's pages were read lately and why, for people; of scans whose pages were not read twice yet nothing. */
  figures(nowMs: number): readonly ScanFigures[] {
    return [...this.#lanes].flatMap(([scan, lane]) => {
      const { pages, agedMs } = lane;
      const isGivenUp = isProvenScan(scan) && !lane.isUsed;
      if (agedMs === null || isGivenUp) return [];
      const rate = scan === 'newest' ? 0 : lane.rate.perSecond(lane.rows, lane.walkMs, nowMs);
      const total = this.#totalOf(scan);
      const look = total === null ? 0 : total.rate.perSecond(this.#rowsOf(scan), 0, nowMs);
      const index = indexOf({ walk: rate / pages, look, ageMs: agedMs, polledMs: agedMs / pages });
      const isLate = agedMs >= NEARLY_LATE * this.#guaranteeMs(scan);
      const told = look / (listOfScan(scan) === 'open' ? WEIGHTS.paid : WEIGHTS.new);
      return {
        scan,
        pages,
        everyMs: agedMs,
        pacing: isLate ? 'guarantee' : index < WORTH_A_REQUEST / 2 ? 'look' : 'changes',
        changesPerMinute: 60 * (rate / WEIGHTS['edited-old'] + told),
      };
    });
  }

  #guaranteeMs(scan: WalkedScan): number {
    return this.#options.guarantees[isProvenScan(scan) ? 'open' : scan];
  }

  #lane(scan: WalkedScan): Lane {
    const lane = this.#lanes.get(scan);
    if (lane === undefined) throw new Error(`the stream has no scan ${scan}; this is a bug`);
    return lane;
  }

  /** A clock that was set back delays a scan by no more than one turn. */
  #forgetFuture(nowMs: number): void {
    for (const lane of this.#lanes.values()) {
      lane.sinceMs = Math.min(lane.sinceMs, nowMs);
      lane.readAtMs = lane.readAtMs.map((at) => Math.min(at, nowMs));
    }
    const { all, open } = this.#totals;
    for (const total of [all, open]) total.polledMs = Math.min(total.polledMs, nowMs);
  }

  /** A walk whose rows moved asks for the same page again, some rows before or behind. */
  #pageAt({ pages }: Lane, offset: number): number {
    return Math.min(Math.round(offset / (this.#options.limit - 1)), pages);
  }

  #totalOf(scan: WalkedScan): Total | null {
    const list = listOfScan(scan);
    if (list === null) return null;
    const total = this.#totals[list];
    // Without a total, only a look at the newest rows shows what is new.
    return total.isTrusted || scan === 'newest' ? total : null;
  }

  #rowsOf(scan: WalkedScan): number {
    if (scan === 'open') return this.#lane('open').rows;
    return Math.max(this.#lane('newest').rows, this.#lane('sweep').rows);
  }

  #foundEdit(walked: Lane, count: number): void {
    const byFilter = this.#byFilter(['changed'], walked.pages);
    if (byFilter !== null) byFilter.rate.found(count * WEIGHT_BY_FILTER);
    else walked.rate.found(count * WEIGHTS['edited-old']);
  }

  /** The shortest of the lists by these filters that is read and has no more pages than that; null = there is none. */
  #byFilter(scans: readonly ProvenScan[], pages: number): Lane | null {
    let best: Lane | null = null;
    for (const scan of scans) {
      const lane = this.#lanes.get(scan);
      if (lane?.isUsed === true && lane.pages <= pages && (best === null || lane.pages < best.pages)) best = lane;
    }
    return best;
  }

  /** The shortest list that shows changes of rows which this scan shows. */
  #cheapest(scan: 'open' | 'recent'): Lane {
    const sweep = this.#lane('sweep');
    const lane = this.#lanes.get(scan) ?? sweep;
    return isCheaper(lane.pages, sweep.pages) ? lane : sweep;
  }
}

function newLane(sinceMs: number, rate: Rate, nowMs: number): Lane {
  const times = { readAtMs: [], sinceMs, beganMs: nowMs, walkMs: 0, agedMs: null };
  return { rows: 0, pages: 1, ...times, isHurried: false, isUsed: false, rate };
}

/** What decides how often a page is read: what is found by it, its guarantee, or that there are requests to spare for a look at what is new. */
export type Pacing = 'changes' | 'guarantee' | 'look';

/** A scan, how often its pages are read, and what for. */
export interface ScanFigures {
  readonly scan: WalkedScan;
  readonly pages: number;
  /** From one reading of a page to the next. */
  readonly everyMs: number;
  readonly pacing: Pacing;
  /** Changes a minute that its pages, and the total that they show, are thought to tell of. */
  readonly changesPerMinute: number;
}

function ageOf(sinceMs: number, nowMs: number): number {
  return Math.min(MOST_AGE_MS, Math.max(0, nowMs - sinceMs));
}

/** What a page is worth by. */
export interface Stakes {
  /** Weight of the changes a second that a walk over the page's list finds, by its number of pages. */
  readonly walk: number;
  /** Weight of the changes a second that the list's total tells of; 0 = the page shows no total that tells anything. */
  readonly look: number;
}

interface Ages {
  readonly ageMs: number;
  readonly polledMs: number;
}

/** Delay that a request is thought to save: the longer ago the page was read and its total seen, the more. */
export function indexOf({ walk, ageMs, look, polledMs }: Stakes & Ages): number {
  return walk * (ageMs / SECOND) ** 2 + look * (polledMs / SECOND) ** 2;
}

/** From one reading of a page to the next, in milliseconds, where each page of its list is read once it has come to that index. */
export function intervalAt(index: number, { walk, look }: Stakes, pages: number): number {
  return Math.sqrt(index / (walk + look / pages ** 2)) * SECOND;
}

/** Whether a change that two lists show counts for the first: that of fewer pages, so that looking for it costs the least. */
export function isCheaper(pages: number, otherPages: number): boolean {
  return pages <= otherPages;
}

/** Milliseconds until walk x age^2 + look x polled^2 is worth a request. */
function untilWorth({ walk, ageMs, look, polledMs }: Stakes & Ages): number {
  const [age, polled] = [ageMs / SECOND, polledMs / SECOND];
  const a = walk + look;
  const b = 2 * (walk * age + look * polled);
  const c = indexOf({ walk, ageMs, look, polledMs }) - WORTH_A_REQUEST;
  if (c >= 0) return 0;
  return ((-b + Math.sqrt(b * b - 4 * a * c)) / (2 * a)) * SECOND;
}
