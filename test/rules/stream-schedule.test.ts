import { scansOf } from '../../src/rules/scope';
import {
  IDLE_POLL_MS,
  isWanted,
  listOfScan,
  StreamSchedule,
  WORTH_A_REQUEST,
  type FoundChange,
} from '../../src/rules/stream-schedule';
import type { TimedScan, WalkedScan } from '../../src/rules/rhythm';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const guarantees = { newest: 5 * MINUTE, open: 2 * HOUR, recent: 4 * HOUR, sweep: 6 * HOUR };
const documents = scansOf({ scopeField: 'invoice_date', openField: 'paid_date' });

/** A stream of 20 000 rows of which 8 000 are open and 3 000 recent, all read at 0. */
function open({
  startedMs = () => 0,
  rows = 20_000,
}: { readonly startedMs?: () => number | null; readonly rows?: number } = {}): StreamSchedule {
  const schedule = new StreamSchedule({ scans: documents, guarantees, limit: 100, startedMs, nowMs: 0 });
  const totals: Record<TimedScan, number> = { newest: rows, open: 0.4 * rows, recent: 0.15 * rows, sweep: rows };
  for (const scan of documents) {
    schedule.began(scan, 0);
    schedule.read(scan, { offset: 0, totalCount: totals[scan] }, 0);
    schedule.ended(scan, 0);
  }
  return schedule;
}

test('a page is worth more the longer ago it was read, and the more is found', () => {
  const schedule = open();
  const early = schedule.worth('sweep', 0, 10 * MINUTE).index;
  const late = schedule.worth('sweep', 0, 20 * MINUTE).index;
  expect(late).toBeGreaterThan(2 * early);
  schedule.found('edited-old', 50);
  expect(schedule.worth('sweep', 0, 20 * MINUTE).index).toBeGreaterThan(late);
});

test.each([-3, -1, 1, 3])(
  'a page that is asked for again %d rows further, as rows moved, is worth what it was',
  (by) => {
    const schedule = open();
    for (const offset of [990, 1_089, 1_188])
      schedule.read('open', { offset, totalCount: 8_000 }, 10 * MINUTE + offset);
    const at = 20 * MINUTE;
    expect(schedule.worth('open', 1_287 + by, at).index).toBe(schedule.worth('open', 1_287, at).index);
    expect(schedule.worth('open', 1_287 + by, at).index).toBeGreaterThan(schedule.worth('open', 1_188, at).index);
  },
);

test('a page of a short list is worth more than one of a long list with as many changes', () => {
  const [long, short] = [open({ rows: 20_000 }), open({ rows: 4_000 })];
  for (const schedule of [long, short]) {
    schedule.trust('all', false);
    schedule.found('edited-old', 1_000);
  }
  expect(short.worth('sweep', 0, HOUR).index).toBeGreaterThan(2.5 * long.worth('sweep', 0, HOUR).index);
});

test.each<[FoundChange, TimedScan]>([
  ['new', 'newest'],
  ['paid', 'open'],
  ['edited-open', 'open'],
  ['edited-recent', 'recent'],
  ['edited-old', 'sweep'],
])('%s counts for %s, the cheapest list that could have shown it', (change, scan) => {
  const worth = (found: number) => {
    const schedule = open();
    schedule.found(change, found);
    return new Map(documents.map((each) => [each, schedule.worth(each, 0, MINUTE).index]));
  };
  const [before, after] = [worth(0), worth(20)];
  expect(after.get(scan)).toBeGreaterThan(before.get(scan) ?? Infinity);
  const others = documents.filter((each) => each !== scan && listOfScan(each) !== listOfScan(scan));
  for (const other of others) expect(after.get(other)).toBe(before.get(other));
});

test('an edit of an open row counts for the whole list where that is the shorter one', () => {
  const schedule = open();
  schedule.read('sweep', { offset: 0, totalCount: 100 }, 0);
  const before = schedule.worth('open', 0, MINUTE).index;
  schedule.found('edited-open', 20);
  expect(schedule.worth('open', 0, MINUTE).index).toBe(before);
});

test('any page that shows a total is a look at it', () => {
  const schedule = open();
  expect(schedule.worth('newest', 0, MINUTE).polledMs).toBe(MINUTE);
  schedule.read('sweep', { offset: 198, totalCount: 20_000 }, MINUTE);
  expect(schedule.worth('newest', 0, MINUTE).polledMs).toBe(0);
  expect(schedule.worth('newest', 0, MINUTE).index).toBe(0);
  schedule.polled('open', MINUTE);
  expect(schedule.worth('open', 0, MINUTE).polledMs).toBe(0);
});

