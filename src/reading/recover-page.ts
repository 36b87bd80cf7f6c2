import {
  catchError,
  concatMap,
  defaultIfEmpty,
  defer,
  filter,
  from,
  map,
  mergeMap,
  of,
  take,
  tap,
  throwError,
  throwIfEmpty,
  type Observable,
} from 'rxjs';

import { FatalError, TransientError } from '../errors';
import { isObject } from '../json';
import type { Answer, Position, Query, RawBody } from '../model';

/** Asks for so many rows from an offset on; `tries` bounds how often, where the usual number is too much. */
export type AskRows = (offset: number, limit: number, tries?: number) => Observable<Answer>;

/** Ways to ask one list. */
export interface ListAccess {
  readonly ask: AskRows;
  /** Whatever one row's page of the list is answered with, unread. */
  readonly raw: (offset: number) => Observable<RawBody>;
}

/** Tries of a page that stands in for one that failed: a glitch must not make pages smaller still. */
const FEW_TRIES = 2;
/** Pages that must succeed before a larger one is tried; four times as many after each larger one that failed. */
const FIRST_GOOD_PAGES = 3;
/** Rows in a row that may be unreadable: more are no bad rows but a list that is down. */
const MOST_UNREADABLE = 20;
/** The fewest rows by which one page can join the one before. */
const FEWEST = 2;

/** How many rows a page of one list is asked for: fewer where more could not be had, and slowly more again. */
export class PageSize {
  #limit: number;
  #good = 0;
  #goodPages = FIRST_GOOD_PAGES;

  constructor(private readonly most: number) {
    this.#limit = most;
  }

  get limit(): number {
    return this.#limit;
  }

