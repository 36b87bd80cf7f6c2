import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ConfigResourceTypes } from 'kafkajs';

import type { FaultAction } from '../../../simulator/faults';
import { createRandom, seedFrom } from '../../../simulator/random';
import { taxNumber } from '../../../simulator/rows';
import { startSimulator, type Simulator } from '../../../simulator/server';
import { addPartitions, cleanUp, kafkaClient, until, withAdmin } from '../../support/kafka';
import { type ServiceSetting, type TestService, testService } from '../../support/once';
import { companies, expectAgreement, readStreams, startRun } from '../../support/run';

interface Finding {
  readonly check: string;
  readonly entity: string | null;
  readonly ok: boolean;
  readonly text: string;
}

interface Checked {
  readonly code: number;
  readonly ok: boolean;
  readonly checks: readonly Finding[];
  /** `check entity`, of what is not all right. */
  readonly failed: readonly string[];
  /** What was found, by `check entity`. */
  readonly texts: Readonly<Record<string, string>>;
  readonly shown: string;
}

async function check(service: TestService): Promise<Checked> {
  const { code, stdout, stderr } = await service.command(['check', '--json']);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Finding[] };
  const nameOf = ({ check: name, entity }: Finding): string => (entity === null ? name : `${name} ${entity}`);
  return {
    code,
    ok,
    checks,
    failed: checks.filter((finding) => !finding.ok).map(nameOf),
    texts: Object.fromEntries(checks.map((finding) => [nameOf(finding), finding.text])),
    shown: stdout + stderr,
  };
}

function nipOf(name: string): string {
  return taxNumber(createRandom(seedFrom(name)));
}

function simulate(names: readonly string[], withoutAccount: readonly string[] = []): Promise<Simulator> {
  return startSimulator({
    entities: names.map((name) => ({
      key: `key-${name}`,
      name,
      nip: nipOf(name),
      clients: 2,
      invoices: 8,
      ...(withoutAccount.includes(name) ? { scopes: ['api:invoices:read'] } : {}),
    })),
  });
}

/** One company `alfa`, read since 2020. */
async function oneCompany(
  service: ServiceSetting['service'] = {},
): Promise<{ simulator: Simulator; service: TestService }> {
  const simulator = await simulate(['alfa']);
  cleanUp(() => simulator.stop());
  const entities = {
    alfa: { api_key: 'key-alfa', nip: nipOf('alfa'), start_date: '2020-01-01', streams: readStreams },
  };
  return { simulator, service: testService({ url: simulator.url, entities, service }) };
}

/** What Kafka holds of a service: topics with the end of each partition, and groups. */
async function traces({ prefix }: TestService): Promise<unknown> {
  return withAdmin(kafkaClient(), async (admin) => {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix)).sort();
    const ends = await Promise.all(topics.map(async (topic) => [topic, await admin.fetchTopicOffsets(topic)]));
    const { groups } = await admin.listGroups();
    return { ends, groups: groups.map(({ groupId }) => groupId).filter((group) => group.startsWith(prefix)) };
  });
}

test('before the first run all is well, each line says what was found, and nothing is created', async () => {
  const { simulator, service } = await oneCompany();
  const { code, stdout, stderr } = await service.command(['check']);
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toEqual([
    expect.stringMatching(/^ok {3}configuration: .*service\.json, 1 enabled entities in .*entities$/),
    expect.stringMatching(/^ok {3}brokers: .+ answer; Kafka 3.6 or later, which verifies transactions$/),
    expect.stringMatching(
      /^ok {3}topics: .*\.clients, .*\.invoices, .*\.corrective-invoices, .*\.state will be created at the first run$/,
    ),
    expect.stringMatching(/^ok {3}registry: none configured: .*Kafka Connect.*cannot be changed once/) as string,
    `ok   key alfa: belongs to NIP ${nipOf('alfa')}, as configured`,
    'ok   stream clients alfa: 2 rows, order by id is kept',
    'ok   fields of clients alfa: 2 rows looked at; every value fits',
    expect.stringMatching(
      /^ok {3}stream invoices alfa: 8 rows from 2020-01-01 to .*, order by id is kept, the date filter works, the filter of open documents works \(\d\)$/,
    ),
    expect.stringMatching(
      /^ok {3}fields of invoices alfa: 8 rows looked at; every value fits; fields that the schema does not know: delivery/,
    ),
    'ok   filters of invoices alfa: q[paid_date_gteq] ignored, q[updated_at_gteq] ignored, q[created_at_gteq] ignored, q[id_gt] ignored, fields ignored',
    expect.stringMatching(
      /^ok {3}plan: the targets want [\d.]+ requests a minute, there is no limit; newest every 5 min to 30 min, sweep every 6 h, open every 2 h, recent every 4 h$/,
    ),
    expect.stringMatching(/^ok {3}memory: about \d+ MB for 10 rows, \d+ MB free$/),
    'All 12 checks are ok.',
  ]);
  expect(stderr).toContain('checking 1 entity: up to 25 requests, a few seconds\n');
  expect(stdout + stderr).not.toContain('key-alfa');
  expect(await traces(service)).toEqual({ ends: [], groups: [] });
  expect(simulator.admin.stats().forbidden).toBe(0);
});

