import type { Kafka } from 'kafkajs';

import { isObject } from '../json';
import type { EntityId, StreamName } from '../model';
import { readCommitted, type CommittedRecord } from '../sinks/look';
import type { FoundLetter, FoundRecord } from './explain-row';

/** The topics of a service, and how a record of them is read. */
export interface ReadTopics {
  readonly kafka: Kafka;
  readonly serviceId: string;
  readonly prefix: string;
  readonly stop: AbortSignal;
  readonly deadlineMs: number;
  readonly decode: (bytes: Buffer) => unknown;
}

/** A row of one stream of one entity. */
export interface RowName {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly id: number;
}

/** The newest record of a row with its content; null = a tombstone, or bytes that no schema fits. */
export interface NewestRecord {
  readonly found: FoundRecord;
  readonly value: Readonly<Record<string, unknown>> | null;
}

/** Reads a stream's topic to its end; returns the newest record of a row, or null where there is none. */
export async function newestRecordOf(topics: ReadTopics, name: RowName): Promise<NewestRecord | null> {
  const records: CommittedRecord[] = [];
  const topic = await readTopic(topics, name.stream, async (record) => {
    if (await isOfRow(topics, record, name)) records.push(record);
  });
  const newest = records.at(-1);
  return newest === undefined ? null : newestOf(topics, topic, newest);
}

/** Reads the dead letters to their end; returns the newest one of a row, or null where there is none. */
export async function newestLetterOf(topics: ReadTopics, name: RowName): Promise<FoundLetter | null> {
  const letters: CommittedRecord[] = [];
  const topic = await readTopic(topics, 'dead-letters', async (record) => {
    if (record.headers['stream'] === name.stream && (await isOfRow(topics, record, name))) letters.push(record);
  });
  const newest = letters.at(-1);
  return newest === undefined ? null : letterOf(topic, newest);
}

/** Reads the dead letters of rows with an id to their end; each is handed out in the order of its partition. */
export async function readDeadLetters(
  topics: ReadTopics,
  each: (letter: RowName & Pick<FoundLetter, 'error' | 'errorPath'>) => void,
): Promise<void> {
  await readTopic(topics, 'dead-letters', async ({ headers, key }) => {
    const { entity, stream, error = '', error_path: errorPath = '' } = headers;
    if (entity === undefined || stream === undefined || key === null) return;
    const id = headers['id'] === undefined ? (await decoded(topics, key))?.['id'] : Number(headers['id'].split('/')[1]);
    if (typeof id === 'number') each({ entity, stream, id, error, errorPath });
  });
}

/** The ids of the documents of a stream whose newest record has a number. */
export async function idsOfNumberIn(
  topics: ReadTopics,
  { entity, stream }: Omit<RowName, 'id'>,
  number: string,
): Promise<readonly number[]> {
  const numbers = new Map<number, boolean>();
  await readTopic(topics, stream, async (record) => {
    const key = await decoded(topics, record.key);
    if (key === null || key['entity'] !== entity || typeof key['id'] !== 'number') return;
    const value = await decoded(topics, record.value);
    numbers.set(key['id'], value?.['number'] === number);
  });
  return [...numbers].flatMap(([id, isIt]) => (isIt ? [id] : []));
}

async function readTopic(
  { kafka, serviceId, prefix, stop, deadlineMs }: ReadTopics,
  name: string,
  each: (record: CommittedRecord) => Promise<void>,
): Promise<string> {
  const topic = `${prefix}.${name}`;
  await readCommitted(kafka, { serviceId, topic, follow: false, stop, deadlineMs }, async (record) => {
    await each(record);
    return false;
  });
  return topic;
}

/** By the header, which earlier versions did not write, else by the key. */
async function isOfRow(
  topics: ReadTopics,
  { headers, key }: CommittedRecord,
  { entity, id }: RowName,
): Promise<boolean> {
  if (headers['id'] !== undefined) return headers['id'] === `${entity}/${id}`;
  const parts = await decoded(topics, key);
  return parts !== null && parts['entity'] === entity && parts['id'] === id;
}

async function decoded(
  { decode }: ReadTopics,
  bytes: Buffer | null,
): Promise<Readonly<Record<string, unknown>> | null> {
  if (bytes === null) return null;
  try {
    const value = await decode(bytes);
    return isObject(value) ? value : null;
  } catch {
    // A record that no schema fits says nothing of any row.
    return null;
  }
}

async function newestOf(topics: ReadTopics, topic: string, record: CommittedRecord): Promise<NewestRecord> {
  return { found: foundOf(topic, record), value: await decoded(topics, record.value) };
}

function letterOf(topic: string, record: CommittedRecord): FoundLetter {
  const { error = '', error_path: errorPath = '' } = record.headers;
  return { ...foundOf(topic, record), error, errorPath };
}

function foundOf(topic: string, { partition, offset, timestampMs, headers, value }: CommittedRecord): FoundRecord {
  const { observed_at: observedAt = null, op = null, scan = null, fingerprint = null } = headers;
  return {
    topic,
    partition,
    offset,
    timestamp: new Date(timestampMs).toISOString(),
    observedAt,
    op: value === null ? 'd' : op,
    scan,
    fingerprint,
  };
}
