import { createEncoder, loadSchema } from '../../src/sinks/avro';
import { confluent, singleObject } from '../../src/sinks/framing';
import { createRecordReader, openRecordReader } from '../../src/sinks/record-reader';

const schema = loadSchema('invoice-key');
const key = { entity: 'acme', id: 7 };
const single = createEncoder(schema, { prefix: singleObject.prefix('a-key', schema) }).encode(key);
const framed = createEncoder(schema, { prefix: confluent(new Map([['a-key', 3]])).prefix('a-key', schema) }).encode(
  key,
);

test('records of either framing are read beside each other, and each schema is asked for once', async () => {
  const asked: number[] = [];
  const read = createRecordReader({
    schema: (id) => {
      asked.push(id);
      return Promise.resolve(schema);
    },
  });
  expect([read(single), await read(framed), await read(framed)]).toEqual([key, key, key]);
  expect(asked).toEqual([3]);
});

test('without a registry only single objects of a schema of ours are read', () => {
  const read = createRecordReader(null);
  expect(read(single)).toEqual(key);
  expect(() => read(framed)).toThrow(/expected the mark and fingerprint of a schema of ours/);
});

test('a schema that the registry could not give is asked for again with the next record', async () => {
  let isDown = true;
  const read = createRecordReader({
    schema: () => (isDown ? Promise.reject(new Error('the registry is down')) : Promise.resolve(schema)),
  });
  await expect(read(framed)).rejects.toThrow('the registry is down');
  isDown = false;
  expect(await read(framed)).toEqual(key);
});

test('a reader of a service without a registry reads the same, and has nothing to close', () => {
  const reader = openRecordReader(null, 'infakt-kafka/test');
  expect(reader.decode(single)).toEqual(key);
  reader.close();
});
