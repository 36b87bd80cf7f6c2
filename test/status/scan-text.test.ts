import type { ScanFigures } from '../../src/rules/stream-schedule';
import { scanText, spanText } from '../../src/status/scan-text';

const MINUTE = 60_000;
const open: ScanFigures = {
  scan: 'open',
  pages: 80,
  everyMs: 16 * MINUTE,
  pacing: 'changes',
  changesPerMinute: 3 / 60,
};

test.each<[Partial<ScanFigures>, string]>([
  [{}, 'open: a page every 12 s, all 80 every 16 min, because about 3 payments and edits an hour show there'],
  [
    { changesPerMinute: 1 / 60 },
    'open: a page every 12 s, all 80 every 16 min, because about 24 payments and edits a day show there',
  ],
  [
    { scan: 'newest', pages: 1, everyMs: 5 * MINUTE, pacing: 'guarantee', changesPerMinute: 0 },
    'newest: its one page every 5 min, as it is guaranteed; less than one new row a day shows there',
  ],
  [
    { scan: 'newest', pages: 1, everyMs: 15_000, pacing: 'look', changesPerMinute: 1 / 1_440 },
    'newest: its one page every 15 s, as there are requests to spare; about one new row a day shows there',
  ],
  [
    { scan: 'sweep', pages: 200, everyMs: 2 * MINUTE, changesPerMinute: 5.2 },
    'sweep: a page every 0.6 s, all 200 every 2 min, because about 5 changes a minute show there',
  ],
])('a scan says how often and why: %#', (changes, text) => {
  expect(scanText({ ...open, ...changes })).toBe(text);
});

test.each([
  [950, '1 s'],
  [95_000, '95 s'],
  [3 * MINUTE, '3 min'],
  [180 * MINUTE, '3 h'],
  [Infinity, 'never'],
])('%d ms are %s', (ms, text) => {
  expect(spanText(ms)).toBe(text);
});
