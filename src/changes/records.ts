import { createHash } from 'node:crypto';

import { RecordError } from '../errors';
import type { Decode, Decoded } from './decode';
import type { DriftSink } from './drift';
import { isObject, jsonText } from '../json';
import type { Fingerprint } from './fingerprint';
import type { EntityId, Interval, Op, RawBody, Row, ScanName, StreamDeclaration } from '../model';
import { encodedBytes } from '../sinks/record-size';
import type { OutgoingRecord } from '../sinks/transaction';
import { partitionOf } from '../sinks/partition';
import type { Definition, Layout } from '../state/state-topic';

/** All that turns rows of one stream of one entity into bytes. */
export interface StreamCodec {
  readonly declaration: StreamDeclaration;
  /** How fingerprints are computed now. */
  readonly definition: Definition;
  /** What records name this definition by: the same number in every shard and service. */
  readonly definitionNumber: number;
  /** Computes fingerprints under a definition; undefined where this version of the program no longer can. */
  readonly fingerprintUnder: (definition: Definition) => Fingerprint | undefined;
  /** Normalises a row; throws RecordError where what must fit the schema does not. */
  readonly decode: Decode;
  readonly encode: (record: Record<string, unknown>) => Buffer;
  readonly encodeKey: (key: { readonly entity: EntityId; readonly id: number }) => Buffer;
  /** Days since 1970-01-01 of the scope's date, or NO_DATE. */
  readonly dateOf: (row: Row) => number;
  readonly topic: OutputTopic;
  /** How the lines of a row are published; null = the stream has none, or the configuration does not ask for them. */
  readonly lines: LinesCodec | null;
  /** How lines published earlier are removed, also where the configuration no longer asks for lines; null = their topic does not exist. */
  readonly formerLines: LinesCodec | null;
  /** The same codec with the keys, those of the lines too, written by the schemas that a layout names. */
  readonly withKeysOf: (keySchemas: Layout['keySchemas']) => StreamCodec;
}

/** All that turns the lines of a normalised row into bytes. */
export interface LinesCodec {
  /** Name of the topic without the prefix. */
  readonly name: string;
  /** The array in the row. */
  readonly field: string;
  /** The lines in a row as the API sent it. */
  readonly count: (row: Row) => number;
  /** The lines of a normalised row. */
  readonly of: (record: Readonly<Record<string, unknown>>) => readonly Readonly<Record<string, unknown>>[];
  readonly encode: (record: Record<string, unknown>) => Buffer;
  readonly encodeKey: (key: {
    readonly entity: EntityId;
    readonly invoice_id: number;
    readonly line_no: number;
  }) => Buffer;
  readonly topic: OutputTopic;
}

/** A topic that records go to. */
export interface OutputTopic {
  readonly name: string;
  readonly partitions: number;
  readonly maxMessageBytes: number;
}

/** Where and when a row was read. */
export interface Origin {
  readonly entity: EntityId;
  readonly codec: StreamCodec;
  readonly scan: ScanName;
  readonly observedAtMs: number;
  /** `observedAtMs` as ISO text. */
  readonly observedAt: string;
  /** Takes in what of the row is not documented. */
  readonly drift?: DriftSink;
}

/** Bytes that a record batch takes beside its records. */
export const BATCH_OVERHEAD_BYTES = 100;
/** The greatest number of lines that an entry of the ledger can hold. */
const MAX_LINES = 65_535;
const MAX_DEAD_LETTER_BYTES = 900_000;
/** Bytes left for key, headers and batch of a dead letter, the text of the error above all. */
const DEAD_LETTER_OVERHEAD_BYTES = 4_096;

/** How the rows of a stream are published: the record of the row, then those of its lines where they are asked for. */
export interface Publication {
  readonly row: Row;
  readonly op: Op;
  readonly fingerprint: string;
  /** Lines that the topic holds of the row now. */
  readonly linesBefore: number;
}

/** The records of a row; throws RecordError where it does not fit the schema or a topic. */
export function recordsOf(origin: Origin, publication: Publication): readonly OutgoingRecord[] {
  const { entity, codec, observedAtMs } = origin;
  const { row, op, fingerprint } = publication;
  const { topic } = codec;
  const decoded = codec.decode(row, entity, observedAtMs, origin.drift);
  const { misfits } = decoded;
  const record = {
    topic: topic.name,
    partition: partitionOf(`${entity}/${row.id}`, topic.partitions),
    key: codec.encodeKey({ entity, id: row.id }),
    value: codec.encode(Object.assign(decoded.record, carried(codec, fingerprint))),
    headers: withMisfits(headersOfRow(origin, op, fingerprint, row.id), misfits),
  };
  refuseLarger(record, topic, `${codec.declaration.name} ${row.id}`, origin);
  return codec.lines === null ? [record] : [record, ...linesOf(origin, codec.lines, decoded, publication)];
}