test('where a total is not believed, only newest looks for what is new, and what left is found by walks', () => {
  const schedule = open();
  schedule.trust('all', false);
  schedule.read('sweep', { offset: 198, totalCount: 20_000 }, MINUTE);
  expect(schedule.worth('newest', 0, MINUTE).polledMs).toBe(MINUTE);
  const before = schedule.worth('sweep', 0, HOUR).index;
  schedule.found('deleted', 20);
  expect(schedule.worth('sweep', 0, HOUR).index).toBeGreaterThan(2 * before);
  schedule.trust('open', false);
  expect(schedule.worth('open', 0, HOUR).polledMs).toBe(0);
});

test.each([
  ['never before its least age', 'sweep', 2_999, false],
  ['as a look for what is new', 'newest', IDLE_POLL_MS, true],
  ['when it is late', 'recent', 4 * HOUR, true],
] as const)('a request is wanted %s', (_, scan, nowMs, expected) => {
  expect(isWanted(open({ rows: 10 }).worth(scan, 0, nowMs))).toBe(expected);
});

test('says when a request will be wanted', () => {
  for (const scan of documents) {
    const schedule = open();
    const { inMs } = schedule.worth(scan, 0, 10);
    expect(isWanted(schedule.worth(scan, 0, 10 + inMs - 1))).toBe(false);
    expect(isWanted(schedule.worth(scan, 0, 12 + 1.05 * inMs))).toBe(true);
  }
});

test('what a person or a contradiction asks for goes before all else, until its walk is over', () => {
  const schedule = open();
  schedule.hurry('sweep');
  const hurried = schedule.worth('sweep', 0, MINUTE);
  expect(hurried.index).toBeGreaterThan(1_000 * WORTH_A_REQUEST);
  expect(hurried.inMs).toBe(0);
  schedule.ended('sweep', MINUTE);
  expect(schedule.worth('sweep', 0, MINUTE).index).toBeLessThan(hurried.index / 1_000);
});

test('a list that was never read is late, and no infinite number', () => {
  const schedule = open({ startedMs: () => null });
  const { index, late } = new StreamSchedule({
    scans: documents,
    guarantees,
    limit: 100,
    startedMs: () => null,
    nowMs: 0,
  }).worth('sweep', 0, 0);
  expect(late).toBeGreaterThanOrEqual(1);
  expect(Number.isFinite(index)).toBe(true);
  expect(schedule.worth('sweep', 0, MINUTE).late).toBeLessThan(1);
});

test('a clock that was set back delays a scan by no more than one turn', () => {
  const schedule = new StreamSchedule({
    scans: documents,
    guarantees,
    limit: 100,
    startedMs: () => 100 * DAY,
    nowMs: 100 * DAY,
  });
  for (const scan of documents) schedule.worth(scan, 0, 100 * DAY);
  for (const scan of documents) schedule.worth(scan, 0, DAY);
  for (const scan of documents) expect(schedule.worth(scan, 0, DAY + guarantees[scan]).late).toBeGreaterThanOrEqual(1);
});

test.each([
  [{ wasOpen: true, isOpen: false, isRecent: true }, 'paid'],
  [{ wasOpen: true, isOpen: true, isRecent: false }, 'edited-open'],
  [{ wasOpen: false, isOpen: true, isRecent: true }, 'edited-open'],
  [{ wasOpen: false, isOpen: false, isRecent: true }, 'edited-recent'],
  [{ wasOpen: false, isOpen: false, isRecent: false }, 'edited-old'],
])('%j is %s', (row, expected) => {
  expect(open().kindOf(row)).toBe(expected);
});

test('a search is worth more the longer a walk would take to find the same', () => {
  const schedule = open();
  expect(schedule.searchWorth('open', HOUR).index).toBeGreaterThan(schedule.searchWorth('open', MINUTE).index);
  expect(schedule.searchWorth('all', 0)).toMatchObject({ inMs: 0 });
  expect(schedule.searchWorth('all', 0).index).toBeGreaterThan(WORTH_A_REQUEST);
});

