import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  from,
  merge,
  mergeMap,
  of,
  repeat,
  takeUntil,
  throwError,
  timer,
  type Observable,
} from 'rxjs';

import { FatalError, TransientError } from '../errors';
import type { Answer, Page, Turn } from '../model';
import { NO_COUNTS, resumeOrBegin } from '../rules/cursor';
import {
  entryOf,
  isBelieved,
  isSecondProof,
  MOST_ENTRIES,
  nextReadingMs,
  provedBy,
  wholeListOf,
  worthOfDictionary,
  type DictionaryPace,
  type WholeList,
} from '../rules/dictionaries';
import { startPosition } from '../rules/paging';
import type { ConfirmedDeletion } from '../shard/page-changes';
import { dictionaryStreams, type DictionaryDeclaration } from '../sources/streams/dictionaries';
import { reportPage } from './committed';
import { parked, parksStream } from './parking';
import type { Progress } from './progress';
import { asking, streamReading, type EntityReading, type StreamReading } from './stream-reading';
import { asNotAvailable, faultOfStream } from './stream-trouble';

/** The reading of one dictionary. */
interface DictionaryReading extends StreamReading {
  readonly stream: DictionaryDeclaration;
  readonly pace: DictionaryPace;
}

type List = Extract<WholeList, { readonly kind: 'whole' }>;

/** A query without any filter. */
const ALL = { from: null, to: null, order: 'asc' } as const;

/**
 * Reads each dictionary of an entity as a whole, once a day until stopped, or where that is due in a run of one sweep. What is new of an entry
 * is published with the ledger's change in one transaction. A dictionary that cannot be read is parked alone.
 */
export function readDictionaries(entity: EntityReading): Observable<Progress> {
  const { dictionaries: pace = null } = entity.shard;
  if (pace === null) return EMPTY;
  return merge(
    ...dictionaryStreams.map((stream) => readDictionary({ ...streamReading(entity, stream), stream, pace })),
  );
}

function readDictionary(reading: DictionaryReading): Observable<Progress> {
  const { shard, stream, place } = reading;
  const { rhythm, turn, now, stopping } = shard;
  const once = defer(() => (dueMs(reading) <= now() ? readWhole(reading) : EMPTY));
  const daily = defer(turn).pipe(
    concatMap(() =>
      concat(
        untilDue(reading),
        defer(() => readWhole(reading)),
      ),
    ),
    repeat(),
    takeUntil(stopping),
  );
  const readings = (rhythm === null ? once : daily).pipe(
    catchError((error: unknown) => {
      const ofList = ofListAlone(error, reading);
      return throwError(() => asNotAvailable(ofList, stream, { entity: place.entity, wasEverRead: wasRead(reading) }));
    }),
  );
  return parked(shard, place, parksStream, readings);
}

function untilDue(reading: DictionaryReading): Observable<never> {
  return defer(() => {
    const waitMs = dueMs(reading) - reading.shard.now();
    return waitMs <= 0 ? EMPTY : timer(waitMs).pipe(mergeMap(() => EMPTY));
  });
}

function dueMs(reading: DictionaryReading): number {
  const { handle, place, pace } = reading;
  const last = { endedMs: endedMs(reading), awaitsProof: handle.missing(Infinity).length > 0 };
  return nextReadingMs(last, `${place.entity} ${place.stream}`, pace);
}

/** When the last reading ended; null = there is none. */
function endedMs({ handle }: StreamReading): number | null {
  const ended = handle.cursor('sweep')?.finishedAt ?? null;
  return ended === null ? null : Date.parse(ended);
}

function wasRead(reading: StreamReading): boolean {
  return endedMs(reading) !== null || reading.handle.live() > 0 || reading.answers.has(reading.place.stream);
}

