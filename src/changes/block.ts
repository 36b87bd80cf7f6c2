import type { LedgerBlock } from '../model';

/** The date of an entry whose row has none. */
export const NO_DATE = -2147483648;

/** Bits of an entry's flags. */
export const EntryFlag = {
  /** The page that showed the row last showed it unpaid. Of what is told beside a row, with LEFT: it was given up before it was final. */
  OPEN: 1,
  /** The row is outside the scope: not counted, not followed. Of what is told beside a row: it is read no more. */
  LEFT: 2,
  /** The row, as fingerprinted, went to the dead-letter topic. */
  DEAD_LETTERED: 4,
  /** The row is to be published as `r` when a scan next shows the row, changed or not. */
  REPUBLISH: 8,
  /** A record of this key is on the topic. */
  PUBLISHED: 16,
  /** The lines on their topic are older than the row's record, which was published while they were not asked for. */
  LINES_DUE: 32,
  /** The newest record of this key carries its fingerprint: the entry's, or of a dead letter that of the record before. */
  CARRIED: 64,
} as const;

const { LEFT, OPEN } = EntryFlag;
const ENTRY_BYTES = 44;
const HYPHEN = 45;

/** Entries as columns sorted by id, all in one piece of memory, in the byte order of the machine: little-endian wherever we run. */
export interface Block {
  readonly from: number;
  readonly to: number;
  /** The generation that may change the block; any later one copies the block first. */
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
  /** Of those, the open ones. */
  open: number;
}

/** Ids that a block covers, and the generation that may change the block. */
export type Bounds = Pick<Block, 'from' | 'to' | 'generation'>;

/** A block without entries, with room for that many. */
export function newBlock(
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
    open: 0,
  };
  return block;
}

/** A copy of the block that a later generation may change. */
export function clone(block: Block, generation: number): Block {
  const { from, to, capacity, memory, count, present, live, open, oddUuids } = block;
  const copy = newBlock({ from, to, generation }, capacity, memory.slice(0));
  copy.count = count;
  copy.present = present;
  copy.live = live;
  copy.open = open;
  for (const [id, uuid] of oddUuids) copy.oddUuids.set(id, uuid);
  return copy;
}

