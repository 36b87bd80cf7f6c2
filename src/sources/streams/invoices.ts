import type { StreamDeclaration } from '../../model';
import { salesDocuments } from './sales-documents';

/** The invoices and proformas of a legal entity. Other documents (corrections, advances, ...) are other resources of the API. */
export const invoices: StreamDeclaration = {
  ...salesDocuments('invoices', ['vat', 'proforma']),
  schema: 'invoice',
  hintedNew: ['created', 'paid', 'ksef'],
  projection: { name: 'invoice-lines', field: 'services', schema: 'invoice-line' },
};
