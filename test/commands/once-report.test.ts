import { asJson, createDisplay, newReport, note, summary, type StreamReport } from '../../src/commands/once-report';
import { FatalError } from '../../src/errors';
import type { Cursor } from '../../src/model';
import type { Progress } from '../../src/reading/progress';
import { NO_COUNTS } from '../../src/rules/cursor';

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

const page = (stream: string, counts: Partial<Cursor['counts']>, cursor: Cursor): Progress => ({
  kind: 'page',
  entity: 'alfa',
  stream,
  counts: { ...NO_COUNTS, ...counts },
  cursor,
});
const error = new FatalError('refused', { reason: 'unauthorized', parks: 'entity' });

test('a stream counts its requests and pages, and its time from the first request to the last news', () => {
  note(reports, { kind: 'request', entity: 'alfa', stream: 'clients', attempt: 1 }, 1_000);
  note(reports, { kind: 'request', entity: 'alfa', stream: 'clients', attempt: 1 }, 2_000);
  note(reports, page('clients', { rows: 100, created: 60, unchanged: 40 }, cursorAt(100, 150)), 3_000);
  note(reports, page('clients', { rows: 50, created: 50 }, cursorAt(150, 150)), 3_500);
  note(reports, { kind: 'sweep', entity: 'alfa', stream: 'clients', cursor: cursorAt(150, 150) }, 4_000);
  expect(asJson(reportOf('alfa clients'))).toEqual({
    entity: 'alfa',
    stream: 'clients',
    requests: 2,
    rows: 150,
    created: 110,
    updated: 0,
    deleted: 0,
    unchanged: 40,
    dead_letters: 0,
    complete: true,
    seconds: 3,
    reason: null,
  });
  expect(asJson(reportOf('alfa invoices'))).toMatchObject({ requests: 0, rows: 0, complete: false, seconds: 0 });
});

test('an attempt of no stream that is read, such as at an account, counts nowhere', () => {
  note(reports, { kind: 'request', entity: 'alfa', stream: 'account', attempt: 1 }, 1_000);
  expect([...reports.values()].map(({ requests }) => requests)).toEqual([0, 0, 0]);
});

test('deletions that follow a complete sweep count, and nothing else changes its report', () => {
  note(reports, { kind: 'sweep', entity: 'alfa', stream: 'clients', cursor: cursorAt(2, 2) }, 1_000);
  note(reports, { kind: 'given-up', entity: 'alfa', stream: null, reason: 'unauthorized', error }, 2_000);
  note(reports, page('clients', { deleted: 1 }, cursorAt(2, 2)), 3_000);
  expect(reportOf('alfa clients')).toMatchObject({ complete: true, reason: null, counts: { deleted: 1 } });
});

test('an entity that is given up is the reason of each of its streams, and of no other entity', () => {
  note(reports, { kind: 'given-up', entity: 'alfa', stream: null, reason: 'unauthorized', error }, 1_000);
  expect([...reports.values()].map(({ reason }) => reason)).toEqual(['unauthorized', 'unauthorized', null]);
});

test('the summary of a stream names deletions and dead letters only where there are some', () => {
  const report = { ...newReport('alfa', 'clients'), startedMs: 0, endedMs: 1_250, complete: true };
  report.counts = { ...NO_COUNTS, rows: 5, created: 2, updated: 1, unchanged: 2 };
  expect(summary(report)).toBe('alfa clients: 5 rows, 2 created, 1 updated, 2 unchanged in 1.3 s, complete');
  report.counts = { ...report.counts, deleted: 3, deadLetters: 1 };
  expect(summary({ ...report, complete: false, reason: 'forbidden' })).toBe(
    'alfa clients: 5 rows, 2 created, 1 updated, 3 deleted, 2 unchanged, 1 dead-lettered in 1.3 s, NOT complete: forbidden',
  );
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
    note(reports, { kind: 'request', entity: 'alfa', stream: 'clients', attempt: 1 }, nowMs);
    note(reports, page('clients', { rows: 100 }, cursorAt(100, 300)), nowMs);
    lines.show();
    lines.end();
    expect(shown).toBe('100 of 300 rows, 50 rows/s, 1 requests\n');
  });

  test('is a bar on a terminal, no wider than it, and gone in the end', () => {
    const bar = display(60);
    nowMs = 12_000;
    note(reports, page('clients', { rows: 100 }, cursorAt(100, 300)), nowMs);
    bar.show();
    expect(shown).toMatch(/^\r\[=+ +\] 100\/300 rows {2}50 rows\/s {2}0 requests {2}4 s left/);
    expect(shown.replace(/\r|\u001b\[K/g, '').length).toBeLessThanOrEqual(60);
    shown = '';
    bar.end();
    expect(shown).toBe('\r\u001b[K');
  });

  test('is a bar on a terminal that has no room for one', () => {
    display(10).show();
    expect(shown).toContain('[] 0/0 rows');
  });
});
