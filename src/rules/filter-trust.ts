import type { ProvenScan, Query, Row } from '../model';
import type { Candidate, CandidateKind, FilterProof, FilterVerdict } from './filter-proof';
import { DAY_MS, isWithin, type Filters } from './scope';

/** Where a candidate stands: its last proof, or `retired` = it left out a change that it should have shown. */
export interface FilterStanding {
  readonly candidate: Candidate;
  readonly verdict: FilterVerdict | 'retired';
  readonly why: string;
  /** False where the last proof failed for want of an answer. */
  readonly wasAnswered: boolean;
  readonly sinceMs: number;
}

/** What a running service knows of one list's filters; it is not stored, so every start proves them anew. */
export interface FilterTrust {
  readonly standings: ReadonlyMap<CandidateKind, FilterStanding>;
  /** When they were last asked; null = never. */
  readonly provedMs: number | null;
  /** When something first spoke for another proof since; null = nothing did. */
  readonly surprisedMs: number | null;
}

/** Nothing is known, so nothing is used. */
export const NO_TRUST: FilterTrust = { standings: new Map(), provedMs: null, surprisedMs: null };

const PROVE_EVERY_MS = DAY_MS;
/** Surprises and failures make nobody ask more often. */
const PROVE_AT_MOST_EVERY_MS = 60 * 60 * 1000;
/** The first edit after a proof that had none to go by is what that proof was waiting for. */
const PROVE_BY_FIRST_EDIT_MS = 5 * 60 * 1000;

/** When the filters of a list are to be proven next: at once, then daily, and within the hour where something speaks for it. */
export function proveAt({ standings, provedMs, surprisedMs }: FilterTrust, nowMs: number): number {
  if (provedMs === null) return nowMs;
  const isSoon = surprisedMs !== null || [...standings.values()].some(({ wasAnswered }) => !wasAnswered);
  const changed = standings.get('changed');
  // Where one proof by an edit has shown nothing either, another is as likely to.
  const isFirstEdit = surprisedMs !== null && changed?.verdict === 'unknown' && changed.sinceMs === provedMs;
  const waitMs = isFirstEdit ? PROVE_BY_FIRST_EDIT_MS : isSoon ? PROVE_AT_MOST_EVERY_MS : PROVE_EVERY_MS;
  // A clock that was set back delays a proof by no more than one turn.
  return Math.min(provedMs, nowMs) + waitMs;
}

/** What is known after the filters were asked; one that was retired works again a day later at the earliest, as its proofs were right before. */
export function afterProof({ standings }: FilterTrust, proofs: readonly FilterProof[], nowMs: number): FilterTrust {
  const next = new Map(standings);
  for (const { candidate, verdict, why, wasAnswered } of proofs) {
    const before = standings.get(candidate.kind);
    const isBarred = before?.verdict === 'retired' && nowMs - before.sinceMs < PROVE_EVERY_MS;
    if (isBarred && (verdict === 'works' || verdict === 'unknown')) continue;
    const sinceMs = before?.verdict === verdict ? before.sinceMs : nowMs;
    next.set(candidate.kind, { candidate, verdict, why, wasAnswered, sinceMs });
  }
  return { standings: next, provedMs: nowMs, surprisedMs: null };
}

/** What is known of a list's filters, a line each, for a person. */
export function trustTexts({ standings }: FilterTrust): readonly string[] {
  return [...standings.values()].map(
    ({ candidate: { parameter }, verdict, why, sinceMs }) =>
      `${parameter} ${verdict} since ${new Date(sinceMs).toISOString()}: ${why}`,
  );
}

/** What is done only where the account has shown that it works: scans by filters, and asking for named fields. */
export type ProvenUse = ProvenScan | 'fields';

/** Whether a scan may be made, or named fields asked for: its filter has shown on this account that it works, and nothing has spoken against that since. */
export function mayScan({ standings }: FilterTrust, use: ProvenUse): boolean {
  return standings.get(use)?.verdict === 'works';
}

/** What is known after the filter of a scan was caught; `why` is the notice, one sentence. */
export function retire(trust: FilterTrust, use: ProvenUse, why: string, nowMs: number): FilterTrust {
  const before = trust.standings.get(use);
  if (before?.verdict !== 'works') return trust;
  const standings = new Map(trust.standings).set(use, {
    ...before,
    verdict: 'retired',
    why,
    sinceMs: nowMs,
  });
  return { ...trust, standings, surprisedMs: trust.surprisedMs ?? nowMs };
}

/** What is known after walks of a scan were not answered again and again, as by a filter that takes the API too long. */
export function doubt(trust: FilterTrust, nowMs: number): FilterTrust {
  return { ...trust, surprisedMs: trust.surprisedMs ?? nowMs };
}

/** What is known after another scan found an edit: the proof of the filter by which edits are found may have lacked one to tell by. */
export function learnOfEdit(trust: FilterTrust, nowMs: number): FilterTrust {
  const isOpen = trust.surprisedMs === null && trust.standings.get('changed')?.verdict === 'unknown';
  return isOpen ? { ...trust, surprisedMs: nowMs } : trust;
}

/** A change that another scan found. */
export interface SeenChange {
  /** As it is now. */
  readonly row: Row;
  /** The day in UTC on which it changed, or one before: that of the last look that showed it unchanged, or not at all. */
  readonly since: string;
  /** When the answer that showed it was complete, in the order of requests. */
  readonly ended: number;
}

/** A whole walk of a scan by a proven filter. */
export interface FilterWalk {
  readonly scan: ProvenScan;
  readonly query: Query;
  /** When its first request began, in the order of requests. */
  readonly began: number;
  readonly shown: ReadonlySet<number>;
}

/**
 * Whether a walk did not show a change that it should have shown; null = it says nothing against its filter. The walk must have begun
 * after the change was seen: of one that came before, nobody can tell whether the change had happened yet.
 */
export function contradicts(stream: Filters, walk: FilterWalk, { row, since, ended }: SeenChange): string | null {
  const { scan, query, began, shown } = walk;
  if (began <= ended || shown.has(row.id) || !isWithin(stream, query, row)) return null;
  const asked = scan === 'paid' ? query.paidSince : query.changedSince;
  if (asked === undefined || (scan === 'changed' && since < asked)) return null;
  return `row ${row.id} was read changed by another scan, and ${scan}, which asked later for all since ${asked}, did not show it`;
}

/** A page of a scan by a proven filter whose filter cannot have been heeded, in a sentence; null = nothing is odd. `live`: rows that the whole list should have. */
export function surprise(
  scan: ProvenScan,
  { outsideQuery, totalCount }: { readonly outsideQuery: number; readonly totalCount: number },
  live: number,
): string | null {
  if (outsideQuery > 0) return `${scan} was answered with ${outsideQuery} rows that it had not asked for`;
  // A list of one page is read as quickly without a filter.
  if (live > ONE_PAGE && totalCount >= live) return `${scan} was answered with all ${totalCount} rows of the list`;
  return null;
}

const ONE_PAGE = 100;
