import type { StreamDeclaration } from '../../model';

/** The final invoices of a legal entity, which settle advances; whether their totals include these, the API does not say. */
export const finalInvoices: StreamDeclaration = {
  name: 'final-invoices',
  path: '/final_invoices.json',
  address: 'uuid',
  detailPath: (uuid) => `/final_invoices/${encodeURIComponent(uuid)}.json`,
  scopeField: 'invoice_date',
  openField: 'paid_date',
  schema: 'final-invoice',
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
    kind: ['final'],
    status: ['draft', 'sent', 'printed', 'paid'],
    'services.tax_symbol': ['23', '8', '5', '0', 'zw', 'np'],
  },
  sumFields: ['net_price', 'tax_price', 'gross_price'],
  hintedNew: ['ksef'],
  projection: null,
  isOptional: true,
};
