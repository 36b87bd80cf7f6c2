import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { EntityOptions, Stream } from '../../simulator/account';
import type { Admin } from '../../simulator/admin';
import type { JsonObject } from '../../simulator/rows';
import { makeViews } from '../../tools/example/reports';
import { projectRoot } from '../../tools/java';
import type { Database } from '../../tools/postgres';

/** A table of the page: the names of its columns, and cells as they stand there, an empty one null. */
interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

interface Section {
  readonly title: string;
  readonly sql?: string;
  readonly table: Table;
}

/** A document, line, client, company, rate or closed month: what the page says of it by column, without what is null. */
type Written = ReadonlyMap<string, string>;

const PREFIX = 'Table ';
/** When all was read that the page names no other time of, in UTC. */
const READ_AT = '2025-11-21 08:00';
/** The tables that a person fills. */
const BY_HAND = ['exchange_rates', 'closed_months', 'final_totals'];
/** The kind of each list's documents. */
const KINDS = {
  invoices: 'vat',
  corrective_invoices: 'correction',
  advance_invoices: 'advance',
  final_invoices: 'final',
  margin_invoices: 'margin',
} as const satisfies Partial<Record<Stream, string>>;
/** The lists of OSS documents, which have no kind. */
const OSS = ['oss_invoices', 'corrective_oss_invoices'] as const satisfies readonly Stream[];
const DOCUMENTS = [
  'invoices',
  'corrective_invoices',
  'advance_invoices',
  'final_invoices',
  'margin_invoices',
  ...OSS,
] as const;
const STREAMS = ['clients', ...DOCUMENTS] as const satisfies readonly Stream[];
/** The lists that are read of an entity whose file names none. */
const USUAL: readonly Stream[] = ['clients', 'invoices', 'corrective_invoices'];
const LINES = { invoices: 'invoice_lines', corrective_invoices: 'corrective_invoice_lines' };
/** What a key reads that may not read whose account it is of. */
const NO_ACCOUNT = ['api:invoices:read'];

/** The page itself holds documents and answers, so that no figure of it can be other than the views'. */
function readPage(): readonly Section[] {
  const page = readFileSync(join(projectRoot(), 'docs', 'books-example.md'), 'utf8');
  return page
    .split(/^### /m)
    .slice(1)
    .map((section) => {
      const [title = ''] = section.split('\n');
      const sql = /```sql\n([^]*?)\n```/.exec(section)?.[1];
      const [head, , ...rows] = section.split('\n').filter((line) => line.startsWith('|'));
      const table = { columns: cellsOf(head ?? '').map(String), rows: rows.map(cellsOf) };
      return { title, table, ...(sql === undefined ? {} : { sql }) };
    });
}

function cellsOf(line: string): (string | null)[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim() || null);
}

/** The rows of a table of documents of the page, with what the page says of all of them. */
function writtenIn(name: string): Written[] {
  const table = sections.find(({ title }) => title === PREFIX + name)?.table;
  if (table === undefined) throw new Error(`reading docs/books-example.md: expected a table ${name}, got none`);
  return table.rows.map((row) => {
    const written = new Map<string, string>();
    for (const [index, column] of table.columns.entries()) {
      const cell = row[index];
      if (typeof cell !== 'string') continue;
      if (column !== 'more') written.set(column, cell);
      else for (const [, more = '', value = ''] of cell.matchAll(/(\w+)=([^;]*)/g)) written.set(more, value.trim());
    }
    for (const [column, value] of defaultsOf(name, written)) if (!written.has(column)) written.set(column, value);
    return written;
  });
}

function defaultsOf(name: string, row: Written): [string, string][] {
  const read: [string, string] = ['observed_at', READ_AT];
  if (name === 'clients' || name.endsWith('_lines')) return [read];
  const list = DOCUMENTS.find((document) => document === name);
  if (list === undefined) return [];
  if (isOss(list)) return [read];
  return [
    read,
    ['currency', 'PLN'],
    ['kind', KINDS[list]],
    ['uuid', `${String(row.get('entity'))}-${String(row.get('id'))}`],
  ];
}

function isOss(list: Stream): list is (typeof OSS)[number] {
  return OSS.some((oss) => oss === list);
}

/** The statement that puts a table of the page into the database. */
function insertOf(name: string): string {
  const inserts = writtenIn(name).map((written) => {
    const values = [...written].map(([column, value]) =>
      isAmount(column) ? minorUnits(value) : `'${value.replaceAll("'", "''")}'`,
    );
    return `insert into ${name} (${[...written.keys()].join(', ')}) values (${values.join(', ')})`;
  });
  return inserts.join(';\n');
}

function isAmount(column: string): boolean {
  return column.endsWith('_price') || column === 'left_to_pay';
}

/** Amounts are stored and sent in hundredths. */
function minorUnits(amount: string): string {
  return amount.replace(/^(-?)0*(\d*)\.(\d\d)$/, '$1$2$3');
}

