import type { StreamDeclaration, StreamName } from '../../model';

/** Name of the topic without the prefix, and of the projection that asks for it. */
export const KSEF = 'ksef';

/** The streams whose documents may be in KSeF: those of every sales document but OSS invoices, which cannot be sent there. */
const documents: readonly StreamName[] = [
  'invoices',
  'corrective-invoices',
  'advance-invoices',
  'final-invoices',
  'margin-invoices',
];

/** What KSeF says of the documents of each stream: rows made of their details and remembered by themselves, so that no document changes by them. */
export const ksefStreams: readonly StreamDeclaration[] = documents.map((stream) => ({
  name: ksefNameOf(stream),
  beside: { stream, topic: KSEF },
  // Nothing is asked for by these: the documents are, by their own streams.
  path: '',
  address: 'id',
  detailPath: () => '',
  scopeField: null,
  openField: null,
  schema: 'ksef',
  // The same state is the same wherever it was read.
  volatileFields: ['read_from'],
  everyRowHas: [],
  detailOnlyFields: [],
  documentedValues: { status: ['pending', 'sent', 'success', 'error', 'rejected'] },
  sumFields: [],
  projection: null,
}));

/** The name under which the state in KSeF of a stream's documents is remembered. */
export function ksefNameOf(stream: StreamName): StreamName {
  return `${KSEF}/${stream}`;
}

/** The stream of a declaration's documents in KSeF; undefined = KSeF knows none of them. */
export function ksefStreamOf(stream: StreamName): StreamDeclaration | undefined {
  return ksefStreams.find(({ beside }) => beside?.stream === stream);
}
