import type { Cursor, EntityId, Op } from '../model';
import { unreadableRows, type Completeness } from '../rules/completeness';
import { MAX_SUMS } from '../rules/cursor';
import { partitionOf } from '../sinks/partition';
import { encodedBytes } from '../sinks/record-size';
import type { OutgoingRecord } from '../sinks/transaction';
import type { Layout, ShownAccount } from '../state/state-topic';
import { dayOrNull, isExact } from './kinds';
import type { Living } from './living';
import { BATCH_OVERHEAD_BYTES, type Origin, type OutputTopic } from './records';

/** All that turns what the service itself says into bytes, for one topic. */
export interface ReportCodec<K> {
  readonly encode: (record: Record<string, unknown>) => Buffer;
  readonly encodeKey: (key: K) => Buffer;
  readonly topic: OutputTopic;
  /** The same codec with the keys written by the schema that a layout names. */
  readonly withKeysOf: (keySchemas: Layout['keySchemas']) => ReportCodec<K>;
}

/** All that turns finished sweeps into bytes. */
export type SweepsCodec = ReportCodec<{ readonly entity: EntityId; readonly stream: string }>;

/** All that turns what is known of an entity's account into bytes. */
export type EntitiesCodec = ReportCodec<{ readonly entity: EntityId }>;

/** What the record of a finished sweep says beside the cursor. */
export interface SweepReport {
  readonly sweeps: SweepsCodec;
  readonly strays: number;
  readonly completeness: Omit<Completeness, 'reasons'>;
  /** What is on the topic once the record is. */
  readonly living: Living;
}

/** The record of whose account an entity is; null = the tombstone of an entity that is removed. */
export function entityRecordOf(
  entities: EntitiesCodec,
  entity: EntityId,
  { op, shown, observedAtMs }: { readonly op: Op; readonly shown: ShownAccount | null; readonly observedAtMs: number },
): OutgoingRecord {
  const { topic } = entities;
  return {
    topic: topic.name,
    partition: partitionOf(entity, topic.partitions),
    key: entities.encodeKey({ entity }),
    value:
      shown === null
        ? null
        : entities.encode({ entity, observed_at: observedAtMs, tax_id: shown.taxId, name: shown.name }),
    headers: { id: entity, entity, stream: 'entities', op, observed_at: new Date(observedAtMs).toISOString() },
  };
}

/** The record of a finished sweep; sums that would not fit the topic are left out. */
export function sweepRecordOf(
  origin: Origin,
  cursor: Cursor,
  { sweeps, strays, completeness, living }: SweepReport,
): OutgoingRecord {
  const { entity, codec, observedAt, observedAtMs } = origin;
  const { name: stream, sumFields } = codec.declaration;
  const { number, query, startedAt, finishedAt, totalCount, counts } = cursor;
  const value = {
    entity,
    stream,
    observed_at: observedAtMs,
    number,
    from: dayOrNull(query.from),
    to: dayOrNull(query.to),
    started_at: Date.parse(startedAt),
    finished_at: finishedAt === null ? observedAtMs : Date.parse(finishedAt),
    rows: counts.rows,
    created: counts.created,
    updated: counts.updated,
    deleted: counts.deleted,
    unchanged: counts.unchanged,
    dead_letters: counts.deadLetters,
    strays,
    total_count: totalCount,
    first_read: counts.firstRead,
    republished: counts.republished,
    complete: completeness.complete,
    dead_letters_standing: completeness.deadLetters.length,
    pending: completeness.pending.length,
    unreadable: unreadableRows(completeness.unreadable),
    accepted: completeness.accepted.length,
    hold: completeness.hold,
    living_count: living.count,
    fingerprint_sum: living.sum,
    fingerprint_definition: codec.definitionNumber,
  };
  const key = { entity, stream };
  const record = (sums: readonly Readonly<Record<string, unknown>>[] | null): OutgoingRecord => ({
    topic: sweeps.topic.name,
    partition: partitionOf(`${entity}/${stream}`, sweeps.topic.partitions),
    key: sweeps.encodeKey(key),
    value: sweeps.encode({ ...value, sums, sums_json: sums === null ? null : JSON.stringify(sums) }),
    headers: { id: `${entity}/${stream}`, entity, stream, op: 'c', scan: 'sweep', observed_at: observedAt },
  });
  const isSummed = sumFields.length > 0 && Object.keys(cursor.sums).length < MAX_SUMS;
  const whole = record(isSummed ? sumsOf(cursor, sumFields) : null);
  return encodedBytes(whole) + BATCH_OVERHEAD_BYTES > sweeps.topic.maxMessageBytes ? record(null) : whole;
}

function sumsOf({ sums }: Cursor, sumFields: readonly string[]): readonly Readonly<Record<string, unknown>>[] {
  return Object.entries(sums).map(([key, [rows = 0, ...amounts]]) => {
    const separator = key.indexOf(' ');
    return {
      month: key.slice(0, separator) || null,
      currency: key.slice(separator + 1) || null,
      rows,
      ...Object.fromEntries(
        sumFields.map((field, index) => {
          const amount = amounts[index] ?? 0;
          return [field, isExact(amount) ? amount : null];
        }),
      ),
    };
  });
}
