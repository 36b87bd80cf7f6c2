import { EntryFlag } from '../../src/changes/block';
import { explanationJson, explanationText, flagWords } from '../../src/commands/explain-text';
import { explainRow, type RowFacts } from '../../src/upkeep/explain-row';
import { cursorAtStart } from '../support/pages';

const found = {
  topic: 't.invoices',
  partition: 1,
  offset: 12,
  timestamp: '2026-11-30T08:00:01.000Z',
  observedAt: '2026-11-30T08:00:00.000Z',
  op: 'u',
  scan: 'open',
  fingerprint: 'aa',
};
const facts: RowFacts = {
  id: 7,
  declaration: { scopeField: 'invoice_date', openField: 'paid_date' },
  reading: 'read',
  entry: {
    id: 7,
    fingerprint: 'aa',
    definition: 0,
    uuid: 'u-7',
    date: Date.parse('2026-11-20') / 86_400_000,
    flags: EntryFlag.PUBLISHED | EntryFlag.OPEN,
    missing: 3,
    lines: 2,
  },
  record: found,
  letter: { ...found, topic: 't.dead-letters', error: 'expected an integer', errorPath: 'gross_price' },
  api: {
    kind: 'row',
    how: 'address',
    inScope: true,
    open: true,
    date: '2026-11-20',
    reading: {
      kind: 'fits',
      fingerprint: 'bb',
      isPublished: false,
      isRemembered: false,
      differing: { counted: ['notes', 'status'], uncounted: ['extensions'] },
    },
  },
  scope: { from: null, to: null, order: 'asc' },
  cursors: {
    sweep: cursorAtStart({ startedAt: '2026-11-30T08:30:00.000Z', finishedAt: '2026-11-30T08:40:00.000Z' }),
  },
  hold: null,
  isPending: true,
  forecasts: [],
};
const title = { entity: 'alfa', stream: 'invoices', id: 7 };

test('a row is explained from the verdict down to each scan', () => {
  const text = explanationText(title, facts, explainRow(facts), { columns: 80, hasColour: false });
  expect(text.split('\n')[0]).toBe('alfa invoices 7: newer-in-api');
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  const unwrapped = text.replace(/\n {2,}/g, ' ');
  for (const part of [
    'record   op u, read 2026-11-30T08:00:00.000Z by open, fingerprint aa, at t.invoices partition 1 offset 12, written 2026-11-30T08:00:01.000Z',
    'ledger   fingerprint aa, a record is on the topic, open when last read, dated 2026-11-20, 2 lines published, missing since sweep 3',
    'API      has the row, asked for by its address, in the scope, fingerprint bb',
    ' differs from the record in: notes, status',
    ' differs, which counts as no change, in: extensions',
    'letter   at t.dead-letters partition 1 offset 12, written 2026-11-30T08:00:01.000Z expected an integer (gross_price)',
    'absence  missed first by sweep 3, pending: asking for it alone settled nothing',
    ' sweep  missed between 2026-11-30T08:30:00.000Z and 2026-11-30T08:40:00.000Z: sweep 1 did not show it',
  ])
    expect(unwrapped).toContain(part);
});

test('what there is none of is said, and what the API does not answer', () => {
  const nothing: RowFacts = {
    ...facts,
    entry: null,
    record: null,
    letter: null,
    api: { kind: 'not-asked', reason: 'expected 200, got 503' },
  };
  const text = explanationText(title, nothing, explainRow(nothing));
  expect(text).toContain('record   none on the topic\nledger   no entry\nAPI      not known: expected 200, got 503\n');
  expect(text).not.toMatch(/^(letter|absence)/m);
});

test('JSON says the same by name', () => {
  expect(explanationJson(title, facts, explainRow(facts))).toMatchObject({
    ...title,
    verdict: 'newer-in-api',
    read: 'read',
    record: { topic: 't.invoices', partition: 1, offset: 12, observed_at: found.observedAt },
    ledger: { date: '2026-11-20', missing_since_sweep: 3, lines: 2 },
    dead_letter: { error: 'expected an integer', error_path: 'gross_price' },
    api: { answer: 'row', fits: true, differs_in: ['notes', 'status'], differs_without_counting_in: ['extensions'] },
    absence: { since: 3, state: 'pending', hold: null },
  });
});

test('every flag of an entry has its words', () => {
  const { CARRIED, ...told } = EntryFlag;
  const all = Object.values(told).reduce((sum, flag) => sum | flag, 0);
  expect(flagWords(all)).toHaveLength(Object.keys(told).length);
  expect(flagWords(CARRIED)).toEqual([]);
});
