import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { releaseSchemas, schemaFaults } from '../../tools/schemas';

type Json = Readonly<Record<string, unknown>>;

const line = {
  type: 'record',
  name: 'line',
  fields: [
    { name: 'name', type: ['null', 'string'], default: null },
    { name: 'rate', type: ['null', { type: 'enum', name: 'rate', symbols: ['full', 'none'] }], default: null },
  ],
};
const fields: readonly Json[] = [
  { name: 'id', type: 'long' },
  { name: 'gross_price', type: ['null', 'long'], default: null, unit: 'minor' },
  { name: 'paid_date', type: ['null', { type: 'int', logicalType: 'date' }], default: null },
  { name: 'services', type: ['null', { type: 'array', items: line }], default: null },
];
const schemaOf = (of: readonly Json[], more: Json = {}): Json => ({
  type: 'record',
  name: 'bill',
  namespace: 'infakt',
  fields: of,
  ...more,
});
const withLine = (changed: Json): readonly Json[] =>
  fields.map((field) =>
    field['name'] === 'services'
      ? { ...field, type: ['null', { type: 'array', items: { ...line, ...changed } }] }
      : field,
  );
const withField = (name: string, changed: Json): readonly Json[] =>
  fields.map((field) => (field['name'] === name ? { ...field, ...changed } : field));

const renamed = { name: 'Bill', aliases: ['infakt.bill'] };

let folder: string;
const write = (name: string, schema: Json, spaces = 2): void =>
  writeFileSync(join(folder, 'avro', `${name}.avsc`), JSON.stringify(schema, null, spaces));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'infakt-kafka-schemas-'));
  mkdirSync(join(folder, 'avro'));
  write('bill', schemaOf(fields));
  write('bill-key', schemaOf([{ name: 'id', type: 'long' }], { name: 'bill_key' }));
  write('ledger-block', schemaOf([{ name: 'from', type: 'long' }], { name: 'ledger_block' }));
  releaseSchemas(folder);
});

afterEach(() => rmSync(folder, { recursive: true }));

test('what the repository publishes breaks no reader of what was released', () => {
  expect(schemaFaults(join(__dirname, '../../schemas'))).toEqual([]);
});

test('a release is written once for each change, and not of what only the service reads', () => {
  expect(readFileSync(join(folder, 'released/bill/1.avsc'), 'utf8')).toBe(JSON.stringify(schemaOf(fields), null, 2));
  expect(releaseSchemas(folder)).toEqual([]);
  write('bill', schemaOf([...fields, { name: 'notes', type: ['null', 'string'], default: null }]));
  write('ledger-block', schemaOf([], { name: 'ledger_block' }));
  expect(releaseSchemas(folder)).toEqual(['released/bill/2.avsc']);
});

test.each<{ what: string; schema: Json }>([
  { what: 'none', schema: schemaOf(fields) },
  { what: 'another doc', schema: schemaOf(fields, { doc: 'Another one.' }) },
  {
    what: 'a new nullable field',
    schema: schemaOf([...fields, { name: 'x', type: ['null', 'string'], default: null }]),
  },
  {
    what: 'a new nullable field of a line',
    schema: schemaOf(withLine({ fields: [...line.fields, { name: 'x', type: ['null', 'long'], default: null }] })),
  },
  { what: 'a new schema', schema: schemaOf(fields) },
  { what: 'a renamed record with the old name as alias', schema: schemaOf(fields, renamed) },
  {
    what: 'a renamed line with the old name as alias',
    schema: schemaOf(withLine({ name: 'Line', aliases: ['infakt.line'] }), renamed),
  },
])('a change that readers can follow is no fault: $what', ({ what, schema }) => {
  write(what === 'a new schema' ? 'receipt' : 'bill', schema);
  expect(schemaFaults(folder)).toEqual([]);
});

