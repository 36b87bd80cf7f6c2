import type { StreamDeclaration } from '../../model';

/** The clients of a legal entity: list and detail show the same fields, and nothing of a client has a date. */
export const clients: StreamDeclaration = {
  name: 'clients',
  path: '/clients.json',
  address: 'id',
  detailPath: (id) => `/clients/${encodeURIComponent(id)}.json`,
  scopeField: null,
  openField: null,
  schema: 'client',
  // Derived by inFakt: they move without an edit.
  volatileFields: ['is_vindicable', 'vindicable_invoices_count'],
  everyRowHas: ['company_name', 'nip', 'city', 'country'],
  detailOnlyFields: [],
  documentedValues: {},
  sumFields: [],
  projection: null,
};
