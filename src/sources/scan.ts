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
import { FatalError, type ParkReason } from '../errors';
import { isWithin, type Filters } from '../rules/scope';
import type { Answer, Interval, Page, Position, Query, Row } from '../model';

/** What one answer is worth: an interval of ids that it proves, or only where to ask next. */
export type Verdict =
  | {
      readonly kind: 'proved';
      readonly interval: Interval;
      /** The rows inside the interval, in the direction of the walk. */
      readonly rows: readonly Row[];
      readonly strays: readonly unknown[];
      readonly end: boolean;
      readonly next: Position;
    }
  | { readonly kind: 'step'; readonly next: Position };

/** How a list is asked for. */
export interface Paging {
  /** Rows asked for; the server may answer with fewer. At least 2, as pages overlap by one row. */
  readonly limit: number;
  readonly order: Query['order'];
}

/** Where every walk starts. */
export function startPosition(): Position {
  return { offset: 0, anchor: null, step: 1, requests: 0, unproven: 0 };
}

/**
 * Judges one answer of an anchored walk: an interval is proved only by a page that joins what was proved before, or by
 * the end of the list.
 *
 * @throws FatalError that parks the stream: rows out of order, no usable id, or no progress
 */
export function judge(position: Position, answer: Answer, paging: Paging): Verdict {
  const { offset, anchor } = position;
  const { order } = paging;
  const { rows, strays, lastAt } = readRows(position, answer, order);
  const firstRow = rows[0];
  const lastRow = rows.at(-1);
  const beyondAnchor = (row: Row) => anchor === null || comesAfter(row.id, anchor, order);

  // Rows in front were deleted, so there may be rows between the anchor and this page.
  if (offset > 0 && (firstRow === undefined || beyondAnchor(firstRow))) return step(stepBack(position, answer, order));

  const end = isEnd(position, answer, paging);
  const reached = lastRow !== undefined && beyondAnchor(lastRow) ? lastRow.id : null;
  if (reached === null && !end) return step(stepForward(position, answer, order));

  const counted = { step: 1, requests: position.requests + 1, unproven: 0 };
  const next =
    reached === null
      ? { ...counted, offset, anchor } // nothing beyond the anchor, and the list ends here
      : { ...counted, offset: offset + lastAt, anchor: reached };
  if (!end) checkProgress(next, answer, order);
  return {
    kind: 'proved',
    interval: intervalOf(anchor, end ? null : reached, order),
    rows: rows.filter(beyondAnchor),
    strays,
    end,
    next,
  };
}

/** What one answer says of a single id: settled (there, or not), or only where to ask next. */
export type SpotVerdict =
  { readonly kind: 'settled'; readonly found: Row | null } | { readonly kind: 'step'; readonly next: Position };

/**
 * Judges one answer of a spot read: an id is settled only by an answer that shows it, or its neighbours on both sides,
 * or the end of the list that it lies beyond.
 *
 * @throws FatalError as `judge` does
 */
export function judgeSpot(id: number, position: Position, answer: Answer, paging: Paging): SpotVerdict {
  const { order } = paging;
  const { rows } = readRows(position, answer, order);
  const firstRow = rows[0];
  const lastRow = rows.at(-1);
  const atStart = position.offset === 0;

  if (!atStart && (firstRow === undefined || comesAfter(firstRow.id, id, order))) {
    return step(stepBack(position, answer, order));
  }
  const covered =
    (firstRow !== undefined && comesAfter(firstRow.id, id, order)) ||
    (lastRow !== undefined && !comesAfter(id, lastRow.id, order)) ||
    isEnd(position, answer, paging);
  if (!covered) return step(stepForward(position, answer, order));
  return { kind: 'settled', found: rows.find((row) => row.id === id) ?? null };
}

/** How one list is read: what is asked for, and by whom. */
export interface ReadOptions {
  readonly query: Query;
  /** What the list can be filtered by. */
  readonly filters: Filters;
  readonly limit: number;
  /** One request, retried already; its errors pass through. Unsubscribing aborts it. */
  readonly ask: (offset: number) => Observable<Answer>;
}

/** Gives a credit back. */
export type Release = () => void;

