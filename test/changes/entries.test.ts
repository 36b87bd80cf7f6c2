import { ConfigError } from '../../src/errors';
import { EntryFlag, NO_DATE } from '../../src/changes/block';
import { Entries, entryAt, type Content } from '../../src/changes/entries';
import type { LedgerBlock } from '../../src/model';

const { PUBLISHED } = EntryFlag;
const content = (high: number): Content => ({
  high,
  low: 0,
  definition: 1,
  date: NO_DATE,
  uuid: null,
  flags: PUBLISHED,
});
const newEntries = (blockEntries = 4): Entries => new Entries({ entity: 'acme', stream: 'invoices', blockEntries });

function write(entries: Entries, id: number, high = 1): void {
  if (!entries.find(id)) entries.insert(id);
  entries.write(content(high));
}

function entriesOf(ids: readonly number[], blockEntries?: number): Entries {
  const entries = newEntries(blockEntries);
  for (const id of ids) write(entries, id);
  return entries;
}

function idsOf(entries: Entries): number[] {
  const ids: number[] = [];
  entries.forEach(
    () => true,
    (index, slot) => ids.push(entries.blockAt(index).ids[slot] ?? -1),
  );
  return ids;
}

function storedOf(ids: readonly number[]): LedgerBlock[] {
  return entriesOf(ids).take();
}

function entryOf(entries: Entries, id: number) {
  return entries.find(id) ? entryAt(entries.blockAt(entries.at), entries.slot) : undefined;
}

describe('entries', () => {
  test('are found wherever the last one was found, and kept in order however they were inserted', () => {
    const ids = [50, 10, 30, 20, 40, 25, 15, 5, 60, 35];
    const entries = entriesOf(ids, 3);
    const sorted = ids.toSorted((a, b) => a - b);
    expect(idsOf(entries)).toEqual(sorted);
    for (const id of [...ids, ...sorted, ...sorted.toReversed()]) expect(entries.find(id)).toBe(true);
    for (const id of [0, 26, 61]) expect(entries.find(id)).toBe(false);
  });

  test('lie in blocks that tile the id line', () => {
    const { blocks } = entriesOf([50, 10, 30, 20, 40, 25, 15], 2);
    expect(blocks.length).toBeGreaterThan(2);
    expect(blocks[0]?.from).toBe(0);
    expect(blocks.at(-1)?.to).toBe(Infinity);
    for (const [index, { to }] of blocks.slice(0, -1).entries()) expect(blocks[index + 1]?.from).toBe(to);
  });

  test('hold what was written last', () => {
    const entries = entriesOf([7]);
    entries.find(7);
    entries.write({ high: 0xab, low: 2, definition: 3, date: 20000, uuid: 'odd', flags: 5 });
    expect(entryOf(entries, 7)).toEqual({
      id: 7,
      fingerprint: '000000ab00000002',
      definition: 3,
      uuid: 'odd',
      date: 20000,
      flags: 5,
      missing: 0,
      lines: 0,
    });
  });

  test('are dropped one at a time', () => {
    const entries = entriesOf([1, 2, 3]);
    entries.find(2);
    entries.remove();
    expect(idsOf(entries)).toEqual([1, 3]);
  });

  test('that are inserted again begin empty', () => {
    const entries = entriesOf([1]);
    entries.find(1);
    entries.write({ ...content(9), date: 4, uuid: 'odd' });
    entries.remove();
    entries.find(1);
    entries.insert(1);
    expect(entryOf(entries, 1)).toMatchObject({ fingerprint: '0'.repeat(16), date: null, uuid: null, flags: 0 });
  });
});

type Call = 'change' | 'load' | 'unload' | 'loaded' | 'take' | 'settle' | 'rollback';

describe('the states of entries', () => {
  const calls: Readonly<Record<Call, (entries: Entries) => unknown>> = {
    change: (entries) => {
      write(entries, 1, 2);
    },
    load: (entries) => {
      for (const block of storedOf([1])) entries.load(block);
    },
    unload: (entries) => {
      entries.unload(5);
    },
    loaded: (entries) => {
      entries.loaded();
    },
    take: (entries) => entries.take(),
    settle: (entries) => {
      entries.settle();
    },
    rollback: (entries) => {
      entries.rollback();
    },
  };
  const reach: Readonly<Record<string, readonly Call[]>> = {
    ready: [],
    changed: ['change'],
    loading: ['load'],
    taken: ['change', 'take'],
    'taken and changed': ['change', 'take', 'change'],
  };
  const legal: Readonly<Record<string, readonly Call[]>> = {
    ready: ['change', 'load', 'unload', 'loaded', 'take', 'rollback'],
    changed: ['change', 'loaded', 'take', 'rollback'],
    loading: ['load', 'unload', 'loaded', 'rollback'],
    taken: ['change', 'settle', 'rollback'],
    'taken and changed': ['change', 'settle', 'rollback'],
  };
  const cases = Object.entries(reach).flatMap(([state, way]) =>
    (Object.keys(calls) as Call[]).map((call) => ({
      state,
      way,
      call,
      verb: legal[state]?.includes(call) === true ? 'takes' : 'refuses',
    })),
  );

  test.each(cases)('$state $verb $call', ({ way, call, verb }) => {
    const entries = newEntries();
    for (const before of way) calls[before](entries);
    const attempt = () => calls[call](entries);
    if (verb === 'takes') expect(attempt).not.toThrow();
    else expect(attempt).toThrow(/^(a ledger|one take|only what was taken)/);
  });

  test('go back to what is durable by a rollback, from every state', () => {
    for (const way of Object.values(reach)) {
      const entries = entriesOf([1, 2], 4);
      entries.take();
      entries.settle();
      for (const call of way) calls[call](entries);
      entries.rollback();
      expect(idsOf(entries)).toEqual([1, 2]);
      expect(entryOf(entries, 1)?.fingerprint).toMatch(/^00000001/);
      expect(entries.take()).toEqual([]);
    }
  });

  test('stay loading where the loaded blocks do not tile the id line, so that damage is reported each time', () => {
    const [first, second] = storedOf([1, 2, 3, 4, 5, 6]);
    if (first === undefined || second === undefined) throw new Error('expected two blocks');
    const entries = newEntries();
    entries.load(first);
    entries.unload(first.from);
    entries.load(second);
    const end = () => {
      entries.loaded();
    };
    expect(end).toThrow(ConfigError);
    expect(end).toThrow(ConfigError);
    entries.load(first);
    entries.loaded();
    expect(idsOf(entries)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});
