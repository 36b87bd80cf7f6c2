import type { FaultAction } from '../../simulator/faults';
import { startSimulator, type Simulator } from '../../simulator/server';
import type { ParkReason } from '../../src/errors';
import { html, startHttpServer } from '../support/http-server';
import { cleanUp } from '../support/kafka';
import { type RunResult, type TestService, testService } from '../support/once';
import {
  asked,
  type Everything,
  expectSecretsKept,
  idsOf,
  readEverything,
  sweepOf,
  troublesOf,
} from '../support/published';

/** Whole runs are made there, whose results the tests look at. */
const SET_UP_MS = 600_000;
/** Invoices of each company here: three pages, at offsets 0, 99 and 198. */
const INVOICES = 250;
const LAST_OFFSET = 198;
const PUBLISHED_BEFORE = 199;
const KEY_ECHO = 'X-inFakt-ApiKey: secret-';
const BUYER = 'Żubr Łączność Sp. z o.o.';

interface Scene {
  readonly simulator: Simulator;
  readonly service: TestService;
  readonly keys: readonly string[];
}

/** One company for each name, with that name as its id and only its invoices read. */
async function companies(
  names: readonly string[],
  { infakt = {}, port = 0 }: { readonly infakt?: Readonly<Record<string, unknown>>; readonly port?: number } = {},
): Promise<Scene> {
  const simulator = await simulate(names, port);
  cleanUp(() => simulator.stop());
  const service = testService({
    url: simulator.url,
    entities: Object.fromEntries(names.map((name) => [name, { api_key: keyOf(name), streams: ['invoices'] }])),
    service: { infakt },
  });
  return { simulator, service, keys: names.map(keyOf) };
}

function simulate(names: readonly string[], port: number): Promise<Simulator> {
  return startSimulator({
    port,
    entities: names.map((name, seed) => ({
      key: keyOf(name),
      name,
      nip: '1111111111',
      clients: 3,
      invoices: INVOICES,
      seed,
    })),
  });
}

function keyOf(name: string): string {
  return `secret-${name}`;
}

function spoilLastPage({ admin }: Simulator, name: string, action: FaultAction, times = Infinity): void {
  admin.addFault({ match: { entity: keyOf(name), path: 'invoices.json', offset: LAST_OFFSET }, times, action });
}

function invoicesOf({ streams }: RunResult, name: string) {
  return streams[`${name} invoices`];
}

const PARKED_TWICE = ['parked', 'retrying', 'given up for this run'] as const;
const GIVEN_UP = ['given up for this run'] as const;

/** A fault of the last page that does not pass. */
interface Lasting {
  readonly what: string;
  readonly name: string;
  readonly action: FaultAction;
  readonly reason: ParkReason;
  /** Requests for that page in a run: three tries, and three more after the parking; one and one of what no try cures; a 401 twice. */
  readonly tries: number;
  readonly story: readonly string[];
}

function lasting(
  what: string,
  action: FaultAction,
  reason: ParkReason,
  tries: 1 | 2 | 6,
  story: readonly string[] = tries === 1 ? GIVEN_UP : PARKED_TWICE,
): Lasting {
  return { what, name: nameOf(what), action, reason, tries, story };
}

function ofTheRow(what: string, action: FaultAction): Pick<Lasting, 'what' | 'name' | 'action'> {
  return { what, name: nameOf(what), action };
}

function nameOf(what: string): string {
  return what.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}

const json = 'application/json; charset=utf-8';

