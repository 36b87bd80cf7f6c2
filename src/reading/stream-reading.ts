import { defer, finalize, map, Subject, type Observable } from 'rxjs';

import type {
  Answer,
  CountedList,
  EntityId,
  Position,
  Query,
  RawBody,
  Row,
  StreamDeclaration,
  StreamName,
  Turn,
} from '../model';
import { isComplete } from '../rules/cursor';
import type { Twins } from '../rules/identity';
import type { DictionaryPace } from '../rules/dictionaries';
import { FilterWatch } from '../rules/filter-watch';
import type { Guarantees, TimedScan } from '../rules/rhythm';
import { isoDay, listParams, scansOf, sweepQuery, type ScopeSetting } from '../rules/scope';
import { KsefSchedule } from '../rules/ksef-schedule';
import { Finder } from '../rules/search';
import { StreamSchedule } from '../rules/stream-schedule';
import type { Session, StreamSession } from '../shard/session';
import type { Slot } from '../sources/budget';
import { createCredits, type Release } from '../sources/credits';
import type { Asking, Rest } from '../sources/rest';
import { ksefNameOf, ksefStreamOf } from '../sources/streams/ksef';
import type { HintSource } from './hint-source';
import { askRecovering, PageSize, type AskRows } from './recover-page';
import { ofStreamAlone, type LastAnswers } from './stream-trouble';

/** How a running service reads over and over. */
export interface Rhythm {
  readonly guarantees: (stream: StreamName) => Guarantees;
  /** How far back `recent` looks. */
  readonly recentDays: number;
  /** Whether filters are proven, and scans made by those that work; default not. */
  readonly provesFilters?: boolean;
}

/** Numbers that grow with each call: one sequence for all requests of a process, so that answers can be put in order. */
export interface RequestOrder {
  next(): number;
}

/** One legal entity as it is read. */
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

/** Of which documents it is read what KSeF says, and when again. */
export interface KsefSetting {
  /** The first day of them, `YYYY-MM-DD`. */
  readonly from: string;
  /** How long after a change a document is read again. */
  readonly readAfterMs: readonly number[];
}

/** How a shard is read. */
export interface ShardReadingOptions {
  /** Fences and restores; called again after each commit that did not go through. */
  readonly open: (wanted: AbortSignal) => Promise<Session>;
  readonly readers: readonly Reader[];
  /** How often each scan of a stream is made; null = one sweep of every stream, then the reading completes. */
  readonly rhythm: Rhythm | null;
  /** How long the nth parking in a row lasts. */
  readonly parkMs: (failures: number) => number;
  /** Rows a page. */
  readonly limit: number;
  /** Pages of one scan that may be on their way at a time. */
  readonly credits: number;
  readonly requestOrder: RequestOrder;
  readonly twins: Pick<Twins, 'check' | 'identified'>;
  readonly now: () => number;
  /** Resolves in a turn of the event loop of the caller's own; what comes in bulk is spread by it. */
  readonly turn: () => Promise<void>;
  /** Names what waits for a person. */
  readonly newId: () => string;
  /** What KSeF says of which documents is read; null = of none. */
  readonly ksef: KsefSetting | null;
  /** How often dictionaries are read; null or absent = they are not. */
  readonly dictionaries?: DictionaryPace | null;
  /** Where hints about rows come from; absent = no scan is ever helped. */
  readonly hints?: HintSource | undefined;
  /** Once aborted, no scan asks for a further page and nothing that is parked is waited for. */
  readonly stop: AbortSignal;
  /** Emits when `stop` is aborted, to late subscribers too; one for all shards, as each would add a listener to the signal. */
  readonly stopping: Observable<unknown>;
}

/** The sweeps of one reading of a shard, by entity and stream, over all of its sessions. */
export interface Sweeps {
  /**
   * Sweep number begun per stream; recognises a sweep that did commit although its commit was reported lost, or although its entity was
   * parked meanwhile: that one is not read again.
   */
  readonly begun: Map<string, number>;
  /** Streams whose sweep was reported complete. */
  readonly reported: Set<string>;
  /** Streams whose sweep's deletions were decided; a session that ended before leaves them to the next one. */
  readonly decided: Set<string>;
}

