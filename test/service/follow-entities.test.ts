import { BehaviorSubject } from 'rxjs';

import type { EntityConfig } from '../../config/config';
import { ConfigError } from '../../src/errors';
import { entitiesByShard } from '../../src/service/cluster';
import type { ServiceEvent } from '../../src/service/events';
import { followConfigured, followEntityFiles, isAlone } from '../../src/service/follow-entities';
import type { EntitiesByShard } from '../../src/service/run-context';
import { runShards } from '../../src/service/serve';
import { partitionOf } from '../../src/sinks/partition';
import { until } from '../support/kafka';
import { impatient } from '../support/once';
import { everySecondRhythm as rhythm } from '../support/schedule';
import { entityOf, memoryRun, memoryTopics } from '../support/service';

const { partitions } = memoryTopics.state;
const all: ReadonlySet<number> = new Set(Array.from({ length: partitions }, (_, number) => number));
const shardOf = (entity: string): number => partitionOf(entity, partitions);
const alfa = 'alfa';
const beta = inShard((shard) => shard !== shardOf(alfa));

function inShard(wanted: (shard: number) => boolean): string {
  for (let number = 1; ; number += 1) if (wanted(shardOf(`mate-${number}`))) return `mate-${number}`;
}

describe('entities that change while it runs', () => {
  /** Another entity than alfa and beta. */
  const inShardOf = (entity: string): string => {
    for (let number = 1; ; number += 1) if (shardOf(`other-${number}`) === shardOf(entity)) return `other-${number}`;
  };

  /** An endless run of alfa, and what it read and opened. */
  const endlessRun = () => {
    const owned = new BehaviorSubject(all);
    const pages: string[] = [];
    const ready: number[] = [];
    const run = memoryRun({
      entities: [alfa],
      owned,
      options: { endless: true },
      changes: { rhythm, emit: (event) => event.kind === 'shard-ready' && ready.push(event.shard) },
    });
    const failures: unknown[] = [];
    const running = runShards(run).subscribe({
      next: ({ kind, entity }) => kind === 'page' && pages.push(entity),
      error: (error: unknown) => failures.push(error),
    });
    const change = (...entities: readonly EntityConfig[]): void => {
      pages.length = 0;
      ready.length = 0;
      run.shards.next(entitiesByShard(entities, partitions));
    };
    const end = (): void => {
      running.unsubscribe();
      expect(failures).toEqual([]);
    };
    const read = (entity: string): Promise<unknown> =>
      until(() => pages.includes(entity), { what: `a page of ${entity}` });
    return { run, owned, pages, ready, change, read, end };
  };

  test('one more is read, and no session of another shard begins anew', async () => {
    const { pages, ready, change, read, end } = endlessRun();
    await read(alfa);
    change(entityOf(alfa), entityOf(beta));
    await read(beta);
    // The first one beside alfa makes alfa's rows worth noting, the second one changes nothing for it.
    const third = inShardOf(beta);
    change(entityOf(alfa), entityOf(beta), entityOf(third));
    await read(third);
    expect(ready).toEqual([shardOf(beta)]);
    pages.length = 0;
    await read(alfa);
    await read(beta);
    end();
  });

  test('one that is removed is read no more, and is read on from where it was when it comes back', async () => {
    const { run, pages, change, read, end } = endlessRun();
    await read(alfa);
    change(entityOf(alfa), entityOf(beta));
    await read(beta);
    change(entityOf(alfa));
    await until(() => !run.holders.has(beta), { what: `${beta} to be left` });
    pages.length = 0;
    await read(alfa);
    expect(pages).not.toContain(beta);
    change(entityOf(alfa), entityOf(beta));
    await read(beta);
    end();
  });

  test('three hundred that are added at once are all read', async () => {
    const { pages, change, read, end } = endlessRun();
    await read(alfa);
    const many = Array.from({ length: 300 }, (_, index) => `many-${index}`);
    change(entityOf(alfa), ...many.map(entityOf));
    await until(() => new Set(pages).size === 301, { what: 'a page of each' });
    end();
  });

  test('a change in the middle of another one ends with the last set', async () => {
    const { run, change, read, end } = endlessRun();
    await read(alfa);
    const mate = inShardOf(alfa);
    change(entityOf(alfa), entityOf(mate));
    change(entityOf(mate));
    change(entityOf(alfa), entityOf(mate), entityOf(beta));
    await read(mate);
    await read(alfa);
    await read(beta);
    expect([...run.holders.keys()].sort()).toEqual([alfa, mate, beta].sort());
    end();
  });

  test('a shard that is taken away while its entities change is read no more', async () => {
    const { run, owned, change, read, end } = endlessRun();
    await read(alfa);
    change(entityOf(alfa), entityOf(inShardOf(alfa)));
    owned.next(new Set());
    await until(() => run.holders.size === 0, { what: 'all entities to be left' });
    end();
  });

  test('a replica that shares its requests has its part of the new number of entities', () => {
    const owned = new BehaviorSubject<ReadonlySet<number>>(new Set([shardOf(alfa)]));
    const shares: number[] = [];
    const run = memoryRun({
      entities: [alfa],
      owned,
      options: { endless: true },
      changes: { rhythm, budgetScope: 'group' },
    });
    const setShare = (part: number): void => void shares.push(part);
    const running = runShards({ ...run, api: { ...run.api, setShare } }).subscribe();
    run.shards.next(entitiesByShard([entityOf(alfa), entityOf(beta)], partitions));
    running.unsubscribe();
    expect(shares).toEqual([1, 0.5]);
  });
});

