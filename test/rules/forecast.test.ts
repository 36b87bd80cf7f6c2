import { plan } from '../../src/rules/forecast';
import { targetsOf } from '../../src/rules/rhythm';
import { settings } from '../support/companies';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

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

  test('a sweep takes the longer the less is left for it', () => {
    const scans = [
      { ...planned, scan: 'newest', target: invoices.newest, pages: 1 },
      { ...planned, scan: 'sweep', target: invoices.sweep, pages: 600 },
    ] as const;
    const sweepMs = (requestsPerMinute: number) => plan(scans, requestsPerMinute, 0).forecasts[1]?.everyMs ?? 0;
    expect(sweepMs(290)).toBe(600_000);
    expect(sweepMs(34)).toBeCloseTo(20 * MINUTE);
    expect(sweepMs(14)).toBeCloseTo(HOUR);
    expect(sweepMs(5)).toBeCloseTo(6 * HOUR);
    expect(sweepMs(1)).toBeGreaterThan(12 * HOUR);
  });
});
