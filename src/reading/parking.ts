import { defer, map, type Observable } from 'rxjs';

import { FatalError, TransientError, type ParkReason } from '../errors';
import type { EntityId } from '../model';
import { parkOnFailure, type ParkEvent } from '../operators/park-on-failure';
import { wasRead, type Progress } from './progress';
import type { ShardReading } from './stream-reading';

/** A failure that parks a stream or an entity. */
type ParkError = FatalError | TransientError;

/** Parked in a run of one sweep, these do not pass by waiting. */
const HOPELESS: ReadonlySet<ParkReason> = new Set([
  'unauthorized',
  'payment-required',
  'identity-mismatch',
  'identity-unreadable',
]);
/** The longest parking that a run of one sweep waits for. */
const LONGEST_PARK_MS = 15 * 60 * 1000;

/** Where the reading of an entity or a stream stands; `beginning`: an entity is being identified, and nothing of a stream was read. */
export type ReadingState = 'beginning' | 'reading' | 'parked' | 'given-up';

const LEGAL: Readonly<Record<ReadingState, readonly ReadingState[]>> = {
  beginning: ['reading', 'parked', 'given-up'],
  reading: ['parked', 'given-up'],
  parked: ['beginning'],
  'given-up': [],
};

/** The state after an event; throws where no such transition is legal. */
export function nextState(state: ReadingState, event: ParkEvent<Progress, unknown>): ReadingState {
  const next = stateAfter(state, event);
  const isUnchanged = event.kind === 'value' && next === state;
  if (!isUnchanged && !LEGAL[state].includes(next))
    throw new Error(`reading that is ${state} cannot become ${next}; this is a bug`);
  return next;
}

function stateAfter(state: ReadingState, event: ParkEvent<Progress, unknown>): ReadingState {
  switch (event.kind) {
    case 'value':
      return wasRead(event.value) ? 'reading' : state;
    case 'retrying':
      return 'beginning';
    default:
      return event.kind;
  }
}

/** Parks a source on the failures that are its own; in a run of one sweep it is tried once more and then given up. */
export function parked(
  { rhythm, parkMs, stopping }: ShardReading,
  place: { readonly entity: EntityId; readonly stream: string | null },
  parks: (error: unknown) => error is ParkError,
  source: Observable<Progress>,
): Observable<Progress> {
  const waitMs = (error: ParkError, failures: number, retries: number): number | null => {
    // What the other side asks for holds at least; a short one does not make an outage shorter.
    const wait =
      error instanceof FatalError
        ? (error.parkMs ?? parkMs(failures))
        : Math.max(error.retryAfterMs ?? 0, parkMs(failures));
    const isHopeless = retries > 0 || HOPELESS.has(reasonOf(error)) || wait > LONGEST_PARK_MS;
    return rhythm === null && isHopeless ? null : wait;
  };
  return defer(() => {
    let state: ReadingState = 'beginning';
    return source.pipe(
      parkOnFailure({ parks, waitMs, isProgress: wasRead, until: stopping }),
      map((event): Progress => {
        state = nextState(state, event);
        switch (event.kind) {
          case 'value':
            return event.value;
          case 'retrying':
            return { kind: 'retrying', ...place };
          default:
            return { ...event, ...place, reason: reasonOf(event.error) };
        }
      }),
    );
  });
}

/** A failure of the stream alone: its rows or its list are at fault. */
export function parksStream(error: unknown): error is FatalError {
  return error instanceof FatalError && error.parks === 'stream';
}

/**
 * A failure of the whole entity: a fault that six tries did not cure, and whatever no stream was parked for, as what fails before an
 * entity's streams are read. None of it ends the service.
 */
export function parksEntity(error: unknown): error is ParkError {
  return error instanceof FatalError || error instanceof TransientError;
}

function reasonOf(error: ParkError): ParkReason {
  if (error instanceof FatalError) return error.reason;
  return error.status === 429 ? 'rate-limited' : 'unavailable';
}
