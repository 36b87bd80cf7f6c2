import {
  catchError,
  concat,
  defer,
  EMPTY,
  from,
  ignoreElements,
  map,
  merge,
  mergeMap,
  of,
  repeat,
  Subject,
  switchMap,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
  type Observable,
} from 'rxjs';

import type { Cursor } from '../model';
import { isComplete, isSweepDue, nextWalk, resumeOrBegin } from '../rules/cursor';
import { dueAt, type Target, type TimedScan } from '../rules/rhythm';
import { isoDay, queryOf, scansOf } from '../rules/scope';
import { parked, parksStream } from './parking';
import { reportRest } from './committed';
import type { Progress } from './progress';
import { publishDeletions } from './publish-deletions';
import { filterIgnored, filterRefused, isFilterRefused, needsWorkingFilter, readPages } from './read-pages';
import { readLeft } from './read-row';
import { scopeOf, type Rhythm, type StreamReading } from './stream-reading';

/** How long a scan whose filter has no effect rests. */
const FRUITLESS_MS = 60 * 60 * 1000;

/** One stream: its scans side by side, each walk after the other, parked alone where only its rows or its list are at fault. */
export function readStream(reading: StreamReading): Observable<Progress> {
  const { shard, stream, place } = reading;
  const { rhythm } = shard;
  const scans = defer(() => {
    if (rhythm === null) return sweepOnce(reading);
    // Spot reads ask what the sweep asks, also before its first page.
    if (cursorOf(reading, 'sweep') === null) beginSweep(reading);
    const early = new Subject<void>();
    return merge(...scansOf(stream).map((scanName) => repeatScan({ reading, rhythm, early, scanName })));
  });
  return parked(shard, place, parksStream, scans);
}

/** One sweep, or the rest of one, in a run that makes no other; of a sweep made before the stream was opened again, what was not decided then. */
function sweepOnce(reading: StreamReading): Observable<Progress> {
  const { shard, session, place } = reading;
  const { begun, reported, decided } = shard.sweeps;
  const name = `${place.entity} ${place.stream}`;
  if (decided.has(name)) return swept(reading);
  const sweep = afterPendingPages(reading, () => {
    if (reported.has(name)) return decideSweep(reading);
    const before = cursorOf(reading, 'sweep');
    if (isComplete(before) && begun.get(name) === before.number) {
      const flushed = defer(() => from(session.flush())).pipe(ignoreElements());
      return concat(flushed, of<Progress>({ kind: 'sweep', ...place, cursor: before }), decideSweep(reading));
    }
    const cursor = beginSweep(reading);
    begun.set(name, cursor.number);
    return sweepFrom(reading, cursor);
  });
  return sweep.pipe(
    tap((progress) => {
      if (progress.kind === 'sweep') reported.add(name);
      if (progress.kind === 'swept') decided.add(name);
    }),
  );
}

/** One scan of a stream that is read over and over. */
interface RepeatedScan {
  readonly reading: StreamReading;
  readonly rhythm: Rhythm;
  readonly scanName: TimedScan;
  /** Emits when something speaks for a sweep before its time; shared by the scans of the stream. */
  readonly early: Subject<void>;
}

/** Each walk of one scan as soon as it is due, until stopped: the scan waits, walks, and waits again. */
function repeatScan(repeated: RepeatedScan): Observable<Progress> {
  const { reading, rhythm, scanName } = repeated;
  const { stream, place } = reading;
  const target = rhythm.targets(stream.name)[scanName];
  return defer(() => {
    let isFruitless = false;
    const waiting = defer(() => {
      // A filter without effect is tried again now and then: the rows are found by the sweep.
      const everyMs = isFruitless ? Math.max(target.everyMs, FRUITLESS_MS) : target.everyMs;
      return untilDue(repeated, { ...target, everyMs });
    });
    const walking = defer(() => {
      isFruitless = false;
      return walkOnce(repeated).pipe(
        tap((progress) => {
          const isIgnored = progress.kind === 'warning' && progress.message === filterIgnored(stream, scanName);
          if (isIgnored && needsWorkingFilter(scanName)) isFruitless = true;
        }),
        catchError((error: unknown) => {
          if (!needsWorkingFilter(scanName) || !isFilterRefused(error)) return throwError(() => error);
          isFruitless = true;
          const message = filterRefused(stream, scanName);
          return of<Progress>({ kind: 'warning', ...place, about: 'filter-ignored', message });
        }),
      );
    });
    return waiting.pipe(mergeMap(() => walking.pipe(repeat({ delay: () => waiting }))));
  });
}

