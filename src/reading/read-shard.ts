import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  every,
  filter,
  finalize,
  from,
  ignoreElements,
  map,
  merge,
  mergeMap,
  NEVER,
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

import { FatalError, TransientError, type ParkReason } from '../errors';
import { judgeIdentity, strangeAccount, type Twins } from '../rules/identity';
import { isObject } from '../json';
import type { Cursor, EntityId, Page, StreamDeclaration, StreamName } from '../model';
import { failWith } from '../operators/fail-with';
import { handleBeforeFailing } from '../operators/handle-before-failing';
import { parkOnFailure } from '../operators/park-on-failure';
import { asking, scopeOf, untilOver, type Progress, type Reader } from './stream-reading';
import { dueAt, firstSweepOf, pagesOf, turnOf, type Target, type TimedScan } from '../rules/rhythm';
import { isoDay, queryOf, scansOf } from '../rules/scope';
import { publishDeletions } from './publish-deletions';
import type { Session } from '../shard/session';
import type { PageResult } from '../shard/page-changes';
import type { Rest } from '../sources/rest';
import { startPosition } from '../rules/paging';
import { scan, type Release } from '../sources/scan';
import { askDetail, readAlone } from './read-row';
import { NO_COUNTS } from '../rules/cursor';

/** When the scans of a running service begin. */
export interface Rhythm {
  readonly targets: (stream: StreamName) => Readonly<Record<TimedScan, Target>>;
  /** How far back `recent` looks. */
  readonly recentDays: number;
}

