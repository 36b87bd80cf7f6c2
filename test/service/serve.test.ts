import { BehaviorSubject, firstValueFrom, lastValueFrom, toArray, type Observable } from 'rxjs';

import { TransientError } from '../../src/errors';
import { targetsOf } from '../../src/rules/rhythm';
import type { Emit, ServiceEvent } from '../../src/service/events';
import { runShards } from '../../src/service/serve';
import { partitionOf } from '../../src/sinks/partition';
import { until } from '../support/kafka';
import { createMemoryKafka, type Fate } from '../support/memory';
import { memoryRun, memoryTopics } from '../support/service';

const { partitions } = memoryTopics.state;
const all: ReadonlySet<number> = new Set(Array.from({ length: partitions }, (_, number) => number));
/** One entity for each of two shards. */
const [alfa, beta] = ['alfa', firstInAnotherShard('alfa')];

function firstInAnotherShard(entity: string): string {
  for (let number = 1; ; number += 1)
    if (partitionOf(`beta-${number}`, partitions) !== partitionOf(entity, partitions)) return `beta-${number}`;
}

const shardOf = (entity: string): number => partitionOf(entity, partitions);
const seconds = { newestSeconds: 1, clientsNewestSeconds: 1, openSeconds: 1, recentSeconds: 1, sweepSeconds: 1 };
const rhythm = {
  targets: (stream: Parameters<typeof targetsOf>[1]) => targetsOf({ ...seconds, sweepAtLeastHours: 1 }, stream),
  recentDays: 45,
};
const endOf = <T>(run: Observable<T>): Promise<T[]> => lastValueFrom(run.pipe(toArray()));

test('a run of one sweep reads every entity of every shard once, and completes', async () => {
  const owned = new BehaviorSubject(all);
  const progress = await endOf(runShards(memoryRun({ entities: [alfa, beta], owned })));
  const complete = progress.filter(({ kind }) => kind === 'sweep').map(({ entity }) => entity);
  expect(complete.sort()).toEqual([alfa, beta].sort());
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
  const pages: string[] = [];
  const run = memoryRun({
    entities: [alfa, beta],
    owned,
    options: { endless: true },
    changes: { rhythm, emit: (event) => event.kind === 'shard-ready' && back.push(event.shard) },
  });
  const failures: unknown[] = [];
  const running = runShards(run).subscribe({
    next: ({ kind, entity }) => kind === 'page' && pages.push(entity),
    error: (error: unknown) => failures.push(error),
  });
  await until(() => pages.includes(alfa), { what: `a page of ${alfa}` });
  expect(pages).not.toContain(beta);
  expect([...run.holders.keys()]).toEqual([alfa]);
  owned.next(new Set([shardOf(beta)]));
  await until(() => pages.includes(beta), { what: `a page of ${beta}` });
  expect([...run.holders.keys()]).toEqual([beta]);
  expect(back).toEqual([shardOf(alfa), shardOf(alfa), shardOf(beta)]);
  running.unsubscribe();
  expect(failures).toEqual([]);
  expect(run.holders.size).toBe(0);
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
  const { of } = run.api;
  await firstValueFrom(runShards({ ...run, api: { of, setShare: (part) => shares.push(part) } }));
  expect(shares).toEqual([share]);
});

describe('a shard whose commit is lost', () => {
  const owned = new BehaviorSubject(all);
  const kafkaWith = (fate: () => Fate) => () => createMemoryKafka({ fate });
  type Lost = Extract<ServiceEvent, { kind: 'lost' }>;
  const lostInto =
    (lost: Lost[]): Emit =>
    (event) => {
      if (event.kind === 'lost') lost.push(event);
    };

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
    expect(progress.at(-1)?.kind).toBe('sweep');
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
