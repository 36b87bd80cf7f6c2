import type { StreamDeclaration } from '../../model';
import { salesDocuments } from './sales-documents';

/** The advance invoices of a legal entity: `advance_price` was received on `advance_date`, and the totals seem to be of the whole order. */
export const advanceInvoices: StreamDeclaration = {
  ...salesDocuments('advance-invoices', ['advance']),
  schema: 'advance-invoice',
  projection: null,
  isOptional: true,
};
