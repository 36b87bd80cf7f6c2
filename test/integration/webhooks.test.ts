import { startSimulator, type Simulator } from '../../simulator/server';
import { deliveryOf, post } from '../support/deliveries';
import { freePort } from '../support/free-port';
import { readIn } from '../support/health';
import { cleanUp, until } from '../support/kafka';
import { testService, type TestService } from '../support/once';
import { readEverything, recordsOf } from '../support/published';
import { companies, edit, expectAgreement, keyOf, startRun } from '../support/run';
import { requestsOf } from '../support/scans';

const SECRET = 's3cret-of-alfa';
/** Longer than any of these runs. */
const NEVER = 3_600;

interface Company {
  readonly simulator: Simulator;
  readonly service: TestService;
  readonly url: string;
  readonly port: number;
}

/** A company whose scans rest for an hour after their first walks, and whose webhook is active. */
async function company(): Promise<Company> {
  const port = await freePort();
  const simulator = await startSimulator({
    entities: [{ key: keyOf('alfa'), name: 'alfa', nip: '1111111111', clients: 3, invoices: 250 }],
  });
  cleanUp(() => simulator.stop());
  const seconds = { newestSeconds: NEVER, openSeconds: NEVER, recentSeconds: NEVER, sweepSeconds: NEVER };
  const service = testService({
    url: simulator.url,
    entities: {
      alfa: { api_key: keyOf('alfa'), hook_secret: `the-old-one, ${SECRET}`, streams: ['clients', 'invoices'] },
    },
    service: { hooks: { enabled: true }, http: { port }, schedule: { ...seconds }, log: { level: 'debug' } },
  });
  return { simulator, service, port, url: `http://127.0.0.1:${port}/hooks/alfa` };
}

const outcomesIn = (metrics: string): Record<string, number> =>
  Object.fromEntries(
    [...metrics.matchAll(/^infakt_kafka_hints_total\{entity="alfa",outcome="([\w-]+)"\} (\d+)$/gm)].map(
      ([, outcome = '', count]) => [outcome, Number(count)],
    ),
  );

test('a webhook brings a payment and a new invoice to their topic, and a thousand forged and repeated ones cost nothing', async () => {
  const { simulator, service, url, port } = await company();
  const { admin } = simulator;
  const run = startRun(service);
  await run.says('caught up', { entity: 'alfa', before: 1 });
  const before = await readEverything(service);
  expect(await admin.hook(keyOf('alfa'), { url, secret: SECRET })).toMatchObject({ state: 'active' });
  const open = admin.truth({ paid_date_null: 'true' })[keyOf('alfa')]?.invoices.ids ?? [];
  const asked = requestsOf(simulator, keyOf('alfa')).length;
  const [first = 0, second = 0] = open.slice(-40);
  admin.pay(keyOf('alfa'), first);
  admin.pay(keyOf('alfa'), second);
  const { id } = admin.add(keyOf('alfa'), 'invoices');
  const metrics = () => readIn(port).metrics();
  await until(async () => outcomesIn(await metrics())['read'] === 3, { what: 'three rows to be read' });
  // Besides, new rows and unpaid ones are looked at now and then.
  expect(requestsOf(simulator, keyOf('alfa')).length - asked).toBeLessThan(20);

  // Forged ones, and a thousand times the same one.
  const body = deliveryOf('invoice_paid', {
    uuid: String((admin.row(keyOf('alfa'), 'invoices', first) as never)['uuid']),
  });
  for (let n = 0; n < 1_000; n += 50) {
    const forged = Array.from({ length: 25 }, () => post(url, body, 'a-guess'));
    const genuine = Array.from({ length: 25 }, () => post(url, body, SECRET));
    const statuses = (await Promise.all([...forged, ...genuine])).map(({ status }) => status);
    expect(new Set(statuses.slice(0, 25))).toEqual(new Set([401]));
    expect(new Set(statuses.slice(25))).toEqual(new Set([200]));
  }
  await until(async () => outcomesIn(await metrics())['known'] === 500, { what: 'all deliveries to be counted' });
  expect(outcomesIn(await metrics())).toEqual({ verified: 1, read: 3, known: 500, forged: 500 });
  expect(requestsOf(simulator, keyOf('alfa')).length - asked).toBeLessThan(40);

  const { code } = await run.stop();
  const found = recordsOf(await readEverything(service), 'invoices', 'alfa', before);
  // Partitions are read one after the other.
  const news = found.toSorted((one, other) => (one.id ?? 0) - (other.id ?? 0));
  expect([code, news.map((record) => [record.id, record.op])]).toEqual([
    0,
    [
      [first, 'u'],
      [second, 'u'],
      [id, 'c'],
    ],
  ]);
  expect(JSON.stringify(run.logs)).not.toMatch(/s3cret-of-alfa|the-old-one/);
  expect(run.count('webhook refused', 'alfa')).toBe(1);
});

test('webhooks that are lost, late, doubled and out of order leave every change once on its topic', async () => {
  const port = await freePort();
  const scene = await companies(['alfa'], { service: { hooks: { enabled: true }, http: { port } } });
  const { simulator, service, times } = scene;
  service.configure({
    url: simulator.url,
    entities: { alfa: { api_key: keyOf('alfa'), hook_secret: SECRET, streams: ['clients', 'invoices'] } },
    service: {
      hooks: { enabled: true },
      http: { port },
      schedule: { sweepSeconds: 1, newestSeconds: 1, openSeconds: 1 },
      log: { level: 'debug' },
    },
  });
  const { admin } = simulator;
  const run = startRun(service);
  await run.sweeps('alfa');
  const url = `http://127.0.0.1:${port}/hooks/alfa`;
  await admin.hook(keyOf('alfa'), { url, secret: SECRET, times: 2, scatterMs: 500, lost: 0.3, names: 'observed' });
  const open = admin.truth({ paid_date_null: 'true' })[keyOf('alfa')]?.invoices.ids ?? [];
  for (const id of open.slice(0, 20)) {
    admin.pay(keyOf('alfa'), id);
    times.set(`alfa invoices ${id}`, 2);
    admin.add(keyOf('alfa'), 'invoices');
  }
  // Of the invoices that were there before: what is edited right after it was added is one record.
  const ids = admin.truth()[keyOf('alfa')]?.invoices.ids ?? [];
  for (let index = 0; index < 120; index += 5)
    if (!open.slice(0, 20).includes(ids[index] ?? 0)) edit(scene, 'alfa', index);
  await until(() => admin.hookState(keyOf('alfa')).delivered > 30, { what: 'the deliveries' });
  await run.sweeps('alfa');
  expect(await run.stop()).toMatchObject({ code: 0 });
  await expectAgreement(scene);
});
