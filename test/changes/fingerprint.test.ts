import fc from 'fast-check';
import { createFingerprint, fingerprintHex, HASH_VERSION, NORMALISATION_VERSION } from '../../src/changes/fingerprint';
import { fieldsOf } from '../../src/changes/kinds';
import { isObject } from '../../src/json';
import { loadSchema } from '../../src/sinks/avro';
import { invoices } from '../../src/sources/streams/invoices';

const schemaText = loadSchema('invoice');
const fingerprint = createFingerprint({ schemaText, volatileFields: invoices.volatileFields });

function hexOf(fields: unknown, of = fingerprint): string {
  if (!isObject(fields)) throw new Error('a row is an object');
  const out = new Uint32Array(2);
  of({ id: 7, ...fields }, out);
  return fingerprintHex(out[0] ?? 0, out[1] ?? 0);
}

const row = {
  id: 9000001,
  uuid: '0b1e0000-80aa-495e-aee4-66c5c0faa001',
  number: '7/03/2026',
  client_company_name: 'Przykład Sp. z o.o.',
  net_price: 10000,
  paid_price: 0,
  left_to_pay: -1,
  split_payment: false,
  notes: null,
  swift: '',
  invoice_date: '2026-03-08',
  created_at: '2026-03-08T10:11:12.345+01:00',
  document_markings_ids: ['6', 7],
  vat_exchange_date_kind: 'vat',
  services: [
    { id: 91, name: 'Usługa', quantity: 1.5, net_price: 10000, discount: '0.0', gtu_id: null },
    { id: 92, name: 'Druga', quantity: 1, net_price: 5, discount: '0.0', gtu_id: 3 },
  ],
  ksef_data: { status: 'success', timestamps: { request_created_at: '2023-10-01 16:00:00 +0200' } },
  new_field: { a: [1, { b: 'x' }], at: '2026-03-08T09:00:00Z' },
};

test('the fingerprint of a row is the same in every release with the same versions', () => {
  expect([HASH_VERSION, NORMALISATION_VERSION]).toEqual([1, 1]);
  expect(hexOf(row)).toBe('1b644c62528fb9b0');
});

test('a fingerprint is written as 16 digits', () => {
  expect(fingerprintHex(0xffffffff, 0x0a)).toBe('ffffffff0000000a');
  expect(fingerprintHex(-1, 0)).toBe('ffffffff00000000');
});

const same: readonly (readonly [string, string, string])[] = [
  ['the order of keys', '{"number":"1","notes":"x"}', '{"notes":"x","number":"1"}'],
  ['null and nothing', '{"notes":null}', '{}'],
  ['empty text and nothing', '{"notes":"","unknown":""}', '{"unknown":null}'],
  ['the spelling of a number', '{"net_price":100,"x":1.0}', '{"net_price":1e2,"x":1}'],
  ['the sign of zero', '{"net_price":-0}', '{"net_price":0}'],
  ['digits and the number', '{"client_id":"14"}', '{"client_id":14}'],
  ['signed digits and the number', '{"client_id":"+014"}', '{"client_id":14}'],
  ['digits with a fraction of zeros and the number', '{"client_id":"14.0"}', '{"client_id":14}'],
  ['money as digits', '{"net_price":"-0140"}', '{"net_price":-140}'],
  ['a boolean as text', '{"split_payment":"true"}', '{"split_payment":true}'],
  ['a text as an integer', '{"notes":"12"}', '{"notes":12}'],
  ['a text as a boolean', '{"notes":"true"}', '{"notes":true}'],
  ['a quantity as text', '{"services":[{"quantity":"1.50"}]}', '{"services":[{"quantity":1.5}]}'],
  ['a tiny quantity', '{"services":[{"quantity":"0.00000010"}]}', '{"services":[{"quantity":1e-7}]}'],
  ['markings as numbers', '{"document_markings_ids":["6"]}', '{"document_markings_ids":[6]}'],
  [
    'the zone of a timestamp',
    '{"created_at":"2026-03-08T10:00:00+01:00"}',
    '{"created_at":"2026-03-08 09:00:00 +0000"}',
  ],
  ['the zone of an unknown timestamp', '{"x":"2026-03-08T10:00:00.000+01:00"}', '{"x":"2026-03-08T09:00:00Z"}'],
  [
    'a timestamp inside',
    '{"ksef_data":{"t":"2026-03-08T10:00:00+01:00"}}',
    '{"ksef_data":{"t":"2026-03-08T09:00:00Z"}}',
  ],
  ['a volatile field', '{"vat_exchange_date_kind":"vat"}', '{"vat_exchange_date_kind":null}'],
  [
    'a field that is volatile in PLN, in PLN',
    '{"currency":"PLN","vat_exchange_date_kind":"vat"}',
    '{"currency":"PLN","vat_exchange_date_kind":"pit"}',
  ],
  ['what is inside a volatile field', '{"extensions":{"payments":{"available":true}}}', '{}'],
  ['a volatile field of a line', '{"services":[{"id":1,"name":"x"}]}', '{"services":[{"id":2,"name":"x"}]}'],
];

