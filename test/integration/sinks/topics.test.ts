import { ConfigError } from '../../../src/errors';
import { ensureTopics, missingTopics, wantedTopics, type TopicSettings } from '../../../src/sinks/topics';
import { brokers, cleanUp, kafkaClient, uniqueName, until, withAdmin } from '../../support/kafka';

/** Settings of a service with topics of its own, which are deleted after the test. */
function service(settings: Partial<TopicSettings> = {}): TopicSettings {
  const prefix = uniqueName('topics');
  cleanUp(() =>
    withAdmin(kafkaClient(), async (admin) => {
      const topics = (await admin.listTopics()).filter((name) => name.startsWith(prefix));
      if (topics.length > 0) await admin.deleteTopics({ topics });
    }),
  );
  return {
    brokers: brokers(),
    prefix,
    data: ['clients'],
    formerData: ['lines'],
    dataPartitions: 2,
    statePartitions: 3,
    replicationFactor: 1,
    create: true,
    ...settings,
  };
}

const names = (settings: TopicSettings): string[] => wantedTopics(settings).map(({ topic }) => topic);

test('missing topics are named without being created, and created when they are ensured', async () => {
  const settings = service();
  const kafka = kafkaClient();
  expect(await missingTopics(kafka, settings)).toEqual(names(settings));
  expect(await missingTopics(kafka, settings)).toEqual(names(settings));

  const topics = await ensureTopics(kafka, settings);
  expect(await missingTopics(kafka, settings)).toEqual([]);
  expect([topics.data.get('clients')?.partitions, topics.state.partitions]).toEqual([2, 3]);
  expect(topics.highWatermarks.get(topics.state.name)).toEqual([0, 0, 0]);
  expect([...topics.data.keys()]).toEqual(['clients']);
  expect(topics.warnings).toEqual([]);
});

test('topics with other partitions or another cleanup policy than configured are used, with a warning', async () => {
  const settings = service({ data: [] });
  const kafka = kafkaClient();
  const topic = `${settings.prefix}.clients`;
  await withAdmin(kafka, async (admin) => {
    await admin.createTopics({ topics: [{ topic, numPartitions: 5 }], waitForLeaders: false });
    const answered = (): Promise<boolean> =>
      admin.fetchTopicOffsets(topic).then(
        () => true,
        () => false,
      );
    await until(answered, { what: `the leaders of ${topic} to answer` });
  });
  const { data, warnings } = await ensureTopics(kafka, { ...settings, data: ['clients'] });
  expect(data.get('clients')?.partitions).toBe(5);
  expect(warnings).toEqual([
    expect.stringContaining('expected 2 partitions as configured, got 5'),
    expect.stringContaining('expected cleanup.policy=compact, got delete'),
  ]);
});

test('a topic that must exist and is gone is named as lost', async () => {
  const settings = service();
  const kafka = kafkaClient();
  await ensureTopics(kafka, settings);
  const lost = `${settings.prefix}.sweeps`;
  await withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [lost] }));
  // A broker that is asked about a topic just deleted still knows of it for a moment.
  const error = await until(
    async () => {
      const failure: unknown = await ensureTopics(kafka, { ...settings, create: 'must-exist' }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      return failure instanceof ConfigError && failure.message.includes('to exist') && failure;
    },
    { what: `${lost} to be gone`, withinMs: 30_000 },
  );
  expect(error.message).toContain(`expected ${lost} to exist as when the service started`);
});

test('a topic that is missing and may not be created is named with the setting', async () => {
  const settings = service({ create: false });
  await expect(ensureTopics(kafkaClient(), settings)).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('as topics.create is false') as string,
  });
});
