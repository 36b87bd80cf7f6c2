import type { Cursor, EntityId, StreamDeclaration, StreamName } from '../model';
import {
  dueAt,
  sweepPaceMs,
  MOST_URGENT_SWEEP,
  pagesOf,
  targetsOf,
  type ScheduleSettings,
  type Target,
  type TimedScan,
} from './rhythm';
import { scansOf } from './scope';

/** A stream as it is today. */
export interface StreamToday {
  readonly entity: EntityId;
  readonly declaration: StreamDeclaration;
  /** Rows that each of its scans reads; 0 where that is not known. */
  readonly rows: Readonly<Partial<Record<TimedScan, number>>>;
  /** Where its scans stand, by their names. */
  readonly cursors: Readonly<Record<string, Cursor>>;
}

/** What limits the requests. */
export interface Allowance {
  readonly settings: ScheduleSettings;
  /** 0 = no limit. */
  readonly requestsPerMinute: number;
  readonly nowMs: number;
}

const MINUTE = 60_000;
/** Rows of a page. */
const LIMIT = 100;

/** What the configured targets come to at today's size. */
export function forecast(streams: readonly StreamToday[], { settings, requestsPerMinute, nowMs }: Allowance): Plan {
  const scans = streams.flatMap(({ entity, declaration, rows, cursors }) =>
    scansOf(declaration).map((scan) => {
      const cursor = cursors[scan];
      return {
        entity,
        stream: declaration.name,
        scan,
        target: targetsOf(settings, declaration.name)[scan],
        // Whatever there is, `newest` seldom reads more than its first page.
        pages: scan === 'newest' ? 1 : pagesOf(rows[scan] ?? 0, LIMIT),
        lastStartedMs: cursor === undefined ? null : Date.parse(cursor.startedAt),
        lastFinishedMs: cursor === undefined || cursor.finishedAt === null ? null : Date.parse(cursor.finishedAt),
      };
    }),
  );
  return plan(scans, requestsPerMinute === 0 ? null : requestsPerMinute, nowMs);
}

/** A scan as the plan sees it. */
export interface PlannedScan {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly scan: TimedScan;
  readonly target: Target;
  /** Requests that a whole walk takes at today's size. */
  readonly pages: number;
  readonly lastStartedMs: number | null;
  /** Null = never, or under way again. */
  readonly lastFinishedMs: number | null;
}

/** A scan and what comes of it. */
export interface Forecast {
  readonly scan: PlannedScan;
  readonly underWay: boolean;
  /** When the next walk begins if nothing is short; of one under way, when it began. */
  readonly dueAtMs: number;
  /** From the start of one walk to the start of the next, as long as nothing else has to be read. */
  readonly everyMs: number;
}

/** What the scans want, and what they get. */
export interface Plan {
  /** Requests a minute that keep every target, each lap in its longest time. */
  readonly wantedPerMinute: number;
  readonly forecasts: readonly Forecast[];
}

/** Foretells how often each scan will have a whole walk; `requestsPerMinute` null = no limit. */
export function plan(scans: readonly PlannedScan[], requestsPerMinute: number | null, nowMs: number): Plan {
  const byEntity = new Map<EntityId, PlannedScan[]>();
  for (const scan of scans) byEntity.set(scan.entity, [...(byEntity.get(scan.entity) ?? []), scan]);
  const loads = [...byEntity].map(([entity, its]) => loadOf(entity, its));
  const outcomes = new Map(
    shareOut(loads, (requestsPerMinute ?? Infinity) / MINUTE).map(({ load, rate }) => [
      load.entity,
      paceWithin(load, rate),
    ]),
  );
  const forecasts = scans.map((scan): Forecast => {
    const { target, lastStartedMs, lastFinishedMs } = scan;
    const { slowdown, lapMs } = outcomes.get(scan.entity) ?? { slowdown: 1, lapMs: () => 0 };
    const underWay = lastStartedMs !== null && lastFinishedMs === null;
    return {
      scan,
      underWay,
      dueAtMs: underWay ? lastStartedMs : dueAt(target, lastStartedMs, nowMs),
      everyMs: scan.scan === 'sweep' ? Math.max(target.everyMs, lapMs(target)) : walkEveryMs(target, slowdown),
    };
  });
  const wanted = loads.reduce((sum, { others, laps }) => sum + others + laps, 0);
  return { wantedPerMinute: wanted * MINUTE, forecasts };
}

/** A scan that gives way to others goes at its slower pace as soon as there are too few requests for all. */
function walkEveryMs({ everyMs, withinMs }: Target, slowdown: number): number {
  return slowdown > 1 ? Math.max(everyMs, withinMs * slowdown) : everyMs;
}

/** What one entity wants, in requests a millisecond. */
interface Load {
  readonly entity: EntityId;
  readonly others: number;
  /** With laps in their longest time, and in their shortest. */
  readonly laps: number;
  readonly fastLaps: number;
  readonly lapPages: number;
}

function loadOf(entity: EntityId, scans: readonly PlannedScan[]): Load {
  let [others, laps, fastLaps, lapPages] = [0, 0, 0, 0];
  for (const { scan, target, pages } of scans) {
    if (scan !== 'sweep') {
      others += pages / target.withinMs;
      continue;
    }
    laps += 1 / sweepPaceMs(target, pages);
    fastLaps += pages / target.everyMs;
    lapPages += pages;
  }
  return { entity, others, laps, fastLaps, lapPages };
}

/** Gives each its equal share, and what some do not want to the rest. */
function shareOut(loads: readonly Load[], rate: number): { readonly load: Load; readonly rate: number }[] {
  const most = ({ others, laps, fastLaps }: Load): number => others + Math.max(laps, fastLaps);
  let left = rate;
  return loads
    .toSorted((one, other) => most(one) - most(other))
    .map((load, at) => {
      const given = Math.min(most(load), left / (loads.length - at));
      left -= given;
      return { load, rate: given };
    });
}

/** How the dealer divides what an entity gets: see `createDealer`. */
function paceWithin({ others, laps, lapPages }: Load, rate: number) {
  const short = rate < others + laps;
  const lapRate = short
    ? Math.min(laps, Math.max(rate - others / MOST_URGENT_SWEEP, (rate * laps) / (others + laps)))
    : rate - others;
  return {
    slowdown: short && others > 0 ? others / (rate - lapRate) : 1,
    lapMs: ({ withinMs }: Target) => (short ? (withinMs * laps) / lapRate : lapPages / lapRate),
  };
}
