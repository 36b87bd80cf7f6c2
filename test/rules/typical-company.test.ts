import { typicalRates, typicalRows, typicalSize, WORKING_MINUTES } from '../../src/rules/typical-company';
import { clients } from '../../src/sources/streams/clients';
import { invoices } from '../../src/sources/streams/invoices';

test('of 10 950 invoices of three years, a fifth is unpaid and 450 are of the last 45 days', () => {
  expect(typicalRows(invoices, 10_950, 45)).toEqual({ sweep: 10_950, open: 2_190, recent: 450 });
  expect(typicalRows(invoices, 10_950, 5_000).recent).toBe(10_950);
  expect(typicalRows(clients, 1_095, 45)).toEqual({ sweep: 1_095, open: 0, recent: 0 });
  expect(['invoices', 'clients', 'corrective-invoices'].map((stream) => typicalSize(stream, 1_000))).toEqual([
    1_000, 100, 30,
  ]);
});

test('ten of them are new a day, unless it is said how many', () => {
  const perDay = (newPerDay: number | null) =>
    typicalRates('invoices', { invoices: 10_950, newPerDay }, 45).new * WORKING_MINUTES;
  expect(perDay(null)).toBeCloseTo(10);
  expect(perDay(200)).toBeCloseTo(200);
});

test('each new invoice is paid and edited once, and a tenth of them once more', () => {
  const rates = typicalRates('invoices', { invoices: 10_950, newPerDay: 600 }, 45);
  expect(rates).toMatchObject({ new: 1, paid: 1, 'edited-open': 1, deleted: 0.01 });
  expect(rates['edited-recent'] + rates['edited-old']).toBeCloseTo(0.1);
  const ofClients = typicalRates('clients', { invoices: 10_950, newPerDay: 600 }, 45);
  expect(ofClients).toMatchObject({ new: 0.1, paid: 0, 'edited-old': 0.1 });
});