/** Emits once when the next walk is due; completes without that when stopped. */
function untilDue({ reading, scanName, early }: RepeatedScan, target: Target): Observable<unknown> {
  const { stop, stopping } = reading.shard;
  if (stop.aborted) return EMPTY;
  const wait = (isEarly: boolean): Observable<unknown> => timer(waitMsOf(reading, scanName, target, isEarly));
  if (scanName !== 'sweep') return wait(false).pipe(takeUntil(stopping));
  return merge(of(false), early.pipe(map(() => true))).pipe(switchMap(wait), take(1), takeUntil(stopping));
}

/** By the wall clock, as it outlives the process. A half sweep goes on at once, and one of another query begins. */
function waitMsOf(reading: StreamReading, scanName: TimedScan, target: Target, isEarly: boolean): number {
  const cursor = cursorOf(reading, scanName);
  if (cursor === null) return 0;
  if (scanName === 'sweep' && isSweepDue(cursor, scopeOf(reading))) return 0;
  const nowMs = reading.shard.now();
  return dueAt(target, Date.parse(cursor.startedAt), nowMs, isEarly) - nowMs;
}

/** One walk of a scan that is due. */
function walkOnce({ reading, rhythm, scanName, early }: RepeatedScan): Observable<Progress> {
  const { shard, handle } = reading;
  if (scanName === 'sweep') return afterPendingPages(reading, () => sweepFrom(reading, beginSweep(reading)));
  const nowMs = shard.now();
  const scope = scopeOf(reading);
  const query = queryOf(scanName, scope, isoDay(nowMs), rhythm.recentDays);
  const cursor = nextWalk(cursorOf(reading, scanName), query ?? scope, nowMs);
  return afterPendingPages(reading, () => {
    handle.begin(scanName, cursor);
    if (query === null) return EMPTY;
    const pages = readPages(reading, scanName, cursor);
    if (scanName !== 'newest') return pages;
    const counted = defer(() => {
      if (listDisagrees(reading)) early.next();
      return EMPTY;
    });
    return concat(pages, counted);
  });
}

/** A sweep from its cursor on, then its deletions. */
function sweepFrom(reading: StreamReading, cursor: Cursor): Observable<Progress> {
  return concat(readPages(reading, 'sweep', cursor), decideSweep(reading));
}

/**
 * The deletions of a finished sweep, what it cannot show and is to be published again, then whether the sweep is complete; of one that was
 * broken off nothing.
 */
function decideSweep(reading: StreamReading): Observable<Progress> {
  const decided = defer(() => {
    const sweep = cursorOf(reading, 'sweep');
    if (!isComplete(sweep) || reading.shard.stop.aborted) return EMPTY;
    return concat(publishDeletions(reading, sweep), readLeft(reading));
  });
  return concat(decided, swept(reading));
}

/** Whether the finished sweep is complete, now that its deletions are decided; nothing of a sweep that was broken off. */
function swept(reading: StreamReading): Observable<Progress> {
  return defer(() => {
    const cursor = cursorOf(reading, 'sweep');
    if (!isComplete(cursor)) return EMPTY;
    const completeness = reading.handle.completeness();
    const size = { live: reading.handle.live(), ledgerBytes: reading.handle.ledgerBytes() };
    return concat(
      reportRest(reading),
      of<Progress>({ kind: 'swept', ...reading.place, cursor, completeness, ...size }),
    );
  });
}

/** Goes on with a half sweep of the same query, or begins the next one. */
function beginSweep(reading: StreamReading): Cursor {
  const { shard, handle } = reading;
  const cursor = resumeOrBegin(cursorOf(reading, 'sweep'), scopeOf(reading), shard.now());
  handle.begin('sweep', cursor);
  return cursor;
}

/** The list is longer or shorter than the ledger: something came or went that `newest` does not show. */
function listDisagrees(reading: StreamReading): boolean {
  const newest = cursorOf(reading, 'newest');
  if (!isComplete(cursorOf(reading, 'sweep')) || newest?.totalCount == null) return false;
  return newest.totalCount !== reading.handle.live();
}

/** Begins when no page of the stream waits to be compared with the ledger: only then is a scan's cursor right. */
function afterPendingPages({ handle }: StreamReading, begin: () => Observable<Progress>): Observable<Progress> {
  return defer(() => handle.allPagesCompared()).pipe(mergeMap(begin));
}

function cursorOf({ handle }: StreamReading, scanName: TimedScan): Cursor | null {
  return handle.cursor(scanName);
}
