import type { FaultAction } from '../../simulator/faults';
import { createRandom, seedFrom } from '../../simulator/random';
import { taxNumber } from '../../simulator/rows';
import { startSimulator, type Simulator } from '../../simulator/server';
import type { ParkReason } from '../../src/errors';
import { cleanUp } from '../support/kafka';
import { type RunResult, type TestService, testService } from '../support/once';
import {
  asked,
  type Everything,
  expectSecretsKept,
  idsOf,
  readEverything,
  recordsOf,
  troublesOf,
} from '../support/published';
import { startRun } from '../support/run';
import { walksBegun } from '../support/scans';

/** Whole runs are made there, whose results the tests look at. */
const SET_UP_MS = 600_000;
const ROWS = 5;

/** One company: what the simulator knows of it, what its entity file says, and what must become of that. */
interface Company {
  readonly what: string;
  readonly name: string;
  /** What the account calls itself; the key of nobody unless given. */
  readonly taxId?: string;
  readonly mayReadAccount?: boolean;
  /** What the API answers to a question for the account. */
  readonly account?: FaultAction;
  readonly accountTimes?: number;
  readonly lists?: FaultAction;
  readonly entityFile: Readonly<Record<string, unknown>>;
  /** Null = it is read completely. */
  readonly reason: ParkReason | null;
  readonly troubles: readonly string[];
  /** In the log, for the person who has to do something. */
  readonly says: string;
}

/** Two entities cannot have one nip, so each has its own. */
function nipOf(name: string): string {
  return taxNumber(createRandom(seedFrom(name)));
}

function withDashes(digits: string): string {
  return `PL${digits.slice(0, 3)}-${digits.slice(3, 6)}-${digits.slice(6, 8)}-${digits.slice(8)}`;
}

const details = {
  account_data: { uuid: '0b8a2a52-6a6c-4e9e-9d0a-2f1f5a3f6f10' },
  company_data: { company_name: 'Żubr' },
};

const givenUp = (reason: ParkReason): readonly string[] => [`given up for this run: ${reason}`];
const triedTwice = (reason: ParkReason): readonly string[] => [`parked: ${reason}`, 'retrying', ...givenUp(reason)];

