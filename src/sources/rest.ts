import {
  catchError,
  defer,
  finalize,
  from,
  map,
  mergeMap,
  type MonoTypeOperatorFunction,
  type Observable,
  of,
  tap,
} from 'rxjs';
import { FatalError, TransientError } from '../errors';
import type { Http } from '../http';
import type { Answer, EntityId, StreamName, Turn } from '../model';
import { fullJitter, retryWithBackoff } from '../operators/retry-with-backoff';
import {
  type AccountDetails,
  type ApiReply,
  brokenExchange,
  type Detail,
  keyChanged,
  type Question,
  readAccount,
  readAnswer,
  readDetail,
  readList,
  titleOf,
} from './answers';
import type { ApiKey } from './api-key';
import type { Slot } from './budget';

/** One try of one request: what is counted. */
export interface RequestAttempt {
  readonly entity: EntityId;
  readonly stream: StreamName;
  /** From 1; more than 1 is a retry. */
  readonly attempt: number;
  /** Absent where no whole answer came. */
  readonly status?: number;
  readonly fault?: TransientError;
}

/** The API as one entity sees it; each Observable is cold and asks anew per subscription. */
export interface Rest {
  /** Asks for rows of a list: `params` (filters, order), then `offset` and `limit`. */
  readonly list: (
    stream: StreamName,
    path: string,
    params: Readonly<Record<string, string>>,
    offset: number,
    limit: number,
  ) => Observable<Answer>;
  readonly detail: (stream: StreamName, path: string) => Observable<Detail>;
  /** `unreadable` if the key may not read its account, but does read lists. `newest` (the default) takes up a key that has changed. */
  readonly accountDetails: (key?: 'newest' | 'same') => Observable<AccountDetails | 'unreadable'>;
  /** The same, with every request dealt as the scan's own; `turn` is asked before each. */
  readonly as: (turn: () => Turn) => Rest;
}

export interface RestOptions {
  /** Scheme, host and path that every address begins with; the key is sent nowhere else. */
  readonly baseUrl: string;
  readonly entity: EntityId;
  readonly apiKey: ApiKey;
  readonly http: Pick<Http, 'exchange'>;
  readonly slots: { readonly take: (signal: AbortSignal, turn?: Turn) => Promise<Slot> };
  /** Numbers that grow with each call, one sequence per process. */
  readonly marks: { readonly next: () => number };
  readonly retry: RequestRetry;
  readonly onAttempt?: (attempt: RequestAttempt) => void;
  /** Milliseconds since 1970, for a Retry-After in an answer that has no Date. */
  readonly wallClock?: () => number;
}

/** GETs that print, book or otherwise change a document. */
const SIDE_EFFECTS = /\/(pdf|download_xml)\.json$/i;

/** How often one request is tried, and how long to wait before retry 1, 2, ... unless the API itself says so. */
export interface RequestRetry {
  /** Tries in all, the first included. */
  readonly attempts: number;
  readonly waitMs: (retry: number) => number;
}

/** How often one request to the API is tried: six times, with full jitter from 0.5 s to 30 s. */
export function requestRetry(random: () => number): RequestRetry {
  return { attempts: 6, waitMs: fullJitter({ firstMs: 500, maxMs: 30_000, random }) };
}

/** Resubscribes after transient failures; the wait that the API asked for goes before the policy's own. */
export function retryRequest<T>({ attempts, waitMs }: RequestRetry): MonoTypeOperatorFunction<T> {
  const askedFor = (error: unknown): number | undefined =>
    error instanceof TransientError ? error.retryAfterMs : undefined;
  return retryWithBackoff({
    attempts,
    waitMs: (error, retry) => askedFor(error) ?? waitMs(retry),
    mayPass: (error) => error instanceof TransientError,
  });
}

/**
 * Reads the API for one entity: each try waits for its own slot, transient faults are tried again.
 *
 * What cannot succeed, or is still no list after all tries, fails with a FatalError that says what to park; what is
 * still down or busy after all tries, with the last TransientError. Errors hold neither the key nor anything of a row.
 */