test.each(same)('%s does not count', (_what, one, other) => {
  expect(hexOf(JSON.parse(one))).toBe(hexOf(JSON.parse(other)));
});

const different: readonly (readonly [string, string, string])[] = [
  [
    'a field that is volatile in PLN, in another currency',
    '{"currency":"EUR","vat_exchange_date_kind":"vat"}',
    '{"currency":"EUR","vat_exchange_date_kind":"pit"}',
  ],
  ['a text', '{"notes":"a"}', '{"notes":"b"}'],
  ['a zero byte at the end', '{"notes":"a"}', '{"notes":"a\\u0000"}'],
  ['leading zeros of a text', '{"client_post_code":"007"}', '{"client_post_code":"7"}'],
  ['leading zeros of an unknown text', '{"x":"007"}', '{"x":"7"}'],
  ['the zone inside a known text', '{"notes":"2026-03-08T10:00:00+01:00"}', '{"notes":"2026-03-08T09:00:00Z"}'],
  ['false and nothing', '{"split_payment":false}', '{}'],
  ['zero and nothing', '{"net_price":0}', '{}'],
  ['an empty array and nothing', '{"services":[]}', '{}'],
  ['an empty object and nothing', '{"ksef_data":{}}', '{}'],
  ['an empty array and an empty object', '{"x":[]}', '{"x":{}}'],
  ['the field that a value is in', '{"recipient_signature":"a"}', '{"seller_signature":"a"}'],
  ['two values swapped', '{"net_price":1,"tax_price":2}', '{"net_price":2,"tax_price":1}'],
  ['the order of lines', '{"services":[{"name":"a"},{"name":"b"}]}', '{"services":[{"name":"b"},{"name":"a"}]}'],
  ['a line twice', '{"services":[{"name":"a"}]}', '{"services":[{"name":"a"},{"name":"a"}]}'],
  ['the line that a value is in', '{"services":[{"name":"a"},{}]}', '{"services":[{},{"name":"a"}]}'],
  ['the order inside an unknown array', '{"x":[1,2]}', '{"x":[2,1]}'],
  ['nulls at the end of an array', '{"x":[1]}', '{"x":[1,null]}'],
  ['an array and an object by index', '{"x":["a"]}', '{"x":{"0":"a"}}'],
  ['a level of nesting', '{"x":{"y":1}}', '{"x":{"x":{"y":1}}}'],
  ['a name inside', '{"x":{"y":1}}', '{"x":{"z":1}}'],
  ['an invalid number kept by its text', '{"net_price":1e999}', '{"net_price":1e300}'],
  ['an invalid date', '{"paid_date":"2026-02-30"}', '{"paid_date":"2026-02-31"}'],
  ['an invalid timestamp', '{"created_at":"yesterday"}', '{"created_at":"today"}'],
  [
    'an instant as a number, which is a misfit',
    '{"created_at":1767225600000}',
    '{"created_at":"2026-01-01T00:00:00Z"}',
  ],
  ['a text as a fraction, which is a misfit', '{"notes":1.5}', '{"notes":"1.5"}'],
  ['a marking as a fraction', '{"document_markings_ids":[1.5]}', '{"document_markings_ids":["1.5"]}'],
  ['a fraction of money as text', '{"net_price":"1.0"}', '{"net_price":1}'],
  ['an invalid integer', '{"client_id":"a"}', '{"client_id":"b"}'],
  ['an invalid quantity', '{"services":[{"quantity":"1,5"}]}', '{"services":[{"quantity":"1,50"}]}'],
];

test.each(different)('%s counts', (_what, one, other) => {
  expect(hexOf(JSON.parse(one))).not.toBe(hexOf(JSON.parse(other)));
});

test('a volatile path may lead into fields that the schema does not know', () => {
  const volatile = createFingerprint({ schemaText, volatileFields: ['x.y.z', 'x.w', 'services.colour', 'new'] });
  const of = (fields: object) => hexOf(fields, volatile);
  expect(of({ x: { y: { z: 1, k: 1 }, w: 5 }, new: 1 })).toBe(of({ x: { y: { z: 2, k: 1 }, w: 6 }, new: { a: 1 } }));
  expect(of({ x: [{ y: { z: 1 } }] })).toBe(of({ x: [{ y: { z: 2 } }] }));
  expect(of({ services: [{ colour: 'red', name: 'a' }] })).toBe(of({ services: [{ colour: 'blue', name: 'a' }] }));
  expect(of({ x: { y: { k: 1 } } })).not.toBe(of({ x: { y: { k: 2 } } }));
  expect(of({ y: { z: 1 } })).not.toBe(of({ y: { z: 2 } }));
});

test('a field that moves from extra to a column changes nothing', () => {
  const schema: unknown = JSON.parse(schemaText);
  if (!isObject(schema) || !Array.isArray(schema['fields'])) throw new Error('a record');
  for (const { name } of fieldsOf(schemaText)) {
    const fields = schema['fields'].filter((field: unknown) => !(isObject(field) && field['name'] === name));
    const older = createFingerprint({
      schemaText: JSON.stringify({ ...schema, fields }),
      volatileFields: invoices.volatileFields,
    });
    expect([name, hexOf(row, older)]).toEqual([name, hexOf(row)]);
  }
});

