import { createRandom, integer, seedFrom, uuid } from './random';
import { clientRow, dateOf, dayOf, invoiceDetail, invoiceRow, isObject, type JsonObject } from './rows';
import { createTable, type Filter, type Table } from './table';

/** What the simulator serves: the two lists of an account. */
export type Stream = 'clients' | 'invoices';

export const streams: readonly Stream[] = ['clients', 'invoices'];

/** One legal entity, known by its API key. */
export interface EntityOptions {
  /** The API key, and the name of the entity in the admin interface. */
  readonly key: string;
  readonly name: string;
  readonly nip: string;
  /** How many rows it starts with. */
  readonly clients: number;
  readonly invoices: number;
  /** The same seed makes the same rows; taken from the key unless given. */
  readonly seed?: number;
  /** Scopes of the key; `api:invoices:read` and `api:account:read` unless given. */
  readonly scopes?: readonly string[];
}

/** Sums of one currency, in minor units. */
interface CurrencySums {
  count: number;
  net: number;
  tax: number;
  gross: number;
}

/** What one account really holds. */
export interface AccountTruth {
  readonly clients: { readonly count: number; readonly ids: readonly number[] };
  readonly invoices: {
    readonly count: number;
    readonly ids: readonly number[];
    readonly sums: Readonly<Record<string, CurrencySums>>;
  };
}

/** The rows of one legal entity and the ways to change them. Unknown ids are refused with a RangeError. */
export interface Account {
  readonly entity: EntityOptions;
  readonly tables: Readonly<Record<Stream, Table>>;
  /** Adds a realistic row with some fields overridden; its id follows the highest one unless given. */
  add(stream: Stream, overrides?: JsonObject): JsonObject;
  edit(stream: Stream, id: number, patch: JsonObject): JsonObject;
  /** Marks an invoice as paid; `paid_price` and `left_to_pay` stay, as they do in the real API. */
  pay(id: number, paidDate?: string): JsonObject;
  remove(stream: Stream, id: number): void;
  /** Puts any JSON value in the row's place, which keeps the rank of its old id. */
  replace(stream: Stream, id: number, json: unknown): void;
  row(stream: Stream, id: number): unknown;
  /** The answer to a GET of one row; undefined is a 404. */
  detail(stream: Stream, address: string): Buffer | undefined;
  /** The account's own data, as `account/details.json` shows it. */
  details(): JsonObject;
  truth(filters?: Readonly<Record<Stream, readonly Filter[]>>): AccountTruth;
}

/** Where the ids of the n-th account begin; real ids are shared by all accounts of the service. */
const clientIdBase = 100_000;
const invoiceIdBase = 9_000_000;
const clientIdRange = 20_000_000;
const invoiceIdRange = 50_000_000;
const daysOfHistory = 3 * 365;

