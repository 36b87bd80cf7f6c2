import { EntryFlag } from '../changes/block';
import type { LastPublished } from '../changes/compare';
import { SeenDrift, type FirstFinders } from '../changes/drift';
import type { Fingerprint } from '../changes/fingerprint';
import { createLedger, type Ledger } from '../changes/ledger';
import type { StreamCodec } from '../changes/records';
import type { EntitiesCodec, SweepsCodec } from '../changes/reports';
import { ConfigError } from '../errors';
import type { Counts, EntityId, Following, ScanName, StreamName } from '../model';
import { walkOf, type Walk } from '../rules/cursor';
import type { LastOffsets, StateRecord, StoredRecord } from '../sinks/transaction';
import { highestOffsets, refuseNewerLayout, refuseOlderOffsets, withTopicsOf } from '../state/layout';
import { StoredState } from '../state/read-state';
import { stateKey, type Account, type Hold, type Layout, type StateKey } from '../state/state-topic';
import type { TakenMemory } from '../state/take-shard';
import { Absences } from './absences';
import type { ShardOptions } from './shard-options';

/** What the rows of a page that was cut up came to, until its last row moves the cursor. */
export interface CutPageTotals {
  readonly counts: Counts;
  readonly sums: Walk['sums'];
}

/** What a shard remembers of one stream of one entity, what is not durable yet included. */
export interface StreamState {
  readonly entity: EntityId;
  /** Its keys are written by the schemas that the shard's layout names. */
  codec: StreamCodec;
  readonly name: StreamName;
  /** Ids of rows that a person accepted as they are: dead letters, pending or unreadable rows that make no sweep incomplete. */
  readonly accepted: ReadonlySet<number>;
  readonly ledger: Ledger;
  readonly walks: Map<ScanName, Walk>;
  strays: readonly string[];
  /** What the record of a row says whose last reading went to the dead-letter topic. */
  readonly lastPublished: Map<number, LastPublished>;
  /** How the API was seen to differ from what is documented. */
  readonly drift: SeenDrift;
  /** Rows that the broker refused alone, by this process. */
  readonly refused: Set<number>;
  hold: Hold | null;
  definition: number;
  fingerprint: Fingerprint;
  /** Rows and dead letters of the last rows read. */
  recent: { readonly rows: number; readonly bad: number };
  /** Which missing rows two reads have proved absent. */
  readonly absences: Absences;
  /** When the session began that the memory is of. */
  openedMs: number;
  /** The sweep before the one under way; null = this session has not seen its end. */
  sweptBefore: { readonly number: number; readonly finishedMs: number } | null;
  /** Marks of the requests under way. */
  readonly requests: Set<number>;
  /** Null = no page is cut up. */
  cutPage: CutPageTotals | null;
}

/** A scan of a stream. */
export interface Place {
  readonly state: StreamState;
  readonly scan: ScanName;
}

/** The name of a scan among all scans of a shard. */
export function placeName({ state, scan }: Place): string {
  return `${state.entity} ${state.name} ${scan}`;
}

/** An entry that the API can be asked for alone. */
export interface Addressed {
  readonly id: number;
  /** Null = nothing addresses it. */
  readonly address: string | null;
  /** Number of the sweep that first missed it; 0 = not missing. */
  readonly missing: number;
}

/** An entry of the ledger with its address in the API; null = there is none with that id. */
export function addressed({ codec, ledger }: StreamState, id: number): Addressed | null {
  const entry = ledger.entry(id);
  if (entry === undefined) return null;
  const address = codec.declaration.address === 'id' ? String(id) : entry.uuid;
  return { id, address, missing: entry.missing };
}

/** Why what is told beside a row is not followed any more: it is final, or it is given up, perhaps only where the page does not change it. */
export type FollowingEnd = 'final' | 'given-up' | 'given-up-unless-changed';

/** How what is told of a row beside it stands, as its entry says. */
export function followingOf({ ledger }: Pick<StreamState, 'ledger'>, id: number): Following {
  const flags = ledger.entry(id)?.flags ?? EntryFlag.REPUBLISH;
  if ((flags & EntryFlag.REPUBLISH) !== 0) return 'unknown';
  if ((flags & EntryFlag.LEFT) === 0) return 'followed';
  return (flags & EntryFlag.OPEN) === 0 ? 'final' : 'given-up';
}

const notRestored: Fingerprint = () => {
  throw new Error('a page came before the shard was restored; this is a bug');
};

