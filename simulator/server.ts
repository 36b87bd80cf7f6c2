import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createAccount,
  salesLists,
  type Account,
  type EntityOptions,
  type ListName,
  type SalesList,
  type Surroundings,
} from './account';
import { adminPath, createAdmin, createAdminHttp, type Admin, type AdminParts } from './admin';
import { createDictionaries } from './dictionaries';
import { createFaults, spoil, type FaultAction, type RequestDetails } from './faults';
import { createHooks } from './hooks';
import type { ClearingTime } from './ksef';
import { createHistory, createLife, type LifeRates, type Timer } from './life';
import {
  activitiesAnswer,
  jsonAnswer,
  listAnswer,
  projection,
  wholeNumber,
  type Answer,
  type Habits,
  type ListingOptions,
} from './listing';
import { createRandom } from './random';
import { createCounter, createLimiter, createQuota, type Clock, type LimitOptions } from './traffic';
import { createUnproven, type UnprovenModes } from './unproven';

/** What a simulator is started with. */
export interface SimulatorOptions extends Habits {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** Address to listen on: 127.0.0.1 unless given. */
  readonly host?: string;
  readonly entities: readonly EntityOptions[];
  /** 0, the default, is no limit; the real API allows 300. */
  readonly requestsPerMinute?: number;
  readonly limit?: LimitOptions;
  /** Rows that the order does not tell apart: in a new order for each request, or by id. Shuffled unless given. */
  readonly ties?: 'shuffled' | 'stable';
  /** ISO date that the data ends at, and of later additions; the current one unless given. */
  readonly today?: string;
  /** ISO date that the data ends at where later additions are of the current one: the same rows tomorrow. */
  readonly historyEnds?: string;
  /** Of what is shuffled and of faults by probability; rows depend on the entity's own seed. */
  readonly seed?: number;
  /** What happens by itself from the start; nothing unless given. */
  readonly life?: LifeRates;
  /** How lists treat the filters of which nobody knows whether they work; ignored unless given. */
  readonly filters?: UnprovenModes;
  /** How long KSeF takes for a document that is added, in milliseconds at least and at most; 60 to 120 s unless given. */
  readonly ksefMs?: ClearingTime;
  /** What limits, statistics and life measure time by. */
  readonly clock?: Clock;
  /** What life waits by. */
  readonly timer?: Timer;
  /** The time of day in milliseconds since 1970, as dates and the history tell it. */
  readonly now?: () => number;
}

/** A running simulator. */
export interface Simulator {
  /** Without a trailing slash or base path: `http://127.0.0.1:4010`. */
  readonly url: string;
  readonly port: number;
  readonly admin: Admin;
  /** Closes every connection at once. */
  stop(): Promise<void>;
}

const notFound = jsonAnswer(404, { error: 'Zasób którego szukasz nie został znaleziony.' });
const keyMissing = jsonAnswer(401, { error: 'Brak klucza API. Podaj klucz w nagłówku X-inFakt-ApiKey.' });
const keyInvalid = jsonAnswer(401, { error: 'Nieprawidłowy klucz API.' });
const scopeMissing = jsonAnswer(401, { error: 'Klucz API nie ma uprawnień do tego zasobu.' });
const jsonMissing = jsonAnswer(406, { error: 'Brak rozszerzenia .json w adresie.' });
const readOnly = jsonAnswer(405, { error: 'The simulator only answers GET.' }, { allow: 'GET' });

const gone = jsonAnswer(410, { error: 'KSeF 1.0 został wyłączony. Użyj zasobów ksef2.' });
const importRefused = jsonAnswer(422, {
  error: 'Przekroczono limit zapytań do KSeF.',
  errors: { base: ['Można wysłać 6 zapytań na godzinę.'] },
});