/** How a shard is read. */
export interface PipelineOptions {
  /** Fences and restores; called again after each commit that did not go through. */
  readonly open: () => Promise<Session>;
  readonly readers: readonly Reader[];
  /** How often each scan of a stream is made; null = one lap of every stream, then the pipeline completes. */
  readonly rhythm: Rhythm | null;
  /** How long the nth parking in a row lasts. */
  readonly parkMs: (failures: number) => number;
  /** Rows a page. */
  readonly limit: number;
  /** Pages of one scan that may be on their way at a time. */
  readonly credits: number;
  readonly marks: { next(): number };
  readonly twins: Twins;
  readonly now: () => number;
  /** Names what waits for a person. */
  readonly newId: () => string;
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
/** How long a scan whose filter has no effect rests. */
const FRUITLESS_MS = 60 * 60 * 1000;
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

/** One stream: its scans side by side, each walk after the other, parked alone where only its rows or its list are at fault. */
function readStream(
  options: PipelineOptions,
  session: Session,
  reader: Reader,
  stream: StreamDeclaration,
  laps: Laps,
): Observable<Progress> {
  const place = { entity: reader.entity, stream: stream.name };
  const { rhythm } = options;
  const reading =
    rhythm === null
      ? defer(() => readOnce(options, session, reader, stream, laps))
      : defer(() => {
          const around: Scans = { options, session, reader, stream, rhythm, early: new Subject() };
          // Spot reads ask what the sweep asks, also before its first page.
          if (session.cursor(reader.entity, stream.name, 'sweep') === null)
            resumeOrBegin(options, session, reader, stream);
          return merge(...scansOf(stream).map((scanName) => repeated(around, scanName)));
        });
  return parked(options, place, parksStream, reading);
}

/** All that the scans of one stream share while it is read. */
interface Scans {
  readonly options: PipelineOptions;
  readonly session: Session;
  readonly reader: Reader;
  readonly stream: StreamDeclaration;
  readonly rhythm: Rhythm;
  /** Something speaks for a lap before its time. */
  readonly early: Subject<void>;
}

/** Each walk of one scan as soon as it is due, until stopped. */
function repeated(around: Scans, scanName: TimedScan): Observable<Progress> {
  const { options, stream, early, rhythm } = around;
  const target = rhythm.targets(stream.name)[scanName];
  let fruitless = false;
  const due = defer(() => {
    if (options.stopped()) return EMPTY;
    // A filter without effect is tried again now and then: the rows are found by the sweep.
    const pace = fruitless ? { ...target, everyMs: Math.max(target.everyMs, FRUITLESS_MS) } : target;
    const wait = (isEarly: boolean): Observable<unknown> => timer(untilDue(around, scanName, pace, isEarly));
    if (scanName !== 'sweep') return wait(false).pipe(takeUntil(options.stop));
    return merge(of(false), early.pipe(map(() => true))).pipe(switchMap(wait), take(1), takeUntil(options.stop));
  });
  const walk = defer(() => {
    fruitless = false;
    return walkOnce(around, scanName).pipe(
      tap((progress) => {
        const ignored = progress.kind === 'warning' && progress.message === filterIgnored(stream, scanName);
        if (ignored && livesByFilter(scanName)) fruitless = true;
      }),
    );
  });
  return due.pipe(mergeMap(() => walk.pipe(repeat({ delay: () => due }))));
}

/** By the wall clock, as it outlives the process. A lap that is half done goes on at once, and one of another query begins. */
function untilDue(
  { options, session, reader, stream }: Scans,
  scanName: TimedScan,
  target: Target,
  early: boolean,
): number {
  const cursor = session.cursor(reader.entity, stream.name, scanName);
  if (cursor === null) return 0;
  if (scanName === 'sweep') {
    const wanted = JSON.stringify(scopeOf({ ...options, session, reader, stream }));
    if (cursor.finishedAt === null || JSON.stringify(cursor.query) !== wanted) return 0;
  }
  const now = options.now();
  return dueAt(target, Date.parse(cursor.startedAt), now, early) - now;
}

/** One walk of a scan that is due. */
function walkOnce(around: Scans, scanName: TimedScan): Observable<Progress> {
  const { options, session, reader, stream, rhythm, early } = around;
  const { entity } = reader;
  if (scanName === 'sweep') {
    return settledFirst(session, entity, stream, () =>
      readLap(options, session, reader, stream, resumeOrBegin(options, session, reader, stream)),
    );
  }
  const now = options.now();
  const query = queryOf(scanName, scopeOf({ ...options, session, reader, stream }), isoDay(now), rhythm.recentDays);
  const before = session.cursor(entity, stream.name, scanName);
  const cursor: Cursor = {
    number: (before?.number ?? 0) + 1,
    query: query ?? scopeOf({ ...options, session, reader, stream }),
    startedAt: new Date(now).toISOString(),
    finishedAt: null,
    position: startPosition(),
    totalCount: before?.totalCount ?? null,
    counts: NO_COUNTS,
    sums: {},
    ...(before?.mark === undefined ? {} : { mark: before.mark }),
  };
  return settledFirst(session, entity, stream, () => {
    session.begin(entity, stream.name, scanName, cursor);
    if (query === null) return EMPTY;
    const pages = readPages(options, session, reader, stream, scanName, cursor);
    if (scanName !== 'newest') return pages;
    const counted = defer(() => {
      if (listDisagrees(session, entity, stream)) early.next();
      return EMPTY;
    });
    return concat(pages, counted);
  });
}

/** The list is longer or shorter than what is known of it: something came or went that `newest` does not show. */
function listDisagrees(session: Session, entity: EntityId, { name }: StreamDeclaration): boolean {
  const sweep = session.cursor(entity, name, 'sweep');
  const newest = session.cursor(entity, name, 'newest');
  if (sweep?.finishedAt == null || newest?.totalCount == null) return false;
  return newest.totalCount !== session.live(entity, name);
}

/** Pages of the scan before may still wait to be held against the ledger: only then is its cursor right. */
function settledFirst(
  session: Session,
  entity: EntityId,
  { name }: StreamDeclaration,
  begin: () => Observable<Progress>,
): Observable<Progress> {
  return defer(() => session.settled(entity, name)).pipe(
    // The session's end is told once, by itself.
    mergeMap(() => (session.over() ? NEVER : begin())),
  );
}

/** One lap, or the rest of one. */
function readOnce(
  options: PipelineOptions,
  session: Session,
  reader: Reader,
  stream: StreamDeclaration,
  laps: Laps,
): Observable<Progress> {
  const { entity } = reader;
  const name = `${entity} ${stream.name}`;
  if (laps.finished.has(name)) return EMPTY;
  const lap = settledFirst(session, entity, stream, () => {
    const before = session.cursor(entity, stream.name, 'sweep');
    if (before?.finishedAt != null && laps.begun.get(name) === before.number) {
      const flushed = defer(() => from(session.flush())).pipe(ignoreElements(), untilOver(session));
      return concat(flushed, of<Progress>({ kind: 'lap', entity, stream: stream.name, cursor: before }));
    }
    const cursor = resumeOrBegin(options, session, reader, stream);
    laps.begun.set(name, cursor.number);
    return readLap(options, session, reader, stream, cursor);
  });
  return lap.pipe(
    tap((progress) => {
      if (progress.kind === 'lap') laps.finished.add(name);
    }),
  );
}

/** A lap from its cursor on, then what it says of deletions. */
function readLap(
  options: PipelineOptions,
  session: Session,
  reader: Reader,
  stream: StreamDeclaration,
  cursor: Cursor,
): Observable<Progress> {
  const pages = readPages(options, session, reader, stream, 'sweep', cursor);
  const deletions = defer(() => {
    const lap = session.cursor(reader.entity, stream.name, 'sweep');
    if (lap?.finishedAt == null || options.stopped()) return EMPTY;
    return publishDeletions({ ...options, session, reader, stream, lap });
  });
  return concat(pages, deletions);
}

/** From the cursor on to the end of its walk. */
function readPages(
  options: PipelineOptions,
  session: Session,
  reader: Reader,
  stream: StreamDeclaration,
  scanName: TimedScan,
  cursor: Cursor,
): Observable<Progress> {
  const { entity } = reader;
  const { limit, now } = options;
  const place = { entity, stream: stream.name };
  const { query, position, startedAt, mark } = cursor;
  const wanted = options.rhythm?.targets(stream.name)[scanName] ?? null;
  const target = wanted !== null && scanName === 'sweep' && cursor.number === 1 ? firstSweepOf(wanted) : wanted;
  let pages = cursor.totalCount === null ? null : pagesOf(cursor.totalCount, limit);
  let highest: number | undefined;
  const turn = (offset: number): Rest =>
    target === null
      ? reader.rest
      : reader.rest.as(() =>
          turnOf(
            {
              stream: stream.name,
              scan: scanName,
              target,
              pages: scanName === 'newest' ? null : pages,
              done: Math.floor(offset / (limit - 1)),
              startedAtMs: Date.parse(startedAt),
            },
            now(),
          ),
        );
  const reading = { query, filters: stream, limit, ask: asking({ ...options, session, reader, stream }, query, turn) };
  const add = (page: Page, handled: () => void): Observable<Progress> => {
    // Not the page itself, whose rows would be held until it is durable.
    const { outsideQuery, end } = page;
    pages = pagesOf(page.totalCount, limit);
    const work = { ...place, scan: scanName, page };
    // An empty list has a mark as well: all that comes later is new.
    const marked = end && scanName === 'newest' ? { ...work, mark: highest ?? 0 } : work;
    const added = async (): Promise<PageResult> => {
      options.twins.check(entity, stream.name, page.rows);
      return session.add(marked);
    };
    return from(added().finally(handled)).pipe(
      mergeMap(({ counts, cursor: at, stale, departed }) => {
        const told: Progress[] = [{ kind: 'page', ...place, counts, cursor: at }];
        if (outsideQuery > 0) told.push({ kind: 'warning', ...place, message: filterIgnored(stream, scanName) });
        if (end && scanName === 'sweep') told.push({ kind: 'lap', ...place, cursor: at });
        const alone = from([...stale, ...departed]);
        return concat(
          from(told),
          alone.pipe(concatMap((id) => readAlone({ ...options, session, reader, stream }, id))),
        );
      }),
      untilOver(session),
    );
  };
  const { credits, stopped } = options;
  return scan({
    ...reading,
    position,
    credit: createCredits(scanName === 'sweep' ? credits : 1),
    stopped,
    enough: (page) => {
      // Sweep and newest go on through a list whose filter has no effect.
      if (livesByFilter(scanName)) return page.outsideQuery > 0;
      if (scanName !== 'newest') return false;
      highest ??= page.rows[0]?.id;
      const reached = (page.interval.after ?? 0) + 1;
      return mark === undefined || reached <= mark;
    },
  }).pipe(
    // Pages that are on their way when the API fails are committed all the same, and told of.
    handleBeforeFailing(({ page, release }) => add(page, release)),
  );
}

/** Without its filter such a scan would do what the sweep does. */
function livesByFilter(scanName: TimedScan): boolean {
  return scanName === 'open' || scanName === 'recent';
}

function filterIgnored({ scopeField, openField }: StreamDeclaration, scanName: TimedScan): string {
  const filter = scanName === 'open' ? `${openField ?? ''} that is null` : (scopeField ?? '');
  const instead = livesByFilter(scanName)
    ? `the sweep does what ${scanName} was to do`
    : 'more is read than needed and left out here';
  return `the API answered with rows outside the ${filter} asked for: it ignores that filter, so ${instead}`;
}

/** Goes on with a half lap of the same query, or begins the next one. */
function resumeOrBegin(options: PipelineOptions, session: Session, reader: Reader, stream: StreamDeclaration): Cursor {
  const { entity } = reader;
  const before = session.cursor(entity, stream.name, 'sweep');
  const query = scopeOf({ ...options, session, reader, stream });
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
    counts: { ...NO_COUNTS, deleted: before?.deletedSince ?? 0 },
    sums: {},
    ...(before?.deletions === undefined ? {} : { deletions: before.deletions }),
  };
  session.begin(entity, stream.name, 'sweep', cursor);
  return cursor;
}

