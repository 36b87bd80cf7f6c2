import { randomUUID } from 'node:crypto';

import type { Kafka } from 'kafkajs';
import {
  concat,
  defer,
  EMPTY,
  filter,
  finalize,
  firstValueFrom,
  from,
  ignoreElements,
  merge,
  mergeMap,
  pairwise,
  retry,
  startWith,
  switchMap,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
  type MonoTypeOperatorFunction,
  type Observable,
} from 'rxjs';

import type { Config, EntityConfig, RegistryConfig } from '../../config/load';
import { createBudget, monotonicClock, type BudgetState, type Slots } from '../sources/budget';
import { ConfigError, TransientError } from '../errors';
import { createFingerprint, HASH_VERSION, NORMALISATION_VERSION } from '../changes/fingerprint';
import { createHttp } from '../http';
import { createTwins, type Twins } from '../rules/identity';
import { NO_DATE } from '../changes/ledger';
import type { EntityId, LedgerBlock, Projection, Row, StreamDeclaration } from '../model';
import { failWith } from '../operators/fail-with';
import { runShard, type Rhythm } from '../reading/read-shard';
import type { Progress, Reader } from '../reading/stream-reading';
import type { LapsCodec, LinesCodec, StreamCodec } from '../changes/records';
import type { RepairOptions } from '../upkeep/repair';
import { targetsOf } from '../rules/rhythm';
import type { Secrets } from '../secrets';
import { createShard, type Shard } from '../shard/shard';
import type { ShardOptions } from '../shard/shard-options';
import { createEncoder, loadSchema, type Encoder } from '../sinks/avro';
import { confluent, singleObject, type Framing } from '../sinks/framing';
import { createKafka, openWriter, withDeadline, type KafkaLog, type KafkaSettings } from '../sinks/writer';
import { dropGroup, look, throwAwayGroup } from '../sinks/look';
import { partitionOf } from '../sinks/partition';
import { createRegistry, type RegistrySettings, type Subject } from '../sinks/registry';
import { groupIsEmpty, joinGroup, type Membership } from '../sinks/group';
import { verifyLayout } from '../state/layout';
import { parseStateKey, parseStateValue, type Definition, type Layout } from '../state/state-topic';
import { ensureTopics, missingTopics, type Topic, type TopicSettings, type Topics } from '../sinks/topics';
import { daysOf, isObject } from '../changes/kinds';
import { createDecoder } from '../changes/decode';
import { createApiKey, createRest, requestRetry, type Attempt, type Rest } from '../sources/rest';
import { clients } from '../sources/streams/clients';
import { correctiveInvoices } from '../sources/streams/corrective-invoices';
import { invoices } from '../sources/streams/invoices';

/** Every stream that this program can read. */
export const allStreams: readonly StreamDeclaration[] = [clients, invoices, correctiveInvoices];

const projections = allStreams.flatMap(({ projection }) => (projection === null ? [] : [projection]));

/** How long things may take; one object, so that tests can be impatient. */
export interface Patience {
  /** How long the nth parking in a row lasts. */
  readonly parkMs: (failures: number) => number;
  /** The wait before a lost session is opened for the nth time again. */
  readonly reopenMs: (failures: number) => number;
  /** How often in a row a lost session is opened again in a run of one lap. */
  readonly reopenTries: number;
  /** How long the group may take to confirm a shard. */
  readonly confirmMs: number;
  /** How long a stopping service may take. */
  readonly stopMs: number;
  /** One transaction, from its first send to its commit. */
  readonly commitMs: number;
  /** Reading a shard's state. */
  readonly restoreMs: number;
  readonly idleCommitMs: number;
  readonly retry: Parameters<typeof createRest>[0]['retry'];
}

/** The waits of a real run. */
export function usualPatience(random: () => number): Patience {
  return {
    parkMs: (failures) => Math.min(15, 2 ** (failures - 1)) * 60_000,
    reopenMs: (failures) => Math.min(10_000, 250 * 2 ** failures),
    reopenTries: 8,
    confirmMs: 60_000,
    stopMs: 10_000,
    commitMs: 60_000,
    restoreMs: 120_000,
    idleCommitMs: 10_000,
    retry: requestRetry(random),
  };
}

