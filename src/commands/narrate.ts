import { driftText } from '../changes/drift';
import { TransientError, troubleOf } from '../errors';
import type { Counts } from '../model';
import type { Progress } from '../reading/progress';
import { shortcomingsText } from '../rules/completeness';
import type { ServiceEvent } from '../service/events';
import type { Logger } from '../telemetry';
import { adviceOn } from './advice';

/** Writes to the log what a person needs to know of a run and no more: one line a change of state. */
export interface Narrator {
  readonly tell: (event: ServiceEvent) => void;
  /** Called once a minute: sums up what was read and published since the last summary, every ten minutes where nothing was published. */
  readonly sumUp: () => void;
}

type EventOf<K extends ServiceEvent['kind']> = Extract<ServiceEvent, { kind: K }>;

const MINUTE_MS = 60_000;
const QUIET_MINUTES = 10;
/** A commit that began while Kafka was away is given up within this time, at which Kafka may have been back for long. */
const LATE_MS = 30_000;
/** So many hand-overs of one shard within ten minutes are no ordinary ones. */
const MANY_HAND_OVERS = 3;

/** Makes the narrator of a run; `now` is milliseconds since 1970. */
export function createNarrator(logger: Logger, now: () => number = Date.now): Narrator {
  const caughtUp = new Set<string>();
  /** What the last sweep of each stream lacked, where it was not complete. */
  const lacking = new Map<string, string>();
  const away = new Set<string>();
  const [warned, verdicts] = [new Set<string>(), new Map<string, string>()];
  const outage = createOutage(logger, now);
  const sums = createSums(logger, now);
  let isShared = false;

  function tellProgress(progress: Progress): void {
    const { entity, stream } = progress;
    const log = stream === null ? logger.child({ entity }) : logger.child({ entity, stream });
    const name = `${entity} ${stream ?? ''}`;
    switch (progress.kind) {
      case 'page':
        sums.page(progress.stream, progress.counts);
        if ([name, `${entity} `].filter((place) => away.delete(place)).length > 0) log.info('back');
        return;
      case 'dead-letter':
        log.warn({ id: progress.id, field: progress.path, reason: progress.reason }, 'dead letter');
        return;
      case 'swept': {
        const { cursor, completeness } = progress;
        const { complete, reasons, accepted } = completeness;
        if (complete) sums.swept(name, cursor.finishedAt);
        const facts = { sweep: cursor.number, ...cursor.counts };
        if (complete) {
          const listed = accepted.length === 0 ? {} : { accepted };
          if (caughtUp.has(name)) log.debug({ ...facts, ...listed }, 'sweep complete');
          else log.info({ ...facts, ...listed }, 'caught up');
          caughtUp.add(name);
          lacking.delete(name);
          return;
        }
        const about = shortcomingsText(completeness);
        const lacks = { ...facts, reasons, about };
        if (lacking.get(name) === about) log.debug(lacks, 'sweep finished, not complete');
        else log.warn(lacks, 'sweep finished, not complete');
        lacking.set(name, about);
        return;
      }
      case 'parked':
        away.add(name);
        tellAway(log, progress);
        return;
      case 'retrying':
        log.info('retrying');
        return;
      case 'given-up':
        tellAway(log, progress);
        return;
      case 'held':
        if (isNew(warned, name + progress.hold.id))
          log.error({ hold: progress.hold.id, about: progress.hold.reason }, 'deletions wait for a person');
        return;
      case 'pending':
        if (isNew(warned, `${name} ${progress.id} ${progress.got}`)) tellPending(log, progress);
        return;
      case 'drift':
        tellDrift(logger, warned, progress);
        return;
      case 'filters':
        tellFilters(log, verdicts, progress);
        return;
      case 'warning':
        if (isNew(warned, name + progress.message)) log.warn({ about: progress.message }, 'attention');
    }
  }

  function tellShards({ taken, givenUp, entities, owned, of }: EventOf<'shards'>): void {
    if (taken.length > 0) logger.info({ shards: taken, entities, owned, of }, 'shards taken');
    if (givenUp.length > 0) logger.info({ shards: givenUp, owned, of }, 'shards given up');
    if (owned < of && !isShared) logger.info({ owned, of }, 'another replica of this service has the other shards');
    isShared = owned < of;
  }

  return {
    tell(event) {
      switch (event.kind) {
        case 'request':
          sums.request();
          return;
        case 'pace':
          tellPace(logger, event);
          return;
        case 'lost':
          outage.lost(event);
          return;
        case 'shard-ready':
          outage.ready(event);
          sums.ready(event);
          return;
        case 'contact':
          outage.contact(event.failure);
          return;
        case 'shards':
          tellShards(event);
          return;
        case 'waiting':
          tellWaiting(logger, event);
          return;
        case 'entities':
          tellEntities(logger, event);
          return;
        case 'setting':
        case 'surroundings':
          tellAbout(logger, event);
          return;
        case 'commit':
        case 'hint':
        case 'status':
          if (event.kind === 'commit' && event.outcome === 'committed') outage.heard(event.shard);
          return;
        default:
          tellProgress(event);
      }
    },
    sumUp: () => sums.sumUp(),
  };
}