/** The records of a row's lines alone; throws RecordError as `recordsOf` does. */
export function lineRecordsOf(origin: Origin, lines: LinesCodec, publication: Publication): readonly OutgoingRecord[] {
  const { entity, codec, observedAtMs } = origin;
  return linesOf(origin, lines, codec.decode(publication.row, entity, observedAtMs), publication);
}

/** The tombstones of a row that was deleted, and of its lines. */
export function tombstonesOf(
  origin: Origin,
  { id, fingerprint, lines }: { readonly id: number; readonly fingerprint: string; readonly lines: number },
): readonly OutgoingRecord[] {
  const { entity, codec } = origin;
  const record = {
    topic: codec.topic.name,
    partition: partitionOf(`${entity}/${id}`, codec.topic.partitions),
    key: codec.encodeKey({ entity, id }),
    value: null,
    headers: headersOfRow(origin, 'd', fingerprint, id),
  };
  const { formerLines } = codec;
  return formerLines === null
    ? [record]
    : [record, ...goneLines(origin, formerLines, { id, fingerprint, from: 0, to: lines })];
}

/** The fields of a record that name its own content, as the entry of the ledger does from then on. */
function carried({ definitionNumber }: StreamCodec, fingerprint: string): Readonly<Record<string, unknown>> {
  return { fingerprint, fingerprint_definition: definitionNumber };
}

/** Records of every line that the row has, and tombstones of the lines that the row had before and has no longer. */
function linesOf(
  origin: Origin,
  lines: LinesCodec,
  { record: decoded, misfits }: Decoded,
  { row: { id }, op, fingerprint, linesBefore }: Publication,
): readonly OutgoingRecord[] {
  const { entity, observedAtMs } = origin;
  const partition = partitionOf(`${entity}/${id}`, lines.topic.partitions);
  const shown = lines.of(decoded);
  if (shown.length > MAX_LINES)
    throw new RecordError(
      `publishing ${lines.name} ${id} of ${entity}: expected at most ${MAX_LINES} lines, got ${shown.length}`,
      { path: '', entity, stream: origin.codec.declaration.name },
    );
  const all = shown.map((line, index) => {
    const key = { entity, invoice_id: id, line_no: index + 1 };
    const isNew = op === 'u' && index >= linesBefore;
    const record = {
      topic: lines.topic.name,
      partition,
      key: lines.encodeKey(key),
      value: lines.encode({ ...line, ...key, observed_at: observedAtMs, ...carried(origin.codec, fingerprint) }),
      headers: withMisfits(
        headers(origin, lines.name, isNew ? 'c' : op, fingerprint, `${id}/${index + 1}`),
        misfitsOfLine(line, lines.field, misfits),
      ),
    };
    refuseLarger(record, lines.topic, `${lines.name} ${id}, line ${index + 1}`, origin);
    return record;
  });
  return [...all, ...goneLines(origin, lines, { id, fingerprint, from: all.length, to: linesBefore })];
}

function goneLines(
  origin: Origin,
  lines: LinesCodec,
  {
    id,
    fingerprint,
    from,
    to,
  }: { readonly id: number; readonly fingerprint: string; readonly from: number; readonly to: number },
): readonly OutgoingRecord[] {
  const { entity } = origin;
  return Array.from({ length: Math.max(0, to - from) }, (_, index) => ({
    topic: lines.topic.name,
    partition: partitionOf(`${entity}/${id}`, lines.topic.partitions),
    key: lines.encodeKey({ entity, invoice_id: id, line_no: from + index + 1 }),
    value: null,
    headers: headers(origin, lines.name, 'd', fingerprint, `${id}/${from + index + 1}`),
  }));
}

function refuseLarger(record: OutgoingRecord, topic: OutputTopic, what: string, { entity, codec }: Origin): void {
  const bytes = encodedBytes(record) + BATCH_OVERHEAD_BYTES;
  if (bytes > topic.maxMessageBytes) {
    throw new RecordError(
      `publishing ${what} of ${entity}: expected at most ${topic.maxMessageBytes} bytes (max.message.bytes of ${topic.name}), got ${bytes}`,
      { path: '', entity, stream: codec.declaration.name },
    );
  }
}

