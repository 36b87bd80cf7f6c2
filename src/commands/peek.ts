import { didYouMean } from '../../config/near-miss';
import { isObject } from '../json';
import { allStreams, projectionNames } from '../sources/streams/all-streams';
import { kafkaSettings } from '../service/cluster';
import { userAgentOf } from '../service/api';
import { createKafka } from '../sinks/client';
import { readCommitted, type CommittedRecord } from '../sinks/look';
import { openRecordReader } from '../sinks/record-reader';
import { command } from './command';
import { configHelp, configOptions, setUp, usageError } from './io';

/** Every topic of a service, without the prefix. */
const TOPICS: readonly string[] = [
  ...allStreams.map(({ name }) => name),
  ...projectionNames,
  'sweeps',
  'entities',
  'status',
  'dead-letters',
  'state',
];

const help = `Usage: infakt-kafka peek TOPIC [options]

Prints the committed records of a topic, oldest first in each partition, one JSON line each: key, headers, partition, offset, value.
TOPIC is a full name, or one without the prefix: ${TOPICS.join(', ')}.

Options
  --entity ID        only records of this entity
  --id N             only records of this id
  --limit N          stop after so many
  --last N           only the newest so many, oldest first
  --follow           go on with what comes, until stopped
  --pretty           each record on lines of its own, for people
${configHelp}
`;

const DEADLINE_MS = 10 * 60_000;

/** `infakt-kafka peek`: prints records. */
export const peekCommand = command({
  help,
  options: {
    ...configOptions,
    entity: { type: 'string' },
    id: { type: 'string' },
    limit: { type: 'string' },
    last: { type: 'string' },
    follow: { type: 'boolean', default: false },
    pretty: { type: 'boolean', default: false },
  },
  takesWords: true,
  async run(values, io, words) {
    const [name, ...more] = words;
    if (name === undefined || more.length > 0)
      throw usageError(`expected one topic (${TOPICS.join(', ')}), got ${words.length}`);
    const limit = wholeNumber('--limit', values.limit) ?? Infinity;
    const last = wholeNumber('--last', values.last);
    if (last !== undefined && (values.follow || values.limit !== undefined))
      throw usageError('expected --last alone, got --limit or --follow too');
    const id = wholeNumber('--id', values.id);
    const { config, kafkaLog, secrets } = setUp(io, values, { needsApiKeys: false });
    const { prefix } = config.service.topics;
    const entities = new Set(config.entities.map((entity) => entity.id));
    const topic = topicNamed(name, prefix);

    const reader = openRecordReader(config.service.registry, userAgentOf(io.version));
    const { decode } = reader;
    const newest = last === undefined ? null : createNewest(last);
    const print = async (record: CommittedRecord): Promise<void> => {
      const seen = seenRecord(topic, record, await readable(decode, record.key), await readable(decode, record.value));
      io.stdout(`${JSON.stringify(seen, null, values.pretty ? 2 : 0)}\n`);
    };
    let printed = 0;
    const read = async (): Promise<void> => {
      await readCommitted(
        createKafka(kafkaSettings(config, secrets), kafkaLog),
        {
          serviceId: config.service.service.id,
          topic,
          follow: values.follow,
          stop: io.stop,
          deadlineMs: DEADLINE_MS,
        },
        async (record) => {
          if (printed >= limit) return true;
          if (record.headers['entity'] !== undefined) entities.add(record.headers['entity']);
          if (values.entity !== undefined && record.headers['entity'] !== values.entity) return false;
          if (id !== undefined && idOf(await readable(decode, record.key)) !== id) return false;
          if (newest !== null) {
            newest.add(record);
            return false;
          }
          await print(record);
          printed += 1;
          return printed >= limit;
        },
      );
      for (const record of newest?.all() ?? []) await print(record);
    };
    await read().finally(() => reader.close());
    if (values.entity !== undefined && !entities.has(values.entity))
      throw usageError(
        `--entity expects one that is configured or has records in ${topic} (${[...entities].join(', ')}), got "${values.entity}"${didYouMean(values.entity, [...entities])}`,
      );
    return 0;
  },
});

/** The full name of a topic. */
function topicNamed(name: string, prefix: string): string {
  if (name.startsWith(`${prefix}.`)) return name;
  if (TOPICS.includes(name)) return `${prefix}.${name}`;
  throw usageError(
    `expected a topic of ${TOPICS.join(', ')}, or a full name that begins with "${prefix}.", got "${name}"${didYouMean(name, TOPICS)}`,
  );
}

/** Keeps the newest records of those that it is given, whose order is that of their partitions. */
export function createNewest(most: number) {
  const kept = new Map<number, CommittedRecord[]>();
  return {
    add(record: CommittedRecord): void {
      const records = kept.get(record.partition) ?? [];
      kept.set(record.partition, records);
      records.push(record);
      if (records.length > most) records.shift();
    },
    /** The oldest first. */
    all: (): readonly CommittedRecord[] =>
      [...kept.values()]
        .flat()
        .toSorted(
          (one, other) =>
            one.timestampMs - other.timestampMs || one.partition - other.partition || one.offset - other.offset,
        )
        .slice(most === 0 ? Infinity : -most),
  };
}

type DecodeBytes = (bytes: Buffer) => unknown;

function seenRecord(
  topic: string,
  { partition, offset, timestampMs, headers }: CommittedRecord,
  key: unknown,
  value: unknown,
): Record<string, unknown> {
  return { topic, partition, offset, timestamp: new Date(timestampMs).toISOString(), key, headers, value };
}

/** The id in a record's key; the key of a line holds the id of its document. */
function idOf(key: unknown): unknown {
  if (!isObject(key)) return undefined;
  return key['id'] ?? key['invoice_id'];
}

/** Bytes as a person reads them: Avro decoded, JSON parsed, anything else, such as a record of an older schema, as base64. */
async function readable(decode: DecodeBytes, bytes: Buffer | null): Promise<unknown> {
  if (bytes === null) return null;
  try {
    if ((bytes[0] === 0xc3 && bytes[1] === 0x01) || bytes[0] === 0) return await decode(bytes);
    return JSON.parse(bytes.toString());
  } catch {
    return { base64: bytes.toString('base64') };
  }
}

function wholeNumber(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw usageError(`${option} expects a whole number, got "${text}"`);
  return Number(text);
}
