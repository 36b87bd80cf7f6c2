import { catchError, concat, defer, EMPTY, finalize, from, mergeMap, throwError, type Observable } from 'rxjs';

import { FatalError } from '../errors';
import type { CountedList, Query, Turn } from '../model';
import { queryOf } from '../rules/scope';
import type { PageResult } from '../shard/page-changes';
import { lonePage } from '../sources/scan';
import { reportPage } from './committed';
import { learnFrom } from './found-changes';
import type { Progress } from './progress';
import { readRows } from './read-row';
import { isOfThePage } from './recover-page';
import { asking, scopeOf, type LiveStream, type StreamReading } from './stream-reading';
import { addWatched } from './watch-ksef';

/** Reads page after page of a list until the rows are found that came to it or left it, or the search is given up. */
export function searchList(reading: StreamReading, live: LiveStream, list: CountedList): Observable<Progress> {
  const { shard } = reading;
  const finder = live.finders[list];
  const step = (): Observable<Progress> =>
    defer(() => {
      if (shard.stop.aborted) return EMPTY;
      const next = finder.next(shard.now());
      if ('offset' in next) {
        const looked = lookAt(reading, live, { list, offset: next.offset }, (done) => {
          finder.looked(done?.count ?? null, done === null ? 0 : changesIn(done));
        });
        return concat(looked, step());
      }
      if (next.end === 'walk') live.schedule.hurry(list === 'open' ? 'open' : 'sweep');
      return EMPTY;
    });
  return step().pipe(
    // A page that cannot be had is for a walk to get past, and so is an offset that the API refuses.
    catchError((error: unknown) => (isOfThePage(error) || isListRefused(error) ? EMPTY : throwError(() => error))),
    finalize(() => finder.stop(shard.now())),
  );
}

/** Reads one page of a list, wherever it lies; `then` is told what the page came to, null where the list shows nothing there. */
export function lookAt(
  reading: StreamReading,
  live: LiveStream,
  { list, offset }: { readonly list: CountedList; readonly offset: number },
  then: (done: PageResult | null) => void = () => undefined,
): Observable<Progress> {
  const { shard, stream, place } = reading;
  return defer(() => {
    const query = queryOfList(list, scopeOf(reading));
    const ask = asking(reading, query, () => searchTurn(reading, live, list));
    return ask(offset, shard.limit).pipe(
      mergeMap((answer) => {
        live.schedule.polled(list, shard.now());
        const page = lonePage(offset, answer, {
          query,
          filters: stream,
          // A row that is open no longer is only read by itself; that a row is missing must be proved.
          believesEnd: list === 'open',
        });
        // A list that shows what it was not asked for proves nothing.
        if (page === null || page.outsideQuery > 0) {
          then(null);
          return EMPTY;
        }
        shard.twins.check(place.entity, place.stream, page.rows);
        return from(addWatched(reading, { ...place, scan: 'search', list, page })).pipe(
          mergeMap((done) => {
            learnFrom(reading, 'search', done);
            then(done);
            return concat(reportPage(reading, done, 'search'), readRows(reading, done));
          }),
        );
      }),
    );
  });
}

/** Whether the API would not answer the list as it was asked for, which a search is not to park the stream for. */
function isListRefused(error: unknown): boolean {
  return error instanceof FatalError && error.reason === 'unexpected-status';
}

function changesIn({ counts, noLongerOpen, missing }: PageResult): number {
  return counts.created + counts.updated + noLongerOpen.length + missing;
}

function queryOfList(list: CountedList, scope: Query): Query {
  return list === 'open' ? (queryOf('open', scope, '', 0) ?? scope) : scope;
}

function searchTurn({ shard, stream }: StreamReading, { schedule }: LiveStream, list: CountedList): Turn {
  const worth = () => schedule.searchWorth(list, shard.now());
  return { stream: stream.name, scan: 'search', urgency: { kind: 'scheduled', worth } };
}
