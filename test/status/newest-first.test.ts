import { NewestFirst } from '../../src/status/newest-first';

test('the newest come first, and no more than so many are kept', () => {
  const ring = new NewestFirst<number>(3);
  expect(ring.all()).toEqual([]);
  const seen = [1, 2, 3, 4, 5, 6, 7].map((one) => {
    ring.add(one);
    return ring.all();
  });
  expect(seen).toEqual([[1], [2, 1], [3, 2, 1], [4, 3, 2], [5, 4, 3], [6, 5, 4], [7, 6, 5]]);
});
