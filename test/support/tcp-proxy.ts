import { once } from 'node:events';
import { type Server, type Socket, connect, createServer } from 'node:net';
import type { ISocketFactory } from 'kafkajs';

/** Numbers of requests in Kafka's protocol. */
export const API = { produce: 0, metadata: 3, initProducerId: 22, addPartitionsToTxn: 24, endTxn: 26 } as const;

/** One request on its way from a client to a broker. */
interface ProxiedRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  /** `host:port` that the client believes it talks to. */
  readonly broker: string;
  /** Number of the client's connection, from 1. */
  readonly connection: number;
}

/**
 * What becomes of a request: `drop-*` leaves the client waiting; `close-*` closes the connection, before the broker has
 * seen the request or after it has answered; `answerAfter` holds back this answer, and no other one, until then; `forwardAfter` holds back
 * this request, which others of the connection overtake, as if each had a connection of its own, and calls `answered` when the
 * broker has dealt with it.
 */
export type Verdict =
  | 'pass'
  | 'drop-request'
  | 'drop-response'
  | 'close-before'
  | 'close-after-forward'
  | { readonly answerAfter: Promise<unknown> }
  | { readonly forwardAfter: Promise<unknown>; readonly answered: () => void };

/** Asked as soon as a request arrives; while its promise is pending, the request and all behind it on the connection wait. */
export type Interceptor = (request: ProxiedRequest) => Verdict | Promise<Verdict>;

export interface KafkaProxy {
  /** For `new Kafka({ socketFactory })`: every connection to any broker goes through the proxy, without TLS. */
  readonly socketFactory: ISocketFactory;
  /** Replaces the interceptor; at first everything passes. */
  readonly intercept: (interceptor: Interceptor) => void;
  /** Closes all connections; rejects if an interceptor failed. */
  readonly close: () => Promise<void>;
}

/** Stands between kafkajs clients and brokers, and does to chosen requests what networks do. */
export async function startProxy(): Promise<KafkaProxy> {
  const clients = new Set<Socket>();
  const failures: unknown[] = [];
  let interceptor: Interceptor = () => 'pass';
  let connections = 0;

  const server = createServer((client) => {
    const connection = ++connections;
    clients.add(client);
    client.once('close', () => clients.delete(client));
    relay(client, async (request) => {
      try {
        return await interceptor({ ...request, connection });
      } catch (error) {
        failures.push(error);
        return 'close-before';
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);

  return {
    socketFactory: ({ host, port: brokerPort, onConnect }) => {
      const socket = connect({ host: '127.0.0.1', port }, onConnect);
      socket.write(frameOf(JSON.stringify({ host, port: brokerPort })));
      return socket;
    },
    intercept: (next) => {
      interceptor = next;
    },
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const client of clients) client.destroy();
      await closed;
      if (failures.length > 0) throw new AggregateError(failures, 'An interceptor of the Kafka proxy failed');
    },
  };
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** Joins a client to the broker that its first frame names. */
function relay(client: Socket, judge: (request: Omit<ProxiedRequest, 'connection'>) => Promise<Verdict>): void {
  let upstream: Socket | undefined;
  let broker = '';
  let turn = Promise.resolve();
  const verdicts = new Map<number, Verdict>();
  const cut = (): void => {
    client.destroy();
    upstream?.destroy();
  };

  const answer = (frame: Buffer): void => {
    const correlationId = frame.readInt32BE(4);
    const verdict = verdicts.get(correlationId);
    verdicts.delete(correlationId);
    if (verdict === 'close-after-forward') cut();
    else if (typeof verdict === 'object' && 'answerAfter' in verdict)
      verdict.answerAfter.then(() => client.write(frame), cut);
    else if (verdict !== 'drop-response') client.write(frame);
    if (typeof verdict === 'object' && 'answered' in verdict) verdict.answered();
  };

  const dial = (frame: Buffer): Socket => {
    const address = JSON.parse(frame.toString('utf8', 4)) as Address;
    broker = `${address.host}:${address.port}`;
    const socket = connect(address);
    socket.on('data', splitter(answer));
    // The close that follows says it to the client.
    socket.on('error', () => undefined).once('close', cut);
    return socket;
  };

  const pass = (frame: Buffer, to: Socket): void => {
    const correlationId = frame.readInt32BE(8);
    const judged = judge({ apiKey: frame.readInt16BE(4), apiVersion: frame.readInt16BE(6), correlationId, broker });
    turn = turn.then(async () => {
      const verdict = await judged;
      if (verdict === 'close-before') cut();
      if (verdict === 'close-before' || verdict === 'drop-request') return;
      if (typeof verdict === 'object' && 'forwardAfter' in verdict) {
        verdicts.set(correlationId, verdict);
        void verdict.forwardAfter.then(() => to.write(frame));
        return;
      }
      verdicts.set(correlationId, verdict);
      to.write(frame);
    });
  };

  client.on(
    'data',
    splitter((frame) => {
      if (upstream === undefined) upstream = dial(frame);
      else pass(frame, upstream);
    }),
  );
  client.on('error', () => undefined).once('close', cut);
}

/** Kafka's frames, in both directions: a length of four bytes, then that many bytes; given on with their length. */
function splitter(take: (frame: Buffer) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0);
  return (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readInt32BE(0)) {
      const end = 4 + pending.readInt32BE(0);
      take(pending.subarray(0, end));
      pending = pending.subarray(end);
    }
  };
}

function frameOf(text: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string')
    throw new Error('Opening the proxy: expected a TCP port, got none');
  return address.port;
}