/** The lists and the scope that reading them needs. */
const lists: readonly { readonly list: ListName; readonly scope: string }[] = [
  { list: 'clients', scope: 'api:invoices:read' },
  ...salesLists.map((list) => ({ list, scope: 'api:invoices:read' })),
  { list: 'products', scope: 'api:invoices:read' },
  { list: 'bank_accounts', scope: 'api:sensitive:bank_accounts:read' },
  { list: 'documents/costs', scope: 'api:costs:read' },
];
const accountScope = 'api:account:read';
const dictionaryScope = 'api:invoices:read';
const allScopes = [accountScope, ...lists.map(({ scope }) => scope)];

const importsPerHour = 6;
const hourMs = 3_600_000;
const dripsPerSecond = 10;
/** A longer one would run at once. */
const longestTimeoutMs = 2 ** 31 - 1;

/** Starts a simulator of the inFakt API with accounts full of made-up rows. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const host = options.host ?? '127.0.0.1';
  const clock = options.clock ?? (() => performance.now());
  const random = createRandom(options.seed ?? 1);
  const now = options.now ?? Date.now;
  let isFilled = false;
  const today = () =>
    options.today ?? (isFilled ? undefined : options.historyEnds) ?? new Date(now()).toISOString().slice(0, 10);
  const history = createHistory(now);
  const hooks = createHooks({ random: createRandom((options.seed ?? 1) + 2), now, timer: afterTimeout });
  const changed: Surroundings['changed'] = (kind, entity, stream, id, row) => {
    history.record(kind, entity, stream, id);
    hooks.changed(kind, entity, stream, row);
  };
  const accounts = new Map<string, Account>();
  for (const entity of options.entities) {
    if (accounts.has(entity.key)) throw new RangeError(`two entities have the key ${JSON.stringify(entity.key)}`);
    const sisters = options.entities.filter(({ key }) => key !== entity.key);
    accounts.set(
      entity.key,
      createAccount(entity, accounts.size, { today, now, sisters, changed, ksefMs: options.ksefMs }),
    );
  }
  isFilled = true;
  const faults = createFaults(random);
  const counter = createCounter(clock);
  const limited = createLimiter(options.requestsPerMinute ?? 0, options.limit ?? {}, clock, now);
  const importAllowed = createQuota(importsPerHour, hourMs, clock);
  const life = createLife({
    accounts: [...accounts.values()],
    random: createRandom((options.seed ?? 1) + 1),
    today,
    clock,
    timer: options.timer ?? afterTimeout,
  });
  const unproven = createUnproven(options.filters ?? {}, now);
  const dictionaries = createDictionaries();
  const parts: AdminParts = { accounts, dictionaries, faults, counter, life, unproven, history, hooks };
  const admin = createAdmin(parts);
  const answerAdmin = createAdminHttp(admin, parts);

  /** What the API says when nothing is wrong with it. */
  function ordinaryAnswer(request: IncomingMessage, url: URL, path: string, action: FaultAction | undefined): Answer {
    if (request.method !== 'GET') return readOnly;
    if (!path.endsWith('.json')) return jsonMissing;
    const key = request.headers['x-infakt-apikey'];
    if (key === undefined || key === '') return keyMissing;
    const account = accounts.get(String(key));
    if (account === undefined) return keyInvalid;
    if (path.startsWith('ksef/')) return gone;
    const scopes = account.entity.scopes ?? allScopes;
    if (path === 'account/details.json' || path === 'account/activities.json') {
      if (!scopes.includes(accountScope)) return scopeMissing;
      return path === 'account/details.json'
        ? jsonAnswer(200, account.details())
        : activitiesAnswer(account, url.searchParams, options);
    }
    if (path.startsWith('ksef2/')) return ksefAnswer(account, path);

    const transform = action !== undefined && 'transform' in action ? action : undefined;
    const spoilt = (answer: Answer) =>
      transform === undefined || answer.status !== 200 ? answer : spoil(answer, transform, random);
    const dictionary = dictionaries.named(path);
    if (dictionary !== undefined) {
      if (!scopes.includes(dictionaryScope)) return scopeMissing;
      return spoilt(dictionaries.answer(account.entity.key, dictionary, url, options));
    }
    const [, name = '', address, form] = /^((?:documents\/)?\w+)(?:\/([^/]+?))?(\/pdf)?\.json$/.exec(path) ?? [];
    const known = lists.find(({ list }) => list === name);
    if (known === undefined) return notFound;
    const { list, scope } = known;
    if (!scopes.includes(scope)) return scopeMissing;
    if (address !== undefined) {
      const id = account.find(list, address);
      if (id === undefined) return notFound;
      if (form === undefined) return detailAnswer(account, list, id, url);
      const printed = salesLists.find((name) => name === list);
      return printed === undefined ? notFound : pdfAnswer(account, printed, id);
    }
    const listing: ListingOptions = {
      habits: options,
      shuffleTies: options.ties === 'stable' ? undefined : random,
      url,
      unproven,
      ignoreFilters: transform?.transform === 'filters-ignored',
      hideBefore: transform?.transform === 'shorter-history' ? yearBefore(today()) : null,
    };
    const shown = transform?.transform === 'wrong-account' ? otherThan(account) : account;
    return spoilt(listAnswer(shown, list, url.searchParams, listing));
  }

  /** The little of KSeF that a reader may come across: imports with their own limit, and XML that books a draft. */
  function ksefAnswer(account: Account, path: string): Answer {
    if (/^ksef2\/import\/(?:incomes|costs)\.json$/.test(path)) {
      if (!importAllowed(account.entity.key)) return importRefused;
      return jsonAnswer(200, { metainfo: { count: 0, limit: 10, offset: 0 }, entities: [] });
    }
    const [, address = ''] = /^ksef2\/documents\/([^/]+)\/download_xml\.json$/.exec(path) ?? [];
    for (const stream of salesLists) {
      const id = account.find(stream, address);
      if (id === undefined) continue;
      account.print(stream, id, 'xml');
      return textAnswer(200, '<?xml version="1.0" encoding="UTF-8"?>\n<Faktura/>\n', 'application/xml');
    }
    return notFound;
  }

  function otherThan(account: Account): Account {
    const all = [...accounts.values()];
    return all[(all.indexOf(account) + 1) % all.length] ?? account;
  }

  function answerOf(request: IncomingMessage, url: URL, path: string, action: FaultAction | undefined): Answer {
    if (action !== undefined) {
      if ('status' in action) return statusAnswer(action);
      if ('body' in action) return textAnswer(200, action.body, action.contentType);
      if ('redirect' in action) {
        return { status: 302, headers: { location: action.redirect }, body: Buffer.alloc(0) };
      }
    }
    return ordinaryAnswer(request, url, path, action);
  }

  async function answerApi(request: IncomingMessage, response: ServerResponse, url: URL, path: string): Promise<void> {
    const method = request.method ?? 'GET';
    const key = String(request.headers['x-infakt-apikey'] ?? '');
    const details: RequestDetails = {
      entity: accounts.has(key) ? key : null,
      method,
      path,
      query: Object.fromEntries(url.searchParams),
      offset: wholeNumber(url.searchParams.get('offset')) ?? 0,
    };
    const forbidden = method !== 'GET' || /(?:^|\/)(?:pdf|download_xml)\.json$/.test(path);
    const counted = counter.begin({ entity: details.entity, method, path, query: url.search.slice(1) }, forbidden);
    const refused = limited();
    if (refused !== undefined) {
      counted(refused.status);
      send(response, refused);
      return;
    }
    const rule = faults.take(details);
    if (rule?.before !== undefined) await rule.before(details);
    const action = rule?.action;
    if (action !== undefined && 'hang' in action) return;
    if (action !== undefined && 'reset' in action) {
      request.socket.resetAndDestroy();
      return;
    }
    const answer = answerOf(request, url, path, action);
    if (rule?.after !== undefined) await rule.after(details);
    if (action !== undefined && 'delay' in action) {
      afterWait(response, action.delay, () => {
        counted(answer.status);
        send(response, answer);
      });
      return;
    }
    counted(answer.status);
    if (action !== undefined && 'cut' in action) cut(response, answer, action.cut);
    else if (action !== undefined && 'drip' in action) drip(response, answer, action.drip);
    else send(response, answer);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const base = `http://${request.headers.host ?? host}`;
    const url = URL.canParse(request.url ?? '', base) ? new URL(request.url ?? '', base) : null;
    if (url?.pathname.startsWith(adminPath) === true) {
      send(response, await answerAdmin(request, url));
      return;
    }
    request.resume();
    const path = /^\/(?:api\/)?v3\/(.*)$/.exec(url?.pathname ?? '')?.[1];
    if (url === null || path === undefined) send(response, notFound);
    else await answerApi(request, response, url, path);
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, jsonAnswer(500, { error: `simulator: ${String(error)}` }));
    });
  });
  // A client's idle connection must outlive its pauses, or its next request meets a closing socket.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, host, resolve);
  });
  if (options.life !== undefined) admin.life(options.life);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  let stopped: Promise<void> | undefined;

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    admin,
    stop() {
      life.live({});
      hooks.stop();
      stopped ??= new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return stopped;
    },
  };
}

