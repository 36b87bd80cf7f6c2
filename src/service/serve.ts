import { randomUUID } from 'node:crypto';

import {
  BehaviorSubject,
  catchError,
  combineLatest,
  concat,
  concatMap,
  defaultIfEmpty,
  defer,
  EMPTY,
  filter,
  finalize,
  from,
  ignoreElements,
  merge,
  mergeMap,
  of,
  pairwise,
  startWith,
  Subject,
  switchMap,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
  type MonoTypeOperatorFunction,
  type Observable,
} from 'rxjs';

import type { EntityConfig, ServiceConfig } from '../../config/config';
import { createRowOwners } from '../changes/row-owners';
import { ConfigError, TransientError } from '../errors';
import type { EntityId } from '../model';
import { failWith } from '../operators/fail-with';
import { reopenWhenLost, type Loss, type ReopenEvent } from '../operators/reopen-when-lost';
import { whenAborted } from '../operators/when-aborted';
import type { Progress } from '../reading/progress';
import { finishedSweeps, freshnessOf } from '../rules/completeness';
import { hasPublished } from '../rules/cursor';
import { readShard } from '../reading/read-shard';
import type { Rhythm } from '../reading/stream-reading';
import { createTwins, type UuidOf } from '../rules/identity';
import { PAGE_ROWS } from '../rules/paging';
import { guaranteesOf } from '../rules/rhythm';
import { DICTIONARIES } from '../sources/streams/dictionaries';
import { KSEF } from '../sources/streams/ksef';
import type { RequestPace } from '../sources/budget';
import type { Session } from '../shard/session';
import { createShard, type Shard } from '../shard/shard';
import { joinGroup } from '../sinks/group';
import { withDeadline } from '../sinks/faults';
import { ensureTopics } from '../sinks/topics';
import { createTurns } from '../turns';
import { createRequestOrder, openApi } from './api';
import { entitiesByShard, openCluster, refuseOtherMembers, topicSettings } from './cluster';
import { createCodecs, withNewShardsLike } from './codecs';
import type { Emit, LossKind, RestoredStream, ServiceEvent } from './events';
import { lookAtState } from './foreign-state';
import { exchangeStatus } from './exchange-status';
import { observed } from './observe-writer';
import { eachEntitySet, followConfigured, followEntityFiles, isAlone } from './follow-entities';
import { kafkaPartition, readerOf, shardOptions } from './open-shard';
import { CREDITS, MAX_REFUSALS } from './patience';
import type { Cluster, EntitiesByShard, RunContext, ServiceOptions } from './run-context';
import { watchTopics } from './watch-topics';

/**
 * Reads every stream of every enabled entity and publishes what changed.
 *
 * `once`: one sweep each, taking part alone; completes when all are done or given up and the group is left, errors with a TransientError when
 * Kafka cannot be used or another instance is at work, with a ConfigError when a person must act. `run`: sweep after sweep of the shards that
 * the group gives to this replica, until stopped; what passes is waited for, a shard with a fault of its own is parked, and only a
 * ConfigError that concerns the whole service and that no waiting cures ends it.
 */
export function runService(options: ServiceOptions): Observable<ServiceEvent> {
  const { endless, patience } = options;
  const stopping = whenAborted(options.stop);
  return defer(() => {
    const events = new Subject<ServiceEvent>();
    const emit: Emit = (event) => events.next(event);
    // Until the group is joined there is nothing to finish.
    const opened = defer(() => from(openCluster(options, emit))).pipe(takeUntil(stopping));
    const configured = new BehaviorSubject(options.config.entities);
    const serving = opened.pipe(mergeMap((cluster) => takePart({ options, emit, stopping, configured }, cluster)));
    const reading = (!endless ? serving : serving.pipe(reopened({ options, emit, stopping }, null))).pipe(
      failWith(followEntityFiles(options, configured, emit)),
      takeUntil(stopping.pipe(switchMap(() => timer(patience.stopMs)))),
      finalize(() => events.complete()),
    );
    return merge(events, reading);
  });
}

