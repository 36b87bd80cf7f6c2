import { createServer } from 'node:net';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { Observable } from 'rxjs';
import { ConfigError, TransientError } from '../src/errors';
import { createHttp, type Http, type HttpOptions } from '../src/http';
import { type Authority, createAuthority } from './support/certificates';
import { type HttpProxy, startHttpProxy } from './support/http-proxy';
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

describe('through a proxy', () => {
  let authority: Authority;
  let secure: HttpServer;
  let proxy: HttpProxy;

  beforeAll(async () => {
    authority = await createAuthority();
  });

  afterAll(() => authority.remove());

  beforeEach(async () => {
    secure = await startHttpServer(await authority.sign('DNS:api.example'));
    proxy = await startHttpProxy({ user: 'jan', password: 'p@ss w0rd' });
    secure.react(json(200, { name: 'Alfa' }));
  });

  afterEach(async () => {
    await Promise.all([secure.close(), proxy.close()]);
  });

  function openThrough(url = proxy.url, options: Partial<HttpOptions> = {}): Http {
    return open({ ca: authority.ca, proxies: { https: url, http: url, except: [] }, ...options });
  }

  const behind = ({ url }: HttpServer) => `${url.replace('127.0.0.1', 'api.example')}/v3/clients.json?token=hidden`;
  const ask = (http: Http, url = behind(secure)) =>
    answerOf(http.exchange({ url, headers: { 'X-inFakt-ApiKey': KEY, Accept: 'application/json' } }));

  async function refusalOf(promise: Promise<unknown>): Promise<Error> {
    const error: unknown = await promise.then(
      () => new Error('expected a failure, got an answer'),
      (reason: unknown) => reason,
    );
    if (!(error instanceof Error)) throw new Error(String(error));
    const shown = [error.message, error.stack, JSON.stringify(error), String(error.cause)].join('\n');
    const base64 = Buffer.from('jan:p@ss w0rd').toString('base64');
    expect([KEY, 'hidden', 'p@ss', 'p%40ss', base64, '<html'].filter((secret) => shown.includes(secret))).toEqual([]);
    return error;
  }

  test('that asks for a sign-in, https goes through one tunnel, and I11: the key goes to the host alone', async () => {
    const http = openThrough();
    expect((await ask(http)).text).toBe('{"name":"Alfa"}');
    expect((await ask(http)).status).toBe(200);
    expect(proxy.requests).toEqual([
      {
        what: `CONNECT ${new URL(behind(secure)).host}`,
        authorization: `Basic ${Buffer.from('jan:p@ss w0rd').toString('base64')}`,
      },
    ]);
    expect(secure.requests.map(({ connection, headers }) => [connection, headers['proxy-authorization']])).toEqual([
      [0, undefined],
      [0, undefined],
    ]);
    expect(secure.requests[0]?.headers).toMatchObject({ 'x-infakt-apikey': KEY });
  });

  test('http is forwarded, with the sign-in', async () => {
    server.react(json(200, { name: 'Beta' }));
    expect((await ask(openThrough(), behind(server))).text).toBe('{"name":"Beta"}');
    expect(proxy.requests.map(({ what }) => what)).toEqual([`GET ${behind(server)}`]);
    expect(server.requests[0]?.headers).not.toHaveProperty('proxy-authorization');
  });

  test('a body that is cut is a failure there too', async () => {
    secure.react(cut());
    expect((await failureOf(ask(openThrough()))).message).toMatch(
      /got a connection closed before the end of the body$/,
    );
  });

  test.each(['https', 'http'] as const)('407 of a first request over %s is a setting that is wrong', async (scheme) => {
    const target = scheme === 'https' ? behind(secure) : behind(server);
    const variable = scheme === 'https' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
    const without = await refusalOf(ask(openThrough(`http://127.0.0.1:${proxy.port}`), target));
    expect(without).toBeInstanceOf(ConfigError);
    expect(without.message).toBe(
      `GET ${new URL(target).origin}/v3/clients.json expected the proxy http://127.0.0.1:${proxy.port} to connect to ${new URL(target).host}, got 407; the proxy wants a sign-in: put it into ${variable}, as http://user:password@host:port`,
    );
    const wrong = await refusalOf(ask(openThrough(proxy.url.replace('jan:', 'ewa:')), target));
    expect(wrong).toBeInstanceOf(ConfigError);
    expect(wrong.message).toMatch(new RegExp(`got 407; the proxy refuses the user name and password of ${variable}$`));
    expect([...secure.requests, ...server.requests]).toEqual([]);
  });

  test('407 where the host has answered before may pass', async () => {
    secure.react(json(200, {}, { connection: 'close' }));
    const http = openThrough();
    await ask(http);
    proxy.answerItself('HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n');
    expect(await refusalOf(ask(http))).toMatchObject({ code: 'TRANSIENT', networkFault: 'PROXY_407' });
    expect(proxy.requests).toHaveLength(2);
    proxy.work();
    expect((await ask(http)).status).toBe(200);
  });

  test.each([403, 404, 502, 503])('%i from the proxy, with a web page, is no answer of the host', async (status) => {
    const page = '<html>{"error":"not found"}</html>';
    proxy.answerItself(
      `HTTP/1.1 ${status} x\r\ncontent-type: application/json\r\ncontent-length: ${page.length}\r\n\r\n${page}`,
    );
    const error = await refusalOf(ask(openThrough()));
    expect(error).toMatchObject({ code: 'TRANSIENT', networkFault: `PROXY_${status}`, status: undefined });
    expect(error.message).toMatch(
      new RegExp(
        `to connect to api.example:\\d+, got ${status}; if it stays so, have the proxy allow it, or name the host in NO_PROXY$`,
      ),
    );
  });

  test('a web page instead of a tunnel is no answer of the host', async () => {
    const page = '<html>Welcome to the hotel</html>';
    proxy.answerItself(`HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: ${page.length}\r\n\r\n${page}`);
    const error = await refusalOf(ask(openThrough()));
    expect(error).toMatchObject({ code: 'TRANSIENT', status: undefined });
    expect(error.message).toMatch(/expected an answer, got \S+ through the proxy http:\/\/127.0.0.1:\d+$/);
  });

  test.each([
    ['that is not there', 'http://127.0.0.1:9', 'ECONNREFUSED'],
    ['that speaks no TLS', 'https', 'EPROTO'],
  ])('one %s is a fault of the network', async (_title, given, fault) => {
    const url = given === 'https' ? `https://127.0.0.1:${proxy.port}` : given;
    const error = await refusalOf(ask(openThrough(url)));
    expect(error).toMatchObject({ code: 'TRANSIENT', networkFault: fault });
    expect(error.message).toContain(`through the proxy ${url}`);
  });

  test('one that never answers is left in time, and its connection closed', async () => {
    proxy.answerItself(null);
    expect((await failureOf(ask(openThrough(proxy.url, { timeoutMs: 100 })))).message).toMatch(/got a time-out$/);
    await proxy.deserted();
  });

  test('closing ends a tunnel that is being made', async () => {
    proxy.answerItself(null);
    const http = openThrough();
    const failure = failureOf(ask(http));
    await proxy.asked(1);
    http.close();
    await Promise.all([failure, proxy.deserted()]);
  });
});

