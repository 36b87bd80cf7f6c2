import { EntryFlag } from '../changes/block';
import { tombstonesOf, type Origin } from '../changes/records';
import type { Page } from '../model';
import type { OutgoingRecord } from '../sinks/transaction';
import type { EditedRow } from './compare-page';
import { followingOf, type Memory, type StreamState } from './memory';

/**
 * The page without what is told of rows of another stream that are not there any more, as they were deleted while that was read; without what
 * was read before the row changed or the same was told by a later request; and where it keeps what is final, without that.
 */
export function withRowsThere(
  memory: Pick<Memory, 'streamOf'>,
  state: StreamState,
  { page, keepsFinal }: { readonly page: Page; readonly keepsFinal?: boolean },
): Page {
  const { entity, codec, ledger } = state;
  const { beside } = codec.declaration;
  if (beside === undefined) return page;
  const rows = memory.streamOf(entity, beside.stream).ledger;
  const isKept = (id: number): boolean => keepsFinal === true && followingOf(state, id) === 'final';
  return {
    ...page,
    // What is final is out of date in nothing.
    began: page.ended,
    rows: page.rows.filter(({ id }) => rows.has(id) && !ledger.isOlder(id, page) && !isKept(id)),
  };
}

/**
 * What is told beside rows that changed is followed again, unless it is final and the row itself still shows that; what was asked before the
 * change says nothing of it. Returns what was marked so.
 */
export function followAgain(
  memory: Pick<Memory, 'besides'>,
  state: StreamState,
  { page, shownFinal }: { readonly page: Pick<Page, 'began' | 'ended'>; readonly shownFinal?: ReadonlySet<number> },
  edited: readonly Pick<EditedRow, 'row'>[],
): readonly StreamState[] {
  if (edited.length === 0) return [];
  return memory.besides(state).filter((told) => {
    const { ledger, requests } = told;
    let isMarked = false;
    for (const { row } of edited) {
      if (shownFinal?.has(row.id) === true && followingOf(told, row.id) === 'final') continue;
      if (page.ended > Math.min(...requests)) ledger.outdate(row.id, page);
      if (ledger.setFlags(row.id, 0, EntryFlag.LEFT | EntryFlag.OPEN)) isMarked = true;
    }
    return isMarked;
  });
}

/** Removes what is told beside it of a row that was deleted; returns the tombstones. */
export function removeTold(
  { codec, ledger }: StreamState,
  origin: Origin,
  id: number,
  ended: number,
): readonly OutgoingRecord[] {
  const entry = ledger.entry(id);
  if (entry === undefined) return [];
  ledger.remove(id, ended);
  return (entry.flags & EntryFlag.PUBLISHED) === 0 ? [] : tombstonesOf({ ...origin, codec }, entry);
}
