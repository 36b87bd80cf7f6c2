import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';

import { hookRoutes } from '../../src/http-server/hook-routes';
import { listen, type HttpServer } from '../../src/http-server/server';
import { deliveryOf, post, signatureOf } from '../support/deliveries';
import { until } from '../support/kafka';

const OLD = 'old-s3cret';
const NEW = 'new-s3cret';
const paid = deliveryOf('invoice_paid', { uuid: 'u-1' });

let server: HttpServer;
let delivered: (readonly [entity: string, body: unknown])[];
let refused: string[];
let faults: Error[];
let token: string | null;
let secrets: Map<string, readonly string[]>;
let url: string;

beforeEach(async () => {
  [delivered, refused, faults, token] = [[], [], [], 'a-token'];
  secrets = new Map([
    ['alfa', [OLD, NEW]],
    ['beta', []],
  ]);
  server = await listen({
    port: 0,
    host: '127.0.0.1',
    token: () => token,
    routes: hookRoutes({
      secretsOf: (entity) => secrets.get(entity) ?? null,
      deliver: (entity, body) => {
        delivered.push([entity, body]);
        if (body === null) throw new Error('a bug');
      },
      onRefused: (entity, refusal) => void refused.push(`${entity} ${refusal}`),
      onFault: (error) => void faults.push(error),
    }),
    onFault: (error) => void faults.push(error),
  });
  url = `http://127.0.0.1:${server.port}/hooks/alfa`;
});

afterEach(async () => {
  await server.close();
  expect(faults).toEqual([]);
});

const answerOf = async (response: Promise<Response>): Promise<readonly [number, string]> => {
  const { status, ...rest } = await response.then(async (answer) => ({
    status: answer.status,
    body: await answer.text(),
  }));
  return [status, rest.body];
};

describe('a delivery', () => {
  test.each([OLD, NEW])('that one of two secrets signs is genuine, without the token', async (secret) => {
    expect(await answerOf(post(url, paid, secret))).toEqual([200, 'ok\n']);
    await until(() => delivered.length > 0, { what: 'the delivery' });
    expect(delivered).toEqual([['alfa', JSON.parse(paid)]]);
    expect(refused).toEqual([]);
  });

  test('is genuine by the bytes of its body, whatever its content type and the case of the signature', async () => {
    const body = Buffer.from(`{"resource" : {"uuid":"ż\\u017c"}, "event":{}}\n`);
    const headers = { 'Content-Type': 'text/plain', 'X-Infakt-Signature': signatureOf(body, NEW).toUpperCase() };
    expect(await answerOf(post(url, body, null, headers))).toEqual([200, 'ok\n']);
  });

  test('that is genuine and no JSON is answered 200 too', async () => {
    expect(await answerOf(post(url, 'not json', NEW))).toEqual([200, 'ok\n']);
    await until(() => delivered.length > 0, { what: 'the delivery' });
    expect(delivered).toEqual([['alfa', undefined]]);
  });

  test('that meets a bug is answered all the same, and ends no process', async () => {
    expect(await answerOf(post(url, 'null', NEW))).toEqual([200, 'ok\n']);
    await until(() => faults.length > 0, { what: 'the fault' });
    expect(faults.splice(0).map(({ message }) => message)).toEqual(['a bug']);
  });

  test('is answered before it is handed on', async () => {
    let isAnswered = false;
    const [route] = hookRoutes({
      secretsOf: () => [NEW],
      deliver: () => void (isAnswered = true),
      onRefused: () => undefined,
      onFault: () => undefined,
    });
    const asked = new Request(url, {
      method: 'POST',
      body: paid,
      headers: { 'X-Infakt-Signature': signatureOf(paid, NEW) },
    });
    const response = await route?.answer(asked, { cut: () => undefined });
    expect([response?.status, isAnswered]).toEqual([200, false]);
    await until(() => isAnswered, { what: 'the delivery' });
  });

  test.each([
    ['another secret', signatureOf(paid, 'another')],
    ['none', ''],
    ['a part of the right one', signatureOf(paid, NEW).slice(0, 40)],
    ['no hexadecimal text', 'z'.repeat(64)],
    ['another body', signatureOf(`${paid} `, NEW)],
  ])('signed by %s is refused and handed to nobody', async (_, signature) => {
    expect(await answerOf(post(url, paid, null, { 'X-Infakt-Signature': signature }))).toEqual([401, 'unauthorized\n']);
    expect([delivered, refused]).toEqual([[], ['alfa forged']]);
  });

  test('of an entity without a secret, and of none that exists, is refused in the same words', async () => {
    for (const entity of ['beta', 'gamma', '__proto__', '%E0%A4%A'])
      expect(await answerOf(post(url.replace('alfa', entity), paid, NEW))).toEqual([401, 'unauthorized\n']);
    expect(refused).toEqual(['beta no-secret', ' unknown-entity', ' unknown-entity', ' unknown-entity']);
  });

  test('with a secret that is empty is never genuine', async () => {
    secrets.set('alfa', []);
    expect(await answerOf(post(url, paid, ''))).toEqual([401, 'unauthorized\n']);
  });

  test('of up to 256 kB is read, and of more is not', async () => {
    const most = JSON.stringify({ filler: 'x'.repeat(256 * 1024 - 13) });
    expect(await answerOf(post(url, most, NEW))).toEqual([200, 'ok\n']);
    expect(await answerOf(post(url, `${most} `, NEW))).toEqual([413, 'too large\n']);
    expect(refused).toEqual(['alfa too-large']);
  });

  test('whose body breaks off is no fault of the service', async () => {
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    socket.write('POST /hooks/alfa HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"a"');
    await new Promise<void>((resolve) => socket.end(() => resolve()));
    socket.destroy();
    expect(await answerOf(post(url, paid, NEW))).toEqual([200, 'ok\n']);
  });
});

