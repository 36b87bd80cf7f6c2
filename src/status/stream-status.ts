import type { ReportCodec } from '../changes/reports';
import { isObject, textOrNull } from '../json';
import type { EntityId, StreamName } from '../model';
import type { FilterStanding } from '../rules/filter-trust';
import { partitionOf } from '../sinks/partition';
import type { OutgoingRecord } from '../sinks/transaction';
import { factsOf, isStatusReason, type StatusReason } from './reasons';

/**
 * Where a stream stands. `unknown`: configured, and nobody has said anything of it yet. `starting`: its shard is open and nothing was read
 * since. `lost`: its shard has lost Kafka or has a fault of its own. `stopped`: the replica that read it has stopped. `not-read`: the replica
 * with its shard has no file for the entity.
 */
export type StreamState =
  'unknown' | 'starting' | 'first-sweep' | 'reading' | 'parked' | 'lost' | 'stopped' | 'not-read';

/** A sweep that has reached the end of its list. */
export interface FinishedSweep {
  readonly beganMs: number;
  readonly endedMs: number;
  readonly rows: number;
  readonly complete: boolean;
}

/** How far the first sweep has come. */
export interface FirstSweepProgress {
  readonly rows: number;
  /** Rows that the list has; null = not known yet. */
  readonly total: number | null;
}

/** All that is told of one stream of one entity; times are milliseconds since 1970. */
export interface StreamStatus {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly state: StreamState;
  /** The most serious thing that is wrong; null = nothing is. */
  readonly reason: StatusReason | null;
  /** What else is wrong. */
  readonly also: readonly StatusReason[];
  /** Since when the reason holds, or without one the state. */
  readonly sinceMs: number;
  /** When a parked stream is tried again; null = it is not parked. */
  readonly untilMs: number | null;
  /** Null = none has finished that is known of here. */
  readonly sweep: FinishedSweep | null;
  /** When the last complete sweep ended, or before; null = there was none. */
  readonly completeMs: number | null;
  /** How old the last complete sweep may be; null = not known. */
  readonly staleAfterMs: number | null;
  /** Null = the first sweep is over or has not begun. */
  readonly firstSweep: FirstSweepProgress | null;
  /** When the newest rows were looked at last; null = not yet. */
  readonly newestMs: number | null;
  /** Where the list's filters stand; null = another replica reads the stream. */
  readonly filters: readonly FilterStanding[] | null;
  /** When it was found so. */
  readonly toldMs: number;
  readonly owner: string;
  readonly version: string;
  /** The digest of the owner's entity files; null = an earlier version told of the stream. */
  readonly entitySet: string | null;
}

/** Everything that is wrong with a stream, the most serious first. */
export function reasonsOf({ reason, also }: Pick<StreamStatus, 'reason' | 'also'>): readonly StatusReason[] {
  return reason === null ? also : [reason, ...also];
}

const STATES: ReadonlySet<unknown> = new Set<StreamState>([
  'unknown',
  'starting',
  'first-sweep',
  'reading',
  'parked',
  'lost',
  'stopped',
  'not-read',
]);

/** All that turns where a stream stands into bytes. */
export type StatusCodec = ReportCodec<{ readonly entity: EntityId; readonly stream: StreamName }>;

/** The record of where a stream stands. */
export function statusRecordOf({ encode, encodeKey, topic }: StatusCodec, status: StreamStatus): OutgoingRecord {
  const { entity, stream, state, reason, also, sweep, firstSweep, owner, version, entitySet } = status;
  return {
    topic: topic.name,
    partition: partitionOf(`${entity}/${stream}`, topic.partitions),
    key: encodeKey({ entity, stream }),
    value: encode({
      entity,
      stream,
      observed_at: status.toldMs,
      state,
      reason,
      to_do: reason === null ? null : factsOf(reason).do,
      also: also.length === 0 ? null : also.join(','),
      since: status.sinceMs,
      until: status.untilMs,
      sweep_began: sweep?.beganMs ?? null,
      sweep_ended: sweep?.endedMs ?? null,
      sweep_rows: sweep?.rows ?? null,
      sweep_complete: sweep?.complete ?? null,
      complete_at: status.completeMs,
      stale_after: status.staleAfterMs === null ? null : Math.round(status.staleAfterMs / 1_000),
      walk_rows: firstSweep?.rows ?? null,
      walk_total: firstSweep?.total ?? null,
      newest_at: status.newestMs,
      owner,
      version,
      entity_set: entitySet,
    }),
    headers: { id: `${entity}/${stream}`, entity, stream, op: 'u', observed_at: new Date(status.toldMs).toISOString() },
  };
}

/** The tombstone of what was told of a stream. */
export function goneStatusOf(
  { encodeKey, topic }: StatusCodec,
  { entity, stream }: { readonly entity: EntityId; readonly stream: StreamName },
  nowMs: number,
): OutgoingRecord {
  return {
    topic: topic.name,
    partition: partitionOf(`${entity}/${stream}`, topic.partitions),
    key: encodeKey({ entity, stream }),
    value: null,
    headers: { id: `${entity}/${stream}`, entity, stream, op: 'd', observed_at: new Date(nowMs).toISOString() },
  };
}

/** What a record of the status topic says; null where it is not of a shape that is known here. */
export function statusOfRecord(value: unknown): StreamStatus | null {
  if (!isObject(value)) return null;
  const { entity, stream, state, owner, version } = value;
  if (typeof entity !== 'string' || typeof stream !== 'string' || !isState(state)) return null;
  const [since, told] = [timeOf(value['since']), timeOf(value['observed_at'])];
  if (since === null || told === null || typeof owner !== 'string' || typeof version !== 'string') return null;
  const [began, ended] = [timeOf(value['sweep_began']), timeOf(value['sweep_ended'])];
  const [walkRows, staleAfter] = [numberOf(value['walk_rows']), numberOf(value['stale_after'])];
  const also = typeof value['also'] === 'string' ? value['also'].split(',') : [];
  return {
    entity,
    stream,
    state,
    // A newer program may know more reasons.
    reason: isStatusReason(value['reason']) ? value['reason'] : null,
    also: also.filter(isStatusReason),
    sinceMs: since,
    untilMs: timeOf(value['until']),
    sweep:
      began === null || ended === null
        ? null
        : {
            beganMs: began,
            endedMs: ended,
            rows: numberOf(value['sweep_rows']) ?? 0,
            complete: value['sweep_complete'] === true,
          },
    completeMs: timeOf(value['complete_at']),
    staleAfterMs: staleAfter === null ? null : staleAfter * 1_000,
    firstSweep: walkRows === null ? null : { rows: walkRows, total: numberOf(value['walk_total']) },
    newestMs: timeOf(value['newest_at']),
    filters: null,
    toldMs: told,
    owner,
    version,
    entitySet: textOrNull(value['entity_set']),
  };
}

/** The stream that the key of a record of the status topic names; null where it is no such key. */
export function streamOfKey(key: unknown): { readonly entity: EntityId; readonly stream: StreamName } | null {
  if (!isObject(key)) return null;
  const { entity, stream } = key;
  return typeof entity === 'string' && typeof stream === 'string' ? { entity, stream } : null;
}

function isState(word: unknown): word is StreamState {
  return STATES.has(word);
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

/** Records are read with their times as ISO text. */
function timeOf(value: unknown): number | null {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) ? null : ms;
}
