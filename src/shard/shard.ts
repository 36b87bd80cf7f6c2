import { createHash } from 'node:crypto';

import { ConfigError, FatalError, RecordError, TransientError } from '../errors';
import { createLedger, EntryFlag, type Entry, type Fingerprint, type Ledger } from '../changes/ledger';
import type { Counts, Cursor, EntityId, LedgerBlock, Page, ScanName } from '../model';
import {
  deadLetterOf,
  lapRecordOf,
  lineRecordsOf,
  recordsOf,
  tombstonesOf,
  type LapsCodec,
  type Origin,
  type OutputTopic,
  type StreamCodec,
} from '../changes/records';
import type { Batch, LastOffsets, OutgoingRecord, Outcome, StateRecord, Writer } from '../sinks/transaction';
import type { StoredRecord } from '../sinks/transaction';
import { withTopicsOf } from '../state/layout';
import {
  parseStateKey,
  parseStateValue,
  stateKey,
  type Account,
  type Hold,
  type Layout,
  type Session as SessionMarker,
  type StateKey,
  type Strays,
} from '../state/state-topic';
import {
  addCounts,
  addSums,
  advance,
  cursorOf,
  NO_COUNTS,
  walkOf,
  withDeletions,
  withMark,
  type Walk,
} from '../rules/cursor';

/** What a shard is made of; everything outside it is passed in. */
export interface ShardOptions {
  readonly number: number;
  readonly serviceId: string;
  readonly stateTopic: string;
  /** The streams of each configured entity that belongs to this shard. */
  readonly streams: readonly { readonly entity: EntityId; readonly codec: StreamCodec }[];
  readonly deadLetters: OutputTopic;
  /** Where finished laps are told of. */
  readonly laps: LapsCodec;
  readonly encodeBlock: (block: LedgerBlock) => Buffer;
  readonly decodeBlock: (bytes: Buffer) => LedgerBlock;
  /** Fences every older writer of this shard. */
  readonly openWriter: () => Promise<Writer>;
  /** Reads committed records of the shard from an offset on, until `each` returns true or all before `end` are read. */
  readonly read: (from: number, each: (record: StoredRecord) => boolean, end?: number) => Promise<void>;
  /** What a new shard writes down about its surroundings. */
  readonly layout: Layout;
  /** Rejects with a ConfigError where a stored layout and the surroundings disagree. */
  readonly verifyLayout: (stored: Layout) => Promise<void>;
  readonly now: () => number;
  /** Names a session in its marker; no two sessions of a shard, of whatever process, may have the same name. */
  readonly newSessionId: () => string;
  /** How long a cursor moved by unchanged pages may wait for a commit. */
  readonly idleCommitMs: number;
}

/** One page on its way into a commit. */
export interface Work {
  readonly entity: EntityId;
  readonly stream: string;
  readonly scan: ScanName;
  readonly page: Page;
  /** Only of the last page of `newest`: the highest id that it saw. */
  readonly mark?: number;
  /** Only of a row that was asked for by its address: that it is outside the scope. */
  readonly left?: boolean;
}

/** A row that the API itself says is gone. */
export interface Gone {
  readonly id: number;
  /** Number of the sweep that first missed it, when it was asked for. */
  readonly missing: number;
  /** When the answer was complete. */
  readonly ended: number;
  /** A person has agreed: it does not count against what may be deleted within a day. */
  readonly released: boolean;
}

/** An entry that the API can be asked for alone. */
export interface Addressed {
  readonly id: number;
  /** Null = nothing addresses it. */
  readonly address: string | null;
  /** Number of the sweep that first missed it; 0 = not missing. */
  readonly missing: number;
}

/** What became of a page. */
export interface Done {
  readonly counts: Counts;
  /** Where the scan stands after it. */
  readonly cursor: Cursor;
  /** Ids whose row was older than what is published: to be read again at once. */
  readonly stale: readonly number[];
  /** Ids that are open no longer, as the page of `open` proves: to be read by themselves. */
  readonly departed: readonly number[];
}

