import { isDeepStrictEqual } from 'node:util';

import { concat, distinctUntilChanged, filter, map, of, pairwise, skip, timer, type Observable } from 'rxjs';

import type { EntityConfig } from '../../config/config';
import { ConfigError } from '../errors';
import type { EntityId } from '../model';

/** The files of the entities, which a person may change while the service runs. */
export interface EntityFiles {
  /** The digest of what they held when the service's configuration was loaded. */
  readonly loaded: string;
  /** A digest of what all of them hold now. */
  readonly content: () => string;
  /** The entities that they name now; throws a ConfigError that names every fault found. */
  readonly load: () => readonly EntityConfig[];
}

/** What a change of the files came to. */
export type EntitiesSeen =
  | { readonly kind: 'entities'; readonly entities: readonly EntityConfig[] }
  /** The files cannot be used as they are: the last good ones stay in force. */
  | { readonly kind: 'unusable'; readonly error: ConfigError };

/**
 * Looks at the files again and again; emits what they came to each time that their content changed and two looks in a row found it the same, as
 * whoever writes them may be in the middle of it.
 */
export function watchEntities({ loaded, content, load }: EntityFiles, everyMs: number): Observable<EntitiesSeen> {
  const settled = timer(everyMs, everyMs).pipe(
    map(content),
    pairwise(),
    filter(([before, now]) => before === now),
    map(([, now]) => now),
  );
  return concat(of(loaded), settled).pipe(
    distinctUntilChanged(),
    skip(1),
    map(() => judge(load)),
  );
}

function judge(load: EntityFiles['load']): EntitiesSeen {
  try {
    return { kind: 'entities', entities: load() };
  } catch (error) {
    if (error instanceof ConfigError) return { kind: 'unusable', error };
    throw error;
  }
}

/** Which entities are read that were not, are read in another way, and are not read any more. */
export function changeOfEntities(
  before: readonly EntityConfig[],
  now: readonly EntityConfig[],
): Readonly<Record<'added' | 'changed' | 'removed', readonly EntityId[]>> {
  const read = (entities: readonly EntityConfig[]): Map<EntityId, EntityConfig> =>
    new Map(entities.filter(({ enabled }) => enabled).map((entity) => [entity.id, entity]));
  const [then, since] = [read(before), read(now)];
  const ids = [...since.keys()];
  return {
    added: ids.filter((id) => !then.has(id)),
    changed: ids.filter((id) => then.has(id) && !isDeepStrictEqual(then.get(id), since.get(id))),
    removed: [...then.keys()].filter((id) => !since.has(id)),
  };
}