describe('a fault of a list page that lasts', () => {
  const faults: readonly Lasting[] = [
    lasting('status 503', { status: 503 }, 'unavailable', 6),
    lasting('status 429 without Retry-After', { status: 429 }, 'rate-limited', 6),
    lasting('status 400', { status: 400, body: { error: BUYER } }, 'unexpected-status', 2),
    lasting('status 404', { status: 404 }, 'unexpected-status', 2),
    lasting('status 405', { status: 405 }, 'unexpected-status', 2),
    lasting('status 406', { status: 406 }, 'unexpected-status', 2),
    lasting('status 410', { status: 410 }, 'unexpected-status', 2),
    lasting('status 422', { status: 422, body: { error: BUYER } }, 'unexpected-status', 2),
    lasting('status 204', { status: 204 }, 'unexpected-status', 2),
    lasting('status 401', { status: 401, body: { error: `${KEY_ECHO}status-401` } }, 'unauthorized', 2, GIVEN_UP),
    lasting('status 402', { status: 402, body: { error: 'Konto wygasło.' } }, 'payment-required', 1),
    lasting('status 403 as JSON', { status: 403, body: { error: 'Brak dostępu.' } }, 'forbidden', 2),
    lasting('rows of which none has an id', { transform: 'no-id-rows', rows: 100 }, 'malformed-answer', 2),
    lasting('an id twice in a page', { transform: 'duplicate-id' }, 'out-of-order', 2),
    lasting('an order that is not honoured', { transform: 'shuffle' }, 'out-of-order', 2),
  ];
  /** Faults that may be of one row alone: the page is asked for in smaller pages, and what lies behind its first row is read. */
  const ofOneRow: readonly Pick<Lasting, 'what' | 'name' | 'action'>[] = [
    ofTheRow('a connection that is reset', { reset: true }),
    ofTheRow('a connection cut in mid-body', { cut: 2_000 }),
    ofTheRow('status 500', { status: 500, body: `<h1>${BUYER} ${KEY_ECHO}status-500</h1>` }),
    ofTheRow('status 502', { status: 502, body: '<html>Bad gateway</html>', contentType: 'text/html' }),
    ofTheRow('HTML as 200', { body: `<h1>${BUYER}</h1>`, contentType: 'text/html' }),
    ofTheRow('JSON cut short', { body: `{"entities":[{"x":"${BUYER}`, contentType: json }),
    ofTheRow('an empty body', { body: '', contentType: json }),
    ofTheRow('null as the whole answer', { body: 'null', contentType: json }),
    ofTheRow('an array as the whole answer', { body: '[]', contentType: json }),
    ofTheRow('entities that are null', { transform: 'entities-null' }),
    ofTheRow('entities that are an object', { transform: 'entities-object' }),
    ofTheRow('entities that are missing', { transform: 'entities-missing' }),
    ofTheRow('total_count that is missing', { transform: 'total-count-missing' }),
    ofTheRow('total_count that is a text', { transform: 'total-count-string' }),
    ofTheRow('total_count below nothing', { transform: 'total-count-wrong', by: -251 }),
  ];
  let scene: Scene;
  let first: RunResult;
  let triesOf: ReadonlyMap<string, number>;
  let afterFirst: Everything;
  let second: RunResult;
  let secondRequests: ReadonlyMap<string, number>;
  let forbidden: number;
  let afterSecond: Everything;

  beforeAll(async () => {
    scene = await companies([...[...faults, ...ofOneRow].map(({ name }) => name), 'healthy']);
    const { simulator, service } = scene;
    for (const { name, action } of [...faults, ...ofOneRow]) spoilLastPage(simulator, name, action);
    first = await service.once();
    triesOf = new Map(faults.map(({ name }) => [name, asked(simulator, keyOf(name), 'invoices.json', LAST_OFFSET)]));
    afterFirst = await readEverything(service);
    forbidden = simulator.admin.stats().forbidden;

    simulator.admin.clearFaults();
    simulator.admin.resetStats();
    second = await service.once();
    secondRequests = new Map(faults.map(({ name }) => [name, asked(simulator, keyOf(name), 'invoices.json')]));
    afterSecond = await readEverything(service);
    forbidden += simulator.admin.stats().forbidden;
  }, SET_UP_MS);

  test.each(faults)('$what: the stream is not complete, for the reason $reason', ({ name, reason, tries, story }) => {
    expect(invoicesOf(first, name)).toMatchObject({ complete: false, reason });
    expect(triesOf.get(name)).toBe(tries);
    expect(troublesOf(first, name)).toEqual(story.map((line) => (line === 'retrying' ? line : `${line}: ${reason}`)));
  });

  test.each(faults)('$what: all that was read before is published', ({ name }) => {
    expect(invoicesOf(first, name)).toMatchObject({ rows: PUBLISHED_BEFORE, created: PUBLISHED_BEFORE });
    const { ids } = scene.simulator.admin.truth()[keyOf(name)]?.invoices ?? { ids: [] };
    expect(idsOf(afterFirst, 'invoices', name)).toEqual(ids.slice(0, PUBLISHED_BEFORE));
  });

  test.each(faults)('$what: the next run goes on from there, and every row is published once', ({ name }) => {
    // The rest, and that nothing follows it.
    expect(secondRequests.get(name)).toBe(2);
    expect(invoicesOf(second, name)).toMatchObject({ complete: true, created: INVOICES - PUBLISHED_BEFORE });
    expect(sweepOf(afterSecond, scene.service, name, 'invoices')).toMatchObject({
      number: 1,
      counts: { rows: INVOICES, created: INVOICES },
    });
    const { ids } = scene.simulator.admin.truth()[keyOf(name)]?.invoices ?? { ids: [] };
    expect(idsOf(afterSecond, 'invoices', name)).toEqual(ids);
  });

  test.each(ofOneRow)(
    '$what: costs one row at most, which makes a dead letter, and the sweep is not complete (I10)',
    ({ name }) => {
      const { ids } = scene.simulator.admin.truth()[keyOf(name)]?.invoices ?? { ids: [] };
      expect(idsOf(afterFirst, 'invoices', name)).toEqual(ids);
      expect(invoicesOf(first, name)).toMatchObject({
        complete: false,
        reason: 'unreadable',
        dead_letters: 1,
        unreadable: 1,
      });
      expect(troublesOf(first, name)).toEqual([expect.stringContaining('dead letter')]);
      expect(invoicesOf(second, name)).toMatchObject({ complete: true, created: 0, unchanged: INVOICES });
    },
  );

  test('leaves the other entities alone (I9), and the run says that it is not complete', () => {
    expect(first).toMatchObject({ code: 3, complete: false });
    expect(invoicesOf(first, 'healthy')).toMatchObject({ complete: true, rows: INVOICES, requests: 4 });
    expect(second).toMatchObject({ code: 0, complete: true });
  });

  test('nothing but reading was asked of the API (I8)', () => {
    expect(forbidden).toBe(0);
  });

  test('no key and no buyer was shown to anybody (I11)', () => {
    expectSecretsKept(scene.simulator, scene.keys, [first, second], afterSecond);
    expect(first.stderr + second.stderr).not.toContain(BUYER);
  });
});

