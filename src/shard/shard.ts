import type { EntityId, StreamName } from '../model';
import { takeShard } from '../state/take-shard';
import { Cautions } from './caution';
import { Memory } from './memory';
import { createSession, type Session } from './session';
import type { ShardOptions } from './shard-options';

/** One partition of the state topic with everything in it, kept over the sessions of this process. */
export interface Shard {
  /** Fences, commits a session marker, and reads what was committed since the last session (everything, the first time). */
  open(): Promise<Session>;
  /** The uuid under which a row is remembered; null = none, or no such row. */
  uuid(entity: EntityId, stream: StreamName, id: number): string | null;
}

/** Makes a shard; nothing is read or written before `open`. */
export function createShard(options: ShardOptions): Shard {
  const memory = new Memory(options);
  const cautions = new Cautions();
  return {
    async open() {
      const writer = await takeShard(options, memory);
      return createSession(options.number, { options, memory, cautions, writer });
    },
    uuid: (entity, stream, id) => memory.find(entity, stream)?.ledger.entry(id)?.uuid ?? null,
  };
}
