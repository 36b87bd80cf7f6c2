import type { Clearing } from './ksef';
import { chance, digits, hex, integer, pick, uuid, type Random } from './random';
import {
  amountInWords,
  banks,
  cities,
  companyForms,
  companyTrades,
  companyWords,
  firstNames,
  lastNames,
  serviceNames,
  streets,
} from './words';

/** A JSON object of the API. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object less some of its fields. */
export function without(row: JsonObject, ...names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)));
}

const dayMs = 86_400_000;

/** Days since 1970-01-01 of an ISO date. */
export function dayOf(date: string): number {
  return Math.floor(Date.parse(date) / dayMs);
}

/** The ISO date so many days after 1970-01-01. */
export function dateOf(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

/** Whether the value is the ISO date of a day. */
export function isDate(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value));
}

/** A tax number with its right check digit. */
export function taxNumber(random: Random, start = ''): string {
  const weights = [6, 5, 7, 2, 3, 4, 5, 6, 7];
  for (;;) {
    const text = start + digits(random, 9 - start.length);
    const check = weights.reduce((sum, weight, index) => sum + weight * Number(text[index]), 0) % 11;
    if (check < 10) return text + String(check);
  }
}

type Place = readonly [country: string, countryName: string, city: string, postalCode: string];
const foreign: readonly [Place, ...Place[]] = [
  ['DE', 'Niemcy', 'Köln', '50667'],
  ['CZ', 'Czechy', 'Brno', '602 00'],
  ['HU', 'Węgry', 'Győr', '9021'],
];

/** Every so many rows the unusual kinds come round again. */
const cycle = 211;

/** A client of the account; `index` decides whether it is one of the unusual kinds. */
export function clientRow(random: Random, id: number, index: number): JsonObject {
  const edge = index % cycle;
  const usual = edge < 0 || edge > 7;
  const privatePerson = edge === 3 || (usual && chance(random, 0.08));
  const selfEmployed = !privatePerson && chance(random, 0.25);
  const person = privatePerson || selfEmployed;
  const first = pick(random, firstNames);
  const last = pick(random, lastNames);
  const [country, countryName, city, postalCode] =
    edge === 4 || (usual && chance(random, 0.04))
      ? pick(random, foreign)
      : ['PL', 'Polska', pick(random, cities), `${digits(random, 2)}-${digits(random, 3)}`];
  const company = selfEmployed
    ? `${first} ${last} ${pick(random, companyTrades)}`
    : `${pick(random, companyWords)} ${pick(random, companyTrades)} ${pick(random, companyForms)}`;
  const unset = edge === 5 ? null : '';
  const plain = taxNumber(random, edge === 0 ? '0' : '');
  const nip =
    edge === 1
      ? `PL${plain}`
      : edge === 2
        ? `${plain.slice(0, 3)}-${plain.slice(3, 6)}-${plain.slice(6, 8)}-${plain.slice(8)}`
        : country === 'PL'
          ? plain
          : country + plain;
  const mail = `biuro${id}@example.test`;
  return {
    id,
    uuid: uuid(random),
    company_name: privatePerson ? null : company,
    street: pick(random, streets),
    street_number: String(1 + integer(random, 180)),
    flat_number: chance(random, 0.3) ? String(1 + integer(random, 90)) : pick(random, [null, '']),
    city,
    country,
    country_full_name: countryName,
    postal_code: postalCode,
    nip: privatePerson ? pick(random, [null, '']) : nip,
    phone_number: chance(random, 0.5) ? `+48 ${digits(random, 9)}` : pick(random, [null, '']),
    web_site: unset,
    email: edge === 6 ? `${mail}, faktury${id}@example.test` : chance(random, 0.7) ? mail : pick(random, [null, '']),
    note: usual && chance(random, 0.05) ? 'Płaci zawsze w terminie.' : unset,
    receiver: unset,
    mailing_company_name: unset,
    mailing_street: unset,
    mailing_city: unset,
    mailing_postal_code: unset,
    days_to_payment: chance(random, 0.5) ? '' : pick(random, [7, 14, 30]),
    payment_method: pick(random, ['', '', 'transfer', 'cash']),
    invoice_note: unset,
    same_forward_address: true,
    first_name: person ? first : null,
    last_name: person ? last : null,
    business_activity_kind: privatePerson ? 'private_person' : selfEmployed ? 'self_employed' : 'other_business',
    is_vindicable: chance(random, 0.1),
    vindicable_invoices_count: chance(random, 0.1) ? 1 + integer(random, 4) : 0,
    ...(edge === 7 ? { preferred_language: 'pl', tags: ['stały', 'hurt'] } : {}),
  };
}

