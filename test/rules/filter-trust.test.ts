import { candidatesOf, type CandidateKind, type FilterProof, type FilterVerdict } from '../../src/rules/filter-proof';
import {
  afterProof,
  contradicts,
  doubt,
  type FilterWalk,
  learnOfEdit,
  mayScan,
  NO_TRUST,
  proveAt,
  retire,
  surprise,
  trustTexts,
} from '../../src/rules/filter-trust';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const stream = { scopeField: 'date', openField: 'closed' };
const proof = (kind: CandidateKind, verdict: FilterVerdict, wasAnswered = true): FilterProof => {
  const candidate = candidatesOf({ openField: 'closed', detailOnlyFields: ['ksef_data'] }).find(
    (each) => each.kind === kind,
  );
  if (candidate === undefined) throw new Error(`expected a candidate ${kind}`);
  return { candidate, verdict, why: `${kind} ${verdict}`, wasAnswered };
};
const proven = afterProof(NO_TRUST, [proof('paid', 'works'), proof('changed', 'works')], 0);

describe('a filter is used', () => {
  test('only once it was shown to work', () => {
    expect([mayScan(NO_TRUST, 'paid'), mayScan(proven, 'paid'), mayScan(proven, 'changed')]).toEqual([
      false,
      true,
      true,
    ]);
    for (const verdict of ['ignored', 'refused', 'wrong', 'unknown'] as const)
      expect(mayScan(afterProof(proven, [proof('paid', verdict)], 1), 'paid')).toBe(false);
  });

  test('no longer once it was retired, which is not undone by the next proof but by one a day later', () => {
    const retired = retire(proven, 'paid', 'row 7 was not shown', HOUR);
    expect(mayScan(retired, 'paid')).toBe(false);
    expect(mayScan(retired, 'changed')).toBe(true);
    const soon = afterProof(retired, [proof('paid', 'works')], 2 * HOUR);
    expect(soon.standings.get('paid')).toMatchObject({ verdict: 'retired', why: 'row 7 was not shown', sinceMs: HOUR });
    expect(afterProof(soon, [proof('paid', 'ignored')], 3 * HOUR).standings.get('paid')?.verdict).toBe('ignored');
    expect(mayScan(afterProof(soon, [proof('paid', 'works')], HOUR + DAY), 'paid')).toBe(true);
  });

  test('and only one that works can be retired', () => {
    const ignored = afterProof(NO_TRUST, [proof('paid', 'ignored')], 0);
    expect(retire(ignored, 'paid', 'x', 1)).toBe(ignored);
    expect(retire(NO_TRUST, 'paid', 'x', 1)).toBe(NO_TRUST);
  });

  test('and what stands says since when', () => {
    const later = afterProof(proven, [proof('paid', 'works'), proof('changed', 'wrong')], DAY);
    expect([later.standings.get('paid')?.sinceMs, later.standings.get('changed')?.sinceMs]).toEqual([0, DAY]);
  });
});

test('a line says of each filter where it stands, since when, and why', () => {
  expect(trustTexts(retire(proven, 'paid', 'row 7 was not shown', HOUR))).toEqual([
    'q[closed_gteq] retired since 1970-01-01T01:00:00.000Z: row 7 was not shown',
    'q[updated_at_gteq] works since 1970-01-01T00:00:00.000Z: changed works',
  ]);
});

describe('filters are proven', () => {
  test('at once, then daily', () => {
    expect(proveAt(NO_TRUST, 5)).toBe(5);
    expect(proveAt(proven, HOUR)).toBe(DAY);
    expect(proveAt(afterProof(proven, [], DAY), DAY)).toBe(2 * DAY);
  });

  test('within the hour after a surprise, and where the API did not answer', () => {
    expect(proveAt(retire(proven, 'changed', 'x', 5 * HOUR), 5 * HOUR)).toBe(HOUR);
    expect(proveAt(afterProof(proven, [proof('id', 'unknown', false)], DAY), DAY)).toBe(DAY + HOUR);
  });

  test('within the hour after an edit where nothing showed whether the filter of edits works', () => {
    expect(learnOfEdit(proven, HOUR)).toBe(proven);
    const open = afterProof(NO_TRUST, [proof('changed', 'unknown')], 0);
    expect(proveAt(open, 1)).toBe(DAY);
    const learned = learnOfEdit(open, 2 * HOUR);
    // The first proof had no edit to go by: that one is soon had again, and no further one.
    expect(proveAt(learned, 2 * HOUR)).toBe(HOUR / 12);
    const again = learnOfEdit(afterProof(learned, [proof('changed', 'unknown')], 2 * HOUR), 3 * HOUR);
    expect(proveAt(again, 3 * HOUR)).toBe(3 * HOUR);
    expect(learnOfEdit(learned, 3 * HOUR)).toBe(learned);
  });

  test('within the hour after walks that were not answered', () => {
    expect(proveAt(doubt(proven, 5 * HOUR), 5 * HOUR)).toBe(HOUR);
    expect(doubt(doubt(proven, 5 * HOUR), 6 * HOUR).surprisedMs).toBe(5 * HOUR);
  });

  test('no later than a day on, where the clock was set back', () => {
    expect(proveAt(afterProof(NO_TRUST, [], 9 * DAY), DAY)).toBe(2 * DAY);
  });
});

describe('a change speaks against a walk', () => {
  const row = { id: 7, date: '2026-03-01', closed: '2026-03-30' };
  const change = { row, since: '2026-03-30', ended: 10 };
  const base = { from: '2026-01-01', to: null, order: 'asc' } as const;
  const walk = (scan: FilterWalk['scan'], since: string, more: Partial<FilterWalk> = {}): FilterWalk => {
    const query = scan === 'paid' ? { ...base, paidSince: since } : { ...base, changedSince: since };
    return { scan, query, began: 11, shown: new Set([3]), ...more };
  };

  test.each(['paid', 'changed'] as const)('%s, that began later and did not show it', (scan) => {
    expect(contradicts(stream, walk(scan, '2026-03-30'), change)).toBe(
      `row 7 was read changed by another scan, and ${scan}, which asked later for all since 2026-03-30, did not show it`,
    );
  });

  test.each([
    ['that showed it', walk('paid', '2026-03-30', { shown: new Set([7]) }), change],
    ['that began before the change was seen', walk('changed', '2026-03-30', { began: 10 }), change],
    ['that asked for later payments alone', walk('paid', '2026-03-31'), change],
    ['that asked for later changes alone', walk('changed', '2026-03-31'), change],
    ['of payments, where it is not paid', walk('paid', '2026-03-30'), { ...change, row: { ...row, closed: null } }],
    [
      'where the row is out of scope',
      walk('changed', '2026-03-30'),
      { ...change, row: { ...row, date: '2025-01-01' } },
    ],
  ])('not against one %s', (_, after, found) => {
    expect(contradicts(stream, after, found)).toBeNull();
  });
});

test('a page that cannot have been filtered is a surprise', () => {
  expect(surprise('paid', { outsideQuery: 3, totalCount: 3 }, 500)).toBe(
    'paid was answered with 3 rows that it had not asked for',
  );
  expect(surprise('changed', { outsideQuery: 0, totalCount: 500 }, 500)).toBe(
    'changed was answered with all 500 rows of the list',
  );
  expect(surprise('changed', { outsideQuery: 0, totalCount: 499 }, 500)).toBeNull();
  expect(surprise('changed', { outsideQuery: 0, totalCount: 60 }, 60)).toBeNull();
});
