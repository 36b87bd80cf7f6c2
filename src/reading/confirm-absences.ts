import { concat, defer, EMPTY, exhaustMap, startWith, takeUntil, timer, mergeMap, type Observable } from 'rxjs';

import type { Progress } from './progress';
import { publishDeletions } from './publish-deletions';
import { lookAt } from './search-list';
import type { LiveStream, StreamReading } from './stream-reading';

/** More rows than these that vanished at once are looked for by sweeps. */
const MOST_LOOKED_FOR = 100;

/**
 * Looks once more for rows that a page proved absent, as soon as a second proof counts, and decides on their deletion then, whether or not a
 * sweep is under way. What stays unclear the next sweep takes up.
 */
export function confirmAbsences(reading: StreamReading, live: LiveStream): Observable<Progress> {
  return live.absences.pipe(
    startWith(undefined),
    exhaustMap(() => untilDecided(reading, live, new Set())),
  );
}

function untilDecided(reading: StreamReading, live: LiveStream, looked: Set<number>): Observable<Progress> {
  const { shard, handle } = reading;
  return defer(() => {
    const waiting = handle.unconfirmed().filter(({ id }) => !looked.has(id));
    const [first] = waiting.toSorted((one, other) => one.atMs - other.atMs);
    const decided = defer(() => decide(reading, live));
    if (first === undefined || waiting.length > MOST_LOOKED_FOR) return decided;
    const rested = timer(Math.max(0, first.atMs - shard.now())).pipe(
      mergeMap(() => concat(lookForDue(reading, live, looked), untilDecided(reading, live, looked))),
      takeUntil(shard.stopping),
    );
    return concat(decided, rested);
  });
}

/** A page for each row that is due and not confirmed by the page before. */
function lookForDue(reading: StreamReading, live: LiveStream, looked: Set<number>): Observable<Progress> {
  const { shard, handle } = reading;
  return defer(() => {
    const due = handle.unconfirmed().find(({ id, atMs }) => atMs <= shard.now() && !looked.has(id));
    if (due === undefined || shard.stop.aborted) return EMPTY;
    looked.add(due.id);
    const offset = Math.max(0, handle.rank(due.id) - Math.floor(shard.limit / 2));
    return concat(lookAt(reading, live, { list: 'all', offset }), lookForDue(reading, live, looked));
  });
}

function decide(reading: StreamReading, live: LiveStream): Observable<Progress> {
  const isNew = reading.handle.confirmedMissing().some(({ id }) => !live.decided.has(id));
  return isNew ? publishDeletions(reading) : EMPTY;
}
