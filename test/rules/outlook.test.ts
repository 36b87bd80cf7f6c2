import { addressesFor, outlookOf, slowdownOf } from '../../src/rules/outlook';
import type { OutlookSetting } from '../../src/rules/foreseen-reading';
import { clientsOf, companiesOf, invoicesOf, usual } from '../support/expected-stream';
import { settings } from '../support/schedule';

const MINUTE = 60_000;

function delaysBy(streams: Parameters<typeof outlookOf>[0], setting: OutlookSetting): ReadonlyMap<string, number> {
  return new Map(
    outlookOf(streams, setting).delays.map(({ change, stream, p95Ms }) => [`${change} ${stream ?? ''}`, p95Ms]),
  );
}

test('of nothing there is nothing to tell', () => {
  expect(outlookOf([], usual)).toMatchObject({ scans: [], delays: [], usedPerMinute: 0, slowdown: 1, firstSyncMs: 0 });
});

test('a company in which nothing happens costs its guarantees and its looks', () => {
  const { usedPerMinute, guaranteedPerMinute, slowdown } = outlookOf([clientsOf(90)], usual);
  // One page each: newest every 30 min, sweep every 6 h.
  expect(guaranteedPerMinute).toBeCloseTo(1 / 30 + 1 / 360);
  expect(slowdown).toBe(1);
  // A look each 15 s, and the sweep's page where it is worth one.
  expect(usedPerMinute).toBeGreaterThan(4);
  expect(usedPerMinute).toBeLessThan(10);
});

test('more companies are never fresher', () => {
  let before = delaysBy(companiesOf(1), usual);
  for (const count of [2, 5, 10, 20, 50, 100]) {
    const now = delaysBy(companiesOf(count), usual);
    for (const [kind, p95Ms] of now)
      expect({ kind, isFresher: p95Ms < 0.995 * (before.get(kind) ?? NaN) }).toEqual({ kind, isFresher: false });
    before = now;
  }
});

test('more requests are never staler', () => {
  let before = delaysBy(companiesOf(30), { ...usual, requestsPerMinute: 60 });
  for (const requestsPerMinute of [120, 290, 600, 2_000]) {
    const now = delaysBy(companiesOf(30), { ...usual, requestsPerMinute });
    for (const [kind, p95Ms] of now)
      expect({ kind, isStaler: p95Ms > 1.005 * (before.get(kind) ?? NaN) }).toEqual({ kind, isStaler: false });
    before = now;
  }
});

test('never more than the allowance is used, and all of it where there is something to gain', () => {
  expect(outlookOf(companiesOf(20), usual).usedPerMinute).toBeCloseTo(261, 0);
  const hectic = outlookOf([invoicesOf(5_000, { new: 400, paid: 400 })], usual);
  expect(hectic.usedPerMinute).toBeLessThanOrEqual(261);
});

test('the first reading takes a request a page at the least, and twice as long at the most', () => {
  // 51 + 11 + 3 pages and the newest.
  const { firstSyncMs } = outlookOf([invoicesOf(5_000)], { ...usual, requestsPerMinute: 66 });
  expect(firstSyncMs).toBeGreaterThanOrEqual(MINUTE);
  expect(firstSyncMs).toBeLessThanOrEqual(2 * MINUTE);
  expect(outlookOf([invoicesOf(5_000)], { ...usual, requestsPerMinute: 0 }).firstSyncMs).toBe(0);
});

test('so many addresses are needed as bring enough requests', () => {
  const hasty = { ...usual, settings: { ...settings, sweepSeconds: 60 } };
  const streams = companiesOf(10);
  const count = addressesFor(hasty, (setting) => slowdownOf(streams, setting) === 1) ?? NaN;
  const withCount = (addresses: number) => slowdownOf(streams, { ...hasty, requestsPerMinute: addresses * 290 });
  expect(count).toBeGreaterThan(1);
  expect(withCount(count)).toBe(1);
  expect(withCount(count - 1)).toBeGreaterThan(1);
  expect(addressesFor(usual, () => false)).toBeNull();
  expect(addressesFor(usual, () => true)).toBe(1);
});
