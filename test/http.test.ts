import { createServer } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { Observable } from 'rxjs';
import { TransientError } from '../src/errors';
import { createHttp, type Http, type HttpOptions } from '../src/http';
import {
  cut,
  cutChunked,
  drip,
  hang,
  hangUp,
  html,
  type HttpServer,
  json,
  raw,
  stall,
  startHttpServer,
} from './support/http-server';

const KEY = 'secret-key-0123456789';

let server: HttpServer;
let https: Http[] = [];

beforeEach(async () => {
  server = await startHttpServer();
});

afterEach(async () => {
  for (const http of https) http.close();
  https = [];
  await server.close();
});

function open(options: Partial<HttpOptions> = {}): Http {
  const http = createHttp({ timeoutMs: 10_000, maxBytes: 1_000_000, userAgent: 'infakt-kafka/test', ...options });
  https.push(http);
  return http;
}

function request(path = '/v3/clients.json?token=hidden') {
  return { url: server.url + path, headers: { 'X-inFakt-ApiKey': KEY, Accept: 'application/json' } };
}

const get = (http: Http, path?: string) => answerOf(http.exchange(request(path)));

function answerOf<T>(exchange: Observable<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    exchange.subscribe({ next: resolve, error: reject });
  });
}

async function failureOf(promise: Promise<unknown>): Promise<TransientError> {
  const error: unknown = await promise.then(
    () => new Error('expected a failure, got an answer'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof TransientError)) throw error;
  return error;
}

test('makes one GET per subscription, with the headers given, and hands the whole answer back', async () => {
  server.react(json(200, { name: 'Zażółć gęślą jaźń' }, { 'x-trace': 'abc' }));
  const exchange = open().exchange(request());
  expect(server.requests).toHaveLength(0);
  const answer = await answerOf(exchange);
  await answerOf(exchange);
  expect(answer).toMatchObject({ status: 200, contentType: 'application/json', utf8: true });
  expect(answer.text).toBe('{"name":"Zażółć gęślą jaźń"}');
  expect(answer.header('X-Trace')).toBe('abc');
  expect(answer.header('retry-after')).toBeNull();
  expect(server.requests).toHaveLength(2);
  expect(server.requests[0]).toMatchObject({ method: 'GET', url: '/v3/clients.json?token=hidden' });
  expect(server.requests[0]?.headers).toMatchObject({
    'x-infakt-apikey': KEY,
    accept: 'application/json',
    'user-agent': 'infakt-kafka/test',
  });
});

test('sends a body by another method, which its failures name', async () => {
  let received = '';
  server.react((incoming, response) => {
    incoming.on('data', (part: Buffer) => (received += part.toString()));
    incoming.on('end', () => json(200, {})(incoming, response));
  }, cut());
  const put = open().exchange({ ...request(), method: 'PUT', body: '{"name":"Zażółć"}' });
  expect((await answerOf(put)).status).toBe(200);
  expect(received).toBe('{"name":"Zażółć"}');
  expect(server.requests[0]?.method).toBe('PUT');
  expect((await failureOf(answerOf(put))).message).toMatch(/^PUT http:\/\/127.0.0.1:\d+\/v3\/clients.json expected/);
});

test('an error status is an answer like any other', async () => {
  server.react(html(503, 'down for maintenance'));
  expect(await get(open())).toMatchObject({ status: 503, contentType: 'text/html', text: 'down for maintenance' });
});

test('an answer without a content type or a body is one too', async () => {
  server.react(raw(204, ''));
  expect(await get(open())).toMatchObject({ status: 204, contentType: '', text: '', utf8: true });
});

test('I11: a redirect is an answer and never followed, so the key stays with its host', async () => {
  const other = await startHttpServer();
  try {
    server.react(raw(302, '', { location: `${other.url}/steal` }), raw(301, '', { location: 'http://[broken' }));
    expect((await get(open())).status).toBe(302);
    expect((await get(open())).status).toBe(301);
    expect(other.requests).toHaveLength(0);
    expect(server.requests).toHaveLength(2);
  } finally {
    await other.close();
  }
});

