import { ConfigResourceTypes, type Admin, type Kafka } from 'kafkajs';

import { ConfigError, TransientError } from '../errors';
import { classify, withDeadline } from './kafka';
import type { Layout } from './state-topic';

/** The topics of one service and how to make them. */
export interface TopicSettings {
  /** Where the cluster is, to be named when it cannot be reached. */
  readonly brokers: readonly string[];
  readonly prefix: string;
  /** Names of the data topics, without the prefix. */
  readonly data: readonly string[];
  readonly dataPartitions: number;
  readonly statePartitions: number;
  /** -1 = the broker's default. */
  readonly replicationFactor: number;
  /** Whether missing ones are made; `no longer`: they were there before. */
  readonly create: boolean | 'no longer';
}

/** A topic as it is. */
export interface Topic {
  readonly name: string;
  readonly partitions: number;
  /** Largest record batch that the broker takes. */
  readonly maxMessageBytes: number;
}

/** All topics of a service, verified. */
export interface Topics {
  /** By name without the prefix. */
  readonly data: ReadonlyMap<string, Topic>;
  readonly deadLetters: Topic;
  readonly state: Topic;
  /** High watermarks, by topic and partition. */
  readonly highWatermarks: ReadonlyMap<string, readonly number[]>;
}

const CONNECT_DEADLINE_MS = 20_000;
const LOOK_DEADLINE_MS = 60_000;
const CLOSE_DEADLINE_MS = 2_000;
const WEEK_MS = String(7 * 24 * 60 * 60 * 1000);
const DATA_CONFIG = { 'cleanup.policy': 'compact', 'min.compaction.lag.ms': WEEK_MS, 'delete.retention.ms': WEEK_MS };
const DEAD_LETTER_CONFIG = { 'cleanup.policy': 'delete' };
const STATE_CONFIG = {
  'cleanup.policy': 'compact',
  'segment.ms': String(60 * 60 * 1000),
  'min.cleanable.dirty.ratio': '0.1',
  'compression.type': 'uncompressed',
};

/** Full names of the service's topics that do not exist. */
export function missingTopics(kafka: Kafka, settings: TopicSettings): Promise<string[]> {
  return withAdmin(kafka, settings, async (admin) => {
    const existing = new Set(await admin.listTopics());
    return wantedTopics(settings)
      .map(({ topic }) => topic)
      .filter((topic) => !existing.has(topic));
  });
}

/**
 * Creates what is missing (where allowed) and verifies the rest: all topics are there, the state topic is compacted and nothing else,
 * and it is not empty beside data topics that are full. A ConfigError says what to do; a broker that cannot be reached is a TransientError.
 */
export function ensureTopics(kafka: Kafka, settings: TopicSettings): Promise<Topics> {
  return withAdmin(kafka, settings, (admin) => ensure(admin, settings));
}

async function withAdmin<T>(kafka: Kafka, { brokers }: TopicSettings, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  let attempted = `connecting to Kafka at ${brokers.join(', ')}`;
  try {
    await withDeadline(admin.connect(), CONNECT_DEADLINE_MS, attempted);
    attempted = 'looking at the topics';
    return await withDeadline(use(admin), LOOK_DEADLINE_MS, attempted);
  } catch (error) {
    if (error instanceof ConfigError || error instanceof TransientError) throw error;
    throw classify(error, attempted).error;
  } finally {
    await withDeadline(admin.disconnect(), CLOSE_DEADLINE_MS, 'disconnecting').catch(() => undefined);
  }
}

function wantedTopics(
  settings: TopicSettings,
): { topic: string; partitions: number; config: Record<string, string> }[] {
  const full = (name: string): string => `${settings.prefix}.${name}`;
  return [
    ...settings.data.map((name) => ({ topic: full(name), partitions: settings.dataPartitions, config: DATA_CONFIG })),
    { topic: full('dead-letters'), partitions: settings.dataPartitions, config: DEAD_LETTER_CONFIG },
    { topic: full('state'), partitions: settings.statePartitions, config: STATE_CONFIG },
  ];
}

async function ensure(admin: Admin, settings: TopicSettings): Promise<Topics> {
  const full = (name: string): string => `${settings.prefix}.${name}`;
  const wanted = wantedTopics(settings);
  const existing = new Set(await admin.listTopics());
  const missing = wanted.filter(({ topic }) => !existing.has(topic));
  if (missing.length > 0) {
    const names = missing.map(({ topic }) => topic).join(', ');
    if (settings.create !== true) {
      throw new ConfigError(
        settings.create === 'no longer'
          ? `looking at the topics: expected ${names} to exist as when the service started; what was published there is gone. Restore them, or start over under another topics.prefix`
          : `looking at the topics: expected ${names} to exist, as topics.create is false; create them, or set topics.create to true`,
      );
    }
    await create(admin, missing, settings.replicationFactor);
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
  });
  const policy = configs.get(full('state'))?.get('cleanup.policy') ?? '';
  if (policy !== 'compact') {
    throw new ConfigError(
      `looking at ${full('state')}: expected cleanup.policy=compact and nothing else, got ${policy}; progress would be deleted with time. Set it: kafka-configs --alter --topic ${full('state')} --add-config cleanup.policy=compact`,
    );
  }
  const highWatermarks = new Map<string, number[]>();
  let stateRecords = 0;
  for (const { topic: name } of wanted) {
    const offsets = await settled(`the end of each partition of ${name}`, () => admin.fetchTopicOffsets(name));
    const ends: number[] = [];
    for (const { partition, high, low } of offsets) {
      ends[partition] = Number(high);
      if (name === full('state')) stateRecords += Number(high) - Number(low);
    }
    highWatermarks.set(name, ends);
  }

  const topics = {
    data: new Map(settings.data.map((name) => [name, topic(name)])),
    deadLetters: topic('dead-letters'),
    state: topic('state'),
    highWatermarks,
  };
  refuseLostState(topics, stateRecords);
  return topics;
}