/** What a run needs from outside. */
export interface ServiceOptions {
  readonly config: Config;
  readonly patience: Patience;
  readonly kafkaLog: KafkaLog;
  readonly secrets: Secrets;
  readonly onAttempt: (attempt: Attempt) => void;
  /** Told each time that Kafka, or one shard in it, is given up for a while. */
  readonly onLost: (lost: { readonly shard: number | null; readonly error: Error; readonly waitMs: number }) => void;
  /** Told of what is not as it should be and goes all the same. */
  readonly onWarning: (warning: string) => void;
  /** Told each time that the API makes all requests slow down, stop or go on. */
  readonly onPace: (pace: Pace) => void;
  /** Told each time that a shard is open and restored, or that another replica has it: nothing is waited for there any more. */
  readonly onBack: (shard: number) => void;
  /** Whether it goes on until stopped; if not, it ends after one lap. */
  readonly endless: boolean;
  readonly now: () => number;
  readonly socketFactory?: KafkaSettings['socketFactory'];
  /** Once true, no scan asks for a further page. */
  readonly stopped: () => boolean;
  /** Emits when `stopped` becomes true. */
  readonly stop: Observable<unknown>;
  readonly version: string;
}

const PAGE_ROWS = 100;
/** Pages of one scan on their way: enough to fill the next transaction while one is being committed. */
const CREDITS = 20;
/** In a row, without one page committed: two for each row of a page of refused rows. */
const MAX_REFUSALS = 250;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * Reads every stream of every enabled entity and publishes what changed.
 *
 * `once`: one lap each, taking part alone; completes when all are done or given up and the group is left, errors with a TransientError when
 * Kafka cannot be used or another instance is at work, with a ConfigError when a person must act. `run`: lap after lap of the shards that the
 * group gives to this replica, until stopped; what passes is waited for, and only a ConfigError that no waiting cures ends it.
 */
export function read(options: ServiceOptions): Observable<Progress> {
  const { endless, patience, stop } = options;
  // Until the group is joined there is nothing to finish.
  const prepared = defer(() => from(prepare(options))).pipe(takeUntil(stop));
  const serving = prepared.pipe(mergeMap((surroundings) => takePart(options, surroundings)));
  return (!endless ? serving : serving.pipe(keepTrying(options, null))).pipe(
    takeUntil(stop.pipe(switchMap(() => timer(patience.stopMs)))),
  );
}

/** Takes part in the group and reads the shards that it gives. */
function takePart(options: ServiceOptions, { kafka, topics, framing }: Prepared): Observable<Progress> {
  const { config, patience } = options;
  const marks = createMarks();
  const api = openApi(config, {
    version: options.version,
    patience,
    secrets: options.secrets,
    marks,
    onPace: options.onPace,
  });
  const membership = joinGroup(kafka, {
    groupId: config.service.service.id,
    stateTopic: topics.state.name,
    sessionTimeoutMs: config.service.kafka.sessionTimeoutMs,
    readDeadlineMs: patience.restoreMs,
  });
  const holders = new Map<EntityId, Shard>();
  const twins = createTwins(() =>
    [...holders].map(([entity, shard]) => [entity, (stream, id) => shard.uuid(entity, stream, id)] as const),
  );
  const around = { ...options, kafka, topics, framing, membership, api, marks, holders, twins };
  const entities = byShard(config, topics.state.partitions);
  const shards = !options.endless ? allShards(around, entities) : shardsAsGiven(around, entities);
  const leave = defer(() => from(membership.leave())).pipe(ignoreElements());
  return concat(shards, leave).pipe(
    finalize(() => {
      api.close();
      void membership.leave();
    }),
  );
}

/** Every shard, or an error: in a run of one lap nobody else may take part. */
function allShards(around: Surroundings, entities: ReadonlyMap<number, EntityConfig[]>): Observable<Progress> {
  const owned = around.membership.owned.pipe(tap((mine) => refuseCompany(mine, around)));
  return owned.pipe(
    take(1),
    mergeMap(() => merge(...[...entities].map(([shard, its]) => readShard(around, shard, its)))),
    failWith(owned),
  );
}

