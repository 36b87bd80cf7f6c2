import {
  asyncScheduler,
  concat,
  map,
  type Observable,
  of,
  type OperatorFunction,
  type SchedulerLike,
  takeUntil,
  throwError,
  timer,
} from 'rxjs';

import { subscribeAgain } from './subscribe-again';

/** What happened to a source that is parked on failure. */
export type ParkEvent<T, E> =
  | { readonly kind: 'value'; readonly value: T }
  /** The source failed and is left alone for so long. */
  | { readonly kind: 'parked'; readonly error: E; readonly waitMs: number }
  /** The wait is over: the source is subscribed to again. */
  | { readonly kind: 'retrying' }
  /** The source failed and is not tried again; the last event. */
  | { readonly kind: 'given-up'; readonly error: E };

/** When and for how long a failing source is left alone. */
export interface ParkPolicy<T, E> {
  /** Which failures park the source; any other error passes straight through. */
  readonly parks: (error: unknown) => error is E;
  /** The wait after the nth failure in a row, and after so many retries in all; null = the source is given up. */
  readonly waitMs: (error: E, failures: number, retries: number) => number | null;
  /** Whether a value shows that the source works, which ends the row of failures; default every value. */
  readonly isProgress?: (value: T) => boolean;
  /** Ends a wait, and with it the whole, without an error. Must emit to late subscribers too: nothing is parked after it. */
  readonly until: Observable<unknown>;
  readonly scheduler?: SchedulerLike;
}

/** Leaves a failing source alone for a while and subscribes to it again, for as long as the policy says; says so in its output. */
export function parkOnFailure<T, E>({
  parks,
  waitMs,
  isProgress = () => true,
  until,
  scheduler = asyncScheduler,
}: ParkPolicy<T, E>): OperatorFunction<T, ParkEvent<T, E>> {
  return subscribeAgain(() => {
    let failures = 0;
    let retries = 0;
    return {
      value(value) {
        if (isProgress(value)) failures = 0;
        return { kind: 'value', value };
      },
      failed(error, again) {
        if (!parks(error)) return throwError(() => error);
        failures += 1;
        const wait = waitMs(error, failures, retries);
        if (wait === null) return of<ParkEvent<T, E>>({ kind: 'given-up', error }).pipe(takeUntil(until));
        const retried = timer(wait, scheduler).pipe(
          map((): ParkEvent<T, E> => {
            retries += 1;
            again();
            return { kind: 'retrying' };
          }),
        );
        return concat(of<ParkEvent<T, E>>({ kind: 'parked', error, waitMs: wait }), retried).pipe(takeUntil(until));
      },
    };
  });
}
