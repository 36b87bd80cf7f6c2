import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isNativeError } from 'node:util/types';
import { filter, firstValueFrom, timeout } from 'rxjs';

import { createKafka } from '../../src/sinks/client';
import { joinGroup } from '../../src/sinks/group';
import { readCommitted } from '../../src/sinks/look';
import { projectRoot } from '../../tools/java';
import { type KafkaCluster, startKafka } from '../../tools/kafka';
import { freePort } from '../support/free-port';
import { readIn } from '../support/health';
import { cleanUp, createTopic, kafkaClient, until, withAdmin } from '../support/kafka';
import { companies, edit, expectAgreement, type Scene, startRun } from '../support/run';

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

  const outages: readonly {
    readonly what: string;
    readonly confirmMs: number;
    readonly tries: number;
    readonly awayMs: number;
  }[] = [
    { what: 'the group is waited for', confirmMs: 120_000, tries: 0, awayMs: 0 },
    { what: 'half a minute later the group is given up and joined anew', confirmMs: 500, tries: 4, awayMs: 30_000 },
  ];
  test.each(outages)(
    'and comes back is waited for ($what), alive and not ready, and what changed is published once',
    async ({ confirmMs, tries, awayMs }) => {
      const port = await freePort();
      // The last one in another shard than the others.
      const setting = { bootstrap: cluster.bootstrap, service: { http: { port } } };
      const scene = await companies(['alfa', 'beta', 'sigma'], setting);
      const run = startRun(scene.service, { patience: { confirmMs } });
      await run.sweeps(...scene.names);
      const reader = readIn(port);
      expect(await reader.probes()).toEqual({ livez: 200, readyz: 200 });
      const killedMs = performance.now();
      await kill();
      for (const name of scene.names) edit(scene, name, 0);
      await run.says('kafka lost, retrying');
      await until(() => run.count('kafka still lost, retrying') >= tries && performance.now() - killedMs > awayMs, {
        what: `${tries} tries and ${awayMs} ms`,
        withinMs: 90_000,
      });
      expect(await reader.probes()).toEqual({ livez: 200, readyz: 503 });
      for (const name of scene.names) edit(scene, name, 1);
      await start();
      await run.says('kafka is back', { withinMs: 60_000 });
      await run.sweeps(...scene.names);
      expect(await reader.probes()).toEqual({ livez: 200, readyz: 200 });
      await reader.becomes(200);

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

  test('brings no reader of a topic back that was stopped while kafkajs was restarting it', async () => {
    const client = kafkaClient({ brokers: cluster.bootstrap.split(',') });
    const topic = await createTopic('looked-at', { client });
    const said: string[] = [];
    const settings = { clientId: 'look', brokers: cluster.bootstrap.split(','), ssl: null, sasl: null };
    const kafka = createKafka(settings, ({ message }) => void said.push(message));
    const times = (text: string): number => said.filter((message) => message.startsWith(text)).length;
    const stop = new AbortController();
    let records = 0;
    const send = async (): Promise<void> => {
      const producer = client.producer();
      await producer.connect();
      await producer.send({ topic, messages: [{ key: 'k', value: 'v' }] });
      await producer.disconnect();
    };
    await send();
    const reading = readCommitted(
      kafka,
      { serviceId: topic, topic, follow: true, stop: stop.signal, deadlineMs: 0 },
      () => {
        records += 1;
        return false;
      },
    );
    await until(() => records === 1, { what: 'the first record' });
    await kill();
    await until(() => times('Restarting the consumer') > 0, { what: 'a restart', withinMs: 60_000 });
    const failures = times('Connection error');
    await until(() => times('Connection error') > failures, { what: 'the restart to be under way', withinMs: 60_000 });
    stop.abort();
    await reading;
    await start();
    await until(() => times('Crash') > 1, { what: 'it to give up', withinMs: 60_000 });
    const restarts = times('Restarting the consumer');
    await send();
    // The broker lists a member that gave up until its session has ended.
    const isLeft = async (): Promise<boolean> => {
      const { groups } = await withAdmin(client, (admin) => admin.listGroups());
      const names = groups.map(({ groupId }) => groupId).filter((groupId) => groupId.startsWith(topic));
      const described = await withAdmin(client, (admin) => admin.describeGroups(names));
      return described.groups.every(({ members }) => members.length === 0);
    };
    await until(isLeft, { what: 'no member in its group', withinMs: 60_000 });
    expect(times('Restarting the consumer')).toBe(restarts);
    expect(records).toBe(1);
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

// Mounting needs root on Linux, so this is in the long form only; there it fails where it cannot be run.
if (process.env['FAULT_LONG'] === '1') {
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
