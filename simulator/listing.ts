import type { Account, ListName } from './account';
import type { Random } from './random';
import { correctiveOssRow, ossRow } from './oss';
import { marginRow, orderRows } from './other-documents';
import { clientRow, correctionRow, invoiceRow, isDate, isObject, type JsonObject } from './rows';
import { bankAccountRow, costRow, productRow } from './small-lists';
import type { Filter, TableQuery } from './table';
import type { Unproven, UnprovenReading } from './unproven';

const defaultLimit = 10;
const largestLimit = 100;

/** An answer before it is sent. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** An answer with a JSON body. */
export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
    body: Buffer.from(JSON.stringify(body)),
  };
}

const yes = new Set(['true', 't', '1']);
const no = new Set(['false', 'f', '0']);
const bareNumber = (text: string) =>
  text
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replace(/^PL/, '');

type Condition = (value: string) => ((field: unknown) => boolean) | undefined;

const equals: Condition = (wanted) => (field) => String(field) === wanted && field !== null && field !== undefined;
const contains: Condition = (wanted) => (field) =>
  typeof field === 'string' && field.toLowerCase().includes(wanted.toLowerCase());
const sameNumber: Condition = (wanted) => (field) =>
  typeof field === 'string' && bareNumber(field) === bareNumber(wanted);
const isNull: Condition = (wanted) => {
  if (yes.has(wanted)) return (field) => field === null;
  return no.has(wanted) ? (field) => field !== null && field !== undefined : undefined;
};
const date =
  (holds: (field: string, wanted: string) => boolean): Condition =>
  (wanted) =>
    isDate(wanted) ? (field) => typeof field === 'string' && holds(field, wanted) : undefined;

type Conditions = Readonly<Record<string, readonly [string, Condition]>>;

const dateConditions = (field: string): Conditions => ({
  [`${field}_gteq`]: [field, date((found, wanted) => found >= wanted)],
  [`${field}_lteq`]: [field, date((found, wanted) => found <= wanted)],
  [`${field}_gt`]: [field, date((found, wanted) => found > wanted)],
  [`${field}_lt`]: [field, date((found, wanted) => found < wanted)],
});
const documentConditions: Conditions = {
  paid_date_null: ['paid_date', isNull],
  ...dateConditions('invoice_date'),
  number_eq: ['number', equals],
  client_id_eq: ['client_id', equals],
};

const ossConditions: Conditions = {
  ...dateConditions('issue_date'),
  number_eq: ['number', equals],
  country_eq: ['country', equals],
  client_name_eq: ['client_name', equals],
};

/** The filters that take effect: name in `q[...]`, the field it looks at, and its condition. */
const conditions: Readonly<Record<ListName, Conditions>> = {
  clients: {
    nip_eq: ['nip', equals],
    clean_nip_eq: ['nip', sameNumber],
    company_name_eq: ['company_name', equals],
    company_name_cont: ['company_name', contains],
  },
  invoices: { ...documentConditions, clean_client_nip_eq: ['client_tax_code', sameNumber] },
  corrective_invoices: documentConditions,
  advance_invoices: { ...documentConditions, clean_client_nip_eq: ['client_tax_code', sameNumber] },
  final_invoices: { ...documentConditions, clean_client_nip_eq: ['client_tax_code', sameNumber] },
  margin_invoices: { ...documentConditions, clean_client_nip_eq: ['client_tax_code', sameNumber] },
  oss_invoices: ossConditions,
  corrective_oss_invoices: ossConditions,
  products: { name_eq: ['name', equals] },
  bank_accounts: { account_number_eq: ['account_number', equals] },
  'documents/costs': {
    ...dateConditions('issue_date'),
    ...dateConditions('due_date'),
    source_eq: ['source', equals],
  },
};

/** The recognised filters among the parameters; any other one is ignored without a word, as the API does. */
export function filtersOf(list: ListName, parameters: Iterable<readonly [string, string]>): Filter[] {
  const filters: Filter[] = [];
  for (const [name, value] of parameters) {
    const key = /^q\[(\w+)\]$/.exec(name)?.[1] ?? '';
    const [field, condition] = Object.hasOwn(conditions[list], key) ? (conditions[list][key] ?? []) : [];
    const test = condition?.(value);
    if (field !== undefined && test !== undefined) filters.push({ name: `${key}=${value}`, field, test });
  }
  return filters;
}

