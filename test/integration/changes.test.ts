import { startSimulator, type Simulator } from '../../simulator/server';
import { cleanUp, until } from '../support/kafka';
import { testService, type TestService } from '../support/once';
import { type Everything, readEverything, recordsOf } from '../support/published';
import { type RunEnd, type Running, startRun } from '../support/run';
import { dayFromNow, invoicesWhere, sweepsReported, purposeOf, requestsOf, walksBegun } from '../support/scans';

/** Whole runs are made there, whose results the tests look at. */
const SET_UP_MS = 1_800_000;
const INVOICES = 120;
/** Longer than any of these runs. */
const NEVER = 3_600;
const DAY_MS = 24 * 60 * 60 * 1000;
const EVERY_SECOND = {
  newestSeconds: 1,
  openSeconds: 1,
  recentSeconds: 1,
  sweepSeconds: 1,
  clientsNewestSeconds: 1,
};

interface Scene {
  readonly simulator: Simulator;
  readonly service: TestService;
}

interface Setting {
  readonly invoices?: number;
  readonly schedule: Readonly<Record<string, number>>;
  readonly infakt?: Readonly<Record<string, unknown>>;
  readonly streams?: readonly string[];
}

/** One company for each name, of which the file says what stands beside it. */
async function companies(
  entities: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  { invoices = INVOICES, schedule, infakt = {}, streams = ['invoices'] }: Setting,
): Promise<Scene> {
  const names = Object.keys(entities);
  const simulator = await startSimulator({
    entities: names.map((name, seed) => ({
      key: keyOf(name),
      name,
      nip: '1111111111',
      clients: 3,
      invoices,
      seed,
    })),
  });
  cleanUp(() => simulator.stop());
  const service = testService({
    url: simulator.url,
    entities: Object.fromEntries(
      Object.entries(entities).map(([name, file]) => [name, { api_key: keyOf(name), streams, ...file }]),
    ),
    service: { schedule, infakt: { timeoutMs: 240_000, ...infakt }, log: { level: 'debug' } },
  });
  return { simulator, service };
}

function keyOf(name: string): string {
  return `secret-${name}`;
}

/** What was published of one invoice, in order: the kind of change and the scan that found it; who saw it first is chance. */
function story(everything: Everything, entity: string, id: unknown, since?: Everything): string[] {
  return recordsOf(everything, 'invoices', entity, since)
    .filter((record) => record.id === id)
    .map(({ op, headers }) => (op === 'r' ? op : `${op ?? ''} ${headers['scan'] ?? ''}`));
}

function notesOf(everything: Everything, entity: string, id: unknown): unknown[] {
  return recordsOf(everything, 'invoices', entity)
    .filter((record) => record.id === id)
    .map(({ value }) => value?.['notes']);
}

function expectNoKeyShown({ stderr }: RunEnd, { simulator }: Scene): void {
  expect(Object.keys(simulator.admin.truth()).filter((key) => stderr.includes(key))).toEqual([]);
}

const isOpen = (row: Readonly<Record<string, unknown>>): boolean => row['paid_date'] === null && row['kind'] === 'vat';

