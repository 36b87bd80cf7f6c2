import type { StreamDeclaration } from '../../model';
import { clients } from './clients';
import { correctiveInvoices } from './corrective-invoices';
import { invoices } from './invoices';

/** Every stream that this program can read. */
export const allStreams: readonly StreamDeclaration[] = [clients, invoices, correctiveInvoices];
