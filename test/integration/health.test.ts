import { freePort } from '../support/free-port';
import { readIn } from '../support/health';
import { startHttpServer } from '../support/http-server';
import { brokers, cleanUp, until } from '../support/kafka';
import { readCommitted } from '../support/java-reader';
import { companies, keyOf, startRun, type Scene } from '../support/run';
import { createSingleObjectDecoder } from '../../src/sinks/avro';

/** The same service once more, as another replica that answers on a port of its own. */
function onPort({ service, simulator, names }: Scene, port: number): void {
  service.configure({
    url: simulator.url,
    entities: Object.fromEntries(
      names.map((name) => [name, { api_key: keyOf(name), streams: ['clients', 'invoices'] }]),
    ),
    service: { http: { port }, schedule: { sweepSeconds: 1 }, log: { level: 'debug' } },
  });
}

test('I10: a key that is revoked makes /health 503 and names entity and stream, while probes and other entities are well, and is told to whoever gets the alerts', async () => {
  const port = await freePort();
  const receiver = await startHttpServer();
  cleanUp(receiver.close);
  const alerts: unknown[] = [];
  receiver.react((request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => alerts.push(JSON.parse(text)));
    response.end();
  });
  const alertsUrl = `${receiver.url}/hooks/s3cret`;
  const scene = await companies(['alfa', 'beta'], { service: { http: { port }, alerts: { url: alertsUrl } } });
  const { admin } = scene.simulator;
  const run = startRun(scene.service);
  await run.sweeps('alfa', 'beta');
  const reader = readIn(port);
  await reader.becomes(200);
  expect(await reader.probes()).toEqual({ livez: 200, readyz: 200 });

  const fault = admin.addFault({ match: { entity: keyOf('alfa') }, times: Infinity, action: { status: 401 } });
  const { problems, streams } = await reader.becomes(503);
  expect(problems.filter(({ unhealthy }) => unhealthy)).toEqual(
    ['clients', 'invoices'].map(
      (stream) => expect.objectContaining({ entity: 'alfa', stream, reason: 'unauthorized', owner: 'here' }) as unknown,
    ),
  );
  expect(streams.filter(({ entity }) => entity === 'beta').map(({ reason }) => reason)).toEqual([null, null]);
  expect(await reader.probes()).toEqual({ livez: 200, readyz: 200 });

  const problem = { kind: 'problem', entity: 'alfa', streams: ['clients', 'invoices'], reason: 'unauthorized' };
  await until(() => alerts.length === 1, { what: 'an alert' });
  expect(alerts).toMatchObject([problem]);
  admin.clearFaults(fault);
  await reader.becomes(200);
  await until(() => alerts.length > 1, { what: 'the alert of the recovery' });
  expect(alerts).toMatchObject([problem, { ...problem, kind: 'recovery', do: null }]);
  expect(JSON.stringify([alerts, run.logs])).not.toMatch(/s3cret|key-alfa/);
  expect(await run.stop()).toMatchObject({ code: 0 });
});

test('a replica shows the entities of another one, and the status topic says who reads what', async () => {
  const [first, second] = [await freePort(), await freePort()];
  const scene = await companies(['alfa', 'epsilon']);
  onPort(scene, first);
  const one = startRun(scene.service, { replica: 'one' });
  await one.sweeps('alfa');
  onPort(scene, second);
  const other = startRun(scene.service, { replica: 'other' });
  for (const port of [first, second]) {
    const owners = await until(
      async () => {
        const { streams } = (await readIn(port).health()).body;
        const owning = new Set(streams.filter(({ state }) => state === 'reading').map(({ owner }) => owner));
        return owning.size === 2 && streams.length === 4 && [...owning].sort();
      },
      { what: `both replicas in /health on port ${port}` },
    );
    expect(owners).toEqual(['one', 'other']);
  }
  expect(await readIn(second).probes()).toEqual({ livez: 200, readyz: 200 });
  await one.stop();
  await other.stop();

  const decode = createSingleObjectDecoder();
  const newest = new Map<unknown, unknown>();
  for (const { key, value } of await readCommitted(brokers().join(','), [scene.service.topic('status')]))
    newest.set(JSON.stringify(decode(key ?? Buffer.alloc(0))), value === null ? null : decode(value));
  expect(newest.size).toBe(4);
  for (const status of newest.values()) expect(status).toMatchObject({ state: 'stopped', version: '0.0.0-test' });
});
