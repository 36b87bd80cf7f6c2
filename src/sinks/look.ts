import { randomBytes } from 'node:crypto';

import type { IHeaders, Kafka } from 'kafkajs';

import { ConfigError, TransientError } from '../errors';
import { classify, withDeadline } from './faults';
import { correctReadCommitted } from './read-committed';

/** One committed record of any topic. */
export interface CommittedRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** What to read and how far. */
export interface CommittedReadOptions {
  readonly serviceId: string;
  readonly topic: string;
  /** Go on after the end that the topic has now, until stopped. */
  readonly follow: boolean;
  /** Ends the reading early. */
  readonly stop?: AbortSignal;
  readonly deadlineMs: number;
}

const CLOSE_DEADLINE_MS = 5_000;

/**
 * Reads the committed records of a topic from its beginning to the high watermark that it has now, through a throw-away group that the
 * service does not notice. Stops early when `each` returns true.
 */
export async function readCommitted(
  kafka: Kafka,
  options: CommittedReadOptions,
  each: (record: CommittedRecord) => boolean | Promise<boolean>,
): Promise<void> {
  correctReadCommitted();
  const ends = await endOffsets(kafka, options.topic);
  const left = new Set(ends.filter(({ low, high }) => low < high).map(({ partition }) => partition));
  if (left.size === 0 && !options.follow) return;

  const groupId = throwAwayGroup(options.serviceId);
  let isWanted = true;
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: 10_000,
    heartbeatInterval: 1_000,
    maxWaitTimeInMs: 100,
    allowAutoTopicCreation: false,
    retry: {
      retries: 3,
      initialRetryTime: 200,
      maxRetryTime: 2_000,
      factor: 0.2,
      multiplier: 2,
      // Disconnecting does not end a restart that is under way.
      restartOnFailure: () => Promise.resolve(isWanted),
    },
  });
  // A consumer that was being restarted when it left would read on for nobody: the throw makes it give up.
  consumer.on(consumer.events.GROUP_JOIN, () => {
    if (!isWanted) throw new Error(`the reading of ${options.topic} has ended`);
  });
  let done: () => void = () => undefined;
  let failed: (error: unknown) => void = () => undefined;
  const whole = new Promise<void>((resolve, reject) => {
    done = resolve;
    failed = reject;
  });
  whole.catch(() => undefined);
  const { stop } = options;
  stop?.addEventListener('abort', done);
  if (stop?.aborted === true) done();

  const reached = (partition: number, offset: number): void => {
    const high = ends.find((end) => end.partition === partition)?.high ?? 0;
    if (offset >= high - 1) left.delete(partition);
    if (left.size === 0 && !options.follow) done();
  };
  // The event comes also for batches that hold nothing but aborted records and markers.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) =>
    reached(payload.partition, Number(payload.lastOffset)),
  );
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) failed(payload.error);
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic: options.topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message }) => {
        const end = ends.find((known) => known.partition === partition)?.high ?? 0;
        if (!options.follow && Number(message.offset) >= end) return;
        const { key, value, timestamp, offset } = message;
        const seen = {
          partition,
          offset: Number(offset),
          timestampMs: Number(timestamp),
          key,
          value,
          headers: textHeaders(message.headers),
        };
        try {
          if (await each(seen)) done();
        } catch (error) {
          failed(error);
        }
      },
    });
    await (options.follow ? whole : withDeadline(whole, options.deadlineMs, `reading ${options.topic} to its end`));
  } catch (error) {
    if (error instanceof ConfigError || error instanceof TransientError) throw error;
    throw classify(error, `reading ${options.topic}`, {
      topic: `Read on topic ${options.topic}`,
      group: `Read on the groups that begin with ${options.serviceId}.look.`,
    }).error;
  } finally {
    isWanted = false;
    stop?.removeEventListener('abort', done);
    await withDeadline(consumer.disconnect(), CLOSE_DEADLINE_MS, 'leaving the group').catch(() => undefined);
    await dropGroup(kafka, groupId);
  }
}

/** Where each partition of a topic begins and ends now. */
export async function endOffsets(
  kafka: Kafka,
  topic: string,
): Promise<{ partition: number; low: number; high: number }[]> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    if (!(await admin.listTopics()).includes(topic)) {
      throw new ConfigError(
        `reading ${topic}: expected a topic of that name, got none in the cluster, or none that the service's user has the right to Read`,
      );
    }
    const offsets = await admin.fetchTopicOffsets(topic);
    return offsets.map(({ partition, low, high }) => ({ partition, low: Number(low), high: Number(high) }));
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw classify(error, `looking at ${topic}`, { topic: `Read on topic ${topic}` }).error;
  } finally {
    await admin.disconnect();
  }
}

/** A name for a group that one reading is made through. */
export function throwAwayGroup(serviceId: string): string {
  return `${serviceId}.look.${randomBytes(6).toString('hex')}`;
}

/** Empty groups would pile up for a week; a cluster that forbids it is left alone. */
export async function dropGroup(kafka: Kafka, groupId: string): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.deleteGroups([groupId]);
  } catch {
    // The broker drops it by itself later.
  } finally {
    await admin.disconnect();
  }
}

function textHeaders(headers: IHeaders | undefined): Record<string, string> {
  const text: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) text[name] = first.toString();
  }
  return text;
}
