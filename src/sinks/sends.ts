import type { Message, RecordMetadata } from 'kafkajs';

import { encodedBytes } from './record-size';
import type { Batch } from './transaction';

/** Where a batch goes, and how large its sends may be. */
export interface SendLimits {
  readonly stateTopic: string;
  readonly partition: number;
  /** Largest batch of one partition of a topic in one send, in bytes. */
  readonly maxBatchBytes: (topic: string) => number;
}

const MAX_RECORDS_A_PARTITION = 1_000;

/** Messages of one request to Kafka, by topic and partition. */
export type Send = Map<string, Map<number, Message[]>>;

/**
 * Cuts a batch into sends: the shard's own partition alone first (the only send that may be repeated), then everything else, each
 * send holding at most one record batch a partition below the limit.
 */
export function sendRounds(options: SendLimits, batch: Batch): Send[] {
  const state = chunked(
    batch.state.map(({ key, value }) => ({ topic: options.stateTopic, partition: options.partition, key, value })),
    options.maxBatchBytes,
  );
  const records = chunked(batch.records, options.maxBatchBytes);
  return [...state, ...records];
}

/** Where a topic may not be written to, the broker's answer does not name it: the first records of each go alone. */
export function oneTopicAtATime(round: Send, allowed: ReadonlySet<string>): Send[] {
  if ([...round.keys()].every((topic) => allowed.has(topic))) return [round];
  return [...round].map(([topic, partitions]) => new Map([[topic, partitions]]));
}

/** The messages of one partition that go into one send. */
interface Chunk {
  readonly round: number;
  readonly messages: Message[];
  bytes: number;
}

function chunked(
  messages: readonly (Message & { readonly topic: string; readonly partition: number })[],
  maxBytes: (topic: string) => number,
): Send[] {
  const rounds: Send[] = [];
  const filling = new Map<string, Map<number, Chunk>>();
  for (const message of messages) {
    const { topic, partition } = message;
    const bytes = encodedBytes(message);
    const chunks = entryOf(filling, topic, () => new Map<number, Chunk>());
    let chunk = chunks.get(partition);
    const isFull =
      chunk !== undefined &&
      (chunk.bytes + bytes > maxBytes(topic) || chunk.messages.length >= MAX_RECORDS_A_PARTITION);
    if (chunk === undefined || isFull) {
      chunk = { round: chunk === undefined ? 0 : chunk.round + 1, messages: [], bytes: 0 };
      chunks.set(partition, chunk);
      const round = (rounds[chunk.round] ??= new Map());
      entryOf(round, topic, () => new Map<number, Message[]>()).set(partition, chunk.messages);
    }
    chunk.bytes += bytes;
    chunk.messages.push(message);
  }
  return rounds;
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key);
  if (value !== undefined) return value;
  const made = make();
  map.set(key, made);
  return made;
}

/** The messages of a send as kafkajs takes them. */
export function topicMessages(send: Send): { topic: string; messages: Message[] }[] {
  return [...send].map(([topic, partitions]) => ({ topic, messages: [...partitions.values()].flat() }));
}

/** A send that was answered without an error may still have left a partition out: kafkajs counts brokers, not partitions. */
export function checkCoverage(
  send: Send,
  result: readonly RecordMetadata[],
  lastOffsets: Map<string, Map<number, number>>,
): void {
  const answered = new Map<string, number>();
  for (const { topicName, partition, errorCode } of result) {
    if (errorCode !== 0) throw new Error(`partition ${partition} of ${topicName} answered error code ${errorCode}`);
    const place = `${topicName} ${partition}`;
    answered.set(place, (answered.get(place) ?? 0) + 1);
  }
  for (const [topic, partitions] of send) {
    for (const [partition, messages] of partitions) {
      const times = answered.get(`${topic} ${partition}`) ?? 0;
      if (times !== 1) {
        throw new Error(
          `sent ${messages.length} records to partition ${partition} of ${topic}, expected one answer for it, got ${times}`,
        );
      }
      const baseOffset = result.find(
        (answer) => answer.topicName === topic && answer.partition === partition,
      )?.baseOffset;
      const offsets = lastOffsets.get(topic) ?? new Map<number, number>();
      lastOffsets.set(topic, offsets);
      offsets.set(partition, Number(baseOffset) + messages.length - 1);
    }
  }
}
