import { concat, defer, from, mergeMap, tap, type Observable } from 'rxjs';

import { FatalError } from '../errors';
import type { Cursor, Page, ScanName, StreamDeclaration, Turn } from '../model';
import { trackCursor } from '../operators/track-cursor';
import type { TimedScan, WalkedScan } from '../rules/rhythm';
import type { PageResult } from '../shard/page-changes';
import { listProvedBy } from '../shard/page-evidence';
import type { Slot } from '../sources/budget';
import { createCredits } from '../sources/credits';
import { scan } from '../sources/scan';
import { reportPage } from './committed';
import type { Progress } from './progress';
import { judgeTotal, learnFrom } from './found-changes';
import { readRows } from './read-row';
import { addWatched } from './watch-ksef';
import { askingPages, liveOf, type StreamReading } from './stream-reading';

/** Where a walk begins, and what its first request may use. */
export interface WalkStart {
  readonly scanName: TimedScan;
  readonly cursor: Cursor;
  /** Leave for the first request, where it was got before; what is not used is given back. */
  readonly slot?: Slot | undefined;
}

/** Reads a scan from its cursor on to the end of its walk; every page is compared and committed, and reported in order. */
export function readPages(reading: StreamReading, { scanName, cursor, slot }: WalkStart): Observable<Progress> {
  const { shard, stream } = reading;
  return defer(() => {
    const walk = startWalk(reading, scanName, cursor);
    return scan({
      query: cursor.query,
      filters: stream,
      limit: shard.limit,
      ask: askingPages(reading, cursor.query, walk.turnAt, slot),
      position: cursor.position,
      credit: createCredits(scanName === 'sweep' ? shard.credits : 1),
      stop: shard.stop,
      enough: walk.isEnough,
      // Of all scans the sweep alone proves that a row is not there.
      confirmsEnd: scanName === 'sweep',
    }).pipe(
      trackCursor({
        commit: (page) => {
          // Not the page itself, whose rows would be kept until it is durable.
          const { outsideQuery, end } = page;
          const warnings = walk.note(page);
          return from(addPage(reading, scanName, page, walk.markOf(page))).pipe(
            tap((done) => learnFrom(reading, scanName, done)),
            mergeMap((done) =>
              concat(
                reportPage(reading, done, scanName, [
                  ...progressOf(reading, scanName, { outsideQuery, end, warnings }, done),
                  ...rhythmOf(reading),
                ]),
                readRows(reading, done),
              ),
            ),
          );
        },
      }),
    );
  });
}

/** How often it is told how often the lists of a stream are read. */
const RHYTHM_TOLD_MS = 60_000;

/** The turn among all requests of the one for a page of a walk; none where nothing is read again. */
export function turnOf(reading: StreamReading, scanName: WalkedScan, number: number, offset: number): Turn | undefined {
  const { shard, stream } = reading;
  const live = liveOf(reading);
  if (live === null) return undefined;
  // Before a first sweep is over next to nothing of the stream is published.
  if (scanName === 'sweep' && number === 1) return { stream: stream.name, scan: scanName, urgency: { kind: 'bulk' } };
  const worth = () => live.schedule.worth(scanName, offset, shard.now());
  const isHurried = () => live.schedule.isHurried(scanName);
  return { stream: stream.name, scan: scanName, urgency: { kind: 'scheduled', worth, isHurried } };
}

/** What a walk knows beside its cursor, from the pages that it has seen. */
function startWalk(reading: StreamReading, scanName: TimedScan, { number, mark }: Cursor) {
  const { shard } = reading;
  const live = liveOf(reading);
  let highest: number | undefined;
  let isMiscounted = false;
  live?.schedule.began(scanName, shard.now());
  return {
    /** The turn among all requests of the one for a page at that offset; none where nothing is read again. */
    turnAt: live === null ? null : (offset: number) => turnOf(reading, scanName, number, offset),
    /** Whether the walk may end with this page although the list goes on. */
    isEnough: (page: Page): boolean => {
      // Sweep and newest go on through a list whose filter has no effect.
      if (needsWorkingFilter(scanName)) return page.outsideQuery > 0;
      if (scanName !== 'newest') return false;
      highest ??= page.rows[0]?.id;
      return mark === undefined || (page.interval.after ?? 0) + 1 <= mark;
    },
    /** Only of the last page of `newest`: the highest id of the walk. An empty list has a mark too: all that comes later is new. */
    markOf: ({ end }: Page): number | undefined => (end && scanName === 'newest' ? (highest ?? 0) : undefined),
    /**
     * Lets the schedule know of a page; returns what a person should be told of the list's total. A service that walks all day tells it once,
     * and again when a walk has met no such page meanwhile.
     */
    note: ({ place, next, totalCount: total, miscounted, end }: Page): readonly string[] => {
      const nowMs = shard.now();
      live?.schedule.read(scanName, { offset: place?.offset ?? next.offset, totalCount: total }, nowMs);
      if (end) live?.schedule.ended(scanName, nowMs);
      const isTold = isMiscounted || live?.miscounted.has(scanName) === true;
      isMiscounted ||= miscounted !== undefined;
      if (isMiscounted) live?.miscounted.add(scanName);
      else if (end) live?.miscounted.delete(scanName);
      const list = listProvedBy(scanName);
      if (end && live !== null && list !== null) judgeTotal(live, list, !isMiscounted);
      return miscounted === undefined || isTold ? [] : [totalNotBelieved(scanName, total, miscounted)];
    },
  };
}

