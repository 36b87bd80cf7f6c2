import {
  type Answers,
  type Asked,
  type Candidate,
  type CandidateKind,
  candidatesOf,
  judgeFilter,
  NAMED_FIELDS,
  outermostValues,
  valueBetween,
} from '../../src/rules/filter-proof';
import type { KnownList } from '../../src/rules/known-list';
import { answerIn, type HiddenRow, knownOf, type Mode } from '../support/filters';

const candidates = candidatesOf({ openField: 'closed', detailOnlyFields: ['ksef_data'] });
const candidate = (kind: CandidateKind): Candidate => {
  const found = candidates.find((each) => each.kind === kind);
  if (found === undefined) throw new Error(`expected a candidate ${kind}`);
  return found;
};
const hidden = (id: number, created: number, { closed = null as number | null, updated = created } = {}): HiddenRow => {
  const day = (of: number): string => `2026-03-${String(of).padStart(2, '0')}`;
  return {
    id,
    closed: closed === null ? null : day(closed),
    created_at: `${day(created)}T16:00:00+01:00`,
    updated_at: `${day(updated)}T16:00:00+01:00`,
  };
};
/** Four documents, two of which were paid, and one of these days after it was created. */
const list = [hidden(3, 2), hidden(5, 4, { closed: 4 }), hidden(8, 5, { closed: 9, updated: 9 }), hidden(9, 12)];
const limit = 100;

interface Asking {
  readonly mode?: Mode;
  readonly rows?: readonly HiddenRow[];
  readonly known?: Partial<KnownList>;
}

function proofOf(kind: CandidateKind, { mode = 'works', rows = list, known = {} }: Asking = {}) {
  const about = knownOf(rows, { limit, ...known });
  const asked = candidate(kind);
  const { nothing: none, everything: all } = outermostValues(asked, about);
  const answer = (value: string): Asked => answerIn(mode, rows, asked, value, { limit });
  const everything = answer(all);
  const value = typeof everything === 'string' ? null : valueBetween(asked, about, everything);
  const answers: Answers = {
    nothing: answer(none ?? ''),
    everything,
    between: value === null ? null : { value, answer: answer(value) },
  };
  return judgeFilter(asked, about, answers);
}

test('a stream has the candidates that its rows allow, in the words of the API', () => {
  expect(candidates.map(({ parameter }) => parameter)).toEqual([
    'q[closed_gteq]',
    'q[updated_at_gteq]',
    'q[created_at_gteq]',
    'q[id_gt]',
    'fields',
  ]);
  expect(candidatesOf({ openField: null, detailOnlyFields: ['extensions'] }).map(({ kind }) => kind)).toEqual([
    'changed',
    'created',
    'id',
  ]);
});

test('the id that must give nothing fits into four bytes unless the list has higher ones', () => {
  expect(outermostValues(candidate('id'), { rows: [{ id: 7 }] })).toEqual({ nothing: '2147483647', everything: '0' });
  expect(outermostValues(candidate('id'), { rows: [{ id: 3_000_000_000 }] }).nothing).toBe('9007199254740991');
});

