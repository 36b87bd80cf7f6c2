import type { Kafka } from 'kafkajs';
import {
  concat,
  defer,
  EMPTY,
  filter,
  finalize,
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

import type { Config, EntityConfig } from '../config/load';
import { createBudget, monotonicClock, type BudgetState, type Slots } from './budget';
import { ConfigError, TransientError } from './errors';
import { createFingerprint, HASH_VERSION, NORMALISATION_VERSION } from './fingerprint';
import { createHttp } from './http';
import { NO_DATE } from './ledger';
import type { EntityId, LedgerBlock, Row, StreamDeclaration } from './model';
import { failWith } from './operators/fail-with';
import { runShard, type Progress, type Reader } from './pipeline';
import type { StreamCodec } from './records';
import { createShard, type Shard } from './shard';
import { createEncoder, loadSchema, singleObjectPrefix } from './sinks/avro';
import { createKafka, openWriter, withDeadline, type KafkaLog, type KafkaSettings } from './sinks/kafka';
import { look } from './sinks/look';
import { partitionOf } from './sinks/partition';
import { groupIsEmpty, joinGroup, type Membership } from './sinks/shards';
import { parseStateKey, parseStateValue, type Definition, type Layout } from './sinks/state-topic';
import { ensureTopics, verifyLayout, type TopicSettings, type Topics } from './sinks/topics';
import { daysOf } from './kinds';
import { createDecoder } from './sources/decode';
import { createRest, requestRetry, type Attempt, type Rest } from './sources/rest';
import { clients } from './sources/streams/clients';
import { invoices } from './sources/streams/invoices';

/** Every stream that this program can read. */
export const allStreams: readonly StreamDeclaration[] = [clients, invoices];

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
  readonly onAttempt: (attempt: Attempt) => void;
  /** Told each time that Kafka, or one shard in it, is given up for a while. */
  readonly onLost: (lost: { readonly shard: number | null; readonly error: Error; readonly waitMs: number }) => void;
  /** Told each time that the API makes all requests slow down, stop or go on. */
  readonly onPace: (pace: Pace) => void;
  /** Told each time that a shard is open and restored, or that another replica has it: nothing is waited for there any more. */
  readonly onBack: (shard: number) => void;
  /** Milliseconds between the starts of two laps; null = one lap, then the end. */
  readonly lapEveryMs: number | null;
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
  const { lapEveryMs, patience, stop } = options;
  // Until the group is joined there is nothing to finish.
  const prepared = defer(() => from(prepare(options))).pipe(takeUntil(stop));
  const serving = prepared.pipe(mergeMap((surroundings) => takePart(options, surroundings)));
  return (lapEveryMs === null ? serving : serving.pipe(keepTrying(options, null))).pipe(
    takeUntil(stop.pipe(switchMap(() => timer(patience.stopMs)))),
  );
}

