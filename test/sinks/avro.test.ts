import { Type, type Schema } from 'avsc';

import { RecordError } from '../../src/errors';
import type { LedgerBlock } from '../../src/model';
import {
  createEncoder,
  createSingleObjectDecoder,
  loadSchema,
  readingFaults,
  releasedSchemas,
  schemaNames,
  singleObjectPrefix,
} from '../../src/sinks/avro';
import { createDecoder } from '../../src/changes/decode';

const observedAt = Date.UTC(2026, 2, 8, 10, 11, 12, 345);
const prefix = Buffer.from([0, 0, 0, 0, 9]);
const invoiceSchema = loadSchema('invoice');
const decode = createDecoder(invoiceSchema);
const encoder = createEncoder(invoiceSchema, { prefix });
const invoice = (fields: object) => decode({ id: 7, ...fields }, 'acme', observedAt).record;

function refusalOf(action: () => unknown): RecordError {
  try {
    action();
  } catch (error) {
    if (error instanceof RecordError) return error;
    throw error;
  }
  throw new Error('expected a RecordError');
}

// The primitive schemas of the Avro project's own list of fingerprints.
test.each([
  ['null', '63dd24e7cc258f8a'],
  ['boolean', '9f42fc78a4d4f764'],
  ['int', '7275d51a3f395c8f'],
  ['long', 'd054e14493f41db7'],
  ['float', '4d7c02cb3ea8d790'],
  ['double', '8e7535c032ab957e'],
  ['bytes', '4fc016dac3201965'],
  ['string', '8f014872634503c7'],
])('the single-object prefix of %s is the mark and its fingerprint, little-endian', (type, fingerprint) => {
  const bytes = singleObjectPrefix(JSON.stringify(type));
  expect(bytes.subarray(0, 2)).toEqual(Buffer.from([0xc3, 0x01]));
  expect(bytes.subarray(2).reverse().toString('hex')).toBe(fingerprint);
  expect(singleObjectPrefix(JSON.stringify({ type }))).toEqual(singleObjectPrefix(JSON.stringify(type)));
});

test('a fingerprint is that of the Parsing Canonical Form: no docs, defaults, attributes or logical types, full names', () => {
  const written = {
    doc: 'A row.',
    namespace: 'infakt',
    fields: [
      { doc: 'Day.', default: null, type: ['null', { logicalType: 'date', type: 'int' }], name: 'day', unit: 'minor' },
      {
        name: 'lines',
        type: {
          items: { fields: [{ type: { type: 'string' }, name: 'x' }], aliases: ['l'], name: 'line', type: 'record' },
          type: 'array',
        },
      },
      { name: 'line', type: 'line' },
    ],
    name: 'row',
    type: 'record',
  };
  const canonical =
    '{"name":"infakt.row","type":"record","fields":[{"name":"day","type":["null","int"]},' +
    '{"name":"lines","type":{"type":"array","items":{"name":"infakt.line","type":"record","fields":[{"name":"x","type":"string"}]}}},' +
    '{"name":"line","type":"infakt.line"}]}';
  expect(singleObjectPrefix(JSON.stringify(written))).toEqual(singleObjectPrefix(canonical));
  expect(crc64(canonical)).toBe(singleObjectPrefix(JSON.stringify(written)).readBigUInt64LE(2));
});

/** The specification's definition, a bit at a time and without a table. */
function crc64(text: string): bigint {
  let crc = 0xc15d213aa4d7a795n;
  for (const byte of Buffer.from(text)) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1n) === 1n ? (crc >> 1n) ^ 0xc15d213aa4d7a795n : crc >> 1n;
  }
  return crc;
}

test('every encoding begins with the prefix and comes back as it was', () => {
  const record = invoice({ number: '7/03/2026', services: [{ quantity: 0.5, net_price: -1 }] });
  const bytes = encoder.encode(record);
  expect(bytes.subarray(0, prefix.length)).toEqual(prefix);
  expect(encoder.decode(bytes)).toEqual(record);
});

