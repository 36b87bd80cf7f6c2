import type { EntityId, StreamName } from '../model';
import { withDeadline } from '../sinks/faults';
import type { Writer } from '../sinks/transaction';
import { takeShard } from '../state/take-shard';
import { Cautions } from './caution';
import { Memory } from './memory';
import { createSession, type Session } from './session';
import type { ShardOptions } from './shard-options';

/** One partition of the state topic with everything in it, kept over the sessions of this process. */
export interface Shard {
  /**
   * Fences, commits a session marker, and reads what was committed since the last session (everything, the first time). Rejects without
   * further steps once the signal is aborted.
   */
  open(wanted?: AbortSignal): Promise<Session>;
  /**
   * Ends the transaction that a failed commit left open, if there is one: it would hold back every `read_committed` reader until it times
   * out. For a shard that is not opened again; it fences, so only an owner may call it. Never rejects.
   */
  release(): Promise<void>;
  /** The uuid under which a row is remembered; null = none, or no such row. */
  uuid(entity: EntityId, stream: StreamName, id: number): string | null;
}

const RELEASE_DEADLINE_MS = 5_000;

/** Makes a shard; nothing is read or written before `open`. */
export function createShard(options: ShardOptions): Shard {
  const memory = new Memory(options);
  const cautions = new Cautions();
  let leftOpen = false;
  /** A writer whose last commit is known to have ended its transaction, or not. */
  const openWriter = async (wanted?: AbortSignal): Promise<Writer> => {
    const writer = await options.openWriter(wanted);
    leftOpen = false;
    return {
      async commit(batch) {
        const outcome = await writer.commit(batch);
        // Who fenced this writer has ended its transaction.
        leftOpen = outcome.kind !== 'committed' && outcome.kind !== 'fenced';
        return outcome;
      },
      close: () => writer.close(),
    };
  };
  return {
    async open(wanted) {
      const writer = await takeShard({ ...options, openWriter }, memory, wanted);
      return createSession(options.number, { options, memory, cautions, writer });
    },
    async release() {
      if (!leftOpen) return;
      const ended = options.openWriter().then((writer) => writer.close());
      await withDeadline(ended, RELEASE_DEADLINE_MS, `releasing shard ${options.number}`).catch(() => undefined);
    },
    uuid: (entity, stream, id) => memory.find(entity, stream)?.ledger.uuid(id) ?? null,
  };
}
