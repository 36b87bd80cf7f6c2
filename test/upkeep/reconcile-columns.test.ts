import { AFTER, createColumns, LIVE, NOT_SHOWN, SETTLED } from '../../src/upkeep/reconcile-columns';

test('a row keeps what was written of it last', () => {
  const columns = createColumns(2);
  const place = columns.add();
  columns.write(place, '0123456789abcdef', LIVE);
  columns.write(place, 'fedcba9876543210', SETTLED | AFTER);
  columns.show(place, 4, [100, -7]);
  expect(columns.is(place, 'fedcba9876543210')).toBe(true);
  expect(columns.is(place, '0123456789abcdef')).toBe(false);
  expect(columns.flags(place)).toBe(SETTLED | AFTER);
  expect([columns.shown(place), columns.amount(place, 0), columns.amount(place, 1)]).toEqual([4, 100, -7]);
});

test('a fingerprint that is none is like no fingerprint of a row', () => {
  const columns = createColumns(0);
  const place = columns.add();
  columns.write(place, 'not a fingerprint', LIVE);
  expect(columns.is(place, '0123456789abcdef')).toBe(false);
});

test('rows are kept apart, however many there are', () => {
  const columns = createColumns(1);
  for (let row = 0; row < 5_000; row += 1) {
    const place = columns.add();
    columns.write(place, row.toString(16).padStart(16, '0'), row % 2 === 0 ? LIVE : 0);
    columns.show(place, row % 3 === 0 ? NOT_SHOWN : row, [row]);
  }
  for (let row = 0; row < 5_000; row += 1) {
    expect(columns.is(row, row.toString(16).padStart(16, '0'))).toBe(true);
    expect([columns.flags(row), columns.shown(row), columns.amount(row, 0)]).toEqual([
      row % 2 === 0 ? LIVE : 0,
      row % 3 === 0 ? NOT_SHOWN : row,
      row,
    ]);
  }
});
