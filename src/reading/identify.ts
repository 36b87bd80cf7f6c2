import {
  catchError,
  concat,
  concatMap,
  defer,
  EMPTY,
  endWith,
  from,
  ignoreElements,
  map,
  mergeMap,
  of,
  takeWhile,
  throwError,
  toArray,
  type Observable,
} from 'rxjs';

import { showSame, type Account, type ShownAccount } from '../state/state-topic';
import { FatalError } from '../errors';
import { isObject } from '../json';
import type { StreamDeclaration } from '../model';
import { isShown, judgeIdentity, otherRows, unknownAccount } from '../rules/identity';
import { isoDay, isWithin, listParams } from '../rules/scope';
import type { Addressed } from '../shard/memory';
import type { StreamSession } from '../shard/session';
import type { Progress } from './progress';
import { askDetail } from './read-row';
import { scopeOf, streamReading, type EntityReading } from './stream-reading';

/**
 * Shows that the key belongs to the entity before anything is remembered or read with it (I7). Where the account that was remembered does not
 * show it, rows that were published before are looked for.
 */
export function identify(reading: EntityReading): Observable<Progress> {
  const { shard, session, reader } = reading;
  const { entity, nip } = reader;
  return reader.rest.accountDetails().pipe(
    mergeMap((seen) => {
      const before = session.account(entity);
      const { identity, warning } = judgeIdentity(reader, before, seen);
      const shown = warning === null && seen !== 'unreadable' ? { taxId: identity.taxId, name: seen.name } : null;
      const published = toPublish(before?.published, shown);
      shard.twins.identified(entity, seen === 'unreadable' ? null : seen.accountUuid);
      const account: Account = {
        taxId: identity.taxId,
        accountUuid: identity.accountUuid,
        firstRun: before?.firstRun ?? isoDay(shard.now()),
        ...(published === undefined ? {} : { published }),
      };
      const rows = seen !== 'unreadable' && isShown(before, seen) ? of<KnownRows>('none') : lookForKnownRows(reading);
      return rows.pipe(
        mergeMap((known) =>
          concat(
            // An account that shows nothing of what was published may be somebody else's empty one: who it is must not be taken for known.
            known === 'emptied' && nip === null ? EMPTY : remember(reading, before, account),
            warning === null ? EMPTY : warn(reading, warning),
          ),
        ),
      );
    }),
  );
}

function remember({ session, reader }: EntityReading, before: Account | null, account: Account): Observable<never> {
  if (before !== null && isSame(before, account)) return EMPTY;
  return defer(() => from(session.remember(reader.entity, account))).pipe(ignoreElements());
}

/** What a record says of the entity: what its account shows, or as before where it shows nothing. */
function toPublish(before: Account['published'], shown: ShownAccount | null): Account['published'] {
  if (shown === null) return before;
  return before === undefined && shown.taxId === null && shown.name === null ? undefined : shown;
}

function isSame(one: Account, other: Account): boolean {
  return one.taxId === other.taxId && one.accountUuid === other.accountUuid && showSame(one.published, other.published);
}

function warn({ reader }: EntityReading, message: string): Observable<Progress> {
  return of({ kind: 'warning', entity: reader.entity, stream: null, message });
}

/** Whether an account has rows that were published before: it has, no rows were published, or the lists that they were in are empty now. */
type KnownRows = 'some' | 'none' | 'emptied';

/** What a stream shows of the rows that were published before; `unclear`: it could not be asked. */
type StreamEvidence =
  | { readonly kind: KnownRows; readonly stream: StreamDeclaration }
  | { readonly kind: 'strangers'; readonly stream: StreamDeclaration; readonly asked: number }
  | { readonly kind: 'unclear'; readonly error: FatalError };

/** Errors with a FatalError where no stream of the account shows a row that was published before, and one shows others in their place. */
function lookForKnownRows(reading: EntityReading): Observable<KnownRows> {
  const { entity, streams } = reading.reader;
  return from(streams).pipe(
    concatMap((stream) => evidenceOf(reading, stream)),
    takeWhile(({ kind }) => kind !== 'some', true),
    toArray(),
    mergeMap((evidence): Observable<KnownRows> => {
      if (evidence.some(({ kind }) => kind === 'some')) return of('some');
      const never: StreamDeclaration[] = [];
      let emptied: StreamDeclaration | null = null;
      for (const each of evidence) {
        if (each.kind === 'strangers') throw unknownAccount(entity, each.stream.name, each.asked);
        if (each.kind === 'unclear') throw parkingEntity(each.error);
        if (each.kind === 'emptied') emptied ??= each.stream;
        else never.push(each.stream);
      }
      return emptied === null ? of('none') : emptiedOrOther(reading, emptied, never);
    }),
  );
}

