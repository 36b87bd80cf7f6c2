import {
  concat,
  concatMap,
  defer,
  EMPTY,
  finalize,
  from,
  ignoreElements,
  map,
  mergeMap,
  of,
  scan,
  takeLast,
  takeWhile,
  throwError,
  toArray,
  type Observable,
} from 'rxjs';

import { NO_COUNTS } from '../rules/cursor';
import { allowanceOf, decideDeletions, holdOf } from '../rules/deletions';
import { judgeIdentity } from '../rules/identity';
import type { Addressed } from '../shard/memory';
import type { ConfirmedDeletion } from '../shard/page-changes';
import { holdCredit } from '../sources/credits';
import type { Progress } from './progress';
import { addDetail, askAlone, askKnown, type KnownRow } from './read-row';
import { liveOf, type StreamReading } from './stream-reading';

/** What became of the missing rows that were asked for: confirmed deletions, and what is told of all others. */
interface Answers {
  readonly deleted: readonly ConfirmedDeletion[];
  /** Rows that are there after all, published where they differ, and rows that stay pending. */
  readonly told: readonly Progress[];
}

/** Tombstones of one transaction. */
const CHUNK = 500;
/** Rows of a transaction that are named to whoever looks on. */
const MOST_NAMED = 20;

/**
 * Decides which rows are gone (I5): those that two reads a minute apart proved absent, and that the API itself answers with 404 while it
 * shows a row that is known to be there. More than the allowed share within a day publishes nothing and waits for a person. One decision on
 * a stream is made at a time.
 */
export function publishDeletions(reading: StreamReading): Observable<Progress> {
  const live = liveOf(reading);
  if (live === null) return decideNow(reading);
  return defer(() => {
    const turn = holdCredit(live.deciding);
    return from(turn.take()).pipe(
      mergeMap(() => {
        for (const { id } of reading.handle.confirmedMissing()) live.decided.add(id);
        return decideNow(reading);
      }),
      finalize(() => turn.close()),
    );
  });
}

function decideNow(reading: StreamReading): Observable<Progress> {
  const { handle, reader, place } = reading;
  return defer(() => {
    const hold = handle.hold();
    const missing = handle.confirmedMissing();
    const decision = decideDeletions(hold, reader.deletions.confirm, missing);
    if (decision.kind === 'held') return of<Progress>({ kind: 'held', ...place, hold: decision.hold });
    const { agreed, others } = decision;
    const release = decision.releases ? releaseHold(reading) : EMPTY;
    const first = agreed.length === 0 ? release : deleteAgreed(reading, agreed, release);
    if (agreed.length + others.length === 0) return first;
    const rest = others.length === 0 ? EMPTY : deleteAllowed(reading, others);
    return ifAccountUnchanged(reading, ifControlRowAnswers(reading, concat(first, rest)));
  });
}

/** Deletes rows that a person has agreed to, however many; their hold is released when all of them are published. */
function deleteAgreed(
  reading: StreamReading,
  missing: readonly Addressed[],
  release: Observable<never>,
): Observable<Progress> {
  return askForAll(reading, missing, { allowance: Infinity, released: true }).pipe(
    mergeMap(({ deleted, told }) => {
      const tombstones = concat(publish(reading, deleted), release);
      return concat(told, deleted.length === 0 ? tombstones : ifControlRowAnswers(reading, tombstones));
    }),
  );
}

/** Deletes rows that nobody was asked about, if they are no more than may be deleted now; otherwise a person is asked. */
function deleteAllowed(reading: StreamReading, missing: readonly Addressed[]): Observable<Progress> {
  return defer(() => {
    const allowance = currentAllowance(reading);
    return askForAll(reading, missing, { allowance, released: false }).pipe(
      mergeMap(({ deleted, told }) => {
        if (deleted.length > allowance) return concat(told, holdBack(reading, missing, allowance));
        const tombstones = publish(reading, deleted);
        return concat(told, deleted.length === 0 ? tombstones : ifControlRowAnswers(reading, tombstones));
      }),
    );
  });
}

/** Asks for rows one after the other, until all were asked for or more than the allowance are gone; emits once. */
function askForAll(
  reading: StreamReading,
  missing: readonly Addressed[],
  { allowance, released }: { readonly allowance: number; readonly released: boolean },
): Observable<Answers> {
  const none: Answers = { deleted: [], told: [] };
  return from(missing).pipe(
    concatMap((row) => askFor(reading, row, released)),
    scan(
      ({ deleted, told }, answer) => ({
        deleted: [...deleted, ...answer.deleted],
        told: [...told, ...answer.told],
      }),
      none,
    ),
    takeWhile(({ deleted }) => deleted.length <= allowance, true),
    takeLast(1),
  );
}