describe('a filter that passes works, and its sentence says what it gave', () => {
  test.each<[CandidateKind, string]>([
    ['paid', 'q[closed_gteq]=2026-03-09 gave 1 of 2 rows, as it should'],
    ['changed', 'q[updated_at_gteq]=2026-03-09 gave 2 of 4 rows, as it should'],
    ['created', 'q[created_at_gteq]=2026-03-12 gave 1 of 4 rows, as it should'],
    ['id', 'q[id_gt]=7 gave 2 of 4 rows, as it should'],
  ])('%s', (kind, why) => {
    expect(proofOf(kind)).toEqual({ candidate: candidate(kind), verdict: 'works', why, wasAnswered: true });
  });

  test('changed, by a row that was seen to change where nothing was paid', () => {
    const rows = [hidden(3, 2, { updated: 11 }), hidden(5, 4)];
    const changes = [{ id: 3, since: '2026-03-11', isNew: false }];
    expect(proofOf('changed', { rows, known: { changes } }).verdict).toBe('works');
    expect(proofOf('changed', { rows }).verdict).toBe('unknown');
  });

  test('created, by a row that was seen to come where no row shows when', () => {
    const rows = [hidden(3, 2), hidden(5, 4)].map((row) => ({ ...row, created_at: row.created_at }));
    const bare = { rows: [{ id: 5 }, { id: 3 }], stream: { scopeField: null, openField: null } };
    const query = { from: null, to: null, order: 'asc' } as const;
    const changes = [{ id: 5, since: '2026-03-04', isNew: true }];
    const known = knownOf(rows, { limit, ...bare, query, changes });
    const answers: Answers = {
      nothing: { rows: [], totalCount: 0 },
      everything: { rows: bare.rows, totalCount: 2 },
      between: { value: '2026-03-04', answer: { rows: [{ id: 5 }], totalCount: 1 } },
    };
    expect(valueBetween(candidate('created'), known, { rows: bare.rows, totalCount: 2 })).toBe('2026-03-04');
    expect(judgeFilter(candidate('created'), known, answers).verdict).toBe('works');
    const late = { value: '2026-03-04', answer: { rows: [{ id: 3 }], totalCount: 1 } };
    expect(judgeFilter(candidate('created'), known, { ...answers, between: late })).toMatchObject({
      verdict: 'wrong',
      why: 'q[created_at_gteq]=2026-03-04 left out row 5, which it was to show',
    });
  });
});

describe('what does not pass says why', () => {
  test.each<[CandidateKind, Mode, string, string]>([
    ['paid', 'ignored', 'ignored', 'q[closed_gteq]=2999-01-01 gave 4 rows and was to give none'],
    ['changed', 'refused', 'refused', 'the API refuses a list with q[updated_at_gteq]'],
    ['changed', 'silent', 'unknown', 'the API did not answer a list with q[updated_at_gteq]'],
    ['paid', 'day-off', 'wrong', 'q[closed_gteq]=2026-03-09 left out row 8, which it was to show'],
    ['changed', 'day-off', 'unknown', 'q[updated_at_gteq]=2026-03-09 gave 1 of 4 rows, and no row shows'],
    ['created', 'day-off', 'wrong', 'q[created_at_gteq]=2026-03-12 left out row 9, which it was to show'],
    ['paid', 'counts-alone', 'wrong', 'q[closed_gteq]=1900-01-01 showed row 9, which it was to leave out'],
    ['paid', 'rows-alone', 'wrong', 'q[closed_gteq]=2999-01-01 gave 1 rows and was to give none'],
    ['paid', 'empty', 'wrong', 'q[closed_gteq]=1900-01-01 gave 0 rows and was to give 2'],
    ['paid', 'nothing-but-extremes', 'wrong', 'q[closed_gteq]=2026-03-09 gave 4 rows and was to give 0 to 2'],
    ['id', 'half', 'wrong', 'q[id_gt]=0 gave 2 rows and was to give 4'],
  ])('%s, %s: %s', (kind, mode, verdict, why) => {
    const proof = proofOf(kind, { mode });
    expect([proof.verdict, proof.why]).toEqual([verdict, expect.stringContaining(why)]);
  });

  test('a list without rows, or rows that are all alike, show nothing', () => {
    expect(proofOf('paid', { rows: [] })).toMatchObject({ verdict: 'unknown', why: 'the list has no rows' });
    expect(proofOf('paid', { rows: [hidden(1, 2, { closed: 3 }), hidden(2, 2)] })).toMatchObject({
      verdict: 'unknown',
      why: 'no row that is known would show whether q[closed_gteq] leaves out what it should',
    });
  });

  test('a filter that leaves out rows without a time of their last change is wrong, however early the time is that was asked for', () => {
    const known = knownOf(list, { limit });
    const timed = list.filter(({ id }) => id !== 3).toReversed();
    const proof = judgeFilter(candidate('changed'), known, {
      nothing: { rows: [], totalCount: 0 },
      everything: { rows: timed, totalCount: timed.length },
      between: null,
    });
    expect(proof).toMatchObject({
      verdict: 'wrong',
      why: 'q[updated_at_gteq]=1900-01-01 gave 3 rows and was to give 4',
    });
  });

  test('an edit that was seen and is not shown is a contradiction', () => {
    const changes = [{ id: 3, since: '2026-03-20', isNew: false }];
    expect(proofOf('changed', { known: { changes } })).toMatchObject({
      verdict: 'wrong',
      why: 'q[updated_at_gteq]=2026-03-20 left out row 3, which it was to show',
    });
  });

  test('rows that the list does not have without the filter, rows outside its scope, and rows in disorder', () => {
    const known = knownOf(list, { limit });
    const row = (id: number, more = {}) => ({ id, date: '2026-01-01', closed: '2026-03-09', ...more });
    const judged = (rows: readonly object[]) =>
      judgeFilter(candidate('paid'), known, {
        nothing: { rows: [], totalCount: 0 },
        everything: { rows, totalCount: 2 },
        between: null,
      }).why;
    expect(judged([row(8), row(7)])).toContain('showed row 7, which the list does not have without it');
    expect(judged([row(8, { date: '2025-01-01' }), row(5)])).toContain('showed row 8, which another filter');
    expect(judged([row(5), row(8)])).toContain('in another order');
    expect(judged([row(8)])).toContain('showed 1 rows of a page, by its own total 2');
  });
});

