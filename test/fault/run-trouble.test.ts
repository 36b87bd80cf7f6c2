import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import type { FaultAction } from '../../simulator/faults';
import { createSingleObjectDecoder } from '../../src/sinks/avro';
import { projectRoot } from '../../tools/java';
import { html, startHttpServer } from '../support/http-server';
import { readCommitted } from '../support/java-reader';
import { brokers, cleanUp } from '../support/kafka';
import { testService } from '../support/once';
import { companies, edit, expectAgreement, readStreams, startRun } from '../support/run';

// `run` goes on for weeks: what breaks under it, breaks while it runs. FAULT_LONG=1 has more of it.

const long = process.env['FAULT_LONG'] === '1';
const PROGRAM = join(projectRoot(), 'dist', 'src', 'main.js');

test('every fault of the API, one after the other, while it runs: none disturbs another entity, and the tables agree', async () => {
  const elsewhere = await startHttpServer();
  cleanUp(() => elsewhere.close());
  elsewhere.react(html(200));
  const json = 'application/json; charset=utf-8';
  const faults: readonly { readonly action: FaultAction; readonly parks: boolean }[] = [
    ...[204, 400, 401, 402, 403, 404, 405, 406, 410, 422, 429, 500, 502, 503].map((status) => ({
      action: { status },
      parks: true,
    })),
    { action: { status: 503, headers: { 'retry-after': '1' } }, parks: true },
    { action: { status: 500, body: '<h1>500</h1>', contentType: 'text/html' }, parks: true },
    { action: { hang: true }, parks: true },
    { action: { drip: 100 }, parks: true },
    { action: { delay: 200 }, parks: false },
    { action: { reset: true }, parks: true },
    { action: { cut: 2_000 }, parks: true },
    { action: { redirect: `${elsewhere.url}/invoices.json` }, parks: true },
    { action: { body: '<h1>Przerwa techniczna</h1>', contentType: 'text/html' }, parks: true },
    { action: { body: '{"metainfo":{"total', contentType: json }, parks: true },
    { action: { body: '', contentType: json }, parks: true },
    { action: { body: 'null', contentType: json }, parks: true },
    { action: { body: '[]', contentType: json }, parks: true },
    { action: { transform: 'entities-null' }, parks: true },
    { action: { transform: 'entities-object' }, parks: true },
    { action: { transform: 'entities-missing' }, parks: true },
    { action: { transform: 'total-count-missing' }, parks: true },
    { action: { transform: 'total-count-string' }, parks: true },
    { action: { transform: 'total-count-wrong', by: -121 }, parks: true },
    { action: { transform: 'total-count-wrong', by: -20 }, parks: false },
    { action: { transform: 'duplicate-id' }, parks: true },
    { action: { transform: 'shuffle' }, parks: true },
    { action: { transform: 'no-id-rows', rows: 100 }, parks: true },
    { action: { transform: 'no-id-rows', rows: 1 }, parks: false },
    { action: { transform: 'non-object-rows', rows: 2 }, parks: false },
    { action: { transform: 'empty-list' }, parks: false },
    { action: { transform: 'filters-ignored' }, parks: false },
  ];
  const scene = await companies(['alfa', 'beta'], { service: { infakt: { timeoutMs: 1_500 } } });
  const { admin } = scene.simulator;
  const run = startRun(scene.service, {
    patience: { parkMs: () => 100, retry: { attempts: 2, waitMs: () => 5, secondOpinionMs: 1 } },
  });
  await run.sweeps(...scene.names);
  let parkings = 0;
  for (const [index, { action, parks }] of faults.entries()) {
    const before = { parked: run.count('parked', 'alfa'), back: run.count('back', 'alfa') };
    admin.addFault({ match: { entity: 'key-alfa', path: 'invoices.json' }, times: Infinity, action });
    edit(scene, 'alfa', index);
    edit(scene, 'beta', index);
    if (parks) await run.says('parked', { entity: 'alfa', before: before.parked });
    else await run.sweeps('beta');
    admin.clearFaults();
    if (parks) await run.says('back', { entity: 'alfa', before: before.back });
    parkings += Number(parks);
  }
  await run.sweeps(...scene.names);

  expect(await run.stop()).toMatchObject({ code: 0 });
  expect(run.count('parked', 'alfa')).toBeGreaterThanOrEqual(parkings);
  expect(run.count('back', 'alfa')).toBeLessThanOrEqual(run.count('parked', 'alfa'));
  expect(run.told().filter((line) => line.startsWith('beta'))).toEqual([
    'beta clients caught up',
    'beta invoices caught up',
  ]);
  expect(run.told().filter((line) => line.startsWith('kafka'))).toEqual([]);
  expect(elsewhere.requests).toEqual([]);
  expect(admin.stats().forbidden).toBe(0);
  await expectAgreement(scene);
}, 480_000);

