import type { Cursor, EntityId, StreamDeclaration } from '../model';
import { pagesOf, plan, targetsOf, type Plan, type ScheduleSettings, type TimedScan } from './rhythm';
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
