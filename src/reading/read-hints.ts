import {
  catchError,
  concatMap,
  defer,
  EMPTY,
  finalize,
  from,
  ignoreElements,
  merge,
  mergeMap,
  Subject,
  takeUntil,
  tap,
  throwError,
  timer,
  type MonoTypeOperatorFunction,
  type Observable,
} from 'rxjs';

import type { Row } from '../model';
import { AGAIN_MS, shows, type HintOutcome } from '../rules/hints';
import { isRow } from '../rules/paging';
import { spotTurn } from '../rules/rhythm';
import { isWithin } from '../rules/scope';
import type { HintSource, TakenHint } from './hint-source';
import type { Progress } from './progress';
import { addRow, lookUp } from './read-row';
import { isOfThePage } from './recover-page';
import { hurryKsef } from './watch-ksef';
import { asking, scopeOf, type StreamReading } from './stream-reading';

/** A hint that waits for its next read. */
interface Waiting {
  readonly hint: TakenHint;
  /** Reads that have not shown yet what the hint says. */
  readonly reads: number;
}

/**
 * Reads the rows of a stream that hints are about, one after the other, until stopped: a known row where its rank says, rows that are not known
 * all together on the newest page. What a read does not show is read again after a while, and proves nothing: a hint never deletes.
 *
 * Rows are read in the list and not by their addresses, as the list is what sweeps compare: a field that only one of the two shows would make
 * two changes out of one.
 */
export function readHints(reading: StreamReading, source: HintSource, burst: () => void): Observable<Progress> {
  const { shard, stream, place, handle } = reading;
  return defer(() => {
    /** Hints whose row is to be read now, until a read has seen to them. */
    const due = new Set<Waiting>();
    const open = new Set<TakenHint>();
    const arrivals = new Subject<Waiting>();
    const again = new Subject<Waiting>();
    const arrive = (waiting: Waiting): void => {
      due.add(waiting);
      arrivals.next(waiting);
    };
    const settle = (hint: TakenHint, outcome: HintOutcome): void => {
      open.delete(hint);
      hint.settle(outcome);
    };
    const judge = ({ hint, reads }: Waiting, row: Row | null | 'unread'): void => {
      if (row !== 'unread' && shows(hint, stream, row)) settle(hint, 'read');
      else if (reads < AGAIN_MS.length) again.next({ hint, reads: reads + 1 });
      else settle(hint, 'unconfirmed');
    };
    const read = (first: Waiting): Observable<Progress> => {
      // A read for another hint may have seen to this one.
      if (shard.stop.aborted || !due.delete(first)) return EMPTY;
      const known = handle.byUuid(first.hint.uuid);
      if (known?.hasLeft === true) {
        settle(first.hint, 'not-followed');
        return EMPTY;
      }
      if (known !== null && first.hint.kind === 'ksef' && first.reads === 0) hurryKsef(reading, known.id);
      if (known !== null) return readKnown(reading, known.id, (row) => judge(first, row));
      const unknown = [first, ...[...due].filter(({ hint }) => handle.byUuid(hint.uuid) === null)];
      for (const waiting of unknown) due.delete(waiting);
      return readNewest(reading, unknown, judge, ({ hint }) => settle(hint, 'not-followed'));
    };
    const leave = source.join(place.entity, {
      stream: stream.name,
      knows: (uuid) => handle.byUuid(uuid) !== null,
      expects: ({ kind }) => stream.hintedNew?.includes(kind) ?? false,
      take(hint) {
        open.add(hint);
        arrive({ hint, reads: 0 });
      },
      burst,
    });
    const later = again.pipe(
      mergeMap((waiting) => timer(AGAIN_MS[waiting.reads - 1] ?? 0).pipe(tap(() => arrive(waiting)))),
      ignoreElements(),
    );
    // A turn later, so that those that come together are read together.
    const now = arrivals.pipe(concatMap((waiting) => defer(shard.turn).pipe(mergeMap(() => read(waiting)))));
    return merge(now, later).pipe(
      takeUntil(shard.stopping),
      finalize(() => {
        leave();
        for (const hint of open) hint.settle('parked');
      }),
    );
  });
}

/** What a read came to: the row, null where the list does not show it, or that the list's page could not be had. */
type Judge = (row: Row | null | 'unread') => void;

/** Reads a row that the ledger knows in the list, where its rank says; what is not there is left to the sweep. */
function readKnown(reading: StreamReading, id: number, judge: Judge): Observable<Progress> {
  return lookUp(reading, id).pipe(
    mergeMap(({ found, interval, began, ended }) => {
      const added = found === null ? EMPTY : addRow(reading, { interval, rows: [found], began, ended }, 'listed');
      return added.pipe(tap({ complete: () => judge(found) }));
    }),
    unlessOfThePage(() => judge('unread')),
  );
}

/** Reads the newest page for the sake of rows that the ledger does not know, and adds those among them that it shows. */
function readNewest(
  reading: StreamReading,
  waiting: readonly Waiting[],
  judge: (waiting: Waiting, row: Row | null | 'unread') => void,
  leaveOut: (waiting: Waiting) => void,
): Observable<Progress> {
  const { shard, stream, place } = reading;
  return defer(() => {
    const scope = scopeOf(reading);
    return asking(reading, { ...scope, order: 'desc' }, () => spotTurn(stream.name))(0, shard.limit).pipe(
      mergeMap(({ rows, began, ended }) => {
        const shown = new Map(rows.filter(isRow).map((row) => [row['uuid'], row]));
        return from(waiting).pipe(
          concatMap((one) => {
            const row = shown.get(one.hint.uuid) ?? null;
            if (row === null) return nothing(() => judge(one, null));
            if (!isWithin(stream, scope, row)) return nothing(() => leaveOut(one));
            shard.twins.check(place.entity, place.stream, [row]);
            const interval = { after: row.id - 1, upTo: row.id };
            return addRow(reading, { interval, rows: [row], began, ended }, 'listed').pipe(
              tap({ complete: () => judge(one, row) }),
            );
          }),
        );
      }),
    );
  }).pipe(
    unlessOfThePage(() => {
      for (const one of waiting) judge(one, 'unread');
    }),
  );
}

function nothing(then: () => void): Observable<never> {
  return defer(() => {
    then();
    return EMPTY;
  });
}

/** Completes where a page cannot be had, which the scans get past in smaller ones; any other error passes. */
function unlessOfThePage(then: () => void): MonoTypeOperatorFunction<Progress> {
  return catchError((error: unknown) => (isOfThePage(error) ? nothing(then) : throwError(() => error)));
}
