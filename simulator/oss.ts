import { createRandom, integer, pick, uuid, type Random } from './random';
import { dateOf, type JsonObject } from './rows';

/** A document under the One Stop Shop, and the day on which it is issued (days since 1970-01-01). */
export interface OssSeed {
  readonly id: number;
  readonly number: string;
  readonly day: number;
}

const buyers = [
  { country: 'DE', client_name: 'Jürgen Groß', client_first_name: 'Jürgen', client_last_name: 'Groß', rate: 19 },
  { country: 'AT', client_name: 'Boyer - Schumm', client_first_name: null, client_last_name: null, rate: 20 },
  { country: 'NL', client_name: 'Bum Bum ', client_first_name: 'Bum', client_last_name: 'Bum ', rate: 21 },
  { country: 'BE', client_name: '', client_first_name: null, client_last_name: null, rate: 21 },
] as const;

/** A row of the list of OSS invoices: neither a uuid, nor a status, nor lines; its number is any text. */
export function ossRow(random: Random, { id, number, day }: OssSeed): JsonObject {
  const { rate, ...buyer } = buyers[integer(random, buyers.length)] ?? buyers[0];
  const net = 1_000 + integer(random, 200_000);
  const tax = Math.round((net * rate) / 100);
  return {
    id,
    number,
    ...buyer,
    client_email: 'kupujacy@example.test',
    client_street: 'Marquis Plaza',
    client_street_number: '30',
    client_flat_number: '',
    client_post_code: '22-222',
    client_city: 'South Harryville',
    service_date: dateOf(day),
    issue_date: dateOf(day),
    payment_date: dateOf(day + 14),
    service_type: pick(random, [null, 'electronic']),
    service_place_primary: 'adres kupującego',
    service_place_secondary: '',
    currency: 'EUR',
    seller_signature: 'Łucja Żuraw',
    recipient_signature: '',
    comments: '',
    net_price: net,
    tax_price: tax,
    gross_price: net + tax,
    advance_price: 0,
    sale_type: pick(random, [null, 'merchandise', 'service']),
  };
}

/** The detail of an OSS invoice: the row and its line, which no list shows. */
export function ossDetail(row: JsonObject): JsonObject {
  return { ...row, services: [{ ...lineOf(row, Number(row['id'])), unit: null }] };
}

/** A row of the list of corrections of OSS invoices, which has a uuid and its lines; `correction` is a text there and a boolean in the detail. */
export function correctiveOssRow(random: Random, { id, number, day }: OssSeed, corrected: JsonObject): JsonObject {
  const group = 1 + integer(random, 1_679_061_754);
  const after = { ...lineOf(corrected, id * 2), unit: '0', group, correction: 'true', quantity: 0 };
  const zero = { net_price: 0, tax_price: 0, gross_price: 0 };
  const before = { ...lineOf(corrected, id * 2 - 1), unit: '', group, correction: 'false' };
  const amounts = Object.fromEntries(Object.keys(zero).map((name) => [name, -Number(corrected[name])]));
  return {
    ...corrected,
    id,
    uuid: uuid(random),
    number,
    service_date: dateOf(day),
    issue_date: dateOf(day),
    payment_date: dateOf(day),
    ...amounts,
    corrected_invoice_number: corrected['number'],
    corrected_invoice_date: corrected['issue_date'],
    correction_reason: 'Inne: np. zwrot, rabat',
    services: [before, { ...after, ...zero }],
  };
}

/** The detail of such a correction. */
export function correctiveOssDetail(row: JsonObject): JsonObject {
  const lines = Array.isArray(row['services']) ? (row['services'] as readonly JsonObject[]) : [];
  return { ...row, services: lines.map((line) => ({ ...line, correction: line['correction'] === 'true' })) };
}

function lineOf(row: JsonObject, id: number): JsonObject {
  const { net_price: net, tax_price: tax, gross_price: gross } = row;
  const random = createRandom(Number(row['id']));
  return {
    id,
    quantity: 1,
    name: pick(random, ['długopis', 'używany laptop', 'e-book']),
    net_price: net,
    tax_price: tax,
    unit_net_price: net,
    additional_price: 0,
    gross_price: gross,
    tax_rate: Math.round((100 * Number(tax)) / Number(net)),
  };
}
