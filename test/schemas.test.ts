import { fieldsOf, type Field } from '../src/changes/kinds';
import { isObject } from '../src/json';
import type { StreamDeclaration } from '../src/model';
import { allStreams } from '../src/sources/streams/all-streams';
import { createEncoder, loadSchema, schemaNames } from '../src/sinks/avro';
import { clients } from '../src/sources/streams/clients';
import { correctiveInvoices } from '../src/sources/streams/corrective-invoices';
import { invoices } from '../src/sources/streams/invoices';

const noPrefix = { prefix: Buffer.alloc(0) };

interface Declared {
  readonly record: string;
  readonly name: string;
  readonly field: Readonly<Record<string, unknown>>;
}

/** Every field of every record in the schema. */
function declaredIn(schema: unknown): readonly Declared[] {
  if (Array.isArray(schema)) return schema.flatMap(declaredIn);
  if (!isObject(schema)) return [];
  if (!Array.isArray(schema['fields'])) return declaredIn(schema['items']);
  return schema['fields'].flatMap((field: unknown) => {
    if (!isObject(field)) throw new Error('a field is an object');
    return [{ record: String(schema['name']), name: String(field['name']), field }, ...declaredIn(field['type'])];
  });
}

/** What came after 0.1.0 has no former name. */
const later: ReadonlySet<string> = new Set(
  [
    ...['entity', 'ksef', 'dictionary-entry', 'status', 'advance-invoice', 'final-invoice', 'margin-invoice'],
    ...['oss-invoice', 'corrective-oss-invoice'],
  ].flatMap((name) => [name, `${name}-key`]),
);

const fieldsOfSchema = (name: string): readonly Declared[] => declaredIn(JSON.parse(loadSchema(name)));
/** `invoice-line` is `InvoiceLine`. */
const recordName = (schema: string): string =>
  schema.replace(/(?:^|-)(\w)/g, (_match, letter: string) => letter.toUpperCase());
/** The names that 0.1.0 gave the records inside others. */
const formerNested: Readonly<Record<string, string>> = {
  Line: 'line',
  CorrectiveLine: 'corrective_line',
  SweepSum: 'sweep_sum',
  OddUuid: 'odd_uuid',
};

/** Every record of a schema with its aliases, the outermost first. */
function namesIn(schema: unknown): readonly (readonly [string, unknown])[] {
  if (Array.isArray(schema)) return schema.flatMap(namesIn);
  if (!isObject(schema)) return [];
  if (!Array.isArray(schema['fields'])) return namesIn(schema['items']);
  const inner = schema['fields'].flatMap((field: unknown) => (isObject(field) ? namesIn(field['type']) : []));
  return [[String(schema['name']), schema['aliases']], ...inner];
}

const required = new Set(['entity', 'id', 'observed_at']);

/** The paths of a stream's declaration go into the elements of an array without naming it. */
function resolves(fields: readonly Field[], path: string): boolean {
  const [name, ...rest] = path.split('.');
  const field = fields.find((candidate) => candidate.name === name);
  return field !== undefined && (rest.length === 0 || resolves(field.fields, rest.join('.')));
}

describe.each(schemaNames())('%s.avsc', (name) => {
  test('says of every field what it means', () => {
    for (const { field } of fieldsOfSchema(name)) expect(field['doc']).toMatch(/^[A-Z0-9].{8,}\.$/);
  });

  test('names no field twice in one record', () => {
    const names = fieldsOfSchema(name).map((declared) => `${declared.record}.${declared.name}`);
    expect(new Set(names).size).toBe(names.length);
  });

  test("is named as Avro's users name records, and has the name of 0.1.0 as alias, nested records too", () => {
    const [outer, ...inner] = namesIn(JSON.parse(loadSchema(name)));
    const former = later.has(name) ? undefined : [`infakt.${name.replaceAll('-', '_')}`];
    expect(outer).toEqual([recordName(name), former]);
    for (const [nested, aliases] of inner)
      expect([nested, aliases]).toEqual([nested, later.has(name) ? undefined : [`infakt.${formerNested[nested]}`]]);
  });

  test('is a schema that avsc can compile', () => {
    expect(() => createEncoder(loadSchema(name), noPrefix)).not.toThrow();
  });
});

