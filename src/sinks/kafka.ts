import {
  Kafka,
  Partitioners,
  logLevel,
  type IHeaders,
  type ISocketFactory,
  type Message,
  type Producer,
  type RecordMetadata,
  type SASLOptions,
  type Transaction,
} from 'kafkajs';

import { ConfigError, TransientError } from '../errors';

/** How to reach the cluster; the part of the configuration that this module needs. */
export interface KafkaSettings {
  readonly clientId: string;
  readonly brokers: readonly string[];
  readonly ssl: { readonly ca?: string; readonly cert?: string; readonly key?: string } | null;
  readonly sasl: { readonly mechanism: string; readonly username: string; readonly password: string } | null;
  /** Opens the connections; kafkajs' own by default. */
  readonly socketFactory?: ISocketFactory | undefined;
}

/** Called with what kafkajs has to say: fixed text and safe fields. */
export type KafkaLog = (entry: { readonly level: 'warn' | 'error'; readonly message: string }) => void;

/** Makes the kafkajs client; every retry setting is given, as kafkajs changes its defaults when NODE_ENV is `test`. */
export function createKafka(settings: KafkaSettings, log: KafkaLog): Kafka {
  return new Kafka({
    clientId: settings.clientId,
    brokers: [...settings.brokers],
    ...(settings.ssl === null ? {} : { ssl: settings.ssl }),
    ...(settings.sasl === null ? {} : { sasl: saslOptions(settings.sasl) }),
    ...(settings.socketFactory === undefined ? {} : { socketFactory: settings.socketFactory }),
    connectionTimeout: 5_000,
    authenticationTimeout: 10_000,
    requestTimeout: 30_000,
    retry: { retries: 5, initialRetryTime: 200, maxRetryTime: 3_000, factor: 0.2, multiplier: 2 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      if (entry.level === logLevel.ERROR || entry.level === logLevel.WARN) {
        log({ level: entry.level === logLevel.ERROR ? 'error' : 'warn', message: entry.log.message });
      }
    },
  });
}

function saslOptions(sasl: NonNullable<KafkaSettings['sasl']>): SASLOptions {
  const credentials = { username: sasl.username, password: sasl.password };
  switch (sasl.mechanism) {
    case 'scram-sha-256':
      return { mechanism: 'scram-sha-256', ...credentials };
    case 'scram-sha-512':
      return { mechanism: 'scram-sha-512', ...credentials };
    default:
      return { mechanism: 'plain', ...credentials };
  }
}

/** One record for a data topic; the partition is chosen by us. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  /** Null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers: IHeaders;
}

/** One record of the shard's own partition of the state topic. */
export interface StateRecord {
  readonly key: string;
  /** Null removes the key. */
  readonly value: Buffer | string | null;
}

/** What one transaction holds; it is committed whole or not at all. */
export interface Batch {
  readonly state: readonly StateRecord[];
  readonly records: readonly OutgoingRecord[];
}

/**
 * How a transaction ended. Only `committed` is certain: after any other outcome the transaction may or may not stand, the writer is
 * used up, and the state topic alone tells (kafkajs does not retry EndTxn and strands its producer: tulios/kafkajs#1355).
 */
export type Outcome =
  | { readonly kind: 'committed'; readonly lastOffsets: LastOffsets }
  /** A newer writer of this shard exists. */
  | { readonly kind: 'fenced'; readonly error: TransientError }
  /** The broker will not take these records, whoever sends them. */
  | { readonly kind: 'refused'; readonly error: TransientError }
  /** A person must set something right: rights, settings. */
  | { readonly kind: 'forbidden'; readonly error: ConfigError }
  /** The connection or a broker failed. */
  | { readonly kind: 'lost'; readonly error: TransientError };

/** Last offset written, by topic and partition. */
export type LastOffsets = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** The one writer of a shard. */
export interface Writer {
  /** Commits a batch in one transaction; never throws for what Kafka does. */
  commit(batch: Batch): Promise<Outcome>;
  /** Lets go of the connections, within two seconds. */
  close(): Promise<void>;
}

/** What a writer needs to know of its shard. */
export interface WriterOptions {
  readonly transactionalId: string;
  readonly stateTopic: string;
  readonly partition: number;
  /** Largest batch of one partition of a topic in one send, in bytes. */
  readonly maxBatchBytes: (topic: string) => number;
  /** A transaction that takes longer is given up. */
  readonly deadlineMs: number;
}

const CLOSE_DEADLINE_MS = 2_000;
const CONCURRENT_TRANSACTIONS_WAIT_MS = 5;
const MAX_RECORDS_A_PARTITION = 1_000;

