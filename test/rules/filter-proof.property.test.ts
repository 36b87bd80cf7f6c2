import fc from 'fast-check';

import { isObject } from '../../src/json';
import {
  type Answers,
  type Asked,
  type Candidate,
  candidatesOf,
  type FilterProof,
  judgeFilter,
  outermostValues,
  valueBetween,
} from '../../src/rules/filter-proof';
import type { KnownChange, KnownList } from '../../src/rules/known-list';
import { answerIn, type HiddenRow, knownOf, type Mode, MODES, passesFilter, shown } from '../support/filters';

const candidates = candidatesOf({ openField: 'closed', detailOnlyFields: [] });
const days = (from: number, to: number): fc.Arbitrary<string> =>
  fc.integer({ min: from, max: to }).map((day) => new Date(Date.UTC(2026, 2, day)).toISOString().slice(0, 10));
const row: fc.Arbitrary<HiddenRow> = fc
  .record({
    id: fc.integer({ min: 1, max: 200 }),
    closed: fc.option(days(1, 9), { freq: 3 }),
    created: days(1, 9),
    hour: fc.integer({ min: 0, max: 23 }),
    edited: fc.nat({ max: 4 }),
  })
  .map(({ id, closed, created, hour, edited }) => {
    const created_at = `${created}T${String(hour).padStart(2, '0')}:30:00.000Z`;
    const updated_at = new Date(Date.parse(created_at) + edited * 86_400_000).toISOString();
    return { id, closed, created_at, updated_at };
  });
const lists = fc.uniqueArray(row, { selector: ({ id }) => id, maxLength: 40, size: 'max' });

interface Asking {
  readonly rows: readonly HiddenRow[];
  readonly candidate: Candidate;
  /** How each of the three questions is answered; mostly all in one way. */
  readonly modes: readonly [Mode, Mode, Mode];
  readonly limit: number;
  readonly isCreationShown: boolean;
  /** How many rows are known to have changed. */
  readonly seen: number;
}

const mode = fc.constantFrom(...MODES);
const askings: fc.Arbitrary<Asking> = fc.record({
  rows: lists,
  candidate: fc.constantFrom(...candidates),
  modes: fc.oneof(
    mode.map((one): [Mode, Mode, Mode] => [one, one, one]),
    mode.map((one): [Mode, Mode, Mode] => ['works', 'works', one]),
    fc.tuple(mode, mode, mode),
  ),
  limit: fc.constantFrom(5, 100),
  isCreationShown: fc.boolean(),
  seen: fc.nat({ max: 3 }),
});

const changesIn = (rows: readonly HiddenRow[], seen: number): readonly KnownChange[] =>
  rows
    .filter(({ created_at: created, updated_at: updated }) => created !== updated)
    .slice(0, seen)
    .map(({ id, updated_at: updated }) => ({ id, since: updated.slice(0, 10), isNew: false }));

interface Judged {
  readonly proof: FilterProof;
  readonly known: KnownList;
  readonly answers: Answers;
}

/** The three questions as they are asked one after the other, all of them. */
function asked({ rows, candidate, modes, limit, isCreationShown, seen }: Asking): Judged {
  const known = knownOf(rows, { limit, isCreationShown, changes: changesIn(rows, seen) });
  const { nothing: none, everything: all } = outermostValues(candidate, known);
  const answer = (at: 0 | 1 | 2, value: string): Asked =>
    answerIn(modes[at], rows, candidate, value, { limit, isCreationShown });
  const nothing = answer(0, none ?? '');
  const everything = answer(1, all);
  const value = typeof everything === 'string' ? null : valueBetween(candidate, known, everything);
  const between = value === null ? null : { value, answer: answer(2, value) };
  const answers = { nothing, everything, between };
  return { proof: judgeFilter(candidate, known, answers), known, answers };
}

const idsIn = (answer: Asked | undefined): readonly number[] =>
  typeof answer === 'object' ? answer.rows.map((each) => (isObject(each) ? Number(each['id']) : 0)) : [];

const runs = Number(process.env['FILTER_RUNS'] ?? 500);

