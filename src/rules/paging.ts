import { isExact } from '../changes/kinds';
import { FatalError, type ParkReason } from '../errors';
import type { Answer, Interval, Position, Query, Row, RowsWithoutId, UnreadableRows } from '../model';

/** What one answer is worth: an interval of ids that it proves, or only where to ask next. */
export type PageVerdict =
  | {
      readonly kind: 'proved';
      readonly interval: Interval;
      /** The rows inside the interval, in the direction of the walk. */
      readonly rows: readonly Row[];
      /** Rows without an id in front of the page's last row; those behind it are shown by the next page again, and by the last page here. */
      readonly strays: readonly RowsWithoutId[];
      readonly end: boolean;
      /** Rows of the list up to this page's last, where its own total says another number. */
      readonly miscounted: number | null;
      /** Rows in front of these that could not be read; their ids are no part of the interval. */
      readonly unreadable: UnreadableRows | null;
      readonly next: Position;
    }
  | { readonly kind: 'step'; readonly next: Position };

/** Rows asked for in one page of a list: the most that the API gives. */
export const PAGE_ROWS = 100;

/** How a list is asked for. */
export interface Paging {
  /** Rows asked for; the server may answer with fewer. At least 2, as pages overlap by one row. */
  readonly limit: number;
  readonly order: Query['order'];
  /**
   * Whether a list ends only where a page that begins with its last row shows nothing behind that row, whatever its total says. A server
   * that gives fewer rows than asked for, and counts only those, would otherwise end the list with its first page. Where the server never
   * gives two rows in a page, a list that does not change is parked as `no-progress`; of one that changes meanwhile the end proves nothing.
   */
  readonly confirmsEnd?: boolean;
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
export function judge(position: Position, answer: Answer, paging: Paging): PageVerdict {
  if (answer.unreadable !== undefined) return judgeBehind(position, answer, answer.unreadable, paging);
  const { offset, anchor } = position;
  const { order } = paging;
  const { rows, strays, straysBehind, lastAt } = readRows(position, answer, order);
  const firstRow = rows[0];
  const lastRow = rows.at(-1);
  const beyondAnchor = (row: Row) => anchor === null || comesAfter(row.id, anchor, order);

  // Rows in front were deleted, so there may be rows between the anchor and this page.
  if (offset > 0 && (firstRow === undefined || beyondAnchor(firstRow))) return step(stepBack(position, answer, paging));

  const shown = offset + answer.rows.length;
  const isLastAlone = answer.rows.length === 1 && anchor !== null && firstRow !== undefined && !beyondAnchor(firstRow);
  const end = isLastAlone
    ? answer.totalCount <= shown || position.emptyAt === shown
    : isEnd(position, answer, paging) && (paging.confirmsEnd !== true || !mayGoOn(answer.rows, rows));
  const reached = lastRow !== undefined && beyondAnchor(lastRow) ? lastRow.id : null;
  if (reached === null && !end) return step(stepForward(position, answer, paging));

  const counted = { step: 1, requests: position.requests + 1, unproven: 0 };
  const next =
    reached === null
      ? { ...counted, offset, anchor } // nothing beyond the anchor, and the list ends here
      : { ...counted, offset: offset + lastAt, anchor: reached };
  if (!end) checkEnd(next, answer, paging);
  return {
    kind: 'proved',
    interval: intervalOf(anchor, end ? null : reached, order),
    rows: rows.filter(beyondAnchor),
    strays: end ? [...strays, ...straysBehind] : strays,
    end,
    miscounted: answer.totalCount < shown || (end && answer.totalCount !== shown) ? shown : null,
    unreadable: null,
    next,
  };
}

/** Judges an answer that begins behind rows which could not be read: nothing is proved of the ids between those and what was proved before. */
function judgeBehind(
  position: Position,
  answer: Answer,
  { bodies, resumedAt }: NonNullable<Answer['unreadable']>,
  paging: Paging,
): PageVerdict {
  const { anchor } = position;
  const { order } = paging;
  const at = { ...position, offset: resumedAt };
  const { rows, strays, lastAt } = readRows(at, answer, order);
  const firstRow = rows[0];
  const lastRow = rows.at(-1);
  // What could not be read lies among what was proved already.
  if (firstRow !== undefined && anchor !== null && !comesAfter(firstRow.id, anchor, order)) {
    const { totalCount, began, ended } = answer;
    return judge(at, { rows: answer.rows, totalCount, began, ended }, paging);
  }
  const counted = { step: 1, requests: position.requests + 1, unproven: 0 };
  const page = { kind: 'proved' as const, rows, miscounted: null };
  if (firstRow === undefined || lastRow === undefined) {
    return {
      ...page,
      strays: [],
      interval: NO_ID,
      end: true,
      unreadable: { bodies, gap: intervalOf(anchor, null, order) },
      next: { ...counted, offset: position.offset, anchor },
    };
  }
  const before = order === 'asc' ? firstRow.id - 1 : firstRow.id + 1;
  const next = { ...counted, offset: resumedAt + lastAt, anchor: lastRow.id };
  checkEnd(next, answer, paging);
  return {
    ...page,
    strays,
    interval: intervalOf(before, lastRow.id, order),
    end: false,
    unreadable: { bodies, gap: intervalOf(anchor, before, order) },
    next,
  };
}

/** The interval that proves nothing: no id is above the highest safe integer. */
const NO_ID: Interval = { after: Number.MAX_SAFE_INTEGER, upTo: null };

/** What one answer says for itself, whatever was read before: the rows between its first and its last are those that there are. */
export interface LonePage {
  readonly rows: readonly Row[];
  readonly interval: Interval;
}

/**
 * Judges an answer that belongs to no walk; null where it shows no row with an id. `isEnd`: nothing is beyond its last row.
 *
 * @throws FatalError as `judge` does
 */
export function judgeAlone(
  offset: number,
  answer: Answer,
  { order, isEnd }: Pick<Paging, 'order'> & { readonly isEnd: boolean },
): LonePage | null {
  if (answer.rows.length === 0) return null;
  const { rows } = readRows({ ...startPosition(), offset }, answer, order);
  const [first] = rows;
  const last = rows.at(-1);
  if (first === undefined || last === undefined) return null;
  const before = order === 'asc' ? first.id - 1 : first.id + 1;
  return { rows, interval: intervalOf(offset === 0 ? null : before, isEnd ? null : last.id, order) };
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
    return step(stepBack(position, answer, paging));
  }
  const covered =
    (firstRow !== undefined && comesAfter(firstRow.id, id, order)) ||
    (lastRow !== undefined && !comesAfter(id, lastRow.id, order)) ||
    isEnd(position, answer, paging);
  if (!covered) return step(stepForward(position, answer, paging));
  return { kind: 'settled', found: rows.find((row) => row.id === id) ?? null };
}

