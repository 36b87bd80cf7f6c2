import * as fc from 'fast-check';

import { TransientError } from '../../src/errors';
import type { Page, Row } from '../../src/model';
import { purge, type RepairOptions, reset, resync } from '../../src/upkeep/repair';
import { createShard, type Shard } from '../../src/shard/shard';
import { parseStateKey } from '../../src/state/state-topic';
import { startPosition } from '../../src/rules/paging';
import { NO_COUNTS } from '../../src/rules/cursor';
import {
  createMemoryKafka,
  type Fate,
  idOf,
  itemStream,
  type MemoryKafka,
  memoryShard,
  topicOf,
} from '../support/memory';
import { cursorAtStart, wholePage } from '../support/pages';

const STREAMS = ['dated', 'plain'];
const declarations = [itemStream('dated', { scoped: true }), itemStream('plain')];
const places = ['alfa', 'bravo'].flatMap((entity) => declarations.map((declaration) => ({ entity, declaration })));

interface Scene {
  readonly kafka: MemoryKafka;
  /** How the next transactions end, in order; all others are committed. */
  readonly fates: Fate[];
  readonly options: RepairOptions;
  /** How many records are read before a reading breaks off, once. */
  readonly records: { untilBreak: number };
  /** What the newest of each key says that is not a tombstone, as `topic id`. */
  readonly table: () => string[];
}

/** Two entities with the rows 1 to 9 in each of two streams; those of `dated` are of the first days of 2026. */
async function scene(): Promise<Scene> {
  const fates: Fate[] = [];
  const records = { untilBreak: Infinity };
  const kafka = createMemoryKafka({
    fate: () => fates.shift() ?? 'committed',
    breaksRead: () => {
      records.untilBreak -= 1;
      return records.untilBreak === 0;
    },
  });
  const rows = Array.from({ length: 9 }, (_, n): Row => ({
    id: n + 1,
    content: `row ${n + 1}`,
    date: `2026-01-0${n + 1}`,
  }));
  await sweep(createShard(memoryShard(kafka, places)), rows);
  const shard = memoryShard(
    kafka,
    places.filter(({ entity }) => entity === 'alfa'),
  );
  return {
    kafka,
    fates,
    records,
    options: {
      entity: 'alfa',
      shard,
      end: kafka.highWatermark(),
      stop: new AbortController().signal,
      againMs: () => 0,
    },
    table() {
      const newest = new Map(kafka.records.map((record) => [`${record.topic} ${String(record.key)}`, record]));
      return [...newest.values()]
        .filter(({ value }) => value !== null)
        .map((record) => `${String(record.headers['entity'])} ${record.topic} ${idOf(record)}`);
    },
  };
}

/** One whole sweep of everything; returns what it published, as `entity stream op id`. */
async function sweep(shard: Shard, rows: readonly Row[], kafka?: MemoryKafka): Promise<string[]> {
  const before = kafka?.records.length ?? 0;
  const session = await shard.open();
  for (const { entity, declaration } of places) {
    const { name } = declaration;
    const number = (session.stream(entity, name).cursor('sweep')?.number ?? 0) + 1;
    session.stream(entity, name).begin('sweep', {
      number,
      query: { from: null, to: null, order: 'asc' },
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: null,
      position: startPosition(),
      totalCount: null,
      counts: NO_COUNTS,
      sums: {},
    });
    const page: Page = {
      rows,
      strays: [],
      outsideQuery: 0,
      interval: { after: null, upTo: null },
      totalCount: rows.length,
      began: 1,
      ended: 2,
      next: startPosition(),
      end: true,
    };
    await session.add({ entity, stream: name, scan: 'sweep', page });
  }
  await session.flush();
  await session.close();
  return (kafka?.records ?? [])
    .slice(before)
    .map(({ headers, ...record }) =>
      [headers['entity'], headers['stream'], headers['op'], idOf({ headers, ...record })].join(' '),
    );
}

const rowsOf = (...ids: number[]): Row[] => ids.map((id) => ({ id, content: `row ${id}`, date: `2026-01-0${id}` }));
const DAY = Date.parse('2026-01-01') / 86_400_000;
const forget = { streams: STREAMS, account: true, pretend: false };

