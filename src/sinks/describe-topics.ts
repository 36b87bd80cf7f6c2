import { ConfigResourceTypes, type Admin } from 'kafkajs';

import { ConfigError, TransientError } from '../errors';
import { CLOCK_SETTINGS } from './clock-bounds';
import { classify, kafkaType } from './faults';

/** Rejects with a ConfigError where a topic that is not listed is there all the same: what a user may not see is left out of the list. */
export async function refuseHidden(admin: Admin, missing: readonly { readonly topic: string }[]): Promise<void> {
  for (const { topic } of missing) {
    const there = await topicConfigs(admin, [topic]).catch((error: unknown) => {
      if (kafkaType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return null;
      throw error;
    });
    if (there !== null)
      throw new ConfigError(
        `looking at ${topic}: expected to see it, got a topic that is there and is not shown; give the service's user ${rightsOn(topic)}, see docs/security.md`,
        { mayPass: true },
      );
  }
}

/** Each of them brings Describe with it. */
function rightsOn(topic: string): string {
  return topic.endsWith('.state') || topic.endsWith('.status')
    ? `Read and Write on topic ${topic}`
    : `Write on topic ${topic}`;
}

/** How many partitions each topic has, once every partition has a leader. */
export async function partitionCounts(admin: Admin, names: readonly string[]): Promise<Map<string, number>> {
  return retryUntilVisible(`a leader for every partition of ${names.join(', ')}`, async () => {
    const { topics } = await askFor(names, rightsOn, (some) => admin.fetchTopicMetadata({ topics: [...some] }));
    const led = topics.filter(
      ({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0),
    );
    if (led.length < names.length)
      throw new TransientError(`${names.length - led.length} topics have partitions without a leader`);
    return new Map(led.map(({ name, partitions }) => [name, partitions.length]));
  });
}

/** Where each partition of a topic ends, and how many records, markers included, the topic holds. */
export async function topicEnds(
  admin: Admin,
  name: string,
): Promise<{ readonly ends: readonly number[]; readonly records: number }> {
  const offsets = await retryUntilVisible(`the end of each partition of ${name}`, () => admin.fetchTopicOffsets(name));
  const ends: number[] = [];
  let records = 0;
  for (const { partition, high, low } of offsets) {
    ends[partition] = Number(high);
    records += Number(high) - Number(low);
  }
  return { ends, records };
}

/** The settings of topics that this program looks at, by topic and name. */
export async function topicConfigs(admin: Admin, names: readonly string[]): Promise<Map<string, Map<string, string>>> {
  const { resources } = await askFor(
    names,
    (topic) => `DescribeConfigs on topic ${topic}`,
    (some) =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: some.map((name) => ({
          type: ConfigResourceTypes.TOPIC,
          name,
          configNames: ['cleanup.policy', 'max.message.bytes', 'compression.type', ...CLOCK_SETTINGS],
        })),
      }),
  );
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}

/** Asks about several topics; as the broker does not say which one it refuses to tell of, each is then asked about alone. */
async function askFor<T>(
  names: readonly string[],
  right: (topic: string) => string,
  ask: (names: readonly string[]) => Promise<T>,
): Promise<T> {
  try {
    return await ask(names);
  } catch (error) {
    const refusal = classify(error, `looking at ${names.join(', ')}`, { topic: names.map(right).join(' and ') });
    if (refusal.kind !== 'forbidden') throw error;
    if (names.length > 1) for (const name of names) await askFor([name], right, ask);
    throw refusal.error;
  }
}

/** A topic just created is known to its brokers one after the other: asks until the answer holds, for at most 15 s. */
async function retryUntilVisible<T>(expected: string, ask: () => Promise<T>): Promise<T> {
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
