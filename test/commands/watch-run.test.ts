import { watchRun, type Watch, type WatchSetting } from '../../src/commands/watch-run';
import type { StreamStatus } from '../../src/status/stream-status';
import { createLogger } from '../../src/telemetry';
import { deliveryOf, post } from '../support/deliveries';
import { settings } from '../support/schedule';
import { freePort } from '../support/free-port';
import { readIn } from '../support/health';
import { until } from '../support/kafka';
import { entityOf } from '../support/service';
import { pageRead, parkedFor, restored, shardReady, shardsOwned, START_MS } from '../support/service-events';

let nowMs: number;
const watches: Watch[] = [];

beforeEach(() => {
  nowMs = START_MS;
});
afterEach(async () => {
  for (const watch of watches.splice(0)) await watch.close();
});

let lines: Record<string, unknown>[];

async function watch(port: number, token: string | null = null, hooks = false): Promise<Watch> {
  lines = [];
  const service = {
    infakt: { requestsPerMinute: 290 },
    schedule: settings,
    health: { sweepSeconds: null, newestSeconds: null },
    http: { port, host: '127.0.0.1', token, tokenFile: null },
    hooks: { enabled: hooks },
    alerts: { url: null, urlFile: null },
    proxies: { https: null, http: null, except: [] },
  };
  const begun = await watchRun({
    config: { service, entities: [entityOf('alfa')] } as unknown as WatchSetting['config'],
    entities: () => [{ ...entityOf('alfa'), hookSecret: 'a-secret' }],
    secrets: { latest: (_kind, _file, loaded) => loaded },
    logger: createLogger(
      { level: 'info', secrets: [] },
      { write: (text: string) => void lines.push(JSON.parse(text) as Record<string, unknown>) },
    ),
    replica: 'one',
    version: '0.2.0',
    now: () => nowMs,
  });
  watches.push(begun);
  return begun;
}

const told = (watched: Watch): StreamStatus[][] => {
  const found: StreamStatus[][] = [];
  watched.statuses?.subscribe({
    next: (some) => found.push([...some]),
    error: (error: unknown) => found.push([error as never]),
  });
  return found;
};

const events = [shardsOwned([0]), shardReady(0, restored('clients')), pageRead('sweep')];

test('what happens in a run is in its health, its metrics and its readiness', async () => {
  const port = await freePort();
  const watched = await watch(port);
  const reader = readIn(port);
  expect(await reader.probes()).toEqual({ livez: 200, readyz: 503 });
  for (const event of events) watched.tell(event);
  expect(await reader.probes()).toEqual({ livez: 200, readyz: 200 });
  expect((await reader.health()).body.streams).toMatchObject([
    { entity: 'alfa', stream: 'clients', state: 'first-sweep' },
  ]);
  watched.tell(parkedFor('unauthorized'));
  expect(await reader.health()).toMatchObject({ status: 503, body: { problems: [{ reason: 'unauthorized' }] } });
  const metrics = await reader.metrics();
  expect(metrics).toContain('infakt_kafka_stream_problem{entity="alfa",stream="clients",reason="unauthorized"} 1');
  expect(metrics).toContain('infakt_kafka_ready 1');
});

test('what happens in a run is on its page', async () => {
  const port = await freePort();
  const watched = await watch(port);
  for (const event of [...events, parkedFor('unauthorized')]) watched.tell(event);
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const page = await answer.text();
  expect(page).toContain('1 company needs attention.');
  expect(page).toMatch(/data-part="entity alfa"[^]*unauthorized[^]*Set the entity&#39;s API key/);
});

test('with a token health and metrics are told to who has it', async () => {
  const port = await freePort();
  await watch(port, 'let-me-read-this');
  expect((await fetch(`http://127.0.0.1:${port}/health`)).status).toBe(401);
  expect((await fetch(`http://127.0.0.1:${port}/metrics`)).status).toBe(401);
  expect((await readIn(port, 'let-me-read-this').health()).status).toBe(200);
});

test('nobody listens where the port is 0, and the statuses are told all the same', async () => {
  const watched = await watch(0);
  const found = told(watched);
  for (const event of events) watched.tell(event);
  expect(found.flat().map(({ state }) => state)).toEqual(['starting', 'first-sweep']);
});

test('who begins to listen to the statuses late begins with all that hold, and hears what time alone changes', async () => {
  const watched = await watch(0);
  for (const event of events) watched.tell(event);
  const found = told(watched);
  expect(found).toMatchObject([[{ stream: 'clients', state: 'first-sweep' }]]);
  watched.look();
  nowMs += 19 * 60 * 60_000;
  watched.look();
  expect(found.slice(1)).toMatchObject([[{ reason: 'stale' }]]);
  expect(watched.lastStatuses?.()).toMatchObject([{ state: 'stopped', reason: 'stale' }]);
});

test('replicas whose entity files differ for long are a warning, once, and are told of when they no longer differ', async () => {
  const watched = await watch(0);
  for (const event of events) watched.tell(event);
  const [own] = watched.lastStatuses?.() ?? [];
  if (own === undefined) throw new Error('expected a status');
  const tellOf = (entitySet: string | null): void =>
    watched.tell({
      ...{ kind: 'status', entity: 'beta', stream: 'clients', shard: 3 },
      status: { ...own, entity: 'beta', state: 'reading', owner: 'other', entitySet },
    });
  const look = (minutes: number): void => {
    nowMs += minutes * 60_000;
    watched.look();
  };
  tellOf('e2');
  look(0);
  look(3);
  look(3);
  tellOf(own.entitySet);
  look(0);
  expect(lines).toMatchObject([
    { level: 'warn', msg: 'entity files differ', replicas: { one: own.entitySet, other: 'e2' } },
    { level: 'info', msg: 'entity files are the same in all replicas again' },
  ]);
});

test('webhooks are taken where they are switched on, and counted in the metrics', async () => {
  const [off, on] = [await freePort(), await freePort()];
  expect((await watch(off)).hints).toBeUndefined();
  const address = (port: number): string => `http://127.0.0.1:${port}/hooks/alfa`;
  const body = deliveryOf('invoice_paid', { uuid: 'u-1' });
  expect((await post(address(off), body, 'a-secret')).status).toBe(404);
  const watched = await watch(on, 'a-token', true);
  watched.hints?.own(['alfa']);
  expect((await post(address(on), body, 'a-secret')).status).toBe(200);
  expect((await post(address(on), body, 'another')).status).toBe(401);
  const lines = await until(
    async () => {
      const metrics = await readIn(on, 'a-token').metrics();
      const found = metrics.split('\n').filter((line) => line.startsWith('infakt_kafka_hints_total'));
      return found.length === 2 && found;
    },
    { what: 'both deliveries in the metrics' },
  );
  expect(lines.toSorted()).toEqual([
    'infakt_kafka_hints_total{entity="alfa",outcome="forged"} 1',
    'infakt_kafka_hints_total{entity="alfa",outcome="parked"} 1',
  ]);
});
