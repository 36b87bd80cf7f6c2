import type { Drift } from '../changes/drift';
import { asError } from '../errors';
import { addCounts, addMisfits, NO_COUNTS } from '../rules/cursor';
import type { OutgoingRecord, Outcome, StateRecord, Writer } from '../sinks/transaction';
import { stateKey, type StateKey, type Strays } from '../state/state-topic';
import { cutUp, pageSent, type Cautions } from './caution';
import { takeDrift, type FoundDrift } from './drift-of-page';
import { assemble, emptyFilling, isEmpty, outcomeOf, type Filling } from './filling';
import { placeName, type Memory, type Place, type StreamState } from './memory';
import {
  changesOf,
  removeDeleted,
  type ConfirmedDeletion,
  type PageForBatch,
  type PageResult,
  type PageToCommit,
  type RowSent,
} from './page-changes';
import { SessionEnded } from './session-ended';
import type { ShardOptions } from './shard-options';

interface Queued {
  readonly toCommit: PageToCommit;
  /** A row of a page that was cut up: the cursor stays, so that a crash repeats the whole page. */
  readonly partial: boolean;
  readonly resolve: (result: PageResult) => void;
  readonly reject: (error: Error) => void;
}

/** `sending`: one transaction is on its way, and the next is being filled meanwhile. `ended` is the end of the session. */
type CommitState =
  | { readonly name: 'resting' }
  | { readonly name: 'sending'; readonly sent: Filling }
  | { readonly name: 'ended'; readonly error: SessionEnded };

const NEXT: Readonly<Record<CommitState['name'], readonly CommitState['name'][]>> = {
  resting: ['sending', 'ended'],
  sending: ['resting', 'ended'],
  ended: [],
};

// A transaction of 500 to 1000 records commits two to three times as many a second as one of 100 (measured).
const MAX_ROWS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;
/** Rows that are named of what a stream's pages changed until they are told. */
const MOST_CHANGED = 50;

/** What committed pages came to. */
export interface PagesCommitted extends Pick<PageResult, 'counts' | 'deadLettered' | 'changed' | 'misfits'> {
  readonly drift: readonly FoundDrift[];
}

/** The options of a shard that its commits depend on. */
export type CommitOptions = Pick<
  ShardOptions,
  'serviceId' | 'deadLetters' | 'sweeps' | 'encodeBlock' | 'now' | 'idleCommitMs'
>;

/** What the commits of one session are made on. */
export interface CommitParts {
  readonly options: CommitOptions;
  readonly memory: Memory;
  readonly cautions: Cautions;
  readonly writer: Writer;
}

/**
 * The transactions of one session, one after the other: pages wait in a queue, are compared with the ledger, and what they changed fills the
 * next transaction while one is on its way. The first transaction that does not go through ends the session.
 */
export class Commits {
  /** Rejects when the session has ended: a commit did not go through, and what became of it only the state topic knows. */
  readonly failed: Promise<never>;
  readonly #parts: CommitParts;
  readonly #queue: Queued[] = [];
  readonly #idle: IdleCursors;
  readonly #committed = new Committed();
  #state: CommitState = { name: 'resting' };
  #filling = emptyFilling();
  /** Who waits until no page of a stream is in the queue. */
  #waiters: {
    readonly state: StreamState;
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  #fail: (error: Error) => void = () => undefined;