describe('between two sweeps', () => {
  /** The last hundred are on the page that `newest` always reads, so things happen to older ones. */
  const MANY = 320;
  const OLD = dayFromNow(-500);
  const SCOPE_START = dayFromNow(-900);
  let scene: Scene;
  let end: RunEnd;
  let everything: Everything;
  /** Ids of the invoices that something happens to. */
  const ids: Record<string, unknown> = {};
  let sincePayment: ReturnType<typeof requestsOf>;
  let sinceLate: ReturnType<typeof requestsOf>;

  beforeAll(async () => {
    scene = await companies(
      { alfa: {}, scoped: { start_date: SCOPE_START }, late: {} },
      { invoices: MANY, schedule: { ...EVERY_SECOND, sweepSeconds: NEVER } },
    );
    const { simulator, service } = scene;
    const { admin } = simulator;
    const [alfa, scoped, late] = [keyOf('alfa'), keyOf('scoped'), keyOf('late')];
    const open = (key: string, from: string, to: string): number[] =>
      invoicesWhere(simulator, key, (row, date) => isOpen(row) && date > from && date < to);
    [ids['paid'], ids['open'], ids['recent']] = open(alfa, '', OLD);
    const recently = { invoice_date: dayFromNow(-3), notes: 'first' };
    admin.edit(alfa, 'invoices', Number(ids['recent']), { ...recently, paid_date: dayFromNow(-2) });
    [ids['late']] = open(late, '', OLD);
    admin.edit(late, 'invoices', Number(ids['late']), recently);
    [ids['leaves'], ids['loses its date']] = open(scoped, dayFromNow(-880), OLD);
    [ids['enters']] = open(scoped, '', dayFromNow(-950));

    let shiftMs = 0;
    const run = startRun(service, { outside: { now: () => Date.now() + shiftMs } });
    await sweepsReported(run, ['alfa invoices', 'scoped invoices', 'late invoices'], 1);
    await walksBegun(simulator, alfa, ['newest', 'open', 'recent'], 2);
    await walksBegun(simulator, late, ['newest', 'open', 'recent'], 2);
    await walksBegun(simulator, scoped, ['newest', 'open'], 2);

    const asked = requestsOf(simulator, alfa).length;
    admin.pay(alfa, Number(ids['paid']));
    admin.edit(alfa, 'invoices', Number(ids['open']), { notes: 'second' });
    admin.edit(alfa, 'invoices', Number(ids['recent']), { notes: 'second' });
    ids['issued'] = admin.add(alfa, 'invoices')['id'];
    ids['dated back'] = admin.add(alfa, 'invoices', { invoice_date: '2019-01-31', paid_date: '2019-02-01' })['id'];
    ids['dated ahead'] = admin.add(alfa, 'invoices', { invoice_date: dayFromNow(40) })['id'];

    admin.edit(scoped, 'invoices', Number(ids['leaves']), { invoice_date: dayFromNow(-1_000) });
    admin.edit(scoped, 'invoices', Number(ids['loses its date']), { invoice_date: null });
    admin.edit(scoped, 'invoices', Number(ids['enters']), { invoice_date: dayFromNow(-100) });
    ids['new and dated ahead'] = admin.add(scoped, 'invoices', { invoice_date: dayFromNow(40) })['id'];
    ids['new without a date'] = admin.add(scoped, 'invoices', { invoice_date: null })['id'];

    // The page of `recent` as it was before the edit, which `open` publishes meanwhile.
    let held = false;
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    const beforeLate = requestsOf(simulator, late).length;
    admin.addFault({
      match: { entity: late, path: 'invoices.json', query: { order: 'id asc', 'q[paid_date_null]': null } },
      after: () => {
        held = true;
        return released;
      },
    });
    await until(() => held, { what: 'a page of recent to be held back' });
    admin.edit(late, 'invoices', Number(ids['late']), { notes: 'second' });
    await walksBegun(simulator, late, ['open'], 3);
    release();

    await walksBegun(simulator, alfa, ['newest', 'open', 'recent'], 3);
    await walksBegun(simulator, late, ['recent'], 2);
    await walksBegun(simulator, scoped, ['newest', 'open'], 3);
    await until(() => requestsOf(simulator, late, beforeLate).some((request) => purposeOf(request) === 'whole'), {
      what: 'the row that came late to be read again',
    });
    sincePayment = requestsOf(simulator, alfa, asked);
    sinceLate = requestsOf(simulator, late, beforeLate);

    // What has left is not followed, as long as no scan shows it.
    admin.edit(scoped, 'invoices', Number(ids['leaves']), { notes: 'second' });
    await walksBegun(simulator, scoped, ['newest', 'open'], 3);

    shiftMs = -2 * DAY_MS;
    admin.edit(alfa, 'invoices', Number(ids['open']), { notes: 'third' });
    admin.edit(alfa, 'invoices', Number(ids['recent']), { notes: 'third' });
    await walksBegun(simulator, alfa, ['newest', 'open', 'recent'], 3);
    shiftMs = 2 * DAY_MS;
    admin.edit(alfa, 'invoices', Number(ids['open']), { notes: 'fourth' });
    admin.edit(alfa, 'invoices', Number(ids['recent']), { notes: 'fourth' });
    await walksBegun(simulator, alfa, ['newest', 'open', 'recent'], 3);
    end = await run.stop();
    everything = await readEverything(service);
  }, SET_UP_MS);

  test('a payment is published within two walks over what is open, by a spot read', () => {
    expect(story(everything, 'alfa', ids['paid'])).toEqual(['r', 'u spot']);
    const purposes = sincePayment.map(purposeOf);
    const before = sincePayment.slice(0, purposes.indexOf('whole'));
    const walks = before.filter((request) => purposeOf(request) === 'open' && request.query.includes('offset=0'));
    expect(walks.length).toBeLessThanOrEqual(2);
    expect(purposes).toContain('whole');
    expect(purposes).not.toContain('detail');
  });

  test('a new document is published as it is issued, one that is dated back or ahead as well', () => {
    expect(story(everything, 'alfa', ids['dated back'])).toEqual([expect.stringMatching(/^c /)]);
    for (const name of ['issued', 'dated ahead'])
      expect(story(everything, 'alfa', ids[name])).toEqual([expect.stringMatching(/^c /)]);
  });

  test('an edit of what is open is found at any age, and of what is paid while it is recent', () => {
    expect(story(everything, 'alfa', ids['open']).slice(0, 2)).toEqual(['r', expect.stringMatching(/^u /)]);
    expect(story(everything, 'alfa', ids['recent']).slice(0, 2)).toEqual(['r', expect.stringMatching(/^u /)]);
  });

  test('an open document that is moved out of the scope, or loses its date, is published once and not followed any more', () => {
    expect(story(everything, 'scoped', ids['leaves'])).toEqual(['r', 'u spot']);
    expect(story(everything, 'scoped', ids['loses its date'])).toEqual(['r', 'u spot']);
    expect(notesOf(everything, 'scoped', ids['leaves'])).not.toContain('second');
  });

  test('a document that is moved into the scope is published, one that never was there is not', () => {
    expect(story(everything, 'scoped', ids['enters'])).toEqual([expect.stringMatching(/^c /)]);
    expect(story(everything, 'scoped', ids['new and dated ahead'])).toEqual([expect.stringMatching(/^c /)]);
    expect(story(everything, 'scoped', ids['new without a date'])).toEqual([]);
    const dates = recordsOf(everything, 'invoices', 'scoped')
      .filter(({ op }) => op !== 'u')
      .map(({ value }) => String(value?.['invoice_date']));
    expect(dates.length).toBeGreaterThan(100);
    expect(dates.filter((date) => !(date >= SCOPE_START))).toEqual([]);
  });

  test('a page that comes after a newer read of the same row does not bring the older one back, and the row is read again (I3)', () => {
    expect(notesOf(everything, 'late', ids['late'])).toEqual(['first', 'second']);
    expect(story(everything, 'late', ids['late'])).toEqual(['r', expect.stringMatching(/^u /)]);
    const spots = sinceLate.filter((request) => purposeOf(request) === 'whole');
    expect(spots.length).toBeGreaterThan(0);
  });

  test('a clock that jumps back two days, and then ahead, stops no scan', () => {
    for (const name of ['open', 'recent'])
      expect(notesOf(everything, 'alfa', ids[name]).slice(1)).toEqual(['second', 'third', 'fourth']);
  });

  test('nothing is declared dead, and nothing but reading was asked of the API (I5, I8)', () => {
    expect(everything.published.filter(({ op }) => op === 'd')).toEqual([]);
    expect(scene.simulator.admin.stats().forbidden).toBe(0);
  });

  test('no key is in the log (I11)', () => {
    expect(end.code).toBe(0);
    expectNoKeyShown(end, scene);
  });
});