/** Each shard from when the group gives it to this replica until the group takes it away. */
function shardsAsGiven(around: Surroundings, entities: ReadonlyMap<number, EntityConfig[]>): Observable<Progress> {
  const { owned } = around.membership;
  const none: ReadonlySet<number> = new Set();
  const changes = owned.pipe(
    tap((mine) => around.api.setShare(shareOf(mine, around, entities))),
    startWith(none),
    pairwise(),
    takeUntil(around.stop),
  );
  return changes.pipe(
    mergeMap(([before, now]) => from([...now].filter((shard) => !before.has(shard)))),
    mergeMap((shard) => {
      const lost = owned.pipe(
        filter((mine) => !mine.has(shard)),
        tap(() => around.onBack(shard)),
      );
      return readShard(around, shard, entities.get(shard) ?? []).pipe(takeUntil(lost));
    }),
  );
}

/** How much of the one IP's requests this replica may make. */
function shareOf(
  mine: ReadonlySet<number>,
  { config }: Surroundings,
  entities: ReadonlyMap<number, readonly EntityConfig[]>,
): number {
  if (config.service.budget.scope === 'replica') return 1;
  const all = [...entities].reduce((sum, [, its]) => sum + its.length, 0);
  const own = [...entities].reduce((sum, [shard, its]) => sum + (mine.has(shard) ? its.length : 0), 0);
  return own / all;
}

/** Waits for what passes, and says so; in a run of one lap only so often. */
function keepTrying(
  options: ServiceOptions,
  shard: number | null,
  ready: () => Promise<void> = () => Promise.resolve(),
): MonoTypeOperatorFunction<Progress> {
  const { endless, patience, stop } = options;
  return (source) =>
    defer(() => {
      let failures = 0;
      let refusals = 0;
      return source.pipe(
        tap((progress) => {
          if (!provesCommit(progress)) return;
          failures = 0;
          refusals = 0;
        }),
        retry({
          delay: (error: unknown) => {
            const passes =
              error instanceof TransientError || (error instanceof ConfigError && error.mayPass && endless);
            if (!passes) return throwError(() => error);
            if (options.stopped()) return endless ? EMPTY : throwError(() => error);
            // A refusal is no sign of trouble: the shard goes on in smaller pieces, until the row that is refused alone is known.
            const refused = error instanceof TransientError && error.retryAfterMs === 0;
            if (refused) refusals += 1;
            else failures += 1;
            const enough = failures > patience.reopenTries || refusals > MAX_REFUSALS;
            if (!endless && enough) return throwError(() => error);
            const waitMs = patience.reopenMs(refused ? 1 : failures);
            if (!refused || refusals === 1) options.onLost({ shard, error, waitMs });
            return from(ready()).pipe(
              mergeMap(() => timer(waitMs)),
              takeUntil(stop),
            );
          },
        }),
      );
    });
}

/** A page that changed nothing is told of before anything is committed. */
function provesCommit(progress: Progress): boolean {
  if (progress.kind === 'lap') return true;
  if (progress.kind !== 'page') return false;
  const { created, updated, deleted, deadLetters } = progress.counts;
  return created + updated + deleted + deadLetters > 0;
}

interface Prepared {
  readonly kafka: Kafka;
  readonly topics: Topics;
  readonly framing: Framing;
}

interface Surroundings extends ServiceOptions {
  readonly kafka: Kafka;
  readonly topics: Topics;
  readonly framing: Framing;
  readonly membership: Membership;
  readonly api: Api;
  readonly marks: Marks;
  /** By entity, those that are read here. */
  readonly holders: Map<EntityId, Shard>;
  readonly twins: Twins;
}

