import { asyncScheduler, type MonoTypeOperatorFunction, retry, type SchedulerLike, throwError, timer } from 'rxjs';
import { TransientError } from '../errors';

/** How often something is tried, and how long to wait in between. */
export interface BackoffPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** The wait before retry 1, 2, ...; what the other side asked for (`retryAfterMs`) goes before it. */
  readonly waitMs: (retry: number) => number;
  readonly scheduler?: SchedulerLike;
}

/** Resubscribes after transient failures, waiting longer each time. Any other error passes straight through. */
export function retryWithBackoff<T>({
  attempts,
  waitMs,
  scheduler = asyncScheduler,
}: BackoffPolicy): MonoTypeOperatorFunction<T> {
  return retry({
    count: attempts - 1,
    delay: (error: Error, retries) =>
      error instanceof TransientError
        ? timer(error.retryAfterMs ?? waitMs(retries), scheduler)
        : throwError(() => error),
  });
}

/** Waits drawn evenly between nothing and a ceiling that doubles with each retry, so that many callers spread out. */
export function fullJitter({
  firstMs,
  maxMs,
  random,
}: {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Evenly from 0 inclusive to 1 exclusive. */
  readonly random: () => number;
}): (retry: number) => number {
  return (retry) => random() * Math.min(maxMs, firstMs * 2 ** (retry - 1));
}
