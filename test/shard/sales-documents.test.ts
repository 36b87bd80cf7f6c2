import { createRandom } from '../../simulator/random';
import { marginRow, orderRows } from '../../simulator/other-documents';
import type { JsonObject } from '../../simulator/rows';
import type { StreamDeclaration } from '../../src/model';
import { advanceInvoices } from '../../src/sources/streams/advance-invoices';
import { finalInvoices } from '../../src/sources/streams/final-invoices';
import { marginInvoices } from '../../src/sources/streams/margin-invoices';
import { createVendorStream } from '../support/vendor-rows';

// Advance, final and margin invoices, as the vendor's examples show them and as the simulator makes them.

const client = {
  client_id: 25,
  client_company_name: 'INFAKT Sp. z o.o.',
  client_first_name: null,
  client_last_name: null,
  client_business_activity_kind: 'other_business',
  client_street: 'ul. Test-Krucza',
  client_street_number: '4',
  client_flat_number: null,
  client_city: 'Kraków',
  client_post_code: '30-549',
  client_tax_code: '9452121681',
  client_country: 'PL',
};
const seller = { bank_account: '', bank_name: '', swift: '', bdo_code: null, document_markings_ids: [] };

/** The second advance of an order, in the shape of the vendor's example. */
const secondAdvance = {
  id: 121,
  uuid: '97240ef9-2182-4c7c-b00f-cc93d11a1eba',
  number: '13/ZAL/05/2023',
  currency: 'PLN',
  advance_price: 40000,
  notes: null,
  kind: 'advance',
  payment_method: 'cash',
  split_payment: false,
  split_payment_type: null,
  recipient_signature: '',
  seller_signature: 'Jan Kowalski',
  invoice_date: '2023-05-09',
  advance_date: '2023-05-08',
  status: 'draft',
  payment_date: '2023-05-09',
  paid_date: null,
  net_price: 10000,
  tax_price: 2300,
  gross_price: 12300,
  left_to_pay: -67700,
  ...client,
  ...seller,
  vat_exemption_reason: null,
  sale_type: '',
  invoice_date_kind: 'sale_date',
  transaction_kind_id: null,
  receipt_number: null,
  not_income: true,
  vat_exchange_date_kind: null,
  previous_advance_id: 120,
  previous_advances: [
    {
      id: 120,
      uuid: '4ad32e92-ea14-4caf-813a-3927898f4159',
      number: '12/ZAL/05/2023',
      invoice_date: '2023-05-09',
      advance_price: 40000,
    },
  ],
  services: [
    {
      id: 146,
      name: 'Przykładowa Usługa',
      tax_symbol: '23',
      unit: '',
      quantity: 1,
      unit_net_price: 10000,
      net_price: 10000,
      gross_price: 12300,
      tax_price: 2300,
      symbol: '84.11.12.0 / - / -',
      pkwiu: '84.11.12.0',
      cn: null,
      pkob: null,
      discount: '0.0',
      unit_net_price_before_discount: 10000,
      gtu_id: null,
    },
  ],
};

/** An invoice under a margin procedure, in the shape of the vendor's example. */
const usedLaptop = {
  id: 99,
  uuid: 'd9c0091e-e58a-47bd-8053-1160401e075f',
  number: '12/MAR/04/2023',
  kind: 'margin',
  currency: 'PLN',
  paid_price: 0,
  paid_date: null,
  gross_price: 12000,
  left_to_pay: 12000,
  payment_date: '2023-05-13',
  margin_kind: 'Procedura marży – towary używane',
  margin_amount_price: 2000,
  payment_method: 'cash',
  recipient_signature: '',
  seller_signature: 'Jan Kowalski',
  invoice_date: '2023-04-29',
  sale_date: '2023-04-29',
  status: 'draft',
  ...client,
  ...seller,
  document_markings_ids: ['6'],
  notes: null,
  services: [
    {
      id: 118,
      name: 'używany laptop',
      unit: '',
      quantity: 1,
      gross_with_margin_amount_price: 12000,
      margin_amount_price: 2000,
    },
  ],
};

const isUnset = (value: unknown): boolean => value === null || value === '';