/** Shows that the key belongs to the entity before anything is read with it (I7). */
function identify(options: PipelineOptions, session: Session, reader: Reader): Observable<Progress> {
  const { entity, nip, rest } = reader;
  return rest.accountDetails().pipe(
    mergeMap((seen) => {
      const before = session.account(entity);
      const { identity, warning } = judgeIdentity({ entity, nip }, before, seen);
      const told: Observable<Progress> =
        warning === null
          ? EMPTY
          : concat(
              refuseStranger(options, session, reader),
              of<Progress>({ kind: 'warning', entity, stream: null, message: warning }),
            );
      if (before !== null && before.taxId === identity.taxId && before.accountUuid === identity.accountUuid)
        return told;
      const account = { ...identity, firstRun: before?.firstRun ?? isoDay(options.now()) };
      return concat(
        defer(() => from(session.remember(entity, account))).pipe(ignoreElements(), untilOver(session)),
        told,
      );
    }),
  );
}

/** Where nothing says whose the account is, some of what was published before must be there: all gone beside new rows is another one. */
function refuseStranger({ limit }: PipelineOptions, session: Session, reader: Reader): Observable<never> {
  const { entity, rest, streams } = reader;
  return from(streams).pipe(
    concatMap((stream) => {
      const rows = session.live(entity, stream.name);
      const ranks = [...new Set([0, Math.floor(rows / 2), rows - 1])];
      const known = ranks.flatMap((rank) => session.atRank(entity, stream.name, rank) ?? []);
      const asked = known.flatMap(({ id, address }) => (address === null ? [] : [{ id, address }]));
      if (asked.length === 0) return EMPTY;
      return from(asked).pipe(
        concatMap(({ id, address }) => askDetail(rest, stream, id, address)),
        every(({ status }) => status === 404),
        mergeMap((gone) =>
          gone
            ? rest.list(stream.name, stream.path, { order: 'id desc' }, 0, limit).pipe(map(({ rows: all }) => all))
            : EMPTY,
        ),
        map((all) => {
          const seen = all.flatMap((row) => (isObject(row) && typeof row['id'] === 'number' ? [row['id']] : []));
          if (seen.length > 0 && seen.every((id) => session.entry(entity, stream.name, id) === null))
            throw strangeAccount(entity, stream.name, asked.length);
        }),
      );
    }),
    ignoreElements(),
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
      // What the other side asks for holds at least; a short one does not make an outage shorter.
      const wait =
        error instanceof FatalError
          ? (error.parkMs ?? options.parkMs(failures))
          : Math.max(error.retryAfterMs ?? 0, options.parkMs(failures));
      if (options.rhythm === null && (retries > 0 || HOPELESS.has(reasonOf(error)) || wait > LONGEST_PARK_MS))
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