/** The dead letter of a row, raw, with the `op` that the record would have had; the key is that of the row's record, or null where the row has no id. */
export function deadLetterOf(
  origin: Origin,
  row: unknown,
  {
    id,
    error,
    fingerprint,
    op,
  }: { readonly id: number | null; readonly error: RecordError; readonly fingerprint: string; readonly op: Op },
  topic: OutputTopic,
): OutgoingRecord {
  const bytes = Buffer.from(jsonText(row));
  const about = { error: error.message, error_path: error.path };
  return letterOf(origin, { id, op, fingerprint, bytes, about }, topic);
}

/** A dead letter of what a row's page was answered with, as nobody can read that row: no key, the bytes as they came, the ids around it. */
export function unreadableLetterOf(
  origin: Origin,
  { body: { bytes, status }, gap, fingerprint, message }: UnreadableLetter,
  topic: OutputTopic,
): OutgoingRecord {
  const about = {
    error: message,
    error_path: '',
    after_id: gap.after === null ? '' : String(gap.after),
    before_id: gap.upTo === null ? '' : String(gap.upTo + 1),
    status: status === null ? '' : String(status),
  };
  return letterOf(origin, { id: null, op: 'r', fingerprint, bytes, about }, topic);
}

/** What a dead letter holds, and what its headers say beside those of every record. */
interface Letter {
  readonly id: number | null;
  readonly op: Op;
  readonly fingerprint: string;
  readonly bytes: Buffer;
  readonly about: OutgoingRecord['headers'];
}

/** A dead letter, cut where it is larger than its topic takes. */
function letterOf(
  origin: Origin,
  { id, op, fingerprint, bytes, about }: Letter,
  { name, partitions, maxMessageBytes }: OutputTopic,
): OutgoingRecord {
  const { entity, codec } = origin;
  const most = Math.max(0, Math.min(MAX_DEAD_LETTER_BYTES, maxMessageBytes - DEAD_LETTER_OVERHEAD_BYTES));
  const isCut = bytes.length > most;
  return {
    topic: name,
    partition: partitionOf(`${entity}/${id ?? fingerprint}`, partitions),
    key: id === null ? null : codec.encodeKey({ entity, id }),
    value: isCut ? bytes.subarray(0, most) : bytes,
    headers: {
      ...headersOfRow(origin, op, fingerprint, id),
      ...about,
      ...(isCut && { cut_from_bytes: String(bytes.length), sha256: createHash('sha256').update(bytes).digest('hex') }),
    },
  };
}

/** A row that could not be read, with what is known of it. */
export interface UnreadableLetter {
  readonly body: RawBody;
  readonly gap: Interval;
  readonly fingerprint: string;
  readonly message: string;
}

function withMisfits(about: OutgoingRecord['headers'], misfits: readonly string[]): OutgoingRecord['headers'] {
  return misfits.length === 0 ? about : { ...about, misfits: misfits.join(',') };
}

/** Those of a row's misfits that are in this line, which keeps the values of its own. */
function misfitsOfLine(
  { extra }: Readonly<Record<string, unknown>>,
  field: string,
  misfits: readonly string[],
): readonly string[] {
  if (misfits.length === 0 || typeof extra !== 'string') return [];
  const kept: unknown = JSON.parse(extra);
  const prefix = `${field}.`;
  return misfits
    .filter((misfit) => misfit.startsWith(prefix))
    .map((misfit) => misfit.slice(prefix.length))
    .filter((name) => isObject(kept) && Object.hasOwn(kept, name));
}

/** The headers of a row's record, of its tombstone, and of its dead letter; `id` null = the row has none. */
function headersOfRow(origin: Origin, op: Op, fingerprint: string, id: number | null): OutgoingRecord['headers'] {
  const { name, beside, dictionary } = origin.codec.declaration;
  const shared = beside ?? dictionary;
  if (shared === undefined) return headers(origin, name, op, fingerprint, id);
  const part = 'kind' in shared ? shared.kind : shared.stream;
  return headers(origin, shared.topic, op, fingerprint, id === null ? null : `${part}/${id}`);
}

/** The headers of a record; `id` is what its key says beside the entity, readable at a console, and null where there is no key. */
function headers(
  { entity, scan, observedAt }: Origin,
  stream: string,
  op: Op,
  fingerprint: string,
  id: number | string | null,
): OutgoingRecord['headers'] {
  // Two literals: V8 makes a spread object slowly, and each row has one of these.
  return id === null
    ? { entity, stream, op, scan, observed_at: observedAt, fingerprint }
    : { id: `${entity}/${id}`, entity, stream, op, scan, observed_at: observedAt, fingerprint };
}