/** The reading of one shard, over all of its sessions. */
export interface ShardReading extends ShardReadingOptions {
  readonly sweeps: Sweeps;
  /** Rows that a page of each list is asked for, by entity and stream. */
  readonly pageSizes: Map<string, PageSize>;
  /** What is kept of each stream between its walks, by entity and stream. */
  readonly live: Map<string, LiveStream>;
}

/** What KSeF says of a document as a list's row shows it, on its way to be published. */
export interface ListedKsef {
  readonly row: Row;
  /** When the list was asked, and its answer complete, in the order of requests. */
  readonly began: number;
  readonly ended: number;
  /** Is to be called once it was published, or will not be. */
  readonly done: () => void;
}

/** Which documents of a stream are asked next what KSeF says of them. */
export interface KsefWatch {
  /** The first day of documents that are asked for. */
  readonly from: string;
  readonly schedule: KsefSchedule;
  /** Emits when a page has shown documents that KSeF concerns. */
  readonly shown: Subject<void>;
  /** Emits what rows of lists show. */
  readonly listed: Subject<readonly ListedKsef[]>;
  /** Documents that a page of named fields did not tell of: they are asked for by themselves. */
  readonly alone: Set<number>;
  /** No page of named fields is asked for before, as one was not answered. */
  noPageBeforeMs: number;
}

/** The documents of a stream in KSeF: what to read next, and what was published of them. */
export interface KsefReading {
  readonly watch: KsefWatch;
  /** The session's handle of what KSeF says of the stream's documents. */
  readonly handle: StreamSession;
}

/** What a running service keeps of one stream between its walks, over all sessions of its shard. */
export interface LiveStream {
  readonly schedule: StreamSchedule;
  readonly finders: Readonly<Record<CountedList, Finder>>;
  /** What is known of the list's filters; null = they are not proven. */
  readonly filters: FilterWatch | null;
  /** Emits a list in which rows came or went that are to be searched for. */
  readonly searches: Subject<CountedList>;
  /** Emits when a page proved rows absent. */
  readonly absences: Subject<void>;
  /** Null = it is not read what KSeF says of the stream's rows. */
  readonly ksef: KsefWatch | null;
  /** At most one decision on deletions at a time. */
  readonly deciding: () => Promise<Release>;
  /** Rows whose deletion was decided on since the last sweep ended: deleted, there after all, or without a clear answer. */
  readonly decided: Set<number>;
  /** Scans of whose last walk it was told that pages contradict the list's total. */
  readonly miscounted: Set<TimedScan>;
  /** When it was told last how often its lists are read. */
  rhythmToldMs: number;
  /** Spot reads under way: until they are done, the ledger counts rows that left a list. */
  spotReads: number;
}

/** The reading of one entity in one session of its shard. */
export interface EntityReading {
  readonly shard: ShardReading;
  readonly session: Session;
  readonly reader: Reader;
  /** Which of its streams were answered, and when. */
  readonly answers: LastAnswers;
}

/** The reading of one stream in one session of its shard. */
export interface StreamReading extends EntityReading {
  readonly stream: StreamDeclaration;
  readonly place: { readonly entity: EntityId; readonly stream: StreamName };
  /** The session's handle of the stream. */
  readonly handle: StreamSession;
}

/** One stream of an entity that is read. */
export function streamReading(entity: EntityReading, stream: StreamDeclaration): StreamReading {
  const place = { entity: entity.reader.entity, stream: stream.name };
  return { ...entity, stream, place, handle: entity.session.stream(place.entity, place.stream) };
}

/** What is kept of the stream between its walks; null where nothing is read again, as in a run of one sweep. */
export function liveOf(reading: StreamReading): LiveStream | null {
  const { shard, stream, handle, place } = reading;
  const { rhythm, live, limit, now } = shard;
  if (rhythm === null) return null;
  const name = `${place.entity} ${place.stream}`;
  const known = live.get(name);
  if (known !== undefined) return known;
  const created: LiveStream = {
    schedule: new StreamSchedule({
      scans: scansOf(stream),
      guarantees: rhythm.guarantees(stream.name),
      limit,
      startedMs(scan) {
        const cursor = handle.cursor(scan);
        return cursor === null ? null : Date.parse(cursor.startedAt);
      },
      nowMs: now(),
    }),
    finders: { all: new Finder(limit), open: new Finder(limit) },
    filters: rhythm.provesFilters === true ? filterWatch(reading) : null,
    searches: new Subject(),
    absences: new Subject(),
    ksef: ksefWatchOf(stream, shard.ksef),
    deciding: createCredits(1),
    decided: new Set(),
    miscounted: new Set(),
    rhythmToldMs: now(),
    spotReads: 0,
  };
  live.set(name, created);
  return created;
}

