import { moneyOf } from '../changes/kinds';
import type { Counts, Cursor, Deletions, Misfits, Page, Query, Row, StreamDeclaration, UnreadableGap } from '../model';
import { startPosition } from './paging';
import { DAY_MS } from './scope';

/** A scan's cursor while it moves; its sums are kept open until it is written. */
export interface Walk {
  readonly cursor: Cursor;
  readonly sums: ReadonlyMap<string, readonly number[]>;
}

export const NO_COUNTS: Counts = {
  rows: 0,
  created: 0,
  firstRead: 0,
  updated: 0,
  republished: 0,
  deleted: 0,
  unchanged: 0,
  deadLetters: 0,
};

/** Whether a scan has read all of its query. */
export function isComplete(cursor: Cursor | null): cursor is Cursor & { readonly finishedAt: string } {
  return cursor !== null && cursor.finishedAt !== null;
}

/** The cursor to sweep from: that of a half sweep of the same query, or else that of the next sweep. */
export function resumeOrBegin(before: Cursor | null, query: Query, nowMs: number): Cursor {
  if (before !== null && !isComplete(before) && isSameQuery(before.query, query)) {
    // The bounds on a walk without an end count from here: one that was parked for them must be able to go on.
    const { offset, anchor } = before.position;
    return { ...before, position: { ...startPosition(), offset, anchor } };
  }
  return {
    // A sweep that is begun again under another query was never complete and keeps its number.
    number: before === null ? 1 : before.number + (isComplete(before) ? 1 : 0),
    query,
    startedAt: new Date(nowMs).toISOString(),
    finishedAt: null,
    position: startPosition(),
    totalCount: null,
    counts: before === null ? NO_COUNTS : publishedBefore(before),
    sums: {},
    ...(before?.deletions === undefined ? {} : { deletions: before.deletions }),
    ...(before?.misfits === undefined ? {} : { misfits: before.misfits }),
    ...unreadableBefore(before),
  };
}

function unreadableBefore(before: Cursor | null): Pick<Cursor, 'unreadableBefore'> {
  const gaps = unreadableInFinished(before);
  return gaps.length === 0 ? {} : { unreadableBefore: gaps };
}

/** Rows that the last finished sweep could not read, by the sweep's cursor. */
export function unreadableInFinished(sweep: Cursor | null | undefined): readonly UnreadableGap[] {
  return (sweep?.finishedAt === null ? sweep.unreadableBefore : sweep?.unreadable) ?? [];
}

/** What counts in the sweep after this one already; of one that is begun again, all that was published in it. */
function publishedBefore({ finishedAt, counts, publishedSince, deletedSince }: Cursor): Counts {
  if (finishedAt === null) return publishedIn(counts);
  const published = addCounts(NO_COUNTS, publishedSince ?? NO_COUNTS);
  return { ...published, deleted: published.deleted + (deletedSince ?? 0) };
}

/** The part of counts that says what went to topics. */
export function publishedIn(counts: Counts): Counts {
  return { ...addCounts(NO_COUNTS, counts), rows: 0, unchanged: 0 };
}

/** Whether counts say that anything went to a topic. */
export function hasPublished({ created, updated, republished, deleted, deadLetters }: Counts): boolean {
  return created + updated + republished + deleted + deadLetters > 0;
}

/** Whether a walk asked for another query. */
export function asksOtherwise(before: Cursor, query: Query): boolean {
  return !isSameQuery(before.query, query);
}

/** The cursor of the next walk of a scan other than the sweep, which always begins at the start of its list. */
export function nextWalk(before: Cursor | null, query: Query, nowMs: number): Cursor {
  return {
    number: (before?.number ?? 0) + 1,
    query,
    startedAt: new Date(nowMs).toISOString(),
    finishedAt: null,
    position: startPosition(),
    totalCount: before?.totalCount ?? null,
    counts: NO_COUNTS,
    sums: {},
    ...(before?.mark === undefined ? {} : { mark: before.mark }),
  };
}

function isSameQuery(one: Query, other: Query): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** A walk as it was stored; one of an earlier version lacks the newer counts. */
export function walkOf(stored: Cursor): Walk {
  const cursor = { ...stored, counts: { ...NO_COUNTS, ...stored.counts } };
  return { cursor, sums: new Map(Object.entries(cursor.sums)) };
}

/** The cursor to store. */
export function cursorOf({ cursor, sums }: Walk): Cursor {
  return { ...cursor, sums: Object.fromEntries(sums) };
}

/** The walk after a page, whose rows are counted and (in a sweep) summed by month and currency. */
export function advance(walk: Walk, page: Page, counts: Counts, sums: Walk['sums'], nowMs: number): Walk {
  const { unreadableBefore: ofLast, ...before } = walk.cursor;
  return {
    sums,
    cursor: {
      ...before,
      ...(ofLast !== undefined && !page.end && { unreadableBefore: ofLast }),
      position: page.next,
      totalCount: page.totalCount,
      finishedAt: page.end ? new Date(nowMs).toISOString() : null,
      counts: addCounts(before.counts, counts),
      ...gapsAfter(before, page),
    },
  };
}

/** A list with more gaps than these is told as if its last gaps were one. */
export const MAX_GAPS = 100;

