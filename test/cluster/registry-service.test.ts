import { isObject } from '../../src/json';
import { releasedSchemas } from '../../src/sinks/avro';
import { startRegistry, type LocalRegistry } from '../../tools/registry';
import { cleanUp, kafkaClient, until, withAdmin } from '../support/kafka';
import { startHttpServer } from '../support/http-server';
import { API_KEY, oneCompany, recordsOf } from '../support/one-company';
import { startRun } from '../support/run';

let registry: LocalRegistry;

beforeAll(async () => {
  registry = await startRegistry();
});

afterAll(() => registry.stop());

const registering = (): Record<string, Record<string, unknown>> => ({
  registry: { url: registry.url, autoRegister: true },
});

/** Registers a schema as somebody else would; resolves with its id. */
async function register(subject: string, schema: unknown): Promise<number> {
  const answer = await fetch(`${registry.url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ schema: JSON.stringify(schema) }),
  });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { readonly id: number }).id;
}

async function forbidIncompatible(subject: string): Promise<void> {
  const answer = await fetch(`${registry.url}/config/${subject}`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ compatibility: 'BACKWARD' }),
  });
  expect(answer.status).toBe(200);
}

test('with a registry, keys and values name their schemas by its ids, check says what it has, and peek reads them', async () => {
  const company = await oneCompany({ clients: 2, invoices: 3, service: { ...registering(), ...{ topics: {} } } });
  const { service } = company;
  const before = await service.command(['check']);
  expect(before.code).toBe(0);
  expect(before.stdout).toMatch(/^ok {3}registry: .*will be registered at the first run/m);
  expect(await service.once()).toMatchObject({ code: 0, complete: true });
  const checked = await service.command(['check']);
  expect(checked.stdout).toMatch(/^ok {3}registry: http\S+ has (\d+) of \1 schemas/m);

  const records = await recordsOf(company, 'clients', 'invoices');
  expect(records).toHaveLength(5);
  for (const { key, value } of records) expect([key?.[0], value?.[0]]).toEqual([0, 0]);
  const peeked = await service.command(['peek', 'invoices', '--limit', '1']);
  const shown: unknown = JSON.parse(peeked.stdout);
  expect(shown).toMatchObject({ key: { entity: 'alfa' }, value: { entity: 'alfa', currency: 'PLN' } });

  expect(await service.once()).toMatchObject({ code: 0, complete: true });
  expect(await recordsOf(company, 'clients', 'invoices')).toHaveLength(5);
});

test('a registry that has the key schemas of 0.1.0 and values under their old names goes on with those keys, and takes the new values', async () => {
  const company = await oneCompany({ clients: 1, invoices: 1, service: registering() });
  const { service } = company;
  const ids = new Map<string, number>();
  for (const [topic, schema] of [
    ['clients', 'client'],
    ['invoices', 'invoice'],
  ] as const) {
    for (const part of ['key', 'value'] as const) {
      const [first = ''] = releasedSchemas(part === 'key' ? `${schema}-key` : schema);
      const subject = `${service.topic(topic)}-${part}`;
      ids.set(`${topic}-${part}`, await register(subject, JSON.parse(first)));
      await forbidIncompatible(subject);
    }
  }
  expect(await service.once()).toMatchObject({ code: 0, complete: true });
  for (const topic of ['clients', 'invoices']) {
    const [record] = await recordsOf(company, topic);
    expect(record?.key?.readInt32BE(1)).toBe(ids.get(`${topic}-key`));
    expect(record?.value?.readInt32BE(1)).not.toBe(ids.get(`${topic}-value`));
  }
  const checked = await service.command(['check']);
  expect(checked.code).toBe(0);
  expect(checked.stdout).toMatch(/^ok {3}registry: http\S+ has (\d+) of \1 schemas/m);
});

test('a registry that is switched on, switched off or another one after records were written is refused, with the way out', async () => {
  const company = await oneCompany({ clients: 1, invoices: 1 });
  const { service, simulator } = company;
  const setting = {
    url: simulator.url,
    entities: { alfa: { api_key: API_KEY, nip: '1111111111', streams: ['clients', 'invoices'] } },
  };
  expect(await service.once()).toMatchObject({ code: 0 });
  service.configure({ ...setting, service: registering() });
  const on = await service.once();
  expect(on.code).toBe(2);
  expect(on.stderr).toContain('expected keys in single-object framing as before, got confluent');
  expect(on.stderr).toContain('Take registry.url out again');
  expect((await service.command(['check'])).code).toBe(2);

  const other = await oneCompany({ clients: 1, invoices: 1, service: registering() });
  const otherSetting = { ...setting, url: other.simulator.url };
  expect(await other.service.once()).toMatchObject({ code: 0 });
  other.service.configure(otherSetting);
  const off = await other.service.once();
  expect(off.code).toBe(2);
  expect(off.stderr).toContain('expected keys in confluent framing as before, got single-object');
  expect(off.stderr).toContain('Set registry.url back');

  await registry.restart();
  await register('foreign-value', { type: 'record', name: 'foreign', fields: [{ name: 'a', type: 'long' }] });
  other.service.configure({ ...otherSetting, service: registering() });
  const emptied = await other.service.once();
  expect(emptied.code).toBe(2);
  expect(emptied.stderr).toMatch(/key schema of \S+ to have the id \d+ in the registry as before, got \d+/);
  expect(await recordsOf(other, 'clients', 'invoices')).toHaveLength(2);
});

test('a subject with an incompatible schema ends once and check with 2, naming the subject, the rule and what differs', async () => {
  const company = await oneCompany({ clients: 1, invoices: 1, service: registering() });
  const { service } = company;
  const subject = `${service.topic('clients')}-value`;
  await register(subject, {
    type: 'record',
    name: 'client',
    namespace: 'infakt',
    fields: [{ name: 'entity', type: 'long' }],
  });
  await forbidIncompatible(subject);
  const run = await service.once();
  expect(run.code).toBe(2);
  expect(run.stderr).toContain(subject);
  expect(run.stderr).toContain('BACKWARD');
  const checked = await service.command(['check']);
  expect(checked.code).toBe(2);
  expect(checked.stdout).toMatch(new RegExp(`^FAIL registry: .*${subject}`, 'm'));
});

test('a registry that hangs or is down at the start ends once with 3 in time, and run waits for it', async () => {
  const server = await startHttpServer();
  cleanUp(() => server.close());
  server.react(() => undefined);
  const company = await oneCompany({
    clients: 1,
    invoices: 1,
    service: { registry: { url: server.url, timeoutMs: 400 } },
  });
  const hanging = await company.service.once();
  expect(hanging.code).toBe(3);
  expect(hanging.stderr).toContain(`using the schema registry at ${server.url} (registry.url)`);
  expect(Object.values(hanging.streams).map(({ reason }) => reason)).toEqual(
    Object.values(hanging.streams).map(() => 'registry'),
  );
  expect(JSON.parse(hanging.stdout)).toMatchObject({ cause: expect.stringContaining(server.url) as string });
  const run = startRun(company.service);
  await run.says('registry lost, retrying');
  expect(await run.stop()).toMatchObject({ code: 0 });
});

test('a registry that goes down later disturbs nothing, as all schemas are known from the start', async () => {
  const company = await oneCompany({
    clients: 1,
    invoices: 2,
    service: { ...registering(), schedule: { newestSeconds: 1, sweepSeconds: 1 } },
  });
  const run = startRun(company.service);
  await until(async () => (await recordsOf(company, 'invoices')).length === 2, { what: 'the first records' });
  await registry.stop();
  company.simulator.admin.add(API_KEY, 'invoices');
  await until(async () => (await recordsOf(company, 'invoices')).length === 3, {
    what: 'a record without the registry',
  });
  expect(await run.stop()).toMatchObject({ code: 0 });
  registry = await startRegistry();
});

test('topics of another shape than configured are named: their number of partitions is kept, a data topic that forgets is warned of', async () => {
  const company = await oneCompany({ clients: 1, invoices: 1 });
  const { service } = company;
  await withAdmin(kafkaClient(), async (admin) => {
    await admin.createTopics({
      waitForLeaders: false,
      topics: [
        {
          topic: service.topic('clients'),
          numPartitions: 2,
          configEntries: [{ name: 'cleanup.policy', value: 'delete' }],
        },
      ],
    });
    // A busy broker shows it a moment later, and until then it is missing.
    await until(async () => (await admin.listTopics()).includes(service.topic('clients')), { what: 'the topic' });
  });
  const run = await service.once();
  expect(run).toMatchObject({ code: 0, complete: true });
  expect(run.stderr).toContain(`${service.topic('clients')}: expected 3 partitions as configured, got 2`);
  expect(run.stderr).toContain(`${service.topic('clients')}: expected cleanup.policy=compact, got delete`);
  const checked = await service.command(['check', '--json']);
  const report: unknown = JSON.parse(checked.stdout);
  expect(isObject(report) && JSON.stringify(report['checks'])).toContain('expected cleanup.policy=compact, got delete');
});
