import { jsonAnswer, type Answer } from './listing';
import { chance, shuffle, type Random } from './random';
import { isObject, without, type JsonObject } from './rows';

/** Well-formed answers of a list that are wrong. */
const transforms = [
  'entities-null',
  'entities-object',
  'entities-missing',
  'total-count-missing',
  'total-count-string',
  'total-count-wrong',
  'duplicate-id',
  'shuffle',
  'non-object-rows',
  'no-id-rows',
  'empty-list',
  'broken-json',
  'wrong-account',
  'filters-ignored',
  'shorter-history',
] as const;

export type Transform = (typeof transforms)[number];

/** What happens instead of, or to, the ordinary answer. */
export type FaultAction =
  /** Another status; the body is JSON unless it is a text. */
  | {
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>> | undefined;
      readonly body?: unknown;
      readonly contentType?: string | undefined;
    }
  /** No answer until the client goes or the simulator stops. */
  | { readonly hang: true }
  /** The connection is reset before an answer. */
  | { readonly reset: true }
  /** The full Content-Length, so many bytes of the body, then the connection is closed. */
  | { readonly cut: number }
  /** The body at so many bytes a second. */
  | { readonly drip: number }
  /** The ordinary answer, so many milliseconds late. */
  | { readonly delay: number }
  /** Status 200 with this text. */
  | { readonly body: string; readonly contentType?: string | undefined }
  /** Status 302. */
  | { readonly redirect: string }
  /** `by` is added to `total_count`; `rows` (1 unless given) is how many rows of the page are spoilt. */
  | { readonly transform: Transform; readonly by?: number | undefined; readonly rows?: number | undefined };

/** Which requests a rule is for; what is left out matches everything. */
interface FaultMatch {
  /** API key of the entity. */
  readonly entity?: string | undefined;
  /** Start of the path below the base path, such as `invoices.json`, or a regular expression to find in it. */
  readonly path?: string | undefined;
  readonly offset?: number | undefined;
  /** Parameters of the query with these values; null = the parameter is absent. */
  readonly query?: Readonly<Record<string, string | null>> | undefined;
}

/** A request as a rule sees it. */
export interface RequestDetails {
  /** API key of the entity, null if the key is missing or unknown. */
  readonly entity: string | null;
  readonly method: string;
  /** Below the base path, without a leading slash. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** 0 if the query has none. */
  readonly offset: number;
}

/** What happens to which requests. The first rule that matches a request takes it. */
export interface FaultRule {
  readonly match?: FaultMatch | undefined;
  /** After so many requests the rule is spent: 1 unless given, Infinity allowed. */
  readonly times?: number | undefined;
  /** So many matching requests pass first. */
  readonly skip?: number | undefined;
  readonly probability?: number | undefined;
  readonly action?: FaultAction | undefined;
  /** Runs, and is awaited, before the answer is computed; in-process rules only. */
  readonly before?: ((request: RequestDetails) => void | Promise<void>) | undefined;
  /** Runs, and is awaited, after the answer is computed and before it is sent; in-process rules only. */
  readonly after?: ((request: RequestDetails) => void | Promise<void>) | undefined;
}

/** A rule that is in force. */
export interface ActiveFault {
  readonly id: number;
  readonly rule: FaultRule;
  /** How many requests it took. */
  readonly taken: number;
}

