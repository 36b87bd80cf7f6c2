import { once } from 'node:events';
import { request as requestOf, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';

import { json, listen, text, type HttpServer, type Route, type ServerSetting } from '../../src/http-server/server';

const TOKEN = 'let-me-read-this';
const faults: Error[] = [];
const servers: HttpServer[] = [];

const routes: readonly Route[] = [
  { path: '/livez', access: 'open', answer: () => text(200, 'ok') },
  { path: '/health', access: 'token', answer: () => json(200, { healthy: true }) },
  {
    path: '/broken',
    access: 'token',
    answer: () => {
      throw new Error('a bug with s3cret-key in it');
    },
  },
  { path: '/late', access: 'token', answer: () => Promise.reject(new Error('s3cret-key again')) },
];

async function serve(changes: Partial<ServerSetting> = {}): Promise<HttpServer> {
  const onFault = (error: Error): void => void faults.push(error);
  const server = await listen({ port: 0, host: '127.0.0.1', token: () => null, routes, onFault, ...changes });
  servers.push(server);
  return server;
}

afterEach(async () => {
  faults.splice(0);
  for (const server of servers.splice(0)) await server.close();
});

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Asks for a path as it is, which `fetch` would tidy up. */
async function ask(
  { port }: HttpServer,
  path: string,
  { method = 'GET', headers = {} }: { readonly method?: string; readonly headers?: Record<string, string> } = {},
): Promise<Answer> {
  const request = requestOf({ host: '127.0.0.1', port, path, method, headers, agent: false });
  const answered = once(request, 'response') as Promise<[import('node:http').IncomingMessage]>;
  request.end();
  const [response] = await answered;
  let body = '';
  response.setEncoding('utf8');
  for await (const part of response) body += String(part);
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

describe('paths and methods', () => {
  test('a path that is served answers GET, and HEAD without the body', async () => {
    const server = await serve();
    expect(await ask(server, '/livez')).toMatchObject({ status: 200, body: 'ok\n' });
    expect(await ask(server, '/health?pretty')).toMatchObject({ status: 200, body: '{\n  "healthy": true\n}\n' });
    expect(await ask(server, '/livez', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND'])(
    '%s of a path that is served is not allowed',
    async (method) => {
      const answer = await ask(await serve(), '/health', { method });
      expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' }, body: 'method not allowed\n' });
    },
  );

  test.each([
    '/',
    '/livez/',
    '/LIVEZ',
    '//livez',
    '/health/../../etc/passwd',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/%00',
    '/%',
    '/%ff%fe',
    '/health%20',
    '/__proto__',
    '/constructor',
    '/:path',
    '/*',
    '/?x=/livez',
    `/${'a'.repeat(8_000)}`,
    '/zażółć'.replace(/[^ -~]/g, (letter) => encodeURIComponent(letter)),
  ])('%s is not found', async (path) => {
    expect(await ask(await serve(), path)).toMatchObject({ status: 404, body: 'not found\n' });
    expect(faults).toEqual([]);
  });

  test('every answer says that nothing is to be stored, guessed or shown inside another site', async () => {
    const server = await serve();
    for (const path of ['/livez', '/health', '/nowhere'])
      expect((await ask(server, path)).headers).toMatchObject({
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'cross-origin-resource-policy': 'same-origin',
      });
  });
});

describe('a request that is none', () => {
  /** Sends bytes as they are; gives the first line of what comes back. */
  async function say({ port }: HttpServer, bytes: string): Promise<string> {
    const socket = connect(port, '127.0.0.1');
    socket.write(bytes);
    let answer = '';
    socket.on('data', (part) => (answer += part.toString('latin1')));
    await Promise.race([once(socket, 'close'), once(socket, 'data')]);
    socket.destroy();
    return answer.split('\r\n')[0] ?? '';
  }

  test.each([
    ['of no known protocol', 'hello\r\n\r\n', /^HTTP\/1\.1 400/],
    ['without a host', 'GET /livez HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400/],
    ['with a host that is none', 'GET /health HTTP/1.1\r\nHost: a b<>\r\n\r\n', /^HTTP\/1\.1 40[03]/],
    [
      'with an address for its path',
      'GET http://elsewhere.example/livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n',
      /^HTTP\/1\.1 [24]00/,
    ],
    [
      'with headers beyond measure',
      `GET /livez HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`,
      /^HTTP\/1\.1 431/,
    ],
    [
      'that says its length twice',
      'GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      /^HTTP\/1\.1 400/,
    ],
    ['with a path of spaces', 'GET / / HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 400/],
    ['that asks for a tunnel', 'CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: x\r\n\r\n', /^$/],
  ])('%s is refused, and the next one is answered', async (_what, bytes, expected) => {
    const server = await serve();
    expect(await say(server, bytes)).toMatch(expected);
    expect(await ask(server, '/livez')).toMatchObject({ status: 200 });
    expect(faults).toEqual([]);
  });

  test('with a body for a GET is answered as if it had none', async () => {
    const server = await serve();
    const bytes = 'GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello';
    expect(await say(server, bytes)).toMatch(/^HTTP\/1\.1 200/);
  });
});

describe('the token', () => {
  test.each([
    ['as a bearer token', `Bearer ${TOKEN}`],
    ['as a bearer token, whatever the case of that word', `bearer ${TOKEN}`],
    ['as the password of a user', basic(`anyone:${TOKEN}`)],
    ['as the password of nobody', basic(`:${TOKEN}`)],
  ])('%s opens what asks for it', async (_how, authorization) => {
    const server = await serve({ token: () => TOKEN });
    expect(await ask(server, '/health', { headers: { authorization } })).toMatchObject({ status: 200 });
  });

  test.each([
    ['without any sign-in', {}],
    ['with an empty one', { authorization: '' }],
    ['with another token', { authorization: 'Bearer let-me-read-that' }],
    ['with the beginning of the token', { authorization: `Bearer ${TOKEN.slice(0, -1)}` }],
    ['with more than the token', { authorization: `Bearer ${TOKEN}x` }],
    ['with the token as the user', { authorization: basic(`${TOKEN}:`) }],
    ['with the token alone', { authorization: TOKEN }],
    ['with the token as Basic', { authorization: `Basic ${TOKEN}` }],
    ['with the token in another scheme', { authorization: `Digest ${TOKEN}` }],
    ['with the token in a header of its own', { token: TOKEN, cookie: `token=${TOKEN}` }],
  ])('a request %s is refused, whatever it asks for', async (_how, headers) => {
    const server = await serve({ token: () => TOKEN });
    for (const path of [
      '/health',
      '/broken',
      '/nowhere',
      `/health?token=${TOKEN}`,
      '/livez/',
      '//livez',
      '/livez%2f',
    ]) {
      const answer = await ask(server, path, { headers: headers });
      expect(answer).toMatchObject({ status: 401, body: 'unauthorized\n' });
      expect(answer.headers['www-authenticate']).toBe('Basic realm="infakt-kafka", charset="UTF-8"');
      expect(JSON.stringify(answer)).not.toContain(TOKEN.slice(0, 8));
    }
    expect(await ask(server, '/health', { method: 'POST' })).toMatchObject({ status: 401 });
  });

  test('is not asked for by probes', async () => {
    expect(await ask(await serve({ token: () => TOKEN }), '/livez')).toMatchObject({ status: 200 });
  });

  test('may change while the server runs', async () => {
    let token = TOKEN;
    const server = await serve({ token: () => token });
    const status = async (given: string) =>
      (await ask(server, '/health', { headers: { authorization: `Bearer ${given}` } })).status;
    expect([await status(TOKEN), await status('next')]).toEqual([200, 401]);
    token = 'next';
    expect([await status(TOKEN), await status('next')]).toEqual([401, 200]);
  });
});

describe('a route for POST', () => {
  const posts: readonly Route[] = [
    ...routes,
    { path: '/take/:name', access: 'open', method: 'POST', answer: ({ url }) => text(200, new URL(url).pathname) },
  ];

  test('answers POST of one name alone, without the token where it is open', async () => {
    const server = await serve({ token: () => TOKEN, routes: posts });
    expect(await ask(server, '/take/one', { method: 'POST' })).toMatchObject({ status: 200, body: '/take/one\n' });
    for (const method of ['GET', 'HEAD', 'PUT'])
      expect(await ask(server, '/take/one', { method })).toMatchObject({ status: 405, headers: { allow: 'POST' } });
    for (const path of ['/take', '/take/', '/take/one/two', '/take//one', '/TAKE/one', '/x/take/one'])
      expect([path, (await ask(server, path, { method: 'POST' })).status]).toEqual([path, 401]);
  });
});

describe('the name that a request comes by', () => {
  const from = async (server: HttpServer, host: string, path = '/health') =>
    (await ask(server, path, { headers: { host } })).status;

  test('is that of this machine, where this machine alone is answered and no token is asked for', async () => {
    const server = await serve();
    const hosts = [
      'localhost',
      `127.0.0.1:${server.port}`,
      '[::1]:8080',
      'evil.example',
      '10.0.0.7',
      '127.0.0.1.evil.example',
    ];
    expect(await Promise.all(hosts.map((host) => from(server, host)))).toEqual([200, 200, 200, 403, 403, 403]);
    expect(await from(server, 'evil.example', '/livez')).toBe(200);
  });

  test('is any where a token is asked for, or where others are answered', async () => {
    const open = await serve({ host: '0.0.0.0' });
    expect(await from(open, 'infakt.office.example')).toBe(200);
    const guarded = await serve({ token: () => TOKEN });
    const headers = { host: 'infakt.office.example', authorization: `Bearer ${TOKEN}` };
    expect(await ask(guarded, '/health', { headers })).toMatchObject({ status: 200 });
  });
});

test.each(['/broken', '/late'])('a bug in an answer of %s is told inside and shown to nobody (I11)', async (path) => {
  const server = await serve();
  const answer = await ask(server, path);
  expect(answer).toMatchObject({ status: 500, body: 'internal error\n' });
  expect(JSON.stringify(answer)).not.toContain('s3cret');
  expect(faults).toMatchObject([{ message: expect.stringContaining('s3cret-key') as string }]);
});

test('a port that is taken, and an address of another machine, are told by the setting that names them', async () => {
  const { port } = await serve();
  await expect(serve({ port })).rejects.toMatchObject({
    code: 'CONFIG',
    message: `listening on 127.0.0.1:${port}: expected a free port (http.port), got one that another program has; set http.port to another, or to 0 for none`,
  });
  await expect(serve({ host: '192.0.2.1' })).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('http.host') as string,
  });
  await expect(serve({ host: 'nowhere.invalid' })).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('http.host') as string,
  });
});

test('closing cuts readers that are slow, and the port is free again', async () => {
  const server = await serve({
    routes: [{ path: '/slow', access: 'open', answer: () => new Response(new ReadableStream()) }],
  });
  const request = requestOf({ host: '127.0.0.1', port: server.port, path: '/slow', agent: false });
  request.end();
  const cut = once(request, 'error');
  await new Promise((resolve) => request.once('socket', (socket) => socket.once('connect', resolve)));
  await server.close();
  await cut.catch(() => undefined);
  await (await serve({ port: server.port })).close();
});
