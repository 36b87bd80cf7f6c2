import type { CountedList, Op, Page, Row, ScanName } from '../model';
import { EntryFlag, flagsAt, hasUuid, type Block } from './block';
import { entryAt, type Content, type Entries } from './entries';
import { fingerprintHex, type Fingerprint } from './fingerprint';
import type { PublicationMarks } from './publication-marks';

const { OPEN, LEFT, DEAD_LETTERED, REPUBLISH, PUBLISHED, LINES_DUE, CARRIED } = EntryFlag;

/** A page, and how its rows are read and compared with the entries; one shape for every scan. */
export interface Comparison {
  readonly page: Page;
  readonly scan: ScanName;
  /** The list whose absences the page proves: of `all`, that rows are missing; of `open`, that they are open no longer. Null = none. */
  readonly proves: CountedList | null;
  /** Whether a row is unpaid, as the list of open rows would show it. */
  readonly isOpen: (row: Row) => boolean;
  /** Called of each entry that a page of all rows proves absent, with the sweep that first missed it; 0 = none did before. */
  readonly onAbsent?: (id: number, missing: number) => void;
  /** Number of the running sweep, from 1. */
  readonly sweep: number;
  /** No sweep is finished yet: a new row is `r`, not `c`. */
  readonly beforeFirstFinishedSweep: boolean;
  /** Number of the definition that `fingerprint` computes. */
  readonly definition: number;
  readonly fingerprint: Fingerprint;
  /** Computes an older definition; undefined where this version of the program no longer can. */
  readonly fingerprintOf: (definition: number) => Fingerprint | undefined;
  readonly uuidOf: (row: Row) => string | null;
  /** Days since 1970-01-01, or `NO_DATE`. */
  readonly dateOf: (row: Row) => number;
  /** Number of lines in the row; null = lines are not published. */
  readonly linesOf: ((row: Row) => number) | null;
  /** What was published of a row before its last reading went to the dead-letter topic. */
  readonly lastPublished?: (id: number) => LastPublished | undefined;
  /** True of a row that the broker refused alone, and would again. */
  readonly isRefused?: (id: number) => boolean;
  /** Begin mark of the oldest request of this stream whose page is not yet compared; Infinity = none. */
  readonly oldestOpen: number;
}

/** What an entry said of a row when its record was published. */
export interface LastPublished {
  /** 16 hexadecimal digits. */
  readonly fingerprint: string;
  readonly definition: number;
}

/** The content of the row is known and the entry says so: nothing is to be done. */
export interface Known {
  readonly kind: 'known';
}

/** The row differs, but its request began before the last publication was read: to be read again. */
export interface Stale {
  readonly kind: 'stale';
}

/** The content of the row is known, but the entry is to be brought up to date. */
export interface Touched {
  readonly kind: 'touched';
  readonly row: Row;
  readonly content: Content;
}

/** The row is to be published. */
export interface Publish {
  readonly kind: 'publish';
  readonly row: Row;
  /** `row`: its record, and those of its lines where they are published; `lines`: those alone, since the row's record stands. */
  readonly part: 'row' | 'lines';
  readonly op: Op;
  /** 16 hexadecimal digits. */
  readonly fingerprint: string;
  /** Lines that the topic holds of the row now. */
  readonly linesBefore: number;
  /** What the row counts as once it is published. */
  readonly countsAs: 'created' | 'updated' | 'republished';
  /** What the entry holds of the row, with the flags before it is published. */
  readonly content: Content;
  /** What the newest record says, where the entry still tells; null = there is none, or a dead letter came after it. */
  readonly before: LastPublished | null;
  /** Of a dead letter that is tried again: what it comes to if it still cannot be published. */
  readonly ifRefused: Known | Touched | null;
}

/** What comparing a row with its entry came to. */
export type Verdict = Known | Stale | Touched | Publish;

// One object for all: a stream at rest compares nothing but known rows.
const KNOWN: Known = Object.freeze({ kind: 'known' });
const STALE: Stale = Object.freeze({ kind: 'stale' });

/** The rows of a page in ascending order; of several rows with one id the last that the page shows. */
export function ascending(rows: readonly Row[]): readonly Row[] {
  const descending = isDescending(rows);
  if (!descending && !showsOneTwice(rows)) return rows;
  const last = rows.filter(({ id }, index) => id !== rows[index + 1]?.id);
  return descending ? last.reverse() : last;
}

