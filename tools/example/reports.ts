import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { isDate, isObject, type JsonObject } from '../../simulator/rows';
import { TransientError } from '../../src/errors';
import type { Company } from '../demo/stage';
import { projectRoot } from '../java';
import type { Database, LocalPostgres, SqlRow } from '../postgres';
import { nextWorkingDay } from './calendar';
import { counted, type Counted, type OrderRows } from './orders';
import { invoiceFinder, owedAlone, owedOn, type InvoiceOf } from './owed';

/** All rows of one legal entity, as its API shows them; those of orders, margins and OSS are empty where its file does not name their streams. */
export interface ApiRows extends OrderRows {
  readonly clients: readonly JsonObject[];
  readonly invoices: readonly JsonObject[];
  readonly corrections: readonly JsonObject[];
  readonly oss: readonly JsonObject[];
  readonly ossCorrections: readonly JsonObject[];
}

/** A report, once asked of PostgreSQL and once added up from the API's own answers. */
export interface Report {
  readonly name: string;
  readonly fromTables: readonly SqlRow[];
  readonly fromApi: readonly SqlRow[];
  readonly agrees: boolean;
}

const POSTGRES = join(projectRoot(), 'deploy', 'postgres');
const LIMIT = 100;

/** Reads every page of an entity's lists that the service reads, with nothing of the service. */
export async function readApi(url: string, { id: entity, key, streams = [] }: Company): Promise<ApiRows> {
  const named = (list: string): Promise<JsonObject[]> =>
    streams.includes(list.replaceAll('_', '-')) ? all(list) : Promise.resolve([]);
  const all = async (list: string): Promise<JsonObject[]> => {
    const rows: JsonObject[] = [];
    for (let offset = 0; ; offset += LIMIT) {
      const page = `${url}/api/v3/${list}.json?order=id+asc&limit=${LIMIT}&offset=${offset}`;
      const response = await fetch(page, { headers: { 'X-inFakt-ApiKey': key } });
      const answer: unknown = await response.json();
      const entities = isObject(answer) ? answer['entities'] : undefined;
      if (!Array.isArray(entities)) {
        throw new TransientError(`Reading ${list} of ${entity}: expected a page, got status ${response.status}`);
      }
      rows.push(...entities.filter(isObject));
      if (entities.length < LIMIT) return rows;
    }
  };
  return {
    entity,
    clients: await all('clients'),
    invoices: await all('invoices'),
    corrections: await all('corrective_invoices'),
    advances: await named('advance_invoices'),
    finals: await named('final_invoices'),
    margins: await named('margin_invoices'),
    oss: await named('oss_invoices'),
    ossCorrections: await named('corrective_oss_invoices'),
  };
}

/** How many rows each table has to have. */
export function countRows(rows: readonly ApiRows[]): Readonly<Record<string, number>> {
  const sum = (count: (of: ApiRows) => number): number => rows.reduce((total, of) => total + count(of), 0);
  return {
    clients: sum(({ clients }) => clients.length),
    invoices: sum(({ invoices }) => invoices.length),
    corrective_invoices: sum(({ corrections }) => corrections.length),
    invoice_lines: sum(({ invoices }) => invoices.flatMap(linesOf).length),
    corrective_invoice_lines: sum(({ corrections }) => corrections.flatMap(linesOf).length),
    advance_invoices: sum(({ advances }) => advances.length),
    final_invoices: sum(({ finals }) => finals.length),
    margin_invoices: sum(({ margins }) => margins.length),
    oss_invoices: sum(({ oss }) => oss.length),
    corrective_oss_invoices: sum(({ ossCorrections }) => ossCorrections.length),
  };
}

/** Makes the views, which needs no table to be there yet. */
export async function makeViews(database: Database): Promise<void> {
  await database.executeFile(join(POSTGRES, 'views.sql'));
}

/** Runs every report of `deploy/postgres/reports` and holds it against the API. */
export async function runReports(postgres: LocalPostgres, rows: readonly ApiRows[]): Promise<readonly Report[]> {
  const files = (await readdir(join(POSTGRES, 'reports'))).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file) => {
      const name = file.replace('.sql', '');
      const sql = (await readFile(join(POSTGRES, 'reports', file), 'utf8')).trim().replace(/;$/, '');
      const [today] = await postgres.select(`select (now() at time zone 'Europe/Warsaw')::date as today`);
      const fromTables = await postgres.select(sql);
      const fromApi = addUp(name, rows, String(today?.['today']));
      return { name, fromTables, fromApi, agrees: isSame(fromTables, fromApi) };
    }),
  );
}

