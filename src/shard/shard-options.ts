import type { FirstFinders } from '../changes/drift';
import type { OutputTopic, StreamCodec } from '../changes/records';
import type { EntitiesCodec, SweepsCodec } from '../changes/reports';
import type { RowOwners } from '../changes/row-owners';
import type { EntityId, LedgerBlock } from '../model';
import type { Layout } from '../state/state-topic';
import type { TakeShardOptions } from '../state/take-shard';

/** What a shard is made of; everything outside it is passed in. */
export interface ShardOptions extends TakeShardOptions {
  readonly number: number;
  readonly stateTopic: string;
  /** The streams of each configured entity that belongs to this shard. */
  readonly streams: readonly {
    readonly entity: EntityId;
    readonly codec: StreamCodec;
    /** Ids of rows that make no sweep incomplete; none unless given. */
    readonly accepted?: readonly number[];
  }[];
  readonly deadLetters: OutputTopic;
  /** Where the record of a complete sweep goes. */
  readonly sweeps: SweepsCodec;
  /** Where it goes whose account an entity is. */
  readonly entities: EntitiesCodec;
  readonly encodeBlock: (block: LedgerBlock) => Buffer;
  readonly decodeBlock: (bytes: Buffer) => LedgerBlock;
  /** What a new shard writes down about its surroundings. */
  readonly layout: Layout;
  /** Told of the uuid of every row that the shard remembers, by its hash. */
  readonly noteRow?: RowOwners['note'] | undefined;
  /** How far apart two reads must be that prove a row absent; a minute unless given. */
  readonly absentForMs?: number | undefined;
  /** Which stream of the process was the first to show how the API differs; absent = only those of this shard count. */
  readonly driftFinders?: FirstFinders | undefined;
  /** How long a cursor moved by unchanged pages may wait for a commit. */
  readonly idleCommitMs: number;
}
