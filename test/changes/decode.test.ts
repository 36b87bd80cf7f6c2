import fc from 'fast-check';
import { RecordError } from '../../src/errors';
import { fieldsOf, type Field, type Kind } from '../../src/changes/kinds';
import type { Row } from '../../src/model';
import { createEncoder, loadSchema } from '../../src/sinks/avro';
import { createDecoder } from '../../src/changes/decode';

const observedAt = Date.UTC(2026, 2, 8, 10, 11, 12, 345);
const invoice = createDecoder(loadSchema('invoice'));
const client = createDecoder(loadSchema('client'));
const decodeInvoice = (fields: object) => invoice({ id: 7, ...fields }, 'acme', observedAt).record;
const misfitsOf = (fields: object) => invoice({ id: 7, ...fields }, 'acme', observedAt).misfits;

function refusalOf(decode: () => unknown): RecordError {
  try {
    decode();
  } catch (error) {
    if (error instanceof RecordError) return error;
    throw error;
  }
  throw new Error('expected a RecordError');
}

/** A field of each kind, and its record's value for each of the row's. */
const valid: readonly (readonly [Kind, string, unknown, unknown])[] = [
  ['text', 'number', '7/03/2026', '7/03/2026'],
  ['text', 'client_tax_code', ' PL 123-456-32-18 ', ' PL 123-456-32-18 '],
  ['text', 'client_post_code', '007', '007'],
  ['text', 'client_city', 'Łódź 🏭', 'Łódź 🏭'],
  ['integer', 'client_id', 160001, 160001],
  ['integer', 'client_id', '160001', 160001],
  ['integer', 'client_id', '-014', -14],
  ['integer', 'client_id', '+14', 14],
  ['integer', 'client_id', '-0', 0],
  ['integer', 'client_id', 9007199254740990, 9007199254740990],
  ['money', 'net_price', 81137, 81137],
  ['money', 'net_price', -67700, -67700],
  ['money', 'net_price', 1.0, 1],
  ['money', 'net_price', -0, 0],
  ['money', 'net_price', -4503599627370496, -4503599627370496],
  ['boolean', 'split_payment', true, true],
  ['boolean', 'split_payment', false, false],
  ['date', 'paid_date', '1970-01-01', 0],
  ['date', 'paid_date', '2026-03-08', 20520],
  ['date', 'paid_date', '2000-02-29', 11016],
  ['date', 'paid_date', '1969-12-31', -1],
  ['date', 'paid_date', '0001-01-01', -719162],
  ['timestamp', 'created_at', '2026-03-08T10:11:12.345+01:00', Date.UTC(2026, 2, 8, 9, 11, 12, 345)],
  ['timestamp', 'created_at', '2026-03-08T10:11:12+0100', Date.UTC(2026, 2, 8, 9, 11, 12)],
  ['timestamp', 'created_at', '2026-03-08T10:11:12Z', Date.UTC(2026, 2, 8, 10, 11, 12)],
  ['timestamp', 'created_at', '2026-03-08T10:11:12.3-00:30', Date.UTC(2026, 2, 8, 10, 41, 12, 300)],
  ['timestamp', 'created_at', '2026-03-08T10:11:12.123999Z', Date.UTC(2026, 2, 8, 10, 11, 12, 123)],
  ['timestamp', 'created_at', '2023-10-01 16:00:00 +0200', Date.UTC(2023, 9, 1, 14)],
  ['timestamp', 'created_at', '2023-10-01 16:00:00 UTC', Date.UTC(2023, 9, 1, 16)],
  ['json', 'extensions', { b: [1, null, ''], a: { d: '', c: true } }, '{"a":{"c":true,"d":""},"b":[1,null,""]}'],
  ['json', 'extensions', 'text', '"text"'],
  ['json', 'extensions', {}, '{}'],
  ['texts', 'document_markings_ids', ['6', 7, ''], ['6', '7', '']],
  ['texts', 'document_markings_ids', [], []],
  ['lines', 'services', [], []],
];

