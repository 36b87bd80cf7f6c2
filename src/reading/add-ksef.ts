import { defer, from, mergeMap, tap, type Observable } from 'rxjs';

import { hasPublished } from '../rules/cursor';
import { saysNothing, standingOf } from '../rules/ksef';
import { ksefNameOf } from '../sources/streams/ksef';
import { reportPage } from './committed';
import type { Progress } from './progress';
import { pageOfOne } from './read-row';
import type { KsefReading, ListedKsef, StreamReading } from './stream-reading';

/** What KSeF says of a document, and the request that showed it. */
export interface StateShown extends Pick<ListedKsef, 'row' | 'began' | 'ended'> {
  /** What is settled is not to be touched by it. */
  readonly keepsFinal: boolean;
}

/** What the end of following an open document is in the ledger; null = it is followed on. */
const END_OF_OPEN = { always: 'given-up', 'unless-news': 'given-up-unless-changed', never: null } as const;

/** Adds what KSeF says of a document; one that will not be read again by itself is marked so, in the same transaction. */
export function addState(
  reading: StreamReading,
  { watch: { schedule, alone }, handle }: KsefReading,
  { row, began, ended, keepsFinal }: StateShown,
): Observable<Progress> {
  const { shard, session, place } = reading;
  const { id } = row;
  return defer(() => {
    const open = standingOf(row) === 'open';
    const ends = open ? END_OF_OPEN[schedule.ends(id, shard.now())] : 'final';
    const page = pageOfOne({ rows: [row], interval: { after: id - 1, upTo: id }, began, ended });
    const besidePlace = { entity: place.entity, stream: ksefNameOf(place.stream) };
    return from(session.add({ ...besidePlace, scan: 'spot', page, keepsFinal, ...(ends !== null && { ends }) })).pipe(
      tap(({ counts }) => {
        alone.delete(id);
        const shown = saysNothing(row) ? 'nothing' : 'data';
        if (counts.rows > 0) schedule.read(id, { open, isNews: hasPublished(counts), shown }, shard.now());
        // Nothing of it was added: it is settled, gone, or has changed since it was asked for.
        else if (handle.following(id) === 'final' || reading.handle.entry(id) === null) schedule.forget(id);
      }),
      mergeMap((done) => reportPage({ ...reading, place: besidePlace, handle }, done, 'spot')),
    );
  });
}
