import type { Admin, ITopicConfig, Kafka } from 'kafkajs';

import { ConfigError, TransientError } from '../../src/errors';
import { ensureTopics, missingTopics, type TopicSettings } from '../../src/sinks/topics';

const settings: TopicSettings = {
  brokers: ['seed:9092'],
  prefix: 't',
  data: ['clients'],
  formerData: [],
  dataPartitions: 1,
  statePartitions: 1,
  replicationFactor: 1,
  create: true,
};

interface Cluster {
  /** What the cluster says to a topic that is to be made; null = nothing against it. */
  readonly refuses?: (topic: ITopicConfig) => { readonly type: string; readonly message: string } | null;
  /** Topics that are there, with their settings. */
  readonly there?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly failure?: Error;
}

/** An admin client of a cluster in memory. */
function cluster({ refuses = () => null, there = {}, failure }: Cluster) {
  const topics = new Map(Object.entries(there));
  const admin: Partial<Admin> = {
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    listTopics: () => (failure === undefined ? Promise.resolve([...topics.keys()]) : Promise.reject(failure)),
    createTopics: ({ topics: wanted, validateOnly = false }) => {
      const errors = wanted.flatMap((each) => {
        const refusal = refuses(each);
        if (refusal === null && !validateOnly) {
          const entries = (each.configEntries ?? []).map(({ name, value }) => [name, value] as const);
          topics.set(each.topic, Object.fromEntries(entries));
        }
        return refusal === null ? [] : [Object.assign(new Error(refusal.message), { ...refusal, topic: each.topic })];
      });
      return errors.length === 0
        ? Promise.resolve(true)
        : Promise.reject(Object.assign(new Error('Topic creation errors'), { errors }));
    },
    describeConfigs: ({ resources }) => {
      const unknown = resources.some(({ name }) => !topics.has(name));
      if (unknown) return Promise.reject(Object.assign(new Error('unknown'), { type: 'UNKNOWN_TOPIC_OR_PARTITION' }));
      const described = resources.map(({ name }) => ({
        resourceName: name,
        configEntries: Object.entries(topics.get(name) ?? {}).map(([configName, configValue]) => ({
          configName,
          configValue,
        })),
      }));
      return Promise.resolve({ resources: described } as unknown as Awaited<ReturnType<Admin['describeConfigs']>>);
    },
    fetchTopicMetadata: (options) =>
      Promise.resolve({
        topics: (options?.topics ?? []).map((name) => ({
          name,
          partitions: [{ partitionErrorCode: 0, partitionId: 0, leader: 1, replicas: [1], isr: [1] }],
        })),
      }),
    fetchTopicOffsets: () => Promise.resolve([{ partition: 0, offset: '0', high: '0', low: '0' }]),
  };
  return { kafka: { admin: () => admin as Admin } satisfies Pick<Kafka, 'admin'>, topics };
}

/** Refuses topics with this setting. */
const refusing =
  (setting: string, type: string) =>
  ({ configEntries = [] }: ITopicConfig) =>
    configEntries.some(({ name }) => name === setting) ? { type, message: `${setting} is not allowed here` } : null;

describe('a cluster that does not allow settings of topics', () => {
  test.each([
    ['segment.ms', 'POLICY_VIOLATION', ['t.status', 't.state']],
    ['min.cleanable.dirty.ratio', 'INVALID_CONFIG', ['t.status', 't.state']],
    ['min.compaction.lag.ms', 'INVALID_CONFIG', ['t.clients', 't.entities']],
    ['delete.retention.ms', 'POLICY_VIOLATION', ['t.clients', 't.entities']],
  ])('gets them without %s at a second try, with its own sentence as a warning', async (setting, type, names) => {
    const { kafka, topics } = cluster({ refuses: refusing(setting, type) });
    const { warnings } = await ensureTopics(kafka, settings);
    expect(warnings).toEqual([
      expect.stringMatching(
        `creating ${names.join(', ')}: .*${setting} is not allowed here.* made without .*${setting}`,
      ),
    ]);
    for (const name of names) expect(topics.get(name)).toEqual({ 'cleanup.policy': 'compact' });
  });

  test('is told of by a look that makes nothing', async () => {
    const { kafka, topics } = cluster({ refuses: refusing('segment.ms', 'POLICY_VIOLATION') });
    const notes: string[] = [];
    expect(await missingTopics(kafka, settings, (text) => notes.push(text))).toContain('t.state');
    expect(notes).toEqual([expect.stringMatching(/will be made without segment.ms/)]);
    expect(topics.size).toBe(0);
  });

  test('and not the topics without them either is told in its own words', async () => {
    const refuses = () => ({ type: 'POLICY_VIOLATION', message: 'topics are made by the platform team' });
    const failure: unknown = await ensureTopics(cluster({ refuses }).kafka, settings).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigError);
    expect(failure).toMatchObject({ message: expect.stringContaining('made by the platform team') as string });
  });
});

describe('compression of topics', () => {
  const state = { 'cleanup.policy': 'compact' };
  const all = {
    't.clients': { 'cleanup.policy': 'compact' },
    't.sweeps': {},
    't.entities': { 'cleanup.policy': 'compact' },
    't.dead-letters': {},
    't.state': state,
  };
  const withCodec = (topic: 't.state' | 't.clients', codec: string) => ({
    ...all,
    [topic]: { ...all[topic], 'compression.type': codec },
  });

  test.each(['zstd', 'lz4', 'snappy'])('a state topic in %s is refused by name', async (codec) => {
    const { kafka } = cluster({ there: withCodec('t.state', codec) });
    await expect(ensureTopics(kafka, settings)).rejects.toMatchObject({
      code: 'CONFIG',
      message: expect.stringMatching(`t.state: expected compression.type=.*got ${codec}`) as string,
    });
  });

  test.each(['uncompressed', 'producer', 'gzip'])('a state topic in %s is taken', async (codec) => {
    const { kafka } = cluster({ there: withCodec('t.state', codec) });
    expect((await ensureTopics(kafka, settings)).warnings).toEqual([]);
  });

  test.each(['zstd', 'lz4', 'snappy'])('a data topic in %s is a warning', async (codec) => {
    const { kafka } = cluster({ there: withCodec('t.clients', codec) });
    expect((await ensureTopics(kafka, settings)).warnings).toEqual([
      expect.stringMatching(`t.clients: compression.type is ${codec}; .* peek and reconcile`),
    ]);
  });
});

test.each([
  ['that a broker told', 'internal-7:29092', true],
  ['that is configured', 'seed:9092', false],
])('a connection that fails to an address %s is blamed on who told it', async (_whose, broker, told) => {
  const failure = Object.assign(new Error('Connection timeout'), { name: 'KafkaJSConnectionError', broker });
  const error: unknown = await ensureTopics(cluster({ failure }).kafka, settings).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(TransientError);
  expect(String(error).includes(`${broker} is no address of kafka.brokers: a broker named it`)).toBe(told);
});