const decimals: readonly (readonly [number | string, string])[] = [
  [1, '1'],
  [0.5, '0.5'],
  [-0.5, '-0.5'],
  [-0, '0'],
  [1e-7, '0.0000001'],
  [1.5e-9, '0.0000000015'],
  [1e21, '1000000000000000000000'],
  [1.25e22, '12500000000000000000000'],
  ['1.50', '1.5'],
  ['2.0', '2'],
  ['-0', '0'],
  ['-0.00', '0'],
  ['+3', '3'],
  ['007', '7'],
  ['0.10', '0.1'],
  ['100', '100'],
  ['1e2', '100'],
  ['1.5E-3', '0.0015'],
  ['-12.340e1', '-123.4'],
  ['0e5', '0'],
  ['123456789012345678901234567890.1234567890', '123456789012345678901234567890.123456789'],
  [`1${'0'.repeat(5000)}.${'0'.repeat(5000)}1`, `1${'0'.repeat(5000)}.${'0'.repeat(5000)}1`],
];

const markedText = 'Secret-4711';
/** Other JSON types from which nothing is lost. */
const lossless: readonly (readonly [string, unknown, unknown])[] = [
  ['client_tax_code', 1234563218, '1234563218'],
  ['client_tax_code', true, 'true'],
  ['notes', 12, '12'],
  ['notes', -0, '0'],
  ['notes', false, 'false'],
  ['document_markings_ids', [true, 6, 'x'], ['true', '6', 'x']],
  ['split_payment', 'true', true],
  ['split_payment', 'false', false],
  ['client_id', '14.0', 14],
  ['client_id', '14.00', 14],
  ['client_id', 14.0, 14],
  ['net_price', '12300', 12300],
  ['net_price', '-12300', -12300],
  ['net_price', '0', 0],
];
/** Of strict fields. */
const invalid: readonly (readonly [string, unknown])[] = [
  ['client_tax_code', [markedText]],
  ['client_tax_code', `${markedText}\ud800`],
  ['net_price', 0.1],
  ['net_price', 1e300],
  ['net_price', -(2 ** 52) - 1],
  ['paid_date', '2026-02-29'],
  ['paid_date', '1900-02-29'],
  ['paid_date', '2026-04-31'],
  ['paid_date', '2026-13-01'],
  ['paid_date', '2026-00-10'],
  ['paid_date', '2026-01-00'],
  ['paid_date', '2026-1-01'],
  ['paid_date', '2026/01/01'],
  ['paid_date', '2026-01-01T00:00:00Z'],
  ['paid_date', '20x6-01-01'],
  ['paid_date', 20520],
  ['services', {}],
  ['services', markedText],
  ['net_price', '123.00'],
  ['net_price', '+123'],
  ['net_price', '1 230'],
  ['net_price', '123,00'],
  ['net_price', true],
  ['client_tax_code', 1.5],
  ['client_tax_code', 'PL\u0000123'],
  ['currency', ['PLN']],
  ['kind', { name: 'vat' }],
  ['status', `paid\u0000`],
  ['payment_date', '31.12.2026'],
  ['invoice_date', true],
  ['extensions', { a: Infinity }],
];

