import { guaranteesOf, pagesOf, spotTurn } from '../../src/rules/rhythm';
import { settings } from '../support/schedule';

test('clients and corrections have a guarantee of their own for what is new', () => {
  expect(guaranteesOf(settings, 'clients').newest).toBe(1_800_000);
  expect(guaranteesOf(settings, 'corrective-invoices').newest).toBe(1_800_000);
  expect(guaranteesOf(settings, 'invoices')).toEqual({
    newest: 300_000,
    open: 7_200_000,
    recent: 14_400_000,
    sweep: 21_600_000,
  });
});

test.each([
  [0, 1],
  [1, 1],
  [99, 1],
  [100, 2],
  [198, 2],
  [199, 3],
  [20_000, 203],
])('a list of %d rows takes %d requests, as pages overlap by one row', (rows, pages) => {
  expect(pagesOf(rows, 100)).toBe(pages);
});

test('a row that is read by itself is wanted now', () => {
  expect(spotTurn('clients')).toEqual({ stream: 'clients', scan: 'spot', urgency: { kind: 'now' } });
});
