import { lastValueFrom } from 'rxjs';

import { createRequestOrder, openApi, userAgentOf, type Api } from '../../src/service/api';
import type { RequestPace } from '../../src/sources/budget';
import { settings } from '../support/schedule';
import { json, startHttpServer, type HttpServer } from '../support/http-server';

const entity = { id: 'alfa', apiKey: 'key-of-alfa', apiKeyFile: null };
const schedule = { ...settings, recentDays: 45, sweepAtLeastHours: null };
const proxies = { https: null, http: null, except: [] };
const page = { entities: [], metainfo: { total_count: 0 } };
let server: HttpServer;
let api: Api;
let paces: RequestPace[];

beforeEach(async () => {
  server = await startHttpServer();
  paces = [];
});

afterEach(async () => {
  api.close();
  await server.close();
});

function open({ requestsPerMinute = 300, latest = (loaded: string) => loaded } = {}): Api {
  return openApi(
    { service: { infakt: { baseUrl: server.url, timeoutMs: 5_000, requestsPerMinute }, proxies, schedule } },
    {
      version: '1.2.3',
      patience: { retry: { attempts: 3, waitMs: () => 0, secondOpinionMs: 1 } },
      secrets: { latest: (_kind, _file, loaded) => latest(loaded) },
      requestOrder: createRequestOrder(),
      onPace: (pace) => paces.push(pace),
    },
  );
}

const ask = (rest = api.of(entity)) => lastValueFrom(rest.list('clients', '/clients.json', {}, 0, 100));

test('asks under the name of the program with the key of the entity', async () => {
  server.react(json(200, page));
  api = open();
  await ask();
  expect(server.requests[0]?.headers).toMatchObject({
    'x-infakt-apikey': 'key-of-alfa',
    'user-agent': 'infakt-kafka/1.2.3',
  });
  expect(userAgentOf('1.2.3')).toBe('infakt-kafka/1.2.3');
});

test('takes the key as it is when the entity is first read, not as it was loaded', async () => {
  server.react(json(200, page));
  api = open({ latest: () => 'key-after-rotation' });
  await ask();
  expect(server.requests[0]?.headers).toMatchObject({ 'x-infakt-apikey': 'key-after-rotation' });
});

test('numbers all answers of a process in one sequence, whichever entity asks', async () => {
  server.react(json(200, page));
  api = open();
  const first = await ask();
  const second = await ask(api.of({ ...entity, id: 'beta' }));
  expect([first.began, first.ended, second.began, second.ended]).toEqual([1, 2, 3, 4]);
});

test('reports that a 429 slows all requests down, once for as long as the pace stays so', async () => {
  server.react(json(429, {}), json(200, page));
  api = open({ requestsPerMinute: 60_000 });
  await ask();
  await ask();
  expect(paces).toEqual(['slowed']);
});

test('reports nothing while all requests go at the full pace of the share', async () => {
  server.react(json(200, page));
  api = open({ requestsPerMinute: 60_000 });
  api.setShare(0.5);
  await ask();
  expect(paces).toEqual([]);
});

test('tells of each try of an entity, whatever came of it', async () => {
  server.react(json(500, {}), json(200, page));
  api = open();
  const attempts: (number | undefined)[] = [];
  await ask(api.of(entity, ({ status }) => attempts.push(status)));
  expect(attempts).toEqual([500, 200]);
});
