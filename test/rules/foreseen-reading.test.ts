import {
  allowedPerMinute,
  byStream,
  findingOf,
  foreseeReading,
  lanesOf,
  listFor,
  pagesIn,
  pollMs,
  readingAt,
  searchRequests,
} from '../../src/rules/foreseen-reading';
import { WORTH_A_REQUEST } from '../../src/rules/stream-schedule';
import { clientsOf, companiesOf, invoicesOf, usual } from '../support/expected-stream';
import { settings } from '../support/schedule';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

test('a list of c pages on which changes of weight r a minute show is walked every sqrt(index c / r)', () => {
  // 100 pages; an hour of looking in which one edit a minute was found: (1 + 60) / (1 / 0.099 + 60) = 0.870 a minute.
  const [, , , sweep] = lanesOf(invoicesOf(9_900, { 'edited-old': 1 }), usual, 60);
  expect(sweep).toMatchObject({ scan: 'sweep', pages: 100, guaranteeMs: 6 * HOUR });
  expect((sweep?.stakes.walk ?? 0) * 60 * 100).toBeCloseTo(0.87, 3);
  // Of new rows none was found: 16 / (1 / 0.099 + 60) = 0.228 a minute, and each page is a look for them.
  expect((sweep?.stakes.look ?? 0) * 60).toBeCloseTo(0.228, 3);
  const read = readingAt(sweep === undefined ? [] : [sweep], 2, Infinity).scans[0];
  // sqrt(2 / (0.0145 / 100 + 0.0038 / 100²)) = 117.27 s, and the rest of the 3 s after which the last page is looked at again.
  expect(read?.everyMs).toBeCloseTo((117.27 + 3 - 1.17) * SECOND, -2);
  expect(read?.pacing).toBe('changes');
});

test('the same is worth a request on every list, up to what is allowed', () => {
  const [reading] = foreseeReading(companiesOf(20), usual);
  const walked = reading?.scans.filter(({ pacing, lane }) => pacing === 'changes' && lane.pages > 1) ?? [];
  const indices = walked.map(({ lane: { stakes, pages }, everyMs }) => {
    return stakes.walk * (everyMs / SECOND) ** 2 + stakes.look * (everyMs / pages / SECOND) ** 2;
  });
  expect(indices.length).toBeGreaterThan(40);
  expect(Math.max(...indices) / Math.min(...indices)).toBeCloseTo(1, 3);
  const finding = companiesOf(20).reduce((sum, stream) => sum + findingOf(stream), 0);
  expect((reading?.perMinute ?? 0) + finding).toBeCloseTo(0.9 * 290, 0);
});

test('nothing is read that is worth less than a request, but for looks at what is new', () => {
  const [reading] = foreseeReading([clientsOf(50)], usual);
  const [newest, sweep] = reading?.scans ?? [];
  expect(newest).toMatchObject({ everyMs: 15 * SECOND, pacing: 'look' });
  const { walk = 0, look = 0 } = sweep?.lane.stakes ?? {};
  expect((walk + look) * ((sweep?.everyMs ?? 0) / SECOND) ** 2).toBeCloseTo(WORTH_A_REQUEST);
});

test('guarantees have half of the requests at most, and grow in proportion where that is too little', () => {
  const [kept] = foreseeReading(companiesOf(10), usual);
  expect(kept?.slowdown).toBe(1);
  const hasty = { ...usual, settings: { ...settings, sweepSeconds: 60, openSeconds: 60 } };
  const [slow] = foreseeReading(companiesOf(10), hasty);
  const late = slow?.scans.filter(({ pacing }) => pacing === 'guarantee') ?? [];
  expect(slow?.slowdown).toBeGreaterThan(2);
  expect(late.reduce((sum, { perMinute }) => sum + perMinute, 0)).toBeLessThanOrEqual(allowedPerMinute(hasty) * 0.501);
});

test('a change is found by the cheapest list that shows it', () => {
  const many = invoicesOf(5_000);
  expect(listFor(many, 'edited-open')).toBe('open');
  expect(listFor({ ...many, rows: { ...many.rows, open: 6_000 } }, 'edited-open')).toBe('sweep');
  expect(listFor(many, 'edited-recent')).toBe('recent');
  expect(listFor(clientsOf(10), 'edited-recent')).toBe('sweep');
  expect(pagesIn(clientsOf(10), 'open')).toBe(Infinity);
});

test('a search halves its list, and never takes more requests than a walk', () => {
  expect(searchRequests(1)).toBe(1);
  expect(searchRequests(64)).toBe(7);
  // One payment a minute among 1 000 unpaid: 11 pages, 4.5 requests, and one for the row.
  expect(findingOf(invoicesOf(5_000, { paid: 1 }))).toBeCloseTo(1 + Math.log2(11) + 1);
});

test('every page that shows a total is a look at it', () => {
  const [reading] = foreseeReading([invoicesOf(5_000)], usual);
  const [scans = []] = reading === undefined ? [] : [...byStream(reading).values()];
  const perMinute = (name: string): number => scans.find(({ lane }) => lane.scan === name)?.perMinute ?? NaN;
  expect(pollMs(scans, 'all')).toBeCloseTo(MINUTE / (perMinute('sweep') + perMinute('newest')));
  expect(pollMs(scans, 'open')).toBeCloseTo(MINUTE / perMinute('open'));
});