describe('an API that ignores filters', () => {
  const SCOPE_START = dayFromNow(-365);
  let scene: Scene;
  let run: Running;
  let end: RunEnd;
  let everything: Everything;
  const ids: Record<string, Record<string, unknown>> = {};

  beforeAll(async () => {
    scene = await companies(
      { always: { start_date: SCOPE_START }, later: { start_date: SCOPE_START } },
      { schedule: EVERY_SECOND },
    );
    const { simulator, service } = scene;
    const { admin } = simulator;
    const ignore = (name: string): void => {
      const match = { entity: keyOf(name), path: 'invoices.json' };
      admin.addFault({ match, times: Infinity, action: { transform: 'filters-ignored' } });
    };
    ignore('always');
    run = startRun(service);
    const streams = ['always invoices', 'later invoices'];
    await sweepsReported(run, streams, 2);
    ignore('later');
    await sweepsReported(run, streams, 2);
    for (const name of ['always', 'later']) {
      const key = keyOf(name);
      const inside = invoicesWhere(simulator, key, (row, date) => isOpen(row) && date > dayFromNow(-300));
      const [paid, edited, removed] = inside;
      const [outside] = invoicesWhere(simulator, key, (row, date) => isOpen(row) && date < dayFromNow(-400));
      ids[name] = { paid, edited, removed, outside };
      admin.pay(key, Number(paid));
      admin.edit(key, 'invoices', Number(edited), { notes: 'second' });
      admin.edit(key, 'invoices', Number(outside), { notes: 'second' });
      admin.remove(key, 'invoices', Number(removed));
      ids[name]['issued'] = admin.add(key, 'invoices')['id'];
    }
    await sweepsReported(run, streams, 4);
    end = await run.stop();
    everything = await readEverything(service);
  }, SET_UP_MS);

  const changes = (name: string, row: string): string[] =>
    story(everything, name, ids[name]?.[row]).map((text) => text.charAt(0));

  test.each(['always', 'later'])('%s: every change is found all the same, and nothing else is published', (name) => {
    expect(changes(name, 'paid')).toEqual(['r', 'u']);
    expect(changes(name, 'edited')).toEqual(['r', 'u']);
    expect(changes(name, 'removed')).toEqual(['r', 'd']);
    expect(changes(name, 'issued')).toEqual(['c']);
    expect(changes(name, 'outside')).toEqual([]);
    const filters = { invoice_date_gteq: SCOPE_START };
    const published = new Set(recordsOf(everything, 'invoices', name).map(({ id }) => id));
    published.delete(Number(ids[name]?.['removed']));
    expect([...published].map(Number).sort((a, b) => a - b)).toEqual(
      scene.simulator.admin.truth(filters)[keyOf(name)]?.invoices.ids,
    );
    expect(recordsOf(everything, 'invoices', name)).toHaveLength(published.size + 1 + 3);
  });

  test.each(['always', 'later'])('%s: the log says which filter is ignored, and what is done instead', (name) => {
    const about = run.logs
      .filter(({ msg, entity }) => msg === 'attention' && entity === name)
      .map((line) => String(line['about']));
    expect(about).toContainEqual(expect.stringMatching(/ignores that filter, so more is read than needed/));
    expect(about).toContainEqual(expect.stringMatching(/ignores that filter, so the sweep does what open was to do/));
    expect(about).toContainEqual(expect.stringMatching(/ignores that filter, so the sweep does what recent was to do/));
  });

  test('nobody is parked for it, and no key is in the log (I11)', () => {
    expect(end.code).toBe(0);
    expect(run.count('parked')).toBe(0);
    expectNoKeyShown(end, scene);
  });
});

