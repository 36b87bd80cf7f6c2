import { clearingOf } from '../../simulator/ksef';
import { KsefSchedule } from '../../src/rules/ksef-schedule';
import { IDLE_POLL_MS, isWanted } from '../../src/rules/stream-schedule';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const NOW = Date.parse('2026-04-03T12:00:00Z');
const TODAY = '2026-04-03';

const unchanged = { open: true, isNews: false };
const settled = { open: false, isNews: true };

test('nothing is read where nothing was shown', () => {
  expect(new KsefSchedule().next(NOW)).toBeNull();
});

test('a new document is read a minute after it was published, and at growing distances until it is settled', () => {
  const schedule = new KsefSchedule();
  schedule.changed(7, NOW);
  schedule.shown(7, TODAY, 'unknown', NOW);
  expect(schedule.next(NOW)).toMatchObject({ id: 7, atMs: NOW + MINUTE });
  schedule.read(7, { open: true, isNews: true }, NOW + MINUTE);
  expect(schedule.next(NOW)).toMatchObject({ id: 7, atMs: NOW + 2 * MINUTE });
  schedule.read(7, unchanged, NOW + 2 * MINUTE);
  expect(schedule.next(NOW)).toMatchObject({ id: 7, atMs: NOW + 3 * MINUTE });
  schedule.read(7, settled, NOW + 5 * MINUTE);
  expect(schedule.next(NOW + DAY)).toBeNull();
});

test('documents never read are read in the order in which they were shown, each once, after those whose time has come', () => {
  const schedule = new KsefSchedule();
  for (const id of [3, 1, 2]) schedule.shown(id, '2026-02-01', 'unknown', NOW);
  schedule.shown(3, '2026-02-01', 'unknown', NOW);
  schedule.changed(9, NOW - 2 * MINUTE);
  expect(schedule.next(NOW)?.id).toBe(9);
  schedule.read(9, settled, NOW);
  const read: (number | undefined)[] = [];
  for (let n = 0; n < 3; n++) {
    const next = schedule.next(NOW);
    read.push(next?.id);
    schedule.read(next?.id ?? 0, { open: true, isNews: true }, NOW);
  }
  expect(read).toEqual([3, 1, 2]);
  // Dated two months ago and without a number: nothing of it is waited for.
  expect(schedule.next(NOW + DAY)).toBeNull();
});

test('a document of today that was never read is followed from now on', () => {
  const schedule = new KsefSchedule();
  schedule.shown(1, TODAY, 'unknown', NOW);
  schedule.read(1, { open: true, isNews: true }, NOW);
  expect(schedule.next(NOW)).toMatchObject({ id: 1, atMs: NOW + MINUTE });
});

test('what was never read is worth less again once one of them was read', () => {
  const schedule = new KsefSchedule();
  for (const id of [1, 2]) schedule.shown(id, '2026-02-01', 'unknown', NOW);
  schedule.read(1, unchanged, NOW + 60_000);
  expect(schedule.worth(NOW + 61_000).index).toBeCloseTo(0.1);
});

test('after a restart an open document is read once, and a settled one is not', () => {
  const schedule = new KsefSchedule();
  schedule.shown(1, '2026-03-20', 'followed', NOW);
  schedule.shown(3, TODAY, 'final', NOW);
  expect(schedule.next(NOW)).toMatchObject({ id: 1, atMs: NOW });
  schedule.read(1, unchanged, NOW);
  expect(schedule.next(NOW)?.atMs).toBeGreaterThan(NOW + 2 * DAY);
});

test('after a restart an older document that is followed still is read once, and followed further where that is news', () => {
  const schedule = new KsefSchedule();
  for (const id of [1, 2]) schedule.shown(id, '2026-03-02', 'followed', NOW);
  expect([schedule.ends(1, NOW), schedule.next(NOW)?.id]).toEqual(['unless-news', 1]);
  schedule.read(1, unchanged, NOW);
  schedule.read(2, { open: true, isNews: true }, NOW);
  expect(schedule.next(NOW)).toMatchObject({ id: 2, atMs: NOW + MINUTE });
});

test('a read is the last one of a document that was never read and is old, or has not changed for thirty days', () => {
  const schedule = new KsefSchedule();
  schedule.shown(1, '2026-03-02', 'unknown', NOW);
  schedule.shown(2, TODAY, 'unknown', NOW);
  schedule.changed(3, NOW);
  expect([1, 2, 3, 4].map((id) => schedule.ends(id, NOW))).toEqual(['always', 'never', 'never', 'never']);
  expect(schedule.ends(3, NOW + 30 * DAY)).toBe('unless-news');
});

