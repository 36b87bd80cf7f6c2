import { allowanceOf, decideDeletions, holdOf } from '../../src/rules/deletions';

const nowMs = Date.parse('2026-03-10T12:00:00.000Z');
const hoursAgo = (hours: number): string => new Date(nowMs - hours * 3_600_000).toISOString();

describe('the allowance', () => {
  test.each([
    ['ten rows whatever their share', 20, 0, 10],
    ['the share of the rows, rounded down', 1_005, 0.1, 100],
    ['all rows, where the share is all', 5_000, 1, 5_000],
  ])('is %s', (_, rows, maxShare, expected) => {
    expect(allowanceOf({ rows, maxShare, deletions: [], nowMs })).toBe(expected);
  });

  test('is less by what was deleted within a day, and by nothing older', () => {
    const deletions = [
      { at: hoursAgo(25), rows: 50 },
      { at: hoursAgo(24), rows: 40 },
      { at: hoursAgo(23), rows: 30 },
      { at: hoursAgo(1), rows: 5 },
    ];
    expect(allowanceOf({ rows: 1_000, maxShare: 0.1, deletions, nowMs })).toBe(65);
  });

  test('is none where more was used than the share is of the rows that are left', () => {
    const deletions = [{ at: hoursAgo(2), rows: 90 }];
    expect(allowanceOf({ rows: 100, maxShare: 0.1, deletions, nowMs })).toBe(0);
  });
});

describe('the decision', () => {
  const hold = { id: 'h1', reason: 'too many', since: hoursAgo(3), sweep: 4 };
  const row = (id: number, missing: number, address: string | null = String(id)) => ({ id, missing, address });

  test('asks for all missing rows within the allowance where nobody was asked before', () => {
    const missing = [row(1, 3), row(2, 4)];
    expect(decideDeletions(null, null, missing)).toEqual({ kind: 'ask', agreed: [], others: missing, releases: false });
  });

  test('waits as long as a person has not agreed, also to another hold', () => {
    expect(decideDeletions(hold, null, [row(1, 3)])).toEqual({ kind: 'held', hold });
    expect(decideDeletions(hold, 'h0', [row(1, 3)])).toEqual({ kind: 'held', hold });
  });

  test('takes rows as agreed to that were missing when the person was asked, and no later ones', () => {
    expect(decideDeletions(hold, 'h1', [row(1, 3), row(2, 4), row(3, 5)])).toEqual({
      kind: 'ask',
      agreed: [row(1, 3), row(2, 4)],
      others: [row(3, 5)],
      releases: true,
    });
  });

  test('releases a hold that was agreed to although its rows are back', () => {
    expect(decideDeletions(hold, 'h1', [])).toEqual({ kind: 'ask', agreed: [], others: [], releases: true });
  });

  test('leaves out rows that nothing addresses', () => {
    expect(decideDeletions(null, null, [row(1, 3, null)])).toMatchObject({ agreed: [], others: [] });
  });
});

test('a hold says how many rows are missing and what to write where to agree', () => {
  const hold = holdOf({ id: 'h7', stream: 'clients', missing: 31, allowance: 10, sinceMs: nowMs, sweep: 6 });
  expect(hold).toMatchObject({ id: 'h7', since: '2026-03-10T12:00:00.000Z', sweep: 6 });
  expect(hold.reason).toContain('31 rows of clients are missing, more than the 10 that may be deleted now');
  expect(hold.reason).toContain('"deletions": {"confirm": "h7"}');
});