function showsOneTwice(rows: readonly Row[]): boolean {
  let before: number | undefined;
  for (const { id } of rows) {
    if (id === before) return true;
    before = id;
  }
  return false;
}

/** Whether the walk that the page belongs to goes down the ids. */
export function isDescending(rows: readonly Row[]): boolean {
  return (rows[0]?.id ?? 0) > (rows.at(-1)?.id ?? 0);
}

/** Compares rows with entries, and brings the entries up to the verdicts. */
export class Comparer {
  private readonly fresh = new Uint32Array(2);
  private readonly older = new Uint32Array(2);

  constructor(
    private readonly entries: Entries,
    private readonly marks: PublicationMarks,
  ) {}

  compare(row: Row, how: Comparison): Verdict {
    const { entries, fresh } = this;
    const known = entries.find(row.id);
    how.fingerprint(row, fresh);
    const high = fresh[0] ?? 0;
    const low = fresh[1] ?? 0;
    const isStale = this.marks.isNewerThan(how.page.began, row.id);
    if (!known) {
      if (isStale) return STALE;
      return publishRow(row, how, { high, low, flags: 0, lines: 0, equal: false, before: null });
    }
    const { slot } = entries;
    const block = entries.blockAt(entries.at);
    const definition = block.definitions[slot] ?? 0;
    const equal =
      definition === how.definition
        ? matches(block, slot, high, low)
        : this.matchesUnder(definition, block, slot, row, how);
    if (isStale) return equal ? KNOWN : STALE;
    const flags = flagsAt(block, slot);
    const isDead = (flags & DEAD_LETTERED) !== 0;
    const again = (flags & REPUBLISH) !== 0;
    if (isDead && !again && isLastPublished(row.id, how, high, low))
      return touch(row, how, high, low, flags & ~DEAD_LETTERED);
    if (!equal || again) return publishRow(row, how, this.seen(how, high, low, equal));
    // What failed may succeed now: the schema, a limit or this program may be another one.
    if (isDead && how.isRefused?.(row.id) !== true)
      return {
        ...publishRow(row, how, this.seen(how, high, low, equal)),
        ifRefused: this.unchanged(row, how, high, low),
      };
    if (linesAreDue(row, how, flags, block.lines[slot] ?? 0))
      return publishLines(row, how, this.seen(how, high, low, equal));
    return this.unchanged(row, how, high, low);
  }

  /** What the entry on which `find` stands says of a row to publish. */
  private seen(how: Comparison, high: number, low: number, equal: boolean): SeenRow {
    const { entries } = this;
    const block = entries.blockAt(entries.at);
    const { fingerprint, definition, flags, lines } = entryAt(block, entries.slot);
    const before = (flags & (PUBLISHED | DEAD_LETTERED)) === PUBLISHED ? { fingerprint, definition } : null;
    return { high, low, flags: flagsUnder(how.definition, block, entries.slot), lines, equal, before };
  }

  /** The verdict on a row that is not to be published, on whose entry `find` stands. */
  private unchanged(row: Row, how: Comparison, high: number, low: number): Known | Touched {
    const { entries } = this;
    const { slot } = entries;
    const block = entries.blockAt(entries.at);
    const flags = flagsAt(block, slot);
    if (
      (seenBy(how, row, flags) & ~LEFT) === flags &&
      block.missing[slot] === 0 &&
      block.definitions[slot] === how.definition &&
      block.dates[slot] === how.dateOf(row) &&
      hasUuid(block, slot, how.uuidOf(row), entries.uuidSpace)
    )
      return KNOWN;
    return touch(row, how, high, low, flagsUnder(how.definition, block, slot));
  }

  /** Brings the entry up to the verdict; `isPublished` = the row did become records and is no dead letter. */
  apply(verdict: Touched | Publish, how: Comparison, isPublished: boolean): void {
    if (verdict.kind === 'touched') {
      this.entries.find(verdict.row.id);
      this.entries.write(verdict.content);
    } else if (verdict.part === 'lines') this.applyLines(verdict, how, isPublished);
    else this.applyRow(verdict, how, isPublished);
  }

  private applyLines({ row, content, linesBefore }: Publish, how: Comparison, isPublished: boolean): void {
    const dead = isPublished ? 0 : DEAD_LETTERED;
    const flags = seenBy(how, row, (content.flags & ~LINES_DUE) | dead) & ~LEFT;
    this.entries.find(row.id);
    const block = this.entries.write({ ...content, flags });
    block.lines[this.entries.slot] = isPublished ? (how.linesOf?.(row) ?? linesBefore) : linesBefore;
  }

