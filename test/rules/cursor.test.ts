import type { Counts, Cursor, Page, Query, StreamDeclaration } from '../../src/model';
import {
  addCounts,
  addSums,
  advance,
  cursorOf,
  isComplete,
  isSweepDue,
  NO_COUNTS,
  nextWalk,
  resumeOrBegin,
  walkOf,
  withDeletions,
  withMark,
} from '../../src/rules/cursor';
import { itemStream } from '../support/memory';

const nowMs = Date.parse('2026-03-10T12:00:00.000Z');
const now = '2026-03-10T12:00:00.000Z';
const earlier = '2026-03-10T10:00:00.000Z';
const query: Query = { from: '2026-01-01', to: null, order: 'asc' };
const otherQuery: Query = { ...query, from: '2025-01-01' };
const counts: Counts = { ...NO_COUNTS, rows: 9, created: 9 };
const half: Cursor = {
  number: 3,
  query,
  startedAt: earlier,
  finishedAt: null,
  position: { offset: 40, anchor: 77, step: 8, requests: 12, unproven: 5 },
  totalCount: 100,
  counts,
  sums: { '2026-01 PLN': [9, 900] },
};
const complete: Cursor = { ...half, finishedAt: earlier };

describe('the cursor to sweep from', () => {
  test('is at the start of the first sweep where nothing was swept', () => {
    expect(resumeOrBegin(null, query, nowMs)).toEqual({
      number: 1,
      query,
      startedAt: now,
      finishedAt: null,
      position: { offset: 0, anchor: null, step: 1, requests: 0, unproven: 0 },
      totalCount: null,
      counts: NO_COUNTS,
      sums: {},
    });
  });

  test('is that of a half sweep of the same query, whose bounds count from here', () => {
    expect(resumeOrBegin(half, { ...query }, nowMs)).toEqual({
      ...half,
      position: { offset: 40, anchor: 77, step: 1, requests: 0, unproven: 0 },
    });
  });

  test('is at the start of the next sweep after a complete one', () => {
    expect(resumeOrBegin(complete, query, nowMs)).toMatchObject({ number: 4, startedAt: now, position: { offset: 0 } });
  });

  test('is at the start, under the same number, where a half sweep asked for something else', () => {
    expect(resumeOrBegin(half, otherQuery, nowMs)).toMatchObject({
      number: 3,
      query: otherQuery,
      position: { offset: 0 },
      counts: NO_COUNTS,
    });
  });

  test('begins with the deletions since the sweep before, and keeps what counts against the share of a day', () => {
    const before = { ...complete, deletedSince: 2, deletions: [{ at: earlier, rows: 2 }] };
    expect(resumeOrBegin(before, query, nowMs)).toMatchObject({
      counts: { ...NO_COUNTS, deleted: 2 },
      deletions: [{ at: earlier, rows: 2 }],
    });
  });
});

test.each([
  ['a sweep that never began', null, true],
  ['a half sweep', half, true],
  ['a complete sweep of another query', { ...complete, query: otherQuery }, true],
  ['a complete sweep of the query', complete, false],
])('%s is due at once: %s', (_, cursor, expected) => {
  expect(isSweepDue(cursor, query)).toBe(expected);
});

test('only a cursor whose walk has ended is complete', () => {
  expect([null, half, complete].map(isComplete)).toEqual([false, false, true]);
});

describe('the next walk of another scan', () => {
  test('begins at the start with the next number, the known length and the mark', () => {
    expect(nextWalk({ ...half, mark: 77 }, query, nowMs)).toMatchObject({
      number: 4,
      startedAt: now,
      position: { offset: 0, anchor: null },
      totalCount: 100,
      counts: NO_COUNTS,
      mark: 77,
    });
  });

  test('is the first where there was none', () => {
    const cursor = nextWalk(null, query, nowMs);
    expect(cursor).toMatchObject({ number: 1, totalCount: null });
    expect(cursor).not.toHaveProperty('mark');
  });
});

describe('a walk', () => {
  const page: Page = {
    rows: [],
    strays: [],
    outsideQuery: 0,
    interval: { after: 77, upTo: 90 },
    totalCount: 101,
    began: 1,
    ended: 2,
    next: { offset: 50, anchor: 90, step: 1, requests: 13, unproven: 0 },
    end: false,
  };

  test('moves to where its page ends, with its counts', () => {
    const moved = advance(walkOf(half), page, { ...NO_COUNTS, rows: 1, updated: 1 }, new Map(), nowMs);
    expect(cursorOf(moved)).toEqual({
      ...half,
      position: page.next,
      totalCount: 101,
      counts: { ...counts, rows: 10, updated: 1 },
      sums: {},
    });
  });

  test('is finished by the page that ends the list', () => {
    const moved = advance(walkOf(half), { ...page, end: true }, NO_COUNTS, new Map(), nowMs);
    expect(cursorOf(moved).finishedAt).toBe(now);
  });

  test('is stored and read back as it was', () => {
    expect(cursorOf(walkOf(half))).toEqual(half);
  });

  test('of newest never takes its mark back', () => {
    const marked = withMark(walkOf(half), 80);
    expect(marked.cursor.mark).toBe(80);
    expect(withMark(marked, 70).cursor.mark).toBe(80);
  });

  test('counts deletions in the sweep under way, or in the next one after its end', () => {
    const counted = { at: now, rows: 2 };
    expect(withDeletions(walkOf(half), 3, counted).cursor).toMatchObject({ counts: { deleted: 3 } });
    expect(withDeletions(walkOf({ ...complete, deletedSince: 1 }), 3, counted).cursor).toMatchObject({
      counts: { deleted: 0 },
      deletedSince: 4,
      deletions: [counted],
    });
  });

  test('forgets deletions that no longer count against the share of a day', () => {
    const old = { at: '2026-03-09T11:00:00.000Z', rows: 7 };
    const recent = { at: '2026-03-09T13:00:00.000Z', rows: 8 };
    const { cursor } = withDeletions(walkOf({ ...half, deletions: [old, recent] }), 1, { at: now, rows: 1 });
    expect(cursor.deletions).toEqual([recent, { at: now, rows: 1 }]);
  });
});

test('counts add up field by field', () => {
  const each: Counts = { rows: 1, created: 2, updated: 3, deleted: 4, unchanged: 5, deadLetters: 6 };
  expect(addCounts(each, each)).toEqual({
    rows: 2,
    created: 4,
    updated: 6,
    deleted: 8,
    unchanged: 10,
    deadLetters: 12,
  });
});

describe('sums', () => {
  const stream: StreamDeclaration = { ...itemStream('items', { scoped: true }), sumFields: ['net', 'gross'] };

  test('are kept by month and currency: the number of rows, then each amount', () => {
    const rows = [
      { id: 1, date: '2026-01-05', currency: 'PLN', net: 10, gross: 12 },
      { id: 2, date: '2026-01-31', currency: 'PLN', net: 1, gross: 2 },
      { id: 3, date: '2026-02-01', currency: 'EUR', net: 5, gross: 'many' },
      { id: 4 },
    ];
    const before = new Map([['2026-01 PLN', [1, 100, 200]]]);
    expect(Object.fromEntries(addSums(before, stream, rows))).toEqual({
      '2026-01 PLN': [3, 111, 214],
      '2026-02 EUR': [1, 5, 0],
      ' ': [1, 0, 0],
    });
    expect(before.get('2026-01 PLN')).toEqual([1, 100, 200]);
  });

  test('are not kept where the stream declares no field to sum', () => {
    const before = new Map<string, number[]>();
    expect(addSums(before, itemStream('items'), [{ id: 1 }])).toBe(before);
  });
});