describe('the verification of a webhook', () => {
  test.each(['alfa', 'beta', 'gamma'])(
    'of %s is answered with the same bytes, also before there is a secret',
    async (entity) => {
      const asked = '{ "verification_code":"4f\\u00f3-1" }\n';
      const response = await post(url.replace('alfa', entity), asked, null);
      expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
        200,
        'application/json',
        asked,
      ]);
      expect(delivered).toEqual([]);
      expect(refused).toEqual([entity === 'gamma' ? ' verified' : `${entity} verified`]);
    },
  );

  test.each([
    ['beside an event', '{"verification_code":"1","event":{"name":"invoice_paid"}}'],
    ['that is no text', '{"verification_code":{"a":1}}'],
    ['that is endless', JSON.stringify({ verification_code: 'x'.repeat(5_000) })],
  ])('with a code %s is a delivery as any other', async (_, body) => {
    expect(await answerOf(post(url, body, null))).toEqual([401, 'unauthorized\n']);
  });
});

test('the address takes POST alone, of one entity', async () => {
  const get = await fetch(url);
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
  for (const path of ['/hooks', '/hooks/', '/hooks/alfa/more'])
    expect((await fetch(new URL(path, url), { method: 'POST' })).status).toBe(401);
});

test('without a token the address answers to whatever name a reverse proxy passes on', async () => {
  token = null;
  const headers = { Host: 'hooks.books.example', 'X-Infakt-Signature': signatureOf(paid, NEW) };
  for (const [path, status] of [
    ['/hooks/alfa', 200],
    ['/hooks/alfa/more', 403],
  ] as const) {
    const asked = request({ host: '127.0.0.1', port: server.port, path, method: 'POST', headers, agent: false });
    const answered = once(asked, 'response') as Promise<[IncomingMessage]>;
    asked.end(paid);
    const [answer] = await answered;
    answer.resume();
    expect([path, answer.statusCode]).toEqual([path, status]);
  }
});
