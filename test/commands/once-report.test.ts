import {
  asJson,
  createDisplay,
  createWaits,
  failureReason,
  isDone,
  newReport,
  note,
  summary,
  verdictText,
  type StreamReport,
} from '../../src/commands/once-report';
import { ConfigError, FatalError, TransientError } from '../../src/errors';
import type { Cursor, Misfits } from '../../src/model';
import type { Progress } from '../../src/reading/progress';
import type { Completeness } from '../../src/rules/completeness';
import { NO_COUNTS } from '../../src/rules/cursor';
import { allThere } from '../support/completeness';

let reports: Map<string, StreamReport>;

beforeEach(() => {
  reports = new Map(
    ['alfa clients', 'alfa invoices', 'beta clients'].map((name) => {
      const [entity = '', stream = ''] = name.split(' ');
      return [name, newReport(entity, stream)];
    }),
  );
});

function reportOf(name: string): StreamReport {
  const report = reports.get(name);
  if (report === undefined) throw new Error(`expected a report of ${name}, got none`);
  return report;
}

function cursorAt(rows: number, totalCount: number): Cursor {
  return {
    number: 1,
    query: { from: null, to: null, order: 'asc' },
    startedAt: '2026-01-07T10:00:00.000Z',
    finishedAt: null,
    position: { offset: 0, anchor: null, step: 1, requests: 1, unproven: 0 },
    totalCount,
    counts: { ...NO_COUNTS, rows },
    sums: {},
  };
}

const page = (stream: string, counts: Partial<Cursor['counts']>, cursor: Cursor, misfits: Misfits = {}): Progress => ({
  kind: 'page',
  entity: 'alfa',
  stream,
  counts: { ...NO_COUNTS, ...counts },
  cursor,
  misfits,
});
const swept = (stream: string, standing: Partial<Completeness> = {}): Progress => ({
  kind: 'swept',
  entity: 'alfa',
  stream,
  cursor: cursorAt(2, 2),
  completeness: { ...allThere, ...standing },
  live: 0,
  ledgerBytes: 0,
});
const requestMade = { attempt: 1, after: null, waitedMs: 0, allowance: { used: 1, limit: null } } as const;
const error = new FatalError('refused', { reason: 'unauthorized', parks: 'entity' });

test('a stream counts its requests and pages, and its time from the first request to the last news', () => {
  note(reports, { kind: 'request', entity: 'alfa', stream: 'clients', ...requestMade }, 1_000);
  note(reports, { kind: 'request', entity: 'alfa', stream: 'clients', ...requestMade }, 2_000);
  note(reports, page('clients', { rows: 100, created: 60, unchanged: 40 }, cursorAt(100, 150)), 3_000);
  note(reports, page('clients', { rows: 50, created: 50 }, cursorAt(150, 150)), 3_500);
  note(reports, { kind: 'sweep', entity: 'alfa', stream: 'clients', cursor: cursorAt(150, 150) }, 3_800);
  note(reports, swept('clients'), 4_000);
  expect(asJson(reportOf('alfa clients'))).toEqual({
    entity: 'alfa',
    stream: 'clients',
    requests: 2,
    rows: 150,
    created: 110,
    first_read: 0,
    updated: 0,
    republished: 0,
    deleted: 0,
    unchanged: 40,
    dead_letters: 0,
    misfits: {},
    dead_letters_standing: 0,
    pending: 0,
    unreadable: 0,
    hold: null,
    accepted: 0,
    ids: { dead_letters: [], pending: [], accepted: [] },
    unreadable_between: [],
    complete: true,
    seconds: 3,
    reason: null,
    reasons: [],
  });
  expect(asJson(reportOf('alfa invoices'))).toMatchObject({ requests: 0, rows: 0, complete: false, seconds: 0 });
});

test('an attempt of no stream that is read, such as at an account, counts nowhere', () => {
  note(reports, { kind: 'request', entity: 'alfa', stream: 'account', ...requestMade }, 1_000);
  expect([...reports.values()].map(({ requests }) => requests)).toEqual([0, 0, 0]);
});

