import type { Drift } from '../changes/drift';
import type { ParkReason } from '../errors';
import type { ChangedRow, Counts, Cursor, EntityId, Misfits, ScanName } from '../model';
import type { Completeness } from '../rules/completeness';
import type { FilterStanding } from '../rules/filter-trust';
import type { ScanFigures } from '../rules/stream-schedule';
import type { DeadLettered } from '../shard/page-changes';
import type { Hold } from '../state/state-topic';

/** What happened in a shard, in the order in which it did. */
export type Progress =
  /** A page is compared with the ledger and what it changed is durable. */
  | {
      readonly kind: 'page';
      readonly entity: EntityId;
      readonly stream: string;
      readonly counts: Counts;
      /** Where its walk stands; without `scan`, where the sweep does. */
      readonly cursor: Cursor;
      /** The scan whose page it is; absent = it tells of what was committed after its scan had ended. */
      readonly scan?: ScanName;
      /** Some of the rows created, updated or deleted, in the order of their commits; absent = none is named. */
      readonly changed?: readonly ChangedRow[];
      /** Published values that were not of their field's kind; absent = there were none. */
      readonly misfits?: Misfits;
    }
  /** A row went to the dead-letter topic. */
  | ({ readonly kind: 'dead-letter'; readonly entity: EntityId; readonly stream: string } & DeadLettered)
  /** The API differs from what is documented in ways that the stream had not shown before. */
  | {
      readonly kind: 'drift';
      readonly entity: EntityId;
      readonly stream: string;
      readonly found: readonly Drift[];
      /** False where it was there when the stream was first looked at: that is no news. */
      readonly isNews: boolean;
    }
  /** The deletions of a finished sweep are decided, so that it is known whether the sweep is complete. */
  | {
      readonly kind: 'swept';
      readonly entity: EntityId;
      readonly stream: string;
      readonly cursor: Cursor;
      readonly completeness: Completeness;
      /** Rows that the stream's list should have. */
      readonly live: number;
      /** Memory that the stream's ledger takes. */
      readonly ledgerBytes: number;
    }
  /** How often the stream's lists are read at present, and why; told now and then. */
  | {
      readonly kind: 'rhythm';
      readonly entity: EntityId;
      readonly stream: string;
      readonly scans: readonly ScanFigures[];
    }
  /** A sweep is finished and durable. */
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
  /** Two sweeps missed the row, and its own address answers neither with it nor with the API's 404; no other row waits for it. */
  | {
      readonly kind: 'pending';
      readonly entity: EntityId;
      readonly stream: string;
      readonly id: number;
      /** What the row's own address answered, in a few words. */
      readonly got: string;
      /** Number of the sweep that first missed the row. */
      readonly since: number;
    }
  /** Filters of the stream's list were proven, or one was retired: where each stands now. */
  | {
      readonly kind: 'filters';
      readonly entity: EntityId;
      readonly stream: string;
      readonly standings: readonly FilterStanding[];
    }
  /** Something is worth a person's attention; reading goes on. */
  | {
      readonly kind: 'warning';
      readonly entity: EntityId;
      readonly stream: string | null;
      readonly message: string;
      /** Set where it is that the API does not heed a filter. */
      readonly about?: 'filter-ignored';
    };

/** Whether something was read: nothing else shows that a parked stream or entity works again. */
export function wasRead({ kind }: Progress): boolean {
  return kind === 'page' || kind === 'sweep';
}
