import type { IncomingMessage } from 'node:http';
import { salesLists, streams, type Account, type AccountTruth, type Stream } from './account';
import { dictionaryNames, type Dictionaries, type DictionaryName } from './dictionaries';
import { decodeRule, type ActiveFault, type FaultRule, type Faults } from './faults';
import { filtersOf, jsonAnswer, wholeNumber, type Answer } from './listing';
import { decodeHook, type Hooks, type HookSettings, type HookState } from './hooks';
import { decodeRates, type HistoryEntry, type Life, type LifeRates } from './life';
import { isObject, type JsonObject } from './rows';
import type { Statistics } from './traffic';
import { decodeModes, type Unproven, type UnprovenModes } from './unproven';

/** Everything the simulator can be told and asked besides the API itself; entities are named by their API key. */
export interface Admin {
  /** Adds a realistic row with some fields overridden. */
  add(entity: string, stream: Stream, overrides?: JsonObject): JsonObject;
  /** Sets some fields of a row. */
  edit(entity: string, stream: Stream, id: number, patch: JsonObject): JsonObject;
  /** Sets an invoice to paid, today unless told otherwise; `paid_price` and `left_to_pay` stay, as in the real API. */
  pay(entity: string, id: number, paidDate?: string): JsonObject;
  remove(entity: string, stream: Stream, id: number): void;
  /** Puts any JSON value where the row stands; it stays addressed here by the old id. */
  replace(entity: string, stream: Stream, id: number, json: unknown): void;
  /** The row as it is now, undefined if there is none. */
  row(entity: string, stream: Stream, id: number): unknown;
  /** What each account holds, by API key; `filters` as in `q[...]`, without the brackets. */
  truth(filters?: Readonly<Record<string, string>>): Readonly<Record<string, AccountTruth>>;
  /** A reference list of an account, which is replaced where rows are given. */
  dictionary(entity: string, name: DictionaryName, rows?: readonly JsonObject[]): readonly JsonObject[];
  /** With the latest `last` requests, all that are kept unless given. */
  stats(last?: number): Statistics;
  resetStats(): void;
  /** Returns the number of the fault. */
  addFault(rule: FaultRule): number;
  clearFaults(id?: number): void;
  faults(): readonly ActiveFault[];
  /** Makes things happen by themselves from now on; no rates end it. Returns the rates in force. */
  life(rates?: LifeRates): LifeRates;
  /** Sets up an entity's webhook, which is asked for its verification code; null = none from now on. */
  hook(entity: string, settings: HookSettings | null): Promise<HookState>;
  hookState(entity: string): HookState;
  /** Delivers an event to an entity's webhook, whatever it says. */
  deliver(entity: string, name: string, resource: JsonObject): void;
  /** How lists treat the filters of which nobody knows whether they work: those named, all others as at first. Returns what is in force. */
  filters(modes?: UnprovenModes): UnprovenModes;
  /** Every change of a row since the start, or since a time in milliseconds since 1970, oldest first; 100 000 are kept. */
  history(since?: number): readonly HistoryEntry[];
}

/** What the admin interface works on. */
export interface AdminParts {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly dictionaries: Pick<Dictionaries, 'rows' | 'put'>;
  readonly faults: Faults;
  readonly counter: { read(last?: number): Statistics; reset(): void };
  readonly life: Life;
  readonly hooks: Hooks;
  readonly unproven: Unproven;
  readonly history: { read(since?: number): readonly HistoryEntry[] };
}

