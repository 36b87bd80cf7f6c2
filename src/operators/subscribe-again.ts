import { catchError, defer, EMPTY, map, type Observable, of, type OperatorFunction, repeat } from 'rxjs';

/** What becomes of a source's values and errors, from one subscription to the whole until its end. */
export interface Attempts<T, R> {
  readonly value: (value: T) => R;
  /** What comes instead of an error; the source is subscribed to again afterwards if `again` was called by then. */
  readonly failed: (error: unknown, again: () => void) => Observable<R>;
}

/** Subscribes to a source again after its errors, as often as `failed` asks for it; `begin` is called once for each subscription to the whole. */
export function subscribeAgain<T, R>(begin: () => Attempts<T, R>): OperatorFunction<T, R> {
  return (source) =>
    defer(() => {
      const { value, failed } = begin();
      let isWanted = false;
      const again = (): void => {
        isWanted = true;
      };
      const attempt = defer(() => {
        isWanted = false;
        return source;
      });
      // Whoever reads many lists has these operators for each: no more of them than needed, and none inside another's error as time goes by.
      return attempt.pipe(
        map(value),
        catchError((error: unknown) => failed(error, again)),
        repeat({ delay: () => (isWanted ? of(true) : EMPTY) }),
      );
    });
}