test('what follows a sweep whose deletions are decided counts, and nothing else changes its report', () => {
  note(reports, { kind: 'sweep', entity: 'alfa', stream: 'clients', cursor: cursorAt(2, 2) }, 1_000);
  note(reports, swept('clients'), 1_500);
  note(reports, { kind: 'given-up', entity: 'alfa', stream: null, reason: 'unauthorized', error }, 2_000);
  note(reports, page('clients', { deleted: 1 }, cursorAt(2, 2)), 3_000);
  expect(reportOf('alfa clients')).toMatchObject({ complete: true, reason: null, counts: { deleted: 1 } });
});

test('a stream that is given up over its deletions is not complete, although its sweep is finished (I10)', () => {
  note(reports, { kind: 'sweep', entity: 'alfa', stream: 'clients', cursor: cursorAt(2, 2) }, 1_000);
  note(reports, { kind: 'given-up', entity: 'alfa', stream: 'clients', reason: 'unavailable', error }, 2_000);
  expect(reportOf('alfa clients')).toMatchObject({ complete: false, reason: 'unavailable' });
});

test('a finished sweep that lacks something is not complete, for the reasons that the one place gives (I10)', () => {
  const dead = { complete: false, reasons: ['dead-letters'], deadLetters: [7] } as const;
  note(reports, swept('clients', dead), 1_000);
  expect(asJson(reportOf('alfa clients'))).toMatchObject({
    complete: false,
    reason: 'dead-letters',
    dead_letters_standing: 1,
    ids: { dead_letters: [7] },
  });
  expect(summary(reportOf('alfa clients'))).toContain('NOT complete: dead-letters: 1 dead letters standing (7)');
  note(reports, swept('invoices', { complete: false, reasons: ['held'], hold: 'hold 1' }), 1_000);
  expect(summary(reportOf('alfa invoices'))).toContain('NOT complete: held: deletions wait for a person (hold hold 1)');
});

test('a sweep that could not read rows is not complete, and says between which ids they are (I10)', () => {
  const unreadable = [{ after: 16, upTo: 17, rows: 1 }];
  note(reports, swept('clients', { complete: false, reasons: ['unreadable'], unreadable }), 1_000);
  expect(asJson(reportOf('alfa clients'))).toMatchObject({
    complete: false,
    reason: 'unreadable',
    unreadable: 1,
    unreadable_between: [{ after_id: 16, before_id: 18, rows: 1 }],
  });
  expect(summary(reportOf('alfa clients'))).toContain(
    'NOT complete: unreadable: 1 unreadable (1 after id 16 and before id 18)',
  );
});

test('values that are not of their kind are counted by field, page by page', () => {
  for (const misfits of [{ notes: 2 }, {}, { notes: 1, 'services.unit': 1 }])
    note(reports, page('clients', { created: 3 }, cursorAt(3, 3), misfits), 1_000);
  expect(asJson(reportOf('alfa clients'))).toMatchObject({ misfits: { notes: 3, 'services.unit': 1 } });
  expect(summary(reportOf('alfa clients'))).toContain(', misfits in notes (3 records), services.unit (1 record) in ');
});

test('a stream that the key may not read says in its line what a person is to do', () => {
  const forbidden = new FatalError('GET /clients.json expected 200, got 403', { reason: 'forbidden', parks: 'stream' });
  for (const stream of ['clients', 'invoices'])
    note(reports, { kind: 'given-up', entity: 'alfa', stream, reason: 'forbidden', error: forbidden }, 1_000);
  for (const name of ['alfa clients', 'alfa invoices']) {
    expect(summary(reportOf(name))).toMatch(
      /NOT complete: forbidden, give the API key the scope api:invoices:read: the plan or the key does not allow this list$/,
    );
    expect(asJson(reportOf(name))).toMatchObject({
      reason: 'forbidden',
      advice: expect.stringContaining('api:invoices:read') as string,
    });
  }
});

test('dead letters for which the stream was parked in this run are told as a changed shape', () => {
  note(reports, { kind: 'parked', entity: 'alfa', stream: 'clients', reason: 'shape-changed', error, waitMs: 1 }, 500);
  note(reports, swept('clients', { complete: false, reasons: ['dead-letters'], deadLetters: [7] }), 1_000);
  expect(reportOf('alfa clients')).toMatchObject({ complete: false, reason: 'shape-changed' });
});

test('an entity that is given up is the reason of each of its streams, and of no other entity', () => {
  note(reports, { kind: 'given-up', entity: 'alfa', stream: null, reason: 'unauthorized', error }, 1_000);
  expect([...reports.values()].map(({ reason }) => reason)).toEqual(['unauthorized', 'unauthorized', null]);
});

