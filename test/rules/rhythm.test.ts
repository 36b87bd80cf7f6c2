import { plan } from '../../src/rules/forecast';
import { dueAt, firstSweepOf, pagesOf, spotTurn, targetsOf, turnOf, type Target } from '../../src/rules/rhythm';
import { createDealer } from '../../src/sources/dealer';
import type { Turn } from '../../src/model';
import { deal, gaps, type Dealt, type SimulatedEntity, type SimulatedScan } from '../support/dealing';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const settings = {
  newestSeconds: 15,
  clientsNewestSeconds: 300,
  openSeconds: 300,
  recentSeconds: 900,
  sweepSeconds: 600,
  sweepAtLeastHours: 6,
};

/** A company as it is read by default: of its invoices a tenth are unpaid, and as many are recent. */
function company(entity: string, invoices: number, latencyMs = 300): SimulatedEntity {
  const scanOf = (stream: string, scan: SimulatedScan['scan'], rows: number): SimulatedScan => ({
    stream,
    scan,
    target: targetsOf(settings, stream)[scan],
    pages: pagesOf(rows, 100),
  });
  const scans = [
    scanOf('invoices', 'newest', 0),
    scanOf('invoices', 'open', invoices / 10),
    scanOf('invoices', 'recent', invoices / 10),
    scanOf('invoices', 'sweep', invoices),
    scanOf('clients', 'newest', 0),
    scanOf('clients', 'sweep', invoices / 20),
  ];
  return { entity, scans, latencyMs };
}

function companies(count: number, invoices: number): SimulatedEntity[] {
  return Array.from({ length: count }, (_, at) => company(`e${at}`, invoices));
}

const isNewest = (entity: string) => (one: Dealt) =>
  one.entity === entity && one.stream === 'invoices' && one.scan === 'newest';
const beginsLap = (entity: string) => (one: Dealt) =>
  one.entity === entity && one.stream === 'invoices' && one.scan === 'sweep' && one.page === 1;
const average = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** How long each lap of an entity's invoices took that ended, in minutes. */
function laps(dealt: readonly Dealt[], entity: string, pages: number): number[] {
  const its = dealt.filter(
    (one) => one.entity === entity && one.stream === 'invoices' && one.scan === 'sweep' && one.page <= pages,
  );
  return its
    .filter(({ page }) => page === pages)
    .map(({ walk, atMs }) => (atMs - (its.find((one) => one.walk === walk)?.atMs ?? 0)) / MINUTE);
}

describe('when a scan is due', () => {
  const target: Target = { everyMs: 600_000, withinMs: 6 * HOUR };
  const now = 100 * HOUR;

  test.each([
    ['at once if it never began', null, false, now],
    ['one turn after it began', now - 200_000, false, now + 400_000],
    ['at once if that has passed', now - 700_000, false, now],
    ['within one turn if the clock was set back', now + 50 * HOUR, false, now + 600_000],
    ['no earlier than its turn within an hour, whatever speaks for it', now - 200_000, true, now + 400_000],
  ])('%s', (_title, lastStartedMs, early, expected) => {
    expect(dueAt(target, lastStartedMs, now, early)).toBe(expected);
  });

  test('a lap that is made once a day begins after an hour where something speaks for it', () => {
    const daily: Target = { everyMs: 24 * HOUR, withinMs: 24 * HOUR };
    expect(dueAt(daily, now - 30 * MINUTE, now, true)).toBe(now + 30 * MINUTE);
    expect(dueAt(daily, now - 30 * MINUTE, now)).toBe(now + 23.5 * HOUR);
  });
});

test('clients and corrections have a rhythm of their own', () => {
  expect(targetsOf(settings, 'clients').newest).toEqual({ everyMs: 300_000, withinMs: 300_000 });
  expect(targetsOf(settings, 'corrective-invoices').newest).toEqual({ everyMs: 15_000, withinMs: 60_000 });
  expect(targetsOf(settings, 'invoices')).toEqual({
    newest: { everyMs: 15_000, withinMs: 15_000 },
    open: { everyMs: 300_000, withinMs: 300_000 },
    recent: { everyMs: 900_000, withinMs: 900_000 },
    sweep: { everyMs: 600_000, withinMs: 6 * HOUR },
  });
});

