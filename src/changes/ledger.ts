import assert from 'node:assert/strict';
import { ConfigError, RecordError } from '../errors';
import { fingerprintHex } from './fingerprint';
import type { EntityId, LedgerBlock, Op, Page, Row, ScanName, StreamName } from '../model';

/** The date of an entry whose row has none. */
export const NO_DATE = -2147483648;

/** Bits of an entry's flags. */
export const EntryFlag = {
  /** The `open` scan showed the row. */
  OPEN: 1,
  /** The row is outside the scope: not counted, not followed. */
  LEFT: 2,
  /** The row, as fingerprinted, went to the dead-letter topic. */
  DEAD_LETTERED: 4,
  /** Publish the row as `r` when it is next seen, changed or not. */
  REPUBLISH: 8,
  /** A record of this key is on the topic. */
  PUBLISHED: 16,
  /** The lines on their topic are older than the row's record, which was published while they were not asked for. */
  LINES_DUE: 32,
} as const;

/** Writes the 64 bits that stand for a row's content into the two elements of `out`; never throws for a bad row. */
export type Fingerprint = (row: Row, out: Uint32Array) => void;

/** What a ledger must be told to turn a page into changes; one shape for every scan. */
export interface DiffOptions<T> {
  readonly scan: ScanName;
  /** Number of the running sweep, from 1. */
  readonly sweep: number;
  /** No lap is complete yet: what is new is `r`, not `c`. */
  readonly firstLap: boolean;
  /** Number of the definition that `fingerprint` computes. */
  readonly definition: number;
  readonly fingerprint: Fingerprint;
  /** How an older definition is computed; undefined where it no longer can be. */
  readonly fingerprintOf: (definition: number) => Fingerprint | undefined;
  readonly uuidOf: (row: Row) => string | null;
  /** Days since 1970-01-01, or `NO_DATE`. */
  readonly dateOf: (row: Row) => number;
  /** Encodes the row, and its lines where they are published too: `linesBefore` = how many there were. Throws `RecordError` when it cannot become a record. */
  readonly publish: (row: Row, op: Op, fingerprint: string, linesBefore: number) => T;
  /** How the rows' lines become records of their own; null = not asked for. */
  readonly lines: LinesOptions<T> | null;
  /** Begin mark of the oldest request of this stream whose page is not yet diffed; Infinity = none. */
  readonly oldestOpen: number;
}

/** What a ledger must be told where the lines of a row are published as well. */
export interface LinesOptions<T> {
  readonly count: (row: Row) => number;
  /** Encodes the lines alone, of a row whose own record stands; throws `RecordError`. */
  readonly publish: (row: Row, fingerprint: string, linesBefore: number) => T;
}

/** A row that could not become a record. */
export interface DeadLetter {
  readonly row: Row;
  readonly error: RecordError;
  readonly fingerprint: string;
}

/** What a page changed. A row is created, updated, unchanged, a dead letter or stale. */
export interface Diff<T> {
  readonly records: readonly T[];
  readonly deadLetters: readonly DeadLetter[];
  /** Rows published that had no record before. */
  readonly created: number;
  readonly updated: number;
  /** Rows whose content was known, one published again as `r` among them. */
  readonly unchanged: number;
  /** Entries marked missing by this page. */
  readonly missing: number;
  /** Rows that were marked missing or left, and are so no longer. */
  readonly returned: number;
  /** Ids to read again: seen differently by a request that began before their last publication was read. */
  readonly stale: readonly number[];
  /** Ids that `open` showed before and this page of it proves to be open no longer: to be read by themselves. */
  readonly departed: readonly number[];
  /** A record, a dead letter or any entry changed: the page needs a commit. */
  readonly touched: boolean;
}

/** What the ledger holds of one id. */
export interface Entry {
  readonly id: number;
  /** 16 hexadecimal digits, as given to `publish`. */
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

/** What was last published of each id of one stream of one entity: the memory that turns reads into changes. */
export interface Ledger {
  /** Holds a page against the entries and brings them up to it; what it throws leaves the ledger half changed. */
  diff<T>(page: Page, how: DiffOptions<T>): Diff<T>;

