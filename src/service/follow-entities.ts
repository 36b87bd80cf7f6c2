import { isDeepStrictEqual } from 'node:util';

import {
  concatMap,
  distinctUntilChanged,
  EMPTY,
  ignoreElements,
  map,
  NEVER,
  pairwise,
  scan,
  startWith,
  takeUntil,
  tap,
  type Observable,
} from 'rxjs';

import type { EntityConfig } from '../../config/config';
import { whenAborted } from '../operators/when-aborted';
import type { Progress } from '../reading/progress';
import { entitiesByShard } from './cluster';
import type { EntitiesByShard, RunContext, ServiceOptions } from './run-context';
import { changeOfEntities, watchEntities } from './watch-entities';

/** Takes what the entities' files came to into force, each time that they change; never emits. */
export function followEntityFiles(
  run: RunContext,
  { config, entityFiles, patience }: ServiceOptions,
): Observable<never> {
  if (entityFiles === undefined) return NEVER;
  return watchEntities(entityFiles, patience.entitiesMs).pipe(
    scan((before: readonly EntityConfig[], seen) => {
      if (seen.kind === 'unusable') {
        run.emit({ kind: 'surroundings', about: `${seen.error.message}\nThe entities stay as they were` });
        return before;
      }
      const change = changeOfEntities(before, seen.entities);
      for (const entity of [...change.changed, ...change.removed]) run.twins.forget(entity);
      run.emit({ kind: 'entities', ...change, configured: seen.entities });
      run.shards.next(entitiesByShard(seen.entities, run.topics.state.partitions));
      return seen.entities;
    }, config.entities),
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