/** Of fields without which a record is still true. */
const misfits: readonly (readonly [string, unknown])[] = [
  ['client_id', 1.5],
  ['client_id', markedText],
  ['client_id', ' 14'],
  ['client_id', '9007199254740993'],
  ['client_id', 2 ** 53],
  ['client_id', false],
  ['split_payment', 1],
  ['created_at', '2026-03-08'],
  ['created_at', '2026-03-08T10:11:12'],
  ['created_at', '2026-03-08, 10:11:12'],
  ['created_at', '2026-03-08T10:11:12.+01:00'],
  ['created_at', '2026-03-08T24:00:00Z'],
  ['created_at', '2026-03-08T10:60:00Z'],
  ['created_at', '2026-03-08T10:11:60Z'],
  ['created_at', '2026-03-32T10:11:12Z'],
  ['created_at', '2026-03-08T10:11:12+01:00x'],
  ['created_at', '2026-03-08T10:11:12+24:00'],
  ['created_at', '2026-03-08T10:11:12+01:60'],
  ['created_at', '2026-03-08T10:11:12 CET'],
  ['created_at', '2026-03-08X10:11:12+01:00'],
  ['created_at', '2026-03-08T10-11-12+01:00'],
  ['created_at', 1767225600000],
  ['document_markings_ids', markedText],
  ['notes', { a: 1 }],
  ['notes', [1, 2]],
  ['notes', 1.5],
  ['notes', 1e21],
  ['number', '\ud800'],
  ['split_payment', 'TRUE'],
  ['split_payment', 'tak'],
  ['split_payment', 0],
  ['client_id', {}],
  ['sale_date', '2026-02-30'],
  ['document_markings_ids', ['1', null]],
  ['document_markings_ids', { a: 1 }],
];

test.each(valid)('%s: %s of %j becomes %j', (_kind, name, value, expected) => {
  expect(decodeInvoice({ [name]: value })[name]).toStrictEqual(expected);
});

test.each(decimals)('a quantity of %s becomes a plain decimal', (quantity, expected) => {
  expect(decodeInvoice({ services: [{ quantity }] })['services']).toEqual([
    expect.objectContaining({ quantity: expected }),
  ]);
});

test.each(['1,5', '', '.', '.5', '5.', '1 000', 'NaN', '--1', '1e', '1e1001', '0x10', 'e5', true, [1]])(
  'a quantity of %j is a misfit unless it is empty',
  (quantity) => {
    expect(misfitsOf({ services: [{}, {}, { quantity }] })).toEqual(quantity === '' ? [] : ['services.quantity']);
  },
);

test.each(lossless)('I6: %s takes %j for %j, as nothing is lost by that', (name, value, expected) => {
  const { record, misfits: names } = invoice({ id: 7, [name]: value }, 'acme', observedAt);
  expect([record[name], record['extra'], names]).toStrictEqual([expected, null, []]);
});

test.each(misfits)('I6: %s does not fit with %j, which extra keeps, and the row is a record', (name, value) => {
  const { record, misfits: names } = invoice({ id: 7, [name]: value, unknown: 1 }, 'acme', observedAt);
  expect(record[name]).toBeNull();
  expect(JSON.parse(String(record['extra']))).toStrictEqual({ [name]: value, unknown: 1 });
  expect(names).toEqual([name]);
});

test('I6: misfits of lines are kept in the extra of their own line, and named once without its number', () => {
  const { record, misfits: names } = invoice(
    { id: 7, notes: [], services: [{ unit: {} }, { unit: 'h' }, { unit: [], gtu_id: 'x' }] },
    'acme',
    observedAt,
  );
  expect(names).toEqual(['notes', 'services.gtu_id', 'services.unit']);
  expect(record['extra']).toBe('{"notes":[]}');
  expect(record['services']).toEqual([
    expect.objectContaining({ unit: null, extra: '{"unit":{}}' }),
    expect.objectContaining({ unit: 'h', extra: null }),
    expect.objectContaining({ unit: null, gtu_id: null, extra: '{"gtu_id":"x","unit":[]}' }),
  ]);
});

test.each([
  ['notes', 'a\u0000b', 'ab'],
  ['client_city', '\u0000Łódź\u0000', 'Łódź'],
  ['notes', '\u0000', null],
  ['notes', '\u0000\ud800', null],
  ['document_markings_ids', ['1\u0000', 2], ['1', '2']],
  ['document_markings_ids', ['1\u0000', {}], null],
])(
  'I6: %s is without the U+0000 of %j, which PostgreSQL does not take, and extra keeps the value',
  (name, value, rest) => {
    const { record, misfits: names } = invoice({ id: 7, [name]: value }, 'acme', observedAt);
    expect(record[name]).toEqual(rest);
    expect(JSON.parse(String(record['extra']))).toEqual({ [name]: value });
    expect(record['extra']).not.toContain('\u0000');
    expect(names).toEqual([name]);
  },
);

