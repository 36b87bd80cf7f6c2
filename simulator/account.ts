import {
  correctionKinds,
  createBooks,
  isIssued,
  type Books,
  type BooksOptions,
  type CorrectionKind,
  type Sister,
} from './books';
import { clearingOf, type ClearingTime } from './ksef';
import { correctiveOssDetail, correctiveOssRow, ossDetail, ossRow } from './oss';
import { marginRow, orderRows, type Order } from './other-documents';
import { createRandom, integer, seedFrom, uuid } from './random';
import {
  clientRow,
  correctionRow,
  dateOf,
  dayOf,
  invoiceRow,
  isDate,
  isObject,
  offsetOf,
  salesDetail,
  type SentToKsef,
  type JsonObject,
} from './rows';
import { bankAccountRow, costDetail, costRow, productRow } from './small-lists';
import { createTable, type Filter, type Table } from './table';

/** The lists of an account that can be changed while it runs. */
export type Stream = 'clients' | SalesList;

/** The lists of documents of sale. */
export type SalesList = (typeof salesLists)[number];

export const salesLists = [
  'invoices',
  'corrective_invoices',
  'advance_invoices',
  'final_invoices',
  'margin_invoices',
  'oss_invoices',
  'corrective_oss_invoices',
] as const;

export const streams: readonly Stream[] = ['clients', ...salesLists];

/** All lists that are served as pages of rows, by their paths. */
export type ListName = Stream | 'products' | 'bank_accounts' | 'documents/costs';

/** The lists whose rows are addressed by uuid, and have a detail of their own. */
const documents: ReadonlySet<ListName> = new Set<ListName>(
  [...salesLists, 'documents/costs' as const].filter((list) => list !== 'oss_invoices'),
);

/** One legal entity, known by its API key. */
export interface EntityOptions {
  /** The API key, and the name of the entity in the admin interface. */
  readonly key: string;
  readonly name: string;
  readonly nip: string;
  /** How many rows it starts with. */
  readonly clients: number;
  readonly invoices: number;
  /** 3 % of the invoices unless given. */
  readonly corrections?: number;
  /**
   * Orders with one or two advance invoices and, most of them, a final invoice; as many margin and OSS invoices, every other of which is
   * corrected. Four unless given, none of books.
   */
  readonly orders?: number;
  /** The same seed makes the same rows; taken from the key unless given. */
  readonly seed?: number;
  /** Scopes of the key; unless given all that reading needs. */
  readonly scopes?: readonly string[];
  /** Rows that an accountant would believe; unless given, ordinary ones and those that are hard to read. */
  readonly books?: BooksOptions;
}

/** Sums of one currency, in minor units. */
interface CurrencySums {
  count: number;
  net: number;
  tax: number;
  gross: number;
}

interface SalesTruth {
  readonly count: number;
  readonly ids: readonly number[];
  readonly sums: Readonly<Record<string, CurrencySums>>;
}

/** What one account really holds. */
export interface AccountTruth extends Readonly<Record<SalesList, SalesTruth>> {
  readonly clients: { readonly count: number; readonly ids: readonly number[] };
}

/** What can happen to a row; `print` is a PDF or XML that was asked for and changed the status. */
export type ChangeKind = 'add' | 'edit' | 'pay' | 'print' | 'remove' | 'replace';

/** What an account is given from outside. */
export interface Surroundings {
  /** ISO date of whatever is added or paid. */
  readonly today: () => string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** How long KSeF takes for a document that is added; 60 to 120 s unless given. */
  readonly ksefMs?: ClearingTime | undefined;
  /** The other accounts, to which its company may sell. */
  readonly sisters?: readonly Sister[];
  /** Told of every change after the start, with the row as it is now, or was before it went. */
  readonly changed: (kind: ChangeKind, entity: string, stream: Stream, id: number, row: unknown) => void;
}