describe('what a walk says of itself', () => {
  const { newest, open, sweep } = targetsOf(settings, 'invoices');
  const walk = { stream: 'invoices', pages: null, done: 0, startedAtMs: 0 };

  test('its requests are spread over the time that it may take', () => {
    expect(turnOf({ ...walk, scan: 'open', target: open, pages: 6 }, 0)).toEqual({
      stream: 'invoices',
      scan: 'open',
      paceMs: 50_000,
    });
  });

  test('one that turns out longer than was thought hurries', () => {
    expect(turnOf({ ...walk, scan: 'newest', target: newest }, 0).paceMs).toBe(15_000);
    expect(turnOf({ ...walk, scan: 'newest', target: newest, pages: 1, done: 2 }, 0).paceMs).toBe(5_000);
  });

  test('a lap knows how far behind its latest end it is, or ahead of it', () => {
    const lap = { ...walk, scan: 'sweep', target: sweep, pages: 44 } as const;
    expect(turnOf(lap, 0)).toEqual({ stream: 'invoices', scan: 'sweep', paceMs: 6 * MINUTE, behind: 0 });
    expect(turnOf({ ...lap, done: 10 }, HOUR).behind).toBe(0);
    expect(turnOf({ ...lap, done: 3 }, HOUR).behind).toBe(7);
    expect(turnOf({ ...lap, done: 50 }, HOUR).behind).toBe(-40);
  });

  test('a first lap does not know yet how long it is, and is no less in a hurry', () => {
    expect(turnOf({ ...walk, scan: 'sweep', target: sweep }, 0).paceMs).toBeCloseTo(186_207, 0);
  });
});

describe('dealing', () => {
  const turn = (scan: Turn['scan'], paceMs: number, behind?: number): Turn => ({
    stream: 'invoices',
    scan,
    paceMs,
    ...(behind !== undefined && { behind }),
  });

  test('nothing waits, so nothing is dealt', () => {
    const dealer = createDealer<string>();
    expect(dealer.waits()).toBe(false);
    expect(dealer.next(0)).toBeNull();
  });

  test('what is taken out is not dealt, however often it is taken out', () => {
    const dealer = createDealer<string>();
    const leave = dealer.add('a', spotTurn('invoices'), 'first', 0);
    dealer.add('a', spotTurn('invoices'), 'second', 0);
    leave();
    leave();
    expect(dealer.next(0)).toBe('second');
    expect(dealer.waits()).toBe(false);
  });

  test('a request that is due goes before what other entities read in advance', () => {
    const dealer = createDealer<string>();
    for (const entity of ['a', 'b', 'c', 'd']) dealer.add(entity, turn('sweep', HOUR, 0), 'lap', 0);
    for (let i = 0; i < 4; i++) dealer.next(0);
    for (const entity of ['a', 'b', 'c', 'd']) dealer.add(entity, turn('sweep', HOUR, -5), 'lap', 0);
    dealer.add('d', turn('newest', 15_000), 'newest', 0);
    expect(dealer.next(0)).toBe('newest');
  });

  test('I9: what is read in advance is dealt evenly, whatever its pace', () => {
    const dealer = createDealer<string>();
    const ask = (entity: string) =>
      dealer.add(entity, turn('sweep', entity === 'a' ? 10_000 : 1_000_000, -20), entity, 0);
    for (let i = 0; i < 4; i++) for (const entity of ['a', 'b']) ask(entity);
    for (let i = 0; i < 2; i++) dealer.next(0);
    expect(Array.from({ length: 6 }, (_, at) => dealer.next(1_000 * (at + 1))).join('')).toBe('ababab');
  });

  test('I9: what is due goes no further ahead of the others than a quantum', () => {
    const dealer = createDealer<string>();
    for (let i = 0; i < 20; i++) {
      dealer.add('a', turn('sweep', HOUR, -20), 'a', 0);
      dealer.add('b', turn('sweep', 1, 500), 'b', 0);
    }
    const order = Array.from({ length: 12 }, () => dealer.next(0)).join('');
    expect(order).toBe('bbbababababa');
  });

  test('newest waits behind one request of a sweep and no more, however late the lap is', () => {
    const dealer = createDealer<string>();
    const lap = () => dealer.add('a', turn('sweep', 1, 500), 'sweep', 0);
    lap();
    dealer.add('a', turn('newest', 15_000), 'newest', 0);
    dealer.add('a', turn('newest', 15_000), 'newest', 0);
    const order: (string | null)[] = [];
    for (let i = 0; i < 4; i++) {
      order.push(dealer.next(i));
      if (order.at(-1) === 'sweep') lap();
    }
    expect(order).toEqual(['sweep', 'newest', 'newest', 'sweep']);
  });

  test('a burst of spot reads leaves room for newest', () => {
    const dealer = createDealer<string>();
    for (let i = 0; i < 100; i++) dealer.add('a', spotTurn('invoices'), 'spot', 0);
    dealer.add('a', turn('newest', 15_000), 'newest', 0);
    const order = Array.from({ length: 10 }, (_, at) => dealer.next(at * 1_000));
    expect(order).toContain('newest');
  });

  test('an entity that was charged for more than it was dealt waits until the others have had as much', () => {
    const dealer = createDealer<string>();
    for (let i = 0; i < 9; i++) for (const entity of ['a', 'b']) dealer.add(entity, turn('open', 1_000), entity, 0);
    dealer.charge('a', 4);
    expect(Array.from({ length: 8 }, (_, at) => dealer.next(at)).join('')).toMatch(/^bb/);
    dealer.charge('quiet', 1);
  });

  test('an entity in a block is asked only where no other waits', () => {
    const dealer = createDealer<string>();
    for (const entity of ['a', 'b']) dealer.add(entity, spotTurn('invoices'), entity, 0);
    expect(dealer.next(0, new Set(['a']))).toBe('b');
    expect(dealer.next(0, new Set(['a']))).toBe('a');
  });
});