async function prepare(options: ServiceOptions): Promise<Prepared> {
  const { config, endless, kafkaLog, onWarning, patience, socketFactory } = options;
  const kafka = createKafka({ ...kafkaSettings(config, options.secrets), socketFactory }, kafkaLog);
  const topics = await ensureTopics(kafka, topicSettings(config, config.service.topics.create));
  for (const warning of topics.warnings) onWarning(warning);
  const framing = await resolveFraming(options, topics);
  await askForOwner(kafka, config, topics, framing, patience.restoreMs);
  if (!endless) await beAlone(kafka, config);
  return { kafka, topics, framing };
}

/**
 * Refuses another service's state topic before anything is written to it. Where a shard was never used, and so cannot tell how many
 * partitions the topics had, one that was used is asked.
 */
async function askForOwner(
  kafka: Kafka,
  config: Config,
  topics: Topics,
  framing: Framing,
  deadlineMs: number,
): Promise<void> {
  const ends = topics.highWatermarks.get(topics.state.name) ?? [];
  const used = (shard: number): boolean => (ends[shard] ?? 0) > 0;
  if (!ends.some((end) => end > 0)) return;
  const allUsed = [...byShard(config, topics.state.partitions).keys()].every(used);
  const serviceId = config.service.service.id;
  const topic = topics.state.name;
  const expected = layoutOf(topics, framing);
  const never = new Promise<never>(() => undefined);
  await look(kafka, { serviceId, topic, follow: false, stopped: never, deadlineMs }, (record) => {
    const { key, value, partition, offset } = record;
    const parsed = parseStateKey(
      serviceId,
      key?.toString() ?? '',
      `${topic}, partition ${partition}, offset ${offset}`,
    );
    if (allUsed) return true;
    if (value === null || !('layout' in parsed)) return false;
    verifyLayout(parseStateValue('layout', value), topics, expected);
    return true;
  });
}

async function beAlone(kafka: Kafka, { service }: Config): Promise<void> {
  const groupId = service.service.id;
  // As long as a predecessor that was killed may still be listed.
  const waitMs = service.kafka.sessionTimeoutMs + 5_000;
  if (!(await groupIsEmpty(kafka, groupId, waitMs))) throw notAlone(groupId, `still has members after ${waitMs} ms`);
}

function registryAsOfNow({ files, ...settings }: RegistryConfig, secrets: Secrets): RegistrySettings {
  const { auth, ca } = settings;
  const latest =
    auth === null || 'token' in auth
      ? auth && { token: secrets.latest('token', files.auth, auth.token) }
      : { ...auth, password: secrets.latest('password', files.auth, auth.password) };
  return { ...settings, auth: latest, ca: ca === null ? null : secrets.latest('certificates', files.ca, ca) };
}

/** Before the first record every schema is known to the registry, where there is one. */
async function resolveFraming(
  { config, secrets, version, onWarning }: Pick<ServiceOptions, 'config' | 'secrets' | 'version' | 'onWarning'>,
  topics: Topics,
): Promise<Framing> {
  const given = config.service.registry;
  if (given === null) return singleObject;
  const settings = registryAsOfNow(given, secrets);
  const registry = createRegistry({ settings, userAgent: userAgentOf(version), onNote: onWarning });
  try {
    return confluent(await registry.resolve(subjectsOf(topics)));
  } finally {
    registry.close();
  }
}

/** Whose schemas a registry must know: the keys and values of every topic in Avro. */
export function subjectsOf(topics: Parameters<typeof avroTopics>[0]): readonly Subject[] {
  return avroTopics(topics).flatMap(({ topic, schema }) => [
    { name: `${topic.name}-key`, schemaText: loadSchema(`${schema}-key`) },
    { name: `${topic.name}-value`, schemaText: loadSchema(schema) },
  ]);
}

/** Every topic whose keys and values are Avro. */
function avroTopics<T extends { readonly name: string }>({
  data,
  sweeps,
}: {
  readonly data: ReadonlyMap<string, T>;
  readonly sweeps: T;
}): readonly { readonly topic: T; readonly schema: string }[] {
  return [...[...data].map(([name, topic]) => ({ topic, schema: schemaOf(name) })), { topic: sweeps, schema: 'sweep' }];
}