/**
 * Takes the shard's transactional id, which fences every older writer and ends what it left open, and returns the new writer.
 * Rejects with a TransientError or ConfigError.
 *
 * The producer never retries: kafkajs loses and doubles records inside a committed transaction when one of its retries spans several
 * leaders. Only the first send, which goes to one partition, is repeated here while the previous transaction's markers are written.
 */
export async function openWriter(kafka: Pick<Kafka, 'producer'>, options: WriterOptions): Promise<Writer> {
  const producer = kafka.producer({
    transactionalId: options.transactionalId,
    idempotent: false,
    maxInFlightRequests: 1,
    transactionTimeout: 30_000,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { retries: 0, initialRetryTime: 10, maxRetryTime: 10, factor: 0, multiplier: 1 },
  });
  let first: Transaction | null = null;
  try {
    first = await withDeadline(
      fence(producer),
      options.deadlineMs,
      `taking the transactional id ${options.transactionalId}`,
    );
  } catch (error) {
    await closeProducer(producer);
    throw classify(error, `taking the transactional id ${options.transactionalId}`).error;
  }

  /** Begun, and its commit not yet asked for. */
  let open: Transaction | null = null;

  const attempt = async (batch: Batch): Promise<LastOffsets> => {
    const transaction = first ?? (await producer.transaction());
    first = null;
    open = transaction;
    const lastOffsets = new Map<string, Map<number, number>>();
    const rounds = sendRounds(options, batch);
    for (const [number, round] of rounds.entries()) {
      const result =
        number === 0
          ? await sendFirst(transaction, round)
          : await transaction.sendBatch({ acks: -1, topicMessages: topicMessages(round) });
      checkCoverage(round, result, lastOffsets);
    }
    open = null;
    await transaction.commit();
    return lastOffsets;
  };

  return {
    async commit(batch) {
      const attempted = `committing ${batch.records.length} records and ${batch.state.length} state records of ${options.transactionalId}`;
      try {
        const lastOffsets = await withDeadline(attempt(batch), options.deadlineMs, attempted);
        return { kind: 'committed', lastOffsets };
      } catch (error) {
        // Left open it would hold back every read_committed reader until it times out; whether it ends does not matter to us.
        if (open !== null) await withDeadline(open.abort(), CLOSE_DEADLINE_MS, 'aborting').catch(() => undefined);
        open = null;
        return classify(error, attempted);
      }
    },
    close: () => closeProducer(producer),
  };
}

async function fence(producer: Producer): Promise<Transaction> {
  await producer.connect();
  for (let tries = 0; ; tries += 1) {
    try {
      return await producer.transaction();
    } catch (error) {
      // kafkajs gives InitProducerId five tries with its own fixed waits; a large cluster that is starting needs longer.
      if (!COORDINATOR_MOVING.has(kafkaType(error)) || tries >= 3) throw error;
    }
  }
}

type Send = Map<string, Map<number, Message[]>>;

/**
 * Cuts a batch into sends: the shard's own partition alone first (the only send that may be repeated), then everything else, each
 * send holding at most one record batch a partition below the limit.
 */
function sendRounds(options: WriterOptions, batch: Batch): Send[] {
  const state = chunked(
    batch.state.map(({ key, value }) => ({ topic: options.stateTopic, partition: options.partition, key, value })),
    options.maxBatchBytes,
  );
  const records = chunked(batch.records, options.maxBatchBytes);
  return [...state, ...records];
}

function chunked(
  messages: readonly (Message & { readonly topic: string; readonly partition: number })[],
  maxBytes: (topic: string) => number,
): Send[] {
  const rounds: Send[] = [];
  const filling = new Map<string, { round: number; bytes: number }>();
  for (const message of messages) {
    const { topic, partition } = message;
    const place = `${topic} ${partition}`;
    const bytes = encodedBytes(message);
    const fill = filling.get(place) ?? { round: 0, bytes: 0 };
    const here = rounds[fill.round]?.get(topic)?.get(partition);
    if (here !== undefined && (fill.bytes + bytes > maxBytes(topic) || here.length >= MAX_RECORDS_A_PARTITION)) {
      fill.round += 1;
      fill.bytes = 0;
    }
    fill.bytes += bytes;
    filling.set(place, fill);
    const round = (rounds[fill.round] ??= new Map());
    const partitions = round.get(topic) ?? new Map<number, Message[]>();
    round.set(topic, partitions);
    const list = partitions.get(partition) ?? [];
    partitions.set(partition, list);
    list.push(message);
  }
  return rounds;
}

