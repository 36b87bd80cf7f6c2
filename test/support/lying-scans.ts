import fc from 'fast-check';
import { concatMap, defer, defaultIfEmpty, from, lastValueFrom } from 'rxjs';

import { FatalError, TransientError } from '../../src/errors';
import type { Answer, ProvenScan, Query, Row, StreamDeclaration } from '../../src/model';
import { nextWalk } from '../../src/rules/cursor';
import { queryOfProven } from '../../src/rules/scope';
import type { Session } from '../../src/shard/session';
import { SessionEnded } from '../../src/shard/session-ended';
import { createCredits } from '../../src/sources/credits';
import { scan } from '../../src/sources/scan';

/** What a list makes of one request with a filter that is thought to be proven: it may work, be ignored, or lie in any way. */
export interface Lie {
  readonly how: 'rows' | 'refused' | 'down';
  /** How many of a hundred rows it shows. */
  readonly percent: number;
  readonly salt: number;
  readonly outOfScopeToo: boolean;
  readonly total: 'right' | 'of-the-list' | 'of-the-page' | 'too-many';
  readonly order: 'kept' | 'reversed' | 'one-twice';
}

/** Any lie, the truth among them. */
export const lies: fc.Arbitrary<Lie> = fc.record({
  how: fc.constantFrom(
    'rows' as const,
    'rows' as const,
    'rows' as const,
    'rows' as const,
    'refused' as const,
    'down' as const,
  ),
  percent: fc.constantFrom(0, 10, 50, 90, 100),
  salt: fc.nat({ max: 99 }),
  outOfScopeToo: fc.boolean(),
  total: fc.constantFrom(
    'right' as const,
    'right' as const,
    'of-the-list' as const,
    'of-the-page' as const,
    'too-many' as const,
  ),
  order: fc.constantFrom('kept' as const, 'kept' as const, 'kept' as const, 'reversed' as const, 'one-twice' as const),
});

/** Where scans by filters that lie are made. */
export interface LyingScansOptions {
  readonly place: { readonly entity: string; readonly stream: string };
  readonly stream: StreamDeclaration;
  readonly sweep: Query;
  /** All that the API has now, also outside the scope. */
  readonly rows: () => readonly Row[];
  readonly nextLie: () => Lie;
  /** Awaited wherever the network would be. */
  readonly step: () => Promise<void>;
  readonly marks: { next(): number };
  readonly now: () => number;
  readonly limit: number;
  readonly stop: AbortSignal;
  /** Told of what neither the API nor the end of the session explains. */
  readonly onFault: (fault: string) => void;
  /** Told of each page that was compared. */
  readonly onPage: (scan: ProvenScan) => void;
}

const WALKS = 5;

/** Makes walks of both scans beside whatever else reads the list, until the session or the process ends. */
export function besideLyingScans(session: Session, options: LyingScansOptions): void {
  for (const name of ['paid', 'changed'] as const) void walkAgain(session, options, name);
}

async function walkAgain(session: Session, options: LyingScansOptions, name: ProvenScan): Promise<void> {
  for (let walk = 0; walk < WALKS && !options.stop.aborted; walk++) {
    try {
      await walkOnce(session, options, name);
    } catch (error) {
      if (error instanceof SessionEnded) return;
      if (error instanceof FatalError || error instanceof TransientError) continue;
      options.onFault(`a page of ${name} failed: ${String(error)}`);
      return;
    }
  }
}

async function walkOnce(session: Session, options: LyingScansOptions, name: ProvenScan): Promise<void> {
  const { place, stream, sweep, now, limit, stop, onPage } = options;
  const handle = session.stream(place.entity, place.stream);
  await options.step();
  await handle.allPagesCompared();
  const query = queryOfProven(stream, name, sweep, '2026-01-31');
  if (query === null) return;
  const cursor = nextWalk(handle.cursor(name), query, now());
  handle.begin(name, cursor);
  const pages = scan({
    query,
    filters: stream,
    limit,
    position: cursor.position,
    credit: createCredits(2),
    stop,
    ask: (offset) => {
      const mark = options.marks.next();
      const answered = handle.requested(mark);
      return defer(() => from(answer(options, offset, mark).finally(answered)));
    },
  }).pipe(
    concatMap(async ({ page, release }) => {
      try {
        await session.add({ ...place, scan: name, page });
        onPage(name);
      } finally {
        release();
      }
    }),
    defaultIfEmpty(undefined),
  );
  await lastValueFrom(pages);
}

async function answer(
  { rows, nextLie, step, marks, limit }: LyingScansOptions,
  offset: number,
  began: number,
): Promise<Answer> {
  await step();
  const { how, percent, salt, outOfScopeToo, total, order } = nextLie();
  if (how === 'refused') throw new FatalError('refused', { reason: 'unexpected-status', parks: 'stream', status: 422 });
  if (how === 'down') throw new TransientError('the API is down');
  const all = rows().filter(({ date }) => outOfScopeToo || String(date) >= '2026-01-01');
  const shown = all.filter(({ id }) => (id * 37 + salt) % 100 < percent).toSorted((one, other) => one.id - other.id);
  const page = shown.slice(offset, offset + limit);
  if (order === 'reversed') page.reverse();
  const [first] = page;
  if (order === 'one-twice' && first !== undefined) page.push(first);
  const totals = {
    right: shown.length,
    'of-the-list': all.length,
    'of-the-page': page.length,
    'too-many': all.length + 500,
  };
  const ended = marks.next();
  await step();
  return { rows: page, totalCount: totals[total], began, ended };
}
