import type { Admin } from 'kafkajs';

import type { ConfigError, TransientError } from '../errors';
import { classify, kafkaType } from './faults';

/** A topic to be made. */
interface NewTopic {
  readonly topic: string;
  readonly partitions: number;
  readonly config: Readonly<Record<string, string>>;
}

/** Settings without which a topic is not what it has to be; the others spare room and time. */
const NEEDED: ReadonlySet<string> = new Set(['cleanup.policy', 'min.insync.replicas']);
const SETTINGS_REFUSED: ReadonlySet<string> = new Set(['POLICY_VIOLATION', 'INVALID_CONFIG']);

/** Makes topics; where the cluster does not allow their settings, those that can be done without are left out. Returns what to warn of. */
export async function createTopics(
  admin: Admin,
  topics: readonly NewTopic[],
  { replicationFactor }: { readonly replicationFactor: number },
  mode: { readonly validateOnly: boolean },
): Promise<string[]> {
  const minInsync = replicationFactor >= 3 ? { 'min.insync.replicas': '2' } : {};
  const whole = topics.map((topic) => ({ ...topic, config: { ...topic.config, ...minInsync } }));
  try {
    await requestTopics(admin, whole, replicationFactor, mode);
    return [];
  } catch (error) {
    const names = notCreated(error);
    if (names === null || !SETTINGS_REFUSED.has(kafkaType(error))) throw creationFault(error, topics);
    const refused = whole.filter(({ topic }) => names.includes(topic));
    const plain = refused.map((topic) => ({
      ...topic,
      config: Object.fromEntries(Object.entries(topic.config).filter(([name]) => NEEDED.has(name))),
    }));
    const left = [...new Set(refused.flatMap(({ config }) => Object.keys(config).filter((name) => !NEEDED.has(name))))];
    if (left.length === 0) throw creationFault(error, topics);
    try {
      await requestTopics(admin, plain, replicationFactor, mode);
    } catch (again) {
      throw creationFault(again, plain);
    }
    return [
      `creating ${names.join(', ')}: the broker does not allow their settings (${reasonsOf(error)}); ${mode.validateOnly ? 'they will be' : 'they were'} made without ${left.join(', ')}, so that compaction follows the broker's own`,
    ];
  }
}

async function requestTopics(
  admin: Admin,
  topics: readonly NewTopic[],
  replicationFactor: number,
  { validateOnly }: { readonly validateOnly: boolean },
): Promise<void> {
  await admin.createTopics({
    // Waiting for leaders can fail on KRaft though the topic was created; the metadata is polled below instead.
    waitForLeaders: false,
    validateOnly,
    topics: topics.map(({ topic, partitions, config }) => ({
      topic,
      numPartitions: partitions,
      replicationFactor,
      configEntries: Object.entries(config).map(([name, value]) => ({ name, value })),
    })),
  });
}

function creationFault(error: unknown, topics: readonly NewTopic[]): ConfigError | TransientError {
  const names = notCreated(error) ?? topics.map(({ topic }) => topic);
  const topic = `Create on topic ${names.join(' and topic ')}, or on the cluster`;
  const reasons = reasonsOf(error);
  return classify(error, `creating ${names.join(', ')}${reasons === '' ? '' : ` (${reasons})`}`, { topic }).error;
}

/** Why topics were not created, in the broker's words. */
function reasonsOf(error: unknown): string {
  if (!(error instanceof Error) || !('errors' in error) || !Array.isArray(error.errors)) return '';
  const reasons = error.errors.flatMap((each: unknown) =>
    each instanceof Error && kafkaType(each) !== 'TOPIC_ALREADY_EXISTS' ? [each.message] : [],
  );
  return [...new Set(reasons)].join('; ');
}

/** Which topics an error is about, where it says so. */
function notCreated(error: unknown): string[] | null {
  if (!(error instanceof Error) || !('errors' in error) || !Array.isArray(error.errors)) return null;
  return error.errors.flatMap((each: unknown) =>
    each instanceof Error && 'topic' in each && kafkaType(each) !== 'TOPIC_ALREADY_EXISTS' ? [String(each.topic)] : [],
  );
}
