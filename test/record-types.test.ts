import type { CorrectiveInvoice, CorrectiveInvoiceKey } from 'infakt-kafka/records';

import { createEncoder, loadSchema } from '../src/sinks/avro';
import { createDecoder } from '../src/changes/decode';

const noPrefix = { prefix: Buffer.alloc(0) };

test('what a consumer decodes has the shape of the exported TypeScript types', () => {
  const keys = createEncoder(loadSchema('corrective-invoice-key'), noPrefix);
  const key = keys.decode(keys.encode({ entity: 'alfa', id: 7 })) as CorrectiveInvoiceKey;
  const entity: string = key.entity;
  const id: number = key.id;
  expect([entity, id]).toEqual(['alfa', 7]);

  const schema = loadSchema('corrective-invoice');
  const values = createEncoder(schema, noPrefix);
  const row = {
    id: 7,
    invoice_date: '1970-01-03',
    gross_price: -123,
    document_markings_ids: [6],
    services: [{ group: 1, correction: true, quantity: 0.5 }],
  };
  const { record: decoded } = createDecoder(schema)(row, 'alfa', 1_000);
  const value = values.decode(values.encode(decoded)) as CorrectiveInvoice;
  const date: number | null = value.invoice_date;
  const gross: number | null = value.gross_price;
  const markings: readonly string[] | null = value.document_markings_ids;
  const line: CorrectiveInvoice['services'] = value.services;
  expect([date, gross, markings, value.observed_at, value.number]).toEqual([2, -123, ['6'], 1_000, null]);
  expect(line?.map(({ group, correction, quantity }) => [group, correction, quantity])).toEqual([[1, true, '0.5']]);
});
