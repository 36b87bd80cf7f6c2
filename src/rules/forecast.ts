import type { Cursor, EntityId, StreamDeclaration, StreamName } from '../model';
import { PAGE_ROWS } from './paging';
import { guaranteesOf, pagesOf, type ScheduleSettings, type TimedScan } from './rhythm';
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
  readonly settings: ScheduleSettings & {
    /** Part of the requests that reading for freshness may use. */
    readonly allowance: number;
  };
  /** 0 = no limit. */
  readonly requestsPerMinute: number;
  readonly nowMs: number;
}

/** A scan as the plan sees it. */
export interface PlannedScan {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly scan: TimedScan;
  readonly guaranteeMs: number;
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
  /** When the next walk begins at the latest; of one under way, when it began. */
  readonly dueAtMs: number;
  /** From the start of one walk to the start of the next, at the longest. */
  readonly everyMs: number;
}

/** What the guarantees want, and what they get. */
export interface Plan {
  /** Requests a minute that keep every guarantee. */
  readonly wantedPerMinute: number;
  readonly forecasts: readonly Forecast[];
}

const MINUTE = 60_000;
/** Guarantees have every second request: the others go where changes are. */
export const GUARANTEES_PART = 0.5;

/** What the guarantees come to at today's size: each scan comes at least so often, and more often where changes are. */
export function forecast(streams: readonly StreamToday[], { settings, requestsPerMinute, nowMs }: Allowance): Plan {
  const scans = streams.flatMap(({ entity, declaration, rows, cursors }) =>
    scansOf(declaration).map((scan): PlannedScan => {
      const cursor = cursors[scan];
      return {
        entity,
        stream: declaration.name,
        scan,
        guaranteeMs: guaranteesOf(settings, declaration.name)[scan],
        // Whatever there is, `newest` seldom reads more than its first page.
        pages: scan === 'newest' ? 1 : pagesOf(rows[scan] ?? 0, PAGE_ROWS),
        lastStartedMs: cursor === undefined ? null : Date.parse(cursor.startedAt),
        lastFinishedMs: cursor === undefined || cursor.finishedAt === null ? null : Date.parse(cursor.finishedAt),
      };
    }),
  );
  const wantedPerMinute = scans.reduce((sum, { pages, guaranteeMs }) => sum + (pages * MINUTE) / guaranteeMs, 0);
  const given = requestsPerMinute === 0 ? Infinity : requestsPerMinute * settings.allowance * GUARANTEES_PART;
  const slowdown = Math.max(1, wantedPerMinute / given);
  const forecasts = scans.map((scan): Forecast => {
    const { guaranteeMs, lastStartedMs, lastFinishedMs } = scan;
    const everyMs = guaranteeMs * slowdown;
    const underWay = lastStartedMs !== null && lastFinishedMs === null;
    // A clock that was set back delays a scan by no more than one turn.
    const lastMs = Math.min(nowMs, lastStartedMs ?? -Infinity);
    return { scan, underWay, dueAtMs: underWay ? lastStartedMs : Math.max(nowMs, lastMs + everyMs), everyMs };
  });
  return { wantedPerMinute, forecasts };
}
