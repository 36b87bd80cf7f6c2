import type { CountedList, PagePlace, Query } from '../model';

/** What the ledger says of a list. */
export interface Ranks {
  /** Rows that the list should have. */
  sizeOf(list: CountedList): number;
  /** Rows that it should have before an id, ascending. */
  rank(id: number, list: CountedList): number;
}

/** A page's place in its list against the ledger, in offsets that ascend by id whatever the order of the page. */
export interface PageCount {
  readonly list: CountedList;
  /** Offset of the page's lowest row, and the one behind its highest. */
  readonly from: number;
  readonly to: number;
  readonly total: number;
  /** Rows that the list has more (or, negative, fewer) than the ledger, below the page and above it. */
  readonly below: number;
  readonly above: number;
}

/** Counts a page against the ledger, which must be up to the page: what differs then is elsewhere in the list. */
export function countPage(
  ranks: Ranks,
  list: CountedList,
  { offset, rows, first, last }: PagePlace,
  { total, order }: { readonly total: number; readonly order: Query['order'] },
): PageCount {
  const isUp = order === 'asc';
  const from = isUp ? offset : total - offset - rows;
  const to = from + rows;
  const [lowest, highest] = isUp ? [first, last] : [last, first];
  const below = from - ranks.rank(lowest, list);
  const above = total - to - (ranks.sizeOf(list) - ranks.rank(highest, list) - 1);
  return { list, from, to, total, below, above };
}

/** Rows of a list between two offsets, of which so many came (or, negative, went) that the ledger does not know of. */
interface Gap {
  readonly from: number;
  readonly to: number;
  readonly difference: number;
}

/** Requests that one search may make. */
export const MOST_REQUESTS = 60;
/** The rest after a search that found nothing; each in a row is followed by twice as long a one. */
export const FIRST_REST_MS = 4_000;
const LONGEST_REST_MS = 60 * 60_000;
/** What changes while it is searched for may be missed; so many searches in a row do not miss it. */
const FRUITLESS_MOST = 3;

type FinderState =
  | { readonly name: 'watching' }
  /** Looks into the gaps, the last one first; `difference`: by how much the list's total differed on the page that was looked at last. */
  | {
      readonly name: 'searching';
      readonly gaps: readonly Gap[];
      readonly difference: number;
      readonly requests: number;
      readonly found: number;
    };

/** What became of a search. */
export type SearchEnd =
  | 'found'
  /** Nothing was found: the list's totals and ranks say what its rows do not show. */
  | 'fruitless'
  /** So much changed that a walk over the whole list costs less. */
  | 'walk';

/**
 * Finds rows that came to a list or left it, by the list's totals and the ranks of its rows: any page says how many there are below and above
 * it, and half of what is left to look at is asked for next. It only chooses what to read, and proves nothing.
 *
 * A search makes at most `MOST_REQUESTS`. After one that found nothing the next search waits, twice as long each time, and after three the
 * difference that is left counts as the list's own.
 */
