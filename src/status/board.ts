import type { EntityId, StreamName } from '../model';
import type { ConfiguredEntity, ServiceEvent } from '../service/events';
import { EntitySets, type Disagreement } from './entity-sets';
import type { StatusReason } from './reasons';
import { isLostFor, lossOf, StreamTrack, type Parking, type Surroundings } from './stream-track';
import { reasonsOf, type StreamStatus } from './stream-status';
import { LEAST_TARGET_MS, streamName, type StaleTargets } from './targets';

/** What a board is about. */
export interface BoardSetting {
  /** Every entity that has a file here, those that are not enabled among them. */
  readonly entities: readonly ConfiguredEntity[];
  /** The digest of their files. */
  readonly entitySet: string;
  /** How this replica calls itself. */
  readonly owner: string;
  readonly version: string;
  /** The targets of the streams that are read here, given how many rows each has. */
  readonly targetsOf: (
    read: readonly { readonly entity: EntityId; readonly stream: StreamName; readonly rows: number }[],
    nowMs: number,
  ) => ReadonlyMap<string, StaleTargets>;
  /** When the run began. */
  readonly startMs: number;
}

/** A stream of this replica stands otherwise than was told before. */
export interface StatusChange {
  /** What was told last; null = nothing by this replica. */
  readonly before: StreamStatus | null;
  readonly now: StreamStatus;
}

/** Where every stream stands, of this replica by its own events, of others by the status topic. */
export interface Board {
  /** Takes in an event; returns what is new of the streams of this replica. */
  tell(event: ServiceEvent, nowMs: number): readonly StatusChange[];
  /** What time alone has changed of the streams of this replica; to be called every few seconds. */
  look(nowMs: number): readonly StatusChange[];
  /** What is to be told last of the streams of this replica, when it stops. */
  stopped(nowMs: number): readonly StreamStatus[];
  /** The streams that this replica reads. */
  own(nowMs: number): readonly StreamStatus[];
  /** Every stream that is configured here or told of in the status topic, by entity and stream. */
  statuses(nowMs: number): readonly StreamStatus[];
  /** How the entity files of the replicas differ, where they have for a while; null = they do not. */
  disagreement(nowMs: number): Disagreement | null;
  /** Whether an entity's stream is to be read, as this replica is configured. */
  isConfigured(entity: EntityId, stream: StreamName): boolean;
}

type EventOf<K extends ServiceEvent['kind']> = Extract<ServiceEvent, { kind: K }>;

/** How often a first sweep says how far it is. */
const PROGRESS_MS = 60_000;
/** A stream that nobody has told of for so long is asked for: a shard is restored in less as a rule. */
const UNTOLD_MS = 30_000;
/** A stream of which one of these was told does not become stale as time goes on. */
const AGELESS: ReadonlySet<StatusReason> = new Set(['stale', 'not-available']);
/** How often the targets are computed anew. */
const TARGETS_MS = 60_000;

/** Makes the board of a run; nothing in it asks for the time or waits. */
export function createBoard(setting: BoardSetting): Board {
  return new EventBoard(setting);
}

class EventBoard implements Board {
  readonly #setting: BoardSetting;
  #configured: ReadonlyMap<string, { readonly entity: EntityId; readonly stream: StreamName }>;
  #named: ReadonlySet<EntityId>;
  #entitySet: string;
  readonly #entitySets: EntitySets;
  /** Since when each stream is configured that nobody has told of. */
  readonly #untoldMs = new Map<string, number>();
  /** Whether the status topic was read up to what was written since the start. */
  #isCaughtUp = false;
  /** Streams of which the topic has lost what was told last. */
  readonly #toRetell = new Set<string>();
  readonly #tracks = new Map<string, StreamTrack>();
  readonly #entityParkings = new Map<EntityId, Parking>();
  /** What the status topic says, of streams of this replica too. */
  readonly #seen = new Map<string, { readonly status: StreamStatus; readonly shard: number }>();
  readonly #told = new Map<string, StreamStatus>();
  #owned: ReadonlySet<number> = new Set();
  #kafkaLostMs: number | null = null;
  #targets: ReadonlyMap<string, StaleTargets> = new Map();
  #targetsMs = -Infinity;

