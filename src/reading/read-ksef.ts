import {
  concatMap,
  defer,
  EMPTY,
  finalize,
  ignoreElements,
  merge,
  mergeMap,
  race,
  repeat,
  take,
  takeUntil,
  timer,
  type Observable,
} from 'rxjs';

import type { Turn } from '../model';
import { resumeOrBegin } from '../rules/cursor';
import { ksefRowOf } from '../rules/ksef';
import type { NextRead } from '../rules/ksef-schedule';
import { addState } from './add-ksef';
import type { Progress } from './progress';
import { pageWanted, readKsefPage } from './read-ksef-page';
import { askAlone } from './read-row';
import { ksefOf, type KsefReading, type ListedKsef, type StreamReading } from './stream-reading';

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
      const page = pageWanted(reading, ksef, next);
      return page === null
        ? readDocument(reading, ksef, next)
        : readKsefPage(reading, ksef, page, turnOf(reading, ksef));
    };
    // In a turn of its own, as a document without an address is passed over at once.
    const asked = defer(shard.turn).pipe(concatMap(look), repeat());
    const listed = ksef.watch.listed.pipe(mergeMap((rows) => addListed(reading, ksef, rows)));
    return merge(asked, listed).pipe(takeUntil(shard.stopping));
  });
}

/** Asks for one document by its address, and adds what its detail says of KSeF. */
function readDocument(reading: StreamReading, ksef: KsefReading, { id, isAnswered }: NextRead): Observable<Progress> {
  const { shard, handle, stream } = reading;
  const { schedule } = ksef.watch;
  const address = handle.entry(id)?.address ?? null;
  if (address === null) {
    schedule.forget(id);
    return EMPTY;
  }
  const turn = turnOf(reading, ksef);
  return defer(() => {
    const answered = ksef.handle.requested(shard.requestOrder.next());
    return askAlone(reading, id, address, { turn }).pipe(
      mergeMap((detail) => {
        if (detail.status === 200) {
          const row = ksefRowOf(stream.name, detail.row, 'detail');
          return addState(reading, ksef, { ...detail, row, keepsFinal: !isAnswered });
        }
        // That a document is gone is for the sweep to prove; one without a clear answer is asked again later.
        if (detail.status === 404) schedule.forget(id);
        else schedule.read(id, { open: true, isNews: false }, shard.now());
        ksef.watch.alone.delete(id);
        return EMPTY;
      }),
      finalize(answered),
    );
  });
}

function turnOf({ shard, stream }: StreamReading, { watch: { schedule } }: KsefReading): () => Turn {
  const worth = () => schedule.worth(shard.now());
  return () => ({ stream: stream.name, scan: 'spot', urgency: { kind: 'scheduled', worth } });
}

/** Adds what rows of a list show of KSeF. */
function addListed(reading: StreamReading, ksef: KsefReading, rows: readonly ListedKsef[]): Observable<Progress> {
  return merge(
    ...rows.map(({ done, ...shown }) => addState(reading, ksef, { ...shown, keepsFinal: true }).pipe(finalize(done))),
  );
}
