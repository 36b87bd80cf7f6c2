import {
  asyncScheduler,
  catchError,
  concat,
  defer,
  EMPTY,
  from,
  ignoreElements,
  map,
  type Observable,
  type ObservableInput,
  of,
  type OperatorFunction,
  repeat,
  type SchedulerLike,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';

/** A loss of the source, by its kind. */
export interface Loss<K extends string> {
  readonly kind: K;
  readonly error: unknown;
  /** How many losses of this kind there were in a row, this one included. */
  readonly inARow: number;
}

/** What happened to a source that is opened again when it is lost. */
export type ReopenEvent<T, K extends string> =
  | { readonly kind: 'value'; readonly value: T }
  /** The source is lost and is opened again after this wait. */
  | { readonly kind: 'lost'; readonly loss: Loss<K>; readonly waitMs: number };

/** What is waited for when a source is lost, and for how long. */
export interface ReopenPolicy<T, K extends string> {
  /** Which kind of loss an error is: each kind is counted by itself. Null = no loss; the error passes straight through. */
  readonly lossOf: (error: unknown) => K | null;
  /** The wait before the source is opened again; null = the error is passed on. */
  readonly waitMs: (loss: Loss<K>) => number | null;
  /** Whether a value shows that the source works, which ends the row of losses. */
  readonly isProgress: (value: T) => boolean;
  /** Completes when the source may be opened again; the wait begins then. An error of it is passed on. */
  readonly ready?: () => ObservableInput<unknown>;
  /** Ends a wait, and with it the whole, without an error. Must emit to late subscribers too: nothing is waited for after it. */
  readonly until: Observable<unknown>;
  readonly scheduler?: SchedulerLike;
}

/** Opens a lost source again, as often as the policy says, once it may be opened and after a wait; says so in its output. */
export function reopenWhenLost<T, K extends string>({
  lossOf,
  waitMs,
  isProgress,
  ready = () => EMPTY,
  until,
  scheduler = asyncScheduler,
}: ReopenPolicy<T, K>): OperatorFunction<T, ReopenEvent<T, K>> {
  return (source) =>
    defer(() => {
      const inARow = new Map<K, number>();
      let isReopening = false;
      const reopenLater = (wait: number): Observable<never> =>
        concat(defer(() => from(ready())).pipe(ignoreElements()), timer(wait, scheduler)).pipe(
          tap(() => {
            isReopening = true;
          }),
          ignoreElements(),
        );
      const lose = (error: unknown): Observable<ReopenEvent<T, K>> => {
        const kind = lossOf(error);
        if (kind === null) return throwError(() => error);
        const loss = { kind, error, inARow: (inARow.get(kind) ?? 0) + 1 };
        inARow.set(kind, loss.inARow);
        const wait = waitMs(loss);
        if (wait === null) return throwError(() => error);
        return concat(of<ReopenEvent<T, K>>({ kind: 'lost', loss, waitMs: wait }), reopenLater(wait)).pipe(
          takeUntil(until),
        );
      };
      const opened = defer(() => {
        isReopening = false;
        return source;
      });
      return opened.pipe(
        tap((value) => {
          if (isProgress(value)) inARow.clear();
        }),
        map((value): ReopenEvent<T, K> => ({ kind: 'value', value })),
        catchError(lose),
        repeat({ delay: () => (isReopening ? of(true) : EMPTY) }),
      );
    });
}
