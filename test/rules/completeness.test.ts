import {
  completenessOf,
  finishedSweeps,
  freshnessOf,
  shortcomingsJson,
  shortcomingsText,
} from '../../src/rules/completeness';

/** A ledger in which rows are missing since a sweep, or stand as dead letters. */
const ledgerOf = (deadLetters: readonly number[] = [], missing: Readonly<Record<number, number>> = {}, live = 9) => ({
  live,
  deadLettered: () => deadLetters,
  missingSince: (sweep: number) =>
    Object.entries(missing).flatMap(([id, since]) => (since <= sweep ? [Number(id)] : [])),
});
const none: ReadonlySet<number> = new Set();

describe('a finished sweep', () => {
  test('is complete where nothing stands, rows that one sweep missed aside (I10)', () => {
    const ledger = ledgerOf([], { 7: 3 });
    expect(completenessOf({ ledger, hold: null, decidedSweep: 3 }, none)).toMatchObject({
      complete: true,
      reasons: [],
    });
  });

  test.each([
    ['a row is a dead letter', ledgerOf([7]), null, 'dead-letters'],
    ['a row stays missing after its deletion was to be decided', ledgerOf([], { 7: 2 }), null, 'pending'],
    ['no row is left of a list that had some', ledgerOf([], { 7: 3, 8: 3 }, 0), null, 'pending'],
    ['deletions wait for a person', ledgerOf([], { 7: 2 }), { id: 'hold 1' }, 'held'],
  ] as const)('is not complete where %s (I10)', (_, ledger, hold, reason) => {
    expect(completenessOf({ ledger, hold, decidedSweep: 3 }, none)).toMatchObject({
      complete: false,
      reasons: [reason],
    });
  });

  test('is not complete where a row could not be read, and names every reason', () => {
    const ledger = ledgerOf([7]);
    const unreadable = [{ after: 4, upTo: 6, rows: 1 }];
    const judged = completenessOf({ ledger, hold: { id: 'h' }, decidedSweep: 3, unreadable }, none);
    expect(judged.reasons).toEqual(['held', 'unreadable', 'dead-letters']);
  });

  test('takes an accepted id for one unreadable row that it may be the id of; the rows stay listed (I10)', () => {
    const unreadable = [
      { after: 16, upTo: 18, rows: 2 },
      { after: 29, upTo: null, rows: 1 },
    ];
    const judged = (...accepted: number[]) =>
      completenessOf({ ledger: ledgerOf(), hold: null, decidedSweep: 3, unreadable }, new Set(accepted));
    for (const ids of [[], [16, 19, 30], [17, 30], [17, 18], [17, 18, 29]])
      expect(judged(...ids)).toMatchObject({ complete: false, reasons: ['unreadable'] });
    const all = judged(18, 99, 30, 17, 5);
    expect(all).toMatchObject({ complete: true, reasons: [], unreadable, accepted: [17, 18, 30] });
    expect(shortcomingsText(all)).toBe(
      "3 unreadable (2 after id 16 and before id 19, 1 after id 29), of these 3 accepted in the entity's file",
    );
    expect(shortcomingsJson(all)).toMatchObject({
      unreadable: 3,
      accepted: 3,
      unreadable_between: [
        { after_id: 16, before_id: 19, rows: 2 },
        { after_id: 29, before_id: null, rows: 1 },
      ],
    });
  });

  test('takes one accepted id for one row, also where gaps overlap, and whichever order they have (I10)', () => {
    const wide = { after: 9, upTo: 30, rows: 1 };
    const narrow = { after: 16, upTo: 18, rows: 1 };
    for (const unreadable of [
      [wide, narrow],
      [narrow, wide],
    ]) {
      const judged = (...accepted: number[]) =>
        completenessOf({ ledger: ledgerOf(), hold: null, decidedSweep: 3, unreadable }, new Set(accepted));
      for (const ids of [[17], [12], [12, 20]]) expect(judged(...ids).reasons).toEqual(['unreadable']);
      for (const ids of [
        [17, 18],
        [17, 12],
      ])
        expect(judged(...ids)).toMatchObject({ complete: true, accepted: ids.toSorted((a, b) => a - b) });
    }
  });

  test('is complete where a person accepted every such row by id; each stays listed (I10)', () => {
    const ledger = ledgerOf([7], { 8: 1 });
    const judged = completenessOf({ ledger, hold: null, decidedSweep: 3 }, new Set([7, 8, 99]));
    expect(judged).toMatchObject({ complete: true, deadLetters: [7], pending: [8], accepted: [7, 8] });
    expect(shortcomingsText(judged)).toBe(
      "1 dead letters standing (7), 1 pending (8), of these 2 accepted in the entity's file",
    );
  });

  test('is not complete for the one row that nobody accepted, and for a hold that no id takes', () => {
    const ledger = ledgerOf([7, 9]);
    expect(completenessOf({ ledger, hold: null, decidedSweep: 3 }, new Set([7])).reasons).toEqual(['dead-letters']);
    expect(completenessOf({ ledger, hold: { id: '7' }, decidedSweep: 3 }, new Set([7, 9])).reasons).toEqual(['held']);
  });

  test('is the one before while another is under way', () => {
    expect([null, undefined].map(finishedSweeps)).toEqual([0, 0]);
    expect(finishedSweeps({ number: 3, finishedAt: null })).toBe(2);
    expect(finishedSweeps({ number: 3, finishedAt: '2026-01-01T00:00:00.000Z' })).toBe(3);
  });

  test('of nothing has nothing pending', () => {
    const ledger = ledgerOf([], { 7: 1 }, 0);
    expect(completenessOf({ ledger, hold: null, decidedSweep: 0 }, none).complete).toBe(true);
  });
});

test('a long list of ids is cut, and its whole number told', () => {
  const ids = Array.from({ length: 30 }, (_, index) => index + 1);
  const judged = completenessOf({ ledger: ledgerOf(ids), hold: null, decidedSweep: 1 }, none);
  expect(shortcomingsText(judged)).toBe(
    '30 dead letters standing (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, ...)',
  );
  expect(shortcomingsJson(judged)).toMatchObject({ dead_letters_standing: 30, pending: 0, hold: null });
});

test.each([
  ['finished and complete', { number: 3, finishedAt: '2026-01-07T10:00:00Z' }, true, '2026-01-07T10:00:00Z', false],
  ['under way, after a complete one', { number: 3, finishedAt: null }, true, '2026-01-07T09:00:00Z', true],
  ['finished and not complete', { number: 3, finishedAt: '2026-01-07T10:00:00Z' }, false, null, false],
  ['the first one, under way', { number: 1, finishedAt: null }, true, null, false],
] as const)('the freshness of a stream whose sweep is %s (I10)', (_, sweep, complete, sweptAt, orBefore) => {
  expect(freshnessOf({ startedAt: '2026-01-07T09:00:00Z', ...sweep }, { complete })).toEqual({ sweptAt, orBefore });
});

test('a stream that was never swept has no freshness (I10)', () => {
  expect(freshnessOf(null, { complete: true })).toEqual({ sweptAt: null, orBefore: false });
});