type Rate = '23' | '8' | '5' | '0' | 'zw' | 'np';

/** What a line comes to. */
export function lineSums(unitPrice: number, quantity: number, symbol: string) {
  const net = Math.round(unitPrice * quantity);
  // The symbols that are no number are of exempt lines.
  const tax = Math.round((net * (Number(symbol) || 0)) / 100);
  return { net_price: net, gross_price: net + tax, tax_price: tax };
}

function lineRow(random: Random, id: number, unitPrice: number, quantity: number, symbol: Rate) {
  const discounted = chance(random, 0.03);
  const unit = discounted ? Math.round(unitPrice * 0.9) : unitPrice;
  const pkwiu = chance(random, 0.1) ? `${digits(random, 2)}.${digits(random, 2)}.${digits(random, 2)}.0` : null;
  return {
    id,
    related_id: null,
    name: pick(random, serviceNames),
    tax_symbol: symbol,
    unit: pick(random, ['szt.', 'godz.', 'usł.', '']),
    quantity,
    unit_net_price: unit,
    ...lineSums(unit, quantity, symbol),
    symbol: pkwiu === null ? '' : `${pkwiu} / - / -`,
    pkwiu: pkwiu ?? '',
    cn: null,
    pkob: null,
    flat_rate_tax_symbol: '',
    discount: discounted ? '10.0' : '0.0',
    unit_net_price_before_discount: unitPrice,
    gtu_id: chance(random, 0.05) ? 1 + integer(random, 13) : null,
  };
}

/** What an invoice is made from, besides chance. */
export interface InvoiceSeed {
  readonly id: number;
  /** Decides whether it is one of the unusual kinds; a negative one makes it plain and not yet paid. */
  readonly index: number;
  readonly number: string;
  /** Days since 1970-01-01 on which it was written. */
  readonly createdDay: number;
  readonly invoiceDay: number;
  /** No payment is later. */
  readonly lastDay: number;
  readonly client: JsonObject | null;
  readonly firstLineId: number;
}

/** The unusual kind that the invoice of this index is, by name, or undefined. */
function edgeOf(index: number): string | undefined {
  return [
    'no client',
    'fraction',
    'large amount',
    'many lines',
    'new fields',
    'empty against null',
    'EUR',
    'USD',
    'proforma',
    'no date',
    'markings as text',
    'markings as numbers',
    'continuous service',
    'exempt',
    'split payment',
  ][index % cycle];
}

/** Small amounts as a rule, 20 to 1820 zloty: thirty invoices a month come to tens of thousands. */
function usualPrice(random: Random): number {
  return 2_000 + Math.floor(random() ** 3 * 180_000);
}

