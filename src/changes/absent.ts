import { EntryFlag, flagsAt, lowerBound, setState } from './block';
import { isDescending, type Comparison } from './compare';
import type { Entries } from './entries';
import type { Interval } from '../model';
import type { PublicationMarks } from './publication-marks';

const { OPEN, LEFT } = EntryFlag;

/** What a page proves of the entries that it does not show. */
export interface Absent {
  /** Entries marked missing, and all that are proved absent, those marked before among them. */
  readonly missing: number;
  readonly absent: number;
  /** Ids that were open and that this page of open rows proves to be open no longer: to be read by themselves. */
  readonly noLongerOpen: readonly number[];
  /** Whether any entry changed. */
  readonly touched: boolean;
}

const NONE = { missing: 0, absent: 0 };

/** Brings the entries up to what the page does not show; to be called once the rows of the page are compared. */
export function markAbsent(entries: Entries, marks: PublicationMarks, how: Comparison): Absent {
  const { page, scan, proves, sweep } = how;
  const forgotten = scan === 'sweep' && page.unreadable !== undefined && forgetMissing(entries, page.unreadable.gap);
  const { missing, absent } =
    proves === 'all' && !isDescending(page.rows) ? markMissing(entries, marks, how, sweep) : NONE;
  const noLongerOpen = proves === 'open' ? noLongerOpenOf(entries, marks, how) : [];
  const closed = scan === 'spot' && page.rows.length === 0 && close(entries, page.interval.upTo);
  return { missing, absent, noLongerOpen, touched: missing > 0 || closed || forgotten };
}

/** Marks the entries that the page proves absent with the number of the sweep. */
function markMissing(
  entries: Entries,
  marks: PublicationMarks,
  { page, onAbsent }: Comparison,
  sweep: number,
): Pick<Absent, 'missing' | 'absent'> {
  const { rows, interval, began } = page;
  const first = interval.after === null ? 0 : interval.after + 1;
  const last = interval.upTo ?? Infinity;
  let missing = 0;
  let absent = 0;
  let next = 0;
  for (let index = entries.blockOf(first); index < entries.blocks.length; index++) {
    let block = entries.blockAt(index);
    if (block.from > last) break;
    for (let slot = lowerBound(block, first); slot < block.count; slot++) {
      const id = block.ids[slot] ?? Infinity;
      if (id > last) break;
      let row = rows[next];
      while (row !== undefined && row.id < id) row = rows[++next];
      if (row?.id === id || (flagsAt(block, slot) & LEFT) !== 0 || marks.isNewerThan(began, id)) continue;
      const before = block.missing[slot] ?? 0;
      onAbsent?.(id, before);
      absent++;
      if (before !== 0) continue;
      block = entries.writableBlock(index);
      setState(block, slot, flagsAt(block, slot), sweep);
      missing++;
    }
  }
  return { missing, absent };
}

/** Takes the mark of an earlier sweep from entries that this one could not look for: they must be missed twice once more. */
function forgetMissing(entries: Entries, { after, upTo }: Interval): boolean {
  const first = after === null ? 0 : after + 1;
  const last = upTo ?? Infinity;
  let isTouched = false;
  for (let index = entries.blockOf(first); index < entries.blocks.length; index++) {
    let block = entries.blockAt(index);
    if (block.from > last) break;
    for (let slot = lowerBound(block, first); slot < block.count; slot++) {
      if ((block.ids[slot] ?? Infinity) > last) break;
      if ((block.missing[slot] ?? 0) === 0) continue;
      block = entries.writableBlock(index);
      setState(block, slot, flagsAt(block, slot), 0);
      isTouched = true;
    }
  }
  return isTouched;
}

/** Entries that were open, inside the interval of a page of open rows that does not show them. */
function noLongerOpenOf(entries: Entries, marks: PublicationMarks, { page }: Comparison): number[] {
  const { rows, interval, began } = page;
  const first = interval.after === null ? 0 : interval.after + 1;
  const last = interval.upTo ?? Infinity;
  const shown = new Set(rows.map(({ id }) => id));
  const ids: number[] = [];
  for (let index = entries.blockOf(first); index < entries.blocks.length; index++) {
    const block = entries.blockAt(index);
    if (block.from > last) break;
    for (let slot = lowerBound(block, first); slot < block.count; slot++) {
      const id = block.ids[slot] ?? Infinity;
      if (id > last) break;
      const open = (flagsAt(block, slot) & (OPEN | LEFT)) === OPEN;
      if (open && !shown.has(id) && !marks.isNewerThan(began, id)) ids.push(id);
    }
  }
  return ids;
}

/** Takes the mark of `open` from a row that is not there when it is read by itself; whether the row is gone, the sweep finds out. */
function close(entries: Entries, id: number | null): boolean {
  if (id === null || !entries.find(id)) return false;
  const flags = flagsAt(entries.blockAt(entries.at), entries.slot);
  if ((flags & OPEN) === 0) return false;
  const block = entries.writableBlock(entries.at);
  setState(block, entries.slot, flags & ~OPEN, block.missing[entries.slot] ?? 0);
  return true;
}
