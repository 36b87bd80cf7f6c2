import { chance, createRandom, integer, pick, seedFrom, type Random } from './random';
import { clientRow, correctionRow, dateOf, dayOf, isDate, isObject, lineSums, type JsonObject } from './rows';
import { amountInWords } from './words';

/** Rows that an accountant would believe, instead of rows that are hard to read. */
export interface BooksOptions {
  /** Whether a document that is paid shows 0 in `left_to_pay`, or its whole amount still; zeroed unless given. */
  readonly leftToPay?: 'zeroed' | 'untouched';
  /** Among them documents that a person has to look at: cancelled, numbered drafts, paid on no day, and so on. */
  readonly odd?: boolean;
  /** VAT is due with the payment. */
  readonly cashMethod?: boolean;
}

/** A company of the simulator, as its sisters know it. */
export interface Sister {
  readonly name: string;
  readonly nip: string;
}

/** Where the books stand: whose they are, and the last day of them. */
export interface BooksSurroundings {
  readonly seed: number;
  /** How many companies come before this one. */
  readonly position: number;
  /** The other companies. */
  readonly sisters: readonly Sister[];
  readonly lastDay: () => number;
}

/** What a correction is for; every one of them comes round in turn. */
export const correctionKinds = [
  'price lowered, unpaid',
  'price lowered, paid',
  'to zero, unpaid',
  'to zero, paid',
  'price raised by mistake',
  'price raised for a new cause',
  'lowered before the payment',
  'sale date',
  'words alone',
  'of a correction',
] as const;
export type CorrectionKind = (typeof correctionKinds)[number];

/** A correction, and its invoice where that changed with it. */
export interface Corrected {
  readonly correction: JsonObject;
  readonly invoice?: JsonObject;
}

/** What a correction is made from. */
export interface CorrectionPlan {
  readonly id: number;
  readonly number: string;
  readonly kind: CorrectionKind;
  /** The document that it corrects. */
  readonly corrected: JsonObject;
  readonly firstLineId: number;
}

/** Makes plain rows into books. The same seed makes the same books. */
export interface Books {
  client(row: JsonObject, index: number): JsonObject;
  /** An index below zero makes an invoice that was just issued. */
  invoice(row: JsonObject, client: JsonObject | null, index: number): JsonObject;
  /** Whether a document can be corrected in that way. */
  suits(kind: CorrectionKind, row: JsonObject): boolean;
  correction(plan: CorrectionPlan): Corrected;
  /** What paying the document changes. */
  payment(row: JsonObject, paidDate: string): JsonObject;
}

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0);
const linesOf = ({ services }: JsonObject): readonly JsonObject[] =>
  Array.isArray(services) ? services.filter(isObject) : [];

/** One tax number in the ways that people write it. */
function spelled(nip: string, way: number): string {
  const groups = `${nip.slice(0, 3)}-${nip.slice(3, 6)}-${nip.slice(6, 8)}-${nip.slice(8)}`;
  return [nip, groups, `PL${nip}`, `PL ${groups}`, nip.replace(/(...)(...)(..)(..)/, '$1 $2 $3 $4')][way % 5] ?? nip;
}

const reasons: Readonly<Record<CorrectionKind, readonly [label: string, symbol: string]>> = {
  'price lowered, unpaid': ['Obniżka ceny', 'price_reduction'],
  'price lowered, paid': ['Udzielenie rabatu', 'discount'],
  'to zero, unpaid': ['Zwrot towaru', 'goods_return'],
  'to zero, paid': ['Zwrot towaru', 'goods_return'],
  'price raised by mistake': ['Pomyłka w cenie lub stawce podatku', 'price_or_tax_mistake'],
  'price raised for a new cause': ['Podwyższenie ceny', 'price_increase'],
  'lowered before the payment': ['Obniżka ceny', 'price_reduction'],
  'sale date': ['Błędna data sprzedaży', 'other'],
  'words alone': ['Pomyłka w nazwie usługi', 'other'],
  'of a correction': ['Pomyłka w cenie lub stawce podatku', 'price_or_tax_mistake'],
};

const factors: Readonly<Record<CorrectionKind, number>> = {
  'price lowered, unpaid': 0.8,
  'price lowered, paid': 0.9,
  'to zero, unpaid': 0,
  'to zero, paid': 0,
  'price raised by mistake': 1.1,
  'price raised for a new cause': 1.2,
  'lowered before the payment': 0.75,
  'sale date': 1,
  'words alone': 1,
  'of a correction': 1.1,
};

/** Whether a document counts and is of a day. */
export function isIssued({ kind, status, invoice_date: date }: JsonObject): boolean {
  return (
    (kind === 'vat' || kind === 'correction') && ['sent', 'printed', 'paid'].includes(String(status)) && isDate(date)
  );
}

