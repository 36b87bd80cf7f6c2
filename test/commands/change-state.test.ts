import { changeTarget } from '../../src/commands/change-state';

test('without a stream the target is all of an entity', () => {
  expect(changeTarget({ entity: 'alfa' })).toEqual({ entity: 'alfa', stream: null });
});

test('a stream is found by its name', () => {
  expect(changeTarget({ entity: 'alfa', stream: 'invoices' }).stream?.path).toBe('/invoices.json');
});

test.each([
  [{}, 'expected --entity, got none; see --help'],
  [
    { entity: 'alfa', stream: 'orders' },
    '--stream expects one of clients, invoices, corrective-invoices, advance-invoices, final-invoices, margin-invoices, oss-invoices, corrective-oss-invoices, got "orders"',
  ],
])('a command line with %j says what was expected', (values, message) => {
  expect(() => changeTarget(values)).toThrow(message);
});
