import { createHash } from 'node:crypto';

import { RecordError } from './errors';
import type { Fingerprint } from './ledger';
import type { EntityId, Op, Row, ScanName, StreamDeclaration } from './model';
import { encodedBytes, type OutgoingRecord } from './sinks/kafka';
import { partitionOf } from './sinks/partition';
import type { Definition } from './sinks/state-topic';

/** All that turns rows of one stream of one entity into bytes. */
export interface StreamCodec {
  readonly declaration: StreamDeclaration;
  /** How fingerprints are computed now. */
  readonly definition: Definition;
  /** Computes fingerprints under a definition; undefined where this version of the program no longer can. */
  readonly fingerprintUnder: (definition: Definition) => Fingerprint | undefined;
  /** Normalises a row; throws RecordError where it does not fit the schema. */
  readonly decode: (row: Row, observedAtMs: number) => Record<string, unknown>;
  readonly encode: (record: Record<string, unknown>) => Buffer;
  readonly encodeKey: (key: { readonly entity: EntityId; readonly id: number }) => Buffer;
  /** Days since 1970-01-01 of the scope's date, or NO_DATE. */
  readonly dateOf: (row: Row) => number;
  readonly topic: { readonly name: string; readonly partitions: number; readonly maxMessageBytes: number };
}

/** Where and when a row was read. */
export interface Origin {
  readonly entity: EntityId;
  readonly codec: StreamCodec;
  readonly scan: ScanName;
  readonly observedAtMs: number;
  /** The same as ISO text. */
  readonly observedAt: string;
}

/** What a record batch takes beside its records. */
const BATCH_OVERHEAD_BYTES = 100;
const MAX_DEAD_LETTER_BYTES = 900_000;
/** Key, headers and batch of a dead letter, its error's text above all. */
const DEAD_LETTER_OVERHEAD_BYTES = 4_096;

/** Where rows go that cannot become records. */
export interface DeadLetterTopic {
  readonly name: string;
  readonly partitions: number;
  readonly maxMessageBytes: number;
}

/** The record of a row; throws RecordError where it does not fit the schema or the topic. */
export function recordOf(origin: Origin, row: Row, op: Op, fingerprint: string): OutgoingRecord {
  const { entity, codec, observedAtMs } = origin;
  const { topic } = codec;
  const record = {
    topic: topic.name,
    partition: partitionOf(`${entity}/${row.id}`, topic.partitions),
    key: codec.encodeKey({ entity, id: row.id }),
    value: codec.encode(codec.decode(row, observedAtMs)),
    headers: headers(origin, op, fingerprint),
  };
  const bytes = encodedBytes(record) + BATCH_OVERHEAD_BYTES;
  if (bytes > topic.maxMessageBytes) {
    throw new RecordError(
      `publishing ${codec.declaration.name} ${row.id} of ${entity}: expected at most ${topic.maxMessageBytes} bytes (max.message.bytes of ${topic.name}), got ${bytes}`,
      { path: '', entity, stream: codec.declaration.name },
    );
  }
  return record;
}

/** The dead letter of a row, raw: keyed as the row's record would be, or by nothing where the row has no id. */
export function deadLetterOf(
  origin: Origin,
  row: unknown,
  { id, error, fingerprint }: { readonly id: number | null; readonly error: RecordError; readonly fingerprint: string },
  topic: DeadLetterTopic,
): OutgoingRecord {
  const { entity, codec } = origin;
  const whole = Buffer.from(JSON.stringify(row));
  const most = Math.min(MAX_DEAD_LETTER_BYTES, topic.maxMessageBytes - DEAD_LETTER_OVERHEAD_BYTES);
  const cut = whole.length > most;
  return {
    topic: topic.name,
    partition: partitionOf(`${entity}/${id ?? fingerprint}`, topic.partitions),
    key: id === null ? null : codec.encodeKey({ entity, id }),
    value: cut ? whole.subarray(0, Math.max(0, most)) : whole,
    headers: {
      ...headers(origin, 'r', fingerprint),
      error: error.message,
      error_path: error.path,
      ...(cut
        ? { cut_from_bytes: String(whole.length), sha256: createHash('sha256').update(whole).digest('hex') }
        : {}),
    },
  };
}

function headers({ entity, codec, scan, observedAt }: Origin, op: Op, fingerprint: string): OutgoingRecord['headers'] {
  return {
    entity,
    stream: codec.declaration.name,
    op,
    scan,
    observed_at: observedAt,
    fingerprint,
  };
}