  constructor(parts: CommitParts) {
    this.#parts = parts;
    this.#idle = new IdleCursors(parts.options.idleCommitMs, () => void this.flush().catch(() => undefined));
    this.failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  /** True once the session has ended. */
  get hasEnded(): boolean {
    return this.#state.name === 'ended';
  }

  /** Compares a page, in the order of the calls; resolves when what it changed is committed, or at once where it changed nothing. */
  add(toCommit: PageToCommit): Promise<PageResult> {
    return new Promise((resolve, reject) => {
      if (this.#state.name === 'ended') {
        reject(this.#state.error);
        return;
      }
      this.#queue.push({ toCommit, partial: false, resolve, reject });
      this.#drain();
    });
  }

  /** Writes a value of the state topic, null to remove it, and records that go with it; resolves when that is durable. */
  write(key: StateKey, value: unknown, records: readonly OutgoingRecord[] = []): Promise<void> {
    this.#filling.values.set(stateKey(this.#parts.options.serviceId, key), value);
    this.#filling.records.push(...records);
    return this.#written();
  }

  /** Removes rows that the API says are gone, once every page of the stream was compared; resolves with their number when durable. */
  async remove(state: StreamState, confirmed: readonly ConfirmedDeletion[]): Promise<number> {
    await this.allPagesCompared(state);
    if (this.#state.name === 'ended') throw this.#state.error;
    const { memory } = this.#parts;
    const { records, rows, forgot } = removeDeleted(memory, state, confirmed);
    const filling = this.#filling;
    filling.records.push(...records);
    if (rows === 0) return 0;
    filling.rows += rows;
    for (const changed of [state, ...memory.besides(state)]) filling.touched.add(changed);
    if (forgot) this.#noteStrays(state);
    const place: Place = { state, scan: 'sweep' };
    filling.moved.set(placeName(place), place);
    await this.#written();
    return rows;
  }

  /** What the stream's pages came to that were committed since the last call. */
  takeCommitted(state: StreamState): PagesCommitted {
    return this.#committed.take(state);
  }

  /** Writes what changed in a stream's ledger with the next transaction. */
  touch(state: StreamState): void {
    this.#filling.touched.add(state);
  }

  /** Resolves when no page of the stream waits to be compared any more. */
  allPagesCompared(state: StreamState): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state.name === 'ended') {
        reject(this.#state.error);
        return;
      }
      this.#waiters.push({ state, resolve, reject });
      this.#drain();
    });
  }

