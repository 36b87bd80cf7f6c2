import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  filter,
  finalize,
  from,
  ignoreElements,
  merge,
  mergeMap,
  NEVER,
  of,
  repeat,
  Subject,
  switchMap,
  takeUntil,
  tap,
  throwError,
  timer,
  type Observable,
} from 'rxjs';

import { FatalError, TransientError, type ParkReason } from './errors';
import { judgeIdentity } from './identity';
import type { Counts, Cursor, EntityId, Page, ScanName, StreamDeclaration } from './model';
import { failWith } from './operators/fail-with';
import { handleBeforeFailing } from './operators/handle-before-failing';
import { parkOnFailure } from './operators/park-on-failure';
import { isoDay, listParams, sweepQuery, type ScopeSetting } from './scope';
import type { Session } from './shard';
import type { Rest } from './sources/rest';
import { scan, spotRead, startPosition, type Release } from './sources/scan';
import { NO_COUNTS } from './walk';

/** One legal entity as the pipeline reads it. */
export interface Reader extends ScopeSetting {
  readonly entity: EntityId;
  /** Ten digits that the account must have; null = the account seen first is remembered instead. */
  readonly nip: string | null;
  readonly streams: readonly StreamDeclaration[];
  readonly rest: Rest;
}

/** What happened in a shard, in the order in which it did. */
export type Progress =
  /** A page is held against the ledger and what it changed is durable. */
  | {
      readonly kind: 'page';
      readonly entity: EntityId;
      readonly stream: string;
      readonly counts: Counts;
      readonly cursor: Cursor;
    }
  /** A lap is complete and durable. */
  | { readonly kind: 'lap'; readonly entity: EntityId; readonly stream: string; readonly cursor: Cursor }
  /** Not read for now; stream null = the whole entity. */
  | {
      readonly kind: 'parked';
      readonly entity: EntityId;
      readonly stream: string | null;
      readonly reason: ParkReason;
      readonly error: Error;
      readonly waitMs: number;
    }
  /** Asked again after having been parked. */
  | { readonly kind: 'retrying'; readonly entity: EntityId; readonly stream: string | null }
  /** Not asked again in this run. */
  | {
      readonly kind: 'given-up';
      readonly entity: EntityId;
      readonly stream: string | null;
      readonly reason: ParkReason;
      readonly error: Error;
    }
  /** Worth a person's attention; reading goes on. */
  | { readonly kind: 'warning'; readonly entity: EntityId; readonly stream: string | null; readonly message: string };

/** How a shard is read. */
export interface PipelineOptions {
  /** Fences and restores; called again after each commit that did not go through. */
  readonly open: () => Promise<Session>;
  readonly readers: readonly Reader[];
  /** Milliseconds between the starts of two laps; null = one lap of every stream, then the pipeline completes. */
  readonly lapEveryMs: number | null;
  /** How long the nth parking in a row lasts. */
  readonly parkMs: (failures: number) => number;
  /** Rows a page. */
  readonly limit: number;
  /** Pages of one scan that may be on their way at a time. */
  readonly credits: number;
  readonly marks: { next(): number };
  readonly now: () => number;
  /** Once true, no scan asks for a further page. */
  readonly stopped: () => boolean;
  /** Emits when `stopped` becomes true: what is parked is not waited for. */
  readonly stop: Observable<unknown>;
}

/** The laps of this pipeline, by entity and stream, over all sessions. */
interface Laps {
  /** Numbers: one that is finished although its end was never told, as its commit seemed lost or its entity was parked, is not read again. */
  readonly begun: Map<string, number>;
  /** Told to be complete. */
  readonly finished: Set<string>;
}

/** Parked in a run of one lap, these will not pass by waiting. */
const HOPELESS: ReadonlySet<ParkReason> = new Set([
  'unauthorized',
  'payment-required',
  'identity-mismatch',
  'identity-unreadable',
]);
const LONGEST_PARK_MS = 15 * 60 * 1000;
/** How long a stopping pipeline waits for answers that are on their way; what came until then is committed. */
const LAST_ANSWERS_MS = 5_000;

