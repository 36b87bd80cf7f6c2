import { chance, integer, pick, type Random } from './random';
import { dateOf, invoiceRow, without, type InvoiceSeed, type JsonObject } from './rows';
import { amountInWords } from './words';

/** The advance and final invoices of one order, and the day on which each is issued (days since 1970-01-01). */
export interface OrderSeed {
  readonly index: number;
  readonly firstDay: number;
  readonly lastDay: number;
  readonly client: JsonObject | null;
  /** Without drafts, and paid as an accountant would believe; false unless given. */
  readonly isOfBooks?: boolean;
  readonly nextId: (list: 'advance_invoices' | 'final_invoices') => number;
  /** Number of a document of that day, behind what tells its kind from others. */
  readonly numberOf: (day: number, prefix: 'ZAL/' | 'KON/') => string;
  /** Room for the ids of that many lines; the first of them. */
  readonly lineIds: (count: number) => number;
}

/** The documents of an order, oldest first. */
export interface Order {
  readonly advances: readonly JsonObject[];
  /** Null while the order is not settled. */
  readonly final: JsonObject | null;
}

/** An advance follows the one before after so many days, and the final invoice the last advance: they lie in different months. */
const daysBetween = 31;
const shares = [0.3, 0.2];

const linesOf = (row: JsonObject): readonly JsonObject[] =>
  Array.isArray(row['services']) ? (row['services'] as readonly JsonObject[]) : [];

/** A document in złoty of that day, as an invoice would show it. */
function documentOf(
  random: Random,
  seed: Pick<InvoiceSeed, 'id' | 'number' | 'client' | 'firstLineId'>,
  day: number,
): JsonObject {
  const row = invoiceRow(random, { ...seed, index: -1, createdDay: day, invoiceDay: day, lastDay: day });
  return { ...row, currency: 'PLN', vat_exchange_date_kind: null, amount_in_words: words(row['gross_price'], 'PLN') };
}

function words(amount: unknown, currency: string): string {
  return amountInWords(Number(amount), currency);
}

/** The same lines on another document of the order: they have ids of their own. */
function linesAgain(lines: readonly JsonObject[], firstLineId: number): readonly JsonObject[] {
  return lines.map((line, index) => ({ ...line, id: firstLineId + index }));
}

/** What a later document of the order says of an advance. */
function earlier({ id, uuid, number, invoice_date, advance_price }: JsonObject): JsonObject {
  return { id, uuid, number, invoice_date, advance_price };
}

/**
 * One or two advances of an order, and its final invoice unless it is not issued yet. The totals of each document are of the whole order, as
 * in the vendor's examples; nobody outside inFakt knows whether those of a final invoice are.
 */
export function orderRows(random: Random, seed: OrderSeed): Order {
  const { index, firstDay, lastDay, client, isOfBooks = false, nextId, numberOf, lineIds } = seed;
  const order = documentOf(random, { id: 1, number: '', client, firstLineId: 1 }, firstDay);
  const lines = linesOf(order);
  const total = Number(order['gross_price']);
  const advances: JsonObject[] = [];
  let paid = 0;
  const count = 1 + (index % 2);
  for (let rank = 0; rank < count; rank++) {
    const day = Math.min(lastDay, firstDay + rank * daysBetween);
    const advance = Math.round(total * (shares[rank] ?? 0));
    paid += advance;
    const previous = advances.at(-1);
    const isPaid = isOfBooks || index % 5 !== 4;
    const own = documentOf(
      random,
      { id: nextId('advance_invoices'), number: numberOf(day, 'ZAL/'), client, firstLineId: 1 },
      day,
    );
    advances.push({
      ...without(
        { ...own, ...pickOrder(order) },
        'sale_date',
        'paid_price',
        'continuous_service_start_on',
        'continuous_service_end_on',
      ),
      kind: 'advance',
      status: isPaid ? 'paid' : 'draft',
      paid_date: isPaid ? dateOf(day) : null,
      advance_date: dateOf(day),
      advance_price: advance,
      left_to_pay: total - paid,
      not_income: true,
      previous_advance_id: previous?.['id'] ?? null,
      previous_advances: advances.map(earlier),
      services: linesAgain(lines, lineIds(lines.length)),
    });
  }
  if (index % 4 === 3) return { advances, final: null };
  const day = Math.min(lastDay, firstDay + count * daysBetween);
  const own = documentOf(
    random,
    { id: nextId('final_invoices'), number: numberOf(day, 'KON/'), client, firstLineId: 1 },
    day,
  );
  const final: JsonObject = {
    ...own,
    ...pickOrder(order),
    kind: 'final',
    status: pick(random, ['draft', 'sent', 'printed']),
    paid_price: 0,
    left_to_pay: total - paid,
    previous_advance_id: advances.at(-1)?.['id'] ?? null,
    previous_advances: advances.map(earlier),
    services: linesAgain(lines, lineIds(lines.length)),
  };
  if (!isOfBooks) return { advances, final };
  const isPaid = index % 3 === 2;
  const settled = {
    status: 'paid',
    paid_date: dateOf(Math.min(lastDay, day + 10)),
    paid_price: total - paid,
    left_to_pay: 0,
  };
  return { advances, final: { ...final, ...(isPaid ? settled : { status: 'sent' }) } };
}

