import { EntryFlag, NO_DATE } from '../../src/changes/block';
import {
  ascending,
  Comparer,
  isDescending,
  type Comparison,
  type Publish,
  type Verdict,
} from '../../src/changes/compare';
import { Entries, entryAt } from '../../src/changes/entries';
import { PublicationMarks } from '../../src/changes/publication-marks';
import type { Page, Row } from '../../src/model';

const { OPEN, LEFT, DEAD_LETTERED, REPUBLISH, PUBLISHED, LINES_DUE, CARRIED } = EntryFlag;

const page: Page = {
  rows: [],
  strays: [],
  outsideQuery: 0,
  interval: { after: null, upTo: null },
  totalCount: 0,
  began: 10,
  ended: 11,
  next: { offset: 0, anchor: null, step: 1, requests: 1, unproven: 0 },
  end: false,
};
const under =
  (definition: number) =>
  (row: Row, out: Uint32Array): void => {
    out[0] = Number(row['content']);
    out[1] = definition;
  };
const how = (changes: Partial<Comparison> = {}): Comparison => ({
  page,
  scan: 'sweep',
  proves: 'all',
  isOpen: () => changes.scan === 'open',
  sweep: 1,
  beforeFirstFinishedSweep: false,
  definition: 1,
  fingerprint: under(1),
  fingerprintOf: (definition) => (definition === 9 ? undefined : under(definition)),
  uuidOf: () => null,
  dateOf: () => NO_DATE,
  linesOf: null,
  oldestOpen: Infinity,
  ...changes,
});

const row = (content: number): Row => ({ id: 7, content });

interface Known {
  readonly flags?: number;
  readonly definition?: number;
  readonly missing?: number;
  readonly lines?: number;
  /** End mark of the read behind what was published last. */
  readonly readAt?: number;
}

/** An entry of row 7 with content 1, as its fields say, and what compares rows with that entry. */
function comparerWith({ flags = PUBLISHED, definition = 1, missing = 0, lines = 0, readAt = 0 }: Known = {}) {
  const entries = new Entries({ entity: 'acme', stream: 'invoices', blockEntries: 4 });
  const marks = new PublicationMarks();
  entries.find(7);
  entries.insert(7);
  const block = entries.write({ high: 1, low: definition, definition, date: NO_DATE, uuid: null, flags });
  block.lines[0] = lines;
  block.missing[0] = missing;
  if (readAt > 0) marks.remember(7, readAt);
  const comparer = new Comparer(entries, marks);
  return { comparer, marks, entry: () => entryAt(entries.blockAt(0), 0) };
}

function publishOf(verdict: Verdict): Publish {
  if (verdict.kind !== 'publish') throw new Error(`expected to publish, got ${verdict.kind}`);
  return verdict;
}

