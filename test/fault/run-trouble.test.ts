import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { isNativeError } from 'node:util/types';
import { filter, firstValueFrom, timeout } from 'rxjs';

import type { FaultAction } from '../../simulator/faults';
import { createSingleObjectDecoder } from '../../src/sinks/avro';
import { createKafka } from '../../src/sinks/client';
import { joinGroup } from '../../src/sinks/group';
import { projectRoot } from '../../tools/java';
import { type KafkaCluster, startKafka } from '../../tools/kafka';
import { html, startHttpServer } from '../support/http-server';
import { readCommitted } from '../support/java-reader';
import { brokers, cleanUp, createTopic, kafkaClient, until, withAdmin } from '../support/kafka';
import { testService } from '../support/once';
import { companies, edit, expectAgreement, readStreams, type Scene, startRun } from '../support/run';

// `run` goes on for weeks: what breaks under it, breaks while it runs. FAULT_LONG=1 has more of it.

const long = process.env['FAULT_LONG'] === '1';
const PROGRAM = join(projectRoot(), 'dist', 'src', 'main.js');
const QUICK_RESTART = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' };
const runProgram = promisify(execFile);

/** The lines of the log that are about Kafka, but for what only a developer sees. */
function aboutKafka(told: readonly string[]): string[] {
  const lines = told.filter((line) => line.startsWith('kafka'));
  // Each kind of failure of an outage is a line.
  return lines.filter((line, index) => line !== lines[index - 1]);
}

async function membersOf({ service, bootstrap }: Scene): Promise<number> {
  const client = kafkaClient({ brokers: bootstrap.split(',') });
  const { groups } = await withAdmin(client, (admin) => admin.describeGroups([service.prefix]));
  return groups[0]?.members.length ?? 0;
}

describe('a broker that is killed', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await startKafka({ overrides: QUICK_RESTART });
  }, 240_000);
  afterAll(() => cluster.stop());

  const kill = async (): Promise<void> => cluster.brokers[0]?.kill();
  const start = async (): Promise<void> => cluster.brokers[0]?.start();

  const outages: readonly { readonly what: string; readonly confirmMs: number; readonly tries: number }[] = [
    { what: 'the group is waited for', confirmMs: 120_000, tries: 0 },
    { what: 'the group is given up and joined anew', confirmMs: 500, tries: 4 },
  ];
  test.each(outages)(
    'and comes back is waited for ($what), and what changed is published once',
    async ({ confirmMs, tries }) => {
      // The last one in another shard than the others.
      const scene = await companies(['alfa', 'beta', 'sigma'], { bootstrap: cluster.bootstrap });
      const run = startRun(scene.service, { patience: { confirmMs } });
      await run.sweeps(...scene.names);
      await kill();
      for (const name of scene.names) edit(scene, name, 0);
      await run.says('kafka lost, retrying');
      await until(() => run.count('kafka still lost, retrying') >= tries, { what: `${tries} tries`, withinMs: 90_000 });
      for (const name of scene.names) edit(scene, name, 1);
      await start();
      await run.says('kafka is back', { withinMs: 60_000 });
      await run.sweeps(...scene.names);

      // Members of earlier tries would hold shards that nobody reads.
      await until(async () => (await membersOf(scene)) === 1, { what: 'one member in the group', withinMs: 60_000 });
      for (const name of scene.names) edit(scene, name, 2);
      await run.sweeps(...scene.names);
      expect(await run.stop()).toMatchObject({ code: 0 });
      expect(aboutKafka(run.told())).toEqual(['kafka lost, retrying', 'kafka is back']);
      expect(run.told().filter((line) => /parked|attention/.test(line))).toEqual([]);
      await expectAgreement(scene);
    },
    360_000,
  );

  test('brings no member back that left the group while kafkajs was restarting it', async () => {
    const client = kafkaClient({ brokers: cluster.bootstrap.split(',') });
    const stateTopic = await createTopic('left', { client, partitions: 2 });
    const said: string[] = [];
    const settings = { clientId: 'left', brokers: cluster.bootstrap.split(','), ssl: null, sasl: null };
    const group = { groupId: stateTopic, stateTopic, sessionTimeoutMs: 6_000, readDeadlineMs: 10_000 };
    const kafka = createKafka(settings, ({ message }) => void said.push(message));
    const times = (text: string): number => said.filter((message) => message.startsWith(text)).length;

    const first = joinGroup(kafka, group);
    await firstValueFrom(first.owned);
    await kill();
    await until(() => times('Restarting the consumer') > 0, { what: 'a restart', withinMs: 60_000 });
    const failures = times('Connection error');
    await until(() => times('Connection error') > failures, { what: 'the restart to be under way', withinMs: 60_000 });
    const [restarts, crashes] = [times('Restarting the consumer'), times('Crash')];
    await first.leave();
    await start();
    await until(() => times('Crash') > crashes, { what: 'it to give up', withinMs: 60_000 });

    const second = joinGroup(
      createKafka(settings, () => undefined),
      group,
    );
    const owned = await firstValueFrom(
      second.owned.pipe(
        filter(({ size }) => size === 2),
        timeout(30_000),
      ),
    );
    expect([...owned].sort()).toEqual([0, 1]);
    await second.leave();
    expect(times('Restarting the consumer')).toBe(restarts);
    const { groups } = await withAdmin(client, (admin) => admin.describeGroups([group.groupId]));
    expect(groups[0]?.members).toEqual([]);
  }, 360_000);

  test('in the middle of a sweep, the first one and a later one, costs nothing but time', async () => {
    const scene = await companies(['alfa', 'sigma'], { bootstrap: cluster.bootstrap });
    const killInMidSweep = (): Promise<void> =>
      new Promise((resolve) =>
        scene.simulator.admin.addFault({
          match: { entity: 'key-alfa', path: 'invoices.json', offset: 99 },
          before: () => kill().then(resolve),
        }),
      );
    const first = killInMidSweep();
    const run = startRun(scene.service);
    await first;
    await start();
    await killInMidSweep();
    await start();
    await run.sweeps(...scene.names);
    expect(await run.stop()).toMatchObject({ code: 0 });
    await expectAgreement(scene);
  }, 360_000);

  test('and stays away keeps no one from stopping it, with exit code 0 and within the deadline', async () => {
    const scene = await companies(['alfa'], { bootstrap: cluster.bootstrap });
    const child = spawn(process.execPath, [PROGRAM, 'run', ...scene.service.options], {
      // Without KAFKA_BROKERS, which would go before the file.
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    cleanUp(() => Promise.resolve(void child.kill('SIGKILL')));
    let log = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
    const says = async (text: string): Promise<void> => {
      await until(() => log.includes(text), { what: text, withinMs: 60_000 }).catch((cause: unknown) => {
        throw new Error(`Waiting for ${text}, the log ends with ${log.slice(-3_000)}`, { cause });
      });
    };
    await says('"sweep complete"');
    await kill();
    try {
      edit(scene, 'alfa', 0);
      await says('"kafka lost, retrying"');
      const asked = Date.now();
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
      expect({ code: child.exitCode, signal: child.signalCode }).toEqual({ code: 0, signal: null });
      expect(Date.now() - asked).toBeLessThan(12_000);
      expect(log).toContain('"msg":"stopped"');
    } finally {
      await start();
    }
    // The first finishes a sweep that may have passed the row before its edit; the second begins one after it.
    expect(await scene.service.once()).toMatchObject({ code: 0, complete: true });
    expect(await scene.service.once()).toMatchObject({ code: 0, complete: true });
    await expectAgreement(scene);
  }, 360_000);
});

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
  expect(aboutKafka(run.told())).toEqual([]);
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

