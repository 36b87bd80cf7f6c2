import type { StreamDeclaration } from '../../model';
import { advanceInvoices } from './advance-invoices';
import { clients } from './clients';
import { correctiveInvoices } from './corrective-invoices';
import { finalInvoices } from './final-invoices';
import { invoices } from './invoices';
import { marginInvoices } from './margin-invoices';

/** Every stream that this program can read. */
export const allStreams: readonly StreamDeclaration[] = [
  clients,
  invoices,
  correctiveInvoices,
  advanceInvoices,
  finalInvoices,
  marginInvoices,
];

/** The streams that are read of an entity whose file names none. */
export const usualStreams: readonly StreamDeclaration[] = allStreams.filter(({ isOptional }) => isOptional !== true);
