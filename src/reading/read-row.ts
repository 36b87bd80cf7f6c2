import {
  catchError,
  concatMap,
  defer,
  EMPTY,
  filter,
  finalize,
  from,
  map,
  mergeMap,
  of,
  take,
  tap,
  throwError,
  throwIfEmpty,
  type Observable,
} from 'rxjs';

import { FatalError, TransientError } from '../errors';
import type { Answer, Page, Row, StreamDeclaration } from '../model';
import { startPosition } from '../rules/paging';
import { spotTurn } from '../rules/rhythm';
import { isWithin } from '../rules/scope';
import type { Addressed } from '../shard/memory';
import type { PageResult } from '../shard/page-changes';
import type { Detail } from '../sources/answers';
import type { Asking, Rest } from '../sources/rest';
import { spotRead, type SpotRead } from '../sources/scan';
import { reportPage } from './committed';
import type { Progress } from './progress';
import { isOfThePage } from './recover-page';
import { learnFrom } from './found-changes';
import { addWatched } from './watch-ksef';
import { asking, liveOf, scopeOf, type StreamReading } from './stream-reading';
import { ofStreamAlone } from './stream-trouble';

/** Rows outside the scope that are asked for after one sweep: each is a request, where a page of the list is a hundred rows. */
const LEFT_ROWS = 1_000;

/** Reads the rows again that a page showed older than published, or no longer. */
export function readRows(
  reading: StreamReading,
  { stale, noLongerOpen }: Pick<PageResult, 'stale' | 'noLongerOpen'>,
): Observable<Progress> {
  const ids = [...stale, ...noLongerOpen];
  if (ids.length === 0) return EMPTY;
  return defer(() => {
    if (noLongerOpen.length > 0) reading.shard.hints?.foundUnhinted(reading.place.entity, noLongerOpen.length);
    const live = liveOf(reading);
    if (live !== null) live.spotReads += 1;
    return from(ids).pipe(
      concatMap((id) => readRow(reading, id)),
      finalize(() => {
        if (live !== null) live.spotReads -= 1;
      }),
    );
  });
}

/**
 * Reads one row again: in the list, where its rank says; where the list no longer has it, by its address. That it is not there either
 * is for the sweep to prove.
 */
export function readRow(reading: StreamReading, id: number): Observable<Progress> {
  return lookUp(reading, id).pipe(
    mergeMap(({ found, interval, began, ended }) =>
      found === null ? askByAddress(reading, id) : addRow(reading, { interval, rows: [found], began, ended }, 'listed'),
    ),
    catchError((error: unknown) => {
      const address = reading.handle.entry(id)?.address ?? null;
      if (address === null || !isOfThePage(error)) return throwError(() => error);
      return readUnlisted(reading, id, address);
    }),
  );
}

/** Looks for a row in the list of all rows, from where its rank says on. */
export function lookUp(reading: StreamReading, id: number): Observable<SpotRead> {
  const { shard, stream, handle } = reading;
  return defer(() => {
    const query = scopeOf(reading);
    const rows = asking(reading, query, () => spotTurn(stream.name));
    const ask = (offset: number) => rows(offset, shard.limit);
    return spotRead({ id, rank: handle.rank(id), query, filters: stream, limit: shard.limit, ask });
  });
}

/**
 * Reads rows outside the scope that are to be published again all the same, as no scan shows them: by their addresses, one after the other.
 * One that is not there any more is not asked for again; one without a clear answer is, after the next sweep.
 */
export function readLeft(reading: StreamReading): Observable<Progress> {
  const { shard, handle } = reading;
  return defer(() => from(handle.leftToPublish().filter(hasAddress).slice(0, LEFT_ROWS))).pipe(
    concatMap(({ id, address }) => {
      if (shard.stop.aborted) return EMPTY;
      return askAlone(reading, id, address).pipe(
        mergeMap((detail) => {
          if (detail.status === 'unclear') return EMPTY;
          if (detail.status === 200) return addDetail(reading, detail.row, detail);
          const { began, ended } = detail;
          return addRow(reading, { interval: { after: id - 1, upTo: id }, rows: [], began, ended }, 'left');
        }),
      );
    }),
  );
}