/** One document or line as a report counts it. */
interface Item {
  readonly group: SqlRow;
  /** In minor units. */
  readonly amounts: Readonly<Record<string, number>>;
}

/** The rows of a report by the API alone, in no particular order. */
export function addUp(name: string, rows: readonly ApiRows[], today: string): SqlRow[] {
  if (name === 'receivables')
    return grouped(
      rows.flatMap((of) => receivables(of, today)),
      true,
    );
  if (name === 'kinds')
    return grouped([...rows.flatMap(issued).map(kind), ...rows.flatMap(counted).map(kindOfOrder)], true);
  if (name === 'revenue')
    return grouped([...rows.flatMap(issued).flatMap(revenue), ...rows.flatMap(counted).flatMap(revenueOfOrder)], true);
  if (name === 'vat')
    return grouped([...rows.flatMap(issued).flatMap(taxed), ...rows.flatMap(counted).flatMap(taxedOrder)], false);
  throw new Error(`no rules for the report ${name}`);
}

interface Issued {
  readonly entity: string;
  readonly isCorrection: boolean;
  readonly document: JsonObject;
  readonly invoiceOf: InvoiceOf;
  /** The day of an invoice's sale, after its corrections. */
  readonly saleOf: (invoice: JsonObject) => unknown;
}

/** Proformas and drafts are no sale. */
function issued({ entity, invoices, corrections }: ApiRows): Issued[] {
  const isIssued = ({ status }: JsonObject): boolean => ['sent', 'printed', 'paid'].includes(String(status));
  const sold = invoices.filter((row) => row['kind'] === 'vat' && isIssued(row));
  const corrected = corrections.filter(isIssued);
  const invoiceOf = invoiceFinder(sold, corrected);
  const sales = new Map(corrected.filter(movesSale).map((row) => [invoiceOf(row), row['sale_date']]));
  const saleOf = (invoice: JsonObject): unknown => sales.get(invoice) ?? invoice['sale_date'];
  return [
    ...sold.map((document) => ({ entity, document, invoiceOf, saleOf, isCorrection: false })),
    ...corrected.map((document) => ({ entity, document, invoiceOf, saleOf, isCorrection: true })),
  ];
}

/** Whether a correction changes the day of the sale; the simulator's books move the sale of an invoice once at most. */
function movesSale({ sale_date: sale, sale_date_before_correction: before }: JsonObject): boolean {
  return isDate(sale) && isDate(before) && sale !== before;
}

function receivables(of: ApiRows, today: string): Item[] {
  const all = issued(of);
  const documents = (wanted: boolean): JsonObject[] =>
    all.filter(({ isCorrection }) => isCorrection === wanted).map(({ document }) => document);
  const invoices = documents(false);
  const corrections = documents(true);
  const others = counted(of).filter(({ kind }) => kind !== 'advance');
  const owed = [
    ...owedOn(today, invoices, corrections),
    ...owedAlone(
      others.map(({ document, gross }) => ({ ...document, gross_price: gross })),
      [...invoices, ...corrections],
    ),
  ];
  return owed.map(({ currency, due, open }) => ({
    group: { currency, age: ageOf(due, today) },
    amounts: { open_amount: open },
  }));
}

function ageOf(due: unknown, today: string): string {
  if (!isDate(due)) return 'no due date';
  const days = (Date.parse(today) - Date.parse(nextWorkingDay(due))) / 86_400_000;
  if (days <= 0) return 'not due';
  const bound = [30, 60, 90].find((most) => days <= most);
  return bound === undefined ? 'over 90 days' : `${bound - 29}-${bound} days`;
}

function kind({ isCorrection, document }: Issued): Item {
  const group = { kind: isCorrection ? 'correction' : 'invoice', currency: document['currency'] };
  return { group, amounts: amountsOf(document, ['net', 'tax', 'gross']) };
}

function kindOfOrder({ kind, document: { currency }, net, tax, gross }: Counted): Item {
  return { group: { kind, currency }, amounts: { net, tax, gross } };
}

function revenue({ entity, document }: Issued): Item[] {
  if (document['not_income'] === true) return [];
  const { invoice_date: date, currency } = document;
  const amounts = { ...amountsOf(document, ['net', 'tax', 'gross']), margin_gross: 0 };
  return [{ group: { month: monthOf(date), entity, currency }, amounts }];
}

