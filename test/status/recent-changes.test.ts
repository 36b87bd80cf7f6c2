import type { ChangedRow, ScanName } from '../../src/model';
import type { ServiceEvent } from '../../src/service/events';
import { RecentChanges } from '../../src/status/recent-changes';
import { iso, pageRead, START_MS } from '../support/service-events';

const HOUR = 60 * 60_000;
const NONE = { created: 0, updated: 0, deleted: 0, republished: 0 };

const change = (id: number, op: ChangedRow['op'], scan: ScanName): ChangedRow => ({ id, op, scan });
/** A whole walk of alfa's clients, and what it found. */
const walk = (scan: ScanName, beganMs: number, changed: readonly ChangedRow[] = []): ServiceEvent => {
  const count = (sought: ChangedRow['op']): number => changed.filter(({ op }) => op === sought).length;
  const counts = { created: count('c'), updated: count('u'), deleted: count('d') };
  return pageRead(scan, { counts, changed, cursor: { startedAt: iso(beganMs) }, ended: beganMs + 5 });
};
const latenesses = (changes: RecentChanges): unknown[] =>
  changes.newest().map((one) => (one.kind === 'row' ? [one.id, one.lateMs] : one.kind));

test('rows that changed are told one by one, those that are not named by their number, and pages without changes not at all', () => {
  const changes = new RecentChanges();
  changes.tell(pageRead('sweep', { counts: { rows: 50, unchanged: 50 } }), START_MS);
  const changed = [change(7, 'c', 'newest'), change(4, 'u', 'open')];
  changes.tell(pageRead('newest', { counts: { rows: 50, created: 2, updated: 1 }, changed }), START_MS + 1);
  changes.tell(pageRead('sweep', { stream: 'invoices', counts: { created: 90, firstRead: 90 } }), START_MS + 2);
  const place = { entity: 'alfa', stream: 'clients', lateMs: null };
  expect(changes.newest()).toEqual([
    {
      kind: 'bulk',
      atMs: START_MS + 2,
      entity: 'alfa',
      stream: 'invoices',
      scan: 'sweep',
      counts: { ...NONE, created: 90 },
    },
    { kind: 'row', atMs: START_MS + 1, ...place, id: 4, op: 'u', scan: 'open' },
    { kind: 'row', atMs: START_MS + 1, ...place, id: 7, op: 'c', scan: 'newest' },
    {
      kind: 'bulk',
      atMs: START_MS + 1,
      entity: 'alfa',
      stream: 'clients',
      scan: 'newest',
      counts: { ...NONE, created: 1 },
    },
  ]);
});

test("a change is as late at most as the same scan's last whole walk began before its commit", () => {
  const changes = new RecentChanges();
  changes.tell(walk('newest', START_MS, [change(1, 'c', 'newest')]), START_MS + 10);
  changes.tell(walk('newest', START_MS + 1_000, [change(2, 'c', 'newest')]), START_MS + 1_010);
  changes.tell(walk('sweep', START_MS + 1_500, [change(3, 'c', 'sweep')]), START_MS + 1_510);
  expect(latenesses(changes)).toEqual([
    [3, null],
    [2, 1_010],
    [1, null],
  ]);
});

test('a walk that did not reach its end bounds nothing', () => {
  const changes = new RecentChanges();
  changes.tell(walk('open', START_MS), START_MS + 10);
  changes.tell(pageRead('open', { cursor: { startedAt: iso(START_MS + 1_000) } }), START_MS + 1_010);
  changes.tell(walk('open', START_MS + 2_000, [change(1, 'u', 'open')]), START_MS + 2_010);
  expect(latenesses(changes)).toEqual([[1, 2_010]]);
});

test('a row read alone changed since the open documents were looked at before the look that missed it', () => {
  const changes = new RecentChanges();
  changes.tell(walk('open', START_MS), START_MS + 10);
  changes.tell(walk('open', START_MS + 1_000), START_MS + 1_010);
  const spot = pageRead('spot', { counts: { updated: 1 }, changed: [change(1, 'u', 'spot')], ended: START_MS });
  changes.tell(spot, START_MS + 1_020);
  changes.tell(spot, START_MS + 1_030);
  expect(latenesses(changes)).toEqual([
    [1, 1_030],
    [1, 1_020],
  ]);
});

test('of a deletion it is not known when the row went', () => {
  const changes = new RecentChanges();
  changes.tell(walk('sweep', START_MS), START_MS + 10);
  changes.tell(walk('sweep', START_MS + 1_000, [change(1, 'd', 'sweep')]), START_MS + 1_010);
  expect(latenesses(changes)).toEqual([[1, null]]);
});

test('the changes of a stream are summed until midnight in Warsaw', () => {
  const changes = new RecentChanges();
  // 22:59 and 23:01 UTC of a winter's day are either side of that midnight.
  const midnight = Date.UTC(2026, 0, 7, 23);
  changes.tell(pageRead('newest', { counts: { updated: 2 } }), midnight - HOUR);
  changes.tell(pageRead('sweep', { counts: { updated: 3, created: 1 } }), midnight - 60_000);
  expect(changes.todayOf('alfa', 'clients', midnight - 1)).toEqual({ ...NONE, updated: 5, created: 1 });
  expect(changes.todayOf('alfa', 'invoices', midnight - 1)).toEqual(NONE);
  expect(changes.todayOf('alfa', 'clients', midnight)).toEqual(NONE);
  changes.tell(pageRead('newest', { counts: { updated: 1 } }), midnight + 60_000);
  expect(changes.todayOf('alfa', 'clients', midnight + HOUR)).toEqual({ ...NONE, updated: 1 });
});

test('no more than the last hundred are kept', () => {
  const changes = new RecentChanges();
  for (let page = 0; page < 250; page++) changes.tell(pageRead('sweep', { counts: { updated: 1 } }), START_MS + page);
  expect(changes.newest().map(({ atMs }) => atMs - START_MS)).toEqual(Array.from({ length: 100 }, (_, i) => 249 - i));
});