test('the summary of a stream names deletions and dead letters only where there are some', () => {
  const report = { ...newReport('alfa', 'clients'), startedMs: 0, endedMs: 1_250, complete: true };
  report.counts = { ...NO_COUNTS, rows: 5, created: 2, updated: 1, unchanged: 2 };
  expect(summary(report)).toBe('alfa clients: 5 rows, 2 created, 1 updated, 2 unchanged in 1.3 s, complete');
  report.counts = { ...report.counts, deleted: 3, deadLetters: 1, firstRead: 2, republished: 4 };
  expect(summary({ ...report, complete: false, reason: 'forbidden' })).toBe(
    'alfa clients: 5 rows, 2 first read, 0 created, 1 updated, 4 republished, 3 deleted, 2 unchanged, 1 dead-lettered in 1.3 s, NOT complete: forbidden',
  );
});

test('the line of an entity without start_date says from which day on its documents are read', () => {
  const from = (day: string | null): Cursor => ({ ...cursorAt(2, 2), query: { from: day, to: null, order: 'asc' } });
  reports.set('alfa invoices', newReport('alfa', 'invoices', true));
  reports.set('alfa clients', newReport('alfa', 'clients', true));
  note(reports, page('invoices', { rows: 2 }, from('2026-09-01')), 1_000);
  note(reports, page('clients', { rows: 2 }, from(null)), 1_000);
  expect(summary(reportOf('alfa invoices'))).toMatch(
    /^alfa invoices: 2 rows \(start_date not set: 90 days, from 2026-09-01\), 0 created/,
  );
  expect(summary(reportOf('alfa clients'))).toMatch(/^alfa clients: 2 rows, 0 created/);
});

test('the last line says how many streams are complete, and names those that are not', () => {
  const all = [...reports.values()];
  for (const report of all) report.complete = true;
  expect(verdictText(all)).toBe('All 3 streams are complete.');
  reportOf('beta clients').complete = false;
  expect(verdictText(all)).toBe('1 of 3 streams are NOT complete: beta clients');
  reportOf('beta clients').reason = 'not-available';
  expect(verdictText(all)).toBe('All 2 streams are complete; 1 more not available.');
});

test('a stream that the account does not have is not complete, and nothing of it is left to be read', () => {
  const error = new FatalError('expected 200, got 404', { reason: 'not-available', parks: 'stream' });
  const places = { entity: 'beta', stream: 'clients' };
  expect(isDone(reportOf('beta clients'))).toBe(false);
  note(reports, { kind: 'given-up', ...places, reason: 'not-available', error }, 1_000);
  const report = reportOf('beta clients');
  expect(isDone(report)).toBe(true);
  expect(asJson(report)).toMatchObject({ complete: false, reason: 'not-available', reasons: ['not-available'] });
  expect(asJson(report)).not.toHaveProperty('advice');
  expect(summary(report)).toBe('beta clients: not available: the account does not have this list');
});

test('a run that waits says for whom and until when, and not that it has read nothing', () => {
  let shown = '';
  const waits = createWaits();
  const display = createDisplay({ columns: null, stderr: (text) => void (shown += text) }, reports, () => 1_000, waits);
  const untilMs = Date.parse('2026-01-07T10:00:15.000Z');
  const error = new FatalError('no', { reason: 'unavailable', parks: 'entity' });
  waits.note({ kind: 'waiting', wait: { forWhom: 'another instance', untilMs } }, 0);
  display.show();
  expect(shown).toBe('waiting for another instance, until 10:00:15 UTC at the latest\n');
  waits.note({ kind: 'waiting', wait: null }, 0);
  waits.note({ kind: 'parked', entity: 'alfa', stream: null, reason: 'unavailable', error, waitMs: 60_000 }, untilMs);
  waits.note({ kind: 'parked', entity: 'beta', stream: 'clients', reason: 'forbidden', error, waitMs: 5_000 }, untilMs);
  shown = '';
  display.show();
  expect(shown).toBe(
    'waiting for alfa, parked (unavailable), next try at 10:01:15 UTC\nwaiting for beta clients, parked (forbidden), next try at 10:00:20 UTC\n',
  );
  waits.note({ kind: 'retrying', entity: 'alfa', stream: null }, untilMs);
  waits.note({ kind: 'given-up', entity: 'beta', stream: 'clients', reason: 'forbidden', error }, untilMs);
  expect(waits.texts()).toEqual([]);
});

