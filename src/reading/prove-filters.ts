import {
  catchError,
  concatMap,
  defer,
  forkJoin,
  from,
  map,
  mergeMap,
  of,
  throwError,
  toArray,
  type Observable,
} from 'rxjs';

import { FatalError, TransientError } from '../errors';
import type { Query, StreamDeclaration } from '../model';
import {
  candidatesOf,
  judgeFilter,
  nextQuestion,
  type Answers,
  type Asked,
  type Candidate,
  type FilterProof,
} from '../rules/filter-proof';
import { knownBy, knownByBoth, type KnownChange, type KnownList } from '../rules/known-list';
import { PAGE_ROWS } from '../rules/paging';
import { listParams } from '../rules/scope';
import type { Slot } from '../sources/budget';
import type { Asking, Rest } from '../sources/rest';
import { isFilterRefused } from './read-pages';

/** How the filters of a list are asked for. */
export interface FilterProving {
  readonly rest: Pick<Rest, 'list'>;
  readonly stream: StreamDeclaration;
  /** What the sweep asks for. */
  readonly query: Query;
  /** What was seen to come or to change lately; without an edit among it, only payments can show whether a filter finds edits. */
  readonly changes: readonly KnownChange[];
  /** The day in UTC. */
  readonly today: string;
  /** Rows that a page is asked for. */
  readonly limit?: number;
  /** The turn and the tries of each request, and leave for the first one where that was got before. */
  readonly asking?: Asking;
}

/** The most requests that proving the filters of a stream takes. */
export function requestsToProve(stream: StreamDeclaration): number {
  const questions = candidatesOf(stream).reduce((sum, { kind }) => sum + (kind === 'fields' ? 1 : 3), 0);
  return 2 * readingsOf(stream) + questions;
}

/**
 * Asks a list by each candidate, one after the other, and emits what each came to; never fails for what the API does. The rows are
 * looked at and not published: what they show anew, the scans find.
 */
export function proveFilters(proving: FilterProving): Observable<FilterProof> {
  return defer(() => {
    let slot = proving.asking?.slot;
    const takeSlot = (): Slot | undefined => {
      const had = slot;
      slot = undefined;
      return had;
    };
    return proofsOf({ ...proving, takeSlot });
  });
}

/** One proof of all filters under way. */
interface Proving extends FilterProving {
  /** Leave for a request that was got before; none for any further one. */
  readonly takeSlot: () => Slot | undefined;
}

function proofsOf(proving: Proving): Observable<FilterProof> {
  const candidates = candidatesOf(proving.stream);
  return readList(proving).pipe(
    mergeMap((known) => {
      if (known === null) return of(candidates.map(unread));
      return from(candidates).pipe(
        concatMap((candidate) =>
          answersTo(proving, candidate, known, NOTHING_ASKED).pipe(map((answers) => ({ candidate, answers }))),
        ),
        toArray(),
        mergeMap((asked) => judgeAll(proving, known, asked)),
      );
    }),
    mergeMap((proofs) => proofs),
  );
}

interface AskedCandidate {
  readonly candidate: Candidate;
  readonly answers: Answers;
}

/** Where an answer contradicts, the list is read again: perhaps it is the list that has changed. */
function judgeAll(
  proving: Proving,
  before: KnownList,
  asked: readonly AskedCandidate[],
): Observable<readonly FilterProof[]> {
  const judged = (known: KnownList): readonly FilterProof[] =>
    asked.map(({ candidate, answers }) => judgeFilter(candidate, known, answers));
  const proofs = judged(before);
  if (!proofs.some(({ verdict }) => verdict === 'wrong')) return of(proofs);
  return readList(proving).pipe(
    map((after) => {
      if (after === null) return proofs;
      const again = judged(knownByBoth(before, after));
      return proofs.map((proof, index) => (proof.verdict === 'wrong' ? (again[index] ?? proof) : proof));
    }),
  );
}

const NOTHING_ASKED: Answers = { nothing: null, everything: null, between: null };

/** The answers to all questions of a candidate that are still to be asked. */
function answersTo(proving: Proving, candidate: Candidate, known: KnownList, answers: Answers): Observable<Answers> {
  const question = nextQuestion(candidate, known, answers);
  if (question === null) return of(answers);
  const { about, value } = question;
  return ask(proving, proving.query, proving.limit, { [candidate.parameter]: value }).pipe(
    map((answer): Answers => ({ ...answers, [about]: about === 'between' ? { value, answer } : answer })),
    mergeMap((more) => answersTo(proving, candidate, known, more)),
  );
}

function readingsOf({ openField }: Pick<StreamDeclaration, 'openField'>): number {
  return openField === null ? 1 : 2;
}

/** Reads the list without any candidate; null = it cannot be read. */
function readList(proving: Proving): Observable<KnownList | null> {
  const { stream, query, changes, today, limit = PAGE_ROWS } = proving;
  const open = readingsOf(stream) === 1 ? of(null) : ask(proving, { ...query, open: true }, 1);
  return forkJoin([ask(proving, query, limit), open]).pipe(
    map(([page, openPage]) => {
      if (typeof page === 'string') return null;
      // A filter of open rows that is ignored says nothing of them.
      const openRows = openPage === null || typeof openPage === 'string' ? null : openPage;
      const isHeeded = openRows !== null && openRows.totalCount < page.totalCount;
      return knownBy({ stream, query, changes, today, page, limit, open: isHeeded ? openRows : null });
    }),
  );
}

function ask(
  { rest, stream, asking, takeSlot }: Proving,
  query: Query,
  limit = PAGE_ROWS,
  more: Readonly<Record<string, string>> = {},
): Observable<Asked> {
  const params = { ...listParams(stream, { ...query, order: 'desc' }), ...more };
  return defer(() => rest.list(stream.name, stream.path, params, 0, limit, { ...asking, slot: takeSlot() })).pipe(
    catchError((error: unknown) => {
      if (isFilterRefused(error)) return of('refused' as const);
      const isOfApi = error instanceof FatalError || error instanceof TransientError;
      return isOfApi ? of('no-answer' as const) : throwError(() => error);
    }),
  );
}

function unread(candidate: Candidate): FilterProof {
  return { candidate, verdict: 'unknown', why: 'the list was not read without it', wasAnswered: false };
}
