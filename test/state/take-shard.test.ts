import { ConfigError, TransientError } from '../../src/errors';
import type { StoredRecord } from '../../src/sinks/transaction';
import { parseStateKey, stateKey, type Layout } from '../../src/state/state-topic';
import { takeShard, type TakenMemory } from '../../src/state/take-shard';
import { createMemoryKafka, memoryShard, type Fate, type MemoryKafkaOptions } from '../support/memory';

function start(kafkaOptions: MemoryKafkaOptions = {}) {
  const kafka = createMemoryKafka(kafkaOptions);
  const options = memoryShard(kafka, []);
  const steps: string[] = [];
  let closed = 0;
  const memory: TakenMemory = {
    beginReading() {
      steps.push('begin');
      return 0;
    },
    apply({ key }: StoredRecord) {
      steps.push('apply');
      return parseStateKey('memory', key, 'here');
    },
    restored(): Layout {
      steps.push('restored');
      return options.layout;
    },
  };
  const partition = {
    ...options,
    openWriter: async () => {
      const writer = await options.openWriter();
      return {
        ...writer,
        close: () => {
          closed += 1;
          return writer.close();
        },
      };
    },
    verifyLayout: (stored: Layout): Promise<void> => {
      steps.push('verify');
      return stored.observedAt === 0 ? Promise.resolve() : Promise.reject(new ConfigError('another layout'));
    },
  };
  return { kafka, memory, partition, steps, closed: () => closed };
}

test('a shard is taken by a marker of its own, up to which everything is read before the layout is verified', async () => {
  const { kafka, memory, partition, steps, closed } = start();
  const other = await takeShard(partition, memory);
  await other.close();
  steps.length = 0;
  const writer = await takeShard(partition, memory);
  expect(kafka.state.map(({ key }) => key)).toEqual([1, 2].map(() => stateKey('memory', { session: true })));
  expect(steps).toEqual(['begin', 'apply', 'apply', 'restored', 'verify']);
  expect(closed()).toBe(1);
  expect(await writer.commit({ state: [], records: [] })).toMatchObject({ kind: 'committed' });
});

test('whoever had the shard before is fenced (I4)', async () => {
  const { memory, partition } = start();
  const older = await takeShard(partition, memory);
  await takeShard(partition, memory);
  expect(await older.commit({ state: [], records: [] })).toMatchObject({ kind: 'fenced' });
});

test.each<[Fate]>([['lost'], ['fenced'], ['lost-though-committed']])(
  'nothing is read where the marker is %s, and the writer is closed',
  async (fate) => {
    const { memory, partition, steps, closed } = start({ fate: () => fate });
    await expect(takeShard(partition, memory)).rejects.toThrow(TransientError);
    expect(steps).toEqual([]);
    expect(closed()).toBe(1);
  },
);

test('a reading that breaks off, and a layout that does not fit, close the writer', async () => {
  const broken = start({ breaksRead: () => true });
  await expect(takeShard(broken.partition, broken.memory)).rejects.toThrow('the reading broke off');
  expect(broken.steps).toEqual(['begin']);
  expect(broken.closed()).toBe(1);

  const unfit = start();
  const memory = { ...unfit.memory, restored: () => ({ ...unfit.partition.layout, observedAt: 1 }) };
  await expect(takeShard(unfit.partition, memory)).rejects.toThrow('another layout');
  expect(unfit.closed()).toBe(1);
});

test('I3: a marker that is refused is a failure like any other, not the begin of a search for a row', async () => {
  const { memory, partition, closed } = start({ fate: () => 'refused' });
  const failure: unknown = await takeShard(partition, memory).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(TransientError);
  expect(failure).not.toHaveProperty('retryAfterMs', 0);
  expect(closed()).toBe(1);
});

test.each([
  { stage: 'before the fence', pauses: 0, fenced: 0, markers: 0 },
  { stage: 'while it is fenced', pauses: 1, fenced: 1, markers: 0 },
  { stage: 'while its marker is committed', pauses: 2, fenced: 1, markers: 1 },
])('I4: a shard given up $stage is taken no further', async ({ pauses, fenced, markers }) => {
  const wanted = new AbortController();
  let paused = 0;
  const pause = (): Promise<void> => {
    paused += 1;
    if (paused === pauses) wanted.abort();
    return Promise.resolve();
  };
  const { kafka, memory, partition, steps, closed } = start({ pause });
  if (pauses === 0) wanted.abort();
  await expect(takeShard(partition, memory, wanted.signal)).rejects.toBeInstanceOf(TransientError);
  expect(kafka.state).toHaveLength(markers);
  expect(steps).toEqual([]);
  expect(closed()).toBe(fenced);
});
