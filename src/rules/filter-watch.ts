import type { Cursor, ProvenScan, Query, Row, ScanName, Worth } from '../model';
import type { FilterProof } from './filter-proof';
import {
  afterProof,
  contradicts,
  doubt,
  learnOfEdit,
  mayScan,
  NO_TRUST,
  proveAt,
  retire,
  type FilterStanding,
  type FilterWalk,
  type ProvenUse,
  type SeenChange,
} from './filter-trust';
import type { KnownChange } from './known-list';
import { asksOtherwise } from './cursor';
import { DAY_MS, isoDay, type Filters } from './scope';

/** What a page of any scan came to, as far as filters are held against it. */
export interface FoundByScan {
  readonly scan: ScanName;
  /** Rows that were published anew, with the fields that lists are filtered by. */
  readonly edited: readonly Row[];
  /** Ids of rows that were published for the first time, and had not been there before. */
  readonly created: readonly number[];
  /** After the answer that showed it was complete, in the order of requests. */
  readonly ended: number;
  /** What the sweep asks for now. */
  readonly query: Query;
  readonly nowMs: number;
}

/** Changes that proofs go by: the newest of them. */
const MOST_KNOWN = 50;
/** Changes that the next walk of a scan is held against: the newest of them. */
const MOST_SEEN = 50;
/** Walks of a scan in a row without an answer that make its filter doubtful. */
const MOST_UNANSWERED = 3;
/** A scan that got no answer is made again after this. */
const UNANSWERED_REST_MS = 60_000;
const SECOND = 1_000;
const HOUR = 60 * 60 * SECOND;
/** A proof is wanted about 70 s after it is due, comes before what is worth 9 after 5 min, and before what is worth 1 300 after an hour. */
const PROOF_PACE = 10_000;

/**
 * What a running service knows of the filters of one list, and what it holds their scans against: the changes that other scans found lately.
 * All of it is bounded memory of this process; times are of whoever calls.
 */
export class FilterWatch {
  readonly #stream: Filters;
  #trust = NO_TRUST;
  #wantedMs: number | null = null;
  #known: readonly KnownChange[] = [];
  readonly #seen = new Map<ProvenScan, readonly SeenChange[]>();
  /** When the last whole walk of a scan began. */
  readonly #lookedMs = new Map<ProvenScan, number>();
  readonly #unanswered = new Map<ProvenUse, number>();
  /** The last finished sweep: all rows of its query were looked at since it began. */
  #sweep: Cursor | null = null;

  constructor(stream: Filters) {
    this.#stream = stream;
  }

  /** Where each filter stands, in the order in which they were proven; none before the first proof. */
  get standings(): readonly FilterStanding[] {
    return [...this.#trust.standings.values()];
  }

  /** Whether a scan may be made now, or named fields asked for. */
  mayScan(use: ProvenUse): boolean {
    return mayScan(this.#trust, use);
  }

  /** From now on the filters are to be proven; only the first call counts. */
  want(nowMs: number): void {
    this.#wantedMs ??= nowMs;
  }

  /** What the next request of a proof is worth: nothing before it is due, and the more the longer it waits. */
  worth(nowMs: number): Worth {
    const dueMs = this.#trust.provedMs === null ? (this.#wantedMs ?? nowMs) : proveAt(this.#trust, nowMs);
    const waitedMs = nowMs - Math.min(dueMs, nowMs);
    const index = (waitedMs / SECOND) ** 2 / PROOF_PACE;
    const wantedMs = dueMs + Math.sqrt(PROOF_PACE / 2) * SECOND;
    return { index, late: waitedMs / HOUR, polledMs: 0, inMs: Math.max(0, wantedMs - nowMs) };
  }

  /** The changes that a proof may go by, of rows that are there still. */
  changes(isThere: (id: number) => boolean): readonly KnownChange[] {
    return this.#known.filter(({ id }) => isThere(id));
  }

  /** What asking came to. */
  proved(proofs: readonly FilterProof[], nowMs: number): void {
    this.#trust = afterProof(this.#trust, proofs, nowMs);
  }

  /** The day since which a scan asks: the one before its last whole walk began, or before the last sweep did where there was none. */
  sinceDay(scan: ProvenScan, nowMs: number): string {
    const sweptMs = this.#sweep === null ? nowMs : Date.parse(this.#sweep.startedAt);
    return isoDay(Math.min(nowMs, this.#lookedMs.get(scan) ?? sweptMs) - DAY_MS);
  }

  /** A sweep has reached its end. */
  swept(cursor: Cursor): void {
    this.#sweep = cursor;
  }

  /** Changes were found: proofs go by them, and the next walks of other scans are held against them. */
  found({ scan, edited, created, ended, query, nowMs }: FoundByScan): void {
    // What a filter shows says nothing of what it leaves out.
    if (scan === 'changed' || this.#sweep === null || asksOtherwise(this.#sweep, query)) return;
    const since = isoDay(Date.parse(this.#sweep.startedAt));
    const known = [
      ...created.map((id): KnownChange => ({ id, since, isNew: true })),
      ...edited.map(({ id }): KnownChange => ({ id, since, isNew: false })),
    ];
    if (known.length > 0) this.#known = [...this.#known, ...known].slice(-MOST_KNOWN);
    if (edited.length === 0) return;
    this.#trust = learnOfEdit(this.#trust, nowMs);
    for (const checked of ['paid', 'changed'] as const) {
      if (checked === scan || !this.mayScan(checked)) continue;
      const seen = edited.map((row): SeenChange => ({ row, since, ended }));
      this.#seen.set(checked, [...(this.#seen.get(checked) ?? []), ...seen].slice(-MOST_SEEN));
    }
  }

  /** A whole walk of a scan is over; returns the notice where it retires the filter. */
  walked(walk: FilterWalk, beganMs: number, isThere: (id: number) => boolean): string | null {
    const { scan } = walk;
    this.#lookedMs.set(scan, beganMs);
    this.#unanswered.delete(scan);
    const seen = this.#seen.get(scan) ?? [];
    this.#seen.set(
      scan,
      seen.filter(({ ended }) => walk.began <= ended),
    );
    for (const change of seen) {
      const why = isThere(change.row.id) ? contradicts(this.#stream, walk, change) : null;
      if (why !== null) return this.retire(scan, why, beganMs);
    }
    return null;
  }

  /** What was proven was caught; returns the notice, or null where it was not used any more. */
  retire(use: ProvenUse, why: string, nowMs: number): string | null {
    if (!this.mayScan(use)) return null;
    this.#trust = retire(this.#trust, use, why, nowMs);
    if (use !== 'fields') this.#seen.delete(use);
    return why;
  }

  /** Named fields were answered for. */
  answered(): void {
    this.#unanswered.delete('fields');
  }

  /** How long a scan rests before its next walk. */
  restMs(scan: ProvenScan): number {
    return this.#unanswered.has(scan) ? UNANSWERED_REST_MS : 0;
  }

  /** What was asked for got no answer; whether it works is asked anew where that goes on. */
  unanswered(use: ProvenUse, nowMs: number): void {
    const failures = (this.#unanswered.get(use) ?? 0) + 1;
    this.#unanswered.set(use, failures);
    if (failures >= MOST_UNANSWERED) this.#trust = doubt(this.#trust, nowMs);
  }
}
