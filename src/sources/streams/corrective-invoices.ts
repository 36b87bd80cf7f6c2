import type { StreamDeclaration } from '../../model';
import { detailFields, salesDocuments } from './sales-documents';

/** The corrections of invoices of a legal entity. Nothing of them says when they were created, and a new one may have no uuid yet. */
export const correctiveInvoices: StreamDeclaration = {
  ...salesDocuments('corrective-invoices', ['correction']),
  schema: 'corrective-invoice',
  // Details of corrections were seen without `extensions`.
  volatileFields: ['vat_exchange_date_kind[PLN]', 'services.id'],
  detailOnlyFields: [...detailFields, 'ksef_data'],
  projection: { name: 'corrective-invoice-lines', field: 'services', schema: 'corrective-invoice-line' },
};
