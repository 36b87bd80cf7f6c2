import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type Admin, Kafka, type KafkaConfig, logLevel } from 'kafkajs';

/** The brokers that the tests run against, as `host:port`. */
export function brokers(): string[] {
  const given = process.env['KAFKA_BROKERS'];
  if (given === undefined || given === '') {
    throw new Error(
      'Looking for the Kafka of the tests: expected KAFKA_BROKERS from test/support/start-kafka.ts, got none',
    );
  }
  return given.split(',');
}

/** A name for a topic, group or transactional id that no other test has. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID()}`;
}

/** A silent client of the test broker, with all its retries set here and none left to kafkajs' defaults. */
export function kafkaClient(options: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({
    clientId: 'test',
    brokers: options.brokers ?? brokers(),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 10 },
    ...options,
  });
}

export interface TopicOptions {
  /** Default 1. */
  readonly partitions?: number;
  /** Topic settings, e.g. `cleanup.policy`. */
  readonly config?: Readonly<Record<string, string>>;
  /** Broker ids of each partition's replicas, the leader first; default: one replica wherever the broker puts it. */
  readonly replicas?: readonly (readonly number[])[];
  /** Where to create it, for a cluster of the test's own; nobody deletes the topic there. Default: the broker of the tests. */
  readonly client?: Kafka;
}

const topicsToDelete: string[] = [];
const cleanups: (() => Promise<unknown>)[] = [];

/** Creates a topic with a unique name, waits until every partition has a leader, and deletes it after the file's last test. */
export async function createTopic(
  prefix: string,
  { partitions = 1, config = {}, replicas, client }: TopicOptions = {},
): Promise<string> {
  const topic = uniqueName(prefix);
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  const shape =
    replicas === undefined
      ? { numPartitions: partitions, replicationFactor: 1 }
      : { replicaAssignment: replicas.map((ids, partition) => ({ partition, replicas: [...ids] })) };
  const count = replicas?.length ?? partitions;
  if (client === undefined) topicsToDelete.push(topic);
  await withAdmin(client ?? kafkaClient(), async (admin) => {
    // kafkajs' own waiting fails at times although the topic was created.
    await admin.createTopics({ topics: [{ topic, configEntries, ...shape }], waitForLeaders: false });
    await until(
      async () => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        const found = topics[0]?.partitions ?? [];
        return found.length === count && found.every(({ leader }) => leader >= 0);
      },
      { what: `every partition of ${topic} to have a leader` },
    );
  });
  return topic;
}

/** Lends a connected admin client. */
export async function withAdmin<T>(client: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = client.admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Gives a topic more partitions; resolves when the broker shows them, which is a moment after it answered. */
export async function addPartitions(admin: Admin, topic: string, count: number): Promise<void> {
  await admin.createPartitions({ topicPartitions: [{ topic, count }] });
  const shown = async (): Promise<boolean> => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics[0]?.partitions.length === count;
  };
  await until(shown, { what: `${count} partitions of ${topic}` });
}

/** Runs after the current test, whatever its outcome; the latest first. */
export function cleanUp(action: () => Promise<unknown>): void {
  cleanups.push(action);
}

export interface Patience {
  /** What is waited for, as it completes "waiting for ...". */
  readonly what: string;
  /** Default 60 s, many times what it takes on a machine at rest. */
  readonly withinMs?: number;
}

/** Asks again and again until the answer is neither false nor undefined, and gives it; an error counts as "not yet". */
export async function until<T>(
  condition: () => T | Promise<T>,
  { what, withinMs = 60_000 }: Patience,
): Promise<Exclude<T, false | undefined>> {
  const deadline = Date.now() + withinMs;
  let cause: unknown;
  for (;;) {
    try {
      const answer = await condition();
      if (isGiven(answer)) return answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (Date.now() > deadline) throw new Error(`Gave up waiting for ${what} after ${withinMs} ms`, { cause });
    await delay(20);
  }
}

function isGiven<T>(answer: T): answer is Exclude<T, false | undefined> {
  return answer !== false && answer !== undefined;
}

afterEach(async () => {
  for (let action = cleanups.pop(); action !== undefined; action = cleanups.pop()) await action();
});

afterAll(async () => {
  const topics = topicsToDelete.splice(0);
  if (topics.length > 0) await withAdmin(kafkaClient(), (admin) => admin.deleteTopics({ topics }));
});
