import { FatalError } from '../../src/errors';
import type { Answer, Position } from '../../src/model';
import { judge, judgeSpot, type Paging, startPosition } from '../../src/rules/paging';

const asc: Paging = { limit: 4, order: 'asc' };
const desc: Paging = { limit: 4, order: 'desc' };

function rows(...ids: number[]) {
  return ids.map((id) => ({ id }));
}

function answer(shown: readonly unknown[], totalCount = 1000): Answer {
  return { rows: shown, totalCount, began: 1, ended: 2 };
}

function at(offset: number, anchor: number | null, rest: Partial<Position> = {}): Position {
  return { ...startPosition(), offset, anchor, ...rest };
}

function refusal(action: () => unknown): FatalError {
  try {
    action();
  } catch (error) {
    if (error instanceof FatalError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('judge', () => {
  test.each([2 ** 53 - 1, 2 ** 53, 0, -1, 1.5, '7', null, { a: 1 }])(
    'takes a row whose id is %j, which no key could hold, for one without an id (I9)',
    (id) => {
      const shown = [...rows(3), { id }, ...rows(5)];
      expect(judge(startPosition(), answer(shown), asc)).toMatchObject({
        rows: rows(3, 5),
        strays: [{ rows: [{ id }], gap: { after: 3, upTo: 4 } }],
      });
    },
  );

  test('proves everything up to the last row of the first page, and asks on from that row', () => {
    expect(judge(startPosition(), answer(rows(3, 5, 8, 9)), asc)).toEqual({
      kind: 'proved',
      interval: { after: null, upTo: 9 },
      rows: rows(3, 5, 8, 9),
      strays: [],
      end: false,
      miscounted: null,
      unreadable: null,
      next: { offset: 3, anchor: 9, step: 1, requests: 1, unproven: 0 },
    });
  });

  test('does not repeat the row that a page shares with the one before', () => {
    expect(judge(at(3, 9, { requests: 1 }), answer(rows(9, 12, 13, 20)), asc)).toMatchObject({
      kind: 'proved',
      interval: { after: 9, upTo: 20 },
      rows: rows(12, 13, 20),
      next: { offset: 6, anchor: 20, requests: 2 },
    });
  });

  test('mirrors the bounds where the walk goes down', () => {
    const first = judge(startPosition(), answer(rows(20, 13, 12, 9)), desc);
    expect(first).toMatchObject({ interval: { after: 8, upTo: null }, rows: rows(20, 13, 12, 9), end: false });
    expect(judge(first.next, answer(rows(9, 8, 5, 3)), desc)).toMatchObject({
      interval: { after: 2, upTo: 8 },
      rows: rows(8, 5, 3),
      next: { offset: 6, anchor: 3 },
    });
    expect(judge(at(6, 3), answer(rows(3, 2), 8), desc)).toMatchObject({
      interval: { after: null, upTo: 2 },
      rows: rows(2),
      end: true,
    });
  });

  test.each([
    ['asc', asc, rows(12, 13, 20, 21)],
    ['desc', desc, rows(8, 7, 6, 5)],
  ])('steps back, twice as far each time, while a page does not join the anchor (%s)', (_, paging, shown) => {
    const first = judge(at(9, 9), answer(shown), paging);
    expect(first).toEqual({ kind: 'step', next: at(8, 9, { step: 2, requests: 1, unproven: 1 }) });
    const second = judge(first.next, answer(shown), paging);
    expect(second).toEqual({ kind: 'step', next: at(6, 9, { step: 4, requests: 2, unproven: 2 }) });
    const third = judge(second.next, answer(shown), paging);
    expect(third).toMatchObject({ kind: 'step', next: { offset: 2, anchor: 9 } });
    expect(judge(third.next, answer(shown), paging)).toMatchObject({ kind: 'step', next: { offset: 0, anchor: 9 } });
  });

  test('steps back from an empty page that is not the first, even if it lies beyond total_count', () => {
    expect(judge(at(9, 9), answer([], 5), asc)).toMatchObject({ kind: 'step', next: { offset: 8, anchor: 9 } });
  });

  describe('where the end must be confirmed', () => {
    const sweep: Paging = { ...asc, confirmsEnd: true };

    test.each([
      ['the total says so', 5],
      ['the total is the number of rows shown', 2],
      ['the total is nought', 0],
    ])('takes no page for the end that shows more than the row the walk had reached, although %s', (_, totalCount) => {
      const verdict = judge(at(3, 9), answer(rows(9, 12), totalCount), sweep);
      expect(verdict).toMatchObject({ interval: { after: 9, upTo: 12 }, end: false, next: { offset: 4, anchor: 12 } });
      expect(judge(verdict.next, answer(rows(12), totalCount), sweep)).toMatchObject({
        interval: { after: 12, upTo: null },
        end: true,
        miscounted: totalCount === 5 ? null : 5,
      });
    });

    test('ends an empty list at once, and a list of one row when it shows that row again', () => {
      expect(judge(startPosition(), answer([], 0), sweep)).toMatchObject({ end: true, miscounted: null });
      const first = judge(startPosition(), answer(rows(7), 1), sweep);
      expect(first).toMatchObject({ rows: rows(7), end: false, next: { offset: 0, anchor: 7 } });
      expect(judge(first.next, answer(rows(7), 1), sweep)).toMatchObject({ rows: [], end: true });
    });

    test('looks behind the last row where the total names more, and ends there if nothing is shown twice', () => {
      const beyond = judge(at(4, 12), answer(rows(12), 9), sweep);
      expect(beyond).toMatchObject({ kind: 'step', next: { offset: 5, anchor: 12 } });
      const back = judge(beyond.next, answer([], 9), sweep);
      expect(back).toMatchObject({ kind: 'step', next: { offset: 4, anchor: 12, emptyAt: 5 } });
      expect(judge(back.next, answer(rows(12), 9), sweep)).toMatchObject({ kind: 'proved', end: true, miscounted: 5 });
      expect(judge(back.next, answer(rows(12, 14), 9), sweep)).toMatchObject({ rows: rows(14), end: false });
    });

    test('takes an empty page for no end where the total says that the list had become that short', () => {
      const beyond = judge(at(0, 6), answer(rows(1), 11), sweep);
      expect(beyond).toMatchObject({ kind: 'step', next: { offset: 1 } });
      const back = judge(beyond.next, answer([], 1), sweep);
      expect(back).toMatchObject({ kind: 'step', next: { offset: 0 } });
      expect(judge(back.next, answer(rows(1), 2), sweep)).toMatchObject({
        kind: 'step',
        next: { offset: 1, anchor: 6 },
      });
    });

    test('takes a page of one row for no end where rows were shown behind it', () => {
      const beyond = judge(at(4, 12), answer(rows(12), 9), sweep);
      const back = judge(beyond.next, answer(rows(15), 9), sweep);
      expect(judge(back.next, answer(rows(12), 9), sweep)).toMatchObject({ kind: 'step', next: { offset: 5 } });
    });

    test('believes no total in an empty list', () => {
      expect(judge(startPosition(), answer([], 3), sweep)).toMatchObject({ kind: 'step', next: { offset: 1 } });
      const again = at(0, null, { step: 2, requests: 2, unproven: 2, emptyAt: 1 });
      expect(judge(again, answer([], 3), sweep)).toMatchObject({ kind: 'step' });
    });

    test('goes on to its last row where rows in front were deleted', () => {
      expect(judge(at(2, 9), answer(rows(7, 9), 4), sweep)).toMatchObject({ kind: 'step', next: { offset: 3 } });
      expect(judge(at(3, 9), answer(rows(9), 4), sweep)).toMatchObject({ end: true });
      expect(judge(at(3, 9), answer(rows(8), 4), sweep)).toMatchObject({ end: true });
    });
  });

  describe('behind rows that could not be read', () => {
    const body = { status: 200, bytes: Buffer.from('?'), began: 1, ended: 1 };
    const behind = (shown: readonly unknown[], resumedAt: number, totalCount = 1000): Answer => ({
      ...answer(shown, totalCount),
      unreadable: { bodies: [body], resumedAt },
    });

    test.each([
      ['asc', asc, rows(14, 15), { after: 13, upTo: 15 }, { after: 9, upTo: 13 }],
      ['desc', desc, rows(6, 5), { after: 4, upTo: 6 }, { after: 6, upTo: 8 }],
    ])('proves only what the page shows from its first row on (%s)', (_, paging, shown, interval, gap) => {
      expect(judge(at(3, 9), behind(shown, 5), paging)).toMatchObject({
        ...{ kind: 'proved', interval, rows: shown, end: false },
        unreadable: { bodies: [body], gap },
        next: { offset: 6, anchor: shown[1]?.id, step: 1, unproven: 0 },
      });
    });

    test('ends where nothing follows them, and proves nothing', () => {
      expect(judge(at(3, 9), behind([], 5, 5), asc)).toMatchObject({
        ...{ rows: [], end: true, interval: { after: Number.MAX_SAFE_INTEGER, upTo: null } },
        unreadable: { bodies: [body], gap: { after: 9, upTo: null } },
      });
    });

    test('judges a page as any other where they lie among what was proved', () => {
      expect(judge(at(3, 9), behind(rows(8, 9, 12), 1), asc)).toMatchObject({
        ...{ interval: { after: 9, upTo: 12 }, rows: rows(12), unreadable: null },
        next: { offset: 3, anchor: 12 },
      });
    });

    test('parks the stream over disorder as anywhere', () => {
      expect(refusal(() => judge(at(3, 9), behind(rows(14, 13), 5), asc)).reason).toBe('out-of-order');
    });
  });

  test('joins any first page: nothing can lie before it', () => {
    expect(judge(at(0, 9), answer(rows(12, 13, 20, 21)), asc)).toMatchObject({
      kind: 'proved',
      interval: { after: 9, upTo: 21 },
      rows: rows(12, 13, 20, 21),
      next: { offset: 3, anchor: 21 },
    });
  });

  test('takes a page for the end if it is shorter than the limit and reaches total_count', () => {
    const verdict = judge(at(3, 9, { step: 8, requests: 7, unproven: 3 }), answer(rows(9, 12), 5), asc);
    expect(verdict).toEqual({
      kind: 'proved',
      interval: { after: 9, upTo: null },
      rows: rows(12),
      strays: [],
      end: true,
      miscounted: null,
      unreadable: null,
      next: { offset: 4, anchor: 12, step: 1, requests: 8, unproven: 0 },
    });
  });

  test.each([
    ['a full page', rows(9, 12, 13, 20), 7],
    ['a page short of total_count', rows(9, 12), 6],
  ])('does not take %s for the end', (_, shown, totalCount) => {
    expect(judge(at(3, 9), answer(shown, totalCount), asc)).toMatchObject({
      kind: 'proved',
      interval: { after: 9, upTo: shown.at(-1)?.id },
      end: false,
    });
  });

  test('ends an empty list at once', () => {
    expect(judge(startPosition(), answer([], 0), asc)).toMatchObject({
      kind: 'proved',
      interval: { after: null, upTo: null },
      rows: [],
      end: true,
    });
  });

  test('ends where nothing follows the anchor, also if the anchor itself is gone', () => {
    const interval = { after: 9, upTo: null };
    expect(judge(at(3, 9), answer(rows(9), 4), asc)).toMatchObject({ interval, rows: [], end: true });
    expect(judge(at(2, 9), answer(rows(7), 3), asc)).toMatchObject({ interval, rows: [], end: true });
  });

  test.each([
    ['asc', asc, rows(5, 7, 8, 9)],
    ['desc', desc, rows(14, 12, 11, 9)],
  ])('steps forward by all but one row while a page holds nothing beyond the anchor (%s)', (_, paging, shown) => {
    const next = at(6, 9, { step: 4, requests: 1, unproven: 1 });
    expect(judge(at(3, 9, { step: 4 }), answer(shown), paging)).toEqual({ kind: 'step', next });
  });

  test('steps forward by one row at least', () => {
    expect(judge(at(0, null), answer([], 10), asc)).toMatchObject({ kind: 'step', next: { offset: 1, anchor: null } });
    expect(judge(at(3, 9), answer(rows(9), 10), asc)).toMatchObject({ kind: 'step', next: { offset: 4, anchor: 9 } });
  });

  test.each([
    ['ids that fall', asc, rows(3, 8, 7), 'above 8 at row 2, got 7'],
    ['equal ids', asc, rows(3, 8, 8), 'above 8 at row 2, got 8'],
    ['ids that rise on the way down', desc, rows(8, 3, 4), 'below 3 at row 2, got 4'],
    ['ids that fall before the anchor', asc, rows(5, 4, 12), 'above 5 at row 1, got 4'],
  ])('parks the stream over %s', (_, paging, shown, message) => {
    const error = refusal(() => judge(at(7, 5), answer(shown), paging));
    expect(error).toMatchObject({ reason: 'out-of-order', parks: 'stream' });
    expect(error.message).toContain(`offset 7, proven to id 5: expected an id ${message}`);
  });

  test('names ids in its complaint, and nothing else of a row', () => {
    const shown = [
      { id: 2, buyer: 'Jan Kowalski' },
      { id: 1, buyer: 'Anna Nowak' },
    ];
    expect(refusal(() => judge(startPosition(), answer(shown), asc)).message).toBe(
      'read the list by id asc at offset 0, nothing proven yet: expected an id above 2 at row 1, got 1',
    );
  });

  test.each([null, 7, 'x', [], {}, { id: null }, { id: '8' }, { id: 0 }, { id: -1 }, { id: 8.5 }, { id: 2 ** 53 }])(
    'leaves out of order and anchor what has no usable id, counts it as a row, and shows it once: %j',
    (stray) => {
      expect(judge(startPosition(), answer([stray, ...rows(3, 8), stray], 4), asc)).toMatchObject({
        interval: { after: null, upTo: 8 },
        rows: rows(3, 8),
        strays: [{ rows: [stray], gap: { after: null, upTo: 2 } }],
        end: false,
        next: { offset: 2, anchor: 8 },
      });
    },
  );

  test('places rows without an id between the ids beside them, so that no row that was shown is taken for one of them (I10)', () => {
    const places = (
      position: Position,
      shown: readonly unknown[],
      total: number,
      paging: Paging = { ...asc, limit: 100 },
    ) => judge(position, answer(shown, total), paging);
    expect(places(at(3, 9), [...rows(9), null, ...rows(12, 20), 7, 'x', ...rows(30), {}], 10)).toMatchObject({
      end: true,
      strays: [
        { rows: [null], gap: { after: 9, upTo: 11 } },
        { rows: [7, 'x'], gap: { after: 20, upTo: 29 } },
        { rows: [{}], gap: { after: 30, upTo: null } },
      ],
    });
    expect(places(at(3, 9), [null, ...rows(9, 12)], 9)).toMatchObject({
      strays: [{ rows: [null], gap: { after: 7, upTo: 8 } }],
    });
    const newest = { ...asc, order: 'desc' as const };
    expect(places(startPosition(), [7, ...rows(20), null, ...rows(12)], 9, newest)).toMatchObject({
      strays: [
        { rows: [7], gap: { after: 20, upTo: null } },
        { rows: [null], gap: { after: 12, upTo: 19 } },
      ],
    });
  });

  test.each([
    ['next to each other', [...rows(16, 17), null, ...rows(18)], { after: 16, upTo: 17 }],
    ['too near for all of them', [...rows(16), null, 7, 'x', ...rows(18)], { after: 14, upTo: 17 }],
    ['at the beginning', [null, 7, ...rows(2)], { after: null, upTo: 2 }],
  ])('gives rows without an id room for an id each, where the ids beside them are %s', (_, shown, gap) => {
    expect(judge(startPosition(), answer(shown, 9), asc)).toMatchObject({ strays: [{ gap }] });
  });

  test('parks the stream over a page without any usable id', () => {
    const error = refusal(() => judge(at(3, 9), answer([null, { id: 'x', buyer: 'Jan' }]), asc));
    expect(error).toMatchObject({ reason: 'malformed-answer', parks: 'stream' });
    expect(error.message).toContain('expected rows with a positive integer id, got 2 rows without one');
  });

  test('parks the stream when total_count/99 + 40 requests have proved nothing', () => {
    const late = (unproven: number) => () => judge(at(3, 9, { unproven }), answer(rows(9), 198), asc);
    expect(late(40)()).toMatchObject({ kind: 'step' });
    const error = refusal(late(41));
    expect(error).toMatchObject({ reason: 'no-progress', parks: 'stream' });
    expect(error.message).toContain('expected a proven page within 42 requests in a list of 198, got none in 42');
  });

  test('parks the stream when four times as many requests and 200 more have not reached the end', () => {
    const page = (requests: number, shown: { id: number }[], totalCount: number) => () =>
      judge(at(3, 9, { requests }), answer(shown, totalCount), asc);
    expect(page(366, rows(9, 10, 11, 12), 198)()).toMatchObject({ kind: 'proved' });
    const error = refusal(page(367, rows(9, 10, 11, 12), 198));
    expect(error).toMatchObject({ reason: 'no-progress', parks: 'stream' });
    expect(error.message).toContain('expected the end within 368 requests in a list of 198, got no end in 368');
    expect(page(9999, rows(9, 10), 5)()).toMatchObject({ end: true });
  });
});

describe('judgeSpot', () => {
  const look = (position: Position, shown: Answer, paging = asc) => judgeSpot(10, position, shown, paging);

  test('finds the row in an answer that shows it', () => {
    const found = { id: 10, net: 1 };
    expect(look(at(5, null), answer([...rows(8), found]))).toEqual({ kind: 'settled', found });
    expect(look(at(5, null), answer([...rows(12), found]), desc)).toEqual({ kind: 'settled', found });
  });

  test.each([
    ['its neighbours stand side by side', at(5, null), answer(rows(8, 9, 11, 12)), asc],
    ['its neighbours stand side by side on the way down', at(5, null), answer(rows(12, 11, 9, 8)), desc],
    ['the list begins beyond it', at(0, null), answer(rows(11, 12, 13, 14)), asc],
    ['the list ends before it', at(5, null), answer(rows(8, 9), 7), asc],
    ['the list is empty', at(0, null), answer([], 0), asc],
  ])('proves a row absent where %s', (_, position, shown, paging) => {
    expect(look(position, shown, paging)).toEqual({ kind: 'settled', found: null });
  });

  test.each([
    ['a page beyond it', answer(rows(11, 12, 13, 14)), asc],
    ['a page beyond it on the way down', answer(rows(9, 8, 7, 6)), desc],
    ['an empty page, even beyond total_count', answer([], 2), asc],
  ])('steps back, twice as far each time, from %s', (_, shown, paging) => {
    const first = look(at(7, null), shown, paging);
    expect(first).toEqual({ kind: 'step', next: at(6, null, { step: 2, requests: 1, unproven: 1 }) });
    expect(first.kind === 'step' && look(first.next, shown, paging)).toMatchObject({ next: { offset: 4, step: 4 } });
  });

  test('steps forward by all but one row from a page before it that is not the end', () => {
    expect(look(at(7, null), answer(rows(5, 6, 7, 8)))).toMatchObject({ kind: 'step', next: { offset: 10 } });
    expect(look(at(7, null), answer(rows(5, 6)))).toMatchObject({ kind: 'step', next: { offset: 8 } });
    expect(look(at(0, null), answer([]))).toMatchObject({ kind: 'step', next: { offset: 1 } });
  });

  test('parks the stream over disorder, over a page without ids, and without progress', () => {
    expect(refusal(() => look(at(7, null), answer(rows(9, 8)))).reason).toBe('out-of-order');
    expect(refusal(() => look(at(7, null), answer([null]))).reason).toBe('malformed-answer');
    expect(refusal(() => look(at(7, null, { unproven: 40 }), answer(rows(5), 20))).reason).toBe('no-progress');
  });
});