test('a filter is never judged to work where a row contradicts it: one that it shows and should not, or does not show and should, by what is known', () => {
  fc.assert(
    fc.property(askings, (asking) => {
      const { proof, known, answers } = asked(asking);
      if (proof.verdict !== 'works') return;
      const { rows, candidate, isCreationShown } = asking;
      const value = answers.between?.value ?? '';
      const ids = idsIn(answers.between?.answer);
      const byId = new Map(rows.map((each) => [each.id, each]));
      const isVisible = candidate.kind === 'paid' || candidate.kind === 'id';
      const passes = (id: number): boolean => {
        const found = byId.get(id);
        return found !== undefined && passesFilter(candidate, found, value);
      };
      if (isVisible) expect(ids.filter((id) => !passes(id))).toEqual([]);
      // What the page without the filter showed is known, and what is known to have changed.
      const lowest = (answers.between?.answer as { totalCount: number }).totalCount > ids.length ? Math.min(...ids) : 0;
      const pages = [...idsIn({ rows: known.rows, totalCount: 0 })];
      const mustShow = [
        ...(isVisible ? pages.filter(passes) : []),
        ...(candidate.kind === 'changed'
          ? known.changes.filter(({ since }) => since >= value).map(({ id }) => id)
          : []),
      ].filter((id) => id >= lowest);
      expect(mustShow.filter((id) => !ids.includes(id))).toEqual([]);
      expect(isCreationShown || candidate.kind !== 'created').toBe(true);
      // It told rows apart.
      expect(ids.length).toBeGreaterThan(0);
      expect(answers.nothing).toEqual({ rows: [], totalCount: 0 });
    }),
    { numRuns: runs },
  );
});

test('a filter that works is never judged ignored, refused or wrong', () => {
  fc.assert(
    fc.property(askings, (asking) => {
      const { proof } = asked({ ...asking, modes: ['works', 'works', 'works'] });
      expect([proof.verdict, ['works', 'unknown'].includes(proof.verdict) ? '' : proof.why]).toEqual([
        expect.stringMatching(/^(works|unknown)$/),
        '',
      ]);
    }),
    { numRuns: runs },
  );
});

test.each<[Mode, Candidate['kind'], readonly string[]]>([
  ['ignored', 'paid', ['ignored', 'unknown']],
  ['ignored', 'changed', ['ignored', 'unknown']],
  ['ignored', 'created', ['ignored', 'unknown']],
  ['ignored', 'id', ['ignored', 'unknown']],
  ['refused', 'paid', ['refused']],
  ['refused', 'changed', ['refused']],
  ['silent', 'created', ['unknown']],
  ['day-off', 'paid', ['wrong', 'unknown']],
  ['day-off', 'id', ['wrong', 'unknown']],
  ['rows-alone', 'id', ['wrong', 'unknown']],
  ['empty', 'id', ['wrong', 'unknown']],
  ['nothing-but-extremes', 'paid', ['wrong', 'unknown']],
  ['nothing-but-extremes', 'changed', ['wrong', 'unknown']],
])('where a list is %s, its filter by %s is never judged to work: %j', (how, kind, verdicts) => {
  fc.assert(
    fc.property(askings, (asking) => {
      const candidate = candidates.find((each) => each.kind === kind) ?? asking.candidate;
      const { proof } = asked({ ...asking, candidate, modes: [how, how, how] });
      expect(verdicts).toContain(proof.verdict);
    }),
    { numRuns: Math.ceil(runs / 2) },
  );
});

test('most lists with payments on several days show that a filter of payments works', () => {
  fc.assert(
    fc.property(lists, (rows) => {
      const known = knownOf(rows, { limit: 100 });
      const [candidate] = candidates;
      if (candidate === undefined) throw new Error('expected a candidate');
      const isTellable = new Set(rows.flatMap(({ closed }) => closed ?? [])).size > 1;
      const { proof } = asked({
        rows,
        candidate,
        modes: ['works', 'works', 'works'],
        limit: 100,
        isCreationShown: true,
        seen: 0,
      });
      expect([proof.verdict, known.rows.length]).toEqual([
        isTellable ? 'works' : 'unknown',
        rows.map((each) => shown(each)).length,
      ]);
    }),
    { numRuns: runs },
  );
});
