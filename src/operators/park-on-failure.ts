import {
  asyncScheduler,
  defer,
  retry,
  takeUntil,
  tap,
  throwError,
  timer,
  type MonoTypeOperatorFunction,
  type Observable,
  type SchedulerLike,
} from 'rxjs';

/** When and for how long a failing source is left alone. */
export interface ParkPolicy {
  /** How long to wait after the nth failure in a row; null = this error is not parked but passed on. */
  readonly waitMs: (error: unknown, failures: number) => number | null;
  /** Told of each parking before the wait begins. */
  readonly onPark: (error: unknown, waitMs: number) => void;
  /** Ends a wait, and with it the whole, without an error. */
  readonly until: Observable<unknown>;
  /** Told when a parked source is asked again. */
  readonly onRetry: () => void;
  readonly scheduler?: SchedulerLike;
}

/** Leaves a failing source alone for a while and asks it again, for as long as the policy says; a value ends the row of failures. */
export function parkOnFailure<T>({
  waitMs,
  onPark,
  onRetry,
  until,
  scheduler = asyncScheduler,
}: ParkPolicy): MonoTypeOperatorFunction<T> {
  return (source) =>
    defer(() => {
      let failures = 0;
      return source.pipe(
        tap(() => {
          failures = 0;
        }),
        retry({
          delay: (error: unknown) => {
            failures += 1;
            const wait = waitMs(error, failures);
            if (wait === null) return throwError(() => error);
            onPark(error, wait);
            return timer(wait, scheduler).pipe(tap(onRetry), takeUntil(until));
          },
        }),
      );
    });
}