  /** Returns the blocks changed since the last take, never to change again; at most one take may be unsettled. */
  take(): LedgerBlock[];
  /** What was taken is durable. */
  settle(): void;
  /** Goes back to what is durable, dropping every later change, taken or not. */
  rollback(): void;
  /** Applies a block of the state topic, in log order; only without changes that are not yet durable. */
  load(block: LedgerBlock): void;
  /** Drops the block that begins there, as the state topic does not have it any more; otherwise like `load`. */
  unload(from: number): void;
  /** Ends the loading: what was loaded is durable. Throws `ConfigError` unless the blocks tile the id line. */
  loaded(): void;

  /** Number of entries that have not left the scope. */
  readonly size: number;
  has(id: number): boolean;
  entry(id: number): Entry | undefined;
  /** Number of entries with a smaller id that are neither left nor missing. */
  rank(id: number): number;
  /** Number of entries that are neither left nor missing. */
  readonly live: number;
  /** The id before which so many are neither left nor missing, and which is so itself; undefined = there are not so many. */
  atRank(rank: number): number | undefined;
  /** Highest id with an entry; 0 = none. */
  maxId(): number;
  /** Ids that this sweep or an earlier one first missed, ascending. */
  missingSince(sweep: number): number[];

  /** Ids of the entries dated within `from` to `to` (days, inclusive; null = unbounded, those without a date only where both are), ascending. */
  ids(from: number | null, to: number | null): number[];
  /** Marks every entry to be published again, and none as missing. */
  republishAll(): void;
  /** Marks entries dated outside `from` to `to` (days, inclusive; null = unbounded) as left; returns how many. */
  rescope(from: number | null, to: number | null): number;
  /** Sets and clears flags of an entry; one that leaves is no longer missing. Returns whether that changed anything. */
  setFlags(id: number, set: number, clear: number): boolean;
  /** Drops an entry whose row was found deleted by a read that ended at this mark. Returns whether there was one. */
  remove(id: number, ended: number): boolean;
}

const { OPEN, LEFT, DEAD_LETTERED, REPUBLISH, PUBLISHED, LINES_DUE } = EntryFlag;
const ENTRY_BYTES = 44;
const HYPHEN = 45;

/** Columns sorted by id, all in one piece of memory, in the byte order of the machine: little-endian wherever we run. */
interface Block {
  readonly from: number;
  readonly to: number;
  /** The generation that may change the block; any later one copies it first. */
  readonly generation: number;
  readonly capacity: number;
  readonly memory: ArrayBuffer;
  readonly ids: Float64Array;
  readonly fingerprints: Uint32Array;
  readonly uuids: Uint32Array;
  readonly dates: Int32Array;
  readonly missing: Uint32Array;
  readonly lines: Uint16Array;
  readonly definitions: Uint8Array;
  readonly flags: Uint8Array;
  readonly oddUuids: Map<number, string>;
  count: number;
  /** Entries that have not left. */
  present: number;
  /** Entries neither left nor missing. */
  live: number;
}

type Mutable<D> = { -readonly [K in keyof D]: D[K] extends readonly (infer E)[] ? E[] : D[K] };

type Bounds = Pick<Block, 'from' | 'to' | 'generation'>;

function newBlock(
  { from, to, generation }: Bounds,
  capacity: number,
  memory = new ArrayBuffer(capacity * ENTRY_BYTES),
) {
  const block: Block = {
    from,
    to,
    generation,
    capacity,
    memory,
    ids: new Float64Array(memory, 0, capacity),
    fingerprints: new Uint32Array(memory, 8 * capacity, 2 * capacity),
    uuids: new Uint32Array(memory, 16 * capacity, 4 * capacity),
    dates: new Int32Array(memory, 32 * capacity, capacity),
    missing: new Uint32Array(memory, 36 * capacity, capacity),
    lines: new Uint16Array(memory, 40 * capacity, capacity),
    definitions: new Uint8Array(memory, 42 * capacity, capacity),
    flags: new Uint8Array(memory, 43 * capacity, capacity),
    oddUuids: new Map(),
    count: 0,
    present: 0,
    live: 0,
  };
  return block;
}

function clone(block: Block, generation: number): Block {
  const { from, to, capacity, memory, count, present, live, oddUuids } = block;
  const copy = newBlock({ from, to, generation }, capacity, memory.slice(0));
  copy.count = count;
  copy.present = present;
  copy.live = live;
  for (const [id, uuid] of oddUuids) copy.oddUuids.set(id, uuid);
  return copy;
}

/** The entries `[start, end)` of a block as a block of its own. */
function slice(block: Block, bounds: Bounds, start: number, end: number, capacity: number): Block {
  const part = newBlock(bounds, capacity);
  part.count = end - start;
  part.ids.set(block.ids.subarray(start, end));
  part.fingerprints.set(block.fingerprints.subarray(2 * start, 2 * end));
  part.uuids.set(block.uuids.subarray(4 * start, 4 * end));
  part.dates.set(block.dates.subarray(start, end));
  part.missing.set(block.missing.subarray(start, end));
  part.lines.set(block.lines.subarray(start, end));
  part.definitions.set(block.definitions.subarray(start, end));
  part.flags.set(block.flags.subarray(start, end));
  for (const [id, uuid] of block.oddUuids) if (id >= bounds.from && id < bounds.to) part.oddUuids.set(id, uuid);
  recount(part);
  return part;
}

/** Moves the entries from `start` on to `target`, next to it. */
function shift(block: Block, start: number, target: number): void {
  const { count } = block;
  block.ids.copyWithin(target, start, count);
  block.fingerprints.copyWithin(2 * target, 2 * start, 2 * count);
  block.uuids.copyWithin(4 * target, 4 * start, 4 * count);
  block.dates.copyWithin(target, start, count);
  block.missing.copyWithin(target, start, count);
  block.lines.copyWithin(target, start, count);
  block.definitions.copyWithin(target, start, count);
  block.flags.copyWithin(target, start, count);
}

/** An `open` page shows that a row is open; whether it still is, is known again when it was read by itself. */
function seenBy(scan: ScanName, flags: number): number {
  if (scan === 'open') return flags | OPEN;
  return scan === 'spot' ? flags & ~OPEN : flags;
}

function recount(block: Block): void {
  block.present = 0;
  block.live = 0;
  for (let slot = 0; slot < block.count; slot++) tally(block, slot, 1);
}

function tally(block: Block, slot: number, by: 1 | -1): void {
  if ((flagsAt(block, slot) & LEFT) !== 0) return;
  block.present += by;
  if (block.missing[slot] === 0) block.live += by;
}

function flagsAt(block: Block, slot: number): number {
  return block.flags[slot] ?? 0;
}

/** The only way to change what an entry counts as. */
function setState(block: Block, slot: number, flags: number, missing: number): void {
  tally(block, slot, -1);
  block.flags[slot] = flags;
  block.missing[slot] = missing;
  tally(block, slot, 1);
}

/** The slot of the first id that is not below this one. */
function lowerBound({ ids, count }: Block, id: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? Infinity) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

function serialise(block: Block): LedgerBlock {
  const { from, to, count, memory } = block;
  const bytes = (column: { readonly byteOffset: number }, width: number) =>
    Buffer.from(memory, column.byteOffset, width * count);
  const ids = new Array<number>(count);
  let before = from;
  for (let slot = 0; slot < count; slot++) {
    const id = block.ids[slot] ?? 0;
    ids[slot] = id - before;
    before = id;
  }
  return {
    from,
    to: to === Infinity ? null : to,
    ids,
    fingerprints: bytes(block.fingerprints, 8),
    definitions: bytes(block.definitions, 1),
    uuids: bytes(block.uuids, 16),
    oddUuids: Array.from(block.oddUuids, ([id, uuid]) => ({ id, uuid })),
    dates: bytes(block.dates, 4),
    flags: bytes(block.flags, 1),
    missing: bytes(block.missing, 4),
    lines: bytes(block.lines, 2),
  };
}

/** Undefined when the columns do not fit together, or an id lies outside the block or not above the one before it. */
function deserialise(stored: LedgerBlock): Block | undefined {
  const count = stored.ids.length;
  const block = newBlock({ from: stored.from, to: stored.to ?? Infinity, generation: 0 }, count);
  const columns = [
    [stored.fingerprints, block.fingerprints],
    [stored.definitions, block.definitions],
    [stored.uuids, block.uuids],
    [stored.dates, block.dates],
    [stored.flags, block.flags],
    [stored.missing, block.missing],
    [stored.lines, block.lines],
  ] as const;
  for (const [bytes, column] of columns) {
    if (bytes.length !== column.byteLength) return undefined;
    new Uint8Array(block.memory, column.byteOffset, bytes.length).set(bytes);
  }
  let id = stored.from;
  for (let slot = 0; slot < count; slot++) {
    const step = stored.ids[slot] ?? 0;
    if (!Number.isSafeInteger(step) || step < (slot === 0 ? 0 : 1)) return undefined;
    id += step;
    block.ids[slot] = id;
  }
  if (!Number.isSafeInteger(id) || (count > 0 && id >= block.to)) return undefined;
  for (const { id: odd, uuid } of stored.oddUuids) block.oddUuids.set(odd, uuid);
  block.count = count;
  recount(block);
  return block;
}

function nibble(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 102 ? code - 87 : -1;
}

/** False for a UUID that 16 bytes cannot give back byte for byte, and for the one that would read as none. */
function parseUuid(text: string, out: Uint8Array): boolean {
  if (text.length !== 36) return false;
  let any = 0;
  let byte = 0;
  for (let at = 0; at < 36; at += 2) {
    if (at === 8 || at === 13 || at === 18 || at === 23) {
      if (text.charCodeAt(at) !== HYPHEN) return false;
      at++;
    }
    const value = (nibble(text.charCodeAt(at)) << 4) | nibble(text.charCodeAt(at + 1));
    if (value < 0) return false;
    any |= value;
    out[byte++] = value;
  }
  return any !== 0;
}

function uuidAt(block: Block, slot: number): string | null {
  const bytes = Buffer.from(block.memory, block.uuids.byteOffset + 16 * slot, 16);
  if (bytes.every((byte) => byte === 0)) return block.oddUuids.get(block.ids[slot] ?? 0) ?? null;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** An empty ledger; `load` brings in what is stored. A block that reaches `blockEntries` is split by the next insertion. */
export function createLedger(of: {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly blockEntries?: number;
}): Ledger {
  const { entity, stream, blockEntries = 512 } = of;
  // A block of the current generation is one that changed since the last take. Older ones may be shared with `durable`
  // and `taken`, or be on their way to Kafka, and never change again.
  let generation = 1;
  let blocks: Block[] = [newBlock({ from: 0, to: Infinity, generation: 0 }, 0)];
  let durable: readonly Block[] = blocks.slice();
  let taken: readonly Block[] | undefined;
  let loading: Map<number, Block> | undefined;

  // For each id published or removed lately, the end mark of the read behind it, the oldest first.
  const recent = new Map<number, number>();

  // Where `find` last stood: pages walk up the ids, so the next one is mostly in the next slot.
  let at = 0;
  let slot = 0;
  let lastInserted = 0;

  const fresh = new Uint32Array(2);
  const older = new Uint32Array(2);
  const uuidWords = new Uint32Array(4);
  const uuidBytes = new Uint8Array(uuidWords.buffer);

  function blockAt(index: number): Block {
    const block = blocks[index];
    assert(block !== undefined, 'a ledger has a block for every id');
    return block;
  }

  function blockOf(id: number): number {
    let low = 0;
    let high = blocks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (blockAt(middle).from <= id) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Stands on the id, or where it would be inserted. */
  function find(id: number): boolean {
    let block = blocks[at];
    if (block === undefined || id < block.from || id >= block.to) {
      at = blockOf(id);
      block = blockAt(at);
      slot = lowerBound(block, id);
    } else if (block.ids[slot + 1] === id && slot + 1 < block.count) {
      slot++;
    } else {
      slot = lowerBound(block, id);
    }
    return slot < block.count && block.ids[slot] === id;
  }

  /** The block, as one that may be changed, with room for that many more entries. */
  function own(index: number, room = 0): Block {
    const block = blockAt(index);
    const needed = block.count + room;
    if (block.generation === generation && needed <= block.capacity) return block;
    const capacity = Math.max(needed, Math.min(blockEntries, Math.max(16, 2 * block.count)));
    const copy =
      needed <= block.capacity
        ? clone(block, generation)
        : slice(block, { from: block.from, to: block.to, generation }, 0, block.count, capacity);
    blocks[index] = copy;
    return copy;
  }

  /**
   * Makes room around an id that `find` did not find. Cut where ids are being added one after the other, so that a
   * back-fill leaves full blocks behind it; in the middle otherwise.
   */
  function split(id: number): void {
    const block = blockAt(at);
    const appended = slot === block.count && block.to === Infinity;
    const inSequence = slot > 0 && block.ids[slot - 1] === lastInserted;
    const cut = appended || inSequence ? slot : block.count >>> 1;
    const boundary = cut < block.count ? (block.ids[cut] ?? id) : id;
    const left = slice(block, { from: block.from, to: boundary, generation }, 0, cut, cut);
    const right = slice(block, { from: boundary, to: block.to, generation }, cut, block.count, block.count - cut);
    blocks.splice(at, 1, left, right);
  }

  function insert(id: number): Block {
    if (blockAt(at).count >= blockEntries) {
      split(id);
      find(id);
    }
    const block = own(at, 1);
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
    lastInserted = id;
    return block;
  }

  function matches(block: Block, high: number, low: number): boolean {
    return block.fingerprints[2 * slot] === high && block.fingerprints[2 * slot + 1] === low;
  }

  function hasUuid(block: Block, uuid: string | null): boolean {
    const id = block.ids[slot] ?? 0;
    if (uuid === null || !parseUuid(uuid, uuidBytes)) {
      uuidWords.fill(0);
      if ((block.oddUuids.get(id) ?? null) !== uuid) return false;
    }
    return (
      block.uuids[4 * slot] === uuidWords[0] &&
      block.uuids[4 * slot + 1] === uuidWords[1] &&
      block.uuids[4 * slot + 2] === uuidWords[2] &&
      block.uuids[4 * slot + 3] === uuidWords[3]
    );
  }

  function setUuid(block: Block, uuid: string | null): void {
    const id = block.ids[slot] ?? 0;
    block.oddUuids.delete(id);
    if (uuid === null || !parseUuid(uuid, uuidBytes)) {
      uuidWords.fill(0);
      if (uuid !== null) block.oddUuids.set(id, uuid);
    }
    block.uuids.set(uuidWords, 4 * slot);
  }

  /** Whether what was published of the id was read after a request that began at this mark, or while it ran. */
  function isNewerThan(began: number, id: number): boolean {
    const ended = recent.size === 0 ? undefined : recent.get(id);
    return ended !== undefined && began < ended;
  }

  /** No request is open that began before this mark. Stops at the first that must stay: the rest is in order, nearly. */
  function forgetUpTo(mark: number): void {
    for (const [id, ended] of recent) {
      if (ended > mark) return;
      recent.delete(id);
    }
  }

  function remember(id: number, ended: number): void {
    recent.delete(id);
    recent.set(id, ended);
  }

  function write<T>(block: Block, row: Row, how: DiffOptions<T>, high: number, low: number, flags: number): void {
    block.fingerprints[2 * slot] = high;
    block.fingerprints[2 * slot + 1] = low;
    block.definitions[slot] = how.definition;
    block.dates[slot] = how.dateOf(row);
    setUuid(block, how.uuidOf(row));
    setState(block, slot, flags, 0);
  }

  /** Where lines were first asked for after the row was published, or changed while they were not. */
  function linesAreDue<T>(block: Block, row: Row, { lines }: DiffOptions<T>, flags: number): boolean {
    if (lines === null || (flags & DEAD_LETTERED) !== 0) return false;
    return (flags & LINES_DUE) !== 0 || (block.lines[slot] === 0 && lines.count(row) > 0);
  }

  /** Returns the entry's flags. */
  function publishLines<T>(row: Row, { lines }: DiffOptions<T>, fingerprint: string, diff: Mutable<Diff<T>>): number {
    const before = blockAt(at).lines[slot] ?? 0;
    const flags = flagsAt(blockAt(at), slot) & ~LINES_DUE;
    if (lines === null) return flags;
    let dead = 0;
    let after = before;
    try {
      diff.records.push(lines.publish(row, fingerprint, before));
      after = lines.count(row);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      diff.deadLetters.push({ row, error, fingerprint });
      dead = DEAD_LETTERED;
    }
    find(row.id);
    own(at).lines[slot] = after;
    return flags | dead;
  }

  function diffRow<T>(row: Row, page: Page, how: DiffOptions<T>, diff: Mutable<Diff<T>>): void {
    const { id } = row;
    const known = find(id);
    how.fingerprint(row, fresh);
    const high = fresh[0] ?? 0;
    const low = fresh[1] ?? 0;
    let equal = false;
    let flags = 0;
    let lines = 0;
    if (known) {
      const block = blockAt(at);
      lines = block.lines[slot] ?? 0;
      const definition = block.definitions[slot] ?? 0;
      if (definition === how.definition) {
        equal = matches(block, high, low);
      } else {
        const fingerprint = how.fingerprintOf(definition);
        fingerprint?.(row, older);
        equal = fingerprint !== undefined && matches(block, older[0] ?? 0, older[1] ?? 0);
      }
      flags = flagsAt(block, slot);
      const away = (flags & LEFT) !== 0 || block.missing[slot] !== 0;
      if (isNewerThan(page.began, id)) {
        if (equal) diff.unchanged++;
        else diff.stale.push(id);
        return;
      }
      if (away) diff.returned++;
      // Under a new definition a dead letter may have become readable.
      const again = (flags & DEAD_LETTERED) !== 0 && definition !== how.definition;
      if (equal && (flags & REPUBLISH) === 0 && !again) {
        diff.unchanged++;
        const after = seenBy(how.scan, flags) & ~LEFT;
        if (linesAreDue(block, row, how, flags)) {
          const kept = publishLines(row, how, fingerprintHex(high, low), diff);
          write(own(at), row, how, high, low, seenBy(how.scan, kept) & ~LEFT);
          diff.touched = true;
        } else if (
          away ||
          after !== flags ||
          definition !== how.definition ||
          block.dates[slot] !== how.dateOf(row) ||
          !hasUuid(block, how.uuidOf(row))
        ) {
          write(own(at), row, how, high, low, after);
          diff.touched = true;
        }
        return;
      }
    } else if (isNewerThan(page.began, id)) {
      diff.stale.push(id);
      return;
    }

    const published = (flags & PUBLISHED) !== 0;
    const fingerprint = fingerprintHex(high, low);
    const op = (flags & REPUBLISH) !== 0 ? 'r' : published ? 'u' : how.firstLap ? 'r' : 'c';
    try {
      diff.records.push(how.publish(row, op, fingerprint, lines));
      if (!published) diff.created++;
      else if (equal) diff.unchanged++;
      else diff.updated++;
      flags = (flags & ~(LEFT | REPUBLISH | DEAD_LETTERED | LINES_DUE)) | PUBLISHED;
      if (how.lines !== null) lines = how.lines.count(row);
      else if (lines > 0) flags |= LINES_DUE;
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      diff.deadLetters.push({ row, error, fingerprint });
      flags = (flags & ~(LEFT | REPUBLISH)) | DEAD_LETTERED;
    }
    flags = seenBy(how.scan, flags);
    // `publish` may have looked at other entries meanwhile.
    const block = find(id) ? own(at) : insert(id);
    write(block, row, how, high, low, flags);
    block.lines[slot] = lines;
    diff.touched = true;
    if (page.ended > how.oldestOpen) remember(id, page.ended);
  }

  /** Marks the entries that the page proves absent. */
  function markAbsent({ rows, interval, began }: Page, sweep: number): number {
    const first = interval.after === null ? 0 : interval.after + 1;
    const last = interval.upTo ?? Infinity;
    let marked = 0;
    let next = 0;
    for (let index = blockOf(first); index < blocks.length; index++) {
      let block = blockAt(index);
      if (block.from > last) break;
      for (let slot = lowerBound(block, first); slot < block.count; slot++) {
        const id = block.ids[slot] ?? Infinity;
        if (id > last) break;
        let row = rows[next];
        while (row !== undefined && row.id < id) row = rows[++next];
        if (row?.id === id || block.missing[slot] !== 0 || (flagsAt(block, slot) & LEFT) !== 0) continue;
        if (isNewerThan(began, id)) continue;
        block = own(index);
        setState(block, slot, flagsAt(block, slot), sweep);
        marked++;
      }
    }
    return marked;
  }

  /** Entries that `open` showed before, inside the interval of a page of it that does not show them. */
  function departedFrom({ rows, interval, began }: Page): number[] {
    const first = interval.after === null ? 0 : interval.after + 1;
    const last = interval.upTo ?? Infinity;
    const shown = new Set(rows.map(({ id }) => id));
    const ids: number[] = [];
    for (let index = blockOf(first); index < blocks.length; index++) {
      const block = blockAt(index);
      if (block.from > last) break;
      for (let slot = lowerBound(block, first); slot < block.count; slot++) {
        const id = block.ids[slot] ?? Infinity;
        if (id > last) break;
        const open = (flagsAt(block, slot) & (OPEN | LEFT)) === OPEN;
        if (open && !shown.has(id) && !isNewerThan(began, id)) ids.push(id);
      }
    }
    return ids;
  }

  /** A row that is not there when it is read by itself is open no longer; whether it is gone, the sweep finds out. */
  function close({ interval: { upTo } }: Page): boolean {
    if (upTo === null || !find(upTo)) return false;
    const flags = flagsAt(blockAt(at), slot);
    if ((flags & OPEN) === 0) return false;
    own(at).flags[slot] = flags & ~OPEN;
    return true;
  }

  function within(date: number, from: number | null, to: number | null): boolean {
    if (date === NO_DATE) return from === null && to === null;
    return date >= (from ?? -Infinity) && date <= (to ?? Infinity);
  }

  function beginLoading(): Map<number, Block> {
    if (loading !== undefined) return loading;
    const changed = taken !== undefined || blocks.some((block) => block.generation === generation);
    assert(!changed, 'a ledger is loaded only while it has no changes of its own');
    loading = new Map(blocks.map((block) => [block.from, block]));
    return loading;
  }

  /** Calls back for every entry of every block that passes; the callback may change the entry through `own`. */
  function forEach(wanted: (block: Block) => boolean, visit: (index: number, slot: number) => void): void {
    for (let index = 0; index < blocks.length; index++) {
      if (!wanted(blockAt(index))) continue;
      const { count } = blockAt(index);
      for (let slot = 0; slot < count; slot++) visit(index, slot);
    }
  }

  function damaged(what: string): ConfigError {
    return new ConfigError(
      `Restoring the ledger of ${stream} of ${entity}: expected blocks that tile the id line, got ${what}. ` +
        'The state is damaged and has to be rebuilt',
      { entity, stream },
    );
  }

  function nameOf({ from, to }: Pick<LedgerBlock, 'from' | 'to'>): string {
    return `[${from}, ${to === null || to === Infinity ? 'infinity' : to})`;
  }

  return {
    diff<T>(page: Page, how: DiffOptions<T>): Diff<T> {
      assert(loading === undefined, 'a ledger is used only after all of it is loaded');
      const { rows } = page;
      const diff: Mutable<Diff<T>> = {
        records: [],
        deadLetters: [],
        created: 0,
        updated: 0,
        unchanged: 0,
        missing: 0,
        returned: 0,
        stale: [],
        departed: [],
        touched: false,
      };
      forgetUpTo(Math.min(how.oldestOpen, page.began));
      const descending = (rows[0]?.id ?? 0) > (rows.at(-1)?.id ?? 0);
      for (let step = 0; step < rows.length; step++) {
        const index = descending ? rows.length - 1 - step : step;
        const row = rows[index];
        if (row === undefined || row.id === rows[index + 1]?.id) continue;
        diffRow(row, page, how, diff);
      }
      if (how.scan === 'sweep' && !descending) {
        diff.missing = markAbsent(page, how.sweep);
        if (diff.missing > 0) diff.touched = true;
      }
      if (how.scan === 'open') diff.departed = departedFrom(page);
      if (how.scan === 'spot' && rows.length === 0 && close(page)) diff.touched = true;
      return diff;
    },

    take() {
      assert(loading === undefined, 'a ledger is used only after all of it is loaded');
      assert(taken === undefined, 'one take at a time: settle or roll back the one before first');
      const changed = blocks.filter((block) => block.generation === generation);
      taken = blocks;
      blocks = blocks.slice();
      generation++;
      return changed.map(serialise);
    },

    settle() {
      assert(taken !== undefined, 'only what was taken can be settled');
      durable = taken;
      taken = undefined;
    },

    rollback() {
      blocks = durable.slice();
      taken = undefined;
      loading = undefined;
      generation++;
      recent.clear();
    },

    load(stored) {
      const block = deserialise(stored);
      if (block === undefined) throw damaged(`an unreadable block ${nameOf(stored)}`);
      beginLoading().set(block.from, block);
    },

    unload(from) {
      beginLoading().delete(from);
    },

    loaded() {
      if (loading === undefined) return;
      if (loading.size === 0) loading.set(0, newBlock({ from: 0, to: Infinity, generation: 0 }, 0));
      const sorted = [...loading.values()].sort((a, b) => a.from - b.from);
      let end = 0;
      for (const block of sorted) {
        if (block.from !== end || block.to <= block.from) throw damaged(`${nameOf(block)} where ${end} should begin`);
        end = block.to;
      }
      if (end !== Infinity) throw damaged(`no block from ${end} on`);
      blocks = sorted;
      durable = sorted.slice();
      loading = undefined;
    },

    get size() {
      return blocks.reduce((sum, block) => sum + block.present, 0);
    },

    has: find,

    entry(id) {
      if (!find(id)) return undefined;
      const block = blockAt(at);
      const date = block.dates[slot] ?? NO_DATE;
      return {
        id,
        fingerprint: fingerprintHex(block.fingerprints[2 * slot] ?? 0, block.fingerprints[2 * slot + 1] ?? 0),
        definition: block.definitions[slot] ?? 0,
        uuid: uuidAt(block, slot),
        date: date === NO_DATE ? null : date,
        flags: flagsAt(block, slot),
        missing: block.missing[slot] ?? 0,
        lines: block.lines[slot] ?? 0,
      };
    },

    rank(id) {
      find(id);
      let rank = 0;
      for (let index = 0; index < at; index++) rank += blockAt(index).live;
      const block = blockAt(at);
      for (let before = 0; before < slot; before++) {
        if (block.missing[before] === 0 && (flagsAt(block, before) & LEFT) === 0) rank++;
      }
      return rank;
    },

    get live() {
      return blocks.reduce((sum, block) => sum + block.live, 0);
    },

    atRank(rank) {
      let left = rank;
      for (const block of blocks) {
        if (left >= block.live) {
          left -= block.live;
          continue;
        }
        for (let slot = 0; slot < block.count; slot++) {
          if (block.missing[slot] !== 0 || (flagsAt(block, slot) & LEFT) !== 0) continue;
          if (left === 0) return block.ids[slot];
          left--;
        }
      }
      return undefined;
    },

    maxId() {
      const block = blocks.findLast(({ count }) => count > 0);
      return block?.ids[block.count - 1] ?? 0;
    },

    missingSince(sweep) {
      const ids: number[] = [];
      forEach(
        ({ live, present }) => live < present,
        (index, slot) => {
          const { missing, ids: column } = blockAt(index);
          const since = missing[slot] ?? 0;
          if (since > 0 && since <= sweep) ids.push(column[slot] ?? 0);
        },
      );
      return ids;
    },

    ids(from, to) {
      const ids: number[] = [];
      forEach(
        ({ count }) => count > 0,
        (index, slot) => {
          const block = blockAt(index);
          if (within(block.dates[slot] ?? NO_DATE, from, to)) ids.push(block.ids[slot] ?? 0);
        },
      );
      return ids;
    },

    republishAll() {
      forEach(
        ({ count }) => count > 0,
        (index, slot) => {
          const block = own(index);
          setState(block, slot, flagsAt(block, slot) | REPUBLISH, 0);
        },
      );
    },

    rescope(from, to) {
      if (from === null && to === null) return 0;
      let left = 0;
      forEach(
        ({ present }) => present > 0,
        (index, slot) => {
          const block = blockAt(index);
          if (within(block.dates[slot] ?? NO_DATE, from, to) || (flagsAt(block, slot) & LEFT) !== 0) return;
          setState(own(index), slot, flagsAt(block, slot) | LEFT, 0);
          left++;
        },
      );
      return left;
    },

    setFlags(id, set, clear) {
      if (!find(id)) return false;
      const before = flagsAt(blockAt(at), slot);
      const flags = (before & ~clear) | set;
      if (flags === before) return false;
      const block = own(at);
      setState(block, slot, flags, (flags & LEFT) === 0 ? (block.missing[slot] ?? 0) : 0);
      return true;
    },

    remove(id, ended) {
      if (!find(id)) return false;
      const block = own(at);
      tally(block, slot, -1);
      shift(block, slot + 1, slot);
      block.count--;
      block.oddUuids.delete(id);
      remember(id, ended);
      return true;
    },
  };
}
