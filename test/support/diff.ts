import type { Comparison } from '../../src/changes/compare';
import type { Ledger } from '../../src/changes/ledger';
import type { Op, Page, Row } from '../../src/model';
import { comparePage, type PageChanges } from '../../src/shard/compare-page';

/** How a page is compared, and how its rows become what the test calls a record. */
export interface DiffOptions<T> extends Omit<Comparison, 'page' | 'linesOf'> {
  readonly publish: (row: Row, op: Op, fingerprint: string, linesBefore: number) => T;
  readonly lines: {
    readonly count: (row: Row) => number;
    readonly publish: (row: Row, fingerprint: string, linesBefore: number) => T;
  } | null;
}

/** Compares a page with a ledger and brings the ledger up to the page, as a shard does. */
export function diff<T>(ledger: Ledger, page: Page, options: DiffOptions<T>): PageChanges<T> {
  const { publish, lines, ...how } = options;
  const comparison = { ...how, page, linesOf: lines?.count ?? null };
  return comparePage(ledger, comparison, ({ row, part, op, fingerprint, linesBefore }) =>
    part === 'lines' && lines !== null
      ? lines.publish(row, fingerprint, linesBefore)
      : publish(row, op, fingerprint, linesBefore),
  );
}