/** The rows of one legal entity and the ways to change them. Unknown ids are refused with a RangeError. */
export interface Account {
  readonly entity: EntityOptions;
  readonly tables: Readonly<Record<ListName, Table>>;
  /** Adds a realistic row, unpaid, with some fields overridden; its id follows the highest one unless given. */
  add(stream: Stream, overrides?: JsonObject): JsonObject;
  edit(stream: Stream, id: number, patch: JsonObject): JsonObject;
  /** Writes other lines on an invoice, with new line ids and amounts. */
  rewrite(id: number): JsonObject;
  /** Marks an invoice as paid; `paid_price` and `left_to_pay` stay, as they were seen to do, unless its books say otherwise. */
  pay(id: number, paidDate?: string): JsonObject;
  /** What asking for it does: a PDF marks a draft or a sent document as printed, an XML books a draft. */
  print(stream: Stream, id: number, form: 'pdf' | 'xml'): void;
  remove(stream: Stream, id: number): void;
  /** Puts any JSON value in the row's place, which keeps the rank of its old id. */
  replace(stream: Stream, id: number, json: unknown): void;
  row(stream: Stream, id: number): unknown;
  /** The id of the row that a path addresses in the way of its list, by id or by uuid. */
  find(list: ListName, address: string): number | undefined;
  /** The answer to a GET of one row. */
  detail(list: ListName, id: number): Buffer | undefined;
  /** The account's own data, as `account/details.json` shows it. */
  details(): JsonObject;
  /** The latest changes, newest first, as `account/activities.json` shows them. */
  activities(): readonly JsonObject[];
  truth(filters: Readonly<Record<Stream, readonly Filter[]>>): AccountTruth;
}

/** Where the ids of the n-th account begin; real ids are shared by all accounts of the service. */
const clientIdBase = 100_000;
const invoiceIdBase = 9_000_000;
const smallIdBase = 30_000;
const clientIdRange = 20_000_000;
const invoiceIdRange = 50_000_000;
const smallIdRange = 100;
/** Where the ids of lines of other documents begin within the account's range. */
const otherLines = 40_000_000;
/** Seeds the chance of OSS documents. */
const ossChance = 0x055;
const usualOrders = 4;
const daysOfHistory = 3 * 365;
const correctionShare = 0.03;
const keptActivities = 500;

/** What the activity log calls a row. */
const subjects: Readonly<Record<Stream, string>> = {
  clients: 'Client',
  invoices: 'Invoice',
  corrective_invoices: 'CorrectiveInvoice',
  advance_invoices: 'AdvanceInvoice',
  final_invoices: 'FinalInvoice',
  margin_invoices: 'MarginInvoice',
  oss_invoices: 'OssInvoice',
  corrective_oss_invoices: 'CorrectiveOssInvoice',
};

/** How the activity log calls a change. */
const actions = {
  add: ['create', 'Utworzenie'],
  edit: ['update', 'Edycja'],
  pay: ['paid', 'Opłacenie'],
  print: ['print', 'Wydruk'],
  remove: ['destroy', 'Usunięcie'],
} as const;

const salesColumns = [
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
];

const ossColumns = [
  'uuid',
  'number',
  'issue_date',
  'country',
  'client_name',
  'currency',
  'net_price',
  'tax_price',
  'gross_price',
];

/** Columns beside a row that no answer shows, in milliseconds since 1970. */
const hiddenColumns = ['created_at', 'updated_at'];

