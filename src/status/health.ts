import type { EntityId, StreamName } from '../model';
import type { FilterStanding } from '../rules/filter-trust';
import type { WalkedScan } from '../rules/rhythm';
import type { Pacing, ScanFigures } from '../rules/stream-schedule';
import type { Board } from './board';
import { DIFFERING_FILES, type Disagreement } from './entity-sets';
import { factsOf, type StatusReason } from './reasons';
import { scanText } from './scan-text';
import { reasonsOf, type StreamStatus } from './stream-status';

/** One thing that is wrong with one stream. */
export interface Problem {
  readonly entity: string;
  readonly stream: string;
  readonly reason: StatusReason;
  /** What a person is to do, in one sentence. */
  readonly do: string;
  /** ISO 8601; null = not known. */
  readonly since: string | null;
  /** The replica that has to read the stream. */
  readonly owner: string;
  /** Whether this alone makes the answer 503. */
  readonly unhealthy: boolean;
}

/** The replicas of the service read by different entity files. */
export interface Notice {
  readonly notice: 'entity-files-differ';
  /** What a person is to do, in one sentence. */
  readonly do: string;
  /** ISO 8601. */
  readonly since: string;
  /** A digest of the entity files of each replica, by the replica's name. */
  readonly replicas: Readonly<Record<string, string>>;
}

/** Where a filter of a list stands. */
export interface FilterHealth {
  /** As it stands in the address. */
  readonly filter: string;
  readonly verdict: FilterStanding['verdict'];
  readonly since: string;
  /** One sentence, without a value of any row but ids and days. */
  readonly why: string;
}

/** Where one stream stands, for a program or a person; times are ISO 8601. */
export interface StreamHealth {
  readonly entity: string;
  readonly stream: string;
  readonly state: StreamStatus['state'];
  readonly reason: StatusReason | null;
  readonly also: readonly StatusReason[];
  readonly since: string;
  readonly until: string | null;
  readonly sweep: {
    readonly began: string;
    readonly ended: string;
    readonly rows: number;
    readonly complete: boolean;
  } | null;
  /** When the last complete sweep ended, or before. */
  readonly complete_at: string | null;
  readonly age_seconds: number | null;
  readonly stale_after_seconds: number | null;
  readonly first_sweep: { readonly rows: number; readonly total: number | null } | null;
  readonly newest_at: string | null;
  /** What the list does with filters that may or may not work; null = another replica reads the stream. */
  readonly filters: readonly FilterHealth[] | null;
  readonly owner: string;
  readonly version: string;
  /** How often each of its lists is read and why; absent = another replica reads them, or nothing is known yet. */
  readonly scans?: readonly ScanHealth[];
}

/** How often a list is read, for a program or a person. */
export interface ScanHealth {
  readonly scan: WalkedScan;
  readonly pages: number;
  /** From one reading of a page to the next. */
  readonly every_seconds: number;
  readonly paced_by: Pacing;
  readonly changes_per_hour: number;
  /** All of that in a sentence. */
  readonly why: string;
}

/** The answer of `/health`. */
export interface Health {
  /** 200 = every stream is as it should be, but for what is only to be noted. */
  readonly status: 200 | 503;
  readonly healthy: boolean;
  readonly at: string;
  /** The most serious first. */
  readonly problems: readonly Problem[];
  /** What concerns no stream and leaves 200. */
  readonly notices: readonly Notice[];
  readonly streams: readonly StreamHealth[];
}

/** Whether every stream is as it should be, and what is wrong where not (I10). */
export function healthOf(
  board: Pick<Board, 'statuses' | 'isConfigured' | 'disagreement'>,
  nowMs: number,
  scansOf: (entity: EntityId, stream: StreamName) => readonly ScanFigures[] = () => [],
): Health {
  const statuses = board.statuses(nowMs);
  const problems = statuses
    .flatMap((status) => problemsOf(status, board.isConfigured(status.entity, status.stream)))
    .toSorted((one, other) => Number(other.unhealthy) - Number(one.unhealthy));
  const healthy = !problems.some(({ unhealthy }) => unhealthy);
  return {
    status: healthy ? 200 : 503,
    healthy,
    at: iso(nowMs),
    problems,
    notices: noticesOf(board.disagreement(nowMs)),
    streams: statuses.map((status) => {
      const scans = scansOf(status.entity, status.stream).map(scanHealthOf);
      return { ...streamHealthOf(status, nowMs), ...(scans.length === 0 ? {} : { scans }) };
    }),
  };
}

function noticesOf(disagreement: Disagreement | null): readonly Notice[] {
  if (disagreement === null) return [];
  const { sinceMs, sets } = disagreement;
  return [
    { notice: 'entity-files-differ', do: DIFFERING_FILES, since: iso(sinceMs), replicas: Object.fromEntries(sets) },
  ];
}

function problemsOf(status: StreamStatus, isConfigured: boolean): Problem[] {
  const { entity, stream, reason, sinceMs, owner } = status;
  return reasonsOf(status).map((each) => {
    const facts = factsOf(each);
    // An entity that no file names any more was removed on purpose: it is shown, and nothing is wrong.
    const unhealthy = facts.isUnhealthy && (isConfigured || each !== 'not-configured-here');
    return {
      entity,
      stream,
      reason: each,
      do: facts.do,
      since: each === reason ? iso(sinceMs) : null,
      owner,
      unhealthy,
    };
  });
}

function scanHealthOf(figures: ScanFigures): ScanHealth {
  const { scan, pages, everyMs, pacing, changesPerMinute } = figures;
  return {
    scan,
    pages,
    every_seconds: Math.round(everyMs / 100) / 10,
    paced_by: pacing,
    changes_per_hour: Math.round(600 * changesPerMinute) / 10,
    why: scanText(figures),
  };
}

/** Where one stream stands, as `/health` says it. */
export function streamHealthOf(status: StreamStatus, nowMs: number): StreamHealth {
  const { entity, stream, state, reason, also, sweep, completeMs, staleAfterMs, firstSweep, owner, version } = status;
  return {
    entity,
    stream,
    state,
    reason,
    also,
    since: iso(status.sinceMs),
    until: isoOrNull(status.untilMs),
    sweep:
      sweep === null
        ? null
        : { began: iso(sweep.beganMs), ended: iso(sweep.endedMs), rows: sweep.rows, complete: sweep.complete },
    complete_at: isoOrNull(completeMs),
    age_seconds: completeMs === null ? null : Math.max(0, Math.round((nowMs - completeMs) / 1_000)),
    stale_after_seconds: staleAfterMs === null ? null : Math.round(staleAfterMs / 1_000),
    first_sweep: firstSweep,
    newest_at: isoOrNull(status.newestMs),
    filters: status.filters?.map(filterHealthOf) ?? null,
    owner,
    version,
  };
}

function filterHealthOf({ candidate, verdict, sinceMs, why }: FilterStanding): FilterHealth {
  return { filter: candidate.parameter, verdict, since: iso(sinceMs), why };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms);
}
