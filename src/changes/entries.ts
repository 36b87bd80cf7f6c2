import assert from 'node:assert/strict';

import { ConfigError } from '../errors';
import type { EntityId, LedgerBlock, StreamName } from '../model';
import {
  clone,
  deserialise,
  flagsAt,
  hashAt,
  lowerBound,
  newBlock,
  newUuidSpace,
  NO_DATE,
  serialise,
  setState,
  setUuid,
  shift,
  slice,
  tally,
  uuidAt,
  type Block,
} from './block';
import { fingerprintHex } from './fingerprint';

/** What an entry holds of the row that was read last. */
export interface Content {
  /** The two halves of the fingerprint. */
  readonly high: number;
  readonly low: number;
  /** Number of the definition that computed the fingerprint. */
  readonly definition: number;
  /** Days since 1970-01-01, or `NO_DATE`. */
  readonly date: number;
  readonly uuid: string | null;
  /** Bits of `EntryFlag`. */
  readonly flags: number;
}

/** What the ledger holds of one id. */
export interface Entry {
  readonly id: number;
  /** 16 hexadecimal digits, as in the verdict by which the row was published. */
  readonly fingerprint: string;
  readonly definition: number;
  readonly uuid: string | null;
  /** Days since 1970-01-01. */
  readonly date: number | null;
  /** Bits of `EntryFlag`. */
  readonly flags: number;
  /** Number of the sweep that first missed the row; 0 = not missing. */
  readonly missing: number;
  /** Lines published. */
  readonly lines: number;
}

type LedgerState =
  | { readonly name: 'ready' }
  /** Blocks read from the state topic so far, by their first id. */
  | { readonly name: 'loading'; readonly blocks: Map<number, Block> }
  /** Blocks as they will be durable when the commit on its way has succeeded. */
  | { readonly name: 'taken'; readonly blocks: readonly Block[] };

type Call = 'change' | 'load' | 'loaded' | 'take' | 'settle' | 'rollback';

/** The state that each call leads to; a state refuses the calls that are not listed. */
const transitions: Readonly<Record<LedgerState['name'], Readonly<Partial<Record<Call, LedgerState['name']>>>>> = {
  ready: { change: 'ready', load: 'loading', loaded: 'ready', take: 'taken', rollback: 'ready' },
  loading: { load: 'loading', loaded: 'ready', rollback: 'ready' },
  taken: { change: 'taken', settle: 'ready', rollback: 'ready' },
};

const refusals: Readonly<Record<Call, string>> = {
  change: 'a ledger is used only after all of it is loaded',
  load: 'a ledger is loaded only while it has no changes of its own',
  loaded: 'a ledger has nothing to load while a take is on its way',
  take: 'one take at a time, and only of a ledger that is loaded: settle, roll back or end the loading first',
  settle: 'only what was taken can be settled',
  rollback: 'a ledger can always be rolled back',
};

/**
 * The entries of one stream of one entity in blocks that tile the id line: finding, writing, loading and going back to what is
 * durable. A block of the current generation is one that changed since the last take. Older ones may be shared with what is
 * durable or taken, or be on their way to Kafka, and never change again.
 */
export class Entries {
  blocks: Block[] = [newBlock({ from: 0, to: Infinity, generation: 0 }, 0)];
  /** Where `find` last stood: pages walk up the ids, so the next one is mostly in the next slot. */
  at = 0;
  slot = 0;
  /** Space in which the UUIDs of this ledger's rows are parsed. */
  readonly uuidSpace = newUuidSpace();

  private generation = 1;
  private durable: readonly Block[] = this.blocks.slice();
  private state: LedgerState = { name: 'ready' };
  private lastInserted = 0;

  constructor(
    private readonly of: {
      readonly entity: EntityId;
      readonly stream: StreamName;
      readonly blockEntries: number;
      /** Told the hash of every UUID that an entry has from now on, again where it had it before. */
      readonly noteUuid?: ((hash: number) => void) | undefined;
    },
  ) {}

  blockAt(index: number): Block {
    const block = this.blocks[index];
    assert(block !== undefined, 'a ledger has a block for every id');
    return block;
  }