function scalarFields(row: object): ReadonlySet<string> {
  const scalars = Object.entries(row).filter(([, value]) => typeof value !== 'object' || value === null);
  return new Set(scalars.map(([name]) => name));
}

const sampleSeed = {
  id: 1,
  index: -1,
  number: '',
  createdDay: 0,
  invoiceDay: 0,
  lastDay: 0,
  client: null,
  firstLineId: 1,
};
const zero = () => 0;
const sampleInvoice = invoiceRow(zero, sampleSeed);
const sampleOrder = orderRows(zero, {
  index: 0,
  firstDay: 0,
  lastDay: 0,
  client: null,
  nextId: () => 1,
  numberOf: () => '',
  lineIds: () => 1,
});
const sampleOss = ossRow(zero, { id: 1, number: '', day: 0 });
const sortable: Readonly<Record<ListName, ReadonlySet<string>>> = {
  clients: scalarFields(clientRow(zero, 1, -1)),
  invoices: scalarFields(sampleInvoice),
  corrective_invoices: scalarFields(correctionRow(zero, { ...sampleSeed, day: 0, invoice: sampleInvoice })),
  advance_invoices: scalarFields(sampleOrder.advances[0] ?? {}),
  final_invoices: scalarFields(sampleOrder.final ?? {}),
  margin_invoices: scalarFields(marginRow(zero, sampleSeed)),
  oss_invoices: scalarFields(sampleOss),
  corrective_oss_invoices: scalarFields(correctiveOssRow(zero, { id: 1, number: '', day: 0 }, sampleOss)),
  products: scalarFields(productRow(zero, 1, 0)),
  bank_accounts: scalarFields(bankAccountRow(zero, 1, 0)),
  'documents/costs': scalarFields(costRow(zero, 1, 0, 0)),
};
const newestFirst = { field: 'invoice_date', descending: true };
const defaultOrder: Readonly<Record<ListName, { readonly field: string; readonly descending: boolean }>> = {
  clients: { field: 'company_name', descending: false },
  invoices: newestFirst,
  corrective_invoices: newestFirst,
  advance_invoices: newestFirst,
  final_invoices: newestFirst,
  margin_invoices: newestFirst,
  oss_invoices: { field: 'issue_date', descending: true },
  corrective_oss_invoices: { field: 'issue_date', descending: true },
  products: { field: 'name', descending: false },
  bank_accounts: { field: 'bank_name', descending: false },
  'documents/costs': { field: 'issue_date', descending: true },
};

function orderOf(list: ListName, order: string | null) {
  const [field = '', direction = 'asc', ...more] = (order ?? '').trim().split(/[ +]+/);
  const known = sortable[list].has(field) && (direction === 'asc' || direction === 'desc') && more.length === 0;
  return known ? { field, descending: direction === 'desc' } : defaultOrder[list];
}

/** A whole number of the query; undefined if it is absent or no such number. */
export function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The fields that are wanted, each with those wanted of the objects below it. */
type Fields = Map<string, Fields>;

/** Reads `a,b,services(name)`; what cannot be read ends the text. */
function parseFields(text: string): Fields {
  const tokens = text.match(/\w+|[(),]/g) ?? [];
  let at = 0;
  function level(): Fields {
    const fields: Fields = new Map();
    for (; at < tokens.length && tokens[at] !== ')'; at++) {
      const name = tokens[at] ?? '';
      if (!/^\w/.test(name)) continue;
      const nested = tokens[at + 1] === '(';
      if (nested) at += 2;
      fields.set(name, nested ? level() : new Map<string, Fields>());
    }
    return fields;
  }
  return level();
}

function pickFields(value: unknown, fields: Fields): unknown {
  if (fields.size === 0) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => pickFields(item, fields));
  if (!isObject(value)) return value;
  const picked: Record<string, unknown> = {};
  for (const [name, content] of Object.entries(value)) {
    const below = name === 'id' ? new Map<string, Fields>() : fields.get(name);
    if (below !== undefined) picked[name] = pickFields(content, below);
  }
  return picked;
}