/** What a run has before the group is joined. */
interface Start extends Pick<RunContext, 'emit' | 'stopping'> {
  readonly options: ServiceOptions;
  /** The entities that have a file: those of now, and each change of them. */
  readonly configured: BehaviorSubject<readonly EntityConfig[]>;
}

/** Takes part in the group and reads the shards that it gives. */
function takePart({ options, emit, stopping, configured }: Start, cluster: Cluster): Observable<Progress> {
  const { config, patience, secrets, version } = options;
  const entities = configured.value;
  const { kafka, topics, framing } = cluster;
  const { service } = config;
  const requestOrder = createRequestOrder();
  const onPace = (pace: RequestPace): void => emit({ kind: 'pace', pace });
  const api = openApi(config, { version, patience, secrets, requestOrder, onPace });
  const membership = joinGroup(kafka, {
    groupId: service.service.id,
    stateTopic: topics.state.name,
    sessionTimeoutMs: service.kafka.sessionTimeoutMs,
    readDeadlineMs: patience.restoreMs,
    onContact: (failure) => emit({ kind: 'contact', failure }),
  });
  const codecs = createCodecs(service, topics, framing, version);
  const holders = new Map<EntityId, UuidOf>();
  const owners = createRowOwners();
  const run: RunContext = {
    options,
    emit,
    serviceId: service.service.id,
    topics,
    codecs,
    membership,
    partition: (number) => kafkaPartition({ config, patience, cluster, codecs, membership }, number),
    api,
    budgetScope: service.budget.scope,
    requestOrder,
    turn: createTurns(),
    stopping,
    shards: new BehaviorSubject<EntitiesByShard>(entitiesByShard(entities, topics.state.partitions)),
    rhythm: options.endless ? rhythmOf(service.schedule) : null,
    ksefFrom: service.projections.includes(KSEF) ? service.ksef.from : null,
    dictionaries: service.projections.includes(DICTIONARIES),
    holders,
    twins: createTwins(holders, owners),
    noteRow: owners.note,
    driftFinders: new Map(),
  };
  const watched = watchTopics({
    look: () => ensureTopics(kafka, topicSettings(config, 'must-exist')),
    first: topics,
    everyMs: patience.topicsMs,
  });
  // Before any shard is opened: opening fences whoever has a transactional id of this topic, another service too.
  const looked = membership.owned.pipe(
    filter((owned) => !options.endless || owned.size > 0),
    take(1),
    mergeMap((owned) => lookAtState({ cluster, config, membership, owned, deadlineMs: patience.restoreMs })),
    failWith(membership.owned),
    takeUntil(stopping),
    defaultIfEmpty(null),
  );
  const reading = looked.pipe(
    concatMap((used) =>
      runShards(used === null ? run : { ...run, codecs: withNewShardsLike(codecs, used) }).pipe(
        failWith(watched),
        failWith(followConfigured(run, entities, configured)),
      ),
    ),
  );
  const exchange = options.endless ? exchangeStatus({ options, emit, cluster, codec: codecs.status }) : null;
  // What this replica says last of its streams is written while they are still its own.
  const leave = defer(() => from(exchange?.end() ?? Promise.resolve())).pipe(
    mergeMap(() => Promise.all([membership.leave(), exchange?.close()])),
    ignoreElements(),
  );
  return concat(reading, leave).pipe(
    finalize(() => {
      api.close();
      void exchange?.close();
      void membership.leave();
    }),
  );
}

function rhythmOf(schedule: ServiceConfig['schedule']): Rhythm {
  return {
    guarantees: (stream) => guaranteesOf(schedule, stream),
    recentDays: schedule.recentDays,
    provesFilters: true,
  };
}

/** Reads the shards that the group gives to this replica: all of them once, or each for as long as it is given. */
export function runShards(run: RunContext): Observable<Progress> {
  return run.options.endless ? shardsAsGiven(run) : allShards(run);
}