function optional<T>(json: JsonObject, name: string, decode: (value: unknown, name: string) => T): T | undefined {
  return json[name] === undefined ? undefined : decode(json[name], name);
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a text, got ${JSON.stringify(value)}`);
  return value;
}

function number(value: unknown, name: string): number {
  if (value === 'Infinity') return Infinity;
  if (typeof value !== 'number' || value < 0) {
    throw new TypeError(`${name} must be a number, 0 or more, got ${JSON.stringify(value)}`);
  }
  return value;
}

function anyNumber(value: unknown, name: string): number {
  return value === undefined || typeof value !== 'number' ? number(value, name) : value;
}

function headers(value: unknown, name: string): Record<string, string> {
  if (!isObject(value)) throw new TypeError(`${name} must be an object, got ${JSON.stringify(value)}`);
  return Object.fromEntries(Object.entries(value).map(([header, content]) => [header, text(content, header)]));
}

function query(value: unknown, name: string): Record<string, string | null> {
  if (!isObject(value)) throw new TypeError(`${name} must be an object, got ${JSON.stringify(value)}`);
  return Object.fromEntries(
    Object.entries(value).map(([parameter, wanted]) => [parameter, wanted === null ? null : text(wanted, parameter)]),
  );
}

function transform(value: unknown): Transform {
  const known = transforms.find((name) => name === value);
  if (known === undefined) {
    throw new TypeError(`transform must be one of ${transforms.join(', ')}, got ${JSON.stringify(value)}`);
  }
  return known;
}

function decodeAction(json: unknown): FaultAction {
  if (!isObject(json)) throw new TypeError(`action must be an object, got ${JSON.stringify(json)}`);
  const contentType = optional(json, 'contentType', text);
  if ('status' in json) {
    const { body } = json;
    return {
      status: number(json['status'], 'status'),
      headers: optional(json, 'headers', headers),
      body,
      contentType,
    };
  }
  if (json['hang'] === true) return { hang: true };
  if (json['reset'] === true) return { reset: true };
  if ('cut' in json) return { cut: number(json['cut'], 'cut') };
  if ('drip' in json) return { drip: number(json['drip'], 'drip') };
  if ('delay' in json) return { delay: number(json['delay'], 'delay') };
  if ('body' in json) return { body: text(json['body'], 'body'), contentType };
  if ('redirect' in json) return { redirect: text(json['redirect'], 'redirect') };
  if ('transform' in json) {
    return {
      transform: transform(json['transform']),
      by: optional(json, 'by', anyNumber),
      rows: optional(json, 'rows', number),
    };
  }
  throw new TypeError(
    'action must have one of status, hang, reset, cut, drip, delay, body, redirect, transform; ' +
      `got ${JSON.stringify(Object.keys(json))}`,
  );
}

/** Checks a rule that came as JSON; a TypeError says what is wrong with it. */
export function decodeRule(json: unknown): FaultRule {
  if (!isObject(json)) throw new TypeError(`a fault must be an object, got ${JSON.stringify(json)}`);
  const fields = ['match', 'times', 'skip', 'probability', 'action'];
  const strange = Object.keys(json).find((name) => !fields.includes(name));
  if (strange !== undefined) throw new TypeError(`a fault has ${fields.join(', ')}; got ${JSON.stringify(strange)}`);
  const match = json['match'] ?? {};
  if (!isObject(match)) throw new TypeError(`match must be an object, got ${JSON.stringify(match)}`);
  return {
    match: {
      entity: optional(match, 'entity', text),
      path: optional(match, 'path', text),
      offset: optional(match, 'offset', number),
      query: optional(match, 'query', query),
    },
    times: optional(json, 'times', number),
    skip: optional(json, 'skip', number),
    probability: optional(json, 'probability', number),
    action: decodeAction(json['action']),
  };
}

/** The rules in force and the requests they take. */
export interface Faults {
  /** Returns the number of the rule. */
  add(rule: FaultRule): number;
  /** Without a number, all of them. */
  clear(id?: number): void;
  list(): readonly ActiveFault[];
  /** The rule for this request, counted as taken. */
  take(request: RequestDetails): FaultRule | undefined;
}

/** No faults at first. */
export function createFaults(random: Random): Faults {
  const active = new Map<number, { rule: FaultRule; path: RegExp | undefined; skip: number; taken: number }>();
  let added = 0;

  function matches({ match = {} }: FaultRule, path: RegExp | undefined, request: RequestDetails): boolean {
    if (match.entity !== undefined && match.entity !== request.entity) return false;
    if (match.offset !== undefined && match.offset !== request.offset) return false;
    const differs = ([name, wanted]: [string, string | null]): boolean => (request.query[name] ?? null) !== wanted;
    if (Object.entries(match.query ?? {}).some(differs)) return false;
    return match.path === undefined || request.path.startsWith(match.path) || path?.test(request.path) === true;
  }

  return {
    add(rule) {
      const path = rule.match?.path === undefined ? undefined : new RegExp(rule.match.path);
      added += 1;
      active.set(added, { rule, path, skip: rule.skip ?? 0, taken: 0 });
      return added;
    },
    clear(id) {
      if (id === undefined) active.clear();
      else if (!active.delete(id)) throw new RangeError(`there is no fault ${id}`);
    },
    list: () => [...active].map(([id, { rule, taken }]) => ({ id, rule, taken })),
    take(request) {
      for (const entry of active.values()) {
        const { rule, path } = entry;
        if (entry.taken >= (rule.times ?? 1) || !matches(rule, path, request)) continue;
        if (entry.skip > 0) {
          entry.skip -= 1;
          continue;
        }
        if (!chance(random, rule.probability ?? 1)) continue;
        entry.taken += 1;
        return rule;
      }
      return undefined;
    },
  };
}

const notObjects: readonly unknown[] = [null, 'wiersz', 7, []];

/** Spoils an ordinary list answer. */
export function spoil(
  answer: Answer,
  {
    transform: name,
    by = 1,
    rows: count = 1,
  }: { transform: Transform; by?: number | undefined; rows?: number | undefined },
  random: Random,
): Answer {
  const list: unknown = JSON.parse(answer.body.toString());
  if (!isObject(list) || !isObject(list['metainfo']) || !Array.isArray(list['entities'])) return answer;
  const { metainfo } = list;
  const rows: readonly unknown[] = list['entities'];
  const withRows = (entities: unknown) => jsonAnswer(200, { ...list, entities });
  const withMetainfo = (changed: JsonObject) => jsonAnswer(200, { ...list, metainfo: changed });
  const spoilRows = (change: (row: unknown, index: number) => unknown) =>
    withRows(rows.map((row, index) => (index < count ? change(row, index) : row)));
  const { total_count: total } = metainfo;
  switch (name) {
    case 'entities-null':
      return withRows(null);
    case 'entities-object':
      return withRows(Object.fromEntries(rows.entries()));
    case 'entities-missing':
      return jsonAnswer(200, without(list, 'entities'));
    case 'total-count-missing':
      return withMetainfo(without(metainfo, 'total_count'));
    case 'total-count-string':
      return withMetainfo({ ...metainfo, total_count: String(total) });
    case 'total-count-wrong':
      return withMetainfo({ ...metainfo, total_count: Number(total) + by });
    case 'empty-list':
      return jsonAnswer(200, { ...list, metainfo: { ...metainfo, count: 0, total_count: 0 }, entities: [] });
    case 'broken-json':
      return { ...answer, body: answer.body.subarray(0, answer.body.length / 2) };
    case 'duplicate-id':
      return withRows([...rows.slice(0, -1), rows.at(-2) ?? rows.at(-1)]);
    case 'shuffle':
      return withRows(disordered(random, rows));
    case 'non-object-rows':
      return spoilRows((_, index) => notObjects[index % notObjects.length]);
    case 'no-id-rows':
      return spoilRows((row) => (isObject(row) ? without(row, 'id') : row));
    case 'wrong-account':
    case 'filters-ignored':
    case 'shorter-history':
      return answer;
  }
}

/** Another order than the one given, wherever there is one. */
function disordered(random: Random, rows: readonly unknown[]): unknown[] {
  const order = shuffle(random, [...rows.keys()]);
  const ascending = order.every((position, index) => position === index);
  return (ascending ? order.reverse() : order).map((position) => rows[position]);
}