/** Cuts a row down to what `fields=` asks for: always with its id, and a correction with its lines. */
export function projection(list: ListName, query: URLSearchParams): ((row: Buffer) => Buffer) | undefined {
  const text = query.get('fields');
  const fields = text === null ? undefined : parseFields(text);
  if (fields === undefined || fields.size === 0) return undefined;
  if (list === 'corrective_invoices' && !fields.has('services')) fields.set('services', new Map<string, Fields>());
  return (row) => Buffer.from(JSON.stringify(pickFields(JSON.parse(row.toString()), fields)));
}

/** What the envelopes of all lists have in common. */
export interface Habits {
  /** A limit above 100: 100 is used, or 400 is answered. Clamped unless given. */
  readonly overLimit?: 'clamp' | 'refuse';
  /** What `count` tells: the rows of the page, or always 10, as both were seen. Rows unless given. */
  readonly count?: 'rows' | 'ten';
  /**
   * Where `next` and `previous` point: to the simulator, to a host that is none, to a path with its version doubled, or to
   * the host of a URL. The simulator unless given; those of costs never.
   */
  readonly links?: 'own' | 'foreign' | 'doubled' | `${'http' | 'https'}://${string}`;
}

/** How one request for a list is answered. */
export interface ListingOptions {
  readonly habits: Habits;
  /** Shuffles rows that the order does not tell apart, anew for each request; undefined keeps them by id. */
  readonly shuffleTies: Random | undefined;
  /** Where the request came to. */
  readonly url: URL;
  readonly ignoreFilters: boolean;
  /** What nobody knows whether it works. */
  readonly unproven: Pick<Unproven, 'read'>;
  /** ISO date: documents dated before it are left out without a word; null = none are. */
  readonly hideBefore: string | null;
}

const foreignOrigin = 'https://app.infakt.test';
const badFilter = jsonAnswer(400, { error: 'Nieprawidłowy parametr filtrowania.' });
/** What a limit that is too large is answered with where it is refused. */
export const tooMany = jsonAnswer(400, { error: `Parametr limit nie może być większy niż ${largestLimit}.` });

/** Limit and offset of a request; undefined if it must be refused. */
export function windowOf(query: URLSearchParams, { overLimit }: Habits) {
  const asked = wholeNumber(query.get('limit')) ?? defaultLimit;
  if (asked > largestLimit && overLimit === 'refuse') return undefined;
  const limit = asked === 0 ? defaultLimit : Math.min(asked, largestLimit);
  return { limit, offset: wholeNumber(query.get('offset')) ?? 0 };
}

function linkBase(list: ListName, url: URL, links: Habits['links'] = 'own'): string {
  if (links === 'doubled') return url.origin + url.pathname.replace('/v3/', '/v3/v3/');
  if (links === 'foreign' || (links === 'own' && list === 'documents/costs')) return foreignOrigin + url.pathname;
  return (links === 'own' ? url.origin : new URL(links).origin) + url.pathname;
}

/** The rows as `fields=` makes them. */
function rowsShown(
  account: Account,
  list: ListName,
  rows: readonly Buffer[],
  query: URLSearchParams,
  fields: UnprovenReading['fields'],
): readonly Buffer[] {
  const project = fields === 'whole' ? undefined : projection(list, query);
  if (project === undefined) return rows;
  if (fields === 'cut') return rows.map(project);
  const idOf = (row: Buffer | undefined): number => {
    const parsed: unknown = row === undefined ? undefined : JSON.parse(row.toString());
    return isObject(parsed) ? Number(parsed['id']) : NaN;
  };
  return rows.map((row, index) => {
    const detail = detailFields(account, list, idOf(row));
    const other = fields === 'foreign' ? detailFields(account, list, idOf(rows[(index + 1) % rows.length])) : detail;
    const parsed: unknown = JSON.parse(row.toString());
    if (!isObject(parsed)) return row;
    const { ksef_data: data } = other;
    if (fields === 'some' && isLeftOut(parsed)) return project(row);
    const shown = fields === 'nulls' ? { ksef_number: null, ksef_data: null } : { ksef_data: data ?? null };
    return project(Buffer.from(JSON.stringify({ ...detail, ...parsed, ...shown })));
  });
}

