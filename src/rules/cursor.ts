import type { Counts, Cursor, Deletions, Page, Query, Row, StreamDeclaration } from '../model';
import { startPosition } from './paging';

const DAY_MS = 24 * 60 * 60 * 1000;

/** A scan's cursor while it moves; its sums are kept open until it is written. */
export interface Walk {
  readonly cursor: Cursor;
  readonly sums: ReadonlyMap<string, readonly number[]>;
}

export const NO_COUNTS: Counts = { rows: 0, created: 0, updated: 0, deleted: 0, unchanged: 0, deadLetters: 0 };

/** Whether a scan has read all of its query. */
export function isComplete(cursor: Cursor | null): cursor is Cursor & { readonly finishedAt: string } {
  return cursor !== null && cursor.finishedAt !== null;
}

/** The cursor to sweep from: that of a half sweep of the same query, or else that of the next sweep. */
export function resumeOrBegin(before: Cursor | null, query: Query, nowMs: number): Cursor {
  if (before !== null && !isComplete(before) && isSameQuery(before.query, query)) {
    // The bounds on a walk without an end count from here: one that was parked for them must be able to go on.
    return { ...before, position: { ...before.position, step: 1, requests: 0, unproven: 0 } };
  }
  return {
    // A sweep that is begun again under another query was never complete and keeps its number.
    number: before === null ? 1 : before.number + (isComplete(before) ? 1 : 0),
    query,
    startedAt: new Date(nowMs).toISOString(),
    finishedAt: null,
    position: startPosition(),
    totalCount: null,
    counts: { ...NO_COUNTS, deleted: before?.deletedSince ?? 0 },
    sums: {},
    ...(before?.deletions === undefined ? {} : { deletions: before.deletions }),
  };
}

/** Whether a sweep must go on or begin at once: it never began, is half done, or asked for another query. */
export function isSweepDue(before: Cursor | null, query: Query): boolean {
  return !isComplete(before) || !isSameQuery(before.query, query);
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

/** A walk as it was stored. */
export function walkOf(cursor: Cursor): Walk {
  return { cursor, sums: new Map(Object.entries(cursor.sums)) };
}

/** The cursor to store. */
export function cursorOf({ cursor, sums }: Walk): Cursor {
  return { ...cursor, sums: Object.fromEntries(sums) };
}

/** The walk after a page, whose rows are counted and (in a sweep) summed by month and currency. */
export function advance(walk: Walk, page: Page, counts: Counts, sums: Walk['sums'], nowMs: number): Walk {
  return {
    sums,
    cursor: {
      ...walk.cursor,
      position: page.next,
      totalCount: page.totalCount,
      finishedAt: page.end ? new Date(nowMs).toISOString() : null,
      counts: addCounts(walk.cursor.counts, counts),
    },
  };
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

/** Sum of two counts. */
export function addCounts(a: Counts, b: Counts): Counts {
  return {
    rows: a.rows + b.rows,
    created: a.created + b.created,
    updated: a.updated + b.updated,
    deleted: a.deleted + b.deleted,
    unchanged: a.unchanged + b.unchanged,
    deadLetters: a.deadLetters + b.deadLetters,
  };
}

/** Adds rows to sums by `YYYY-MM currency`: their number first, then one sum per field of the declaration. */
export function addSums(sums: Walk['sums'], declaration: StreamDeclaration, rows: readonly Row[]): Walk['sums'] {
  const { scopeField, sumFields } = declaration;
  if (sumFields.length === 0) return sums;
  const added = new Map<string, number[]>();
  for (const row of rows) {
    const date = scopeField === null ? null : row[scopeField];
    const currency = row['currency'];
    const key = `${typeof date === 'string' ? date.slice(0, 7) : ''} ${typeof currency === 'string' ? currency : ''}`;
    const sum = added.get(key) ?? [...(sums.get(key) ?? Array.from(sumFields, () => 0).concat(0))];
    added.set(key, sum);
    sum[0] = (sum[0] ?? 0) + 1;
    for (const [index, field] of sumFields.entries()) {
      const amount = row[field];
      if (typeof amount === 'number' && Number.isSafeInteger(amount)) sum[index + 1] = (sum[index + 1] ?? 0) + amount;
    }
  }
  return new Map([...sums, ...added]);
}
