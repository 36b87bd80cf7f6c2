import { createShard } from '../../src/shard/shard';
import { createMemoryKafka, holdIn, itemStream, memoryShard, rowOf, type MemoryKafka } from '../support/memory';
import { cursorAtStart, pageOf, wholePage } from '../support/pages';

const declaration = itemStream('items', { scoped: true });
const open = (kafka: MemoryKafka) => createShard(memoryShard(kafka, [{ entity: 'alfa', declaration }])).open();
const place = { entity: 'alfa', stream: 'items', scan: 'sweep' } as const;
const rows = [1, 2, 3].map((id) => ({ id, content: `row ${id}`, date: `2026-01-0${id}` }));

test('a row that is older than what was published meanwhile is not published, but said to be stale', async () => {
  const kafka = createMemoryKafka();
  const session = await open(kafka);
  const items = session.stream('alfa', 'items');
  items.begin('sweep', cursorAtStart());
  const answered = items.requested(1);
  const newer = await session.add({ ...place, page: pageOf([{ id: 7, content: 'newer' }], { began: 2, ended: 3 }) });
  expect(newer).toMatchObject({ counts: { created: 1 }, stale: [] });
  const both = [
    { id: 7, content: 'older' },
    { id: 8, content: 'first' },
  ];
  const older = await session.add({ ...place, page: pageOf(both, { began: 1, ended: 4 }) });
  answered();
  expect(older).toMatchObject({ counts: { created: 1 }, stale: [7] });
  expect(kafka.records.map(rowOf)).toMatchObject([
    { id: 7, content: 'newer' },
    { id: 8, content: 'first' },
  ]);
  await session.flush();
  await session.close();
});

test('a handle says what is known of the stream, and of no other', async () => {
  const session = await open(createMemoryKafka());
  const items = session.stream('alfa', 'items');
  expect(items.cursor('sweep')).toBeNull();
  items.begin('sweep', cursorAtStart());
  await session.add({ ...place, page: wholePage(rows) });
  expect(items.live()).toBe(3);
  expect(items.rank(3)).toBe(2);
  expect(items.atRank(1)).toEqual({ id: 2, address: '2', missing: 0 });
  expect(items.atRank(3)).toBeNull();
  expect(items.entry(9)).toBeNull();
  items.begin('sweep', cursorAtStart({ number: 2 }));
  await session.add({ ...place, page: wholePage(rows.slice(1), { began: 3, ended: 4 }) });
  expect(items.missing(2)).toEqual([{ id: 1, address: '1', missing: 2 }]);
  expect(await items.remove([{ id: 1, missing: 2, ended: 5, released: false }])).toBe(1);
  expect(items.missing(2)).toEqual([]);
  expect(() => session.stream('alfa', 'things')).toThrow('this is a bug');
  await session.close();
});

test('a row is found by its uuid, and said to have left the scope', async () => {
  const byUuid = itemStream('items', { scoped: true, address: 'uuid' });
  const kafka = createMemoryKafka();
  const session = await createShard(memoryShard(kafka, [{ entity: 'alfa', declaration: byUuid }])).open();
  const items = session.stream('alfa', 'items');
  items.begin('sweep', cursorAtStart());
  await session.add({ ...place, page: wholePage(rows.map((row) => ({ ...row, uuid: `u-${row.id}` }))) });
  items.begin('sweep', cursorAtStart({ number: 2, query: { from: '2026-01-02', to: null, order: 'asc' } }));
  expect(['u-1', 'u-2', 'u-9'].map((uuid) => items.byUuid(uuid))).toEqual([
    { id: 1, hasLeft: true },
    { id: 2, hasLeft: false },
    null,
  ]);
  await session.close();
});

test('a hold and an account are durable when they resolve', async () => {
  const kafka = createMemoryKafka();
  const session = await open(kafka);
  const hold = { id: 'a', reason: 'many', since: '2026-01-01T00:00:00.000Z', sweep: 1 };
  await session.stream('alfa', 'items').setHold(hold);
  expect(holdIn(kafka, place)).toEqual(hold);
  await session.remember('alfa', { taxId: '1', accountUuid: null, firstRun: '2026-01-01' });
  await session.close();

  const next = await open(kafka);
  expect(next.stream('alfa', 'items').hold()).toEqual(hold);
  expect(next.account('alfa')?.taxId).toBe('1');
  await next.stream('alfa', 'items').setHold(null);
  expect(holdIn(kafka, place)).toBeNull();
  await next.close();
});

test('entries that a new scope leaves out are not missing from the sweep', async () => {
  const session = await open(createMemoryKafka());
  const items = session.stream('alfa', 'items');
  items.begin('sweep', cursorAtStart());
  await session.add({ ...place, page: wholePage(rows) });
  items.begin('sweep', cursorAtStart({ number: 2, query: { from: '2026-01-02', to: null, order: 'asc' } }));
  expect(items.live()).toBe(2);
  await session.close();
});

test('a session that was closed leaves the walks to the next one, and rejects what waits', async () => {
  const session = await open(createMemoryKafka());
  const items = session.stream('alfa', 'items');
  items.begin('sweep', cursorAtStart());
  await session.close();
  items.begin('sweep', cursorAtStart({ number: 2 }));
  expect(items.cursor('sweep')?.number).toBe(1);
  await expect(session.failed).rejects.toThrow('shard 0 was closed');
  await expect(session.flush()).rejects.toThrow('shard 0 was closed');
});
