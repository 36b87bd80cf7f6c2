import { EntryFlag } from '../changes/block';
import type { Drift } from '../changes/drift';
import { entityRecordOf } from '../changes/reports';
import { TransientError } from '../errors';
import type { Cursor, EntityId, Following, ScanName, StreamName } from '../model';
import type { Completeness } from '../rules/completeness';
import { cursorOf, walkOf } from '../rules/cursor';
import type { OutgoingRecord } from '../sinks/transaction';
import { showSame, type Account, type Hold } from '../state/state-topic';
import { Commits, type CommitParts, type PagesCommitted } from './commits';
import type { FoundDrift } from './drift-of-page';
import { addressed, followingOf, type Addressed, type Memory, type StreamState } from './memory';
import { leaveOutOfScope, type ConfirmedDeletion, type PageResult, type PageToCommit } from './page-changes';
import { noteSwept } from './page-evidence';
import { completenessOfStream } from './stream-completeness';

/** A missing entry that one read has proved absent. */
export interface Unconfirmed {
  readonly id: number;
  /** When a second read confirms that, in milliseconds since 1970. */
  readonly atMs: number;
}

/** One stream of one entity within a session. */
export interface StreamSession {
  /** Newest cursor of a scan, durable or not. */
  cursor(scan: ScanName): Cursor | null;
  /** Replaces a scan's cursor by that of a new walk; it becomes durable with the walk's first commit. */
  begin(scan: ScanName, cursor: Cursor): void;
  /** Rows that the list of the sweep's query should have now. */
  live(): number;
  /** Memory that the ledger's entries take. */
  ledgerBytes(): number;
  /** The entry at that rank among those neither left nor missing; null = there are not so many. */
  atRank(rank: number): Addressed | null;
  entry(id: number): Addressed | null;
  /** Missing entries that two reads have proved absent, far enough apart, ascending. */
  confirmedMissing(): readonly Addressed[];
  /** Missing entries that are to be proved absent once more, ascending, with when that confirms them. */
  unconfirmed(): readonly Unconfirmed[];
  following(id: number): Following;
  /** The entry that has this uuid, and whether it has left the scope; null = none has. Every entry is looked through. */
  byUuid(uuid: string): { readonly id: number; readonly hasLeft: boolean } | null;
  /** Entries that this sweep or an earlier one first missed, ascending. */
  missing(sweep: number): readonly Addressed[];
  /** Entries that left the scope and are to be published again all the same, ascending. */
  leftToPublish(): readonly Addressed[];
  /** Publishes tombstones of rows that are missing still, as they were when asked for; resolves with their number when durable. */
  remove(confirmed: readonly ConfirmedDeletion[]): Promise<number>;
  /** What the pages came to that were committed since the last call, whoever added them. */
  takeCommitted(): PagesCommitted;
  /** Remembers how the API differs where no page shows it; returns what of that is new, or null. */
  noteDrift(drift: Drift): FoundDrift | null;
  /** Whether the last finished sweep is complete, its deletions included, and what it lacks. */
  completeness(): Completeness;
  hold(): Hold | null;
  /** Writes down that the stream's deletions wait for a person, or no longer. */
  setHold(hold: Hold | null): Promise<void>;
  /** Rows of the stream before an id that are neither left nor missing: about where a list has it. */
  rank(id: number): number;
  /** Resolves when no page of the stream waits to be compared any more. */
  allPagesCompared(): Promise<void>;
  /** Says that a request of the stream is being made, from this mark on; to be called back when its page was added, or none came. */
  requested(mark: number): () => void;
}

/**
 * The time between one fence and the next: while it lasts, this process is the shard's one writer (I4). Every promise of an ended session
 * rejects with a SessionEnded.
 */
