import { jsonText } from '../json';
import type { Answer, Query, Row } from '../model';
import { isRow } from './paging';
import type { Filters } from './scope';

/** What of a list's answer is judged. */
export type ListSeen = Pick<Answer, 'rows' | 'totalCount'>;

/** Smallest and greatest number that is right, as a list changes while it is asked. */
export interface Span {
  readonly least: number;
  readonly most: number;
}

/** A row that is in the list still and was seen to come or to change, by other means than the filter that is judged. */
export interface KnownChange {
  readonly id: number;
  /** The day in UTC on which it happened, or one before. */
  readonly since: string;
  /** It came; false = it was there and changed. */
  readonly isNew: boolean;
}

/** What is known of a list without the filters that are judged by it. */
export interface KnownList {
  readonly stream: Filters;
  /** What the sweep asks for. */
  readonly query: Query;
  readonly total: Span;
  /** Rows whose `openField` is null; null = not known. */
  readonly open: Span | null;
  /** The page of the highest ids, descending; `moved` ones are of no one moment. */
  readonly rows: readonly Row[];
  /** As many rows as a full page has. */
  readonly pageRows: number;
  /** Ids of rows that came, went or changed while the list was asked: nothing follows from them. */
  readonly moved: ReadonlySet<number>;
  readonly changes: readonly KnownChange[];
  /** The day in UTC. */
  readonly today: string;
}

/** How a list was read without the filters that are judged by it. */
export interface ListReading extends Pick<KnownList, 'stream' | 'query' | 'changes' | 'today'> {
  /** Its first page, by descending id. */
  readonly page: ListSeen;
  /** Rows that the page was asked for. */
  readonly limit: number;
  /** The list of open rows; null = there is none, or it was not read. */
  readonly open: ListSeen | null;
}

/** What one reading of a list shows. */
export function knownBy({ stream, query, changes, today, page, limit, open }: ListReading): KnownList {
  const { totalCount } = page;
  return {
    stream,
    query,
    changes,
    today,
    total: { least: totalCount, most: totalCount },
    open: open === null ? null : { least: open.totalCount, most: open.totalCount },
    rows: rowsOf(page.rows),
    // Servers put fewer rows on a page than they are asked for.
    pageRows: page.rows.length < totalCount ? page.rows.length : limit,
    moved: new Set(),
  };
}

/** What is known for sure where the list was read before and after it was asked for something else. */
export function knownByBoth(before: KnownList, after: KnownList): KnownList {
  const texts = (rows: readonly Row[]): ReadonlyMap<number, string> =>
    new Map(rows.map((row) => [row.id, jsonText(row)]));
  const [first, last] = [texts(before.rows), texts(after.rows)];
  const rows = new Map([...before.rows, ...after.rows].map((row) => [row.id, row]));
  return {
    ...before,
    total: around(before.total, after.total),
    open: before.open === null || after.open === null ? null : around(before.open, after.open),
    rows: [...rows.values()].toSorted((one, other) => other.id - one.id),
    moved: new Set([...rows.keys()].filter((id) => first.get(id) !== last.get(id))),
  };
}

function around(one: Span, other: Span): Span {
  return { least: Math.min(one.least, other.least), most: Math.max(one.most, other.most) };
}

/** The rows of an answer that have a usable id. */
export function rowsOf(rows: readonly unknown[]): readonly Row[] {
  return rows.filter(isRow);
}

/** Whether a number is inside a span, both ends included. */
export function isInside(count: number, { least, most }: Span): boolean {
  return count >= least && count <= most;
}