test('new documents of nine companies keep coming while every call of a tenth hangs, within one budget (I9)', async () => {
  const others = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
  const scene = await companies(Object.fromEntries([...others, 'stuck'].map((name) => [name, {}])), {
    invoices: 10,
    schedule: { ...EVERY_SECOND, openSeconds: NEVER, recentSeconds: NEVER, sweepSeconds: NEVER },
    infakt: { requestsPerMinute: 1_800, timeoutMs: 2_000 },
  });
  const { simulator, service } = scene;
  const { admin } = simulator;
  const run = startRun(service);
  await sweepsReported(
    run,
    [...others, 'stuck'].map((name) => `${name} invoices`),
    1,
  );
  admin.addFault({ match: { entity: keyOf('stuck') }, times: Infinity, action: { hang: true } });
  const hangs = (): number => requestsOf(simulator, keyOf('stuck')).filter(({ status }) => status === null).length;
  await until(() => hangs() > 0, { what: 'a call that hangs' });
  // Of no other scan.
  const ofNewest = { invoice_date: '2019-01-31', paid_date: '2019-02-01' };
  const issued = new Map(others.map((name) => [name, admin.add(keyOf(name), 'invoices', ofNewest)['id']]));
  const asked = new Map(others.map((name) => [name, requestsOf(simulator, keyOf(name)).length]));
  await Promise.all(others.map((name) => walksBegun(simulator, keyOf(name), ['newest'], 5)));
  const walks = others.map((name) => requestsOf(simulator, keyOf(name), asked.get(name)).length);
  expect(hangs()).toBeGreaterThan(0);
  expect(Math.max(...walks)).toBeLessThanOrEqual(2 * Math.min(...walks));
  const end = await run.stop();
  expectNoKeyShown(end, scene);
  expect(others.filter((name) => run.count('parked', name) > 0)).toEqual([]);
  const everything = await readEverything(service);
  for (const [name, id] of issued) expect(story(everything, name, id)).toEqual(['c newest']);
});
