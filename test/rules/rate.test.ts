import { Rate } from '../../src/rules/rate';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

test('begins with a guess by the rows of the list, and never comes to zero', () => {
  const rate = new Rate(1, 0);
  expect(rate.perSecond(20_000, 0, 0) * 60).toBeCloseTo(0.2);
  expect(new Rate(16, 0).perSecond(20_000, 0, 0) * 60).toBeCloseTo(16 * 0.2);
  const after = rate.perSecond(20_000, 0, 1_000 * HOUR);
  expect(after).toBeGreaterThan(0);
  expect(after * 60).toBeLessThan(0.02);
});

test('comes to what is found a minute', () => {
  const rate = new Rate(1, 0);
  let last = 0;
  for (let minute = 1; minute <= 300; minute += 1) {
    rate.found(4);
    last = rate.perSecond(20_000, 0, minute * MINUTE);
  }
  expect(last * 60).toBeGreaterThan(3.5);
  expect(last * 60).toBeLessThan(4.5);
});

test('forgets by halves: after an hour without a change it is about half of what it was', () => {
  const rate = new Rate(1, 0);
  rate.found(600);
  const before = rate.perSecond(20_000, 0, HOUR - 1);
  expect(rate.perSecond(20_000, 0, 2 * HOUR) / before).toBeLessThan(0.6);
});

test('a list that takes longer to be walked is remembered for longer', () => {
  const rates = [0, 4 * HOUR].map((walkMs) => {
    const rate = new Rate(1, 0);
    rate.found(600);
    return rate.perSecond(20_000, walkMs, 6 * HOUR);
  });
  expect(rates[1]).toBeGreaterThan(2 * (rates[0] ?? 0));
});

test('a clock that was set back counts for nothing', () => {
  const rate = new Rate(1, 10 * HOUR);
  rate.found(10);
  const before = rate.perSecond(1_000, 0, 10 * HOUR);
  expect(rate.perSecond(1_000, 0, 0)).toBe(before);
  expect(rate.perSecond(1_000, 0, MINUTE)).toBeLessThanOrEqual(before);
});
