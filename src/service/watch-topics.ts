import { catchError, concatMap, defer, EMPTY, exhaustMap, from, scan, throwError, timer, type Observable } from 'rxjs';

import { ConfigError } from '../errors';
import { allTopics, type Topics } from '../sinks/topics';

/** What is looked at again and again. */
export type SeenTopics = Pick<Topics, 'data' | 'sweeps' | 'entities' | 'deadLetters' | 'state' | 'highWatermarks'>;

/** How the topics of a service are watched. */
export interface TopicsWatch {
  /** The topics as they are now; rejects with a ConfigError where one is missing. */
  readonly look: () => Promise<SeenTopics>;
  /** The topics as they were at the start. */
  readonly first: SeenTopics;
  readonly everyMs: number;
}

interface Seen {
  readonly highest: ReadonlyMap<string, readonly number[]>;
  /** What this look found wrong; null = nothing. */
  readonly wrong: string | null;
  /** True where the look before found something wrong too. */
  readonly again: boolean;
}

/**
 * Errors with a ConfigError where a topic has gone, was made anew, or has another number of partitions than at the start; never emits. A single
 * look may be answered by a broker that lags behind: two looks in a row must find the same.
 */
export function watchTopics({ look, first, everyMs }: TopicsWatch): Observable<never> {
  const looks = timer(everyMs, everyMs).pipe(
    exhaustMap(() =>
      defer(() => from(look())).pipe(
        catchError((error: unknown) => {
          // A broker that is away, or a right that is missing for a while, is told by whoever needs it.
          return error instanceof ConfigError && !error.mayPass ? throwError(() => error) : EMPTY;
        }),
      ),
    ),
  );
  const start: Seen = { highest: first.highWatermarks, wrong: null, again: false };
  return looks.pipe(
    scan((seen: Seen, topics): Seen => {
      const wrong = otherPartitions(first, topics) ?? lowerEnd(seen.highest, topics.highWatermarks);
      return {
        highest: higher(seen.highest, topics.highWatermarks),
        wrong,
        again: wrong !== null && seen.wrong !== null,
      };
    }, start),
    concatMap(({ wrong, again }) =>
      wrong !== null && again ? throwError(() => new ConfigError(`looking at the topics again: ${wrong}`)) : EMPTY,
    ),
  );
}

function partitionsOf(topics: SeenTopics): Map<string, number> {
  return new Map(allTopics(topics).map(({ name, partitions }) => [name, partitions]));
}

function otherPartitions(first: SeenTopics, now: SeenTopics): string | null {
  const before = partitionsOf(first);
  for (const [name, partitions] of partitionsOf(now)) {
    const expected = before.get(name);
    if (expected !== undefined && expected !== partitions)
      return `expected ${name} to have ${expected} partitions as at the start, got ${partitions}; keys would move to other partitions and lose their order. Start over under another topics.prefix, or set the number back where that is possible`;
  }
  return null;
}

function lowerEnd(highest: Seen['highest'], now: Seen['highest']): string | null {
  for (const [name, ends] of now) {
    for (const [partition, end] of ends.entries()) {
      const before = highest.get(name)?.[partition] ?? 0;
      if (end < before)
        return `expected partition ${partition} of ${name} to reach offset ${before} as before, got a high watermark of ${end}; the topic was deleted and made anew, or lost records. Restore it, or start over under another topics.prefix, see docs/repair.md`;
    }
  }
  return null;
}

function higher(one: Seen['highest'], other: Seen['highest']): Map<string, readonly number[]> {
  return new Map(
    [...new Set([...one.keys(), ...other.keys()])].map((name) => {
      const [a, b] = [one.get(name) ?? [], other.get(name) ?? []];
      return [name, Array.from({ length: Math.max(a.length, b.length) }, (_, at) => Math.max(a[at] ?? 0, b[at] ?? 0))];
    }),
  );
}
