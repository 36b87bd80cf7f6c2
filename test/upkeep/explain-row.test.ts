import { EntryFlag } from '../../src/changes/block';
import type { Entry } from '../../src/changes/entries';
import type { Cursor } from '../../src/model';
import {
  explainRow,
  type ApiAnswer,
  type FoundLetter,
  type FoundRecord,
  type RowFacts,
} from '../../src/upkeep/explain-row';
import { cursorAtStart } from '../support/pages';

const { PUBLISHED, OPEN, LEFT, DEAD_LETTERED, REPUBLISH } = EntryFlag;

const DAY = Date.parse('2026-11-20') / 86_400_000;
const entry: Entry = {
  id: 7,
  fingerprint: 'aa',
  definition: 0,
  uuid: 'u-7',
  date: DAY,
  flags: PUBLISHED,
  missing: 0,
  lines: 0,
};
const record: FoundRecord = {
  topic: 't.invoices',
  partition: 1,
  offset: 12,
  timestamp: '2026-11-30T08:00:01.000Z',
  observedAt: '2026-11-30T08:00:00.000Z',
  op: 'u',
  scan: 'open',
  fingerprint: 'aa',
};
const letter: FoundLetter = {
  ...record,
  topic: 't.dead-letters',
  observedAt: '2026-11-30T09:00:00.000Z',
  error: 'normalise gross_price: expected an integer, got a text of 4 characters',
  errorPath: 'gross_price',
};
const sweep = (changes: Partial<Cursor> = {}): Cursor =>
  cursorAtStart({
    number: 4,
    startedAt: '2026-11-30T08:30:00.000Z',
    finishedAt: '2026-11-30T08:40:00.000Z',
    ...changes,
  });

type Reading = Extract<ApiAnswer, { kind: 'row' }>['reading'];

function row(reading: Partial<Extract<Reading, { kind: 'fits' }>> = {}, changes: object = {}): ApiAnswer {
  const fits = { isPublished: true, isRemembered: true, differing: { counted: [], uncounted: [] }, ...reading };
  return {
    kind: 'row',
    how: 'address',
    inScope: true,
    open: true,
    date: '2026-11-20',
    reading: { kind: 'fits', fingerprint: 'aa', ...fits },
    ...changes,
  };
}
const refused: ApiAnswer = row({}, { reading: { kind: 'refused', error: letter.error, path: letter.errorPath } });
const changed = row({ isPublished: false, isRemembered: false, differing: { counted: ['status'], uncounted: [] } });
const none: ApiAnswer = { kind: 'none', how: 'address' };
const silent: ApiAnswer = { kind: 'not-asked', reason: 'GET ... expected 200, got 503' };

function facts(changes: Partial<RowFacts> = {}): RowFacts {
  return {
    id: 7,
    declaration: { scopeField: 'invoice_date', openField: 'paid_date' },
    reading: 'read',
    entry,
    record,
    letter: null,
    api: row(),
    scope: { from: '2026-01-01', to: null, order: 'asc' },
    cursors: { sweep: sweep() },
    hold: null,
    isPending: false,
    forecasts: [],
    ...changes,
  };
}

const flagged = (flags: number): Entry => ({ ...entry, flags });
const tombstone: FoundRecord = { ...record, op: 'd' };

