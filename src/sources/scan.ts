import {
  asapScheduler,
  defer,
  EMPTY,
  expand,
  filter,
  finalize,
  map,
  mergeMap,
  type Observable,
  of,
  subscribeOn,
  take,
  throwIfEmpty,
} from 'rxjs';
import type { Answer, Interval, Page, Position, Query, Row } from '../model';
import { idOf, judge, judgeAlone, judgeSpot, startPosition, type PageVerdict } from '../rules/paging';
import { isWithin, type Filters } from '../rules/scope';
import { holdCredit, type Release } from './credits';

/** How one list is read: what is asked for, and by whom. */
export interface ReadOptions {
  readonly query: Query;
  /** What the list can be filtered by. */
  readonly filters: Filters;
  readonly limit: number;
}

export interface ScanOptions extends ReadOptions {
  /** One page, retried already; its errors pass through. Unsubscribing aborts it. */
  readonly ask: (offset: number, position: Position) => Observable<Answer>;
  /** Where the walk starts or goes on. */
  readonly position: Position;
  /** As of `Paging`. */
  readonly confirmsEnd?: boolean;
  /** Whether the walk may end with this page although the list goes on; default never. */
  readonly enough?: (page: Page) => boolean;
  /** Awaited before the first request for a page; resolves with what gives the credit back. */
  readonly credit: () => Promise<Release>;
  /** Checked before each request; once true, the scan completes without its end page. */
  readonly stop: AbortSignal;
}

/** One page, with the credit that it took: whoever has handled the page calls `release`. */
export interface ScanStep {
  readonly page: Page;
  readonly release: Release;
}

/**
 * One walk over a query as pages whose intervals tile the id line. While a page is being handled the next one is asked
 * for already: only credits bound how far ahead. A credit that went out with no page is given back when the scan ends,
 * fails, is stopped or unsubscribed.
 */
export function scan(options: ScanOptions): Observable<ScanStep> {
  const { query, position, limit, ask, stop, confirmsEnd = false, enough = () => false } = options;
  return defer(() => {
    const credit = holdCredit(options.credit);
    const advance = (from: Position) => (answer: Answer) => {
      const verdict = judge(from, answer, { limit, order: query.order, confirmsEnd });
      const page = verdict.kind === 'proved' ? pageOf(verdict, { ...answer, offset: from.offset }, options) : null;
      return { position: verdict.next, page: page !== null && enough(page) ? { ...page, end: true } : page };
    };
    const start: { readonly position: Position; readonly page: Page | null } = { position, page: null };
    return of(start).pipe(
      expand((at) => {
        if (at.page?.end === true || stop.aborted) return EMPTY;
        // The promise also is the async boundary without which a long `expand` that is synchronous throughout dies in silence.
        return defer(credit.take).pipe(
          mergeMap(() =>
            stop.aborted
              ? EMPTY
              : ask(at.position.offset, at.position).pipe(take(1), throwIfEmpty(), map(advance(at.position))),
          ),
        );
      }, 1),
      map(({ page }) => page),
      filter((page) => page !== null),
      map((page) => ({ page, release: credit.pass() })),
      finalize(credit.close),
    );
  });
}

/**
 * An answer as a page of its own, which no walk goes on from; null = it shows no row. Where it reaches the end by the list's own total,
 * `believesEnd` says whether that counts: a server that gives fewer rows than asked for may count only those.
 */
export function lonePage(
  offset: number,
  answer: Answer,
  { query, filters, believesEnd }: Omit<ReadOptions, 'limit'> & { readonly believesEnd: boolean },
): Page | null {
  const isEnd = believesEnd && offset + answer.rows.length >= answer.totalCount;
  const alone = judgeAlone(offset, answer, { order: query.order, isEnd });
  if (alone === null) return null;
  const inside = alone.rows.filter((row) => isWithin(filters, query, row));
  const { totalCount, began, ended } = answer;
  return {
    rows: inside,
    strays: [],
    outsideQuery: alone.rows.length - inside.length,
    interval: alone.interval,
    totalCount,
    began,
    ended,
    ...placeOf(answer, offset),
    next: startPosition(),
    end: false,
  };
}

/** Where an answer lies in its list, if its first and last row have ids, and when it was asked for. */
export function placeOf({ rows, unreadable, askedMs }: Answer, offset: number): Pick<Page, 'place' | 'askedMs'> {
  const first = idOf(rows[0]);
  const last = idOf(rows.at(-1));
  const isKnown = unreadable === undefined && first !== null && last !== null;
  return {
    ...(isKnown && { place: { offset, rows: rows.length, first, last } }),
    ...(askedMs !== undefined && { askedMs }),
  };
}

export interface SpotReadOptions extends ReadOptions {
  /** One request, retried already; its errors pass through. Unsubscribing aborts it. */
  readonly ask: (offset: number) => Observable<Answer>;
  readonly id: number;
  /** How many rows are thought to come before the id, in the query's order. */
  readonly rank: number;
}

/** What the list said of one id. */
export interface SpotRead {
  /** The row as this answer showed it; null = proven not to be in the query. */
  readonly found: Row | null;
  /** The id alone; the neighbours that the answer showed are left out. */
  readonly interval: Interval;
  readonly began: number;
  readonly ended: number;
}

/** Reads one row out of a list: begins where its rank says and steps until one answer settles it; emits once. */
export function spotRead({ id, rank, query, filters, limit, ask }: SpotReadOptions): Observable<SpotRead> {
  const advance = (from: Position) => (answer: Answer) => {
    const verdict = judgeSpot(id, from, answer, { limit, order: query.order });
    if (verdict.kind === 'step') return { position: verdict.next, spot: null };
    const found = verdict.found !== null && isWithin(filters, query, verdict.found) ? verdict.found : null;
    const { began, ended } = answer;
    return { position: from, spot: { found, interval: { after: id - 1, upTo: id }, began, ended } };
  };
  const start: { readonly position: Position; readonly spot: SpotRead | null } = {
    position: { ...startPosition(), offset: Math.max(0, rank - Math.floor(limit / 2)) },
    spot: null,
  };
  return of(start).pipe(
    expand(({ position, spot }) => {
      if (spot !== null) return EMPTY;
      return defer(() => ask(position.offset)).pipe(
        subscribeOn(asapScheduler),
        take(1),
        throwIfEmpty(),
        map(advance(position)),
      );
    }, 1),
    map(({ spot }) => spot),
    filter((spot) => spot !== null),
  );
}

function pageOf(
  { interval, rows, strays, next, end, miscounted, unreadable }: Extract<PageVerdict, { kind: 'proved' }>,
  answer: Answer & { readonly offset: number },
  { query, filters }: ReadOptions,
): Page {
  const { totalCount, began, ended } = answer;
  const cappedAt = end ? null : cappedAtOf(answer);
  const inside = rows.filter((row) => isWithin(filters, query, row));
  const outsideQuery = rows.length - inside.length;
  const told = {
    ...(miscounted !== null && { miscounted }),
    ...(unreadable !== null && { unreadable }),
    ...(cappedAt !== null && { cappedAt }),
  };
  const read = { totalCount, began, ended, ...placeOf(answer, answer.offset) };
  return { rows: inside, strays, outsideQuery, ...told, interval, ...read, next, end };
}

/** Rows of an answer that are fewer than asked for although the list goes on behind them; null = they are not. */
function cappedAtOf({ rows, asked, totalCount, offset }: Answer & { readonly offset: number }): number | null {
  const isCapped = asked !== undefined && rows.length > 1 && rows.length < asked && offset + rows.length < totalCount;
  return isCapped ? rows.length : null;
}
