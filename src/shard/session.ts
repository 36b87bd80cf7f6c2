import { TransientError } from '../errors';
import type { Cursor, EntityId, ScanName, StreamName } from '../model';
import { cursorOf, walkOf } from '../rules/cursor';
import type { Account, Hold } from '../state/state-topic';
import { Commits, type CommitParts } from './commits';
import { addressed, type Addressed } from './memory';
import { leaveOutOfScope, type ConfirmedDeletion, type PageResult, type PageToCommit } from './page-changes';

/** The time between one fence and the next: while it lasts, this process is the shard's one writer (I4). */
export interface Session {
  /** Newest cursor of a scan, durable or not. */
  cursor(entity: EntityId, stream: StreamName, scan: ScanName): Cursor | null;
  account(entity: EntityId): Account | null;
  /** Remembers whose account an entity's key belongs to. */
  remember(entity: EntityId, account: Account): Promise<void>;
  /** Replaces a scan's cursor by that of a new walk; it becomes durable with the walk's first commit. */
  begin(entity: EntityId, stream: StreamName, scan: ScanName, cursor: Cursor): void;
  /**
   * Compares a page with the ledger; resolves when what it changed is committed, or at once where it changed nothing.
   * Pages of one scan must be added in order. Rejects with a FatalError where the stream must be parked; with whatever ended the session.
   */
  add(page: PageToCommit): Promise<PageResult>;
  /** Rows that the list of the sweep's query should have now. */
  live(entity: EntityId, stream: StreamName): number;
  /** The entry at that rank among those neither left nor missing; null = there are not so many. */
  atRank(entity: EntityId, stream: StreamName, rank: number): Addressed | null;
  entry(entity: EntityId, stream: StreamName, id: number): Addressed | null;
  /** Entries that this sweep or an earlier one first missed, ascending. */
  missing(entity: EntityId, stream: StreamName, sweep: number): readonly Addressed[];
  /** Publishes tombstones of rows that are missing still, as they were when asked for; resolves with their number when durable. */
  remove(entity: EntityId, stream: StreamName, confirmed: readonly ConfirmedDeletion[]): Promise<number>;
  hold(entity: EntityId, stream: StreamName): Hold | null;
  /** Writes down that the stream's deletions wait for a person, or no longer. */
  setHold(entity: EntityId, stream: StreamName, hold: Hold | null): Promise<void>;
  /** Rows of the stream before an id that are neither left nor missing: about where a list has it. */
  rank(entity: EntityId, stream: StreamName, id: number): number;
  /** Resolves when no page of the stream waits to be compared any more. */
  settled(entity: EntityId, stream: StreamName): Promise<void>;
  /** Says that a request of the stream is being made, from this mark on; to be called back when its page was added, or none came. */
  requested(entity: EntityId, stream: StreamName, mark: number): () => void;
  /** True once the session has ended. */
  over(): boolean;
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
  const streamOf = memory.streamOf.bind(memory);
  return {
    cursor(entity, stream, scan) {
      const walk = streamOf(entity, stream).walks.get(scan);
      return walk === undefined ? null : cursorOf(walk);
    },
    account: (entity) => memory.accounts.get(entity) ?? null,
    remember(entity, account) {
      memory.accounts.set(entity, account);
      return commits.write({ entity, account: true }, account);
    },
    begin(entity, stream, scan, cursor) {
      // The walks belong to the next session now.
      if (commits.hasEnded) return;
      const state = streamOf(entity, stream);
      state.walks.set(scan, walkOf(cursor));
      if (scan === 'sweep' && leaveOutOfScope(state, cursor.query)) commits.touch(state);
    },
    add: (page) => commits.add(page),
    live(entity, stream) {
      const { ledger, strays } = streamOf(entity, stream);
      return ledger.live + strays.length;
    },
    atRank(entity, stream, rank) {
      const state = streamOf(entity, stream);
      const id = state.ledger.atRank(rank);
      return id === undefined ? null : addressed(state, id);
    },
    entry: (entity, stream, id) => addressed(streamOf(entity, stream), id),
    missing(entity, stream, sweep) {
      const state = streamOf(entity, stream);
      return state.ledger.missingSince(sweep).flatMap((id) => addressed(state, id) ?? []);
    },
    remove: (entity, stream, confirmed) => commits.remove(streamOf(entity, stream), confirmed),
    hold: (entity, stream) => streamOf(entity, stream).hold,
    setHold(entity, stream, hold) {
      streamOf(entity, stream).hold = hold;
      return commits.write({ entity, stream, hold: true }, hold);
    },
    rank: (entity, stream, id) => streamOf(entity, stream).ledger.rank(id),
    settled: (entity, stream) => commits.allPagesCompared(streamOf(entity, stream)),
    requested(entity, stream, mark) {
      const { requests } = streamOf(entity, stream);
      requests.add(mark);
      return () => void requests.delete(mark);
    },
    over: () => commits.hasEnded,
    flush: () => commits.flush(),
    failed: commits.failed,
    close() {
      commits.end(new TransientError(`shard ${number} was closed`));
      return writer.close();
    },
  };
}
