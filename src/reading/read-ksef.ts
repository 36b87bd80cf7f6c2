import {
  concatMap,
  defer,
  EMPTY,
  from,
  ignoreElements,
  mergeMap,
  race,
  repeat,
  take,
  takeUntil,
  tap,
  timer,
  type Observable,
} from 'rxjs';

import type { Turn } from '../model';
import { hasPublished, resumeOrBegin } from '../rules/cursor';
import { ksefRowOf, standingOf } from '../rules/ksef';
import type { Detail } from '../sources/answers';
import { ksefNameOf } from '../sources/streams/ksef';
import { reportPage } from './committed';
import type { Progress } from './progress';
import { askAlone, pageOfOne } from './read-row';
import type { StreamReading } from './stream-reading';
import { ksefOf, type KsefReading } from './watch-ksef';

/**
 * Reads what KSeF says of a stream's documents, one detail after the other, until stopped. What is new of it is published with the ledger's
 * change in one transaction, beside the document, whose own record stays as it is.
 */
export function readKsef(reading: StreamReading): Observable<Progress> {
  return defer(() => {
    const ksef = ksefOf(reading);
    if (ksef === null) return EMPTY;
    const { shard } = reading;
    const { schedule, shown } = ksef.watch;
    // There is no list to be swept: this only says since when such rows are read.
    if (ksef.handle.cursor('sweep') === null)
      ksef.handle.begin('sweep', resumeOrBegin(null, { from: null, to: null, order: 'asc' }, shard.now()));
    const look = (): Observable<Progress> => {
      const next = schedule.next(shard.now());
      if (next === null) return shown.pipe(take(1), ignoreElements());
      const waitMs = next.atMs - shard.now();
      if (waitMs > 0) return race(timer(waitMs), shown).pipe(take(1), ignoreElements());
      return readDocument(reading, ksef, next.id);
    };
    // In a turn of its own, as a document without an address is passed over at once.
    return defer(shard.turn).pipe(concatMap(look), repeat(), takeUntil(shard.stopping));
  });
}

/** Asks for one document by its address, and adds what its detail says of KSeF. */
function readDocument(reading: StreamReading, ksef: KsefReading, id: number): Observable<Progress> {
  const { shard, handle, stream } = reading;
  const { schedule } = ksef.watch;
  const address = handle.entry(id)?.address ?? null;
  if (address === null) {
    schedule.forget(id);
    return EMPTY;
  }
  const turn = (): Turn => ({
    stream: stream.name,
    scan: 'spot',
    urgency: { kind: 'scheduled', worth: () => schedule.worth(shard.now()) },
  });
  return askAlone(reading, id, address, { turn }).pipe(
    mergeMap((detail) => {
      if (detail.status === 200) return addDocument(reading, ksef, detail);
      // That a document is gone is for the sweep to prove; one without a clear answer is asked again later.
      if (detail.status === 404) schedule.forget(id);
      else schedule.read(id, { open: true, isNews: false }, shard.now());
      return EMPTY;
    }),
  );
}

function addDocument(
  reading: StreamReading,
  { watch, handle }: KsefReading,
  { row: detail, began, ended }: Extract<Detail, { readonly status: 200 }>,
): Observable<Progress> {
  const { shard, session, place } = reading;
  const row = ksefRowOf(place.stream, detail);
  const open = standingOf(row) === 'open';
  const page = pageOfOne({ rows: [row], interval: { after: row.id - 1, upTo: row.id }, began, ended });
  const besidePlace = { entity: place.entity, stream: ksefNameOf(place.stream) };
  return from(session.add({ ...besidePlace, scan: 'spot', page, left: !open })).pipe(
    tap(({ counts }) => watch.schedule.read(row.id, { open, isNews: hasPublished(counts) }, shard.now())),
    mergeMap((done) => reportPage({ ...reading, place: besidePlace, handle }, done, 'spot')),
  );
}
