import { parseArgs } from 'node:util';

import { allStreams, kafkaSettings } from '../service';
import { createSingleObjectDecoder } from '../sinks/avro';
import { createKafka } from '../sinks/kafka';
import { look, type Seen } from '../sinks/look';
import { configHelp, configOptions, setUp, usageError, type Io } from './io';

const help = `Usage: infakt-kafka peek TOPIC [options]

Prints the committed records of a topic, oldest first in each partition, one JSON line each: key, headers, partition, offset, value.
TOPIC is a full name, or one without the prefix: clients, invoices, dead-letters.

Options
  --entity ID        only records of this entity
  --id N             only records of this id
  --limit N          stop after so many
  --follow           go on with what comes, until stopped
${configHelp}
`;

const DEADLINE_MS = 10 * 60_000;

/** `infakt-kafka peek`: returns the exit code. */
export async function peekCommand(argv: readonly string[], io: Io): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      ...configOptions,
      entity: { type: 'string' },
      id: { type: 'string' },
      limit: { type: 'string' },
      follow: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    io.stdout(help);
    return 0;
  }
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw usageError(`expected one topic, got ${positionals.length}`);
  const limit = wholeNumber('--limit', values.limit) ?? Infinity;
  const id = wholeNumber('--id', values.id);
  const { config, kafkaLog } = setUp(
    io,
    values,
    allStreams.map((stream) => stream.name),
  );
  const { prefix } = config.service.topics;
  const topic = name.startsWith(`${prefix}.`) ? name : `${prefix}.${name}`;

  const decode = createSingleObjectDecoder();
  let printed = 0;
  await look(
    createKafka(kafkaSettings(config), kafkaLog),
    {
      serviceId: config.service.service.id,
      topic,
      follow: values.follow,
      stopped: io.stopped,
      deadlineMs: DEADLINE_MS,
    },
    (record) => {
      if (printed >= limit) return true;
      const key = readable(decode, record.key);
      if (values.entity !== undefined && record.headers['entity'] !== values.entity) return false;
      if (id !== undefined && !(typeof key === 'object' && key !== null && 'id' in key && key.id === id)) return false;
      io.stdout(`${line(topic, record, key, readable(decode, record.value))}\n`);
      printed += 1;
      return printed >= limit;
    },
  );
  return 0;
}

function line(topic: string, { partition, offset, timestampMs, headers }: Seen, key: unknown, value: unknown): string {
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

/** Avro decoded, JSON parsed; what neither reads, such as a record of an older schema, as base64. */
function readable(decode: (bytes: Buffer) => unknown, bytes: Buffer | null): unknown {
  if (bytes === null) return null;
  try {
    if (bytes[0] === 0xc3 && bytes[1] === 0x01) return decode(bytes);
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