test('a document is not asked for while what KSeF says of it is on its way from elsewhere', () => {
  const schedule = new KsefSchedule();
  schedule.shown(1, TODAY, 'unknown', NOW);
  schedule.changed(2, NOW - 2 * MINUTE);
  for (const id of [1, 2, 2]) schedule.hold(id);
  expect(schedule.next(NOW)).toBeNull();
  // What was published of it counts with its page, whichever commit is over first.
  schedule.shown(1, TODAY, 'followed', NOW);
  for (const id of [1, 2]) schedule.release(id);
  expect([schedule.next(NOW)?.id, schedule.worth(NOW).index]).toEqual([1, 0]);
  schedule.read(1, settled, NOW);
  expect(schedule.next(NOW)).toBeNull();
  schedule.release(2);
  expect(schedule.next(NOW)?.id).toBe(2);
});

test('a document whose number a list shows is read at once, and not again for the same list', () => {
  const schedule = new KsefSchedule();
  schedule.hurry(1, NOW);
  expect(schedule.next(NOW)).toBeNull();
  schedule.changed(1, NOW);
  schedule.hurry(1, NOW + 1);
  expect(schedule.next(NOW)).toMatchObject({ id: 1, atMs: NOW + 1, isAnswered: false });
  schedule.read(1, unchanged, NOW + 2);
  schedule.hurry(1, NOW + 3);
  expect(schedule.next(NOW)?.atMs).toBe(NOW + MINUTE);
  schedule.changed(1, NOW + 4);
  schedule.hurry(1, NOW + 5);
  expect(schedule.next(NOW)?.atMs).toBe(NOW + 5);
});

test('a document that changes is followed anew, settled or not', () => {
  const schedule = new KsefSchedule();
  schedule.changed(1, NOW);
  schedule.read(1, settled, NOW + MINUTE);
  schedule.changed(1, NOW + DAY);
  expect(schedule.next(NOW)).toMatchObject({ id: 1, atMs: NOW + DAY + MINUTE });
  schedule.forget(1);
  expect(schedule.next(NOW)).toBeNull();
});

test('a document of which a webhook says that KSeF has answered is read at once, settled or not', () => {
  const schedule = new KsefSchedule();
  schedule.shown(1, TODAY, 'final', NOW);
  schedule.answered(1, NOW);
  expect(schedule.next(NOW)).toMatchObject({ id: 1, atMs: NOW });
  schedule.read(1, unchanged, NOW);
  expect(schedule.next(NOW)).toMatchObject({ id: 1, atMs: NOW + MINUTE });
});

test('what is due grows in worth up to a bound; what was never read takes a spare request after every look for what is new', () => {
  const schedule = new KsefSchedule();
  schedule.shown(1, '2026-02-01', 'unknown', NOW);
  const spare = schedule.worth(NOW);
  expect(spare).toMatchObject({ index: 0, late: 0, polledMs: IDLE_POLL_MS });
  expect(isWanted(spare)).toBe(true);
  expect(schedule.worth(NOW + 50_000).index).toBe(5);
  expect(schedule.worth(NOW + DAY).index).toBe(20);
  schedule.changed(2, NOW - MINUTE);
  expect(schedule.worth(NOW).index).toBe(0.5);
  expect(schedule.worth(NOW + 5_000).index).toBe(5);
  expect(schedule.worth(NOW + 500_000)).toMatchObject({ index: 20, late: 0, polledMs: 0 });
});

test('four new documents a minute cost ten requests a minute at most, and nineteen of twenty numbers are read within a minute', () => {
  const schedule = new KsefSchedule();
  const documents = new Map<number, { readonly sentMs: number; status: string }>();
  const lateMs: number[] = [];
  const everyMs = MINUTE / 4;
  let reads = 0;
  let added = 0;
  for (let now = NOW; now < NOW + DAY / 2;) {
    const next = schedule.next(now);
    const bornMs = NOW + added * everyMs;
    now = Math.max(now, Math.min(bornMs, next?.atMs ?? Infinity));
    if (next === null || bornMs <= next.atMs) {
      added += 1;
      documents.set(added, { sentMs: bornMs, status: '' });
      schedule.changed(added, bornMs);
      continue;
    }
    reads += 1;
    const document = documents.get(next.id) ?? { sentMs: 0, status: '' };
    const { status, finishedMs } = clearingOf(next.id * 7919, { sentMs: document.sentMs, nowMs: now });
    const isNews = status !== document.status;
    document.status = status;
    schedule.read(next.id, { open: status === 'pending', isNews }, now);
    if (finishedMs !== null) lateMs.push(now - finishedMs);
  }
  const minutes = DAY / 2 / MINUTE;
  expect(reads / minutes).toBeLessThan(10);
  lateMs.sort((one, other) => one - other);
  expect(lateMs.length).toBeGreaterThan(added * 0.98);
  expect(lateMs[Math.floor(lateMs.length * 0.95)]).toBeLessThanOrEqual(MINUTE);
});
