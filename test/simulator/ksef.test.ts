import { clearingOf } from '../../simulator/ksef';

const seeds = Array.from({ length: 5_000 }, (_, seed) => seed * 7919);

test('KSeF takes one to two minutes, rejects two in a hundred and never answers for one in a hundred, the same ones each time', () => {
  const after = (nowMs: number) => seeds.map((seed) => clearingOf(seed, { sentMs: 1_000, nowMs }));
  expect(new Set(after(60_999).map(({ status }) => status))).toEqual(new Set(['pending']));
  const done = after(121_000);
  const share = (status: string) => done.filter((one) => one.status === status).length / seeds.length;
  expect(share('pending')).toBeCloseTo(0.01, 2);
  expect(share('error')).toBeCloseTo(0.02, 2);
  const times = done.flatMap(({ finishedMs }) => finishedMs ?? []);
  expect(Math.min(...times)).toBeGreaterThanOrEqual(61_000);
  expect(Math.max(...times)).toBeLessThan(121_000);
  expect(after(121_000)).toEqual(done);
  expect(done.every(({ status, finishedMs }) => (status === 'pending') === (finishedMs === null))).toBe(true);
});

test('it may be told to be faster', () => {
  expect(clearingOf(5, { sentMs: 0, nowMs: 10 }, [0, 10])).toMatchObject({ status: 'success' });
});
