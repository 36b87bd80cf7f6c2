import type { Turn } from '../../src/model';
import { plan } from '../../src/rules/forecast';
import { firstSweepOf, pagesOf, spotTurn, targetsOf } from '../../src/rules/rhythm';
import { createDealer, createLine } from '../../src/sources/dealer';
import { settings, company, companies, isNewest, beginsSweep, average, sweepMinutes } from '../support/companies';
import { deal, gaps, type SimulatedEntity, type SimulatedScan } from '../support/dealing';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

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
    for (const entity of ['a', 'b', 'c', 'd']) dealer.add(entity, turn('sweep', HOUR, 0), 'sweep', 0);
    for (let i = 0; i < 4; i++) dealer.next(0);
    for (const entity of ['a', 'b', 'c', 'd']) dealer.add(entity, turn('sweep', HOUR, -5), 'sweep', 0);
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

  test('newest waits behind one request of a sweep and no more, however late the sweep is', () => {
    const dealer = createDealer<string>();
    const ask = () => dealer.add('a', turn('sweep', 1, 500), 'sweep', 0);
    ask();
    dealer.add('a', turn('newest', 15_000), 'newest', 0);
    dealer.add('a', turn('newest', 15_000), 'newest', 0);
    const order: (string | null)[] = [];
    for (let i = 0; i < 4; i++) {
      order.push(dealer.next(i));
      if (order.at(-1) === 'sweep') ask();
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

  test('a sweep begins every ten minutes and takes less than five', () => {
    for (const gap of gaps(dealt, beginsSweep('e3'))) expect(Math.abs(gap - 600)).toBeLessThan(5);
    for (const minutes of sweepMinutes(dealt, 'e3', pagesOf(5_000, 100))) expect(minutes).toBeLessThan(5);
  });

  test('what sweeps do not need is left alone', () => {
    // 68 a minute for the other scans, and in every ten minutes a sweep of 51 and 3 pages each.
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

  test('a sweep ends within six hours all the same', () => {
    for (const { entity } of entities) {
      const ended = sweepMinutes(dealt, entity, pagesOf(5_000, 100));
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

test('the first sweep of a big new company takes what is left over, and no more', () => {
  const small = companies(9, 2_000);
  const { scans, ...big } = company('big', 5_000);
  const first = scans.map((scan) => (scan.scan === 'sweep' ? { ...scan, pages: pagesOf(500_000, 100) } : scan));
  const dealt = deal([...small, { ...big, scans: first }], 290, 60);
  for (const { entity } of small) {
    expect(Math.max(...gaps(dealt, isNewest(entity), 10 * MINUTE))).toBeLessThan(18);
    for (const gap of gaps(dealt, beginsSweep(entity))) expect(Math.abs(gap - 600)).toBeLessThan(10);
  }
  expect(Math.max(...gaps(dealt, isNewest('big'), 10 * MINUTE))).toBeLessThan(20);
  const its = dealt.filter(({ entity, scan }) => entity === 'big' && scan === 'sweep').length;
  expect(its / 60).toBeGreaterThan(100);
});

test('a sweep of a company whose other scans would use everything ends in its time', () => {
  const dealt = deal([company('busy', 5_000)], 6, 12 * 60);
  const ended = sweepMinutes(dealt, 'busy', pagesOf(5_000, 100));
  expect(ended.length).toBeGreaterThanOrEqual(2);
  expect(Math.max(...ended)).toBeLessThan(6 * 60);
  expect(average(gaps(dealt, isNewest('busy'), HOUR))).toBeLessThan(20);
});

test('a sweep that cannot end in its time slows the other scans to about a sixteenth, and no further', () => {
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
    scans: scans.map((each) => (each.scan === 'sweep' ? { ...each, target: firstSweepOf(each.target) } : each)),
  });
  const firstSweepEnds = (entities: readonly SimulatedEntity[]): number =>
    Math.max(
      ...entities.map(({ entity }) => sweepMinutes(deal(entities, 30, 60), entity, pagesOf(600, 100))[0] ?? Infinity),
    );
  const all = companies(10, 600);
  expect(firstSweepEnds(all.map(isNew))).toBeLessThan(20);
  expect(firstSweepEnds(all)).toBe(Infinity);
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

test('a line deals requests in the order in which they came, but first those of entities that are not to be avoided', () => {
  const line = createLine<string>();
  expect(line.next(0)).toBeNull();
  const leave = line.add('a', spotTurn('invoices'), 'left', 0);
  for (const [entity, request] of [
    ['a', 'first'],
    ['a', 'second'],
    ['b', 'third'],
  ] as const)
    line.add(entity, spotTurn('invoices'), request, 0);
  leave();
  leave();
  line.charge('a', 10);
  expect(line.next(0)).toBe('first');
  expect(line.next(0, new Set(['a']))).toBe('third');
  expect(line.next(0, new Set(['a']))).toBe('second');
  expect(line.waits()).toBe(false);
});