test.each([
  [new TransientError('no answer', { trouble: 'registry' }), 'registry'],
  [new ConfigError('no sign-in', { trouble: 'registry' }), 'registry'],
  [new TransientError('members', { trouble: 'second-instance' }), 'second-instance'],
  [new TransientError('no broker'), 'kafka'],
  [new ConfigError('another layout'), 'configuration'],
  [new TypeError('x is undefined'), 'bug'],
])('a run that ended by %s says so in one word: %s', (error, reason) => {
  expect(failureReason(error)).toBe(reason);
});

describe('the display', () => {
  let shown: string;
  let nowMs: number;
  const display = (columns: number | null) =>
    createDisplay({ stderr: (text) => void (shown += text), columns }, reports, () => nowMs);

  beforeEach(() => {
    shown = '';
    nowMs = 10_000;
  });

  test('is a line each time where there is no terminal, with the rate since it began', () => {
    const lines = display(null);
    nowMs = 12_000;
    note(reports, { kind: 'request', entity: 'alfa', stream: 'clients', ...requestMade }, nowMs);
    note(reports, page('clients', { rows: 100 }, cursorAt(100, 300)), nowMs);
    lines.show();
    lines.end();
    expect(shown).toBe('100 of 300 rows, 50 rows/s, 1 requests\n');
  });

  /** Every list but that of the clients of alfa has so many rows, none of them read. */
  function countOthers(rows: number): void {
    for (const name of ['alfa invoices', 'beta clients']) reportOf(name).totalCount = rows;
  }

  test('is a bar on a terminal, no wider than it, and gone in the end', () => {
    const bar = display(60);
    nowMs = 12_000;
    countOthers(0);
    note(reports, page('clients', { rows: 100 }, cursorAt(100, 300)), nowMs);
    bar.show();
    expect(shown).toMatch(/^\r\[=+ +\] 100\/300 rows {2}50 rows\/s {2}0 requests {2}4 s left/);
    expect(shown.replace(/\r|\u001b\[K/g, '').length).toBeLessThanOrEqual(60);
    shown = '';
    bar.end();
    expect(shown).toBe('\r\u001b[K');
  });

  test('is an empty bar until every list is counted, but those that are given up', () => {
    const bar = display(80);
    note(reports, page('clients', { rows: 100 }, cursorAt(100, 100)), nowMs);
    bar.show();
    expect(shown).toMatch(/^\r\[ +\] 100 rows, 1\/3 lists counted /);
    reportOf('beta clients').reason = 'forbidden';
    reportOf('alfa invoices').totalCount = 100;
    shown = '';
    bar.show();
    expect(shown).toMatch(/^\r\[=+ +\] 100\/200 rows /);
  });

  test('is a bar that does not go back when rows are added to the list', () => {
    const bar = display(80);
    const barWidth = (): number => (/\[(=*)/.exec(shown.split('\r').at(-1) ?? '')?.[1] ?? '').length;
    countOthers(0);
    note(reports, page('clients', { rows: 100 }, cursorAt(100, 200)), nowMs);
    bar.show();
    const before = barWidth();
    countOthers(500);
    bar.show();
    expect(before).toBeGreaterThan(5);
    expect(barWidth()).toBe(before);
  });

  test('tells each wait once on a terminal, above the bar', () => {
    const waits = createWaits();
    const bar = createDisplay({ stderr: (text) => void (shown += text), columns: 60 }, reports, () => 12_000, waits);
    waits.note({ kind: 'waiting', wait: { forWhom: 'another instance', untilMs: 15_000 } }, 0);
    bar.show();
    bar.show();
    expect(shown).toBe('\r\u001b[Kwaiting for another instance, until 00:00:15 UTC at the latest\n');
    note(reports, { kind: 'request', entity: 'alfa', stream: 'clients', ...requestMade }, 0);
    shown = '';
    bar.show();
    expect(shown).toMatch(/^\r\[ +\] 0 rows, 0\/3 lists counted/);
  });

  test('is a bar on a terminal that has no room for one', () => {
    display(10).show();
    expect(shown).toBe('\r[] 0 rows\u001b[K');
  });
});
