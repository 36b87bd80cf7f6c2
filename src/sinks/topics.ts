import type { Admin, Kafka } from 'kafkajs';

import { ConfigError, TransientError } from '../errors';
import { brokerSettings, brokerVersion, refuseBrokerSettings, type BrokerSettings } from './broker-settings';
import { createTopics } from './create-topics';
import { clockBounds, type ClockBounds } from './clock-bounds';
import { partitionCounts, refuseHidden, topicConfigs, topicEnds } from './describe-topics';
import { classify, closedByBroker, withDeadline } from './faults';

/** The topics of one service and how to make them. */
export interface TopicSettings {
  /** Where the cluster is, to be named when it cannot be reached. */
  readonly brokers: readonly string[];
  /** In which way it is spoken to, such as " over TLS", for the same message. */
  readonly access?: string;
  readonly prefix: string;
  /** Names of the data topics, without the prefix. */
  readonly data: readonly string[];
  /** Names of data topics that are looked at where they exist, and else not made. */
  readonly formerData: readonly string[];
  readonly dataPartitions: number;
  readonly statePartitions: number;
  /** -1 = the broker's default. */
  readonly replicationFactor: number;
  /** To be held against the brokers' bounds; where it is left out, the brokers' settings are not looked at. */
  readonly sessionTimeoutMs?: number;
  /** Whether missing topics are created; `must-exist`: they were there before, so a missing one was lost. */
  readonly create: boolean | 'must-exist';
  /** Asked before missing topics are made beside a state topic that exists: rejects where one of them was written to, so that making it anew would hide a loss. */
  readonly beforeCreating?: (missing: readonly string[]) => Promise<void>;
}

/** A topic as it is. */
export interface Topic {
  readonly name: string;
  readonly partitions: number;
  /** Largest record batch that the broker takes. */
  readonly maxMessageBytes: number;
  /** How far the time of a record may be from the broker's; absent = not told. */
  readonly clock?: ClockBounds;
}

/** All topics of a service, verified. */
export interface Topics {
  /** By name without the prefix; those of former data where they exist. */
  readonly data: ReadonlyMap<string, Topic>;
  readonly deadLetters: Topic;
  /** The topic of finished sweeps. */
  readonly sweeps: Topic;
  /** The topic of whose account each entity is. */
  readonly entities: Topic;
  readonly state: Topic;
  /** The topic of where each stream stands: telemetry, outside of every transaction, so that it holds nothing up. */
  readonly status: Topic;
  /** High watermarks of the topics that transactions write to, by topic and partition. */
  readonly highWatermarks: ReadonlyMap<string, readonly number[]>;
  /** What is not as it would be made here, and goes all the same. */
  readonly warnings: readonly string[];
}

/** The topics that a service's transactions write to, one after the other, those of data first. */
export function allTopics({
  data,
  sweeps,
  entities,
  deadLetters,
  state,
}: Omit<Topics, 'status' | 'highWatermarks' | 'warnings'>): readonly Topic[] {
  return [...data.values(), sweeps, entities, deadLetters, state];
}

