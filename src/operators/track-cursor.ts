import {
  catchError,
  concat,
  concatMap,
  defer,
  dematerialize,
  EMPTY,
  finalize,
  from,
  map,
  materialize,
  mergeMap,
  type Observable,
  type ObservableInput,
  type ObservableNotification,
  type OperatorFunction,
  Subject,
  takeUntil,
  tap,
  throwError,
} from 'rxjs';

/** A page, and the credit that was taken before it was asked for. */
export interface CreditedPage<P> {
  readonly page: P;
  /** Gives the credit back. */
  readonly release: () => void;
}

/** How pages are committed. */
export interface CursorTracking<P, C> {
  /**
   * Begins to commit a page; called in the order of the pages, and at once. The first value is the page's cursor and says that the page is
   * settled. Further values may follow it in their own time; a promise has one value.
   */
  readonly commit: (page: P) => ObservableInput<C>;
}

/**
 * Commits pages side by side and emits their cursors in the order of the pages, none before every earlier page is settled.
 *
 * A page's credit goes back when its own commit settles, fails or is unsubscribed, however many earlier pages are open. After a failed
 * commit no further page is taken; the cursors of earlier pages come out before that failure. A failure of the source comes after
 * everything that was taken from it.
 */
export function trackCursor<P, C>({ commit }: CursorTracking<P, C>): OperatorFunction<CreditedPage<P>, C> {
  return (source) =>
    defer(() => {
      const inPageOrder = createPageOrder<C>();
      const commitFailed = new Subject<void>();
      let sourceFailed: Observable<never> = EMPTY;
      const pages = source.pipe(
        catchError((error: unknown) => {
          sourceFailed = throwError(() => error);
          return EMPTY;
        }),
        takeUntil(commitFailed),
      );
      const cursors = pages.pipe(
        mergeMap(({ page, release }, place) => {
          const once = callOnce(release);
          // No function here may close over the page: its rows would be kept until it is committed.
          return begin(commit, page).pipe(
            tap({ next: once, error: () => commitFailed.next() }),
            finalize(once),
            materialize(),
            map((notification) => ({ place, notification })),
          );
        }),
        concatMap(inPageOrder),
        dematerialize(),
      );
      return concat(
        cursors,
        defer(() => sourceFailed),
      );
    });
}

/** Begins a commit; one that throws is one that fails. */
function begin<P, C>(commit: (page: P) => ObservableInput<C>, page: P): Observable<C> {
  try {
    return from(commit(page));
  } catch (error) {
    return throwError(() => error);
  }
}

/** Calls a function at the first of all calls, and not again. */
function callOnce(call: () => void): () => void {
  let isCalled = false;
  return () => {
    if (!isCalled) call();
    isCalled = true;
  };
}

/** What a commit said, and which page it is of, counted from 0. */
interface Said<C> {
  readonly place: number;
  readonly notification: ObservableNotification<C>;
}

/** Keeps back what is said of a page while an earlier one has said nothing; passes all else on, but for completions. */
function createPageOrder<C>(): (said: Said<C>) => readonly ObservableNotification<C>[] {
  /** The first page that has said nothing yet. */
  let turn = 0;
  const keptBack = new Map<number, readonly ObservableNotification<C>[]>();
  return ({ place, notification }) => {
    const said = notification.kind === 'C' ? [] : [notification];
    if (place < turn) return said;
    keptBack.set(place, [...(keptBack.get(place) ?? []), ...said]);
    const passed: ObservableNotification<C>[] = [];
    for (let kept = keptBack.get(turn); kept !== undefined; kept = keptBack.get(turn)) {
      passed.push(...kept);
      keptBack.delete(turn);
      turn += 1;
    }
    return passed;
  };
}
