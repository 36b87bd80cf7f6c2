import { EntryFlag } from '../changes/block';
import type { CountedList, Page, ScanName } from '../model';
import { isComplete } from '../rules/cursor';
import { countPage, type PageCount } from '../rules/search';
import type { PageChanges } from './compare-page';
import { isBeforeFirstFinishedSweep } from './letters-without-id';
import type { FollowingEnd, StreamState } from './memory';

const { LEFT, OPEN } = EntryFlag;

/** The list whose absences a page of a scan proves; null = none. A page that goes down the list proves none. */
export function listProvedBy(scan: ScanName, searched?: CountedList): CountedList | null {
  if (scan === 'search') return searched ?? null;
  if (scan === 'sweep') return 'all';
  return scan === 'open' ? 'open' : null;
}

/** Number of the sweep under way, or of the next one: what is missed between two sweeps was missed by neither. */
export function sweepUnderWay({ walks }: StreamState): number {
  const sweep = walks.get('sweep')?.cursor ?? null;
  return (sweep?.number ?? 1) + (isComplete(sweep) ? 1 : 0);
}

/**
 * A page's place in its list against the ledger, which is up to the page; null = its list is not compared, the page shows no row, or rows are
 * still read for the first time, so that the ledger knows of few.
 */
export function countOf(
  { ledger, walks }: StreamState,
  { page, scan, list: searched }: { readonly page: Page; readonly scan: ScanName; readonly list?: CountedList },
): PageCount | null {
  const { place, totalCount, unreadable, outsideQuery } = page;
  const list = scan === 'newest' ? 'all' : listProvedBy(scan, searched);
  // A list that shows what it was not asked for is another list.
  if (list === null || place === undefined || unreadable !== undefined || outsideQuery > 0) return null;
  if (isBeforeFirstFinishedSweep(walks.get('sweep')?.cursor)) return null;
  const order = walks.get(scan)?.cursor.query.order ?? 'asc';
  return countPage(ledger, list, place, { total: totalCount, order });
}

/** Takes down which entries a page proves absent, and since when they are known to be. */
export function noteAbsent(
  { absences, openedMs, sweptBefore, walks }: StreamState,
  askedMs: number | undefined,
  nowMs: number,
): (id: number, missing: number) => void {
  return (id, missing) =>
    absences.note({ id, askedMs, nowMs, provedBeforeMs: missing === 0 ? null : provedBefore(missing) });

  /** When the reads of an earlier sweep were made, at the latest. */
  function provedBefore(missing: number): number {
    const sweep = walks.get('sweep')?.cursor;
    if (sweep === undefined || missing > sweep.number) return openedMs;
    if (sweep.finishedAt !== null) return Date.parse(sweep.finishedAt);
    // The sweep under way may have begun a moment ago, in a process that makes no other.
    if (sweptBefore !== null && missing <= sweptBefore.number) return sweptBefore.finishedMs;
    return missing < sweep.number ? Date.parse(sweep.startedAt) : openedMs;
  }
}

/** Takes down when the last sweep ended, before the next one takes its place. */
export function noteSwept(state: StreamState): void {
  const sweep = state.walks.get('sweep')?.cursor ?? null;
  if (isComplete(sweep)) state.sweptBefore = { number: sweep.number, finishedMs: Date.parse(sweep.finishedAt) };
}

/** Marks the row that a page of one is about as left, where the page says so; returns whether that changed anything. */
export function markLeft(
  { ledger }: StreamState,
  {
    page,
    scan,
    left,
    ends,
  }: { readonly page: Page; readonly scan: ScanName; readonly left?: boolean; readonly ends?: FollowingEnd },
  { stale, created, updated, republished }: PageChanges<unknown>,
): boolean {
  const { upTo } = page.interval;
  if (scan !== 'spot' || upTo === null || stale.length > 0) return false;
  const isThere = page.rows.length > 0;
  if (ends !== undefined) {
    const isNews = created + updated + republished > 0;
    if (!isThere || (ends === 'given-up-unless-changed' && isNews)) return false;
    return ledger.setFlags(upTo, ends === 'final' ? LEFT : LEFT | OPEN, 0);
  }
  // A row that is not there any more cannot be published again.
  return left === true && ledger.setFlags(upTo, LEFT, isThere ? 0 : EntryFlag.REPUBLISH);
}
