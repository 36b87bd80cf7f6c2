import {
  catchError,
  concat,
  defer,
  finalize,
  from,
  ignoreElements,
  merge,
  mergeMap,
  switchMap,
  takeUntil,
  tap,
  throwError,
  timer,
  type Observable,
} from 'rxjs';

import { failWith } from '../operators/fail-with';
import type { Session } from '../shard/session';
import { SessionEnded } from '../shard/session-ended';
import { reportRest } from './committed';
import { identify } from './identify';
import { parked, parksEntity } from './parking';
import type { Progress } from './progress';
import { readDictionaries } from './read-dictionaries';
import { readStream } from './read-stream';
import { streamReading, type EntityReading, type ShardReading, type ShardReadingOptions } from './stream-reading';
import { createLastAnswers } from './stream-trouble';

/** How long a stopping shard waits for answers that are on their way; what came until then is committed. */
const LAST_ANSWERS_MS = 5_000;

/**
 * Reads every stream of a shard's entities and publishes what changed. Completes when one sweep of each is done (or given up) and
 * durable, where one was asked for; errors when a commit did not go through, with what to do about it: TransientError = open again.
 */
export function readShard(options: ShardReadingOptions): Observable<Progress> {
  const shard: ShardReading = {
    ...options,
    sweeps: { begun: new Map(), reported: new Set(), decided: new Set() },
    pageSizes: new Map(),
    live: new Map(),
  };
  return openSession(shard).pipe(switchMap((session) => readSession(shard, session)));
}

/** Nobody waits any more, as after a stop or where the shard moved: what is not fenced, written or read yet stays so, and a session that is open all the same is closed again. */
function openSession({ open, stopping }: ShardReading): Observable<Session> {
  return defer(() => {
    let taken = false;
    const wanted = new AbortController();
    const opening = open(wanted.signal);
    return from(opening).pipe(
      tap(() => {
        taken = true;
      }),
      takeUntil(stopping),
      finalize(() => {
        if (taken) return;
        wanted.abort();
        void opening.then(
          (session) => session.close(),
          () => undefined,
        );
      }),
    );
  });
}

/** Every entity of the shard side by side, then what still waits for a commit; the session is closed in any case. */
function readSession(shard: ShardReading, session: Session): Observable<Progress> {
  const entities = shard.readers.map((reader) => ({ shard, session, reader, answers: createLastAnswers() }));
  // Entity by entity, as all at once would block the event loop of a service that has many.
  const begun = from(entities).pipe(
    mergeMap(async (entity) => {
      await shard.turn();
      return entity;
    }),
  );
  const reading = begun.pipe(
    mergeMap(readEntity),
    takeUntil(shard.stopping.pipe(switchMap(() => timer(LAST_ANSWERS_MS)))),
  );
  const flushed = defer(() => from(session.flush())).pipe(ignoreElements());
  const closed = defer(() => from(session.close())).pipe(ignoreElements());
  const rest = defer(() =>
    concat(
      ...entities.flatMap((entity) => entity.reader.streams.map((stream) => reportRest(streamReading(entity, stream)))),
    ),
  );
  const untilFailed = concat(reading, flushed, rest).pipe(
    failWith(from(session.failed)),
    catchError((error: unknown) =>
      concat(
        rest,
        throwError(() => (error instanceof SessionEnded ? error.cause : error)),
      ),
    ),
  );
  return concat(untilFailed, closed).pipe(finalize(() => void session.close()));
}

/** One entity: whose account it is, then its streams side by side; parked as a whole where the API refuses the whole of it. */
function readEntity(reading: EntityReading): Observable<Progress> {
  const { shard, reader } = reading;
  const streams = defer(() =>
    merge(...reader.streams.map((stream) => readStream(streamReading(reading, stream))), readDictionaries(reading)),
  );
  const place = { entity: reader.entity, stream: null };
  return parked(shard, place, parksEntity, concat(identify(reading), streams));
}
