import { connect, isIP, Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { isNativeError } from 'node:util/types';

import { Kafka, logLevel, type ISocketFactory, type Mechanism, type SASLOptions } from 'kafkajs';

import { TLS_EXPECTED } from './faults';
import { keepReasons, keepRefusals } from './keep-refusals';
import { oauthBearer } from './oauth-bearer';
import { quickenRecords } from './quick-records';

/** How to sign in to the brokers; what a file or an endpoint gives is asked for at each sign-in. */
export type SignIn =
  | { readonly mechanism: string; readonly username: string; readonly password: () => string }
  | { readonly mechanism: 'oauthbearer'; readonly token: () => Promise<string> };

/** How to reach the cluster; the part of the configuration that this module needs. What a file may hold is asked for at each connection. */
export interface KafkaSettings {
  readonly clientId: string;
  readonly brokers: readonly string[];
  /** Null = not over TLS. */
  readonly ssl: { readonly [part in 'ca' | 'cert' | 'key']?: () => string } | null;
  /** Null = no sign-in. */
  readonly sasl: SignIn | null;
  /** Opens the connections; our own by default. */
  readonly socketFactory?: ISocketFactory | undefined;
}

/** Called with what kafkajs has to say: fixed text and safe fields. */
export type KafkaLog = (entry: { readonly level: 'warn' | 'error'; readonly message: string }) => void;

/** Makes the kafkajs client; every retry setting is given, as kafkajs changes its defaults when NODE_ENV is `test`. */
export function createKafka(settings: KafkaSettings, log: KafkaLog): Kafka {
  keepRefusals();
  keepReasons();
  quickenRecords();
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
function saslOptions(signIn: SignIn): SASLOptions | Mechanism {
  if ('token' in signIn) return oauthBearer(signIn.token);
  const { mechanism, username, password } = signIn;
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
