import type { StreamDeclaration } from '../../model';

/** The invoices of a legal entity under a margin procedure: they have a gross total and a margin, and neither net nor VAT of their own. */
export const marginInvoices: StreamDeclaration = {
  name: 'margin-invoices',
  path: '/margin_invoices.json',
  address: 'uuid',
  detailPath: (uuid) => `/margin_invoices/${encodeURIComponent(uuid)}.json`,
  scopeField: 'invoice_date',
  openField: 'paid_date',
  schema: 'margin-invoice',
  // inFakt moves these without an edit, the first on documents in PLN alone; an edit of one line recreates all of them under new ids.
  volatileFields: ['vat_exchange_date_kind[PLN]', 'extensions', 'services.id'],
  everyRowHas: ['status', 'currency', 'invoice_date', 'gross_price', 'margin_amount_price'],
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
    kind: ['margin'],
    status: ['draft', 'sent', 'printed', 'paid'],
  },
  sumFields: ['gross_price'],
  hintedNew: ['ksef'],
  projection: null,
  isOptional: true,
};