const companies: readonly Company[] = [
  {
    what: 'the right nip',
    name: 'right',
    taxId: nipOf('right'),
    entityFile: { nip: nipOf('right') },
    reason: null,
    troubles: [],
    says: '',
  },
  {
    what: 'the right nip, spelled with a country and dashes',
    name: 'spelled',
    taxId: withDashes(nipOf('spelled')),
    entityFile: { nip: nipOf('spelled') },
    reason: null,
    troubles: [],
    says: '',
  },
  {
    what: 'no nip',
    name: 'plain',
    taxId: nipOf('plain'),
    entityFile: {},
    reason: null,
    troubles: [],
    says: '',
  },
  {
    what: 'a key that the API does not know',
    name: 'unknown-key',
    entityFile: { nip: nipOf('unknown-key') },
    reason: 'unauthorized',
    troubles: givenUp('unauthorized'),
    says: 'expected 200, got 401',
  },
  {
    what: 'the nip of another company',
    name: 'another',
    taxId: nipOf('yet another'),
    entityFile: { nip: nipOf('another') },
    reason: 'identity-mismatch',
    troubles: givenUp('identity-mismatch'),
    says: "set the entity's right key",
  },
  {
    what: 'an account that names no tax_id',
    name: 'nameless',
    taxId: nipOf('nameless'),
    account: { status: 200, body: details },
    entityFile: { nip: nipOf('nameless') },
    reason: 'identity-mismatch',
    troubles: givenUp('identity-mismatch'),
    says: 'got none',
  },
  {
    what: 'a nip, and a key without the scope for the account',
    name: 'no-scope',
    taxId: nipOf('no-scope'),
    mayReadAccount: false,
    entityFile: { nip: nipOf('no-scope') },
    reason: 'identity-unreadable',
    troubles: givenUp('identity-unreadable'),
    says: 'api:account:read',
  },
  {
    what: 'a nip, and an account that is forbidden',
    name: 'forbidden',
    taxId: nipOf('forbidden'),
    account: { status: 403 },
    entityFile: { nip: nipOf('forbidden') },
    reason: 'identity-unreadable',
    troubles: givenUp('identity-unreadable'),
    says: 'api:account:read',
  },
  {
    what: 'a nip, and an account that is not found',
    name: 'not-found',
    taxId: nipOf('not-found'),
    account: { status: 404 },
    entityFile: { nip: nipOf('not-found') },
    reason: 'identity-unreadable',
    troubles: givenUp('identity-unreadable'),
    says: 'api:account:read',
  },
  {
    what: 'no nip, and a key without the scope for the account',
    name: 'no-scope-no-nip',
    taxId: nipOf('no-scope-no-nip'),
    mayReadAccount: false,
    entityFile: {},
    reason: null,
    troubles: [],
    says: 'api:account:read',
  },
  {
    what: 'a subscription that ran out',
    name: 'unpaid',
    taxId: nipOf('unpaid'),
    account: { status: 402 },
    lists: { status: 402 },
    entityFile: { nip: nipOf('unpaid') },
    reason: 'payment-required',
    troubles: givenUp('payment-required'),
    says: 'got 402',
  },
  {
    what: 'an account answered with something else',
    name: 'strange',
    taxId: nipOf('strange'),
    account: { body: '{"entities":[]}', contentType: 'application/json' },
    entityFile: { nip: nipOf('strange') },
    reason: 'malformed-answer',
    troubles: triedTwice('malformed-answer'),
    says: 'expected account details',
  },
  {
    what: 'an account that cannot be asked for',
    name: 'down',
    taxId: nipOf('down'),
    account: { status: 500 },
    entityFile: { nip: nipOf('down') },
    reason: 'unavailable',
    troubles: triedTwice('unavailable'),
    says: 'got 500',
  },
  {
    what: 'an account that cannot be asked for once',
    name: 'down-once',
    taxId: nipOf('down-once'),
    account: { status: 503 },
    accountTimes: 1,
    entityFile: { nip: nipOf('down-once') },
    reason: null,
    troubles: [],
    says: '',
  },
];

function keyOf(name: string): string {
  return `secret-${name}`;
}

