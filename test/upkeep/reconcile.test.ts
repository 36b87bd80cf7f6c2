import { createShard } from '../../src/shard/shard';
import type { Cursor, Page } from '../../src/model';
import { EntryFlag, type Entry } from '../../src/changes/ledger';
import { lapOf, reconcile, type Lap, type TopicRecord } from '../../src/upkeep/reconcile';
import { startPosition } from '../../src/sources/scan';
import { createMemoryKafka, itemStream, memoryShard, type Fate } from '../support/memory';

const print = (digit: number): string => String(digit).repeat(16);
const at = (minute: number): string => `2026-03-01T10:${String(minute).padStart(2, '0')}:00.000Z`;

const declaration = { name: 'invoices', scopeField: 'invoice_date', sumFields: ['net_price'] };

/** A lap from minute 10 to minute 20. */
function lapWith(sums: Lap['sums'], changes: Partial<Lap> = {}): Lap {
  const rows = sums.reduce((sum, each) => sum + each.rows, 0);
  const lap = { number: 3, from: null, to: null, startedAt: at(10), finishedAt: at(20), observedAt: at(20) };
  return { ...lap, rows, sums, ...changes };
}

const march = (rows: number, net: number | null) => ({ month: '2026-03', currency: 'PLN', rows, amounts: [net] });

function record(
  id: number,
  net: number,
  how: Partial<Record<'fingerprint' | 'observed_at' | 'scan', string>> & { readonly settled?: boolean } = {},
): TopicRecord {
  const { settled = true, fingerprint = print(id), observed_at = at(5), scan = 'sweep' } = how;
  const value = { invoice_date: '2026-03-01', currency: 'PLN', net_price: net };
  return { id, value, headers: { fingerprint, observed_at, scan }, settled };
}

const tombstone = (id: number, minute: number): TopicRecord => ({
  ...record(id, 0, { observed_at: at(minute) }),
  value: null,
});

function entry(id: number, changes: Partial<Entry> = {}): Entry {
  const none = { definition: 0, uuid: null, date: 0, missing: 0, lines: 0 };
  return { id, fingerprint: print(id), ...none, flags: EntryFlag.PUBLISHED, ...changes };
}

function held(lap: Lap | null, entries: readonly Entry[], records: readonly TopicRecord[], definitions = [0]) {
  const byId = new Map(entries.map((each) => [each.id, each]));
  const ledger = { entry: (id: number) => byId.get(id), ids: () => [...byId.keys()] };
  const reconciliation = reconcile({ entity: 'alfa', declaration, lap, ledger, definitions });
  for (const each of records) reconciliation.add(each);
  return reconciliation.result();
}

describe('records agree with the lap', () => {
  test('where rows and sums are equal by month and currency, tombstones left out', () => {
    const records = [record(1, 100), record(2, 50), record(3, 7), tombstone(3, 6)];
    const result = held(lapWith([march(2, 150)]), [entry(1), entry(2)], records);
    expect(result).toMatchObject({ agrees: true, rows: 2, differences: [], apart: { later: [] } });
    expect(result.sums).toMatchObject([{ topic: { rows: 2, amounts: [150] }, agrees: true }]);
  });

  test('where the lap itself published what is newest', () => {
    const records = [record(1, 100), record(1, 900, { observed_at: at(12), fingerprint: print(7) })];
    const result = held(lapWith([march(1, 900)]), [entry(1, { fingerprint: print(7) })], records);
    expect(result).toMatchObject({ agrees: true, apart: { later: [] } });
  });

  test('where a row changed after it: held as it was then, and listed apart', () => {
    const records = [record(1, 100), record(1, 900, { observed_at: at(25), fingerprint: print(7) })];
    const result = held(lapWith([march(1, 100)]), [entry(1, { fingerprint: print(7) })], records);
    expect(result).toMatchObject({ agrees: true, apart: { later: [1] } });
  });

  test('where another scan read a row while it was under way, whichever the lap has shown', () => {
    const records = [record(1, 100), record(1, 900, { observed_at: at(12), scan: 'open', fingerprint: print(7) })];
    for (const net of [100, 900]) {
      const result = held(lapWith([march(1, net)]), [entry(1, { fingerprint: print(7) })], records);
      expect(result).toMatchObject({ agrees: true, apart: { later: [1] } });
    }
    expect(held(lapWith([march(2, 900)]), [entry(1, { fingerprint: print(7) })], records).agrees).toBe(false);
  });

  test('where rows are absent from it and not yet deleted, or were dead-lettered', () => {
    const entries = [entry(1), entry(2, { missing: 3 }), entry(4, { flags: EntryFlag.DEAD_LETTERED })];
    const result = held(lapWith([march(2, 900)]), entries, [record(1, 100), record(2, 50)]);
    expect(result).toMatchObject({ agrees: true, apart: { missing: [2], deadLettered: [4] } });
  });

  test('where rows have left its scope', () => {
    const entries = [entry(1), entry(2, { flags: EntryFlag.PUBLISHED | EntryFlag.LEFT })];
    const outside = { ...record(2, 50), value: { invoice_date: '2025-01-01', currency: 'PLN', net_price: 50 } };
    const lap = lapWith([march(1, 100)], { from: '2026-01-01' });
    expect(held(lap, entries, [record(1, 100), outside])).toMatchObject({ agrees: true, rows: 1 });
  });
});