/** What counts of an advance, final or margin invoice; a margin has neither net nor VAT. */
function revenueOfOrder({ entity, kind, document, isNoIncome, net, tax, gross }: Counted): Item[] {
  if (isNoIncome) return [];
  const { invoice_date: date, currency } = document;
  const amounts = { net, tax, gross, margin_gross: kind === 'margin' ? gross : 0 };
  return [{ group: { month: monthOf(date), entity, currency }, amounts }];
}

function taxedOrder({ entity, kind, document, net, tax }: Counted): Item[] {
  if (kind === 'margin') return [];
  const day = kind === 'advance' ? document['advance_date'] : vatDate(document, (final) => final['sale_date']);
  const group = { month: monthOf(day), entity, currency: document['currency'], rate: 'not by rate' };
  return [{ group, amounts: { net, tax } }];
}

function taxed(item: Issued): Item[] {
  const { entity, isCorrection, document, saleOf } = item;
  const month = monthOf(isCorrection ? vatDateOfCorrection(item) : vatDate(document, saleOf));
  return linesOf(document).map((line) => {
    const { tax_symbol: symbol, correction } = line;
    const rate = typeof symbol === 'string' && symbol !== '' ? symbol : null;
    // A correction has each line twice, as it was and as it is.
    const sign = isCorrection && correction !== true ? -1 : 1;
    const group = { month, entity, currency: document['currency'], rate };
    return { group, amounts: amountsOf(line, ['net', 'tax'], sign) };
  });
}

function vatDate(invoice: JsonObject, saleOf: Issued['saleOf']): unknown {
  const { vat_date_value: kind, invoice_date: issuedOn } = invoice;
  if (kind === 'issue_date') return issuedOn;
  if (kind === 'paid_date') return invoice['paid_date'];
  return [saleOf(invoice), invoice['continuous_service_end_on'], issuedOn].find(isDate);
}

/** A correction counts when it was issued, yet not before its invoice; with its invoice if that was wrong or nothing is changed. */
function vatDateOfCorrection({ document: correction, invoiceOf, saleOf }: Issued): unknown {
  const { invoice_date: issuedOn, corrected_invoice_date: correctedOn, correction_reason: reason } = correction;
  const invoice = invoiceOf(correction);
  const original = invoice === undefined ? undefined : vatDate(invoice, saleOf);
  const change = amountOf(correction['tax_price']) || amountOf(correction['net_price']);
  if ((invoice ?? correction)['vat_date_value'] === 'paid_date') {
    // Nothing is due before a payment: with the invoice's, or after it; in plus with its own.
    if (change > 0 || invoice === undefined) return correction['paid_date'];
    if (change === 0 || !isDate(original)) return original;
    return [original, issuedOn].filter(isDate).sort().at(-1);
  }
  const isMistake = typeof reason === 'string' && reason.startsWith('Pomyłka');
  if (change === 0 || (change > 0 && isMistake)) return [original, correctedOn, issuedOn].find(isDate);
  return [issuedOn, original].filter(isDate).sort().at(-1);
}

function linesOf({ services }: JsonObject): JsonObject[] {
  return Array.isArray(services) ? services.filter(isObject) : [];
}

function monthOf(date: unknown): string | null {
  return isDate(date) ? date.slice(0, 7) : null;
}

function amountOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function amountsOf(of: JsonObject, names: readonly string[], sign = 1): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, sign * amountOf(of[`${name}_price`])]));
}

function grouped(items: readonly Item[], counted: boolean): SqlRow[] {
  const groups = new Map<string, { group: SqlRow; documents: number; amounts: Record<string, number> }>();
  for (const { group, amounts } of items) {
    const name = JSON.stringify(group);
    const found = groups.get(name) ?? { group, documents: 0, amounts: {} };
    found.documents += 1;
    for (const [amount, value] of Object.entries(amounts)) {
      found.amounts[amount] = (found.amounts[amount] ?? 0) + value;
    }
    groups.set(name, found);
  }
  return [...groups.values()].map(({ group, documents, amounts }) => ({
    ...group,
    ...(counted ? { documents } : {}),
    ...Object.fromEntries(Object.entries(amounts).map(([name, value]) => [name, value / 100])),
  }));
}

/** The same rows in any order, every amount to the grosz. */
function isSame(one: readonly SqlRow[], other: readonly SqlRow[]): boolean {
  const plain = (rows: readonly SqlRow[]): string =>
    rows
      .map((row) => JSON.stringify(Object.entries(row).map(([name, value]) => [name, cellText(value)])))
      .sort()
      .join('\n');
  return plain(one) === plain(other);
}

/** A cell as a person reads it. */
export function cellText(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : value.toFixed(2);
  return typeof value === 'string' ? value : '';
}