describe('whose account a key belongs to (I7)', () => {
  let simulator: Simulator;
  let service: TestService;
  let run: RunResult;
  let everything: Everything;

  beforeAll(async () => {
    simulator = await startSimulator({
      entities: companies.flatMap(({ name, taxId, mayReadAccount = true }) =>
        taxId === undefined
          ? []
          : [
              {
                key: keyOf(name),
                name,
                nip: taxId,
                clients: ROWS,
                invoices: ROWS,
                scopes: ['api:invoices:read', ...(mayReadAccount ? ['api:account:read'] : [])],
              },
            ],
      ),
    });
    cleanUp(() => simulator.stop());
    service = testService({
      url: simulator.url,
      entities: Object.fromEntries(
        companies.map(({ name, entityFile }) => [name, { api_key: keyOf(name), ...entityFile }]),
      ),
    });
    for (const { name, account, accountTimes = Infinity, lists } of companies) {
      const entity = keyOf(name);
      if (account !== undefined) {
        simulator.admin.addFault({ match: { entity, path: 'account/' }, times: accountTimes, action: account });
      }
      if (lists !== undefined) simulator.admin.addFault({ match: { entity }, times: Infinity, action: lists });
    }
    run = await service.once();
    everything = await readEverything(service);
  }, SET_UP_MS);

  const [accepted, refused] = [
    companies.filter(({ reason }) => reason === null),
    companies.filter(({ reason }) => reason !== null),
  ];

  test.each(accepted)('$what: the entity is read completely', ({ name }) => {
    const whole = { complete: true, reason: null, rows: ROWS };
    expect(run.streams).toMatchObject({ [`${name} clients`]: whole, [`${name} invoices`]: whole });
    expect(troublesOf(run, name)).toEqual([]);
    expect(idsOf(everything, 'clients', name)).toHaveLength(ROWS);
    expect(idsOf(everything, 'invoices', name)).toHaveLength(ROWS);
  });

  test.each(refused)('$what: nothing of the entity is read, for the reason $reason', ({ name, reason, troubles }) => {
    const nothing = { complete: false, reason, rows: 0 };
    expect(run.streams).toMatchObject({ [`${name} clients`]: nothing, [`${name} invoices`]: nothing });
    expect(troublesOf(run, name)).toEqual(troubles);
    expect(asked(simulator, keyOf(name), 'invoices.json')).toBe(0);
    expect(idsOf(everything, 'clients', name)).toEqual([]);
    expect(idsOf(everything, 'invoices', name)).toEqual([]);
  });

  test.each(companies.filter(({ says }) => says !== ''))('$what: the log says "$says"', ({ name, says }) => {
    const lines = run.logs.filter(({ entity, level }) => entity === name && level !== 'debug');
    expect(JSON.stringify(lines)).toContain(says);
  });

  test('a key that is refused is given a second opinion, and not tried again', () => {
    // The account and a list, which tells a key without the scope from a wrong one; both twice, as a 401 may pass.
    expect(simulator.admin.stats().byEntity['unknown']).toBe(4);
    expect(asked(simulator, keyOf('unpaid'), 'account/details.json')).toBe(1);
    expect(asked(simulator, keyOf('another'), 'account/details.json')).toBe(1);
  });

  test('the run says that it is not complete', () => {
    expect(run).toMatchObject({ code: 3, complete: false });
  });

  test('no key and no buyer was shown to anybody (I11)', () => {
    expectSecretsKept(
      simulator,
      companies.map(({ name }) => keyOf(name)),
      [run],
      everything,
    );
  });
});

test('a key of another account is refused without a nip too, as the account seen first is remembered', async () => {
  const simulator = await startSimulator({
    entities: [
      { key: 'secret-first', name: 'First', nip: nipOf('first'), clients: ROWS, invoices: ROWS, seed: 1 },
      { key: 'secret-second', name: 'Second', nip: nipOf('second'), clients: ROWS, invoices: ROWS, seed: 2 },
    ],
  });
  cleanUp(() => simulator.stop());
  const entityFile = (key: string) => ({ url: simulator.url, entities: { company: { api_key: key } } });
  const service = testService(entityFile('secret-first'));
  expect(await service.once()).toMatchObject({ code: 0, complete: true });

  service.configure(entityFile('secret-second'));
  const refused = await service.once();

  expect(refused).toMatchObject({ code: 3, complete: false });
  expect(refused.streams).toMatchObject({
    'company clients': { rows: 0, requests: 0, reason: 'identity-mismatch' },
    'company invoices': { rows: 0, requests: 0, reason: 'identity-mismatch' },
  });
  expect(troublesOf(refused, 'company')).toEqual(['given up for this run: identity-mismatch']);
  expect(asked(simulator, 'secret-second', 'account/details.json')).toBe(1);
  expect(asked(simulator, 'secret-second', 'invoices.json')).toBe(0);

  service.configure(entityFile('secret-first'));
  expect(await service.once()).toMatchObject({ code: 0, complete: true });
  const everything = await readEverything(service);
  const { clients, invoices } = simulator.admin.truth()['secret-first'] ?? { clients: null, invoices: null };
  expect(idsOf(everything, 'clients', 'company')).toEqual(clients?.ids);
  expect(idsOf(everything, 'invoices', 'company')).toEqual(invoices?.ids);
  expectSecretsKept(simulator, ['secret-first', 'secret-second'], [refused], everything);
});

/** Companies of which nothing shows whose account it is, with `ROWS` clients and invoices each. */
async function unreadable(names: readonly string[]): Promise<Simulator> {
  const simulator = await startSimulator({
    entities: names.map((name, seed) => ({
      key: keyOf(name),
      name,
      nip: nipOf(name),
      clients: ROWS,
      invoices: ROWS,
      seed,
      scopes: ['api:invoices:read'],
    })),
  });
  cleanUp(() => simulator.stop());
  return simulator;
}

