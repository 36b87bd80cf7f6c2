import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

import { openWriter } from '../../src/sinks/writer';
import { cleanUp, kafkaClient } from '../support/kafka';
import { API_KEY, expectEachRowOnce, oneCompany, type OneCompany, recordsOf, sessionsOf } from '../support/one-company';
import { startRun } from '../support/run';
import { API, startProxy } from '../support/tcp-proxy';

const HEARTBEAT = 12;
const WRITES = [API.produce, API.addPartitionsToTxn, API.endTxn];
const ANOTHER = 'expected no other instance of the service';

test('I4: fenced by a newer writer in mid-sweep, it stops, waits for the group to confirm the shard, and completes', async () => {
  const company = await oneCompany({ invoices: 450 });
  const { simulator, service } = company;
  const proxy = await startProxy();
  cleanUp(proxy.close);
  const asked: number[] = [];
  proxy.intercept(({ apiKey }) => {
    asked.push(apiKey);
    return 'pass';
  });
  simulator.admin.addFault({
    match: { path: 'invoices.json', offset: 198 },
    before: () => takeShard(company),
  });

  const run = await service.once({ patience: { reopenMs: () => 0 }, outside: { socketFactory: proxy.socketFactory } });

  expect(run).toMatchObject({ code: 0, complete: true });
  await expectEachRowOnce(company);
  expect(await sessionsOf(company)).toBe(2);
  const reopened = asked.lastIndexOf(API.initProducerId);
  const refused = Math.max(...WRITES.map((api) => asked.lastIndexOf(api, reopened)));
  expect(asked.slice(refused, reopened)).toContain(HEARTBEAT);
});

test('I4: two runs at a time: the second ends with exit code 3 and the first is not disturbed', async () => {
  const company = await oneCompany({
    invoices: 250,
    service: { kafka: { sessionTimeoutMs: 1_000 }, infakt: { timeoutMs: 60_000 } },
  });
  const { simulator, service } = company;
  const { reached, release } = holdAt(company, 99);
  const first = service.once();
  await reached;

  const begun = Date.now();
  const second = await service.once();
  expect(second.code).toBe(3);
  expect(second.stderr).toContain(ANOTHER);
  expect(second.logs).toContainEqual(
    expect.objectContaining({ msg: 'waiting', for: expect.stringContaining('another instance') as string }),
  );
  expect(Object.values(second.streams).map(({ reason }) => reason)).toEqual(
    Object.values(second.streams).map(() => 'second-instance'),
  );
  expect(JSON.parse(second.stdout)).toMatchObject({ cause: expect.stringContaining(ANOTHER) as string });
  expect(Date.now() - begun).toBeLessThan(15_000);

  release();
  expect(await first).toMatchObject({ code: 0, complete: true });
  await expectEachRowOnce(company);
  expect(await sessionsOf(company)).toBe(1);
  expect(simulator.admin.stats().byPath['account/details.json']).toBe(1);
});

test('I4: a member that joins while a run is under way ends the run with exit code 3, and the next one finishes the sweep', async () => {
  const company = await oneCompany({ invoices: 450 });
  const { simulator, service } = company;
  let member: ChildProcess | undefined;
  simulator.admin.addFault({
    match: { path: 'invoices.json', offset: 198 },
    before: async () => {
      member = await memberProcess(company, 1_000);
    },
  });

  const disturbed = await service.once();
  expect(disturbed.code).toBe(3);
  expect(disturbed.stderr).toContain(ANOTHER);

  member?.kill('SIGKILL');
  const next = await service.once();
  expect(next).toMatchObject({ code: 0, complete: true });
  await expectEachRowOnce(company);
});

test('a member left in the group by a killed predecessor delays the start by its session timeout and no more than 5 s', async () => {
  const sessionTimeoutMs = 2_000;
  const company = await oneCompany({ service: { kafka: { sessionTimeoutMs } } });
  const { simulator, service } = company;
  await service.once();
  simulator.admin.resetStats();
  const predecessor = await memberProcess(company, sessionTimeoutMs);
  predecessor.kill('SIGKILL');
  await once(predecessor, 'exit');

  const begun = Date.now();
  let firstRequestMs = Infinity;
  simulator.admin.addFault({
    match: { path: 'account/details.json' },
    before: () => {
      firstRequestMs = Date.now() - begun;
    },
  });
  const run = await service.once();
  expect(run).toMatchObject({ code: 0, complete: true });
  expect(firstRequestMs).toBeGreaterThan(500);
  expect(firstRequestMs).toBeLessThan(sessionTimeoutMs + 5_000);
});

test('a shard without an entity is opened by nobody', async () => {
  const company = await oneCompany();
  await company.service.once();
  const state = await recordsOf(company, 'state');
  expect(new Set(state.map(({ partition }) => partition))).toEqual(new Set([company.shard]));
});

/** What a newer instance does first. */
async function takeShard({ service, shard }: OneCompany): Promise<void> {
  const state = service.topic('state');
  const writer = await openWriter(kafkaClient(), {
    transactionalId: `${state}-${shard}`,
    stateTopic: state,
    partition: shard,
    maxBatchBytes: () => 1_000_000,
    deadlineMs: 10_000,
  });
  await writer.close();
}

/** Keeps the invoices' page at an offset back until released. */
function holdAt({ simulator }: OneCompany, offset: number): { reached: Promise<void>; release: () => void } {
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const reached = new Promise<void>((resolve) =>
    simulator.admin.addFault({
      match: { entity: API_KEY, path: 'invoices.json', offset },
      before: () => {
        resolve();
        return released;
      },
    }),
  );
  return { reached, release };
}

/** A process whose only work is to be a member of the service's group. */
async function memberProcess({ service, bootstrap }: OneCompany, sessionTimeout: number): Promise<ChildProcess> {
  const script = `
    const { Kafka } = require('kafkajs');
    const kafka = new Kafka({ brokers: ${JSON.stringify(bootstrap.split(','))}, logLevel: 0 });
    const consumer = kafka.consumer({ groupId: '${service.prefix}', sessionTimeout: ${sessionTimeout}, heartbeatInterval: 300 });
    consumer.on('consumer.group_join', () => console.log('joined'));
    consumer.connect()
      .then(() => consumer.subscribe({ topic: '${service.topic('state')}' }))
      .then(() => consumer.run({ autoCommit: false, eachMessage: async () => {} }));`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  cleanUp(() => {
    child.kill('SIGKILL');
    return Promise.resolve();
  });
  await once(child.stdout, 'data');
  return child;
}

test('I10: a Kafka that falls silent under an idle run is in the log within 15 s, and so is its return', async () => {
  const company = await oneCompany({
    clients: 1,
    invoices: 1,
    service: { schedule: { newestSeconds: 300, openSeconds: 300, recentSeconds: 300, sweepSeconds: 300 } },
  });
  const proxy = await startProxy();
  cleanUp(proxy.close);
  const run = startRun(company.service, { outside: { socketFactory: proxy.socketFactory } });
  await run.says('caught up', { before: 1 });
  proxy.intercept(() => 'close-before');
  await run.says('kafka lost, retrying', { withinMs: 15_000 });
  proxy.intercept(() => 'pass');
  await run.says('kafka is back', { withinMs: 60_000 });
  expect(run.count('shards taken')).toBeGreaterThanOrEqual(1);
  expect(await run.stop()).toMatchObject({ code: 0 });
});
