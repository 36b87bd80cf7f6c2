import { isRounded } from '../../src/changes/kinds';
import { parseJson } from '../../src/json';
import { invoices } from '../../src/sources/streams/invoices';
import { createVendorStream } from '../support/vendor-rows';

function page(...rows: readonly string[]): readonly unknown[] {
  const parsed = parseJson(`[${rows.join(',')}]`, isRounded);
  return Array.isArray(parsed) ? parsed : [];
}

test.each([
  [
    'an unknown field',
    '{"id":7,"x":1234567890123456789}',
    '{"id":7,"x":1234567890123456788}',
    { extra: '{"x":1234567890123456789}' },
  ],
  [
    'a field of JSON',
    '{"id":7,"ksef_data":{"n":1234567890123456789}}',
    '{"id":7,"ksef_data":{"n":1234567890123456788}}',
    { ksef_data: '{"n":1234567890123456789}' },
  ],
  [
    'a text',
    '{"id":7,"notes":1234567890123456789}',
    '{"id":7,"notes":1234567890123456788}',
    { notes: '1234567890123456789' },
  ],
  [
    'an integer',
    '{"id":7,"client_id":1234567890123456789}',
    '{"id":7,"client_id":1234567890123456788}',
    { client_id: null, extra: '{"client_id":1234567890123456789}' },
  ],
  [
    'a quantity',
    '{"id":7,"services":[{"quantity":12345678901234567890.5}]}',
    '{"id":7,"services":[{"quantity":12345678901234567890.25}]}',
    { services: [expect.objectContaining({ quantity: '12345678901234567890.5' })] },
  ],
  [
    'a small quantity',
    '{"id":7,"services":[{"quantity":0.1234567890123456789}]}',
    '{"id":7,"services":[{"quantity":0.1234567890123456788}]}',
    { services: [expect.objectContaining({ quantity: '0.1234567890123456789' })] },
  ],
])('I6: %s keeps all its digits, and an edit of the last one is published', (_what, one, other, value) => {
  const stream = createVendorStream(invoices);
  expect(stream.shows(page(one)).consumed).toMatchObject([{ topic: 'invoices', value }]);
  expect(stream.shows(page(one)).consumed).toEqual([]);
  expect(stream.shows(page(other)).consumed).toMatchObject([{ topic: 'invoices', headers: { op: 'u' } }]);
});

test('I6: a dead letter has the digits that the API sent', () => {
  const row = '{"id":7,"gross_price":1234567890123456789,"x":[10038000307000729]}';
  expect(createVendorStream(invoices).shows(page(row)).consumed).toMatchObject([{ topic: 'dead-letters', value: row }]);
});

test('I6: a row whose id is too long for a key is a dead letter without one, with its digits', () => {
  const row = '{"id":1234567890123456789}';
  expect(createVendorStream(invoices).shows(page('{"id":1}', row)).consumed).toMatchObject([
    { topic: 'invoices' },
    { topic: 'dead-letters', key: null, value: row },
  ]);
});
