import { isWithin } from '../../src/rules/scope';
import { clients } from '../../src/sources/streams/clients';
import { correctiveInvoices } from '../../src/sources/streams/corrective-invoices';
import { invoices } from '../../src/sources/streams/invoices';
import { createVendorStream } from '../support/vendor-rows';

test('I6: a descriptive field that does not fit is named in a header, and the row and its lines are published', () => {
  const stream = createVendorStream(invoices, { projected: true });
  const row = { id: 7, gross_price: 100, notes: { html: 'x' }, services: [{ name: 'a' }, { name: 'b', unit: ['h'] }] };
  const { consumed } = stream.shows([row]);
  expect(consumed.map(({ topic, headers }) => [topic, headers['misfits']])).toEqual([
    ['invoices', 'notes,services.unit'],
    ['invoice-lines', undefined],
    ['invoice-lines', 'unit'],
  ]);
  expect(consumed[0]?.value).toMatchObject({ gross_price: 100, notes: null, extra: '{"notes":{"html":"x"}}' });
  expect(consumed[2]?.value).toMatchObject({ name: 'b', unit: null, extra: '{"unit":["h"]}' });
});

test('I1: one field of seventy with another JSON type in every row parks nothing and loses no row', () => {
  const stream = createVendorStream(clients);
  const rows = Array.from({ length: 100 }, (_, at) => ({
    id: at + 1,
    company_name: `Company ${at}`,
    days_to_payment: 'fourteen',
  }));
  const { consumed, result } = stream.shows(rows);
  expect(result.parks).toBeNull();
  expect(result.misfits).toEqual({ days_to_payment: 100 });
  expect(stream.state.walks.get('sweep')?.cursor.misfits).toEqual({ days_to_payment: 100 });
  expect(new Set(consumed.map(({ topic, headers }) => `${topic} ${headers['misfits']}`))).toEqual(
    new Set(['clients days_to_payment']),
  );
});

test('I6: a misfit that fits later is an update, and one that does not change is none', () => {
  const stream = createVendorStream(invoices);
  const shown = (notes: unknown) =>
    stream.shows([{ id: 7, notes }]).consumed.map(({ headers }) => [headers['op'], headers['misfits'] ?? null]);
  expect(shown(1.5)).toEqual([['r', 'notes']]);
  expect(shown(1.5)).toEqual([]);
  expect(shown('1.5')).toEqual([['u', null]]);
  expect(shown(['1.5'])).toEqual([['u', 'notes']]);
});

test('I6: a list of ids as text in an integer field, as another vendor sends it, costs no row (airbytehq/airbyte#60971)', () => {
  const { consumed } = createVendorStream(invoices).shows([{ id: 7, client_id: '134376773869;137654776000' }]);
  expect(consumed).toMatchObject([
    { topic: 'invoices', value: { client_id: null, extra: '{"client_id":"134376773869;137654776000"}' } },
  ]);
});

test('I1: under a date scope a row whose date has another form is a dead letter, and is not left out in silence', () => {
  const query = { from: '2026-01-01', to: null, order: 'asc' } as const;
  const rows = [{ id: 7, invoice_date: '15.01.2026' }].filter((row) => isWithin(invoices, query, row));
  expect(createVendorStream(invoices).shows(rows).consumed).toMatchObject([
    { topic: 'dead-letters', headers: { error_path: 'invoice_date' } },
  ]);
});

test('I6: an edit of the exchange date alone is published of a document in another currency, and not in PLN', () => {
  const shown = (currency: string) => {
    const stream = createVendorStream(invoices);
    stream.shows([{ id: 7, currency, vat_exchange_date_kind: null }]);
    return stream
      .shows([{ id: 7, currency, vat_exchange_date_kind: 'vat' }])
      .consumed.map(({ headers }) => headers['op']);
  };
  expect(['PLN', 'EUR', 'USD', ''].map(shown)).toEqual([[], ['u'], ['u'], []]);
});

test('I6: what the vendor documents of corrections and lines has columns', () => {
  const stream = createVendorStream(correctiveInvoices, { projected: true });
  const line = { vat_date_value: 'sale_date', occasional_sale: 'false' };
  const row = { id: 7, created_at: '2026-01-15T10:00:00Z', check_duplicate_number: true, services: [line] };
  expect(stream.shows([row]).consumed.map(({ value }) => value)).toMatchObject([
    { created_at: '2026-01-15T10:00:00.000Z', check_duplicate_number: true, extra: null },
    { vat_date_value: 'sale_date', occasional_sale: false, extra: null },
  ]);
});
