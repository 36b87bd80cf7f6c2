import {
  concat,
  concatMap,
  defer,
  EMPTY,
  from,
  ignoreElements,
  map,
  mergeMap,
  of,
  scan,
  takeLast,
  takeWhile,
  type Observable,
} from 'rxjs';

import { judgeIdentity } from '../rules/identity';
import type { Cursor } from '../model';
import { untilOver, type Progress, type StreamReading } from './stream-reading';
import type { Addressed } from '../shard/memory';
import type { ConfirmedDeletion } from '../shard/page-changes';
import { addDetail, readDetail } from './read-row';
import { NO_COUNTS } from '../rules/cursor';

/** What a decision is made of. */
export interface DeletionOptions extends StreamReading {
  /** The lap that has just ended. */
  readonly lap: Cursor;
  /** Names a hold. */
  readonly newId: () => string;
}

/** What a row that two laps missed turned out to be: gone, or there after all, which was published. */
type Found = { readonly gone: ConfirmedDeletion } | { readonly told: Progress };

interface Answers {
  readonly gone: readonly ConfirmedDeletion[];
  readonly told: readonly Progress[];
}

function addAnswer({ gone, told }: Answers, found: Found): Answers {
  return 'told' in found ? { gone, told: [...told, found.told] } : { gone: [...gone, found.gone], told };
}

/** Rows that may be deleted within a day without a question, whatever their share. */
const ALWAYS_ALLOWED = 10;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Tombstones of one transaction. */
const CHUNK = 500;

/**
 * Decides after a lap which rows are gone (I5): those that this lap and an earlier one missed, and that the API itself answers with 404
 * while it shows a row that is known to be there. More than the allowed share within a day publishes nothing and waits for a person.
 */
export function publishDeletions(options: DeletionOptions): Observable<Progress> {
  const { session, reader, stream, lap } = options;
  const { entity } = reader;
  return defer(() => {
    const hold = session.hold(entity, stream.name);
    if (hold !== null && hold.id !== reader.deletions.confirm)
      return of<Progress>({ kind: 'held', entity, stream: stream.name, hold });
    const missing = session.missing(entity, stream.name, lap.number - 1).filter(({ address }) => address !== null);
    const released = missing.filter((row) => row.missing <= (hold?.sweep ?? 0));
    const others = missing.filter((row) => row.missing > (hold?.sweep ?? 0));
    const release = hold === null ? EMPTY : letGo(options);
    const first = released.length === 0 ? release : decide(options, released, release);
    if (missing.length === 0) return first;
    const rest = others.length === 0 ? EMPTY : decide(options, others, null);
    return whileOurs(options, whilePresent(options, concat(first, rest)));
  }).pipe(untilOver(session));
}

/** `release`: what follows when all of them are published, as a person has agreed to it; null = nobody was asked. */
function decide(
  options: DeletionOptions,
  missing: readonly Addressed[],
  release: Observable<never> | null,
): Observable<Progress> {
  return defer(() => {
    const allowance = release === null ? allowanceOf(options) : Infinity;
    const none: Answers = { gone: [], told: [] };
    const judge = ({ gone, told }: Answers): Observable<Progress> => {
      if (gone.length > allowance) return concat(told, hold(options, missing.length, allowance));
      const published = concat(publish(options, gone), release ?? EMPTY);
      return concat(told, gone.length === 0 ? published : whilePresent(options, published));
    };
    return from(missing).pipe(
      concatMap((row) => askFor(options, row, release !== null)),
      scan(addAnswer, none),
      takeWhile(({ gone }) => gone.length <= allowance, true),
      takeLast(1),
      mergeMap(judge),
    );
  });
}

function letGo({ session, reader, stream }: DeletionOptions): Observable<never> {
  return defer(() => from(session.setHold(reader.entity, stream.name, null))).pipe(ignoreElements());
}