/** How this program names itself to others. */
export function userAgentOf(version: string): string {
  return `infakt-kafka/${version}`;
}

/** The topics of the configured service. */
export function topicSettings({ service }: Config, create: TopicSettings['create']): TopicSettings {
  return {
    brokers: service.kafka.brokers,
    access: accessOf(service.kafka),
    prefix: service.topics.prefix,
    data: [...allStreams.map(({ name }) => name), ...service.projections],
    formerData: projections.map(({ name }) => name).filter((name) => !service.projections.includes(name)),
    dataPartitions: service.topics.partitions,
    statePartitions: service.state.partitions,
    replicationFactor: service.topics.replicationFactor,
    create,
  };
}

/** In which way the brokers are spoken to: " over TLS, signing in as x by plain". */
function accessOf({ ssl, sasl }: Config['service']['kafka']): string {
  const certificate = ssl.cert === null ? '' : ' with a client certificate';
  const tls = ssl.enabled ? ` over TLS${certificate}` : '';
  return sasl === null ? tls : `${tls}${tls === '' ? '' : ','} signing in as ${sasl.username} by ${sasl.mechanism}`;
}

/** How the configured cluster is reached. */
export function kafkaSettings({ service }: Config, secrets: Secrets): KafkaSettings {
  const { ssl, sasl, brokers } = service.kafka;
  const { ca, cert, key, files } = ssl;
  return {
    clientId: service.service.id,
    brokers,
    ssl: ssl.enabled
      ? {
          ...(ca === null ? {} : { ca: () => secrets.latest('certificates', files.ca, ca) }),
          ...(cert === null ? {} : { cert: () => secrets.latest('certificates', files.cert, cert) }),
          ...(key === null ? {} : { key: () => secrets.latest('private-key', files.key, key) }),
        }
      : null,
    sasl:
      sasl === null ? null : { ...sasl, password: () => secrets.latest('password', sasl.passwordFile, sasl.password) },
  };
}

function notAlone(groupId: string, got: string): TransientError {
  return new TransientError(
    `taking part alone in group ${groupId}: expected no other instance of the service, got a group that ${got}; stop the other one, or wait for it`,
  );
}

function refuseCompany(mine: ReadonlySet<number>, { topics, config }: Surroundings): void {
  const { partitions } = topics.state;
  if (mine.size < partitions)
    throw notAlone(config.service.service.id, `gave this one ${mine.size} of ${partitions} shards`);
}

function byShard({ entities }: Config, statePartitions: number): Map<number, EntityConfig[]> {
  const shards = new Map<number, EntityConfig[]>();
  for (const entity of entities.filter(({ enabled }) => enabled)) {
    const shard = partitionOf(entity.id, statePartitions);
    shards.set(shard, [...(shards.get(shard) ?? []), entity]);
  }
  return shards;
}

/** Reads one shard, and opens it again after each commit that did not go through. A shard without an entity has no writer. */
function readShard(around: Surroundings, number: number, entities: readonly EntityConfig[]): Observable<Progress> {
  if (entities.length === 0) return EMPTY;
  const { patience, membership } = around;
  const shard = createShard(shardOptions(around, number, entities));
  // A newer owner would be fenced by us in turn: first the group must say, later than the failure, that the shard is ours.
  const confirmed = (): Promise<void> =>
    withDeadline(membership.confirmed(number), patience.confirmMs, `waiting for the group to confirm shard ${number}`);
  for (const { id } of entities) around.holders.set(id, shard);
  return runShard({
    open: async () => {
      const session = await shard.open();
      around.onBack(number);
      return session;
    },
    readers: entities.map((entity) => readerOf(around, entity)),
    rhythm: around.endless ? rhythmOf(around.config) : null,
    parkMs: patience.parkMs,
    limit: PAGE_ROWS,
    credits: CREDITS,
    marks: around.marks,
    twins: around.twins,
    newId: () => randomUUID().slice(0, 8),
    now: around.now,
    stopped: around.stopped,
    stop: around.stop,
  }).pipe(
    keepTrying(around, number, confirmed),
    finalize(() => entities.forEach(({ id }) => around.holders.delete(id))),
  );
}