test.each(invalid)('%s refuses %j by its path, without telling the value', (name, value) => {
  const error = refusalOf(() => decodeInvoice({ [name]: value }));
  expect(error).toMatchObject({ path: name, entity: 'acme' });
  expect(error.message).toMatch(new RegExp(`^normalise ${name}: expected .+, got (a |an )`));
  expect(error.message).not.toContain(markedText);
  expect(error.cause).toBeUndefined();
});

test('a refusal tells the type and the length of the value', () => {
  const messageOf = (fields: object) => refusalOf(() => decodeInvoice(fields)).message;
  expect(messageOf({ net_price: '1.00' })).toBe(
    'normalise net_price: expected an integer of minor units, got a text of 4 characters',
  );
  expect(messageOf({ currency: [1, 2] })).toMatch(/got an array of 2$/);
  expect(messageOf({ currency: { a: 1 } })).toMatch(/got an object of 1 fields$/);
  expect(messageOf({ currency: 1.5 })).toMatch(/got a number$/);
  expect(messageOf({ services: [null] })).toMatch(/^normalise services\[0\]: expected an object, got null$/);
  expect(messageOf({ services: [{}, { net_price: [] }] })).toMatch(/^normalise services\[1\]\.net_price: .+ of 0$/);
});

test.each([...new Map(valid.map(([kind, name]) => [kind, name])).entries()])(
  '%s: null, an empty text and nothing at all are null',
  (_kind, name) => {
    for (const fields of [{ [name]: null }, { [name]: '' }, { [name]: undefined }, {}]) {
      expect(decodeInvoice(fields)[name]).toBeNull();
    }
  },
);

test('days_to_payment is the same as a number, as digits, and null when empty', () => {
  const daysOf = (days_to_payment: unknown) =>
    client({ id: 1, days_to_payment }, 'acme', observedAt).record['days_to_payment'];
  expect([14, '14', '', null].map(daysOf)).toEqual([14, 14, null, null]);
});

test('a record has every field of the schema, with the entity and the time of the reading', () => {
  const { record } = client({ id: 160001, company_name: 'Przykład' }, 'acme', observedAt);
  const ours = ['entity', 'observed_at', 'extra', 'fingerprint', 'fingerprint_definition'];
  const fields = [...ours, ...fieldsOf(loadSchema('client')).map(({ name }) => name)];
  expect(Object.keys(record).sort()).toEqual(fields.sort());
  expect(record).toMatchObject({
    entity: 'acme',
    id: 160001,
    observed_at: observedAt,
    company_name: 'Przykład',
    extra: null,
  });
});

test('unknown fields are kept in extra by sorted name, empty ones left out, a line keeps its own', () => {
  const record = decodeInvoice({
    zeta: 1.5,
    alpha: { y: 'ż', x: [true] },
    none: null,
    blank: '',
    services: [{ colour: 'red' }, {}],
  });
  expect(record['extra']).toBe('{"alpha":{"x":[true],"y":"ż"},"zeta":1.5}');
  expect(record['services']).toEqual([
    expect.objectContaining({ extra: '{"colour":"red"}' }),
    expect.objectContaining({ extra: null }),
  ]);
  expect(decodeInvoice({ none: null, blank: '' })['extra']).toBeNull();
});

test('fields of the API that are called like ours are unknown ones', () => {
  const record = decodeInvoice({ entity: 'evil', observed_at: 0, extra: { a: 1 } });
  expect(record).toMatchObject({ entity: 'acme', observed_at: observedAt });
  expect(record['extra']).toBe('{"entity":"evil","extra":{"a":1},"observed_at":0}');
});