test('keeps connections alive, one for each exchange at a time', async () => {
  server.react(json(200, {}));
  const http = open();
  await get(http);
  await get(http);
  await Promise.all([get(http), get(http)]);
  await get(http);
  expect(new Set(server.requests.map(({ connection }) => connection))).toEqual(new Set([0, 1]));
});

test('opens a new connection where the server closed the old one', async () => {
  server.react(json(200, {}, { connection: 'close' }));
  const http = open();
  expect((await get(http)).text).toBe('{}');
  expect((await get(http)).text).toBe('{}');
  expect(server.requests.map(({ connection }) => connection)).toEqual([0, 1]);
});

test('a large body that ends with its connection is whole', async () => {
  const body = 'x'.repeat(900_000);
  server.react(
    raw(200, body, { connection: 'close', 'content-length': '900000' }),
    raw(200, body, { connection: 'close' }),
  );
  const http = open();
  expect((await get(http)).text).toHaveLength(900_000);
  expect((await get(http)).text).toHaveLength(900_000);
});

const text = '{"entities":[]}';

test.each<[string, Buffer, string | null]>([
  ['brotli that was not asked for', brotliCompressSync(text), 'br'],
  ['deflate', deflateSync(text), 'deflate'],
  ['deflate without its header', deflateRawSync(text), 'deflate'],
  ['gzip by another name', gzipSync(text), 'X-GZIP'],
  ['gzip that is not told', gzipSync(text), null],
  ['gzip that was told and is none', Buffer.from(text), 'gzip'],
  ['one encoding in another', brotliCompressSync(gzipSync(text)), 'gzip, br'],
  ['nothing', Buffer.from(text), 'identity'],
])('reads a body in %s', async (_, body, encoding) => {
  server.react(raw(200, body, encoding === null ? {} : { 'content-encoding': encoding }));
  expect((await get(open())).text).toBe(text);
});

test.each([
  ['an encoding that nobody knows', 'zebra', Buffer.from(text)],
  ['brotli that is none', 'br', Buffer.from(text)],
  ['deflate that is none', 'deflate', Buffer.from(text)],
  ['brotli that is cut', 'br', brotliCompressSync(text.repeat(1_000)).subarray(0, -5)],
])('names the encoding of a body in %s', async (_, encoding, body) => {
  server.react(raw(200, body, { 'content-encoding': encoding }));
  const error = await failureOf(get(open()));
  expect(error.status).toBe(200);
  expect(error.message).toContain(`content-encoding ${encoding}`);
});

test('unpacks no brotli body beyond its bound', async () => {
  server.react(raw(200, brotliCompressSync('x'.repeat(100_000)), { 'content-encoding': 'br' }));
  expect((await failureOf(get(open({ maxBytes: 1_000 })))).message).toContain('at most 1000 bytes');
});

test('unpacks a gzip body', async () => {
  const packed = gzipSync('{"entities":[]}');
  server.react(raw(200, packed, { 'content-encoding': 'gzip', 'content-type': 'application/json' }));
  expect((await get(open())).text).toBe('{"entities":[]}');
  expect(server.requests[0]?.headers['accept-encoding']).toBe('gzip');
});

test.each([
  ['is never answered', hang],
  ['is answered half-way', stall],
  ['is answered drop by drop', drip],
])('an exchange that %s times out as a whole', async (_title, reaction) => {
  server.react(reaction);
  const error = await failureOf(get(open({ timeoutMs: 60 })));
  expect(error.message).toMatch(/^GET http:\/\/127.0.0.1:\d+\/v3\/clients.json expected .* in 60 ms, got a time-out$/);
  expect(error.status).toBeUndefined();
  await server.requests[0]?.closed;
});

