import { asyncScheduler, type MonoTypeOperatorFunction, retry, type SchedulerLike, throwError, timer } from 'rxjs';

/** How often something is tried, and how long to wait in between. */
export interface BackoffPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
  /** The wait before retry 1, 2, ... after this error. */
  readonly waitMs: (error: unknown, retry: number) => number;
  /** Whether the same may succeed if it is tried again. */
  readonly mayPass: (error: unknown) => boolean;
  readonly scheduler?: SchedulerLike;
}

/** Resubscribes after failures that may pass, waiting as the policy says. Any other error passes straight through. */
export function retryWithBackoff<T>({
  attempts,
  waitMs,
  mayPass,
  scheduler = asyncScheduler,
}: BackoffPolicy): MonoTypeOperatorFunction<T> {
  return retry({
    count: attempts - 1,
    delay: (error: unknown, retries) =>
      mayPass(error) ? timer(waitMs(error, retries), scheduler) : throwError(() => error),
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
