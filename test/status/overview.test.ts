import { healthOf } from '../../src/status/health';
import { overviewOf, rowsOf, type Overview } from '../../src/status/overview';
import { totalOf } from '../../src/status/recent-changes';
import type { StreamStatus } from '../../src/status/stream-status';
import { START_MS } from '../support/service-events';

const status = (entity: string, changes: Partial<StreamStatus> = {}): StreamStatus => ({
  ...{ entity, stream: 'clients', state: 'reading', reason: null, also: [], sinceMs: START_MS, untilMs: null },
  ...{ sweep: { beganMs: START_MS, endedMs: START_MS, rows: 100, complete: true }, completeMs: START_MS },
  ...{
    staleAfterMs: 1_800_000,
    firstSweep: null,
    newestMs: START_MS,
    filters: null,
    toldMs: START_MS,
    owner: 'one',
    version: '1',
    entitySet: 'e1',
  },
  ...changes,
});
const today = { created: 1, updated: 2, deleted: 3, republished: 4 };

function overview(...statuses: readonly StreamStatus[]): Overview {
  const board = { statuses: () => statuses, isConfigured: () => true, disagreement: () => null };
  return overviewOf(healthOf(board, START_MS), {
    todayOf: (_entity, _stream, owner) => (owner === 'one' ? today : null),
    leftMs: () => 61_000,
  });
}

test('the worst stand first: by the most serious reason, then what is on its way, what is noted, and what is well', () => {
  const { entities, verdicts, healthy } = overview(
    status('a-well'),
    status('b-noted', { reason: 'misfits' }),
    status('c-first', { state: 'first-sweep', firstSweep: { rows: 10, total: 40 } }),
    status('d-stale', { reason: 'stale' }),
    status('e-refused', { state: 'parked', reason: 'unauthorized' }),
    status('f-refused', { reason: 'misfits', also: ['unauthorized'] }),
  );
  expect(entities.map(({ entity, verdict }) => `${entity} ${verdict}`)).toEqual([
    'e-refused wrong',
    'f-refused wrong',
    'd-stale wrong',
    'c-first unsettled',
    'b-noted noted',
    'a-well well',
  ]);
  expect(verdicts).toEqual({ wrong: 3, unsettled: 1, noted: 1, well: 1 });
  expect(healthy).toBe(false);
});

test('an entity is as bad as the worst of its streams, each of which has its own problems', () => {
  const { entities } = overview(status('alfa'), status('alfa', { stream: 'invoices', reason: 'held' }));
  expect(entities).toMatchObject([
    { entity: 'alfa', verdict: 'wrong', streams: [{ problems: [] }, { problems: [{ reason: 'held' }] }] },
  ]);
});

test('rows, streams and the changes of this replica are summed', () => {
  const found = overview(
    status('alfa'),
    status('beta', { state: 'first-sweep', sweep: null, firstSweep: { rows: 7, total: null } }),
    status('gamma', { sweep: null, owner: 'two' }),
  );
  expect(found).toMatchObject({ streams: 3, rows: 107, today: 20 });
  expect(
    found.entities.map(({ entity, streams }) => [entity, streams.map(rowsOf), streams.map((s) => s.today)]),
  ).toEqual([
    ['beta', [7], [today]],
    ['alfa', [100], [today]],
    ['gamma', [null], [null]],
  ]);
  expect(totalOf(today)).toBe(10);
});

test('the time that a first sweep has left is told in whole minutes, and of no other sweep', () => {
  const { entities } = overview(
    status('alfa', { state: 'first-sweep', firstSweep: { rows: 7, total: 9 } }),
    status('beta'),
  );
  expect(entities.map(({ streams }) => streams.map(({ leftMs }) => leftMs))).toEqual([[120_000], [null]]);
});
