import { connect, isIP, Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { isNativeError } from 'node:util/types';

import {
  Kafka,
  Partitioners,
  logLevel,
  type ISocketFactory,
  type Message,
  type Producer,
  type RecordMetadata,
  type SASLOptions,
  type Transaction,
} from 'kafkajs';

import { ConfigError, TransientError } from '../errors';
import { keepRefusals } from './keep-refusals';
import type { Batch, LastOffsets, Outcome, Writer } from './transaction';

/** How to reach the cluster; the part of the configuration that this module needs. What a file may hold is asked for at each connection. */
export interface KafkaSettings {
  readonly clientId: string;
  readonly brokers: readonly string[];
  /** Null = not over TLS. */
  readonly ssl: { readonly [part in 'ca' | 'cert' | 'key']?: () => string } | null;
  /** Null = no sign-in. */
  readonly sasl: { readonly mechanism: string; readonly username: string; readonly password: () => string } | null;
  /** Opens the connections; our own by default. */
  readonly socketFactory?: ISocketFactory | undefined;
}

/** Called with what kafkajs has to say: fixed text and safe fields. */
export type KafkaLog = (entry: { readonly level: 'warn' | 'error'; readonly message: string }) => void;

/** Makes the kafkajs client; every retry setting is given, as kafkajs changes its defaults when NODE_ENV is `test`. */
export function createKafka(settings: KafkaSettings, log: KafkaLog): Kafka {
  keepRefusals();
  return new Kafka({
    clientId: settings.clientId,
    brokers: [...settings.brokers],
    ...(settings.ssl === null ? {} : { ssl: tlsOptions(settings.ssl) }),
    ...(settings.sasl === null ? {} : { sasl: saslOptions(settings.sasl) }),
    socketFactory: settings.socketFactory ?? openSocket,
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

/** Each connection copies these options, and so takes the files as they are at that moment. */
function tlsOptions(ssl: NonNullable<KafkaSettings['ssl']>): ConnectionOptions {
  const options: ConnectionOptions = {};
  for (const [part, get] of Object.entries(ssl)) Object.defineProperty(options, part, { enumerable: true, get });
  return options;
}

/** Each sign-in reads the password from here. */
function saslOptions({ mechanism, username, password }: NonNullable<KafkaSettings['sasl']>): SASLOptions {
  const credentials = {
    username,
    get password() {
      return password();
    },
  };
  if (mechanism === 'scram-sha-256') return Object.assign(credentials, { mechanism: 'scram-sha-256' as const });
  if (mechanism === 'scram-sha-512') return Object.assign(credentials, { mechanism: 'scram-sha-512' as const });
  return Object.assign(credentials, { mechanism: 'plain' as const });
}

const KEEP_ALIVE_MS = 60_000;
const TLS_EXPECTED = 'TLS_EXPECTED';

/** kafkajs gives no `ssl` where TLS is not asked for, whatever its types say. */
type SocketRequest = Omit<Parameters<ISocketFactory>[0], 'ssl'> & { readonly ssl?: ConnectionOptions | null };

/** As kafkajs does it, but every fault has its code, and a broker that speaks TLS to a client that does not is recognised. */
function openSocket({ host, port, ssl, onConnect }: SocketRequest): Socket {
  let socket: Socket;
  try {
    const name = isIP(host) === 0 ? { servername: host } : {};
    socket = ssl ? connectTls({ host, port, ...name, ...ssl }, onConnect) : connect({ host, port }, onConnect);
  } catch (error) {
    // Such as a key that is not the certificate's: kafkajs would keep the text alone.
    return new Socket().destroy(isNativeError(error) ? error : new Error(String(error)));
  }
  if (!ssl) {
    socket.once('data', (bytes: Buffer) => {
      if (isTlsAlert(bytes)) socket.destroy(Object.assign(new Error('the broker speaks TLS'), { code: TLS_EXPECTED }));
    });
  }
  return socket.setKeepAlive(true, KEEP_ALIVE_MS);
}

/** The type of the record and the version; as the size of an answer it would be 352 MB. */
function isTlsAlert(bytes: Buffer): boolean {
  return bytes[0] === 0x15 && bytes[1] === 0x03;
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
    const { transactionalId } = options;
    const rights = { transactionalId: `Write on transactional id ${transactionalId}` };
    throw classify(error, `taking the transactional id ${transactionalId}`, rights).error;
  }

  /** Begun, and its commit not yet asked for. */
  let open: Transaction | null = null;
  /** Topics that this writer has written to. */
  const allowed = new Set<string>();
  let sending: readonly string[] = [];

  const attempt = async (batch: Batch): Promise<LastOffsets> => {
    const transaction = first ?? (await producer.transaction());
    first = null;
    open = transaction;
    const lastOffsets = new Map<string, Map<number, number>>();
    const rounds = sendRounds(options, batch).flatMap((round) => oneTopicAtATime(round, allowed));
    for (const [number, round] of rounds.entries()) {
      sending = [...round.keys()];
      const result =
        number === 0
          ? await sendFirst(transaction, round)
          : await transaction.sendBatch({ acks: -1, topicMessages: topicMessages(round) });
      checkCoverage(round, result, lastOffsets);
      for (const topic of sending) allowed.add(topic);
    }
    sending = [];
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
        return classify(error, attempted, {
          topic: `Write on topic ${sending.join(' and topic ')}`,
          transactionalId: `Write on transactional id ${options.transactionalId}`,
        });
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

/** Where a topic may not be written to, the broker's answer does not name it: the first records of each go alone. */
function oneTopicAtATime(round: Send, allowed: ReadonlySet<string>): Send[] {
  if ([...round.keys()].every((topic) => allowed.has(topic))) return [round];
  return [...round].map(([topic, partitions]) => new Map([[topic, partitions]]));
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

/** The rights that what was attempted takes, as `Read on group x`, to be named where one is missing. */
export interface Rights {
  readonly topic?: string;
  readonly group?: string;
  readonly transactionalId?: string;
}

/** Turns whatever kafkajs threw into an outcome whose error is one of ours. */
export function classify(
  error: unknown,
  attempted: string,
  rights: Rights = {},
): Exclude<Outcome, { kind: 'committed' }> {
  if (error instanceof ConfigError) return { kind: 'forbidden', error };
  const type = kafkaType(error);
  const got = error instanceof Error ? error.message : String(error);
  const message = `${attempted}: ${type === '' ? got : `${got} (${type})`}`;
  const forbidden = (text: string): Exclude<Outcome, { kind: 'committed' }> => ({
    kind: 'forbidden',
    error: new ConfigError(text, { cause: error, mayPass: true }),
  });
  const fault = tlsFault(error);
  if (fault !== null) return forbidden(`${attempted}: ${fault}`);
  if (FORBIDDEN.has(type) || named(error, 'KafkaJSSASLAuthenticationError'))
    return forbidden(`${message}${adviceOn(type, rights)}`);
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

function adviceOn(type: string, rights: Rights): string {
  const right = {
    TOPIC_AUTHORIZATION_FAILED: rights.topic,
    GROUP_AUTHORIZATION_FAILED: rights.group,
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED: rights.transactionalId,
  }[type];
  if (right !== undefined) return `; give the service's user ${right}, see docs/security.md`;
  if (type.endsWith('_AUTHORIZATION_FAILED')) return "; give the service's user the rights that docs/security.md lists";
  if (type === 'UNSUPPORTED_SASL_MECHANISM') return '; set kafka.sasl.mechanism to one that the broker offers';
  if (type === 'ILLEGAL_SASL_STATE')
    return '; this port takes no sign-in: leave kafka.sasl out, or choose the port that does';
  if (type === '' || type === 'SASL_AUTHENTICATION_FAILED') return '; see to kafka.sasl.username and its password';
  return '';
}

/** What is the matter with a connection that TLS does not allow, by the code of the fault; the first that fits. */
const TLS_FAULTS: readonly (readonly [code: RegExp, meaning: string])[] = [
  [/^TLS_EXPECTED$/, 'the broker speaks TLS at this port; set kafka.ssl.enabled'],
  [/^CERT_HAS_EXPIRED$/, "the broker's certificate has expired; have it renewed"],
  [/^CERT_NOT_YET_VALID$/, "the broker's certificate is not valid yet; compare the clocks"],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    "the broker's certificate is one for other names; have kafka.brokers, and the brokers' advertised.listeners, use a name that it holds",
  ],
  [
    /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_CA)/,
    "the broker's certificate is signed by no authority that is trusted; set kafka.ssl.caFile to the authority's",
  ],
  [
    /^ERR_SSL_.*ALERT_(BAD_CERTIFICATE|CERTIFICATE_|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)/,
    'the broker refuses the client certificate, or there is none; see to kafka.ssl.certFile and kafka.ssl.keyFile',
  ],
  [
    /^ERR_OSSL_/,
    'certificate, key or authorities cannot be used; see to the files of kafka.ssl, the key is to fit the certificate',
  ],
  [/^ERR_SSL_WRONG_VERSION_NUMBER$/, 'what listens at this port does not speak TLS; see to kafka.ssl.enabled'],
];

function tlsFault(error: unknown): string | null {
  const code = codeOf(error);
  const meaning = TLS_FAULTS.find(([pattern]) => pattern.test(code))?.[1];
  return meaning === undefined ? null : `${meaning} (${code})`;
}

function codeOf(error: unknown): string {
  for (let link: unknown = error; link instanceof Error; link = link.cause) {
    if ('code' in link && typeof link.code === 'string') return link.code;
  }
  return '';
}

/** Kafka's own name of an error, "" where it has none. kafkajs wraps its errors and does not copy `type`: the first one down the chain of causes. */
export function kafkaType(error: unknown): string {
  for (let link: unknown = error; link instanceof Error; link = link.cause) {
    if ('type' in link && typeof link.type === 'string') return link.type;
    // Of many topics that could not be created, the first that tells why.
    if ('errors' in link && Array.isArray(link.errors)) {
      const types = link.errors.map(kafkaType);
      return types.find((type) => type !== 'TOPIC_ALREADY_EXISTS') ?? types[0] ?? '';
    }
  }
  return '';
}

function kafkaCode(error: unknown): number | null {
  for (let link: unknown = error; link instanceof Error; link = link.cause) {
    if ('code' in link && typeof link.code === 'number') return link.code;
  }
  return null;
}

/** Whether the broker closed a connection without a word, as it does where TLS or a sign-in is expected and did not come. */
export function closedByBroker(error: unknown): boolean {
  const words = error instanceof Error ? error.message : '';
  return named(error, 'KafkaJSConnectionClosedError') || words.includes('before secure TLS connection was established');
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
