import type { Progress } from '../pipeline';
import type { Logger } from '../telemetry';

/** Tells the log what a person needs to know of a run and no more: one line a change of state. */
export interface Narrator {
  readonly tell: (progress: Progress) => void;
  /** Kafka, or one shard in it, was given up for a while; told once until it is back. */
  readonly lost: (lost: { readonly shard: number | null; readonly error: Error; readonly waitMs: number }) => void;
}

/** Makes one for a run. */
export function createNarrator(logger: Logger): Narrator {
  const caughtUp = new Set<string>();
  const away = new Set<string>();
  const lostShards = new Set<number | null>();
  const warned = new Set<string>();

  return {
    tell(progress) {
      const { entity, stream } = progress;
      const log = stream === null ? logger.child({ entity }) : logger.child({ entity, stream });
      const name = `${entity} ${stream ?? ''}`;
      switch (progress.kind) {
        case 'page':
          if (away.delete(name) || away.delete(`${entity} `)) log.info('back');
          if (lostShards.size > 0) logger.info('kafka is back');
          lostShards.clear();
          return;
        case 'lap': {
          const { number, counts } = progress.cursor;
          const facts = { lap: number, ...counts };
          if (caughtUp.has(name)) log.debug(facts, 'lap complete');
          else log.info(facts, 'caught up');
          caughtUp.add(name);
          return;
        }
        case 'parked':
          away.add(name);
          log.warn({ reason: progress.reason, waitMs: progress.waitMs, err: progress.error }, 'parked');
          return;
        case 'retrying':
          log.info('retrying');
          return;
        case 'given-up':
          log.error({ reason: progress.reason, err: progress.error }, 'given up for this run');
          return;
        case 'warning':
          if (!warned.has(name + progress.message)) log.warn({ about: progress.message }, 'attention');
          warned.add(name + progress.message);
      }
    },
    lost({ shard, error, waitMs }) {
      const log = shard === null ? logger : logger.child({ shard });
      if (lostShards.has(shard)) log.debug({ err: error, waitMs }, 'kafka still lost, retrying');
      else log.warn({ err: error, waitMs }, 'kafka lost, retrying');
      lostShards.add(shard);
    },
  };
}