  /** Commits what waits, cursors of unchanged pages included. */
  async flush(): Promise<void> {
    const { options, memory } = this.#parts;
    for (;;) {
      this.#drain();
      const state = this.#state;
      if (state.name === 'ended') throw state.error;
      if (state.name === 'resting') {
        if (this.#idle.isEmpty && !memory.offsetsPending) return;
        // The layout is written with every transaction: this alone makes one.
        if (memory.offsetsPending) this.#filling.values.set(stateKey(options.serviceId, { layout: true }), null);
        this.#idle.addTo(this.#filling.moved);
        continue;
      }
      await outcomeOf(state.sent);
    }
  }

  /** Ends the session: what waits is rejected with a SessionEnded. The first end counts. */
  end(error: Error): void {
    const before = this.#state;
    if (before.name === 'ended') return;
    const ended = new SessionEnded(error);
    this.#go({ name: 'ended', error: ended });
    this.#idle.clear();
    const sent = before.name === 'sending' ? before.sent.failed : [];
    for (const reject of [...sent, ...this.#filling.failed, ...this.#waiters.splice(0).map(({ reject }) => reject)])
      reject(ended);
    for (const { reject } of this.#queue.splice(0)) reject(ended);
    this.#fail(error);
  }

  #go(next: CommitState): void {
    const before = this.#state.name;
    if (!NEXT[before].includes(next.name))
      throw new Error(`commits went from ${before} to ${next.name}; this is a bug`);
    this.#state = next;
  }

  #drain(): void {
    if (this.#state.name === 'ended') return;
    try {
      const { share } = this.#parts.cautions;
      while (this.#filling.rows < MAX_ROWS * share && this.#filling.bytes < MAX_BYTES * share && this.#takeNext());
      if (this.#state.name === 'resting' && !isEmpty(this.#filling)) this.#sendBatch();
    } catch (error) {
      // Not a failed commit, so a bug: the ledger may be half changed, and only a new session puts it right.
      this.end(asError(error));
      return;
    }
    this.#waiters = this.#waiters.filter(({ state, resolve }) => {
      const waits = this.#queuedOf(state).length > 0;
      if (!waits) resolve();
      return waits;
    });
  }

  /** Moves the next page from the queue into the transaction that is being filled; false where there is none or it has to wait. */
  #takeNext(): boolean {
    const [next] = this.#queue;
    if (next === undefined) return false;
    const { toCommit } = next;
    const state = this.#streamOf(toCommit);
    const caution = this.#parts.cautions.of({ state, scan: toCommit.scan }, toCommit.page);
    const careful = caution.name !== 'none';
    if (careful && (this.#state.name !== 'resting' || !isEmpty(this.#filling))) return false;
    this.#queue.shift();
    if (caution.name === 'row by row' && toCommit.page.rows.length > 1) {
      this.#queue.unshift(...inRows(next));
      return true;
    }
    const changes = this.#compare(state, next);
    const settle = (): void => {
      const { counts, deadLettered, changed, misfits, drift } = changes.result;
      // A page that was cut up counts as read with its last row, and as published with each.
      const read = next.partial ? NO_COUNTS : { ...NO_COUNTS, rows: counts.rows, unchanged: counts.unchanged };
      this.#committed.add(state, {
        counts: addCounts(read, changes.published),
        deadLettered,
        changed,
        misfits,
        drift: drift === null ? [] : [drift],
      });
      next.resolve(changes.result);
    };
    this.#fill(state, toCommit, changes);
    if (changes.waits) {
      this.#filling.settled.push(settle);
      this.#filling.failed.push(next.reject);
    } else settle();
    return !careful || !changes.waits;
  }

  /** A page that cannot be compared with the ledger is a bug, and waits for nothing. */
  #compare(state: StreamState, { toCommit, partial, reject }: Queued): PageForBatch {
    const { memory, options, cautions } = this.#parts;
    const place = { state, scan: toCommit.scan };
    const began = this.#queuedOf(state).map(({ toCommit: { page } }) => page.began);
    const oldestOpen = Math.min(...state.requests, ...began);
    const wasRefused = (row: RowSent): boolean => cautions.takeRefusedRow(place, row);
    try {
      return changesOf({ memory, options, partial, oldestOpen, wasRefused }, state, toCommit);
    } catch (error) {
      reject(asError(error));
      throw error;
    }
  }

  #fill(state: StreamState, { scan, page }: PageToCommit, changes: PageForBatch): void {
    const filling = this.#filling;
    const place: Place = { state, scan };
    for (const record of changes.records) filling.records.push(record);
    if (changes.sweepRecord !== null) filling.sweepRecords.push(changes.sweepRecord);
    filling.bytes += changes.size.bytes;
    if (changes.newStrays) this.#noteStrays(state);
    if (changes.waits) {
      filling.rows += Math.max(1, changes.size.records);
      filling.pages.push(pageSent(place, page, changes.records[0]?.headers['fingerprint'] ?? null));
      for (const changed of [state, ...changes.followed]) filling.touched.add(changed);
      if (changes.cursor === 'moved') filling.moved.set(placeName(place), place);
      if (changes.countsInSweep) filling.moved.set(placeName({ state, scan: 'sweep' }), { state, scan: 'sweep' });
    } else if (changes.cursor === 'moved') this.#idle.add(place);
  }

  /** Notes how the API differs, which no page shows; returns what of that is new, and null once the session has ended. */
  noteDrift(state: StreamState, drift: Drift): FoundDrift | null {
    if (this.hasEnded) return null;
    state.drift.note(drift);
    if (state.drift.takeChange()) this.#noteStrays(state);
    return takeDrift(state);
  }