  constructor(setting: BoardSetting) {
    this.#setting = setting;
    this.#named = new Set(setting.entities.map(({ id }) => id));
    this.#configured = streamsOf(setting.entities);
    this.#entitySet = setting.entitySet;
    this.#entitySets = new EntitySets(setting.owner);
  }

  tell(event: ServiceEvent, nowMs: number): readonly StatusChange[] {
    const changes = this.#changes(this.#apply(event, nowMs), nowMs);
    const mayHaveStrangers = event.kind === 'status' || event.kind === 'shards' || event.kind === 'entities';
    return mayHaveStrangers ? [...changes, ...this.#strangers(nowMs)] : changes;
  }

  look(nowMs: number): readonly StatusChange[] {
    return [...this.#changes([...this.#tracks.values()], nowMs), ...this.#untold(nowMs)];
  }

  disagreement(nowMs: number): Disagreement | null {
    const statuses = [...this.#seen.values()].map(({ status }) => status);
    return this.#entitySets.look(this.#entitySet, statuses, nowMs);
  }

  stopped(nowMs: number): readonly StreamStatus[] {
    return this.own(nowMs).map((status) => {
      const sinceMs = status.reason === null ? nowMs : status.sinceMs;
      return { ...status, state: 'stopped', untilMs: null, sinceMs };
    });
  }

  own(nowMs: number): readonly StreamStatus[] {
    return this.#all().map((track) => track.statusAt(this.#around(track), nowMs));
  }

  statuses(nowMs: number): readonly StreamStatus[] {
    const names = new Set([...this.#configured.keys(), ...this.#seen.keys(), ...this.#tracks.keys()]);
    return [...names].sort().flatMap((name) => this.#statusOf(name, nowMs) ?? []);
  }

  isConfigured(entity: EntityId, stream: StreamName): boolean {
    return this.#configured.has(streamName(entity, stream));
  }

  /** Returns the streams that the event bears on. */
  #apply(event: ServiceEvent, nowMs: number): readonly StreamTrack[] {
    switch (event.kind) {
      case 'page': {
        const wasParked = this.#entityParkings.delete(event.entity);
        const tracks = this.#at(event, (track) => track.page(event, nowMs));
        return wasParked ? this.#at({ entity: event.entity, stream: null }, () => undefined) : tracks;
      }
      case 'swept':
        return this.#at(event, (track) => track.swept(event, nowMs));
      case 'held':
        return this.#at(event, (track) => track.held());
      case 'drift':
        return event.isNews ? this.#at(event, (track) => track.drifted(nowMs)) : [];
      case 'filters':
        return this.#at(event, (track) => {
          track.filters = event.standings;
        });
      case 'warning':
        if (event.about !== 'filter-ignored') return [];
        return this.#at(event, (track) => track.filterIgnored(nowMs));
      case 'parked':
        return this.#park(event, { reason: event.reason, untilMs: nowMs + event.waitMs });
      case 'given-up':
        return this.#park(event, { reason: event.reason, untilMs: null });
      case 'lost':
        return this.#lose(event, nowMs);
      case 'shard-ready':
        return this.#open(event, nowMs);
      case 'contact':
        this.#kafkaLostMs = event.failure === null ? null : (this.#kafkaLostMs ?? nowMs);
        return this.#all();
      case 'shards':
        return this.#own(event);
      case 'status':
        return this.#see(event);
      case 'entities':
        this.#configure(event);
        return this.#all();
      default:
        return [];
    }
  }

  #all(): readonly StreamTrack[] {
    return [...this.#tracks.values()];
  }

  #at(
    { entity, stream }: { readonly entity: EntityId; readonly stream: string | null },
    change: (track: StreamTrack) => void,
  ): readonly StreamTrack[] {
    const one = stream === null ? undefined : this.#tracks.get(streamName(entity, stream));
    const tracks =
      stream === null ? this.#all().filter((track) => track.entity === entity) : one === undefined ? [] : [one];
    for (const track of tracks) change(track);
    return tracks;
  }

  #park(
    place: { readonly entity: EntityId; readonly stream: string | null },
    parking: Parking,
  ): readonly StreamTrack[] {
    if (place.stream === null) this.#entityParkings.set(place.entity, parking);
    return this.#at(place, (track) => {
      if (place.stream !== null) track.parking = parking;
    });
  }

  #lose(event: EventOf<'lost'>, nowMs: number): readonly StreamTrack[] {
    const loss = lossOf(event, nowMs);
    if (loss === null) return [];
    if (event.shard === null) {
      this.#kafkaLostMs ??= nowMs;
      // Another join of the group gives the shards anew.
      this.#owned = new Set();
      return this.#all();
    }
    const tracks = this.#all().filter(({ shard }) => shard === event.shard);
    for (const track of tracks) track.loss = track.loss?.reason === loss.reason ? track.loss : loss;
    return tracks;
  }

  #open({ shard, streams, restoreMs }: EventOf<'shard-ready'>, nowMs: number): readonly StreamTrack[] {
    if (restoreMs === null) {
      for (const [name, track] of this.#tracks) if (track.shard === shard) this.#forget(name);
      return [];
    }
    this.#kafkaLostMs = null;
    this.#targetsMs = -Infinity;
    return streams.map((restored) => {
      const name = streamName(restored.entity, restored.stream);
      const known = this.#tracks.get(name);
      if (known === undefined) {
        const track = new StreamTrack(shard, restored, this.#seen.get(name)?.status, nowMs);
        this.#tracks.set(name, track);
        return track;
      }
      known.reopened(restored);
      return known;
    });
  }

  #own({ shards }: EventOf<'shards'>): readonly StreamTrack[] {
    this.#owned = new Set(shards);
    this.#kafkaLostMs = null;
    for (const [name, track] of this.#tracks) if (!this.#owned.has(track.shard)) this.#forget(name);
    return [];
  }

  #configure({ configured: entities, entitySet }: EventOf<'entities'>): void {
    this.#entitySet = entitySet;
    this.#named = new Set(entities.map(({ id }) => id));
    this.#configured = streamsOf(entities);
    for (const name of this.#tracks.keys()) if (!this.#configured.has(name)) this.#forget(name);
    this.#targetsMs = -Infinity;
  }

  #see({ entity, stream, shard, status }: EventOf<'status'>): readonly StreamTrack[] {
    const name = streamName(entity, stream);
    if (status === null) {
      this.#seen.delete(name);
      return [];
    }
    this.#seen.set(name, { status, shard });
    if (status.toldMs >= this.#setting.startMs) this.#isCaughtUp = true;
    const track = this.#tracks.get(name);
    // Somebody has asked whose stream it is while that was being told.
    if (track === undefined || status.state !== 'unknown') return [];
    this.#toRetell.add(name);
    return [track];
  }

  /** Streams that are configured here and that nobody has told of: the owner of their shard, which may have no file for them, answers once it is asked. */
  #untold(nowMs: number): readonly StatusChange[] {
    if (!this.#isCaughtUp) return [];
    const untold = [...this.#configured].filter(([name]) => !this.#tracks.has(name) && !this.#seen.has(name));
    const names = new Set(untold.map(([name]) => name));
    for (const name of this.#untoldMs.keys()) if (!names.has(name)) this.#untoldMs.delete(name);
    return untold.flatMap(([name, place]) => {
      const sinceMs = this.#untoldMs.get(name) ?? nowMs;
      this.#untoldMs.set(name, sinceMs);
      if (nowMs - sinceMs < UNTOLD_MS) return [];
      return this.#changeOf({ ...this.#unknown(place, nowMs), reason: null, also: [], sinceMs });
    });
  }

  /** Streams of shards of this replica that the status topic tells of and that are not configured here: nobody reads them. */
  #strangers(nowMs: number): readonly StatusChange[] {
    const { owner, version } = this.#setting;
    return [...this.#seen].flatMap(([name, { status, shard }]) => {
      if (!this.#owned.has(shard) || this.#configured.has(name)) return [];
      const reason = this.#named.has(status.entity) ? null : 'not-configured-here';
      const isTold = status.state === 'not-read' && status.reason === reason && status.entitySet === this.#entitySet;
      if (isTold) return [];
      const none = { also: [], untilMs: null, firstSweep: null };
      return this.#changeOf({
        ...status,
        ...none,
        state: 'not-read',
        reason,
        sinceMs: nowMs,
        toldMs: nowMs,
        owner,
        version,
        entitySet: this.#entitySet,
      });
    });
  }

  #forget(name: string): void {
    this.#tracks.delete(name);
    this.#told.delete(name);
  }

  #around(track: StreamTrack): Surroundings {
    const { owner, version } = this.#setting;
    return {
      owner,
      version,
      entitySet: this.#entitySet,
      kafkaLostMs: this.#kafkaLostMs,
      entityParking: this.#entityParkings.get(track.entity) ?? null,
      targets: this.#targets.get(streamName(track.entity, track.stream)),
    };
  }

  #changes(tracks: readonly StreamTrack[], nowMs: number): readonly StatusChange[] {
    if (nowMs - this.#targetsMs >= TARGETS_MS) {
      const read = this.#all().map(({ entity, stream, live }) => ({ entity, stream, rows: live }));
      this.#targets = this.#setting.targetsOf(read, nowMs);
      this.#targetsMs = nowMs;
    }
    return tracks.flatMap((track) => this.#changeOf(track.statusAt(this.#around(track), nowMs)));
  }

  #changeOf(now: StreamStatus): readonly StatusChange[] {
    const name = streamName(now.entity, now.stream);
    const before = this.#told.get(name) ?? null;
    const isLost = this.#toRetell.delete(name);
    if (before !== null && !isLost && !isNews(before, now)) return [];
    this.#told.set(name, now);
    return [{ before, now }];
  }

  #statusOf(name: string, nowMs: number): StreamStatus | null {
    const track = this.#tracks.get(name);
    if (track !== undefined) return track.statusAt(this.#around(track), nowMs);
    const seen = this.#seen.get(name);
    const configured = this.#configured.get(name);
    if (seen === undefined) return configured === undefined ? null : this.#unknown(configured, nowMs);
    return this.#asOfNow(seen.status, nowMs);
  }

  /** Nobody has told of it: it may take a while until somebody does, and no longer. */
  #unknown(
    { entity, stream }: { readonly entity: EntityId; readonly stream: StreamName },
    nowMs: number,
  ): StreamStatus {
    const { owner, version, startMs } = this.#setting;
    const reasons: StatusReason[] = [];
    if (isLostFor(this.#kafkaLostMs, nowMs)) reasons.push('kafka-lost');
    if (nowMs - startMs > LEAST_TARGET_MS) reasons.push('stale');
    const [reason = null, ...also] = reasons;
    const none = { untilMs: null, sweep: null, completeMs: null, staleAfterMs: null, firstSweep: null };
    const unread = { newestMs: null, filters: null };
    const sinceMs = reason === 'kafka-lost' ? (this.#kafkaLostMs ?? startMs) : startMs;
    return {
      entity,
      stream,
      state: 'unknown',
      reason,
      also,
      sinceMs,
      ...none,
      ...unread,
      toldMs: nowMs,
      owner,
      version,
      entitySet: this.#entitySet,
    };
  }

  /** What another replica has told; if its owner is gone and nobody took over, time alone shows that. */
  #asOfNow(status: StreamStatus, nowMs: number): StreamStatus {
    if (status.state === 'not-read' || reasonsOf(status).some((reason) => AGELESS.has(reason))) return status;
    const allowedMs = Math.max(status.staleAfterMs ?? 0, LEAST_TARGET_MS);
    const lastMs = Math.max(status.completeMs ?? 0, status.toldMs);
    if (nowMs - lastMs <= allowedMs) return status;
    if (status.reason !== null) return { ...status, also: [...status.also, 'stale'] };
    return { ...status, reason: 'stale', sinceMs: lastMs + allowedMs };
  }
}

/** The streams that are to be read, of every enabled entity. */
function streamsOf(
  entities: readonly ConfiguredEntity[],
): ReadonlyMap<string, { readonly entity: EntityId; readonly stream: StreamName }> {
  const places = entities
    .filter(({ enabled }) => enabled)
    .flatMap(({ id: entity, streams }) => streams.map((stream) => ({ entity, stream })));
  return new Map(places.map((place) => [streamName(place.entity, place.stream), place]));
}

/** Whether it is worth a record of its own: another state or reason, another sweep, or the progress of a first one. */
function isNews(before: StreamStatus, now: StreamStatus): boolean {
  const told = ({ state, reason, also, untilMs, sweep, completeMs, owner, entitySet }: StreamStatus): string =>
    JSON.stringify([state, reason, also, untilMs, sweep?.endedMs, completeMs, owner, entitySet]);
  if (told(before) !== told(now)) return true;
  return (
    now.firstSweep !== null &&
    now.firstSweep.rows !== before.firstSweep?.rows &&
    now.toldMs - before.toldMs >= PROGRESS_MS
  );
}