/** The id of a row of an answer; null = it has none that a record could have. */
export function idOf(value: unknown): number | null {
  return isRow(value) ? value.id : null;
}

/** Whether a row of an answer has an id that a record could have. */
export function isRow(value: unknown): value is Row {
  return (
    typeof value === 'object' &&
    value !== null &&
    'id' in value &&
    typeof value.id === 'number' &&
    isExact(value.id) &&
    value.id > 0
  );
}

/** Parts the rows with an id from the strays, in front of the last row and behind it, and checks that the ids are in order. */
function readRows(position: Position, { rows: all }: Answer, order: Query['order']) {
  const rows: Row[] = [];
  const strays: RowsWithoutId[] = [];
  let gathered: unknown[] = [];
  let last: number | null = null;
  let lastAt = 0;
  const place = (behind: number | null): RowsWithoutId[] => {
    if (gathered.length === 0) return [];
    const placed = gathered;
    gathered = [];
    return [{ rows: placed, gap: roomBetween(last ?? position.anchor, behind, placed.length, order) }];
  };
  for (const [index, row] of all.entries()) {
    if (!isRow(row)) {
      gathered.push(row);
      continue;
    }
    if (last !== null && !comesAfter(row.id, last, order)) {
      const sense = order === 'asc' ? 'above' : 'below';
      throw parked('out-of-order', position, order, `an id ${sense} ${last} at row ${index}`, `${row.id}`);
    }
    strays.push(...place(row.id));
    rows.push(row);
    last = row.id;
    lastAt = index;
  }
  if (rows.length === 0 && all.length > 0) {
    const got = `${all.length} rows without one`;
    throw parked('malformed-answer', position, order, 'rows with a positive integer id', got);
  }
  return { rows, strays, straysBehind: place(null), lastAt };
}

