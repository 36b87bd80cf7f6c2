import type { CountedList, EntityId, LedgerBlock, Page, Row, StreamName } from '../model';
import { markAbsent, type Absent } from './absent';
import {
  EntryFlag,
  flagsAt,
  isLive,
  isOpen,
  isWithin,
  newUuidSpace,
  setState,
  slotOfUuid,
  uuidAt,
  type Block,
} from './block';
import { Comparer, type Comparison, type LastPublished, type Publish, type Touched, type Verdict } from './compare';
import { Entries, entryAt, type Entry } from './entries';
import { livingIn, type Living } from './living';
import { PublicationMarks } from './publication-marks';

const { DEAD_LETTERED, LEFT, REPUBLISH } = EntryFlag;

/** An empty ledger; `load` brings in what is stored. A block that reaches `blockEntries` is split by the next insertion. */
export function createLedger({
  entity,
  stream,
  blockEntries = 512,
  noteUuid,
}: {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly blockEntries?: number;
  /** Told the hash of every UUID that an entry has from now on, again where it had it before. */
  readonly noteUuid?: ((hash: number) => void) | undefined;
}): Ledger {
  return new Ledger(new Entries({ entity, stream, blockEntries, noteUuid }));
}

/** What was last published of each id of one stream of one entity: the memory that turns reads into changes. */
export class Ledger {
  private readonly marks = new PublicationMarks();
  private readonly comparer: Comparer;

  constructor(private readonly entries: Entries) {
    this.comparer = new Comparer(entries, this.marks);
  }

  /** Compares a row of the page with its entry and changes nothing. Rows are to be compared in the order of `ascending`. */
  compare(row: Row, how: Comparison): Verdict {
    return this.comparer.compare(row, how);
  }

  /** Brings the entry up to the verdict; of one to publish, `isPublished` tells whether the row became records or a dead letter. */
  apply(verdict: Touched | Publish, how: Comparison, isPublished = true): void {
    this.comparer.apply(verdict, how, isPublished);
  }

  /** Brings the entries up to what the page does not show; to be called once the rows of the page are compared. */
  markAbsent(how: Comparison): Absent {
    this.entries.refuseUnless('change');
    this.marks.forgetUpTo(Math.min(how.oldestOpen, how.page.began));
    return markAbsent(this.entries, this.marks, how);
  }

  /** Returns the blocks changed since the last take, never to change again; at most one take may be unsettled. */
  take(): LedgerBlock[] {
    return this.entries.take();
  }

  /** Makes durable what was taken. */
  settle(): void {
    this.entries.settle();
  }

  /** Goes back to what is durable, dropping every later change, taken or not. */
  rollback(): void {
    this.entries.rollback();
    this.marks.clear();
  }

  /** Takes in a block of the state topic, in log order; only without changes that are not yet durable. */
  load(block: LedgerBlock): void {
    this.entries.load(block);
  }

  /** Drops the block that begins with this id, as the state topic does not have that block any more; otherwise like `load`. */
  unload(from: number): void {
    this.entries.unload(from);
  }

  /** Ends the loading: what was loaded is durable. Throws `ConfigError` unless the blocks tile the id line. */
  loaded(): void {
    this.entries.loaded();
  }

  /** Number of entries that have not left the scope. */
  get size(): number {
    return this.entries.blocks.reduce((sum, block) => sum + block.present, 0);
  }

  /** Memory that the entries take. */
  get bytes(): number {
    return this.entries.blocks.reduce((sum, { memory }) => sum + memory.byteLength, 0);
  }

  /** Number of entries that are neither left nor missing. */
  get live(): number {
    return this.sizeOf('all');
  }

  has(id: number): boolean {
    return this.entries.find(id);
  }

  entry(id: number): Entry | undefined {
    const { entries } = this;
    return entries.find(id) ? entryAt(entries.blockAt(entries.at), entries.slot) : undefined;
  }

  /** The uuid of an entry; null = none, or no such entry. Made for many questions of which most are answered with null. */
  uuid(id: number): string | null {
    const { entries } = this;
    return entries.find(id) ? uuidAt(entries.blockAt(entries.at), entries.slot) : null;
  }

  /** The id of an entry that has this uuid, which every entry is looked through for; null = none has. Of several the last, as of a row made anew. */
  idOf(uuid: string): number | null {
    const space = newUuidSpace();
    for (const block of this.entries.blocks.toReversed()) {
      const slot = slotOfUuid(block, uuid, space);
      if (slot !== undefined) return block.ids[slot] ?? null;
    }
    return null;
  }

  /** Number of entries that a list should have: those neither left nor missing, or the open ones of them. */
  sizeOf(list: CountedList): number {
    return this.entries.blocks.reduce((sum, block) => sum + countOf(block, list), 0);
  }

  /** Number of entries with a smaller id that a list should have. */
  rank(id: number, list: CountedList = 'all'): number {
    const { entries } = this;
    const isListed = list === 'all' ? isLive : isOpen;
    entries.find(id);
    let rank = 0;
    for (let index = 0; index < entries.at; index++) rank += countOf(entries.blockAt(index), list);
    const block = entries.blockAt(entries.at);
    for (let before = 0; before < entries.slot; before++) if (isListed(block, before)) rank++;
    return rank;
  }