describe('fields', () => {
  const bare = [
    { id: 9, uuid: 'n', notes: 'x' },
    { id: 8, uuid: 'm', notes: '' },
  ];
  const known = { ...knownOf([], { limit }), total: { least: 2, most: 2 }, rows: bare };
  const judged = (rows: readonly object[], totalCount = rows.length) =>
    judgeFilter(candidate('fields'), known, { nothing: null, everything: { rows, totalCount }, between: null });
  const data = (number: string) => ({ ksef_number: number, ksef_data: { ksef_number: number } });

  test('are asked for in one question', () => {
    expect(outermostValues(candidate('fields'), known)).toEqual({ nothing: null, everything: NAMED_FIELDS.join(',') });
    expect(valueBetween(candidate('fields'), known, { rows: bare, totalCount: 2 })).toBeNull();
  });

  test.each<[string, readonly object[], string]>([
    [
      'works',
      [
        { id: 9, uuid: 'n', ...data('1') },
        { id: 8, uuid: 'm', ksef_data: null },
      ],
      'of 1 of 2 rows',
    ],
    ['ignored', bare, 'gave whole rows'],
    [
      'ignored',
      [
        { id: 9, uuid: 'n' },
        { id: 8, uuid: 'm' },
      ],
      'rows cut down to these fields, without ksef_data',
    ],
    [
      'unknown',
      [
        { id: 9, ksef_data: null },
        { id: 8, ksef_data: null },
      ],
      'null in each of 2 rows',
    ],
    ['wrong', [{ id: 9, ksef_data: null }, { id: 8 }], 'of some rows alone'],
    [
      'wrong',
      [
        { id: 9, ...data('1') },
        { id: 8, ksef_number: '2', ksef_data: null },
      ],
      'row 8 another ksef_data',
    ],
    [
      'wrong',
      [
        { id: 9, uuid: 'n', ...data('1') },
        { id: 8, uuid: 'other', ksef_data: null },
      ],
      'other rows',
    ],
    ['wrong', [{ id: 9, uuid: 'n', ...data('1') }], 'other rows'],
  ])('%s where it gives %j', (verdict, rows, why) => {
    const proof = judged(rows, 2);
    expect([proof.verdict, proof.why]).toEqual([verdict, expect.stringContaining(why)]);
  });
});
