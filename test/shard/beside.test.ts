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

  test('is followed again once its row has changed, over a restart, unless the row shows that it is final', async () => {
    const kafka = createMemoryKafka();
    const { session, besides } = await opened(kafka);
    await session.add({ ...place, page: wholePage(rows) });
    for (const id of [1, 2, 3]) await session.add({ ...told, page: spot(id, 'refused'), left: true });
    const before = kafka.records.length;
    const changed = rows.slice(0, 2).map((row) => ({ ...row, content: 'changed' }));
    await session.add({
      ...place,
      scan: 'spot',
      page: pageOf(changed, { interval: { after: 0, upTo: 2 }, began: 5, ended: 6 }),
      shownFinal: new Set([2]),
    });
    expect([1, 2, 3].map((id) => besides.following(id))).toEqual(['followed', 'left', 'left']);
    expect(kafka.records.slice(before).map(({ topic }) => topic)).toEqual(['memory.items', 'memory.items']);
    await session.close();
    const again = await opened(kafka);
    expect([1, 2, 3].map((id) => again.besides.following(id))).toEqual(['followed', 'left', 'left']);
    await again.session.close();
  });

  test('what was asked before its row changed neither tells anything nor is final', async () => {
    const kafka = createMemoryKafka();
    const { session, besides } = await opened(kafka);
    await session.add({ ...place, page: wholePage(rows) });
    await session.add({ ...told, page: spot(1, 'refused'), left: true });
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
      expect(await session.add({ ...told, page, left: true })).toMatchObject({ counts: { rows: 0 } });
    }
    answered();
    expect([besides.following(1), kafka.records.length]).toEqual(['followed', before]);
    await session.add({ ...told, page: { ...spot(1, 'cleared'), began: 9, ended: 10 }, left: true });
    expect(besides.following(1)).toBe('left');
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
    await session.add({ ...told, page: spot(1, 'cleared'), left: true });
    const before = kafka.records.length;
    const page = { ...spot(1, 'less'), began: 5, ended: 6 };
    expect(await session.add({ ...told, page, keepsFinal: true })).toMatchObject({ counts: { rows: 0 } });
    expect([besides.following(1), kafka.records.length]).toEqual(['left', before]);
    await session.add({ ...told, page });
    expect([besides.following(1), kafka.records.length]).toEqual(['followed', before + 1]);
    await session.close();
  });

  test('is final where a page does not change it, if that is asked for', async () => {
    const kafka = createMemoryKafka();
    const { session, besides } = await opened(kafka);
    await session.add({ ...place, page: wholePage(rows) });
    const states = [];
    for (const content of ['pending', 'sent', 'sent']) {
      await session.add({ ...told, page: spot(1, content), left: 'unless-changed' });
      states.push(besides.following(1));
    }
    expect(states).toEqual(['followed', 'followed', 'left']);
    await session.close();
  });
});
