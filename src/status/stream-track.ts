import { troubleOf, type ParkReason } from '../errors';
import type { Cursor, EntityId, StreamName } from '../model';
import type { Shortcoming } from '../rules/completeness';
import type { FilterStanding } from '../rules/filter-trust';
import type { RestoredStream, ServiceEvent } from '../service/events';
import { inOrder, type StatusReason } from './reasons';
import type { FinishedSweep, FirstSweepProgress, StreamState, StreamStatus } from './stream-status';
import { LEAST_TARGET_MS, type StaleTargets } from './targets';

/** Not asked for now. */
export interface Parking {
  readonly reason: ParkReason;
  readonly untilMs: number | null;
}

/** Why a shard is not read, and since when. */
export interface ShardLoss {
  readonly reason: 'kafka-lost' | 'shard-fault' | 'unknown-version';
  readonly sinceMs: number;
}

/** What of the whole replica bears on each of its streams. */
export interface Surroundings {
  readonly owner: string;
  readonly version: string;
  readonly entitySet: string;
  /** Null = Kafka answers. */
  readonly kafkaLostMs: number | null;
  /** Why the whole entity is not asked for now. */
  readonly entityParking: Parking | null;
  readonly targets: StaleTargets | undefined;
}

type EventOf<K extends ServiceEvent['kind']> = Extract<ServiceEvent, { kind: K }>;

/** A Kafka that is away for so long is worth a person's attention; a broker that restarts is not. */
export const KAFKA_GRACE_MS = 30_000;
/** A warning that has not come again for so long holds no more: a filter is tried again every hour. */
const FILTER_IGNORED_MS = 2 * 60 * 60_000;
/** How long values that did not fit their field, and differences of the API, are told of. */
const NOTED_MS = 24 * 60 * 60_000;
/** What the owner before has said of the same trouble counts for so long. */
const INHERITED_MS = LEAST_TARGET_MS;

/** What this replica knows of one stream that it reads. */
export class StreamTrack {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly shard: number;
  /** Rows that its list should have. */
  live: number;
  parking: Parking | null = null;
  loss: ShardLoss | null = null;
  /** Where its list's filters stand; none before they were proven. */
  filters: readonly FilterStanding[] = [];
  readonly #openedMs: number;
  /** Since when a reason held as the owner before has it. */
  readonly #inherited: ReadonlyMap<StatusReason, number>;
  #isFirst: boolean;
  #wasRead = false;
  #lacks: readonly Shortcoming[];
  #filterIgnoredMs = -Infinity;
  #misfitsMs = -Infinity;
  #driftMs = -Infinity;
  #sweep: FinishedSweep | null;
  #completeMs: number | null;
  #firstSweep: FirstSweepProgress | null = null;
  /** Where the sweep under way stands, and when it came there. */
  #place = '';
  #advancedMs: number;
  #newestMs: number | null = null;
  #since = new Map<StatusReason, number>();
  #state: { readonly name: StreamState; readonly sinceMs: number };

  constructor(shard: number, restored: RestoredStream, before: StreamStatus | undefined, nowMs: number) {
    this.entity = restored.entity;
    this.stream = restored.stream;
    this.shard = shard;
    this.live = restored.live;
    this.#openedMs = nowMs;
    this.#advancedMs = nowMs;
    this.#inherited = before?.reason == null ? new Map() : new Map([[before.reason, before.sinceMs]]);
    this.#isFirst = restored.isFirst;
    this.#lacks = restored.reasons;
    this.#completeMs = restored.sweptAt === null ? null : Date.parse(restored.sweptAt);
    this.#sweep = before?.sweep ?? null;
    this.#state = { name: 'starting', sinceMs: nowMs };
  }

  /** The shard is open again. */
  reopened({ live }: RestoredStream): void {
    this.live = live;
    this.loss = null;
  }

