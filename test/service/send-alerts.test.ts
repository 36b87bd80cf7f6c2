import type { IncomingMessage } from 'node:http';

import { createAlertSender, type AlertSender } from '../../src/service/send-alerts';
import { hang, hangUp, json, startHttpServer, type HttpServer, type Reaction } from '../support/http-server';
import { until } from '../support/kafka';

let server: HttpServer;
let sender: AlertSender;
let trouble: string[];
let bodies: unknown[];

beforeEach(async () => {
  server = await startHttpServer();
  trouble = [];
  bodies = [];
  sender = createAlertSender({
    url: () => `${server.url}/hooks/s3cret-path?sig=s3cret-sig`,
    userAgent: 'infakt-kafka/test',
    waitMs: () => 1,
    onTrouble: (about) => trouble.push(about),
  });
});

afterEach(async () => {
  sender.close();
  await server.close();
});

/** Notes what came, then reacts. */
function noting(then: Reaction): Reaction {
  return (request, response) => {
    void bodyOf(request).then((body) => {
      bodies.push(JSON.parse(body));
      then(request, response);
    });
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += String(part);
  return text;
}

test('messages are posted as JSON, one after the other', async () => {
  server.react(noting(json(200, 'ok')));
  sender.send({ text: 'first' });
  sender.send({ text: 'second' });
  await until(() => bodies.length === 2, { what: 'both messages' });
  expect(bodies).toEqual([{ text: 'first' }, { text: 'second' }]);
  expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/hooks/s3cret-path?sig=s3cret-sig' });
  expect(server.requests[0]?.headers['content-type']).toBe('application/json');
  expect(trouble).toEqual([]);
});

test('a receiver that fails is tried again', async () => {
  server.react(json(500, {}), hangUp, noting(json(204, '')));
  sender.send({ text: 'late' });
  await until(() => bodies.length === 1, { what: 'the message' });
  expect(trouble).toEqual([]);
});

test('a receiver that asks for a wait is not asked before (YelpArchive/elastalert#1345, SigNoz/signoz#12891)', async () => {
  const times: number[] = [];
  server.react(
    (request, response) => {
      times.push(performance.now());
      json(429, {}, { 'retry-after': '1' })(request, response);
    },
    (request, response) => {
      times.push(performance.now());
      noting(json(200, {}))(request, response);
    },
  );
  sender.send({ text: 'slowly' });
  await until(() => bodies.length === 1, { what: 'the message' });
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(900);
  expect(trouble).toEqual([]);
});

test.each([
  ['answers 500', json(500, {}), 'the status 500'],
  ['answers 404', json(404, {}), 'the status 404'],
  ['closes the connection', hangUp, 'ECONNRESET'],
] as const)(
  'a receiver that always %s is given up and told, without its address, and the next message is tried',
  async (_, reaction, got) => {
    server.react(reaction);
    sender.send({ text: 'lost' });
    await until(() => trouble.length === 1, { what: 'the trouble' });
    expect(trouble[0]).toContain(got);
    expect(trouble[0]).not.toContain('s3cret');
    server.react(noting(json(200, {})));
    sender.send({ text: 'next' });
    await until(() => bodies.length === 1, { what: 'the next message' });
    expect(bodies).toEqual([{ text: 'next' }]);
  },
);

test('a receiver that hangs holds nobody up: a hundred messages wait, the oldest beyond are left out and counted', async () => {
  server.react(hang, noting(json(200, {})));
  sender.send({ text: '0' });
  await server.request(1);
  for (let number = 1; number <= 130; number += 1) sender.send({ text: String(number) });
  server.react(noting(json(200, {})));
  // Whatever ends the request that hangs.
  await server.close();
  server = await startHttpServer();
  server.react(noting(json(200, {})));
  await until(() => bodies.length === 101, { what: 'the messages that were kept' });
  expect(bodies.at(-1)).toEqual({ text: '130' });
  expect(trouble).toEqual(['alerts: 30 were left out, as the receiver is too slow; /health has them all']);
});

test('once closed it sends nothing more, and breaks off what is on its way', async () => {
  server.react(hang);
  sender.send({ text: 'on its way' });
  const { closed } = await server.request(1);
  sender.close();
  await closed;
  sender.send({ text: 'too late' });
  expect(server.requests).toHaveLength(1);
  expect(trouble).toEqual([]);
});