/** All pages of the list one after the other, then what they come to. */
function readWhole(reading: DictionaryReading): Observable<Progress> {
  const { shard, stream, place } = reading;
  return defer(() => {
    const sinceMs = shard.now();
    const turn = (): Turn => ({
      stream: stream.name,
      scan: 'sweep',
      urgency: { kind: 'scheduled', worth: () => worthOfDictionary(sinceMs, shard.now()) },
    });
    const ask = asking(reading, ALL, shard.rhythm === null ? null : turn);
    const rest = (answers: readonly Answer[], offset: number): Observable<readonly Answer[]> =>
      ask(offset, shard.limit).pipe(
        mergeMap((answer) => {
          const all = [...answers, answer];
          const behind = offset + answer.rows.length;
          const isEnd = answer.rows.length === 0 || behind >= Math.min(answer.totalCount, MOST_ENTRIES);
          return isEnd ? of(all) : rest(all, behind);
        }),
      );
    return rest([], 0).pipe(
      mergeMap((answers) => {
        const list = wholeListOf(answers);
        if (list.kind === 'whole') return addList(reading, list, answers);
        const total = answers[0]?.totalCount ?? 0;
        const message = `GET ${stream.path} expected the ${total} entries that total_count names, each once, got ${list.got}`;
        return throwError(() => new FatalError(message, { ...place, reason: 'malformed-answer', parks: 'stream' }));
      }),
    );
  });
}

/** Compares a list with what was published, then removes what a reading before has missed too. */
function addList(reading: DictionaryReading, list: List, answers: readonly Answer[]): Observable<Progress> {
  const { shard, session, handle, place, stream, pace } = reading;
  return defer(() => {
    const before = endedMs(reading);
    const interval = provedBy(list, (id) => handle.entry(id) !== null, knownOf(reading));
    const { askedMs = shard.now(), began = 0 } = answers[0] ?? {};
    const ended = answers.at(-1)?.ended ?? began;
    const cursor = resumeOrBegin(handle.cursor('sweep'), ALL, shard.now());
    handle.begin('sweep', cursor);
    const page: Page = {
      rows: list.rows.map((row) => entryOf(stream.dictionary.kind, row)),
      strays: list.strays.length === 0 ? [] : [{ rows: list.strays, gap: { after: null, upTo: null } }],
      outsideQuery: 0,
      interval,
      totalCount: list.totalCount,
      next: startPosition(),
      end: true,
      askedMs,
      began,
      ended,
    };
    const removed = defer(() => {
      if (!isBelieved(interval) || !isSecondProof(askedMs, before, pace)) return EMPTY;
      const gone = handle.missing(cursor.number - 1).map(({ id, missing }) => ({ id, missing, ended, released: true }));
      return remove(reading, gone);
    });
    const doubts: readonly Progress[] = isBelieved(interval) ? [] : doubtsOf(reading, list);
    return from(session.add({ ...place, scan: 'sweep', page })).pipe(
      mergeMap((done) => concat(reportPage(reading, done, 'sweep', doubts), removed)),
    );
  });
}

/** Entries that the dictionary had, those that are missing included. */
function knownOf({ handle }: StreamReading): number {
  return handle.live() + handle.missing(Infinity).length;
}

function remove({ handle, place }: StreamReading, gone: readonly ConfirmedDeletion[]): Observable<Progress> {
  if (gone.length === 0) return EMPTY;
  return from(handle.remove(gone)).pipe(
    mergeMap((deleted) => {
      const cursor = handle.cursor('sweep');
      if (cursor === null || deleted === 0) return EMPTY;
      return of<Progress>({ kind: 'page', ...place, counts: { ...NO_COUNTS, deleted }, cursor });
    }),
  );
}

/** That a list is not taken for all that there is, where anything is known that it lacks. */
function doubtsOf(reading: DictionaryReading, { rows }: List): readonly Progress[] {
  const known = knownOf(reading);
  if (known === 0) return [];
  const message = `the list shows ${rows.length} entries with an id, and ${known} are known: none is taken for removed by that`;
  return [{ kind: 'warning', ...reading.place, message }];
}

/** A fault of a dictionary's list as its own, whatever it is of other lists: nothing else waits for a dictionary. */
function ofListAlone(error: unknown, { place }: StreamReading): unknown {
  if (error instanceof TransientError) return faultOfStream(error, place);
  if (!(error instanceof FatalError) || error.reason !== 'unauthorized') return error;
  const { message, status } = error;
  return new FatalError(message, { ...place, cause: error, reason: 'forbidden', parks: 'stream', status });
}
