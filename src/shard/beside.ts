import { EntryFlag } from '../changes/block';
import { tombstonesOf, type Origin } from '../changes/records';
import type { Page } from '../model';
import type { OutgoingRecord } from '../sinks/transaction';
import type { Memory, StreamState } from './memory';

/** The page without what is told of rows of another stream that are not there any more: they were deleted while that was read. */
export function withRowsThere(memory: Pick<Memory, 'streamOf'>, { entity, codec }: StreamState, page: Page): Page {
  const { beside } = codec.declaration;
  if (beside === undefined) return page;
  const { ledger } = memory.streamOf(entity, beside.stream);
  return { ...page, rows: page.rows.filter(({ id }) => ledger.has(id)) };
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