/** What a shard remembers: what is durable, and on top of that what the session has changed since. */
export class Memory implements TakenMemory {
  /** What the state topic holds: what memory is put to at the start of each session. */
  readonly #stored: StoredState;
  readonly accounts = new Map<EntityId, Account>();
  readonly #options: ShardOptions;
  /** By entity and stream: a name put together of both would have to be made anew for each question. */
  readonly #streams = new Map<EntityId, Map<StreamName, StreamState>>();
  #layout: Layout;
  #sweeps: SweepsCodec;
  #entities: EntitiesCodec;
  /** What the next transaction writes down as written by the one before it. */
  #lastOffsets: Record<string, Record<number, number>> = {};
  #offsetsNoted = true;

  constructor(options: ShardOptions) {
    const { serviceId, stateTopic: topic, decodeBlock, noteRow, absentForMs } = options;
    const { driftFinders = new Map<string, string>() } = options;
    this.#options = options;
    this.#layout = options.layout;
    this.#sweeps = options.sweeps;
    this.#entities = options.entities;
    for (const { entity, codec, accepted = [] } of options.streams) {
      const state = createStreamState({
        entity,
        codec,
        accepted: new Set(accepted),
        driftFinders,
        noteRow,
        absentForMs,
      });
      const ofEntity = this.#streams.get(entity) ?? new Map<StreamName, StreamState>();
      this.#streams.set(entity, ofEntity.set(state.name, state));
    }
    const ledgerOf = (entity: EntityId, stream: StreamName): Ledger | undefined => this.find(entity, stream)?.ledger;
    this.#stored = new StoredState({ serviceId, topic, decodeBlock, ledgerOf }, options.number);
  }

  /** How the records of finished sweeps are written, their keys by the schema that the shard's layout names. */
  get sweeps(): SweepsCodec {
    return this.#sweeps;
  }

  /** How the records of entities are written, in the same way. */
  get entities(): EntitiesCodec {
    return this.#entities;
  }

  find(entity: EntityId, stream: StreamName): StreamState | undefined {
    return this.#streams.get(entity)?.get(stream);
  }

  streamOf(entity: EntityId, stream: StreamName): StreamState {
    const state = this.find(entity, stream);
    if (state === undefined)
      throw new Error(`shard ${this.#options.number} does not hold ${stream} of ${entity}; this is a bug`);
    return state;
  }

  /** What is told of the rows of a stream beside it, each with a ledger of its own. */
  besides({ entity, name }: StreamState): readonly StreamState[] {
    const ofEntity = this.#streams.get(entity)?.values() ?? [];
    return [...ofEntity].filter(({ codec }) => codec.declaration.beside?.stream === name);
  }