  /** A page of the present size was had. */
  worked(): void {
    if (this.#limit === this.most) return;
    this.#good += 1;
    if (this.#good < this.#goodPages) return;
    this.#good = 0;
    this.#limit = Math.min(this.most, this.#limit * 2);
  }

  /** Only a page of so many rows could be had. */
  shrink(limit: number): void {
    this.#limit = limit;
    this.#good = 0;
    this.#goodPages *= 4;
  }
}

/**
 * Asks a list for a page, in smaller pages where the page fails in its body, by time or by a gateway. A row that cannot be read alone
 * either is stepped over: the answer then begins behind that row, and says so.
 */
export function askRecovering(
  list: ListAccess,
  size: PageSize,
  order: Query['order'],
): (position: Position) => Observable<Answer> {
  return (position) =>
    defer(() => {
      const { limit } = size;
      return list.ask(position.offset, limit).pipe(
        tap(() => size.worked()),
        map((answer) => ({ ...answer, asked: limit })),
        catchError((error: unknown) =>
          isOfThePage(error) ? recover({ list, size, order, position, failed: error }, limit) : throwError(() => error),
        ),
      );
    });
}

/** Whether a smaller page of the same list may succeed: the answer's body, time or a gateway is at fault. */
export function isOfThePage(error: unknown): error is FatalError | TransientError {
  const fault = error instanceof FatalError && error.cause instanceof TransientError ? error.cause : error;
  if (error instanceof FatalError && error.reason === 'malformed-answer') return true;
  if (!(fault instanceof TransientError)) return false;
  const { status, networkFault } = fault;
  if (status === undefined) return networkFault === undefined;
  return status >= 500 && status !== 501 && status !== 503;
}

interface Recovery {
  readonly list: ListAccess;
  readonly size: PageSize;
  readonly order: Query['order'];
  readonly position: Position;
  /** Why the whole page could not be had. */
  readonly failed: unknown;
}

/** An answer; null = it failed as the whole page did. */
function attempt(answer: Observable<Answer>): Observable<Answer | null> {
  return answer.pipe(
    catchError((error: unknown) => (isOfThePage(error) ? of<Answer | null>(null) : throwError(() => error))),
  );
}

function recover(recovery: Recovery, limit: number): Observable<Answer> {
  const { list, position } = recovery;
  return attempt(list.ask(position.offset, 1, FEW_TRIES)).pipe(
    mergeMap((first) => {
      if (first === null) return withoutFirstRow(recovery);
      if (!isJoined(first, recovery)) return of(first);
      return shrink(recovery, first, limit);
    }),
  );
}

/** Smaller pages, each half of the one before, until one can be had. */
function shrink(recovery: Recovery, first: Answer, failedLimit: number): Observable<Answer> {
  const { list, size, position } = recovery;
  if (failedLimit <= FEWEST) return stepOver(recovery, position.offset + 1, first.totalCount);
  const limit = Math.max(FEWEST, Math.ceil(failedLimit / 2));
  return attempt(list.ask(position.offset, limit, FEW_TRIES)).pipe(
    mergeMap((answer) => {
      if (answer === null) return shrink(recovery, first, limit);
      size.shrink(limit);
      return of(answer);
    }),
  );
}

/** The row at the offset cannot be had: because the list ends before it, because the list is down, or because of the row. */
function withoutFirstRow(recovery: Recovery): Observable<Answer> {
  const { list, position, failed } = recovery;
  const { offset } = position;
  const others = offset === 0 ? [1, 3, 7] : [offset - 1, 0];
  return from(others).pipe(
    concatMap((at) => attempt(list.ask(at, 1, FEW_TRIES)).pipe(map((answer) => ({ at, answer })))),
    filter(({ answer }) => answer !== null),
    take(1),
    throwIfEmpty(() => failed),
    mergeMap(({ at, answer }) => {
      if (answer === null) return throwError(() => failed);
      const { totalCount, began, ended } = answer;
      if (offset === 0) return stepOver(recovery, 0, totalCount);
      // Some servers answer 500 at and past the end. An empty page there proves nothing: the walk steps back.
      if (totalCount <= offset) return of({ rows: [], totalCount, began, ended });
      if (at !== offset - 1) return throwError(() => failed);
      return isJoined(answer, recovery) ? stepOver(recovery, offset, totalCount) : of(answer);
    }),
  );
}

/** Shows that a row cannot be read alone, and reads on behind it. */
function stepOver(recovery: Recovery, offset: number, totalCount: number): Observable<Answer> {
  const { list, failed } = recovery;
  if (offset >= totalCount) return throwError(() => failed);
  return attempt(list.ask(offset, 1)).pipe(
    mergeMap((row) => {
      // It can be had after all: what failed may pass.
      if (row !== null) return throwError(() => failed);
      return list
        .raw(offset)
        .pipe(mergeMap((body) => readBehind(recovery, { bodies: [body], at: offset + 1, totalCount })));
    }),
  );
}

interface Gap {
  readonly bodies: readonly RawBody[];
  /** The offset behind the rows that could not be read. */
  readonly at: number;
  readonly totalCount: number;
}

function readBehind(recovery: Recovery, { bodies, at, totalCount }: Gap): Observable<Answer> {
  const { list, size, failed } = recovery;
  const mark = (answer: Answer): Answer => ({ ...answer, unreadable: { bodies, resumedAt: at } });
  const limits = [...new Set([size.limit, Math.max(FEWEST, Math.ceil(size.limit / 8)), FEWEST, 1])];
  return from(limits).pipe(
    concatMap((limit) => attempt(list.ask(at, limit, FEW_TRIES))),
    filter((answer) => answer !== null),
    take(1),
    defaultIfEmpty<Answer, null>(null),
    mergeMap((answer): Observable<Answer> => {
      if (answer !== null) {
        const isShort = answer.rows.length === 0 && answer.totalCount > at;
        return isShort ? throwError(() => failed) : of(mark(answer));
      }
      if (bodies.length >= MOST_UNREADABLE) return throwError(() => failed);
      return list.raw(at).pipe(
        mergeMap((body) => {
          // Behind the last row some servers answer with an error and not with an empty page.
          if (at >= totalCount) return of(mark({ rows: [], totalCount, began: body.began, ended: body.ended }));
          return readBehind(recovery, { bodies: [...bodies, body], at: at + 1, totalCount });
        }),
      );
    }),
  );
}

/** Whether an answer of one row shows nothing beyond what the walk has proved, so that the next row is the one that fails. */
function isJoined({ rows }: Answer, { order, position: { anchor } }: Recovery): boolean {
  const row = rows[0];
  if (anchor === null || !isObject(row) || typeof row['id'] !== 'number') return false;
  return order === 'asc' ? row['id'] <= anchor : row['id'] >= anchor;
}
