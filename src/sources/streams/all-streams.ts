import type { StreamDeclaration } from '../../model';
import { clients } from './clients';
import { correctiveInvoices } from './corrective-invoices';
import { invoices } from './invoices';
import { KSEF } from './ksef';

/** Every stream that this program can read. */
export const allStreams: readonly StreamDeclaration[] = [clients, invoices, correctiveInvoices];

/** The names of everything that is published beside the streams where the configuration asks for it. */
export const projectionNames: readonly string[] = [
  ...allStreams.flatMap(({ projection }) => (projection === null ? [] : [projection.name])),
  KSEF,
];
