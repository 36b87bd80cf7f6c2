import { FatalError, TransientError, type ParkReason, type Trouble } from '../../src/errors';
import type { ChangedRow, Counts, Cursor, ScanName } from '../../src/model';
import { NO_COUNTS } from '../../src/rules/cursor';
import type { Completeness } from '../../src/rules/completeness';
import type { LossKind, RestoredStream, ServiceEvent } from '../../src/service/events';
import { allThere } from './completeness';
import { cursorAtStart } from './pages';

// What happens in a run, for whoever looks on.

/** The time at which the tests of who looks on begin. */
export const START_MS = Date.UTC(2026, 0, 7, 10);

/** Milliseconds as an ISO text. */
export function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** A page of alfa's clients; `ended`: it is the last of its walk. */
export function pageRead(
  scan: ScanName,
  page: {
    readonly entity?: string;
    readonly stream?: string;
    readonly counts?: Partial<Counts>;
    readonly cursor?: Partial<Cursor>;
    readonly anchor?: number;
    readonly ended?: number;
    readonly changed?: readonly ChangedRow[];
    readonly misfits?: Readonly<Record<string, number>>;
  } = {},
): ServiceEvent {
  const { entity = 'alfa', stream = 'clients', counts = {}, anchor = null, ended, changed, misfits } = page;
  const start = cursorAtStart({ startedAt: iso(START_MS), ...page.cursor });
  return {
    kind: 'page',
    entity,
    stream,
    scan,
    counts: { ...NO_COUNTS, ...counts },
    cursor: {
      ...start,
      position: { ...start.position, anchor },
      finishedAt: ended === undefined ? null : iso(ended),
    },
    ...(changed === undefined ? {} : { changed }),
    ...(misfits === undefined ? {} : { misfits }),
  };
}

/** A sweep of alfa's clients whose deletions are decided. */
export function sweptAt(
  endedMs: number,
  { stream = 'clients', ...standing }: Partial<Completeness> & { readonly stream?: string } = {},
): ServiceEvent {
  const cursor = cursorAtStart({
    startedAt: iso(endedMs - 60_000),
    finishedAt: iso(endedMs),
    counts: { ...NO_COUNTS, rows: 250 },
  });
  return {
    kind: 'swept',
    entity: 'alfa',
    stream,
    cursor,
    completeness: { ...allThere, ...standing },
    live: 250,
    ledgerBytes: 12_000,
  };
}

/** A stream of alfa as its shard remembers it. */
export function restored(stream: string, known: Partial<RestoredStream> = {}): RestoredStream {
  return {
    entity: 'alfa',
    stream,
    sweptAt: null,
    orBefore: false,
    reasons: [],
    isFirst: true,
    live: 0,
    ledgerBytes: 0,
    ...known,
  };
}

/** A shard that is open. */
export function shardReady(shard: number, ...streams: readonly RestoredStream[]): ServiceEvent {
  return { kind: 'shard-ready', shard, streams, restoreMs: 250 };
}

/** A shard that another replica has now. */
export function shardGone(shard: number): ServiceEvent {
  return { kind: 'shard-ready', shard, streams: [], restoreMs: null };
}

/** The group as it is after a join, when this replica has these shards; `used`: those with an entity. */
export function shardsOwned(shards: readonly number[], used = shards): ServiceEvent {
  return { kind: 'shards', taken: shards, givenUp: [], entities: [], owned: shards.length, of: 4, used, shards };
}

/** Not read for a minute. */
export function parkedFor(reason: ParkReason, stream: string | null = null): ServiceEvent {
  const error = new FatalError(`refused as ${reason}`, { reason, parks: stream === null ? 'entity' : 'stream' });
  return { kind: 'parked', entity: 'alfa', stream, reason, error, waitMs: 60_000 };
}

/** A shard, or with null all of Kafka, is given up. */
export function lostFor(shard: number | null, loss: LossKind = 'lost', trouble?: Trouble): ServiceEvent {
  const error = new TransientError('no broker answered', { trouble });
  return { kind: 'lost', shard, error, waitMs: 500, loss, inARow: 1 };
}

/** A request that has ended. */
export function requestEnded(
  end: Partial<Omit<Extract<ServiceEvent, { kind: 'request' }>, 'kind'>> = {},
): ServiceEvent {
  const allowance = { used: 1, limit: 290 };
  const made = { entity: 'alfa', stream: 'clients', attempt: 1, after: null, waitedMs: 100, status: 200 };
  return { kind: 'request', ...made, allowance, ...end };
}

/** A stream of alfa has shown a field that no schema knows. */
export function drifted(isNews = true, { entity = 'alfa', stream = 'clients', name = 'colour' } = {}): ServiceEvent {
  return { kind: 'drift', entity, stream, found: [{ what: 'field', name, detail: 'string' }], isNews };
}
