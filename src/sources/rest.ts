import { catchError, defer, finalize, from, map, mergeMap, type Observable, of, tap } from 'rxjs';
import { type ErrorContext, FatalError, type ParkReason, TransientError } from '../errors';
import { type Http, type HttpAnswer, retryAfterOf } from '../http';
import type { Answer, EntityId, Row, StreamName, Turn } from '../model';
import { type BackoffPolicy, fullJitter, retryWithBackoff } from '../operators/retry-with-backoff';

/** Leave to send one request, and where to tell how it ended. */
interface Slot {
  readonly done: (outcome: {
    readonly status?: number;
    readonly list?: boolean;
    readonly json?: boolean;
    readonly retryAfterMs?: number;
    readonly fault?: boolean;
  }) => void;
}

/** One try of one request: what is counted. */
export interface Attempt {
  readonly entity: EntityId;
  readonly stream: StreamName;
  /** From 1; more than 1 is a retry. */
  readonly attempt: number;
  /** Absent where no whole answer came. */
  readonly status?: number;
  readonly fault?: TransientError;
}

/** A single row asked for by its address; 404 = the API itself says that there is none. */
export type Detail = { readonly began: number; readonly ended: number } & (
  { readonly status: 200; readonly row: Row } | { readonly status: 404 }
);

/** Whose account a key belongs to. */
export interface AccountDetails {
  readonly taxId: string | null;
  readonly accountUuid: string | null;
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

/** The key of an entity, which may stand in a file and be another one from one moment to the next. */
export interface ApiKey {
  /** The one whose account was asked for. */
  readonly value: () => string;
  /** Takes the key as it is now. */
  readonly renew: () => void;
  /** Whether the key is another one by now. */
  readonly changed: () => boolean;
}

/** Keeps to one key until told to take the one that there is now. */
export function createApiKey(latest: () => string): ApiKey {
  let value = latest();
  return {
    value: () => value,
    renew: () => {
      value = latest();
    },
    changed: () => latest() !== value,
  };
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
  readonly retry: BackoffPolicy;
  readonly onAttempt?: (attempt: Attempt) => void;
  /** Milliseconds since 1970, for a Retry-After in an answer that has no Date. */
  readonly wallClock?: () => number;
}

interface Ask {
  readonly stream: StreamName;
  readonly kind: 'list' | 'detail' | 'account';
  readonly path: string;
  readonly params?: URLSearchParams;
  /** Takes up a key that has changed, as nothing else of the entity is being read. */
  readonly renews?: boolean;
}

/** A whole answer, its body parsed if it is JSON. */
interface Reply {
  readonly status: number;
  /** Undefined where the answer is not JSON, as no JSON text is. */
  readonly body: unknown;
  /** What the body looks like from outside. */
  readonly shape: string;
  readonly retryAfterMs: number | undefined;
  readonly began: number;
  readonly ended: number;
}

/** GETs that print, book or otherwise change a document. */
const SIDE_EFFECTS = /\/(pdf|download_xml)\.json$/i;
const LONGEST_WAIT = 5 * 60_000;
const LONGEST_PARK = 24 * 60 * 60_000;

/** How often one request to the API is tried: six times, with full jitter from 0.5 s to 30 s. */
export function requestRetry(random: () => number): BackoffPolicy {
  return { attempts: 6, waitMs: fullJitter({ firstMs: 500, maxMs: 30_000, random }) };
}

/**
 * Reads the API for one entity: each try waits for its own slot, transient faults are tried again.
 *
 * What cannot succeed, or is still no list after all tries, fails with a FatalError that says what to park; what is
 * still down or busy after all tries, with the last TransientError. Errors hold neither the key nor anything of a row.
 */
export function createRest(options: RestOptions): Rest {
  const { baseUrl, entity, apiKey, http, slots, marks, retry, onAttempt, wallClock = Date.now } = options;
  const base = new URL(baseUrl.replace(/\/+$/, ''));

  function request<T>(ask: Ask, read: (reply: Reply) => T): Observable<T> {
    return defer(() => {
      const url = addressOf(ask);
      let attempt = 0;
      const count = (end: Pick<Attempt, 'status' | 'fault'>) =>
        onAttempt?.({ entity, stream: ask.stream, attempt, ...end });
      return defer(() => {
        attempt++;
        return oneTry(ask, url);
      }).pipe(
        tap({
          next: ({ status }) => count({ status }),
          error: (error: unknown) => {
            if (error instanceof TransientError) count({ fault: error });
          },
        }),
        map(read),
        retryWithBackoff(retry),
        catchError((error: unknown) => {
          // What was hoped to pass has not.
          if (error instanceof TransientError && error.cause instanceof FatalError) throw error.cause;
          throw error;
        }),
      );
    });
  }

  /** The URL, unless it would take the key elsewhere or make the API do more than read. */
  function addressOf({ stream, kind, path, params }: Ask): string {
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

  function oneTry(ask: Ask, url: string): Observable<Reply> {
    return defer(() => {
      if (ask.renews === true) apiKey.renew();
      else if (apiKey.changed()) throw keyChanged(ask);
      const headers = { 'X-inFakt-ApiKey': apiKey.value(), Accept: 'application/json' };
      if (!/^[\x21-\x7e]+$/.test(apiKey.value())) {
        const message = `${titleOf(ask)} expected an API key of printable characters, got one that no header can hold`;
        throw new FatalError(message, { entity, stream: ask.stream, reason: 'unauthorized', parks: 'entity' });
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
                  list: ask.kind === 'list',
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
          if (error instanceof TransientError) throw brokenExchange(ask, error);
          throw error;
        }),
        finalize(() => {
          aborter.abort('over');
          // A slot that was granted but never used, or whose request was given up, is told to be over.
          void taken.then(
            (slot) => slot.done({}),
            () => undefined,
          );
        }),
      );
    });
  }