/** Every shard, or an error: in a run of one sweep nobody else may take part. */
function allShards(run: RunContext): Observable<Progress> {
  const { membership, serviceId, topics } = run;
  const shards = run.shards.value;
  const owned = membership.owned.pipe(tap((numbers) => refuseOtherMembers(numbers, topics, serviceId)));
  return owned.pipe(
    take(1),
    mergeMap(() => merge(...[...shards].map(([number, entities]) => serveShard(run, number, entities)))),
    failWith(owned),
  );
}

/** Each shard from when the group gives it to this replica until the group takes it away. */
function shardsAsGiven(run: RunContext): Observable<Progress> {
  const { api, emit, membership, shards, stopping } = run;
  const { owned } = membership;
  const none: ReadonlySet<number> = new Set();
  const shares = combineLatest([owned, shards]).pipe(
    tap(([numbers]) => api.setShare(shareOf(numbers, run))),
    ignoreElements(),
    takeUntil(stopping),
  );
  const changes = owned.pipe(
    startWith(none),
    pairwise(),
    tap(([before, now]) => emitShards(run, before, now)),
    takeUntil(stopping),
  );
  const reading = changes.pipe(
    mergeMap(([before, now]) => from([...now].filter((number) => !before.has(number)))),
    mergeMap((number) => {
      const lost = owned.pipe(
        filter((numbers) => !numbers.has(number)),
        tap(() => emit({ kind: 'shard-ready', shard: number, streams: [], restoreMs: null })),
      );
      return eachEntitySet(run, number, serveShard).pipe(takeUntil(lost));
    }),
  );
  return merge(shares, reading);
}

/** Says what the group gave and took, where that is anything. */
function emitShards({ emit, shards, topics }: RunContext, before: ReadonlySet<number>, now: ReadonlySet<number>): void {
  const taken = [...now].filter((number) => !before.has(number));
  const givenUp = [...before].filter((number) => !now.has(number));
  const entities = taken.flatMap((number) => shards.value.get(number) ?? []).map(({ id }) => id);
  const used = [...now].filter((number) => shards.value.has(number));
  const counts = { owned: now.size, of: topics.state.partitions };
  emit({ kind: 'shards', taken, givenUp, entities, used, shards: [...now], ...counts });
}

/** How much of the one IP's requests this replica may make: its entities' part of all, unless each replica has an IP. */
function shareOf(owned: ReadonlySet<number>, { budgetScope, shards }: RunContext): number {
  if (budgetScope === 'replica') return 1;
  const count = (numbers: readonly number[]): number =>
    numbers.reduce((sum, number) => sum + (shards.value.get(number)?.length ?? 0), 0);
  return count([...owned]) / count([...shards.value.keys()]);
}

/** Reads one shard, and opens it again after each commit that did not go through. A shard without an entity has no writer. */
function serveShard(run: RunContext, number: number, entities: readonly EntityConfig[]): Observable<Progress> {
  if (entities.length === 0) return EMPTY;
  const { options, emit, membership, holders } = run;
  const { patience } = options;
  let shard: Shard;
  // From nothing: whatever memory was left by a fault of the shard's own is not built upon.
  const createAnew = (): void => {
    const setting = isAlone(run.shards.value) ? { ...run, noteRow: undefined } : run;
    shard = createShard(observed(shardOptions(setting, number, entities), run));
  };
  createAnew();
  for (const { id } of entities) holders.set(id, (stream, row) => shard.uuid(id, stream, row));
  const disown = options.hints?.own(entities.map(({ id }) => id));
  // A newer owner would be fenced by us in turn: first the group must say, later than the failure, that the shard is ours.
  const confirmed = (): Promise<void> =>
    withDeadline(membership.confirmed(number), patience.confirmMs, `waiting for the group to confirm shard ${number}`);
  const reading = defer(() =>
    readShard({
      open: async (wanted) => {
        const began = options.now();
        const session = await shard.open(wanted);
        const restoreMs = Math.max(0, options.now() - began);
        emit({ kind: 'shard-ready', shard: number, streams: restoredIn(session, entities), restoreMs });
        return session;
      },
      readers: entities.map((entity) => readerOf(run, entity)),
      rhythm: run.rhythm,
      ksef: run.ksefFrom === null ? null : { from: run.ksefFrom, readAfterMs: patience.ksefReadAfterMs },
      dictionaries: run.dictionaries ? patience.dictionaries : null,
      parkMs: patience.parkMs,
      limit: PAGE_ROWS,
      credits: CREDITS,
      requestOrder: run.requestOrder,
      twins: run.twins,
      newId: () => randomUUID().slice(0, 8),
      now: options.now,
      turn: run.turn,
      hints: options.hints,
      stop: options.stop,
      stopping: run.stopping,
    }),
  );
  const reopenedReading = reading.pipe(
    tap({ error: (error: unknown) => (isOfShard(error) ? createAnew() : undefined) }),
    reopened(run, number, confirmed),
  );
  const released = defer(() => from(shard.release())).pipe(ignoreElements());
  // Not of a shard that the group took away: its new owner ends what was left open.
  return concat(
    reopenedReading.pipe(
      catchError((error: unknown) =>
        concat(
          released,
          throwError(() => error),
        ),
      ),
    ),
    released,
  ).pipe(
    finalize(() => {
      for (const { id } of entities) holders.delete(id);
      disown?.();
    }),
  );
}