async function create(
  admin: Admin,
  topics: readonly { topic: string; partitions: number; config: Record<string, string> }[],
  replicationFactor: number,
): Promise<void> {
  const minInsync = replicationFactor >= 3 ? { 'min.insync.replicas': '2' } : {};
  try {
    await admin.createTopics({
      // Waiting for leaders can fail on KRaft though the topic was created; the metadata is polled below instead.
      waitForLeaders: false,
      topics: topics.map(({ topic, partitions, config }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor,
        configEntries: Object.entries({ ...config, ...minInsync }).map(([name, value]) => ({ name, value })),
      })),
    });
  } catch (error) {
    throw classify(error, `creating ${topics.map(({ topic }) => topic).join(', ')}`).error;
  }
}

async function partitionCounts(admin: Admin, names: readonly string[]): Promise<Map<string, number>> {
  return settled(`a leader for every partition of ${names.join(', ')}`, async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [...names] });
    const led = topics.filter(
      ({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0),
    );
    if (led.length < names.length)
      throw new TransientError(`${names.length - led.length} topics have partitions without a leader`);
    return new Map(led.map(({ name, partitions }) => [name, partitions.length]));
  });
}

/** A topic just created is known to its brokers one after the other: asks until the answer holds, for at most 15 s. */
async function settled<T>(expected: string, ask: () => Promise<T>): Promise<T> {
  const giveUpAt = Date.now() + 15_000;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const { kind } = classify(error, `expecting ${expected}`);
      if (kind !== 'lost' || Date.now() >= giveUpAt) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function topicConfigs(admin: Admin, names: readonly string[]): Promise<Map<string, Map<string, string>>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({
      type: ConfigResourceTypes.TOPIC,
      name,
      configNames: ['cleanup.policy', 'max.message.bytes'],
    })),
  });
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}

/** A state topic whose records were all deleted is as good as a new one. */
function refuseLostState({ data, state, highWatermarks }: Topics, stateRecords: number): void {
  if (stateRecords > 0) return;
  const written = (name: string): boolean => (highWatermarks.get(name) ?? []).some((end) => end > 0);
  const full = [...data.values()].filter(({ name }) => written(name)).map(({ name }) => name);
  if (full.length > 0) {
    throw new ConfigError(
      `looking at ${state.name}: expected what this service published to be remembered there, got an empty topic beside ${full.join(', ')}; everything would be published again. If the state topic was lost, restore it, or start over under another topics.prefix; if the data topics belong to another service, choose another topics.prefix`,
    );
  }
}

/** Refuses to go on where something changed that a shard's records depend on; a ConfigError says what and what to do. */
export function verifyLayout(
  layout: Layout,
  topics: Topics,
  expected: Pick<Layout, 'keyFraming' | 'keySchemas'>,
): void {
  const attempted = `comparing ${topics.state.name} with the cluster`;
  const partitions = { [topics.state.name]: layout.statePartitions, ...layout.partitions };
  const actual = new Map([topics.state, ...topics.data.values()].map((topic) => [topic.name, topic.partitions]));
  for (const [name, before] of Object.entries(partitions)) {
    const now = actual.get(name);
    if (now !== undefined && now !== before) {
      throw new ConfigError(
        `${attempted}: expected ${name} to have ${before} partitions as when it was first written, got ${now}; keys would move to other partitions and lose their order. Set the number back where that is possible, or start over under another topics.prefix`,
      );
    }
  }
  if (layout.keyFraming !== expected.keyFraming) {
    throw new ConfigError(
      `${attempted}: expected keys in ${layout.keyFraming} framing as before, got ${expected.keyFraming} from the configuration; every key would get other bytes. Set registry.url back, or start over under another topics.prefix`,
    );
  }
  for (const [name, id] of Object.entries(layout.keySchemas)) {
    const now = expected.keySchemas[name];
    if (now !== undefined && now !== id)
      throw new ConfigError(
        `${attempted}: expected the key schema ${id} of ${name}, got ${now}; key schemas are frozen`,
      );
  }
  for (const [name, offsets] of Object.entries(layout.lastOffsets)) {
    for (const [partition, last] of Object.entries(offsets)) {
      const end = topics.highWatermarks.get(name)?.[Number(partition)];
      if (end !== undefined && end <= last) {
        throw new ConfigError(
          `${attempted}: expected partition ${partition} of ${name} to reach beyond offset ${last}, got a high watermark of ${end}; the topic was deleted, recreated or lost records. Restore it, or start over under another topics.prefix`,
        );
      }
    }
  }
}
