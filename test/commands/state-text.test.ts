import { createLedger } from '../../src/changes/ledger';
import { plainPage } from '../../src/commands/page';
import { stateText, type JudgedView, type StateTextOptions } from '../../src/commands/state-text';
import type { Cursor } from '../../src/model';
import type { StreamStatus } from '../../src/status/stream-status';
import type { StatusOf } from '../../src/upkeep/read-statuses';
import { NO_COUNTS } from '../../src/rules/cursor';
import { allThere } from '../support/completeness';

const nowMs = Date.parse('2026-01-07T10:00:00.000Z');
const cursor: Cursor = {
  number: 4,
  query: { from: null, to: null, order: 'asc' },
  startedAt: '2026-01-07T09:50:00.000Z',
  finishedAt: '2026-01-07T09:57:00.000Z',
  position: { offset: 0, anchor: null, step: 1, requests: 1, unproven: 0 },
  totalCount: 2,
  counts: { ...NO_COUNTS, rows: 2 },
  sums: {},
};

function judged(entity: string, stream: string, more: Partial<JudgedView['view']> = {}): JudgedView {
  const ledger = createLedger({ entity, stream });
  ledger.loaded();
  return {
    view: { entity, stream, ledger, cursors: { sweep: cursor }, hold: null, definitions: [], ...more },
    completeness: allThere,
  };
}

const configured = (...ids: readonly string[]): StateTextOptions['entities'] =>
  ids.map((id) => ({ id, enabled: true, streams: ['clients', 'invoices'] }));

function told(views: readonly JudgedView[], more: Partial<StateTextOptions> = {}): readonly string[] {
  const plan = { wantedPerMinute: 1, forecasts: [] };
  return stateText(views, {
    entities: configured(...new Set(views.map(({ view }) => view.entity))),
    plan,
    foreseen: [],
    nowMs,
    page: plainPage,
    inFull: false,
    ...more,
  });
}

const both = (entity: string): readonly JudgedView[] => [judged(entity, 'clients'), judged(entity, 'invoices')];
const hold = { id: 'h7', reason: '9 of 10 rows are gone', since: '2026-01-07T09:57:00.000Z', sweep: 4 };

test('an entity in which all is well has one line, below a summary', () => {
  expect(told([...both('alfa'), ...both('beta')])).toEqual([
    '2 entities, 4 streams: 4 complete; 0 rows in the ledger, oldest sweep 3 min ago',
    'alfa: 2 streams complete, 0 rows, oldest sweep 3 min ago',
    'beta: 2 streams complete, 0 rows, oldest sweep 3 min ago',
  ]);
});

test('forty companies in which all is well fit on forty-one lines', () => {
  const names = Array.from({ length: 40 }, (_, index) => `company-${index}`);
  expect(told(names.flatMap(both))).toHaveLength(41);
});

test('the worst entity stands first: held, then never swept, then not complete', () => {
  const lacking = { ...allThere, complete: false, reasons: ['dead-letters'] as const, deadLetters: [7] };
  const views = [
    ...both('alfa'),
    { ...judged('beta', 'clients'), completeness: lacking },
    judged('beta', 'invoices'),
    judged('delta', 'clients'),
    judged('delta', 'invoices', { hold }),
  ];
  const lines = told(views, { entities: configured('alfa', 'beta', 'gamma', 'delta') });
  expect(lines[0]).toBe(
    '4 entities, 8 streams: 1 held, 2 never swept, 1 not complete, 4 complete; 0 rows in the ledger, oldest sweep 3 min ago',
  );
  expect(lines.filter((line) => !line.startsWith(' ')).slice(1)).toEqual([
    expect.stringMatching(/^delta invoices: 0 rows in the ledger/),
    'delta: 1 stream (clients) complete, 0 rows, oldest sweep 3 min ago',
    'gamma clients: nothing remembered yet',
    'gamma invoices: nothing remembered yet',
    expect.stringMatching(/^beta clients: 0 rows in the ledger, 0 missing, last finished sweep: 4, finished 2026/),
    'beta: 1 stream (invoices) complete, 0 rows, oldest sweep 3 min ago',
    'alfa: 2 streams complete, 0 rows, oldest sweep 3 min ago',
  ]);
  expect(lines).toContain('  HELD since 2026-01-07T09:57:00.000Z: 9 of 10 rows are gone (hold h7)');
  expect(lines).toContain('  NOT complete: 1 dead letters standing (7)');
});