test.each<[string, Partial<RowFacts>, string, RegExp]>([
  ['as published', {}, 'same', /^The newest record says what the API says\.$/],
  ['marked by resync', { entry: flagged(PUBLISHED | REPUBLISH) }, 'same', /marked to be published again/],
  [
    'gone, its tombstone published',
    { api: none, entry: null, record: tombstone },
    'same',
    /its tombstone is published/,
  ],
  ['changed', { api: changed }, 'newer-in-api', /^The row changed since its newest record was read\. No scan has read/],
  ['never read', { api: changed, entry: null, record: null }, 'newer-in-api', /^The row was never read\./],
  ['back', { api: changed, entry: null, record: tombstone }, 'newer-in-api', /back in the API after its tombstone/],
  [
    'corrected since its dead letter',
    { api: changed, letter, entry: flagged(PUBLISHED | DEAD_LETTERED) },
    'newer-in-api',
    /changed since its last reading went to the dead-letter topic/,
  ],
  ['gone, and no sweep knows', { api: none }, 'missing', /No sweep has missed it yet: a tombstone needs two reads/],
  [
    'missed once',
    { api: none, entry: { ...entry, missing: 4 } },
    'missing',
    /Sweep 4 missed it first: .* one more sweep/,
  ],
  [
    'held',
    { api: none, entry: { ...entry, missing: 2 }, hold: { id: 'h1', since: '' } },
    'missing',
    /wait for a person \(hold h1\)/,
  ],
  ['pending', { api: none, entry: { ...entry, missing: 2 }, isPending: true }, 'missing', /stays pending/],
  [
    'gone from an entity that is not read',
    { api: none, reading: 'disabled' },
    'missing',
    /disabled in its file, so no tombstone/,
  ],
  ['outside the dates', { api: row({}, { inScope: false }) }, 'out-of-scope', /from 2026-01-01 to now and beyond/],
  [
    'left',
    { api: row({}, { inScope: false }), entry: flagged(PUBLISHED | LEFT) },
    'out-of-scope',
    /stands as it was published and is not followed any more/,
  ],
  [
    'of a stream that is not read',
    { reading: 'stream-not-read', entry: null, record: null, api: changed },
    'out-of-scope',
    /leaves the stream out, so nothing of the row is published/,
  ],
  [
    'left, the API silent',
    { api: silent, entry: flagged(PUBLISHED | LEFT) },
    'out-of-scope',
    /left the scope .* not known: GET/,
  ],
  [
    'no record can be made',
    { api: refused, letter, entry: flagged(PUBLISHED | DEAD_LETTERED) },
    'dead-letter',
    /cannot become a record \(normalise gross_price/,
  ],
  [
    'too large for its topic',
    { api: row({ isPublished: false }), letter, entry: flagged(DEAD_LETTERED) },
    'dead-letter',
    /The API still shows that same row/,
  ],
  [
    'dead, the API silent',
    { api: silent, letter, entry: flagged(DEAD_LETTERED) },
    'dead-letter',
    /could not become a record .* not known: GET/,
  ],
  ['the API silent', { api: silent }, 'unknown', /^What the API says now is not known: GET/],
  ['nobody knows it', { api: none, entry: null, record: null }, 'unknown', /nothing was ever published or remembered/],
])('of a row %s, the verdict and why', (_, changes, verdict, because) => {
  const explained = explainRow(facts(changes));
  expect(explained.verdict).toBe(verdict);
  expect(explained.because).toMatch(because);
});

test('a record that was read after the dead letter ends it, whatever the ledger that was looked at still says', () => {
  const later = { ...record, observedAt: '2026-11-30T10:00:00.000Z' };
  const entryBefore = flagged(PUBLISHED | DEAD_LETTERED);
  expect(explainRow(facts({ letter, record: later, entry: entryBefore })).verdict).toBe('same');
});

test('of a changed row the scan that comes first is named, one that would not show it is not', () => {
  const forecast = (scan: 'sweep' | 'open', dueAtMs: number) => ({
    scan: { scan } as never,
    underWay: false,
    dueAtMs,
    everyMs: 60_000,
  });
  const at = (iso: string): number => Date.parse(iso);
  const forecasts = [forecast('sweep', at('2026-11-30T10:10:00Z')), forecast('open', at('2026-11-30T10:05:00Z'))];
  const because = (open: boolean): string =>
    explainRow(facts({ forecasts, api: { ...changed, open } as ApiAnswer })).because;
  expect(because(true)).toContain('open is due at 2026-11-30T10:05:00.000Z');
  expect(because(false)).toContain('sweep is due at 2026-11-30T10:10:00.000Z');
});

describe('which scan read the row when', () => {
  const scanOf = (name: string, changes: Partial<RowFacts>) =>
    explainRow(facts(changes)).scans.find(({ scan }) => scan === name);
  const span = { from: '2026-11-30T08:30:00.000Z', to: '2026-11-30T08:40:00.000Z' };
  const underWay = sweep({ finishedAt: null, position: { offset: 100, anchor: 9, step: 1, requests: 1, unproven: 0 } });

  test('a finished sweep saw every row that it does not miss', () => {
    expect(scanOf('sweep', {})).toMatchObject({ last: 'saw', within: span });
    expect(scanOf('sweep', { entry: { ...entry, missing: 3 } })).toMatchObject({ last: 'missed', within: span });
  });

  test('a sweep under way has read what lies before its anchor, and nothing is known of the rest', () => {
    expect(scanOf('sweep', { cursors: { sweep: underWay } })).toMatchObject({
      last: 'saw',
      within: { from: span.from, to: null },
    });
    expect(scanOf('sweep', { id: 10, entry: { ...entry, id: 10 }, cursors: { sweep: underWay } })).toMatchObject({
      last: 'unknown',
      because: expect.stringContaining('has not come to the row') as unknown,
    });
  });

  test('a row that another scan found after the sweep had begun may not have been in it', () => {
    const found = { ...record, op: 'c', scan: 'newest', observedAt: '2026-11-30T08:35:00.000Z' };
    expect(scanOf('sweep', { record: found })).toMatchObject({ last: 'unknown' });
    expect(scanOf('newest', { record: found, cursors: { newest: sweep() } })).toMatchObject({
      last: 'saw',
      within: { from: found.observedAt, to: found.observedAt },
    });
  });

  test('open and recent pass by a row that is not theirs', () => {
    const recent = sweep({ query: { from: '2026-11-01', to: null, order: 'asc' } });
    const cursors = { open: sweep(), recent };
    expect(scanOf('open', { cursors })).toMatchObject({ last: 'passes-by' });
    expect(scanOf('open', { cursors, entry: flagged(PUBLISHED | OPEN) })).toMatchObject({ last: 'saw', within: span });
    expect(scanOf('recent', { cursors })).toMatchObject({ last: 'saw', within: span });
    const old = { ...entry, date: DAY - 60 };
    expect(scanOf('recent', { cursors, entry: old })).toMatchObject({ last: 'passes-by' });
  });

  test('what is not remembered is unknown, never guessed', () => {
    expect(explainRow(facts({ cursors: {} })).scans.map(({ last }) => last)).toEqual(Array(4).fill('unknown'));
    const newest = { newest: sweep({ mark: 9 }) };
    expect(scanOf('newest', { cursors: newest })).toMatchObject({ last: 'unknown', next: null, wouldShow: null });
    expect(scanOf('sweep', { entry: null })).toMatchObject({ last: 'unknown' });
  });
});
