import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  from,
  ignoreElements,
  merge,
  mergeMap,
  of,
  takeUntil,
  tap,
  throwError,
  type Observable,
} from 'rxjs';

import { filterDrift, type Drift } from '../changes/drift';
import type { Cursor } from '../model';
import { finishedSweeps } from '../rules/completeness';
import { asksOtherwise, isComplete, nextWalk, resumeOrBegin } from '../rules/cursor';
import type { TimedScan } from '../rules/rhythm';
import { isoDay, isProvenScan, queryOf, scansOf } from '../rules/scope';
import type { Slot } from '../sources/budget';
import { parked, parksStream } from './parking';
import { reportRest } from './committed';
import { confirmAbsences } from './confirm-absences';
import { DueScans, type DueScan } from './due-scans';
import type { Progress } from './progress';
import { publishDeletions } from './publish-deletions';
import { filterIgnored, filterRefused, isFilterRefused, needsWorkingFilter, readPages, turnOf } from './read-pages';
import { readHints } from './read-hints';
import { readKsef } from './read-ksef';
import { readLeft } from './read-row';
import { scanByFilters, turnByFilter } from './scan-by-filter';
import { searchList } from './search-list';
import { asNotAvailable } from './stream-trouble';
import { liveOf, scopeOf, type LiveStream, type Rhythm, type StreamReading } from './stream-reading';

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
    const live = liveOf(reading);
    return live === null ? EMPTY : repeatScans(reading, rhythm, live);
  });
  const available = scans.pipe(
    catchError((error: unknown) =>
      throwError(() => asNotAvailable(error, stream, { entity: place.entity, wasEverRead: wasEverRead(reading) })),
    ),
  );
  return parked(shard, place, parksStream, available).pipe(
    concatMap((progress) => {
      const isDisorder = progress.kind === 'parked' && progress.reason === 'out-of-order';
      return isDisorder ? of(progress, ...noteDrift(reading, DISORDER)) : of(progress);
    }),
  );
}