describe('ten companies of 5000 invoices at 290 requests a minute', () => {
  const dealt = deal(companies(10, 5_000), 290, 60);

  test('newest keeps its 15 s', () => {
    for (const { entity } of companies(10, 5_000)) {
      expect(Math.max(...gaps(dealt, isNewest(entity), 10 * MINUTE))).toBeLessThan(18);
    }
  });

  test('a lap begins every ten minutes and takes less than five', () => {
    for (const gap of gaps(dealt, beginsLap('e3'))) expect(Math.abs(gap - 600)).toBeLessThan(5);
    for (const lap of laps(dealt, 'e3', pagesOf(5_000, 100))) expect(lap).toBeLessThan(5);
  });

  test('what laps do not need is left alone', () => {
    // 68 a minute for the other scans, and in every ten minutes a lap of 51 and 3 pages each.
    expect(dealt.length / 60).toBeGreaterThan(110);
    expect(dealt.length / 60).toBeLessThan(130);
  });
});

describe('300 companies on one IP, as 30 at a tenth of its requests', () => {
  const minutes = 15 * 60;
  const entities = companies(30, 5_000);
  const dealt = deal(entities, 29, minutes);

  test('every request is used', () => {
    expect(dealt.length).toBe(29 * minutes);
  });

  test('newest comes about every two minutes, for all alike', () => {
    for (const { entity } of entities) {
      const waits = gaps(dealt, isNewest(entity), HOUR);
      expect(average(waits)).toBeGreaterThan(60);
      expect(average(waits)).toBeLessThan(150);
      expect(Math.max(...waits)).toBeLessThan(300);
    }
  });

  test('a lap ends within six hours all the same', () => {
    for (const { entity } of entities) {
      const ended = laps(dealt, entity, pagesOf(5_000, 100));
      expect(ended.length).toBeGreaterThanOrEqual(2);
      expect(Math.max(...ended)).toBeLessThan(6 * 60);
    }
  });

  test('the plan foretells both', () => {
    const scans = entities.flatMap(({ entity, scans: its }) =>
      its.map((scan) => ({ ...scan, entity, lastStartedMs: null, lastFinishedMs: null })),
    );
    const { forecasts, wantedPerMinute } = plan(scans, 29, 0);
    expect(wantedPerMinute).toBeGreaterThan(5 * 29);
    const everyMs = (name: string) =>
      forecasts.find(({ scan }) => scan.stream === 'invoices' && scan.scan === name)?.everyMs ?? 0;
    const measured = average(entities.flatMap(({ entity }) => gaps(dealt, isNewest(entity), HOUR)));
    expect(everyMs('newest') / 1_000 / measured).toBeGreaterThan(0.8);
    expect(everyMs('newest') / 1_000 / measured).toBeLessThan(1.25);
    expect(everyMs('sweep')).toBeGreaterThan(5 * HOUR);
    expect(everyMs('sweep')).toBeLessThanOrEqual(6 * HOUR);
  });
});

