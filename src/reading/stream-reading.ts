import { catchError, defer, finalize, NEVER, throwError, type MonoTypeOperatorFunction, type Observable } from 'rxjs';

import type { ParkReason } from '../errors';
import type { Answer, Counts, Cursor, EntityId, Query, StreamDeclaration } from '../model';
import { isoDay, listParams, sweepQuery, type ScopeSetting } from '../rules/scope';
import type { Session } from '../shard/session';
import type { Hold } from '../state/state-topic';
import type { Rest } from '../sources/rest';

/** One legal entity as the pipeline reads it. */
export interface Reader extends ScopeSetting {
  readonly entity: EntityId;
  /** Ten digits that the account must have; null = the account seen first is remembered instead. */
  readonly nip: string | null;
  readonly streams: readonly StreamDeclaration[];
  readonly rest: Rest;
  readonly deletions: {
    /** Share of the rows that may be deleted within a day without a question. */
    readonly maxShare: number;
    /** Id of the hold that a person has agreed to; null = none. */
    readonly confirm: string | null;
  };
}

/** What happened in a shard, in the order in which it did. */
export type Progress =
  /** A page is held against the ledger and what it changed is durable. */
  | {
      readonly kind: 'page';
      readonly entity: EntityId;
      readonly stream: string;
      readonly counts: Counts;
      readonly cursor: Cursor;
    }
  /** A lap is complete and durable. */
  | { readonly kind: 'lap'; readonly entity: EntityId; readonly stream: string; readonly cursor: Cursor }
  /** Not read for now; stream null = the whole entity. */
  | {
      readonly kind: 'parked';
      readonly entity: EntityId;
      readonly stream: string | null;
      readonly reason: ParkReason;
      readonly error: Error;
      readonly waitMs: number;
    }
  /** Asked again after having been parked. */
  | { readonly kind: 'retrying'; readonly entity: EntityId; readonly stream: string | null }
  /** Not asked again in this run. */
  | {
      readonly kind: 'given-up';
      readonly entity: EntityId;
      readonly stream: string | null;
      readonly reason: ParkReason;
      readonly error: Error;
    }
  /** Deletions of the stream wait for a person; reading goes on. */
  | { readonly kind: 'held'; readonly entity: EntityId; readonly stream: string; readonly hold: Hold }
  /** Worth a person's attention; reading goes on. */
  | { readonly kind: 'warning'; readonly entity: EntityId; readonly stream: string | null; readonly message: string };

/** All that the reading of one stream needs, whatever reads it. */
export interface StreamReading {
  readonly session: Session;
  readonly reader: Reader;
  readonly stream: StreamDeclaration;
  /** Rows a page. */
  readonly limit: number;
  readonly marks: { next(): number };
  readonly now: () => number;
}

/** What a sweep of the stream asks for now. */
export function scopeOf({ session, reader, stream, now }: StreamReading): Query {
  return sweepQuery(stream, reader, session.account(reader.entity)?.firstRun ?? isoDay(now()));
}

/** Asks for pages of a query; the session knows of each request until its page was added, or none came. */
export function asking(
  { session, reader, stream, marks, limit }: StreamReading,
  query: Query,
  rest: (offset: number) => Rest,
): (offset: number) => Observable<Answer> {
  const params = listParams(stream, query);
  return (offset) =>
    defer(() => {
      const answered = session.requested(reader.entity, stream.name, marks.next());
      return rest(offset).list(stream.name, stream.path, params, offset, limit).pipe(finalize(answered));
    });
}

/** Keeps to itself that the session has ended: the session tells it once. */
export function untilOver<T>(session: Session): MonoTypeOperatorFunction<T> {
  return catchError((error: unknown) => (session.over() ? NEVER : throwError(() => error)));
}
