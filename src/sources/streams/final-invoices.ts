import type { StreamDeclaration } from '../../model';
import { salesDocuments } from './sales-documents';

/** The final invoices of a legal entity, which settle advances; whether their totals include these, the API does not say. */
export const finalInvoices: StreamDeclaration = {
  ...salesDocuments('final-invoices', ['final']),
  schema: 'final-invoice',
  projection: null,
  isOptional: true,
};
