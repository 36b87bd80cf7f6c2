import { once } from 'node:events';
import { type Socket, createServer } from 'node:net';
import { type Interceptor, type KafkaProxy, type Verdict, startProxy } from './tcp-proxy';

const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const action of cleanups.splice(0).reverse()) await action();
});

interface Rig {
  readonly proxy: KafkaProxy;
  /** Correlation ids in the order in which the broker saw them. */
  readonly seen: number[];
  readonly broker: string;
  readonly client: Socket;
  readonly ask: (apiKey: number, correlationId: number) => void;
  /** Correlation id of the next answer, or 'closed'. */
  readonly next: () => Promise<number | 'closed'>;
}

/** A client, the proxy, and a broker that answers every request at once with nothing but its correlation id. */
async function rig(interceptor?: Interceptor): Promise<Rig> {
  const seen: number[] = [];
  const server = createServer((socket) => {
    socket.on('data', (data) => {
      for (let at = 0; at < data.length; at += 4 + data.readInt32BE(at)) {
        const correlationId = data.readInt32BE(at + 8);
        seen.push(correlationId);
        socket.write(int32(4, correlationId));
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP port');

  const proxy = await startProxy();
  cleanups.push(() => proxy.close());
  if (interceptor !== undefined) proxy.intercept(interceptor);
  const client = proxy.socketFactory({
    host: '127.0.0.1',
    port: address.port,
    ssl: {},
    onConnect: () => undefined,
  });
  const answers = client[Symbol.asyncIterator]();
  let unread: number[] = [];
  return {
    proxy,
    seen,
    broker: `127.0.0.1:${address.port}`,
    client,
    ask: (apiKey, correlationId) => client.write(Buffer.concat([int32(8, (apiKey << 16) | 7), int32(correlationId)])),
    next: async () => {
      if (unread.length === 0) {
        const chunk: IteratorResult<Buffer, undefined> = await answers.next();
        if (chunk.done === true) return 'closed';
        for (let at = 0; at < chunk.value.length; at += 8) unread.push(chunk.value.readInt32BE(at + 4));
      }
      const [first, ...rest] = unread;
      unread = rest;
      return first ?? 'closed';
    },
  };
}

function int32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeInt32BE(value, index * 4));
  return bytes;
}

test('passes requests on and tells who asked what of whom', async () => {
  const requests: unknown[] = [];
  const { ask, next, broker, seen } = await rig((request) => {
    requests.push(request);
    return 'pass';
  });
  ask(3, 11);
  ask(0, 12);
  expect([await next(), await next()]).toEqual([11, 12]);
  expect(seen).toEqual([11, 12]);
  expect(requests).toEqual([
    { apiKey: 3, apiVersion: 7, correlationId: 11, broker, connection: 1 },
    { apiKey: 0, apiVersion: 7, correlationId: 12, broker, connection: 1 },
  ]);
});

test('passes everything on until it is told otherwise', async () => {
  const { proxy, ask, next } = await rig();
  ask(0, 1);
  expect(await next()).toBe(1);
  proxy.intercept(() => 'close-before');
  ask(0, 2);
  expect(await next()).toBe('closed');
});

test.each([
  { verdict: 'drop-request', answers: [2], brokerSaw: [2] },
  { verdict: 'drop-response', answers: [2], brokerSaw: [1, 2] },
  { verdict: 'close-before', answers: ['closed'], brokerSaw: [] },
  { verdict: 'close-after-forward', answers: ['closed'], brokerSaw: [1] },
] as const)(
  '$verdict: the client gets $answers, the broker saw $brokerSaw',
  async ({ verdict, answers, brokerSaw }) => {
    const { ask, next, seen } = await rig(({ correlationId }) => (correlationId === 1 ? verdict : 'pass'));
    ask(0, 1);
    if (answers[0] === 2) ask(0, 2);
    expect(await next()).toBe(answers[0]);
    expect(seen).toEqual(brokerSaw);
  },
);

test('a pending verdict holds back the request and those behind it, in order', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const { ask, next, seen } = await rig(async ({ correlationId }): Promise<Verdict> => {
    if (correlationId === 1) await held;
    else release();
    return 'pass';
  });
  ask(0, 1);
  expect(seen).toEqual([]);
  ask(0, 2);
  expect([await next(), await next()]).toEqual([1, 2]);
  expect(seen).toEqual([1, 2]);
});

test('answerAfter holds back one answer and lets the later ones pass', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const { ask, next, seen } = await rig(({ correlationId }) => (correlationId === 1 ? { answerAfter: held } : 'pass'));
  ask(0, 1);
  ask(0, 2);
  expect(await next()).toBe(2);
  expect(seen).toEqual([1, 2]);
  release();
  expect(await next()).toBe(1);
});

test('an interceptor that fails closes the connection and makes close() reject', async () => {
  const { proxy, ask, next } = await rig(() => {
    throw new Error('a bug in the test');
  });
  ask(0, 1);
  expect(await next()).toBe('closed');
  cleanups.pop();
  await expect(proxy.close()).rejects.toThrow('An interceptor of the Kafka proxy failed');
});
