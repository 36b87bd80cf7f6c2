import { FatalError } from '../../src/errors';
import type { Page, Row } from '../../src/model';
import { walkOf } from '../../src/rules/cursor';
import { Memory } from '../../src/shard/memory';
import { changesOf, leaveOutOfScope, removeDeleted, type PageToCommit } from '../../src/shard/page-changes';
import { createMemoryKafka, DEAD_LETTERS, idOf, itemStream, memoryShard } from '../support/memory';
import { cursorAtStart, pageOf, wholePage } from '../support/pages';

const NOW = Date.parse('2026-02-01T10:00:00Z');

function start() {
  const declaration = itemStream('items', { scoped: true });
  const options = memoryShard(createMemoryKafka(), [{ entity: 'alfa', declaration }], { now: () => NOW });
  const memory = new Memory(options);
  memory.beginReading();
  memory.restored();
  const state = memory.streamOf('alfa', 'items');
  state.walks.set('sweep', walkOf(cursorAtStart()));
  const compare = (
    page: Page,
    toCommit: Partial<PageToCommit> = {},
    { partial = false, refused = 0 }: { readonly partial?: boolean; readonly refused?: number } = {},
  ) =>
    changesOf({ memory, options, partial, oldestOpen: Infinity, wasRefused: ({ id }) => id === refused }, state, {
      entity: 'alfa',
      stream: 'items',
      scan: 'sweep',
      page,
      ...toCommit,
    });
  return { memory, state, compare };
}

const rows = (...ids: number[]): Row[] => ids.map((id) => ({ id, content: `row ${id}`, date: '2026-01-05' }));

test('a changed page waits for its commit; the same page again changes nothing and only moves the cursor', () => {
  const { compare } = start();
  const first = compare(pageOf(rows(1, 2)));
  expect(first).toMatchObject({ waits: true, cursor: 'moved', result: { counts: { rows: 2, created: 2 } } });
  expect(first.records.map(idOf)).toEqual([1, 2]);
  const again = compare(pageOf(rows(1, 2), { began: 3, ended: 4 }));
  expect(again).toMatchObject({ waits: false, cursor: 'moved', records: [], result: { counts: { unchanged: 2 } } });
});

test('the record of the sweep that a page completes is made later, of all that is published by then and before what comes after', () => {
  const { compare, memory } = start();
  const { records, sweepRecord } = compare(wholePage(rows(1)));
  const more = compare(pageOf(rows(2)), { scan: 'spot' }).records;
  const sweep = sweepRecord?.();
  expect(sweep?.topic).toBe('memory.sweeps');
  const values = [...records, ...more].map((record) => JSON.parse(record.value?.toString() ?? '') as unknown);
  const fields = { fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) as unknown, fingerprint_definition: 17 };
  expect(values).toMatchObject([fields, fields]);
  expect(JSON.parse(sweep?.value?.toString() ?? '')).toMatchObject({
    living_count: 2,
    fingerprint_definition: 17,
    observed_at: NOW,
    rows: 1,
  });
  expect(memory.observe()).toBe(NOW + 1);
});

test('the page that completes a sweep counts without the record of the sweep', () => {
  const { compare } = start();
  const { records, size, result } = compare(wholePage(rows(1)));
  expect(records.map(({ topic }) => topic)).toEqual(['memory.items']);
  expect(size).toEqual({ records: 1, bytes: records[0]?.value?.length });
  expect(result.cursor.finishedAt).toBe(new Date(NOW).toISOString());
});

test('the rows of a page that was cut up move the cursor with the last of them, by the counts of all', () => {
  const { compare, state } = start();
  const first = compare(pageOf(rows(1)), {}, { partial: true });
  expect(first).toMatchObject({ cursor: 'stays', waits: true });
  expect(state.walks.get('sweep')?.cursor.counts.rows).toBe(0);
  const last = compare(pageOf(rows(2)));
  expect(last).toMatchObject({ cursor: 'moved', result: { counts: { rows: 2, created: 2 } } });
  expect(state.walks.get('sweep')?.cursor.counts.rows).toBe(2);
  expect(state.cutPage).toBeNull();
});

test('a spot read publishes a row, and moves no cursor', () => {
  const { compare, state } = start();
  const { result, cursor } = compare(pageOf(rows(4)), { scan: 'spot' });
  expect(cursor).toBe('stays');
  expect(result.counts.created).toBe(1);
  expect(state.walks.get('sweep')?.cursor.counts.rows).toBe(0);
});

test('a row outside the scope is left once its spot read was published', () => {
  const { compare, state } = start();
  compare(pageOf(rows(4)));
  expect(state.ledger.live).toBe(1);
  const left = compare(pageOf(rows(4), { began: 3, ended: 4 }), { scan: 'spot', left: true });
  expect(left.waits).toBe(true);
  expect(state.ledger.live).toBe(0);
});

test('a look for new documents that found none writes nothing, and one that did moves the mark', () => {
  const { compare, state } = start();
  state.walks.set('newest', walkOf(cursorAtStart({ mark: 5, query: { from: null, to: null, order: 'desc' } })));
  expect(compare(wholePage([]), { scan: 'newest', mark: 5 })).toMatchObject({ waits: false, cursor: 'stays' });
  const found = compare(wholePage([], { began: 3, ended: 4 }), { scan: 'newest', mark: 6 });
  expect(found).toMatchObject({ waits: false, cursor: 'moved', result: { cursor: { mark: 6 } } });
});

