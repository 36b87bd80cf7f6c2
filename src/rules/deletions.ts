import type { Deletions } from '../model';
import type { Hold } from '../state/state-topic';
import { DAY_MS } from './scope';

/** Two reads that prove a row absent count as two only if the second was asked for so much later than the first was made. */
export const ABSENT_FOR_MS = 60_000;

/** Rows that may be deleted within a day without a question, whatever their share. */
const ALWAYS_ALLOWED = 10;

/** What the allowance of a stream is made of. */
export interface AllowanceInput {
  /** Rows that the ledger has, those that are missing included. */
  readonly rows: number;
  /** Share of the rows that may be deleted within a day. */
  readonly maxShare: number;
  /** Deletions that were published lately. */
  readonly deletions: readonly Deletions[];
  readonly nowMs: number;
}

/** How many rows may be deleted now without asking a person. */
export function allowanceOf({ rows, maxShare, deletions, nowMs }: AllowanceInput): number {
  const lately = deletions.filter(({ at }) => Date.parse(at) > nowMs - DAY_MS);
  const used = lately.reduce((sum, each) => sum + each.rows, 0);
  // With the rows the share shrinks, below what was used when there were more.
  return Math.max(0, Math.max(ALWAYS_ALLOWED, Math.floor(rows * maxShare)) - used);
}

/** A row that sweeps did not show. */
export interface MissingRow {
  /** What addresses the row alone; null = nothing, so that it cannot be asked for. */
  readonly address: string | null;
  /** Number of the sweep that first missed it. */
  readonly missing: number;
}

/** What becomes of a stream's missing rows after a sweep. */
export type DeletionDecision<R> =
  /** A person was asked and has not agreed. */
  | { readonly kind: 'held'; readonly hold: Hold }
  /** Rows to be asked for one by one: those that a person agreed to delete, and the others, which the allowance bounds. */
  | {
      readonly kind: 'ask';
      readonly agreed: readonly R[];
      readonly others: readonly R[];
      /** A person has agreed, so the hold is to be released. */
      readonly releases: boolean;
    };

/** Decides what is done about missing rows. `confirm`: the id of the hold that a person has agreed to. */
export function decideDeletions<R extends MissingRow>(
  hold: Hold | null,
  confirm: string | null,
  missing: readonly R[],
): DeletionDecision<R> {
  if (hold !== null && hold.id !== confirm) return { kind: 'held', hold };
  const addressed = missing.filter(({ address }) => address !== null);
  const agreedUpTo = hold?.sweep ?? 0;
  return {
    kind: 'ask',
    agreed: addressed.filter((row) => row.missing <= agreedUpTo),
    others: addressed.filter((row) => row.missing > agreedUpTo),
    releases: hold !== null,
  };
}

/** The hold of deletions that a person is to be asked about. */
export function holdOf({
  id,
  stream,
  missing,
  allowance,
  sinceMs,
  sweep,
}: {
  readonly id: string;
  readonly stream: string;
  /** How many rows are missing. */
  readonly missing: number;
  readonly allowance: number;
  readonly sinceMs: number;
  /** The last sweep whose missing rows a person is asked about. */
  readonly sweep: number;
}): Hold {
  return {
    id,
    reason: `${missing} rows of ${stream} are missing, more than the ${allowance} that may be deleted now (deletions.maxShare); if they were deleted in inFakt, set "deletions": {"confirm": "${id}"} in the entity's file`,
    since: new Date(sinceMs).toISOString(),
    sweep,
  };
}
