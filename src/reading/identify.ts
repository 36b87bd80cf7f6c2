import { concat, concatMap, defer, EMPTY, every, from, ignoreElements, map, mergeMap, of, type Observable } from 'rxjs';

import { isObject } from '../json';
import type { StreamDeclaration } from '../model';
import { judgeIdentity, unknownAccount } from '../rules/identity';
import { isoDay } from '../rules/scope';
import type { Progress } from './progress';
import { askDetail } from './read-row';
import type { EntityReading } from './stream-reading';

/** Shows that the key belongs to the entity before anything is read with it (I7). */
export function identify(reading: EntityReading): Observable<Progress> {
  const { shard, session, reader } = reading;
  const { entity } = reader;
  return reader.rest.accountDetails().pipe(
    mergeMap((seen) => {
      const before = session.account(entity);
      const { identity, warning } = judgeIdentity(reader, before, seen);
      const warned = warning === null ? EMPTY : concat(requireKnownRows(reading), warn(reading, warning));
      if (before !== null && before.taxId === identity.taxId && before.accountUuid === identity.accountUuid)
        return warned;
      const account = { ...identity, firstRun: before?.firstRun ?? isoDay(shard.now()) };
      const remembered = defer(() => from(session.remember(entity, account)));
      return concat(remembered.pipe(ignoreElements()), warned);
    }),
  );
}

function warn({ reader }: EntityReading, message: string): Observable<Progress> {
  return of({ kind: 'warning', entity: reader.entity, stream: null, message });
}

/** Where nothing says whose the account is, some of what was published before must be there: all gone beside new rows is another one. */
function requireKnownRows(reading: EntityReading): Observable<never> {
  return from(reading.reader.streams).pipe(
    concatMap((stream) => requireKnownRowsOf(reading, stream)),
    ignoreElements(),
  );
}

function requireKnownRowsOf({ shard, session, reader }: EntityReading, stream: StreamDeclaration): Observable<void> {
  const { entity, rest } = reader;
  const handle = session.stream(entity, stream.name);
  const rows = handle.live();
  const ranks = [...new Set([0, Math.floor(rows / 2), rows - 1])];
  const known = ranks.flatMap((rank) => handle.atRank(rank) ?? []);
  const asked = known.flatMap(({ id, address }) => (address === null ? [] : [{ id, address }]));
  if (asked.length === 0) return EMPTY;
  const newestRows = rest.list(stream.name, stream.path, { order: 'id desc' }, 0, shard.limit);
  return from(asked).pipe(
    concatMap(({ id, address }) => askDetail(rest, stream, id, address)),
    every(({ status }) => status === 404),
    mergeMap((allGone) => (allGone ? newestRows : EMPTY)),
    map((answer) => {
      const seen = answer.rows.flatMap((row) => (isObject(row) && typeof row['id'] === 'number' ? [row['id']] : []));
      if (seen.length > 0 && seen.every((id) => handle.entry(id) === null))
        throw unknownAccount(entity, stream.name, asked.length);
    }),
  );
}