/** Rows of another account would be missing as well: whose the account is, is looked at again. */
function whileOurs({ session, reader, stream }: DeletionOptions, source: Observable<Progress>): Observable<Progress> {
  const { entity } = reader;
  // With the key that the rows were read with: another one must first be shown to be the entity's.
  return reader.rest.accountDetails('same').pipe(
    mergeMap((seen) => {
      const before = session.account(entity);
      judgeIdentity(reader, before, seen);
      const known = before !== null && (before.taxId !== null || before.accountUuid !== null);
      if (seen !== 'unreadable' || !known) return source;
      return of<Progress>({
        kind: 'warning',
        entity,
        stream: stream.name,
        message:
          'looking at the account before deletions: expected to read it as before, got no answer; nothing is deleted',
      });
    }),
  );
}

/** Only where a row that is known to be there can be had the way in which the missing ones are asked for. */
function whilePresent(options: DeletionOptions, source: Observable<Progress>): Observable<Progress> {
  const { reader, stream } = options;
  const { entity } = reader;
  const warn = (got: string): Observable<Progress> =>
    of({
      kind: 'warning',
      entity,
      stream: stream.name,
      message: `asking for missing rows one by one: expected a row that is known to be there to be answered with 200, got ${got}; nothing is deleted`,
    });
  return defer(() => {
    const control = knownRow(options);
    if (control?.address == null) return warn('none that is known to be there');
    return readDetail(options, control.id, control.address).pipe(
      mergeMap(({ status }) => (status === 200 ? source : warn('404'))),
    );
  });

  /** From the middle of the list, or wherever else there is one with an address. */
  function knownRow({ session }: DeletionOptions): Addressed | null {
    const rows = session.live(entity, stream.name);
    const ranks = [Math.floor(rows / 2), 0, rows - 1, Math.floor(rows / 4)];
    return ranks.map((rank) => session.atRank(entity, stream.name, rank)).find((row) => row?.address != null) ?? null;
  }
}

function askFor(options: DeletionOptions, row: Addressed, released: boolean): Observable<Found> {
  const { id, missing } = row;
  return readDetail(options, id, row.address ?? '').pipe(
    mergeMap((detail): Observable<Found> => {
      if (detail.status === 404) return of({ gone: { id, missing, ended: detail.ended, released } });
      return addDetail(options, detail.row, detail).pipe(map((told) => ({ told })));
    }),
  );
}

function publish(
  { session, reader, stream }: DeletionOptions,
  gone: readonly ConfirmedDeletion[],
): Observable<Progress> {
  const { entity } = reader;
  const chunks = Array.from({ length: Math.ceil(gone.length / CHUNK) }, (_, n) =>
    gone.slice(n * CHUNK, (n + 1) * CHUNK),
  );
  return from(chunks).pipe(
    concatMap((chunk) => session.remove(entity, stream.name, chunk)),
    mergeMap((deleted) => {
      const cursor = session.cursor(entity, stream.name, 'sweep');
      if (cursor === null || deleted === 0) return EMPTY;
      return of<Progress>({ kind: 'page', entity, stream: stream.name, counts: { ...NO_COUNTS, deleted }, cursor });
    }),
  );
}

/** How many rows may be deleted now. */
function allowanceOf({ session, reader, stream, now }: DeletionOptions): number {
  const { entity, deletions } = reader;
  const rows = session.live(entity, stream.name) + session.missing(entity, stream.name, Infinity).length;
  const cursor = session.cursor(entity, stream.name, 'sweep');
  const lately = (cursor?.deletions ?? []).filter(({ at }) => Date.parse(at) > now() - DAY_MS);
  const used = lately.reduce((sum, each) => sum + each.rows, 0);
  // With the rows the share shrinks, below what was used when there were more.
  return Math.max(0, Math.max(ALWAYS_ALLOWED, Math.floor(rows * deletions.maxShare)) - used);
}

/** Writes down that a person is asked. */
function hold(options: DeletionOptions, missing: number, allowance: number): Observable<Progress> {
  const { session, reader, stream, lap, newId, now } = options;
  const { entity } = reader;
  const id = newId();
  const written = {
    id,
    reason: `${missing} rows of ${stream.name} are missing, more than the ${allowance} that may be deleted now (deletions.maxShare); if they were deleted in inFakt, set "deletions": {"confirm": "${id}"} in the entity's file`,
    since: new Date(now()).toISOString(),
    sweep: lap.number - 1,
  };
  return defer(() => from(session.setHold(entity, stream.name, written))).pipe(
    map((): Progress => ({ kind: 'held', entity, stream: stream.name, hold: written })),
  );
}