/** Gives a page to the shard; resolves when what it changed is committed. */
export async function addPage(
  reading: StreamReading,
  scanName: ScanName,
  page: Page,
  mark: number | undefined,
): Promise<PageResult> {
  const { shard, place } = reading;
  shard.twins.check(place.entity, place.stream, page.rows);
  const toCommit = { ...place, scan: scanName, page, ...(mark === undefined ? {} : { mark }) };
  const result = await addWatched(reading, toCommit);
  // Hundreds of pages may be committed at once.
  await shard.turn();
  return result;
}

/** What a committed page is reported as beside its counts. */
function progressOf(
  { stream, place }: StreamReading,
  scanName: TimedScan,
  { outsideQuery, end, warnings }: Pick<Page, 'outsideQuery' | 'end'> & { readonly warnings: readonly string[] },
  { cursor, misfits }: PageResult,
): Progress[] {
  const progress: Progress[] = [];
  if (outsideQuery > 0)
    progress.push({ kind: 'warning', ...place, about: 'filter-ignored', message: filterIgnored(stream, scanName) });
  progress.push(...warnings.map((message): Progress => ({ kind: 'warning', ...place, message })));
  progress.push(
    ...Object.keys(misfits).map((field): Progress => ({ kind: 'warning', ...place, message: misfitSeen(field) })),
  );
  if (end && scanName === 'sweep') progress.push({ kind: 'sweep', ...place, cursor });
  return progress;
}

/** How often the lists of the stream are read, once a minute at the most. */
function rhythmOf(reading: StreamReading): readonly Progress[] {
  const live = liveOf(reading);
  if (live === null) return [];
  const nowMs = reading.shard.now();
  if (nowMs - live.rhythmToldMs < RHYTHM_TOLD_MS) return [];
  live.rhythmToldMs = nowMs;
  const scans = live.schedule.figures(nowMs);
  return scans.length === 0 ? [] : [{ kind: 'rhythm', ...reading.place, scans }];
}

/** Whether a scan is pointless where the API ignores its filter: it would do what the sweep does. */
export function needsWorkingFilter(scanName: TimedScan): boolean {
  return scanName === 'open' || scanName === 'recent';
}

/** The warning that values of a field are not of its kind; the same for every row. */
function misfitSeen(field: string): string {
  return `${field} has values that are not of its kind: the column is null, and extra keeps them (header misfits)`;
}

/** The warning that a list shows more or fewer rows than its own total says. */
function totalNotBelieved(scanName: TimedScan, totalCount: number, shown: number): string {
  const other = shown > totalCount ? 'more' : 'fewer';
  return `the list read by ${scanName} shows ${other} rows than its own total_count: that total is not believed, and the list is read until it shows no more`;
}

/** Whether the API would not answer a list as it was asked for. */
export function isFilterRefused(error: unknown): boolean {
  if (!(error instanceof FatalError) || error.reason !== 'unexpected-status') return false;
  return error.status !== undefined && error.status >= 400 && error.status < 500;
}

/** The warning that the API refuses the filter of a scan that is pointless without. */
export function filterRefused({ scopeField, openField }: StreamDeclaration, scanName: TimedScan): string {
  const filter = scanName === 'open' ? `${openField ?? ''} that is null` : (scopeField ?? '');
  return `the API refused to filter by ${filter}, so the sweep does what ${scanName} was to do`;
}

/** The warning that the API ignores the filter of a scan. */
export function filterIgnored({ scopeField, openField }: StreamDeclaration, scanName: TimedScan): string {
  const filter = scanName === 'open' ? `${openField ?? ''} that is null` : (scopeField ?? '');
  const instead = needsWorkingFilter(scanName)
    ? `the sweep does what ${scanName} was to do`
    : 'more is read than needed and left out here';
  return `the API answered with rows outside the ${filter} asked for: it ignores that filter, so ${instead}`;
}