/** Of the first transactions. */
const anyFates = fc.array(
  fc.constantFrom<Fate>('committed', 'lost', 'lost-though-committed', 'lost-and-committed-late', 'fenced'),
  // With a reading that breaks off it is tried five times at most.
  { maxLength: 4 },
);

test('what resync marked is published once at the next sweep, however its transactions ended', () =>
  fc.assert(
    fc.asyncProperty(anyFates, async (fates) => {
      const { kafka, options, fates: next } = await scene();
      next.push(...fates);
      expect(await resync(options, { streams: ['dated'], ids: null, from: DAY + 2, to: DAY + 3 })).toEqual([
        { stream: 'dated', rows: 2, outside: 0 },
      ]);
      next.length = 0;
      const shard = createShard(memoryShard(kafka, places));
      const all = rowsOf(1, 2, 3, 4, 5, 6, 7, 8, 9);
      expect(await sweep(shard, all, kafka)).toEqual(['alfa dated r 3', 'alfa dated r 4']);
      expect(await sweep(shard, all, kafka)).toEqual([]);
    }),
    { numRuns: 20 },
  ));

test('what the owner wrote between the first reading and the fence is not undone', async () => {
  const { kafka, options } = await scene();
  const owner = createShard(memoryShard(kafka, places));
  const edited = rowsOf(1, 2, 3, 4, 5, 6, 7, 8, 9).map((row) => (row.id === 5 ? { ...row, content: 'edited' } : row));
  const shard = {
    ...options.shard,
    openWriter: async () => {
      await sweep(owner, edited, kafka);
      return options.shard.openWriter();
    },
  };
  await resync({ ...options, shard }, { streams: ['plain'], ids: [4], from: null, to: null });
  expect(await sweep(owner, edited, kafka)).toEqual(['alfa plain r 4']);
});

test('after a reset every row is r once and a row that was missing before is missed anew, by two sweeps', async () => {
  const { kafka, options } = await scene();
  const owner = createShard(memoryShard(kafka, places));
  await sweep(owner, rowsOf(1, 2, 3, 4, 5, 6, 7, 8), kafka);
  expect(await reset(options, { ...forget, streams: ['plain'], pretend: true })).toEqual([
    { stream: 'plain', rows: 9 },
  ]);
  await reset(options, { ...forget, streams: ['plain'] });
  const told = await sweep(owner, rowsOf(1, 2, 3, 4, 5, 6, 7, 8), kafka);
  expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map((id) => `alfa plain r ${id}`));
  const session = await owner.open();
  expect(session.stream('alfa', 'plain').cursor('sweep')?.number).toBe(1);
  expect(session.stream('alfa', 'plain').entry(9)).toMatchObject({ missing: 1 });
  expect(session.stream('alfa', 'dated').entry(9)).toMatchObject({ missing: 2 });
  await session.close();
});

test('a purge ends with one tombstone a row and nothing remembered of the entity alone, however its transactions ended', () =>
  fc.assert(
    fc.asyncProperty(anyFates, fc.integer({ min: 0, max: 8 }), async (fates, breakAfter) => {
      const { kafka, options, fates: next, records, table } = await scene();
      // It knows the shard as it was before the purge.
      const owner = createShard(memoryShard(kafka, places));
      await (await owner.open()).close();
      next.push(...fates);
      // Within what comes after the first reading, which is not repeated.
      records.untilBreak = kafka.state.length + breakAfter;
      expect(await purge(options, forget)).toEqual(STREAMS.map((stream) => ({ stream, rows: 9 })));
      records.untilBreak = Infinity;
      next.length = 0;
      const buried = kafka.records
        .filter(({ value }) => value === null)
        .map((record) => `${record.topic} ${idOf(record)}`);
      expect(kafka.entities.map(({ key, value }) => [key?.toString(), value])).toContainEqual([
        '{"entity":"alfa"}',
        null,
      ]);
      expect(buried.sort()).toEqual(
        STREAMS.flatMap((stream) => rowsOf(1, 2, 3, 4, 5, 6, 7, 8, 9).map(({ id }) => `${topicOf(stream)} ${id}`)),
      );
      expect(table().filter((row) => !row.startsWith('bravo'))).toEqual([]);
      const newest = new Map(kafka.state.map(({ key, value }) => [key, value]));
      const left = [...newest].flatMap(([key, value]) =>
        value === null ? [] : [parseStateKey('memory', key, 'state')],
      );
      expect(left.filter((key) => 'entity' in key && key.entity === 'alfa')).toEqual([]);

      for (const shard of [owner, createShard(memoryShard(kafka, places))]) {
        const session = await shard.open();
        expect(
          STREAMS.map((stream) => [session.stream('alfa', stream).live(), session.stream('bravo', stream).live()]),
        ).toEqual([
          [0, 9],
          [0, 9],
        ]);
        await session.close();
      }
      expect(await sweep(owner, rowsOf(1), kafka)).toEqual(STREAMS.map((stream) => `alfa ${stream} r 1`));
    }),
    { numRuns: 20, examples: [[['committed', 'committed', 'committed', 'lost-though-committed'], 0]] },
  ));