/** Whether a list of the stream was ever answered, in this session or before. */
function wasEverRead({ handle, answers, place }: StreamReading): boolean {
  const sweep = handle.cursor('sweep');
  const hasSwept = sweep !== null && (finishedSweeps(sweep) > 0 || sweep.position.anchor !== null);
  return hasSwept || handle.live() > 0 || answers.has(place.stream);
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

/** Each walk of each scan as soon as it may make its first request, what pages say is to be searched for, and deletions; until stopped. */
function repeatScans(reading: StreamReading, rhythm: Rhythm, live: LiveStream): Observable<Progress> {
  const { shard, stream, place, reader } = reading;
  return defer(() => {
    const scans = new DueScans({
      now: shard.now,
      stop: shard.stop,
      stopping: shard.stopping,
      turn: shard.turn,
      leave(scanName, grant) {
        if (scanName === 'proof' || isProvenScan(scanName)) {
          return reader.rest.leave(grant, () => turnByFilter(reading, live, scanName));
        }
        const cursor = nextCursor(reading, rhythm, scanName, shard.now());
        const { number, position } = cursor ?? { number: 0, position: { offset: 0 } };
        return reader.rest.leave(grant, () => turnOf(reading, scanName, number, position.offset));
      },
    });
    /** Scans whose filter had no effect at their last walk. */
    const fruitless = new Set<TimedScan>();
    const byFilters = scanByFilters(reading, live, scans);
    const walk = (due: DueScan): Observable<Progress> => {
      const { scanName, slot } = due;
      if (scanName === 'proof' || isProvenScan(scanName)) return byFilters.read(scanName, slot);
      fruitless.delete(scanName);
      return walkOnce({ reading, rhythm, due: { ...due, scanName } }).pipe(
        tap((progress) => {
          const isIgnored = progress.kind === 'warning' && progress.message === filterIgnored(stream, scanName);
          if (isIgnored && needsWorkingFilter(scanName)) fruitless.add(scanName);
        }),
        catchError((error: unknown) => {
          if (!needsWorkingFilter(scanName) || !isFilterRefused(error)) return throwError(() => error);
          fruitless.add(scanName);
          const message = filterRefused(stream, scanName);
          const warning: Progress = { kind: 'warning', ...place, about: 'filter-ignored', message };
          return of(warning, ...noteDrift(reading, filterDrift(stream, scanName)));
        }),
        tap({
          // A filter without effect is tried again now and then: the rows are found by the sweep.
          complete: () => {
            scans.wait(scanName, fruitless.has(scanName) ? FRUITLESS_MS : 0);
            if (scanName === 'sweep') byFilters.begin();
          },
          finalize: () => slot.done({}),
        }),
      );
    };
    if (isSweepOfAnotherQuery(reading)) live.schedule.hurry('sweep');
    for (const scanName of scansOf(stream)) scans.wait(scanName);
    byFilters.begin();
    const searches = live.searches.pipe(mergeMap((list) => searchList(reading, live, list)));
    const { hints } = shard;
    const hurry = (): void => {
      live.schedule.hurry('newest');
      if (scansOf(stream).includes('open')) live.schedule.hurry('open');
    };
    const hinted = hints === undefined || stream.address !== 'uuid' ? EMPTY : readHints(reading, hints, hurry);
    return merge(
      scans.due.pipe(mergeMap(walk)),
      hinted,
      readKsef(reading),
      merge(searches, confirmAbsences(reading, live)).pipe(takeUntil(shard.stopping)),
    );
  });
}

/** Lists are asked for in the order of their ids. */
const DISORDER: Drift = { what: 'ordering', name: 'id', detail: null };

/** Tells of a difference that no page shows, where the stream had not shown it before. */
function noteDrift({ handle, place }: StreamReading, drift: Drift): readonly Progress[] {
  const noted = handle.noteDrift(drift);
  return noted === null ? [] : [{ kind: 'drift', ...place, ...noted }];
}

/** The cursor of the next walk; null = its query asks for nothing. */
function nextCursor(reading: StreamReading, rhythm: Rhythm, scanName: TimedScan, nowMs: number): Cursor | null {
  const scope = scopeOf(reading);
  const before = cursorOf(reading, scanName);
  if (scanName === 'sweep') return resumeOrBegin(before, scope, nowMs);
  const query = queryOf(scanName, scope, isoDay(nowMs), rhythm.recentDays);
  return query === null ? null : nextWalk(before, query, nowMs);
}

/** Whether the last sweep asked for something else than the next one: rows of the new scope are read by that one alone. */
function isSweepOfAnotherQuery(reading: StreamReading): boolean {
  const before = cursorOf(reading, 'sweep');
  return before !== null && asksOtherwise(before, scopeOf(reading));
}

/** A scan of a stream that is read over and over, when it is due. */
interface RepeatedScan {
  readonly reading: StreamReading;
  readonly rhythm: Rhythm;
  readonly due: DueScan & { readonly scanName: TimedScan };
}

/** One walk of a scan that is due. */
function walkOnce({ reading, rhythm, due }: RepeatedScan): Observable<Progress> {
  const { handle } = reading;
  const { scanName, dueMs, slot } = due;
  return afterPendingPages(reading, () => {
    const cursor = nextCursor(reading, rhythm, scanName, dueMs);
    if (cursor === null) {
      handle.begin(scanName, nextWalk(cursorOf(reading, scanName), scopeOf(reading), dueMs));
      return EMPTY;
    }
    handle.begin(scanName, cursor);
    return scanName === 'sweep' ? sweepFrom(reading, cursor, slot) : readPages(reading, { scanName, cursor, slot });
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
    liveOf(reading)?.decided.clear();
    return concat(publishDeletions(reading), readLeft(reading));
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

/** Begins when no page of the stream waits to be compared with the ledger: only then is a scan's cursor right. */
function afterPendingPages({ handle }: StreamReading, begin: () => Observable<Progress>): Observable<Progress> {
  return defer(() => handle.allPagesCompared()).pipe(mergeMap(begin));
}

function cursorOf({ handle }: StreamReading, scanName: TimedScan): Cursor | null {
  return handle.cursor(scanName);
}