/**
 * Reads every stream of a shard's entities and publishes what changed. Completes when one lap of each is done (or given up) and
 * durable, where one was asked for; errors when a commit did not go through, with what to do about it: TransientError = open again.
 */
export function runShard(options: PipelineOptions): Observable<Progress> {
  const laps: Laps = { begun: new Map(), finished: new Set() };
  return openSession(options).pipe(
    switchMap((session) => {
      const reading = merge(...options.readers.map((reader) => readEntity(options, session, reader, laps))).pipe(
        takeUntil(options.stop.pipe(switchMap(() => timer(LAST_ANSWERS_MS)))),
      );
      const flushed = defer(() => from(session.flush())).pipe(ignoreElements());
      return concat(
        concat(reading, flushed).pipe(failWith(from(session.failed))),
        defer(() => from(session.close())).pipe(ignoreElements()),
      ).pipe(finalize(() => void session.close()));
    }),
  );
}

/** A session that is open only when nobody waits for it any more, as after a stop, is closed again. */
function openSession({ open, stop }: PipelineOptions): Observable<Session> {
  return defer(() => {
    let taken = false;
    const opening = open();
    return from(opening).pipe(
      tap(() => {
        taken = true;
      }),
      takeUntil(stop),
      finalize(() => {
        if (taken) return;
        void opening.then(
          (session) => session.close(),
          () => undefined,
        );
      }),
    );
  });
}

/** One entity: whose account it is, then its streams side by side; parked as a whole where the API refuses the whole of it. */
function readEntity(options: PipelineOptions, session: Session, reader: Reader, laps: Laps): Observable<Progress> {
  const { entity } = reader;
  const streams = defer(() =>
    merge(...reader.streams.map((stream) => readStream(options, session, reader, stream, laps))),
  );
  return parked(options, { entity, stream: null }, parksEntity, concat(identify(options, session, reader), streams));
}

/** One stream: a lap after the other, parked alone where only its rows or its list are at fault. */
function readStream(
  options: PipelineOptions,
  session: Session,
  reader: Reader,
  stream: StreamDeclaration,
  laps: Laps,
): Observable<Progress> {
  const name = `${reader.entity} ${stream.name}`;
  const lap = defer(() => {
    if (options.lapEveryMs === null && laps.finished.has(name)) return EMPTY;
    return readLap(options, session, reader, stream, laps).pipe(
      tap((progress) => {
        if (progress.kind === 'lap') laps.finished.add(name);
      }),
    );
  });
  const { lapEveryMs } = options;
  const place = { entity: reader.entity, stream: stream.name };
  if (lapEveryMs === null) return parked(options, place, parksStream, lap);
  const pause = (): Observable<unknown> =>
    options.stopped()
      ? EMPTY
      : timer(untilNextLap(options, session, reader, stream, lapEveryMs)).pipe(takeUntil(options.stop));
  // Read again after a parking or a lost commit, a stream whose lap is complete is not due at once.
  const due = defer(() => (laps.finished.has(name) ? pause() : of(null)));
  return parked(options, place, parksStream, due.pipe(mergeMap(() => lap.pipe(repeat({ delay: pause })))));
}

/** By the wall clock, as it outlives the process; a clock that is set back delays a lap by no more than one turn. */
function untilNextLap(
  options: PipelineOptions,
  session: Session,
  reader: Reader,
  stream: StreamDeclaration,
  everyMs: number,
): number {
  const cursor = session.cursor(reader.entity, stream.name, 'sweep');
  if (cursor === null || cursor.finishedAt === null) return 0;
  return Math.min(everyMs, Math.max(0, Date.parse(cursor.startedAt) + everyMs - options.now()));
}

