import { setTimeout as delay } from 'node:timers/promises';

import { Partitioners, type Kafka, type Producer } from 'kafkajs';

import { ConfigError, RecordError, TransientError } from '../errors';
import { classify, withDeadline } from './faults';
import { readCommitted, type CommittedRecord } from './look';
import type { OutgoingRecord } from './transaction';

/** Writes the newest record of each key to a topic that no transaction waits for. */
export interface TelemetryWriter {
  /** Writes it soon, unless another record of that key comes first; what fails is tried again for as long as the writer is open. */
  put(key: string, record: OutgoingRecord): void;
  /** Resolves when everything is written, or after the time given. */
  flush(withinMs: number): Promise<void>;
  /** Sends nothing more; resolves when its connections are closed, or soon. */
  close(): Promise<void>;
}

/** A topic of telemetry, and who is told of what fails there. */
export interface TelemetrySettings {
  readonly topic: string;
  /** Called where a person must set something right, or where nothing has gone through three times in a row; the same may come again. */
  readonly onTrouble: (about: string) => void;
  /** The wait after a failure; 10 s unless given. */
  readonly againMs?: number;
}

const CLOSE_DEADLINE_MS = 2_000;
const SEND_DEADLINE_MS = 15_000;
const AGAIN_MS = 10_000;
const MAX_RECORDS = 500;
/** A broker that restarts is told of by those who need it. */
const TOLD_AT = 3;

/**
 * Opens a writer of telemetry. It has a plain producer: a record that is sent twice says the same twice, and a producer that has to keep
 * sequence numbers would need replacing after each change of a leader.
 */
export function openTelemetryWriter(
  kafka: Pick<Kafka, 'producer'>,
  { topic, onTrouble, againMs = AGAIN_MS }: TelemetrySettings,
): TelemetryWriter {
  const pending = new Map<string, OutgoingRecord>();
  const ended = new AbortController();
  const isOpen = (): boolean => !ended.signal.aborted;
  let producer: Producer | null = null;
  let sending: Promise<void> | null = null;
  let failures = 0;

  const sendOnce = async (): Promise<void> => {
    producer ??= newProducer(kafka);
    await producer.connect();
    const batch = [...pending].slice(0, MAX_RECORDS);
    const messages = batch.map(([, { key, value, headers, partition }]) => ({ key, value, headers, partition }));
    await producer.send({ topic, acks: -1, messages });
    for (const [name, record] of batch) if (pending.get(name) === record) pending.delete(name);
  };
  const sendAll = async (): Promise<void> => {
    while (pending.size > 0 && isOpen()) {
      try {
        await withDeadline(sendOnce(), SEND_DEADLINE_MS, `writing to ${topic}`);
        failures = 0;
      } catch (error) {
        if (!isOpen()) return;
        failures += 1;
        tellOf(classify(error, `writing to ${topic}`, { topic: `Write on topic ${topic}` }).error, failures, onTrouble);
        await drop();
        await delay(againMs, undefined, { signal: ended.signal }).catch(() => undefined);
      }
    }
  };
  const drop = async (): Promise<void> => {
    const old = producer;
    producer = null;
    await withDeadline(old?.disconnect() ?? Promise.resolve(), CLOSE_DEADLINE_MS, 'disconnecting').catch(
      () => undefined,
    );
  };
  const start = (): void => {
    sending ??= sendAll().finally(() => {
      sending = null;
    });
  };
  return {
    put(key, record) {
      // The newest goes last, so that a batch keeps the order in which things happened.
      pending.delete(key);
      pending.set(key, record);
      start();
    },
    async flush(withinMs) {
      if (sending === null) return;
      await withDeadline(sending, withinMs, `writing to ${topic}`).catch(() => undefined);
    },
    async close() {
      ended.abort();
      await drop();
      await withDeadline(sending ?? Promise.resolve(), CLOSE_DEADLINE_MS, 'closing').catch(() => undefined);
    },
  };
}

function newProducer(kafka: Pick<Kafka, 'producer'>): Producer {
  return kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    maxInFlightRequests: 1,
    retry: { retries: 3, initialRetryTime: 200, maxRetryTime: 2_000, factor: 0.2, multiplier: 2 },
  });
}

/** Writes some records to a topic of telemetry, without another try; rejects with a ConfigError or TransientError where that fails. */
export async function writeTelemetry(
  kafka: Pick<Kafka, 'producer'>,
  topic: string,
  records: readonly OutgoingRecord[],
): Promise<void> {
  const producer = newProducer(kafka);
  const messages = records.map(({ key, value, headers, partition }) => ({ key, value, headers, partition }));
  const send = async (): Promise<void> => {
    await producer.connect();
    await producer.send({ topic, acks: -1, messages });
  };
  try {
    await withDeadline(send(), SEND_DEADLINE_MS, `writing to ${topic}`);
  } catch (error) {
    throw classify(error, `writing to ${topic}`, { topic: `Write on topic ${topic}` }).error;
  } finally {
    await withDeadline(producer.disconnect(), CLOSE_DEADLINE_MS, 'disconnecting').catch(() => undefined);
  }
}

/** How a topic of telemetry is read. */
export interface FollowSettings extends TelemetrySettings {
  readonly serviceId: string;
  readonly stop: AbortSignal;
}

/**
 * Hands over every record of the topic, from its beginning and as they come; a record that cannot be read is left out. Resolves when it was
 * stopped and its connections are closed.
 */
export async function followTelemetry(
  kafka: Kafka,
  { topic, serviceId, stop, onTrouble, againMs = AGAIN_MS }: FollowSettings,
  each: (record: CommittedRecord) => Promise<void>,
): Promise<void> {
  const isWanted = (): boolean => !stop.aborted;
  let failures = 0;
  while (isWanted()) {
    try {
      await readCommitted(kafka, { serviceId, topic, follow: true, stop, deadlineMs: 0 }, async (record) => {
        failures = 0;
        await each(record).catch((error: unknown) => {
          if (!(error instanceof RecordError)) throw error;
        });
        return false;
      });
    } catch (error) {
      if (!isWanted()) return;
      failures += 1;
      tellOf(
        error instanceof ConfigError || error instanceof TransientError
          ? error
          : classify(error, `reading ${topic}`).error,
        failures,
        onTrouble,
      );
      await delay(againMs, undefined, { signal: stop }).catch(() => undefined);
    }
  }
}

function tellOf(
  error: ConfigError | TransientError,
  failures: number,
  onTrouble: TelemetrySettings['onTrouble'],
): void {
  if (error instanceof ConfigError || failures === TOLD_AT) onTrouble(error.message);
}
