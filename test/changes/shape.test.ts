import { shapeOf, shapeText } from '../../src/changes/shape';
import { loadSchema } from '../../src/sinks/avro';
import { invoices } from '../../src/sources/streams/invoices';

const shape = (...rows: readonly object[]) =>
  shapeOf(
    loadSchema('invoice'),
    rows.map((row, at) => ({ id: at + 1, ...row })),
    invoices.detailOnlyFields,
  );

test('rows that fit are only counted', () => {
  const { rows, unfit, unknown } = shape({ number: '1', gross_price: 100 }, { number: 12, notes: null });
  expect({ rows, unfit, unknown }).toEqual({ rows: 2, unfit: [], unknown: [] });
});

test('I6: fields that do not fit are named with their JSON types, the strict ones and those of lines too', () => {
  const { unfit } = shape(
    { notes: ['Secret-4711'], gross_price: 'Secret-4711', currency: {}, services: [{ unit: 1.5 }] },
    { notes: 'x', services: [{ unit: 'h', net_price: 1.5 }] },
  );
  expect(unfit).toEqual([
    { field: 'currency', types: ['object'], strict: true },
    { field: 'gross_price', types: ['string'], strict: true },
    { field: 'notes', types: ['array', 'string'], strict: false },
    { field: 'services.net_price', types: ['number'], strict: true },
    { field: 'services.unit', types: ['number', 'string'], strict: false },
  ]);
});

test('I6: fields that the schema does not know are named with their JSON types, those of lines too', () => {
  expect(shape({ new_field: { secret: 1 } }, { new_field: true, services: [{ colour: null }] }).unknown).toEqual([
    { field: 'new_field', types: ['boolean', 'object'], strict: false },
    { field: 'services.colour', types: ['null'], strict: false },
  ]);
});

test('documented fields that no row has are named, but those that lists never show, and those of lines where there are none', () => {
  expect(shape({ number: null }).absent).toEqual(expect.arrayContaining(['ksef_number', 'services']));
  expect(shape({ number: null }).absent).not.toEqual(expect.arrayContaining(['number']));
  expect(shape({ number: null }).absent).not.toContain('ksef_data');
  expect(shape({ number: null }).absent).not.toContain('services.name');
  expect(shape({ services: [{ unit: 'h' }] }).absent).toContain('services.name');
});

test('I11: the sentence holds names and types, and nothing of a value', () => {
  const text = shapeText(shape({ notes: ['Secret-4711'], gross_price: 'Secret-4711', extra_name: 'Secret-4711' }));
  expect(text).toMatch(
    /^1 rows looked at; values that do not fit: gross_price \(string; the row is a dead letter\), notes \(array\); fields that the schema does not know: extra_name \(string\); fields that no row has: .*uuid/,
  );
  expect(text).not.toContain('Secret');
  expect(shapeText(shape())).toBe('0 rows looked at; every value fits');
});

test('a row that is nested too deep ends the look at no other row', () => {
  const deep: unknown = JSON.parse('['.repeat(200) + ']'.repeat(200));
  expect(shape({ deep }, { notes: [] }).unfit.map(({ field }) => field)).toEqual(['extra', 'notes']);
});
