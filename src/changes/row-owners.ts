import { hashOfUuid } from './block';
import type { EntityId } from '../model';

/** Which entities of a process may remember a row, by the row's uuid: two numbers a row, as there may be millions of rows. */
export interface RowOwners {
  /** Notes that an entity remembers a row whose uuid has this hash. Never forgotten: whoever asks must look whether that is still so. */
  readonly note: (entity: EntityId, hash: number) => void;
  /** Every entity that remembers a row with this uuid, and perhaps others. */
  readonly of: (uuid: string) => readonly EntityId[];
}

const FIRST_SLOTS = 1_024;
/** Above this share of slots in use, a search takes too many steps. */
const FULL = 0.7;

/** Makes an index without any row. */
export function createRowOwners(): RowOwners {
  const names: EntityId[] = [];
  const numbers = new Map<EntityId, number>();
  /** Hashes, never 0, and one more than the owner's number; 0 = the slot is free. What does not fit into its slot is in the next free one. */
  let hashes = new Uint32Array(FIRST_SLOTS);
  let owners = new Uint32Array(FIRST_SLOTS);
  let used = 0;

  function insert(hash: number, owner: number): boolean {
    const last = hashes.length - 1;
    let slot = hash & last;
    for (; owners[slot] !== 0; slot = (slot + 1) & last)
      if (hashes[slot] === hash && owners[slot] === owner) return false;
    hashes[slot] = hash;
    owners[slot] = owner;
    return true;
  }

  function grow(): void {
    const before = { hashes, owners };
    hashes = new Uint32Array(2 * before.hashes.length);
    owners = new Uint32Array(2 * before.hashes.length);
    for (const [slot, owner] of before.owners.entries()) if (owner !== 0) insert(before.hashes[slot] ?? 0, owner);
  }

  return {
    note(entity, hash) {
      let owner = numbers.get(entity);
      if (owner === undefined) {
        owner = names.push(entity);
        numbers.set(entity, owner);
      }
      if (!insert(hash, owner)) return;
      used += 1;
      if (used > FULL * hashes.length) grow();
    },
    of(uuid) {
      const hash = hashOfUuid(uuid);
      const last = hashes.length - 1;
      const found: EntityId[] = [];
      for (let slot = hash & last; owners[slot] !== 0; slot = (slot + 1) & last) {
        const name = hashes[slot] === hash ? names[(owners[slot] ?? 0) - 1] : undefined;
        if (name !== undefined) found.push(name);
      }
      return found;
    },
  };
}