// Mounting needs root on Linux, so this is in the long form only; there it fails where it cannot be run.
if (long) {
  test('a broker whose disk is full dies, is waited for, and nothing is lost when there is room again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'small-disk-'));
    cleanUp(() => rm(folder, { recursive: true }));
    await runProgram('mount', ['-t', 'tmpfs', '-o', 'size=48m', 'tmpfs', folder]).catch((cause: unknown) => {
      throw new Error(`Mounting a small disk at ${folder}: expected root on Linux, got ${String(cause)}`, { cause });
    });
    cleanUp(async () => {
      await runProgram('umount', ['-l', folder]);
    });
    const cluster = await startKafka({ directory: folder, overrides: QUICK_RESTART });
    cleanUp(() => cluster.stop());
    const [broker] = cluster.brokers;
    const scene = await companies(['alfa', 'sigma'], { bootstrap: cluster.bootstrap });
    const run = startRun(scene.service);
    await run.sweeps(...scene.names);

    const filler = join(folder, 'filler');
    fill(filler);
    let died = false;
    void broker?.exited.then(() => (died = true));
    let edits = 0;
    await until(
      () => {
        if (run.count('kafka lost, retrying') > 0) return true;
        for (const name of scene.names) edit(scene, name, edits % 120);
        edits += 1;
        return false;
      },
      { what: 'a commit that fails', withinMs: 60_000 },
    );
    await until(() => died, { what: 'the broker to give up', withinMs: 60_000 });
    await rm(filler);
    await broker?.start();
    await run.says('kafka is back', { withinMs: 60_000 });
    await run.sweeps(...scene.names);
    expect(await run.stop()).toMatchObject({ code: 0 });
    await expectAgreement(scene);
  }, 300_000);
}

/** Writes until there is no room left. */
function fill(file: string): void {
  const descriptor = openSync(file, 'w');
  const block = Buffer.alloc(4_096);
  try {
    for (;;) writeSync(descriptor, block);
  } catch (error) {
    if (!(isNativeError(error) && 'code' in error && error.code === 'ENOSPC')) throw error;
  } finally {
    closeSync(descriptor);
  }
}

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
