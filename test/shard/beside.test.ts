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

  test('is followed until it is final, over restarts, and changes nothing of the row', async () => {
    const kafka = createMemoryKafka();
    const { session, items, besides } = await opened(kafka);
    await session.add({ ...place, page: wholePage(rows) });
    expect(besides.following(1)).toBe('unknown');
    await session.add({ ...told, page: spot(1, 'pending') });
    expect(besides.following(1)).toBe('followed');
    await session.add({ ...told, page: spot(1, 'done'), ends: 'final' });
    expect([besides.following(1), items.following(1)]).toEqual(['final', 'followed']);
    await session.close();
    const again = await opened(kafka);
    expect([1, 2].map((id) => again.besides.following(id))).toEqual(['final', 'unknown']);
    expect(await again.session.add({ ...told, page: spot(1, 'done'), ends: 'final' })).toMatchObject({
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
      await session.add({ ...told, page: { ...spot(1, 'done'), began, ended: began + 1 }, ends: 'final' });
    expect(kafka.records).toHaveLength(before + 2);
    await session.close();
    const again = await opened(kafka);
    expect(again.besides.following(1)).toBe('unknown');
    await again.session.close();
  });

  test('is followed again once its row has changed, over a restart, unless it is final and the row shows that', async () => {
    const kafka = createMemoryKafka();
    const { session, besides } = await opened(kafka);
    await session.add({ ...place, page: wholePage([...rows, { id: 4, content: 'row 4', date: '2026-01-04' }]) });
    for (const id of [1, 2, 3]) await session.add({ ...told, page: spot(id, 'done'), ends: 'final' });
    await session.add({ ...told, page: spot(4, 'pending'), ends: 'given-up' });
    expect(besides.following(4)).toBe('given-up');
    const before = kafka.records.length;
    const changed = [1, 2, 4].map((id) => ({ id, content: 'changed', date: `2026-01-0${id}` }));
    await session.add({
      ...place,
      scan: 'spot',
      page: pageOf(changed, { interval: { after: 0, upTo: 4 }, began: 5, ended: 6 }),
      shownFinal: new Set([2, 4]),
    });
    expect([1, 2, 3, 4].map((id) => besides.following(id))).toEqual(['followed', 'final', 'final', 'followed']);
    expect(kafka.records.slice(before).map(({ topic }) => topic)).toEqual([
      'memory.items',
      'memory.items',
      'memory.items',
    ]);
    await session.close();
    const again = await opened(kafka);
    expect([1, 2, 3, 4].map((id) => again.besides.following(id))).toEqual(['followed', 'final', 'final', 'followed']);
    await again.session.close();
  });

  test('what was asked before its row changed neither tells anything nor is final', async () => {
    const kafka = createMemoryKafka();
    const { session, besides } = await opened(kafka);
    await session.add({ ...place, page: wholePage(rows) });
    await session.add({ ...told, page: spot(1, 'refused'), ends: 'final' });
    const answered = besides.requested(5);
    const changed = [{ ...rows[0], id: 1, content: 'changed' }];
    await session.add({
      ...place,
      scan: 'spot',
      page: pageOf(changed, { interval: { after: 0, upTo: 1 }, began: 6, ended: 7 }),
    });
    const before = kafka.records.length;
    for (const content of ['refused', 'cleared']) {
      const page = { ...spot(1, content), began: 5, ended: 8 };
      expect(await session.add({ ...told, page, ends: 'final' })).toMatchObject({ counts: { rows: 0 } });
    }
    answered();
    expect([besides.following(1), kafka.records.length]).toEqual(['followed', before]);
    await session.add({ ...told, page: { ...spot(1, 'cleared'), began: 9, ended: 10 }, ends: 'final' });
    expect(besides.following(1)).toBe('final');
    await session.close();
  });

  test('what a page shows of a row that it finds changed is told, unless a later request was answered meanwhile', async () => {
    for (const isLater of [false, true]) {
      const kafka = createMemoryKafka();
      const { session, besides } = await opened(kafka);
      await session.add({ ...place, page: wholePage(rows) });
      const answered = besides.requested(5);
      if (isLater) await session.add({ ...told, page: { ...spot(1, 'sent'), began: 6, ended: 7 } });
      const read = { began: 5, ended: 8 };
      const changed = [{ ...rows[0], id: 1, content: 'changed' }];
      const page = pageOf(changed, { interval: { after: 0, upTo: 1 }, ...read });
      await session.add({ ...place, scan: 'spot', page });
      const { counts } = await session.add({ ...told, page: { ...spot(1, 'pending'), ...read } });
      answered();
      expect([isLater, counts.created]).toEqual([isLater, isLater ? 0 : 1]);
      await session.close();
    }
  });

  test('what is final stays as it is where that is asked for', async () => {
    const kafka = createMemoryKafka();
    const { session, besides } = await opened(kafka);
    await session.add({ ...place, page: wholePage(rows) });
    await session.add({ ...told, page: spot(1, 'cleared'), ends: 'final' });
    const before = kafka.records.length;
    const page = { ...spot(1, 'less'), began: 5, ended: 6 };
    expect(await session.add({ ...told, page, keepsFinal: true })).toMatchObject({ counts: { rows: 0 } });
    expect([besides.following(1), kafka.records.length]).toEqual(['final', before]);
    await session.add({ ...told, page });
    expect([besides.following(1), kafka.records.length]).toEqual(['followed', before + 1]);
    await session.close();
  });

  test('is given up where a page does not change it, if that is asked for', async () => {
    const kafka = createMemoryKafka();
    const { session, besides } = await opened(kafka);
    await session.add({ ...place, page: wholePage(rows) });
    const states = [];
    for (const content of ['pending', 'sent', 'sent']) {
      await session.add({ ...told, page: spot(1, content), ends: 'given-up-unless-changed' });
      states.push(besides.following(1));
    }
    expect(states).toEqual(['followed', 'followed', 'given-up']);
    await session.close();
  });
});
