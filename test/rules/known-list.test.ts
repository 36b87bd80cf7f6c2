import { isInside, knownBy, knownByBoth, rowsOf } from '../../src/rules/known-list';

const reading = {
  stream: { scopeField: null, openField: 'closed' },
  query: { from: null, to: null, order: 'asc' },
  changes: [],
  today: '2026-03-31',
  limit: 3,
} as const;
const page = (ids: readonly number[], totalCount: number, content = 'x') => ({
  rows: ids.map((id) => ({ id, content })),
  totalCount,
});

test('one reading shows how many rows there are, which come first, and how many a page has', () => {
  const known = knownBy({ ...reading, page: page([9, 8], 5), open: page([], 2) });
  expect(known).toMatchObject({ total: { least: 5, most: 5 }, open: { least: 2, most: 2 }, pageRows: 2 });
  expect(known.rows.map(({ id }) => id)).toEqual([9, 8]);
  expect(knownBy({ ...reading, page: page([9, 8], 2), open: null })).toMatchObject({ open: null, pageRows: 3 });
});

test('of two readings only what both say is sure', () => {
  const before = knownBy({ ...reading, page: page([9, 8, 7], 5), open: page([], 2) });
  const after = knownBy({ ...reading, page: { ...page([10, 9], 6), totalCount: 6 }, open: page([], 1) });
  const edited = knownBy({ ...reading, page: page([9, 8, 7], 5, 'y'), open: null });
  expect(knownByBoth(before, after)).toMatchObject({
    total: { least: 5, most: 6 },
    open: { least: 1, most: 2 },
    pageRows: 3,
    moved: new Set([8, 7, 10]),
  });
  expect(knownByBoth(before, after).rows.map(({ id }) => id)).toEqual([10, 9, 8, 7]);
  expect(knownByBoth(before, edited)).toMatchObject({ open: null, moved: new Set([9, 8, 7]) });
  expect(knownByBoth(before, before).moved.size).toBe(0);
});

test('rows without a usable id are left out', () => {
  expect(rowsOf([{ id: 1 }, { id: '2' }, { id: 0 }, { id: 1.5 }, null, 'x', [], { id: 3, a: 1 }])).toEqual([
    { id: 1 },
    { id: 3, a: 1 },
  ]);
});

test('a span includes both of its ends', () => {
  expect([1, 2, 3, 4].map((count) => isInside(count, { least: 2, most: 3 }))).toEqual([false, true, true, false]);
});
