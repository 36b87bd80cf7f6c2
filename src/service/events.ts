import type { Progress } from '../reading/progress';
import type { RequestPace } from '../sources/budget';
import type { RequestAttempt } from '../sources/rest';

/** What happens in a run, in the order in which it does: the log, the report of `once` and whatever else looks on listen to this alone. */
export type ServiceEvent =
  | Progress
  /** One try of one request to the API has ended. */
  | ({ readonly kind: 'request' } & RequestAttempt)
  /** The API makes all requests slow down, stop or go on. */
  | { readonly kind: 'pace'; readonly pace: RequestPace }
  /** One shard, or with shard null all of Kafka, is given up and opened again after the wait. */
  | { readonly kind: 'lost'; readonly shard: number | null; readonly error: Error; readonly waitMs: number }
  /** The shard is open and restored, or another replica has it: nothing is waited for there any more. */
  | { readonly kind: 'shard-ready'; readonly shard: number }
  /** Something around the service is not as it should be, and the run goes on all the same. */
  | { readonly kind: 'surroundings'; readonly about: string };

/** Tells everyone who looks on of an event. */
export type Emit = (event: ServiceEvent) => void;