/** What is not read for now; a list that the account does not have is no trouble. */
function tellAway(log: Logger, progress: Extract<Progress, { readonly kind: 'parked' | 'given-up' }>): void {
  const { kind, reason, error } = progress;
  if (reason === 'not-available') log.info({ about: error.message }, 'not available');
  else if (kind === 'given-up') log.error({ reason, ...advice(error), err: error }, 'given up for this run');
  else log.warn({ reason, waitMs: progress.waitMs, ...advice(error), err: error }, 'parked');
}

function tellAbout(logger: Logger, { kind, about }: EventOf<'setting' | 'surroundings'>): void {
  logger.warn({ about }, kind === 'setting' ? 'configuration' : 'surroundings');
}

/** The API is one for all entities: each difference of a stream is told once. */
function tellDrift(logger: Logger, told: Set<string>, { entity, stream, found, isNews }: EventOf<'drift'>): void {
  const differences = found.map(driftText).filter((text) => isNew(told, `${stream} ${text} ${isNews}`));
  if (differences.length === 0) return;
  const log = logger.child({ entity, stream });
  if (isNews) log.warn({ differences }, 'the API differs');
  else log.info({ differences }, 'the API differs from what is documented');
}

function tellPending(log: Logger, { id, got, since }: EventOf<'pending'>): void {
  log.warn({ id, got, missingSinceSweep: since }, 'a missing row is neither there nor deleted');
}

/** A change of what a filter does; that one works is news at first too, and that one does not is as expected. */
function tellFilters(
  log: Logger,
  verdicts: Map<string, string>,
  { entity, stream, standings }: EventOf<'filters'>,
): void {
  for (const {
    candidate: { parameter },
    verdict,
    why,
  } of standings) {
    const name = `${entity} ${stream} ${parameter}`;
    const before = verdicts.get(name) ?? null;
    verdicts.set(name, verdict);
    // That one is retired is told as it happens, with why.
    if (before === verdict || verdict === 'retired') continue;
    const level = before === null && verdict !== 'works' ? 'debug' : 'info';
    log[level]({ filter: parameter, before, verdict, about: why }, `a filter of the API ${WORDS[verdict]}`);
  }
}

const WORDS = {
  works: 'works',
  ignored: 'is ignored',
  refused: 'is refused',
  wrong: 'gives something else than it says',
  unknown: 'cannot be told to work',
} as const;

function tellPace(logger: Logger, { pace }: EventOf<'pace'>): void {
  if (pace === 'full') logger.info({ pace }, 'requests at full pace again');
  else logger.warn({ pace }, 'requests held back by the API');
}

function tellEntities(logger: Logger, { added, changed, removed }: EventOf<'entities'>): void {
  if (added.length + changed.length + removed.length === 0) return;
  logger.info({ added, changed, removed }, 'entity files changed');
}

