import type { Cursor, Page, Row } from '../../src/model';
import { NO_COUNTS } from '../../src/rules/cursor';
import { startPosition } from '../../src/rules/paging';

/** A page that proves the ids from its first row to its last. */
export function pageOf(rows: readonly Row[], page: Partial<Page> = {}): Page {
  return {
    rows,
    strays: [],
    outsideQuery: 0,
    interval: { after: (rows[0]?.id ?? 1) - 1, upTo: rows.at(-1)?.id ?? null },
    totalCount: 100,
    began: 1,
    ended: 2,
    next: startPosition(),
    end: false,
    ...page,
  };
}

/** The last page of a walk over everything. */
export function wholePage(rows: readonly Row[], page: Partial<Page> = {}): Page {
  return pageOf(rows, { interval: { after: null, upTo: null }, totalCount: rows.length, end: true, ...page });
}

/** The cursor of a scan that begins. */
export function cursorAtStart(cursor: Partial<Cursor> = {}): Cursor {
  return {
    number: 1,
    query: { from: null, to: null, order: 'asc' },
    startedAt: '2026-01-01T00:00:00.000Z',
    finishedAt: null,
    position: startPosition(),
    totalCount: null,
    counts: NO_COUNTS,
    sums: {},
    ...cursor,
  };
}
