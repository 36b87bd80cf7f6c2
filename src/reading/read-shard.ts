import {
  catchError,
  concat,
  defer,
  finalize,
  from,
  ignoreElements,
  merge,
  switchMap,
  takeUntil,
  tap,
  throwError,
  timer,
  type Observable,
} from 'rxjs';

import { failWith } from '../operators/fail-with';
import { whenAborted } from '../operators/when-aborted';
import type { Session } from '../shard/session';
import { SessionEnded } from '../shard/session-ended';
import { identify } from './identify';
import { parked, parksEntity } from './parking';
import type { Progress } from './progress';
import { readStream } from './read-stream';
import { streamReading, type EntityReading, type ShardReading, type ShardReadingOptions } from './stream-reading';

/** How long a stopping shard waits for answers that are on their way; what came until then is committed. */
const LAST_ANSWERS_MS = 5_000;

/**
 * Reads every stream of a shard's entities and publishes what changed. Completes when one sweep of each is done (or given up) and
 * durable, where one was asked for; errors when a commit did not go through, with what to do about it: TransientError = open again.
 */
export function readShard(options: ShardReadingOptions): Observable<Progress> {
  const shard: ShardReading = {
    ...options,
    sweeps: { begun: new Map(), reported: new Set() },
    stopping: whenAborted(options.stop),
  };
  return openSession(shard).pipe(switchMap((session) => readSession(shard, session)));
}

/** A session that is open only when nobody waits for it any more, as after a stop, is closed again. */
function openSession({ open, stopping }: ShardReading): Observable<Session> {
  return defer(() => {
    let taken = false;
    const opening = open();
    return from(opening).pipe(
      tap(() => {
        taken = true;
      }),
      takeUntil(stopping),
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

/** Every entity of the shard side by side, then what still waits for a commit; the session is closed in any case. */
function readSession(shard: ShardReading, session: Session): Observable<Progress> {
  const entities = shard.readers.map((reader) => readEntity({ shard, session, reader }));
  const reading = merge(...entities).pipe(takeUntil(shard.stopping.pipe(switchMap(() => timer(LAST_ANSWERS_MS)))));
  const flushed = defer(() => from(session.flush())).pipe(ignoreElements());
  const closed = defer(() => from(session.close())).pipe(ignoreElements());
  const untilFailed = concat(reading, flushed).pipe(
    failWith(from(session.failed)),
    catchError((error: unknown) => throwError(() => (error instanceof SessionEnded ? error.cause : error))),
  );
  return concat(untilFailed, closed).pipe(finalize(() => void session.close()));
}

/** One entity: whose account it is, then its streams side by side; parked as a whole where the API refuses the whole of it. */
function readEntity(reading: EntityReading): Observable<Progress> {
  const { shard, reader } = reading;
  const streams = defer(() => merge(...reader.streams.map((stream) => readStream(streamReading(reading, stream)))));
  const place = { entity: reader.entity, stream: null };
  return parked(shard, place, parksEntity, concat(identify(reading), streams));
}
