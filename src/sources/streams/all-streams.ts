import type { StreamDeclaration } from '../../model';
import { advanceInvoices } from './advance-invoices';
import { clients } from './clients';
import { correctiveInvoices } from './corrective-invoices';
import { correctiveOssInvoices } from './corrective-oss-invoices';
import { DICTIONARIES } from './dictionaries';
import { finalInvoices } from './final-invoices';
import { invoices } from './invoices';
import { KSEF } from './ksef';
import { marginInvoices } from './margin-invoices';
import { ossInvoices } from './oss-invoices';

/** Every stream that this program can read. */
export const allStreams: readonly StreamDeclaration[] = [
  clients,
  invoices,
  correctiveInvoices,
  advanceInvoices,
  finalInvoices,
  marginInvoices,
  ossInvoices,
  correctiveOssInvoices,
];

/** The streams that are read of an entity whose file names none. */
export const usualStreams: readonly StreamDeclaration[] = allStreams.filter(({ isOptional }) => isOptional !== true);

/** The names of everything that is published beside the streams where the configuration asks for it. */
export const projectionNames: readonly string[] = [
  ...allStreams.flatMap(({ projection }) => (projection === null ? [] : [projection.name])),
  KSEF,
  DICTIONARIES,
];