describe('a fault of a list page that passes', () => {
  /** What the API answers once, how often it is asked for the page in all, and how long it is left alone in between. */
  interface Passing {
    readonly what: string;
    readonly name: string;
    readonly action: FaultAction;
    readonly parked: ParkReason | null;
    readonly waitMs: number;
  }
  const passing = (what: string, action: FaultAction, parked: ParkReason | null = null, waitMs = 0): Passing => ({
    what,
    name: nameOf(what),
    action,
    parked,
    waitMs,
  });
  const inOneSecond = { date: 'Wed, 07 Jan 2026 10:00:00 GMT', 'retry-after': 'Wed, 07 Jan 2026 10:00:01 GMT' };
  const faults: readonly Passing[] = [
    passing('a connection that is reset', { reset: true }),
    passing('a connection cut in mid-body', { cut: 2_000 }),
    passing('status 500', { status: 500 }),
    passing('status 502', { status: 502 }),
    passing('status 503 with Retry-After', { status: 503, headers: { 'retry-after': '1' } }, null, 1_000),
    passing('status 429 with Retry-After in seconds', { status: 429, headers: { 'retry-after': '1' } }, null, 1_000),
    passing('status 429 with Retry-After as a date', { status: 429, headers: inOneSecond }, null, 1_000),
    passing('status 429 without Retry-After', { status: 429 }),
    passing('status 429 with Retry-After in the past', {
      status: 429,
      headers: { 'retry-after': 'Wed, 07 Jan 2015 10:00:00 GMT' },
    }),
    passing('status 429 with Retry-After that makes no sense', { status: 429, headers: { 'retry-after': '-5 soon' } }),
    passing('status 404', { status: 404 }, 'unexpected-status'),
    passing('status 403 as JSON', { status: 403 }, 'forbidden'),
    passing('HTML as 200', { body: '<h1>Przerwa techniczna</h1>', contentType: 'text/html' }),
    passing('JSON cut short', { body: '{"metainfo":{"total', contentType: json }),
    passing('entities that are null', { transform: 'entities-null' }),
    passing('an order that is not honoured', { transform: 'shuffle' }, 'out-of-order'),
  ];
  let scene: Scene;
  let run: RunResult;
  let everything: Everything;

  beforeAll(async () => {
    scene = await companies(faults.map(({ name }) => name));
    for (const { name, action } of faults) spoilLastPage(scene.simulator, name, action, 1);
    run = await scene.service.once();
    everything = await readEverything(scene.service);
  }, SET_UP_MS);

  test.each(faults)('$what: is asked again, and the sweep is completed', ({ name, parked, waitMs }) => {
    expect(invoicesOf(run, name)).toMatchObject({ complete: true, reason: null, rows: INVOICES });
    expect(troublesOf(run, name)).toEqual(parked === null ? [] : [`parked: ${parked}`, 'retrying']);
    const times = scene.simulator.admin
      .stats()
      .last.filter(({ entity, query }) => entity === keyOf(name) && query.includes(`offset=${LAST_OFFSET}&`))
      .map(({ atMs }) => atMs);
    expect(times).toHaveLength(2);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(waitMs);
    const { ids } = scene.simulator.admin.truth()[keyOf(name)]?.invoices ?? { ids: [] };
    expect(idsOf(everything, 'invoices', name)).toEqual(ids);
  });

  test('the run says that it is complete', () => {
    expect(run).toMatchObject({ code: 0, complete: true });
  });
});