  /** Nothing is read with a key before it was seen whose account it opens: the entity begins again, and at once. */
  function keyChanged(ask: Ask): FatalError {
    const message = `${titleOf(ask)} expected the key whose account was seen, got another one in its file; its account is asked for first`;
    return new FatalError(message, { ...contextOf(ask), reason: 'key-changed', parks: 'entity', parkMs: 0 });
  }

  function contextOf({ stream }: Ask, status?: number): ErrorContext {
    return { entity, stream, ...(status !== undefined && { status }) };
  }

  /** No whole answer: a fault of the network, or, once its head had come, of the answer. */
  function brokenExchange(ask: Ask, fault: TransientError): TransientError {
    const message = `${titleOf(ask)}: ${fault.message}`;
    const context = contextOf(ask, fault.status);
    const cause = fault.status === 200 ? malformed(ask, message, fault) : fault;
    return new TransientError(message, { ...context, cause });
  }

  function malformed(ask: Ask, message: string, cause?: unknown): FatalError {
    const parks = ask.kind === 'account' ? 'entity' : 'stream';
    return new FatalError(message, { ...contextOf(ask, 200), reason: 'malformed-answer', parks, cause });
  }

  /** The body of a 200 that is not what it should be: perhaps a passing glitch, otherwise the stream's end for now. */
  function notAsExpected(ask: Ask, expected: string, got: string): TransientError {
    const message = `${titleOf(ask)} expected ${expected}, got ${got}`;
    return new TransientError(message, { ...contextOf(ask, 200), cause: malformed(ask, message) });
  }

  /** The one place where a status that is not the one hoped for becomes an error class. */
  function refusal(ask: Ask, { status, body, shape, retryAfterMs }: Reply): FatalError | TransientError {
    const message = `${titleOf(ask)} expected 200, got ${status} with ${shape}`;
    const context = contextOf(ask, status);
    const here = ask.kind === 'account' ? 'entity' : 'stream';
    const park = (reason: ParkReason, parks: 'stream' | 'entity') =>
      new FatalError(message, { ...context, reason, parks });
    if (status === 401) return apiKey.changed() ? keyChanged(ask) : park('unauthorized', 'entity');
    if (status === 402) return park('payment-required', 'entity');
    if (status === 403) {
      // Not the API's own answer: its protection blocks this IP, and the budget holds the next try back.
      if (body === undefined) return new TransientError(message, context);
      return park('forbidden', ask.kind === 'detail' ? 'stream' : 'entity');
    }
    if (status === 429 || status >= 500) {
      if (retryAfterMs === undefined) return new TransientError(message, context);
      if (retryAfterMs <= LONGEST_WAIT) return new TransientError(message, { ...context, retryAfterMs });
      return new FatalError(`${message} and Retry-After of ${retryAfterMs} ms`, {
        ...context,
        reason: status === 429 ? 'rate-limited' : 'unavailable',
        parks: 'entity',
        parkMs: Math.min(retryAfterMs, LONGEST_PARK),
      });
    }
    if (status >= 300 && status < 400) return park('redirected', here);
    return park('unexpected-status', here);
  }

