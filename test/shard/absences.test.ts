import { ABSENT_FOR_MS } from '../../src/rules/deletions';
import { Absences } from '../../src/shard/absences';

const first = { id: 7, askedMs: 900, nowMs: 1_000, provedBeforeMs: null };

test('I5: a row is absent for good once a read that was asked for a minute after the first was made shows it neither', () => {
  const absences = new Absences();
  absences.note(first);
  expect(absences.isConfirmed(7)).toBe(false);
  expect(absences.confirmableAtMs(7)).toBe(1_000 + ABSENT_FOR_MS);
  absences.note({ ...first, askedMs: 999 + ABSENT_FOR_MS, nowMs: 90_000, provedBeforeMs: 0 });
  expect(absences.isConfirmed(7)).toBe(false);
  absences.note({ ...first, askedMs: 1_000 + ABSENT_FOR_MS, nowMs: 90_000, provedBeforeMs: 0 });
  expect(absences.isConfirmed(7)).toBe(true);
  expect(absences.confirmableAtMs(7)).toBeNull();
});

test('I5: a row that was there in between begins anew', () => {
  const absences = new Absences();
  absences.note(first);
  absences.note({ ...first, askedMs: 100_000, nowMs: 100_000, provedBeforeMs: 0 });
  absences.note({ ...first, nowMs: 200_000 });
  expect(absences.isConfirmed(7)).toBe(false);
  expect(absences.confirmableAtMs(7)).toBe(200_000 + ABSENT_FOR_MS);
});

test('I5: what an earlier process proved counts from when that was over, at the latest', () => {
  const absences = new Absences();
  const again = { id: 7, askedMs: 100_000, nowMs: 100_001 };
  absences.note({ ...again, provedBeforeMs: 50_000 });
  expect(absences.isConfirmed(7)).toBe(false);
  absences.note({ ...again, askedMs: 110_000, provedBeforeMs: 0 });
  expect(absences.isConfirmed(7)).toBe(true);
});

test('I5: a read of which nobody knows when it was asked for confirms nothing', () => {
  const absences = new Absences();
  absences.note(first);
  absences.note({ id: 7, askedMs: undefined, nowMs: 1e9, provedBeforeMs: 0 });
  expect(absences.isConfirmed(7)).toBe(false);
});

test('rows that are not missing any more are forgotten', () => {
  const absences = new Absences(0);
  absences.note(first);
  absences.note({ ...first, id: 8 });
  absences.note({ ...first, askedMs: 2_000, provedBeforeMs: 0 });
  absences.keep((id) => id === 8);
  expect([absences.isConfirmed(7), absences.confirmableAtMs(7)]).toEqual([false, null]);
  expect(absences.confirmableAtMs(8)).toBe(1_000);
});
