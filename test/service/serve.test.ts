import { getEventListeners } from 'node:events';

import { BehaviorSubject, firstValueFrom, lastValueFrom, tap, toArray, type Observable } from 'rxjs';

import { ConfigError, TransientError } from '../../src/errors';
import type { Emit, ServiceEvent } from '../../src/service/events';
import { runShards } from '../../src/service/serve';
import { partitionOf } from '../../src/sinks/partition';
import { createTestHints } from '../support/hints';
import { until } from '../support/kafka';
import { createMemoryKafka, type Fate } from '../support/memory';
import { everySecondRhythm as rhythm } from '../support/schedule';
import { memoryRun, memoryTopics, runOptions } from '../support/service';

const { partitions } = memoryTopics.state;
const all: ReadonlySet<number> = new Set(Array.from({ length: partitions }, (_, number) => number));
/** One entity for each of two shards. */
const [alfa, beta] = ['alfa', firstInAnotherShard('alfa')];

function firstInAnotherShard(entity: string): string {
  for (let number = 1; ; number += 1)
    if (partitionOf(`beta-${number}`, partitions) !== partitionOf(entity, partitions)) return `beta-${number}`;
}

const shardOf = (entity: string): number => partitionOf(entity, partitions);
const endOf = <T>(run: Observable<T>): Promise<T[]> => lastValueFrom(run.pipe(toArray()));

test('a run of one sweep reads every entity of every shard once, and completes', async () => {
  const owned = new BehaviorSubject(all);
  const progress = await endOf(runShards(memoryRun({ entities: [alfa, beta], owned })));
  const complete = progress.filter(({ kind }) => kind === 'sweep').map(({ entity }) => entity);
  expect(complete.sort()).toEqual([alfa, beta].sort());
});

test('a run listens to its stop signal once, however many shards it reads', async () => {
  const entities = Array.from({ length: 60 }, (_, number) => `company-${number}`);
  const stop = new AbortController();
  const run = memoryRun({
    entities,
    owned: new BehaviorSubject(all),
    options: { endless: true, stop: stop.signal },
    changes: { rhythm },
  });
  const swept = new Set<string>();
  const ended = lastValueFrom(
    runShards(run).pipe(
      tap(({ kind, entity }) => {
        if (kind === 'sweep') swept.add(entity);
      }),
    ),
  );
  await until(() => swept.size === entities.length, { what: 'a sweep of each entity' });
  const listeners = getEventListeners(stop.signal, 'abort').length;
  stop.abort();
  await ended;
  expect(listeners).toBe(1);
});

test('a run of one sweep ends with a TransientError when another member has a shard', async () => {
  const owned = new BehaviorSubject<ReadonlySet<number>>(new Set([0]));
  const run = endOf(runShards(memoryRun({ entities: [alfa, beta], owned })));
  await expect(run).rejects.toThrow(TransientError);
  await expect(run).rejects.toThrow('gave this one 1 of 4 shards');
});

test('an endless run reads the shards that it is given, and none that was taken away', async () => {
  const owned = new BehaviorSubject<ReadonlySet<number>>(new Set([shardOf(alfa)]));
  const back: number[] = [];
  const streams: string[] = [];
  const pages: string[] = [];
  let hinted: readonly string[] = [];
  const hints = {
    ...createTestHints().source,
    own: (entities: readonly string[]) => {
      hinted = [...hinted, ...entities];
      return () => void (hinted = hinted.filter((entity) => !entities.includes(entity)));
    },
  };
  const run = memoryRun({
    entities: [alfa, beta],
    owned,
    options: { endless: true, hints },
    changes: {
      rhythm,
      emit: (event) => {
        if (event.kind !== 'shard-ready') return;
        back.push(event.shard);
        streams.push([...new Set(event.streams.map(({ entity }) => entity))].join());
      },
    },
  });
  const failures: unknown[] = [];
  const running = runShards(run).subscribe({
    next: ({ kind, entity }) => kind === 'page' && pages.push(entity),
    error: (error: unknown) => failures.push(error),
  });
  await until(() => pages.includes(alfa), { what: `a page of ${alfa}` });
  expect(pages).not.toContain(beta);
  expect([...run.holders.keys()]).toEqual([alfa]);
  expect(hinted).toEqual([alfa]);
  owned.next(new Set([shardOf(beta)]));
  await until(() => pages.includes(beta), { what: `a page of ${beta}` });
  expect([...run.holders.keys()]).toEqual([beta]);
  expect(hinted).toEqual([beta]);
  expect(back).toEqual([shardOf(alfa), shardOf(alfa), shardOf(beta)]);
  // What is read there: nothing any more where the shard was taken away.
  expect(streams).toEqual([alfa, '', beta]);
  running.unsubscribe();
  expect(failures).toEqual([]);
  expect([run.holders.size, hinted]).toEqual([0, []]);
});