  private applyRow({ row, content, linesBefore }: Publish, how: Comparison, isPublished: boolean): void {
    let lines = linesBefore;
    let flags = content.flags & ~(LEFT | REPUBLISH);
    if (isPublished) {
      flags = (flags & ~(DEAD_LETTERED | LINES_DUE)) | PUBLISHED | CARRIED;
      if (how.linesOf !== null) lines = how.linesOf(row);
      else if (lines > 0) flags |= LINES_DUE;
    } else flags |= DEAD_LETTERED;
    if (!this.entries.find(row.id)) this.entries.insert(row.id);
    const block = this.entries.write({ ...content, flags: seenBy(how, row, flags) });
    block.lines[this.entries.slot] = lines;
    if (how.page.ended > how.oldestOpen) this.marks.remember(row.id, how.page.ended);
  }

  private matchesUnder(definition: number, block: Block, slot: number, row: Row, how: Comparison): boolean {
    const fingerprint = how.fingerprintOf(definition);
    if (fingerprint === undefined) return false;
    fingerprint(row, this.older);
    return matches(block, slot, this.older[0] ?? 0, this.older[1] ?? 0);
  }
}

interface SeenRow {
  readonly high: number;
  readonly low: number;
  readonly flags: number;
  readonly lines: number;
  readonly equal: boolean;
  readonly before: LastPublished | null;
}

function publishRow(row: Row, how: Comparison, seen: SeenRow): Publish {
  const { high, low, flags, lines, equal } = seen;
  const published = (flags & PUBLISHED) !== 0;
  const op = (flags & REPUBLISH) !== 0 ? 'r' : published ? 'u' : how.beforeFirstFinishedSweep ? 'r' : 'c';
  return {
    kind: 'publish',
    row,
    part: 'row',
    op,
    fingerprint: fingerprintHex(high, low),
    linesBefore: lines,
    countsAs: !published ? 'created' : equal && (flags & DEAD_LETTERED) === 0 ? 'republished' : 'updated',
    content: contentOf(row, how, seen),
    before: seen.before,
    ifRefused: null,
  };
}

function publishLines(row: Row, how: Comparison, seen: SeenRow): Publish {
  return {
    kind: 'publish',
    row,
    part: 'lines',
    op: 'r',
    fingerprint: fingerprintHex(seen.high, seen.low),
    linesBefore: seen.lines,
    countsAs: 'republished',
    content: contentOf(row, how, seen),
    before: seen.before,
    ifRefused: null,
  };
}

function contentOf(row: Row, how: Comparison, { high, low, flags }: Pick<SeenRow, 'high' | 'low' | 'flags'>): Content {
  return { high, low, definition: how.definition, date: how.dateOf(row), uuid: how.uuidOf(row), flags };
}

function touch(row: Row, how: Comparison, high: number, low: number, flags: number): Touched {
  return { kind: 'touched', row, content: contentOf(row, how, { high, low, flags: seenBy(how, row, flags) & ~LEFT }) };
}

function isLastPublished(id: number, { definition, lastPublished }: Comparison, high: number, low: number): boolean {
  const last = lastPublished?.(id);
  return last !== undefined && last.definition === definition && last.fingerprint === fingerprintHex(high, low);
}

/** The flags of an entry that are true still once it is written under this definition: the record stands as it was published. */
function flagsUnder(definition: number, block: Block, slot: number): number {
  const flags = flagsAt(block, slot);
  return block.definitions[slot] === definition || (flags & DEAD_LETTERED) !== 0 ? flags : flags & ~CARRIED;
}

function matches(block: Block, slot: number, high: number, low: number): boolean {
  return block.fingerprints[2 * slot] === high && block.fingerprints[2 * slot + 1] === low;
}

/** Lines are due where they were first asked for after the row was published, or changed while they were not. */
function linesAreDue(row: Row, { linesOf }: Comparison, flags: number, lines: number): boolean {
  if (linesOf === null || (flags & DEAD_LETTERED) !== 0) return false;
  return (flags & LINES_DUE) !== 0 || (lines === 0 && linesOf(row) > 0);
}

/**
 * Any page shows whether a row is open. A row read by itself counts as open no longer, whatever it says: the list of open rows did not show it,
 * and would have it read by itself again and again.
 */
function seenBy({ scan, isOpen }: Comparison, row: Row, flags: number): number {
  return scan !== 'spot' && isOpen(row) ? flags | OPEN : flags & ~OPEN;
}