  /** Index of the block that the id belongs to. */
  blockOf(id: number): number {
    let low = 0;
    let high = this.blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.blockAt(middle).from <= id) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Stands on the id, or where the id would be inserted; true when there is an entry. */
  find(id: number): boolean {
    let block = this.blocks[this.at];
    if (block === undefined || id < block.from || id >= block.to) {
      this.at = this.blockOf(id);
      block = this.blockAt(this.at);
      this.slot = lowerBound(block, id);
    } else if (block.ids[this.slot + 1] === id && this.slot + 1 < block.count) {
      this.slot++;
    } else {
      this.slot = lowerBound(block, id);
    }
    return this.slot < block.count && block.ids[this.slot] === id;
  }

  /** The block, as one that may be changed, with room for that many more entries. */
  writableBlock(index: number, room = 0): Block {
    this.refuseUnless('change');
    const { generation } = this;
    const block = this.blockAt(index);
    const needed = block.count + room;
    if (block.generation === generation && needed <= block.capacity) return block;
    const capacity = Math.max(needed, Math.min(this.of.blockEntries, Math.max(16, 2 * block.count)));
    const copy =
      needed <= block.capacity
        ? clone(block, generation)
        : slice(block, { from: block.from, to: block.to, generation }, 0, block.count, capacity);
    this.blocks[index] = copy;
    return copy;
  }

  /** Writes what was read of a row into the entry on which `find` stands, which is no longer missing. */
  write({ high, low, definition, date, uuid, flags }: Content): Block {
    const block = this.writableBlock(this.at);
    const { slot } = this;
    block.fingerprints[2 * slot] = high;
    block.fingerprints[2 * slot + 1] = low;
    block.definitions[slot] = definition;
    block.dates[slot] = date;
    setUuid(block, slot, uuid, this.uuidSpace);
    setState(block, slot, flags, 0);
    this.noteUuid(block, slot);
    return block;
  }

  /** Makes an empty entry of an id that `find` did not find, and stands on that entry. */
  insert(id: number): void {
    if (this.blockAt(this.at).count >= this.of.blockEntries) {
      this.split(id);
      this.find(id);
    }
    const block = this.writableBlock(this.at, 1);
    const { slot } = this;
    if (slot < block.count) shift(block, slot, slot + 1);
    block.ids[slot] = id;
    block.fingerprints.fill(0, 2 * slot, 2 * slot + 2);
    block.uuids.fill(0, 4 * slot, 4 * slot + 4);
    block.dates[slot] = NO_DATE;
    block.missing[slot] = 0;
    block.lines[slot] = 0;
    block.definitions[slot] = 0;
    block.flags[slot] = 0;
    block.count++;
    tally(block, slot, 1);
    this.lastInserted = id;
  }

  /** Drops the entry on which `find` stands. */
  remove(): void {
    const block = this.writableBlock(this.at);
    const { slot } = this;
    const id = block.ids[slot] ?? 0;
    tally(block, slot, -1);
    shift(block, slot + 1, slot);
    block.count--;
    block.oddUuids.delete(id);
  }

  /** Calls back for every entry of every block that passes; the callback may change the entry through `writableBlock`. */
  forEach(wanted: (block: Block) => boolean, visit: (index: number, slot: number) => void): void {
    for (let index = 0; index < this.blocks.length; index++) {
      if (!wanted(this.blockAt(index))) continue;
      const { count } = this.blockAt(index);
      for (let slot = 0; slot < count; slot++) visit(index, slot);
    }
  }

  /** Returns the blocks changed since the last take, never to change again; at most one take may be unsettled. */
  take(): LedgerBlock[] {
    this.enter('take', { name: 'taken', blocks: this.blocks });
    const changed = this.blocks.filter((block) => block.generation === this.generation);
    this.blocks = this.blocks.slice();
    this.generation++;
    return changed.map(serialise);
  }

  /** Makes durable what was taken. */
  settle(): void {
    const { state } = this;
    this.enter('settle', { name: 'ready' });
    if (state.name === 'taken') this.durable = state.blocks;
  }

  /** Goes back to what is durable, dropping every later change, taken or not, and every block loaded. */
  rollback(): void {
    this.enter('rollback', { name: 'ready' });
    this.blocks = this.durable.slice();
    this.generation++;
  }