test.each<{ what: string; schema: Json; faults: readonly string[] }>([
  {
    what: 'a new field without a default',
    schema: schemaOf([...fields, { name: 'x', type: 'string' }]),
    faults: ['x: a new field without a default'],
  },
  {
    what: 'a new field of a line without a default',
    schema: schemaOf(withLine({ fields: [...line.fields, { name: 'x', type: 'string' }] })),
    faults: ['services.x: a new field without a default'],
  },
  {
    what: 'a field that is gone',
    schema: schemaOf(fields.filter(({ name }) => name !== 'paid_date')),
    faults: ['paid_date: expected it to be there still, got no such field'],
  },
  {
    what: 'another type',
    schema: schemaOf(withLine({ fields: [{ name: 'name', type: ['null', 'long'], default: null }, line.fields[1]] })),
    faults: ['services.name: cannot read "string" as ["null","long"]'],
  },
  {
    what: 'a field that cannot be null any more',
    schema: schemaOf(withField('gross_price', { type: 'long', default: 0 })),
    faults: ['gross_price: cannot read "null" as "long"'],
  },
  {
    what: 'a renamed record',
    schema: schemaOf(fields, { name: 'invoice' }),
    faults: ['no alias found for infakt.bill'],
  },
  {
    what: 'another namespace',
    schema: schemaOf(fields, { namespace: 'pl.infakt' }),
    faults: ['no alias found for infakt.bill'],
  },
  {
    what: 'a renamed record whose alias is another name',
    schema: schemaOf(fields, { name: 'Bill', aliases: ['infakt.receipt'] }),
    faults: ['no alias found for infakt.bill'],
  },
  {
    what: 'another type of a field of a record that is renamed with an alias',
    schema: schemaOf(withField('gross_price', { type: 'long', default: 0 }), renamed),
    faults: ['gross_price: cannot read "null" as "long"'],
  },
  {
    what: 'a renamed enum',
    schema: schemaOf(
      withLine({
        fields: [
          line.fields[0],
          { ...line.fields[1], type: ['null', { type: 'enum', name: 'vat', symbols: ['full', 'none'] }] },
        ],
      }),
    ),
    faults: ['services.rate: cannot read "infakt.rate" as ["null","infakt.vat"]'],
  },
  {
    what: 'another unit',
    schema: schemaOf(withField('gross_price', { unit: 'major' })),
    faults: ['gross_price: expected {"unit":"minor"} as before, got {"unit":"major"}'],
  },
  {
    what: 'another logical type',
    schema: schemaOf(withField('paid_date', { type: ['null', 'int'] })),
    faults: ['paid_date: expected {"logicalType":"date"} as before, got {}'],
  },
])('a change that breaks readers is a fault that names schema, version and field: $what', ({ schema, faults }) => {
  write('bill', schema);
  expect(schemaFaults(folder)).toEqual(faults.map((fault) => `bill.avsc against its version 1: ${fault}`));
});

test('all released versions count, not the last alone', () => {
  write('bill', schemaOf([{ name: 'id', type: 'long' }], { name: 'other' }));
  rmSync(join(folder, 'released'), { recursive: true });
  releaseSchemas(folder);
  mkdirSync(join(folder, 'released/bill'), { recursive: true });
  writeFileSync(join(folder, 'released/bill/10.avsc'), JSON.stringify(schemaOf([{ name: 'id', type: 'long' }])));
  write(
    'bill',
    schemaOf([
      { name: 'id', type: 'long' },
      { name: 'notes', type: ['null', 'string'], default: null },
    ]),
  );
  expect(schemaFaults(folder)).toEqual(['bill.avsc against its version 1: no alias found for infakt.other']);
  expect(releaseSchemas(folder)).toEqual(['released/bill/11.avsc']);
});

test('a key schema may be renamed where the old name is an alias, and is released under the new name beside the old', () => {
  const key = (name: string, aliases: readonly string[], type = 'long'): Json => ({
    type: 'record',
    name,
    namespace: 'infakt',
    ...(aliases.length > 0 ? { aliases } : {}),
    fields: [{ name: 'id', type }],
  });
  write('bill-key', key('BillKey', ['infakt.bill_key']));
  expect(schemaFaults(folder)).toEqual([]);
  expect(releaseSchemas(folder)).toEqual(['released/bill-key/2.avsc']);
  write('bill-key', key('BillKey', []));
  expect(schemaFaults(folder)).toEqual(['bill-key.avsc against its version 1: no alias found for infakt.bill_key']);
  write('bill-key', key('BillKey', ['infakt.bill_key'], 'int'));
  expect(schemaFaults(folder)).toHaveLength(2);
});

test('a key schema is frozen, its white space included, and a released schema stays', () => {
  write('bill-key', schemaOf([{ name: 'id', type: 'long' }], { name: 'bill_key' }), 4);
  rmSync(join(folder, 'avro/bill.avsc'));
  expect(schemaFaults(folder)).toEqual([
    'bill.avsc against its version 1: expected it to be there still, got no such file',
    'bill-key.avsc against its version 1: expected the same text but for names, aliases and what the record is said to be, as key schemas are frozen, got another one',
  ]);
});
