import {
  isoDay,
  isOpenRow,
  filteredBy,
  isProvenScan,
  isWithin,
  listParams,
  queryOf,
  queryOfProven,
  scansOf,
  sweepQuery,
} from '../../src/rules/scope';

const dated = { scopeField: 'date', openField: 'closed' };
const undated = { scopeField: null, openField: null };
const ascending = { order: 'asc' } as const;

test('a stream has the scans that its filters allow', () => {
  expect(scansOf(dated)).toEqual(['newest', 'open', 'recent', 'sweep']);
  expect(scansOf(undated)).toEqual(['newest', 'sweep']);
});

describe('the query of a sweep', () => {
  test.each([
    [
      'from 90 days before the first run, unless told otherwise',
      { startDate: null, endDate: null },
      '2025-12-31',
      null,
    ],
    [
      'from the configured day to the configured day',
      { startDate: '2026-01-01', endDate: '2026-02-01' },
      '2026-01-01',
      '2026-02-01',
    ],
    ['everything, where that is configured', { startDate: 'all', endDate: null }, null, null],
  ])('is %s', (_, setting, from, to) => {
    expect(sweepQuery(dated, setting, '2026-03-31')).toEqual({ from, to, ...ascending });
  });

  test('has no bounds where rows have no date', () => {
    const setting = { startDate: '2026-01-01', endDate: null };
    expect(sweepQuery(undated, setting, '2026-03-31')).toEqual({ from: null, to: null, ...ascending });
  });
});

describe('the query of a scan within that of the sweep', () => {
  const sweep = { from: '2026-01-01', to: null, ...ascending };
  const ofScan = (scan: Parameters<typeof queryOf>[0], within = sweep as Parameters<typeof queryOf>[1]) =>
    queryOf(scan, within, '2026-03-31', 45);

  test('is the same for the sweep, from the end for newest, of open rows for open', () => {
    expect(ofScan('sweep')).toEqual(sweep);
    expect(ofScan('newest')).toEqual({ ...sweep, order: 'desc' });
    expect(ofScan('open')).toEqual({ ...sweep, open: true });
  });

  test('is of the last days for recent, no further back than the scope', () => {
    expect(ofScan('recent')).toEqual({ ...sweep, from: '2026-02-14' });
    expect(ofScan('recent', { ...sweep, from: '2026-03-01' })).toEqual({ ...sweep, from: '2026-03-01' });
  });

  test('is none for recent where the scope ends before those days', () => {
    expect(ofScan('recent', { ...sweep, to: '2026-02-13' })).toBeNull();
  });
});

test('a query is asked for in the words of the API', () => {
  const query = { from: '2026-01-01', to: '2026-02-01', order: 'desc', open: true } as const;
  expect(listParams(dated, query)).toEqual({
    'q[date_gteq]': '2026-01-01',
    'q[date_lteq]': '2026-02-01',
    'q[closed_null]': 'true',
    order: 'id desc',
  });
  expect(listParams(undated, query)).toEqual({ order: 'id desc' });
});

test.each([
  ['a row of the first day', { date: '2026-01-01' }, true],
  ['a row of the last day', { date: '2026-02-01' }, true],
  ['a row of the day before', { date: '2025-12-31' }, false],
  ['a row of the day after', { date: '2026-02-02' }, false],
  ['a row without a date', {}, false],
  ['a row with null for a date', { date: null }, false],
  ['a row with an empty date', { date: '' }, false],
  ['a row with a text that may be a date', { date: '15.01.2026' }, true],
  ['a row with a time for a date', { date: '2026-01-15T00:00:00Z' }, true],
  ['a row with a number for a date', { date: 1768435200 }, true],
  ['a row with an object for a date', { date: { day: '2026-01-15' } }, true],
  ['a closed row with a text that may be a date', { date: '15.01.2026', closed: '2026-01-20' }, false],
  ['a closed row', { date: '2026-01-15', closed: '2026-01-20' }, false],
  ['a row closed by nothing', { date: '2026-01-15', closed: '' }, true],
])('%s is within a query of open rows of these days: %s', (_, row, expected) => {
  const query = { from: '2026-01-01', to: '2026-02-01', order: 'asc', open: true } as const;
  expect(isWithin(dated, query, { id: 1, ...row })).toBe(expected);
});

describe('the query of a scan by a proven filter', () => {
  const sweep = { from: '2026-01-01', to: '2026-12-31', ...ascending };

  test('asks within the scope for what was paid, or changed, since a day', () => {
    const paid = queryOfProven(dated, 'paid', sweep, '2026-03-30');
    const changed = queryOfProven(undated, 'changed', { from: null, to: null, order: 'asc' }, '2026-03-30');
    if (paid === null || changed === null) throw new Error('expected both queries');
    expect(listParams(dated, paid)).toEqual({
      'q[date_gteq]': '2026-01-01',
      'q[date_lteq]': '2026-12-31',
      'q[closed_gteq]': '2026-03-30',
      order: 'id asc',
    });
    expect(listParams(undated, changed)).toEqual({ 'q[updated_at_gteq]': '2026-03-30', order: 'id asc' });
  });

  test('is none for payments where no row can be paid', () => {
    expect(queryOfProven(undated, 'paid', sweep, '2026-03-30')).toBeNull();
  });

  test.each([
    ['paid that day', { closed: '2026-03-30' }, true],
    ['paid later', { closed: '2026-04-01' }, true],
    ['paid the day before', { closed: '2026-03-29' }, false],
    ['not paid', { closed: null }, false],
    ['paid at a text that may be a day', { closed: '30.03.2026' }, true],
    ['paid that day and outside the scope', { closed: '2026-03-30', date: '2025-12-31' }, false],
  ])('a row that is %s is within a query of payments: %s', (_, row, expected) => {
    const within = { ...sweep, paidSince: '2026-03-30' };
    expect(isWithin(dated, within, { id: 1, date: '2026-02-02', ...row })).toBe(expected);
  });

  test('whether a row was changed since a day, no row shows', () => {
    expect(isWithin(dated, { ...sweep, changedSince: '2999-01-01' }, { id: 1, date: '2026-02-02' })).toBe(true);
  });

  test('belongs to the scans paid and changed alone', () => {
    const scans = ['sweep', 'newest', 'open', 'recent', 'paid', 'changed', 'spot'] as const;
    expect(scans.filter(isProvenScan)).toEqual(['paid', 'changed']);
  });
});

test('a day is that of UTC', () => {
  expect(isoDay(Date.parse('2026-03-31T23:59:59.999Z'))).toBe('2026-03-31');
});

test.each([
  [{ id: 1 }, true],
  [{ id: 1, closed: null }, true],
  [{ id: 1, closed: '' }, true],
  [{ id: 1, closed: '2026-01-01' }, false],
])('%j is open: %s', (row, expected) => {
  expect(isOpenRow({ openField: 'closed' }, row)).toBe(expected);
  expect(isOpenRow({ openField: null }, row)).toBe(false);
});

test('of a row only what says which queries it is in is kept', () => {
  const kept = { id: 1, date: '2026-01-01', closed: null };
  const stream = { scopeField: 'date', openField: 'closed' };
  expect(filteredBy(stream, { ...kept, buyer: 'x' })).toEqual(kept);
  expect(filteredBy(undated, { ...kept, buyer: 'x' })).toEqual({ id: 1 });
});
