import type { ProvenScan, ScanName, StreamName, Turn } from '../model';

/** How often things are looked at, as configured. */
export interface ScheduleSettings {
  readonly newestSeconds: number;
  readonly clientsNewestSeconds: number;
  readonly openSeconds: number;
  readonly recentSeconds: number;
  readonly sweepSeconds: number;
  readonly sweepAtLeastHours: number;
}

/** When a scan begins, and how fast it wants to go on. */
export interface Target {
  /** From the start of one walk to the start of the next, at the earliest. */
  readonly everyMs: number;
  /** How long a walk may take from its start. */
  readonly withinMs: number;
}

/** The scans that have a rhythm of their own; a spot read follows from another scan. */
export type TimedScan = Exclude<ScanName, ProvenScan | 'spot'>;

/** Where a walk stands, for `turnOf`. */
export interface WalkProgress {
  readonly stream: StreamName;
  readonly scan: TimedScan;
  readonly target: Target;
  /** Requests that a whole walk is thought to take; null = not known yet. */
  readonly pages: number | null;
  /** How many of them were made. */
  readonly done: number;
  readonly startedAtMs: number;
}

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** What another scan has brought up is read soon, but not before everything else: as often as this. */
const SPOT_PACE_MS = 5 * SECOND;
/** Pages of a first sweep, before its first page says how much there is. */
const PAGES_UNKNOWN = 100;
/** A late sweep slows the other scans of its entity down to this part of their pace, and no further. */
export const MOST_URGENT_SWEEP = 16;
/** How often a walk may begin before its time. */
const EARLY_MS = HOUR;
/** A first sweep wants to be over so soon. */
const FIRST_SWEEP_MS = 10 * MINUTE;
/** Corrections are few: short of requests, a look for new ones gives way to the others to this part of its pace. */
const CORRECTIONS_PART = 4;

/** The targets of one stream's scans. */
export function targetsOf(settings: ScheduleSettings, stream: StreamName): Readonly<Record<TimedScan, Target>> {
  const each = (seconds: number, part = 1): Target => ({
    everyMs: seconds * SECOND,
    withinMs: seconds * SECOND * part,
  });
  const newest = (): Target => {
    if (stream === 'clients') return each(settings.clientsNewestSeconds);
    return each(settings.newestSeconds, stream === 'corrective-invoices' ? CORRECTIONS_PART : 1);
  };
  return {
    newest: newest(),
    open: each(settings.openSeconds),
    recent: each(settings.recentSeconds),
    sweep: { everyMs: settings.sweepSeconds * SECOND, withinMs: settings.sweepAtLeastHours * HOUR },
  };
}

/** The target of a first sweep, before which next to nothing of the stream is published: not its longest time, but soon. */
export function firstSweepOf(sweep: Target): Target {
  return { ...sweep, withinMs: Math.min(sweep.withinMs, FIRST_SWEEP_MS) };
}

/**
 * When the next walk begins, given when the last one did; by the wall clock, as it outlives the process.
 *
 * A walk that is under way is not asked about here: it goes on at once. A clock that was set back delays a scan by no
 * more than one turn. `early`: something speaks for a look before its time, which is heeded once an hour.
 */
export function dueAt({ everyMs }: Target, lastStartedMs: number | null, nowMs: number, early = false): number {
  if (lastStartedMs === null) return nowMs;
  const waitMs = early ? Math.min(everyMs, EARLY_MS) : everyMs;
  return Math.max(nowMs, Math.min(nowMs, lastStartedMs) + waitMs);
}

/** How many requests an undisturbed walk over so many rows takes, as pages overlap by one row. */
export function pagesOf(totalCount: number, limit: number): number {
  return Math.floor(Math.max(0, totalCount - 1) / (limit - 1)) + 1;
}

/**
 * What a walk says of itself when it asks for its next request.
 *
 * The requests of a walk are spread over the time that it may take, so that every scan wants them at a pace. A
 * sweep has a line beside its pace: where it must be by now to end in time.
 */
export function turnOf({ stream, scan, target, pages, done, startedAtMs }: WalkProgress, nowMs: number): Turn {
  if (scan !== 'sweep') {
    return { stream, scan, paceMs: Math.max(1, target.withinMs / Math.max(pages ?? 1, done + 1)) };
  }
  const paceMs = sweepPaceMs(target, pages);
  return { stream, scan, paceMs, behind: (nowMs - startedAtMs) / paceMs - done };
}

/** How the reading of a single row says so: a spot read, or the GET that a deletion asks for. */
export function spotTurn(stream: StreamName): Turn {
  return { stream, scan: 'spot', paceMs: SPOT_PACE_MS };
}

/** Leaves room for the requests that a sweep may be behind when the others are slowed down most. */
export function sweepPaceMs({ withinMs }: Target, pages: number | null): number {
  return Math.max(1, withinMs / ((pages ?? PAGES_UNKNOWN) + MOST_URGENT_SWEEP));
}