function askFor(reading: StreamReading, row: Addressed, released: boolean): Observable<Answers> {
  const { id, missing } = row;
  return askAlone(reading, id, row.address ?? '').pipe(
    mergeMap((detail): Observable<Answers> => {
      if (detail.status === 'unclear') {
        const pending: Progress = { kind: 'pending', ...reading.place, id, got: detail.got, since: missing };
        return of({ deleted: [], told: [pending] });
      }
      if (detail.status === 404) {
        return of({ deleted: [{ id, missing, ended: detail.ended, released }], told: [] });
      }
      return addDetail(reading, detail.row, detail).pipe(
        toArray(),
        map((told) => ({ deleted: [], told })),
      );
    }),
  );
}

function releaseHold({ handle }: StreamReading): Observable<never> {
  return defer(() => from(handle.setHold(null))).pipe(ignoreElements());
}

/** Rows of another account would be missing as well: whose the account is, is looked at again. */
function ifAccountUnchanged(reading: StreamReading, source: Observable<Progress>): Observable<Progress> {
  const { session, reader, place } = reading;
  // With the key that the rows were read with: another one must first be shown to be the entity's.
  return reader.rest.accountDetails('same').pipe(
    mergeMap((seen) => {
      const before = session.account(place.entity);
      judgeIdentity(reader, before, seen);
      const known = before !== null && (before.taxId !== null || before.accountUuid !== null);
      if (seen !== 'unreadable' || !known) return source;
      return warn(
        reading,
        'looking at the account before deletions: expected to read it as before, got no answer; nothing is deleted',
      );
    }),
  );
}

/** Only where a row that is known to be there can be had the way in which the missing ones are asked for. */
function ifControlRowAnswers(reading: StreamReading, source: Observable<Progress>): Observable<Progress> {
  const warnOf = (got: string): Observable<Progress> =>
    warn(
      reading,
      `asking for missing rows one by one: expected a row that is known to be there to be answered with 200, got ${got}; nothing is deleted`,
    );
  return askKnown(reading).pipe(
    takeWhile((known) => !isThere(known), true),
    toArray(),
    mergeMap((known) => {
      // One whose own address says 404, or nothing, although it is listed must not stop deletions for good.
      if (known.some(isThere)) return source;
      const [first] = known;
      if (first === undefined) return warnOf('none that is known to be there');
      const answered = known.find(({ kind }) => kind !== 'down') ?? first;
      if (answered.kind === 'down') return throwError(() => answered.error);
      return warnOf(answered.kind === 'refused' ? answered.got : String(answered.status));
    }),
  );
}

function isThere(known: KnownRow): boolean {
  return known.kind === 'answered' && known.status === 200;
}

function warn({ place }: StreamReading, message: string): Observable<Progress> {
  return of({ kind: 'warning', ...place, message });
}

function publish(reading: StreamReading, gone: readonly ConfirmedDeletion[]): Observable<Progress> {
  const { handle, place } = reading;
  const chunks = Array.from({ length: Math.ceil(gone.length / CHUNK) }, (_, n) =>
    gone.slice(n * CHUNK, (n + 1) * CHUNK),
  );
  return from(chunks).pipe(
    concatMap((chunk) => from(handle.remove(chunk)).pipe(map((deleted) => ({ chunk, deleted })))),
    mergeMap(({ chunk, deleted }) => {
      liveOf(reading)?.schedule.found('deleted', deleted);
      const cursor = handle.cursor('sweep');
      if (cursor === null || deleted === 0) return EMPTY;
      // Where a row came back meanwhile, which of them it was is not known here.
      const all = deleted === chunk.length;
      const changed = all ? chunk.slice(0, MOST_NAMED).map(({ id }) => ({ id, op: 'd', scan: 'sweep' }) as const) : [];
      const named = changed.length === 0 ? {} : { changed };
      return of<Progress>({ kind: 'page', ...place, counts: { ...NO_COUNTS, deleted }, cursor, ...named });
    }),
  );
}

/** How many rows of the stream may be deleted now. */
function currentAllowance({ shard, handle, reader }: StreamReading): number {
  return allowanceOf({
    rows: handle.live() + handle.missing(Infinity).length,
    maxShare: reader.deletions.maxShare,
    deletions: handle.cursor('sweep')?.deletions ?? [],
    nowMs: shard.now(),
  });
}

/** Writes down that a person is asked. */
function holdBack(
  { shard, handle, place }: StreamReading,
  missing: readonly Addressed[],
  allowance: number,
): Observable<Progress> {
  return defer(() => {
    const { stream } = place;
    const hold = holdOf({
      id: shard.newId(),
      stream,
      missing: missing.length,
      allowance,
      sinceMs: shard.now(),
      sweep: Math.max(...missing.map((row) => row.missing)),
    });
    return from(handle.setHold(hold)).pipe(map((): Progress => ({ kind: 'held', ...place, hold })));
  });
}