test('a command that is fenced five times over gives up', async () => {
  const { options, fates } = await scene();
  fates.push(...Array.from({ length: 100 }, (): Fate => 'fenced'));
  await expect(resync(options, { streams: STREAMS, ids: [1], from: null, to: null })).rejects.toThrow(
    'name one of them by --stream',
  );
  expect(fates).toHaveLength(100);
  await expect(reset(options, forget)).rejects.toThrow(TransientError);
  expect(fates).toHaveLength(100 - 6);
});

test('a purge that is stopped ends its transaction, and the next one the rest', async () => {
  const { options, kafka, table } = await scene();
  let asked = 0;
  /** Aborted after the first transaction. */
  const stop = Object.defineProperty(new AbortController().signal, 'aborted', { get: () => (asked += 1) > 1 });
  await expect(purge({ ...options, stop }, forget)).rejects.toThrow('run the command again');
  expect(table().filter((row) => row.startsWith('alfa'))).toHaveLength(9);
  await purge({ ...options, end: kafka.highWatermark() }, forget);
  expect(table().filter((row) => row.startsWith('alfa'))).toEqual([]);
});

test('what is told of rows beside them is published again and removed with its stream, and makes no id unclear', async () => {
  const beside = { ...itemStream('ksef/dated'), beside: { stream: 'dated', topic: 'ksef' } };
  const both = [itemStream('dated', { scoped: true }), beside].map((declaration) => ({ entity: 'alfa', declaration }));
  const kafka = createMemoryKafka();
  const session = await createShard(memoryShard(kafka, both)).open();
  for (const { declaration } of both) {
    session.stream('alfa', declaration.name).begin('sweep', cursorAtStart());
    await session.add({
      entity: 'alfa',
      stream: declaration.name,
      scan: 'sweep',
      page: wholePage([{ id: 1 }, { id: 2 }]),
    });
  }
  await session.close();
  const options: RepairOptions = {
    entity: 'alfa',
    shard: memoryShard(kafka, both),
    end: kafka.highWatermark(),
    stop: new AbortController().signal,
    againMs: () => 0,
  };
  const again = { streams: ['dated'], ids: [1], from: null, to: null };
  expect(await resync(options, again)).toEqual([
    { stream: 'dated', rows: 1, outside: 0 },
    { stream: 'ksef/dated', rows: 1, outside: 0 },
  ]);
  const marked = await createShard(memoryShard(kafka, both)).open();
  expect([1, 2].map((id) => marked.stream('alfa', 'ksef/dated').following(id))).toEqual(['unknown', 'followed']);
  await marked.close();
  const before = kafka.records.length;
  await purge({ ...options, end: kafka.highWatermark() }, { streams: ['dated'], account: false, pretend: false });
  expect(kafka.records.slice(before).map(({ headers }) => `${headers['op'] ?? ''} ${headers['id'] ?? ''}`)).toEqual([
    'd alfa/1',
    'd alfa/2',
    'd alfa/dated/1',
    'd alfa/dated/2',
  ]);
  const after = await createShard(memoryShard(kafka, both)).open();
  expect(after.stream('alfa', 'ksef/dated').following(2)).toBe('unknown');
  await after.close();
});