/** What a session remembers of each of its streams. */
function restoredIn(session: Pick<Session, 'stream'>, entities: readonly EntityConfig[]): RestoredStream[] {
  return entities.flatMap(({ id: entity, streams }) =>
    streams.map((stream) => {
      const known = session.stream(entity, stream);
      const [sweep, completeness] = [known.cursor('sweep'), known.completeness()];
      const isFirst = finishedSweeps(sweep) === 0;
      const size = { live: known.live(), ledgerBytes: known.ledgerBytes() };
      const reasons = isFirst ? [] : completeness.reasons;
      return { entity, stream, ...freshnessOf(sweep, completeness), reasons, isFirst, ...size };
    }),
  );
}

/** Whether it concerns one shard alone: what stands in its partition, or a bug that it ran into. */
function isOfShard(error: unknown): boolean {
  if (error instanceof TransientError) return false;
  return !(error instanceof ConfigError) || (error.concerns === 'shard' && !error.mayPass);
}

/** Waits for what passes, and says so; in a run of one sweep only so often. */
function reopened(
  { options, emit, stopping }: Pick<RunContext, 'options' | 'emit' | 'stopping'>,
  shard: number | null,
  ready?: () => Promise<void>,
): MonoTypeOperatorFunction<Progress> {
  const { endless, patience, stop } = options;
  const lossOf = (error: unknown): LossKind | null => {
    if (error instanceof TransientError) return error.retryAfterMs === 0 ? 'refused' : 'lost';
    if (!endless) return null;
    if (error instanceof ConfigError && error.mayPass) return 'lost';
    return shard !== null && isOfShard(error) ? 'parked' : null;
  };
  const waitMs = ({ kind, inARow }: Loss<LossKind>): number | null => {
    if (kind === 'parked') return patience.parkMs(inARow);
    const enough = inARow > (kind === 'refused' ? MAX_REFUSALS : patience.reopenTries);
    if (!endless && (enough || stop.aborted)) return null;
    return patience.reopenMs(kind === 'refused' ? 1 : inARow);
  };
  const report = (event: ReopenEvent<Progress, LossKind>): Observable<Progress> => {
    if (event.kind === 'value') return of(event.value);
    const { kind, error, inARow } = event.loss;
    if (error instanceof Error) emit({ kind: 'lost', shard, error, waitMs: event.waitMs, loss: kind, inARow });
    return EMPTY;
  };
  return (source) =>
    source.pipe(
      reopenWhenLost({
        lossOf,
        waitMs,
        isProgress: provesCommit,
        until: stopping,
        ...(ready === undefined ? {} : { ready }),
      }),
      concatMap(report),
    );
}

/** Whether it happens only after a commit; a page that changed nothing is reported before anything is committed. */
function provesCommit(progress: Progress): boolean {
  if (progress.kind === 'sweep') return true;
  return progress.kind === 'page' && hasPublished(progress.counts);
}
