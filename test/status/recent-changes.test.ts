import { RecentChanges } from '../../src/status/recent-changes';
import { pageRead, START_MS } from '../support/service-events';

const HOUR = 60 * 60_000;
const NONE = { created: 0, updated: 0, deleted: 0, republished: 0 };

test('pages that changed something are listed by what they changed, those that did not are not', () => {
  const changes = new RecentChanges();
  changes.tell(pageRead('sweep', { counts: { rows: 50, unchanged: 50 } }), START_MS);
  changes.tell(pageRead('newest', { counts: { rows: 50, created: 2, updated: 1 } }), START_MS + 1);
  changes.tell(pageRead('sweep', { stream: 'invoices', counts: { deleted: 3 } }), START_MS + 2);
  expect(changes.newest()).toEqual([
    { atMs: START_MS + 2, entity: 'alfa', stream: 'invoices', scan: 'sweep', counts: { ...NONE, deleted: 3 } },
    {
      atMs: START_MS + 1,
      entity: 'alfa',
      stream: 'clients',
      scan: 'newest',
      counts: { ...NONE, created: 2, updated: 1 },
    },
  ]);
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

test('no more than the last hundred pages are kept', () => {
  const changes = new RecentChanges();
  for (let page = 0; page < 250; page++) changes.tell(pageRead('sweep', { counts: { updated: 1 } }), START_MS + page);
  expect(changes.newest().map(({ atMs }) => atMs - START_MS)).toEqual(Array.from({ length: 100 }, (_, i) => 249 - i));
});