/** One lap of the sweep, or the rest of one: page after page into the session, the next asked for while this one is committed. */
function readLap(
  options: PipelineOptions,
  session: Session,
  reader: Reader,
  stream: StreamDeclaration,
  laps: Laps,
): Observable<Progress> {
  const place = { entity: reader.entity, stream: stream.name };
  const name = `${reader.entity} ${stream.name}`;
  const start = async (): Promise<Cursor> => {
    // Pages of the scan before this one may still wait to be held against the ledger: only then is its cursor right.
    await session.settled(reader.entity, stream.name);
    const before = session.cursor(reader.entity, stream.name, 'sweep');
    if (options.lapEveryMs === null && before?.finishedAt != null && laps.begun.get(name) === before.number) {
      await session.flush();
      return before;
    }
    const cursor = resumeOrBegin(options, session, reader, stream);
    laps.begun.set(name, cursor.number);
    return cursor;
  };
  return defer(start).pipe(
    // The session's end is told once, by itself.
    catchError((error: unknown) => (session.over() ? NEVER : throwError(() => error))),
    mergeMap((cursor) =>
      cursor.finishedAt === null
        ? readPages(options, session, reader, stream, cursor)
        : of<Progress>({ kind: 'lap', ...place, cursor }),
    ),
  );
}

/** From the cursor on to the end of its walk. */
function readPages(
  options: PipelineOptions,
  session: Session,
  { entity, rest }: Reader,
  stream: StreamDeclaration,
  { query, position }: Cursor,
): Observable<Progress> {
  const place = { entity, stream: stream.name };
  const params = listParams(stream, query);
  const reading = {
    query,
    scopeField: stream.scopeField,
    limit: options.limit,
    ask: (offset: number) =>
      defer(() => {
        const answered = session.requested(entity, stream.name, options.marks.next());
        return rest.list(stream.name, stream.path, params, offset, options.limit).pipe(finalize(answered));
      }),
  };
  const add = (scanName: ScanName, page: Page, handled: () => void): Observable<Progress> => {
    // Not the page itself, whose rows would be held until it is durable.
    const { outsideQuery, end } = page;
    return from(session.add({ ...place, scan: scanName, page }).finally(handled)).pipe(
      mergeMap(({ counts, cursor, stale }) => {
        const told: Progress[] = [{ kind: 'page', ...place, counts, cursor }];
        if (outsideQuery > 0) told.push({ kind: 'warning', ...place, message: filterIgnored(stream) });
        if (end) told.push({ kind: 'lap', ...place, cursor });
        return concat(from(told), from(stale).pipe(concatMap(readAgain)));
      }),
      // The session's end is told once, by itself.
      catchError((error: unknown) => (session.over() ? NEVER : throwError(() => error))),
    );
  };
  /** A page that an older request read differs from what a newer one published: only a third can tell. */
  const readAgain = (id: number): Observable<Progress> =>
    defer(() => spotRead({ ...reading, id, rank: session.rank(entity, stream.name, id) })).pipe(
      // That a row is not there is for the sweep to prove.
      mergeMap(({ found, ...spot }) =>
        found === null ? EMPTY : add('spot', { ...BLANK_PAGE, ...spot, rows: [found] }, () => undefined),
      ),
    );
  const { credits, stopped } = options;
  return scan({ ...reading, position, credit: createCredits(credits), stopped }).pipe(
    // Pages that are on their way when the API fails are committed all the same, and told of.
    handleBeforeFailing(({ page, release }) => add('sweep', page, release)),
  );
}

/** What a page of one row has to say beside that row. */
const BLANK_PAGE = { strays: [], outsideQuery: 0, totalCount: 0, next: startPosition(), end: false };

function filterIgnored(stream: StreamDeclaration): string {
  return `the API answered with rows outside the ${stream.scopeField ?? ''} asked for: it ignores that filter, so more is read than needed and left out here`;
}

