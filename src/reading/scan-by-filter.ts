import { catchError, concat, defer, EMPTY, from, mergeMap, of, takeUntil, tap, toArray, type Observable } from 'rxjs';

import { FatalError, TransientError } from '../errors';
import type { Page, ProvenScan, Query, Turn } from '../model';
import { trackCursor } from '../operators/track-cursor';
import { isComplete, nextWalk } from '../rules/cursor';
import { surprise } from '../rules/filter-trust';
import type { FilterWatch } from '../rules/filter-watch';
import { isoDay, queryOfProven } from '../rules/scope';
import type { Slot } from '../sources/budget';
import { createCredits } from '../sources/credits';
import { scan } from '../sources/scan';
import { reportPage } from './committed';
import type { DueScans } from './due-scans';
import { learnFrom } from './found-changes';
import type { Progress } from './progress';
import { proveFilters } from './prove-filters';
import { addPage, isFilterRefused, turnOf } from './read-pages';
import { readRows } from './read-row';
import { asking, scopeOf, type LiveStream, type StreamReading } from './stream-reading';

/** All scans by filters. */
const PROVEN_SCANS: readonly ProvenScan[] = ['paid', 'changed'];
/** A request that may be done without is not insisted on. */
export const FEW_TRIES = 2;

/** A stream whose filters are watched. */
interface WatchedStream {
  readonly reading: StreamReading;
  readonly live: LiveStream;
  readonly filters: FilterWatch;
}

/** What waits for leave by a stream's filters: a proof of them, or a scan by one. */
type FilterWork = ProvenScan | 'proof';

/** What a stream reads by its filters, beside its other scans. */
export interface ScansByFilters {
  /** From the first finished sweep on, the filters are proven, and scans made by those that work; to be called again whenever a sweep is over. */
  readonly begin: () => void;
  /** Does what had waited, with its leave for a first request. */
  readonly read: (work: FilterWork, slot: Slot) => Observable<Progress>;
}

/** Proofs of a stream's filters and the scans by them: each waits in the queue of the stream's scans, only while its filter works. */
export function scanByFilters(reading: StreamReading, live: LiveStream, queue: Pick<DueScans, 'wait'>): ScansByFilters {
  const { filters } = live;
  if (filters === null) return { begin: () => undefined, read: (_, slot) => defer(() => (slot.done({}), EMPTY)) };
  const watched: WatchedStream = { reading, live, filters };
  /** What waits or is under way. */
  const active = new Set<FilterWork>();
  const offer = (work: FilterWork): void => {
    if (active.has(work)) return;
    active.add(work);
    queue.wait(work, work === 'proof' ? 0 : filters.restMs(work));
  };
  const offerScans = (): void => {
    for (const scanName of scansInUse(watched)) offer(scanName);
  };
  return {
    begin() {
      const sweep = reading.handle.cursor('sweep');
      if (sweep === null || (sweep.number === 1 && !isComplete(sweep))) return;
      filters.want(reading.shard.now());
      offer('proof');
      offerScans();
    },
    read(work, slot) {
      const read = work === 'proof' ? proveAgain(watched, slot) : walkByFilter(watched, work, slot);
      const isMade = work === 'proof' || filters.mayScan(work);
      return (isMade ? read : EMPTY).pipe(
        tap({
          complete: () => {
            active.delete(work);
            offerScans();
            if (work === 'proof') offer(work);
          },
          finalize: () => slot.done({}),
        }),
      );
    },
  };
}

/** The scans of a stream whose filters are proven; the schedule knows of them from then on. */
function scansInUse({ reading, live, filters }: WatchedStream): readonly ProvenScan[] {
  const nowMs = reading.shard.now();
  const used = PROVEN_SCANS.filter((scanName) => filters.mayScan(scanName));
  for (const scanName of PROVEN_SCANS) live.schedule.use(scanName, used.includes(scanName), nowMs);
  return used;
}

/** The turn among all requests of the first one of what waits; a proof is behind whatever is likely to show a change, until it has waited for long. */
export function turnByFilter(reading: StreamReading, { filters }: LiveStream, work: FilterWork): Turn | undefined {
  if (work !== 'proof') return turnOf(reading, work, 0, 0);
  return filters === null ? undefined : proofTurn(reading, filters);
}

function proofTurn({ shard, stream }: StreamReading, filters: FilterWatch): Turn {
  const worth = () => filters.worth(shard.now());
  return { stream: stream.name, scan: 'proof', urgency: { kind: 'scheduled', worth } };
}

/** Asks the list once whether its filters work; emits where they stand then. What the API does ends nothing. */
function proveAgain(watched: WatchedStream, slot: Slot): Observable<Progress> {
  const { reading, filters } = watched;
  const { shard, reader, stream, place } = reading;
  return proveFilters({
    rest: reader.rest,
    stream,
    query: scopeOf(reading),
    changes: filters.changes((id) => isThere(reading, id)),
    today: isoDay(shard.now()),
    limit: shard.limit,
    asking: { turn: () => proofTurn(reading, filters), tries: FEW_TRIES, slot },
  }).pipe(
    toArray(),
    mergeMap((proofs) => {
      filters.proved(proofs, shard.now());
      return of<Progress>({ kind: 'filters', ...place, standings: filters.standings });
    }),
    takeUntil(shard.stopping),
  );
}

