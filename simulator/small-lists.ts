import { chance, digits, integer, pick, uuid, type Random } from './random';
import { dateOf, taxNumber, without, type JsonObject } from './rows';
import { banks, companyForms, companyTrades, companyWords, serviceNames } from './words';

/** A product of the account; some have no symbol, or a net price but no unit price, as in the official examples. */
export function productRow(random: Random, id: number, index: number): JsonObject {
  const unit = 100 * (1 + integer(random, 900));
  const tax = Math.round(unit * 0.23);
  return {
    id,
    name: serviceNames[index % serviceNames.length],
    symbol: index % 4 === 1 ? null : '',
    pkwiu: chance(random, 0.2) ? '62.01.11.0' : '',
    cn: null,
    pkob: null,
    unit: pick(random, ['szt.', 'godz.', 'usł.']),
    tax_symbol: '23',
    flat_rate_tax_symbol: '',
    quantity: 1,
    net_price: unit,
    tax_price: tax,
    gross_price: unit + tax,
    unit_net_price: index % 5 === 2 ? 0 : unit,
    purchase_unit_net_price: 0,
    purchase_unit_gross_price: 0,
    discount: '0.0',
    unit_net_price_before_discount: index % 5 === 2 ? 0 : unit,
    gtu_id: null,
  };
}

/** A bank account of the company; the first one is its default. */
export function bankAccountRow(random: Random, id: number, index: number): JsonObject {
  return {
    id,
    bank_name: pick(random, banks),
    account_number: (index % 2 === 1 ? 'PL' : '') + digits(random, 26),
    swift: index % 2 === 1 ? null : '',
    default: index === 0,
    currency: null,
    custom_name: '',
  };
}

/** A cost issued on the given day; ids are one sequence for each kind in the real API, so only the uuid tells costs apart. */
export function costRow(random: Random, id: number, index: number, day: number): JsonObject {
  const net = 100 + integer(random, 300_000);
  const tax = index % 6 === 4 ? null : Math.round(net * 0.23);
  const date = dateOf(day);
  const accounted = chance(random, 0.6);
  return {
    id,
    uuid: uuid(random),
    // The same number stands on several costs.
    number: `FV/${1 + (index % 9)}/${date.slice(0, 4)}`,
    net_price: net,
    gross_price: net + (tax ?? 0),
    tax_price: tax,
    currency: 'PLN',
    accounted_at: accounted ? dateOf(day + 20) : null,
    issue_date: date,
    received_date: date,
    due_date: dateOf(day + 14),
    seller_name: `${pick(random, companyWords)} ${pick(random, companyTrades)} ${pick(random, companyForms)}`,
    seller_tax_code: taxNumber(random),
    seller_bank_account: chance(random, 0.5) ? digits(random, 26) : null,
    description: pick(random, serviceNames),
    added_by: 'Łucja Żuraw',
    category: pick(random, ['Usługi obce', 'Paliwo', 'Materiały biurowe', '']),
    kind: ['cost', 'document_scan', 'cost', 'internal_evidence'][index % 4],
    notes:
      index % 5 === 3 ? [{ kind: 'note', content: 'Do wyjaśnienia.', created_by: 'Żaneta', created_at: date }] : [],
    duplicated: false,
    // Both forms were seen.
    created_at: index % 2 === 0 ? `${date}T10:15:30.000+01:00` : `${date} 10:15:30 +0100`,
    source: pick(random, ['web', 'email', 'api']),
    reconciliation_id: null,
    statuses: [
      ...(accounted ? [{ symbol: 'accounted', name: 'Zaksięgowany', group: 'accounting' }] : []),
      { symbol: 'unpaid', name: 'Nieopłacony', group: 'payment' },
    ],
  };
}

/** The answer to a GET of one cost. */
export function costDetail(row: JsonObject): JsonObject {
  return { ...without(row, 'notes'), attachments: [], related_internal_note: null };
}