test('unknown fields named like members of Object.prototype survive', () => {
  const row: unknown = JSON.parse('{"__proto__":{"id":"a"},"constructor":"b","toString":{"__proto__":1}}');
  const record = decodeInvoice(Object.assign(Object.create(null) as object, { hasOwnProperty: 2 }));
  expect(record['extra']).toBe('{"hasOwnProperty":2}');
  const { record: parsed } = invoice(withId(row), 'acme', observedAt);
  expect(parsed['extra']).toBe('{"__proto__":{"id":"a"},"constructor":"b","toString":{"__proto__":1}}');
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
});

function withId(value: unknown): Row {
  if (typeof value !== 'object' || value === null) throw new Error('a row is an object');
  return Object.defineProperties({ id: 7 }, Object.getOwnPropertyDescriptors(value));
}

test('JSON nested too deep is refused, not a crash', () => {
  const deep: unknown = JSON.parse('['.repeat(200_000) + ']'.repeat(200_000));
  expect(refusalOf(() => decodeInvoice({ deep }))).toMatchObject({ path: 'extra' });
  expect(refusalOf(() => decodeInvoice({ ksef_data: deep }))).toMatchObject({ path: 'ksef_data' });
  expect(refusalOf(() => decodeInvoice({ services: [{ deep }] }))).toMatchObject({ path: 'services[0].extra' });
});

const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }).map((any) => any.replaceAll('\u0000', ' '));
const exact = fc.integer({ min: -4503599627370496, max: 9007199254740990 });
const arbitraries: Readonly<Record<Exclude<Kind, 'lines'>, fc.Arbitrary<unknown>>> = {
  text,
  integer: fc.oneof(exact, exact.map(String)),
  money: exact,
  boolean: fc.boolean(),
  date: fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString().slice(0, 10)),
  timestamp: fc
    .date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  decimal: fc.oneof(
    fc.double({ noDefaultInfinity: true, noNaN: true }),
    fc.stringMatching(/^-?\d{1,40}(\.\d{1,40})?$/),
  ),
  json: fc.jsonValue({ maxDepth: 4 }),
  texts: fc.array(fc.oneof(text, exact)),
};

function rowOf(fields: readonly Field[]): fc.Arbitrary<Record<string, unknown>> {
  const known = fields.map(({ name, kind, fields: inside }): [string, fc.Arbitrary<unknown>] => [
    name,
    fc.option(kind === 'lines' ? fc.array(rowOf(inside), { maxLength: 3 }) : arbitraries[kind], { freq: 3 }),
  ]);
  return fc.record({ ...Object.fromEntries(known), unknown_field: fc.jsonValue() }, { requiredKeys: [] });
}

describe.each(['client', 'invoice'])('any valid row of %s', (name) => {
  const schemaText = loadSchema(name);
  const decode = createDecoder(schemaText);
  const encoder = createEncoder(schemaText, { prefix: Buffer.from([0, 1]) });

  test('comes back from Avro as it was decoded', () => {
    fc.assert(
      fc.property(rowOf(fieldsOf(schemaText)), fc.nat(), (row, id) => {
        const { record } = decode({ ...row, id }, 'acme', observedAt);
        expect(encoder.decode(encoder.encode(record))).toEqual(record);
      }),
      { numRuns: 200 },
    );
  });
});

test('a date and an instant are those of the platform, on any day of ten thousand years', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), (date) => {
      const iso = date.toISOString();
      const record = decodeInvoice({ paid_date: iso.slice(0, 10), created_at: iso });
      expect(record['created_at']).toBe(date.getTime());
      expect(record['paid_date']).toBe(Math.floor(date.getTime() / 86_400_000));
    }),
  );
});

test('whatever JSON comes, a row is decoded or is a RecordError', () => {
  const names = fieldsOf(loadSchema('invoice')).map(({ name }) => name);
  const anyRow = fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), fc.jsonValue(), { maxKeys: 5 });
  fc.assert(
    fc.property(anyRow, (row) => {
      try {
        invoice({ ...row, id: 7 }, 'acme', observedAt);
      } catch (error) {
        expect(error).toBeInstanceOf(RecordError);
      }
    }),
    { numRuns: 500 },
  );
});
