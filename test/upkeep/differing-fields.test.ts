import { differingFields } from '../../src/upkeep/differing-fields';

const record = {
  entity: 'alfa',
  observed_at: '2026-11-30T09:00:00.000Z',
  fingerprint: '00',
  id: 7,
  currency: 'PLN',
  status: 'sent',
  notes: null,
  services: [
    { id: 1, name: 'hosting', unit: 'szt' },
    { id: 2, name: 'domain', unit: 'szt' },
  ],
  extra: '{"colour":"red","size":{"a":1,"b":2}}',
};

function names(changes: Readonly<Record<string, unknown>>, volatile: readonly string[] = []): unknown {
  return differingFields(record, { ...record, ...changes }, volatile);
}

test('records that say the same differ in nothing, whatever the service itself wrote into them', () => {
  expect(names({ entity: 'beta', observed_at: 'later', fingerprint: 'ff', fingerprint_definition: 3 })).toEqual({
    counted: [],
    uncounted: [],
  });
  // A record of an older schema has no such field.
  expect(names({ column_of_a_newer_schema: null })).toEqual({ counted: [], uncounted: [] });
});

test('fields are named once, those of lines and of extra too, and no value is told', () => {
  const services = record.services.map((line) => ({ ...line, unit: 'godz' }));
  expect(names({ status: 'paid', services, extra: '{"colour":"blue","size":{"b":2,"a":1}}' })).toEqual({
    counted: ['colour', 'services.unit', 'status'],
    uncounted: [],
  });
});

test('another number of lines is a difference of the lines as such', () => {
  expect(names({ services: record.services.slice(0, 1) })).toEqual({ counted: ['services'], uncounted: [] });
  expect(names({ services: null })).toEqual({ counted: ['services'], uncounted: [] });
});

test('volatile fields are told apart; one that is volatile in PLN alone counts in other currencies', () => {
  const services = record.services.map((line) => ({ ...line, id: line.id + 10 }));
  const volatile = ['services.id', 'status[PLN]', 'extensions'];
  expect(names({ services, status: 'paid', extra: '{"extensions":{"a":1}}' }, volatile)).toEqual({
    counted: ['colour', 'size'],
    uncounted: ['extensions', 'services.id', 'status'],
  });
  expect(names({ status: 'paid', currency: 'EUR' }, volatile)).toEqual({
    counted: ['currency', 'status'],
    uncounted: [],
  });
});

test('an extra that is no JSON object keeps nothing that can be named', () => {
  expect(names({ extra: 'no JSON' })).toEqual({ counted: ['colour', 'size'], uncounted: [] });
});