function rhythmOf({ service: { schedule } }: Config): Rhythm {
  return { targets: (stream) => targetsOf(schedule, stream), recentDays: schedule.recentDays };
}

function readerOf(around: Surroundings, entity: EntityConfig): Reader {
  return {
    entity: entity.id,
    nip: entity.nip,
    startDate: entity.startDate,
    endDate: entity.endDate,
    streams: allStreams.filter(({ name }) => entity.streams.includes(name)),
    rest: around.api.of(entity, around.onAttempt),
    deletions: entity.deletions,
  };
}

/** The API as the configured entities see it, within one budget. */
export interface Api {
  of(entity: EntityConfig, onAttempt?: (attempt: Attempt) => void): Rest;
  /** How much of the configured requests is this replica's. */
  setShare(share: number): void;
  close(): void;
}

/** How the one IP is treated: at the configured pace, slower after a 429 or 503, or not at all for a while. */
export type Pace = 'full' | 'slowed' | 'paused: retry-after' | 'paused: ip-block';

function paceOf({ why, requestsPerMinute }: BudgetState, configured: number): Pace {
  if (why !== null) return `paused: ${why}`;
  return requestsPerMinute !== null && requestsPerMinute < configured ? 'slowed' : 'full';
}

/** Opens the way to the API; nothing is sent yet. */
export function openApi(
  { service }: Config,
  {
    version,
    patience,
    secrets,
    marks,
    onPace = () => undefined,
  }: {
    readonly version: string;
    readonly patience: Pick<Patience, 'retry'>;
    readonly secrets: Secrets;
    readonly marks: Marks;
    readonly onPace?: (pace: Pace) => void;
  },
): Api {
  const { baseUrl, timeoutMs, requestsPerMinute } = service.infakt;
  const http = createHttp({ timeoutMs, maxBytes: MAX_ANSWER_BYTES, userAgent: userAgentOf(version) });
  const budget = createBudget({ requestsPerMinute, clock: monotonicClock });
  let share = 1;
  let told: Pace = 'full';
  /** Answers are what changes the pace. */
  const watched = ({ take: takeSlot }: Slots): Slots => ({
    take: async (signal, turn) => {
      const slot = await takeSlot(signal, turn);
      return {
        done: (outcome) => {
          slot.done(outcome);
          const now = paceOf(budget.state(), requestsPerMinute * share);
          if (now !== told) onPace(now);
          told = now;
        },
      };
    },
  });
  return {
    of: ({ id, apiKey, apiKeyFile }, onAttempt = () => undefined) =>
      createRest({
        baseUrl,
        entity: id,
        apiKey: createApiKey(() => secrets.latest('api-key', apiKeyFile, apiKey)),
        http,
        slots: watched(budget.slots(id)),
        marks,
        retry: patience.retry,
        onAttempt,
      }),
    setShare(part) {
      share = part;
      budget.setShare(part);
    },
    close() {
      http.close();
      budget.close();
    },
  };
}

function shardOptions(
  around: Pick<Surroundings, 'config' | 'kafka' | 'topics' | 'framing' | 'membership' | 'patience' | 'now'>,
  number: number,
  entities: readonly Pick<EntityConfig, 'id' | 'streams'>[],
): ShardOptions {
  const { config, kafka, topics, framing, membership, patience } = around;
  const block = createEncoder(loadSchema('ledger-block'), { prefix: Buffer.alloc(0) });
  const layout = layoutOf(topics, framing);
  let current = topics;
  return {
    number,
    serviceId: config.service.service.id,
    stateTopic: topics.state.name,
    streams: entities.flatMap((entity) =>
      allStreams
        .filter(({ name }) => entity.streams.includes(name))
        .map((declaration) => ({ entity: entity.id, codec: codecOf(declaration, entity.id, around) })),
    ),
    deadLetters: topics.deadLetters,
    laps: lapsCodecOf(topics.sweeps, framing),
    encodeBlock: (value) => block.encode(value),
    decodeBlock: (bytes) => block.decode(bytes) as LedgerBlock,
    openWriter: async () => {
      // A topic may have been deleted or made anew since: then what the ledger says was published is gone.
      current = await ensureTopics(kafka, topicSettings(config, 'no longer'));
      return openWriter(kafka, {
        transactionalId: `${topics.state.name}-${number}`,
        stateTopic: topics.state.name,
        partition: number,
        maxBatchBytes: batchBytes(current),
        deadlineMs: patience.commitMs,
      });
    },
    read: (offset, each, end) => membership.read(number, offset, each, end),
    layout,
    verifyLayout: async (stored) => {
      try {
        verifyLayout(stored, current, layout);
      } catch {
        // What the owner before committed while it was being fenced lies beyond the ends seen before that.
        current = await ensureTopics(kafka, topicSettings(config, 'no longer'));
        verifyLayout(stored, current, layout);
      }
    },
    now: around.now,
    newSessionId: randomUUID,
    idleCommitMs: patience.idleCommitMs,
  };
}

