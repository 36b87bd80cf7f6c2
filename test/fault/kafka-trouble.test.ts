import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { ConfigResourceTypes } from 'kafkajs';

import { partitionOf } from '../../src/sinks/partition';
import { addPartitions, kafkaClient, until, withAdmin } from '../support/kafka';
import {
  API_KEY,
  OTHER_API_KEY,
  expectEachRowOnce,
  oneCompany,
  type OneCompany,
  recordsOf,
  sessionsOf,
} from '../support/one-company';
import type { RunResult } from '../support/once';

const PROGRAM = join(__dirname, '..', '..', 'dist', 'src', 'main.js');

describe('topics that are not as they must be', () => {
  test('a state topic with another cleanup policy is refused with exit code 2 and the way to set it', async () => {
    const company = await oneCompany();
    await createTopics(company, { state: { 'cleanup.policy': 'compact,delete' } });
    const run = await company.service.once();
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('expected cleanup.policy=compact and nothing else, got compact,delete');
    expect(run.stderr).toContain(
      `kafka-configs --alter --topic ${company.service.topic('state')} --add-config cleanup.policy=compact`,
    );
    expectNothingRead(company);
  });

  test('topics that are missing are named, and not created where topics.create is false', async () => {
    const company = await oneCompany({ service: { topics: { create: false } } });
    await createTopics(company, { clients: {} });
    const run = await company.service.once();
    expect(run.code).toBe(2);
    const missing = ['invoices', 'corrective-invoices', 'sweeps', 'entities', 'dead-letters', 'status', 'state']
      .map((name) => company.service.topic(name))
      .join(', ');
    expect(run.stderr).toContain(`expected ${missing} to exist, as topics.create is false`);
    const topics = await withAdmin(kafkaClient(), (admin) => admin.listTopics());
    expect(topics.filter((topic) => topic.startsWith(company.service.prefix))).toEqual([
      company.service.topic('clients'),
    ]);
  });

  test('an empty state topic beside data topics that are full is refused with exit code 2', async () => {
    const company = await oneCompany();
    await createTopics(company, { clients: {}, state: { 'cleanup.policy': 'compact' } });
    await sendTo(company, 'clients', { key: 'somebody', value: "else's" });
    const run = await company.service.once();
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(`got an empty topic beside ${company.service.topic('clients')}`);
    expectNothingRead(company);
  });

  test.each(['in the partition of an entity', 'in another partition'])(
    'a state topic with a record of another service, %s, is refused with exit code 2 and named',
    async (where) => {
      const company = await oneCompany();
      await createTopics(company, { state: { 'cleanup.policy': 'compact' } });
      const partition = where === 'in another partition' ? 1 - company.shard : company.shard;
      await sendTo(company, 'state', { key: '["other",{"session":true}]', value: '{}', partition });
      const run = await company.service.once();
      expect(run.code).toBe(2);
      expect(run.stderr).toContain(
        `expected records of service "${company.service.prefix}", got one of "other"; a state topic belongs to one service`,
      );
      expectNothingRead(company);
    },
  );
});