test('a list that miscounts itself is read to its end all the same', async () => {
  const { simulator, service } = await companies(['too-small', 'too-large', 'empty-once']);
  const miscount = (name: string, by: number): void =>
    void simulator.admin.addFault({
      match: { entity: keyOf(name), path: 'invoices.json' },
      times: Infinity,
      action: { transform: 'total-count-wrong', by },
    });
  miscount('too-small', -200);
  miscount('too-large', 30);
  spoilLastPage(simulator, 'empty-once', { transform: 'empty-list' }, 1);

  const run = await service.once();

  expect(run.streams).toMatchObject({
    'too-small invoices': { complete: true, rows: INVOICES },
    'too-large invoices': { complete: true, rows: INVOICES },
    'empty-once invoices': { complete: true, rows: INVOICES },
  });
  const everything = await readEverything(service);
  for (const name of ['too-small', 'too-large', 'empty-once']) {
    const { ids } = simulator.admin.truth()[keyOf(name)]?.invoices ?? { ids: [] };
    expect(idsOf(everything, 'invoices', name)).toEqual(ids);
  }
});

test('an entity whose answers hang is given up without holding up another', async () => {
  const { simulator, service } = await companies(['hanging', 'dripping', 'healthy'], { infakt: { timeoutMs: 1_000 } });
  spoilLastPage(simulator, 'hanging', { hang: true });
  spoilLastPage(simulator, 'dripping', { drip: 100 });

  const run = await service.once({ patience: { retry: { attempts: 2, waitMs: () => 5, secondOpinionMs: 1 } } });

  expect(run).toMatchObject({ code: 3, complete: false });
  expect(run.streams).toMatchObject({
    'hanging invoices': { complete: false, reason: 'unreadable', rows: INVOICES, unreadable: 1 },
    'dripping invoices': { complete: false, reason: 'unreadable', rows: INVOICES, unreadable: 1 },
    'healthy invoices': { complete: true, rows: INVOICES },
  });
  expect(troublesOf(run, 'hanging')).toEqual([expect.stringContaining('dead letter')]);
});