/** Errors where a list that was empty when all others were read has rows now that theirs are gone: somebody else's, for all that is known. */
function emptiedOrOther(
  reading: EntityReading,
  emptied: StreamDeclaration,
  never: readonly StreamDeclaration[],
): Observable<KnownRows> {
  const { entity, rest } = reading.reader;
  return from(never).pipe(
    concatMap((stream) =>
      rest.list(stream.name, stream.path, listParams(stream, scopeOf(streamReading(reading, stream))), 0, 1).pipe(
        map(({ rows }) => {
          if (rows.length > 0) throw otherRows(entity, emptied.name, stream.name);
        }),
        // Nothing is published from a list that cannot be read.
        catchError((error: unknown) =>
          error instanceof FatalError && error.parks === 'stream' ? EMPTY : throwError(() => error),
        ),
      ),
    ),
    ignoreElements(),
    endWith<KnownRows>('emptied'),
  );
}

function evidenceOf(reading: EntityReading, stream: StreamDeclaration): Observable<StreamEvidence> {
  const { shard, reader } = reading;
  const { rest } = reader;
  const asRead = streamReading(reading, stream);
  const { handle } = asRead;
  const known = samplesOf(handle);
  if (known.length === 0) return of({ kind: 'none', stream });
  const query = scopeOf(asRead);
  const isKnown = (row: unknown): boolean => {
    if (!isObject(row) || typeof row['id'] !== 'number' || !isWithin(stream, query, { ...row, id: row['id'] }))
      return false;
    const entry = handle.entry(row['id']);
    // The same id under another uuid is another account's row.
    return entry !== null && (stream.address === 'id' || entry.address === null || entry.address === row['uuid']);
  };
  const page = (order: 'asc' | 'desc'): Observable<StreamEvidence['kind']> =>
    rest
      .list(stream.name, stream.path, listParams(stream, { ...query, order }), 0, shard.limit)
      .pipe(map((answer) => (answer.rows.length === 0 ? 'emptied' : answer.rows.some(isKnown) ? 'some' : 'strangers')));
  const alone = from(known).pipe(
    concatMap(({ id, address }) => (address === null ? EMPTY : askDetail(rest, stream, { id, address }))),
    map(({ status }): StreamEvidence['kind'] => (status === 200 ? 'some' : 'strangers')),
  );
  return concat(page('asc'), page('desc'), alone).pipe(
    takeWhile((kind) => kind === 'strangers', true),
    toArray(),
    map((kinds): StreamEvidence => {
      const last = kinds.at(-1);
      return last === 'some' || last === 'emptied'
        ? { kind: last, stream }
        : { kind: 'strangers', stream, asked: known.length };
    }),
    catchError((error: unknown) =>
      error instanceof FatalError && error.parks === 'stream'
        ? of<StreamEvidence>({ kind: 'unclear', error })
        : throwError(() => error),
    ),
  );
}

/** Entries to be asked for; those that the list does not show any more where no others are left. */
function samplesOf(handle: StreamSession): readonly Addressed[] {
  const rows = handle.live();
  const live = spread(rows).flatMap((rank) => handle.atRank(rank) ?? []);
  if (live.length > 0) return live;
  const missing = handle.missing(Number.MAX_SAFE_INTEGER);
  return spread(missing.length).flatMap((index) => missing[index] ?? []);
}

/** Places of the first, the middle and the last of so many. */
function spread(count: number): readonly number[] {
  return [...new Set([0, Math.floor(count / 2), count - 1])];
}

/** Nothing of an entity may be read while one stream's refusal leaves open whose account it is. */
function parkingEntity({ message, reason, entity, stream, status, parkMs, cause }: FatalError): FatalError {
  return new FatalError(message, { reason, parks: 'entity', entity, stream, status, parkMs, cause });
}
