import { finalTotalsOf } from '../../src/rules/final-totals';

const advances = [{ advance_price: 40_000 }, { advance_price: 20_000 }];
const final = (gross: unknown, paid: unknown, left: unknown, previous: unknown = advances) => ({
  id: 1,
  gross_price: gross,
  paid_price: paid,
  left_to_pay: left,
  previous_advances: previous,
});

test('totals are of the whole order where the advances are no longer to be paid', () => {
  const rows = [final(123_000, 0, 63_000), final(60_000, 0, 0)];
  expect(finalTotalsOf(rows)).toEqual({ totals: 'whole', telling: 2 });
});

test('totals are of the rest where all of them is to be paid', () => {
  const rows = [final(63_000, 0, 63_000), final(1, 0, 1)];
  expect(finalTotalsOf(rows)).toEqual({ totals: 'rest', telling: 2 });
});

test('an account that does both says so', () => {
  const rows = [final(123_000, 0, 63_000), final(63_000, 0, 63_000)];
  expect(finalTotalsOf(rows)).toEqual({ totals: 'mixed', telling: 2 });
});

test.each<[string, unknown]>([
  ['names no advance', final(123_000, 0, 123_000, [])],
  ['names an advance of nothing', final(123_000, 0, 123_000, [{ advance_price: 0 }])],
  ['was paid, whatever its amounts say', final(123_000, 123_000, 0)],
  ['was paid in part', final(123_000, 3_000, 60_000)],
  ['fits neither reading', final(123_000, 0, 100)],
  ['has an amount that is no number', final('123000', 0, 63_000)],
  ['names an advance without an amount', final(123_000, 0, 63_000, [{}])],
  ['has no list of advances', final(123_000, 0, 63_000, null)],
  ['is no row', null],
])('a document that %s tells nothing', (_what, row) => {
  expect(finalTotalsOf([row])).toEqual({ totals: null, telling: 0 });
});