test('after a run it is held against what is remembered, beside one that is under way, and disturbs nothing', async () => {
  const scene = await companies(['alfa', 'sigma']);
  const { service } = scene;
  await service.once();
  const before = await traces(service);
  const seen = await check(service);
  expect(seen).toMatchObject({ code: 0, ok: true, failed: [] });
  expect(seen.texts['state']).toBe('2 shards in use, their layout fits');
  expect(seen.texts['key alfa']).toContain('as remembered');
  expect(await traces(service)).toEqual(before);

  const run = startRun(service);
  await run.sweeps(...scene.names);
  expect(await check(service)).toMatchObject({ code: 0, ok: true });
  await run.sweeps(...scene.names);
  await run.stop();
  expect(run.told().filter((line) => /kafka|parked/.test(line))).toEqual([]);
  await expectAgreement(scene);
});

describe('an entity', () => {
  interface Case {
    readonly what: string;
    readonly name: string;
    readonly entity?: Readonly<Record<string, unknown>>;
    readonly path?: string;
    readonly action?: FaultAction;
    /** The check that fails; null = none does. */
    readonly fails: string | null;
    readonly says: { readonly check: string; readonly text: string };
  }
  const list = (name: string, action: FaultAction, fails: boolean, text: string, what: string): Case => ({
    what,
    name,
    path: 'invoices.json',
    action,
    fails: fails ? 'stream invoices' : null,
    says: { check: 'stream invoices', text },
  });
  const cases: readonly Case[] = [
    {
      what: 'whose key is unknown',
      name: 'stranger',
      entity: { api_key: 'key-of-nobody' },
      fails: 'key',
      says: { check: 'key', text: "set the entity's API key: it is missing, wrong or was withdrawn" },
    },
    {
      what: 'whose key belongs to another company',
      name: 'mixed-up',
      entity: { nip: nipOf('somebody else') },
      fails: 'key',
      says: { check: 'key', text: "set the entity's right key" },
    },
    {
      what: 'with a nip, whose key may not read its account',
      name: 'no-scope',
      entity: { nip: nipOf('no-scope') },
      fails: 'key',
      says: { check: 'key', text: 'api:account:read' },
    },
    {
      what: 'without a nip, whose key may not read its account',
      name: 'no-scope-no-nip',
      fails: null,
      says: { check: 'key', text: 'nothing shows that it belongs to this entity' },
    },
    {
      what: 'whose subscription ran out',
      name: 'unpaid',
      path: '',
      action: { status: 402 },
      fails: 'key',
      says: { check: 'key', text: "see to the account's plan in inFakt: the plan does not include the API" },
    },
    list('forbidden', { status: 403 }, true, 'give the API key the scope api:invoices:read', 'whose list is forbidden'),
    list('down', { status: 500 }, true, 'expected 200, got 500', 'whose list is down'),
    list('gone', { status: 404 }, true, 'expected 200, got 404', 'whose list is not found'),
    list('page', { body: '<h1>x</h1>' }, true, 'expected a list envelope', 'whose list is a web page'),
    list('disorder', { transform: 'shuffle' }, true, 'expected rows by ascending id', 'whose list is out of order'),
    list(
      'unfiltered',
      { transform: 'filters-ignored' },
      false,
      'the date filter has NO effect',
      'whose list ignores the filter',
    ),
    list('stray', { transform: 'non-object-rows', rows: 2 }, false, 'order by id is kept', 'with rows that are none'),
    { what: 'that is well', name: 'well', fails: null, says: { check: 'key', text: 'belongs to NIP' } },
  ];
  let seen: Checked;

  beforeAll(async () => {
    const simulator = await simulate(
      cases.map(({ name }) => name),
      ['no-scope', 'no-scope-no-nip'],
    );
    try {
      for (const { name, path, action } of cases)
        if (action !== undefined)
          simulator.admin.addFault({ match: { entity: `key-${name}`, path }, times: Infinity, action });
      const service = testService({
        url: simulator.url,
        entities: Object.fromEntries(
          cases.map(({ name, entity }) => [
            name,
            { api_key: `key-${name}`, start_date: '2020-01-01', streams: readStreams, ...entity },
          ]),
        ),
      });
      seen = await check(service);
    } finally {
      await simulator.stop();
    }
  });

  test.each(cases)('$what: says so, and what to do', ({ name, fails, says }) => {
    expect(seen.failed.filter((check) => check.split(' ').at(-1) === name)).toEqual(
      fails === null ? [] : [`${fails} ${name}`],
    );
    expect(seen.texts[`${says.check} ${name}`]).toContain(says.text);
  });

  test('makes the exit code 2 where a person must act, and no key is shown (I11)', () => {
    expect(seen).toMatchObject({ code: 2, ok: false });
    expect(cases.filter(({ name }) => seen.shown.includes(`key-${name}"`))).toEqual([]);
    expect(seen.shown).not.toContain('key-of-nobody');
  });
});