describe('many entities', () => {
  const ENTITIES = long ? 300 : 60;
  const BIG = long ? 300_000 : 20_000;

  test(`${ENTITIES} of them, most of them empty and one with ${BIG} invoices: none waits for the big one`, async () => {
    const names = Array.from({ length: ENTITIES }, (_, index) => `e${index}`);
    const invoices = (index: number): number => (index === 7 ? BIG : index % 20 === 0 ? 30 : 0);
    const url = await simulatorProcess(names.map((name, index) => `key-${name}=${name}:0:${invoices(index)}`));
    const service = testService({
      url,
      entities: Object.fromEntries(names.map((name) => [name, { api_key: `key-${name}`, streams: readStreams }])),
      service: { schedule: { sweepSeconds: long ? 20 : 2 }, log: { level: 'debug' }, topics: { partitions: 6 } },
    });
    const run = startRun(service);
    await run.says('caught up', { entity: 'e7', before: 1, withinMs: 600_000 });
    const lines = run.logs.filter(({ msg }) => msg === 'caught up');
    const bigOne = lines.findIndex(({ entity, stream }) => entity === 'e7' && stream === 'invoices');
    expect(lines.slice(bigOne + 1).map(({ entity }) => entity)).toEqual([]);
    expect(lines).toHaveLength(2 * ENTITIES);

    const truth = (await admin(`${url}/__admin/truth`)) as Truth;
    const edited = [0, 7, 20].map((index) => truth[`key-e${index}`]?.invoices.ids.at(-1) ?? 0);
    for (const [at, index] of [0, 7, 20].entries())
      await admin(`${url}/__admin/key-e${index}/invoices/${edited[at] ?? 0}`, 'PATCH', { notes: 'edited' });
    await run.sweeps('e0', 'e7', 'e20');
    expect(await run.stop()).toMatchObject({ code: 0 });
    const summaries = new Set(['shards taken', 'read and published']);
    expect(run.told().filter((line) => !summaries.has(line))).toHaveLength(1 + 2 * ENTITIES + 2);

    const decode = createSingleObjectDecoder();
    const found = new Map<number, { times: number; value: Buffer | null }>();
    for (const { key, value } of await readCommitted(brokers().join(','), [service.topic('invoices')], {
      withinSeconds: 300,
    })) {
      const { id } = decode(key ?? Buffer.alloc(0)) as { id: number };
      found.set(id, { times: (found.get(id)?.times ?? 0) + 1, value });
    }
    const ids = Object.values(truth).flatMap((account) => account.invoices.ids);
    expect(found.size).toBe(ids.length);
    expect(ids.filter((id) => found.get(id)?.times !== (edited.includes(id) ? 2 : 1))).toEqual([]);
    for (const id of edited) expect(decode(found.get(id)?.value ?? Buffer.alloc(0))).toMatchObject({ notes: 'edited' });
  }, 1_200_000);
});

type Truth = Readonly<Record<string, { readonly invoices: { readonly ids: readonly number[] } }>>;

async function admin(url: string, method = 'GET', body?: unknown): Promise<unknown> {
  const answer = await fetch(url, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
  if (!answer.ok) throw new Error(`${method} ${url}: expected success, got ${answer.status}`);
  return answer.json();
}

/** Starts the simulator as a program of its own, and returns where it listens; it is stopped after the test. */
async function simulatorProcess(entities: readonly string[]): Promise<string> {
  const options = entities.flatMap((entity) => ['--entity', entity]);
  const child = spawn(process.execPath, [PROGRAM, 'simulate', '--port', '0', ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanUp(async () => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\/\/[\d.:]+/.exec(line)?.[0];
    if (url !== undefined) return url;
  }
  throw new Error('Starting the simulator: expected it to say where it listens, got its end');
}
