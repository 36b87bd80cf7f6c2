import { TransientError } from '../../src/errors';
import { EntityMemory } from '../../src/upkeep/entity-memory';
import { stateKey } from '../../src/state/state-topic';
import { createMemoryKafka, itemStream, memoryShard } from '../support/memory';

function memory() {
  const shard = memoryShard(createMemoryKafka({}), [{ entity: 'alfa', declaration: itemStream('items') }]);
  return { shard, memory: new EntityMemory('alfa', shard) };
}

test('a partition that was read without a layout is refused, and nothing is written', async () => {
  const { shard, memory: read } = memory();
  expect(read.beginReading()).toBe(0);
  expect(() => read.restored()).toThrow('expected a layout record, got none');
  const commit = jest.fn();
  await expect(read.commit({ commit, close: () => Promise.resolve() }, { records: [], removed: [] })).rejects.toThrow(
    `reading partition ${shard.number}`,
  );
  expect(commit).not.toHaveBeenCalled();
});

test('the keys of every entity are known, and a step that did not commit does not count', async () => {
  const { shard, memory: read } = memory();
  read.beginReading();
  const { serviceId } = shard;
  const records: readonly (readonly [string, unknown])[] = [
    [stateKey(serviceId, { layout: true }), shard.layout],
    [stateKey(serviceId, { entity: 'alfa', account: true }), { taxId: null, accountUuid: 'a', firstRun: '2026-01-01' }],
    [
      stateKey(serviceId, { entity: 'bravo', account: true }),
      { taxId: null, accountUuid: 'b', firstRun: '2026-01-01' },
    ],
  ];
  records.forEach(([key, value], offset) => read.apply({ key, value: Buffer.from(JSON.stringify(value)), offset }));
  read.restored();
  expect([...read.state.keys().keys()]).toEqual(records.map(([key]) => key));
  const error = new TransientError('lost');
  const writer = { commit: () => Promise.resolve({ kind: 'lost' as const, error }), close: () => Promise.resolve() };
  await expect(read.commit(writer, { records: [], removed: [] })).rejects.toBe(error);
  expect(read.steps).toBe(0);
});