  page({ scan, cursor, misfits }: EventOf<'page'>, nowMs: number): void {
    this.#wasRead = true;
    if (this.parking?.reason === 'not-available') this.#advancedMs = nowMs;
    this.parking = null;
    if (misfits !== undefined) this.#misfitsMs = nowMs;
    if (scan === 'newest' && cursor.finishedAt !== null) this.#newestMs = nowMs;
    if (scan !== 'sweep') return;
    const place = placeOf(cursor);
    if (place !== this.#place) this.#advancedMs = nowMs;
    this.#place = place;
    if (this.#isFirst) this.#firstSweep = { rows: cursor.counts.rows, total: cursor.totalCount };
  }

  /** A sweep whose deletions are decided has finished. */
  swept({ cursor, completeness, live }: EventOf<'swept'>, nowMs: number): void {
    const endedMs = cursor.finishedAt === null ? nowMs : Date.parse(cursor.finishedAt);
    const { complete, reasons } = completeness;
    this.#sweep = { beganMs: Date.parse(cursor.startedAt), endedMs, rows: cursor.counts.rows, complete };
    if (complete) this.#completeMs = endedMs;
    this.#lacks = reasons;
    this.#isFirst = false;
    this.#firstSweep = null;
    this.live = live;
  }

  held(): void {
    this.#lacks = [...new Set([...this.#lacks, 'held' as const])];
  }

  filterIgnored(nowMs: number): void {
    this.#filterIgnoredMs = nowMs;
  }

  /** The API differs from what it was. */
  drifted(nowMs: number): void {
    this.#driftMs = nowMs;
  }

  /** Where the stream stands now; `since` is remembered from call to call. */
  statusAt(around: Surroundings, nowMs: number): StreamStatus {
    const { owner, version, entitySet, entityParking, targets } = around;
    const reasons = inOrder(this.#reasons(around, nowMs));
    this.#since = new Map(reasons.map((reason) => [reason, this.#since.get(reason) ?? this.#beganMs(reason, nowMs)]));
    const state = this.#stateNow(around);
    if (state !== this.#state.name) this.#state = { name: state, sinceMs: nowMs };
    const [reason = null, ...also] = reasons;
    return {
      entity: this.entity,
      stream: this.stream,
      state,
      reason,
      also,
      sinceMs: reason === null ? this.#state.sinceMs : (this.#since.get(reason) ?? nowMs),
      untilMs: (entityParking ?? this.parking)?.untilMs ?? null,
      sweep: this.#sweep,
      completeMs: this.#completeMs,
      staleAfterMs: targets?.sweepMs ?? null,
      firstSweep: this.#firstSweep,
      newestMs: this.#newestMs,
      filters: this.filters,
      toldMs: nowMs,
      owner,
      version,
      entitySet,
    };
  }

  #beganMs(reason: StatusReason, nowMs: number): number {
    const inherited = nowMs - this.#openedMs < INHERITED_MS ? this.#inherited.get(reason) : undefined;
    return inherited ?? nowMs;
  }

  #stateNow({ entityParking, kafkaLostMs }: Surroundings): StreamState {
    if (this.loss !== null || kafkaLostMs !== null) return 'lost';
    if (entityParking !== null || this.parking !== null) return 'parked';
    if (this.#firstSweep !== null) return 'first-sweep';
    return this.#wasRead ? 'reading' : 'starting';
  }

  *#reasons({ entityParking, kafkaLostMs, targets }: Surroundings, nowMs: number): Generator<StatusReason> {
    if (entityParking !== null) yield entityParking.reason;
    if (this.parking !== null) yield this.parking.reason;
    if (isLostFor(kafkaLostMs, nowMs)) yield 'kafka-lost';
    if (this.loss !== null && (this.loss.reason !== 'kafka-lost' || isLostFor(this.loss.sinceMs, nowMs)))
      yield this.loss.reason;
    yield* this.#lacks;
    // What an account does not have cannot grow old.
    const isAvailable = this.parking?.reason !== 'not-available';
    if (isAvailable && targets !== undefined && this.#isStale(targets, nowMs)) yield 'stale';
    if (nowMs - this.#driftMs < NOTED_MS) yield 'drift';
    if (nowMs - this.#filterIgnoredMs < FILTER_IGNORED_MS) yield 'filter-ignored';
    if (nowMs - this.#misfitsMs < NOTED_MS) yield 'misfits';
  }

  #isStale({ sweepMs, newestMs }: StaleTargets, nowMs: number): boolean {
    if (this.#isFirst) return nowMs - this.#advancedMs > sweepMs;
    return (
      nowMs - (this.#completeMs ?? this.#openedMs) > sweepMs || nowMs - (this.#newestMs ?? this.#openedMs) > newestMs
    );
  }
}

/** Which of the ways a shard is lost an event tells of; null = it goes on in a moment, as after a hand-over. */
export function lossOf({ error, loss }: EventOf<'lost'>, nowMs: number): ShardLoss | null {
  const trouble = troubleOf(error);
  if (trouble === 'hand-over' || loss === 'refused') return null;
  if (trouble === 'newer-version') return { reason: 'unknown-version', sinceMs: nowMs };
  return { reason: loss === 'parked' ? 'shard-fault' : 'kafka-lost', sinceMs: nowMs };
}

/** Whether Kafka is away for longer than a broker takes to restart. */
export function isLostFor(sinceMs: number | null, nowMs: number): boolean {
  return sinceMs !== null && nowMs - sinceMs >= KAFKA_GRACE_MS;
}

/** A list that repeats itself stays at one place. */
function placeOf({ number, position }: Cursor): string {
  return `${number} ${position.anchor ?? ''}`;
}
