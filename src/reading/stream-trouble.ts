import { catchError, tap, throwError, type MonoTypeOperatorFunction } from 'rxjs';

import { FatalError, TransientError } from '../errors';
import type { EntityId, StreamName } from '../model';

/** When each stream of one entity was last answered, by marks of the process's requests. */
export interface LastAnswers {
  readonly note: (stream: StreamName, mark: number) => void;
  /** Whether another stream than this one was answered after the mark. */
  readonly hasOther: (stream: StreamName, since: number) => boolean;
}

/** No stream was answered yet. */
export function createLastAnswers(): LastAnswers {
  const last = new Map<StreamName, number>();
  return {
    note: (stream, mark) => void last.set(stream, mark),
    hasOther: (stream, since) => [...last].some(([other, mark]) => other !== stream && mark > since),
  };
}

/** Where a request of a stream is made. */
interface StreamPlace {
  readonly entity: EntityId;
  readonly stream: StreamName;
}

/** A wait shorter than this is what a parked stream waits in any case. */
const SHORTEST_PARK_MS = 60_000;

/**
 * Notes the answers of a stream's requests, and lays a fault that did not pass at the door of the stream alone where another stream of
 * its entity was answered since this mark. Where none was, the fault is the whole entity's.
 */
export function ofStreamAlone<T extends { readonly ended: number }>(
  answers: LastAnswers,
  { entity, stream }: StreamPlace,
  began: number,
): MonoTypeOperatorFunction<T> {
  return (request) =>
    request.pipe(
      tap(({ ended }) => answers.note(stream, ended)),
      catchError((error: unknown) => {
        const isOwn = error instanceof TransientError && answers.hasOther(stream, began);
        return throwError(() => (isOwn ? faultOfStream(error, { entity, stream }) : error));
      }),
    );
}

function faultOfStream(error: TransientError, place: StreamPlace): FatalError {
  const { message, status, retryAfterMs = 0 } = error;
  return new FatalError(message, {
    ...place,
    cause: error,
    reason: status === 429 ? 'rate-limited' : 'unavailable',
    parks: 'stream',
    status,
    parkMs: retryAfterMs > SHORTEST_PARK_MS ? retryAfterMs : undefined,
  });
}