/** Goes on with a half lap of the same query, or begins the next one. */
function resumeOrBegin(options: PipelineOptions, session: Session, reader: Reader, stream: StreamDeclaration): Cursor {
  const { entity } = reader;
  const before = session.cursor(entity, stream.name, 'sweep');
  const query = sweepQuery(stream, reader, session.account(entity)?.firstRun ?? isoDay(options.now()));
  if (before !== null && before.finishedAt === null && JSON.stringify(before.query) === JSON.stringify(query)) {
    // The bounds on a walk without an end count from here: one that was parked for them must be able to go on.
    const cursor = { ...before, position: { ...before.position, step: 1, requests: 0, unproven: 0 } };
    session.begin(entity, stream.name, 'sweep', cursor);
    return cursor;
  }
  const cursor: Cursor = {
    // A lap that is begun again under another query was never complete and keeps its number.
    number: before === null ? 1 : before.number + (before.finishedAt === null ? 0 : 1),
    query,
    startedAt: new Date(options.now()).toISOString(),
    finishedAt: null,
    position: startPosition(),
    totalCount: null,
    counts: NO_COUNTS,
    sums: {},
  };
  session.begin(entity, stream.name, 'sweep', cursor);
  return cursor;
}

/** Shows that the key belongs to the entity before anything is read with it (I7). */
function identify(options: PipelineOptions, session: Session, { entity, nip, rest }: Reader): Observable<Progress> {
  return rest.accountDetails().pipe(
    mergeMap((seen) => {
      const before = session.account(entity);
      const { identity, warning } = judgeIdentity({ entity, nip }, before, seen);
      const told: Observable<Progress> =
        warning === null ? EMPTY : of({ kind: 'warning', entity, stream: null, message: warning });
      if (before !== null && before.taxId === identity.taxId && before.accountUuid === identity.accountUuid)
        return told;
      const account = { ...identity, firstRun: before?.firstRun ?? isoDay(options.now()) };
      return concat(
        defer(() => from(session.remember(entity, account))).pipe(
          catchError((error: unknown) => (session.over() ? NEVER : throwError(() => error))),
          ignoreElements(),
        ),
        told,
      );
    }),
  );
}

/** Parks a source on the failures that are its own; in a run of one lap it is tried once more and then given up. */
function parked(
  options: PipelineOptions,
  place: { readonly entity: EntityId; readonly stream: string | null },
  isOurs: (error: unknown) => error is FatalError | TransientError,
  source: Observable<Progress>,
): Observable<Progress> {
  return defer(() => {
    const told = new Subject<Progress>();
    let retries = 0;
    const waitMs = (error: unknown, failures: number): number | null => {
      if (!isOurs(error) || options.stopped()) return null;
      const asked = error instanceof FatalError ? error.parkMs : error.retryAfterMs;
      const wait = asked ?? options.parkMs(failures);
      if (options.lapEveryMs === null && (retries > 0 || HOPELESS.has(reasonOf(error)) || wait > LONGEST_PARK_MS))
        return null;
      return wait;
    };
    const trying = source.pipe(
      // Only what was read ends a row of failures.
      filter((progress) => {
        const read = progress.kind === 'page' || progress.kind === 'lap';
        if (!read) told.next(progress);
        return read;
      }),
      parkOnFailure({
        waitMs,
        until: options.stop,
        onPark: (error, wait) => {
          if (isOurs(error)) told.next({ kind: 'parked', ...place, reason: reasonOf(error), error, waitMs: wait });
        },
        onRetry: () => {
          retries += 1;
          told.next({ kind: 'retrying', ...place });
        },
      }),
      catchError((error: unknown) => {
        if (!isOurs(error)) return throwError(() => error);
        if (options.stopped()) return EMPTY;
        return of<Progress>({ kind: 'given-up', ...place, reason: reasonOf(error), error });
      }),
      finalize(() => told.complete()),
    );
    return merge(told, trying);
  });
}

function parksStream(error: unknown): error is FatalError {
  return error instanceof FatalError && error.parks === 'stream';
}

/** What six tries did not cure is the entity's own fault until shown otherwise. */
function parksEntity(error: unknown): error is FatalError | TransientError {
  return (error instanceof FatalError && error.parks === 'entity') || error instanceof TransientError;
}

function reasonOf(error: FatalError | TransientError): ParkReason {
  if (error instanceof FatalError) return error.reason;
  return error.status === 429 ? 'rate-limited' : 'unavailable';
}

/** At most `count` credits out at a time; those who wait are served in order. */
function createCredits(count: number): () => Promise<Release> {
  let free = count;
  const waiting: (() => void)[] = [];
  const give = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return give;
  };
}