/** Fills one account with its rows. `today` is asked again for every row that is added later. */
export function createAccount(entity: EntityOptions, position: number, today: () => string): Account {
  const seed = entity.seed ?? seedFrom(entity.key);
  const random = createRandom(seed);
  const tables = {
    clients: createTable(['uuid', 'company_name', 'nip']),
    invoices: createTable([
      'uuid',
      'number',
      'invoice_date',
      'paid_date',
      'client_id',
      'client_tax_code',
      'currency',
      'net_price',
      'tax_price',
      'gross_price',
    ]),
  };
  let nextLineId = invoiceIdBase + position * invoiceIdRange;
  const numbersInMonth = new Map<string, number>();

  /** The highest ids ever given: an id is never given twice, even if its row is gone. */
  const highest = {
    clients: clientIdBase + position * clientIdRange,
    invoices: invoiceIdBase + position * invoiceIdRange,
  };

  function nextId(stream: Stream): number {
    highest[stream] += 1 + integer(random, 29);
    return highest[stream];
  }

  function makeInvoice(id: number, index: number, createdDay: number, backDays: number, client: JsonObject | null) {
    const month = dateOf(createdDay).slice(0, 7);
    const inMonth = (numbersInMonth.get(month) ?? 0) + 1;
    numbersInMonth.set(month, inMonth);
    const row = invoiceRow(random, {
      id,
      index,
      number: `${inMonth}/${month.slice(5)}/${month.slice(0, 4)}`,
      createdDay,
      invoiceDay: createdDay - backDays,
      lastDay: dayOf(today()),
      client,
      firstLineId: nextLineId,
    });
    const lines = row['services'];
    nextLineId += (Array.isArray(lines) ? lines.length : 1) + integer(random, 3);
    return row;
  }

  const buyers: JsonObject[] = [];
  for (let index = 0; index < entity.clients; index++) {
    const id = nextId('clients');
    const row = clientRow(random, id, index);
    tables.clients.put(id, row);
    buyers.push(row);
  }
  const lastDay = dayOf(today());
  for (let index = 0; index < entity.invoices; index++) {
    const createdDay = lastDay - daysOfHistory + Math.floor((daysOfHistory * (index + 1)) / entity.invoices);
    const backDays = random() < 0.05 ? 1 + integer(random, 45) : 0;
    const buyer = buyers[integer(random, buyers.length)] ?? null;
    const id = nextId('invoices');
    tables.invoices.put(id, makeInvoice(id, index, createdDay, backDays, buyer));
  }
  buyers.length = 0;

  function read(stream: Stream, id: number): unknown {
    const bytes = tables[stream].bytes(id);
    return bytes === undefined ? undefined : JSON.parse(bytes.toString());
  }

  function known(stream: Stream, id: number): unknown {
    const row = read(stream, id);
    if (row === undefined) throw new RangeError(`${entity.name} has no row ${id} in ${stream}`);
    return row;
  }

  function put(stream: Stream, id: number, row: JsonObject): JsonObject {
    tables[stream].put(id, row);
    return row;
  }

  function edit(stream: Stream, id: number, patch: JsonObject): JsonObject {
    const row = known(stream, id);
    if (!isObject(row)) throw new RangeError(`row ${id} in ${stream} of ${entity.name} is not an object: replace it`);
    if ('id' in patch && patch['id'] !== id) throw new RangeError('an edit cannot change the id: use replace');
    return put(stream, id, { ...row, ...patch });
  }

  /** A client picked by chance, as it is now. */
  function someClient(): JsonObject | null {
    const { size } = tables.clients;
    const { rows } = tables.clients.page({
      filters: [],
      field: 'id',
      descending: false,
      offset: integer(random, size),
      limit: 1,
    });
    const row: unknown = rows[0] === undefined ? null : JSON.parse(rows[0].toString());
    return isObject(row) ? row : null;
  }

  return {
    entity,
    tables,
    edit,
    add(stream, overrides = {}) {
      const id = overrides['id'] ?? nextId(stream);
      if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) {
        throw new RangeError(`a new row needs a positive integer id, got ${JSON.stringify(id)}`);
      }
      if (tables[stream].has(id)) throw new RangeError(`${entity.name} already has a row ${id} in ${stream}`);
      highest[stream] = Math.max(highest[stream], id);
      // No index of an unusual kind: what is added is plain, so that a test changes only what it means to.
      const plain = -1;
      const row =
        stream === 'clients' ? clientRow(random, id, plain) : makeInvoice(id, plain, dayOf(today()), 0, someClient());
      return put(stream, id, { ...row, ...overrides });
    },
    pay: (id, paidDate = today()) => edit('invoices', id, { status: 'paid', paid_date: paidDate }),
    remove(stream, id) {
      if (!tables[stream].remove(id)) throw new RangeError(`${entity.name} has no row ${id} in ${stream}`);
    },
    replace(stream, id, json) {
      known(stream, id);
      tables[stream].put(id, json);
    },
    row: read,
    detail(stream, address) {
      if (stream === 'clients') {
        const bytes = /^\d+$/.test(address) ? tables.clients.bytes(Number(address)) : undefined;
        return bytes === undefined ? undefined : Buffer.from(bytes);
      }
      const id = tables.invoices.idOfUuid(address);
      if (id === undefined) return undefined;
      const row = read('invoices', id);
      if (!isObject(row)) return undefined;
      const detail = { ...row, ...invoiceDetail(createRandom(seed ^ id), row, entity.nip) };
      return Buffer.from(JSON.stringify(detail));
    },
    details: () => accountDetails(entity, seed),
    truth(filters = { clients: [], invoices: [] }) {
      const sums: Record<string, CurrencySums> = {};
      const fields = ['currency', 'net_price', 'tax_price', 'gross_price'];
      for (const [currency, net, tax, gross] of tables.invoices.values(filters.invoices, fields)) {
        const sum = (sums[String(currency)] ??= { count: 0, net: 0, tax: 0, gross: 0 });
        sum.count += 1;
        sum.net += typeof net === 'number' ? net : 0;
        sum.tax += typeof tax === 'number' ? tax : 0;
        sum.gross += typeof gross === 'number' ? gross : 0;
      }
      const clientIds = tables.clients.ids(filters.clients);
      const invoiceIds = tables.invoices.ids(filters.invoices);
      return {
        clients: { count: clientIds.length, ids: clientIds },
        invoices: { count: invoiceIds.length, ids: invoiceIds, sums },
      };
    },
  };
}

function accountDetails(entity: EntityOptions, seed: number): JsonObject {
  return {
    account_data: {
      uuid: uuid(createRandom(seed)),
      email: 'ksiegowosc@example.test',
      username: 'ksiegowosc@example.test',
      site: 'infakt',
      role: 'owner',
      registered_at: '2021-02-03 09:15:30 +0100',
    },
    company_data: {
      first_name: 'Łucja',
      last_name: 'Żuraw',
      company_name: entity.name,
      owner_name: 'Łucja',
      owner_surname: 'Żuraw',
      street: 'Źródlana 7',
      street_name: 'Źródlana',
      street_number: '7',
      flat_number: '',
      city: 'Łódź',
      postal_code: '90-001',
      tax_id: entity.nip,
      pesel: null,
      regon: '',
      phone_number: '',
      mailing_company_name: null,
      mailing_street: null,
      mailing_city: null,
      mailing_postal_code: null,
      business_activity_code: '62010',
    },
    current_subscription: {
      name: 'Samodzielna Księgowość',
      expired_on: '2030-12-31',
      days_until_expiration: 365,
      user_type_symbol: 'self_employed',
    },
    accounting_settings: { status: 'finished', accounting_data_filled: true },
    accounting_office_service: { active: false, last_accounted_month: null },
    extentions: { ksef: { name: 'eFaktury', active: true } },
  };
}