test('an advance says when and how much was received, which advances came before, and what its order comes to', () => {
  const { consumed } = createVendorStream(advanceInvoices).shows([secondAdvance]);
  expect(consumed).toMatchObject([
    {
      topic: 'advance-invoices',
      key: { entity: 'alfa', id: 121 },
      value: {
        uuid: secondAdvance.uuid,
        kind: 'advance',
        advance_date: '2023-05-08',
        advance_price: 40000,
        net_price: 10000,
        tax_price: 2300,
        gross_price: 12300,
        left_to_pay: -67700,
        not_income: true,
        previous_advance_id: 120,
        services: [{ quantity: '1', net_price: 10000, tax_price: 2300, gross_price: 12300, extra: null }],
        extra: null,
      },
    },
  ]);
  const { previous_advances: previous } = consumed[0]?.value as { readonly previous_advances: string };
  expect(JSON.parse(previous)).toEqual(secondAdvance.previous_advances);
});

test('a margin invoice has a gross total and a margin, and neither net nor VAT', () => {
  const { consumed } = createVendorStream(marginInvoices).shows([usedLaptop]);
  expect(consumed).toMatchObject([
    {
      topic: 'margin-invoices',
      key: { entity: 'alfa', id: 99 },
      value: {
        kind: 'margin',
        margin_kind: 'Procedura marży – towary używane',
        margin_kind_symbol: null,
        gross_price: 12000,
        margin_amount_price: 2000,
        left_to_pay: 12000,
        document_markings_ids: ['6'],
        services: [{ quantity: '1', gross_with_margin_amount_price: 12000, margin_amount_price: 2000, extra: null }],
        extra: null,
      },
    },
  ]);
  for (const field of ['net_price', 'tax_price']) expect(consumed[0]?.value).not.toHaveProperty(field);
});

let ids = 0;
const orders = Array.from({ length: 8 }, (_each, index) =>
  orderRows(createRandom(index), {
    index,
    firstDay: 20_000 + index,
    lastDay: 20_100,
    client: null,
    nextId: () => (ids += 1),
    numberOf: (day, prefix) => `${prefix}${day}`,
    lineIds: () => 1,
  }),
);
const margins = Array.from({ length: 8 }, (_each, index) =>
  marginRow(createRandom(index), {
    id: index + 1,
    index,
    number: '',
    createdDay: 20_000,
    invoiceDay: 20_000,
    lastDay: 20_000,
    client: null,
    firstLineId: 1,
  }),
);

const made: readonly (readonly [StreamDeclaration, readonly JsonObject[]])[] = [
  [advanceInvoices, orders.flatMap(({ advances }) => advances)],
  [finalInvoices, orders.flatMap(({ final }) => (final === null ? [] : [final]))],
  [marginInvoices, margins],
];

describe.each(made)('$name', (declaration, rows) => {
  test('has a column for every field that a row shows, and says nothing of a row that shows the same again', () => {
    const stream = createVendorStream(declaration);
    const { consumed } = stream.shows(rows);
    expect(consumed).toHaveLength(rows.length);
    for (const [index, row] of rows.entries()) {
      const value = consumed[index]?.value as Readonly<Record<string, unknown>>;
      expect(value['extra']).toBeNull();
      const lost = Object.entries(row).filter(([name, shown]) => !isUnset(shown) && value[name] === null);
      expect(lost).toEqual([]);
    }
    expect(stream.shows(rows).consumed).toEqual([]);
  });

  test('keeps a field that nobody knows in extra, and money that is no integer of grosze is a dead letter', () => {
    const [row = {}] = rows;
    const { consumed } = createVendorStream(declaration).shows([
      { ...row, eco_label: 'zielony', services: [{ id: 1, name: 'x', carbon: { grams: 1250 } }] },
    ]);
    expect(consumed[0]?.value).toMatchObject({
      extra: '{"eco_label":"zielony"}',
      services: [{ extra: '{"carbon":{"grams":1250}}' }],
    });
    const spoilt = createVendorStream(declaration).shows([{ ...row, gross_price: 12.5 }]).consumed;
    expect(spoilt).toMatchObject([{ topic: 'dead-letters', headers: { error_path: 'gross_price' } }]);
  });
});