/**
 * The ids that rows between two others may have. Where there are fewer ids than rows, those in front are added: the rows have no ids, and a
 * person can accept each by one all the same.
 */
function roomBetween(before: number | null, behind: number | null, rows: number, order: Query['order']): Interval {
  const [below, above] = order === 'asc' ? [before, behind] : [behind, before];
  if (above === null) return { after: below, upTo: null };
  if (below === null) return { after: null, upTo: Math.max(above - 1, rows) };
  return { after: Math.max(0, Math.min(below, above - 1 - rows)), upTo: above - 1 };
}

function comesAfter(id: number, other: number, order: Query['order']): boolean {
  return order === 'asc' ? id > other : id < other;
}

function isEnd({ offset }: Position, { rows, totalCount }: Answer, { limit }: Paging): boolean {
  return rows.length < limit && offset + rows.length >= totalCount;
}

/** Whether a row that is the last of its page may have more behind it although the total names no more. */
function mayGoOn(all: readonly unknown[], rows: readonly Row[]): boolean {
  // Behind a last row that is followed by rows without an id no page can begin.
  return rows.length > 1 || (all.length === 1 && rows.length === 1);
}

/** The ids beyond `anchor` up to and with `reached`, in the direction of the walk. */
function intervalOf(anchor: number | null, reached: number | null, order: Query['order']): Interval {
  if (order === 'asc') return { after: anchor, upTo: reached };
  return { after: reached === null ? null : reached - 1, upTo: anchor === null ? null : anchor - 1 };
}

function step(next: Position): { readonly kind: 'step'; readonly next: Position } {
  return { kind: 'step', next };
}

function stepBack(position: Position, answer: Answer, paging: Paging): Position {
  const by = Math.min(position.step, position.offset);
  // An honest total of a list that had shrunk says so itself: what is behind the offset may have moved, and is no end of the next answer.
  const overstates = answer.rows.length === 0 && answer.totalCount > position.offset;
  const emptyAt = overstates ? { emptyAt: position.offset } : {};
  return unproven(
    { ...withoutEmpty(position), ...emptyAt, offset: position.offset - by, step: 2 * by },
    answer,
    paging,
  );
}

function stepForward(position: Position, answer: Answer, paging: Paging): Position {
  const by = Math.max(1, answer.rows.length - 1);
  return unproven({ ...withoutEmpty(position), offset: position.offset + by }, answer, paging);
}

function withoutEmpty({ offset, anchor, step, requests, unproven: steps }: Position): Position {
  return { offset, anchor, step, requests, unproven: steps };
}

/** A list that keeps changing, or that miscounts itself, must not be asked for ever. */
function unproven(position: Position, answer: Answer, paging: Paging): Position {
  const next = { ...position, requests: position.requests + 1, unproven: position.unproven + 1 };
  const pages = pagesOf(next, answer, paging);
  if (next.unproven >= pages) {
    const expected = `a proven page within ${Math.ceil(pages)} requests in a list of ${answer.totalCount}`;
    throw parked('no-progress', next, paging.order, expected, `none in ${next.unproven} requests`);
  }
  return next;
}

/** A list that grows as fast as it is read has no end. */
function checkEnd(next: Position, answer: Answer, paging: Paging): void {
  const most = 4 * pagesOf(next, answer, paging) + 200;
  if (next.requests >= most) {
    const expected = `the end within ${Math.ceil(most)} requests in a list of ${answer.totalCount}`;
    throw parked('no-progress', next, paging.order, expected, `no end in ${next.requests}`);
  }
}

/** Pages that the whole list takes and 40 more, at the rows that the server gives; by the total, or by what was shown beyond that. */
function pagesOf({ offset }: Position, { rows, totalCount }: Answer, { limit }: Paging): number {
  const isCapped = rows.length > 1 && rows.length < limit;
  return Math.max(totalCount, offset) / (isCapped ? rows.length - 1 : PAGE_ROWS - 1) + 40;
}

function parked(reason: ParkReason, position: Position, order: Query['order'], expected: string, got: string) {
  const { offset, anchor } = position;
  const where = `offset ${offset}, ${anchor === null ? 'nothing proven yet' : `proven to id ${anchor}`}`;
  return new FatalError(`read the list by id ${order} at ${where}: expected ${expected}, got ${got}`, {
    reason,
    parks: 'stream',
  });
}