describe('what changed since the last run', () => {
  test('a state topic whose records were all deleted ends a run with exit code 2', async () => {
    const company = await oneCompany();
    expect(await company.service.once()).toMatchObject({ code: 0 });
    const name = company.service.topic('state');
    const policyTo = (value: string) => ({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries: [{ name: 'cleanup.policy', value }] }],
    });
    await withAdmin(kafkaClient(), async (admin) => {
      await admin.alterConfigs(policyTo('delete'));
      const offsets = await admin.fetchTopicOffsets(name);
      const partitions = offsets.map(({ partition, high }) => ({ partition, offset: high }));
      // The brokers learn of the policy a moment later; until then they refuse.
      await until(() => admin.deleteTopicRecords({ topic: name, partitions }).then(() => true), {
        what: 'the deletion',
      });
      await admin.alterConfigs(policyTo('compact'));
    });
    const run = await company.service.once();
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(`looking at ${name}: expected`);
  });

  test('another number of partitions of a data topic ends a run with exit code 2', async () => {
    const company = await oneCompany();
    expect(await company.service.once()).toMatchObject({ code: 0 });
    const published = await recordsOf(company, 'clients', 'invoices');

    await setPartitions(company, 'invoices', 5);
    const data = await company.service.once();
    expect(data.code).toBe(2);
    expect(data.stderr).toContain(
      `expected ${company.service.topic('invoices')} to have 3 partitions as when it was first written, got 5`,
    );
    expect(await recordsOf(company, 'clients', 'invoices')).toHaveLength(published.length);
  });

  test.each([3, 4, 5, 7])(
    'a state topic of 2 partitions that now has %i ends a run with exit code 2, wherever its entities moved',
    async (partitions) => {
      const company = await oneCompany({ clients: 1, invoices: 1 });
      expect(await company.service.once()).toMatchObject({ code: 0 });
      company.simulator.admin.resetStats();
      await setPartitions(company, 'state', partitions);
      const run = await company.service.once();
      expect(run.code).toBe(2);
      expect(run.stderr).toContain(
        `expected ${company.service.topic('state')} to have 2 partitions as when it was first written, got ${partitions}`,
      );
      expectNothingRead(company);
    },
  );

  test.each([
    { name: 'clients', isMadeAgain: true, says: 'to reach beyond offset \\d+, got a high watermark of 0' },
    { name: 'invoices', isMadeAgain: true, says: 'to reach beyond offset \\d+, got a high watermark of 0' },
    { name: 'invoices', isMadeAgain: false, says: 'to exist, as .* remembers what was published there' },
  ])(
    'a topic of $name that was deleted ends a run with exit code 2, made again: $isMadeAgain (I10)',
    async ({ name, isMadeAgain, says }) => {
      const company = await oneCompany();
      expect(await company.service.once()).toMatchObject({ code: 0 });
      // Of an unchanged account nothing is published again, so what was lost would stay lost.
      expect(await company.service.once()).toMatchObject({ code: 0 });
      await withAdmin(kafkaClient(), (admin) => admin.deleteTopics({ topics: [company.service.topic(name)] }));
      await until(
        async () =>
          !(await withAdmin(kafkaClient(), (admin) => admin.listTopics())).includes(company.service.topic(name)),
        {
          what: 'the topic to be gone',
        },
      );
      if (isMadeAgain) await createTopics(company, { [name]: {} });
      const run = await company.service.once();
      expect(run.code).toBe(2);
      expect(run.stderr).toMatch(new RegExp(`${company.service.topic(name)} ${says}`));
    },
  );

  test('an entity that comes to a shard not used before is no error', async () => {
    const company = await oneCompany();
    expect(await company.service.once()).toMatchObject({ code: 0 });
    const other = ['beta', 'gamma', 'delta', 'omega', 'kappa', 'sigma', 'lambda'].find(
      (id) => partitionOf(id, 2) !== company.shard,
    );
    if (other === undefined) throw new Error('expected an entity that belongs to the other shard');
    company.service.configure({
      url: company.simulator.url,
      entities: { alfa: { api_key: API_KEY }, [other]: { api_key: OTHER_API_KEY, streams: ['clients'] } },
    });
    const run = await company.service.once();
    expect(run).toMatchObject({ code: 0, complete: true });
    expect(run.streams[`${other} clients`]).toMatchObject({ created: 3 });
  });

  test('a ledger of 2 000 rows is restored in a new process, which publishes nothing', async () => {
    const company = await oneCompany({ clients: 300, invoices: 1_700 });
    expect(await company.service.once()).toMatchObject({ code: 0 });
    await expectEachRowOnce(company);
    const { code, streams } = await newProcess(['once', '--json', ...company.service.options]);
    expect(code).toBe(0);
    expect(streams).toMatchObject([
      { stream: 'clients', rows: 300, created: 0, updated: 0, unchanged: 300 },
      { stream: 'invoices', rows: 1_700, created: 0, updated: 0, unchanged: 1_700 },
    ]);
    await expectEachRowOnce(company);
  });

  test.each([
    ['the state topic', {}, 3 * 3_600_000, "ahead of the broker's by more than 1 h"],
    ['a data topic', { clients: { 'message.timestamp.after.max.ms': '60000' } }, 10 * 60_000, 'by more than 1 min'],
  ])(
    'I1: a clock that is too far ahead for %s ends a run with exit code 2, by how much at least, and costs no row',
    async (_where, topics, aheadMs, text) => {
      const company = await oneCompany();
      await createTopics(company, topics);
      const clock = jest.spyOn(Date, 'now');
      clock.mockImplementation(() => Math.round(performance.timeOrigin + performance.now()) + aheadMs);
      const run = await company.service.once().finally(() => clock.mockRestore());
      expect(run.code).toBe(2);
      expect(run.stderr).toMatch(new RegExp(`INVALID_TIMESTAMP.*${text}.*set the clock right`));
      expect(await company.service.once()).toMatchObject({ code: 0, complete: true });
      await expectEachRowOnce(company);
      expect(await recordsOf(company, 'dead-letters')).toEqual([]);
    },
  );

  test('I3: observed_at never decreases although the clock is set back by an hour', async () => {
    const company = await oneCompany();
    const noon = Date.now();
    expect(await company.service.once({ outside: { now: () => noon } })).toMatchObject({ code: 0 });
    const { clients, invoices } = company.simulator.admin.truth()[API_KEY] ?? {};
    for (const id of invoices?.ids ?? []) company.simulator.admin.edit(API_KEY, 'invoices', id, { notes: 'edited' });
    for (const id of clients?.ids ?? []) company.simulator.admin.edit(API_KEY, 'clients', id, { city: 'Zakopane' });
    const back = await company.service.once({ outside: { now: () => noon - 3_600_000 } });
    expect(back.streams).toMatchObject({ 'alfa clients': { updated: 5 }, 'alfa invoices': { updated: 20 } });
    const records = await recordsOf(company, 'clients', 'invoices');
    expect(records).toHaveLength(50);
    const newest = new Map<string, number>();
    for (const { topic, key, headers } of records) {
      const row = `${topic} ${key?.toString('hex') ?? ''}`;
      const observedAt = Date.parse(headers['observed_at'] ?? '');
      expect(observedAt).toBeGreaterThanOrEqual(newest.get(row) ?? noon);
      // Each sweep's record moves it on by a millisecond, and a clock that is set back by an hour does nothing.
      expect(observedAt).toBeLessThan(noon + 1_000);
      newest.set(row, observedAt);
    }
    expect(newest.size).toBe(25);
  });
});