test.each([
  ['its own, the whole', 'replica', 1],
  ["one that it shares, its entities' part", 'group', 0.5],
] as const)('a replica has of an IP that is %s of the requests', async (_whose, budgetScope, share) => {
  const owned = new BehaviorSubject<ReadonlySet<number>>(new Set([shardOf(alfa)]));
  const shares: number[] = [];
  const run = memoryRun({
    entities: [alfa, beta],
    owned,
    options: { endless: true },
    changes: { rhythm, budgetScope },
  });
  const { of, allowance } = run.api;
  await firstValueFrom(runShards({ ...run, api: { of, allowance, setShare: (part) => shares.push(part) } }));
  expect(shares).toEqual([share]);
});

type Lost = Extract<ServiceEvent, { kind: 'lost' }>;
const lostInto =
  (lost: Lost[]): Emit =>
  (event) => {
    if (event.kind === 'lost') lost.push(event);
  };

describe('a shard whose commit is lost', () => {
  const owned = new BehaviorSubject(all);
  const kafkaWith = (fate: () => Fate) => () => createMemoryKafka({ fate });

  test('is opened again once the group has confirmed it, and loses nothing', async () => {
    const lost: Lost[] = [];
    const asked: number[] = [];
    let fates: readonly Fate[] = ['lost'];
    const fate = (): Fate => {
      const [next = 'committed', ...rest] = fates;
      fates = rest;
      return next;
    };
    const run = memoryRun({
      entities: [alfa],
      owned,
      kafka: kafkaWith(fate),
      changes: { emit: lostInto(lost) },
      confirmed: (shard) => {
        asked.push(shard);
        return Promise.resolve();
      },
    });
    const progress = await endOf(runShards(run));
    expect(progress.map(({ kind }) => kind)).toContain('sweep');
    expect(lost).toMatchObject([{ shard: shardOf(alfa), error: expect.any(TransientError) as unknown, waitMs: 1 }]);
    expect(asked).toEqual([shardOf(alfa)]);
  });

  test('ends a run of one sweep after so many losses in a row', async () => {
    const lost: Lost[] = [];
    const run = memoryRun({
      entities: [alfa],
      owned,
      kafka: kafkaWith(() => 'lost'),
      changes: { emit: lostInto(lost) },
    });
    await expect(endOf(runShards(run))).rejects.toThrow(TransientError);
    expect(lost).toHaveLength(run.options.patience.reopenTries);
  });
});

