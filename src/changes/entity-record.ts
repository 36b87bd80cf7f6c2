import type { EntityId, Op } from '../model';
import { partitionOf } from '../sinks/partition';
import type { OutgoingRecord } from '../sinks/transaction';
import type { EntitiesCodec } from './records';

/** What is known of an entity's account, as its record says. */
interface ShownAccount {
  readonly taxId: string | null;
  readonly name: string | null;
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