const company = (name: string): JsonObject => ({
  company_name: name,
  first_name: null,
  last_name: null,
  business_activity_kind: 'other_business',
  country: 'PL',
  country_full_name: 'Polska',
});

function polish(common: Random, id: number): JsonObject {
  for (;;) {
    const row = clientRow(common, id, -1);
    if (row['country'] === 'PL' && row['company_name'] !== null) return row;
  }
}

/** When a client pays: soon after the term as a rule, a few late, a few never. */
function payingDay(random: Random, row: JsonObject, invoiceDay: number, dueDay: number): number {
  if (row['payment_method'] !== 'transfer') return invoiceDay;
  const share = random();
  if (share < 0.65) return Math.max(invoiceDay, dueDay - integer(random, 6));
  if (share < 0.88) return dueDay + 1 + integer(random, 20);
  return share < 0.985 ? dueDay + 20 + integer(random, 60) : Infinity;
}

/** The day of the sale: that of the invoice as a rule, else some days before it, or after. */
function saleDay(random: Random, invoiceDay: number): number {
  const share = random();
  if (share < 0.8) return invoiceDay;
  return share < 0.95 ? invoiceDay - 1 - integer(random, 14) : invoiceDay + 1 + integer(random, 6);
}

/** The lines of an invoice of a small firm; services to other countries are not taxed here. */
function lines(random: Random, row: JsonObject, isAbroad: boolean): JsonObject[] {
  return linesOf(row).map((line) => {
    const price = 100 * pick(random, [40, 90, 120, 180, 250, 320, 480, 650, 900, 1_400]) - pick(random, [0, 0, 1]);
    const quantity = pick(random, [1, 1, 1, 1, 2, 3, 1.5]);
    const symbol = isAbroad ? 'np' : pick(random, ['23', '23', '23', '23', '23', '23', '8', '5', 'zw']);
    const plain = { discount: '0.0', unit_net_price_before_discount: price };
    return {
      ...line,
      ...plain,
      quantity,
      tax_symbol: symbol,
      unit_net_price: price,
      ...lineSums(price, quantity, symbol),
    };
  });
}

/** Now and then a document that is not as it should be. */
function oddities(row: JsonObject, index: number): JsonObject {
  const { tax_price: tax, gross_price: gross, vat_date_value: by } = row;
  const odd = [
    { status: 'cancelled' },
    { status: 'draft' },
    { status: 'paid', paid_date: null },
    // Tax of the sum instead of the sum of taxes.
    { tax_price: numberOf(tax) - 1, gross_price: numberOf(gross) - 1 },
    { client_tax_code: '1234567890', client_country: 'PL' },
    { kind: 'advance' },
    ...(by === 'paid_date' ? [{ status: 'sent', paid_date: null, paid_price: 100 }] : []),
  ];
  return { ...row, ...odd[index % 41] };
}

