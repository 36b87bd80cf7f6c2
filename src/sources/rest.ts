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
  throwError,
} from 'rxjs';
import { FatalError, type ParkReason, TransientError } from '../errors';
import type { Http } from '../http';
import type { Answer, EntityId, RawBody, ScanName, StreamName, Turn } from '../model';
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
  unauthorizedOnce,
} from './answers';
import type { ApiKey } from './api-key';
import type { Slot, Slots } from './budget';

/** One try of one request: what is counted. */
export interface RequestAttempt {
  readonly entity: EntityId;
  readonly stream: StreamName;
  /** The scan that asked; absent = none did, as for whose account it is. */
  readonly scan?: ScanName;
  /** From 1; more than 1 is a retry. */
  readonly attempt: number;
  /** How the try before it ended: with that status, without an answer; null = it is the first. */
  readonly after: number | 'no-answer' | null;
  /** How long the request waited for its turn; null = it was not sent. */
  readonly waitedMs: number | null;
  /** Absent where no whole answer came. */
  readonly status?: number;
  readonly fault?: TransientError;
}

/** How one request is made, where that is not as usual. */
export interface Asking {
  /** Tries in all, where that is less than usual. */
  readonly tries?: number;
  /** The turn of the request among all others, asked before each try. */
  readonly turn?: (() => Turn | undefined) | undefined;
  /** Leave for the first try, got before; whoever got it gives back what is not used. */
  readonly slot?: Slot | undefined;
}

/** The API as one entity sees it; each Observable is cold and asks anew per subscription. */
export interface Rest {
  /** Waits for leave to make a request that does not exist yet, as thousands may at little cost; otherwise as `Slots.wait`. */
  readonly leave: (grant: (slot: Slot) => void, turn?: () => Turn | undefined) => () => void;
  /** Asks for rows of a list: `params` (filters, order), then `offset` and `limit`. */
  readonly list: (
    stream: StreamName,
    path: string,
    params: Readonly<Record<string, string>>,
    offset: number,
    limit: number,
    asking?: Asking,
  ) => Observable<Answer>;
  /** Whatever a list answers when it is asked for one row, once; never fails for what the API does. */
  readonly raw: (
    stream: StreamName,
    path: string,
    params: Readonly<Record<string, string>>,
    offset: number,
    asking?: Pick<Asking, 'turn'>,
  ) => Observable<RawBody>;
  readonly detail: (stream: StreamName, path: string, asking?: Asking) => Observable<Detail>;
  /** `unreadable` if the key may not read its account, but does read lists. `newest` (the default) takes up a key that has changed. */
  readonly accountDetails: (key?: 'newest' | 'same') => Observable<AccountDetails | 'unreadable'>;
}

export interface RestOptions {
  /** Scheme, host and path that every address begins with; the key is sent nowhere else. */
  readonly baseUrl: string;
  readonly entity: EntityId;
  readonly apiKey: ApiKey;
  readonly http: Pick<Http, 'exchange'>;
  readonly slots: {
    readonly take: (signal: AbortSignal, turn?: Turn) => Promise<Slot>;
    readonly wait: Slots['wait'];
  };
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
  /** The wait before a key that was refused once is tried a second time. */
  readonly secondOpinionMs: number;
}

/** How often one request to the API is tried: six times, with full jitter from 0.5 s to 30 s. */
export function requestRetry(random: () => number): RequestRetry {
  return { attempts: 6, waitMs: fullJitter({ firstMs: 500, maxMs: 30_000, random }), secondOpinionMs: 5_000 };
}

/** A request waits so long itself where the API asks for it; for longer its stream or entity is parked, and says so. */
const LONGEST_WAIT_MS = 60_000;

/** Resubscribes after transient failures, waiting as long as the API asked for, up to a minute, and the policy says. */
export function retryRequest<T>({
  attempts,
  waitMs,
}: Omit<RequestRetry, 'secondOpinionMs'>): MonoTypeOperatorFunction<T> {
  const askedFor = (error: unknown): number => (error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0);
  return retryWithBackoff({
    attempts,
    waitMs: (error, retry) => Math.max(askedFor(error), waitMs(retry)),
    mayPass: (error) => error instanceof TransientError && askedFor(error) <= LONGEST_WAIT_MS,
  });
}

/**
 * Reads the API for one entity: each try waits for its own slot, transient faults are tried again.
 *
 * What cannot succeed, or is still no list after all tries, fails with a FatalError that says what to park; what is
 * still down or busy after all tries, with the last TransientError. Errors hold neither the key nor anything of a row.
 */