test('a record larger than any before it is encoded whole', () => {
  const small = createEncoder(invoiceSchema, { prefix });
  for (const length of [10, 65_530, 65_536, 300_000, 2_000_000, 10]) {
    const record = invoice({ notes: 'ż'.repeat(length) });
    const bytes = small.encode(record);
    expect(bytes.subarray(0, prefix.length)).toEqual(prefix);
    expect(small.decode(bytes)).toEqual(record);
  }
});

test('an encoding stays as it is when the next one is made', () => {
  const first = encoder.encode(invoice({ number: 'first' }));
  const copy = Buffer.from(first);
  encoder.encode(invoice({ number: 'other' }));
  expect(first).toEqual(copy);
});

test.each<[string, object, string]>([
  ['net_price', { net_price: 'Secret-4711' }, 'net_price'],
  ['net_price', { net_price: 0.5 }, 'net_price'],
  ['net_price', { net_price: 2 ** 53 }, 'net_price'],
  ['the name of a line', { services: [{}, { name: 4711 }] }, 'services[1].name'],
  ['an array', { services: 'Secret-4711' }, 'services'],
  ['a required field', { entity: null }, 'entity'],
  ['a required field that is not there', { entity: undefined }, 'entity'],
])('a fault in %s names the path and not the value', (_what, fields, path) => {
  const error = refusalOf(() => encoder.encode({ ...invoice({}), ...fields }));
  expect(error.path).toBe(path);
  expect(error.message).toContain(`encode infakt.Invoice: expected ${path} to be `);
  expect(error.message).not.toContain('4711');
  expect(error.cause).toBeUndefined();
  expect(error.message.length).toBeLessThan(200);
});

test('a value that is no record at all is a fault of the whole', () => {
  expect(refusalOf(() => encoder.encode(null))).toMatchObject({
    path: '',
    message: 'encode infakt.Invoice: expected the value to be infakt.Invoice, got another type or range',
  });
});

test('an error that is no fault of the value passes through as it is', () => {
  let reads = 0;
  const record = Object.defineProperty(invoice({}), 'number', {
    get: () => {
      reads += 1;
      if (reads === 1) throw new Error('broken getter');
      return null;
    },
  });
  expect(() => encoder.encode(record)).toThrow('broken getter');
});

test('encoding goes on after a fault', () => {
  expect(() => encoder.encode({})).toThrow(RecordError);
  expect(encoder.decode(encoder.encode(invoice({ number: '8' })))).toMatchObject({ number: '8' });
});