describe("a shard's own fault (I9)", () => {
  type Lost = Extract<ServiceEvent, { kind: 'lost' }>;
  const record = (key: string, value: string) => ({ key, value: Buffer.from(value) });
  const ours = (key: object): string => JSON.stringify(['memory', key]);
  const layoutOf = (changes: object): string =>
    JSON.stringify({
      version: 1,
      partitions: {},
      keySchemas: {},
      definitions: [],
      lastOffsets: {},
      observedAt: 0,
      ...changes,
    });
  const newer = { stream: 'clients', hashVersion: 99, normalisationVersion: 1, volatileFields: [] };
  const block = ours({ entity: alfa, stream: 'clients', block: 0 });

  const faults: readonly (readonly [string, readonly { readonly key: string; readonly value: Buffer }[], string])[] = [
    ['a record of another service', [record('["other",{"session":true}]', '{}')], 'got one of "other"'],
    ['a key that is no JSON', [record('hello', '{}')], 'that are not JSON'],
    [
      'a layout that is cut off',
      [record(ours({ layout: true }), '{"version":')],
      'reading a layout of the state topic',
    ],
    ['a layout that is no object', [record(ours({ layout: true }), '[]')], 'expected a JSON object'],
    ['a layout without its parts', [record(ours({ layout: true }), '{"version":1}')], ''],
    [
      'records whose layout is lost',
      [record(ours({ entity: alfa, stream: 'clients', scan: 'sweep' }), '{}')],
      'records without one',
    ],
    ['a newer program’s rows', [record(ours({ layout: true }), layoutOf({ definitions: [newer] }))], 'hash version 1'],
    ['a ledger block of other bytes', [record(ours({ layout: true }), layoutOf({})), record(block, 'no block')], ''],
  ];

  /** Reads alfa, whose shard is as given, and beta; stops when the fault was told so often. */
  async function runUntilTold(
    run: ReturnType<typeof memoryRun>,
    lost: readonly Lost[],
    times: number,
  ): Promise<string[]> {
    const pages: string[] = [];
    const failures: unknown[] = [];
    const running = runShards(run).subscribe({
      next: ({ kind, entity }) => kind === 'page' && pages.push(entity),
      error: (error: unknown) => failures.push(error),
    });
    await until(() => (lost.length >= times && pages.includes(beta)) || failures.length > 0, { what: 'the fault' });
    running.unsubscribe();
    expect(failures).toEqual([]);
    return pages;
  }

  test.each(faults)(
    'in a `run`, %s, parks that shard for longer each time, and the others are read',
    async (_what, stored, words) => {
      const lost: Lost[] = [];
      const waits: number[] = [];
      const run = memoryRun({
        entities: [alfa, beta],
        owned: new BehaviorSubject(all),
        kafka: (shard) => createMemoryKafka(shard === shardOf(alfa) ? { stored } : {}),
        options: {
          endless: true,
          patience: {
            ...runOptions().patience,
            parkMs: (failures) => {
              waits.push(failures);
              return 1;
            },
          },
        },
        changes: { rhythm, emit: (event) => event.kind === 'lost' && lost.push(event) },
      });
      const pages = await runUntilTold(run, lost, 3);
      expect(pages).not.toContain(alfa);
      for (const { shard, error, loss } of lost) {
        expect({ shard, loss }).toEqual({ shard: shardOf(alfa), loss: 'parked' });
        expect(error.message).toContain(words);
      }
      expect(waits.slice(0, 3)).toEqual([1, 2, 3]);
    },
  );

  test('a bug that a shard runs into parks the shard, which is read from the state topic alone when it is tried again', async () => {
    const lost: Lost[] = [];
    const failures: unknown[] = [];
    let broken = true;
    const pages: string[] = [];
    const back: number[] = [];
    const run = memoryRun({
      entities: [alfa, beta],
      owned: new BehaviorSubject(all),
      options: { endless: true },
      changes: {
        rhythm,
        emit: (event) => {
          if (event.kind === 'lost') lost.push(event);
          if (event.kind === 'shard-ready') back.push(event.shard);
        },
      },
    });
    const { of } = run.api;
    const ofBroken: typeof of = (entity, onAttempt) => {
      if (entity.id === alfa && broken) throw new TypeError('undefined is not a function');
      return of(entity, onAttempt);
    };
    const running = runShards({ ...run, api: { ...run.api, of: ofBroken } }).subscribe({
      next: ({ kind, entity }) => kind === 'page' && pages.push(entity),
      error: (error: unknown) => failures.push(error),
    });
    await until(() => lost.length > 1, { what: 'the fault' });
    expect(lost[0]).toMatchObject({ shard: shardOf(alfa), loss: 'parked', error: expect.any(TypeError) as unknown });
    broken = false;
    await until(() => pages.includes(alfa), { what: `a page of ${alfa}` });
    running.unsubscribe();
    expect(failures).toEqual([]);
    expect(back).toContain(shardOf(alfa));
  });

  test.each(faults)('in a run of one sweep, %s, ends it', async (_what, stored, words) => {
    const run = memoryRun({
      entities: [alfa, beta],
      owned: new BehaviorSubject(all),
      kafka: (shard) => createMemoryKafka(shard === shardOf(alfa) ? { stored } : {}),
    });
    await expect(endOf(runShards(run))).rejects.toThrow(words);
  });

  test('what concerns the whole service ends a `run`', async () => {
    const run = memoryRun({
      entities: [alfa, beta],
      owned: new BehaviorSubject(all),
      options: { endless: true },
      changes: { rhythm },
    });
    const verifyLayout = () => Promise.reject(new ConfigError('another number of partitions'));
    const partition = (number: number) => ({ ...run.partition(number), verifyLayout });
    await expect(endOf(runShards({ ...run, partition }))).rejects.toThrow('another number of partitions');
  });
});