describe('the entities that are configured', () => {
  test('are those of the files, once they have changed, and stay as they were where the files are faulty', async () => {
    const configured = new BehaviorSubject<readonly EntityConfig[]>([entityOf(alfa)]);
    const events: ServiceEvent[] = [];
    let content = 'as loaded';
    const files = {
      loaded: 'as loaded',
      content: () => content,
      load: () => {
        if (content === 'broken') throw new ConfigError('cannot load it');
        return [entityOf(alfa), entityOf(beta)];
      },
    };
    const patience = { ...impatient, entitiesMs: 1 };
    const following = followEntityFiles({ entityFiles: files, patience }, configured, (event) => events.push(event));
    const followed = following.subscribe({ error: (error: unknown) => events.push(error as ServiceEvent) });
    content = 'broken';
    await until(() => events.length === 1, { what: 'the fault' });
    expect(configured.value.map(({ id }) => id)).toEqual([alfa]);
    content = 'mended';
    await until(() => events.length === 2, { what: 'the change' });
    expect(configured.value.map(({ id }) => id)).toEqual([alfa, beta]);
    expect(events).toMatchObject([
      { kind: 'surroundings', about: 'cannot load it\nThe entities stay as they were' },
      { kind: 'entities', added: [beta], changed: [], removed: [] },
    ]);
    followed.unsubscribe();
  });

  test('reach the shards of a run that takes part anew, also where they changed before it did', () => {
    const first = [entityOf(alfa)];
    const configured = new BehaviorSubject<readonly EntityConfig[]>(first);
    const shards = new BehaviorSubject<EntitiesByShard>(entitiesByShard(first, partitions));
    const forgotten: string[] = [];
    const twins = { check: () => undefined, identified: () => undefined, forget: (id: string) => forgotten.push(id) };
    const idsOf = (): string[] => [...shards.value.values()].flat().map(({ id }) => id);
    configured.next([entityOf(beta)]);
    const followed = followConfigured({ shards, topics: memoryTopics, twins }, first, configured).subscribe();
    expect(idsOf()).toEqual([beta]);
    expect(forgotten).toEqual([alfa]);
    configured.next([entityOf(alfa), { ...entityOf(beta), startDate: '2026-01-01' }]);
    expect(idsOf().sort()).toEqual([alfa, beta].sort());
    expect(forgotten).toEqual([alfa, beta]);
    followed.unsubscribe();
  });
});

test('one entity of all shards is alone, whichever shard it is in', () => {
  expect(isAlone(new Map([[2, [entityOf(alfa)]]]))).toBe(true);
  expect(isAlone(entitiesByShard([entityOf(alfa), entityOf(beta)], partitions))).toBe(false);
  expect(isAlone(new Map())).toBe(false);
});
