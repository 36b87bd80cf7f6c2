import { type ErrorContext, FatalError, type ParkReason, TransientError } from '../errors';
import { type HttpAnswer, retryAfterOf } from '../http';
import { isExact, isRounded } from '../changes/kinds';
import { isObject, parseJson } from '../json';
import type { Answer, EntityId, Row, StreamName } from '../model';

/** A single row asked for by its address; 404 = the API itself says that there is none. */
export type Detail = { readonly began: number; readonly ended: number } & (
  { readonly status: 200; readonly row: Row } | { readonly status: 404 }
);

/** Whose account a key belongs to. */
export interface AccountDetails {
  readonly taxId: string | null;
  readonly accountUuid: string | null;
  /** Name of the account's company; null = none, or none that a record could hold. */
  readonly name: string | null;
}

/** One request to the API, and whose it is. */
export interface Question {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly kind: 'list' | 'detail' | 'account';
  readonly path: string;
  readonly params?: URLSearchParams;
  /** Takes up a key that has changed, as nothing else of the entity is being read. */
  readonly renews?: boolean;
}

/** A whole answer, its body parsed if it is JSON. */
export interface ApiReply {
  readonly status: number;
  /** Undefined where the answer is not JSON, as no JSON text is. */
  readonly body: unknown;
  /** The body as it came. */
  readonly bytes: Buffer;
  /** What the body looks like from outside. */
  readonly shape: string;
  readonly retryAfterMs: number | undefined;
  readonly began: number;
  readonly ended: number;
}

/** The error for a key that is another one by now: the entity begins again at once, as nothing is read with a key whose account was not seen. */
export function keyChanged(question: Question): FatalError {
  const message = `${titleOf(question)} expected the key whose account was seen, got another one in its file; its account is asked for first`;
  return new FatalError(message, { ...contextOf(question), reason: 'key-changed', parks: 'entity', parkMs: 0 });
}

function contextOf({ entity, stream }: Question, status?: number): ErrorContext {
  return { entity, stream, status };
}

/** The error where no whole answer came: a fault of the network, or, once the answer's head had come, of the answer. */
export function brokenExchange(question: Question, fault: TransientError): TransientError {
  const message = `${titleOf(question)}: ${fault.message}`;
  const context = contextOf(question, fault.status);
  const cause = fault.status === 200 ? malformed(question, message, fault) : fault;
  return new TransientError(message, { ...context, cause });
}

function malformed(question: Question, message: string, cause?: unknown): FatalError {
  const parks = question.kind === 'account' ? 'entity' : 'stream';
  return new FatalError(message, { ...contextOf(question, 200), reason: 'malformed-answer', parks, cause });
}

/** The error for a 200 with an unexpected body, which is perhaps a passing glitch, otherwise the stream's end for now. */
function notAsExpected(question: Question, expected: string, got: string): TransientError {
  const message = `${titleOf(question)} expected ${expected}, got ${got}`;
  return new TransientError(message, { ...contextOf(question, 200), cause: malformed(question, message) });
}

/** The error class of a status that is not the one hoped for; statuses become error classes nowhere else. */
function refusal(question: Question, { status, body, shape, retryAfterMs }: ApiReply): FatalError | TransientError {
  const message = `${titleOf(question)} expected 200, got ${status} with ${shape}`;
  const context = contextOf(question, status);
  const here = question.kind === 'account' ? 'entity' : 'stream';
  const park = (reason: ParkReason, parks: 'stream' | 'entity') =>
    new FatalError(message, { ...context, reason, parks });
  if (status === 401) return park('unauthorized', 'entity');
  // A plan or a key that has no right to one list may read the others.
  if (status === 402) return park('payment-required', here);
  if (status === 403) {
    // Not the API's own answer: perhaps its protection blocks this IP, and then the budget holds the next try back.
    if (body === undefined) return new TransientError(message, context);
    return park('forbidden', here);
  }
  if (status === 429 || status >= 500) {
    return new TransientError(message, { ...context, retryAfterMs });
  }
  if (status >= 300 && status < 400) return park('redirected', here);
  return park('unexpected-status', here);
}

/** The error of a first 401, which may pass: the second one is told as it is. */
export function unauthorizedOnce(question: Question, reply: ApiReply, retryAfterMs: number): TransientError {
  const cause = refusal(question, reply);
  return new TransientError(cause.message, { ...contextOf(question, reply.status), retryAfterMs, cause });
}

