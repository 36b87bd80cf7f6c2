import { ConfigError, TransientError } from '../errors';
import { clockFault, type ClockBounds } from './clock-bounds';
import type { Outcome } from './transaction';

/** Code of the fault of a connection to a broker that speaks TLS, made without TLS. */
export const TLS_EXPECTED = 'TLS_EXPECTED';

const FENCED: ReadonlySet<string> = new Set(['INVALID_PRODUCER_EPOCH']);
/** What a broker answers where one record can be the cause; any other refusal would come of whatever record is sent. */
const REFUSED: ReadonlySet<string> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);
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
  'INVALID_CONFIG',
  'INVALID_SESSION_TIMEOUT',
  'INVALID_TIMESTAMP',
  'INVALID_RECORD',
]);
const NO_COORDINATOR: ReadonlySet<string> = new Set(['GROUP_COORDINATOR_NOT_AVAILABLE']);
const COORDINATOR_HINT =
  '; if it stays so, the cluster has fewer brokers than transaction.state.log.replication.factor or offsets.topic.replication.factor (3 each by default) ask for, and cannot make __transaction_state or __consumer_offsets';
/** KIP-467's code 87, for which kafkajs 2.2.4 has no name that it uses consistently. */
const INVALID_RECORD_CODE = 87;

/** What was attempted takes these; they are named where they are missing. */
export interface Rights {
  /** As `Write on topic x`. */
  readonly topic?: string;
  /** As `Read on group x`. */
  readonly group?: string;
  readonly transactionalId?: string;
  /** How far this machine's clock may be from the broker's, by each topic written to. */
  readonly clocks?: readonly ClockBounds[];
}

/** Turns whatever kafkajs threw into an outcome whose error is one of ours. */
export function classify(
  error: unknown,
  attempted: string,
  rights: Rights = {},
): Exclude<Outcome, { kind: 'committed' }> {
  if (error instanceof ConfigError) return { kind: 'forbidden', error };
  const own = ofSignIn(error);
  if (own instanceof ConfigError) {
    const text = `${attempted}: ${own.message}`;
    return { kind: 'forbidden', error: new ConfigError(text, { cause: error, mayPass: own.mayPass }) };
  }
  if (own !== null)
    return { kind: 'lost', error: new TransientError(`${attempted}: ${own.message}`, { cause: error }) };
  const type = kafkaType(error);
  const got = error instanceof Error ? error.message : String(error);
  const message = `${attempted}: ${type === '' ? got : `${got} (${type})`}${NO_COORDINATOR.has(type) || /find group coordinator/i.test(got) ? COORDINATOR_HINT : ''}`;
  const forbidden = (text: string): Exclude<Outcome, { kind: 'committed' }> => ({
    kind: 'forbidden',
    error: new ConfigError(text, { cause: error, mayPass: true }),
  });
  if (named(error, 'KafkaJSNotImplemented') && /compression/i.test(got)) {
    // kafkajs brings gzip alone.
    const text = `${attempted}: ${got}; the records there are compressed in a way that this program cannot read. Set the topic's compression.type to uncompressed, producer or gzip; what is there already stays unreadable until it is written anew`;
    return { kind: 'forbidden', error: new ConfigError(text, { cause: error }) };
  }
  const fault = tlsFault(error);
  if (fault !== null) return forbidden(`${attempted}: ${fault}`);
  if (kafkaCode(error) === INVALID_RECORD_CODE) return forbidden(`${message}${adviceOn('INVALID_RECORD', rights)}`);
  if (FORBIDDEN.has(type) || named(error, 'KafkaJSSASLAuthenticationError'))
    return forbidden(`${message}${adviceOn(type, rights)}`);
  if (FENCED.has(type)) {
    return {
      kind: 'fenced',
      error: new TransientError(
        `${message}; a newer writer took this shard, or the broker ended the transaction as it was open for too long`,
        { trouble: 'hand-over', cause: error },
      ),
    };
  }
  if (REFUSED.has(type))
    return { kind: 'refused', error: new TransientError(message, { cause: error, retryAfterMs: 0 }) };
  return {
    kind: 'lost',
    error: error instanceof TransientError ? error : new TransientError(message, { cause: error }),
  };
}

/** The error that our own part of a sign-in failed with, which kafkajs has wrapped in errors of its own; null = none. */
function ofSignIn(error: unknown): ConfigError | TransientError | null {
  if (error instanceof TransientError || !(error instanceof Error)) return null;
  for (let link: unknown = error.cause; link instanceof Error; link = link.cause) {
    if (link instanceof ConfigError || link instanceof TransientError) return link;
  }
  return null;
}

function adviceOn(type: string, rights: Rights): string {
  const right = {
    TOPIC_AUTHORIZATION_FAILED: rights.topic,
    GROUP_AUTHORIZATION_FAILED: rights.group,
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED: rights.transactionalId,
  }[type];
  if (right !== undefined) return `; give the service's user ${right}, see docs/security.md`;
  if (type.endsWith('_AUTHORIZATION_FAILED')) return "; give the service's user the rights that docs/security.md lists";
  if (type === 'INVALID_SESSION_TIMEOUT')
    return '; set kafka.sessionTimeoutMs to a value from group.min.session.timeout.ms to group.max.session.timeout.ms of the broker (6000 to 1800000 by default)';
  if (type === 'INVALID_TRANSACTION_TIMEOUT')
    return '; transaction.max.timeout.ms of the broker is below 30000, as long as a transaction of this program may take: raise it';
  if (type === 'INVALID_TIMESTAMP') return `; ${clockFault(rights.clocks ?? [], Date.now())}`;
  if (type === 'INVALID_RECORD')
    return '; the broker takes no such records, whichever they are: a compacted topic takes none without a key, which dead letters of rows without an id and nothing else are; see to cleanup.policy, and to what checks records in the broker';
  if (type === 'UNSUPPORTED_SASL_MECHANISM') return '; set kafka.sasl.mechanism to one that the broker offers';
  if (type === 'ILLEGAL_SASL_STATE')
    return '; at a first connection this port takes no sign-in: leave kafka.sasl out, or choose the port that does. On a connection that was signed in, the broker refused to renew the sign-in, and a new connection is made';
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
    // Of many topics that could not be created, the first type that gives a reason counts.
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
