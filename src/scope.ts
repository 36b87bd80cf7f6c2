import type { Query, StreamDeclaration } from './model';

const DEFAULT_DAYS = 90;
const DAY_MS = 24 * 60 * 60 * 1000;

/** What an entity's file says of its scope. */
export interface ScopeSetting {
  /** `YYYY-MM-DD`, `all`, or null = 90 days before the first run. */
  readonly startDate: string | null;
  readonly endDate: string | null;
}

/** What a sweep of a stream asks for. `firstRun` is a day. */
export function sweepQuery(
  { scopeField }: StreamDeclaration,
  { startDate, endDate }: ScopeSetting,
  firstRun: string,
): Query {
  if (scopeField === null) return { from: null, to: null, order: 'asc' };
  if (startDate === 'all') return { from: null, to: endDate, order: 'asc' };
  return { from: startDate ?? isoDay(Date.parse(firstRun) - DEFAULT_DAYS * DAY_MS), to: endDate, order: 'asc' };
}

/** A query as the API takes it; offset and limit are added per request. */
export function listParams({ scopeField }: StreamDeclaration, { from, to, order }: Query): Record<string, string> {
  return {
    ...(scopeField === null || from === null ? {} : { [`q[${scopeField}_gteq]`]: from }),
    ...(scopeField === null || to === null ? {} : { [`q[${scopeField}_lteq]`]: to }),
    order: `id ${order}`,
  };
}

/** The day of an instant, in UTC. */
export function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
