import { ConfigError, TransientError } from '../errors';
import { EntryFlag } from '../changes/block';
import type { EntityId, StreamName } from '../model';
import { tombstonesOf } from '../changes/records';
import { entityRecordOf } from '../changes/reports';
import type { ShardOptions } from '../shard/shard-options';
import type { OutgoingRecord, StoredRecord } from '../sinks/transaction';
import { stateKey, type StateKey } from '../state/state-topic';
import { takeShard } from '../state/take-shard';
import { EntityMemory, type ChangeStep, type EntityState, type RememberedStream } from './entity-memory';

/** What is changed, and how it is reached. */
export interface RepairOptions {
  readonly entity: EntityId;
  /** The shard of the entity, with every stream that it can have. */
  readonly shard: ShardOptions;
  /** Where the shard's partition ends now. */
  readonly end: number;
  /** Once true, no further transaction is begun. */
  readonly stop: AbortSignal;
  /** The wait before it is begun for the nth time again. */
  readonly againMs: (tries: number) => number;
}

/** Which rows are published again. */
export interface Wanted {
  readonly streams: readonly StreamName[];
  /** Null = by date. */
  readonly ids: readonly number[] | null;
  /** Days since 1970-01-01, inclusive; null = unbounded. */
  readonly from: number | null;
  readonly to: number | null;
}

/** What was marked in one stream. */
export interface Marked {
  readonly stream: StreamName;
  readonly rows: number;
  /** Of those, outside the scope: no scan shows them until they return to it. */
  readonly outside: number;
}

/** What a reset is about. */
export interface Forgotten {
  readonly streams: readonly StreamName[];
  /** The account and the day of the first run as well; only of a purge of all streams. */
  readonly account: boolean;
  /** Only says what it would come to. */
  readonly pretend: boolean;
}

/** What was forgotten of one stream. */
export interface Reset {
  readonly stream: StreamName;
  /** Rows in the ledger. */
  readonly rows: number;
}

/** A change as its transactions, each consistent by itself; it is made of the state as it was read before. */
type Change<T> = (state: EntityState) => Generator<ChangeStep, T>;

const TRIES = 5;
/** Tombstones of one transaction: well below a second of sending. */
const PURGE_RECORDS = 10_000;

/**
 * Marks rows to be published again as `r` by the next scan that shows them. A ConfigError where nothing fits. It is one transaction: the
 * ledger of a million rows is written in a few seconds.
 */
export function resync(options: RepairOptions, wanted: Wanted): Promise<readonly Marked[]> {
  return changeState(options, function* mark(state) {
    const streams = streamsOf(state, wanted.streams);
    if (wanted.ids !== null) refuseUnclear(state, streams, wanted.ids);
    const marked = streams.map(({ name, ledger }): Marked & { readonly changed: boolean } => {
      const ids = wanted.ids?.filter((id) => ledger.has(id)) ?? ledger.ids(wanted.from, wanted.to);
      let outside = 0;
      let changed = false;
      for (const id of ids) {
        if (((ledger.entry(id)?.flags ?? 0) & EntryFlag.LEFT) !== 0) outside += 1;
        if (ledger.setFlags(id, EntryFlag.REPUBLISH, 0)) changed = true;
      }
      return { stream: name, rows: ids.length, outside, changed };
    });
    if (marked.every(({ rows }) => rows === 0))
      throw new ConfigError(
        `looking for rows of ${state.entity} to publish again: expected some of ${wanted.streams.join(', ')}${wanted.from === null && wanted.to === null ? '' : ' with a date in that range'}, got none`,
        { entity: state.entity },
      );
    if (marked.some(({ changed }) => changed)) yield { records: [], removed: [] };
    return marked.map(({ stream, rows, outside }) => ({ stream, rows, outside }));
  });
}

/**
 * Forgets where the scans stand and what was published of each id, but not the ids: everything is published again as `r`, and what is no
 * longer there is still noticed. One transaction.
 */
export function reset(options: RepairOptions, { streams, pretend }: Forgotten): Promise<readonly Reset[]> {
  return changeState(options, function* forget(state) {
    const found = streamsOf(state, streams);
    const forgotten = found.map(resetOf);
    if (pretend) return forgotten;
    for (const { ledger } of found) ledger.republishAll();
    yield { records: [], removed: keysOf(state, found, (key) => !('block' in key)) };
    return forgotten;
  });
}

/** Publishes a tombstone of every row and line, and forgets the streams altogether. Killed half way it can be made again. */
export function purge(options: RepairOptions, { streams, account, pretend }: Forgotten): Promise<readonly Reset[]> {
  let asked: readonly Reset[] | null = null;
  return changeState(options, function* removeAll(state) {
    // Begun again after a last transaction that seemed lost and stands.
    if (asked !== null && !remembers(state, streams)) return asked;
    const found = streamsOf(state, streams);
    asked ??= found.map(resetOf);
    if (pretend) return asked;
    // The first to go: a service that comes in between begins anew.
    let removed = keysOf(state, found, (key) => !('block' in key));
    for (const { codec, ledger } of found) {
      let records: OutgoingRecord[] = [];
      for (const id of ledger.ids(null, null)) {
        const entry = ledger.entry(id);
        if (entry === undefined) continue;
        if ((entry.flags & EntryFlag.PUBLISHED) !== 0) {
          const observedAtMs = state.observe();
          const observedAt = new Date(observedAtMs).toISOString();
          records.push(
            ...tombstonesOf({ entity: state.entity, codec, scan: 'sweep', observedAtMs, observedAt }, entry),
          );
        }
        ledger.remove(id, 0);
        if (records.length < PURGE_RECORDS) continue;
        yield { records, removed };
        removed = [];
        records = [];
      }
      yield { records, removed };
      removed = [];
    }
    const blocks = keysOf(state, found, (key) => 'block' in key);
    const accountKey = stateKey(options.shard.serviceId, { entity: state.entity, account: true });
    yield { records: account ? [goneEntity(state)] : [], removed: account ? [...blocks, accountKey] : blocks };
    return asked;
  });
}

