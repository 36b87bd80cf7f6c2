import type { Cursor, Page } from '../../src/model';
import { createShard } from '../../src/shard/shard';
import { startPosition } from '../../src/rules/paging';
import { finishedSweepOf } from '../../src/upkeep/finished-sweep';
import { createMemoryKafka, itemStream, memoryShard, type Fate } from '../support/memory';

const at = (minute: number): string => `2026-03-01T10:${String(minute).padStart(2, '0')}:00.000Z`;

const record = {
  entity: 'alfa',
  stream: 'invoices',
  number: 3,
  from: '2026-01-01',
  to: null,
  started_at: at(10),
  finished_at: at(20),
  observed_at: at(20),
  rows: 2,
  sums: [{ month: '2026-03', currency: 'PLN', rows: 2, net_price: 150, tax_price: null }],
};

test('the record of a sweep is read with the sums of the fields that are asked for', () => {
  expect(finishedSweepOf(record, ['net_price', 'tax_price'])).toEqual({
    number: 3,
    from: '2026-01-01',
    to: null,
    startedAt: at(10),
    finishedAt: at(20),
    observedAt: at(20),
    rows: 2,
    sums: [{ month: '2026-03', currency: 'PLN', rows: 2, amounts: [150, null] }],
  });
});

test('the record of a sweep of a stream without money has no sums', () => {
  expect(finishedSweepOf({ ...record, sums: null }, [])?.sums).toEqual([]);
});

test('a record of another kind is no sweep', () => {
  expect(finishedSweepOf({ entity: 'alfa' }, [])).toBeUndefined();
  expect(finishedSweepOf(null, [])).toBeUndefined();
});

test.each<Fate>(['committed', 'lost', 'lost-though-committed', 'fenced'])(
  'a sweep whose last transaction is %s has one record',
  async (fate) => {
    let fates: Fate[] = ['committed', fate];
    const kafka = createMemoryKafka({ fate: () => fates.shift() ?? 'committed' });
    const shard = createShard(memoryShard(kafka, [{ entity: 'alfa', declaration: itemStream('items') }]));
    const cursor: Cursor = {
      number: 1,
      query: { from: null, to: null, order: 'asc' },
      startedAt: at(10),
      finishedAt: null,
      position: startPosition(),
      totalCount: null,
      counts: {
        rows: 0,
        firstRead: 0,
        republished: 0,
        created: 0,
        updated: 0,
        deleted: 2,
        unchanged: 0,
        deadLetters: 0,
      },
      sums: {},
    };
    const page: Page = {
      rows: [{ id: 7, content: 'good' }],
      strays: [],
      outsideQuery: 0,
      interval: { after: null, upTo: null },
      totalCount: 1,
      began: 1,
      ended: 2,
      next: startPosition(),
      end: true,
    };
    for (let tries = 0; tries < 3; tries += 1) {
      const session = await shard.open();
      const swept = session.stream('alfa', 'items');
      if (swept.cursor('sweep')?.finishedAt == null) {
        swept.begin('sweep', cursor);
        await session.add({ entity: 'alfa', stream: 'items', scan: 'sweep', page }).catch(() => undefined);
      }
      await session.close();
      fates = [];
    }
    expect(kafka.records).toHaveLength(1);
    const sweeps = kafka.sweeps.map(({ value }) => JSON.parse(value?.toString() ?? '') as unknown);
    expect(sweeps).toMatchObject([
      { entity: 'alfa', stream: 'items', number: 1, rows: 1, created: 1, deleted: 2, sums: null },
    ]);
  },
);