/** What a command that writes state needs from outside. */
export interface RepairSetting extends Pick<
  ServiceOptions,
  'config' | 'patience' | 'kafkaLog' | 'secrets' | 'onWarning' | 'stopped' | 'now' | 'version'
> {
  readonly random: () => number;
}

/** Lends all that a change of an entity's state takes. The service's group is not joined: its shards are read through a throw-away one. */
export async function withState<T>(
  setting: RepairSetting,
  entity: EntityId,
  use: (options: RepairOptions) => Promise<T>,
): Promise<T> {
  const { config, patience, kafkaLog, secrets, onWarning, stopped, random } = setting;
  const kafka = createKafka(kafkaSettings(config, secrets), kafkaLog);
  const settings = topicSettings(config, config.service.topics.create);
  const stateTopic = `${settings.prefix}.state`;
  if ((await missingTopics(kafka, settings)).includes(stateTopic))
    throw new ConfigError(
      `reading ${stateTopic}: expected what the service remembers, got no topic of that name in the cluster; nothing was published yet, or topics.prefix is another one`,
    );
  const topics = await ensureTopics(kafka, settings);
  for (const warning of topics.warnings) onWarning(warning);
  const framing = await resolveFraming(setting, topics);
  const groupId = throwAwayGroup(config.service.service.id);
  const membership = joinGroup(kafka, {
    groupId,
    stateTopic,
    sessionTimeoutMs: config.service.kafka.sessionTimeoutMs,
    readDeadlineMs: patience.restoreMs,
  });
  try {
    await withDeadline(firstValueFrom(membership.owned), patience.confirmMs, `joining group ${groupId}`);
    const number = partitionOf(entity, topics.state.partitions);
    const streams = allStreams.map(({ name }) => name);
    return await use({
      entity,
      shard: shardOptions({ ...setting, kafka, topics, framing, membership }, number, [{ id: entity, streams }]),
      end: topics.highWatermarks.get(stateTopic)?.[number] ?? 0,
      stopped,
      againMs: (tries) => random() * 2 * patience.reopenMs(tries),
    });
  } finally {
    await membership.leave();
    await dropGroup(kafka, groupId);
  }
}

/** What a new shard writes down about its surroundings. */
export function layoutOf(topics: Topics, framing: Framing): Layout {
  const all = avroTopics(topics);
  return {
    version: 1,
    statePartitions: topics.state.partitions,
    partitions: Object.fromEntries(all.map(({ topic }) => [topic.name, topic.partitions])),
    keyFraming: framing.name,
    keySchemas: Object.fromEntries(
      all.map(({ topic, schema }) => [topic.name, framing.schemaId(`${topic.name}-key`, loadSchema(`${schema}-key`))]),
    ),
    definitions: [],
    lastOffsets: {},
    observedAt: 0,
  };
}

/** The schema of what a data topic holds, by the topic's name without the prefix. */
function schemaOf(name: string): string {
  const source = [...allStreams, ...projections].find((each) => each.name === name);
  if (source === undefined) throw new Error(`no stream or projection is called ${name}; this is a bug`);
  return source.schema;
}

