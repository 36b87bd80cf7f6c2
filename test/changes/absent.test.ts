import { markAbsent } from '../../src/changes/absent';
import { EntryFlag, NO_DATE } from '../../src/changes/block';
import type { Comparison } from '../../src/changes/compare';
import { Entries, entryAt } from '../../src/changes/entries';
import { PublicationMarks } from '../../src/changes/publication-marks';
import type { Interval, ScanName } from '../../src/model';

const { OPEN, LEFT, PUBLISHED } = EntryFlag;
const everything: Interval = { after: null, upTo: null };

/** What a page of this scan, which shows these ids, comes to with entries 1 to 9. */
function scene({ flags = PUBLISHED, newer = [] }: { flags?: number; newer?: readonly number[] } = {}) {
  const entries = new Entries({ entity: 'acme', stream: 'invoices', blockEntries: 3 });
  const marks = new PublicationMarks();
  for (let id = 1; id <= 9; id++) {
    entries.find(id);
    entries.insert(id);
    entries.write({ high: 1, low: 1, definition: 1, date: NO_DATE, uuid: null, flags });
  }
  for (const id of newer) marks.remember(id, 11);
  const entry = (id: number) => {
    entries.find(id);
    return entryAt(entries.blockAt(entries.at), entries.slot);
  };
  return {
    entry,
    missing: () => [1, 2, 3, 4, 5, 6, 7, 8, 9].filter((id) => entry(id).missing > 0),
    set: (id: number, to: number) => {
      entries.find(id);
      entries.write({ high: 1, low: 1, definition: 1, date: NO_DATE, uuid: null, flags: to });
    },
    page: (scan: ScanName, shown: readonly number[], interval = everything, sweep = 5) => {
      const comparison: Comparison = {
        proves: scan === 'sweep' ? 'all' : scan === 'open' ? 'open' : null,
        isOpen: () => scan === 'open',
        page: {
          rows: shown.map((id) => ({ id })),
          strays: [],
          outsideQuery: 0,
          interval,
          totalCount: shown.length,
          began: 10,
          ended: 12,
          next: { offset: 0, anchor: null, step: 1, requests: 1, unproven: 0 },
          end: false,
        },
        scan,
        sweep,
        beforeFirstFinishedSweep: false,
        definition: 1,
        fingerprint: () => undefined,
        fingerprintOf: () => undefined,
        uuidOf: () => null,
        dateOf: () => NO_DATE,
        linesOf: null,
        oldestOpen: Infinity,
      };
      return markAbsent(entries, marks, comparison);
    },
  };
}

describe('a page of the sweep', () => {
  test('marks what its interval proves absent, over the borders of blocks', () => {
    const { page, missing, entry } = scene();
    expect(page('sweep', [4, 7], { after: 2, upTo: 8 })).toEqual({
      missing: 4,
      absent: 4,
      noLongerOpen: [],
      touched: true,
    });
    expect(missing()).toEqual([3, 5, 6, 8]);
    expect(entry(3).missing).toBe(5);
  });

  test('leaves an entry marked by the sweep that missed the row first', () => {
    const { page, entry } = scene();
    page('sweep', [1, 2, 3, 4, 5, 6, 7, 8], everything, 5);
    expect(page('sweep', [1, 2, 3, 4, 5, 6, 7, 8], everything, 6)).toMatchObject({ missing: 0, touched: false });
    expect(entry(9).missing).toBe(5);
  });

  test('does not mark what has left, and not what was published newer than the page was asked for', () => {
    const { page, missing, set } = scene({ newer: [4] });
    set(2, PUBLISHED | LEFT);
    expect(page('sweep', [1, 3]).missing).toBe(5);
    expect(missing()).toEqual([5, 6, 7, 8, 9]);
  });
});

test.each<[ScanName, readonly number[]]>([
  ['newest', [9, 1]],
  ['open', [1]],
  ['recent', [1]],
  ['paid', [1]],
  ['changed', []],
  ['spot', []],
  ['sweep', [9, 1]],
])('a page of %s that shows %j marks nothing missing', (scan, shown) => {
  const { page, missing } = scene();
  expect(page(scan, shown)).toMatchObject({ missing: 0, touched: false });
  expect(missing()).toEqual([]);
});

test('a page of open names what was open inside its interval and is not shown, and changes nothing', () => {
  const { page, entry, set } = scene({ flags: PUBLISHED | OPEN, newer: [4] });
  set(5, PUBLISHED);
  set(6, PUBLISHED | OPEN | LEFT);
  expect(page('open', [2], { after: 1, upTo: 8 })).toEqual({
    missing: 0,
    absent: 0,
    noLongerOpen: [3, 7, 8],
    touched: false,
  });
  expect(entry(3).flags).toBe(PUBLISHED | OPEN);
});

test('a spot read that finds nothing takes the mark of open from its entry, once', () => {
  const { page, entry } = scene({ flags: PUBLISHED | OPEN });
  const interval = { after: 2, upTo: 3 };
  expect(page('spot', [], interval).touched).toBe(true);
  expect([entry(3).flags, entry(2).flags, entry(3).missing]).toEqual([PUBLISHED, PUBLISHED | OPEN, 0]);
  expect(page('spot', [], interval).touched).toBe(false);
  expect(page('spot', [], { after: 20, upTo: 21 }).touched).toBe(false);
  expect(page('spot', []).touched).toBe(false);
});

test.each<ScanName>(['paid', 'changed'])(
  'I5: a page of %s leaves the marks of open and of missing rows as they were, whatever it does not show',
  (scan) => {
    const { page, entry, missing } = scene({ flags: PUBLISHED | OPEN });
    page('sweep', [1, 2, 3], everything, 4);
    const before = missing();
    expect(page(scan, [2])).toEqual({ missing: 0, absent: 0, noLongerOpen: [], touched: false });
    expect([missing(), entry(1).flags]).toEqual([before, PUBLISHED | OPEN]);
  },
);