function hasAddress(row: Addressed): row is Addressed & RowAddress {
  return row.address !== null;
}

/** Reads a row by its address alone, as a page with the row in its middle cannot be had; a row that is not there is the sweep's to miss. */
function readUnlisted(reading: StreamReading, id: number, address: string): Observable<Progress> {
  return askAlone(reading, id, address).pipe(
    mergeMap((detail) => (detail.status === 200 ? addDetail(reading, detail.row, detail) : EMPTY)),
  );
}

function askByAddress(reading: StreamReading, id: number): Observable<Progress> {
  const { shard, handle } = reading;
  const address = handle.entry(id)?.address ?? null;
  const interval = { after: id - 1, upTo: id };
  if (address === null) {
    const mark = shard.requestOrder.next();
    return addRow(reading, { interval, rows: [], began: mark, ended: mark }, 'listed');
  }
  return askAlone(reading, id, address).pipe(
    mergeMap((detail) => {
      const { began, ended } = detail;
      if (detail.status !== 200) return addRow(reading, { interval, rows: [], began, ended }, 'listed');
      return addDetail(reading, detail.row, { began, ended });
    }),
  );
}

/** A row's own address answered neither with the row nor with the API's own 404: whether the row is there is not known. */
export interface Unclear {
  readonly status: 'unclear';
  /** The answer in a few words, without anything of the row. */
  readonly got: string;
  readonly began: number;
  readonly ended: number;
}

/**
 * Asks for one row by its address. A fault of this row alone is an answer too, as it holds up no other row: a stub, another row, a status
 * that is neither 200 nor the API's own 404, or a fault that no try got past while a known row of the stream was answered.
 */
export function askAlone(
  reading: StreamReading,
  id: number,
  address: string,
  how: Pick<Asking, 'turn'> = {},
): Observable<Detail | Unclear> {
  const { shard, stream } = reading;
  return defer(() => {
    const began = shard.requestOrder.next();
    const unclear = (got: string): Unclear => ({ status: 'unclear', got, began, ended: shard.requestOrder.next() });
    return readDetail(reading, id, address, how).pipe(
      map((detail) =>
        detail.status === 200 && isStub(stream, detail.row) ? unclear('200 with a stub instead of the row') : detail,
      ),
      catchError((error: unknown) => {
        if (error instanceof FatalError && error.parks === 'stream') return of(unclear(refusedAs(error)));
        if (!(error instanceof TransientError)) return throwError(() => error);
        return askKnown(reading, id).pipe(
          filter((known) => known.kind === 'answered'),
          take(1),
          throwIfEmpty(() => error),
          map(() => unclear(error.status === undefined ? 'no answer' : String(error.status))),
        );
      }),
    );
  });
}

/** What the address of a row that is known to be there answered; `refused`, `down`: a fault of this row alone, or of all. */
export type KnownRow =
  | { readonly kind: 'answered'; readonly status: Detail['status'] }
  | { readonly kind: 'refused'; readonly got: string }
  | { readonly kind: 'down'; readonly error: FatalError | TransientError };

/** Tries of a known row after the first: one of several is to be answered, and an outage is not to be waited for by each. */
const FEW_TRIES = 2;

/** Asks for rows that are known to be there, other than one, by their addresses, one after the other. */
export function askKnown(reading: StreamReading, other: number | null = null): Observable<KnownRow> {
  return defer(() => from(controlRows(reading).filter(({ id }) => id !== other))).pipe(
    concatMap(({ id, address }, index) =>
      readDetail(reading, id, address, index === 0 ? {} : { tries: FEW_TRIES }).pipe(
        map(({ status }): KnownRow => ({ kind: 'answered', status })),
        catchError((error: unknown) => {
          if (error instanceof TransientError) return of<KnownRow>({ kind: 'down', error });
          if (!(error instanceof FatalError) || error.parks !== 'stream') return throwError(() => error);
          const isDown = error.reason === 'unavailable' || error.reason === 'rate-limited';
          return of<KnownRow>(isDown ? { kind: 'down', error } : { kind: 'refused', got: refusedAs(error) });
        }),
      ),
    ),
  );
}

