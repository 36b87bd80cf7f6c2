import type { EntityId, StreamName } from '../model';
import type { Progress } from '../reading/progress';
import type { Freshness } from '../rules/completeness';
import type { RequestPace } from '../sources/budget';
import type { RequestAttempt } from '../sources/rest';

/**
 * How a shard is lost. By a refusal it is a batch alone, and the shard goes on in smaller pieces until the row that is refused alone is known. A
 * parked shard has a fault in its state or its reading that concerns no other shard.
 */
export type LossKind = 'refused' | 'lost' | 'parked';

/** How old what is known of one stream is. */
export interface StreamFreshness extends Freshness {
  readonly entity: EntityId;
  readonly stream: StreamName;
}

/** What happens in a run, in the order in which it does: the log, the report of `once` and whatever else looks on listen to this alone. */
export type ServiceEvent =
  | Progress
  /** One try of one request to the API has ended. */
  | ({ readonly kind: 'request' } & RequestAttempt)
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
      readonly streams: readonly StreamFreshness[];
    }
  /** The group was not heard of for a while, or with null it is heard again. */
  | { readonly kind: 'contact'; readonly failure: Error | null }
  /** The group gives this replica some shards, takes others away, or both. */
  | {
      readonly kind: 'shards';
      readonly taken: readonly number[];
      readonly givenUp: readonly number[];
      /** Those that are read in the shards taken. */
      readonly entities: readonly EntityId[];
      /** How many shards this replica has now, of how many. */
      readonly owned: number;
      readonly of: number;
    }
  /** The entities' files were changed, and act from now on; each list has entities that are enabled, or were. */
  | {
      readonly kind: 'entities';
      readonly added: readonly EntityId[];
      readonly changed: readonly EntityId[];
      readonly removed: readonly EntityId[];
    }
  /** The run waits for somebody else before it begins, or with null no longer. */
  | { readonly kind: 'waiting'; readonly wait: { readonly forWhom: string; readonly untilMs: number } | null }
  /** Something around the service is not as it should be, and the run goes on all the same. */
  | { readonly kind: 'surroundings'; readonly about: string };

/** Tells everyone who looks on of an event. */
export type Emit = (event: ServiceEvent) => void;
