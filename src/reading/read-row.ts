import { defer, finalize, from, map, mergeMap, type Observable } from 'rxjs';

import { FatalError } from '../errors';
import type { Answer, Page, Row, StreamDeclaration } from '../model';
import { startPosition } from '../rules/paging';
import { spotTurn } from '../rules/rhythm';
import { isWithin } from '../rules/scope';
import type { Detail } from '../sources/answers';
import type { Rest } from '../sources/rest';
import { spotRead } from '../sources/scan';
import type { Progress } from './progress';
import { asking, scopeOf, type StreamReading } from './stream-reading';

/**
 * Reads one row again: in the list, where its rank says; where the list no longer has it, by its address. That it is not there either
 * is for the sweep to prove.
 */
export function readRow(reading: StreamReading, id: number): Observable<Progress> {
  const { shard, reader, stream, handle } = reading;
  return defer(() => {
    const query = scopeOf(reading);
    const rest = reader.rest.as(() => spotTurn(stream.name));
    const rank = handle.rank(id);
    const ask = asking(reading, query, () => rest);
    return spotRead({ id, rank, query, filters: stream, limit: shard.limit, ask }).pipe(
      mergeMap(({ found, interval, began, ended }) =>
        found === null ? askByAddress(reading, id) : add(reading, { interval, rows: [found], began, ended }, 'listed'),
      ),
    );
  });
}

function askByAddress(reading: StreamReading, id: number): Observable<Progress> {
  const { shard, handle } = reading;
  const address = handle.entry(id)?.address ?? null;
  const interval = { after: id - 1, upTo: id };
  if (address === null) {
    const mark = shard.requestOrder.next();
    return add(reading, { interval, rows: [], began: mark, ended: mark }, 'listed');
  }
  return readDetail(reading, id, address).pipe(
    mergeMap((detail) => {
      const { began, ended } = detail;
      if (detail.status === 404) return add(reading, { interval, rows: [], began, ended }, 'listed');
      return addDetail(reading, detail.row, { began, ended });
    }),
  );
}

/** Asks for a row by its address; the session knows of the request until its row was added, or none came. */
export function readDetail(
  { shard, reader, stream, handle }: StreamReading,
  id: number,
  address: string,
): Observable<Detail> {
  return defer(() => {
    const answered = handle.requested(shard.requestOrder.next());
    const rest = reader.rest.as(() => spotTurn(stream.name));
    return askDetail(rest, stream, id, address).pipe(finalize(answered));
  });
}

/** Asks for a row by its address; another row than the one asked for parks the stream. */
export function askDetail(rest: Rest, stream: StreamDeclaration, id: number, address: string): Observable<Detail> {
  return rest.detail(stream.name, stream.detailPath(address)).pipe(
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
  return add(reading, { interval, rows, began, ended }, inside ? 'listed' : 'left');
}

/** Adds what was read of one id; `left`: the row is outside the scope. */
function add(
  { session, place }: StreamReading,
  spot: Pick<Page, 'interval' | 'rows' | 'began' | 'ended'>,
  scope: 'listed' | 'left',
): Observable<Progress> {
  const page: Page = { strays: [], outsideQuery: 0, totalCount: 0, next: startPosition(), end: false, ...spot };
  return from(session.add({ ...place, scan: 'spot', page, left: scope === 'left' })).pipe(
    map(({ counts, cursor }): Progress => ({ kind: 'page', ...place, counts, cursor })),
  );
}
