import type { Ledger } from '../changes/ledger';
import type { Cursor, EntityId, LedgerBlock, ScanName, StreamName } from '../model';
import type { StateRecord, StoredRecord } from '../sinks/transaction';
import {
  parseStateKey,
  parseStateValue,
  type Account,
  type Hold,
  type Layout,
  type StateKey,
  type Strays,
} from './state-topic';

/** A state topic and where the ledger blocks in it go. */
export interface StateSource {
  readonly serviceId: string;
  readonly topic: string;
  readonly decodeBlock: (bytes: Buffer) => LedgerBlock;
  /** The ledger that a stream's blocks are loaded into; undefined = the blocks are skipped. */
  readonly ledgerOf: (entity: EntityId, stream: StreamName) => Ledger | undefined;
}

/** For a reading that needs no ledger: blocks are skipped, undecoded. */
export const skippedBlocks: Pick<StateSource, 'decodeBlock' | 'ledgerOf'> = {
  decodeBlock: () => {
    throw new Error('a ledger block was to be decoded where blocks are skipped; this is a bug');
  },
  ledgerOf: () => undefined,
};

/** A value that a partition of the state topic holds now, with what its key says. */
export type StateEntry =
  | { readonly kind: 'layout'; readonly value: Layout }
  | { readonly kind: 'account'; readonly entity: EntityId; readonly value: Account }
  | {
      readonly kind: 'scan';
      readonly entity: EntityId;
      readonly stream: StreamName;
      readonly scan: ScanName;
      readonly value: Cursor;
    }
  | { readonly kind: 'strays'; readonly entity: EntityId; readonly stream: StreamName; readonly value: Strays }
  | { readonly kind: 'hold'; readonly entity: EntityId; readonly stream: StreamName; readonly value: Hold };

interface Kept {
  readonly key: StateKey;
  /** Null = a ledger block: its ledger holds what it says. */
  readonly value: Buffer | null;
}

/**
 * What one partition of the state topic holds: the newest value of each key, ledger blocks in their ledgers. Filled record by record;
 * a reading that breaks off is begun again where it began.
 */
export class StoredState {
  readonly #source: StateSource;
  readonly #partition: number;
  readonly #kept = new Map<string, Kept>();
  /** Offset at which the next reading begins. */
  #readFrom = 0;
  /** Offset behind the newest record of the reading under way. */
  #reached = 0;
  #recordsRead = 0;

  constructor(source: StateSource, partition: number) {
    this.#source = source;
    this.#partition = partition;
  }

  /** Starts a reading; returns the offset of its first record. */
  beginReading(): number {
    this.#reached = this.#readFrom;
    this.#recordsRead = 0;
    return this.#readFrom;
  }

  /** Brings in one record and returns what its key stands for; a ConfigError where another service wrote it. */
  apply({ key: text, value, offset }: StoredRecord): StateKey {
    const { serviceId, topic, decodeBlock, ledgerOf } = this.#source;
    const key = parseStateKey(serviceId, text, `${topic}, partition ${this.#partition}, offset ${offset}`);
    this.#reached = offset + 1;
    if ('session' in key) return key;
    this.#recordsRead += 1;
    if ('block' in key) {
      const ledger = ledgerOf(key.entity, key.stream);
      if (value === null) ledger?.unload(key.block);
      else ledger?.load(decodeBlock(value));
    }
    this.#keep(text, key, value);
    return key;
  }

  /** Ends a reading that was complete: the next one goes on behind it. Returns the number of its records, session markers left out. */
  endReading(): number {
    this.#readFrom = this.#reached;
    return this.#recordsRead;
  }

  /** Notes records that this process has written, the last of them at this offset: they are not read again. */
  wrote(records: readonly StateRecord[], lastOffset: number | undefined): void {
    for (const { key: text, value } of records) {
      const key = parseStateKey(this.#source.serviceId, text, this.#source.topic);
      if (!('session' in key)) this.#keep(text, key, value === null ? null : Buffer.from(value));
    }
    if (lastOffset !== undefined) this.#readFrom = lastOffset + 1;
  }

  /** Every key that has a value, as text and as what it stands for. */
  keys(): ReadonlyMap<string, StateKey> {
    return new Map([...this.#kept].map(([text, { key }]) => [text, key]));
  }

  /** Every value but the ledger blocks. */
  entries(): readonly StateEntry[] {
    return [...this.#kept.values()].flatMap(({ key, value }) => (value === null ? [] : (entryOf(key, value) ?? [])));
  }

  /** The layout that was stored, or null where none is. */
  layout(): Layout | null {
    for (const { key, value } of this.#kept.values())
      if ('layout' in key && value !== null) return parseStateValue('layout', value);
    return null;
  }

  #keep(text: string, key: StateKey, value: Buffer | null): void {
    if (value === null) this.#kept.delete(text);
    else this.#kept.set(text, { key, value: 'block' in key ? null : value });
  }
}

function entryOf(key: StateKey, value: Buffer): StateEntry | null {
  if ('layout' in key) return { kind: 'layout', value: parseStateValue('layout', value) };
  if ('session' in key || 'block' in key) return null;
  const { entity } = key;
  if ('account' in key) return { kind: 'account', entity, value: parseStateValue('account', value) };
  const { stream } = key;
  if ('scan' in key) return { kind: 'scan', entity, stream, scan: key.scan, value: parseStateValue('scan', value) };
  if ('strays' in key) return { kind: 'strays', entity, stream, value: parseStateValue('strays', value) };
  return { kind: 'hold', entity, stream, value: parseStateValue('hold', value) };
}

/** One record of any partition of the state topic. */
export interface StoredTopicRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** What all partitions of a state topic hold, filled record by record. */
export class StoredTopic {
  readonly #source: StateSource;
  readonly #partitions = new Map<number, StoredState>();

  constructor(source: StateSource) {
    this.#source = source;
  }

  /** Brings in one record and returns what its key stands for; a ConfigError where another service wrote it. */
  apply({ partition, offset, key, value }: StoredTopicRecord): StateKey {
    const state = this.#partitions.get(partition) ?? new StoredState(this.#source, partition);
    this.#partitions.set(partition, state);
    return state.apply({ key: key?.toString() ?? '', value, offset });
  }

  /** By number, the partitions that had records. */
  get partitions(): ReadonlyMap<number, StoredState> {
    return this.#partitions;
  }
}
