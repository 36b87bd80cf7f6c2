import type { StreamStatus } from './stream-status';

/** Replicas read by different entity files. */
export interface Disagreement {
  readonly sinceMs: number;
  /** The digest of each replica's entity files, by the replica's name. */
  readonly sets: ReadonlyMap<string, string>;
}

/** What a person is to do about it. */
export const DIFFERING_FILES =
  'Give every replica the same entity files: each reads the entities of its shards by its own, and which are newer cannot be known.';

/** A change of files reaches one replica after the other: so long that is none of a person's business. */
export const SPREAD_MS = 2 * 60_000;

/** Whether the replicas of a service read by the same entity files, as far as their statuses tell. */
export class EntitySets {
  readonly #owner: string;
  #differSinceMs: number | null = null;

  constructor(owner: string) {
    this.#owner = owner;
  }

  /** What differs, where it has for longer than a change takes to spread; to be called every few seconds. */
  look(own: string, seen: Iterable<StreamStatus>, nowMs: number): Disagreement | null {
    const newest = new Map([[this.#owner, { toldMs: Infinity, entitySet: own }]]);
    for (const { owner, state, entitySet, toldMs } of seen) {
      // What a replica says last, or of a stream that it does not have, is put right by nobody once that replica is gone.
      if (entitySet === null || state === 'stopped' || state === 'unknown') continue;
      if (toldMs > (newest.get(owner)?.toldMs ?? -Infinity)) newest.set(owner, { toldMs, entitySet });
    }
    const sets = new Map([...newest].map(([owner, { entitySet }]) => [owner, entitySet]));
    if (new Set(sets.values()).size < 2) {
      this.#differSinceMs = null;
      return null;
    }
    this.#differSinceMs ??= nowMs;
    return nowMs - this.#differSinceMs < SPREAD_MS ? null : { sinceMs: this.#differSinceMs, sets };
  }
}
