import type { Cursor, UnreadableGap } from '../model';

/** Why a finished sweep is not complete. */
export type Shortcoming = 'held' | 'unreadable' | 'dead-letters' | 'pending';

/** Rows of a stream that are not on its topic as the API has them, or whose absence is not settled. */
export interface Standing {
  /** Id of the hold that the stream's deletions wait for; null = none. */
  readonly hold: string | null;
  /** Rows that stand as dead letters, ascending. */
  readonly deadLetters: readonly number[];
  /** Rows that were proved absent twice and that are neither deleted nor found, ascending; of a list that shows no row at all, every row. */
  readonly pending: readonly number[];
  /** Between which ids rows could not be read at all, ascending: their own ids are unknown. */
  readonly unreadable: readonly UnreadableGap[];
}

/** Whether a stream's finished sweep is complete, and what it lacks. */
export interface Completeness extends Standing {
  readonly complete: boolean;
  /** Empty where it is complete. */
  readonly reasons: readonly Shortcoming[];
  /** Rows listed above that a person accepted by id in the entity's file: they alone make no sweep incomplete. */
  readonly accepted: readonly number[];
}

/** What the ledger tells of a stream. */
export interface LedgerView {
  readonly live: number;
  deadLettered(): readonly number[];
  missingSince(sweep: number): readonly number[];
}

/** What is remembered of a stream, from which its completeness follows. */
export interface RememberedStream {
  readonly ledger: LedgerView;
  readonly hold: { readonly id: string } | null;
  /** Number of the last sweep whose missing rows were decided on, or are overdue for that; 0 = none. */
  readonly decidedSweep: number;
  /** Rows that the last finished sweep could not read; absent = none. */
  readonly unreadable?: readonly UnreadableGap[];
}

/** How many ids are named in a line or a report; the number of all is told beside them. */
const NAMED_IDS = 20;

/** The last sweep that finished, by the sweep's cursor; 0 = none. */
export function finishedSweeps(sweep: Pick<Cursor, 'number' | 'finishedAt'> | null | undefined): number {
  if (sweep == null) return 0;
  return sweep.finishedAt === null ? sweep.number - 1 : sweep.number;
}

/** How old what is known of a stream is: when its last complete sweep ended. */
export interface Freshness {
  /** Null = no complete sweep is known of. */
  readonly sweptAt: string | null;
  /** True where only the start of the sweep after it is remembered, so that it ended then or before. */
  readonly orBefore: boolean;
}

/** The freshness of a stream by the cursor of its sweep, and whether its last finished sweep is complete. */
export function freshnessOf(
  sweep: Pick<Cursor, 'number' | 'startedAt' | 'finishedAt'> | null,
  { complete }: Pick<Completeness, 'complete'>,
): Freshness {
  if (sweep === null || !complete || finishedSweeps(sweep) === 0) return { sweptAt: null, orBefore: false };
  return { sweptAt: sweep.finishedAt ?? sweep.startedAt, orBefore: sweep.finishedAt === null };
}

/** The one place that says whether a finished sweep is complete: reports, exit codes, the log and the sweep's record take it from here. */
export function completenessOf(
  { ledger, hold, decidedSweep, unreadable = [] }: RememberedStream,
  accepted: ReadonlySet<number>,
): Completeness {
  const deadLetters = ledger.deadLettered();
  // A list that shows nothing of what is known leaves no row by which absences could be shown.
  const overdue = ledger.live === 0 ? Infinity : decidedSweep - 1;
  const pending = hold !== null || decidedSweep === 0 ? [] : ledger.missingSince(overdue);
  const fails = (ids: readonly number[]): boolean => ids.some((id) => !accepted.has(id));
  const taken = idsTaken(unreadable, accepted);
  const reasons: Shortcoming[] = [];
  if (hold !== null) reasons.push('held');
  if (taken.length < unreadableRows(unreadable)) reasons.push('unreadable');
  if (fails(deadLetters)) reasons.push('dead-letters');
  if (fails(pending)) reasons.push('pending');
  return {
    complete: reasons.length === 0,
    reasons,
    hold: hold?.id ?? null,
    deadLetters,
    pending,
    unreadable,
    accepted: [...new Set([...taken, ...[...deadLetters, ...pending].filter((id) => accepted.has(id))])],
  };
}

/**
 * The accepted ids, ascending, that each take one row which could not be read: no more than there are rows in a gap, and none for two gaps.
 * A gap holds no id that the sweep showed, so an id in it is of nothing that could be read. One that a dead letter or a pending row has from
 * before may be of the very row that cannot be read now, and so counts for both.
 */
function idsTaken(gaps: readonly UnreadableGap[], accepted: ReadonlySet<number>): readonly number[] {
  const free = [...accepted].toSorted((a, b) => a - b);
  const taken: number[] = [];
  // The gap that ends first has the fewest ids left to choose from.
  for (const { after, upTo, rows } of gaps.toSorted(
    (one, other) => (one.upTo ?? Number.MAX_SAFE_INTEGER) - (other.upTo ?? Number.MAX_SAFE_INTEGER),
  )) {
    for (let row = 0; row < rows; row += 1) {
      const at = free.findIndex((id) => id > (after ?? 0) && id <= (upTo ?? Infinity));
      taken.push(...(at < 0 ? [] : free.splice(at, 1)));
    }
  }
  return taken.toSorted((a, b) => a - b);
}

/** How many rows could not be read. */
export function unreadableRows(gaps: readonly UnreadableGap[]): number {
  return gaps.reduce((sum, { rows }) => sum + rows, 0);
}

function gapText({ rows, after, upTo }: UnreadableGap): string {
  return `${rows} after id ${after ?? 0}${upTo === null ? '' : ` and before id ${upTo + 1}`}`;
}

/** What a stream lacks, for a person: each reason with the hold's id or the first ids. Empty where nothing is to be told. */
export function shortcomingsText({ hold, unreadable, deadLetters, pending, accepted }: Completeness): string {
  const listed = (ids: readonly number[], what: string): string[] => {
    if (ids.length === 0) return [];
    return [`${ids.length} ${what} (${named(ids)})`];
  };
  const named = (all: readonly unknown[]): string =>
    `${all.slice(0, NAMED_IDS).join(', ')}${all.length > NAMED_IDS ? ', ...' : ''}`;
  const gaps = unreadable.map(gapText);
  return [
    ...(hold === null ? [] : [`deletions wait for a person (hold ${hold})`]),
    ...(gaps.length === 0 ? [] : [`${unreadableRows(unreadable)} unreadable (${named(gaps)})`]),
    ...listed(deadLetters, 'dead letters standing'),
    ...listed(pending, 'pending'),
    ...(accepted.length === 0 ? [] : [`of these ${accepted.length} accepted in the entity's file`]),
  ].join(', ');
}

/** What a stream lacks, as JSON: numbers, the first ids of each kind, and between which ids rows could not be read. */
export function shortcomingsJson(completeness: Completeness): Record<string, unknown> {
  const { hold, unreadable, deadLetters, pending, accepted } = completeness;
  const named = <T>(all: readonly T[]): readonly T[] => all.slice(0, NAMED_IDS);
  return {
    dead_letters_standing: deadLetters.length,
    pending: pending.length,
    unreadable: unreadableRows(unreadable),
    hold,
    accepted: accepted.length,
    ids: {
      dead_letters: named(deadLetters),
      pending: named(pending),
      accepted: named(accepted),
    },
    unreadable_between: named(unreadable).map(({ rows, after, upTo }) => ({
      after_id: after,
      before_id: upTo === null ? null : upTo + 1,
      rows,
    })),
  };
}
