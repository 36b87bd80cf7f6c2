import fc from 'fast-check';

import { createDecoder } from '../../src/changes/decode';
import type { Answer, Row } from '../../src/model';
import {
  DAILY,
  entryOf,
  isBelieved,
  isSecondProof,
  nextReadingMs,
  provedBy,
  wholeListOf,
  worthOfDictionary,
} from '../../src/rules/dictionaries';
import { isWanted } from '../../src/rules/stream-schedule';
import { loadSchema } from '../../src/sinks/avro';

const HOUR = 3_600_000;
const answer = (rows: readonly unknown[], totalCount: number): Answer => ({ rows, totalCount, began: 1, ended: 2 });
const rowsOf = (...ids: readonly number[]): Row[] => ids.map((id) => ({ id }));

describe('answers', () => {
  test('make a list by id whatever their order, an id that is a text as the number that it is', () => {
    expect(wholeListOf([answer([{ id: 7 }, { id: '22', rate: '22.0' }], 3), answer([{ id: 1 }], 3)])).toEqual({
      kind: 'whole',
      rows: [{ id: 1 }, { id: 7 }, { id: 22, rate: '22.0' }],
      strays: [],
      totalCount: 3,
    });
  });

  test.each<[string, readonly Answer[], string]>([
    ['of different totals', [answer(rowsOf(1, 2), 3), answer(rowsOf(3), 4)], 'totals of 3 and 4'],
    ['with fewer rows than the total', [answer(rowsOf(1, 2), 3), answer([], 3)], '2 entries'],
    ['with more rows than the total', [answer(rowsOf(1, 2), 1)], '2 entries'],
    ['that repeat a row', [answer(rowsOf(1, 2), 3), answer(rowsOf(2), 3)], 'an id twice'],
  ])('%s are no whole list', (_what, answers, got) => {
    expect(wholeListOf(answers)).toEqual({ kind: 'broken', got });
  });

  test('keep what has no usable id aside', () => {
    const strays = [null, 'x', {}, { id: 0 }, { id: -1 }, { id: 1.5 }, { id: '07' }, { id: '' }, { id: '1e3' }];
    expect(wholeListOf([answer([...strays, { id: 1 }], 10)])).toMatchObject({
      kind: 'whole',
      rows: [{ id: 1 }],
      strays,
    });
  });
});

describe('an entry', () => {
  test.each<[string, Row, unknown]>([
    ['gtus', { id: 1, name: 'GTU_01' }, 'GTU_01'],
    ['documents_markings', { id: 3, code: 'TP' }, 'TP'],
    ['vat_rates', { id: 6, name: 'zw.', symbol: 'zw', rate: '0.0' }, 'zw'],
    ['vat_exemptions', { id: 1, description: 'zwolnienie' }, undefined],
    ['gtus', { id: 1, name: 'GTU_01', code: 'other' }, 'other'],
    ['gtus', { id: 1, name: ' GTU_01\u00a0', code: '' }, ' GTU_01\u00a0'],
  ])('of %s has its code byte for byte, %j', (kind, row, code) => {
    expect(entryOf(kind, row)).toEqual({ ...row, kind, code });
  });

  test('drops nothing that inFakt shows, a field by the name of ours included', () => {
    const decode = createDecoder(loadSchema('dictionary-entry'), {});
    const row = {
      id: 7,
      name: 'GTU_07',
      kind: 'goods',
      colour: 'red',
      valid_from: '2011-01-01',
      valid_until: 'always',
    };
    const { record, misfits } = decode(entryOf('gtus', row), 'alfa', 1);
    expect(record).toMatchObject({ kind: 'gtus', code: 'GTU_07', name: 'GTU_07', valid_from: 14_975 });
    expect(JSON.parse(String(record['extra']))).toEqual({
      'entry.kind': 'goods',
      colour: 'red',
      valid_until: 'always',
    });
    expect(misfits).toEqual(['valid_until']);
  });

  test('of whatever fields keeps every value', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.string({ minLength: 1 })), (fields) => {
        const own = new Set(['kind', 'code', 'id']);
        const others = Object.fromEntries(Object.entries(fields).filter(([name]) => !own.has(name)));
        expect(entryOf('vat_rates', { ...fields, id: 7 })).toMatchObject(others);
      }),
    );
  });
});

test.each<[string, readonly number[], number, number, boolean]>([
  ['the list of all that is known', [1, 2, 3], 3, 0, true],
  ['a list that lacks less than half', [1, 3], 3, 0, true],
  ['the first list', [1, 2], 0, 0, true],
  ['an empty list', [], 2, 0, false],
  ['an empty list of an empty dictionary', [], 0, 0, false],
  ['a list that lacks more than half', [1], 3, 0, false],
  ['a list of other entries', [11, 12, 13], 3, 0, false],
  ['a list with an entry without an id', [1, 2], 3, 1, false],
])('%s is, or is not, taken for all that there is', (_what, ids, known, strays, believed) => {
  const list = {
    kind: 'whole',
    rows: rowsOf(...ids),
    strays: new Array<unknown>(strays).fill({}),
    totalCount: 3,
  } as const;
  expect(isBelieved(provedBy(list, (id) => id <= known, known))).toBe(believed);
});

describe('a dictionary', () => {
  const next = (endedMs: number | null, awaitsProof = false, name = 'alfa dictionaries/gtus') =>
    nextReadingMs({ endedMs, awaitsProof }, name, DAILY);

  test('that was never read is read at once, then after a day or up to two hours less, each name at a time of its own', () => {
    expect(next(null)).toBe(-Infinity);
    const times = Array.from({ length: 200 }, (_, n) => next(0, false, `entity-${n} dictionaries/gtus`));
    expect(Math.max(...times)).toBeLessThanOrEqual(24 * HOUR);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(22 * HOUR);
    expect(new Set(times).size).toBeGreaterThan(150);
    expect(next(5, false)).toBe(next(0, false) + 5);
  });

  test('of which an entry is missing is read again a minute later, and only that proves the entry gone', () => {
    expect(next(1_000, true)).toBe(61_000);
    expect(isSecondProof(61_000, 1_000, DAILY)).toBe(true);
    expect(isSecondProof(60_999, 1_000, DAILY)).toBe(false);
    expect(isSecondProof(61_000, null, DAILY)).toBe(false);
  });

  test('waits for an idle turn, and after an hour for no more than the least that is dealt', () => {
    expect(worthOfDictionary(0, 1)).toMatchObject({ index: 0, late: 0 });
    expect(worthOfDictionary(0, HOUR)).toMatchObject({ index: 0.5, late: 0 });
    expect(isWanted(worthOfDictionary(0, 0))).toBe(true);
  });
});