export interface ScanOptions extends ReadOptions {
  /** Where the walk starts or goes on. */
  readonly position: Position;
  /** Whether the walk may end with this page although the list goes on; default never. */
  readonly enough?: (page: Page) => boolean;
  /** Awaited before the first request for a page; resolves with what gives the credit back. */
  readonly credit: () => Promise<Release>;
  /** Checked before each request; once true, the scan completes without its end page. */
  readonly stopped: () => boolean;
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
  const { query, position, limit, ask, stopped, enough = () => false } = options;
  return defer(() => {
    const credit = holdCredit(options.credit);
    const advance = (from: Position) => (answer: Answer) => {
      const verdict = judge(from, answer, { limit, order: query.order });
      const page = verdict.kind === 'proved' ? pageOf(verdict, answer, options) : null;
      return { position: verdict.next, page: page !== null && enough(page) ? { ...page, end: true } : page };
    };
    const start: { readonly position: Position; readonly page: Page | null } = { position, page: null };
    return of(start).pipe(
      expand((at) => {
        if (at.page?.end === true || stopped()) return EMPTY;
        // The promise also is the async boundary that a long `expand` needs: see STYLE, Pipeline.
        return defer(credit.take).pipe(
          mergeMap(() =>
            stopped() ? EMPTY : ask(at.position.offset).pipe(take(1), throwIfEmpty(), map(advance(at.position))),
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

export interface SpotReadOptions extends ReadOptions {
  readonly id: number;
  /** How many rows are thought to come before the id, in the query's order. */
  readonly rank: number;
}

/** What the list said of one id. */
export interface SpotRead {
  /** The row as this answer showed it; null = proven not to be in the query. */
  readonly found: Row | null;
  /** The id alone: neighbours that the answer showed are no part of what is told here. */
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

/** Holds at most one credit, and gives back what was not passed on: also a credit that arrives after `close`. */
function holdCredit(credit: () => Promise<Release>) {
  let held: Release | null = null;
  let closed = false;
  const pass = (): Release => {
    const release = held;
    held = null;
    return () => release?.();
  };
  return {
    take: async (): Promise<void> => {
      if (held !== null) return;
      held = await credit();
      if (closed) pass()();
    },
    pass,
    close: () => {
      closed = true;
      pass()();
    },
  };
}

function pageOf(
  { interval, rows, strays, next, end }: Extract<Verdict, { kind: 'proved' }>,
  { totalCount, began, ended }: Answer,
  { query, filters }: ReadOptions,
): Page {
  const inside = rows.filter((row) => isWithin(filters, query, row));
  const outsideQuery = rows.length - inside.length;
  return { rows: inside, strays, outsideQuery, interval, totalCount, began, ended, next, end };
}

function isRow(value: unknown): value is Row {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'number' &&
    Number.isSafeInteger(value.id) &&
    value.id > 0
  );
}

/** Parts the rows with an id from the strays, and checks that the ids are in order. */
function readRows(position: Position, { rows: all }: Answer, order: Query['order']) {
  const rows: Row[] = [];
  const strays: unknown[] = [];
  let last: number | null = null;
  let lastAt = 0;
  for (const [index, row] of all.entries()) {
    if (!isRow(row)) {
      strays.push(row);
      continue;
    }
    if (last !== null && !comesAfter(row.id, last, order)) {
      const sense = order === 'asc' ? 'above' : 'below';
      throw parked('out-of-order', position, order, `an id ${sense} ${last} at row ${index}`, `${row.id}`);
    }
    rows.push(row);
    last = row.id;
    lastAt = index;
  }
  if (rows.length === 0 && all.length > 0) {
    const got = `${all.length} rows without one`;
    throw parked('malformed-answer', position, order, 'rows with a positive integer id', got);
  }
  return { rows, strays, lastAt };
}

function comesAfter(id: number, other: number, order: Query['order']): boolean {
  return order === 'asc' ? id > other : id < other;
}

function isEnd({ offset }: Position, { rows, totalCount }: Answer, { limit }: Paging): boolean {
  return rows.length < limit && offset + rows.length >= totalCount;
}

/** The ids beyond `anchor` up to and with `reached`, in the direction of the walk. */
function intervalOf(anchor: number | null, reached: number | null, order: Query['order']): Interval {
  if (order === 'asc') return { after: anchor, upTo: reached };
  return { after: reached === null ? null : reached - 1, upTo: anchor === null ? null : anchor - 1 };
}

function step(next: Position): { readonly kind: 'step'; readonly next: Position } {
  return { kind: 'step', next };
}

function stepBack(position: Position, answer: Answer, order: Query['order']): Position {
  const by = Math.min(position.step, position.offset);
  return unproven({ ...position, offset: position.offset - by, step: 2 * by }, answer, order);
}

function stepForward(position: Position, answer: Answer, order: Query['order']): Position {
  const by = Math.max(1, answer.rows.length - 1);
  return unproven({ ...position, offset: position.offset + by }, answer, order);
}

function unproven(position: Position, answer: Answer, order: Query['order']): Position {
  const next = { ...position, requests: position.requests + 1, unproven: position.unproven + 1 };
  checkProgress(next, answer, order);
  return next;
}

/** A list that keeps changing, or that miscounts itself, must not be asked for ever. */
function checkProgress(next: Position, { totalCount }: Answer, order: Query['order']): void {
  const pages = totalCount / 99 + 40;
  const most = 4 * pages + 200;
  const list = `in a list of ${totalCount}`;
  if (next.unproven >= pages) {
    const got = `none in ${next.unproven} requests`;
    throw parked('no-progress', next, order, `a proven page within ${Math.ceil(pages)} requests ${list}`, got);
  }
  if (next.requests >= most) {
    const got = `no end in ${next.requests}`;
    throw parked('no-progress', next, order, `the end within ${Math.ceil(most)} requests ${list}`, got);
  }
}

function parked(reason: ParkReason, position: Position, order: Query['order'], expected: string, got: string) {
  const { offset, anchor } = position;
  const where = `offset ${offset}, ${anchor === null ? 'nothing proven yet' : `proven to id ${anchor}`}`;
  return new FatalError(`read the list by id ${order} at ${where}: expected ${expected}, got ${got}`, {
    reason,
    parks: 'stream',
  });
}