test.each([
  ['shorter than its Content-Length', cut()],
  ['broken off between chunks', cutChunked],
  [
    'packed and cut',
    raw(200, gzipSync('{"entities":[]}'.repeat(1_000)).subarray(0, -9), { 'content-encoding': 'gzip' }),
  ],
])('a body %s fails at once, with its status', async (_title, reaction) => {
  server.react(reaction);
  const error = await failureOf(get(open()));
  expect(error.message).toMatch(/expected a whole body/);
  expect(error.status).toBe(200);
});

test.each([
  ['as it travels', raw(200, 'x'.repeat(2_000))],
  ['unpacked', raw(200, gzipSync('x'.repeat(100_000)), { 'content-encoding': 'gzip' })],
])('a body that is too large %s fails', async (_title, reaction) => {
  server.react(reaction);
  const error = await failureOf(get(open({ maxBytes: 1_000 })));
  expect(error.message).toMatch(/expected a whole body of at most 1000 bytes/);
  expect(error.status).toBe(200);
});

test('a body of just the largest size passes', async () => {
  server.react(raw(200, 'x'.repeat(1_000)));
  expect((await get(open({ maxBytes: 1_000 }))).text).toHaveLength(1_000);
});

test('a body that is not UTF-8 is marked as such', async () => {
  server.react(raw(200, Buffer.from([0x22, 0xf3, 0x22])));
  expect((await get(open())).utf8).toBe(false);
});

test('a connection that is closed without an answer, or refused, is a transient fault', async () => {
  server.react(hangUp);
  expect((await failureOf(get(open()))).message).toMatch(/expected an answer, got ECONNRESET$/);
  const listener = createServer();
  const port = await new Promise<number>((resolve) =>
    listener.listen(0, '127.0.0.1', () => {
      const address = listener.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    }),
  );
  await new Promise((resolve) => listener.close(resolve));
  const refused = open().exchange({ url: `http://127.0.0.1:${port}/v3/clients.json`, headers: {} });
  expect((await failureOf(answerOf(refused))).message).toMatch(/got ECONNREFUSED$/);
});

test('https speaks TLS', async () => {
  const url = server.url.replace('http:', 'https:');
  const error = await failureOf(answerOf(open().exchange({ url, headers: {} })));
  expect(error.message).toMatch(/^GET https:.* expected an answer, got /);
});

test('I11: no failure names the key, another header or the query', async () => {
  const failures: TransientError[] = [];
  for (const reaction of [hang, drip, hangUp, cut(), cutChunked, raw(200, 'x'.repeat(2_000))]) {
    server.react(reaction);
    failures.push(await failureOf(get(open({ timeoutMs: 60, maxBytes: 1_000 }))));
  }
  for (const error of failures) {
    const shown = [error.message, error.stack, JSON.stringify(error), String(error.cause)].join('\n');
    expect(shown).not.toMatch(/secret-key|hidden|token/);
  }
});

test('I11: a header that cannot be sent is refused without quoting it', async () => {
  const exchange = open().exchange({ url: server.url, headers: { 'X-inFakt-ApiKey': `${KEY}\n` } });
  await expect(answerOf(exchange)).rejects.toThrow(/^Invalid character in header content \["X-inFakt-ApiKey"\]$/);
  expect(server.requests).toHaveLength(0);
});

test.each([
  ['before the answer', hang],
  ['during the body', drip],
])('unsubscribing %s aborts the exchange', async (_title, reaction) => {
  server.react(reaction);
  const subscription = open()
    .exchange(request())
    .subscribe({
      next: () => expect(true).toBe(false),
      error: () => expect(true).toBe(false),
    });
  const seen = await server.request(1);
  subscription.unsubscribe();
  await seen.closed;
});

test('closing ends the exchanges under way', async () => {
  server.react(hang);
  const http = open();
  const failure = failureOf(get(http));
  await server.request(1);
  http.close();
  expect((await failure).message).toMatch(/expected an answer/);
});