/** The time between one fence and the next: while it lasts, this process is the shard's one writer (I4). */
export interface Session {
  /** Newest cursor of a scan, durable or not. */
  cursor(entity: EntityId, stream: string, scan: ScanName): Cursor | null;
  account(entity: EntityId): Account | null;
  /** Remembers whose account an entity's key belongs to. */
  remember(entity: EntityId, account: Account): Promise<void>;
  /** Replaces a scan's cursor by that of a new walk; it becomes durable with the walk's first commit. */
  begin(entity: EntityId, stream: string, scan: ScanName, cursor: Cursor): void;
  /**
   * Holds a page against the ledger; resolves when what it changed is committed, or at once where it changed nothing.
   * Pages of one scan must be added in order. Rejects with a FatalError where the stream must be parked; with whatever ended the session.
   */
  add(work: Work): Promise<Done>;
  /** Rows that the list of the sweep's query should have now. */
  live(entity: EntityId, stream: string): number;
  /** The entry at that rank among those neither left nor missing; null = there are not so many. */
  atRank(entity: EntityId, stream: string, rank: number): Addressed | null;
  entry(entity: EntityId, stream: string, id: number): Addressed | null;
  /** Entries that this sweep or an earlier one first missed, ascending. */
  missing(entity: EntityId, stream: string, sweep: number): readonly Addressed[];
  /** Publishes tombstones of rows that are missing still, as they were when asked for; resolves with their number when durable. */
  remove(entity: EntityId, stream: string, gone: readonly Gone[]): Promise<number>;
  hold(entity: EntityId, stream: string): Hold | null;
  /** Writes down that the stream's deletions wait for a person, or no longer. */
  setHold(entity: EntityId, stream: string, hold: Hold | null): Promise<void>;
  /** Rows of the stream before an id that are neither left nor missing: about where a list has it. */
  rank(entity: EntityId, stream: string, id: number): number;
  /** Resolves when no page of the stream waits to be held against the ledger any more. */
  settled(entity: EntityId, stream: string): Promise<void>;
  /** Says that a request of the stream is being made, from this mark on; to be called back when its page was added, or none came. */
  requested(entity: EntityId, stream: string, mark: number): () => void;
  /** True once the session has ended. */
  over(): boolean;
  /** Commits what waits, cursors of unchanged pages included. */
  flush(): Promise<void>;
  /** Rejects when the session is over: a commit did not go through, and what became of it only the state topic knows. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/** One partition of the state topic with everything in it, kept over the sessions of this process. */
export interface Shard {
  /** Fences, commits a session marker, and reads what was committed since the last session (everything, the first time). */
  open(): Promise<Session>;
  /** Rows remembered of a stream. */
  size(entity: EntityId, stream: string): number;
  /** The uuid under which a row is remembered; null = none, or no such row. */
  uuid(entity: EntityId, stream: string, id: number): string | null;
}

/** Where the broker refused a batch: pages up to this id go alone, then row by row, until the row refused alone is known. */
interface Caution {
  readonly upTo: number;
  readonly rowByRow: boolean;
}

interface Carried {
  readonly counts: Counts;
  readonly sums: Walk['sums'];
}

interface StreamState {
  readonly entity: EntityId;
  readonly codec: StreamCodec;
  readonly name: string;
  readonly ledger: Ledger;
  readonly walks: Map<ScanName, Walk>;
  strays: readonly string[];
  hold: Hold | null;
  definition: number;
  fingerprint: Fingerprint;
  /** Rows and dead letters of the last rows read. */
  recent: { readonly rows: number; readonly bad: number };
  /** Marks of the requests under way. */
  readonly requests: Set<number>;
  /** What the rows of a page that was cut up came to, until its last row moves the cursor. */
  carried: Carried | null;
}

interface Place {
  readonly state: StreamState;
  readonly scan: ScanName;
}

/** What must be known of a page until its transaction has ended. Not its rows: they would outlive their use by many pages. */
interface PageSent extends Place {
  readonly upTo: number | null;
  readonly end: boolean;
  /** Where it has only one row. */
  readonly onlyId: number | null;
}

/** The transaction that is being filled. */
interface Pending {
  readonly records: OutgoingRecord[];
  bytes: number;
  rows: number;
  readonly pages: PageSent[];
  /** Scans whose cursor moved, by their place's name. */
  readonly moved: Map<string, Place>;
  readonly touched: Set<StreamState>;
  /** Other state values, by key. */
  readonly values: Map<string, unknown>;
  readonly settled: (() => void)[];
  readonly failed: ((error: Error) => void)[];
}

interface Queued {
  readonly work: Work;
  /** A row of a page that was cut up: the cursor stays, so that a crash repeats the whole page. */
  readonly partial: boolean;
  readonly resolve: (done: Done) => void;
  readonly reject: (error: Error) => void;
}

// A transaction of 500 to 1000 records commits two to three times as many a second as one of 100 (measured).
const MAX_ROWS = 1_000;
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_STRAYS = 100;
const DAY_MS = 24 * 60 * 60 * 1000;
const SHAPE_WINDOW = 500;
const SHAPE_MIN = 5;
const SHAPE_SHARE = 0.05;

/** Makes a shard; nothing is read or written before `open`. */
export function createShard(options: ShardOptions): Shard {
  const streams = new Map<string, StreamState>();
  for (const { entity, codec } of options.streams) {
    const { name } = codec.declaration;
    streams.set(`${entity} ${name}`, {
      entity,
      codec,
      name,
      ledger: createLedger({ entity, stream: name }),
      walks: new Map(),
      strays: [],
      hold: null,
      definition: 0,
      fingerprint: notRestored,
      recent: { rows: 0, bad: 0 },
      requests: new Set(),
      carried: null,
    });
  }
  /** Newest committed value of every key but the blocks'. */
  const durable = new Map<string, Buffer>();
  const accounts = new Map<EntityId, Account>();
  const cautions = new Map<string, Caution>();
  const refusedRows = new Set<string>();
  const layoutKey = stateKey(options.serviceId, { layout: true });
  let layout = options.layout;
  /** What the next transaction writes down as written by the one before it. */
  let lastOffsets: Record<string, Record<string, number>> = {};
  let offsetsNoted = true;
  let readFrom = 0;

  const streamOf = (entity: EntityId, stream: string): StreamState => {
    const state = streams.get(`${entity} ${stream}`);
    if (state === undefined)
      throw new Error(`shard ${options.number} does not hold ${stream} of ${entity}; this is a bug`);
    return state;
  };

  async function restore(writer: Writer): Promise<void> {
    const session = options.newSessionId();
    const marker: SessionMarker = { session, at: new Date(options.now()).toISOString() };
    const outcome = await writer.commit({
      state: [{ key: stateKey(options.serviceId, { session: true }), value: JSON.stringify(marker) }],
      records: [],
    });
    if (outcome.kind !== 'committed') throw outcome.error;
    for (const { ledger } of streams.values()) ledger.rollback();
    let reached = readFrom;
    let remembered = 0;
    await options.read(readFrom, (record) => {
      reached = record.offset + 1;
      const key = apply(record);
      if (!('session' in key)) remembered += 1;
      return 'session' in key && record.value !== null && parseStateValue('session', record.value).session === session;
    });
    // Only now: a reading that broke off is done again from where it began, as the ledgers forget what they were loading.
    readFrom = reached;
    if (!durable.has(layoutKey)) {
      if (remembered > 0) {
        throw new ConfigError(
          `restoring shard ${options.number}: expected a layout record in partition ${options.number} of ${options.stateTopic}, got records without one; its beginning was lost. Restore the topic, or start over under another topics.prefix`,
        );
      }
      // Never written, or by processes that died before their first page: the layout goes with the next transaction.
      durable.set(layoutKey, Buffer.from(JSON.stringify(options.layout)));
    }
    reset();
    await options.verifyLayout(layout);
  }

  /** Brings in one record of the state topic. */
  function apply(record: StoredRecord): StateKey {
    const key = parseStateKey(
      options.serviceId,
      record.key,
      `${options.stateTopic}, partition ${options.number}, offset ${record.offset}`,
    );
    if ('block' in key) {
      const state = streams.get(`${key.entity} ${key.stream}`);
      if (record.value === null) state?.ledger.unload(key.block);
      else state?.ledger.load(options.decodeBlock(record.value));
    } else if (record.value === null) durable.delete(record.key);
    else durable.set(record.key, record.value);
    return key;
  }

  /** Puts everything in memory to what is durable. */
  function reset(): void {
    accounts.clear();
    for (const state of streams.values()) {
      state.ledger.loaded();
      state.walks.clear();
      state.strays = [];
      state.hold = null;
      state.recent = { rows: 0, bad: 0 };
      state.carried = null;
      state.requests.clear();
    }
    for (const [text, value] of durable) {
      const key = parseStateKey(options.serviceId, text, options.stateTopic);
      if ('layout' in key) layout = withTopicsOf(parseStateValue('layout', value), options.layout);
      else if ('account' in key) accounts.set(key.entity, parseStateValue('account', value));
      else if ('scan' in key)
        streams.get(`${key.entity} ${key.stream}`)?.walks.set(key.scan, walkOf(parseStateValue('scan', value)));
      else if ('strays' in key) {
        const state = streams.get(`${key.entity} ${key.stream}`);
        if (state !== undefined) state.strays = parseStateValue('strays', value).fingerprints;
      } else if ('hold' in key) {
        const state = streams.get(`${key.entity} ${key.stream}`);
        if (state !== undefined) state.hold = parseStateValue('hold', value);
      }
    }
    lastOffsets = Object.fromEntries(
      Object.entries(layout.lastOffsets).map(([topic, offsets]) => [topic, { ...offsets }]),
    );
    for (const state of streams.values()) define(state);
  }

  /** Finds the number of a stream's current definition, or gives it the next one. */
  function define(state: StreamState): void {
    const { definition } = state.codec;
    const wanted = JSON.stringify(definition);
    const known = layout.definitions.findIndex((other) => JSON.stringify(other) === wanted);
    state.definition = known >= 0 ? known : layout.definitions.length;
    if (known < 0) layout = { ...layout, definitions: [...layout.definitions, definition] };
    state.fingerprint = state.codec.fingerprintUnder(definition) ?? notRestored;
  }

  function openSession(writer: Writer): Session {
    const queue: Queued[] = [];
    let pending = emptyPending();
    let flying: Pending | null = null;
    /** Scans whose cursor moved by pages that changed nothing: they ride with the next commit. */
    const idle = new Map<string, Place>();
    let idleTimer: NodeJS.Timeout | null = null;
    let waiters: { readonly state: StreamState; readonly resolve: () => void }[] = [];
    let over: Error | null = null;
    let fail: (error: Error) => void = () => undefined;
    const failed = new Promise<never>((_, reject) => {
      fail = reject;
    });
    failed.catch(() => undefined);

    function end(error: Error): void {
      if (over !== null) return;
      over = error;
      if (idleTimer !== null) clearTimeout(idleTimer);
      for (const reject of [...(flying?.failed ?? []), ...pending.failed]) reject(error);
      for (const { reject } of queue.splice(0)) reject(error);
      for (const { resolve } of waiters.splice(0)) resolve();
      fail(error);
    }

    function drain(): void {
      if (over !== null) return;
      try {
        while (pending.rows < MAX_ROWS && pending.bytes < MAX_BYTES && takeNext());
        if (flying === null && !isEmpty(pending)) fly();
      } catch (error) {
        // Not a failed commit, so a bug: the ledger may be half changed, and only a new session puts it right.
        end(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      waiters = waiters.filter(({ state, resolve }) => {
        const queued = queue.some(({ work }) => work.entity === state.entity && work.stream === state.name);
        if (!queued) resolve();
        return queued;
      });
    }

    /** Moves the next page from the queue into the pending transaction; false where there is none or it has to wait. */
    function takeNext(): boolean {
      const [next] = queue;
      if (next === undefined) return false;
      const { work } = next;
      const state = streamOf(work.entity, work.stream);
      const name = placeName({ state, scan: work.scan });
      const caution = cautions.get(name);
      const careful = caution !== undefined && (work.page.interval.after ?? 0) < caution.upTo;
      if (careful && (flying !== null || !isEmpty(pending))) return false;
      queue.shift();
      if (careful && caution.rowByRow && work.page.rows.length > 1) {
        queue.unshift(...cutUp(next));
        return true;
      }
      const { done, waits, parks } = diffOrReject(state, next);
      const { resolve, reject } = next;
      const settle = (): void => {
        if (parks === null) resolve(done);
        else reject(parks);
      };
      if (waits) {
        pending.settled.push(settle);
        pending.failed.push(reject);
      } else settle();
      return !careful || !waits;
    }

    /** A page that cannot be held against the ledger is a bug, and waits for nothing. */
    function diffOrReject(state: StreamState, queued: Queued): ReturnType<typeof diff> {
      try {
        return diff(state, queued);
      } catch (error) {
        queued.reject(error instanceof Error ? error : new Error(String(error)));
        throw error;
      }
    }

    function diff(
      state: StreamState,
      { work, partial }: Queued,
    ): { done: Done; waits: boolean; parks: FatalError | null } {
      const { page, scan } = work;
      // A spot read has no walk of its own and moves no cursor; it asks what the sweep asks.
      const walk = state.walks.get(scan === 'spot' ? 'sweep' : scan);
      if (walk === undefined)
        throw new Error(`a page of ${scan} of ${state.name} came before its scan was begun; this is a bug`);
      const sweep = state.walks.get('sweep')?.cursor;
      const stays = partial || scan === 'spot';
      const observedAtMs = Math.max(layout.observedAt, options.now());
      const observedAt = new Date(observedAtMs).toISOString();
      const origin: Origin = { entity: state.entity, codec: state.codec, scan, observedAtMs, observedAt };
      const { lines } = state.codec;
      const refuseAgain = (id: number): void => {
        // Once: should the row change, the broker is asked again.
        if (refusedRows.size === 0 || !refusedRows.delete(`${placeName({ state, scan })} ${id}`)) return;
        const message = `publishing ${state.name} ${id} of ${state.entity}: the broker refused this record alone`;
        throw new RecordError(message, { path: '', entity: state.entity, stream: state.name });
      };
      const result = state.ledger.diff<readonly OutgoingRecord[]>(page, {
        scan,
        sweep: sweep?.number ?? 1,
        firstLap: sweep === undefined || (sweep.number === 1 && sweep.finishedAt === null),
        definition: state.definition,
        fingerprint: state.fingerprint,
        fingerprintOf: (number) => {
          const definition = layout.definitions[number];
          return definition === undefined ? undefined : state.codec.fingerprintUnder(definition);
        },
        uuidOf: (row) => (state.codec.declaration.address === 'uuid' ? textOrNull(row['uuid']) : null),
        dateOf: state.codec.dateOf,
        publish: (row, op, fingerprint, linesBefore) => {
          refuseAgain(row.id);
          return recordsOf(origin, { row, op, fingerprint, linesBefore });
        },
        lines:
          lines === null
            ? null
            : {
                count: lines.count,
                publish: (row, fingerprint, linesBefore) => {
                  refuseAgain(row.id);
                  return lineRecordsOf(origin, lines, { row, op: 'r', fingerprint, linesBefore });
                },
              },
        oldestOpen: oldestOpen(state),
      });
      const spotId = scan === 'spot' ? page.interval.upTo : null;
      const strayed =
        spotId !== null &&
        work.left === true &&
        result.stale.length === 0 &&
        state.ledger.setFlags(spotId, EntryFlag.LEFT, 0);
      const letters = [
        ...result.deadLetters.map(({ row, error, fingerprint }) =>
          deadLetterOf(origin, row, { id: row.id, error, fingerprint }, options.deadLetters),
        ),
        ...newStrays(state, origin, page.strays),
      ];
      const outgoing = [...result.records.flat(), ...letters];
      for (const record of outgoing) {
        pending.records.push(record);
        pending.bytes += record.value?.length ?? 0;
      }
      if (outgoing.length > 0) layout = { ...layout, observedAt: observedAtMs };

      const counts: Counts = {
        rows: page.rows.length,
        created: result.created,
        updated: result.updated,
        deleted: 0,
        unchanged: result.unchanged,
        deadLetters: letters.length,
      };
      let whole = counts;
      let { cursor } = walk;
      if (scan !== 'spot') {
        const before = state.carried ?? { counts: NO_COUNTS, sums: walk.sums };
        whole = addCounts(before.counts, counts);
        const sums = scan === 'sweep' ? addSums(before.sums, state.codec.declaration, page.rows) : before.sums;
        const advanced = partial ? walk : advance(walk, page, whole, sums, options.now());
        const moved = work.mark === undefined || !page.end ? advanced : withMark(advanced, work.mark);
        state.carried = partial ? { counts: whole, sums } : null;
        state.walks.set(scan, moved);
        cursor = moved.cursor;
        if (page.end && scan === 'sweep' && !partial) {
          const told = { laps: options.laps, strays: state.strays.length };
          pending.records.push(lapRecordOf(origin, cursorOf(moved), told));
          layout = { ...layout, observedAt: observedAtMs };
        }
      }

      const place = { state, scan };
      // A look for new documents that found none writes nothing.
      const idles = scan === 'newest' && cursor.mark === walk.cursor.mark;
      const waits = result.touched || strayed || letters.length > 0 || (page.end && scan !== 'newest');
      if (waits) {
        pending.rows += Math.max(1, outgoing.length);
        pending.pages.push(pageSent(place, page));
        pending.touched.add(state);
        if (!stays) pending.moved.set(placeName(place), place);
      } else if (!stays && !idles) {
        idle.set(placeName(place), place);
        idleTimer ??= setTimeout(() => void flush().catch(() => undefined), options.idleCommitMs);
      }
      const done = { counts: whole, cursor, stale: result.stale, departed: result.departed };
      return { done, waits, parks: shapeChanged(state, page.rows.length, letters.length) };
    }

    /** Tombstones of what no page has shown since it was asked for. */
    function bury(state: StreamState, gone: readonly Gone[]): number {
      const { ledger, codec, entity } = state;
      const observedAtMs = Math.max(layout.observedAt, options.now());
      const observedAt = new Date(observedAtMs).toISOString();
      const origin: Origin = { entity, codec, scan: 'sweep', observedAtMs, observedAt };
      let rows = 0;
      let counted = 0;
      for (const { id, missing, ended, released } of gone) {
        const entry = ledger.entry(id);
        if (entry === undefined || entry.missing !== missing) continue;
        if ((entry.flags & EntryFlag.PUBLISHED) !== 0) pending.records.push(...tombstonesOf(origin, entry));
        ledger.remove(id, ended);
        rows += 1;
        if (!released) counted += 1;
      }
      const walk = state.walks.get('sweep');
      if (rows === 0 || walk === undefined) return 0;
      layout = { ...layout, observedAt: observedAtMs };
      state.walks.set('sweep', withDeletions(walk, rows, { at: observedAt, rows: counted }));
      pending.rows += rows;
      pending.touched.add(state);
      const place: Place = { state, scan: 'sweep' };
      pending.moved.set(placeName(place), place);
      return rows;
    }

    function oldestOpen({ entity, name, requests }: StreamState): number {
      const queued = queue.filter(({ work }) => work.entity === entity && work.stream === name);
      return Math.min(...requests, ...queued.map(({ work }) => work.page.began));
    }

    /** Dead letters of rows without an id, each kind of row once. */
    function newStrays(state: StreamState, origin: Origin, rows: readonly unknown[]): OutgoingRecord[] {
      const letters: OutgoingRecord[] = [];
      for (const row of rows) {
        const fingerprint = createHash('sha256').update(JSON.stringify(row)).digest('hex').slice(0, 16);
        if (state.strays.includes(fingerprint)) continue;
        state.strays = [...state.strays, fingerprint].slice(-MAX_STRAYS);
        const message = `reading a row of ${state.name} of ${state.entity}: expected an object with a positive integer id, got ${kindOf(row)}`;
        const error = new RecordError(message, { path: 'id', entity: state.entity, stream: state.name });
        letters.push(deadLetterOf(origin, row, { id: null, error, fingerprint }, options.deadLetters));
      }
      if (letters.length > 0) {
        const value: Strays = { fingerprints: state.strays };
        pending.values.set(
          stateKey(options.serviceId, { entity: state.entity, stream: state.name, strays: true }),
          value,
        );
      }
      return letters;
    }

    /** Sends the pending transaction off; pages go on being held against the ledger while it is on its way. */
    function fly(): void {
      const batch = pending;
      pending = emptyPending();
      flying = batch;
      const { sent, values } = assemble(batch);
      void writer
        .commit(sent)
        .then((outcome) => landed(batch, values, outcome))
        .catch((error: unknown) => end(error instanceof Error ? error : new Error(String(error))));
    }

    function assemble(batch: Pending): { readonly sent: Batch; readonly values: ReadonlyMap<string, Buffer | null> } {
      for (const [name, place] of idle) batch.moved.set(name, place);
      idle.clear();
      if (idleTimer !== null) clearTimeout(idleTimer);
      idleTimer = null;
      const values = new Map<string, Buffer | null>();
      const write = (key: string, value: unknown): void =>
        void values.set(key, value === null ? null : Buffer.from(JSON.stringify(value)));
      for (const { state, scan } of batch.moved.values()) {
        const walk = state.walks.get(scan);
        if (walk !== undefined)
          write(stateKey(options.serviceId, { entity: state.entity, stream: state.name, scan }), cursorOf(walk));
      }
      for (const [key, value] of batch.values) write(key, value);
      write(layoutKey, { ...layout, lastOffsets } satisfies Layout);
      offsetsNoted = true;
      const state: StateRecord[] = [...values].map(([key, value]) => ({ key, value }));
      for (const { entity, name, ledger } of batch.touched) {
        for (const block of ledger.take()) {
          const key = stateKey(options.serviceId, { entity, stream: name, block: block.from });
          state.push({ key, value: options.encodeBlock(block) });
        }
      }
      return { sent: { state, records: batch.records }, values };
    }

    function landed(batch: Pending, values: ReadonlyMap<string, Buffer | null>, outcome: Outcome): void {
      if (over !== null) return;
      if (outcome.kind !== 'committed') {
        if (outcome.kind === 'refused') takeCare(batch);
        end(outcome.error);
        return;
      }
      for (const { ledger } of batch.touched) ledger.settle();
      for (const [key, value] of values) {
        if (value === null) durable.delete(key);
        else durable.set(key, value);
      }
      for (const place of batch.pages) {
        const name = placeName(place);
        if (place.end || (place.upTo ?? 0) >= (cautions.get(name)?.upTo ?? Infinity)) cautions.delete(name);
      }
      noteOffsets(outcome.lastOffsets);
      flying = null;
      for (const settled of batch.settled) settled();
      drain();
    }

    function noteOffsets(offsets: LastOffsets): void {
      const own = offsets.get(options.stateTopic)?.get(options.number);
      if (own !== undefined) readFrom = own + 1;
      for (const topic of Object.keys(layout.partitions)) {
        // What laps came to is told, not remembered: without it the service goes on.
        if (topic === options.laps.topic.name) continue;
        for (const [partition, last] of offsets.get(topic) ?? []) {
          (lastOffsets[topic] ??= {})[partition] = last;
          offsetsNoted = false;
        }
      }
    }

    /** Something in this batch is refused: what was on its way is read again and goes in ever smaller pieces. */
    function takeCare(batch: Pending): void {
      const [only, ...others] = batch.pages;
      if (only?.onlyId != null && others.length === 0) {
        refusedRows.add(`${placeName(only)} ${only.onlyId}`);
        return;
      }
      const queued = queue.map(({ work }) =>
        pageSent({ state: streamOf(work.entity, work.stream), scan: work.scan }, work.page),
      );
      for (const place of [...batch.pages, ...pending.pages, ...queued]) {
        const before = cautions.get(placeName(place));
        cautions.set(placeName(place), {
          upTo: Math.max(before?.upTo ?? 0, place.upTo ?? Number.MAX_SAFE_INTEGER),
          rowByRow: before?.rowByRow === true || (before !== undefined && place === only && others.length === 0),
        });
      }
    }

    async function flush(): Promise<void> {
      for (;;) {
        drain();
        if (over !== null) throw over;
        if (flying === null) {
          if (idle.size === 0 && offsetsNoted) return;
          if (!offsetsNoted) pending.values.set(layoutKey, layout);
          for (const [name, place] of idle) pending.moved.set(name, place);
          continue;
        }
        const { settled, failed: failures } = flying;
        await new Promise<void>((resolve, reject) => {
          settled.push(resolve);
          failures.push(reject);
        });
      }
    }

    /** Resolves when what is pending now is durable: others may go on filling the shard for hours. */
    function written(): Promise<void> {
      if (over !== null) return Promise.reject(over);
      const { settled, failed: failures } = pending;
      return new Promise<void>((resolve, reject) => {
        settled.push(resolve);
        failures.push(reject);
        drain();
      });
    }

    return {
      cursor(entity, stream, scan) {
        const walk = streamOf(entity, stream).walks.get(scan);
        return walk === undefined ? null : cursorOf(walk);
      },
      account: (entity) => accounts.get(entity) ?? null,
      remember(entity, account) {
        accounts.set(entity, account);
        pending.values.set(stateKey(options.serviceId, { entity, account: true }), account);
        return written();
      },
      begin(entity, stream, scan, cursor) {
        // The walks belong to the next session now.
        if (over !== null) return;
        const state = streamOf(entity, stream);
        state.walks.set(scan, walkOf(cursor));
        // Entries that a changed scope leaves out are not missing from the sweep.
        if (scan === 'sweep' && state.codec.declaration.scopeField !== null) {
          const { from, to } = cursor.query;
          if (state.ledger.rescope(daysOf(from), daysOf(to)) > 0) pending.touched.add(state);
        }
      },
      add: (work) =>
        new Promise<Done>((resolve, reject) => {
          if (over !== null) {
            reject(over);
            return;
          }
          queue.push({ work, partial: false, resolve, reject });
          drain();
        }),
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
      async remove(entity, stream, gone) {
        await new Promise<void>((resolve) => {
          waiters.push({ state: streamOf(entity, stream), resolve });
          drain();
        });
        if (over !== null) throw over;
        const removed = bury(streamOf(entity, stream), gone);
        if (removed > 0) await written();
        return removed;
      },
      hold: (entity, stream) => streamOf(entity, stream).hold,
      setHold(entity, stream, hold) {
        streamOf(entity, stream).hold = hold;
        pending.values.set(stateKey(options.serviceId, { entity, stream, hold: true }), hold);
        return written();
      },
      rank: (entity, stream, id) => streamOf(entity, stream).ledger.rank(id),
      settled: (entity, stream) =>
        new Promise<void>((resolve) => {
          waiters.push({ state: streamOf(entity, stream), resolve });
          if (over === null) drain();
          else resolve();
        }),
      requested(entity, stream, mark) {
        const { requests } = streamOf(entity, stream);
        requests.add(mark);
        return () => void requests.delete(mark);
      },
      over: () => over !== null,
      flush,
      failed,
      close() {
        end(new TransientError(`shard ${options.number} was closed`));
        return writer.close();
      },
    };
  }

  return {
    async open() {
      const writer = await options.openWriter();
      try {
        await restore(writer);
      } catch (error) {
        await writer.close();
        throw error;
      }
      return openSession(writer);
    },
    size: (entity, stream) => streamOf(entity, stream).ledger.size,
    uuid: (entity, stream, id) => streams.get(`${entity} ${stream}`)?.ledger.entry(id)?.uuid ?? null,
  };
}

const notRestored: Fingerprint = () => {
  throw new Error('a page came before the shard was restored; this is a bug');
};

function emptyPending(): Pending {
  return {
    records: [],
    bytes: 0,
    rows: 0,
    pages: [],
    moved: new Map(),
    touched: new Set(),
    values: new Map(),
    settled: [],
    failed: [],
  };
}

function isEmpty({ pages, moved, values }: Pending): boolean {
  return pages.length === 0 && moved.size === 0 && values.size === 0;
}

function placeName({ state, scan }: Place): string {
  return `${state.entity} ${state.name} ${scan}`;
}

function pageSent({ state, scan }: Place, { interval, end, rows }: Page): PageSent {
  return { state, scan, upTo: interval.upTo, end, onlyId: rows.length === 1 ? (rows[0]?.id ?? null) : null };
}

/** A page as many of one row each; only the last moves the cursor. */
function cutUp(queued: Queued): Queued[] {
  const { page } = queued.work;
  return page.rows.map((row, index) => {
    const last = index === page.rows.length - 1;
    const after = index === 0 ? page.interval.after : (page.rows[index - 1]?.id ?? null);
    const part = {
      ...page,
      rows: [row],
      strays: last ? page.strays : [],
      interval: { after, upTo: last ? page.interval.upTo : row.id },
      end: last && page.end,
    };
    const work = { ...queued.work, page: part };
    return last ? { ...queued, work } : { work, partial: true, resolve: () => undefined, reject: () => undefined };
  });
}

/** Many rows at once that do not fit the schema mean that the API changed, not that the rows are bad. */
function shapeChanged(state: StreamState, rows: number, bad: number): FatalError | null {
  // A window that forgets by halves: the last 250 to 500 rows.
  const { recent } = state;
  const kept =
    recent.rows + rows > SHAPE_WINDOW ? { rows: Math.floor(recent.rows / 2), bad: Math.floor(recent.bad / 2) } : recent;
  const seen = { rows: kept.rows + rows, bad: kept.bad + bad };
  const changed = bad > 0 && seen.bad >= SHAPE_MIN && seen.bad > seen.rows * SHAPE_SHARE;
  state.recent = changed ? { rows: 0, bad: 0 } : seen;
  if (!changed) return null;
  return new FatalError(
    `reading ${state.name} of ${state.entity}: expected rows of the known shape, got ${seen.bad} of the last ${seen.rows} that do not fit it; the API seems to have changed, see the dead-letter topic`,
    { reason: 'shape-changed', parks: 'stream', entity: state.entity, stream: state.name },
  );
}

function kindOf(row: unknown): string {
  if (row === null) return 'null';
  if (Array.isArray(row)) return 'an array';
  return typeof row === 'object' ? 'an object without one' : `a ${typeof row}`;
}

function addressed({ codec, ledger }: StreamState, id: number): Addressed | null {
  const entry: Entry | undefined = ledger.entry(id);
  if (entry === undefined) return null;
  const address = codec.declaration.address === 'id' ? String(id) : entry.uuid;
  return { id, address, missing: entry.missing };
}

function daysOf(date: string | null): number | null {
  return date === null ? null : Date.parse(date) / DAY_MS;
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
