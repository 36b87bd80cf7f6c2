import { defer, lastValueFrom, of, throwError, toArray, type Observable } from 'rxjs';

import { FatalError, TransientError } from '../../src/errors';
import type { Answer } from '../../src/model';
import { proveFilters, requestsToProve } from '../../src/reading/prove-filters';
import { candidatesOf, type FilterVerdict } from '../../src/rules/filter-proof';
import type { Rest } from '../../src/sources/rest';
import { answerIn, type HiddenRow, type Mode, shown } from '../support/filters';
import { itemStream } from '../support/memory';

const stream = itemStream('items', { scoped: true, opens: true });
const query = { from: '2026-01-01', to: null, order: 'asc' } as const;
const limit = 100;

const rowsOf = (count: number): readonly HiddenRow[] =>
  Array.from({ length: count }, (_, index) => {
    const day = (n: number): string => `2026-03-${String(n + 1).padStart(2, '0')}`;
    return {
      id: index * 3 + 1,
      closed: index % 3 === 0 ? null : day(index + 2),
      created_at: `${day(index)}T16:00:00+01:00`,
      updated_at: `${day(index % 3 === 0 ? index : index + 2)}T17:00:00+01:00`,
    };
  });

type Asked = Readonly<Record<string, string>>;

/** A list whose filters are each treated in their own way; what is not named works. */
function api(
  modes: Readonly<Record<string, Mode>>,
  { rows = () => rowsOf(24), before = () => undefined as Observable<Answer> | undefined } = {},
) {
  const questions: Asked[] = [];
  const list: Rest['list'] = (_stream, _path, params, offset, asked): Observable<Answer> =>
    defer(() => {
      questions.push(params);
      const instead = before();
      if (instead !== undefined) return instead;
      expect([offset, params['order'], params['q[date_gteq]']]).toEqual([0, 'id desc', '2026-01-01']);
      const candidate = candidatesOf(stream).find(({ parameter }) => params[parameter] !== undefined);
      const all = rows().filter(({ closed }) => params['q[closed_null]'] === undefined || closed === null);
      const page = { rows: all.toReversed().map((row) => shown(row)), totalCount: all.length };
      if (candidate === undefined) return of({ ...page, rows: page.rows.slice(0, asked), began: 1, ended: 2 });
      const mode = modes[candidate.kind] ?? 'works';
      const answer = answerIn(mode, all, candidate, params[candidate.parameter] ?? '', { limit: asked });
      if (answer === 'refused') return throwError(() => refusal(422));
      if (answer === 'no-answer') return throwError(() => new TransientError('the API is down'));
      return of({ ...answer, began: 1, ended: 2 });
    });
  return { rest: { list }, questions };
}

const refusal = (status: number): FatalError =>
  new FatalError('refused', { reason: 'unexpected-status', parks: 'stream', status });

const proofsOf = (rest: Pick<Rest, 'list'>) =>
  lastValueFrom(proveFilters({ rest, stream, query, changes: [], today: '2026-03-31', limit }).pipe(toArray()));

async function verdicts(rest: Pick<Rest, 'list'>): Promise<readonly FilterVerdict[]> {
  return (await proofsOf(rest)).map(({ verdict }) => verdict);
}

test('filters that work are shown to, within the requests that are said before', async () => {
  const { rest, questions } = api({});
  const proofs = await proofsOf(rest);
  expect(proofs.map(({ candidate, verdict }) => [candidate.kind, verdict])).toEqual([
    ['paid', 'works'],
    ['changed', 'works'],
    ['created', 'works'],
    ['id', 'works'],
  ]);
  expect(questions.length).toBe(requestsToProve(stream) - 2);
});

test('a filter that is ignored or refused takes one request, and the next is asked all the same', async () => {
  const { rest, questions } = api({ paid: 'ignored', changed: 'refused', created: 'ignored', id: 'ignored' });
  expect(await verdicts(rest)).toEqual(['ignored', 'refused', 'ignored', 'ignored']);
  expect(questions).toHaveLength(2 + 4);
});

test('each filter is judged alone, whatever the others are', async () => {
  const { rest, questions } = api({ paid: 'day-off', changed: 'silent', created: 'half' });
  expect(await verdicts(rest)).toEqual(['wrong', 'unknown', 'wrong', 'works']);
  expect(questions.length).toBeLessThanOrEqual(requestsToProve(stream));
});

test.each([400, 404, 422])('a filter answered with %i is refused', async (status) => {
  const { rest } = api({});
  const refusing: Pick<Rest, 'list'> = {
    list: (...question) =>
      question[2]['q[updated_at_gteq]'] === undefined ? rest.list(...question) : throwError(() => refusal(status)),
  };
  expect(await verdicts(refusing)).toEqual(['works', 'refused', 'works', 'works']);
});

test('an outage, or a key that is refused, shows nothing of a filter, and fails nothing', async () => {
  const unauthorized = new FatalError('401', { reason: 'unauthorized', parks: 'entity', status: 401 });
  for (const error of [new TransientError('down'), unauthorized]) {
    const { rest } = api({}, { before: () => throwError(() => error) });
    const proofs = await proofsOf(rest);
    expect(proofs.map(({ verdict, wasAnswered }) => [verdict, wasAnswered])).toEqual(
      Array.from({ length: 4 }, () => ['unknown', false]),
    );
  }
});

test('a bug is no answer of the API', async () => {
  const { rest } = api({}, { before: () => throwError(() => new TypeError('a bug')) });
  await expect(proofsOf(rest)).rejects.toThrow('a bug');
});

test('a list that changes while it is asked makes no filter wrong', async () => {
  let asked = 0;
  const all = rowsOf(24);
  const rows = (): HiddenRow[] => {
    // A document is paid, one comes and one goes after the list was read.
    if (asked < 3) return [...all];
    const [first, , ...rest] = all.map((row) =>
      row.id === 1 ? { ...row, closed: '2026-03-31', updated_at: '2026-03-31T17:00:00+02:00' } : row,
    );
    const created = '2026-03-31T16:00:00+02:00';
    const added = { id: 500, closed: null, created_at: created, updated_at: created };
    return first === undefined ? [] : [first, ...rest, added];
  };
  const count = (): undefined => void (asked += 1);
  const { rest } = api({}, { rows, before: count });
  for (const verdict of await verdicts(rest)) expect(['works', 'unknown']).toContain(verdict);
});