/** A row of the invoice list in the shape of 2025, its lines included. */
export function invoiceRow(random: Random, seed: InvoiceSeed): JsonObject {
  const edge = edgeOf(seed.index);
  const client: JsonObject = (edge === 'no client' ? null : seed.client) ?? {};
  const usual =
    edge === 'EUR' || edge === 'USD' ? edge : chance(random, 0.05) ? pick(random, ['EUR', 'USD', 'GBP']) : 'PLN';
  // An amount above 2^31 that a small company may well write: 25 million forints are a quarter of a million zloty.
  const currency = edge === 'large amount' ? 'HUF' : usual;
  const lineCount = edge === 'many lines' ? 30 : pick(random, [1, 1, 1, 1, 2, 2, 3]);
  const lines = [];
  for (let index = 0; index < lineCount; index++) {
    const price = edge === 'large amount' ? 2_500_000_000 + integer(random, 1_000_000) : usualPrice(random);
    const quantity =
      edge === 'fraction'
        ? 0.5
        : edge === 'large amount'
          ? 1
          : chance(random, 0.7)
            ? 1
            : pick(random, [2, 3, 12, 1.25]);
    const symbol =
      edge === 'exempt' ? 'zw' : pick<Rate>(random, ['23', '23', '23', '23', '23', '23', '8', '5', '0', 'np']);
    lines.push(lineRow(random, seed.firstLineId + index, price, quantity, symbol));
  }
  const net = lines.reduce((sum, line) => sum + line.net_price, 0);
  const tax = lines.reduce((sum, line) => sum + line.tax_price, 0);
  const gross = net + tax;

  const invoiceDate = dateOf(seed.invoiceDay);
  const paid = edge !== 'no date' && seed.index >= 0 && chance(random, 0.6);
  const status =
    edge === 'no date' ? 'draft' : paid ? 'paid' : pick(random, ['draft', 'sent', 'sent', 'sent', 'printed']);
  const paidInFull = paid && chance(random, 0.5);
  const term = pick(random, [0, 7, 14, 14, 30]);
  const method = pick(random, ['transfer', 'transfer', 'transfer', 'cash', 'card', 'payu']);
  const transfer = method === 'transfer';
  const two = (below: number) => String(integer(random, below)).padStart(2, '0');
  const time = `${String(8 + integer(random, 10)).padStart(2, '0')}:${two(60)}:${two(60)}.${digits(random, 3)}`;
  const swapped = edge === 'empty against null';
  const unset = swapped ? null : '';
  const nothing = swapped ? '' : null;
  const continuous = edge === 'continuous service';
  const dated = edge !== 'no date';

  return {
    id: seed.id,
    uuid: uuid(random),
    parent_id: null,
    number: dated ? seed.number : null,
    currency,
    paid_price: paidInFull ? gross : 0,
    notes: chance(random, 0.1) ? 'Dziękujemy za współpracę.' : unset,
    kind: edge === 'proforma' || chance(random, 0.02) ? 'proforma' : 'vat',
    payment_method: method,
    split_payment: edge === 'split payment',
    split_payment_type: edge === 'split payment' ? 'required' : nothing,
    recipient_signature: unset,
    seller_signature: chance(random, 0.5) ? `${pick(random, firstNames)} ${pick(random, lastNames)}` : unset,
    invoice_date: dated ? invoiceDate : null,
    sale_date: continuous || !dated ? null : invoiceDate,
    vat_date_value: 'sale_date',
    continuous_service_start_on: continuous ? dateOf(seed.invoiceDay - 30) : null,
    continuous_service_end_on: continuous ? invoiceDate : null,
    occasional_sale: false,
    status,
    payment_date: dated ? dateOf(seed.invoiceDay + term) : null,
    paid_date: paid ? dateOf(Math.min(seed.invoiceDay + integer(random, 30), seed.lastDay)) : null,
    net_price: net,
    tax_price: tax,
    gross_price: gross,
    left_to_pay: paidInFull ? 0 : gross,
    client_id: client['id'] ?? null,
    client_uuid: client['uuid'] ?? null,
    client_company_name: client['company_name'] ?? null,
    client_first_name: client['first_name'] ?? null,
    client_last_name: client['last_name'] ?? null,
    client_business_activity_kind: client['business_activity_kind'] ?? null,
    client_street: client['street'] ?? '',
    client_street_number: client['street_number'] ?? null,
    client_flat_number: client['flat_number'] ?? null,
    client_city: client['city'] ?? '',
    client_post_code: client['postal_code'] ?? '',
    client_tax_code: client['nip'] ?? '',
    client_country: client['country'] ?? 'PL',
    bank_account: transfer ? digits(random, 26) : unset,
    bank_name: transfer ? pick(random, banks) : unset,
    swift: unset,
    vat_exemption_reason: edge === 'exempt' ? 1 : null,
    sale_type: pick(random, ['', '', 'service', 'merchandise']),
    invoice_date_kind: continuous ? 'continuous_service_end_on' : 'sale_date',
    document_markings_ids: edge === 'markings as text' ? ['6', '8'] : edge === 'markings as numbers' ? [6, 8] : [],
    transaction_kind_id: null,
    bdo_code: nothing,
    receipt_number: nothing,
    not_income: false,
    vat_exchange_date_kind: currency === 'PLN' ? null : 'vat',
    sales_kind: 'sprzedaz_podstawowa',
    amount_in_words: amountInWords(gross, currency),
    building_service: false,
    created_at: `${dateOf(seed.createdDay)}T${time}${offsetOf(dateOf(seed.createdDay))}`,
    reconciliation_id: null,
    services: edge === 'new fields' ? lines.map((line) => ({ ...line, carbon_footprint: { grams: 1250 } })) : lines,
    ...(edge === 'new fields' ? { eco_label: 'zielony', delivery: { carrier: null, parcels: [1, 2] } } : {}),
  };
}

