import type { EntityConfig } from '../../config/config';
import type { EntityId, StreamName } from '../model';
import type { Progress } from '../reading/progress';
import type { Freshness, Shortcoming } from '../rules/completeness';
import type { HintOutcome } from '../rules/hints';
import type { Outcome } from '../sinks/transaction';
import type { Allowance, RequestPace } from '../sources/budget';
import type { RequestAttempt } from '../sources/rest';
import type { StreamStatus } from '../status/stream-status';

/**
 * How a shard is lost. By a refusal it is a batch alone, and the shard goes on in smaller pieces until the row that is refused alone is known. A
 * parked shard has a fault in its state or its reading that concerns no other shard.
 */
export type LossKind = 'refused' | 'lost' | 'parked';

/** What a shard that was opened remembers of one stream. */
export interface RestoredStream extends Freshness {
  readonly entity: EntityId;
  readonly stream: StreamName;
  /** What the last finished sweep lacks; none where no sweep has finished. */
  readonly reasons: readonly Shortcoming[];
  /** True until a first sweep has finished. */
  readonly isFirst: boolean;
  /** Rows that its list should have. */
  readonly live: number;
  /** Memory that its ledger takes. */
  readonly ledgerBytes: number;
}

/** What of an entity's file says what is read. */
export type ConfiguredEntity = Pick<EntityConfig, 'id' | 'enabled' | 'streams'>;

/** What happens in a run, in the order in which it does: the log, the report of `once` and whatever else looks on listen to this alone. */
export type ServiceEvent =
  | Progress
  /** One try of one request to the API has ended. */
  | ({ readonly kind: 'request'; readonly allowance: Allowance } & RequestAttempt)
  /** The API makes all requests slow down, stop or go on. */
  | { readonly kind: 'pace'; readonly pace: RequestPace }
  /** One shard, or with shard null all of Kafka, is given up and opened again after the wait. */
  | {
      readonly kind: 'lost';
      readonly shard: number | null;
      readonly error: Error;
      readonly waitMs: number;
      readonly loss: LossKind;
      /** Losses of this kind in a row, this one included. */
      readonly inARow: number;
    }
  /** The shard is open and restored, or another replica has it: nothing is waited for there any more. */
  | {
      readonly kind: 'shard-ready';
      readonly shard: number;
      /** The streams that are read there from now on; none where another replica has the shard. */
      readonly streams: readonly RestoredStream[];
      /** How long it took to fence and restore it; null = another replica has the shard. */
      readonly restoreMs: number | null;
    }
  /** One transaction of a shard has ended. */
  | {
      readonly kind: 'commit';
      readonly shard: number;
      readonly outcome: Outcome['kind'];
      readonly ms: number;
      /** Of topics that consumers read. */
      readonly records: number;
      /** Keys and values of all its records, those of the state topic too. */
      readonly bytes: number;
    }
  /** The status topic says where a stream stands, as the replica with that shard has written, or with null that nothing is told of it any more. */
  | {
      readonly kind: 'status';
      readonly entity: EntityId;
      readonly stream: StreamName;
      readonly shard: number;
      readonly status: StreamStatus | null;
    }
  /** The group was not heard of for a while, or with null it is heard again. */
  | { readonly kind: 'contact'; readonly failure: Error | null }
  /** The group was joined, again after each change of it: it gives this replica some shards, takes others away, both, or neither. */
  | {
      readonly kind: 'shards';
      readonly taken: readonly number[];
      readonly givenUp: readonly number[];
      /** Those that are read in the shards taken. */
      readonly entities: readonly EntityId[];
      /** How many shards this replica has now, of how many. */
      readonly owned: number;
      readonly of: number;
      /** The shards that this replica has now and that hold an entity. */
      readonly used: readonly number[];
      /** All shards that this replica has now. */
      readonly shards: readonly number[];
    }
  /** The entities' files were changed, and act from now on; each list of ids has entities that are enabled, or were. */
  | {
      readonly kind: 'entities';
      readonly added: readonly EntityId[];
      readonly changed: readonly EntityId[];
      readonly removed: readonly EntityId[];
      /** Every entity that has a file now. */
      readonly configured: readonly ConfiguredEntity[];
      /** The digest of these files. */
      readonly entitySet: string;
    }
  /** The run waits for somebody else before it begins, or with null no longer. */
  | { readonly kind: 'waiting'; readonly wait: { readonly forWhom: string; readonly untilMs: number } | null }
  /** What became of one delivery of a webhook; entity "" = there is none of that name. */
  | { readonly kind: 'hint'; readonly entity: EntityId; readonly outcome: HintOutcome }
  /** Something around the service is not as it should be, and the run goes on all the same. */
  | { readonly kind: 'surroundings'; readonly about: string }
  /** A setting has a consequence that a person should know of while it can still be changed. */
  | { readonly kind: 'setting'; readonly about: string };

/** Tells everyone who looks on of an event. */
export type Emit = (event: ServiceEvent) => void;
