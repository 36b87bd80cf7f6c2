import { isDate, type JsonObject } from '../../simulator/rows';

/** What one document has open together with its corrections, in minor units. */
export interface Owed {
  readonly currency: unknown;
  readonly due: unknown;
  readonly open: number;
}

/** The invoice that a correction began with, by its UUID, else by number and date; undefined if it was not issued. */
export type InvoiceOf = (correction: JsonObject) => JsonObject | undefined;

/** Finds the invoices of one entity's corrections, also of those that correct a correction. */
export function invoiceFinder(invoices: readonly JsonObject[], corrections: readonly JsonObject[]): InvoiceOf {
  const byUuid = new Map<unknown, JsonObject | undefined>();
  const byName = new Map<string, JsonObject | undefined>();
  const isInvoice = new Set(invoices);
  for (const document of [...invoices, ...corrections]) {
    const name = nameOf(document['number'], document['invoice_date']);
    byName.set(name, byName.has(name) ? undefined : document);
    const { uuid } = document;
    byUuid.set(uuid, byUuid.has(uuid) ? undefined : document);
  }
  const aimOf: InvoiceOf = ({
    corrected_invoice_uuid: uuid,
    corrected_invoice_number: number,
    corrected_invoice_date: date,
  }) => (typeof uuid === 'string' ? byUuid.get(uuid) : undefined) ?? byName.get(nameOf(number, date));
  return (correction) => {
    let aim = aimOf(correction);
    while (aim !== undefined && !isInvoice.has(aim)) aim = aimOf(aim);
    return aim;
  };
}

function nameOf(number: unknown, date: unknown): string {
  return JSON.stringify([number, date]);
}

/** What the issued documents of one entity have open on a day that is not before any payment. */
export function owedOn(today: string, invoices: readonly JsonObject[], corrections: readonly JsonObject[]): Owed[] {
  const isKept = keepsLeftToPay([...invoices, ...corrections]);
  const invoiceOf = invoiceFinder(invoices, corrections);
  const tied = new Map<JsonObject, JsonObject[]>();
  const alone: Owed[] = [];
  for (const correction of corrections) {
    const { invoice_date: date } = correction;
    if (isDate(date) && date > today) continue;
    const invoice = invoiceOf(correction);
    if (invoice !== undefined) tied.set(invoice, [...(tied.get(invoice) ?? []), correction]);
    else if (grossOf(correction) > 0) alone.push(owedOf(correction, openAlone(correction, isKept)));
  }
  const groups = invoices.map((invoice) => owedOf(invoice, openOf(invoice, tied.get(invoice) ?? [], isKept)));
  return [...groups, ...alone].filter(({ open }) => open > 0);
}

/** What documents have open that nothing corrects; `known` tell whether their account keeps `left_to_pay`. */
export function owedAlone(documents: readonly JsonObject[], known: readonly JsonObject[]): Owed[] {
  const isKept = keepsLeftToPay(known);
  return documents.map((document) => owedOf(document, openAlone(document, isKept))).filter(({ open }) => open > 0);
}

/** Unless more than one in ten paid documents show something else than 0. */
function keepsLeftToPay(documents: readonly JsonObject[]): boolean {
  const paid = documents.filter(isPaid);
  const odd = paid.filter(({ left_to_pay: left }) => typeof left === 'number' && left !== 0);
  return odd.length * 10 <= paid.length;
}

function owedOf({ currency, payment_date: due }: JsonObject, open: number): Owed {
  return { currency, due, open };
}

/** What a document has open if nothing corrects it. */
function openAlone(document: JsonObject, isKept: boolean): number {
  if (isPaid(document)) return 0;
  const { left_to_pay: left } = document;
  return isKept && typeof left === 'number' ? left : grossOf(document) - paidOf(document);
}

function openOf(invoice: JsonObject, corrections: readonly JsonObject[], isKept: boolean): number {
  const sum = (wanted: (correction: JsonObject) => boolean, amountOf = grossOf): number =>
    corrections.filter(wanted).reduce((total, correction) => total + amountOf(correction), 0);
  const open = (of: JsonObject): number => openAlone(of, isKept);
  const more = sum((of) => grossOf(of) > 0, open);
  const less = -sum(
    (of) => grossOf(of) < 0,
    (of) => Math.abs(open(of)),
  );
  const gross = grossOf(invoice);
  const paid = paidOf(invoice);
  if (isPaid(invoice)) {
    // What was taken off before the payment was not paid, so it is not given back.
    const before = sum((of) => grossOf(of) < 0 && isBefore(of['invoice_date'], invoice['paid_date']));
    const received = paid > 0 && paid !== gross ? paid : gross + before;
    return more + Math.min(gross - received, 0) + Math.min(less + Math.max(gross - received, 0), 0);
  }
  const ever = sum(() => true);
  const { left_to_pay: left } = invoice;
  const hasCorrections = isKept && ever !== 0 && left === gross - paid + ever;
  const own = hasCorrections || paid > gross ? gross - paid : open(invoice);
  const settled = sum((of) => grossOf(of) < 0 && open(of) === 0);
  return (own <= 0 ? own : Math.max(own + settled, 0)) + less + more;
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

function paidOf({ paid_price: paid }: JsonObject): number {
  return typeof paid === 'number' ? paid : 0;
}