test('a nullable field that a schema or its lines get changes nothing of a row that lacks it', () => {
  const field = { name: 'later', type: ['null', 'string'], default: null };
  const grown: unknown = JSON.parse(schemaText, (key, value: unknown) =>
    key === 'fields' && Array.isArray(value) ? [...(value as unknown[]), field] : value,
  );
  const newer = createFingerprint({
    schemaText: JSON.stringify(grown),
    volatileFields: invoices.volatileFields,
  });
  expect(hexOf(row, newer)).toBe(hexOf(row));
  expect(hexOf({ ...row, later: 'x' }, newer)).not.toBe(hexOf(row));
});

test('any depth of JSON has a fingerprint', () => {
  const nested = (depth: number): unknown => JSON.parse(`{"x":${'[{"y":'.repeat(depth)}1${'}]'.repeat(depth)}}`);
  expect(hexOf(nested(100_000))).not.toBe(hexOf(nested(100_001)));
});

test('names of Object.prototype count like any other', () => {
  expect(hexOf(JSON.parse('{"constructor":"a"}'))).not.toBe(hexOf(JSON.parse('{"constructor":"b"}')));
  const inside = (value: number): unknown => JSON.parse(`{"x":{"__proto__":${value}}}`);
  expect(hexOf(inside(1))).not.toBe(hexOf(inside(2)));
});

const names = fieldsOf(schemaText).map(({ name }) => name);
const name = fc.oneof(fc.constantFrom(...names), fc.string({ unit: 'binary' }));
// A row always has an id that is an integer.
const anyRow = fc.dictionary(name, fc.jsonValue(), { maxKeys: 8 }).map((fields) => ({ ...fields, id: 7 }));

test('whatever JSON comes, a row has a fingerprint, and the same one each time', () => {
  fc.assert(
    fc.property(anyRow, (fields) => {
      const first = hexOf(fields);
      hexOf(row);
      expect(hexOf(fields)).toBe(first);
    }),
    { numRuns: 500 },
  );
});

/** The same JSON with the keys of every object in another order. */
function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, member]) => [key, shuffled(member)]),
  );
}

/** The same JSON with null, an empty text or nothing where there was one of them. */
function emptied(value: unknown, empty: null | '' | undefined): unknown {
  if (Array.isArray(value))
    return value.map((element: unknown) => emptied(element, empty === undefined ? null : empty));
  if (value === null || value === '') return empty;
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(([key, member]): [string, unknown] => [key, emptied(member, empty)]);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

test('the order of keys never counts, at any depth', () => {
  fc.assert(fc.property(anyRow, (fields) => expect(hexOf(shuffled(fields))).toBe(hexOf(fields))));
});

test('null, an empty text and nothing are the same, at any depth', () => {
  fc.assert(
    fc.property(anyRow, fc.constantFrom(null, '' as const, undefined), (fields, empty) => {
      expect(hexOf(emptied(fields, empty))).toBe(hexOf(fields));
    }),
  );
});

test('any spelling of a number counts the same, in a column and outside', () => {
  fc.assert(
    fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (value) => {
      const spellings = [String(value), value.toExponential()];
      const rows = spellings.map((spelling): unknown =>
        JSON.parse(`{"x":${spelling},"net_price":${spelling},"services":[{"quantity":${spelling}}]}`),
      );
      const texts = spellings.map((quantity) => ({ x: value, net_price: value, services: [{ quantity }] }));
      expect(new Set([...rows, ...texts].map((fields) => hexOf(fields))).size).toBe(1);
    }),
  );
});

test('a changed value of any field that is not volatile changes the fingerprint', () => {
  const judged = names.filter(
    (field) => field !== 'id' && !invoices.volatileFields.some((path) => path.replace('[PLN]', '') === field),
  );
  fc.assert(
    fc.property(
      anyRow,
      fc.constantFrom(...judged, 'unknown'),
      fc.string(),
      fc.string(),
      (fields, field, one, other) => {
        fc.pre(one !== other);
        expect(hexOf({ ...fields, [field]: `~${one}` })).not.toBe(hexOf({ ...fields, [field]: `~${other}` }));
      },
    ),
    { numRuns: 500 },
  );
});

test('similar rows have fingerprints that are spread over all 64 bits', () => {
  const count = 20_000;
  const seen = new Set<string>();
  const ones = new Array<number>(64).fill(0);
  for (let i = 0; i < count; i += 1) {
    const hex = hexOf({ number: `${i}/03/2026`, net_price: 100 + (i % 7) });
    seen.add(hex);
    BigInt(`0x${hex}`)
      .toString(2)
      .padStart(64, '0')
      .split('')
      .forEach((bit, at) => {
        if (bit === '1') ones[at] = (ones[at] ?? 0) + 1;
      });
  }
  expect(seen.size).toBe(count);
  // Six standard deviations.
  for (const share of ones) expect(Math.abs(share - count / 2)).toBeLessThan(6 * Math.sqrt(count / 4));
});
