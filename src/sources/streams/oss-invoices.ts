import type { StreamDeclaration } from '../../model';

/**
 * The invoices of a legal entity whose VAT is paid through the One Stop Shop. List rows have neither a uuid nor lines; the uuid by which the
 * API's documents address them is on no row that they show, so a row is asked for by its id.
 */
export const ossInvoices: StreamDeclaration = {
  name: 'oss-invoices',
  path: '/oss_invoices.json',
  address: 'id',
  detailPath: (id) => `/oss_invoices/${encodeURIComponent(id)}.json`,
  scopeField: 'issue_date',
  // Nothing of a row says whether it was paid.
  openField: null,
  schema: 'oss-invoice',
  volatileFields: ['services.id'],
  everyRowHas: ['number', 'currency', 'issue_date', 'net_price', 'tax_price', 'gross_price'],
  detailOnlyFields: ['services'],
  documentedValues: {
    service_type: ['electronic', 'broadcasting', 'telecommunications', 'real_estate'],
    sale_type: ['service', 'merchandise'],
  },
  sumFields: ['net_price', 'tax_price', 'gross_price'],
  projection: null,
  isOptional: true,
};
