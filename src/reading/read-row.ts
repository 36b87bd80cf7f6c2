import { defer, finalize, from, map, mergeMap, type Observable } from 'rxjs';

import { FatalError } from '../errors';
import type { Answer, Page, Row, StreamDeclaration } from '../model';
import { asking, scopeOf, untilOver, type Progress, type StreamReading } from './stream-reading';
import { spotTurn } from '../rules/rhythm';
import { isWithin } from '../rules/scope';
import type { Detail } from '../sources/answers';
import type { Rest } from '../sources/rest';
import { startPosition } from '../rules/paging';
import { spotRead } from '../sources/scan';

/**
 * Reads one row again: in the list, where its rank says; where the list no longer has it, by its address. That it is not there either
 * is for the sweep to prove.
 */
export function readAlone(reading: StreamReading, id: number): Observable<Progress> {
  const { session, reader, stream, limit } = reading;
  return defer(() => {
    const query = scopeOf(reading);
    const rest = reader.rest.as(() => spotTurn(stream.name));
    const rank = session.rank(reader.entity, stream.name, id);
    const ask = asking(reading, query, () => rest);
    return spotRead({ id, rank, query, filters: stream, limit, ask }).pipe(
      mergeMap(({ found, ...spot }) =>
        found === null ? askByAddress(reading, id) : add(reading, { ...spot, rows: [found] }, false),
      ),
    );
  });
}

function askByAddress(reading: StreamReading, id: number): Observable<Progress> {
  const { session, reader, stream, marks } = reading;
  const address = session.entry(reader.entity, stream.name, id)?.address ?? null;
  const interval = { after: id - 1, upTo: id };
  if (address === null) {
    const mark = marks.next();
    return add(reading, { interval, rows: [], began: mark, ended: mark }, false);
  }
  return readDetail(reading, id, address).pipe(
    mergeMap((detail) => {
      const { began, ended } = detail;
      if (detail.status === 404) return add(reading, { interval, rows: [], began, ended }, false);
      return addDetail(reading, detail.row, { began, ended });
    }),
  );
}

/** Asks for a row by its address; the session knows of the request until its row was added, or none came. */
export function readDetail(
  { session, reader, stream, marks }: StreamReading,
  id: number,
  address: string,
): Observable<Detail> {
  return defer(() => {
    const answered = session.requested(reader.entity, stream.name, marks.next());
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
  marks: Pick<Answer, 'began' | 'ended'>,
): Observable<Progress> {
  const { stream } = reading;
  const inside = isWithin(stream, scopeOf(reading), row);
  const listed = Object.fromEntries(Object.entries(row).filter(([name]) => !stream.detailOnlyFields.includes(name)));
  const rows = [{ ...listed, id: row.id }];
  return add(reading, { interval: { after: row.id - 1, upTo: row.id }, rows, ...marks }, !inside);
}

function add(
  { session, reader: { entity }, stream }: StreamReading,
  spot: Pick<Page, 'interval' | 'rows' | 'began' | 'ended'>,
  left: boolean,
): Observable<Progress> {
  const place = { entity, stream: stream.name };
  const page: Page = { strays: [], outsideQuery: 0, totalCount: 0, next: startPosition(), end: false, ...spot };
  return from(session.add({ ...place, scan: 'spot', page, left })).pipe(
    map(({ counts, cursor }): Progress => ({ kind: 'page', ...place, counts, cursor })),
    untilOver(session),
  );
}
