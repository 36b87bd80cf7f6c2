import { defer, delay, finalize, from, map, mergeMap, timer, type Observable } from 'rxjs';

import { createAccount, type Account, type ChangeKind, type Stream as AnyStream } from '../../../simulator/account';
import { createLife, type LifeRates } from '../../../simulator/life';
import { filtersOf } from '../../../simulator/listing';
import { createRandom } from '../../../simulator/random';
import { isObject } from '../../../simulator/rows';
import { createCounter, createLimiter, type LimitOptions } from '../../../simulator/traffic';
import { createUnproven, type UnprovenModes, type UnprovenReading } from '../../../simulator/unproven';
import type { Slots } from '../../../src/sources/budget';
import { TransientError } from '../../../src/errors';
import type { Answer, EntityId, Row } from '../../../src/model';
import { type Asking, requestRetry, retryRequest, type Rest } from '../../../src/sources/rest';
import { allStreams } from '../../../src/sources/streams/all-streams';
import type { Change } from '../delays';
import type { VirtualTime } from './time';

/** What goes wrong with a share of all requests. */
export interface Trouble {
  /** Answered with 500. */
  readonly failing: number;
  /** Never answered: given up after half a minute. */
  readonly hanging: number;
}

/** A company and the rows that it begins with. */
export interface VirtualCompany {
  readonly id: EntityId;
  readonly clients: number;
  readonly invoices: number;
  /** How many times as much happens in it as in one of weight 1; a whole number, default 1. */
  readonly weight?: number;
}

export interface VirtualApiOptions {
  readonly time: VirtualTime;
  readonly companies: readonly VirtualCompany[];
  readonly requestsPerMinute: number;
  readonly recentDays: number;
  readonly trouble: Trouble | null;
  /** How lists treat the filters of which nobody knows whether they work. */
  readonly filters: UnprovenModes;
  /** Whether the totals of lists without such a filter are one too small. */
  readonly totalsLie: boolean;
  readonly onChange: (change: Change) => void;
}

/** The simulator's accounts without its HTTP: rows carry only what a scan asks for and the number of their last change. */
export interface VirtualApi {
  readonly rest: (entity: EntityId, slots: Slots, marks: { next(): number }) => Rest;
  /** What happens by itself from now on. */
  readonly live: (rates: LifeRates) => void;
  /** How many rows of a list each account has, with the parameters of a request for it. */
  readonly totals: (stream: string, params: Readonly<Record<string, string>>) => readonly number[];
  readonly has: (entity: EntityId, stream: string, id: number) => boolean;
  /** What KSeF has come to by now of every document that is there and dated since a day. */
  readonly inKsef: (from: string) => readonly DocumentInKsef[];
  readonly stats: () => {
    readonly total: number;
    readonly refused: number;
    readonly mostPerMinute: number;
    /** By scan; `account` where a request belongs to none. */
    readonly byScan: ReadonlyMap<string, number>;
    /** For what KSeF says: of one document each, and of a page of named fields. */
    readonly forKsef: { readonly details: number; readonly pages: number };
  };
  readonly resetStats: () => void;
}

/** A document in KSeF. */
export interface DocumentInKsef {
  readonly entity: EntityId;
  readonly stream: string;
  readonly id: number;
  /** Null = it has none. */
  readonly number: string | null;
  /** When KSeF answered, in milliseconds since 1970, to the second; null = not yet. */
  readonly finishedMs: number | null;
  /** When it was added, in milliseconds since 1970; null = it was there at the start. */
  readonly addedMs: number | null;
}

/** A row as it is listed: `change` is the number of its last change, 0 = as it was at the start. */
interface Slim extends Row {
  readonly uuid: unknown;
  readonly invoice_date: unknown;
  readonly paid_date: unknown;
  readonly kind: unknown;
  readonly change: number;
}

type Marked = Pick<Answer, 'began' | 'ended'>;

/** On whose behalf a request is made. */
interface Asker {
  readonly entity: EntityId;
  readonly slots: Slots;
  readonly marks: { next(): number };
}

/** The lists that are read here. */
type Stream = Extract<AnyStream, 'clients' | 'invoices' | 'corrective_invoices'>;

