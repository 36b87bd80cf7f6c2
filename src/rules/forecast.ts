import type { Cursor, EntityId, StreamDeclaration } from '../model';
import { pagesOf, plan, targetsOf, type Forecast, type Plan, type ScheduleSettings, type TimedScan } from './rhythm';
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

/** What is wanted and given, and how often each kind of scan comes round. */
export function planText({ wantedPerMinute, forecasts }: Plan, requestsPerMinute: number): string {
  const each = [...new Set(forecasts.map(({ scan }) => scan.scan))].map((name) => {
    const spans = forecasts.filter(({ scan }) => scan.scan === name).map(({ everyMs }) => everyMs);
    const [least, most] = [Math.min(...spans), Math.max(...spans)].map(spanText);
    return `${name} every ${least === most ? '' : `${least ?? ''} to `}${most ?? ''}`;
  });
  const wanted = `the targets want ${roundedText(wantedPerMinute)} requests a minute`;
  const given =
    requestsPerMinute === 0
      ? 'there is no limit'
      : `${requestsPerMinute} are allowed (${Math.round((100 * wantedPerMinute) / requestsPerMinute)} %)`;
  const short = requestsPerMinute > 0 && wantedPerMinute > requestsPerMinute ? '; everything slows down' : '';
  return `${wanted}, ${given}${short}; ${each.join(', ')}`;
}

/** When the scan comes next, and how often. */
export function forecastText({ scan, underWay, dueAtMs, everyMs }: Forecast, nowMs: number): string {
  // Looks that found nothing are not written down, so when the last one was is not known here.
  if (scan.scan === 'newest') return `every ${spanText(everyMs)}`;
  const due = underWay ? 'under way' : dueAtMs <= nowMs ? 'due now' : `due in ${spanText(dueAtMs - nowMs)}`;
  return `${due}, then every ${spanText(everyMs)}`;
}

function spanText(ms: number): string {
  if (!Number.isFinite(ms)) return 'never';
  if (ms < 120_000) return `${roundedText(ms / 1_000)} s`;
  return ms < 7_200_000 ? `${roundedText(ms / 60_000)} min` : `${roundedText(ms / 3_600_000)} h`;
}

function roundedText(value: number): string {
  return value < 10 ? String(Math.round(value * 10) / 10) : String(Math.round(value));
}