/** The rows with what they show of KSeF by themselves. */
function withKsef(
  account: Account,
  list: ListName,
  rows: readonly Buffer[],
  shown: UnprovenReading['ksef'],
): readonly Buffer[] {
  if (shown === 'absent') return rows;
  return rows.map((row) => {
    const parsed: unknown = JSON.parse(row.toString());
    if (!isObject(parsed) || (shown === 'some' && isLeftOut(parsed))) return row;
    const { ksef_number: number, ksef_data: data } = detailFields(account, list, Number(parsed['id']));
    const fields =
      shown === 'number' ? { ksef_number: number ?? null } : { ksef_number: number ?? null, ksef_data: data };
    const none = { ksef_number: null, ksef_data: null };
    return Buffer.from(JSON.stringify({ ...parsed, ...(shown === 'nulls' ? none : fields) }));
  });
}

/** Every other row, where only some show something. */
function isLeftOut(row: JsonObject): boolean {
  return Number(row['id']) % 2 === 0;
}

/** What the detail of a row has, its number in KSeF beside the rest. */
function detailFields(account: Account, list: ListName, id: number): JsonObject {
  const detail: unknown = JSON.parse(account.detail(list, id)?.toString() ?? '{}');
  if (!isObject(detail)) return {};
  const { ksef_data: data } = detail;
  return { ...detail, ksef_number: isObject(data) ? data['ksef_number'] : null };
}

/** One page of a list in its envelope; unless `fields=` is asked for, the bytes of the rows are copied and never parsed. */
export function listAnswer(account: Account, list: ListName, query: URLSearchParams, options: ListingOptions): Answer {
  const { habits } = options;
  const window = windowOf(query, habits);
  if (window === undefined) return tooMany;
  const { limit, offset } = window;
  const unproven = options.unproven.read(list, query);
  if (unproven.refused) return badFilter;
  const hidden = options.hideBefore === null ? [] : filtersOf(list, [['q[invoice_date_gteq]', options.hideBefore]]);
  const wanted: TableQuery = {
    filters: [...(options.ignoreFilters ? [] : [...filtersOf(list, query), ...unproven.filters]), ...hidden],
    ...orderOf(list, query.get('order')),
    offset,
    limit,
    ...(options.shuffleTies === undefined ? {} : { shuffleTies: options.shuffleTies }),
  };
  const page = account.tables[list].page(wanted);
  const isOther = ({ name }: Filter) => !unproven.filters.some((filter) => filter.name === name);
  const shown = unproven.wrongRows
    ? account.tables[list].page({ ...wanted, filters: wanted.filters.filter(isOther), limit: page.rows.length }).rows
    : page.rows;
  const rows = rowsShown(account, list, withKsef(account, list, shown, unproven.ksef), query, unproven.fields);
  const base = linkBase(list, options.url, habits.links);
  const link = (to: number) => {
    const parameters = new URLSearchParams([
      ['offset', String(to)],
      ['limit', String(limit)],
    ]);
    for (const [name, value] of query) if (name !== 'offset' && name !== 'limit') parameters.append(name, value);
    return `${base}?${parameters.toString()}`;
  };
  const count = habits.count === 'ten' ? defaultLimit : rows.length;
  const envelope = {
    metainfo: {
      count,
      total_count: page.total,
      next: link(offset + limit),
      previous: link(Math.max(0, offset - limit)),
    },
    ...(list === 'documents/costs'
      ? {
          count,
          total_count: page.total,
          current_page: Math.floor(offset / limit) + 1,
          pages: Math.ceil(page.total / limit),
        }
      : {}),
  };
  const head = Buffer.from(`${JSON.stringify(envelope).slice(0, -1)},"entities":[`);
  const length = rows.reduce((sum, row) => sum + row.length, head.length + Math.max(0, rows.length - 1) + 2);
  const body = Buffer.allocUnsafeSlow(length);
  let at = head.copy(body);
  rows.forEach((row, index) => {
    if (index > 0) body[at++] = 0x2c;
    at += row.copy(body, at);
  });
  body.write(']}', at, 'latin1');
  return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body };
}

/** A page of the activity log, whose envelope is another than that of the lists. */
export function activitiesAnswer(account: Account, query: URLSearchParams, habits: Habits): Answer {
  const window = windowOf(query, habits);
  if (window === undefined) return tooMany;
  const by = query.get('blame[uuid]');
  const found = account.activities().filter(({ blame }) => by === null || (isObject(blame) && blame['uuid'] === by));
  const entities: readonly JsonObject[] = found.slice(window.offset, window.offset + window.limit);
  return jsonAnswer(200, { total_count: found.length, count: entities.length, entities });
}
