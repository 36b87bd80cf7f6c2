import type { StreamDeclaration } from '../../model';

/** The advance invoices of a legal entity: `advance_price` was received on `advance_date`, and the totals seem to be of the whole order. */
export const advanceInvoices: StreamDeclaration = {
  name: 'advance-invoices',
  path: '/advance_invoices.json',
  address: 'uuid',
  detailPath: (uuid) => `/advance_invoices/${encodeURIComponent(uuid)}.json`,
  scopeField: 'invoice_date',
  openField: 'paid_date',
  schema: 'advance-invoice',
  // inFakt moves these without an edit, the first on documents in PLN alone; an edit of one line recreates all of them under new ids.
  volatileFields: ['vat_exchange_date_kind[PLN]', 'extensions', 'services.id'],
  everyRowHas: ['status', 'currency', 'invoice_date', 'net_price', 'tax_price', 'gross_price'],
  // `ksef_number` and `third_party_addresses` are not here: list rows may have them, and what they say must not be lost.
  detailOnlyFields: [
    'transaction_terms',
    'related_documents',
    'local_government_recipient_address',
    'local_government_seller_address',
    'extensions',
    'ksef_data',
  ],
  documentedValues: {
    kind: ['advance'],
    status: ['draft', 'sent', 'printed', 'paid'],
    'services.tax_symbol': ['23', '8', '5', '0', 'zw', 'np'],
  },
  sumFields: ['net_price', 'tax_price', 'gross_price'],
  hintedNew: ['ksef'],
  projection: null,
  isOptional: true,
};