test.each(['paid', 'changed'] as const)(
  'a page of %s publishes what it changes, and where the scan stands is never written',
  (scan) => {
    const { compare, state } = start();
    state.walks.set(scan, walkOf(cursorAtStart()));
    const first = compare(wholePage(rows(1)), { scan });
    expect(first).toMatchObject({
      waits: true,
      cursor: 'stays',
      countsInSweep: true,
      result: { counts: { created: 1 } },
    });
    expect(first.records.map(({ headers }) => headers['scan'])).toEqual([scan]);
    const again = compare(wholePage(rows(1), { began: 3, ended: 4 }), { scan });
    expect(again).toMatchObject({ waits: false, cursor: 'stays', records: [], result: { counts: { unchanged: 1 } } });
  },
);

test('a row without an id is a dead letter once, however often it is shown', () => {
  const { compare, state } = start();
  const strays = [{ rows: [{ id: 'x' }, null, [1], 7], gap: { after: 3, upTo: 9 } }];
  const first = compare(pageOf([], { strays }));
  expect(first.newStrays).toBe(true);
  expect(first.records.map(({ topic, key, headers }) => ({ topic, key, error: headers['error'] }))).toEqual(
    ['an object without one', 'null', 'an array', 'a number'].map((got) => ({
      topic: DEAD_LETTERS,
      key: null,
      error: `reading a row of items of alfa: expected an object with a positive integer id, got ${got}`,
    })),
  );
  expect(compare(pageOf([], { strays, began: 3, ended: 4 }))).toMatchObject({
    newStrays: false,
    records: [],
    waits: false,
  });
  expect(state.strays).toHaveLength(4);
});

test('a row that the broker refused alone is a dead letter, and its neighbours are published', () => {
  const { compare } = start();
  const { records } = compare(pageOf(rows(1, 2, 3)), {}, { refused: 2 });
  expect(records.map((record) => [record.topic, idOf(record)])).toEqual([
    ['memory.items', 1],
    ['memory.items', 3],
    [DEAD_LETTERS, 2],
  ]);
});

test('five rows of a hundred that do not fit park nothing, one more does, and then the count begins anew', () => {
  const { compare } = start();
  const page = (from: number, bad: number) =>
    pageOf(
      Array.from({ length: 100 }, (_, n) => ({ id: from + n, content: n < bad ? `bad ${n}` : 'good', date: null })),
    );
  expect(compare(page(1, 5)).result.parks).toBeNull();
  expect(compare(page(101, 6)).result.parks).toBeInstanceOf(FatalError);
  expect(compare(page(201, 4)).result.parks).toBeNull();
});

test('a page of a scan that was not begun is a bug', () => {
  const { compare } = start();
  expect(() => compare(pageOf(rows(1)), { scan: 'recent' })).toThrow('before its scan was begun');
});

test('a removal takes only rows that are missing as they were when asked for, and counts what nobody released', () => {
  const { compare, memory, state } = start();
  compare(wholePage(rows(1, 2, 3)));
  state.walks.set('sweep', walkOf(cursorAtStart({ number: 2 })));
  compare(wholePage(rows(3), { began: 3, ended: 4 }));
  const { records, rows: removed } = removeDeleted(memory, state, [
    { id: 1, missing: 2, ended: 5, released: false },
    { id: 2, missing: 2, ended: 5, released: true },
    { id: 3, missing: 2, ended: 5, released: false },
    { id: 9, missing: 2, ended: 5, released: false },
  ]);
  expect(removed).toBe(2);
  expect(records.map(({ key, value }) => ({ key: String(key), value }))).toMatchObject([
    { value: null },
    { value: null },
  ]);
  expect(state.walks.get('sweep')?.cursor).toMatchObject({ deletedSince: 2, deletions: [{ rows: 1 }] });
  expect(removeDeleted(memory, state, [])).toEqual({ records: [], rows: 0, forgot: false });
});

test('I1: a row that was deleted after a dead letter, comes back as one and is right then is published, though it is what it once was', () => {
  const { compare, memory, state } = start();
  const edited = [{ id: 1, content: 'refused', date: '2026-01-05' }];
  const topics = (page: Page, refused = 0): string[] =>
    compare(page, {}, { refused }).records.map(({ topic }) => topic);
  const [items = ''] = topics(wholePage(rows(1, 2)));
  expect(topics(wholePage([...edited, ...rows(2)]), 1)).toEqual([DEAD_LETTERS]);
  state.walks.set('sweep', walkOf(cursorAtStart({ number: 2 })));
  compare(wholePage(rows(2), { began: 3, ended: 4 }));
  const removed = removeDeleted(memory, state, [{ id: 1, missing: 2, ended: 5, released: false }]);
  expect(removed).toMatchObject({ records: [{ topic: items, value: null }], rows: 1, forgot: true });

  expect(topics(wholePage([...edited, ...rows(2)], { began: 6, ended: 7 }), 1)).toEqual([DEAD_LETTERS]);
  expect(topics(wholePage(rows(1, 2), { began: 8, ended: 9 }))).toEqual([items]);
});

test('a scope leaves out entries by their dates, and none of a stream without a scope', () => {
  const { compare, state } = start();
  compare(pageOf(rows(1)));
  const query = { from: '2026-01-06', to: null, order: 'asc' } as const;
  const unscoped = { ...state, codec: { ...state.codec, declaration: itemStream('items') } };
  expect(leaveOutOfScope(unscoped, query)).toBe(false);
  expect(leaveOutOfScope(state, query)).toBe(true);
  expect(leaveOutOfScope(state, query)).toBe(false);
});
