import {
  dayOrNull,
  daysOf,
  decimalOf,
  fieldsOf,
  instantOf,
  integerOf,
  isExact,
  type Kind,
} from '../../src/changes/kinds';

const schemaOf = (...fields: unknown[]): string => JSON.stringify({ type: 'record', name: 'Row', fields });

test.each<[Kind, unknown]>([
  ['text', { type: 'string' }],
  ['text', { type: ['null', 'string'] }],
  ['decimal', { type: ['null', 'string'], kind: 'decimal' }],
  ['json', { type: ['null', 'string'], kind: 'json' }],
  ['integer', { type: ['null', 'long'] }],
  ['money', { type: ['null', 'long'], unit: 'minor' }],
  ['boolean', { type: ['null', 'boolean'] }],
  ['date', { type: ['null', { type: 'int', logicalType: 'date' }] }],
  ['timestamp', { type: ['null', { type: 'long', logicalType: 'timestamp-millis' }] }],
  ['texts', { type: ['null', { type: 'array', items: 'string' }] }],
])('a field is of kind %s by its Avro type %j', (kind, type) => {
  expect(fieldsOf(schemaOf({ name: 'field', ...Object(type) }))).toEqual([
    { name: 'field', kind, strict: false, fields: [] },
  ]);
});

test('an array of records is of kind lines, with the fields of one line', () => {
  const line = { type: 'record', name: 'Line', fields: [{ name: 'tax', type: ['null', 'long'], unit: 'minor' }] };
  const lines = { name: 'services', type: ['null', { type: 'array', items: line }] };
  expect(fieldsOf(schemaOf(lines))).toEqual([
    {
      name: 'services',
      kind: 'lines',
      strict: false,
      fields: [{ name: 'tax', kind: 'money', strict: false, fields: [] }],
    },
  ]);
});

test('the fields that the schemas add are not among those of the API', () => {
  const names = ['entity', 'observed_at', 'extra', 'number'].map((name) => ({ name, type: 'string' }));
  expect(fieldsOf(schemaOf(...names)).map(({ name }) => name)).toEqual(['number']);
});

test.each([
  ['a schema without fields', '{"type":"record"}', /the schema of an Avro record/],
  ['a field without a name', schemaOf({ type: 'string' }), /a named field/],
  ['a type without a kind', schemaOf({ name: 'ratio', type: 'double' }), /got "double" in field ratio/],
])('refuses %s', (_, schema, message) => {
  expect(() => fieldsOf(schema)).toThrow(message);
});

test.each([
  [0, true],
  [-4503599627370496, true],
  [-4503599627370497, false],
  [9007199254740990, true],
  [9007199254740991, false],
  [1.5, false],
  [NaN, false],
])('%p is exact in JSON, a double and Avro: %p', (value, exact) => {
  expect(isExact(value)).toBe(exact);
});

test.each([
  ['14', 14],
  ['+014', 14],
  ['-7', -7],
  ['-0', 0],
  ['9007199254740990', 9007199254740990],
  ['9007199254740991', undefined],
  ['12345678901234567', undefined],
  ['1.0', 1],
  ['1.5', undefined],
  ['', undefined],
  [' 1', undefined],
  ['0x1', undefined],
])('the text "%s" is the integer %p', (text, value) => {
  expect(integerOf(text)).toBe(value);
});

test.each([
  ['1970-01-01', 0],
  ['1969-12-31', -1],
  ['2024-02-29', 19_782],
  ['2023-02-29', undefined],
  ['1900-02-29', undefined],
  ['2026-13-01', undefined],
  ['2026-04-31', undefined],
  ['2026-4-1', undefined],
  ['2026-04-01T', undefined],
])('the text "%s" is day %p', (text, days) => {
  expect(daysOf(text)).toBe(days);
});

test.each([
  [null, null],
  ['1970-01-02', 1],
  ['tomorrow', NaN],
])('the day of a query %p is %p', (date, day) => {
  expect(dayOrNull(date)).toBe(day);
});

test.each([
  ['1970-01-01T00:00:00Z', 0],
  ['1970-01-01 01:00:00 +0100', 0],
  ['1970-01-01T01:00:00.123+01:00', 123],
  ['1970-01-01T00:00:00.1239Z', 123],
  ['1970-01-01T00:00:00 UTC', 0],
  ['1970-01-01T00:00:00', undefined],
  ['1970-01-01T24:00:00Z', undefined],
  ['1970-01-01T00:00:00.Z', undefined],
  ['1970-01-01T00:00:00+0160', undefined],
  ['1970-01-01', undefined],
])('the text "%s" is the instant %p', (text, instant) => {
  expect(instantOf(text)).toBe(instant);
});

test.each<[number | string, string | undefined]>([
  [1.5, '1.5'],
  [-0, '0'],
  [1e21, '1000000000000000000000'],
  [1e-7, '0.0000001'],
  ['1.50', '1.5'],
  ['+01', '1'],
  ['-0.0', '0'],
  ['1e3', '1000'],
  ['12.5e-1', '1.25'],
  ['1e1001', undefined],
  ['1,5', undefined],
  ['.5', undefined],
  [Infinity, undefined],
])('%p in plain decimal notation is %p', (value, decimal) => {
  expect(decimalOf(value)).toBe(decimal);
});
