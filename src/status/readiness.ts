import { troubleOf } from '../errors';
import type { ServiceEvent } from '../service/events';

/** Whether this replica takes part in the group and has restored what the group gave it. */
export interface Readiness {
  tell(event: ServiceEvent): void;
  /** Null = it is ready; else what it waits for, in a few words. */
  waitsFor(): string | null;
}

/** Follows a run from its events. */
export function createReadiness(): Readiness {
  let group: 'joining' | 'member' | 'silent' = 'joining';
  let used: ReadonlySet<number> = new Set();
  /** Shards that are open, or that have a fault of their own, which `/health` tells of. */
  const settled = new Set<number>();
  return {
    tell(event) {
      switch (event.kind) {
        case 'shards':
          group = 'member';
          used = new Set(event.used);
          for (const shard of settled) if (!used.has(shard)) settled.delete(shard);
          return;
        case 'shard-ready':
          if (event.restoreMs !== null) settled.add(event.shard);
          return;
        case 'contact':
          if (group !== 'joining') group = event.failure === null ? 'member' : 'silent';
          return;
        case 'lost':
          if (event.loss === 'refused' || (event.shard !== null && troubleOf(event.error) === 'hand-over')) return;
          if (event.shard === null) {
            group = 'joining';
            settled.clear();
          } else if (event.loss === 'parked') settled.add(event.shard);
          else settled.delete(event.shard);
          return;
        default:
      }
    },
    waitsFor() {
      if (group === 'joining') return 'the consumer group to be joined';
      if (group === 'silent') return 'the consumer group to be heard again';
      const missing = [...used].filter((shard) => !settled.has(shard));
      return missing.length === 0 ? null : `${missing.length} of ${used.size} shards to be restored`;
    },
  };
}