/** Makes the books of one company. */
export function createBooks(options: BooksOptions, { seed, position, sisters, lastDay }: BooksSurroundings): Books {
  const random = createRandom(seed ^ seedFrom('books'));
  const isZeroed = options.leftToPay !== 'untouched';

  /** The fields that say what was paid of a document; `paid` is what came, the whole amount unless given. */
  function paidFields(gross: number, paidDate: string | null, paid = gross): JsonObject {
    return {
      status: 'paid',
      paid_date: paidDate,
      paid_price: isZeroed || paid !== gross ? paid : 0,
      left_to_pay: isZeroed ? 0 : gross,
    };
  }

  /** A client that several companies have: known to each by one tax number, written in its own way. */
  function sharedClient(row: JsonObject, index: number): JsonObject {
    const common = createRandom(seedFrom(`shared client ${index}`));
    const { nip, company_name: name } = polish(common, Number(row['id']));
    return { ...row, ...company(String(name)), nip: spelled(String(nip), position + index) };
  }

  function payments(row: JsonObject, gross: number, invoiceDay: number, index: number): JsonObject {
    const dueDay = isDate(row['payment_date']) ? dayOf(row['payment_date']) : invoiceDay;
    const paidDay = payingDay(random, row, invoiceDay, dueDay);
    const share = random();
    if (index >= 0 && paidDay <= lastDay()) {
      const over = share < 0.01 ? 100 * (1 + integer(random, 50)) : 0;
      return paidFields(gross, dateOf(paidDay), gross + over);
    }
    const part = share < 0.08 && index >= 0 && options.cashMethod !== true ? Math.round(gross * 0.4) : 0;
    const left = isZeroed ? gross - part : gross;
    const status = row['status'] === 'printed' ? 'printed' : 'sent';
    return { status, paid_date: null, paid_price: part, left_to_pay: left };
  }

  function correctionDay(kind: CorrectionKind, corrected: JsonObject): number {
    const issued = dayOf(String(corrected['invoice_date']));
    if (kind === 'lowered before the payment') return issued + 1;
    const paid = isDate(corrected['paid_date']) ? dayOf(corrected['paid_date']) : issued;
    return Math.min(lastDay(), Math.max(issued, paid) + 1 + integer(random, 20));
  }

  return {
    client(row, index) {
      const sister = sisters[index];
      if (sister !== undefined) {
        return { ...row, ...company(sister.name), nip: spelled(sister.nip, position + index + 1) };
      }
      return index % 4 === 0 ? sharedClient(row, index) : row;
    },

    invoice(row, client, index) {
      const isAbroad = (client?.['country'] ?? 'PL') !== 'PL';
      const currency = chance(random, isAbroad ? 0.9 : 0.02) ? 'EUR' : isAbroad ? 'USD' : 'PLN';
      const services = lines(random, row, isAbroad);
      const sum = (name: string): number => services.reduce((total, line) => total + numberOf(line[name]), 0);
      const [net, tax, gross] = [sum('net_price'), sum('tax_price'), sum('gross_price')];
      const invoiceDay = dayOf(String(row['invoice_date']));
      const byIssue = chance(random, 0.1);
      const book = {
        ...row,
        services,
        currency,
        net_price: net,
        tax_price: tax,
        gross_price: gross,
        amount_in_words: amountInWords(gross, currency),
        kind: index >= 0 && chance(random, 0.02) ? 'proforma' : 'vat',
        sale_date: dateOf(saleDay(random, invoiceDay)),
        vat_date_value: options.cashMethod === true ? 'paid_date' : byIssue ? 'issue_date' : 'sale_date',
        vat_exchange_date_kind: currency === 'PLN' ? null : 'vat',
        not_income: chance(random, 0.01),
        ...payments(row, gross, invoiceDay, index),
      };
      // A draft has no number yet.
      if (index >= 0 && lastDay() - invoiceDay < 10 && chance(random, 0.1)) {
        return { ...book, status: 'draft', number: null, paid_date: null, paid_price: 0, left_to_pay: gross };
      }
      return options.odd === true && index >= 0 ? oddities(book, index) : book;
    },

    suits(kind, row) {
      const { invoice_date: issued, paid_date: paid, paid_price: amount, gross_price: gross } = row;
      if (!isIssued(row) || numberOf(gross) <= 0 || dayOf(String(issued)) >= lastDay()) return false;
      const isPaid = row['status'] === 'paid' && isDate(paid);
      if (kind === 'of a correction') return row['kind'] === 'correction';
      if (row['kind'] !== 'vat') return false;
      if (kind.endsWith('unpaid')) return row['status'] !== 'paid' && amount === 0;
      // One that came with another amount would say something else of what is owed.
      const isWhole = isPaid && (amount === gross || amount === 0);
      if (kind === 'lowered before the payment') return isWhole && dayOf(paid) > dayOf(String(issued)) + 1;
      return kind.endsWith(', paid') ? isWhole && dayOf(paid) < lastDay() : isWhole;
    },

    correction({ id, number, kind, corrected, firstLineId }) {
      const day = correctionDay(kind, corrected);
      const before = linesOf(corrected).filter((line) => line['correction'] !== false);
      const plan = { id, index: -1, number, day, invoice: { ...corrected, services: before }, firstLineId };
      const row = correctionRow(random, { ...plan, factor: factors[kind] });
      const gross = numberOf(row['gross_price']);
      const [reason, symbol] = reasons[kind];
      const settledDay = Math.min(lastDay(), day + 5);
      // The client who paid less subtracted the correction: nothing is paid back.
      const isOpen = kind.endsWith('unpaid') || kind === 'lowered before the payment';
      const isSettled = gross !== 0 && !isOpen && chance(random, 0.6);
      const settled = isSettled
        ? paidFields(gross, dateOf(settledDay))
        : { status: 'sent', paid_date: null, paid_price: 0, left_to_pay: gross };
      const moved = kind === 'sale date' ? { sale_date: dateOf(dayOf(String(corrected['sale_date'])) + 5) } : {};
      const correction = { ...row, ...settled, ...moved, correction_reason: reason, correction_reason_symbol: symbol };
      if (kind !== 'lowered before the payment') return { correction };
      const whole = numberOf(corrected['gross_price']);
      const paid = paidFields(whole, String(corrected['paid_date']), whole + gross);
      return { correction, invoice: { ...corrected, ...paid } };
    },

    payment: (row, paidDate) => paidFields(numberOf(row['gross_price']), paidDate),
  };
}
