import { healthRoutes, type Shown } from '../../src/http-server/health-routes';
import type { Health } from '../../src/status/health';

const health: Health = {
  status: 503,
  healthy: false,
  at: '2026-01-07T10:00:00.000Z',
  problems: [],
  notices: [],
  streams: [],
};

async function answers(changes: Partial<Shown> = {}): Promise<Record<string, readonly [status: number, body: string]>> {
  const shown = {
    readiness: { waitsFor: () => 'the consumer group to be joined' },
    health: () => health,
    metrics: { render: () => Promise.resolve('a_metric 1\n'), contentType: 'text/plain; version=0.0.4' },
    ...changes,
  };
  const found: Record<string, readonly [number, string]> = {};
  for (const { path, answer } of healthRoutes(shown)) {
    const answered = await answer(new Request(`http://localhost${path}`), { cut: () => undefined });
    found[path] = [answered.status, await answered.text()];
  }
  return found;
}

test('probes are open, and what tells of companies asks for the token', () => {
  const shown = {
    readiness: { waitsFor: () => null },
    health: () => health,
    metrics: { render: () => Promise.resolve(''), contentType: '' },
  };
  expect(healthRoutes(shown).map(({ path, access }) => `${path} ${access}`)).toEqual([
    '/livez open',
    '/readyz open',
    '/health token',
    '/metrics token',
  ]);
});

test('a process that waits for Kafka is alive and not ready, and says what it waits for', async () => {
  const found = await answers();
  expect(found['/livez']).toEqual([200, 'ok\n']);
  expect(found['/readyz']).toEqual([503, 'waiting for the consumer group to be joined\n']);
  expect((await answers({ readiness: { waitsFor: () => null } }))['/readyz']).toEqual([200, 'ok\n']);
});

test('the status of the data is the status of the answer and not in its body', async () => {
  const [status, body] = (await answers())['/health'] ?? [0, ''];
  expect(status).toBe(503);
  expect(JSON.parse(body)).toEqual({ healthy: false, at: health.at, problems: [], notices: [], streams: [] });
});

test('metrics are handed out as they are', async () => {
  expect((await answers())['/metrics']).toEqual([200, 'a_metric 1\n']);
});
