import { entityRecordOf } from '../../src/changes/entity-record';
import type { EntitiesCodec } from '../../src/changes/records';
import { partitionOf } from '../../src/sinks/partition';

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const entities: EntitiesCodec = {
  encode: json,
  encodeKey: json,
  topic: { name: 'entities', partitions: 6, maxMessageBytes: 1_000_000 },
  withKeysOf() {
    return this;
  },
};

test('the record of an entity says its tax id and name, keyed and placed by the entity; the tombstone says neither', () => {
  const shown = { taxId: '1111111111', name: 'Żuraw' };
  const record = entityRecordOf(entities, 'alfa', { op: 'c', shown, observedAtMs: 1000 });
  expect(record).toEqual({
    topic: 'entities',
    partition: partitionOf('alfa', 6),
    key: json({ entity: 'alfa' }),
    value: json({ entity: 'alfa', observed_at: 1000, tax_id: '1111111111', name: 'Żuraw' }),
    headers: { id: 'alfa', entity: 'alfa', stream: 'entities', op: 'c', observed_at: '1970-01-01T00:00:01.000Z' },
  });
  const gone = entityRecordOf(entities, 'alfa', { op: 'd', shown: null, observedAtMs: 2000 });
  expect(gone).toMatchObject({ key: record.key, partition: record.partition, value: null, headers: { op: 'd' } });
});
