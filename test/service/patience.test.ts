import { usualPatience } from '../../src/service/patience';

const patience = usualPatience(() => 1);

test('the nth parking in a row lasts 1, 2, 4, 8 min, then 15 for ever', () => {
  const minutes = [1, 2, 3, 4, 5, 6, 40].map((failures) => patience.parkMs(failures) / 60_000);
  expect(minutes).toEqual([1, 2, 4, 8, 15, 15, 15]);
});

test('a lost session is opened again after half a second, doubling up to 10 s', () => {
  expect([1, 2, 3, 4, 5, 6, 40].map(patience.reopenMs)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
});

test('one request is tried six times, with waits of at most 0.5 s to 8 s', () => {
  const { attempts, waitMs } = patience.retry;
  expect(attempts).toBe(6);
  expect([1, 2, 3, 4, 5].map((retries) => waitMs(retries))).toEqual([500, 1_000, 2_000, 4_000, 8_000]);
});
