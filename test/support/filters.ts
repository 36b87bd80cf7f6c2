import type { Asked, Candidate } from '../../src/rules/filter-proof';
import { knownBy, type KnownList } from '../../src/rules/known-list';

/** A row of a list of a test, with what the API does not show of it. */
export interface HiddenRow {
  readonly id: number;
  /** `YYYY-MM-DD`; null = not paid. */
  readonly closed: string | null;
  /** ISO 8601. */
  readonly created_at: string;
  /** ISO 8601; no answer shows it. */
  readonly updated_at: string;
}

/** Every way in which a list may treat a filter. */
export const MODES = [
  'works',
  'ignored',
  'refused',
  'silent',
  'day-off',
  'after-day',
  'counts-alone',
  'rows-alone',
  'half',
  'empty',
  'nothing-but-extremes',
] as const;
export type Mode = (typeof MODES)[number];

const DAY_MS = 86_400_000;

/** Whether a row passes `candidate=value`, where the filter works; days begin as in UTC. */
export function passesFilter({ kind }: Pick<Candidate, 'kind'>, row: HiddenRow, value: string): boolean {
  if (kind === 'id') return row.id > Number(value);
  const own = kind === 'paid' ? row.closed : kind === 'created' ? row.created_at : row.updated_at;
  return own !== null && own >= value;
}

/** A row as lists show it. */
export function shown(
  { id, closed, created_at }: HiddenRow,
  isCreationShown = true,
): Readonly<Record<string, unknown>> {
  return { id, date: '2026-01-01', closed, ...(isCreationShown ? { created_at } : {}) };
}

function shifted({ kind }: Pick<Candidate, 'kind'>, value: string, days: number): string {
  if (kind === 'id') return String(Number(value) + days);
  return new Date(Date.parse(value) + days * DAY_MS).toISOString().slice(0, 10);
}

/** The first page, ids descending, of a list that treats the filter in that way. */
export function answerIn(
  mode: Mode,
  rows: readonly HiddenRow[],
  candidate: Pick<Candidate, 'kind'>,
  value: string,
  { limit, isCreationShown = true }: { readonly limit: number; readonly isCreationShown?: boolean },
): Asked {
  const descending = rows.toSorted((one, other) => other.id - one.id);
  const passing = (asked: string): readonly HiddenRow[] =>
    descending.filter((row) => passesFilter(candidate, row, asked));
  const page = (found: readonly HiddenRow[], totalCount = found.length): Asked => ({
    rows: found.slice(0, limit).map((row) => shown(row, isCreationShown)),
    totalCount,
  });
  const right = passing(value);
  const isExtreme = value <= '1900-01-01' || value >= '2999-01-01' || ['0', '2147483647'].includes(value);
  switch (mode) {
    case 'works':
      return page(right);
    case 'ignored':
      return page(descending);
    case 'refused':
      return 'refused';
    case 'silent':
      return 'no-answer';
    case 'day-off':
      return page(passing(shifted(candidate, value, 1)));
    case 'after-day':
      return page(passing(shifted(candidate, value, -1)));
    case 'counts-alone':
      return page(descending.slice(0, right.length));
    case 'rows-alone':
      return page(right, right.length + 1);
    case 'half':
      return page(right.filter((_, index) => index % 2 === 0));
    case 'empty':
      return page([]);
    case 'nothing-but-extremes':
      return isExtreme ? page(right) : page(descending);
  }
}

/** What is known of a list without a filter. */
export function knownOf(
  rows: readonly HiddenRow[],
  {
    limit,
    isCreationShown = true,
    ...more
  }: { readonly limit: number; readonly isCreationShown?: boolean } & Partial<KnownList>,
): KnownList {
  const totalCount = rows.length;
  const descending = rows.toSorted((one, other) => other.id - one.id);
  const page = { rows: descending.slice(0, limit).map((row) => shown(row, isCreationShown)), totalCount };
  const open = { rows: [], totalCount: rows.filter(({ closed }) => closed === null).length };
  return {
    ...knownBy({
      stream: { scopeField: 'date', openField: 'closed' },
      query: { from: '2026-01-01', to: null, order: 'asc' },
      page,
      limit,
      open,
      changes: [],
      today: '2026-03-31',
    }),
    ...more,
  };
}