describe('a row compared with its entry', () => {
  test.each<[string, Known, Row, Partial<Comparison>, object]>([
    ['known where content and entry are equal', {}, row(1), {}, { kind: 'known' }],
    ['touched where it was missing', { missing: 3 }, row(1), {}, { kind: 'touched' }],
    [
      'touched where it had left',
      { flags: PUBLISHED | LEFT },
      row(1),
      {},
      { kind: 'touched', content: { flags: PUBLISHED } },
    ],
    [
      'touched by a newer definition',
      {},
      row(1),
      { definition: 2, fingerprint: under(2) },
      { kind: 'touched', content: { definition: 2 } },
    ],
    ['touched by another date', {}, row(1), { dateOf: () => 3 }, { kind: 'touched', content: { date: 3 } }],
    ['touched by another UUID', {}, row(1), { uuidOf: () => 'odd' }, { kind: 'touched', content: { uuid: 'odd' } }],
    [
      'touched where open shows it first',
      {},
      row(1),
      { scan: 'open' },
      { kind: 'touched', content: { flags: PUBLISHED | OPEN } },
    ],
    ['known where open shows it again', { flags: PUBLISHED | OPEN }, row(1), { scan: 'open' }, { kind: 'known' }],
    [
      'touched where a spot read finds it no longer open',
      { flags: PUBLISHED | OPEN },
      row(1),
      { scan: 'spot' },
      { kind: 'touched', content: { flags: PUBLISHED } },
    ],
    [
      'published as u where it differs',
      {},
      row(2),
      {},
      { kind: 'publish', part: 'row', op: 'u', countsAs: 'updated', fingerprint: '0000000200000001' },
    ],
    [
      'published as u where its definition cannot be computed',
      { definition: 9 },
      row(1),
      {},
      { op: 'u', countsAs: 'updated' },
    ],
    [
      'published as r where that was asked for',
      { flags: PUBLISHED | REPUBLISH },
      row(1),
      {},
      { op: 'r', countsAs: 'republished' },
    ],
    [
      'published as c where it was only dead-lettered',
      { flags: DEAD_LETTERED },
      row(2),
      {},
      { op: 'c', countsAs: 'created' },
    ],
    [
      'tried again where it was dead-lettered as it is, and known if that fails',
      { flags: DEAD_LETTERED },
      row(1),
      {},
      { kind: 'publish', op: 'c', ifRefused: { kind: 'known' } },
    ],
    [
      'known where the broker refused it as it is',
      { flags: DEAD_LETTERED },
      row(1),
      { isRefused: () => true },
      { kind: 'known' },
    ],
    [
      'touched where it shows again what was published before it was dead-lettered',
      { flags: PUBLISHED | DEAD_LETTERED },
      row(2),
      { lastPublished: () => ({ fingerprint: '0000000200000001', definition: 1 }) },
      { kind: 'touched', content: { flags: PUBLISHED } },
    ],
    [
      'published where that was published under another definition',
      { flags: PUBLISHED | DEAD_LETTERED },
      row(2),
      { lastPublished: () => ({ fingerprint: '0000000200000001', definition: 9 }) },
      { kind: 'publish', op: 'u', before: null, ifRefused: null },
    ],
    [
      'published again under a definition that may read it',
      { flags: DEAD_LETTERED },
      row(1),
      { definition: 2, fingerprint: under(2) },
      { kind: 'publish', op: 'c' },
    ],
    [
      'published by its lines alone where those are first asked for',
      {},
      row(1),
      { linesOf: () => 2 },
      { kind: 'publish', part: 'lines', op: 'r', linesBefore: 0 },
    ],
    [
      'published by its lines alone where those are due',
      { flags: PUBLISHED | LINES_DUE, lines: 2 },
      row(1),
      { linesOf: () => 2 },
      { part: 'lines', linesBefore: 2 },
    ],
    ['known where its lines are published', { lines: 2 }, row(1), { linesOf: () => 2 }, { kind: 'known' }],
    ['stale where it differs from what was read later', { readAt: 11 }, row(2), {}, { kind: 'stale' }],
    [
      'known, although missing, where it equals what was read later',
      { readAt: 11, missing: 3 },
      row(1),
      {},
      { kind: 'known' },
    ],
  ])('is %s', (_, entry, seen, changes, verdict) => {
    const { comparer, entry: entryNow } = comparerWith(entry);
    const before = entryNow();
    expect(comparer.compare(seen, how(changes))).toMatchObject(verdict);
    expect(entryNow()).toEqual(before);
  });

  test.each([
    { beforeFirstFinishedSweep: true, op: 'r' },
    { beforeFirstFinishedSweep: false, op: 'c' },
  ])('is $op where it has no entry (before the first finished sweep: $beforeFirstFinishedSweep)', (changes) => {
    const { comparer, marks } = comparerWith();
    const verdict = comparer.compare({ id: 8, content: 1 }, how(changes));
    expect(verdict).toMatchObject({ kind: 'publish', op: changes.op, countsAs: 'created', linesBefore: 0 });
    marks.remember(8, 11);
    expect(comparer.compare({ id: 8, content: 1 }, how(changes)).kind).toBe('stale');
  });

  test('makes no object for a known row', () => {
    const { comparer } = comparerWith();
    expect(comparer.compare(row(1), how())).toBe(comparer.compare(row(1), how()));
  });
});

