import type { StreamDeclaration } from '../../model';
import { ossInvoices } from './oss-invoices';

/** The corrections of OSS invoices: unlike these they have a uuid and their lines in the list. */
export const correctiveOssInvoices: StreamDeclaration = {
  ...ossInvoices,
  name: 'corrective-oss-invoices',
  path: '/corrective_oss_invoices.json',
  address: 'uuid',
  detailPath: (uuid) => `/corrective_oss_invoices/${encodeURIComponent(uuid)}.json`,
  schema: 'corrective-oss-invoice',
  detailOnlyFields: [],
};
