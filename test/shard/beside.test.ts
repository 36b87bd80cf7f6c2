import type { StreamDeclaration } from '../../src/model';
import { createShard } from '../../src/shard/shard';
import { createMemoryKafka, itemStream, memoryShard, rowOf, type MemoryKafka } from '../support/memory';
import { cursorAtStart, pageOf, wholePage } from '../support/pages';

const declaration = itemStream('items', { scoped: true });
const place = { entity: 'alfa', stream: 'items', scan: 'sweep' } as const;
const rows = [1, 2, 3].map((id) => ({ id, content: `row ${id}`, date: `2026-01-0${id}` }));

describe('what is told of rows beside them', () => {
  const beside: StreamDeclaration = {
    ...itemStream('ksef/items'),
    beside: { stream: 'items', topic: 'ksef' },
  };
  const told = { entity: 'alfa', stream: 'ksef/items', scan: 'spot' } as const;
  const spot = (id: number, content: string) =>
    pageOf([{ id, content }], { interval: { after: id - 1, upTo: id }, began: 3, ended: 4 });

  async function opened(kafka: MemoryKafka) {
    const both = [declaration, beside].map((each) => ({ entity: 'alfa', declaration: each }));
    const session = await createShard(memoryShard(kafka, both)).open();
    const [items, besides] = [session.stream('alfa', 'items'), session.stream('alfa', 'ksef/items')];
    if (items.cursor('sweep') === null) items.begin('sweep', cursorAtStart());
    if (besides.cursor('sweep') === null) besides.begin('sweep', cursorAtStart());
    return { session, items, besides };
  }

  test('is followed until it is left, over restarts, and changes nothing of the row', async () => {
    const kafka = createMemoryKafka();
    const { session, items, besides } = await opened(kafka);
    await session.add({ ...place, page: wholePage(rows) });
    expect(besides.following(1)).toBe('unknown');
    await session.add({ ...told, page: spot(1, 'pending') });
    expect(besides.following(1)).toBe('followed');
    await session.add({ ...told, page: spot(1, 'done'), left: true });
    expect([besides.following(1), items.following(1)]).toEqual(['left', 'followed']);
    await session.close();
    const again = await opened(kafka);
    expect([1, 2].map((id) => again.besides.following(id))).toEqual(['left', 'unknown']);
    expect(await again.session.add({ ...told, page: spot(1, 'done'), left: true })).toMatchObject({
      counts: { unchanged: 1 },
    });
    expect(kafka.records.filter(({ topic }) => topic === 'memory.ksef/items').map(rowOf)).toMatchObject([
      { content: 'pending' },
      { content: 'done' },
    ]);
    await again.session.close();
  });

  test('goes with its row, in one transaction, and nothing is told of it after that', async () => {
    const kafka = createMemoryKafka();
    const { session, items } = await opened(kafka);
    await session.add({ ...place, page: wholePage(rows) });
    await session.add({ ...told, page: spot(1, 'pending') });
    items.begin('sweep', cursorAtStart({ number: 2 }));
    await session.add({ ...place, page: wholePage(rows.slice(1), { began: 3, ended: 4 }) });
    const before = kafka.records.length;
    expect(await items.remove([{ id: 1, missing: 2, ended: 5, released: false }])).toBe(1);
    expect(kafka.records.slice(before).map(({ topic, headers }) => [topic, headers['op'], headers['id']])).toEqual([
      ['memory.items', 'd', 'alfa/1'],
      ['memory.ksef/items', 'd', 'alfa/items/1'],
    ]);
    for (const began of [3, 6])
      await session.add({ ...told, page: { ...spot(1, 'done'), began, ended: began + 1 }, left: true });
    expect(kafka.records).toHaveLength(before + 2);
    await session.close();
    const again = await opened(kafka);
    expect(again.besides.following(1)).toBe('unknown');
    await again.session.close();
  });
});