  /** Lets the next transaction write what is remembered of rows without an id, of records that dead letters followed, and of the API's drift. */
  #noteStrays(state: StreamState): void {
    const key: StateKey = { entity: state.entity, stream: state.name, strays: true };
    const lastPublished = [...state.lastPublished].map(([id, last]) => ({ id, ...last }));
    const drift = state.drift.stored();
    const value: Strays = {
      fingerprints: state.strays,
      ...(lastPublished.length > 0 && { lastPublished }),
      ...(drift !== undefined && { drift }),
    };
    this.#filling.values.set(stateKey(this.#parts.options.serviceId, key), value);
  }

  /** Sends the filled transaction off; pages go on being compared while it is on its way. */
  #sendBatch(): void {
    const sent = this.#filling;
    this.#filling = emptyFilling();
    this.#go({ name: 'sending', sent });
    this.#idle.addTo(sent.moved);
    this.#idle.clear();
    const batch = assemble(sent, this.#parts);
    void this.#parts.writer
      .commit(batch)
      .then((outcome) => this.#settleBatch(sent, batch.state, outcome))
      .catch((error: unknown) => this.end(asError(error)));
  }

  #settleBatch(sent: Filling, written: readonly StateRecord[], outcome: Outcome): void {
    if (this.#state.name === 'ended') return;
    const { memory, cautions } = this.#parts;
    if (outcome.kind !== 'committed') {
      if (outcome.kind === 'refused') {
        const queued = this.#queue.map(({ toCommit }) =>
          pageSent({ state: this.#streamOf(toCommit), scan: toCommit.scan }, toCommit.page, null),
        );
        cautions.shrinkAfterRefusal(sent.pages, [...this.#filling.pages, ...queued]);
      }
      if (outcome.kind === 'lost' && outcome.late === true) cautions.shrinkAfterDeadline();
      this.end(outcome.error);
      return;
    }
    cautions.growAfterCommit();
    for (const { ledger } of sent.touched) ledger.settle();
    memory.committed(written, outcome.lastOffsets);
    for (const page of sent.pages) cautions.committed(page);
    this.#go({ name: 'resting' });
    for (const settled of sent.settled) settled();
    this.#drain();
  }

  /** Resolves when what is being filled now is durable: others may go on filling the shard for hours. */
  #written(): Promise<void> {
    if (this.#state.name === 'ended') return Promise.reject(this.#state.error);
    const outcome = outcomeOf(this.#filling);
    this.#drain();
    return outcome;
  }

  #queuedOf({ entity, name }: StreamState): readonly Queued[] {
    return this.#queue.filter(({ toCommit }) => toCommit.entity === entity && toCommit.stream === name);
  }

  #streamOf({ entity, stream }: PageToCommit): StreamState {
    return this.#parts.memory.streamOf(entity, stream);
  }
}

const NOTHING_COMMITTED: PagesCommitted = { counts: NO_COUNTS, deadLettered: [], changed: [], misfits: {}, drift: [] };

/** What pages came to, committed and not yet told: their scan may have ended before they were committed, as when its stream is parked. */
class Committed {
  readonly #byStream = new Map<StreamState, PagesCommitted>();

  add(state: StreamState, { counts, deadLettered, changed, misfits, drift }: PagesCommitted): void {
    const before = this.take(state);
    this.#byStream.set(state, {
      counts: addCounts(before.counts, counts),
      deadLettered: [...before.deadLettered, ...deadLettered],
      changed: [...before.changed, ...changed].slice(-MOST_CHANGED),
      misfits: addMisfits(before.misfits, misfits),
      drift: [...before.drift, ...drift],
    });
  }

  take(state: StreamState): PagesCommitted {
    const committed = this.#byStream.get(state) ?? NOTHING_COMMITTED;
    this.#byStream.delete(state);
    return committed;
  }
}

/** Scans whose cursor moved by pages that changed nothing: they go with the next commit, and after a while make one. */
class IdleCursors {
  readonly #places = new Map<string, Place>();
  readonly #waitMs: number;
  readonly #commit: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(waitMs: number, commit: () => void) {
    this.#waitMs = waitMs;
    this.#commit = commit;
  }

  get isEmpty(): boolean {
    return this.#places.size === 0;
  }

  add(place: Place): void {
    this.#places.set(placeName(place), place);
    this.#timer ??= setTimeout(this.#commit, this.#waitMs);
  }

  /** Adds the scans to those whose cursor a transaction writes. */
  addTo(moved: Map<string, Place>): void {
    for (const [name, place] of this.#places) moved.set(name, place);
  }

  /** Forgets the scans, whose cursors a transaction now writes or no session will. */
  clear(): void {
    this.#places.clear();
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

/** A queued page as many of one row each; the last stands for the whole. */
function inRows(queued: Queued): readonly Queued[] {
  const nothing = (): void => undefined;
  return cutUp(queued.toCommit).map((toCommit, index, all) =>
    index === all.length - 1 ? { ...queued, toCommit } : { toCommit, partial: true, resolve: nothing, reject: nothing },
  );
}
