import { createLedger } from '../../src/changes/ledger';
import { ConfigError } from '../../src/errors';
import { createShard } from '../../src/shard/shard';
import { StoredState, StoredTopic, type StateSource } from '../../src/state/read-state';
import { stateKey } from '../../src/state/state-topic';
import { createMemoryKafka, itemStream, memoryShard } from '../support/memory';
import { cursorAtStart, wholePage } from '../support/pages';

const { decodeBlock } = memoryShard(createMemoryKafka(), []);

function source() {
  const ledger = createLedger({ entity: 'alfa', stream: 'items' });
  const of: StateSource = {
    serviceId: 'memory',
    topic: 'memory.state',
    decodeBlock,
    ledgerOf: (entity, stream) => (entity === 'alfa' && stream === 'items' ? ledger : undefined),
  };
  return { of, ledger };
}

/** A partition with three rows of two entities, and a hold. */
async function written() {
  const kafka = createMemoryKafka();
  const declaration = itemStream('items');
  const streams = ['alfa', 'bravo'].map((entity) => ({ entity, declaration }));
  const session = await createShard(memoryShard(kafka, streams)).open();
  for (const { entity } of streams) {
    session.stream(entity, 'items').begin('sweep', cursorAtStart());
    const page = wholePage(
      [1, 2, 3].map((id) => ({ id, content: `row ${id}` })),
      { strays: [{ rows: [7], gap: { after: 3, upTo: null } }] },
    );
    await session.add({ entity, stream: 'items', scan: 'sweep', page });
  }
  await session.stream('alfa', 'items').setHold({ id: 'h', reason: '', since: '', sweep: 1 });
  await session.remember('alfa', { taxId: '1', accountUuid: null, firstRun: '2026-01-01' });
  await session.close();
  return kafka;
}

test('a partition is its newest values, by kind, with the ledger blocks in the ledgers that are wanted', async () => {
  const { state } = await written();
  const { of, ledger } = source();
  const stored = new StoredState(of, 0);
  expect(stored.layout()).toBeNull();
  expect(stored.beginReading()).toBe(0);
  for (const record of state) stored.apply(record);
  expect(stored.endReading()).toBe(state.length - 1);
  ledger.loaded();
  expect(ledger.ids(null, null)).toEqual([1, 2, 3]);
  expect(
    stored
      .entries()
      .map((entry) => ('entity' in entry ? `${entry.entity} ${entry.kind}` : entry.kind))
      .sort(),
  ).toEqual(['alfa account', 'alfa hold', 'alfa scan', 'alfa strays', 'bravo scan', 'bravo strays', 'layout']);
  expect([...stored.keys().values()].filter((key) => 'block' in key)).toHaveLength(2);
  expect(stored.layout()?.definitions).toHaveLength(1);
});

test('a reading goes on behind the one before; one that broke off is begun again where it began', async () => {
  const { state } = await written();
  const stored = new StoredState(source().of, 0);
  stored.beginReading();
  for (const record of state.slice(0, 4)) stored.apply(record);
  expect(stored.beginReading()).toBe(0);
  for (const record of state) stored.apply(record);
  stored.endReading();
  expect(stored.beginReading()).toBe((state.at(-1)?.offset ?? 0) + 1);
});

test('records that this process wrote are known without being read, and null takes their key away', () => {
  const stored = new StoredState(source().of, 0);
  const hold = stateKey('memory', { entity: 'alfa', stream: 'items', hold: true });
  const block = stateKey('memory', { entity: 'alfa', stream: 'items', block: 0 });
  stored.wrote(
    [
      { key: hold, value: '{"id":"h"}' },
      { key: block, value: Buffer.from([1]) },
    ],
    41,
  );
  expect(stored.beginReading()).toBe(42);
  expect([...stored.keys().keys()]).toEqual([hold, block]);
  expect(stored.entries()).toMatchObject([{ kind: 'hold', value: { id: 'h' } }]);
  stored.wrote(
    [
      { key: hold, value: null },
      { key: block, value: null },
    ],
    undefined,
  );
  expect(stored.keys().size).toBe(0);
  expect(stored.beginReading()).toBe(42);
});

test('a record of another service is refused, and the message says where it stands', () => {
  const stored = new StoredState(source().of, 3);
  const record = { key: stateKey('other', { layout: true }), value: Buffer.from('{}'), offset: 12 };
  expect(() => stored.apply(record)).toThrow(ConfigError);
  expect(() => stored.apply(record)).toThrow('memory.state, partition 3, offset 12');
});

test('a tombstone takes a block out of its ledger', async () => {
  const { state } = await written();
  const { of, ledger } = source();
  const stored = new StoredState(of, 0);
  for (const record of state) stored.apply(record);
  const key = stateKey('memory', { entity: 'alfa', stream: 'items', block: 0 });
  stored.apply({ key, value: null, offset: 1_000 });
  ledger.loaded();
  expect(ledger.size).toBe(0);
  expect(stored.keys().has(key)).toBe(false);
});

test('a whole topic is read partition by partition, and a record without a key is refused', async () => {
  const { state } = await written();
  const topic = new StoredTopic(source().of);
  for (const { key, value, offset } of state) topic.apply({ partition: 5, key: Buffer.from(key), value, offset });
  expect([...topic.partitions.keys()]).toEqual([5]);
  expect(topic.partitions.get(5)?.layout()).not.toBeNull();
  expect(() => topic.apply({ partition: 1, key: null, value: null, offset: 0 })).toThrow('not JSON');
});
