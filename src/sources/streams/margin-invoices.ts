import type { StreamDeclaration } from '../../model';
import { salesDocuments } from './sales-documents';

/** The invoices of a legal entity under a margin procedure: they have a gross total and a margin, and neither net nor VAT of their own. */
export const marginInvoices: StreamDeclaration = {
  ...salesDocuments('margin-invoices', ['margin']),
  schema: 'margin-invoice',
  everyRowHas: ['status', 'currency', 'invoice_date', 'gross_price', 'margin_amount_price'],
  documentedValues: { kind: ['margin'], status: ['draft', 'sent', 'printed', 'paid'] },
  sumFields: ['gross_price'],
  projection: null,
  isOptional: true,
};