export function createRest(options: RestOptions): Rest {
  const { baseUrl, entity, apiKey, slots, retry, onAttempt } = options;

  function request<T>(question: Question, read: (reply: ApiReply) => T): Observable<T> {
    return defer(() => {
      const url = addressOf(question, baseUrl);
      let attempt = 0;
      const count = (end: Pick<RequestAttempt, 'status' | 'fault'>) =>
        onAttempt?.({ entity, stream: question.stream, attempt, ...end });
      return defer(() => {
        attempt++;
        return oneTry(options, question, url);
      }).pipe(
        tap({
          next: ({ status }) => count({ status }),
          error: (error: unknown) => {
            if (error instanceof TransientError) count({ fault: error });
          },
        }),
        map((reply) => {
          if (reply.status === 401 && question.kind !== 'account' && apiKey.changed()) throw keyChanged(question);
          return read(reply);
        }),
        retryRequest(retry),
        catchError((error: unknown) => {
          // The fault that might have passed has not.
          if (error instanceof TransientError && error.cause instanceof FatalError) throw error.cause;
          throw error;
        }),
      );
    });
  }

  function list(
    stream: StreamName,
    path: string,
    params: Readonly<Record<string, string>>,
    offset: number,
    limit: number,
  ): Observable<Answer> {
    const search = new URLSearchParams(params);
    search.set('offset', String(offset));
    search.set('limit', String(limit));
    const question: Question = { entity, stream, kind: 'list', path, params: search };
    return request(question, (reply) => readList(question, reply));
  }

  return {
    list,
    detail: (stream, path) => {
      const question: Question = { entity, stream, kind: 'detail', path };
      return request(question, (reply) => readDetail(question, reply));
    },
    accountDetails: (key = 'newest') => {
      const question: Question = {
        entity,
        stream: 'account',
        kind: 'account',
        path: '/account/details.json',
        renews: key === 'newest',
      };
      return request(question, (reply) => readAccount(question, reply)).pipe(
        mergeMap((details) =>
          details === 'refused'
            ? list('clients', '/clients.json', { order: 'id asc' }, 0, 1).pipe(map(() => 'unreadable' as const))
            : of(details),
        ),
      );
    },
    as: (turn) => createRest({ ...options, slots: { take: (signal) => slots.take(signal, turn()) } }),
  };
}

/** The URL, unless it would take the key elsewhere or make the API do more than read. */
function addressOf({ entity, stream, kind, path, params }: Question, baseUrl: string): string {
  const base = new URL(baseUrl.replace(/\/+$/, ''));
  const root = base.href.replace(/\/$/, '');
  const url = path.startsWith('/') ? new URL(root + path) : null;
  if (url === null || !`${url.origin}${url.pathname}`.startsWith(`${root}/`) || SIDE_EFFECTS.test(url.pathname)) {
    throw new FatalError(`GET ${path} expected a path below the base URL that only reads, got another`, {
      entity,
      stream,
      reason: 'malformed-answer',
      parks: kind === 'account' ? 'entity' : 'stream',
    });
  }
  if (params !== undefined) url.search = params.toString();
  return url.href;
}

/** One try with a slot of its own; unsubscribing leaves the queue, or aborts the request. */
function oneTry(
  { apiKey, http, slots, marks, wallClock = Date.now }: RestOptions,
  question: Question,
  url: string,
): Observable<ApiReply> {
  const { entity, stream, kind } = question;
  return defer(() => {
    if (question.renews === true) apiKey.renew();
    else if (apiKey.changed()) throw keyChanged(question);
    const headers = { 'X-inFakt-ApiKey': apiKey.value(), Accept: 'application/json' };
    if (!/^[\x21-\x7e]+$/.test(apiKey.value())) {
      const message = `${titleOf(question)} expected an API key of printable characters, got one that no header can hold`;
      throw new FatalError(message, { entity, stream, reason: 'unauthorized', parks: 'entity' });
    }
    const aborter = new AbortController();
    const taken = slots.take(aborter.signal);
    return from(taken).pipe(
      mergeMap((slot) => {
        const began = marks.next();
        return http.exchange({ url, headers }).pipe(
          map((answer) => readAnswer(answer, began, marks.next(), wallClock)),
          tap({
            next: ({ status, body, retryAfterMs }) =>
              slot.done({
                status,
                list: kind === 'list',
                json: body !== undefined,
                ...(retryAfterMs !== undefined && { retryAfterMs }),
              }),
            error: (error: unknown) =>
              slot.done(
                error instanceof TransientError && error.status !== undefined
                  ? { status: error.status }
                  : { fault: true },
              ),
          }),
        );
      }),
      catchError((error: unknown) => {
        if (error instanceof TransientError) throw brokenExchange(question, error);
        throw error;
      }),
      finalize(() => {
        aborter.abort('over');
        // A slot that was granted but never used, or whose request was given up, ends here.
        void taken.then(
          (slot) => slot.done({}),
          () => undefined,
        );
      }),
    );
  });
}