test('the state topic holds the session marker, the layout, the account and the cursors under the documented keys', async () => {
  const company = await oneCompany();
  const { service, shard } = company;
  expect(await service.once()).toMatchObject({ code: 0 });
  const state = await recordsOf(company, 'state');
  const keys = [...new Set(state.map(({ key }) => String(key)))];
  const entity = '"entity":"alfa"';
  expect(keys.filter((key) => !key.includes('"block"')).sort()).toEqual(
    ['"layout":true', '"session":true', `${entity},"account":true`]
      .concat(
        ['clients', 'invoices'].flatMap((stream) =>
          ['"scan":"sweep"', '"strays":true'].map((key) => `${entity},"stream":"${stream}",${key}`),
        ),
      )
      .map((key) => `["${service.prefix}",{${key}}]`)
      .sort(),
  );
  expect(keys.some((key) => key === `["${service.prefix}",{${entity},"stream":"invoices","block":0}]`)).toBe(true);
  const last = (kind: string): unknown =>
    JSON.parse(String(state.filter(({ key }) => key?.toString().includes(kind)).at(-1)?.value));
  expect(last('"session":true')).toEqual({ session: expect.any(String) as string, at: expect.any(String) as string });
  expect(last('"layout":true')).toMatchObject({
    version: 1,
    statePartitions: 2,
    partitions: { [service.topic('clients')]: 3, [service.topic('invoices')]: 3 },
    keyFraming: 'single-object',
    definitions: [{ stream: 'clients' }, { stream: 'invoices' }],
    observedAt: expect.any(Number) as number,
  });
  expect(new Set(state.map(({ partition }) => partition))).toEqual(new Set([shard]));
});

