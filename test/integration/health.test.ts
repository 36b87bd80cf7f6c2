import { startAlertReceiver } from '../support/alert-receiver';
import { freePort } from '../support/free-port';
import { readIn } from '../support/health';
import { brokers, cleanUp, until } from '../support/kafka';
import { readCommitted } from '../support/java-reader';
import { companies, keyOf, onPort, startRun } from '../support/run';
import { startProxy } from '../support/tcp-proxy';
import { createSingleObjectDecoder } from '../../src/sinks/avro';

test('I10: a key that is revoked makes /health 503 and names entity and stream, while probes and other entities are well, and is told to whoever gets the alerts', async () => {
  const port = await freePort();
  const { url, alerts } = await startAlertReceiver();
  const alertsUrl = `${url}/hooks/s3cret`;
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

test('a field that inFakt begins to send is told once, by name and type, in log, health, metrics and alert, and by no later process', async () => {
  const port = await freePort();
  const { url, alerts } = await startAlertReceiver();
  const scene = await companies(['alfa', 'beta'], { service: { http: { port }, alerts: { url } } });
  const { admin } = scene.simulator;
  const [first = 0, second = 0] = admin.truth()[keyOf('alfa')]?.clients.ids ?? [];
  const showColour = (entity: string, id: number, colour: string): void =>
    admin.replace(keyOf(entity), 'clients', id, { ...(admin.row(keyOf(entity), 'clients', id) as object), colour });
  const run = startRun(scene.service);
  await run.sweeps('alfa', 'beta');
  expect(run.count('the API differs')).toBe(0);

  showColour('alfa', first, 'red of Kowalski');
  await run.says('the API differs');
  showColour('alfa', second, 'blue of Nowak');
  showColour('beta', admin.truth()[keyOf('beta')]?.clients.ids[0] ?? 0, 'green of Wójcik');
  await run.sweeps('alfa', 'beta');
  const differences = ['field colour (string)'];
  expect(run.logs.filter(({ msg }) => msg === 'the API differs')).toMatchObject([
    { level: 'warn', entity: 'alfa', stream: 'clients', differences },
  ]);
  const { status, body } = await readIn(port).health();
  expect(status).toBe(200);
  expect(body.problems).toMatchObject([{ entity: 'alfa', stream: 'clients', reason: 'drift', unhealthy: false }]);
  expect(await readIn(port).metrics()).toContain(
    'infakt_kafka_api_drift_total{entity="alfa",stream="clients",kind="field"} 1',
  );
  await until(() => alerts.length > 0, { what: 'an alert' });
  expect(alerts).toMatchObject([{ kind: 'notice', reason: 'drift', differences: ['clients: field colour (string)'] }]);
  await run.stop();

  const next = startRun(scene.service);
  await next.sweeps('alfa');
  showColour('alfa', first, 'white of Mazur');
  await next.sweeps('alfa', 'beta');
  expect(next.logs.filter(({ msg }) => String(msg).startsWith('the API differs'))).toEqual([]);
  expect(alerts).toHaveLength(1);
  expect(JSON.stringify([alerts, run.logs, next.logs, body])).not.toMatch(/Kowalski|Nowak|Wójcik|Mazur/);
  await next.stop();
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

test('a broker that is away leaves a run alive and not ready, and an API that is away touches neither probe', async () => {
  const port = await freePort();
  const proxy = await startProxy();
  cleanUp(proxy.close);
  const scene = await companies(['alfa'], { service: { http: { port } } });
  const run = startRun(scene.service, { outside: { socketFactory: proxy.socketFactory } });
  await run.sweeps('alfa');
  const reader = readIn(port);
  const probesBecome = (readyz: number): Promise<unknown> =>
    until(async () => (await reader.probes()).readyz === readyz, { what: `/readyz to answer ${readyz}` });

  const fault = scene.simulator.admin.addFault({ times: Infinity, action: { status: 503 } });
  await reader.becomes(503);
  expect(await reader.probes()).toEqual({ livez: 200, readyz: 200 });
  scene.simulator.admin.clearFaults(fault);
  await reader.becomes(200);

  proxy.intercept(() => 'close-before');
  await probesBecome(503);
  expect((await reader.probes()).livez).toBe(200);
  expect(await reader.metrics()).toContain('infakt_kafka_ready 0');
  proxy.intercept(() => 'pass');
  await probesBecome(200);
  await reader.becomes(200);
  expect(await run.stop()).toMatchObject({ code: 0 });
});

test('I11: no answer holds a key, a token, a tax id or a name of a buyer, signed in or not', async () => {
  const [port, token] = [await freePort(), 'let-me-read-this'];
  const scene = await companies(['alfa', 'beta'], { service: { http: { port, token } } });
  const run = startRun(scene.service);
  await run.sweeps('alfa');
  const { admin } = scene.simulator;
  admin.addFault({ match: { entity: keyOf('beta') }, times: Infinity, action: { status: 401 } });
  await readIn(port, token).becomes(503);

  const answers: string[] = [];
  for (const path of ['/livez', '/readyz', '/health', '/metrics', '/', '/nowhere', `/health?token=${token}`, '/%00'])
    for (const headers of [{}, { Authorization: `Bearer ${token}` }, { Authorization: 'Bearer let-me-read-that' }]) {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
      answers.push(`${JSON.stringify([...answer.headers])} ${await answer.text()}`);
    }
  const said = answers.join('\n');
  expect(said).toContain('unauthorized');
  const ids = admin.truth()[keyOf('alfa')]?.clients.ids ?? [];
  const buyers = ids.flatMap((id) => {
    const { company_name: name, nip } = admin.row(keyOf('alfa'), 'clients', id) as Record<string, unknown>;
    return [name, nip].filter((text): text is string => typeof text === 'string' && text.length > 3);
  });
  expect(buyers.length).toBeGreaterThan(2);
  for (const secret of [keyOf('alfa'), keyOf('beta'), token, '1111111111', ...buyers])
    expect(said).not.toContain(secret);
  await run.stop();
});

test('a port that is taken ends a run with exit code 2 before it joins the group', async () => {
  const port = await freePort();
  const scene = await companies(['alfa'], { service: { http: { port } } });
  const first = startRun(scene.service, { replica: 'one' });
  await first.sweeps('alfa');
  const second = await startRun(scene.service, { replica: 'other' }).ended;
  expect(second.code).toBe(2);
  expect(second.stderr).toContain('(http.port), got one that another program has');
  expect(first.count('shards given up')).toBe(0);
  await first.stop();
});
