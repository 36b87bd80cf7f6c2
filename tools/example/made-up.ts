import { setTimeout as delay } from 'node:timers/promises';

import { TransientError } from '../../src/errors';
import { companiesWithBooks } from '../demo/companies';
import { readApi, type ApiRows } from './reports';
import { connectorOf, openStack, tables, type Stack, type StackOptions } from './stack';

// The three made-up companies that both examples of PostgreSQL show, on their way into its tables.

/** Much shorter than in earnest. */
const SCHEDULE = { newestSeconds: 1, clientsNewestSeconds: 2, openSeconds: 2, recentSeconds: 3, sweepSeconds: 2 };
/** How long all rows may take to be in their tables. */
export const FILLED_WITHIN_MS = 180_000;

/** A stack, and the signal that stops the example. */
export interface Running {
  readonly stack: Stack;
  readonly signal: AbortSignal;
}

/** Starts all that is between the companies and their tables; leaves nothing running where a part of it fails. */
export function openMadeUp(options: Pick<StackOptions, 'ksef' | 'onReady' | 'signal'>): Promise<Stack> {
  return openStack({ ...options, companies: companiesWithBooks, schedule: SCHEDULE });
}

/** What the API has of each company. */
export function rowsOfApi({ api }: Stack): Promise<ApiRows[]> {
  return Promise.all(companiesWithBooks.map((company) => readApi(api.url, company)));
}

/** The rows of each table that is there by now. */
export async function countTables({ postgres }: Stack): Promise<ReadonlyMap<string, number>> {
  const counts = tables.map((table) => `select '${table}' as name, count(*) as rows from ${table}`);
  const existing = await postgres.select(`select tablename as name from pg_tables where schemaname = 'public'`);
  const names = new Set(existing.map(({ name }) => name));
  const rows = await postgres.select(counts.filter((_, index) => names.has(tables[index])).join(' union all '));
  return new Map(rows.map(({ name, rows: count }) => [String(name), Number(count)]));
}

/** Asks again and again until there is an answer; rejects when it takes too long, something ended or failed, or the example is to stop. */
export async function until<T>(
  { stack, signal }: Running,
  what: string,
  withinMs: number,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const beganMs = performance.now();
  for (;;) {
    await stack.service.check();
    for (const table of stack.filled) {
      const failed = (await stack.connect.states(connectorOf(table))).find(({ error }) => error !== undefined);
      if (failed?.error === undefined) continue;
      throw new TransientError(
        `running the connector ${connectorOf(table)}: expected it to go on, got: ${failed.error}`,
      );
    }
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() - beganMs > withinMs) {
      throw new TransientError(`waiting for ${what}: expected it within ${withinMs / 1_000} s, got nothing of it`);
    }
    await delay(50, undefined, { signal });
  }
}