/** Upper bound of what a record takes inside a record batch. */
export function encodedBytes({ key, value, headers }: Pick<Message, 'key' | 'value' | 'headers'>): number {
  let bytes = 32 + byteLength(key) + byteLength(value);
  for (const name in headers) {
    const header = headers[name];
    bytes += 10 + name.length + (typeof header === 'string' || Buffer.isBuffer(header) ? byteLength(header) : 0);
  }
  return bytes;
}

function byteLength(part: Buffer | string | null | undefined): number {
  if (part === null || part === undefined) return 0;
  return typeof part === 'string' ? Buffer.byteLength(part) : part.length;
}

function topicMessages(send: Send): { topic: string; messages: Message[] }[] {
  return [...send].map(([topic, partitions]) => ({ topic, messages: [...partitions.values()].flat() }));
}

async function sendFirst(transaction: Transaction, send: Send): Promise<RecordMetadata[]> {
  for (;;) {
    try {
      return await transaction.sendBatch({ acks: -1, topicMessages: topicMessages(send) });
    } catch (error) {
      // The markers of the transaction before this one are still being written (tulios/kafkajs#304); bounded by the commit's deadline.
      if (kafkaType(error) !== 'CONCURRENT_TRANSACTIONS') throw error;
      await new Promise((resolve) => setTimeout(resolve, CONCURRENT_TRANSACTIONS_WAIT_MS));
    }
  }
}

/** A send that was answered without an error may still have left a partition out: kafkajs counts brokers, not partitions. */
function checkCoverage(
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

const COORDINATOR_MOVING: ReadonlySet<string> = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'CONCURRENT_TRANSACTIONS',
]);
const FENCED: ReadonlySet<string> = new Set(['INVALID_PRODUCER_EPOCH']);
const REFUSED: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TIMESTAMP',
  'INVALID_RECORD',
  'CORRUPT_MESSAGE',
]);
const FORBIDDEN: ReadonlySet<string> = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'ILLEGAL_SASL_STATE',
  'UNSUPPORTED_SASL_MECHANISM',
  'INVALID_TRANSACTION_TIMEOUT',
  'INVALID_REQUIRED_ACKS',
  'POLICY_VIOLATION',
]);
/** KIP-467's code 87, for which kafkajs 2.2.4 has no name that it uses consistently. */
const INVALID_RECORD_CODE = 87;

/** Turns whatever kafkajs threw into an outcome whose error is one of ours. */
export function classify(error: unknown, attempted: string): Exclude<Outcome, { kind: 'committed' }> {
  if (error instanceof ConfigError) return { kind: 'forbidden', error };
  const type = kafkaType(error);
  const got = error instanceof Error ? error.message : String(error);
  const message = `${attempted}: ${type === '' ? got : `${got} (${type})`}`;
  if (FORBIDDEN.has(type) || named(error, 'KafkaJSSASLAuthenticationError')) {
    return {
      kind: 'forbidden',
      error: new ConfigError(`${message}; give the service's user the rights listed in docs/failure.md`, {
        cause: error,
        mayPass: true,
      }),
    };
  }
  if (FENCED.has(type)) {
    return {
      kind: 'fenced',
      error: new TransientError(`${message}; a newer instance owns this shard`, { cause: error }),
    };
  }
  if (REFUSED.has(type) || kafkaCode(error) === INVALID_RECORD_CODE)
    return { kind: 'refused', error: new TransientError(message, { cause: error, retryAfterMs: 0 }) };
  return {
    kind: 'lost',
    error: error instanceof TransientError ? error : new TransientError(message, { cause: error }),
  };
}

/** kafkajs wraps its errors and does not copy `type`: the first one down the chain of causes. */
function kafkaType(error: unknown): string {
  for (let link: unknown = error; link instanceof Error; link = link.cause) {
    if ('type' in link && typeof link.type === 'string') return link.type;
  }
  return '';
}

function kafkaCode(error: unknown): number | null {
  for (let link: unknown = error; link instanceof Error; link = link.cause) {
    if ('code' in link && typeof link.code === 'number') return link.code;
  }
  return null;
}

function named(error: unknown, name: string): boolean {
  for (let link: unknown = error; link instanceof Error; link = link.cause) if (link.name === name) return true;
  return false;
}

/** Rejects with a TransientError when the work is not done in time; the work itself goes on and its result is ignored. */
export async function withDeadline<T>(work: Promise<T>, ms: number, attempted: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new TransientError(`${attempted}: expected an answer within ${ms} ms, got none`)),
      ms,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** kafkajs' disconnect hangs while a request is unanswered, so it is never awaited without a bound. */
async function closeProducer(producer: Producer): Promise<void> {
  await withDeadline(producer.disconnect(), CLOSE_DEADLINE_MS, 'disconnecting a producer').catch(() => undefined);
}
