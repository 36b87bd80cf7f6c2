import fc from 'fast-check';

import { encodedRecord, quickenRecords, type EncodedRecord } from '../../src/sinks/quick-records';

const RECORD = 'kafkajs/src/protocol/recordBatch/record/v0';
const PRODUCE = 'kafkajs/src/protocol/requests/produce/v3/request';

type Encode = (record: unknown) => EncodedRecord;
type Produce = (request: unknown) => { readonly encode: () => Promise<EncodedRecord> };

const load = (id: string) => jest.requireActual<Encode>(id);

const stock = load(RECORD);

const part = fc.oneof(
  fc.constantFrom(null, undefined),
  fc.string({ unit: 'binary' }),
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.nat({ max: 70_000 }).map((length) => Buffer.alloc(length, 7)),
);

const record = fc.record({
  key: part,
  value: part,
  headers: fc.option(fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' })), { nil: undefined }),
  offsetDelta: fc.nat({ max: 1_000_000 }),
  timestampDelta: fc.constant(0),
});

test('encodes a record to the bytes that kafkajs makes of it', () => {
  fc.assert(
    fc.property(record, (any) => {
      expect(encodedRecord(any)?.buffer.toString('hex')).toBe(stock(any).buffer.toString('hex'));
    }),
    { numRuns: 2_000 },
  );
});

test.each<[string, object]>([
  ['a header of bytes', { headers: { id: Buffer.from('1') } }],
  ['a header with two values', { headers: { id: ['1', '2'] } }],
  ['a time of its own', { timestampDelta: 5 }],
])('leaves a record with %s to kafkajs', (_name, odd) => {
  expect(encodedRecord({ key: 'k', value: 'v', offsetDelta: 0, timestampDelta: 0, ...odd })).toBeNull();
});

test('makes kafkajs send the same bytes, compressed or not, whoever encodes the records', async () => {
  const messages = [
    { key: Buffer.from('key'), value: Buffer.from('value'), headers: { op: 'c', name: 'Żółć' } },
    { key: 'key', value: null, headers: { op: Buffer.from('d') } },
    { key: null, value: 'text', timestamp: 1_700_000_000_005 },
    { key: null, value: 'text', timestamp: 1_700_000_000_000, headers: { op: 'u' } },
  ];
  const bytesOf = async (produce: Produce, compression: number): Promise<string> => {
    const topicData = [{ topic: 't', partitions: [{ partition: 3, firstSequence: 0, messages }] }];
    const request = {
      acks: -1,
      timeout: 1,
      transactionalId: 'id',
      producerId: 7,
      producerEpoch: 1,
      compression,
      topicData,
    };
    return (await produce(request).encode()).buffer.toString('hex');
  };
  jest.useFakeTimers({ now: 1_700_000_000_000 });
  try {
    const slow = jest.requireActual<Produce>(PRODUCE);
    await jest.isolateModulesAsync(async () => {
      quickenRecords();
      const encode = load(RECORD);
      quickenRecords();
      expect(load(RECORD)).toBe(encode);
      const fast = jest.requireActual<Produce>(PRODUCE);
      expect(encode({ key: 'k', offsetDelta: 0, timestampDelta: 0 })).not.toHaveProperty('writeInt8');
      for (const compression of [0, 1]) expect(await bytesOf(fast, compression)).toBe(await bytesOf(slow, compression));
    });
  } finally {
    jest.useRealTimers();
  }
});