function filterWatch({ stream, handle }: StreamReading): FilterWatch {
  const watch = new FilterWatch(stream);
  const sweep = handle.cursor('sweep');
  if (isComplete(sweep)) watch.swept(sweep);
  return watch;
}

function ksefWatchOf({ name }: StreamDeclaration, setting: KsefSetting | null): KsefWatch | null {
  if (setting === null || ksefStreamOf(name) === undefined) return null;
  return {
    from: setting.from,
    schedule: new KsefSchedule(setting.readAfterMs),
    shown: new Subject(),
    listed: new Subject(),
    alone: new Set(),
    noPageBeforeMs: 0,
  };
}

/** The documents of a stream in KSeF; null = what KSeF says of them is not read. */
export function ksefOf(reading: StreamReading): KsefReading | null {
  const watch = liveOf(reading)?.ksef ?? null;
  if (watch === null) return null;
  const { session, place } = reading;
  return { watch, handle: session.stream(place.entity, ksefNameOf(place.stream)) };
}

/** Says that a request of the stream is being made, which may show what KSeF says too; to be called back when its page was added, or none came. */
function requested(reading: StreamReading, mark: number): () => void {
  const answered = [reading.handle, ksefOf(reading)?.handle].map((handle) => handle?.requested(mark));
  return () => {
    for (const close of answered) close?.();
  };
}

/** What a sweep of the stream asks for now. */
export function scopeOf({ shard, session, reader, stream }: StreamReading): Query {
  return sweepQuery(stream, reader, session.account(reader.entity)?.firstRun ?? isoDay(shard.now()));
}

/** The turn among all requests of the one for rows from an offset on; null = no request has one, where nothing has a rhythm. */
type TurnAt = ((offset: number) => Turn | undefined) | null;

function turnOf(turnAt: TurnAt, offset: number): Pick<Asking, 'turn'> {
  return turnAt === null ? {} : { turn: () => turnAt(offset) };
}

/** Asks for rows of a query, with `more` parameters, the first time with leave that was got before; the session knows of each request until its page was added, or none came. */
export function asking(
  reading: StreamReading,
  query: Query,
  turnAt: TurnAt,
  slot?: Slot,
  more: Readonly<Record<string, string>> = {},
): AskRows {
  const { shard, reader, stream, place, answers } = reading;
  let first = slot;
  const params = { ...listParams(stream, query), ...more };
  return (offset, limit, tries) =>
    defer(() => {
      const mark = shard.requestOrder.next();
      const askedMs = shard.now();
      const answered = requested(reading, mark);
      const leave = first;
      first = undefined;
      return reader.rest
        .list(stream.name, stream.path, params, offset, limit, {
          ...turnOf(turnAt, offset),
          ...(tries === undefined ? {} : { tries }),
          ...(leave === undefined ? {} : { slot: leave }),
        })
        .pipe(
          map((answer) => ({ ...answer, askedMs })),
          ofStreamAlone(answers, place, mark),
          finalize(answered),
        );
    });
}

/** Asks for the pages of a walk, the first one with leave that was got before; in smaller pages where large ones fail. */
export function askingPages(
  reading: StreamReading,
  query: Query,
  turnAt: TurnAt,
  slot: Slot | undefined,
): (offset: number, position: Position) => Observable<Answer> {
  const {
    shard,
    reader: { rest },
    stream,
    place,
  } = reading;
  const name = `${place.entity} ${place.stream}`;
  const size = shard.pageSizes.get(name) ?? new PageSize(shard.limit);
  shard.pageSizes.set(name, size);
  const params = listParams(stream, query);
  const raw = (offset: number): Observable<RawBody> =>
    rest.raw(stream.name, stream.path, params, offset, turnOf(turnAt, offset));
  const ask = askRecovering({ ask: asking(reading, query, turnAt, slot), raw }, size, query.order);
  return (_, position) => ask(position);
}
