import { wasRead, type Progress } from '../../src/reading/progress';
import { NO_COUNTS, resumeOrBegin } from '../../src/rules/cursor';

test('only pages and sweeps show that something was read', () => {
  const place = { entity: 'alfa', stream: 'items' };
  const cursor = resumeOrBegin(null, { from: null, to: null, order: 'asc' }, 0);
  const error = new Error('down');
  const all: Progress[] = [
    { kind: 'page', ...place, counts: NO_COUNTS, cursor },
    { kind: 'sweep', ...place, cursor },
    { kind: 'parked', ...place, reason: 'unavailable', error, waitMs: 1 },
    { kind: 'retrying', ...place },
    { kind: 'given-up', ...place, reason: 'unavailable', error },
    { kind: 'held', ...place, hold: { id: 'h', reason: 'too many', since: '2026-01-01T00:00:00.000Z', sweep: 1 } },
    { kind: 'warning', ...place, message: 'look' },
  ];
  expect(all.filter(wasRead).map(({ kind }) => kind)).toEqual(['page', 'sweep']);
});
