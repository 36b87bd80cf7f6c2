import type { StreamDeclaration } from '../../model';

/** The invoices and proformas of a legal entity. Other documents (corrections, advances, ...) are other resources of the API. */
export const invoices: StreamDeclaration = {
  name: 'invoices',
  path: '/invoices.json',
  address: 'uuid',
  detailPath: (uuid) => `/invoices/${encodeURIComponent(uuid)}.json`,
  scopeField: 'invoice_date',
  openField: 'paid_date',
  schema: 'invoice',
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
    kind: ['vat', 'proforma'],
    status: ['draft', 'sent', 'printed', 'paid'],
    'services.tax_symbol': ['23', '8', '5', '0', 'zw', 'np'],
  },
  sumFields: ['net_price', 'tax_price', 'gross_price'],
  hintedNew: ['created', 'paid', 'ksef'],
  projection: { name: 'invoice-lines', field: 'services', schema: 'invoice-line' },
};
