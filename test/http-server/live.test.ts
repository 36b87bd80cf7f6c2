import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import { createLive } from '../../src/http-server/live';
import { until } from '../support/kafka';
import { servePage, shownService, type PageServer, type ShownService } from '../support/page-server';
import { pageRead, START_MS } from '../support/service-events';

const sockets: Socket[] = [];
const servers: PageServer[] = [];
let service: ShownService;

beforeEach(() => {
  service = shownService(20, { now: () => START_MS });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) {
    await server.close();
    expect(server.faults).toEqual([]);
  }
});

async function serve(setting: Parameters<typeof servePage>[1] = {}): Promise<PageServer> {
  const server = await servePage(service, setting);
  servers.push(server);
  return server;
}

const fail = (error: Error): void => {
  throw error;
};

interface Reader {
  readonly socket: Socket;
  readonly text: () => string;
}

/** Somebody who asks for events; `takes`: reads what comes. */
async function reader({ port }: PageServer, { takes = true, method = 'GET' } = {}): Promise<Reader> {
  const socket = connect({ host: '127.0.0.1', port });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.write(`${method} /events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  let text = '';
  if (takes) socket.setEncoding('utf8').on('data', (part) => (text += String(part)));
  else socket.pause();
  return { socket, text: () => text };
}

const news = (number: number): void =>
  service.tell(pageRead('newest', { entity: 'company-003', counts: { updated: number } }));

test('a reader is first sent everything, then only what is new', async () => {
  const server = await serve();
  const { text } = await reader(server);
  await until(() => text().includes('"name":"timeline"'), { what: 'everything' });
  expect(text()).toMatch(/^HTTP\/1\.1 200/);
  expect(text()).toMatch(/content-type: text\/event-stream/i);
  expect(text()).toContain('"name":"entity company-020"');
  const first = text().length;
  news(777);
  await until(() => text().includes('777 updated'), { what: 'the news' });
  const later = text().slice(first);
  expect(later).toContain('"name":"entity company-003"');
  expect(later).not.toContain('"name":"entity company-020"');
});

test('while nothing is new, an empty line shows that both sides are there', async () => {
  const { text } = await reader(await serve({ everyMs: 5 }));
  await until(() => text().includes('\n:\n\n'), { what: 'a sign of life' });
});

test('fifty readers are all sent what is new, and are gone when they leave', async () => {
  const server = await serve();
  const readers = await Promise.all(Array.from({ length: 50 }, () => reader(server)));
  await until(() => server.live.readers() === 50, { what: 'fifty readers' });
  news(4_321);
  await until(() => readers.every(({ text }) => text().includes('4\u00a0321 updated')), { what: 'the news at all' });
  for (const { socket } of readers) socket.destroy();
  await until(() => server.live.readers() === 0, { what: 'nobody to read any more' });
});

test('a reader too many is refused with 503, and the next one is let in when another has left', async () => {
  const server = await serve({ maxReaders: 2 });
  const [first] = [await reader(server), await reader(server)];
  await until(() => server.live.readers() === 2, { what: 'two readers' });
  const third = await reader(server);
  await until(() => third.text().includes('too many readers'), { what: 'the refusal' });
  expect(third.text()).toMatch(/^HTTP\/1\.1 503/);
  first.socket.destroy();
  await until(() => server.live.readers() === 1, { what: 'one reader' });
  const fourth = await reader(server);
  await until(() => fourth.text().includes('"name":"summary"'), { what: 'the fourth to be let in' });
});

test('a reader that takes nothing is let go, and the others hear everything meanwhile', async () => {
  let version = 0;
  // More than a connection holds by itself.
  const parts = () => [{ name: 'large', version: String(++version), html: () => 'x'.repeat(4_000_000) }];
  const server = await serve({ everyMs: 25, patience: 80, parts });
  const slow = await reader(server, { takes: false });
  await until(() => server.live.readers() === 1, { what: 'the slow reader' });
  const { socket } = await reader(server);
  await until(() => server.live.readers() === 2, { what: 'two readers' });
  await until(() => server.live.readers() === 1, { what: 'the slow reader to be let go' });
  expect(socket.destroyed).toBe(false);
  const closed = once(slow.socket, 'close');
  slow.socket.resume();
  await closed;
  expect(server.live.readers()).toBe(1);
});

test('no more than one message waits for a reader, however much is new', async () => {
  let version = 0;
  let cuts = 0;
  const parts = () => [{ name: 'one', version: String(++version), html: () => String(version) }];
  const live = createLive({ parts, everyMs: 1, maxReaders: 1, patience: 5, onFault: fail });
  const answer = live.answer(new Request('http://localhost/events'), { cut: () => (cuts += 1) });
  await until(() => cuts === 1, { what: 'the reader to be let go' });
  expect(live.readers()).toBe(0);
  expect(version).toBeGreaterThan(5);
  const taker = answer.body?.getReader();
  const first = await taker?.read();
  expect(new TextDecoder().decode(first?.value as Uint8Array)).toContain('"html":"1"');
  await taker?.cancel();
});

test('a bug in what is shown is told, lets the readers go, and ends nothing else', async () => {
  let looks = 0;
  const parts = () => {
    if (++looks > 1) throw new Error('a bug');
    return [];
  };
  const faults: Error[] = [];
  const server = await servePage(service, { everyMs: 5, parts, onFault: (error) => faults.push(error) });
  const { socket } = await reader(server);
  await once(socket, 'close');
  expect(faults.map(({ message }) => message)).toEqual(['a bug']);
  expect(server.live.readers()).toBe(0);
  await server.close();
});

test('HEAD asks nobody to be told of anything', async () => {
  const server = await serve();
  const { text } = await reader(server, { method: 'HEAD' });
  await until(() => text().includes('\r\n\r\n'), { what: 'the head' });
  expect(text()).toMatch(/^HTTP\/1\.1 200/);
  expect(server.live.readers()).toBe(0);
});

test('a server that closes lets its readers go', async () => {
  const server = await serve();
  const { socket } = await reader(server);
  await until(() => server.live.readers() === 1, { what: 'a reader' });
  const gone = once(socket, 'close');
  await server.close();
  await gone;
  expect(server.live.readers()).toBe(0);
  servers.splice(0);
});

test('events are told to who has the token', async () => {
  const server = await serve({ token: 'let-me-read-this' });
  const { text } = await reader(server);
  await until(() => text().includes('unauthorized'), { what: 'the refusal' });
  expect(text()).toMatch(/^HTTP\/1\.1 401/);
  const headers = { Authorization: `Basic ${Buffer.from('anyone:let-me-read-this').toString('base64')}` };
  const answer = await fetch(`${server.url}/events`, { headers });
  expect(answer.status).toBe(200);
  await answer.body?.cancel();
});