/** Leaves room for what a batch takes beside its records. */
function batchBytes(topics: Topics): (topic: string) => number {
  const limits = new Map(
    [...topics.data.values(), topics.sweeps, topics.deadLetters, topics.state].map(({ name, maxMessageBytes }) => [
      name,
      maxMessageBytes - 1_024,
    ]),
  );
  return (topic) => limits.get(topic) ?? 1_000_000;
}

function codecOf(
  declaration: StreamDeclaration,
  entity: EntityId,
  { config, topics, framing }: Pick<Surroundings, 'config' | 'topics' | 'framing'>,
): StreamCodec {
  const topic = topics.data.get(declaration.name);
  if (topic === undefined) throw new Error(`no topic for stream ${declaration.name}; this is a bug`);
  const schemaText = loadSchema(declaration.schema);
  const { key, value } = encodersOf(declaration.schema, topic.name, framing);
  const own = `${declaration.name}.`;
  const added = config.service.volatileFields
    .filter((path) => path.startsWith(own))
    .map((path) => path.slice(own.length));
  const definition: Definition = {
    stream: declaration.name,
    hashVersion: HASH_VERSION,
    normalisationVersion: NORMALISATION_VERSION,
    volatileFields: [...new Set([...declaration.volatileFields, ...added])].sort(),
  };
  const fingerprints = new Map<string, ReturnType<typeof createFingerprint>>();
  const { projection } = declaration;
  const formerLines = projection === null ? null : linesCodecOf(projection, topics, framing);
  return {
    declaration,
    definition,
    fingerprintUnder: ({ hashVersion, normalisationVersion, volatileFields }) => {
      if (hashVersion !== HASH_VERSION || normalisationVersion !== NORMALISATION_VERSION) return undefined;
      const name = volatileFields.join(' ');
      const fingerprint = fingerprints.get(name) ?? createFingerprint({ schemaText, volatileFields });
      fingerprints.set(name, fingerprint);
      return fingerprint;
    },
    decode: createDecoder(schemaText, { entity }),
    encode: (record) => value.encode(record),
    encodeKey: (id) => key.encode(id),
    dateOf: (row) => dayOf(row, declaration.scopeField),
    topic,
    lines: projection !== null && config.service.projections.includes(projection.name) ? formerLines : null,
    formerLines,
  };
}

/** Null where the topic of the lines does not exist: then nothing of them was published. */
function linesCodecOf({ name, field, schema }: Projection, topics: Topics, framing: Framing): LinesCodec | null {
  const topic = topics.data.get(name);
  if (topic === undefined) return null;
  const { key, value } = encodersOf(schema, topic.name, framing);
  return {
    name,
    count: (row) => arrayOf(row[field]).length,
    of: (record) => arrayOf(record[field]).filter(isObject),
    encode: (record) => value.encode(record),
    encodeKey: (id) => key.encode(id),
    topic,
  };
}

function lapsCodecOf(topic: Topic, framing: Framing): LapsCodec {
  const { key, value } = encodersOf('sweep', topic.name, framing);
  return { encode: (record) => value.encode(record), encodeKey: (lap) => key.encode(lap), topic };
}

function encodersOf(schema: string, topic: string, framing: Framing): Readonly<Record<'key' | 'value', Encoder>> {
  const encoder = (part: 'key' | 'value', schemaText: string): Encoder =>
    createEncoder(schemaText, { prefix: framing.prefix(`${topic}-${part}`, schemaText) });
  return { key: encoder('key', loadSchema(`${schema}-key`)), value: encoder('value', loadSchema(schema)) };
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function dayOf(row: Row, field: string | null): number {
  const date = field === null ? null : row[field];
  return (typeof date === 'string' ? daysOf(date) : undefined) ?? NO_DATE;
}

/** Numbers that grow with each call: one sequence for all requests of a process. */
interface Marks {
  next(): number;
}

/** Starts such a sequence. */
export function createMarks(): Marks {
  let mark = 0;
  return { next: () => (mark += 1) };
}