describe.each(allStreams.map(({ schema }) => schema))('%s.avsc', (name) => {
  test('lets every field but entity, id and observed_at be null, and be null by default', () => {
    for (const { record, name: fieldName, field } of fieldsOfSchema(name)) {
      if (record === recordName(name) && required.has(fieldName)) {
        expect(field).not.toHaveProperty('default');
        continue;
      }
      expect(field['type']).toEqual(['null', expect.anything()]);
      expect(field['default']).toBeNull();
    }
  });

  test('uses only types that the converters and the JDBC sink of Kafka Connect know', () => {
    const scalars: unknown[] = [
      'string',
      'int',
      'long',
      'boolean',
      { type: 'int', logicalType: 'date' },
      { type: 'long', logicalType: 'timestamp-millis' },
    ];
    for (const { field } of fieldsOfSchema(name)) {
      const type: unknown = Array.isArray(field['type']) ? field['type'][1] : field['type'];
      const scalar: unknown = isObject(type) && type['type'] === 'array' ? type['items'] : type;
      if (isObject(scalar) && scalar['type'] === 'record') continue;
      expect(scalars).toContainEqual(scalar);
    }
  });

  test('gives money a unit and a source to every field of the API', () => {
    for (const { name: fieldName, field } of fieldsOfSchema(name)) {
      if (fieldName.includes('price')) expect(field['unit']).toBe('minor');
      expect(field['doc']).toMatch(/Source: (inFakt API, (list row|detail only|documented in 2026)|infakt-kafka)/);
    }
  });

  test('has room for unknown fields in every record', () => {
    const records = new Set(fieldsOfSchema(name).map(({ record }) => record));
    for (const record of records) {
      expect(fieldsOfSchema(name)).toContainEqual(expect.objectContaining({ record, name: 'extra' }));
    }
  });
});

describe.each<StreamDeclaration>([...allStreams])('the stream $name', ({ schema, ...stream }) => {
  const fields = fieldsOf(loadSchema(schema));

  test('has a schema and a key schema of its name in the namespace infakt', () => {
    const name = recordName(schema);
    expect(JSON.parse(loadSchema(schema))).toMatchObject({ type: 'record', name, namespace: 'infakt' });
    expect(JSON.parse(loadSchema(`${schema}-key`))).toMatchObject({ name: `${name}Key`, namespace: 'infakt' });
  });

  test('has the frozen key of entity and id', () => {
    expect(fieldsOfSchema(`${schema}-key`).map(({ name, field }) => [name, field['type']])).toEqual([
      ['entity', 'string'],
      ['id', 'long'],
    ]);
  });

  test('declares only fields that its schema has, of the kind they are used as', () => {
    const { volatileFields, detailOnlyFields, sumFields, scopeField, address } = stream;
    for (const path of [...volatileFields, ...detailOnlyFields])
      expect([path, resolves(fields, path.replace('[PLN]', ''))]).toEqual([path, true]);
    for (const name of sumFields) expect(fields).toContainEqual({ name, kind: 'money', strict: true, fields: [] });
    if (scopeField !== null)
      expect(fields).toContainEqual({ name: scopeField, kind: 'date', strict: true, fields: [] });
    expect(fields.map(({ name }) => name)).toContain(address);
  });
});

test('details are addressed below the base URL, with nothing of an address taken for a path', () => {
  expect(clients.detailPath('160001')).toBe('/clients/160001.json');
  expect(invoices.detailPath('0b1e/../x?y')).toBe('/invoices/0b1e%2F..%2Fx%3Fy.json');
  expect(correctiveInvoices.detailPath('0b1e/..')).toBe('/corrective_invoices/0b1e%2F...json');
});