/** The admin interface for callers in the same process. Unknown entities and ids are refused with a RangeError. */
export function createAdmin(parts: AdminParts): Admin {
  const { accounts, dictionaries, faults, counter, life, unproven, history, hooks } = parts;
  function account(entity: string): Account {
    const found = accounts.get(entity);
    if (found === undefined) throw new RangeError(`there is no entity with the key ${JSON.stringify(entity)}`);
    return found;
  }
  return {
    add: (entity, stream, overrides) => account(entity).add(stream, overrides),
    edit: (entity, stream, id, patch) => account(entity).edit(stream, id, patch),
    pay: (entity, id, paidDate) => account(entity).pay(id, paidDate),
    remove: (entity, stream, id) => account(entity).remove(stream, id),
    replace: (entity, stream, id, json) => account(entity).replace(stream, id, json),
    row: (entity, stream, id) => account(entity).row(stream, id),
    truth(filters = {}) {
      const parameters = Object.entries(filters).map(([name, value]) => [`q[${name}]`, value] as const);
      const found = {
        clients: filtersOf('clients', parameters),
        invoices: filtersOf('invoices', parameters),
        corrective_invoices: filtersOf('corrective_invoices', parameters),
        advance_invoices: filtersOf('advance_invoices', parameters),
        final_invoices: filtersOf('final_invoices', parameters),
        margin_invoices: filtersOf('margin_invoices', parameters),
        oss_invoices: filtersOf('oss_invoices', parameters),
        corrective_oss_invoices: filtersOf('corrective_oss_invoices', parameters),
      };
      return Object.fromEntries([...accounts].map(([key, held]) => [key, held.truth(found)]));
    },
    dictionary(entity, name, rows) {
      const { key } = account(entity).entity;
      if (rows !== undefined) dictionaries.put(key, name, rows);
      return dictionaries.rows(key, name);
    },
    stats: (last) => counter.read(last),
    resetStats: () => counter.reset(),
    addFault(rule) {
      const { action } = rule;
      if (action !== undefined && 'transform' in action && action.transform === 'wrong-account' && accounts.size < 2) {
        throw new RangeError('the transform wrong-account needs a second entity');
      }
      return faults.add(rule);
    },
    clearFaults: (id) => faults.clear(id),
    faults: () => faults.list(),
    life(rates = {}) {
      life.live(decodeRates(rates));
      return life.rates;
    },
    hook: async (entity, settings) => hooks.set(account(entity).entity.key, settings),
    hookState: (entity) => hooks.state(account(entity).entity.key),
    deliver: (entity, name, resource) => hooks.deliver(account(entity).entity.key, name, resource),
    filters(modes) {
      if (modes !== undefined) unproven.set(decodeModes(modes));
      return unproven.modes;
    },
    history: (since) => history.read(since),
  };
}

/** Where the admin interface lives. */
export const adminPath = '/__admin/';

/** The HTTP form of the admin interface, for people. */
export const adminHelp = `  GET    ${adminPath}entities                            keys, names, numbers of rows
  GET    ${adminPath}truth[?q[invoice_date_gteq]=...]    counts, ids, sums by currency
  GET    ${adminPath}stats[?last=100]                    requests so far
  DELETE ${adminPath}stats                               start counting again
  POST   ${adminPath}KEY/invoices                        add a row; the body overrides its fields
  GET    ${adminPath}KEY/invoices/ID                     the row
  PATCH  ${adminPath}KEY/invoices/ID                     set some of its fields
  PUT    ${adminPath}KEY/invoices/ID                     put any JSON in its place
  DELETE ${adminPath}KEY/invoices/ID                     remove it
  POST   ${adminPath}KEY/invoices/ID/pay                 mark as paid; body {"paid_date": "2026-01-31"} or empty
  GET    ${adminPath}faults                              faults in force
  POST   ${adminPath}faults                              add one, see docs/simulator.md
  DELETE ${adminPath}faults[/NUMBER]                     clear one, or all
  GET    ${adminPath}life                                what happens by itself, times a minute
  PUT    ${adminPath}life                                body {"issue": 6, "pay": 4, "edit": 2, "remove": 0.5}
  DELETE ${adminPath}life                                end it
  PUT    ${adminPath}KEY/hook                            set up a webhook: body {"url": "...", "secret": "..."}
  GET    ${adminPath}KEY/hook                            what came of it so far
  POST   ${adminPath}KEY/hook                            deliver {"name": "invoice_paid", "resource": {"uuid": "..."}}
  DELETE ${adminPath}KEY/hook                            end it
  GET    ${adminPath}KEY/gtus                            a reference list: ${dictionaryNames.join(', ')}
  PUT    ${adminPath}KEY/gtus                            body [{"id": 1, ...}]: the whole list anew
  GET    ${adminPath}filters                             how filters are treated that may or may not work
  PUT    ${adminPath}filters                             body {"updated_at_gteq": "works"}, see docs/simulator.md
  GET    ${adminPath}history[?since=MILLISECONDS]        every change of a row so far, oldest first
Rows live in clients, ${salesLists.join(', ')}.
`;

async function jsonBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TypeError('the body must be JSON', { cause: error });
  }
}

function objectOf(json: unknown): JsonObject {
  if (json === undefined) return {};
  if (!isObject(json)) throw new TypeError('the body must be a JSON object');
  return json;
}

function rowsOf(json: unknown): readonly JsonObject[] {
  if (!Array.isArray(json) || !json.every(isObject)) throw new TypeError('the body must be an array of rows');
  return json;
}

/** Infinity is no JSON: a rule shows it as the text that it may be given by. */
function shown({ id, rule, taken }: ActiveFault) {
  return { id, taken, rule: { ...rule, times: rule.times === Infinity ? 'Infinity' : rule.times } };
}