export class Finder {
  readonly #limit: number;
  #state: FinderState = { name: 'watching' };
  /** By how much the list's total differs without anything being found. */
  #bias = 0;
  #failures = 0;
  #restsUntilMs = -Infinity;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isSearching(): boolean {
    return this.#state.name === 'searching';
  }

  /** Takes in a page of the list; true = there is something to search for now. Pages of a search are told to `looked`. */
  note(count: PageCount, nowMs: number): boolean {
    if (this.#state.name === 'searching' || nowMs < this.#restsUntilMs) return false;
    const { below, above, from, to, total } = count;
    const difference = below + above;
    if (difference === this.#bias && (this.#bias !== 0 || below === 0)) return false;
    const gaps: Gap[] = [];
    if (below !== 0) gaps.push({ from: 0, to: from, difference: below });
    if (above !== this.#bias) gaps.push({ from: to, to: total, difference: above - this.#bias });
    if (gaps.length === 0) return false;
    this.#state = { name: 'searching', gaps, difference, requests: 0, found: 0 };
    return true;
  }

  /** The offset to ask for next, ascending; or how the search ended. */
  next(nowMs: number): { readonly offset: number } | { readonly end: SearchEnd } {
    const state = this.#state;
    if (state.name !== 'searching') return { end: 'fruitless' };
    const gap = state.gaps.at(-1);
    if (gap === undefined || state.requests >= MOST_REQUESTS) {
      if (state.found > 0) return { end: this.#finish('found', nowMs) };
      const end = this.#finish('fruitless', nowMs);
      if (this.#failures >= FRUITLESS_MOST) this.#bias = state.difference;
      return { end };
    }
    const most = Math.min(MOST_REQUESTS, this.#pagesIn(state.gaps));
    if (state.requests === 0 && this.#costOf(state.gaps) > most) return { end: this.#finish('walk', nowMs) };
    const middle = Math.floor((gap.from + gap.to - this.#limit) / 2);
    return { offset: Math.max(0, middle) };
  }

  /** Takes in the page that `next` asked for, after the ledger is up to it; `found` = it showed a change. Null = the page showed no row. */
  looked(count: PageCount | null, found: number): void {
    const state = this.#state;
    if (state.name !== 'searching') return;
    const difference = count === null ? state.difference : count.below + count.above;
    const gap = state.gaps.at(-1);
    const others = state.gaps.slice(0, -1);
    const parts = gap === undefined || count === null ? [] : this.#partsOf(gap, others, count);
    const sums = { requests: state.requests + 1, found: state.found + found };
    this.#state = { name: 'searching', gaps: [...others, ...parts], difference, ...sums };
  }

  /** Breaks a search off, as where its request failed. */
  stop(nowMs: number): void {
    if (this.#state.name === 'searching') this.#finish('fruitless', nowMs);
  }

  /** The list was walked as a whole and its total was right, or not: then searches rest until it is right again. */
  walked(isRight: boolean): void {
    this.#bias = 0;
    this.#failures = 0;
    this.#restsUntilMs = isRight ? -Infinity : Infinity;
  }

  #finish(end: SearchEnd, nowMs: number): SearchEnd {
    this.#state = { name: 'watching' };
    if (end === 'found') {
      this.#failures = 0;
      return end;
    }
    this.#failures += 1;
    this.#restsUntilMs = nowMs + Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** (this.#failures - 1));
    return end;
  }

  #pagesIn(gaps: readonly Gap[]): number {
    return gaps.reduce((sum, { from, to }) => sum + Math.ceil(Math.max(1, to - from) / this.#limit), 0);
  }

  /** About how many requests bisection takes for what differs. */
  #costOf(gaps: readonly Gap[]): number {
    return gaps.reduce((sum, { from, to, difference }) => {
      const pages = Math.ceil(Math.max(1, to - from) / this.#limit);
      return sum + Math.min(Math.abs(difference), pages) * Math.max(1, Math.log2(pages / Math.abs(difference)));
    }, 0);
  }

  /** What is left of a gap on both sides of a page in it: always less than the gap. What differs elsewhere is in the other gaps. */
  #partsOf(gap: Gap, others: readonly Gap[], { from, to, below, above }: PageCount): readonly Gap[] {
    const sumOf = (gaps: readonly Gap[]): number => gaps.reduce((sum, { difference }) => sum + difference, 0);
    const lower: Gap = {
      from: gap.from,
      to: Math.min(gap.to, from),
      difference: below - sumOf(others.filter((other) => other.to <= gap.from)),
    };
    const upper: Gap = {
      from: Math.max(gap.from, to),
      to: gap.to,
      difference: above - this.#bias - sumOf(others.filter((other) => other.from >= gap.to)),
    };
    const width = gap.to - gap.from;
    return [upper, lower].filter(
      (part) => part.difference !== 0 && part.to > part.from && part.to - part.from < Math.max(1, width),
    );
  }
}