describe('records that do not fit', () => {
  test('a record over max.message.bytes is dead-lettered without a failed transaction, and a large dead letter is cut', async () => {
    const company = await oneCompany();
    const { admin } = company.simulator;
    const [large = 0, broken = 0] = admin.truth()[API_KEY]?.invoices.ids ?? [];
    admin.edit(API_KEY, 'invoices', large, { notes: 'n'.repeat(1_100_000) });
    admin.edit(API_KEY, 'invoices', broken, { notes: 'b'.repeat(2_000_000), gross_price: 'not money' });

    const run = await company.service.once({ patience: { commitMs: 60_000 } });

    expect(run.streams).toMatchObject({
      'alfa invoices': { rows: 20, created: 18, dead_letters: 2, complete: false, reason: 'dead-letters' },
    });
    expect(await recordsOf(company, 'clients', 'invoices')).toHaveLength(5 + 18);
    expect(await sessionsOf(company)).toBe(1);
    const letters = await recordsOf(company, 'dead-letters');
    expect(letters).toHaveLength(2);
    for (const { value, headers } of letters) {
      const id = Number(/"id":(\d+)/.exec(value?.toString('utf8', 0, 200) ?? '')?.[1]);
      const whole = Buffer.from(JSON.stringify(admin.row(API_KEY, 'invoices', id)));
      expect(value?.equals(whole.subarray(0, 900_000))).toBe(true);
      expect(headers).toMatchObject({
        entity: 'alfa',
        stream: 'invoices',
        cut_from_bytes: String(whole.length),
        sha256: createHash('sha256').update(whole).digest('hex'),
        ...(id === large
          ? { error: expect.stringContaining('max.message.bytes') as string }
          : { error_path: 'gross_price' }),
      });
    }
    expect(await company.service.once()).toMatchObject({
      streams: { 'alfa invoices': { unchanged: 20, dead_letters: 0 } },
    });
  });

  test('rows that the broker refuses after the start are found page by page and row by row, and only they are dead-lettered', async () => {
    const company = await oneCompany({ invoices: 150, service: { kafka: { sessionTimeoutMs: 2_000 } } });
    const { admin } = company.simulator;
    const ids = admin.truth()[API_KEY]?.invoices.ids ?? [];
    const refused = [10, 11, 120].map((at) => ids[at] ?? 0);
    for (const id of refused) admin.edit(API_KEY, 'invoices', id, { notes: 'n'.repeat(300_000) });
    admin.addFault({
      match: { path: 'invoices.json', offset: 0 },
      before: () => setMaxMessageBytes(company, 'invoices', 200_000),
    });

    const run = await company.service.once();

    expect(run).toMatchObject({ code: 3, complete: false });
    const letters = await recordsOf(company, 'dead-letters');
    expect(letters.map(({ value }) => (JSON.parse(String(value)) as { id: number }).id).sort()).toEqual(refused.sort());
    expect(letters.map(({ headers }) => headers['error'])).toEqual(
      letters.map(() => expect.stringContaining('the broker refused this record alone') as string),
    );
    const published = await recordsOf(company, 'clients', 'invoices');
    expect(published).toHaveLength(5 + 150 - 3);
    expect(new Set(published.map(({ topic, key }) => `${topic} ${String(key?.toString('hex'))}`)).size).toBe(152);
    expect(run.streams['alfa invoices']).toMatchObject({ created: 147, dead_letters: 3, reason: 'dead-letters' });
    expect(await company.service.once()).toMatchObject({ streams: { 'alfa invoices': { unchanged: 150 } } });
  });
});

function expectNothingRead({ simulator }: OneCompany): void {
  expect(simulator.admin.stats().total).toBe(0);
}

async function createTopics(
  { service }: OneCompany,
  topics: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<void> {
  await withAdmin(kafkaClient(), async (admin) => {
    await admin.createTopics({
      waitForLeaders: false,
      topics: Object.entries(topics).map(([name, config]) => ({
        topic: service.topic(name),
        numPartitions: name === 'state' ? 2 : 3,
        configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
      })),
    });
    for (const name of Object.keys(topics)) {
      await until(() => admin.fetchTopicOffsets(service.topic(name)), { what: `${service.topic(name)} to be led` });
    }
  });
}

async function sendTo(
  { service }: OneCompany,
  name: string,
  message: { key: string; value: string; partition?: number },
): Promise<void> {
  const producer = kafkaClient().producer({ allowAutoTopicCreation: false });
  await producer.connect();
  try {
    await producer.send({ topic: service.topic(name), messages: [message] });
  } finally {
    await producer.disconnect();
  }
}

async function setPartitions({ service }: OneCompany, name: string, count: number): Promise<void> {
  const topic = service.topic(name);
  await withAdmin(kafkaClient(), async (admin) => {
    await addPartitions(admin, topic, count);
  });
}

async function setMaxMessageBytes({ service }: OneCompany, name: string, bytes: number): Promise<void> {
  const resource = { type: ConfigResourceTypes.TOPIC, name: service.topic(name) };
  const wanted = { name: 'max.message.bytes', value: String(bytes) };
  await withAdmin(kafkaClient(), async (admin) => {
    await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries: [wanted] }] });
    await until(
      async () => {
        const { resources } = await admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ ...resource, configNames: [wanted.name] }],
        });
        return resources[0]?.configEntries[0]?.configValue === wanted.value;
      },
      { what: 'the new limit to hold' },
    );
  });
}

async function newProcess(args: readonly string[]): Promise<{ code: number | null; streams: RunResult['streams'] }> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (stdout === '') throw new Error(`Running ${PROGRAM}: expected a result, got none: ${stderr}`);
  return { code, streams: (JSON.parse(stdout) as { streams: RunResult['streams'] }).streams };
}
