import { isDate, type JsonObject } from '../../simulator/rows';

/** What one document has open together with its corrections, in minor units. */
export interface Owed {
  readonly currency: unknown;
  readonly due: unknown;
  readonly open: number;
}

/** The invoice that a correction began with, by its UUID, else by number and date; undefined if it was not issued. */
export type InvoiceOf = (correction: JsonObject) => JsonObject | undefined;

/** Finds the invoices of one entity's corrections; the simulator corrects no correction. */
export function invoiceFinder(invoices: readonly JsonObject[]): InvoiceOf {
  const byUuid = new Map(invoices.map((invoice) => [invoice['uuid'], invoice]));
  const byName = new Map<string, JsonObject | undefined>();
  for (const invoice of invoices) {
    const name = nameOf(invoice['number'], invoice['invoice_date']);
    byName.set(name, byName.has(name) ? undefined : invoice);
  }
  return ({ corrected_invoice_uuid: uuid, corrected_invoice_number: number, corrected_invoice_date: date }) =>
    (typeof uuid === 'string' ? byUuid.get(uuid) : undefined) ?? byName.get(nameOf(number, date));
}

function nameOf(number: unknown, date: unknown): string {
  return JSON.stringify([number, date]);
}

/** What the issued documents of one entity have open on a day; the simulator shows no part payment. */
export function owedOn(today: string, invoices: readonly JsonObject[], corrections: readonly JsonObject[]): Owed[] {
  const invoiceOf = invoiceFinder(invoices);
  const tied = new Map<JsonObject, JsonObject[]>();
  const alone: Owed[] = [];
  for (const correction of corrections) {
    const { invoice_date: date } = correction;
    if (isDate(date) && date > today) continue;
    const invoice = invoiceOf(correction);
    if (invoice === undefined) alone.push(owedOf(correction, isPaid(correction) ? 0 : grossOf(correction)));
    else tied.set(invoice, [...(tied.get(invoice) ?? []), correction]);
  }
  const groups = invoices.map((invoice) => owedOf(invoice, openOf(invoice, tied.get(invoice) ?? [])));
  return [...groups, ...alone].filter(({ open }) => open > 0);
}

function owedOf({ currency, payment_date: due }: JsonObject, open: number): Owed {
  return { currency, due, open };
}

function openOf(invoice: JsonObject, corrections: readonly JsonObject[]): number {
  const sum = (wanted: (correction: JsonObject) => boolean): number =>
    corrections.filter(wanted).reduce((total, correction) => total + grossOf(correction), 0);
  const more = sum((of) => !isPaid(of) && grossOf(of) > 0);
  const less = sum((of) => !isPaid(of) && grossOf(of) < 0);
  const gross = grossOf(invoice);
  if (isPaid(invoice)) {
    // What was taken off before the payment was not paid, so it is not given back.
    const { paid_date: paidOn, paid_price: paid } = invoice;
    const before = sum((of) => grossOf(of) < 0 && isBefore(of['invoice_date'], paidOn));
    const received = typeof paid === 'number' && paid > 0 && paid !== gross ? paid : gross + before;
    return more + Math.min(gross - received, 0) + Math.min(less + Math.max(gross - received, 0), 0);
  }
  const settled = sum((of) => isPaid(of) && grossOf(of) < 0);
  return Math.max(gross + settled, 0) + less + more;
}

function isBefore(date: unknown, other: unknown): boolean {
  return isDate(date) && isDate(other) && date < other;
}

function isPaid({ status, paid_date: paidOn }: JsonObject): boolean {
  return status === 'paid' || isDate(paidOn);
}

function grossOf({ gross_price: gross }: JsonObject): number {
  return typeof gross === 'number' ? gross : 0;
}
