import { createLedger, type Ledger } from '../changes/ledger';
import type { StreamCodec } from '../changes/records';
import type { EntitiesCodec } from '../changes/reports';
import { ConfigError } from '../errors';
import type { EntityId, StreamName } from '../model';
import type { ShardOptions } from '../shard/shard-options';
import type { OutgoingRecord, StateRecord, StoredRecord, Writer } from '../sinks/transaction';
import { refuseOlderOffsets, withTopicsOf } from '../state/layout';
import { StoredState } from '../state/read-state';
import { parseStateValue, stateKey, type Layout, type StateKey } from '../state/state-topic';
import type { TakenMemory } from '../state/take-shard';

/** One transaction of a change, beside the ledger blocks that it changed. */
export interface ChangeStep {
  readonly records: readonly OutgoingRecord[];
  /** Keys of the state topic that go. */
  readonly removed: readonly string[];
}

/** One stream of the entity: how its rows are published, and the ledger of what was. */
export interface RememberedStream {
  readonly name: StreamName;
  /** Its keys are written by the schemas that the shard's layout names. */
  codec: StreamCodec;
  readonly ledger: Ledger;
}

/** What a shard remembers of one entity. */
export interface EntityState {
  readonly entity: EntityId;
  readonly streams: readonly RememberedStream[];
  /** How the record of the entity itself is written. */
  readonly entities: () => EntitiesCodec;
  /** The shard's keys in the state topic as they are now, with what each stands for; those of other entities too. */
  readonly keys: () => ReadonlyMap<string, StateKey>;
  /** The time to write into records: it never decreases within a shard. */
  observe(): number;
}

/** What was read of the shard so far; of the other entities only the keys. */
export class EntityMemory implements TakenMemory {
  readonly state: EntityState;
  /** Transactions that stand. */
  steps = 0;
  readonly #shard: ShardOptions;
  readonly #stored: StoredState;
  /** The newest layout that was read, with what this process noted since. */
  #layout: Layout | null = null;

  constructor(entity: EntityId, shard: ShardOptions) {
    const streams = shard.streams.map(({ codec }): RememberedStream => ({
      name: codec.declaration.name,
      codec,
      ledger: createLedger({ entity, stream: codec.declaration.name }),
    }));
    const { serviceId, stateTopic: topic, decodeBlock } = shard;
    const ledgerOf = (of: EntityId, stream: StreamName): Ledger | undefined =>
      of === entity ? streams.find(({ name }) => name === stream)?.ledger : undefined;
    this.#stored = new StoredState({ serviceId, topic, decodeBlock, ledgerOf }, shard.number);
    this.#shard = shard;
    this.state = {
      entity,
      streams,
      entities: () => shard.entities.withKeysOf(this.#layout?.keySchemas ?? {}),
      keys: () => this.#stored.keys(),
      observe: () => this.#observe(),
    };
  }

  beginReading(): number {
    for (const { ledger } of this.state.streams) ledger.rollback();
    return this.#stored.beginReading();
  }

  apply(record: StoredRecord): StateKey {
    const key = this.#stored.apply(record);
    if ('layout' in key && record.value !== null)
      this.#layout = withTopicsOf(parseStateValue('layout', record.value), this.#shard.layout);
    return key;
  }

  endReading(): void {
    this.#stored.endReading();
    for (const stream of this.state.streams) {
      stream.ledger.loaded();
      if (this.#layout !== null) stream.codec = stream.codec.withKeysOf(this.#layout.keySchemas);
    }
  }

  restored(): Layout {
    this.endReading();
    return this.#layoutOrThrow();
  }

  /** Commits one step of a change with the ledger blocks that it changed. */
  async commit(writer: Writer, { records, removed }: ChangeStep): Promise<void> {
    const { encodeBlock, number, serviceId, stateTopic } = this.#shard;
    const { entity, streams } = this.state;
    const layout = this.#layoutOrThrow();
    const state: StateRecord[] = removed.map((key) => ({ key, value: null }));
    state.push({ key: stateKey(serviceId, { layout: true }), value: JSON.stringify(layout) });
    for (const { name, ledger } of streams) {
      for (const block of ledger.take())
        state.push({
          key: stateKey(serviceId, { entity, stream: name, block: block.from }),
          value: encodeBlock(block),
        });
    }
    const outcome = await writer.commit({ state, records });
    if (outcome.kind !== 'committed') throw outcome.error;
    this.steps += 1;
    for (const { ledger } of streams) ledger.settle();
    refuseOlderOffsets(layout.lastOffsets, outcome.lastOffsets);
    this.#stored.wrote(state, outcome.lastOffsets.get(stateTopic)?.get(number));
    const lastOffsets = { ...layout.lastOffsets };
    for (const topic of Object.keys(layout.partitions)) {
      const ends = outcome.lastOffsets.get(topic);
      if (ends !== undefined) lastOffsets[topic] = { ...lastOffsets[topic], ...Object.fromEntries(ends) };
    }
    this.#layout = { ...layout, lastOffsets };
  }

  #observe(): number {
    const layout = this.#layoutOrThrow();
    const observedAt = Math.max(layout.observedAt, this.#shard.now());
    this.#layout = { ...layout, observedAt };
    return observedAt;
  }

  #layoutOrThrow(): Layout {
    const { number, stateTopic } = this.#shard;
    if (this.#layout === null)
      throw new ConfigError(
        `reading partition ${number} of ${stateTopic}: expected a layout record, got none; its beginning was lost, or nothing was published yet`,
      );
    return this.#layout;
  }
}