const CONNECT_DEADLINE_MS = 20_000;
const LOOK_DEADLINE_MS = 60_000;
const CLOSE_DEADLINE_MS = 2_000;
const WEEK_MS = String(7 * 24 * 60 * 60 * 1000);
const DATA_CONFIG = { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': WEEK_MS, 'delete.retention.ms': WEEK_MS };
const DEAD_LETTER_CONFIG = { 'cleanup.policy': 'delete' };
const SWEEPS_CONFIG = { 'cleanup.policy': 'delete' };
const STATUS_CONFIG = {
  'cleanup.policy': 'compact',
  'segment.ms': String(60 * 60 * 1000),
  'min.cleanable.dirty.ratio': '0.1',
};
/** So that every reader sees one order of all streams; a record a sweep is not much. */
const STATUS_PARTITIONS = 1;
const STATE_CONFIG = {
  'cleanup.policy': 'compact',
  'segment.ms': String(60 * 60 * 1000),
  'min.cleanable.dirty.ratio': '0.1',
  'compression.type': 'uncompressed',
};

/**
 * Full names of the service's topics that do not exist; where they are to be created, that this is allowed is tried without doing it, and a
 * ConfigError says what `ensureTopics` would refuse. Notes tell of the brokers, and of settings that they do not allow.
 */
export function missingTopics(
  kafka: Pick<Kafka, 'admin'>,
  settings: TopicSettings,
  note: (text: string) => void = () => undefined,
): Promise<string[]> {
  return withAdmin(kafka, settings, async (admin) => {
    const existing = new Set(await admin.listTopics());
    const found = await lookAtBrokers(admin, settings, existing);
    if (settings.sessionTimeoutMs !== undefined) note(brokerVersion(found));
    const missing = wantedTopics(settings).filter(({ topic }) => !existing.has(topic));
    await refuseHidden(admin, missing);
    if (settings.create === true && missing.length > 0) {
      await refuseLoss(admin, settings, existing, missing);
      for (const warning of await createTopics(admin, missing, settings, { validateOnly: true })) note(warning);
    }
    return missing.map(({ topic }) => topic);
  });
}

/**
 * Creates what is missing (where allowed) and verifies the rest: all topics are there, the state topic is compacted and nothing else,
 * and it is not empty beside data topics that are full. A ConfigError says what to do; a broker that cannot be reached is a TransientError.
 */
export function ensureTopics(kafka: Pick<Kafka, 'admin'>, settings: TopicSettings): Promise<Topics> {
  return withAdmin(kafka, settings, (admin) => ensure(admin, settings));
}

/** Throws a ConfigError where the brokers' settings leave no room; returns the settings, null where nobody asked or none are shown. */
async function lookAtBrokers(
  admin: Admin,
  { sessionTimeoutMs, create: mode }: TopicSettings,
  existing: ReadonlySet<string>,
): Promise<BrokerSettings> {
  // A look at topics that were there before is made often, and the brokers were looked at then.
  if (sessionTimeoutMs === undefined || mode === 'must-exist') return null;
  const found = await brokerSettings(admin);
  refuseBrokerSettings(found, { sessionTimeoutMs }, existing);
  return found.settings;
}

async function withAdmin<T>(
  kafka: Pick<Kafka, 'admin'>,
  { brokers, access = '' }: TopicSettings,
  use: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = kafka.admin();
  let attempted = `connecting to Kafka at ${brokers.join(', ')}${access}`;
  try {
    await withDeadline(admin.connect(), CONNECT_DEADLINE_MS, attempted);
    attempted = `looking at the topics${access}`;
    return await withDeadline(use(admin), LOOK_DEADLINE_MS, attempted);
  } catch (error) {
    if (error instanceof ConfigError || error instanceof TransientError) throw error;
    const { error: ours } = classify(error, attempted);
    const told = addressTold(error, brokers);
    if (told !== null && ours instanceof TransientError)
      throw new TransientError(
        `${ours.message}; ${told} is no address of kafka.brokers: a broker named it as its own or another's (advertised.listeners), and from here nobody answers there`,
        { cause: error },
      );
    if (ours instanceof ConfigError || !closedByBroker(error)) throw ours;
    const hint =
      'unless the broker is down or starting, it expects another way to connect: see to kafka.ssl and kafka.sasl';
    throw new TransientError(`${ours.message}; ${hint}`, { cause: error });
  } finally {
    await withDeadline(admin.disconnect(), CLOSE_DEADLINE_MS, 'disconnecting').catch(() => undefined);
  }
}

/** The address that a connection failed to, where it was the cluster that told it; else null. */
function addressTold(error: unknown, brokers: readonly string[]): string | null {
  for (let link: unknown = error; link instanceof Error; link = link.cause) {
    if (!('broker' in link) || typeof link.broker !== 'string') continue;
    return brokers.includes(link.broker) ? null : link.broker;
  }
  return null;
}

/** The topics of a service, with the settings that they are made with. */
export function wantedTopics(
  settings: Pick<TopicSettings, 'prefix' | 'data' | 'dataPartitions' | 'statePartitions'>,
): { topic: string; partitions: number; config: Record<string, string> }[] {
  const full = (name: string): string => `${settings.prefix}.${name}`;
  return [
    ...settings.data.map((name) => ({ topic: full(name), partitions: settings.dataPartitions, config: DATA_CONFIG })),
    { topic: full('sweeps'), partitions: settings.dataPartitions, config: SWEEPS_CONFIG },
    { topic: full('entities'), partitions: settings.dataPartitions, config: DATA_CONFIG },
    { topic: full('dead-letters'), partitions: settings.dataPartitions, config: DEAD_LETTER_CONFIG },
    { topic: full('status'), partitions: STATUS_PARTITIONS, config: STATUS_CONFIG },
    { topic: full('state'), partitions: settings.statePartitions, config: STATE_CONFIG },
  ];
}

async function ensure(admin: Admin, settings: TopicSettings): Promise<Topics> {
  const full = (name: string): string => `${settings.prefix}.${name}`;
  const existing = new Set(await admin.listTopics());
  const data = [...settings.data, ...settings.formerData.filter((name) => existing.has(full(name)))];
  // Telemetry that is lost while the service runs is no loss of data.
  const isLost = (topic: string): boolean =>
    settings.create === 'must-exist' && topic === full('status') && !existing.has(topic);
  const wanted = wantedTopics({ ...settings, data }).filter(({ topic }) => !isLost(topic));
  const missing = wanted.filter(({ topic }) => !existing.has(topic));
  await lookAtBrokers(admin, settings, existing);
  const madeWithout: string[] = [];
  if (missing.length > 0) {
    await refuseHidden(admin, missing);
    const names = missing.map(({ topic }) => topic).join(', ');
    if (settings.create !== true) {
      throw new ConfigError(
        settings.create === 'must-exist'
          ? `looking at the topics: expected ${names} to exist as when the service started; what was published there is gone. Restore them, or start over under another topics.prefix`
          : `looking at the topics: expected ${names} to exist, as topics.create is false; create them, or set topics.create to true`,
      );
    }
    await refuseLoss(admin, settings, existing, missing);
    madeWithout.push(...(await createTopics(admin, missing, settings, { validateOnly: false })));
  }

  const partitions = await partitionCounts(
    admin,
    wanted.map(({ topic }) => topic),
  );
  const configs = await topicConfigs(
    admin,
    wanted.map(({ topic }) => topic),
  );
  const topic = (name: string): Topic => ({
    name: full(name),
    partitions: partitions.get(full(name)) ?? 0,
    maxMessageBytes: Number(configs.get(full(name))?.get('max.message.bytes') ?? 1_048_588),
    clock: clockBounds(configs.get(full(name)) ?? new Map()),
  });
  refuseUnusableState(full('state'), configs);
  const highWatermarks = new Map<string, readonly number[]>();
  let stateRecords = 0;
  for (const { topic: name } of wanted) {
    if (name === full('status')) continue;
    const { ends, records } = await topicEnds(admin, name);
    if (name === full('state')) stateRecords = records;
    highWatermarks.set(name, ends);
  }

  const topics = {
    data: new Map(data.map((name) => [name, topic(name)])),
    sweeps: topic('sweeps'),
    entities: topic('entities'),
    deadLetters: topic('dead-letters'),
    state: topic('state'),
    status: topic('status'),
    highWatermarks,
    warnings: [...madeWithout, ...warningsOf(wanted, partitions, configs, existing)],
  };
  refuseLostState(topics, stateRecords);
  return topics;
}

/** Whether kafkajs can read what a broker with that `compression.type` stores; a broker that does not tell is taken at its default. */
function isReadable(codec: string): boolean {
  return ['', 'uncompressed', 'producer', 'gzip'].includes(codec);
}

/** Only of topics that were there before: those made here are as they should be. */
function warningsOf(
  wanted: ReturnType<typeof wantedTopics>,
  partitions: ReadonlyMap<string, number>,
  configs: ReadonlyMap<string, ReadonlyMap<string, string>>,
  existing: ReadonlySet<string>,
): string[] {
  return wanted
    .filter(({ topic }) => existing.has(topic))
    .flatMap(({ topic, partitions: configured, config }) => {
      const warnings: string[] = [];
      const actual = partitions.get(topic) ?? 0;
      if (actual !== configured)
        warnings.push(
          `looking at ${topic}: expected ${configured} partitions as configured, got ${actual}; these are used, and stay`,
        );
      const codec = configs.get(topic)?.get('compression.type') ?? '';
      if (!isReadable(codec))
        warnings.push(
          `looking at ${topic}: compression.type is ${codec}; consumers read that, but peek and reconcile of this program do not`,
        );
      const policy = configs.get(topic)?.get('cleanup.policy') ?? '';
      if (config['cleanup.policy'] === 'compact' && policy !== 'compact')
        warnings.push(
          `looking at ${topic}: expected cleanup.policy=compact, got ${policy}; rows that do not change will be gone from the topic, so that who reads it from the beginning misses them. Set it: kafka-configs --alter --topic ${topic} --add-config cleanup.policy=compact`,
        );
      return warnings;
    });
}

/** Nothing is made where the run would be refused all the same: a topic made anew would hide that one was lost. */
async function refuseLoss(
  admin: Admin,
  settings: TopicSettings,
  existing: ReadonlySet<string>,
  missing: readonly { readonly topic: string }[],
): Promise<void> {
  const state = `${settings.prefix}.state`;
  const names = missing.map(({ topic }) => topic);
  if (!names.includes(state)) {
    refuseUnusableState(state, await topicConfigs(admin, [state]));
    await settings.beforeCreating?.(names);
    return;
  }
  const data = settings.data.map((name) => `${settings.prefix}.${name}`).filter((name) => existing.has(name));
  const full: string[] = [];
  for (const name of data)
    if ((await admin.fetchTopicOffsets(name)).some(({ high }) => Number(high) > 0)) full.push(name);
  if (full.length > 0) throw lostState(state, 'no topic of that name', full);
}

/** A state topic whose records were all deleted is as good as a new one. */
function refuseLostState({ data, state, highWatermarks }: Topics, stateRecords: number): void {
  if (stateRecords > 0) return;
  const written = (name: string): boolean => (highWatermarks.get(name) ?? []).some((end) => end > 0);
  const full = [...data.values()].filter(({ name }) => written(name)).map(({ name }) => name);
  if (full.length > 0) {
    throw lostState(state.name, 'an empty topic', full);
  }
}

function refuseUnusableState(state: string, configs: ReadonlyMap<string, ReadonlyMap<string, string>>): void {
  const policy = configs.get(state)?.get('cleanup.policy') ?? '';
  if (policy !== 'compact')
    throw new ConfigError(
      `looking at ${state}: expected cleanup.policy=compact and nothing else, got ${policy}; progress would be deleted with time. Set it: kafka-configs --alter --topic ${state} --add-config cleanup.policy=compact`,
    );
  const codec = configs.get(state)?.get('compression.type') ?? '';
  if (isReadable(codec)) return;
  throw new ConfigError(
    `looking at ${state}: expected compression.type=uncompressed, producer or gzip, got ${codec}, which this program cannot read, so that no start would find what was done. Set it before anything is written: kafka-configs --alter --topic ${state} --add-config compression.type=uncompressed`,
  );
}

function lostState(state: string, got: string, full: readonly string[]): ConfigError {
  return new ConfigError(
    `looking at ${state}: expected what this service published to be remembered there, got ${got} beside ${full.join(', ')}; everything would be published again. If the state topic was lost, restore it, or start over under another topics.prefix; if the data topics belong to another service, choose another topics.prefix`,
  );
}
