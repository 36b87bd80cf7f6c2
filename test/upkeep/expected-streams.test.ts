import { createLedger } from '../../src/changes/ledger';
import type { Cursor } from '../../src/model';
import { NO_COUNTS, nextWalk } from '../../src/rules/cursor';
import { streamsAdded, streamsKnown, UNKNOWN_INVOICES } from '../../src/upkeep/expected-streams';

const HOUR = 3_600_000;
const nowMs = Date.parse('2026-03-02T10:00:00.000Z');
const query = { from: null, to: null, order: 'asc' } as const;
const alfa = { id: 'alfa', enabled: true, streams: ['clients', 'invoices'] };
const at = { recentDays: 45, nowMs };

function cursor(startedMs: number, finishedMs: number | null, more: Partial<Cursor> = {}): Cursor {
  const finishedAt = finishedMs === null ? null : new Date(finishedMs).toISOString();
  return { ...nextWalk(null, query, startedMs), finishedAt, ...more };
}

function view(stream: string, cursors: Record<string, Cursor>) {
  return { entity: 'alfa', stream, ledger: createLedger({ entity: 'alfa', stream }), cursors };
}

test('an entity of which nothing was read counts as a company of so many invoices, and one that is not enabled not at all', () => {
  const streams = streamsKnown([alfa, { ...alfa, id: 'beta', enabled: false }], [], at);
  expect(streams.map(({ entity, declaration, rows }) => [entity, declaration.name, rows.sweep])).toEqual([
    ['alfa', 'clients', UNKNOWN_INVOICES / 10],
    ['alfa', 'invoices', UNKNOWN_INVOICES],
  ]);
  expect(streams.every(({ isCounted, ratesFrom }) => !isCounted && ratesFrom === 'what is typical')).toBe(true);
});

test('what was found since the last sweep says how often something changes', () => {
  const sweep = cursor(nowMs - 3 * HOUR, nowMs - 2 * HOUR, {
    publishedSince: { ...NO_COUNTS, created: 130, firstRead: 10, updated: 80 },
    deletedSince: 12,
  });
  const open = cursor(nowMs - HOUR, nowMs - HOUR, { totalCount: 77 });
  const [, invoices] = streamsKnown([alfa], [view('invoices', { sweep, open })], at);
  expect(invoices).toMatchObject({ isCounted: true, ratesFrom: 'the last sweep', rows: { open: 77 } });
  expect(invoices?.perMinute).toEqual({
    new: 1,
    deleted: 0.1,
    paid: 1 / 3,
    'edited-open': 1 / 6,
    'edited-recent': 1 / 12,
    'edited-old': 1 / 12,
  });
});

test('soon after a sweep, that sweep says so, and clients are not paid', () => {
  const sweep = cursor(nowMs - HOUR, nowMs - 60_000, {
    counts: { ...NO_COUNTS, created: 59, updated: 118, deleted: 59 },
  });
  const [clients] = streamsKnown([alfa], [view('clients', { sweep })], at);
  expect(clients?.perMinute).toMatchObject({ new: 1, paid: 0, 'edited-old': 2, 'edited-open': 0, deleted: 1 });
});

test.each([
  ['a first sweep is under way', cursor(nowMs - HOUR, null)],
  [
    'the first sweep has just ended',
    cursor(nowMs - HOUR, nowMs, { counts: { ...NO_COUNTS, created: 9, firstRead: 9 } }),
  ],
  ['the last sweep was short and has just ended', cursor(nowMs - 90_000, nowMs)],
])('nothing says how often something changes where %s', (_, sweep) => {
  const [clients] = streamsKnown([alfa], [view('clients', { sweep })], at);
  expect(clients?.ratesFrom).toBe('what is typical');
});

test('companies that are thought of share their new invoices by size', () => {
  const added = [
    { count: 2, invoices: 1_000 },
    { count: 1, invoices: 2_000 },
  ];
  const streams = streamsAdded(added, { recentDays: 45, newPerDay: 600 });
  expect(new Set(streams.map(({ entity }) => entity)).size).toBe(3);
  const invoices = streams.filter(({ declaration }) => declaration.name === 'invoices');
  expect(invoices.map(({ rows, perMinute }) => [rows.sweep, perMinute.new])).toEqual([
    [1_000, 0.25],
    [1_000, 0.25],
    [2_000, 0.5],
  ]);
});