test('only bytes of its own, no more and no fewer, are decoded', () => {
  const bytes = encoder.encode(invoice({ number: '7' }));
  const others = [
    bytes.subarray(0, -1),
    Buffer.concat([bytes, Buffer.from([0])]),
    Buffer.from([1, ...bytes.subarray(1)]),
    Buffer.from([...prefix, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
    Buffer.alloc(0),
    Buffer.concat([prefix, bytes.subarray(prefix.length, prefix.length + 20), Buffer.alloc(60, 0x7e)]),
  ];
  for (const other of others)
    expect(refusalOf(() => encoder.decode(other)).message).toMatch(/^decode infakt.Invoice: expected/);
});

test('a ledger block comes back as it was', () => {
  const block: LedgerBlock = {
    from: 1,
    to: null,
    ids: [8, 1],
    fingerprints: Buffer.alloc(16, 1),
    definitions: Buffer.alloc(2, 2),
    uuids: Buffer.alloc(32, 3),
    oddUuids: [{ id: 10, uuid: 'ODD' }],
    dates: Buffer.alloc(8, 4),
    flags: Buffer.alloc(2, 5),
    missing: Buffer.alloc(8, 6),
    lines: Buffer.alloc(4, 7),
  };
  const text = loadSchema('ledger-block');
  const blocks = createEncoder(text, { prefix: singleObjectPrefix(text) });
  expect(blocks.decode(blocks.encode(block))).toEqual(block);
  expect(createSingleObjectDecoder()(blocks.encode(block))).toMatchObject({
    ids: [8, 1],
    flags: '0505',
    oddUuids: [{ id: 10 }],
  });
});

test('single objects of any schema of ours are read back as plain objects with ISO dates', () => {
  const read = createSingleObjectDecoder();
  const value = createEncoder(invoiceSchema, { prefix: singleObjectPrefix(invoiceSchema) });
  const keySchema = loadSchema('invoice-key');
  const key = createEncoder(keySchema, { prefix: singleObjectPrefix(keySchema) });

  const record = read(value.encode(invoice({ paid_date: '2026-03-08', net_price: 5, services: [{ name: 'Usługa' }] })));
  expect(record).toMatchObject({
    paid_date: '2026-03-08',
    observed_at: '2026-03-08T10:11:12.345Z',
    net_price: 5,
    created_at: null,
  });
  expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
  expect(JSON.parse(JSON.stringify(record))).toStrictEqual(record);
  expect(read(key.encode({ entity: 'acme', id: 7 }))).toStrictEqual({ entity: 'acme', id: 7 });
});

test('a single object of a schema that is not ours is refused by its fingerprint', () => {
  const foreign = createEncoder('"string"', { prefix: singleObjectPrefix('"string"') }).encode('Secret-4711');
  const error = refusalOf(() => createSingleObjectDecoder()(foreign));
  expect(error.message).toMatch(/fingerprint of a schema of ours, got c301c70345637248018f$/);
  expect(refusalOf(() => createSingleObjectDecoder()(Buffer.from('{}'))).path).toBe('');
});

test('a schema that is no JSON of a schema is a bug', () => {
  expect(() => createEncoder('7', { prefix })).toThrow('expected the JSON text of an Avro schema');
});

describe('names of 0.1.0 and of now', () => {
  const contents: Readonly<Record<string, object>> = {
    client: { entity: 'alfa', id: 7, observed_at: 1, company_name: 'A' },
    'client-key': { entity: 'alfa', id: 7 },
    invoice: { entity: 'alfa', id: 7, observed_at: 1, number: '7', services: [{ name: 'a line' }] },
    'invoice-key': { entity: 'alfa', id: 7 },
    'invoice-line': { entity: 'alfa', invoice_id: 7, line_no: 1, observed_at: 1, name: 'a line' },
    'invoice-line-key': { entity: 'alfa', invoice_id: 7, line_no: 1 },
    'corrective-invoice': { entity: 'alfa', id: 7, observed_at: 1, services: [{ name: 'a line', group: 1 }] },
    'corrective-invoice-key': { entity: 'alfa', id: 7 },
    'corrective-invoice-line': { entity: 'alfa', invoice_id: 7, line_no: 1, observed_at: 1, name: 'a line' },
    'corrective-invoice-line-key': { entity: 'alfa', invoice_id: 7, line_no: 1 },
    sweep: {
      ...{ entity: 'alfa', stream: 'invoices', observed_at: 1, number: 1, started_at: 1, finished_at: 1, rows: 1 },
      ...{ created: 1, updated: 0, deleted: 0, unchanged: 0, dead_letters: 0, strays: 0 },
      sums: [{ month: '2026-01', rows: 1, net_price: 5 }],
    },
    'sweep-key': { entity: 'alfa', stream: 'invoices' },
    entity: { entity: 'alfa', observed_at: 1, tax_id: '5252248481', name: 'Alfa sp. z o.o.' },
    'entity-key': { entity: 'alfa' },
    status: {
      ...{ entity: 'alfa', stream: 'invoices', observed_at: 1, state: 'parked', reason: 'unauthorized', since: 1 },
      ...{ owner: 'host-1', version: '0.2.0', sweep_rows: 7, sweep_complete: true },
    },
    'status-key': { entity: 'alfa', stream: 'invoices' },
    ksef: { entity: 'alfa', stream: 'invoices', id: 7, observed_at: 1, status: 'success' },
    'ksef-key': { entity: 'alfa', stream: 'invoices', id: 7 },
    'dictionary-entry': { entity: 'alfa', kind: 'gtus', id: 7, observed_at: 1, code: 'GTU_07' },
    'dictionary-entry-key': { entity: 'alfa', kind: 'gtus', id: 7 },
    'advance-invoice': { entity: 'alfa', id: 7, observed_at: 1, number: '7', services: [{ name: 'a line' }] },
    'advance-invoice-key': { entity: 'alfa', id: 7 },
    'final-invoice': { entity: 'alfa', id: 7, observed_at: 1, number: '7', services: [{ name: 'a line' }] },
    'final-invoice-key': { entity: 'alfa', id: 7 },
    'margin-invoice': { entity: 'alfa', id: 7, observed_at: 1, number: '7', services: [{ name: 'a line' }] },
    'margin-invoice-key': { entity: 'alfa', id: 7 },
    'oss-invoice': { entity: 'alfa', id: 7, observed_at: 1, number: '7', services: [{ name: 'a line' }] },
    'oss-invoice-key': { entity: 'alfa', id: 7 },
    'corrective-oss-invoice': { entity: 'alfa', id: 7, observed_at: 1, number: '7', services: [{ name: 'a line' }] },
    'corrective-oss-invoice-key': { entity: 'alfa', id: 7 },
  };
  const typeOf = (text: string): Type => Type.forSchema(JSON.parse(text) as Schema, { wrapUnions: 'never' });
  /** What 0.1.0 did not have. */
  const SINCE_0_1_0 = new Set(
    [
      ...['entity', 'status', 'ksef', 'dictionary-entry', 'advance-invoice', 'final-invoice', 'margin-invoice'],
      ...['oss-invoice', 'corrective-oss-invoice'],
    ].flatMap((name) => [name, `${name}-key`]),
  );

  test.each(schemaNames().filter((name) => name !== 'ledger-block'))(
    'a reader with the newest %s.avsc reads bytes of every released version, nested records included',
    (name) => {
      const reader = typeOf(loadSchema(name));
      const versions = releasedSchemas(name);
      const content = contents[name] ?? {};
      expect(versions.length).toBeGreaterThan(SINCE_0_1_0.has(name) ? 0 : 1);
      for (const text of versions) {
        const writer = typeOf(text);
        const bytes = writer.toBuffer(content);
        const read: unknown = reader.fromBuffer(bytes, reader.createResolver(writer));
        expect(JSON.parse(JSON.stringify(read))).toMatchObject(content);
        // Whoever has the old schema reads old bytes as before, and so does peek.
        expect(JSON.parse(JSON.stringify(writer.fromBuffer(bytes)))).toMatchObject(content);
        const framed = Buffer.concat([singleObjectPrefix(text), bytes]);
        expect(createSingleObjectDecoder()(framed)).toMatchObject({ entity: 'alfa' });
      }
    },
  );

  test('what 0.1.0 named is named otherwise now, so the first bytes tell the two apart', () => {
    for (const name of Object.keys(contents).filter((name) => !SINCE_0_1_0.has(name))) {
      const [first = ''] = releasedSchemas(name);
      expect(singleObjectPrefix(first)).not.toEqual(singleObjectPrefix(loadSchema(name)));
      expect([name, readingFaults(loadSchema(name), first)]).toEqual([name, []]);
    }
  });

  test('versions of a schema come by number, and a schema that was never released has none', () => {
    expect(releasedSchemas('invoice').at(-1)).toBe(loadSchema('invoice'));
    expect(releasedSchemas('ledger-block')).toEqual([]);
  });
});
