import { FatalError, type ParkReason } from '../errors';
import type { Answer, Interval, Position, Query, Row } from '../model';

/** What one answer is worth: an interval of ids that it proves, or only where to ask next. */
export type PageVerdict =
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

/** Rows asked for in one page of a list: the most that the API gives. */
export const PAGE_ROWS = 100;

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
export function judge(position: Position, answer: Answer, paging: Paging): PageVerdict {
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