describe('a certificate', () => {
  let authority: Authority;
  let stranger: Authority;

  beforeAll(async () => {
    [authority, stranger] = await Promise.all([createAuthority(), createAuthority()]);
  });

  afterAll(() => {
    authority.remove();
    stranger.remove();
  });

  test('that nobody who is trusted has signed is a setting that is wrong, with what to do; the key is not sent', async () => {
    const secure = await startHttpServer(await authority.sign('IP:127.0.0.1'));
    try {
      for (const ca of [undefined, stranger.ca]) {
        const http = open(ca === undefined ? {} : { ca });
        const error: unknown = await answerOf(
          http.exchange({ url: `${secure.url}/v3/clients.json`, headers: {} }),
        ).catch((reason: unknown) => reason);
        if (!(error instanceof ConfigError)) throw error;
        expect(error.message.replace(secure.url, 'https://api')).toBe(
          "GET https://api/v3/clients.json expected an answer, got UNABLE_TO_VERIFY_LEAF_SIGNATURE: nobody whom Node.js trusts has signed the certificate; where a proxy or a firewall opens TLS, set NODE_EXTRA_CA_CERTS to the file with its authority's certificate (PEM) and start again",
        );
      }
      expect(secure.requests).toEqual([]);
    } finally {
      await secure.close();
    }
  });

  test('that changes to one that is not trusted, where the host has answered before, may pass', async () => {
    const before = await startHttpServer(await authority.sign('IP:127.0.0.1'));
    before.react(json(200, {}, { connection: 'close' }));
    const http = open({ ca: authority.ca });
    const asked = { url: before.url, headers: {} };
    await answerOf(http.exchange(asked));
    await before.close();
    const after = await startHttpServer(await stranger.sign('IP:127.0.0.1'), Number(new URL(before.url).port));
    try {
      expect(await failureOf(answerOf(http.exchange(asked)))).toMatchObject({
        networkFault: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      });
    } finally {
      await after.close();
    }
  });

  test.each([
    ['has expired', 'IP:127.0.0.1', 'over', 'CERT_HAS_EXPIRED'],
    ['is of another host', 'DNS:other.example', 'now', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const)('that %s is a fault of the host, which may pass', async (_title, host, period, fault) => {
    const secure = await startHttpServer(await authority.sign(host, period));
    try {
      const error = await failureOf(answerOf(open({ ca: authority.ca }).exchange({ url: secure.url, headers: {} })));
      expect(error.networkFault).toBe(fault);
    } finally {
      await secure.close();
    }
  });
});
