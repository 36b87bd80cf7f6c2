import type { Board } from '../../src/status/board';
import { healthOf } from '../../src/status/health';
import { statusReasons } from '../../src/status/reasons';
import type { StreamStatus } from '../../src/status/stream-status';
import { iso, START_MS } from '../support/service-events';

const well: StreamStatus = {
  ...{ entity: 'alfa', stream: 'clients', state: 'reading', reason: null, also: [], sinceMs: START_MS - 5_000 },
  ...{ untilMs: null, sweep: null, completeMs: START_MS - 90_000, staleAfterMs: 1_800_000, firstSweep: null },
  ...{ newestMs: START_MS - 10_000, filters: null, toldMs: START_MS, owner: 'one', version: '0.2.0', entitySet: 'e1' },
};

const boardOf = (...statuses: readonly StreamStatus[]): Pick<Board, 'statuses' | 'isConfigured' | 'disagreement'> => ({
  statuses: () => statuses,
  isConfigured: (entity) => entity === 'alfa',
  disagreement: () => null,
});

test('streams that are as they should be are healthy, with the age of each in seconds', () => {
  expect(healthOf(boardOf(well), START_MS)).toEqual({
    status: 200,
    healthy: true,
    at: iso(START_MS),
    problems: [],
    notices: [],
    streams: [
      {
        ...{ entity: 'alfa', stream: 'clients', state: 'reading', reason: null, also: [], until: null, sweep: null },
        ...{ since: iso(START_MS - 5_000), complete_at: iso(START_MS - 90_000), age_seconds: 90, first_sweep: null },
        ...{
          stale_after_seconds: 1_800,
          newest_at: iso(START_MS - 10_000),
          filters: null,
          owner: 'one',
          version: '0.2.0',
        },
      },
    ],
  });
});

test('what a list does with filters is told with each stream that this replica reads', () => {
  const candidate = { kind: 'paid', parameter: 'q[paid_date_gteq]', field: 'paid_date' } as const;
  const standing = {
    candidate,
    verdict: 'retired',
    why: 'row 7 was not shown',
    wasAnswered: true,
    sinceMs: START_MS,
  } as const;
  const { streams } = healthOf(boardOf({ ...well, filters: [standing] }, well), START_MS);
  const told = { filter: 'q[paid_date_gteq]', verdict: 'retired', since: iso(START_MS), why: 'row 7 was not shown' };
  expect(streams.map(({ filters }) => filters)).toEqual([[told], null]);
});

test.each(statusReasons)(
  '%s is listed with what to do, and alone decides the status as its table says (I10)',
  (reason) => {
    const { status, problems } = healthOf(boardOf(well, { ...well, stream: 'invoices', reason }), START_MS);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ entity: 'alfa', stream: 'invoices', reason, since: iso(START_MS - 5_000) });
    expect(status).toBe(['drift', 'misfits', 'filter-ignored', 'not-available'].includes(reason) ? 200 : 503);
  },
);

test('everything that is wrong is listed, what makes the data unhealthy first', () => {
  const noted = { ...well, reason: 'misfits' } as const;
  const stale = { ...well, stream: 'invoices', reason: 'forbidden', also: ['stale', 'misfits'] } as const;
  const { status, problems } = healthOf(boardOf(noted, stale), START_MS);
  expect(status).toBe(503);
  expect(problems.map(({ stream, reason, unhealthy }) => [stream, reason, unhealthy])).toEqual([
    ['invoices', 'forbidden', true],
    ['invoices', 'stale', true],
    ['clients', 'misfits', false],
    ['invoices', 'misfits', false],
  ]);
});

test('an entity that no file names any more is shown and wrong nowhere, but one that a file here names is', () => {
  const removed = { ...well, state: 'not-read', reason: 'not-configured-here' } as const;
  expect(healthOf(boardOf({ ...removed, entity: 'gone' }), START_MS)).toMatchObject({ status: 200, problems: [{}] });
  expect(healthOf(boardOf(removed), START_MS)).toMatchObject({ status: 503 });
});

test('a sweep and a first sweep are shown with their rows', () => {
  const sweep = { beganMs: START_MS - 2_000, endedMs: START_MS - 1_000, rows: 7, complete: false };
  const shown = { ...well, completeMs: null, staleAfterMs: null, sweep, firstSweep: { rows: 3, total: null } };
  expect(healthOf(boardOf(shown), START_MS).streams[0]).toMatchObject({
    sweep: { began: iso(START_MS - 2_000), ended: iso(START_MS - 1_000), rows: 7, complete: false },
    ...{ first_sweep: { rows: 3, total: null }, age_seconds: null, complete_at: null, stale_after_seconds: null },
  });
});

test('replicas whose entity files differ are a notice with what to do, and leave the data healthy', () => {
  const sets = new Map([
    ['one', 'new'],
    ['other', 'old'],
  ]);
  const board = { ...boardOf(well), disagreement: () => ({ sinceMs: START_MS - 60_000, sets }) };
  expect(healthOf(board, START_MS)).toMatchObject({
    status: 200,
    notices: [
      {
        notice: 'entity-files-differ',
        do: expect.stringMatching(/^Give every replica the same entity files/) as string,
        since: iso(START_MS - 60_000),
        replicas: { one: 'new', other: 'old' },
      },
    ],
  });
});

test('how often each list is read and why is told of streams that this replica reads', () => {
  const figures = { scan: 'open', pages: 80, everyMs: 960_000, pacing: 'changes', changesPerMinute: 0.05 } as const;
  const { streams } = healthOf(boardOf(well), START_MS, (entity) => (entity === well.entity ? [figures] : []));
  expect(streams[0]?.scans).toEqual([
    {
      scan: 'open',
      pages: 80,
      every_seconds: 960,
      paced_by: 'changes',
      changes_per_hour: 3,
      why: 'open: a page every 12 s, all 80 every 16 min, because about 3 payments and edits an hour show there',
    },
  ]);
  expect(healthOf(boardOf(well), START_MS).streams[0]).not.toHaveProperty('scans');
});
