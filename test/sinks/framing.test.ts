import { loadSchema, singleObjectPrefix } from '../../src/sinks/avro';
import { confluent, singleObject } from '../../src/sinks/framing';

const schema = loadSchema('invoice');

test('without a registry a value begins with the fingerprint of the schema, by which keys are told apart', () => {
  expect(singleObject.prefix('a-value', schema)).toEqual(singleObjectPrefix(schema));
  expect(singleObject.schemaId('a-value', schema)).toBe(singleObjectPrefix(schema).toString('hex'));
});

test("with a registry a value begins with a zero byte and the id of the subject's schema", () => {
  const framing = confluent(new Map([['a-value', 258]]));
  expect(framing.prefix('a-value', schema)).toEqual(Buffer.from([0, 0, 0, 1, 2]));
  expect(framing.schemaId('a-value', schema)).toBe('258');
  expect(() => framing.prefix('b-value', schema)).toThrow('no schema was resolved for subject b-value');
});
