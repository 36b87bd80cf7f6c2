import { freePort } from '../support/free-port';
import { readIn, type HealthReader } from '../support/health';
import { hang, json, startHttpServer } from '../support/http-server';
import { cleanUp, until } from '../support/kafka';
import { companies, edit, expectAgreement, keyOf, onPort, startRun } from '../support/run';

// What a person who watches a `run` sees of it while there is trouble.

test('I10: a list that answers nothing any more makes /health 503 by time alone, and names no other list', async () => {
  const port = await freePort();
  const scene = await companies(['alfa', 'beta'], {
    // No request has failed by then.
    service: { http: { port }, health: { sweepSeconds: 5 }, infakt: { timeoutMs: 20_000 } },
  });
  const { admin } = scene.simulator;
  const run = startRun(scene.service);
  await run.sweeps('alfa', 'beta');
  const reader = readIn(port);
  await reader.becomes(200);

  const frozen = admin.addFault({
    match: { entity: keyOf('alfa'), path: 'invoices.json' },
    times: Infinity,
    action: { hang: true },
  });
  const { problems } = await reader.becomes(503);
  expect(problems.filter(({ unhealthy }) => unhealthy)).toEqual([
    expect.objectContaining({ entity: 'alfa', stream: 'invoices', reason: 'stale' }),
  ]);
  expect(await reader.probes()).toEqual({ livez: 200, readyz: 200 });
  expect(run.count('parked')).toBe(0);
  admin.clearFaults(frozen);
  await reader.becomes(200);
  expect(await run.stop()).toMatchObject({ code: 0 });
});

/** Every series of our own in an exposition with its value, as Prometheus takes it; throws on anything else. */
function seriesOf(exposition: string): ReadonlyMap<string, number> {
  const series = new Map<string, number>();
  for (const line of exposition.trimEnd().split('\n')) {
    // Of Node.js, the lag since the scrape before is no number where the two were at the same moment.
    if (line === '' || line.startsWith('#') || line.startsWith('nodejs_eventloop_lag')) continue;
    const [, name = '', value = ''] = /^([a-z_0-9]+(?:\{.*\})?) (\S+)$/i.exec(line) ?? [];
    if (name === '' || series.has(name) || !Number.isFinite(Number(value)))
      throw new Error(`expected a series with a number, once, got ${line}`);
    series.set(name, Number(value));
  }
  return series;
}

test('metrics that are scraped without a pause while shards move are whole each time, and say in the end who has which', async () => {
  const [first, second] = [await freePort(), await freePort()];
  const scene = await companies(['alfa', 'epsilon'], { service: { http: { port: first } } });
  const one = startRun(scene.service, { replica: 'one' });
  await one.sweeps(...scene.names);
  const scrapes = { whole: 0, moved: new Set<number>() };
  let goesOn = true;
  const scrape = async (reader: HealthReader): Promise<ReadonlyMap<string, number>> => {
    const series = seriesOf(await reader.metrics());
    scrapes.whole += 1;
    return series;
  };
  const scrapeOn = async (): Promise<void> => {
    while (goesOn) scrapes.moved.add((await scrape(readIn(first))).get('infakt_kafka_shards_owned') ?? NaN);
  };
  const scraping = Promise.all([scrapeOn(), scrapeOn(), scrapeOn()]);
  const owns = (port: number, shards: number): Promise<unknown> =>
    until(async () => (await scrape(readIn(port))).get('infakt_kafka_shards_owned') === shards, {
      what: `${shards} shards on port ${port}`,
    });

  onPort(scene, second);
  const other = startRun(scene.service, { replica: 'other' });
  await Promise.all([owns(first, 1), owns(second, 1)]);
  const swept = async (port: number): Promise<readonly string[] | false> => {
    const names = [...(await scrape(readIn(port))).keys()];
    const found = names.filter((name) => name.startsWith('infakt_kafka_last_sweep_timestamp_seconds'));
    return found.length > 0 && found;
  };
  const [ofFirst, ofSecond] = await Promise.all(
    [first, second].map((port) => until(() => swept(port), { what: `a swept stream on port ${port}` })),
  );
  expect(ofFirst?.filter((name) => ofSecond?.includes(name))).toEqual([]);
  await other.stop();
  await owns(first, 2);
  goesOn = false;
  await scraping;
  expect(scrapes.moved).toEqual(new Set([1, 2]));
  expect(scrapes.whole).toBeGreaterThan(20);
  await one.stop();
});

describe('whoever is to get the alerts', () => {
  test.each([
    { what: 'is down', reaction: null },
    { what: 'is slow', reaction: hang },
    { what: 'answers 500', reaction: json(500, {}) },
  ])('$what: other entities are read, /health answers, and the run stops in time', async ({ reaction }) => {
    const port = await freePort();
    const receiver = await startHttpServer();
    if (reaction === null) await receiver.close();
    else {
      receiver.react(reaction);
      cleanUp(receiver.close);
    }
    const scene = await companies(['alfa', 'beta'], {
      service: { http: { port }, alerts: { url: `${receiver.url}/hooks/s3cret` } },
    });
    const run = startRun(scene.service);
    await run.sweeps(...scene.names);
    const reader = readIn(port);
    await reader.becomes(200);
    const refused = scene.simulator.admin.addFault({
      match: { entity: keyOf('alfa') },
      times: Infinity,
      action: { status: 401 },
    });
    await reader.becomes(503);
    if (reaction === null) await run.says('alerts');
    else await receiver.request(1);
    edit(scene, 'beta', 0);
    await run.sweeps('beta');
    scene.simulator.admin.clearFaults(refused);
    await reader.becomes(200);
    await run.sweeps('alfa');
    expect(await run.stop()).toMatchObject({ code: 0 });
    expect(JSON.stringify(run.logs)).not.toContain('s3cret');
    await expectAgreement(scene);
  });
});
