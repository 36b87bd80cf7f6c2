import type { Query, Row, StreamDeclaration } from '../model';
import type { TimedScan } from './rhythm';

/** Days before the first run that are in scope unless `start_date` is set. */
export const DEFAULT_DAYS = 90;
/** Milliseconds of a day of the calendar in UTC. */
export const DAY_MS = 24 * 60 * 60 * 1000;

/** What an entity's file says of its scope. */
export interface ScopeSetting {
  /** `YYYY-MM-DD`, `all`, or null = 90 days before the first run. */
  readonly startDate: string | null;
  readonly endDate: string | null;
}

/** What a stream declares of the filters that its list takes. */
export type Filters = Pick<StreamDeclaration, 'scopeField' | 'openField'>;

/** The scans that a stream has. */
export function scansOf({ scopeField, openField }: Filters): readonly TimedScan[] {
  return [
    'newest',
    ...(openField === null ? [] : (['open'] as const)),
    ...(scopeField === null ? [] : (['recent'] as const)),
    'sweep',
  ];
}

/** What a sweep of a stream asks for. `firstRun` is a day. */
export function sweepQuery(
  { scopeField }: Pick<Filters, 'scopeField'>,
  { startDate, endDate }: ScopeSetting,
  firstRun: string,
): Query {
  if (scopeField === null) return { from: null, to: null, order: 'asc' };
  if (startDate === 'all') return { from: null, to: endDate, order: 'asc' };
  return { from: startDate ?? daysBefore(firstRun, DEFAULT_DAYS), to: endDate, order: 'asc' };
}

/** What a scan asks for within the sweep's query; null = nothing can be there. */
export function queryOf(scan: TimedScan, sweep: Query, today: string, recentDays: number): Query | null {
  switch (scan) {
    case 'sweep':
      return sweep;
    case 'newest':
      return { ...sweep, order: 'desc' };
    case 'open':
      return { ...sweep, open: true };
    case 'recent': {
      const since = daysBefore(today, recentDays);
      if (sweep.to !== null && sweep.to < since) return null;
      return { ...sweep, from: sweep.from !== null && sweep.from > since ? sweep.from : since };
    }
  }
}

/** A query as the API takes it; offset and limit are added per request. */
export function listParams(
  { scopeField, openField }: Filters,
  { from, to, order, open }: Query,
): Record<string, string> {
  return {
    ...(scopeField === null || from === null ? {} : { [`q[${scopeField}_gteq]`]: from }),
    ...(scopeField === null || to === null ? {} : { [`q[${scopeField}_lteq]`]: to }),
    ...(openField === null || open === undefined ? {} : { [`q[${openField}_null]`]: 'true' }),
    order: `id ${order}`,
  };
}

/** Whether a row is one that the query asks for: the API ignores a filter that it does not know, without a word. */
export function isWithin({ scopeField, openField }: Filters, { from, to, open }: Query, row: Row): boolean {
  if (open === true && openField !== null && (row[openField] ?? '') !== '') return false;
  if (scopeField === null || (from === null && to === null)) return true;
  const date = row[scopeField] ?? '';
  if (date === '') return false;
  // A date of another form says nothing of the filter: whether it can be read is the decoder's to find out.
  if (typeof date !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(date)) return true;
  return (from === null || date >= from) && (to === null || date <= to);
}

/** The day of an instant, in UTC. */
export function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function daysBefore(day: string, days: number): string {
  return isoDay(Date.parse(day) - days * DAY_MS);
}