/**
 * One walk of a scan by a proven filter. Its pages add what they show and prove nothing of what they lack; a list that cannot be read, or
 * shows what the filter was to leave out, ends the walk and never the stream.
 */
function walkByFilter(watched: WatchedStream, scanName: ProvenScan, slot: Slot): Observable<Progress> {
  const { reading, live, filters } = watched;
  const { shard, stream, handle } = reading;
  return defer(() => handle.allPagesCompared()).pipe(
    mergeMap(() => {
      const beganMs = shard.now();
      const query = queryOfProven(stream, scanName, scopeOf(reading), filters.sinceDay(scanName, beganMs));
      if (query === null) return EMPTY;
      const cursor = nextWalk(handle.cursor(scanName), query, beganMs);
      handle.begin(scanName, cursor);
      live.schedule.began(scanName, beganMs);
      const look = beginLook(watched, scanName);
      const rows = asking(reading, query, (offset) => turnOf(reading, scanName, cursor.number, offset), slot);
      const pages = scan({
        query,
        filters: stream,
        limit: shard.limit,
        ask: (offset) => rows(offset, shard.limit, FEW_TRIES),
        position: cursor.position,
        credit: createCredits(1),
        stop: shard.stop,
        enough: (page) => look.oddity(page) !== null,
      }).pipe(
        tap(({ page }) => look.note(page)),
        catchError((error: unknown) => {
          if (!isOfTheList(error)) throw error;
          look.failed(error);
          return EMPTY;
        }),
        trackCursor({
          commit: (page) =>
            from(addPage(reading, scanName, page, undefined)).pipe(
              tap((done) => learnFrom(reading, scanName, done)),
              mergeMap((done) => concat(reportPage(reading, done, scanName), readRows(reading, done))),
            ),
        }),
      );
      return concat(
        pages,
        defer(() => look.over(query, beganMs)),
      );
    }),
  );
}

/** Whether asking for a list failed in a way that other lists may be asked all the same. */
function isOfTheList(error: unknown): error is FatalError | TransientError {
  return error instanceof TransientError || (error instanceof FatalError && error.parks === 'stream');
}

/** How a walk of a scan by a filter has gone so far. */
type LookState =
  | { readonly name: 'under way' }
  | { readonly name: 'whole' }
  /** It is the filter's fault: `why` is one sentence without a value of any row but ids. */
  | { readonly name: 'caught'; readonly why: string }
  | { readonly name: 'unanswered' };

/** What a walk by a filter shows, from its first page to its end. */
function beginLook({ reading, live, filters }: WatchedStream, scanName: ProvenScan) {
  const { shard, handle, place } = reading;
  const shown = new Set<number>();
  let began = Infinity;
  let state: LookState = { name: 'under way' };
  const oddity = (page: Page): string | null => surprise(scanName, page, handle.live());
  return {
    oddity,
    note(page: Page): void {
      const nowMs = shard.now();
      began = Math.min(began, page.began);
      for (const { id } of page.rows) shown.add(id);
      live.schedule.read(
        scanName,
        { offset: page.place?.offset ?? page.next.offset, totalCount: page.totalCount },
        nowMs,
      );
      const odd = oddity(page);
      if (odd !== null) state = { name: 'caught', why: odd };
      else if (page.end) state = { name: 'whole' };
      if (page.end) live.schedule.ended(scanName, nowMs);
    },
    failed(error: FatalError | TransientError): void {
      live.schedule.ended(scanName, shard.now());
      if (isFilterRefused(error)) state = { name: 'caught', why: `the API refuses the list that ${scanName} asks for` };
      else if (error instanceof FatalError && !(error.cause instanceof TransientError))
        state = { name: 'caught', why: `the list that ${scanName} asks for cannot be read (${error.reason})` };
      else state = { name: 'unanswered' };
    },
    /** The walk is over: its filter is held against what other scans found. */
    over(query: Query, beganMs: number): Observable<Progress> {
      if (state.name === 'under way') return EMPTY;
      const nowMs = shard.now();
      if (state.name === 'unanswered') {
        filters.unanswered(scanName, nowMs);
        return EMPTY;
      }
      const notice =
        state.name === 'caught'
          ? filters.retire(scanName, state.why, nowMs)
          : filters.walked({ scan: scanName, query, began, shown }, beganMs, (id) => isThere(reading, id));
      if (notice === null) return EMPTY;
      const message = `the scan ${scanName} is not made any more, as its filter is not to be relied on: ${notice}`;
      return from<readonly Progress[]>([
        { kind: 'warning', ...place, message },
        { kind: 'filters', ...place, standings: filters.standings },
      ]);
    },
  };
}

/** Whether a row is in the list still, as far as is known. */
function isThere({ handle }: StreamReading, id: number): boolean {
  return handle.entry(id)?.missing === 0;
}