test('an API that is down makes the exit code 3, and Kafka is looked at all the same', async () => {
  const { simulator, service } = await oneCompany();
  await simulator.stop();
  const seen = await check(service);
  expect(seen).toMatchObject({ code: 3, ok: false, failed: ['key alfa'] });
  expect(seen.texts['key alfa']).toContain('ECONNREFUSED');
});

test('a Kafka that is down makes the exit code 3, and the API is looked at all the same', async () => {
  const { service } = await oneCompany({ kafka: { brokers: ['127.0.0.1:9'] } });
  const seen = await check(service);
  expect(seen).toMatchObject({ code: 3, ok: false, failed: ['brokers'] });
  expect(seen.texts['brokers']).toContain('127.0.0.1:9');
  expect(seen.texts['key alfa']).toContain('as configured');
});

test('topics that are missing while none is to be created are named', async () => {
  const { service } = await oneCompany({ topics: { create: false } });
  const seen = await check(service);
  expect(seen).toMatchObject({ code: 2, failed: ['topics'] });
  for (const name of [
    'clients',
    'invoices',
    'corrective-invoices',
    'sweeps',
    'entities',
    'dead-letters',
    'status',
    'state',
  ])
    expect(seen.texts['topics']).toContain(service.topic(name));
});

test('a state topic of another service, other partitions, and a state topic that would be deleted with time are refused', async () => {
  const { service, simulator } = await oneCompany();
  await service.once();
  const reconfigured = { url: simulator.url, entities: { alfa: { api_key: 'key-alfa', nip: nipOf('alfa') } } };
  service.configure({ ...reconfigured, service: { service: { id: 'another' } } });
  const foreign = await check(service);
  expect(foreign).toMatchObject({ code: 2, failed: ['state'] });
  expect(foreign.texts['state']).toContain(`got one of "${service.prefix}"`);

  service.configure(reconfigured);
  await withAdmin(kafkaClient(), async (admin) => {
    await addPartitions(admin, service.topic('invoices'), 5);
  });
  const widened = await check(service);
  expect(widened).toMatchObject({ code: 2, failed: ['state'] });
  expect(widened.texts['state']).toContain('to have 3 partitions as when it was first written, got 5');

  await withAdmin(kafkaClient(), async (admin) => {
    const name = service.topic('state');
    const configEntries = [{ name: 'cleanup.policy', value: 'delete' }];
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name, configEntries }],
    });
  });
  // The broker tells of the new setting a moment after it took it.
  const fleeting = await until(
    async () => {
      const found = await check(service);
      return found.failed.includes('topics') && found;
    },
    { what: 'the setting to be seen' },
  );
  expect(fleeting).toMatchObject({ code: 2, failed: ['topics'] });
  expect(fleeting.texts['topics']).toContain('expected cleanup.policy=compact and nothing else, got delete');
});

test.each([
  ['the state topic', 'state', 'got no topic of that name beside'],
  ['a data topic', 'invoices', 'what was published there is gone'],
  ['another data topic', 'clients', 'what was published there is gone'],
])(
  '%s that was lost is refused by check and by a run alike, and neither makes it anew (I10)',
  async (_, lost, says) => {
    const { service } = await oneCompany();
    expect(await service.once()).toMatchObject({ code: 0 });
    expect(await service.once()).toMatchObject({ code: 0 });
    const topic = service.topic(lost);
    const exists = (): Promise<boolean> =>
      withAdmin(kafkaClient(), async (admin) => (await admin.listTopics()).includes(topic));
    await withAdmin(kafkaClient(), (admin) => admin.deleteTopics({ topics: [topic] }));
    await until(async () => !(await exists()), { what: `${topic} to be gone` });
    const checked = await check(service);
    expect(checked).toMatchObject({ code: 2, failed: ['topics'] });
    expect(checked.texts['topics']).toContain(topic);
    expect(checked.texts['topics']).toContain(says);
    const run = await service.once();
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(says);
    expect(await exists()).toBe(false);
  },
);

test('a configuration that cannot be read is all that is told', async () => {
  const { service } = await oneCompany();
  writeFileSync(join(service.folder, 'entities', 'beta.json'), '{"nip":"1"}');
  const seen = await check(service);
  expect(seen).toMatchObject({ code: 2, ok: false, failed: ['configuration'] });
  expect(seen.checks).toHaveLength(1);
  expect(seen.texts['configuration']).toContain('beta.json');
});