test('tells how often the pages of each scan were read lately, and why', () => {
  const schedule = open();
  expect(schedule.figures(0)).toEqual([]);
  schedule.found('paid', 40);
  for (const seconds of [20, 40, 60]) {
    schedule.read('open', { offset: 0, totalCount: 8_000 }, seconds * SECOND);
    schedule.read('newest', { offset: 0, totalCount: 20_000 }, seconds * SECOND);
  }
  for (const scan of ['newest', 'recent'] as const)
    schedule.read(scan, { offset: 0, totalCount: 3_000 }, 60 * SECOND + guarantees[scan]);
  const figures = schedule.figures(HOUR);
  expect(figures.map(({ scan, pages, pacing }) => [scan, pages, pacing])).toEqual([
    ['newest', 1, 'changes'],
    // Sooner than a page of so many is worth a request.
    ['open', 81, 'look'],
    ['recent', 31, 'guarantee'],
  ]);
  // The last age of four counts for a tenth of the mean: 20 s, 20 s, 20 s, and the guarantee of five minutes.
  expect(figures[0]?.everyMs).toBeCloseTo(0.9 * 20 * SECOND + 0.1 * 5 * MINUTE);
  expect(figures[1]?.everyMs).toBe(20 * SECOND);
  // 40 payments in an hour, and what is thought of a list before anything was found.
  expect((figures[1]?.changesPerMinute ?? 0) * 60).toBeGreaterThan(30);
});

describe('a scan by a proven filter', () => {
  const worthOf = (schedule: StreamSchedule, scan: WalkedScan): number => schedule.worth(scan, 0, HOUR).index;
  const reading = (...scans: readonly ('paid' | 'changed')[]): StreamSchedule => {
    const schedule = open();
    for (const scan of scans) {
      schedule.use(scan, true, 0);
      schedule.began(scan, 0);
      schedule.read(scan, { offset: 0, totalCount: 60 }, 0);
      schedule.ended(scan, 0);
    }
    return schedule;
  };

  test('is wanted at once, and then the more the more it finds', () => {
    const schedule = open();
    schedule.use('paid', true, 0);
    expect(isWanted(schedule.worth('paid', 0, SECOND))).toBe(true);
    const [quiet, busy] = [reading('paid'), reading('paid')];
    busy.found('paid', 50);
    expect(worthOf(busy, 'paid')).toBeGreaterThan(2 * worthOf(quiet, 'paid'));
    expect(worthOf(busy, 'open')).toBe(worthOf(quiet, 'open'));
  });

  test.each<[FoundChange, 'paid' | 'changed']>([
    ['paid', 'paid'],
    ['edited-open', 'changed'],
    ['edited-recent', 'changed'],
    ['edited-old', 'changed'],
  ])('has %s counted for %s, where that is the shorter list', (change, scan) => {
    const [quiet, busy] = [reading(scan), reading(scan)];
    busy.found(change, 50);
    expect(worthOf(busy, scan)).toBeGreaterThan(2 * worthOf(quiet, scan));
    for (const other of documents) expect(worthOf(busy, other)).toBe(worthOf(quiet, other));
  });

  test('has nothing counted where its list is the longer one, or its filter is proven no longer', () => {
    for (const spoil of [
      (schedule: StreamSchedule) => schedule.read('changed', { offset: 0, totalCount: 90_000 }, 0),
      (schedule: StreamSchedule) => schedule.use('changed', false, 0),
    ]) {
      const [quiet, busy] = [reading('changed'), reading('changed')];
      for (const schedule of [quiet, busy]) spoil(schedule);
      busy.found('edited-old', 50);
      expect(worthOf(busy, 'changed')).toBe(worthOf(quiet, 'changed'));
      expect(worthOf(busy, 'sweep')).toBeGreaterThan(worthOf(quiet, 'sweep'));
    }
  });

  test('lets what was learned of the lists that it relieves be learned anew, once', () => {
    const [plain, relieved] = [open(), open()];
    for (const schedule of [plain, relieved]) {
      schedule.trust('all', false);
      schedule.found('edited-old', 50);
    }
    relieved.use('changed', true, 0);
    expect(worthOf(relieved, 'sweep')).toBeLessThan(worthOf(plain, 'sweep') / 2);
    const before = worthOf(relieved, 'sweep');
    relieved.use('changed', true, 0);
    expect(worthOf(relieved, 'sweep')).toBe(before);
  });

  test('is no scan where no filter was ever proven', () => {
    const schedule = open();
    schedule.use('paid', false, 0);
    expect(() => schedule.worth('paid', 0, 0)).toThrow('no scan paid');
  });
});
