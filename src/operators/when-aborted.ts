import { defer, fromEvent, map, of, shareReplay, take, type Observable } from 'rxjs';

/** Emits the reason once, as soon as the signal is aborted, or at once where it was; all subscribers share one listener on the signal. */
export function whenAborted(signal: AbortSignal): Observable<unknown> {
  return defer(() =>
    signal.aborted
      ? of(signal.reason)
      : fromEvent(signal, 'abort').pipe(
          take(1),
          map((): unknown => signal.reason),
        ),
  ).pipe(shareReplay({ bufferSize: 1, refCount: true }));
}
