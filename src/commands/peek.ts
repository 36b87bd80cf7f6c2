import { isObject } from '../json';
import { allStreams } from '../sources/streams/all-streams';
import { kafkaSettings } from '../service/cluster';
import { userAgentOf } from '../service/api';
import { createKafka } from '../sinks/client';
import { readCommitted, type CommittedRecord } from '../sinks/look';
import { createRecordReader } from '../sinks/record-reader';
import { createRegistry } from '../sinks/registry';
import { command } from './command';
import { configHelp, configOptions, setUp, usageError } from './io';

const help = `Usage: infakt-kafka peek TOPIC [options]

Prints the committed records of a topic, oldest first in each partition, one JSON line each: key, headers, partition, offset, value.
TOPIC is a full name, or one without the prefix: ${allStreams.map(({ name }) => name).join(', ')}, sweeps, entities, dead-letters.

Options
  --entity ID        only records of this entity
  --id N             only records of this id
  --limit N          stop after so many
  --last N           only the newest N, by the time at which they were written
  --follow           go on with what comes, until stopped
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
  },
  takesWords: true,
  async run(values, io, words) {
    const [name, ...more] = words;
    if (name === undefined || more.length > 0) throw usageError(`expected one topic, got ${words.length}`);
    const limit = wholeNumber('--limit', values.limit) ?? Infinity;
    const id = wholeNumber('--id', values.id);
    const last = wholeNumber('--last', values.last);
    if (last !== undefined && (values.follow || values.limit !== undefined))
      throw usageError('expected --last alone, as it needs the whole topic: got it with --follow or --limit');
    const newest = last === undefined ? null : new NewestRecords(last);
    const { config, kafkaLog, secrets } = setUp(io, values, { needsApiKeys: false });
    const { prefix } = config.service.topics;
    const entities = new Set(config.entities.map((entity) => entity.id));
    const topic = name.startsWith(`${prefix}.`) ? name : `${prefix}.${name}`;

    const settings = config.service.registry;
    const registry = settings === null ? null : createRegistry({ settings, userAgent: userAgentOf(io.version) });
    const decode = createRecordReader(registry);
    const lineOf = async (record: CommittedRecord): Promise<string> =>
      line(topic, record, await readable(decode, record.key), await readable(decode, record.value));
    let printed = 0;
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
        const key = await readable(decode, record.key);
        if (record.headers['entity'] !== undefined) entities.add(record.headers['entity']);
        if (values.entity !== undefined && record.headers['entity'] !== values.entity) return false;
        if (id !== undefined && idOf(key) !== id) return false;
        if (newest !== null) {
          newest.add(record);
          return false;
        }
        io.stdout(`${await lineOf(record)}\n`);
        printed += 1;
        return printed >= limit;
      },
    )
      .then(async () => {
        for (const record of newest?.records() ?? []) io.stdout(`${await lineOf(record)}\n`);
      })
      .finally(() => registry?.close());
    if (values.entity !== undefined && !entities.has(values.entity))
      throw usageError(
        `--entity expects one that is configured or has records in ${topic} (${[...entities].join(', ')}), got "${values.entity}"`,
      );
    return 0;
  },
});

/** Keeps the newest records of a reading, whatever the partition, and few others. */
class NewestRecords {
  #kept: CommittedRecord[] = [];

  constructor(private readonly most: number) {}

  add(record: CommittedRecord): void {
    this.#kept.push(record);
    if (this.#kept.length > 2 * this.most + 100) this.#kept = this.records();
  }

  /** The newest, the oldest of them first. */
  records(): CommittedRecord[] {
    const byTime = this.#kept.toSorted((one, other) => one.timestampMs - other.timestampMs);
    return this.most === 0 ? [] : byTime.slice(-this.most);
  }
}

type DecodeBytes = (bytes: Buffer) => unknown;

function line(
  topic: string,
  { partition, offset, timestampMs, headers }: CommittedRecord,
  key: unknown,
  value: unknown,
): string {
  return JSON.stringify({
    topic,
    partition,
    offset,
    timestamp: new Date(timestampMs).toISOString(),
    key,
    headers,
    value,
  });
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
