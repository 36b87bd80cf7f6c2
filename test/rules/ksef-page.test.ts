import type { Row } from '../../src/model';
import { surpriseOfPage, type KsefPage } from '../../src/rules/ksef-page';

const row = (id: number, more: Readonly<Record<string, unknown>> = {}): Row => ({
  id,
  uuid: `u-${id}`,
  number: String(id),
  ksef_number: `k-${id}`,
  ksef_data: { ksef_number: `k-${id}`, status: 'success' },
  ...more,
});
const rows = [1, 2, 3, 4, 5, 6].map((id) => row(id));
const page = (more: Partial<KsefPage>): KsefPage => ({
  rows,
  wanted: [2, 5],
  uuidOf: (id) => `u-${id}`,
  nothingShown: () => 'ask',
  ...more,
});
const instead = (id: number, more: Readonly<Record<string, unknown>>): readonly Row[] =>
  rows.map((each) => (each.id === id ? row(id, more) : each));
const nothing = { ksef_number: null, ksef_data: null };

test.each<[string, Partial<KsefPage>]>([
  ['all is as it should be', {}],
  ['no row came', { rows: [] }],
  ['some rows lack the field', { rows: rows.map(({ id, uuid }) => (id === 6 ? row(6) : { id, uuid })) }],
  ['a row has nothing', { rows: instead(2, nothing) }],
  ['a row has nothing, as it had', { rows: instead(2, nothing), nothingShown: () => 'so' }],
  ['a row is pending', { rows: instead(2, { ksef_number: null, ksef_data: { status: 'pending' } }) }],
  ['a row has no uuid that is known', { uuidOf: () => null }],
  ['two rows of three are gone', { rows: [row(1), row(2), row(6)], wanted: [2, 3, 4] }],
  ['rows lie outside the page', { wanted: [1, 6, 7, 8, 9, 10] }],
])('a page is believed where %s', (_name, more) => {
  expect(surpriseOfPage(page(more))).toBeNull();
});

test.each<[string, Partial<KsefPage>]>([
  ['rows came in another order than was asked for', { rows: rows.toReversed() }],
  ['rows came in another order than was asked for', { rows: [row(1), row(1)] }],
  ['row 3 came with another uuid', { uuidOf: (id) => (id === 3 ? 'u-33' : `u-${id}`) }],
  ['rows came without ksef_data', { rows: rows.map(({ id, uuid }) => ({ id, uuid, currency: 'PLN' })) }],
  ['row 4 came with another ksef_data than its own', { rows: instead(4, { ksef_number: 'k-5' }) }],
  ['row 4 came with another ksef_data than its own', { rows: instead(4, { ksef_data: null }) }],
  ['row 2 came without data of KSeF that it had', { rows: instead(2, nothing), nothingShown: () => 'contradicts' }],
  ['3 of 4 rows did not come that the list has', { rows: [row(1), row(2), row(6)], wanted: [2, 3, 4, 5, 6, 9] }],
])('a page is a surprise: %s', (why, more) => {
  expect(surpriseOfPage(page(more))).toBe(why);
});
