import type { Account, Stream } from './account';
import type { Random } from './random';
import { clientRow, invoiceRow } from './rows';
import type { Filter, TableQuery } from './table';

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

const isoDate = /^\d{4}-\d{2}-\d{2}$/;
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
    isoDate.test(wanted) ? (field) => typeof field === 'string' && holds(field, wanted) : undefined;

/** The filters that take effect: name in `q[...]`, the field it looks at, and its condition. */
const conditions: Readonly<Record<Stream, Readonly<Record<string, readonly [string, Condition]>>>> = {
  clients: {
    nip_eq: ['nip', equals],
    clean_nip_eq: ['nip', sameNumber],
    company_name_eq: ['company_name', equals],
    company_name_cont: ['company_name', contains],
  },
  invoices: {
    paid_date_null: ['paid_date', isNull],
    invoice_date_gteq: ['invoice_date', date((field, wanted) => field >= wanted)],
    invoice_date_lteq: ['invoice_date', date((field, wanted) => field <= wanted)],
    invoice_date_gt: ['invoice_date', date((field, wanted) => field > wanted)],
    invoice_date_lt: ['invoice_date', date((field, wanted) => field < wanted)],
    number_eq: ['number', equals],
    clean_client_nip_eq: ['client_tax_code', sameNumber],
    client_id_eq: ['client_id', equals],
  },
};

/** The recognised filters among the parameters; any other one is ignored without a word, as the API does. */
export function filtersOf(stream: Stream, parameters: Iterable<readonly [string, string]>): Filter[] {
  const filters: Filter[] = [];
  for (const [name, value] of parameters) {
    const key = /^q\[(\w+)\]$/.exec(name)?.[1] ?? '';
    const [field, condition] = Object.hasOwn(conditions[stream], key) ? (conditions[stream][key] ?? []) : [];
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
const sortable: Readonly<Record<Stream, ReadonlySet<string>>> = {
  clients: scalarFields(clientRow(() => 0, 1, -1)),
  invoices: scalarFields(invoiceRow(() => 0, sampleSeed)),
};
const defaultOrder: Readonly<Record<Stream, { readonly field: string; readonly descending: boolean }>> = {
  clients: { field: 'company_name', descending: false },
  invoices: { field: 'invoice_date', descending: true },
};

function orderOf(stream: Stream, order: string | null) {
  const [field = '', direction = 'asc', ...more] = (order ?? '').trim().split(/[ +]+/);
  const known = sortable[stream].has(field) && (direction === 'asc' || direction === 'desc') && more.length === 0;
  return known ? { field, descending: direction === 'desc' } : defaultOrder[stream];
}

/** A whole number of the query; undefined if it is absent or no such number. */
export function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** How a list is answered where the documentation leaves it open. */
export interface ListingOptions {
  /** Shuffles rows that the order does not tell apart, anew for each request; undefined keeps them by id. */
  readonly shuffleTies: Random | undefined;
  readonly overLimit: 'clamp' | 'refuse';
  /** Where `next` and `previous` point: scheme, host and path of the list. */
  readonly url: string;
  readonly ignoreFilters: boolean;
}

/** One page of a list in its envelope; the bytes of the rows are copied, never parsed. */
export function listAnswer(account: Account, stream: Stream, query: URLSearchParams, options: ListingOptions): Answer {
  const asked = wholeNumber(query.get('limit')) ?? defaultLimit;
  if (asked > largestLimit && options.overLimit === 'refuse') {
    return jsonAnswer(400, { error: `Parametr limit nie może być większy niż ${largestLimit}.` });
  }
  const limit = asked === 0 ? defaultLimit : Math.min(asked, largestLimit);
  const offset = wholeNumber(query.get('offset')) ?? 0;
  const wanted: TableQuery = {
    filters: options.ignoreFilters ? [] : filtersOf(stream, query),
    ...orderOf(stream, query.get('order')),
    offset,
    limit,
    ...(options.shuffleTies === undefined ? {} : { shuffleTies: options.shuffleTies }),
  };
  const { rows, total } = account.tables[stream].page(wanted);
  const link = (to: number) => {
    const parameters = new URLSearchParams([
      ['offset', String(to)],
      ['limit', String(limit)],
    ]);
    for (const [name, value] of query) if (name !== 'offset' && name !== 'limit') parameters.append(name, value);
    return `${options.url}?${parameters.toString()}`;
  };
  const metainfo = {
    count: rows.length,
    total_count: total,
    next: link(offset + limit),
    previous: link(Math.max(0, offset - limit)),
  };
  const head = Buffer.from(`{"metainfo":${JSON.stringify(metainfo)},"entities":[`);
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