/** What all documents of an order have in common. */
function pickOrder({ net_price, tax_price, gross_price, amount_in_words, payment_method }: JsonObject): JsonObject {
  return { net_price, tax_price, gross_price, amount_in_words, payment_method };
}

const procedures = [
  ['Procedura marży – towary używane', 'używany laptop'],
  ['Procedura marży – dzieła sztuki', 'obraz ze strychu'],
  ['Procedura marży – biura podróży', 'wycieczka'],
  ['Procedura marży – przedmioty kolekcjonerskie i antyki', 'zegar stojący'],
] as const satisfies readonly (readonly [string, string])[];

/** A row of the list of margin invoices: a gross total and a margin, and neither net nor VAT; its procedure is a Polish label. */
export function marginRow(
  random: Random,
  { id, number, client, firstLineId, createdDay: day, index }: InvoiceSeed,
  isOfBooks = false,
): JsonObject {
  const [procedure, name] = procedures[index % procedures.length] ?? procedures[0];
  const own = documentOf(random, { id, number, client, firstLineId }, day);
  const lines = Array.from({ length: 1 + (index % 2) }, (_each, rank) => {
    const gross = 10_000 + integer(random, 400_000);
    return {
      id: firstLineId + rank,
      name,
      unit: '',
      quantity: 1,
      gross_with_margin_amount_price: gross,
      margin_amount_price: Math.round(gross * (0.05 + random() * 0.2)),
      gtu_id: null,
    };
  });
  const sum = (field: 'gross_with_margin_amount_price' | 'margin_amount_price') =>
    lines.reduce((amount, line) => amount + line[field], 0);
  const gross = sum('gross_with_margin_amount_price');
  const isPaid = index >= 0 && chance(random, 0.5);
  return {
    ...without(
      own,
      'net_price',
      'tax_price',
      'split_payment',
      'split_payment_type',
      'continuous_service_start_on',
      'continuous_service_end_on',
      'vat_exemption_reason',
      'sale_type',
      'invoice_date_kind',
      'transaction_kind_id',
      'receipt_number',
      'not_income',
      'vat_exchange_date_kind',
    ),
    kind: 'margin',
    status: isPaid ? 'paid' : pick(random, isOfBooks ? ['sent'] : ['draft', 'sent', 'printed']),
    paid_date: isPaid ? dateOf(day) : null,
    margin_kind: procedure,
    margin_amount_price: sum('margin_amount_price'),
    gross_price: gross,
    paid_price: 0,
    left_to_pay: isPaid ? 0 : gross,
    amount_in_words: words(gross, 'PLN'),
    // Texts here, as in the official examples.
    document_markings_ids: index % 3 === 1 ? ['6'] : [],
    services: lines,
  };
}