  /** The id before which so many are neither left nor missing, and which is so itself; undefined = there are not so many. */
  atRank(rank: number): number | undefined {
    let before = rank;
    for (const block of this.entries.blocks) {
      if (before >= block.live) {
        before -= block.live;
        continue;
      }
      for (let slot = 0; slot < block.count; slot++) {
        if (!isLive(block, slot)) continue;
        if (before === 0) return block.ids[slot];
        before--;
      }
    }
    return undefined;
  }

  /** Ids that this sweep or an earlier one first missed, ascending. */
  missingSince(sweep: number): number[] {
    const ids: number[] = [];
    this.entries.forEach(
      ({ live, present }) => live < present,
      (index, slot) => {
        const block = this.entries.blockAt(index);
        const since = block.missing[slot] ?? 0;
        if (since > 0 && since <= sweep) ids.push(block.ids[slot] ?? 0);
      },
    );
    return ids;
  }

  /** Ids of the rows whose last reading went to the dead-letter topic, ascending; not those that left the scope or are missing. */
  deadLettered(): number[] {
    const ids: number[] = [];
    this.entries.forEach(
      ({ live }) => live > 0,
      (index, slot) => {
        const block = this.entries.blockAt(index);
        if ((flagsAt(block, slot) & DEAD_LETTERED) !== 0 && isLive(block, slot)) ids.push(block.ids[slot] ?? 0);
      },
    );
    return ids;
  }

  /** Ids of the entries dated within `from` to `to` (days, inclusive; null = unbounded, those without a date only where both are), ascending. */
  ids(from: number | null, to: number | null): number[] {
    const ids: number[] = [];
    this.entries.forEach(
      ({ count }) => count > 0,
      (index, slot) => {
        const block = this.entries.blockAt(index);
        if (isWithin(block, slot, from, to)) ids.push(block.ids[slot] ?? 0);
      },
    );
    return ids;
  }

  /** Ids of the entries that left the scope and are to be published again all the same, ascending. */
  leftToPublish(): number[] {
    const ids: number[] = [];
    this.entries.forEach(
      ({ count, present }) => present < count,
      (index, slot) => {
        const block = this.entries.blockAt(index);
        if ((~flagsAt(block, slot) & (LEFT | REPUBLISH)) === 0) ids.push(block.ids[slot] ?? 0);
      },
    );
    return ids;
  }

  /** What the topic holds of the stream by now, with the sum of the fingerprints under a definition. */
  living(definition: number, lastPublished: (id: number) => LastPublished | undefined): Living {
    return livingIn(this.entries.blocks, definition, lastPublished);
  }

  /** Marks every entry to be published again, and none as missing. */
  republishAll(): void {
    this.entries.forEach(
      ({ count }) => count > 0,
      (index, slot) => {
        const block = this.entries.writableBlock(index);
        setState(block, slot, flagsAt(block, slot) | REPUBLISH, 0);
      },
    );
  }

  /** Marks entries dated outside `from` to `to` (days, inclusive; null = unbounded) as left; returns how many. */
  rescope(from: number | null, to: number | null): number {
    if (from === null && to === null) return 0;
    let left = 0;
    this.entries.forEach(
      ({ present }) => present > 0,
      (index, slot) => {
        const block = this.entries.blockAt(index);
        const flags = flagsAt(block, slot);
        if (isWithin(block, slot, from, to) || (flags & LEFT) !== 0) return;
        setState(this.entries.writableBlock(index), slot, flags | LEFT, 0);
        left++;
      },
    );
    return left;
  }

  /** Sets and clears flags of an entry; one that leaves is no longer missing. Returns whether that changed anything. */
  setFlags(id: number, set: number, clear: number): boolean {
    const { entries } = this;
    if (!entries.find(id)) return false;
    const before = flagsAt(entries.blockAt(entries.at), entries.slot);
    const flags = (before & ~clear) | set;
    if (flags === before) return false;
    const block = entries.writableBlock(entries.at);
    setState(block, entries.slot, flags, (flags & LEFT) === 0 ? (block.missing[entries.slot] ?? 0) : 0);
    return true;
  }

  /** What other requests show of the row that began before this one was answered is out of date; so is what it shows itself, where a later one was answered meanwhile. */
  outdate(id: number, { began, ended }: Pick<Page, 'began' | 'ended'>): void {
    // Marks are whole numbers: half of one is later than the answer, and earlier than any other request.
    this.marks.remember(id, this.marks.isNewerThan(began, id) ? ended + 0.5 : ended);
  }

  /** Whether a request shows what is out of date of the row. */
  isOlder(id: number, { began, ended }: Pick<Page, 'began' | 'ended'>): boolean {
    return this.marks.isNewerThan(began, id) && !this.marks.isOf(ended, id);
  }

  /** Drops an entry whose row was found deleted by a read that ended at this mark. Returns whether there was one. */
  remove(id: number, ended: number): boolean {
    if (!this.entries.find(id)) return false;
    this.entries.remove();
    this.marks.remember(id, ended);
    return true;
  }
}

function countOf(block: Block, list: CountedList): number {
  return list === 'all' ? block.live : block.open;
}
