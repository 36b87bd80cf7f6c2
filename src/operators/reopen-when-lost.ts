import {
  asyncScheduler,
  concat,
  defer,
  EMPTY,
  from,
  ignoreElements,
  type Observable,
  type ObservableInput,
  of,
  type OperatorFunction,
  type SchedulerLike,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs';

import { subscribeAgain } from './subscribe-again';

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
  return subscribeAgain(() => {
    const inARow = new Map<K, number>();
    return {
      value(value) {
        if (isProgress(value)) inARow.clear();
        return { kind: 'value', value };
      },
      failed(error, again) {
        const kind = lossOf(error);
        if (kind === null) return throwError(() => error);
        const loss = { kind, error, inARow: (inARow.get(kind) ?? 0) + 1 };
        inARow.set(kind, loss.inARow);
        const wait = waitMs(loss);
        if (wait === null) return throwError(() => error);
        const waited = concat(
          defer(() => from(ready())).pipe(ignoreElements()),
          timer(wait, scheduler).pipe(tap(again)),
        );
        return concat(of<ReopenEvent<T, K>>({ kind: 'lost', loss, waitMs: wait }), waited.pipe(ignoreElements())).pipe(
          takeUntil(until),
        );
      },
    };
  });
}
