import { parseArgs } from 'node:util';
import { Kafka, logLevel, Partitioners, type Message, type Producer, type TopicMessages } from 'kafkajs';
import { firstValueFrom } from 'rxjs';

import { createHttp } from '../../src/http';
import { createEncoder, loadSchema, singleObjectPrefix } from '../../src/sinks/avro';
import { partitionOf } from '../../src/sinks/partition';
import { createDecoder } from '../../src/changes/decode';
import type { Row } from '../../src/model';

// What a page costs at least: the loops that anybody would write first. They use the service's own HTTP edge, decoder and Avro encoder, so
// that both sides get and write the same bytes, and its safe producer settings; no ledger, no fingerprints, no anchors, no recovery.

const LIMIT = 100;
const ENTITY = 'bench';

interface Floor {
  readonly url: string;
  readonly key: string;
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly partitions: number;
}

interface Answer {
  readonly entities: readonly Row[];
  readonly metainfo: { readonly total_count: number };
}

type Fetch = (offset: number) => Promise<Answer>;

function pages({ url, key }: Floor): { readonly get: Fetch; readonly close: () => void } {
  const http = createHttp({ timeoutMs: 30_000, maxBytes: 64 * 1024 * 1024, userAgent: 'bench' });
  const headers = { 'X-inFakt-ApiKey': key, Accept: 'application/json' };
  return {
    async get(offset) {
      const address = `${url}/api/v3/invoices.json?order=id+asc&offset=${offset}&limit=${LIMIT}`;
      const { text } = await firstValueFrom(http.exchange({ url: address, headers }));
      return JSON.parse(text) as Answer;
    },
    close: http.close,
  };
}

/** What a loop did, from its first request to its last commit. */
interface Measured {
  readonly rows: number;
  readonly seconds: number;
}

/** Fetch and parse alone, one page after the other. */
async function readOnly(floor: Floor): Promise<Measured> {
  const { get, close } = pages(floor);
  const begun = performance.now();
  let rows = 0;
  for (;;) {
    const { entities } = await get(rows);
    rows += entities.length;
    if (entities.length < LIMIT) break;
  }
  const seconds = (performance.now() - begun) / 1_000;
  close();
  return { rows, seconds };
}

/** Fetch, encode, commit: so many pages a transaction, the next page fetched meanwhile or not. */
async function readAndWrite(floor: Floor, pagesATransaction: number, ahead: boolean): Promise<Measured> {
  const { get, close } = pages(floor);
  const messageOf = createMessages(floor);
  const producer = await openProducer(floor);
  const begun = performance.now();
  let rows = 0;
  let next = get(0);
  for (let end = false; !end;) {
    const messages: Message[] = [];
    for (let page = 0; page < pagesATransaction && !end; page += 1) {
      const { entities } = await next;
      rows += entities.length;
      end = entities.length < LIMIT;
      if (ahead && !end) next = get(rows);
      for (const row of entities) messages.push(messageOf(row));
    }
    await commit(producer, floor, messages, rows);
    if (!ahead && !end) next = get(rows);
  }
  const seconds = (performance.now() - begun) / 1_000;
  close();
  await producer.disconnect();
  return { rows, seconds };
}

function createMessages({ partitions }: Floor): (row: Row) => Message {
  const keyText = loadSchema('invoice-key');
  const valueText = loadSchema('invoice');
  const keys = createEncoder(keyText, { prefix: singleObjectPrefix(keyText) });
  const values = createEncoder(valueText, { prefix: singleObjectPrefix(valueText) });
  const decode = createDecoder(valueText);
  return (row) => {
    const now = Date.now();
    return {
      partition: partitionOf(`${ENTITY}/${row.id}`, partitions),
      key: keys.encode({ entity: ENTITY, id: row.id }),
      value: values.encode(decode(row, ENTITY, now).record),
      headers: {
        entity: ENTITY,
        stream: 'invoices',
        op: 'r',
        scan: 'sweep',
        observed_at: new Date(now).toISOString(),
        fingerprint: '0123456789abcdef',
      },
    };
  };
}

async function openProducer({ brokers, prefix }: Floor): Promise<Producer> {
  const kafka = new Kafka({ clientId: 'bench', brokers: [...brokers], logLevel: logLevel.NOTHING });
  const producer = kafka.producer({
    transactionalId: prefix,
    idempotent: false,
    maxInFlightRequests: 1,
    transactionTimeout: 30_000,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { retries: 0 },
  });
  await producer.connect();
  return producer;
}

/** The cursor alone first, which may be sent again while the last transaction is being ended; then the rows. */
async function commit(producer: Producer, { prefix }: Floor, messages: Message[], offset: number): Promise<void> {
  const transaction = await producer.transaction();
  const cursor = { partition: 0, key: 'cursor', value: JSON.stringify({ offset }) };
  const send = (topicMessages: TopicMessages[]) => transaction.sendBatch({ acks: -1, topicMessages });
  for (;;) {
    try {
      await send([{ topic: `${prefix}.state`, messages: [cursor] }]);
      break;
    } catch (error) {
      if (!isConcurrent(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  const result = await send([{ topic: `${prefix}.invoices`, messages }]);
  const wanted = new Set(messages.map(({ partition }) => partition)).size;
  if (result.length !== wanted) throw new Error(`expected answers for ${wanted} partitions, got ${result.length}`);
  await transaction.commit();
}

function isConcurrent(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('type' in error && error.type === 'CONCURRENT_TRANSACTIONS') || isConcurrent(error.cause);
}

const floors: Readonly<Record<string, (floor: Floor) => Promise<Measured>>> = {
  a: (floor) => readAndWrite(floor, 1, false),
  b: (floor) => readAndWrite(floor, 10, true),
  c: readOnly,
};

async function main(): Promise<void> {
  const text = { type: 'string', default: '' } as const;
  const { values } = parseArgs({
    options: { floor: text, url: text, key: text, brokers: text, prefix: text, partitions: text },
  });
  const measure = floors[values.floor];
  if (measure === undefined) throw new Error(`--floor must be a, b or c, got ${values.floor}`);
  const measured = await measure({
    url: values.url,
    key: values.key,
    brokers: values.brokers.split(','),
    prefix: values.prefix,
    partitions: Number(values.partitions),
  });
  process.stdout.write(`${JSON.stringify(measured)}\n`);
}

void main();