describe('that the record carries the fingerprint of its entry', () => {
  const carried = PUBLISHED | CARRIED;

  test('is no longer so once the entry takes the fingerprint of another definition and nothing is published', () => {
    const { comparer, entry } = comparerWith({ flags: carried, definition: 0 });
    const verdict = comparer.compare(row(1), how());
    if (verdict.kind !== 'touched') throw new Error(`expected a touched entry, got ${verdict.kind}`);
    comparer.apply(verdict, how(), true);
    expect(entry()).toMatchObject({ definition: 1, flags: PUBLISHED });
  });

  test('is no longer so where lines alone are published under another definition', () => {
    const { comparer, entry } = comparerWith({ flags: carried | LINES_DUE, definition: 0 });
    const comparison = how({ linesOf: () => 2 });
    const verdict = publishOf(comparer.compare(row(1), comparison));
    expect(verdict.part).toBe('lines');
    comparer.apply(verdict, comparison, true);
    expect(entry()).toMatchObject({ definition: 1, flags: PUBLISHED });
  });

  test('stays so under one definition, and while a dead letter stands before the record', () => {
    const { comparer, entry } = comparerWith({ flags: carried, missing: 2 });
    comparer.apply(publishOf(comparer.compare(row(2), how())), how(), false);
    expect(entry().flags).toBe(carried | DEAD_LETTERED);
    const lastPublished = () => ({ fingerprint: '0000000100000001', definition: 1 });
    const healed = comparer.compare(row(1), how({ lastPublished }));
    if (healed.kind !== 'touched') throw new Error(`expected a touched entry, got ${healed.kind}`);
    comparer.apply(healed, how(), true);
    expect(entry().flags).toBe(carried);
  });
});

describe('a verdict applied', () => {
  test.each([
    { isPublished: true, flags: PUBLISHED | CARRIED, lines: 3 },
    { isPublished: false, flags: PUBLISHED | DEAD_LETTERED, lines: 2 },
  ])('brings the entry up to a row that became records: $isPublished', ({ isPublished, flags, lines }) => {
    const { comparer, entry } = comparerWith({ flags: PUBLISHED | LEFT | REPUBLISH, missing: 2, lines: 2 });
    const comparison = how({ linesOf: () => 3, oldestOpen: 5 });
    comparer.apply(publishOf(comparer.compare(row(2), comparison)), comparison, isPublished);
    expect(entry()).toMatchObject({ fingerprint: '0000000200000001', flags, lines, missing: 0 });
    expect(comparer.compare(row(3), comparison).kind).toBe('stale');
  });

  test('keeps the number of lines published, as due, while lines are not published', () => {
    const { comparer, entry } = comparerWith({ lines: 2 });
    comparer.apply(publishOf(comparer.compare(row(2), how())), how(), true);
    expect(entry()).toMatchObject({ lines: 2, flags: PUBLISHED | LINES_DUE | CARRIED });
  });

  test.each([
    { isPublished: true, flags: PUBLISHED, lines: 3 },
    { isPublished: false, flags: PUBLISHED | DEAD_LETTERED, lines: 0 },
  ])('brings the entry up to lines that became records: $isPublished', ({ isPublished, flags, lines }) => {
    const { comparer, entry } = comparerWith({ flags: PUBLISHED | LINES_DUE });
    const comparison = how({ linesOf: () => 3 });
    comparer.apply(publishOf(comparer.compare(row(1), comparison)), comparison, isPublished);
    expect(entry()).toMatchObject({ flags, lines });
    expect(comparer.compare(row(1), comparison).kind).toBe(isPublished ? 'known' : 'publish');
  });

  test('remembers no mark where no older request is open', () => {
    const { comparer } = comparerWith();
    comparer.apply(publishOf(comparer.compare(row(2), how())), how(), true);
    expect(comparer.compare(row(3), how()).kind).toBe('publish');
  });
});

describe('the rows of a page', () => {
  const rowsOf = (...ids: number[]): Row[] => ids.map((id, index) => ({ id, index }));

  test('are taken as they are where they ascend', () => {
    const rows = rowsOf(1, 2, 3);
    expect(ascending(rows)).toBe(rows);
    expect(ascending([])).toEqual([]);
  });

  test('are turned where they descend, and the last of several with one id stays', () => {
    expect(ascending(rowsOf(3, 2, 2, 1))).toMatchObject([{ id: 1 }, { id: 2, index: 2 }, { id: 3 }]);
    expect(ascending(rowsOf(1, 2, 2, 3))).toMatchObject([{ id: 1 }, { id: 2, index: 2 }, { id: 3 }]);
    expect([rowsOf(2, 1), rowsOf(1, 2), rowsOf(1), []].map(isDescending)).toEqual([true, false, false, false]);
  });
});