function goneEntity(state: EntityState): OutgoingRecord {
  return entityRecordOf(state.entities(), state.entity, { op: 'd', shown: null, observedAtMs: state.observe() });
}

function resetOf({ name, ledger }: RememberedStream): Reset {
  return { stream: name, rows: ledger.ids(null, null).length };
}

function remembers(state: EntityState, names: readonly StreamName[]): boolean {
  return keysOfEntity(state).some(([, key]) => 'stream' in key && names.includes(key.stream));
}

/** The entity's keys in the state topic. */
function keysOfEntity({ entity, keys }: EntityState): readonly (readonly [string, StateKey])[] {
  return [...keys()].filter(([, key]) => 'entity' in key && key.entity === entity);
}

/** Those that are remembered; a ConfigError where nothing is. */
function streamsOf(state: EntityState, names: readonly StreamName[]): RememberedStream[] {
  const { entity, streams } = state;
  const attempted = `looking for what is remembered of ${entity}`;
  const stored = keysOfEntity(state);
  if (stored.length === 0) {
    const others = [
      ...new Set([...state.keys().values()].flatMap((key) => ('entity' in key ? [key.entity] : []))),
    ].sort();
    throw new ConfigError(
      `${attempted}: expected an entity that was read before, got nothing of that name beside ${others.length === 0 ? 'nothing else' : others.join(', ')}`,
      { entity },
    );
  }
  const known = new Set(stored.map(([, key]) => ('stream' in key ? key.stream : null)));
  // What is told of rows beside them goes with them.
  const isNamed = ({ name, codec: { declaration } }: RememberedStream): boolean =>
    names.includes(name) || names.includes(declaration.beside?.stream ?? '');
  const found = streams.filter((stream) => isNamed(stream) && known.has(stream.name));
  if (found.length === 0) {
    const remembered = streams.filter(({ name }) => known.has(name)).map(({ name }) => name);
    throw new ConfigError(
      `${attempted}: expected something of ${names.join(', ')}, got ${remembered.length === 0 ? 'nothing' : `only ${remembered.join(', ')}`}`,
      { entity },
    );
  }
  return found;
}

/** An id that nothing has, or that several streams have. */
function refuseUnclear({ entity }: EntityState, streams: readonly RememberedStream[], ids: readonly number[]): void {
  for (const id of ids) {
    const having = streams
      .filter(({ codec, ledger }) => codec.declaration.beside === undefined && ledger.has(id))
      .map(({ name }) => name);
    if (having.length === 1) continue;
    throw new ConfigError(
      `looking for id ${id} of ${entity}: expected it in ${having.length === 0 ? streams.map(({ name }) => name).join(' or ') : 'one stream'}, got ${having.length === 0 ? 'it nowhere' : `it in ${having.join(' and ')}; name one of them by --stream`}`,
      { entity },
    );
  }
}

function keysOf(
  state: EntityState,
  streams: readonly RememberedStream[],
  passes: (key: StateKey) => boolean,
): string[] {
  const names = new Set(streams.map(({ name }) => name));
  return keysOfEntity(state).flatMap(([text, key]) =>
    'stream' in key && names.has(key.stream) && passes(key) ? [text] : [],
  );
}

/**
 * Changes what a shard remembers of an entity while another process may own it: reads it first without owning it, then takes the
 * transactional id, reads only what came since, and writes. The owner before is fenced, restores and goes on. Fenced itself it starts over.
 */
async function changeState<T>(options: RepairOptions, change: Change<T>): Promise<T> {
  const { shard, end, stop, againMs } = options;
  const memory = new EntityMemory(options.entity, shard);
  const each = (record: StoredRecord): boolean => {
    memory.apply(record);
    return false;
  };
  await shard.read(memory.beginReading(), each, end);
  memory.endReading();
  // Whether there is anything to do at all is known before anybody is fenced.
  const first = change(memory.state).next();
  if (first.done === true) return first.value;
  for (let tries = 1; ; tries += 1) {
    const before = memory.steps;
    try {
      return await withShardTaken(options, memory, change);
    } catch (error) {
      if (!(error instanceof TransientError) || stop.aborted) throw error;
      // A long change and the owner take turns until it is done.
      if (memory.steps > before) tries = 1;
      if (tries > TRIES) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, againMs(tries)));
  }
}

async function withShardTaken<T>({ shard, stop }: RepairOptions, memory: EntityMemory, change: Change<T>): Promise<T> {
  const writer = await takeShard(shard, memory);
  try {
    const steps = change(memory.state);
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      if (stop.aborted) throw new TransientError('changing the state: stopped before its end; run the command again');
      await memory.commit(writer, step.value);
    }
  } finally {
    await writer.close();
  }
}