test('the first lap of a big new company takes what is left over, and no more', () => {
  const small = companies(9, 2_000);
  const { scans, ...big } = company('big', 5_000);
  const first = scans.map((scan) => (scan.scan === 'sweep' ? { ...scan, pages: pagesOf(500_000, 100) } : scan));
  const dealt = deal([...small, { ...big, scans: first }], 290, 60);
  for (const { entity } of small) {
    expect(Math.max(...gaps(dealt, isNewest(entity), 10 * MINUTE))).toBeLessThan(18);
    for (const gap of gaps(dealt, beginsLap(entity))) expect(Math.abs(gap - 600)).toBeLessThan(10);
  }
  expect(Math.max(...gaps(dealt, isNewest('big'), 10 * MINUTE))).toBeLessThan(20);
  const its = dealt.filter(({ entity, scan }) => entity === 'big' && scan === 'sweep').length;
  expect(its / 60).toBeGreaterThan(100);
});

test('a lap of a company whose other scans would use everything ends in its time', () => {
  const dealt = deal([company('busy', 5_000)], 6, 12 * 60);
  const ended = laps(dealt, 'busy', pagesOf(5_000, 100));
  expect(ended.length).toBeGreaterThanOrEqual(2);
  expect(Math.max(...ended)).toBeLessThan(6 * 60);
  expect(average(gaps(dealt, isNewest('busy'), HOUR))).toBeLessThan(20);
});

test('a lap that cannot end in its time slows the other scans to about a sixteenth, and no further', () => {
  const dealt = deal([company('huge', 500_000)], 20, 8 * 60);
  const forMs = 2 * HOUR;
  expect(average(gaps(dealt, isNewest('huge'), forMs))).toBeLessThan(16 * 15 * 1.1);
  const swept = dealt.filter(({ scan, atMs }) => scan === 'sweep' && atMs >= forMs).length;
  expect(swept).toBeGreaterThan(0.42 * 20 * 60 * 6);
  const opened = dealt.filter(({ scan, atMs }) => scan === 'open' && atMs >= forMs).length;
  expect(opened).toBeGreaterThan((506 / 16) * 0.7 * 12 * 6);
});

test('companies that are all new are read once soon, though looking for new documents alone would take every request', () => {
  const isNew = ({ entity, scans, ...rest }: SimulatedEntity): SimulatedEntity => ({
    ...rest,
    entity,
    scans: scans.map((its) => (its.scan === 'sweep' ? { ...its, target: firstSweepOf(its.target) } : its)),
  });
  const firstLapEnds = (entities: readonly SimulatedEntity[]): number =>
    Math.max(...entities.map(({ entity }) => laps(deal(entities, 30, 60), entity, pagesOf(600, 100))[0] ?? Infinity));
  const all = companies(10, 600);
  expect(firstLapEnds(all.map(isNew))).toBeLessThan(20);
  expect(firstLapEnds(all)).toBe(Infinity);
});