function tellWaiting(logger: Logger, { wait }: EventOf<'waiting'>): void {
  if (wait === null) return;
  logger.info({ for: wait.forWhom, until: new Date(wait.untilMs).toISOString() }, 'waiting');
}

/** Adds to what a person was told; returns whether it was not told before. */
function isNew(told: Set<string>, what: string): boolean {
  const before = told.size;
  return told.add(what).size > before;
}

/** What a person is to do about a refusal of the API, as a field of the log. */
function advice(error: Error): { readonly advice?: string } {
  const text = adviceOn(error);
  return text === null || text === '' ? {} : { advice: text };
}

/** A failure of Kafka or the registry in the log: each kind once a minute until all shards are back, then that they are. */
function createOutage(logger: Logger, now: () => number) {
  /** Null = all of Kafka; `group` = nothing is heard of the group. */
  const lost = new Set<number | 'group' | null>();
  const parkedShards = new Set<number | null>();
  const failures = new Map<string, { toldMs: number; times: number }>();
  const troubles = new Set<'kafka' | 'registry'>();
  const handOvers = new Map<number | null, readonly number[]>();
  const late = createLateLosses(now);

  const tell = (log: Logger, { error, waitMs }: { readonly error: Error; readonly waitMs?: number }): void => {
    const trouble = troubleOf(error) === 'registry' ? 'registry' : 'kafka';
    troubles.add(trouble);
    // Numbers differ from try to try: offsets, attempts, milliseconds.
    const kind = `${error.name} ${error.message.replace(/\d+/g, '#')}`;
    const failure = failures.get(kind) ?? { toldMs: -Infinity, times: 0 };
    failure.times += 1;
    failures.set(kind, failure);
    const facts = { err: error, waitMs, times: failure.times };
    if (now() - failure.toldMs < MINUTE_MS) {
      log.debug(facts, `${trouble} still lost, retrying`);
      return;
    }
    failure.toldMs = now();
    log.warn(facts, `${trouble} lost, retrying`);
  };
  const recover = (places: readonly (number | 'group' | null)[]): void => {
    const found = places.filter((place) => lost.delete(place)).length > 0;
    if (!found || lost.size > 0) return;
    failures.clear();
    late.outageEnded();
    for (const trouble of troubles) logger.info(`${trouble} is back`);
    troubles.clear();
  };
  return {
    lost({ shard, error, waitMs, loss, inARow }: EventOf<'lost'>): void {
      const log = shard === null ? logger : logger.child({ shard });
      if (loss === 'parked') {
        log.error({ err: error, waitMs }, 'shard parked');
        parkedShards.add(shard);
        return;
      }
      if (loss === 'refused') {
        // A page of refused rows makes hundreds in a row: the first, the second, the fourth ... are told.
        const level = (inARow & (inARow - 1)) === 0 ? 'warn' : 'debug';
        log[level]({ err: error, times: inARow }, 'batch refused, trying it in smaller pieces');
        return;
      }
      if (troubleOf(error) === 'hand-over') {
        const recent = [...(handOvers.get(shard) ?? []), now()].filter((at) => now() - at < QUIET_MINUTES * MINUTE_MS);
        handOvers.set(shard, recent);
        if (recent.length < MANY_HAND_OVERS) log.info({ about: error.message }, 'shard handed over');
        else log.warn({ err: error, times: recent.length }, 'shard handed over again and again');
        return;
      }
      if (lost.size === 0 && late.has(shard, error)) {
        log.debug({ err: error, waitMs }, 'kafka still lost, retrying');
        return;
      }
      if (lost.size === 0) late.outageBegan();
      if (shard === null) lost.clear();
      lost.add(shard);
      tell(log, { error, waitMs });
    },
    ready({ shard, restoreMs }: EventOf<'shard-ready'>): void {
      if (parkedShards.delete(shard)) logger.info({ shard }, 'shard is read again');
      late.ready(shard, restoreMs !== null);
      recover([shard, null]);
    },
    heard: late.heard,
    contact(failure: Error | null): void {
      if (failure === null) {
        recover(['group']);
        return;
      }
      if (lost.size === 0) late.outageBegan();
      lost.add('group');
      tell(logger, { error: failure });
    },
  };
}