test('in full every stream is told with its scans', () => {
  const lines = told(both('alfa'), { inFull: true });
  expect(lines).toContain(
    '  filters: each run proves them for itself and stores nothing of it; check says what a list does with them',
  );
  expect(lines.filter((line) => line.startsWith('alfa '))).toHaveLength(2);
  expect(lines.filter((line) => line.startsWith('  sweep 4: complete, everything, started '))).toHaveLength(2);
});

test('misfits and rows that a person accepted stay visible where all is well', () => {
  const [clients, invoices] = both('alfa');
  const accepted = { ...allThere, deadLetters: [7], accepted: [7] };
  const odd = judged('alfa', 'invoices', { cursors: { sweep: { ...cursor, misfits: { notes: 1 } } } });
  expect(told([{ ...(clients ?? odd), completeness: accepted }, odd])[1]).toBe(
    "alfa: 2 streams complete, 0 rows, oldest sweep 3 min ago; clients: 1 dead letters standing (7), of these 1 accepted in the entity's file; invoices: misfits in notes (1 record)",
  );
  expect(invoices).toBeDefined();
});

test('what is remembered of an entity that nobody reads is said to be so', () => {
  const lines = told(both('former'), { entities: configured('alfa') });
  expect(lines).toContain('  former is not read: no enabled entity has that name');
});

test('while a sweep is under way the one before ended at the latest when that began', () => {
  const underWay = { ...cursor, number: 5, finishedAt: null };
  const [line] = told([judged('alfa', 'clients', { cursors: { sweep: underWay } }), judged('alfa', 'invoices')]);
  expect(line).toContain('2 complete; 0 rows in the ledger, oldest sweep 10 min ago');
});

test('standing dead letters are counted by error; that their topic cannot be read is said', () => {
  const one = judged('alfa', 'invoices');
  const ledger = Object.assign(createLedger({ entity: 'alfa', stream: 'invoices' }), { deadLettered: () => [1, 2] });
  const view = { ...one.view, ledger };
  const completeness = { ...allThere, complete: false, deadLetters: [1, 2], reasons: ['dead-letters' as const] };
  const lines = (errorsOf: StateTextOptions['errorsOf']): readonly string[] =>
    told([{ view, completeness }], errorsOf === undefined ? {} : { errorsOf });
  const expected = 'expected an integer of minor units';
  expect(lines(() => [{ path: 'gross_price', expected, rows: 2 }])).toContain(`    2 gross_price: ${expected}`);
  expect(lines(null)).toContain('  dead letters by error: not known, as their topic cannot be read');
  expect(lines(undefined).join()).not.toContain('by error');
});

test('the owner of each stream is told as it has written last; that the status topic cannot be read is said in full alone', () => {
  const status: StreamStatus = {
    ...{ entity: 'alfa', stream: 'clients', state: 'parked', reason: 'held', also: ['stale'], sinceMs: nowMs },
    ...{
      untilMs: null,
      sweep: null,
      completeMs: null,
      staleAfterMs: null,
      firstSweep: null,
      newestMs: null,
      filters: null,
    },
    ...{ toldMs: nowMs, owner: 'books-1', version: '0.2.0', entitySet: null },
  };
  const statusOf: StatusOf = (entity, stream) => (entity === 'alfa' ? { ...status, owner: `${stream}-1` } : null);
  expect(told([...both('alfa'), ...both('beta')], { statusOf }).slice(1)).toEqual([
    'alfa: 2 streams complete, 0 rows, oldest sweep 3 min ago, owner clients-1, invoices-1',
    'beta: 2 streams complete, 0 rows, oldest sweep 3 min ago',
  ]);
  const inFull = (of: StatusOf | null): readonly string[] =>
    told([judged('alfa', 'clients')], { inFull: true, statusOf: of }).filter((line) => line.includes('owner'));
  expect(inFull(statusOf)).toEqual(['  owner clients-1: parked, held, stale, told 2026-01-07T10:00:00.000Z']);
  expect(inFull(null)).toEqual(['  owner: not known, as the status topic cannot be read']);
  expect(told(both('alfa'), { statusOf: null })[1]).not.toContain('owner');
});