export interface Session {
  /** A stream of this shard. */
  stream(entity: EntityId, name: StreamName): StreamSession;
  account(entity: EntityId): Account | null;
  /** Remembers whose account an entity's key belongs to, and publishes what is new of it in the same transaction. */
  remember(entity: EntityId, account: Account): Promise<void>;
  /**
   * Compares a page with the ledger; resolves when what it changed is committed, or at once where it changed nothing.
   * Pages of one scan must be added in order. The result says where the stream must be parked. Rejects with a SessionEnded where the session has ended.
   */
  add(page: PageToCommit): Promise<PageResult>;
  /** Commits what waits, cursors of unchanged pages included. */
  flush(): Promise<void>;
  /** Rejects when the session has ended: a commit did not go through, and what became of it only the state topic knows. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** Starts a session of a shard that was just taken. */
export function createSession(number: number, parts: CommitParts): Session {
  const { memory, writer } = parts;
  const commits = new Commits(parts);
  const stream = (entity: EntityId, name: StreamName): StreamSession =>
    createStreamSession(memory.streamOf(entity, name), commits);
  return {
    stream,
    account: (entity) => memory.accounts.get(entity) ?? null,
    remember(entity, account) {
      const before = memory.accounts.get(entity)?.published;
      memory.accounts.set(entity, account);
      return commits.write(
        { entity, account: true },
        account,
        entityRecords(memory, entity, before, account.published),
      );
    },
    add: (page) => commits.add(page),
    flush: () => commits.flush(),
    failed: commits.failed,
    close() {
      commits.end(new TransientError(`shard ${number} was closed`));
      return writer.close();
    },
  };
}

/** The record of an entity where it says what the record before does not. */
function entityRecords(
  memory: Memory,
  entity: EntityId,
  before: Account['published'],
  shown: Account['published'],
): readonly OutgoingRecord[] {
  if (shown === undefined || showSame(before, shown)) return [];
  const observedAtMs = memory.observe();
  memory.observed(observedAtMs);
  return [entityRecordOf(memory.entities, entity, { op: before === undefined ? 'c' : 'u', shown, observedAtMs })];
}

function createStreamSession(state: StreamState, commits: Commits): StreamSession {
  const { entity, ledger, name: stream, requests, walks } = state;
  return {
    cursor(scan) {
      const walk = walks.get(scan);
      return walk === undefined ? null : cursorOf(walk);
    },
    begin(scan, cursor) {
      // The walks belong to the next session now.
      if (commits.hasEnded) return;
      if (scan === 'sweep') noteSwept(state);
      walks.set(scan, walkOf(cursor));
      if (scan === 'sweep' && leaveOutOfScope(state, cursor.query)) commits.touch(state);
    },
    live: () => ledger.live + state.strays.length,
    ledgerBytes: () => ledger.bytes,
    atRank(rank) {
      const id = ledger.atRank(rank);
      return id === undefined ? null : addressed(state, id);
    },
    entry: (id) => addressed(state, id),
    confirmedMissing() {
      const { absences } = state;
      absences.keep((id) => (ledger.entry(id)?.missing ?? 0) > 0);
      return ledger
        .missingSince(Infinity)
        .flatMap((id) => (absences.isConfirmed(id) ? (addressed(state, id) ?? []) : []));
    },
    unconfirmed: () =>
      ledger.missingSince(Infinity).flatMap((id) => {
        const atMs = state.absences.confirmableAtMs(id);
        return atMs === null ? [] : [{ id, atMs }];
      }),
    following: (id) => followingOf(state, id),
    byUuid(uuid) {
      const id = ledger.idOf(uuid);
      return id === null ? null : { id, hasLeft: ((ledger.entry(id)?.flags ?? 0) & EntryFlag.LEFT) !== 0 };
    },
    missing: (sweep) => ledger.missingSince(sweep).flatMap((id) => addressed(state, id) ?? []),
    leftToPublish: () => ledger.leftToPublish().flatMap((id) => addressed(state, id) ?? []),
    remove: (confirmed) => commits.remove(state, confirmed),
    takeCommitted: () => commits.takeCommitted(state),
    noteDrift: (drift) => commits.noteDrift(state, drift),
    completeness: () => completenessOfStream(state),
    hold: () => state.hold,
    setHold(hold) {
      state.hold = hold;
      return commits.write({ entity, stream, hold: true }, hold);
    },
    rank: (id) => ledger.rank(id),
    allPagesCompared: () => commits.allPagesCompared(state),
    requested(mark) {
      requests.add(mark);
      return () => void requests.delete(mark);
    },
  };
}
