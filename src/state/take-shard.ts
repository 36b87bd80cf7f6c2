import { TransientError } from '../errors';
import type { StoredRecord, Writer } from '../sinks/transaction';
import { parseStateValue, stateKey, type Layout, type SessionMarker, type StateKey } from './state-topic';

/** One partition of the state topic, and how it is written and read. */
export interface TakeShardOptions {
  readonly serviceId: string;
  /** Fences every older writer of this shard, unless the signal is aborted first. */
  readonly openWriter: (wanted?: AbortSignal) => Promise<Writer>;
  /** Reads committed records of the shard from an offset on, until `each` returns true or all before `end` are read. */
  readonly read: (from: number, each: (record: StoredRecord) => boolean, end?: number) => Promise<void>;
  /** Rejects with a ConfigError where a stored layout and the surroundings disagree. */
  readonly verifyLayout: (stored: Layout) => Promise<void>;
  readonly now: () => number;
  /** Names a session in its marker; no two sessions of a shard, of whatever process, may have the same name. */
  readonly newSessionId: () => string;
}

/** What remembers a shard in this process. */
export interface TakenMemory {
  /** Forgets what was never committed, and starts a reading; returns the offset of its first record. */
  beginReading(): number;
  /** Brings in one record and returns what its key stands for. */
  apply(record: StoredRecord): StateKey;
  /** Puts memory to what was read, after the whole reading; returns the stored layout. */
  restored(): Layout;
}

/**
 * Takes a shard: fences every older writer, commits a session marker, reads all that came since the last reading up to that marker, and
 * verifies the layout. Whoever calls it closes the writer; where it rejects, the writer is closed already. Once the signal is aborted, nothing
 * further is fenced, written or read: the shard may have another owner by then.
 */
export async function takeShard(
  partition: TakeShardOptions,
  memory: TakenMemory,
  wanted?: AbortSignal,
): Promise<Writer> {
  refuseUnwanted(wanted);
  const writer = await partition.openWriter(wanted);
  try {
    refuseUnwanted(wanted);
    const session = partition.newSessionId();
    const marker: SessionMarker = { session, at: new Date(partition.now()).toISOString() };
    const outcome = await writer.commit({
      state: [{ key: stateKey(partition.serviceId, { session: true }), value: JSON.stringify(marker) }],
      records: [],
    });
    // The marker holds no row: refused, it is a failure like any other, and no reason to look for a row.
    if (outcome.kind === 'refused') throw new TransientError(outcome.error.message, { cause: outcome.error });
    if (outcome.kind !== 'committed') throw outcome.error;
    refuseUnwanted(wanted);
    await partition.read(memory.beginReading(), (record) => {
      const key = memory.apply(record);
      return 'session' in key && record.value !== null && parseStateValue('session', record.value).session === session;
    });
    await partition.verifyLayout(memory.restored());
    return writer;
  } catch (error) {
    await writer.close();
    throw error;
  }
}

/** Throws a TransientError once the signal is aborted. */
export function refuseUnwanted(wanted: AbortSignal | undefined): void {
  if (wanted?.aborted === true) throw new TransientError('taking a shard: it was given up meanwhile');
}
