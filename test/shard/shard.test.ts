import { createRowOwners } from '../../src/changes/row-owners';
import { TransientError } from '../../src/errors';
import { createShard } from '../../src/shard/shard';
import { createMemoryKafka, idOf, itemStream, memoryShard } from '../support/memory';
import { cursorAtStart, wholePage } from '../support/pages';

const streams = [{ entity: 'alfa', declaration: itemStream('items', { address: 'uuid' }) }];
const rows = [1, 2].map((id) => ({ id, uuid: `00000000-0000-0000-0000-00000000000${id}`, content: `row ${id}` }));

test('what a session committed is remembered by the next, in this process and in another (I2)', async () => {
  const kafka = createMemoryKafka();
  const shard = createShard(memoryShard(kafka, streams));
  const first = await shard.open();
  first.stream('alfa', 'items').begin('sweep', cursorAtStart());
  await first.add({ entity: 'alfa', stream: 'items', scan: 'sweep', page: wholePage(rows) });
  await first.close();

  for (const next of [shard, createShard(memoryShard(kafka, streams))]) {
    const session = await next.open();
    expect(session.stream('alfa', 'items').cursor('sweep')?.finishedAt).not.toBeNull();
    expect(session.stream('alfa', 'items').live()).toBe(2);
    expect(next.uuid('alfa', 'items', 2)).toBe(rows[1]?.uuid);
    session.stream('alfa', 'items').begin('sweep', cursorAtStart({ number: 2 }));
    const again = wholePage(rows, { began: 3, ended: 4 });
    await session.add({ entity: 'alfa', stream: 'items', scan: 'sweep', page: again });
    await session.close();
  }
  expect(kafka.records.map(idOf)).toEqual([1, 2]);
});

test('I7: the uuid of every row that the shard remembers is noted, read from the API or from the state topic', async () => {
  const kafka = createMemoryKafka();
  const open = async () => {
    const owners = createRowOwners();
    return { owners, session: await createShard({ ...memoryShard(kafka, streams), noteRow: owners.note }).open() };
  };
  const first = await open();
  first.session.stream('alfa', 'items').begin('sweep', cursorAtStart());
  await first.session.add({ entity: 'alfa', stream: 'items', scan: 'sweep', page: wholePage(rows) });
  await first.session.close();
  const second = await open();
  for (const { owners } of [first, second]) for (const { uuid } of rows) expect(owners.of(uuid)).toEqual(['alfa']);
});

test('a session whose shard another process took is fenced at its next commit, and publishes nothing (I4)', async () => {
  const kafka = createMemoryKafka();
  const older = await createShard(memoryShard(kafka, streams)).open();
  older.stream('alfa', 'items').begin('sweep', cursorAtStart());
  await createShard(memoryShard(kafka, streams)).open();
  const failed = expect(older.failed).rejects.toThrow(TransientError);
  await expect(older.add({ entity: 'alfa', stream: 'items', scan: 'sweep', page: wholePage(rows) })).rejects.toThrow(
    'a newer writer exists',
  );
  await failed;
  expect(kafka.records).toEqual([]);
});

test('a uuid of a stream or a row that the shard does not hold is null', () => {
  const shard = createShard(memoryShard(createMemoryKafka(), streams));
  expect(shard.uuid('alfa', 'items', 1)).toBeNull();
  expect(shard.uuid('bravo', 'items', 1)).toBeNull();
});

test.each([
  ['lost', 2],
  ['refused', 2],
  ['fenced', 1],
  ['committed', 1],
] as const)(
  'a shard given up after a commit that was %s is fenced once more only where a transaction is left open',
  async (fate, fences) => {
    let opened = 0;
    let commits = 0;
    const kafka = createMemoryKafka({ fate: () => ((commits += 1) === 1 ? 'committed' : fate) });
    const shard = createShard({
      ...memoryShard(kafka, streams),
      openWriter: () => {
        opened += 1;
        return kafka.openWriter();
      },
    });
    const session = await shard.open();
    session.failed.catch(() => undefined);
    session.stream('alfa', 'items').begin('sweep', cursorAtStart());
    const added = session.add({ entity: 'alfa', stream: 'items', scan: 'sweep', page: wholePage(rows) });
    await added.catch(() => undefined);
    await session.close();
    await shard.release();
    await shard.release().catch(() => undefined);
    expect(opened).toBeGreaterThanOrEqual(fences);
    expect(opened > 1).toBe(fences > 1);
  },
);
