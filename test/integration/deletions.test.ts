import type { FaultAction } from '../../simulator/faults';
import { startSimulator, type Simulator } from '../../simulator/server';
import type { ParkReason } from '../../src/errors';
import { isObject } from '../../src/json';
import { cleanUp, until } from '../support/kafka';
import { testService, type TestService } from '../support/once';
import { type Everything, readEverything, recordsOf } from '../support/published';
import { type RunEnd, type Running, startRun } from '../support/run';
import { dayFromNow, invoicesWhere, sweepsReported, requestsOf } from '../support/scans';

/** Whole runs are made there, whose results the tests look at. */
const SET_UP_MS = 1_800_000;
const INVOICES = 120;
/** Where each sweep asks for two rows in three by themselves, one after the other. */
const FEW_INVOICES = 24;
/** Longer than the run. */
const NEVER = 3_600;
/** After so many more sweeps two of them have missed what was removed before, and the API was asked for it. */
const SWEEPS = 4;

/** One company and what its file says beside the key. */
const companies = {
  'highest gone': {},
  'lowest gone': {},
  'front gone': { deletions: { maxShare: 1 } },
  'client gone': { streams: ['clients'] },
  'gone and back': {},
  'read late': {},
  'moved out': { start_date: dayFromNow(-900) },
  'empty lists': {},
  'details not found': {},
  'shorter lists': {},
  'half gone': {},
  emptied: {},
  'counted too few': {},
  'counted too many': {},
  'counted in words': {},
  'not counted': {},
  'rows of another': {},
} as const satisfies Record<string, Readonly<Record<string, unknown>>>;

type Name = keyof typeof companies;

const names: readonly Name[] = Object.keys(companies).filter((name): name is Name => name in companies);
/** What the simulator shows where it is told to show another account. */
const STRANGER = 'secret-stranger';
const lists: readonly (readonly [Name, FaultAction])[] = [
  ['empty lists', { transform: 'empty-list' }],
  ['rows of another', { transform: 'wrong-account' }],
  ['shorter lists', { transform: 'shorter-history' }],
  ['counted too few', { transform: 'total-count-wrong', by: -50 }],
  ['counted too many', { transform: 'total-count-wrong', by: 7 }],
  ['counted in words', { transform: 'total-count-string' }],
  ['not counted', { transform: 'total-count-missing' }],
];

function keyOf(name: Name): string {
  return `secret-${idOf(name)}`;
}

/** The id of the entity. */
function idOf(name: Name): string {
  return name.replaceAll(' ', '-');
}

function streamOf(name: Name): string {
  return `${idOf(name)} ${name === 'client gone' ? 'clients' : 'invoices'}`;
}

/** Whose lists cannot be read to a proven end, and why they are parked. */
const stops: ReadonlyMap<Name, ParkReason> = new Map([
  ['counted in words', 'malformed-answer'],
  ['not counted', 'malformed-answer'],
]);

