import type { Progress } from '../reading/progress';
import type { ServiceEvent } from '../service/events';
import type { Logger } from '../telemetry';

/** Writes to the log what a person needs to know of a run and no more: one line a change of state. */
export interface Narrator {
  readonly tell: (event: ServiceEvent) => void;
}

type EventOf<K extends ServiceEvent['kind']> = Extract<ServiceEvent, { kind: K }>;

/** Makes the narrator of a run. */
export function createNarrator(logger: Logger): Narrator {
  const caughtUp = new Set<string>();
  const away = new Set<string>();
  /** Null = all of Kafka. */
  const lost = new Set<number | null>();
  const failures = new Set<string>();
  const warned = new Set<string>();

  function tellProgress(progress: Progress): void {
    const { entity, stream } = progress;
    const log = stream === null ? logger.child({ entity }) : logger.child({ entity, stream });
    const name = `${entity} ${stream ?? ''}`;
    switch (progress.kind) {
      case 'page':
        if ([name, `${entity} `].filter((place) => away.delete(place)).length > 0) log.info('back');
        return;
      case 'sweep': {
        const { number, counts } = progress.cursor;
        const facts = { sweep: number, ...counts };
        if (caughtUp.has(name)) log.debug(facts, 'sweep complete');
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
      case 'held':
        if (!warned.has(name + progress.hold.id))
          log.error({ hold: progress.hold.id, about: progress.hold.reason }, 'deletions wait for a person');
        warned.add(name + progress.hold.id);
        return;
      case 'warning':
        if (!warned.has(name + progress.message)) log.warn({ about: progress.message }, 'attention');
        warned.add(name + progress.message);
    }
  }

  /** Each kind of failure is a line once until all shards are back. */
  function tellLost({ shard, error, waitMs }: EventOf<'lost'>): void {
    const log = shard === null ? logger : logger.child({ shard });
    if (shard === null) lost.clear();
    lost.add(shard);
    if (failures.has(error.name)) log.debug({ err: error, waitMs }, 'kafka still lost, retrying');
    else log.warn({ err: error, waitMs }, 'kafka lost, retrying');
    failures.add(error.name);
  }

  function tellReady(shard: number): void {
    const found = [shard, null].filter((place) => lost.delete(place)).length > 0;
    if (!found || lost.size > 0) return;
    failures.clear();
    logger.info('kafka is back');
  }

  return {
    tell(event) {
      switch (event.kind) {
        case 'request':
          return;
        case 'pace':
          if (event.pace === 'full') logger.info({ pace: event.pace }, 'requests at full pace again');
          else logger.warn({ pace: event.pace }, 'requests held back by the API');
          return;
        case 'lost':
          tellLost(event);
          return;
        case 'shard-ready':
          tellReady(event.shard);
          return;
        case 'surroundings':
          logger.warn({ about: event.about }, 'surroundings');
          return;
        default:
          tellProgress(event);
      }
    },
  };
}