/** A row of a list of the API: what the page says of it, and null in every other field that such a row has. */
function rowOf(like: JsonObject, written: Written, more: JsonObject): JsonObject {
  const nulls = Object.fromEntries(Object.keys(like).map((field) => [field, null]));
  return { ...nulls, ...fieldsOf(written), ...more };
}

function fieldsOf(written: Written): JsonObject {
  const own = new Set(['entity', 'invoice_id', 'line_no', 'observed_at']);
  return Object.fromEntries(
    [...written].filter(([column]) => !own.has(column)).map(([column, value]) => [column, fieldOf(column, value)]),
  );
}

function fieldOf(column: string, value: string): unknown {
  if (isAmount(column)) return Number(minorUnits(value));
  if (['id', 'client_id', 'quantity'].includes(column)) return Number(value);
  if (column === 'previous_advances') return JSON.parse(value);
  return value === 'true' || value === 'false' ? value === 'true' : value;
}

/** The lines of a document as its row has them, in their order. */
function linesOf(table: string, document: Written): JsonObject[] {
  return writtenIn(table)
    .filter((line) => line.get('entity') === document.get('entity') && line.get('invoice_id') === document.get('id'))
    .sort((one, other) => Number(one.get('line_no')) - Number(other.get('line_no')))
    .map(fieldsOf);
}

/** The sections of docs/books-example.md, in their order. */
export const sections = readPage();

/** When the service reads the documents of the page, in milliseconds since 1970: what all are read at, then what was changed later. */
export const readTimes: readonly number[] = [...new Set(STREAMS.flatMap(writtenIn).map(readAtMs))].sort(
  (one, other) => one - other,
);

function readAtMs(written: Written): number {
  return Date.parse(`${written.get('observed_at') ?? READ_AT}Z`);
}

/** The companies of the page, still without documents. A key whose company has no row of `entities` may not read its account. */
export const companies: readonly (EntityOptions & { readonly id: string; readonly streams: readonly string[] })[] = [
  ...new Set(DOCUMENTS.flatMap(writtenIn).map((document) => document.get('entity') ?? '')),
].map((id) => {
  const known = writtenIn('entities').find((company) => company.get('entity') === id);
  const named = { id, key: `key-${id}`, name: known?.get('name') ?? id, nip: known?.get('nip') ?? '' };
  return {
    ...named,
    streams: streamsOf(id),
    clients: 0,
    invoices: 0,
    corrections: 0,
    orders: 0,
    ...(known === undefined ? { scopes: NO_ACCOUNT } : {}),
  };
});

/** The streams that a company's entity file names: all of them if it has a document of one that must be named. */
function streamsOf(id: string): string[] {
  const isOther = (list: Stream): boolean => !USUAL.includes(list);
  const hasOthers = DOCUMENTS.filter(isOther)
    .flatMap(writtenIn)
    .some((document) => document.get('entity') === id);
  return (hasOthers ? STREAMS : USUAL).map((list) => list.replaceAll('_', '-'));
}

/** Gives the API the rows of the page as they were at a time: one that is read later still says something else. */
export function serveBooks(admin: Admin, atMs: number): void {
  for (const stream of STREAMS) {
    for (const written of writtenIn(stream)) {
      const [key, id] = [`key-${written.get('entity') ?? ''}`, Number(written.get('id'))];
      const like = admin.row(key, stream, id) ?? admin.add(key, stream, { id });
      const isEarlier = readAtMs(written) > atMs;
      const lines = stream === 'invoices' || stream === 'corrective_invoices' ? linesOf(LINES[stream], written) : [];
      const services = stream === 'clients' || stream === 'oss_invoices' ? {} : { services: lines };
      // The address of a correction of an OSS invoice; its table needs none.
      const uuid = stream === 'corrective_oss_invoices' ? { uuid: `${written.get('entity') ?? ''}-${id}` } : {};
      const notes = isEarlier ? { [stream === 'clients' ? 'note' : 'notes']: 'as it was before' } : {};
      admin.replace(key, stream, id, rowOf(like as JsonObject, written, { ...services, ...uuid, ...notes }));
    }
  }
}

/** How many rows of each table the page has, once all of them came through the topics. */
export function countBooks(): Readonly<Record<string, number>> {
  const documents = [...STREAMS, 'invoice_lines', 'corrective_invoice_lines', 'entities'];
  return Object.fromEntries(documents.map((name) => [name, writtenIn(name).length]));
}

/** Puts what a person fills into its tables. */
export async function fillByHand(database: Database): Promise<void> {
  for (const name of BY_HAND) await database.execute(insertOf(name));
}

/** Makes the views and puts everything of docs/books-example.md into the tables, without the topics. */
export async function fillBooks(database: Database): Promise<void> {
  await makeViews(database);
  for (const { title } of sections.filter((section) => section.title.startsWith(PREFIX))) {
    await database.execute(insertOf(title.slice(PREFIX.length).trim()));
  }
}