  beginReading(): number {
    for (const { ledger } of this.#allStreams()) ledger.rollback();
    return this.#stored.beginReading();
  }

  apply(record: StoredRecord): StateKey {
    return this.#stored.apply(record);
  }

  restored(): Layout {
    const { number, serviceId, stateTopic, layout } = this.#options;
    // Only now: a reading that broke off is done again from where it began, as the ledgers forget what they were loading.
    const recordsRead = this.#stored.endReading();
    const stored = this.#stored.layout();
    if (stored !== null) {
      const known = this.#options.streams.map(({ codec }) => codec.definition);
      refuseNewerLayout(stored, known, `restoring shard ${number} from partition ${number} of ${stateTopic}`);
    } else {
      if (recordsRead > 0) {
        throw new ConfigError(
          `restoring shard ${number}: expected a layout record in partition ${number} of ${stateTopic}, got records without one; its beginning was lost. Restore the topic, or start over under another topics.prefix`,
          { concerns: 'shard' },
        );
      }
      // Never written, or by processes that died before their first page: the layout goes with the next transaction.
      this.#stored.wrote([{ key: stateKey(serviceId, { layout: true }), value: JSON.stringify(layout) }], undefined);
    }
    this.#reset();
    return { ...this.#layout, lastOffsets: this.#lastOffsets };
  }

  /** Milliseconds since 1970, as they are now. */
  wallClock(): number {
    return this.#options.now();
  }

  /** Time to write into records: it never decreases within a shard. */
  observe(): number {
    return Math.max(this.#layout.observedAt, this.#options.now());
  }

  /** A record with this time goes into the transaction that is being filled. */
  observed(observedAt: number): void {
    this.#layout = { ...this.#layout, observedAt };
  }

  /** Computes fingerprints under a definition that an entry names; undefined where this version of the program no longer can. */
  fingerprintUnder({ codec }: StreamState, definition: number): Fingerprint | undefined {
    const known = this.#layout.definitions[definition];
    return known === undefined ? undefined : codec.fingerprintUnder(known);
  }

  /** True where the state topic does not yet say how far the newest transaction wrote. */
  get offsetsPending(): boolean {
    return !this.#offsetsNoted;
  }

  /** The layout as the next transaction writes it. */
  layoutToWrite(): Layout {
    this.#offsetsNoted = true;
    return { ...this.#layout, lastOffsets: this.#lastOffsets };
  }

  /**
   * A transaction with these records of the state topic stands. Throws a ConfigError where it ended before what was written earlier; the
   * offsets remembered stay the higher ones, so that the next start refuses too.
   */
  committed(records: readonly StateRecord[], lastOffsets: LastOffsets): void {
    const { number, stateTopic, sweeps } = this.#options;
    refuseOlderOffsets(this.#lastOffsets, lastOffsets);
    const stateEnd = lastOffsets.get(stateTopic)?.get(number);
    this.#stored.wrote(records, stateEnd);
    // Not pending: this offset alone, which every transaction moves, is no reason for another one.
    if (stateEnd !== undefined) (this.#lastOffsets[stateTopic] ??= {})[number] = stateEnd;
    for (const topic of Object.keys(this.#layout.partitions)) {
      // Records of sweeps are published, not remembered: the service goes on where they were lost.
      if (topic === sweeps.topic.name) continue;
      for (const [partition, last] of lastOffsets.get(topic) ?? []) {
        (this.#lastOffsets[topic] ??= {})[partition] = last;
        this.#offsetsNoted = false;
      }
    }
  }

  *#allStreams(): Generator<StreamState> {
    for (const ofEntity of this.#streams.values()) yield* ofEntity.values();
  }

  /** Puts everything to what is durable. */
  #reset(): void {
    this.accounts.clear();
    for (const state of this.#allStreams()) {
      state.ledger.loaded();
      state.walks.clear();
      state.strays = [];
      state.lastPublished.clear();
      state.drift.restore(undefined);
      state.hold = null;
      state.recent = { rows: 0, bad: 0 };
      state.cutPage = null;
      state.requests.clear();
      state.openedMs = this.#options.now();
      state.sweptBefore = null;
    }
    for (const entry of this.#stored.entries()) {
      if (entry.kind === 'layout') this.#layout = withTopicsOf(entry.value, this.#options.layout);
      else if (entry.kind === 'account') this.accounts.set(entry.entity, entry.value);
      else {
        const state = this.find(entry.entity, entry.stream);
        if (entry.kind === 'scan') state?.walks.set(entry.scan, walkOf(entry.value));
        else if (state !== undefined && entry.kind === 'strays') {
          const { drift, fingerprints, lastPublished = [] } = entry.value;
          state.strays = fingerprints;
          state.drift.restore(drift);
          for (const { id, ...last } of lastPublished) state.lastPublished.set(id, last);
        } else if (state !== undefined && entry.kind === 'hold') state.hold = entry.value;
      }
    }
    // The newest transaction's are stored by the next one only: what this process knows of may be higher.
    this.#lastOffsets = highestOffsets(this.#lastOffsets, this.#layout.lastOffsets);
    const { keySchemas } = this.#layout;
    this.#sweeps = this.#options.sweeps.withKeysOf(keySchemas);
    this.#entities = this.#options.entities.withKeysOf(keySchemas);
    for (const state of this.#allStreams()) {
      state.codec = state.codec.withKeysOf(keySchemas);
      this.#define(state);
    }
  }

  /** Finds the number of a stream's current definition, or gives it the next one. */
  #define(state: StreamState): void {
    const { definition } = state.codec;
    const wanted = JSON.stringify(definition);
    const { definitions } = this.#layout;
    const known = definitions.findIndex((other) => JSON.stringify(other) === wanted);
    state.definition = known >= 0 ? known : definitions.length;
    if (known < 0) this.#layout = { ...this.#layout, definitions: [...definitions, definition] };
    state.fingerprint = state.codec.fingerprintUnder(definition) ?? notRestored;
  }
}

interface StreamSetting
  extends Pick<StreamState, 'entity' | 'codec' | 'accepted'>, Pick<ShardOptions, 'noteRow' | 'absentForMs'> {
  readonly driftFinders: FirstFinders;
}

function createStreamState(setting: StreamSetting): StreamState {
  const { entity, codec, accepted, driftFinders, noteRow, absentForMs } = setting;
  const { name } = codec.declaration;
  return {
    entity,
    codec,
    name,
    accepted,
    ledger: createLedger({
      entity,
      stream: name,
      noteUuid: noteRow === undefined ? undefined : (hash) => noteRow(entity, hash),
    }),
    walks: new Map(),
    strays: [],
    lastPublished: new Map(),
    drift: new SeenDrift({ entity, stream: name, finders: driftFinders }),
    refused: new Set(),
    hold: null,
    definition: 0,
    fingerprint: notRestored,
    recent: { rows: 0, bad: 0 },
    absences: new Absences(absentForMs),
    openedMs: 0,
    sweptBefore: null,
    requests: new Set(),
    cutPage: null,
  };
}