/** Fills one account with its rows. */
export function createAccount(entity: EntityOptions, position: number, surroundings: Surroundings): Account {
  const { today, now, changed, ksefMs, sisters = [] } = surroundings;
  const seed = entity.seed ?? seedFrom(entity.key);
  const random = createRandom(seed);
  const books = entity.books && createBooks(entity.books, { seed, position, sisters, lastDay: () => dayOf(today()) });
  const tables = {
    clients: createTable(['uuid', 'company_name', 'nip'], hiddenColumns),
    invoices: createTable(salesColumns, hiddenColumns),
    corrective_invoices: createTable(salesColumns, hiddenColumns),
    advance_invoices: createTable(salesColumns, hiddenColumns),
    final_invoices: createTable(salesColumns, hiddenColumns),
    margin_invoices: createTable(salesColumns, hiddenColumns),
    oss_invoices: createTable(ossColumns, hiddenColumns),
    corrective_oss_invoices: createTable(ossColumns, hiddenColumns),
    products: createTable([]),
    bank_accounts: createTable([]),
    'documents/costs': createTable(['uuid']),
  };
  // No index of an unusual kind: what is added is plain, so that a test changes only what it means to.
  const plain = -1;
  let nextLineId = invoiceIdBase + position * invoiceIdRange;
  let isFilled = false;
  const numbersInMonth = new Map<string, number>();
  /** When each document was sent to KSeF that was added while the simulator ran, by its list and id. */
  const sentMs = new Map<string, number>();

  /** The highest ids ever given: an id is never given twice, even if its row is gone. */
  const highest = {
    clients: clientIdBase + position * clientIdRange,
    invoices: invoiceIdBase + position * invoiceIdRange,
    // Each kind of document counts for itself, so that the same id stands in both lists.
    corrective_invoices: invoiceIdBase + position * invoiceIdRange,
    advance_invoices: invoiceIdBase + position * invoiceIdRange,
    final_invoices: invoiceIdBase + position * invoiceIdRange,
    margin_invoices: invoiceIdBase + position * invoiceIdRange,
    oss_invoices: invoiceIdBase + position * invoiceIdRange,
    corrective_oss_invoices: invoiceIdBase + position * invoiceIdRange,
  };

  function nextId(stream: Stream): number {
    highest[stream] += 1 + integer(random, 29);
    return highest[stream];
  }

  function nextNumber(day: number, prefix = ''): string {
    const month = dateOf(day).slice(0, 7);
    const inMonth = (numbersInMonth.get(prefix + month) ?? 0) + 1;
    numbersInMonth.set(prefix + month, inMonth);
    return `${prefix}${inMonth}/${month.slice(5)}/${month.slice(0, 4)}`;
  }

  /** Puts a row as it was made in the past: when it was created, and changed last, nobody is shown. */
  function putPast(stream: Stream, id: number, row: JsonObject, createdDay: number): void {
    const { created_at: shown, paid_date: paid } = row;
    const created = typeof shown === 'string' ? Date.parse(shown) : noonOf(dateOf(createdDay));
    const changed = isDate(paid) ? Math.max(created, noonOf(paid)) : created;
    tables[stream].put(id, row, { created_at: created, updated_at: changed });
  }

  function withLines(row: JsonObject): JsonObject {
    const lines = row['services'];
    nextLineId += (Array.isArray(lines) ? lines.length : 1) + integer(random, 3);
    return row;
  }

  function makeInvoice(id: number, index: number, createdDay: number, backDays: number, client: JsonObject | null) {
    const seedOfRow = {
      id,
      index: books === undefined ? index : plain,
      number: nextNumber(createdDay),
      createdDay,
      invoiceDay: createdDay - backDays,
      lastDay: dayOf(today()),
      client,
      firstLineId: nextLineId,
    };
    const row = withLines(invoiceRow(random, seedOfRow));
    return books?.invoice(row, client, index) ?? row;
  }

  /** An ordinary invoice near the given rank. */
  function correctable(rank: number): JsonObject | undefined {
    for (let near = rank; near < rank + 10; near++) {
      const row = read('invoices', tables.invoices.idAt(near) ?? 0);
      if (isObject(row) && row['kind'] === 'vat' && isDate(row['invoice_date'])) return row;
    }
    return undefined;
  }

  const corrected = new Set<number>();
  let lastCorrection: JsonObject | undefined;

  /** The next invoice from the given rank on that can be corrected in that way, and was not yet. */
  function suitable(kept: Books, kind: CorrectionKind, rank: number): JsonObject | undefined {
    if (kind === 'of a correction') {
      return lastCorrection !== undefined && kept.suits(kind, lastCorrection) ? lastCorrection : undefined;
    }
    const { size } = tables.invoices;
    for (let step = 0; step < size; step++) {
      const id = tables.invoices.idAt((rank + step) % size) ?? 0;
      const row = corrected.has(id) ? undefined : read('invoices', id);
      if (isObject(row) && kept.suits(kind, row)) return row;
    }
    return undefined;
  }

  /** A correction of the kind whose turn it is, or the next kind for which there is an invoice. */
  function makeBookCorrection(kept: Books, id: number, index: number, rank: number): JsonObject | undefined {
    for (let next = 0; next < correctionKinds.length; next++) {
      const kind = correctionKinds[(index + next) % correctionKinds.length] ?? correctionKinds[0];
      const found = suitable(kept, kind, rank);
      if (found === undefined) continue;
      const number = nextNumber(dayOf(String(found['invoice_date'])), 'KOR/');
      const made = kept.correction({ id, number, kind, corrected: found, firstLineId: nextLineId });
      if (kind !== 'of a correction') corrected.add(Number(found['id']));
      if (made.invoice !== undefined)
        tables.invoices.put(Number(found['id']), made.invoice, isFilled ? { updated_at: now() } : {});
      if (kind === 'price raised by mistake') lastCorrection = made.correction;
      return withLines(made.correction);
    }
    return undefined;
  }

  /** Corrects an invoice near the given rank; where there is none, one that is long gone. */
  function makeCorrection(id: number, index: number, rank: number) {
    const lastDay = dayOf(today());
    const invoice = correctable(rank) ?? makeInvoice(nextId('invoices'), -1, lastDay - 60, 0, someClient());
    const day = Math.min(lastDay, dayOf(String(invoice['invoice_date'])) + 1 + integer(random, 30));
    const number = nextNumber(day, 'KOR/');
    return withLines(correctionRow(random, { id, index, number, day, invoice, firstLineId: nextLineId }));
  }

  // Chance and line ids of their own, so that the rows of the other lists are the same with and without these documents.
  const otherRandom = createRandom(seed ^ otherLines);
  const isOfBooks = books !== undefined;
  let nextOtherLineId = invoiceIdBase + position * invoiceIdRange + otherLines;

  function otherLineIds(count: number): number {
    nextOtherLineId += count;
    return nextOtherLineId - count;
  }

  function nextOtherId(list: Stream): number {
    highest[list] += 1 + integer(otherRandom, 29);
    return highest[list];
  }

  function makeOrder(index: number, day: number, until: number, client: JsonObject | null): Order {
    const seedOfOrder = { index, firstDay: day, lastDay: until, client, isOfBooks, nextId: nextOtherId };
    return orderRows(otherRandom, { ...seedOfOrder, numberOf: nextNumber, lineIds: otherLineIds });
  }

  function makeMargin(id: number, index: number, day: number, client: JsonObject | null): JsonObject {
    const firstLineId = otherLineIds(2);
    const days = { createdDay: day, invoiceDay: day, lastDay: day };
    const seedOfRow = { id, index, number: nextNumber(day, 'MAR/'), ...days, client, firstLineId };
    return marginRow(otherRandom, seedOfRow, isOfBooks);
  }

  const ossRandom = createRandom(seed ^ ossChance);

  function nextOssId(list: 'oss_invoices' | 'corrective_oss_invoices'): number {
    highest[list] += 1 + integer(ossRandom, 29);
    return highest[list];
  }

  function makeOss(id: number, day: number): JsonObject {
    return ossRow(ossRandom, { id, number: nextNumber(day, 'OSS/'), day });
  }

  function makeOssCorrection(id: number, day: number, corrected: JsonObject): JsonObject {
    return correctiveOssRow(ossRandom, { id, number: nextNumber(day, 'OSS-KOR/'), day }, corrected);
  }

  const lastDay = dayOf(today());
  const firstDay = lastDay - daysOfHistory;
  const buyers: JsonObject[] = [];
  for (let index = 0; index < entity.clients; index++) {
    const id = nextId('clients');
    const row = books?.client(clientRow(random, id, plain), index) ?? clientRow(random, id, index);
    putPast('clients', id, row, firstDay + Math.floor((daysOfHistory * index) / entity.clients));
    buyers.push(row);
  }
  for (let index = 0; index < entity.invoices; index++) {
    const createdDay = firstDay + Math.floor((daysOfHistory * (index + 1)) / entity.invoices);
    const backDays = random() < 0.05 ? 1 + integer(random, 45) : 0;
    const buyer = buyers[integer(random, buyers.length)] ?? null;
    const id = nextId('invoices');
    putPast('invoices', id, makeInvoice(id, index, createdDay, backDays, buyer), createdDay);
  }
  const orders = entity.orders ?? (books === undefined ? usualOrders : 0);
  for (let index = 0; index < orders; index++) {
    const day = firstDay + Math.floor((daysOfHistory * (index + 1)) / (orders + 1));
    const { advances, final } = makeOrder(index, day, lastDay, buyers[index % buyers.length] ?? null);
    for (const row of advances) putPast('advance_invoices', Number(row['id']), row, day);
    if (final !== null) putPast('final_invoices', Number(final['id']), final, day);
    const id = nextOtherId('margin_invoices');
    putPast('margin_invoices', id, makeMargin(id, index, day, buyers[(index + 1) % buyers.length] ?? null), day);
    const oss = makeOss(nextOssId('oss_invoices'), day);
    putPast('oss_invoices', Number(oss['id']), oss, day);
    if (index % 2 === 1) continue;
    const corrected = nextOssId('corrective_oss_invoices');
    putPast('corrective_oss_invoices', corrected, makeOssCorrection(corrected, day + 3, oss), day + 3);
  }
  buyers.length = 0;
  const corrections = entity.corrections ?? Math.floor(entity.invoices * correctionShare);
  for (let index = 0; index < corrections; index++) {
    const id = nextId('corrective_invoices');
    const rank = Math.floor(((index + random()) * entity.invoices) / corrections);
    const row = books === undefined ? makeCorrection(id, index, rank) : makeBookCorrection(books, id, index, rank);
    if (row !== undefined) {
      const { invoice_date: issued } = row;
      putPast('corrective_invoices', id, row, isDate(issued) ? dayOf(issued) : lastDay);
    }
  }
  isFilled = true;

  const activities: JsonObject[] = [];
  let activityId = 1_000_000 + position;
  const { uuid: ownerUuid, email } = accountOf(seed);
  const blame = { uuid: ownerUuid, email, fullname: 'Łucja Żuraw', role: 'owner' };

  function log(kind: keyof typeof actions, stream: Stream, id: number, row: unknown, time: string): void {
    const [symbol, name] = actions[kind];
    const { number, company_name: company } = isObject(row) ? row : {};
    activityId += 1 + (activityId % 7);
    activities.push({
      id: activityId,
      user: blame.fullname,
      subject_id: id,
      subject_type: subjects[stream],
      subject_data: stream === 'clients' ? { company_name: company } : { number },
      action_symbol: stream === 'clients' ? `${symbol}_client` : symbol,
      action_name: name,
      performed_at: time.slice(0, 19).replace('T', ', '),
      device: ['', 'APIv3', 'Aplikacja webowa'][activityId % 3],
      blame,
    });
    if (activities.length > keptActivities * 2) activities.splice(0, keptActivities);
  }

  function note(kind: ChangeKind, stream: Stream, id: number, row: unknown): void {
    changed(kind, entity.key, stream, id, row);
    if (kind !== 'replace') log(kind, stream, id, row, new Date(now()).toISOString());
  }

  for (let rank = Math.max(0, tables.invoices.size - 20); rank < tables.invoices.size; rank++) {
    const id = tables.invoices.idAt(rank) ?? 0;
    const row = read('invoices', id);
    if (isObject(row)) log('add', 'invoices', id, row, String(row['created_at']));
  }

  const small = createRandom(seed ^ smallIdBase);
  const smallId = (index: number) => smallIdBase + position * smallIdRange + index * 2;
  for (let index = 0; index < 12; index++) {
    tables.products.put(smallId(index), productRow(small, smallId(index), index));
  }
  for (let index = 0; index < 3; index++) {
    tables.bank_accounts.put(smallId(index), bankAccountRow(small, smallId(index), index));
  }
  for (let index = 0; index < 30; index++) {
    tables['documents/costs'].put(smallId(index), costRow(small, smallId(index), index, lastDay - 300 + index * 10));
  }

  function read(stream: ListName, id: number): unknown {
    const bytes = tables[stream].bytes(id);
    return bytes === undefined ? undefined : JSON.parse(bytes.toString());
  }

  /** What became in KSeF of a document of the books, or of one that was added while the simulator ran; undefined = of no other. */
  function sentToKsef(list: ListName, id: number, row: JsonObject): SentToKsef | undefined {
    const ofBooks = books !== undefined && isIssued(row) ? Date.parse(String(row['invoice_date'])) : undefined;
    const sent = sentMs.get(`${list} ${id}`) ?? ofBooks;
    if (sent === undefined) return undefined;
    return { sentMs: sent, ...clearingOf(seed ^ (id * 31), { sentMs: sent, nowMs: now() }, ksefMs) };
  }

  function known(stream: Stream, id: number): unknown {
    const row = read(stream, id);
    if (row === undefined) throw new RangeError(`${entity.name} has no row ${id} in ${stream}`);
    return row;
  }

  function change(kind: ChangeKind, stream: Stream, id: number, patch: JsonObject): JsonObject {
    const row = known(stream, id);
    if (!isObject(row)) throw new RangeError(`row ${id} in ${stream} of ${entity.name} is not an object: replace it`);
    if ('id' in patch && patch['id'] !== id) throw new RangeError('an edit cannot change the id: use replace');
    const changedRow = { ...row, ...patch };
    tables[stream].put(id, changedRow, { updated_at: now() });
    note(kind, stream, id, changedRow);
    return changedRow;
  }

  /** A client picked by chance, as it is now. */
  function someClient(): JsonObject | null {
    const row = read('clients', tables.clients.idAt(integer(random, tables.clients.size)) ?? 0);
    return isObject(row) ? row : null;
  }

  function makePlain(stream: Stream, id: number): JsonObject {
    if (stream === 'clients') return clientRow(random, id, plain);
    if (stream === 'invoices') return makeInvoice(id, plain, dayOf(today()), 0, someClient());
    if (stream === 'margin_invoices') return makeMargin(id, 0, dayOf(today()), someClient());
    if (stream === 'oss_invoices') return makeOss(id, dayOf(today()));
    if (stream === 'corrective_oss_invoices') return makeOssCorrection(id, dayOf(today()), makeOss(id, dayOf(today())));
    if (stream === 'advance_invoices' || stream === 'final_invoices') {
      const { advances, final } = makeOrder(0, dayOf(today()), dayOf(today()), someClient());
      return { ...(stream === 'final_invoices' && final !== null ? final : advances[0]), id };
    }
    const rank = integer(random, tables.invoices.size);
    const ofBooks = books && makeBookCorrection(books, id, integer(random, correctionKinds.length), rank);
    return ofBooks ?? makeCorrection(id, plain, rank);
  }

  function salesTruth(stream: SalesList, filters: readonly Filter[]): SalesTruth {
    const sums: Record<string, CurrencySums> = {};
    const fields = ['currency', 'net_price', 'tax_price', 'gross_price'];
    for (const [currency, net, tax, gross] of tables[stream].values(filters, fields)) {
      const sum = (sums[String(currency)] ??= { count: 0, net: 0, tax: 0, gross: 0 });
      sum.count += 1;
      sum.net += typeof net === 'number' ? net : 0;
      sum.tax += typeof tax === 'number' ? tax : 0;
      sum.gross += typeof gross === 'number' ? gross : 0;
    }
    const ids = tables[stream].ids(filters);
    return { count: ids.length, ids, sums };
  }

  return {
    entity,
    tables,
    edit: (stream, id, patch) => change('edit', stream, id, patch),
    rewrite(id) {
      const day = dayOf(today());
      const seedOfRow = { id, index: plain, number: '', createdDay: day, invoiceDay: day, lastDay: day, client: null };
      const written = withLines(invoiceRow(random, { ...seedOfRow, firstLineId: nextLineId }));
      const other = books?.invoice(written, null, plain) ?? written;
      const fields = [
        'services',
        'currency',
        'net_price',
        'tax_price',
        'gross_price',
        'left_to_pay',
        'amount_in_words',
      ];
      return change('edit', 'invoices', id, Object.fromEntries(fields.map((name) => [name, other[name]])));
    },
    add(stream, overrides = {}) {
      const id = overrides['id'] ?? nextId(stream);
      if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) {
        throw new RangeError(`a new row needs a positive integer id, got ${JSON.stringify(id)}`);
      }
      if (tables[stream].has(id)) throw new RangeError(`${entity.name} already has a row ${id} in ${stream}`);
      highest[stream] = Math.max(highest[stream], id);
      const row = { ...makePlain(stream, id), ...overrides };
      const { created_at: shown } = row;
      const created = typeof shown === 'string' ? Date.parse(shown) : NaN;
      tables[stream].put(id, row, { created_at: Number.isNaN(created) ? now() : created, updated_at: now() });
      sentMs.set(`${stream} ${id}`, now());
      note('add', stream, id, row);
      return row;
    },
    pay(id, paidDate = today()) {
      const row = read('invoices', id);
      const paid = books !== undefined && isObject(row) ? books.payment(row, paidDate) : undefined;
      return change('pay', 'invoices', id, paid ?? { status: 'paid', paid_date: paidDate });
    },
    print(stream, id, form) {
      const row = read(stream, id);
      const { status } = isObject(row) ? row : {};
      if (form === 'xml' && status === 'draft') change('print', stream, id, { status: 'sent' });
      if (form === 'pdf' && (status === 'draft' || status === 'sent'))
        change('print', stream, id, { status: 'printed' });
    },
    remove(stream, id) {
      const row = known(stream, id);
      tables[stream].remove(id);
      note('remove', stream, id, row);
    },
    replace(stream, id, json) {
      known(stream, id);
      tables[stream].put(id, json, { updated_at: now() });
      note('replace', stream, id, json);
    },
    row: read,
    find(list, address) {
      if (documents.has(list)) return tables[list].idOfUuid(address);
      const id = /^\d{1,15}$/.test(address) ? Number(address) : 0;
      return tables[list].has(id) ? id : undefined;
    },
    detail(list, id) {
      const bytes = tables[list].bytes(id);
      const isOss = list === 'oss_invoices';
      if (bytes === undefined || !(isOss || documents.has(list))) return bytes && Buffer.from(bytes);
      const row: unknown = JSON.parse(bytes.toString());
      if (!isObject(row)) return undefined;
      if (list === 'documents/costs') return Buffer.from(JSON.stringify(costDetail(row)));
      if (isOss) return Buffer.from(JSON.stringify(ossDetail(row)));
      if (list === 'corrective_oss_invoices') return Buffer.from(JSON.stringify(correctiveOssDetail(row)));
      const added = salesDetail(createRandom(seed ^ id), row, entity.nip, sentToKsef(list, id, row));
      return Buffer.from(JSON.stringify({ ...row, ...added }));
    },
    details: () => accountDetails(entity, seed),
    activities: () => activities.slice(-keptActivities).reverse(),
    truth(filters) {
      const clientIds = tables.clients.ids(filters.clients);
      return {
        clients: { count: clientIds.length, ids: clientIds },
        invoices: salesTruth('invoices', filters.invoices),
        corrective_invoices: salesTruth('corrective_invoices', filters.corrective_invoices),
        advance_invoices: salesTruth('advance_invoices', filters.advance_invoices),
        final_invoices: salesTruth('final_invoices', filters.final_invoices),
        margin_invoices: salesTruth('margin_invoices', filters.margin_invoices),
        oss_invoices: salesTruth('oss_invoices', filters.oss_invoices),
        corrective_oss_invoices: salesTruth('corrective_oss_invoices', filters.corrective_oss_invoices),
      };
    },
  };
}

function noonOf(day: string): number {
  return Date.parse(`${day}T12:00:00${offsetOf(day)}`);
}

function accountOf(seed: number) {
  return { uuid: uuid(createRandom(seed)), email: 'ksiegowosc@example.test' };
}

function accountDetails(entity: EntityOptions, seed: number): JsonObject {
  return {
    account_data: {
      ...accountOf(seed),
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