  function readList(ask: Ask, reply: Reply): Answer {
    if (reply.status !== 200) throw refusal(ask, reply);
    const expected = 'a list envelope';
    if (!isObject(reply.body)) throw notAsExpected(ask, expected, reply.shape);
    const { entities, metainfo } = reply.body;
    if (!Array.isArray(entities)) throw notAsExpected(ask, expected, `one whose entities is ${kindOf(entities)}`);
    const rows: readonly unknown[] = entities;
    const totalCount = isObject(metainfo) ? metainfo['total_count'] : undefined;
    if (typeof totalCount !== 'number' || !Number.isSafeInteger(totalCount) || totalCount < 0) {
      const got = `one whose metainfo.total_count is ${kindOf(totalCount)}`;
      throw notAsExpected(ask, `${expected} with a count`, got);
    }
    return { rows, totalCount, began: reply.began, ended: reply.ended };
  }

  function readDetail(ask: Ask, reply: Reply): Detail {
    const { status, body, began, ended } = reply;
    if (status === 404 && isObject(body) && typeof body['error'] === 'string') return { status, began, ended };
    if (status !== 200) throw refusal(ask, reply);
    if (!isObject(body)) throw notAsExpected(ask, 'a row', reply.shape);
    const { id } = body;
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id <= 0) {
      throw notAsExpected(ask, 'a row whose id is a positive integer', `one whose id is ${kindOf(id)}`);
    }
    return { status, row: { ...body, id }, began, ended };
  }

  function readAccount(ask: Ask, reply: Reply): AccountDetails | 'refused' {
    const { status, body } = reply;
    if (status === 401 || status === 402 || (status === 403 && body !== undefined) || status === 404) return 'refused';
    if (status !== 200) throw refusal(ask, reply);
    const company = isObject(body) ? body['company_data'] : undefined;
    const account = isObject(body) ? body['account_data'] : undefined;
    if (!isObject(company) && !isObject(account)) {
      throw notAsExpected(ask, 'account details with company_data or account_data', reply.shape);
    }
    return {
      taxId: isObject(company) ? textOf(company['tax_id']) : null,
      accountUuid: isObject(account) ? textOf(account['uuid']) : null,
    };
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
    const ask: Ask = { stream, kind: 'list', path, params: search };
    return request(ask, (reply) => readList(ask, reply));
  }

  return {
    list,
    detail: (stream, path) => {
      const ask: Ask = { stream, kind: 'detail', path };
      return request(ask, (reply) => readDetail(ask, reply));
    },
    accountDetails: (key = 'newest') => {
      const ask: Ask = {
        stream: 'account',
        kind: 'account',
        path: '/account/details.json',
        renews: key === 'newest',
      };
      return request(ask, (reply) => readAccount(ask, reply)).pipe(
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

function titleOf({ path, params }: Ask): string {
  const offset = params?.get('offset');
  return offset == null ? `GET ${path}` : `GET ${path} at offset ${offset}`;
}

function readAnswer(answer: HttpAnswer, began: number, ended: number, wallClock: () => number): Reply {
  const { status, contentType, text, utf8 } = answer;
  const declared = /^application\/([\w.-]+\+)?json$/.test(contentType) && utf8;
  const body = declared ? parse(text) : undefined;
  const type = contentType === '' ? 'no content type' : contentType.slice(0, 50);
  const shape =
    body === undefined
      ? `${text.length} characters of ${utf8 ? '' : 'broken '}${type} that are not JSON`
      : kindOf(body);
  return { status, body, shape, retryAfterMs: retryAfterOf(answer, wallClock), began, ended };
}

/** JSON or undefined: the parser's own error quotes the text, which may be a buyer's. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A non-empty text, or null. */
function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** What a JSON value is, without what it says. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  if (typeof value !== 'number') return `a ${typeof value}`;
  return Number.isInteger(value) ? `the number ${value}` : 'a fractional number';
}