  /** Takes in a block of the state topic; the later of two that begin with the same id stays. */
  load(stored: LedgerBlock): void {
    const block = deserialise(stored);
    if (block === undefined) throw this.damaged(`an unreadable block ${nameOf(stored)}`);
    this.loading().set(block.from, block);
    for (let slot = 0; slot < block.count; slot++) this.noteUuid(block, slot);
  }

  /** Drops the block that begins with this id. */
  unload(from: number): void {
    this.loading().delete(from);
  }

  /** Ends the loading: what was loaded is durable. Throws `ConfigError` unless the blocks tile the id line. */
  loaded(): void {
    const { state } = this;
    this.refuseUnless('loaded');
    if (state.name !== 'loading') return;
    if (state.blocks.size === 0) state.blocks.set(0, newBlock({ from: 0, to: Infinity, generation: 0 }, 0));
    const sorted = [...state.blocks.values()].sort((a, b) => a.from - b.from);
    let end = 0;
    for (const block of sorted) {
      if (block.from !== end || block.to <= block.from)
        throw this.damaged(`${nameOf(block)} where ${end} should begin`);
      end = block.to;
    }
    if (end !== Infinity) throw this.damaged(`no block from ${end} on`);
    this.enter('loaded', { name: 'ready' });
    this.blocks = sorted;
    this.durable = sorted.slice();
  }

  /** Throws where the state refuses the call. */
  refuseUnless(call: Call): void {
    assert(transitions[this.state.name][call] !== undefined, refusals[call]);
  }

  private enter(call: Call, next: LedgerState): void {
    assert(transitions[this.state.name][call] === next.name, refusals[call]);
    this.state = next;
  }

  private noteUuid(block: Block, slot: number): void {
    if (this.of.noteUuid === undefined) return;
    const hash = hashAt(block, slot);
    if (hash !== 0) this.of.noteUuid(hash);
  }

  private loading(): Map<number, Block> {
    const { state } = this;
    if (state.name === 'loading') return state.blocks;
    assert(!this.blocks.some((block) => block.generation === this.generation), refusals.load);
    const blocks = new Map(this.blocks.map((block) => [block.from, block]));
    this.enter('load', { name: 'loading', blocks });
    return blocks;
  }

  /**
   * Makes room for an id that `find` did not find. Cuts where ids are being added one after the other, so that a
   * back-fill leaves full blocks behind; in the middle otherwise.
   */
  private split(id: number): void {
    const { at, slot, generation } = this;
    const block = this.blockAt(at);
    const appended = slot === block.count && block.to === Infinity;
    const inSequence = slot > 0 && block.ids[slot - 1] === this.lastInserted;
    const cut = appended || inSequence ? slot : block.count >>> 1;
    const boundary = cut < block.count ? (block.ids[cut] ?? id) : id;
    const left = slice(block, { from: block.from, to: boundary, generation }, 0, cut, cut);
    const right = slice(block, { from: boundary, to: block.to, generation }, cut, block.count, block.count - cut);
    this.blocks.splice(at, 1, left, right);
  }

  private damaged(found: string): ConfigError {
    const { entity, stream } = this.of;
    return new ConfigError(
      `Restoring the ledger of ${stream} of ${entity}: expected blocks that tile the id line, got ${found}. ` +
        'The state is damaged and has to be rebuilt',
      { entity, stream, concerns: 'shard' },
    );
  }
}

/** What the block holds in the slot. */
export function entryAt(block: Block, slot: number): Entry {
  const date = block.dates[slot] ?? NO_DATE;
  return {
    id: block.ids[slot] ?? 0,
    fingerprint: fingerprintHex(block.fingerprints[2 * slot] ?? 0, block.fingerprints[2 * slot + 1] ?? 0),
    definition: block.definitions[slot] ?? 0,
    uuid: uuidAt(block, slot),
    date: date === NO_DATE ? null : date,
    flags: flagsAt(block, slot),
    missing: block.missing[slot] ?? 0,
    lines: block.lines[slot] ?? 0,
  };
}

function nameOf({ from, to }: Pick<LedgerBlock, 'from' | 'to'>): string {
  return `[${from}, ${to === null || to === Infinity ? 'infinity' : to})`;
}