function yearBefore(day: string): string {
  return new Date(Date.parse(day) - 365 * 24 * hourMs).toISOString().slice(0, 10);
}

function detailAnswer(account: Account, list: ListName, id: number, url: URL): Answer {
  const bytes = account.detail(list, id);
  if (bytes === undefined) return notFound;
  const project = projection(list, url.searchParams);
  const body = project === undefined ? bytes : project(bytes);
  return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body };
}

/** The real API marks a document as printed when its PDF is asked for. */
function pdfAnswer(account: Account, stream: SalesList, id: number): Answer {
  account.print(stream, id, 'pdf');
  return textAnswer(200, '%PDF-1.4\n%%EOF\n', 'application/pdf');
}

function textAnswer(status: number, text: string, contentType = 'text/plain; charset=utf-8'): Answer {
  return { status, headers: { 'content-type': contentType }, body: Buffer.from(text) };
}

function statusAnswer({ status, headers = {}, body, contentType }: Extract<FaultAction, { status: number }>): Answer {
  const answer =
    typeof body === 'string'
      ? textAnswer(status, body, contentType)
      : jsonAnswer(
          status,
          body ?? { error: `Status ${status}.` },
          contentType === undefined ? {} : { 'content-type': contentType },
        );
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

function begin(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, status === 204 ? headers : { ...headers, 'content-length': body.length });
}

function send(response: ServerResponse, answer: Answer): void {
  begin(response, answer);
  response.end(answer.body);
}

function cut(response: ServerResponse, answer: Answer, bytes: number): void {
  begin(response, answer);
  response.write(answer.body.subarray(0, bytes), () => response.destroy());
}

function drip(response: ServerResponse, answer: Answer, bytesPerSecond: number): void {
  begin(response, answer);
  const rate = Math.max(1, bytesPerSecond);
  const step = Math.max(1, Math.floor(rate / dripsPerSecond));
  let sent = 0;
  const timer = setInterval(
    () => {
      response.write(answer.body.subarray(sent, sent + step));
      sent += step;
      if (sent >= answer.body.length) response.end();
    },
    (step / rate) * 1000,
  );
  response.once('close', () => clearInterval(timer));
}

function afterWait(response: ServerResponse, waitMs: number, work: () => void): void {
  const timer = setTimeout(work, waitMs);
  response.once('close', () => clearTimeout(timer));
}

function afterTimeout(work: () => void, waitMs: number): () => void {
  const timeout = setTimeout(work, Math.min(waitMs, longestTimeoutMs));
  return () => clearTimeout(timeout);
}