describe('records differ from the lap', () => {
  test.each([
    ['a sum', lapWith([march(1, 101)])],
    ['a row too few', lapWith([march(2, 100)])],
    ['a row too many', lapWith([])],
    ['no lap', null],
  ])('by %s', (_what, lap) => {
    expect(held(lap, [entry(1)], [record(1, 100)])).toMatchObject({ agrees: false, differences: [] });
  });

  test('by rows that are not as the ledger says they were published', () => {
    const entries = [entry(1), entry(2)];
    const records = [record(1, 100, { fingerprint: print(9) }), record(3, 50)];
    expect(held(lapWith([march(2, 150)]), entries, records).differences).toEqual([
      { id: 1, what: 'another fingerprint' },
      { id: 2, what: 'not on the topic' },
      { id: 3, what: 'not in the ledger' },
    ]);
  });
});

test('what was written after the ledger was read is no difference', () => {
  const later = { observed_at: at(30), settled: false, fingerprint: print(9) };
  const result = held(
    lapWith([march(1, 100)]),
    [entry(1)],
    [record(1, 100), record(1, 5, later), record(2, 50, later)],
  );
  expect(result).toMatchObject({ agrees: true, differences: [], apart: { later: [1, 2] } });
});

test('fingerprints of another definition are not compared', () => {
  const entries = [entry(1, { definition: 2, fingerprint: print(9) })];
  const result = held(lapWith([march(1, 100)]), entries, [record(1, 100)], [0, 2]);
  expect(result).toMatchObject({ agrees: true, apart: { olderDefinition: [1] } });
});

test('sums of many rows are exact', () => {
  const net = 4_000_000_000_000_000;
  const records = [record(1, net), record(2, net), record(3, 1 - net), record(4, -net)];
  const entries = [1, 2, 3, 4].map((id) => entry(id));
  expect(held(lapWith([march(4, 1)]), entries, records).agrees).toBe(true);
});

test.each<Fate>(['committed', 'lost', 'lost-though-committed', 'fenced'])(
  'a lap whose last transaction is %s is told of once',
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
      counts: { rows: 0, created: 0, updated: 0, deleted: 2, unchanged: 0, deadLetters: 0 },
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
      if (session.stream('alfa', 'items').cursor('sweep')?.finishedAt == null) {
        session.stream('alfa', 'items').begin('sweep', cursor);
        await session.add({ entity: 'alfa', stream: 'items', scan: 'sweep', page }).catch(() => undefined);
      }
      await session.close();
      fates = [];
    }
    expect(kafka.records).toHaveLength(1);
    const laps = kafka.laps.map(({ value }) => JSON.parse(value?.toString() ?? '') as unknown);
    expect(laps).toMatchObject([
      { entity: 'alfa', stream: 'items', number: 1, rows: 1, created: 1, deleted: 2, sums: null },
    ]);
  },
);

test('a record of another kind is no lap', () => {
  expect(lapOf({ entity: 'alfa' }, [])).toBeUndefined();
  expect(lapOf(null, [])).toBeUndefined();
});