/** The entries `[start, end)` of a block as a block of its own. */
export function slice(block: Block, bounds: Bounds, start: number, end: number, capacity: number): Block {
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

/** Moves the entries from slot `start` on to slot `target`, one slot up or down. */
export function shift(block: Block, start: number, target: number): void {
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

/** Counts every entry of the block anew. */
function recount(block: Block): void {
  block.present = 0;
  block.live = 0;
  block.open = 0;
  for (let slot = 0; slot < block.count; slot++) tally(block, slot, 1);
}

/** Counts an entry in or out, by its flags and by whether the entry is missing. */
export function tally(block: Block, slot: number, by: 1 | -1): void {
  if ((flagsAt(block, slot) & LEFT) !== 0) return;
  block.present += by;
  if (block.missing[slot] !== 0) return;
  block.live += by;
  if ((flagsAt(block, slot) & OPEN) !== 0) block.open += by;
}

/** Bits of `EntryFlag` of the entry in the slot. */
export function flagsAt(block: Block, slot: number): number {
  return block.flags[slot] ?? 0;
}

/** Whether the entry is neither left nor missing. */
export function isLive(block: Block, slot: number): boolean {
  return block.missing[slot] === 0 && (flagsAt(block, slot) & LEFT) === 0;
}

/** Whether the entry is live and open. */
export function isOpen(block: Block, slot: number): boolean {
  return block.missing[slot] === 0 && (flagsAt(block, slot) & (LEFT | OPEN)) === OPEN;
}

/** Whether the entry is dated within `from` to `to` (days, inclusive; null = unbounded); one without a date only where both are. */
export function isWithin({ dates }: Block, slot: number, from: number | null, to: number | null): boolean {
  const date = dates[slot] ?? NO_DATE;
  if (date === NO_DATE) return from === null && to === null;
  return date >= (from ?? -Infinity) && date <= (to ?? Infinity);
}

/** Sets an entry's flags and the sweep that first missed the row, and counts the entry accordingly: nothing else may write these two. */
export function setState(block: Block, slot: number, flags: number, missing: number): void {
  tally(block, slot, -1);
  block.flags[slot] = flags;
  block.missing[slot] = missing;
  tally(block, slot, 1);
}

/** The slot of the first id that is not below this one. */
export function lowerBound({ ids, count }: Block, id: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ids[middle] ?? Infinity) < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The block as the state topic holds it; shares the memory of the block, which must not change any more. */
export function serialise(block: Block): LedgerBlock {
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

/** The block that was stored; undefined when the columns do not fit together, or an id lies outside the block or not above the one before. */
export function deserialise(stored: LedgerBlock): Block | undefined {
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

/** Value of a lower-case hexadecimal digit; -1 for any other character. */
function nibble(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  return code >= 97 && code <= 102 ? code - 87 : -1;
}

/** Parses into 16 bytes; false for a text that 16 bytes cannot give back byte for byte, and for the UUID that would read as none. */
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

/** UUID of the entry in the slot, byte for byte as the row had it; null = none. */
export function uuidAt(block: Block, slot: number): string | null {
  const bytes = Buffer.from(block.memory, block.uuids.byteOffset + 16 * slot, 16);
  if (bytes.every((byte) => byte === 0)) return block.oddUuids.get(block.ids[slot] ?? 0) ?? null;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Space of 16 bytes in which UUIDs are parsed, for one block after the other. */
export interface UuidSpace {
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
}

export function newUuidSpace(): UuidSpace {
  const words = new Uint32Array(4);
  return { words, bytes: new Uint8Array(words.buffer) };
}

/** A hash of a text that is a row's UUID, the same as `hashAt` gives of an entry that holds that UUID. */
export function hashOfUuid(uuid: string, { words, bytes } = newUuidSpace()): number {
  return parseUuid(uuid, bytes) ? hashOfWords(words[0], words[1], words[2], words[3]) : hashOfText(uuid);
}

/** A hash of the UUID of the entry in the slot; 0 = the entry has none. */
export function hashAt({ uuids, oddUuids, ids }: Block, slot: number): number {
  const at = 4 * slot;
  const [a, b, c, d] = [uuids[at], uuids[at + 1], uuids[at + 2], uuids[at + 3]];
  if (a !== 0 || b !== 0 || c !== 0 || d !== 0) return hashOfWords(a, b, c, d);
  const odd = oddUuids.get(ids[slot] ?? 0);
  return odd === undefined ? 0 : hashOfText(odd);
}

function hashOfWords(a = 0, b = 0, c = 0, d = 0): number {
  return Math.imul(a ^ Math.imul(b, 31) ^ Math.imul(c, 961) ^ Math.imul(d, 29_791), 0x9e3779b1) >>> 0 || 1;
}

function hashOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0 || 1;
}

/** Whether the entry has exactly this UUID; null = none. */
export function hasUuid(block: Block, slot: number, uuid: string | null, { words, bytes }: UuidSpace): boolean {
  const id = block.ids[slot] ?? 0;
  if (uuid === null || !parseUuid(uuid, bytes)) {
    words.fill(0);
    if ((block.oddUuids.get(id) ?? null) !== uuid) return false;
  }
  return (
    block.uuids[4 * slot] === words[0] &&
    block.uuids[4 * slot + 1] === words[1] &&
    block.uuids[4 * slot + 2] === words[2] &&
    block.uuids[4 * slot + 3] === words[3]
  );
}

/** The slot of an entry that has this UUID; undefined = no entry of the block has it. */
export function slotOfUuid(block: Block, uuid: string, { words, bytes }: UuidSpace): number | undefined {
  const { uuids, oddUuids, count } = block;
  if (!parseUuid(uuid, bytes)) {
    for (const [id, odd] of oddUuids) if (odd === uuid) return lowerBound(block, id);
    return undefined;
  }
  const [a, b, c, d] = words;
  for (let slot = 0, at = 0; slot < count; slot++, at += 4)
    if (uuids[at] === a && uuids[at + 1] === b && uuids[at + 2] === c && uuids[at + 3] === d) return slot;
  return undefined;
}

/** Gives the entry this UUID in place of the one before; null = none. */
export function setUuid(block: Block, slot: number, uuid: string | null, { words, bytes }: UuidSpace): void {
  const id = block.ids[slot] ?? 0;
  block.oddUuids.delete(id);
  if (uuid === null || !parseUuid(uuid, bytes)) {
    words.fill(0);
    if (uuid !== null) block.oddUuids.set(id, uuid);
  }
  block.uuids.set(words, 4 * slot);
}