describe('deletions (I5)', () => {
  let simulator: Simulator;
  let service: TestService;
  let run: Running;
  let end: RunEnd;
  let everything: Everything;
  let shown: string;
  /** What was removed and stays so, by company. */
  const removed = new Map<Name, readonly number[]>();
  /** By company, before anything was removed. */
  let before: Readonly<Record<string, readonly number[]>>;
  let clearedAt: string;
  /** Requests for single rows of `highest gone`; the simulator keeps only the latest of all requests. */
  let asked: ReturnType<typeof requestsOf>;
  let removedAt: number;

  function idsOf(name: Name): readonly number[] {
    return simulator.admin.truth()[keyOf(name)]?.invoices.ids ?? [];
  }

  function remove(name: Name, ids: readonly number[]): void {
    for (const id of ids) simulator.admin.remove(keyOf(name), 'invoices', id);
    removed.set(name, ids);
  }

  beforeAll(async () => {
    simulator = await startSimulator({
      entities: [
        ...names.map((name, seed) => ({
          key: keyOf(name),
          name,
          nip: '1111111111',
          clients: 30,
          invoices: name === 'shorter lists' ? FEW_INVOICES : INVOICES,
          seed,
        })),
        { key: STRANGER, name: 'Stranger', nip: '2222222222', clients: 3, invoices: INVOICES, seed: 99 },
      ],
    });
    cleanUp(() => simulator.stop());
    service = testService({
      url: simulator.url,
      entities: Object.fromEntries(
        names.map((name) => [idOf(name), { api_key: keyOf(name), streams: ['invoices'], ...companies[name] }]),
      ),
      service: {
        schedule: { newestSeconds: NEVER, openSeconds: NEVER, recentSeconds: 1, sweepSeconds: 1 },
        infakt: { timeoutMs: 240_000 },
        log: { level: 'debug' },
      },
      projections: ['invoice-lines'],
    });
    const { admin } = simulator;
    const recent = Number(admin.add(keyOf('read late'), 'invoices', { invoice_date: dayFromNow(-3) })['id']);
    before = Object.fromEntries(names.map((name) => [name, idsOf(name)]));
    run = startRun(service, { patience: { parkMs: () => 500 } });
    await sweepsReported(run, names.map(streamOf), 1);

    removedAt = Date.now();
    remove('highest gone', idsOf('highest gone').slice(-2));
    remove('lowest gone', idsOf('lowest gone').slice(0, 1));
    const front = { entity: keyOf('front gone'), path: 'invoices.json', offset: 99 };
    admin.addFault({ match: front, before: () => remove('front gone', idsOf('front gone').slice(0, 99)) });
    const [client = 0] = admin.truth()[keyOf('client gone')]?.clients.ids ?? [];
    admin.remove(keyOf('client gone'), 'clients', client);
    removed.set('client gone', [client]);
    const [first = 0] = idsOf('gone and back');
    const returning = admin.row(keyOf('gone and back'), 'invoices', first);
    remove('gone and back', [first]);
    const [paid = 0] = invoicesWhere(
      simulator,
      keyOf('moved out'),
      (row, date) => row['paid_date'] !== null && date > dayFromNow(-800) && date < dayFromNow(-100),
    );
    admin.edit(keyOf('moved out'), 'invoices', paid, { invoice_date: dayFromNow(-1_000) });
    removed.set('moved out', [paid]);
    for (const [name, action] of lists) {
      // The few unpaid documents would be counted as less than none, which no number of rows is.
      const query = name === 'counted too few' ? { query: { 'q[paid_date_null]': null } } : {};
      admin.addFault({ match: { entity: keyOf(name), path: 'invoices.json', ...query }, times: Infinity, action });
    }
    const details = { entity: keyOf('details not found'), path: 'invoices/' };
    admin.addFault({ match: details, times: Infinity, action: { status: 404 } });
    remove('details not found', idsOf('details not found').slice(5, 8));
    remove('half gone', idsOf('half gone').slice(0, INVOICES / 2));
    remove('emptied', idsOf('emptied'));
    remove('counted too few', idsOf('counted too few').slice(50, 51));

    // A page of `recent` that shows a row, and arrives when the row's tombstone is published.
    let held = false;
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => (release = resolve));
    admin.addFault({
      match: {
        entity: keyOf('read late'),
        path: 'invoices.json',
        query: { 'q[paid_date_null]': null, order: 'id asc', 'q[invoice_date_gteq]': dayFromNow(-45) },
      },
      after: () => {
        held = true;
        return released;
      },
    });
    await until(() => held, { what: 'a page of recent to be held back' });
    remove('read late', [recent]);

    const reading = names.filter((name) => !stops.has(name));
    const swept = sweepsReported(run, reading.map(streamOf), SWEEPS);
    await sweepsReported(run, [streamOf('highest gone')], SWEEPS);
    asked = requestsOf(simulator, keyOf('highest gone')).filter(({ path }) => path !== 'invoices.json');
    await swept;
    for (const name of stops.keys()) await run.says('parked', { entity: idOf(name), before: 1 });
    clearedAt = new Date().toISOString();
    release();
    admin.clearFaults();
    if (isObject(returning)) admin.add(keyOf('gone and back'), 'invoices', returning);
    await sweepsReported(run, names.map(streamOf), SWEEPS);
    shown = (await service.command(['state', 'show'])).stdout;
    end = await run.stop();
    everything = await readEverything(service);
  }, SET_UP_MS);

  const topicOf = (name: Name): string => (name === 'client gone' ? 'clients' : 'invoices');
  const of = (name: Name) => recordsOf(everything, topicOf(name), idOf(name));
  const dead = (name: Name) => of(name).filter(({ op }) => op === 'd');
  const about = (name: Name): string[] =>
    run.logs
      .filter(({ entity }) => entity === idOf(name))
      .map((line) => (typeof line['about'] === 'string' ? line['about'] : ''));

  // A total that contradicts the rows is not believed, and holds up nothing.
  test.each(['highest gone', 'lowest gone', 'front gone', 'client gone', 'counted too few'] as const)(
    '%s: what was removed has one tombstone, and nothing else has',
    (name) => {
      const ids = dead(name).map(({ id, value }) => ({ id: Number(id), value }));
      const expected = (removed.get(name) ?? []).map((id) => ({ id, value: null }));
      expect(ids.sort((one, other) => one.id - other.id)).toEqual(expected);
      expect(expected.length).toBeGreaterThan(0);
    },
  );

  test('nobody who is asked for the others: no tombstone while the API has lists that are empty, of another account, or shorter', () => {
    const own = (name: Name): (number | null)[] =>
      dead(name)
        .map(({ id }) => id)
        .filter((id) => id !== null && before[name]?.includes(id) === true);
    expect(own('empty lists')).toEqual([]);
    expect(own('rows of another')).toEqual([]);
    expect(own('shorter lists')).toEqual([]);
  });

  test.each(['half gone', 'emptied', 'counted too many', 'counted in words', 'not counted', 'moved out'] as const)(
    '%s: there is not one tombstone',
    (name) => {
      expect(dead(name)).toEqual([]);
    },
  );

  test('while each single row is answered with 404, one that is known to be there as well, nothing is deleted; afterwards it is', () => {
    expect(about('details not found')).toContainEqual(
      expect.stringContaining('expected a row that is known to be there to be answered with 200, got 404'),
    );
    const tombstones = dead('details not found');
    expect(tombstones.map(({ id }) => id).sort()).toEqual([...(removed.get('details not found') ?? [])].sort());
    expect(tombstones.filter(({ headers }) => String(headers['observed_at']) < clearedAt)).toEqual([]);
  });

  test('an account that was emptied shows no row that the API could be tried by, and the log says so', () => {
    expect(about('emptied')).toContainEqual(expect.stringContaining('got none that is known to be there'));
  });

  test('a shorter history is held back, and the log and state show name the hold', () => {
    const lines = run.logs.filter(({ entity, hold }) => entity === 'half-gone' && hold !== undefined);
    expect(lines).toHaveLength(1);
    const hold = String(lines[0]?.['hold']);
    expect(about('half gone')).toContainEqual(expect.stringContaining(`"confirm": "${hold}"`));
    expect(shown).toContain(`(hold ${hold})`);
  });

  test('a paid document that was moved out of the scope is published once, as it is now', () => {
    const [id] = removed.get('moved out') ?? [];
    expect(
      of('moved out')
        .filter((record) => record.id === id)
        .map(({ op }) => op),
    ).toEqual(['r', 'u']);
  });

  test('a row that comes back is created again', () => {
    const [id] = removed.get('gone and back') ?? [];
    const told = of('gone and back').filter((record) => record.id === id);
    expect(told.map(({ op }) => op)).toEqual(['r', 'd', 'c']);
  });

  test('a page that shows a row after its tombstone does not bring it back (I3)', () => {
    const [id] = removed.get('read late') ?? [];
    const told = of('read late').filter((record) => record.id === id);
    expect(told.map(({ op }) => op)).toEqual(['r', 'd']);
    expect(String(told[1]?.headers['observed_at']) < clearedAt).toBe(true);
  });

  test('two sweeps come first, then each row is asked for once, between two that are known to be there', () => {
    const statuses = asked.map(({ status }) => status);
    expect(statuses).toEqual([200, 404, 404, 200]);
    const [control, one, other, again] = asked.map(({ path }) => path);
    expect(again).toBe(control);
    const uuids = new Map(
      of('highest gone')
        .filter(({ op }) => op === 'r')
        .map(({ id, value }) => [id, String(value?.['uuid'])]),
    );
    expect([one, other]).toEqual(
      (removed.get('highest gone') ?? []).map((id) => `invoices/${uuids.get(id) ?? ''}.json`),
    );
    const at = Date.parse(dead('highest gone')[0]?.headers['observed_at'] ?? '');
    const between = recordsOf(everything, 'sweeps', idOf('highest gone')).filter(({ value }) => {
      const finished = Date.parse(String(value?.['finished_at']));
      return finished >= removedAt && finished <= at;
    });
    expect(between.length).toBeGreaterThanOrEqual(2);
  });

  test('the lines of a deleted invoice are deleted with it', () => {
    const lines = recordsOf(everything, 'invoice-lines', idOf('highest gone'));
    const nameOf = ({ key }: (typeof lines)[number]) => `${String(key?.['invoice_id'])}/${String(key?.['line_no'])}`;
    const gone = lines.filter(({ key }) => removed.get('highest gone')?.includes(Number(key?.['invoice_id'])) === true);
    const published = gone.filter(({ op }) => op === 'r').map(nameOf);
    expect(published.length).toBeGreaterThan(0);
    expect(
      lines
        .filter(({ value }) => value === null)
        .map(nameOf)
        .sort(),
    ).toEqual(published.sort());
  });

  test.each([...stops])('%s: the stream is parked for the reason %s, and goes on afterwards', (name, reason) => {
    const parkings = run.logs.filter(({ entity, msg }) => entity === idOf(name) && msg === 'parked');
    expect(new Set(parkings.map((line) => line['reason']))).toEqual(new Set([reason]));
    expect(run.count('back', streamOf(name))).toBeGreaterThan(0);
  });

  test('nothing but reading was asked of the API (I8), and no key is in the log (I11)', () => {
    expect(end.code).toBe(0);
    expect(simulator.admin.stats().forbidden).toBe(0);
    expect([...names.map(keyOf), STRANGER].filter((key) => end.stderr.includes(key))).toEqual([]);
  });
});

