import { catchError, concat, defer, EMPTY, mergeMap, type Observable, type OperatorFunction, throwError } from 'rxjs';

/** As `mergeMap`, but a failure of the source is passed on only when everything that came before it is handled. */
export function handleBeforeFailing<T, R>(handle: (value: T) => Observable<R>): OperatorFunction<T, R> {
  return (source) =>
    defer(() => {
      let failed: (() => Observable<never>) | null = null;
      const handled = source.pipe(
        catchError((error: unknown) => {
          failed = () => throwError(() => error);
          return EMPTY;
        }),
        mergeMap(handle),
      );
      return concat(
        handled,
        defer(() => failed?.() ?? EMPTY),
      );
    });
}