test('a kind is read from the type and the attributes of a field', () => {
  const kinds = new Map(fieldsOf(loadSchema('invoice')).map((field) => [field.name, field]));
  expect(
    ['number', 'client_id', 'net_price', 'split_payment', 'paid_date', 'created_at'].map((n) => kinds.get(n)?.kind),
  ).toEqual(['text', 'integer', 'money', 'boolean', 'date', 'timestamp']);
  expect(['ksef_data', 'document_markings_ids', 'services'].map((name) => kinds.get(name)?.kind)).toEqual([
    'json',
    'texts',
    'lines',
  ]);
  expect(kinds.get('services')?.fields).toContainEqual({
    name: 'quantity',
    kind: 'decimal',
    strict: false,
    fields: [],
  });
  expect(kinds.get('services')?.fields).toContainEqual({ name: 'discount', kind: 'text', strict: false, fields: [] });
  expect([kinds.has('entity'), kinds.has('observed_at'), kinds.has('extra')]).toEqual([false, false, false]);
});

test.each(['"string"', '{"fields":[1]}', '{"fields":[{"name":"x","type":"double"}]}'])(
  'a schema with no kinds is a bug: %s',
  (text) => {
    expect(() => fieldsOf(text)).toThrow(/^expected/);
  },
);

const document = [
  'id',
  'uuid',
  'kind',
  'status',
  'currency',
  'invoice_date',
  'payment_date',
  'paid_date',
  'net_price',
  'tax_price',
  'gross_price',
  'paid_price',
  'left_to_pay',
  'client_tax_code',
];
const line = ['unit_net_price', 'net_price', 'gross_price', 'tax_price', 'unit_net_price_before_discount'];
const lines = ['services', ...line.map((name) => `services.${name}`)];
const ossDocument = [
  ...[
    'id',
    'uuid',
    'country',
    'currency',
    'issue_date',
    'payment_date',
    'net_price',
    'tax_price',
    'gross_price',
    'advance_price',
    'services',
  ],
  ...['unit_net_price', 'net_price', 'gross_price', 'tax_price', 'additional_price'].map((name) => `services.${name}`),
];
const marginLines = ['services', 'services.gross_with_margin_amount_price', 'services.margin_amount_price'];
const without = (names: readonly string[], ...left: readonly string[]): readonly string[] =>
  names.filter((name) => !left.includes(name));

test.each([
  ['client', ['id', 'uuid', 'nip']],
  ['invoice', [...document, ...lines]],
  ['corrective-invoice', [...document, 'corrected_invoice_gross_price', ...lines]],
  ['advance-invoice', [...without(document, 'paid_price'), 'advance_date', 'advance_price', ...lines]],
  ['final-invoice', [...document, ...lines]],
  ['oss-invoice', ossDocument],
  ['corrective-oss-invoice', ossDocument],
  ['margin-invoice', [...without(document, 'net_price', 'tax_price'), 'margin_amount_price', ...marginLines]],
])('strict in %s are the fields without which a record would lie, and no others', (name, strict) => {
  const strictIn = (fields: readonly Field[], prefix = ''): readonly string[] =>
    fields.flatMap((field) => [
      ...(field.strict ? [prefix + field.name] : []),
      ...strictIn(field.fields, `${prefix}${field.name}.`),
    ]);
  expect([...strictIn(fieldsOf(loadSchema(name)))].sort()).toEqual([...strict].sort());
});

test.each(['invoice-line', 'corrective-invoice-line'])('strict in %s are the same fields as in the rows', (name) => {
  const strict = fieldsOfSchema(name).filter(({ field }) => field['strict'] === true);
  expect(strict.map(({ name: fieldName }) => fieldName).sort()).toEqual([...line].sort());
});
