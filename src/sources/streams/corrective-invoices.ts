import type { StreamDeclaration } from '../../model';

/** The corrections of invoices of a legal entity. Nothing of them says when they were created, and a new one may have no uuid yet. */
export const correctiveInvoices: StreamDeclaration = {
  name: 'corrective-invoices',
  path: '/corrective_invoices.json',
  address: 'uuid',
  detailPath: (uuid) => `/corrective_invoices/${encodeURIComponent(uuid)}.json`,
  scopeField: 'invoice_date',
  openField: 'paid_date',
  schema: 'corrective-invoice',
  // inFakt moves the first without an edit on documents in PLN; an edit of one line recreates all of them under new ids.
  volatileFields: ['vat_exchange_date_kind[PLN]', 'services.id'],
  everyRowHas: ['status', 'currency', 'invoice_date', 'net_price', 'tax_price', 'gross_price'],
  // `ksef_number` and `third_party_addresses` are not here: list rows may have them, and what they say must not be lost.
  detailOnlyFields: [
    'transaction_terms',
    'related_documents',
    'local_government_recipient_address',
    'local_government_seller_address',
    'ksef_data',
  ],
  documentedValues: {
    kind: ['correction'],
    status: ['draft', 'sent', 'printed', 'paid'],
    'services.tax_symbol': ['23', '8', '5', '0', 'zw', 'np'],
  },
  sumFields: ['net_price', 'tax_price', 'gross_price'],
  hintedNew: ['ksef'],
  projection: { name: 'corrective-invoice-lines', field: 'services', schema: 'corrective-invoice-line' },
};