test('a redirect is never followed, so that the key goes nowhere else', async () => {
  const elsewhere = await startHttpServer();
  cleanUp(() => elsewhere.close());
  elsewhere.react(html(200));
  const { simulator, service } = await companies(['redirected']);
  spoilLastPage(simulator, 'redirected', { redirect: `${elsewhere.url}/api/v3/invoices.json` });

  const run = await service.once();

  expect(run.code).toBe(3);
  expect(invoicesOf(run, 'redirected')).toMatchObject({ reason: 'redirected', rows: PUBLISHED_BEFORE });
  expect(troublesOf(run, 'redirected')).toEqual([
    'parked: redirected',
    'retrying',
    'given up for this run: redirected',
  ]);
  expect(elsewhere.requests).toEqual([]);
});

test('a fault of one list leaves the other streams of its entity alone', async () => {
  const simulator = await simulate(['half'], 0);
  cleanUp(() => simulator.stop());
  const service = testService({ url: simulator.url, entities: { half: { api_key: keyOf('half') } } });
  simulator.admin.addFault({
    match: { entity: keyOf('half'), path: 'clients.json' },
    times: Infinity,
    action: { status: 404 },
  });

  const run = await service.once();

  expect(run.streams).toMatchObject({
    'half clients': { complete: false, reason: 'unexpected-status', rows: 0 },
    'half invoices': { complete: true, reason: null, rows: INVOICES, requests: 4 },
  });
  expect(run.logs).toContainEqual(
    expect.objectContaining({ msg: 'parked', entity: 'half', stream: 'clients', reason: 'unexpected-status' }),
  );
});

test('an API that is down at the start, and again in the middle, costs nothing but time', async () => {
  const { simulator, service } = await companies(['alone']);
  const { port } = simulator;
  const { ids } = simulator.admin.truth()[keyOf('alone')]?.invoices ?? { ids: [] };
  await simulator.stop();

  const refused = await service.once();
  expect(refused).toMatchObject({ code: 3, complete: false });
  expect(invoicesOf(refused, 'alone')).toMatchObject({ rows: 0, requests: 0, reason: 'unavailable' });
  expect(troublesOf(refused, 'alone')).toEqual([
    'parked: unavailable',
    'retrying',
    'given up for this run: unavailable',
  ]);

  const dying = await simulate(['alone'], port);
  cleanUp(() => dying.stop());
  dying.admin.addFault({
    match: { path: 'invoices.json', offset: LAST_OFFSET },
    before: () => void dying.stop(),
    action: { hang: true },
  });
  const broken = await service.once();
  expect(broken.code).toBe(3);
  expect(invoicesOf(broken, 'alone')).toMatchObject({ rows: PUBLISHED_BEFORE, reason: 'unavailable' });

  const again = await simulate(['alone'], port);
  cleanUp(() => again.stop());
  const whole = await service.once();
  expect(whole).toMatchObject({ code: 0, complete: true });
  expect(invoicesOf(whole, 'alone')).toMatchObject({ requests: 2, created: INVOICES - PUBLISHED_BEFORE });
  expect(idsOf(await readEverything(service), 'invoices', 'alone')).toEqual(ids);
});