/** Rows and count of a list; throws a FatalError that says what to park, or a TransientError where the fault may pass. */
export function readList(question: Question, reply: ApiReply): Answer {
  if (reply.status !== 200) throw refusal(question, reply);
  const expected = 'a list envelope';
  if (!isObject(reply.body)) throw notAsExpected(question, expected, reply.shape);
  const { entities, metainfo } = reply.body;
  if (!Array.isArray(entities)) throw notAsExpected(question, expected, `one whose entities is ${kindOf(entities)}`);
  const rows: readonly unknown[] = entities;
  const totalCount = isObject(metainfo) ? metainfo['total_count'] : undefined;
  if (typeof totalCount !== 'number' || !Number.isSafeInteger(totalCount) || totalCount < 0) {
    const got = `one whose metainfo.total_count is ${kindOf(totalCount)}`;
    throw notAsExpected(question, `${expected} with a count`, got);
  }
  return { rows, totalCount, began: reply.began, ended: reply.ended };
}

/** The row, or that the API itself says that there is none; throws as `readList` does. */
export function readDetail(question: Question, reply: ApiReply): Detail {
  const { status, body, began, ended } = reply;
  if (status === 404 && isObject(body) && typeof body['error'] === 'string') return { status, began, ended };
  if (status !== 200) throw refusal(question, reply);
  if (!isObject(body)) throw notAsExpected(question, 'a row', reply.shape);
  const { id } = body;
  if (typeof id !== 'number' || !isExact(id) || id <= 0) {
    throw notAsExpected(question, 'a row whose id is a positive integer', `one whose id is ${kindOf(id)}`);
  }
  return { status, row: { ...body, id }, began, ended };
}

/** Whose account it is, or that the key may not read it; throws as `readList` does. */
export function readAccount(question: Question, reply: ApiReply): AccountDetails | 'refused' {
  const { status, body } = reply;
  if (status === 401 || status === 402 || (status === 403 && body !== undefined) || status === 404) return 'refused';
  if (status !== 200) throw refusal(question, reply);
  const company = isObject(body) ? body['company_data'] : undefined;
  const account = isObject(body) ? body['account_data'] : undefined;
  if (!isObject(company) && !isObject(account)) {
    throw notAsExpected(question, 'account details with company_data or account_data', reply.shape);
  }
  return {
    taxId: isObject(company) ? textOf(company['tax_id']) : null,
    accountUuid: isObject(account) ? textOf(account['uuid']) : null,
    name: isObject(company) ? nameOf(company['company_name']) : null,
  };
}

/** A request in words: path and offset, without filters. */
export function titleOf({ path, params }: Question): string {
  const offset = params?.get('offset');
  return offset == null ? `GET ${path}` : `GET ${path} at offset ${offset}`;
}

/** An answer with its body parsed, where that is JSON; `began` and `ended` are the marks of its request. */
export function readAnswer(answer: HttpAnswer, began: number, ended: number, wallClock: () => number): ApiReply {
  const { status, contentType, text, utf8 } = answer;
  const body = utf8 ? parsed(answer) : undefined;
  const type = contentType === '' ? 'no content type' : contentType.slice(0, 50);
  const encoding = answer.header('content-encoding');
  const packed = encoding === null ? '' : ` (content-encoding ${encoding.slice(0, 50)})`;
  const shape =
    body === undefined
      ? `${text.length} characters of ${utf8 ? '' : 'broken '}${type}${packed} that are not JSON`
      : kindOf(body);
  return { status, body, bytes: answer.bytes, shape, retryAfterMs: retryAfterOf(answer, wallClock), began, ended };
}

/**
 * The body, whatever its type is called: a 200 is judged by what it holds. Any other answer is the API's own only if it is not said to be
 * something else, as a web page of a proxy is.
 */
function parsed({ status, contentType, text }: HttpAnswer): unknown {
  const isJsonType = contentType === '' || /[/+]json$/.test(contentType);
  if (!isJsonType && status !== 200) return undefined;
  const body = parse(text.replace(/^\ufeff/, ''));
  // A text of one word or number is JSON by chance.
  return isJsonType && contentType !== '' ? body : isObject(body) || Array.isArray(body) ? body : undefined;
}

/** JSON or undefined: the parser's own error quotes the text, which may be a buyer's. */
function parse(text: string): unknown {
  try {
    return parseJson(text, isRounded);
  } catch {
    return undefined;
  }
}

/** A non-empty text, or null. */
function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** Far beyond any company's name: a record of it must fit its topic. */
const MAX_NAME_LENGTH = 1_000;

/** A name as a record can hold it, less its U+0000, which PostgreSQL does not take; else null. */
function nameOf(value: unknown): string | null {
  const name = textOf(value)?.replaceAll('\u0000', '') ?? '';
  return name !== '' && name.length <= MAX_NAME_LENGTH && name.isWellFormed() ? name : null;
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