describe('more rows gone than may be', () => {
  const MANY = 3_000;
  const LEFT = 300;
  const KEY = 'secret-alfa';

  test(
    'three thousand deleted at once wait for a person, who releases exactly that, while changes go on',
    async () => {
      const simulator = await startSimulator({
        entities: [{ key: KEY, name: 'Alfa', nip: '1111111111', clients: 3, invoices: MANY + LEFT, seed: 1 }],
      });
      cleanUp(() => simulator.stop());
      const { admin } = simulator;
      const confirm = (id: string | null) => ({
        url: simulator.url,
        entities: { alfa: { api_key: KEY, streams: ['invoices'], deletions: { confirm: id } } },
      });
      const service = testService(confirm(null));
      const ids = (): readonly number[] => admin.truth()[KEY]?.invoices.ids ?? [];
      const sweep = async (): Promise<{ readonly deleted: number; readonly hold: string | null }> => {
        const run = await service.once();
        const { stdout } = await service.command(['state', 'show', '--json']);
        const state = JSON.parse(stdout) as { streams: { hold: { id: string } | null }[] };
        const hold = state.streams[0]?.hold?.id ?? null;
        const held = { code: 3, complete: false, streams: { 'alfa invoices': { reason: 'held' } } };
        expect(run).toMatchObject(hold === null ? { code: 0, complete: true } : held);
        expect(run.logs.flatMap((line) => (line['hold'] === undefined ? [] : [line['hold']]))).toEqual(
          hold === null ? [] : [hold],
        );
        return { deleted: run.streams['alfa invoices']?.deleted ?? 0, hold };
      };
      expect(await sweep()).toEqual({ deleted: 0, hold: null });

      for (const id of ids().slice(0, MANY)) admin.remove(KEY, 'invoices', id);
      const [kept = 0] = ids();
      expect(await sweep()).toEqual({ deleted: 0, hold: null });
      const asked = (): number => requestsOf(simulator, KEY).filter(({ path }) => path !== 'invoices.json').length;
      const { hold, deleted } = await sweep();
      expect({ deleted, held: hold !== null }).toEqual({ deleted: 0, held: true });
      // The share of 33 rows, the one above it, and one that is known to be there.
      expect(asked()).toBe(35);

      admin.edit(KEY, 'invoices', kept, { notes: 'edited meanwhile' });
      service.configure(confirm('another hold'));
      expect(await sweep()).toEqual({ deleted: 0, hold });
      expect(asked()).toBe(35);

      service.configure(confirm(hold));
      expect(await sweep()).toEqual({ deleted: MANY, hold: null });

      for (const id of ids().slice(-LEFT / 2)) admin.remove(KEY, 'invoices', id);
      expect(await sweep()).toEqual({ deleted: 0, hold: null });
      const next = await sweep();
      expect(next.deleted).toBe(0);
      expect(next.hold).not.toBeNull();
      expect(next.hold).not.toBe(hold);

      const invoices = recordsOf(await readEverything(service), 'invoices', 'alfa');
      expect(invoices.filter(({ op }) => op === 'd')).toHaveLength(MANY);
      expect(new Set(invoices.filter(({ op }) => op === 'd').map(({ id }) => id)).size).toBe(MANY);
      const edited = invoices.filter(({ id }) => id === kept);
      expect(edited.map(({ op }) => op)).toEqual(['r', 'u']);
    },
    SET_UP_MS,
  );
});