/** One account and what its lists show. */
interface Company {
  readonly account: Account;
  readonly rows: Readonly<Record<Stream, Map<number, Slim>>>;
}

const STREAMS: Readonly<Record<string, Stream>> = {
  clients: 'clients',
  invoices: 'invoices',
  'corrective-invoices': 'corrective_invoices',
};
const FIELDS = ['uuid', 'invoice_date', 'paid_date', 'kind'] as const;
const LIMIT: LimitOptions = { retryAfter: 'seconds' };
const NIP = '5260250274';
const SEED = 11;
/** From a request to its answer: 80 to 220 ms, 150 in the mean. */
const LEAST_LATENCY_MS = 80;
const LATENCY_SPREAD_MS = 140;
const GIVEN_UP_MS = 30_000;
const DAY_MS = 24 * 60 * 60 * 1_000;

/** Opens the accounts; nothing happens in them before `live`. */
export function createVirtualApi({
  time,
  companies,
  requestsPerMinute,
  recentDays,
  trouble,
  filters: modes,
  totalsLie,
  onChange,
}: VirtualApiOptions): VirtualApi {
  const random = createRandom(SEED);
  const clock = time.clock.now;
  const today = (): string => new Date(time.now()).toISOString().slice(0, 10);
  const all = new Map<EntityId, Company>();
  let changes = 0;

  function changed(kind: ChangeKind, entity: EntityId, list: AnyStream, id: number): void {
    const company = all.get(entity);
    const stream = Object.values(STREAMS).find((read) => read === list);
    if (company === undefined || stream === undefined) return;
    changes += 1;
    const rows = company.rows[stream];
    const before = rows.get(id);
    if (kind === 'add') addedMs.set(`${entity} ${stream} ${id}`, time.now());
    if (kind === 'remove') rows.delete(id);
    else rows.set(id, slimOf(id, objectOf(company.account.row(stream, id)), changes));
    const after = rows.get(id);
    const about = { number: changes, atMs: time.now(), entity, stream: nameOf(stream), id };
    onChange({ ...about, kind: kindOf(kind, stream, before, after) });
  }

  function kindOf(kind: ChangeKind, stream: Stream, before: Slim | undefined, after: Slim | undefined): Change['kind'] {
    if (kind === 'remove') return 'deleted';
    if (stream === 'clients') return kind === 'add' ? 'new client' : 'edited client';
    if (kind === 'add') return stream === 'invoices' ? 'new invoice' : 'new correction';
    if (kind === 'pay') return 'paid';
    if (before?.paid_date === null || after?.paid_date === null) return 'edited, unpaid';
    const since = new Date(time.now() - recentDays * DAY_MS).toISOString().slice(0, 10);
    const isRecent = [before, after].some((row) => typeof row?.invoice_date === 'string' && row.invoice_date >= since);
    return isRecent ? 'edited, recent' : 'edited, old';
  }

  companies.forEach(({ id, clients, invoices }, position) => {
    const setting = { key: id, name: id, nip: NIP, clients, invoices };
    const account = createAccount(setting, position, { today, now: time.now, changed });
    const rows: Company['rows'] = { clients: new Map(), invoices: new Map(), corrective_invoices: new Map() };
    for (const stream of Object.values(STREAMS)) fill(account, stream, rows[stream]);
    all.set(id, { account, rows });
  });
  const life = createLife({
    accounts: companies.flatMap(({ id, weight = 1 }) => Array.from({ length: weight }, () => companyOf(id).account)),
    random: createRandom(SEED + 1),
    today,
    clock,
    timer: (work, waitMs) => time.clock.schedule(waitMs, work),
  });

  const unproven = createUnproven(modes, time.now);
  const limited = createLimiter(requestsPerMinute, LIMIT, clock, time.now);
  const counter = createCounter(clock);
  let refused = 0;
  let byScan = new Map<string, number>();
  let forKsef = { details: 0, pages: 0 };
  const addedMs = new Map<string, number>();
  /** Of documents of which KSeF will say nothing else. */
  const settled = new Map<string, Row>();

  /** A row with what its detail shows of KSeF. */
  function withKsef(entity: EntityId, stream: Stream, row: Row): Row {
    const key = `${entity} ${stream} ${row.id}`;
    const known = settled.get(key);
    if (known !== undefined) return { ...row, ...known, id: row.id };
    const detail = objectOf(JSON.parse(companyOf(entity).account.detail(stream, row.id)?.toString() ?? '{}'));
    const { number, ksef_data: data } = detail;
    const { ksef_number: ksefNumber = null, status } = objectOf(data);
    const shown = { number, ksef_number: ksefNumber, ksef_data: data ?? null };
    if (status !== 'pending') settled.set(key, { ...shown, id: row.id });
    return { ...row, ...shown };
  }

  function rowShown(entity: EntityId, stream: Stream, row: Row, reading: UnprovenReading, isNamed: boolean): Row {
    if (isNamed && reading.fields === 'detail') {
      const { id, uuid, number, ksef_number, ksef_data } = withKsef(entity, stream, row);
      return { id, uuid, number, ksef_number, ksef_data };
    }
    return reading.ksef === 'detail' ? withKsef(entity, stream, row) : row;
  }

  function companyOf(entity: EntityId): Company {
    const company = all.get(entity);
    if (company === undefined) throw new Error(`there is no company ${entity}`);
    return company;
  }

  /** One request as `createRest` makes it: each try in a slot of its own, what is transient tried again. */
  function request<T>(
    { entity, slots, marks }: Asker,
    answer: () => T,
    { turn, slot: had }: Pick<Asking, 'turn' | 'slot'> = {},
  ): Observable<T & Marked> {
    let leave = had;
    return defer(() => {
      const aborter = new AbortController();
      const asked = turn?.();
      const taken = leave === undefined ? slots.take(aborter.signal, asked) : Promise.resolve(leave);
      leave = undefined;
      return from(taken).pipe(
        mergeMap((slot) => {
          const began = marks.next();
          const scan = asked?.scan ?? 'account';
          byScan.set(scan, (byScan.get(scan) ?? 0) + 1);
          const latencyMs = LEAST_LATENCY_MS + random() * LATENCY_SPREAD_MS;
          const luck = trouble === null ? 1 : random();
          if (trouble !== null && luck < trouble.hanging) {
            counter.begin({ entity, method: 'GET', path: '', query: '' }, false);
            return timer(GIVEN_UP_MS).pipe(
              map((): T & Marked => {
                slot.done({ fault: true });
                throw new TransientError('a request of the bench expected an answer, got none', {
                  networkFault: 'timeout',
                });
              }),
            );
          }
          return timer(latencyMs / 2).pipe(
            map(() => {
              const answered = counter.begin({ entity, method: 'GET', path: '', query: '' }, false);
              const full = limited();
              const status = full?.status ?? (trouble !== null && luck < trouble.hanging + trouble.failing ? 500 : 200);
              answered(status);
              if (status === 429) refused += 1;
              return { status, body: status === 200 ? answer() : null };
            }),
            delay(latencyMs / 2),
            map(({ status, body }) => {
              slot.done({ status, list: true, json: true });
              if (body === null)
                throw new TransientError(`a request of the bench expected 200, got ${status}`, { status });
              return { ...body, began, ended: marks.next() };
            }),
          );
        }),
        finalize(() => {
          aborter.abort('over');
          void taken.then(
            (slot) => slot.done({}),
            () => undefined,
          );
        }),
      );
    }).pipe(retryRequest(requestRetry(random)));
  }

  function restOf(asker: Asker): Rest {
    const { account, rows } = companyOf(asker.entity);
    return {
      leave: (grant, turn) => asker.slots.wait(grant, turn?.()),
      list: (name, _path, params, offset, limit, asking) =>
        request(
          asker,
          () => {
            const stream = streamOf(name);
            const known = filtersOf(stream, Object.entries(params));
            const reading = unproven.read(stream, Object.entries(params));
            const { filters } = reading;
            const isNamed = params['fields'] !== undefined;
            if (isNamed && asking?.turn?.()?.scan === 'spot') forKsef = { ...forKsef, pages: forKsef.pages + 1 };
            const ids = account.tables[stream].ids([...known, ...filters]);
            if (params['order'] === 'id desc') ids.reverse();
            const page = ids
              .slice(offset, offset + limit)
              .flatMap((id) => rows[stream].get(id) ?? [])
              .map((row) => rowShown(asker.entity, stream, row, reading, isNamed));
            const isLie = totalsLie && filters.length === 0 && ids.length > 0;
            return { rows: page, totalCount: ids.length - (isLie ? 1 : 0) };
          },
          asking,
        ),
      raw: () => request(asker, () => ({ status: 200, bytes: Buffer.alloc(0) })),
      detail: (name, path, asking) =>
        request(
          asker,
          () => {
            const stream = streamOf(name);
            const address = /([^/]+)\.json$/.exec(path)?.[1] ?? '';
            const id = account.find(stream, decodeURIComponent(address));
            const row = id === undefined ? undefined : rows[stream].get(id);
            const isForKsef = asking?.turn?.()?.urgency.kind === 'scheduled';
            if (isForKsef) forKsef = { ...forKsef, details: forKsef.details + 1 };
            if (row === undefined) return { status: 404 as const };
            if (!isForKsef) return { status: 200 as const, row };
            // A detail without these is a stub and no row.
            const { everyRowHas = [] } = allStreams.find((each) => each.name === name) ?? {};
            const whole = Object.fromEntries(everyRowHas.map((field) => [field, 'as every row']));
            return { status: 200 as const, row: { ...whole, ...withKsef(asker.entity, stream, row) } };
          },
          asking,
        ),
      accountDetails: () => request(asker, () => ({ taxId: NIP, accountUuid: asker.entity, name: null })),
    };
  }

  return {
    rest: (entity, slots, marks) => restOf({ entity, slots, marks }),
    live: (rates) => life.live(rates),
    totals: (name, params) => {
      const stream = streamOf(name);
      const filters = filtersOf(stream, Object.entries(params));
      return [...all.values()].map(({ account }) => account.tables[stream].ids(filters).length);
    },
    has: (entity, stream, id) => companyOf(entity).rows[streamOf(stream)].has(id),
    inKsef: (from) =>
      [...all].flatMap(([entity, { rows }]) =>
        (['invoices', 'corrective_invoices'] as const).flatMap((stream) =>
          [...rows[stream].values()]
            .filter(
              ({ uuid, invoice_date: day, kind }) =>
                uuid !== null && typeof day === 'string' && day >= from && kind !== 'proforma',
            )
            .map((row): DocumentInKsef => {
              const { ksef_number: number, ksef_data: data } = withKsef(entity, stream, row);
              const { request_finished_at: at } = objectOf(objectOf(data)['timestamps']);
              return {
                entity,
                stream: nameOf(stream),
                id: row.id,
                number: typeof number === 'string' ? number : null,
                finishedMs: typeof at === 'string' ? Date.parse(at) : null,
                addedMs: addedMs.get(`${entity} ${stream} ${row.id}`) ?? null,
              };
            }),
        ),
      ),
    stats: () => {
      const { total, mostPerMinute } = counter.read(0);
      return { total, refused, mostPerMinute, byScan, forKsef };
    },
    resetStats() {
      counter.reset();
      refused = 0;
      byScan = new Map();
      forKsef = { details: 0, pages: 0 };
    },
  };
}

function fill(account: Account, stream: Stream, rows: Map<number, Slim>): void {
  const table = account.tables[stream];
  const ids = table.ids([]);
  let at = 0;
  for (const values of table.values([], FIELDS)) {
    const id = ids[at] ?? 0;
    at += 1;
    rows.set(id, slimOf(id, Object.fromEntries(FIELDS.map((name, column) => [name, values[column]])), 0));
  }
}

function slimOf(id: number, row: Readonly<Record<string, unknown>>, change: number): Slim {
  const { uuid, invoice_date, paid_date, kind } = row;
  return { id, uuid, invoice_date, paid_date, kind, change };
}

function objectOf(row: unknown): Readonly<Record<string, unknown>> {
  return isObject(row) ? row : {};
}

function streamOf(name: string): Stream {
  const stream = STREAMS[name];
  if (stream === undefined) throw new Error(`the bench has no stream ${name}`);
  return stream;
}

function nameOf(stream: Stream): string {
  return stream === 'corrective_invoices' ? 'corrective-invoices' : stream;
}