/** Losses of an outage that has ended, told only then: a shard's commit may be given up long after another shard was back. */
function createLateLosses(now: () => number) {
  const open = new Set<number>();
  /** Shards that were open as the latest outage began, and that have neither committed anything nor been opened since. */
  const unheard = new Set<number>();
  let endedMs = -Infinity;
  const heard = (shard: number): void => void unheard.delete(shard);

  return {
    outageBegan(): void {
      unheard.clear();
      for (const shard of open) unheard.add(shard);
    },
    outageEnded(): void {
      endedMs = now();
    },
    ready(shard: number, isOpen: boolean): void {
      heard(shard);
      if (isOpen) open.add(shard);
      else open.delete(shard);
    },
    heard,
    /** Whether the loss of a shard, while Kafka is not lost, is one of them. */
    has: (shard: number | null, error: Error): boolean =>
      shard !== null &&
      unheard.has(shard) &&
      now() - endedMs < LATE_MS &&
      error instanceof TransientError &&
      troubleOf(error) === null,
  };
}

/** Age of a stream in the summary. */
interface SummedStream {
  readonly shard: number | null;
  /** Null = no complete sweep is known of. */
  readonly sweptMs: number | null;
  readonly orBefore: boolean;
}

/** What was read and published since the last summary. */
function createSums(logger: Logger, now: () => number) {
  let minutes = 0;
  let requests = 0;
  let rows = 0;
  let published = new Map<string, number>();
  /** Of each stream that is read here, when its last complete sweep ended. */
  const streams = new Map<string, SummedStream>();

  return {
    request: (): void => void (requests += 1),
    page(stream: string, counts: Counts): void {
      rows += counts.rows;
      const here = recordsIn(counts);
      if (here > 0) published.set(stream, (published.get(stream) ?? 0) + here);
    },
    ready({ shard, streams: opened }: EventOf<'shard-ready'>): void {
      for (const [name, known] of streams) if (known.shard === shard) streams.delete(name);
      for (const { entity, stream, sweptAt, orBefore } of opened)
        streams.set(`${entity} ${stream}`, { shard, sweptMs: sweptAt === null ? null : Date.parse(sweptAt), orBefore });
    },
    swept(name: string, finishedAt: string | null): void {
      const sweptMs = finishedAt === null ? now() : Date.parse(finishedAt);
      streams.set(name, { shard: streams.get(name)?.shard ?? null, sweptMs, orBefore: false });
    },
    sumUp(): void {
      minutes += 1;
      if (published.size === 0 && minutes < QUIET_MINUTES) return;
      const oldest = oldestOf(streams, now());
      logger.info({ minutes, requests, rows, published: Object.fromEntries(published), oldest }, 'read and published');
      [minutes, requests, rows] = [0, 0, 0];
      published = new Map();
    },
  };
}

/** The stream whose last complete sweep is the longest ago, one without any before all others; null = no stream is read here yet. */
function oldestOf(streams: ReadonlyMap<string, SummedStream>, nowMs: number): Record<string, unknown> | null {
  const [oldest] = [...streams].toSorted(([, a], [, b]) => (a.sweptMs ?? -Infinity) - (b.sweptMs ?? -Infinity));
  if (oldest === undefined) return null;
  const [stream, { sweptMs, orBefore }] = oldest;
  const seconds = sweptMs === null ? null : Math.max(0, Math.round((nowMs - sweptMs) / 1_000));
  return { stream, seconds, ...(orBefore ? { orMore: true } : {}) };
}

function recordsIn({ created, updated, republished, deleted }: Counts): number {
  return created + updated + republished + deleted;
}