/** How far Warsaw is ahead of UTC on a day, in whole months. */
export function offsetOf(day: string): '+01:00' | '+02:00' {
  const month = Number(day.slice(5, 7));
  return month > 3 && month < 11 ? '+02:00' : '+01:00';
}

/** What became in KSeF of a document that was sent while the simulator ran. */
export interface SentToKsef extends Clearing {
  /** Milliseconds since 1970. */
  readonly sentMs: number;
}

/** The words of inFakt for what became of a document in KSeF. */
const inWords = {
  pending: 'Faktura oczekuje na przetworzenie.',
  success: 'Faktura została przetworzona.',
  error: 'Faktura została odrzucona przez KSeF.',
};

/** The number and times of a document in KSeF; one that was there before was cleared on its day. */
function clearing(number: string, date: string, added: SentToKsef | undefined): JsonObject {
  const at = (ms: number | null) =>
    ms === null ? null : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} +0000`;
  const { status } = added ?? { status: 'success' as const };
  return {
    ksef_number: status === 'success' ? number : null,
    status,
    status_description: inWords[status],
    timestamps: {
      request_created_at: added === undefined ? `${date} 16:00:00 +0100` : at(added.sentMs),
      request_finished_at: added === undefined ? `${date} 16:10:00 +0100` : at(added.finishedMs),
    },
  };
}

/** The fields that only the detail of a document of sale has; the same ones for the same row. */
export function salesDetail(random: Random, row: JsonObject, sellerNip: string, added?: SentToKsef): JsonObject {
  const { uuid: invoiceUuid, kind, status, invoice_date: date } = row;
  const correction = kind === 'correction';
  const goes = kind !== 'proforma' && typeof date === 'string';
  const sent = goes && (added !== undefined || status === 'sent' || status === 'paid');
  const contract = { number: digits(random, 12), date };
  const request = uuid(random);
  const middle = hex(random, 12).toUpperCase();
  const check = hex(random, 2).toUpperCase();
  const terms = { contracts: chance(random, 0.2) ? [contract] : [], orders: [] };
  return {
    ...(correction
      ? {}
      : {
          transaction_terms: terms,
          extensions: {
            payments: { link: null, available: row['payment_method'] === 'transfer' },
            shares: { link: null, available: true, valid_until: null },
          },
        }),
    ksef_data: sent
      ? {
          request_uuid: request,
          invoice_uuid: invoiceUuid,
          invoice_kind: correction ? 'corrective_invoice' : kind,
          ...clearing(`${sellerNip.replace(/\D/g, '')}-${date.replaceAll('-', '')}-${middle}-${check}`, date, added),
        }
      : null,
  };
}

/** What a correction is made from, besides chance. */
export interface CorrectionSeed {
  readonly id: number;
  /** Decides whether it is one of the unusual kinds; a negative one makes it plain and not yet paid. */
  readonly index: number;
  readonly number: string;
  /** Days since 1970-01-01 on which it is issued. */
  readonly day: number;
  /** The row of the invoice that it corrects. */
  readonly invoice: JsonObject;
  readonly firstLineId: number;
  /** What the amounts are multiplied by; left to chance unless given. */
  readonly factor?: number;
}

type Reason = readonly [label: string, symbol: string];
const reasons: readonly [Reason, ...Reason[]] = [
  ['Zwrot towaru', 'goods_return'],
  ['Obniżka ceny', 'price_reduction'],
  ['Pomyłka w cenie lub stawce podatku', 'price_or_tax_mistake'],
];

const amount = (value: unknown) => (typeof value === 'number' ? value : 0);

/** A row of the list of corrections: lines stand in pairs, before and after, and amounts are their difference. */
export function correctionRow(random: Random, seed: CorrectionSeed): JsonObject {
  const { invoice } = seed;
  const edge = [
    'no uuid',
    'amounts rise',
    'group of an odd number',
    'odd corrected number',
    'paid before it was issued',
    'confirmed',
    'old shape',
    'nothing but words',
  ][seed.index % 53];
  const corrected = Array.isArray(invoice['services']) ? invoice['services'].filter(isObject) : [];
  const factor =
    seed.factor ?? (edge === 'amounts rise' ? 1.5 : edge === 'nothing but words' ? 1 : pick(random, [0, 0, 0.5, 0.9]));
  const lines = corrected.flatMap((line, index) => {
    const group = edge === 'group of an odd number' ? 1_690_000_000_000 + index : index + 1;
    const quantity = amount(line['quantity']) * (factor === 0 ? 0 : 1);
    const unitPrice = Math.round(amount(line['unit_net_price']) * (factor === 0 ? 1 : factor));
    const sums = lineSums(unitPrice, quantity, String(line['tax_symbol']));
    const id = seed.firstLineId + index * 2;
    const after = { quantity, unit_net_price: unitPrice, unit_net_price_before_discount: unitPrice, discount: '0.0' };
    return [
      { ...line, id, group, correction: false },
      { ...line, id: id + 1, ...(factor === 1 ? {} : { ...after, ...sums }), group, correction: true },
    ];
  });
  const difference = (field: string) =>
    lines.reduce((sum, line: JsonObject) => sum + amount(line[field]) * (line['correction'] === true ? 1 : -1), 0);
  const [net, tax, gross] = [difference('net_price'), difference('tax_price'), difference('gross_price')];

  const date = dateOf(seed.day);
  const [reason, reasonSymbol] = pick(random, reasons);
  const early = edge === 'paid before it was issued';
  const paid = early || (seed.index >= 0 && chance(random, 0.5));
  const ownUuid = uuid(random);
  const words = amountInWords(Math.abs(gross), String(invoice['currency']));
  return {
    ...without(invoice, 'created_at', 'eco_label', 'delivery'),
    id: seed.id,
    uuid: edge === 'no uuid' ? null : ownUuid,
    parent_id: invoice['id'],
    number: seed.number,
    kind: 'correction',
    status: paid ? 'paid' : pick(random, ['draft', 'sent', 'sent', 'printed']),
    invoice_date: date,
    payment_date: dateOf(seed.day + 14),
    paid_date: paid ? (early ? dateOf(seed.day - 31) : date) : null,
    paid_price: 0,
    net_price: net,
    tax_price: tax,
    gross_price: gross,
    left_to_pay: paid && !early ? 0 : gross,
    amount_in_words: gross < 0 ? `minus ${words}` : words,
    corrected_invoice_number: edge === 'odd corrected number' ? '284394' : invoice['number'],
    corrected_invoice_date: invoice['invoice_date'],
    confirmation: edge === 'confirmed',
    confirmation_date: edge === 'confirmed' ? date : '',
    correction_reason: reason,
    ...(edge === 'old shape'
      ? {}
      : {
          corrected_invoice_uuid: invoice['uuid'],
          corrected_invoice_gross_price: invoice['gross_price'],
          correction_reason_symbol: reasonSymbol,
          sale_date_before_correction: invoice['sale_date'],
          continuous_service_start_on_before_correction: invoice['continuous_service_start_on'],
          continuous_service_end_on_before_correction: invoice['continuous_service_end_on'],
          check_correction_obligation: false,
        }),
    services: lines,
  };
}