/** Where a walk found rows that nobody can read, this page's included: answers that were no rows, and rows without an id. */
function gapsAfter({ unreadable = [] }: Cursor, page: Page): Pick<Cursor, 'unreadable'> {
  const gaps: UnreadableGap[] = [];
  if (page.unreadable !== undefined) gaps.push({ ...page.unreadable.gap, rows: page.unreadable.bodies.length });
  for (const { rows, gap } of page.strays) gaps.push({ ...gap, rows: rows.length });
  return unreadable.length + gaps.length === 0 ? {} : { unreadable: gaps.reduce(withGap, unreadable) };
}

/** Gaps of a walk by ascending id and the next one, which is the last gap widened where there are many. */
function withGap(gaps: readonly UnreadableGap[], gap: UnreadableGap): readonly UnreadableGap[] {
  const last = gaps.at(-1);
  if (gaps.length < MAX_GAPS || last === undefined) return [...gaps, gap];
  return [...gaps.slice(0, -1), { after: last.after, upTo: gap.upTo, rows: last.rows + gap.rows }];
}

/** The walk of `newest` after it has come down from this id. */
export function withMark({ cursor, sums }: Walk, mark: number): Walk {
  return { sums, cursor: { ...cursor, mark: Math.max(mark, cursor.mark ?? 0) } };
}

/** The sweep after tombstones were published: deletions count in the sweep under way or, after its end, in the next. `counted`: those that count against the share of a day. */
export function withDeletions({ cursor, sums }: Walk, deleted: number, counted: Deletions): Walk {
  const dayAgo = Date.parse(counted.at) - DAY_MS;
  const kept = (cursor.deletions ?? []).filter(({ at }) => Date.parse(at) > dayAgo);
  const counts = { ...cursor.counts, deleted: cursor.counts.deleted + deleted };
  return {
    sums,
    cursor: {
      ...cursor,
      deletions: [...kept, counted],
      ...(cursor.finishedAt === null ? { counts } : { deletedSince: (cursor.deletedSince ?? 0) + deleted }),
    },
  };
}

/** The sweep after another scan published something: that counts in the sweep under way or, after its end, in the next. */
export function withPublished({ cursor, sums }: Walk, counts: Counts): Walk {
  const published = publishedIn(counts);
  if (cursor.finishedAt === null) return { sums, cursor: { ...cursor, counts: addCounts(cursor.counts, published) } };
  return {
    sums,
    cursor: { ...cursor, publishedSince: addCounts(cursor.publishedSince ?? NO_COUNTS, published) },
  };
}

/** The sweep after a scan published values that are not of their field's kind. */
export function withMisfits({ cursor, sums }: Walk, misfits: Misfits): Walk {
  return { sums, cursor: { ...cursor, misfits: addMisfits(cursor.misfits ?? {}, misfits) } };
}

/** Sum of two numbers of misfits. */
export function addMisfits(a: Misfits, b: Misfits): Misfits {
  const sum = new Map(Object.entries(a));
  for (const [field, records] of Object.entries(b)) sum.set(field, (sum.get(field) ?? 0) + records);
  return Object.fromEntries(sum);
}

/** Sum of two counts. */
export function addCounts(a: Counts, b: Counts): Counts {
  return {
    rows: a.rows + b.rows,
    created: a.created + b.created,
    firstRead: a.firstRead + b.firstRead,
    updated: a.updated + b.updated,
    republished: a.republished + b.republished,
    deleted: a.deleted + b.deleted,
    unchanged: a.unchanged + b.unchanged,
    deadLetters: a.deadLetters + b.deadLetters,
  };
}

/** Sums of more months and currencies than these are left out of the sweep's record: no books have so many. */
export const MAX_SUMS = 1000;

const MAX_CURRENCY_LENGTH = 16;

/** What a row's currency is called in sums, "" for none: a text that is too long for a name of a currency counts as none. */
export function currencyInSums(currency: unknown): string {
  return typeof currency === 'string' && currency.length <= MAX_CURRENCY_LENGTH ? currency : '';
}

/** Adds rows to sums by `YYYY-MM currency`: their number first, then one sum per field of the declaration. There are at most `MAX_SUMS`. */
export function addSums(sums: Walk['sums'], declaration: StreamDeclaration, rows: readonly Row[]): Walk['sums'] {
  const { scopeField, sumFields } = declaration;
  if (sumFields.length === 0) return sums;
  const added = new Map<string, number[]>();
  for (const row of rows) {
    const date = scopeField === null ? null : row[scopeField];
    const key = `${typeof date === 'string' ? date.slice(0, 7) : ''} ${currencyInSums(row['currency'])}`;
    const known = added.get(key) ?? sums.get(key);
    if (known === undefined && sums.size + added.size >= MAX_SUMS) continue;
    const sum = added.get(key) ?? [...(known ?? Array.from(sumFields, () => 0).concat(0))];
    added.set(key, sum);
    sum[0] = (sum[0] ?? 0) + 1;
    for (const [index, field] of sumFields.entries())
      sum[index + 1] = (sum[index + 1] ?? 0) + (moneyOf(row[field]) ?? 0);
  }
  return new Map([...sums, ...added]);
}
