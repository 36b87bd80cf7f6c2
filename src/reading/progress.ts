import type { ParkReason } from '../errors';
import type { Counts, Cursor, EntityId } from '../model';
import type { Hold } from '../state/state-topic';

/** What happened in a shard, in the order in which it did. */
export type Progress =
  /** A page is compared with the ledger and what it changed is durable. */
  | {
      readonly kind: 'page';
      readonly entity: EntityId;
      readonly stream: string;
      readonly counts: Counts;
      readonly cursor: Cursor;
    }
  /** A sweep is complete and durable. */
  | { readonly kind: 'sweep'; readonly entity: EntityId; readonly stream: string; readonly cursor: Cursor }
  /** The stream, or with stream null the whole entity, is not read for now. */
  | {
      readonly kind: 'parked';
      readonly entity: EntityId;
      readonly stream: string | null;
      readonly reason: ParkReason;
      readonly error: Error;
      readonly waitMs: number;
    }
  /** The stream or entity is read again after having been parked. */
  | { readonly kind: 'retrying'; readonly entity: EntityId; readonly stream: string | null }
  /** The stream or entity is not read again in this run. */
  | {
      readonly kind: 'given-up';
      readonly entity: EntityId;
      readonly stream: string | null;
      readonly reason: ParkReason;
      readonly error: Error;
    }
  /** Deletions of the stream wait for a person; reading goes on. */
  | { readonly kind: 'held'; readonly entity: EntityId; readonly stream: string; readonly hold: Hold }
  /** Something is worth a person's attention; reading goes on. */
  | { readonly kind: 'warning'; readonly entity: EntityId; readonly stream: string | null; readonly message: string };

/** Whether something was read: nothing else shows that a parked stream or entity works again. */
export function wasRead({ kind }: Progress): boolean {
  return kind === 'page' || kind === 'sweep';
}
