import type { ProvenScan, Query, Row, ScanName, StreamDeclaration } from '../model';
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

/** Whether a scan is by a filter that has to prove itself: its pages prove no absence, and where it stands is not stored. */
export function isProvenScan(scan: ScanName): scan is ProvenScan {
  return scan === 'paid' || scan === 'changed';
}

/**
 * What a scan by a proven filter asks for within the sweep's query; null = no row of the stream can be paid. `sinceDay` is
 * the day before the last look began: the API's days begin hours before or after those of UTC, and its filter may count
 * neither the first day nor the last.
 *
 * @example queryOfProven(stream, 'paid', scope, isoDay(lastLookMs - DAY_MS))
 */
export function queryOfProven(
  { openField }: Pick<Filters, 'openField'>,
  scan: ProvenScan,
  sweep: Query,
  sinceDay: string,
): Query | null {
  if (scan === 'changed') return { ...sweep, changedSince: sinceDay };
  return openField === null ? null : { ...sweep, paidSince: sinceDay };
}

/** A query as the API takes it; offset and limit are added per request. */
export function listParams(
  { scopeField, openField }: Filters,
  { from, to, order, open, paidSince, changedSince }: Query,
): Record<string, string> {
  return {
    ...(scopeField === null || from === null ? {} : { [`q[${scopeField}_gteq]`]: from }),
    ...(scopeField === null || to === null ? {} : { [`q[${scopeField}_lteq]`]: to }),
    ...(openField === null || open === undefined ? {} : { [`q[${openField}_null]`]: 'true' }),
    ...(openField === null || paidSince === undefined ? {} : { [`q[${openField}_gteq]`]: paidSince }),
    ...(changedSince === undefined ? {} : { 'q[updated_at_gteq]': changedSince }),
    order: `id ${order}`,
  };
}

/** Whether a row is one that the query asks for: the API ignores a filter that it does not know, without a word. */
export function isWithin({ scopeField, openField }: Filters, { from, to, open, paidSince }: Query, row: Row): boolean {
  if (open === true && openField !== null && !isOpenRow({ openField }, row)) return false;
  if (openField !== null && paidSince !== undefined && !isDayWithin(row[openField], paidSince, null)) return false;
  return scopeField === null || (from === null && to === null) || isDayWithin(row[scopeField], from, to);
}

/** Of a row what says which queries it is in, and nothing else: a page's rows are not kept after it. */
export function filteredBy({ scopeField, openField }: Filters, row: Row): Row {
  return {
    id: row.id,
    ...(scopeField !== null && { [scopeField]: row[scopeField] }),
    ...(openField !== null && { [openField]: row[openField] }),
  };
}

/** Whether a row is unpaid, as the list of open rows would show it; none is where the stream has no such list. */
export function isOpenRow({ openField }: Pick<Filters, 'openField'>, row: Row): boolean {
  return openField !== null && (row[openField] ?? '') === '';
}

/** False where there is no day. A day of another form says nothing of the filter: whether it can be read is the decoder's to find out. */
function isDayWithin(value: unknown, from: string | null, to: string | null): boolean {
  const day = value ?? '';
  if (day === '') return false;
  if (typeof day !== 'string' || !/^\d{4}-\d{2}-\d{2}$/.test(day)) return true;
  return (from === null || day >= from) && (to === null || day <= to);
}

/** The day of an instant, in UTC. */
export function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** The day so many days before another. */
export function daysBefore(day: string, days: number): string {
  return isoDay(Date.parse(day) - days * DAY_MS);
}
