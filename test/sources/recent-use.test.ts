import { createRecentUse } from '../../src/sources/recent-use';

test('what an entity used counts less the longer ago it was, and is its own', () => {
  const use = createRecentUse();
  use.count('a', 10, 0);
  expect(use.of('a', 0)).toBe(10);
  expect(use.of('a', 60_000)).toBeCloseTo(10 / Math.E);
  use.count('a', 1, 60_000);
  expect(use.of('a', 60_000)).toBeCloseTo(10 / Math.E + 1);
  expect(use.of('b', 60_000)).toBe(0);
});
