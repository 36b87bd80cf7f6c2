import { catchError, tap, throwError, type MonoTypeOperatorFunction } from 'rxjs';

import { FatalError, TransientError } from '../errors';
import type { EntityId, StreamDeclaration, StreamName } from '../model';

/** When each stream of one entity was last answered, by marks of the process's requests. */
export interface LastAnswers {
  readonly note: (stream: StreamName, mark: number) => void;
  /** Whether another stream than this one was answered after the mark. */
  readonly hasOther: (stream: StreamName, since: number) => boolean;
  /** Whether the stream was ever answered. */
  readonly has: (stream: StreamName) => boolean;
}

/** No stream was answered yet. */
export function createLastAnswers(): LastAnswers {
  const last = new Map<StreamName, number>();
  return {
    note: (stream, mark) => void last.set(stream, mark),
    hasOther: (stream, since) => [...last].some(([other, mark]) => other !== stream && mark > since),
    has: (stream) => last.has(stream),
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

/** A fault that did not pass, of the stream alone. */
export function faultOfStream(error: TransientError, place: StreamPlace): FatalError {
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

/** How long a list that an account does not have is left alone. */
const NOT_AVAILABLE_MS = 24 * 60 * 60 * 1_000;
/** What a list is refused with that the account's plan, or its key, does not have; 401 of a whole entity is none, as its key is to be seen to. */
const REFUSALS: ReadonlySet<number | undefined> = new Set([401, 403, 404]);

/**
 * The refusal of a whole list as the finding that the account does not have this stream, where the stream is optional and nothing was ever
 * read of it; any other error as it is. Whose account it is was answered before, so that no block of the whole address is taken for this.
 */
export function asNotAvailable(
  error: unknown,
  { name: stream, isOptional }: Pick<StreamDeclaration, 'name' | 'isOptional'>,
  { entity, wasEverRead }: { readonly entity: EntityId; readonly wasEverRead: boolean },
): unknown {
  if (isOptional !== true || wasEverRead) return error;
  if (!(error instanceof FatalError) || error.parks !== 'stream' || !REFUSALS.has(error.status)) return error;
  const { message, status } = error;
  return new FatalError(message, {
    entity,
    stream,
    cause: error,
    reason: 'not-available',
    parks: 'stream',
    status,
    parkMs: NOT_AVAILABLE_MS,
  });
}