test('a key of another account is refused although nothing shows whose it is, as all that was published is gone beside rows that were never seen', async () => {
  const simulator = await unreadable(['first', 'second']);
  const entityFile = (name: string) => ({ url: simulator.url, entities: { company: { api_key: keyOf(name) } } });
  const service = testService(entityFile('first'));
  expect(await service.once()).toMatchObject({ code: 0, complete: true });
  const before = await readEverything(service);

  service.configure(entityFile('second'));
  const refused = await service.once();
  expect(refused).toMatchObject({ code: 3, complete: false });
  expect(troublesOf(refused, 'company')).toEqual(['given up for this run: identity-mismatch']);
  expect(refused.stderr).toContain('got rows that were never seen, and 404 for the');
  expect(refused.stderr).toContain("Set the entity's right key, give the key the scope api:account:read, or set nip");

  // Neither rows that are gone without others in their place, nor new ones beside one that is still there, are another account.
  service.configure(entityFile('first'));
  const { ids } = simulator.admin.truth()[keyOf('first')]?.invoices ?? { ids: [] };
  for (const id of ids.slice(0, -1)) simulator.admin.remove(keyOf('first'), 'invoices', id);
  const { id: added } = simulator.admin.add(keyOf('first'), 'invoices');
  const again = await service.once();
  expect(again).toMatchObject({ code: 0, complete: true });
  const everything = await readEverything(service);
  expect(recordsOf(everything, 'invoices', 'company', before).map(({ id, op }) => ({ id, op }))).toEqual([
    { id: added, op: 'c' },
  ]);
  expect(recordsOf(everything, 'clients', 'company', before)).toEqual([]);
  expectSecretsKept(simulator, [keyOf('first'), keyOf('second')], [refused, again], everything);
});

test('two entities that read one account are both stopped, each says which is the other, and a third goes on (I9)', async () => {
  // `twin` has a key of its own, and is shown the rows of the one after it.
  const simulator = await unreadable(['twin', 'owner', 'sigma']);
  simulator.admin.addFault({
    match: { entity: keyOf('twin'), path: '\\.json$' },
    times: Infinity,
    action: { transform: 'wrong-account' },
  });
  const names = ['twin', 'owner', 'sigma'];
  const service = testService({
    url: simulator.url,
    entities: Object.fromEntries(names.map((name) => [name, { api_key: keyOf(name), streams: ['invoices'] }])),
    service: { schedule: { newestSeconds: 1, openSeconds: 1, recentSeconds: 1, sweepSeconds: 1 } },
  });
  const run = startRun(service, { patience: { parkMs: () => 200 } });
  for (const name of ['twin', 'owner']) await run.says('parked', { entity: name });
  const added = simulator.admin.add(keyOf('sigma'), 'invoices');
  simulator.admin.add(keyOf('owner'), 'invoices');
  for (const name of ['twin', 'owner']) await run.says('parked', { entity: name, before: 2 });
  await walksBegun(simulator, keyOf('sigma'), ['newest'], 3);
  const end = await run.stop();
  const about = (name: string): string =>
    JSON.stringify(run.logs.filter(({ entity, msg }) => entity === name && msg === 'parked'));
  expect(about('twin')).toContain('got those of owner, by id and uuid; both are stopped');
  expect(about('owner')).toContain('got those of twin, by id and uuid; both are stopped');
  expect(about('owner')).toContain(
    'Give each entity the key of its own account, or remove one of them, and start again',
  );
  expect(run.count('parked', 'sigma')).toBe(0);
  const everything = await readEverything(service);
  expect(idsOf(everything, 'invoices', 'sigma')).toContain(added['id']);
  // Who came first had published before the other was known; neither goes on.
  for (const name of ['twin', 'owner']) expect(idsOf(everything, 'invoices', name).length).toBeLessThanOrEqual(ROWS);
  expect(names.filter((name) => end.stderr.includes(keyOf(name)))).toEqual([]);
});
