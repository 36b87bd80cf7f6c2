import type { Counts, Cursor, Page, Query, StreamDeclaration, UnreadableRows } from '../../src/model';
import {
  addCounts,
  addMisfits,
  addSums,
  MAX_GAPS,
  MAX_SUMS,
  advance,
  cursorOf,
  isComplete,
  asksOtherwise,
  NO_COUNTS,
  nextWalk,
  resumeOrBegin,
  unreadableInFinished,
  walkOf,
  withDeletions,
  withMark,
  withMisfits,
  withPublished,
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

  test('is at the start, under the same number, where a half sweep asked for something else; what was published counts still', () => {
    const counted = { ...half, counts: { ...NO_COUNTS, rows: 9, created: 8, unchanged: 1, deleted: 2 } };
    expect(resumeOrBegin(counted, otherQuery, nowMs)).toMatchObject({
      number: 3,
      query: otherQuery,
      position: { offset: 0 },
      counts: { ...NO_COUNTS, created: 8, deleted: 2 },
    });
  });

  test('begins with what other scans published since the sweep before', () => {
    const published = { ...NO_COUNTS, rows: 3, created: 2, republished: 1 };
    const { cursor } = withPublished(withPublished(walkOf(complete), published), published);
    expect(resumeOrBegin({ ...cursor, deletedSince: 2 }, query, nowMs).counts).toEqual({
      ...NO_COUNTS,
      created: 4,
      republished: 2,
      deleted: 2,
    });
  });

  test('counts what other scans publish while it is under way, and reads counts that an earlier version stored', () => {
    const stored = '{ "rows": 5, "created": 0, "updated": 0, "deleted": 0, "unchanged": 0, "deadLetters": 0 }';
    const earlier = { ...half, counts: JSON.parse(stored) as Counts };
    const { cursor } = withPublished(walkOf(earlier), { ...NO_COUNTS, rows: 3, created: 2, firstRead: 2 });
    expect(cursor.counts).toEqual({ ...NO_COUNTS, rows: 5, created: 2, firstRead: 2 });
  });

  test('begins with the deletions since the sweep before, and keeps what counts against the share of a day', () => {
    const before = { ...complete, deletedSince: 2, deletions: [{ at: earlier, rows: 2 }] };
    expect(resumeOrBegin(before, query, nowMs)).toMatchObject({
      counts: { ...NO_COUNTS, deleted: 2 },
      deletions: [{ at: earlier, rows: 2 }],
    });
  });
});

describe('rows that a sweep could not read', () => {
  const missed = (after: number, upTo: number | null, rows = 1): UnreadableRows => ({
    bodies: Array.from({ length: rows }, () => ({ status: 500, bytes: Buffer.alloc(0), began: 1, ended: 2 })),
    gap: { after, upTo },
  });
  const swept = (cursor: Cursor, end: boolean, unreadable?: UnreadableRows): Cursor =>
    cursorOf(advance(walkOf(cursor), { ...page, end, ...(unreadable && { unreadable }) }, NO_COUNTS, new Map(), nowMs));

  test('are remembered while the next sweep is under way, and forgotten when it ends without them (I10)', () => {
    const first = swept(swept(half, false, missed(16, 18, 2)), true, missed(29, null));
    const gaps = [
      { after: 16, upTo: 18, rows: 2 },
      { after: 29, upTo: null, rows: 1 },
    ];
    expect(unreadableInFinished(first)).toEqual(gaps);
    const underWay = swept(resumeOrBegin(first, query, nowMs), false);
    expect(unreadableInFinished(underWay)).toEqual(gaps);
    expect(unreadableInFinished(resumeOrBegin(underWay, otherQuery, nowMs))).toEqual(gaps);
    const second = swept(underWay, true);
    expect(second).not.toHaveProperty('unreadableBefore');
    expect(unreadableInFinished(second)).toEqual([]);
    expect([null, undefined].map(unreadableInFinished)).toEqual([[], []]);
  });

  test('are told between the ids beside them, rows without an id too (I10)', () => {
    const strays = [
      { rows: [null, 7], gap: { after: 80, upTo: 84 } },
      { rows: ['x'], gap: { after: 85, upTo: 86 } },
    ];
    const cursor = cursorOf(advance(walkOf(half), { ...page, strays, end: true }, NO_COUNTS, new Map(), nowMs));
    expect(unreadableInFinished(cursor)).toEqual([
      { after: 80, upTo: 84, rows: 2 },
      { after: 85, upTo: 86, rows: 1 },
    ]);
  });

  test('do not count before their sweep ends, and in a great many places are told as if the last were one', () => {
    let cursor = half;
    for (let at = 0; at < MAX_GAPS + 5; at++) cursor = swept(cursor, false, missed(10 * at, 10 * at + 3));
    expect(unreadableInFinished(cursor)).toEqual([]);
    const gaps = unreadableInFinished(swept(cursor, true));
    expect(gaps).toHaveLength(MAX_GAPS);
    expect(gaps.at(-1)).toEqual({ after: 990, upTo: 1043, rows: 6 });
  });
});

test('misfits are counted by field from sweep to sweep', () => {
  const one = withMisfits(walkOf(complete), { notes: 2, 'services.unit': 1 });
  const next = walkOf(resumeOrBegin(cursorOf(one), query, nowMs));
  expect(cursorOf(withMisfits(next, { notes: 1 })).misfits).toEqual({ notes: 3, 'services.unit': 1 });
  expect(addMisfits({}, {})).toEqual({});
});

test.each([
  ['a half sweep', half, false],
  ['a complete sweep of another query', { ...complete, query: otherQuery }, true],
  ['a complete sweep of the query', complete, false],
])('%s asked for something else: %s', (_, cursor, expected) => {
  expect(asksOtherwise(cursor, query)).toBe(expected);
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
  const each: Counts = {
    ...NO_COUNTS,
    rows: 1,
    created: 2,
    updated: 3,
    deleted: 4,
    unchanged: 5,
    deadLetters: 6,
    republished: 7,
  };
  expect(addCounts(each, each)).toEqual({
    rows: 2,
    created: 4,
    updated: 6,
    deleted: 8,
    unchanged: 10,
    deadLetters: 12,
    firstRead: 0,
    republished: 14,
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

  test('count money that is written as text', () => {
    const rows = [
      { id: 1, net: '10', gross: -3 },
      { id: 2, net: '10.00', gross: '-4' },
    ];
    expect(Object.fromEntries(addSums(new Map(), stream, rows))).toEqual({ ' ': [2, 10, -7] });
  });

  test('are bounded whatever the rows hold: a long currency counts as none, and there are only so many (I9)', () => {
    const long = { id: 1, date: '2026-01-05', currency: 'X'.repeat(1_100_000), net: 10, gross: 12 };
    expect(Object.fromEntries(addSums(new Map(), stream, [long]))).toEqual({ '2026-01 ': [1, 10, 12] });
    const many = Array.from({ length: 5000 }, (_, id) => ({ id, currency: String(id) }));
    const sums = addSums(addSums(new Map(), stream, many), stream, [long, ...many]);
    expect(sums.size).toBe(MAX_SUMS);
    expect(sums.get(' 0')).toEqual([2, 0, 0]);
    expect(JSON.stringify([...sums]).length).toBeLessThan(100_000);
  });
});