/** Answers one HTTP request below the admin path. */
export function createAdminHttp(admin: Admin, { accounts, life }: AdminParts) {
  async function hookAnswer(method: string, entity: string, request: IncomingMessage): Promise<Answer> {
    if (method === 'GET') return jsonAnswer(200, admin.hookState(entity));
    if (method === 'DELETE') return jsonAnswer(200, await admin.hook(entity, null));
    if (method === 'PUT') return jsonAnswer(200, await admin.hook(entity, decodeHook(await jsonBody(request))));
    if (method !== 'POST') throw new RangeError(`${method} of a webhook is nothing the simulator knows`);
    const { name, resource } = objectOf(await jsonBody(request));
    if (typeof name !== 'string' || !isObject(resource)) throw new TypeError('name and resource are needed');
    return done(() => admin.deliver(entity, name, resource));
  }

  async function route(request: IncomingMessage, url: URL): Promise<Answer> {
    const method = request.method ?? 'GET';
    const parts = url.pathname.slice(adminPath.length).split('/').map(decodeURIComponent);
    const [first = '', second = '', third, fourth] = parts;
    const call = `${method} ${first}`;

    if (call === 'GET ')
      return { status: 200, headers: { 'content-type': 'text/plain' }, body: Buffer.from(adminHelp) };
    if (call === 'GET entities') {
      const list = [...accounts.values()].map(({ entity: { key, name, nip }, tables }) => ({
        key,
        name,
        nip,
        clients: tables.clients.size,
        invoices: tables.invoices.size,
        corrective_invoices: tables.corrective_invoices.size,
      }));
      return jsonAnswer(200, list);
    }
    if (call === 'GET truth') {
      const filters: Record<string, string> = {};
      for (const [name, value] of url.searchParams) filters[name.replace(/^q\[(\w+)\]$/, '$1')] = value;
      return jsonAnswer(200, admin.truth(filters));
    }
    if (call === 'GET stats') return jsonAnswer(200, admin.stats(wholeNumber(url.searchParams.get('last')) ?? 100));
    if (call === 'DELETE stats') return done(() => admin.resetStats());
    if (call === 'GET faults') return jsonAnswer(200, admin.faults().map(shown));
    if (call === 'POST faults') return jsonAnswer(201, { id: admin.addFault(decodeRule(await jsonBody(request))) });
    if (call === 'DELETE faults') return done(() => admin.clearFaults(second === '' ? undefined : Number(second)));
    if (call === 'GET life') return jsonAnswer(200, life.rates);
    if (call === 'PUT life') return jsonAnswer(200, admin.life(decodeRates(await jsonBody(request))));
    if (call === 'DELETE life') return done(() => admin.life());
    if (call === 'GET filters') return jsonAnswer(200, admin.filters());
    if (call === 'PUT filters') return jsonAnswer(200, admin.filters(decodeModes(await jsonBody(request))));
    if (call === 'GET history') {
      return jsonAnswer(200, admin.history(wholeNumber(url.searchParams.get('since'))));
    }

    if (second === 'hook' && third === undefined) return hookAnswer(method, first, request);

    const dictionary = dictionaryNames.find((name) => name === second);
    if (dictionary !== undefined && third === undefined) {
      if (method === 'GET') return jsonAnswer(200, admin.dictionary(first, dictionary));
      if (method === 'PUT') {
        return jsonAnswer(200, admin.dictionary(first, dictionary, rowsOf(await jsonBody(request))));
      }
    }

    const stream = streams.find((name) => name === second);
    if (stream === undefined) throw new RangeError(`${method} ${url.pathname} is nothing the simulator knows`);
    if (method === 'POST' && third === undefined) {
      return jsonAnswer(201, admin.add(first, stream, objectOf(await jsonBody(request))));
    }
    const id = wholeNumber(third ?? null);
    if (id === undefined) throw new RangeError(`an id must follow ${adminPath}${first}/${second}/`);
    if (method === 'POST' && fourth === 'pay' && stream === 'invoices') {
      const { paid_date: paidDate } = objectOf(await jsonBody(request));
      return jsonAnswer(200, admin.pay(first, id, typeof paidDate === 'string' ? paidDate : undefined));
    }
    if (method === 'GET') {
      const row = admin.row(first, stream, id);
      if (row === undefined) throw new RangeError(`there is no row ${id}`);
      return jsonAnswer(200, row);
    }
    if (method === 'PATCH') return jsonAnswer(200, admin.edit(first, stream, id, objectOf(await jsonBody(request))));
    if (method === 'PUT') {
      const json = await jsonBody(request);
      return done(() => admin.replace(first, stream, id, json));
    }
    if (method === 'DELETE') return done(() => admin.remove(first, stream, id));
    throw new RangeError(`${method} ${url.pathname} is nothing the simulator knows`);
  }

  return async (request: IncomingMessage, url: URL): Promise<Answer> => {
    try {
      return await route(request, url);
    } catch (error) {
      if (error instanceof RangeError) return jsonAnswer(404, { error: error.message });
      if (error instanceof TypeError || error instanceof SyntaxError) return jsonAnswer(400, { error: error.message });
      throw error;
    }
  };
}

function done(work: () => void): Answer {
  work();
  return { status: 204, headers: {}, body: Buffer.alloc(0) };
}