/** Takes part in the group and reads the shards that it gives. */
function takePart(options: ServiceOptions, { kafka, topics }: Prepared): Observable<Progress> {
  const { config, patience } = options;
  const marks = createMarks();
  const api = openApi(config, { version: options.version, patience, marks, onPace: options.onPace });
  const membership = joinGroup(kafka, {
    groupId: config.service.service.id,
    stateTopic: topics.state.name,
    sessionTimeoutMs: config.service.kafka.sessionTimeoutMs,
    readDeadlineMs: patience.restoreMs,
  });
  const around = { ...options, kafka, topics, membership, api, marks };
  const entities = byShard(config, topics.state.partitions);
  const shards = options.lapEveryMs === null ? allShards(around, entities) : shardsAsGiven(around, entities);
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
  const changes = owned.pipe(startWith(none), pairwise(), takeUntil(around.stop));
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

/** Waits for what passes, and says so; in a run of one lap only so often. */
function keepTrying(
  options: ServiceOptions,
  shard: number | null,
  ready: () => Promise<void> = () => Promise.resolve(),
): MonoTypeOperatorFunction<Progress> {
  const { lapEveryMs, patience, stop } = options;
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
              error instanceof TransientError || (error instanceof ConfigError && error.mayPass && lapEveryMs !== null);
            if (!passes) return throwError(() => error);
            if (options.stopped()) return lapEveryMs === null ? throwError(() => error) : EMPTY;
            // A refusal is no sign of trouble: the shard goes on in smaller pieces, until the row that is refused alone is known.
            const refused = error instanceof TransientError && error.retryAfterMs === 0;
            if (refused) refusals += 1;
            else failures += 1;
            const enough = failures > patience.reopenTries || refusals > MAX_REFUSALS;
            if (lapEveryMs === null && enough) return throwError(() => error);
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
}

interface Surroundings extends ServiceOptions {
  readonly kafka: Kafka;
  readonly topics: Topics;
  readonly membership: Membership;
  readonly api: Api;
  readonly marks: Marks;
}

async function prepare({ config, kafkaLog, lapEveryMs, patience, socketFactory }: ServiceOptions): Promise<Prepared> {
  const kafka = createKafka({ ...kafkaSettings(config), socketFactory }, kafkaLog);
  const topics = await ensureTopics(kafka, topicSettings(config, config.service.topics.create));
  await askForOwner(kafka, config, topics, patience.restoreMs);
  if (lapEveryMs === null) await beAlone(kafka, config);
  return { kafka, topics };
}

/**
 * Refuses another service's state topic before anything is written to it. Where a shard was never used, and so cannot tell how many
 * partitions the topics had, one that was used is asked.
 */
async function askForOwner(kafka: Kafka, config: Config, topics: Topics, deadlineMs: number): Promise<void> {
  const ends = topics.highWatermarks.get(topics.state.name) ?? [];
  const used = (shard: number): boolean => (ends[shard] ?? 0) > 0;
  if (!ends.some((end) => end > 0)) return;
  const allUsed = [...byShard(config, topics.state.partitions).keys()].every(used);
  const serviceId = config.service.service.id;
  const topic = topics.state.name;
  const expected = layoutOf(topics);
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

/** The topics of the configured service. */
export function topicSettings({ service }: Config, create: TopicSettings['create']): TopicSettings {
  return {
    brokers: service.kafka.brokers,
    prefix: service.topics.prefix,
    data: allStreams.map(({ name }) => name),
    dataPartitions: service.topics.partitions,
    statePartitions: service.state.partitions,
    replicationFactor: service.topics.replicationFactor,
    create,
  };
}

/** How the configured cluster is reached. */
export function kafkaSettings({ service }: Config): KafkaSettings {
  const { ssl, sasl, brokers } = service.kafka;
  const { ca, cert, key } = ssl;
  return {
    clientId: service.service.id,
    brokers,
    ssl: ssl.enabled
      ? { ...(ca === null ? {} : { ca }), ...(cert === null ? {} : { cert }), ...(key === null ? {} : { key }) }
      : null,
    sasl,
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
  const shard = shardOf(around, number, entities);
  // A newer owner would be fenced by us in turn: first the group must say, later than the failure, that the shard is ours.
  const confirmed = (): Promise<void> =>
    withDeadline(membership.confirmed(number), patience.confirmMs, `waiting for the group to confirm shard ${number}`);
  return runShard({
    open: async () => {
      const session = await shard.open();
      around.onBack(number);
      return session;
    },
    readers: entities.map((entity) => readerOf(around, entity)),
    lapEveryMs: around.lapEveryMs,
    parkMs: patience.parkMs,
    limit: PAGE_ROWS,
    credits: CREDITS,
    marks: around.marks,
    now: around.now,
    stopped: around.stopped,
    stop: around.stop,
  }).pipe(keepTrying(around, number, confirmed));
}

function readerOf(around: Surroundings, entity: EntityConfig): Reader {
  return {
    entity: entity.id,
    nip: entity.nip,
    startDate: entity.startDate,
    endDate: entity.endDate,
    streams: allStreams.filter(({ name }) => entity.streams.includes(name)),
    rest: around.api.of(entity, around.onAttempt),
  };
}

/** The API as the configured entities see it, within one budget. */
export interface Api {
  of(entity: EntityConfig, onAttempt?: (attempt: Attempt) => void): Rest;
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
    marks,
    onPace = () => undefined,
  }: {
    readonly version: string;
    readonly patience: Pick<Patience, 'retry'>;
    readonly marks: Marks;
    readonly onPace?: (pace: Pace) => void;
  },
): Api {
  const { baseUrl, timeoutMs, requestsPerMinute } = service.infakt;
  const http = createHttp({ timeoutMs, maxBytes: MAX_ANSWER_BYTES, userAgent: `infakt-kafka/${version}` });
  const budget = createBudget({ requestsPerMinute, clock: monotonicClock });
  let told: Pace = 'full';
  /** Answers are what changes the pace. */
  const watched = ({ take: takeSlot }: Slots): Slots => ({
    take: async (signal) => {
      const slot = await takeSlot(signal);
      return {
        done: (outcome) => {
          slot.done(outcome);
          const now = paceOf(budget.state(), requestsPerMinute);
          if (now !== told) onPace(now);
          told = now;
        },
      };
    },
  });
  return {
    of: ({ id, apiKey }, onAttempt = () => undefined) =>
      createRest({
        baseUrl,
        entity: id,
        apiKey,
        http,
        slots: watched(budget.slots(id)),
        marks,
        retry: patience.retry,
        onAttempt,
      }),
    close() {
      http.close();
      budget.close();
    },
  };
}

function shardOf(around: Surroundings, number: number, entities: readonly EntityConfig[]): Shard {
  const { config, kafka, topics, membership, patience } = around;
  const block = createEncoder(loadSchema('ledger-block'), { prefix: Buffer.alloc(0) });
  const layout = layoutOf(topics);
  let current = topics;
  return createShard({
    number,
    serviceId: config.service.service.id,
    stateTopic: topics.state.name,
    streams: entities.flatMap((entity) =>
      allStreams
        .filter(({ name }) => entity.streams.includes(name))
        .map((declaration) => ({ entity: entity.id, codec: codecOf(declaration, entity.id, config, topics) })),
    ),
    deadLetters: topics.deadLetters,
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
    read: (offset, each) => membership.read(number, offset, each),
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
    idleCommitMs: patience.idleCommitMs,
  });
}

/** What a new shard writes down about its surroundings. */
export function layoutOf(topics: Topics): Layout {
  const data = [...topics.data].map(([stream, topic]) => ({ stream, topic }));
  return {
    version: 1,
    statePartitions: topics.state.partitions,
    partitions: Object.fromEntries(data.map(({ topic }) => [topic.name, topic.partitions])),
    keyFraming: 'single-object',
    keySchemas: Object.fromEntries(
      data.map(({ stream, topic }) => [
        topic.name,
        singleObjectPrefix(loadSchema(`${schemaOf(stream)}-key`)).toString('hex'),
      ]),
    ),
    definitions: [],
    lastOffsets: {},
    observedAt: 0,
  };
}

function schemaOf(stream: string): string {
  return allStreams.find(({ name }) => name === stream)?.schema ?? stream;
}

/** Leaves room for what a batch takes beside its records. */
function batchBytes(topics: Topics): (topic: string) => number {
  const limits = new Map(
    [...topics.data.values(), topics.deadLetters, topics.state].map(({ name, maxMessageBytes }) => [
      name,
      maxMessageBytes - 1_024,
    ]),
  );
  return (topic) => limits.get(topic) ?? 1_000_000;
}

function codecOf(declaration: StreamDeclaration, entity: EntityId, config: Config, topics: Topics): StreamCodec {
  const schemaText = loadSchema(declaration.schema);
  const keyText = loadSchema(`${declaration.schema}-key`);
  const key = createEncoder(keyText, { prefix: singleObjectPrefix(keyText) });
  const value = createEncoder(schemaText, { prefix: singleObjectPrefix(schemaText) });
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
  const topic = topics.data.get(declaration.name);
  if (topic === undefined) throw new Error(`no topic for stream ${declaration.name}; this is a bug`);
  const fingerprints = new Map<string, ReturnType<typeof createFingerprint>>();
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
  };
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
