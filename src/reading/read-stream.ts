import {
  catchError,
  concat,
  defer,
  EMPTY,
  from,
  ignoreElements,
  merge,
  mergeMap,
  of,
  tap,
  throwError,
  type Observable,
} from 'rxjs';

import type { Cursor } from '../model';
import { isComplete, isSweepDue, nextWalk, resumeOrBegin } from '../rules/cursor';
import { dueAt, type Target, type TimedScan } from '../rules/rhythm';
import { isoDay, queryOf, scansOf } from '../rules/scope';
import type { Slot } from '../sources/budget';
import { parked, parksStream } from './parking';
import { reportRest } from './committed';
import { DueScans, type DueScan } from './due-scans';
import type { Progress } from './progress';
import { publishDeletions } from './publish-deletions';
import { filterIgnored, filterRefused, firstTurn, isFilterRefused, needsWorkingFilter, readPages } from './read-pages';
import { readHints } from './read-hints';
import { readLeft } from './read-row';
import { scopeOf, type Rhythm, type StreamReading } from './stream-reading';

/** How long a scan whose filter has no effect rests. */
const FRUITLESS_MS = 60 * 60 * 1000;

/** One stream: its scans side by side, each walk after the other, parked alone where only its rows or its list are at fault. */
export function readStream(reading: StreamReading): Observable<Progress> {
  const { shard, place } = reading;
  const { rhythm } = shard;
  const scans = defer(() => {
    if (rhythm === null) return sweepOnce(reading);
    // Spot reads ask what the sweep asks, also before its first page.
    if (cursorOf(reading, 'sweep') === null) beginSweep(reading);
    return repeatScans(reading, rhythm);
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

/** Each walk of each scan as soon as it is due and may make its first request, until stopped: a scan rests, walks, and rests again. */
function repeatScans(reading: StreamReading, rhythm: Rhythm): Observable<Progress> {
  const { shard, stream, place, reader } = reading;
  return defer(() => {
    const targets = rhythm.targets(stream.name);
    const scans = new DueScans({
      now: shard.now,
      stop: shard.stop,
      stopping: shard.stopping,
      turn: shard.turn,
      leave(scanName, dueMs, grant) {
        const cursor = nextCursor(reading, rhythm, scanName, dueMs);
        if (cursor !== null) return reader.rest.leave(grant, () => firstTurn(reading, scanName, cursor));
        grant(NO_LEAVE);
        return () => undefined;
      },
    });
    /** Scans whose filter had no effect at their last walk. */
    const fruitless = new Set<TimedScan>();
    const rest = (scanName: TimedScan): void => {
      const target = targets[scanName];
      // A filter without effect is tried again now and then: the rows are found by the sweep.
      const everyMs = fruitless.has(scanName) ? Math.max(target.everyMs, FRUITLESS_MS) : target.everyMs;
      scans.rest(scanName, waitMsOf(reading, scanName, { ...target, everyMs }, false));
    };
    const hurrySweep = (): void => {
      if (scans.isResting('sweep')) scans.rest('sweep', waitMsOf(reading, 'sweep', targets.sweep, true));
    };
    const walk = (due: DueScan): Observable<Progress> => {
      const { scanName, slot } = due;
      fruitless.delete(scanName);
      return walkOnce({ reading, rhythm, due, hurrySweep }).pipe(
        tap((progress) => {
          const isIgnored = progress.kind === 'warning' && progress.message === filterIgnored(stream, scanName);
          if (isIgnored && needsWorkingFilter(scanName)) fruitless.add(scanName);
        }),
        catchError((error: unknown) => {
          if (!needsWorkingFilter(scanName) || !isFilterRefused(error)) return throwError(() => error);
          fruitless.add(scanName);
          const message = filterRefused(stream, scanName);
          return of<Progress>({ kind: 'warning', ...place, about: 'filter-ignored', message });
        }),
        tap({ complete: () => rest(scanName), finalize: () => slot.done({}) }),
      );
    };
    for (const scanName of scansOf(stream)) rest(scanName);
    const walks = scans.due.pipe(mergeMap(walk));
    if (shard.hints === undefined || stream.address !== 'uuid') return walks;
    const walkNow = (): void => {
      for (const scanName of ['newest', 'open'] as const) if (scans.isResting(scanName)) scans.rest(scanName, 0);
    };
    return merge(walks, readHints(reading, shard.hints, walkNow));
  });
}

/** Leave for a walk that asks for nothing. */
const NO_LEAVE: Slot = { done: () => undefined };

/** The cursor of the walk that is due; null = its query asks for nothing. */
function nextCursor(reading: StreamReading, rhythm: Rhythm, scanName: TimedScan, dueMs: number): Cursor | null {
  const scope = scopeOf(reading);
  const before = cursorOf(reading, scanName);
  if (scanName === 'sweep') return resumeOrBegin(before, scope, dueMs);
  const query = queryOf(scanName, scope, isoDay(dueMs), rhythm.recentDays);
  return query === null ? null : nextWalk(before, query, dueMs);
}

/** By the wall clock, as it outlives the process. A half sweep goes on at once, and one of another query begins. */
function waitMsOf(reading: StreamReading, scanName: TimedScan, target: Target, isEarly: boolean): number {
  const cursor = cursorOf(reading, scanName);
  if (cursor === null) return 0;
  if (scanName === 'sweep' && isSweepDue(cursor, scopeOf(reading))) return 0;
  const nowMs = reading.shard.now();
  return dueAt(target, Date.parse(cursor.startedAt), nowMs, isEarly) - nowMs;
}

/** A scan of a stream that is read over and over, when it is due. */
interface RepeatedScan {
  readonly reading: StreamReading;
  readonly rhythm: Rhythm;
  readonly due: DueScan;
  /** Called when something speaks for a sweep before its time. */
  readonly hurrySweep: () => void;
}

/** One walk of a scan that is due; it counts from then, however long it waited for its first request. */
function walkOnce({ reading, rhythm, due, hurrySweep }: RepeatedScan): Observable<Progress> {
  const { handle } = reading;
  const { scanName, dueMs, slot } = due;
  return afterPendingPages(reading, () => {
    const cursor = nextCursor(reading, rhythm, scanName, dueMs);
    if (cursor === null) {
      handle.begin(scanName, nextWalk(cursorOf(reading, scanName), scopeOf(reading), dueMs));
      return EMPTY;
    }
    handle.begin(scanName, cursor);
    if (scanName === 'sweep') return sweepFrom(reading, cursor, slot);
    const pages = readPages(reading, { scanName, cursor, slot });
    if (scanName !== 'newest') return pages;
    const counted = defer(() => {
      if (listDisagrees(reading)) hurrySweep();
      return EMPTY;
    });
    return concat(pages, counted);
  });
}

/** A sweep from its cursor on, then its deletions. */
function sweepFrom(reading: StreamReading, cursor: Cursor, slot?: Slot): Observable<Progress> {
  return concat(readPages(reading, { scanName: 'sweep', cursor, slot }), decideSweep(reading));
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