/** Rows known to be there: from the middle of the list, then from wherever else there is one with an address. */
function controlRows({ handle }: StreamReading): readonly RowAddress[] {
  const rows = handle.live();
  const ranks = new Set([Math.floor(rows / 2), 0, rows - 1, Math.floor(rows / 4)]);
  return [...ranks].flatMap((rank) => {
    const { id = 0, address = null } = handle.atRank(rank) ?? {};
    return address === null ? [] : [{ id, address }];
  });
}

function refusedAs({ status, reason }: FatalError): string {
  return status === undefined || status === 200 ? reason : String(status);
}

/** Whether an answer lacks a field that no row of the stream lacks, or has a value in none of those. */
function isStub({ everyRowHas }: StreamDeclaration, row: Row): boolean {
  if (everyRowHas.length === 0) return false;
  const values = everyRowHas.map((name) => row[name]);
  return values.includes(undefined) || values.every((value) => value === null || value === '');
}

/** Asks for a row by its address; the session knows of the request until its row was added, or none came. */
function readDetail(
  { shard, reader, stream, handle, place, answers }: StreamReading,
  id: number,
  address: string,
  asked: Pick<Asking, 'tries' | 'turn'> = {},
): Observable<Detail> {
  return defer(() => {
    const mark = shard.requestOrder.next();
    const answered = handle.requested(mark);
    const how: Asking = { turn: () => spotTurn(stream.name), ...asked };
    return askDetail(reader.rest, stream, { id, address }, how).pipe(
      ofStreamAlone(answers, place, mark),
      finalize(answered),
    );
  });
}

/** How a row is asked for by itself. */
interface RowAddress {
  readonly id: number;
  readonly address: string;
}

/** Asks for a row by its address; another row than the one asked for parks the stream. */
export function askDetail(
  rest: Rest,
  stream: StreamDeclaration,
  { id, address }: RowAddress,
  asking: Asking = {},
): Observable<Detail> {
  return rest.detail(stream.name, stream.detailPath(address), asking).pipe(
    map((detail) => {
      if (detail.status === 404 || detail.row.id === id) return detail;
      throw new FatalError(`reading one row of ${stream.name}: expected id ${id}, got ${detail.row.id}`, {
        reason: 'malformed-answer',
        parks: 'stream',
        stream: stream.name,
      });
    }),
  );
}

/** Adds a row as its detail shows it: inside the scope as any other, outside it published once if it differs, and left. */
export function addDetail(
  reading: StreamReading,
  row: Row,
  { began, ended }: Pick<Answer, 'began' | 'ended'>,
): Observable<Progress> {
  const { stream } = reading;
  const inside = isWithin(stream, scopeOf(reading), row);
  const listed = Object.fromEntries(Object.entries(row).filter(([name]) => !stream.detailOnlyFields.includes(name)));
  const rows = [{ ...listed, id: row.id }];
  const interval = { after: row.id - 1, upTo: row.id };
  return addRow(reading, { interval, rows, began, ended }, inside ? 'listed' : 'left');
}

/** What was read of one id as a page, which no walk goes on from. */
export function pageOfOne(spot: Pick<Page, 'interval' | 'rows' | 'began' | 'ended'>): Page {
  return { strays: [], outsideQuery: 0, totalCount: 0, next: startPosition(), end: false, ...spot };
}

/** Adds what was read of one id; `left`: the row is outside the scope. */
export function addRow(
  reading: StreamReading,
  spot: Pick<Page, 'interval' | 'rows' | 'began' | 'ended'>,
  scope: 'listed' | 'left',
): Observable<Progress> {
  const page = pageOfOne(spot);
  const { session, place } = reading;
  const toCommit = { ...place, scan: 'spot', page, left: scope === 'left' } as const;
  return from(scope === 'left' ? session.add(toCommit) : addWatched(reading, toCommit)).pipe(
    tap((done) => learnFrom(reading, 'spot', done)),
    mergeMap((done) => reportPage(reading, done, 'spot')),
  );
}