export function createRest(options: RestOptions): Rest {
  const { baseUrl, entity, apiKey, retry, onAttempt } = options;

  function request<T>(question: Question, read: (reply: ApiReply) => T, asking: Asking = {}): Observable<T> {
    const { tries = retry.attempts, turn } = asking;
    const attempts = Math.min(tries, retry.attempts);
    return defer(() => {
      let { slot } = asking;
      const url = addressOf(question, baseUrl);
      let attempt = 0;
      let wasUnauthorized = false;
      let waitedMs: number | null = null;
      let turnNow: Turn | undefined;
      let after: RequestAttempt['after'] = null;
      const count = (end: Pick<RequestAttempt, 'status' | 'fault'>): void => {
        onAttempt?.({ entity, stream: question.stream, ...scanOf(turnNow), attempt, after, waitedMs, ...end });
        after = end.status ?? 'no-answer';
      };
      return defer(() => {
        attempt++;
        const first = slot;
        slot = undefined;
        waitedMs = null;
        turnNow = turn?.();
        return oneTry(options, question, url, {
          turn: turnNow,
          slot: first,
          onSent: (ms) => (waitedMs = ms),
        });
      }).pipe(
        tap({
          next: ({ status }) => count({ status }),
          error: (error: unknown) => {
            if (error instanceof TransientError) count({ fault: error });
          },
        }),
        map((reply) => {
          if (reply.status === 401) {
            if (question.kind !== 'account' && apiKey.changed()) throw keyChanged(question);
            const isFirst = !wasUnauthorized;
            wasUnauthorized = true;
            // A key that is right is refused now and then while the API restarts.
            if (isFirst && attempt < attempts) throw unauthorizedOnce(question, reply, retry.secondOpinionMs);
          }
          return read(reply);
        }),
        retryRequest({ ...retry, attempts }),
        catchError((error: unknown) => {
          // The fault that might have passed has not.
          if (error instanceof TransientError && error.cause instanceof FatalError) throw error.cause;
          throw error;
        }),
      );
    });
  }

  function listOf(
    stream: StreamName,
    path: string,
    params: Readonly<Record<string, string>>,
    offset: number,
    limit: number,
  ): Question {
    const search = new URLSearchParams(params);
    search.set('offset', String(offset));
    search.set('limit', String(limit));
    return { entity, stream, kind: 'list', path, params: search };
  }

  const list: Rest['list'] = (stream, path, params, offset, limit, asking) => {
    const question = listOf(stream, path, params, offset, limit);
    return request(question, (reply) => readList(question, reply), asking);
  };

  const raw: Rest['raw'] = (stream, path, params, offset, { turn } = {}) => {
    const question = listOf(stream, path, params, offset, 1);
    return defer(() => {
      const began = options.marks.next();
      let waitedMs: number | null = null;
      const turnNow = turn?.();
      const asked = { entity, stream, ...scanOf(turnNow), attempt: 1, after: null };
      const onSent = (ms: number): void => void (waitedMs = ms);
      return oneTry(options, question, addressOf(question, baseUrl), { turn: turnNow, onSent }).pipe(
        tap(({ status }) => onAttempt?.({ ...asked, waitedMs, status })),
        map(({ status, bytes, ended }) => ({ status, bytes: without(apiKey.value(), bytes), began, ended })),
        catchError((error: unknown) => {
          if (!(error instanceof TransientError)) throw error;
          onAttempt?.({ ...asked, waitedMs, fault: error });
          return of({ status: error.status ?? null, bytes: Buffer.alloc(0), began, ended: options.marks.next() });
        }),
      );
    });
  };

  return {
    leave: (grant, turn) => options.slots.wait(grant, turn?.()),
    list,
    raw,
    detail: (stream, path, asking) => {
      const question: Question = { entity, stream, kind: 'detail', path };
      return request(question, (reply) => readDetail(question, reply), asking);
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
        catchError((error: unknown) => throwError(() => notTheApi(error, baseUrl))),
      );
    },
  };
}

/** What the first question to a wrong address comes to; whoever reads it is to look at the address before the key. */
const NOT_THE_API: ReadonlySet<ParkReason> = new Set(['unexpected-status', 'redirected', 'malformed-answer']);

/** The failure of an entity's first question, with the address that was asked where nothing there speaks as the API does. */
function notTheApi(error: unknown, baseUrl: string): unknown {
  const url = `${baseUrl.replace(/\/+$/, '')}/account/details.json`;
  const hint = `; ${url} was asked first: if that is not where the API is, set infakt.baseUrl`;
  if (error instanceof FatalError && NOT_THE_API.has(error.reason)) {
    const { message, reason, parks, entity, stream, status, parkMs } = error;
    return new FatalError(message + hint, { reason, parks, entity, stream, status, parkMs, cause: error });
  }
  if (error instanceof TransientError && error.cause instanceof TransientError && error.status === undefined) {
    const { message, entity, stream } = error;
    return new TransientError(message + hint, { entity, stream, cause: error });
  }
  return error;
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

/** Bytes that somebody will read, without the key that an answer may repeat; latin1 keeps every byte. */
function without(key: string, bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replaceAll(key, '***'), 'latin1');
}

/** Which scan asked, where one did. */
function scanOf(turn: Turn | undefined): Pick<RequestAttempt, 'scan'> {
  return turn === undefined || turn.scan === 'proof' ? {} : { scan: turn.scan };
}

/** One try with a slot of its own, or the one that was got before; unsubscribing leaves the queue, or aborts the request. */
function oneTry(
  { apiKey, http, slots, marks, wallClock = Date.now }: RestOptions,
  question: Question,
  url: string,
  {
    turn,
    slot: had,
    onSent,
  }: {
    readonly turn: Turn | undefined;
    readonly slot?: Slot | undefined;
    readonly onSent: (waitedMs: number) => void;
  },
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
    const asked = wallClock();
    const taken = had === undefined ? slots.take(aborter.signal, turn) : Promise.resolve(had);
    return from(taken).pipe(
      mergeMap((slot) => {
        onSent(Math.max(0, wallClock() - asked));
        const began = marks.next();
        return http.exchange({ url, headers }).pipe(
          map((answer) => readAnswer(answer, began, marks.next(), wallClock)),
          tap({
            next: ({ status, body, retryAfterMs }) =>
              slot.done({
                status,
                list: kind === 'list',
                place: kind === 'detail' ? `one of ${stream}` : stream,
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