describe('looking for new corrections', () => {
  const newest = (stream: string): SimulatedScan => ({
    stream,
    scan: 'newest',
    target: targetsOf(settings, stream).newest,
    pages: 1,
  });
  const entities = Array.from({ length: 10 }, (_, at) => ({
    entity: `e${at}`,
    scans: [newest('invoices'), newest('corrective-invoices')],
  }));
  const everySeconds = (stream: string, perMinute: number): number =>
    average(gaps(deal(entities, perMinute, 60), (one) => one.entity === 'e0' && one.stream === stream));

  test('is done as often as for new invoices while there are enough requests', () => {
    expect(everySeconds('invoices', 120)).toBeLessThan(16);
    expect(everySeconds('corrective-invoices', 120)).toBeLessThan(16);
  });

  test('gives way to them where there are not', () => {
    expect(everySeconds('invoices', 25)).toBeCloseTo(30, -1);
    expect(everySeconds('corrective-invoices', 25)).toBeCloseTo(120, -2);
  });

  test('is foretold so', () => {
    const scans = entities.flatMap(({ entity, scans: its }) =>
      its.map((scan) => ({ ...scan, scan: 'newest' as const, entity, lastStartedMs: null, lastFinishedMs: null })),
    );
    const foretold = (perMinute: number) =>
      plan(scans, perMinute, 0)
        .forecasts.map(({ everyMs }) => everyMs)
        .slice(0, 2);
    expect(foretold(120)).toEqual([15_000, 15_000]);
    expect(foretold(25)).toEqual([30_000, 120_000]);
  });
});

test('the requests of a company that is parked go to the others', () => {
  const share = (entities: readonly SimulatedEntity[]) =>
    deal(entities, 20, 120).filter(({ entity }) => entity === 'e0').length;
  const all = companies(4, 20_000);
  const rest = all.slice(0, 2);
  expect(share(rest) / share(all)).toBeCloseTo(2, 1);
});

describe('the plan', () => {
  const invoices = targetsOf(settings, 'invoices');
  const planned = { entity: 'a', stream: 'invoices', pages: 51, lastStartedMs: null, lastFinishedMs: null };

  test('of nothing is empty', () => {
    expect(plan([], 290, 0)).toEqual({ wantedPerMinute: 0, forecasts: [] });
  });

  test('without a limit every scan keeps its target', () => {
    const scans = [
      { ...planned, scan: 'newest', target: invoices.newest, pages: 1 },
      { ...planned, scan: 'sweep', target: invoices.sweep },
    ] as const;
    expect(plan(scans, null, 0).forecasts.map(({ everyMs }) => everyMs)).toEqual([15_000, 600_000]);
  });

  test('says what is due, and what is under way since when', () => {
    const sweep = { ...planned, scan: 'sweep', target: invoices.sweep } as const;
    const now = 10 * HOUR;
    const { forecasts } = plan(
      [
        { ...sweep, lastStartedMs: now - 100_000, lastFinishedMs: now - 50_000 },
        { ...sweep, stream: 'clients', lastStartedMs: now - 100_000 },
        { ...sweep, entity: 'b' },
      ],
      290,
      now,
    );
    expect(forecasts.map(({ underWay, dueAtMs }) => [underWay, dueAtMs - now])).toEqual([
      [false, 500_000],
      [true, -100_000],
      [false, 0],
    ]);
  });

  test('a lap takes the longer the less is left for it', () => {
    const scans = [
      { ...planned, scan: 'newest', target: invoices.newest, pages: 1 },
      { ...planned, scan: 'sweep', target: invoices.sweep, pages: 600 },
    ] as const;
    const lapMs = (requestsPerMinute: number) => plan(scans, requestsPerMinute, 0).forecasts[1]?.everyMs ?? 0;
    expect(lapMs(290)).toBe(600_000);
    expect(lapMs(34)).toBeCloseTo(20 * MINUTE);
    expect(lapMs(14)).toBeCloseTo(HOUR);
    expect(lapMs(5)).toBeCloseTo(6 * HOUR);
    expect(lapMs(1)).toBeGreaterThan(12 * HOUR);
  });
});
