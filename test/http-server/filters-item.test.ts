import { filtersItem } from '../../src/http-server/filters-item';
import { textOf } from '../../src/http-server/page-text';
import { iso, START_MS } from '../support/service-events';

test('filters are told with their verdicts, and why where the verdict alone does not say it', () => {
  const since = iso(START_MS);
  const filters = [
    { filter: 'q[paid_date_gteq]', verdict: 'works', since, why: 'it gave 1 of 2 rows' },
    { filter: 'q[updated_at_gteq]', verdict: 'retired', since, why: 'row 7 was <not> shown' },
  ] as const;
  const item = filtersItem({ filters });
  expect(item === '' ? '' : textOf(item).replace(/\s+/g, ' ')).toContain(
    '<li title="it gave 1 of 2 rows">q[paid_date_gteq] works</li><li title="row 7 was &lt;not&gt; shown">q[updated_at_gteq] retired: row 7 was &lt;not&gt; shown</li>',
  );
  expect([filtersItem({ filters: [] }), filtersItem({ filters: null })]).toEqual(['', '']);
});
