import { get } from 'node:http';
import { get as getSecurely } from 'node:https';

import type { ProxyConfig } from '../config/config';
import { type Connection, type Connections, createConnections, orCut } from '../src/connections';
import { hang, json, startHttpServer, type HttpServer } from './support/http-server';
import { startHttpProxy, type HttpProxy } from './support/http-proxy';

let server: HttpServer;
let proxy: HttpProxy;
let connections: Connections;

beforeEach(async () => {
  [server, proxy] = await Promise.all([startHttpServer(), startHttpProxy()]);
  server.react(json(200, {}));
  connections = createConnections(undefined, { https: proxy.url, http: proxy.url, except: ['direct.example'] });
});

afterEach(async () => {
  connections.close();
  await Promise.all([server.close(), proxy.close()]);
});

const url = (host: string, scheme = 'http'): URL =>
  new URL(server.url.replace('http://127.0.0.1', `${scheme}://${host}`));

/** One exchange over a connection, which then is idle. */
function exchange(target: URL, { agent }: Connection): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    get(target, { agent }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode));
    }).once('error', reject);
  });
}

test('an idle connection is used again for the same origin, and for no other', () => {
  const one = connections.take(new URL('http://127.0.0.1:1/a'));
  connections.giveBack(new URL('http://127.0.0.1:1/b'), one);
  expect(connections.take(new URL('http://127.0.0.1:2'))).not.toBe(one);
  expect(connections.take(new URL('http://127.0.0.1:1'))).toBe(one);
  expect(connections.take(new URL('http://127.0.0.1:1'))).not.toBe(one);
});

test('a connection that was dropped is not taken back', () => {
  const target = new URL('http://127.0.0.1:1');
  const one = connections.take(target);
  connections.drop(one);
  connections.giveBack(target, one);
  expect(connections.take(target)).not.toBe(one);
});

test('a host of http is asked through the proxy by its whole URL, over one connection', async () => {
  const target = url('registry.example');
  const connection = connections.take(target);
  expect(connection.proxy).toMatchObject({ url: proxy.url, variable: 'HTTP_PROXY' });
  expect([await exchange(target, connection), await exchange(target, connection)]).toEqual([200, 200]);
  expect(proxy.requests.map(({ what }) => what)).toEqual([`GET ${target.href}`, `GET ${target.href}`]);
  expect(proxy.open()).toBe(1);
});

test('a host that NO_PROXY names and this machine are reached directly', () => {
  expect(connections.take(url('direct.example')).proxy).toBeNull();
  expect(connections.take(new URL(server.url)).proxy).toBeNull();
});

test('a status other than 200 says that the proxy, and not the host, has answered', async () => {
  proxy.answerItself('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
  const target = url('api.example', 'https');
  const connection = connections.take(target);
  const status = await new Promise((resolve, reject) => {
    getSecurely(target, { agent: connection.agent }, ({ statusCode }) => resolve(statusCode)).once('error', reject);
  });
  expect([status, connection.refusedWith()]).toEqual([403, 403]);
});

test('dropping gives up a proxy that does not answer', async () => {
  proxy.answerItself(null);
  const target = url('api.example', 'https');
  const connection = connections.take(target);
  const failed = new Promise((resolve) => getSecurely(target, { agent: connection.agent }).once('error', resolve));
  await proxy.asked(1);
  connections.drop(connection);
  await Promise.all([failed, proxy.deserted()]);
  expect(proxy.open()).toBe(0);
});

test('a body that never comes is cut with its connection', async () => {
  server.react(hang);
  const target = new URL(server.url);
  const connection = connections.take(target);
  const request = get(target, { agent: connection.agent }).once('error', () => undefined);
  const seen = await server.request(1);
  const body = orCut(new Promise(() => undefined), connection);
  request.destroy();
  await expect(body).rejects.toThrow('a connection closed before the end of the body');
  await seen.closed;
});

test('a body that came whole is handed on, whether its connection is in use or not', async () => {
  const none: ProxyConfig = { https: null, http: null, except: [] };
  const idle = createConnections(undefined, none).take(new URL(server.url));
  await expect(orCut(Promise.resolve('whole'), idle)).resolves.toBe('whole');
});
