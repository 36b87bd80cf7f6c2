import { ConfigError, TransientError } from '../../src/errors';
import { refuseForeignState, type StateLook } from '../../src/service/foreign-state';

const foreign = new ConfigError('another service', { concerns: 'shard' });
const unfit = new ConfigError('another number of partitions');

type Found = 'settles' | 'ours' | Error;

/** Looks at partitions that hold these records, of which those are owned; returns what was read, in order. */
async function look(
  partitions: readonly (readonly Found[])[],
  owned: readonly number[],
  moved: readonly number[] = [],
) {
  const read: string[] = [];
  const recordsOf = (partition: number) =>
    (partitions[partition] ?? []).map((found, offset) => ({
      partition,
      offset,
      key: String(offset),
      value: null,
      found,
    }));
  const founds = new Map<string, Found>();
  const each = (partition: number, visit: Parameters<StateLook['readAll']>[0]): boolean => {
    for (const { found, ...record } of recordsOf(partition)) {
      founds.set(`${partition} ${record.offset}`, found);
      if (visit(record)) return true;
    }
    return false;
  };
  const refused = await refuseForeignState({
    ends: partitions.map((records) => records.length),
    owned: new Set(owned),
    readOwned(partition, visit) {
      read.push(String(partition));
      if (moved.includes(partition)) return Promise.reject(new TransientError('moved'));
      return Promise.resolve().then(() => void each(partition, visit));
    },
    readAll(visit) {
      read.push('all');
      return Promise.resolve().then(() => void partitions.some((_records, partition) => each(partition, visit)));
    },
    settles({ partition, offset }) {
      const found = founds.get(`${partition} ${offset}`);
      if (found instanceof Error) throw found;
      return found === 'settles';
    },
  }).then(
    () => null,
    (error: unknown) => error,
  );
  return { read, refused };
}

test('a state topic that was never used is not read', async () => {
  expect(await look([[], []], [0, 1])).toEqual({ read: [], refused: null });
});

test('a replica that owns all reads no further than the first partition that settles it, and through no group of its own', async () => {
  expect(await look([[], ['ours'], ['ours', 'settles'], ['settles']], [0, 1, 2, 3])).toEqual({
    read: ['1', '2'],
    refused: null,
  });
});

test('a replica that owns none of the used partitions reads through a group of its own', async () => {
  expect(await look([['settles'], []], [1])).toEqual({ read: ['all'], refused: null });
  expect(await look([[foreign], []], [1])).toEqual({ read: ['all'], refused: foreign });
});

test('a partition that moves to another replica meanwhile is read through a group of its own', async () => {
  expect(await look([['settles']], [0], [0])).toEqual({ read: ['0', 'all'], refused: null });
});

test("another service's state topic is refused", async () => {
  expect(await look([[foreign], [foreign, 'ours']], [0, 1])).toEqual({ read: ['0', '1'], refused: foreign });
});

test('one partition that is foreign or broken is left to its shard (I9)', async () => {
  expect((await look([[foreign], ['settles']], [0, 1])).refused).toBeNull();
  expect((await look([[new SyntaxError('broken')], ['ours']], [0, 1])).refused).toBeNull();
  expect((await look([[foreign], ['settles']], [])).refused).toBeNull();
});

test('topics that are not as they were are refused, wherever that is found', async () => {
  expect((await look([['ours', unfit]], [0])).refused).toBe(unfit);
  expect((await look([['ours', unfit]], [])).refused).toBe(unfit);
});
