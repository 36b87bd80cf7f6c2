import { isDeepStrictEqual } from 'node:util';

import {
  concat,
  concatMap,
  distinctUntilChanged,
  EMPTY,
  ignoreElements,
  map,
  NEVER,
  of,
  pairwise,
  startWith,
  takeUntil,
  tap,
  type BehaviorSubject,
  type Observable,
} from 'rxjs';

import type { EntityConfig } from '../../config/config';
import { whenAborted } from '../operators/when-aborted';
import type { Progress } from '../reading/progress';
import { entitiesByShard } from './cluster';
import { entitySetOf } from './entity-set';
import type { Emit } from './events';
import type { EntitiesByShard, RunContext, ServiceOptions } from './run-context';
import { changeOfEntities, watchEntities } from './watch-entities';

/**
 * Takes what the entities' files came to into force, each time that they change; never emits. What is configured outlives every loss of Kafka,
 * as the run that takes part anew begins with it.
 */
export function followEntityFiles(
  { entityFiles, patience }: Pick<ServiceOptions, 'entityFiles' | 'patience'>,
  configured: BehaviorSubject<readonly EntityConfig[]>,
  emit: Emit,
): Observable<never> {
  if (entityFiles === undefined) return NEVER;
  return watchEntities(entityFiles, patience.entitiesMs).pipe(
    tap((seen) => {
      if (seen.kind === 'unusable') {
        emit({ kind: 'surroundings', about: `${seen.error.message}\nThe entities stay as they were` });
        return;
      }
      emit({
        kind: 'entities',
        ...changeOfEntities(configured.value, seen.entities),
        configured: seen.entities,
        entitySet: entitySetOf(seen.entities),
      });
      configured.next(seen.entities);
    }),
    ignoreElements(),
  );
}

/** Hands the entities that are configured to their shards, each time that they are others than at first and than before; never emits. */
export function followConfigured(
  { shards, topics, twins }: Pick<RunContext, 'shards' | 'topics' | 'twins'>,
  first: readonly EntityConfig[],
  configured: Observable<readonly EntityConfig[]>,
): Observable<never> {
  return concat(of(first), configured).pipe(
    distinctUntilChanged(),
    pairwise(),
    tap(([before, now]) => {
      const { changed, removed } = changeOfEntities(before, now);
      for (const entity of [...changed, ...removed]) twins.forget(entity);
      shards.next(entitiesByShard(now, topics.state.partitions));
    }),
    ignoreElements(),
  );
}

/** Reads one shard's entities; each time that these change, what is under way is finished and committed before the others are read. */
export function eachEntitySet(
  run: RunContext,
  number: number,
  serve: (run: RunContext, number: number, entities: readonly EntityConfig[]) => Observable<Progress>,
): Observable<Progress> {
  const { options, shards, stopping } = run;
  /** The first entity beside another one makes its rows worth noting. */
  const setting = (all: EntitiesByShard) => ({ entities: all.get(number) ?? [], alone: isAlone(all) });
  const settings = shards.pipe(
    map(setting),
    distinctUntilChanged((one, other) => isDeepStrictEqual(one, other)),
    takeUntil(stopping),
  );
  return settings.pipe(
    map(({ entities }) => ({ entities, over: new AbortController() })),
    startWith(null),
    pairwise(),
    tap(([before]) => before?.over.abort()),
    concatMap(([, served]) => {
      if (served === null) return EMPTY;
      const stop = AbortSignal.any([options.stop, served.over.signal]);
      const ofThese = { ...run, options: { ...options, stop }, stopping: whenAborted(stop) };
      return serve(ofThese, number, served.entities);
    }),
  );
}

/** Whether one entity alone is read: it has no twin. */
export function isAlone(shards: EntitiesByShard): boolean {
  return [...shards.values()].flat().length === 1;
}
