import type { Counts } from '../model';
import type { Progress } from '../reading/progress';
import type { ServiceEvent } from '../service/events';
import { addCounts, NO_COUNTS } from '../rules/cursor';
import type { Io } from './io';

/** What a run did to one stream. */
export interface StreamReport {
  readonly entity: string;
  readonly stream: string;
  requests: number;
  counts: Counts;
  totalCount: number | null;
  /** Rows of the sweep so far, those of an earlier run included. */
  sweepRows: number;
  complete: boolean;
  reason: string | null;
  startedMs: number | null;
  endedMs: number | null;
}

/** Reports by `entity stream`. */
export type Reports = ReadonlyMap<string, StreamReport>;

/** The report of a stream of which nothing was read yet. */
export function newReport(entity: string, stream: string): StreamReport {
  return {
    entity,
    stream,
    requests: 0,
    counts: NO_COUNTS,
    totalCount: null,
    sweepRows: 0,
    complete: false,
    reason: null,
    startedMs: null,
    endedMs: null,
  };
}

/** Counts a request of a stream; a stream's time begins with its first. */
function noteAttempt(reports: Reports, entity: string, stream: string | null, nowMs: number): void {
  const report = reports.get(`${entity} ${stream ?? ''}`);
  if (report === undefined) return;
  report.requests += 1;
  report.startedMs ??= nowMs;
}

/** Takes what happens in a run into the reports of the streams that it concerns. */
export function note(reports: Reports, event: ServiceEvent, nowMs: number): void {
  switch (event.kind) {
    case 'request':
      noteAttempt(reports, event.entity, event.stream, nowMs);
      return;
    case 'pace':
    case 'lost':
    case 'shard-ready':
    case 'surroundings':
      return;
    default:
      noteProgress(reports, event, nowMs);
  }
}

function noteProgress(reports: Reports, progress: Progress, nowMs: number): void {
  const { entity, stream } = progress;
  const concerned = [...reports.values()].filter(
    (report) => report.entity === entity && (stream === null || report.stream === stream),
  );
  for (const report of concerned) {
    // Only pages count after the end of the sweep: deletions, which are decided then.
    if (report.complete && progress.kind !== 'page') continue;
    report.endedMs = nowMs;
    if (progress.kind === 'page') {
      report.counts = addCounts(report.counts, progress.counts);
      report.totalCount = progress.cursor.totalCount;
      report.sweepRows = progress.cursor.counts.rows;
    }
    if (progress.kind === 'sweep') report.complete = true;
    if (progress.kind === 'given-up') report.reason = progress.reason;
  }
}

function seconds({ startedMs, endedMs }: StreamReport): number {
  return startedMs === null || endedMs === null ? 0 : Math.round(endedMs - startedMs) / 1_000;
}

/** The report as one element of `once --json`. */
export function asJson(report: StreamReport): Record<string, unknown> {
  const { entity, stream, requests, counts, complete, reason } = report;
  const { rows, created, updated, deleted, unchanged, deadLetters } = counts;
  return {
    entity,
    stream,
    requests,
    rows,
    created,
    updated,
    deleted,
    unchanged,
    dead_letters: deadLetters,
    complete,
    seconds: seconds(report),
    reason,
  };
}

/** The report as one line for a person. */
export function summary(report: StreamReport): string {
  const { entity, stream, counts, complete, reason } = report;
  const { rows, created, updated, deleted, unchanged, deadLetters } = counts;
  const gone = deleted > 0 ? `, ${deleted} deleted` : '';
  const letters = deadLetters > 0 ? `, ${deadLetters} dead-lettered` : '';
  const end = complete ? 'complete' : `NOT complete: ${reason ?? 'unknown'}`;
  return `${entity} ${stream}: ${rows} rows, ${created} created, ${updated} updated${gone}, ${unchanged} unchanged${letters} in ${seconds(report).toFixed(1)} s, ${end}`;
}

/** Shows a person how far a run is. */
export interface Display {
  show(): void;
  /** Leaves nothing on the screen that only made sense while the run went on. */
  end(): void;
}

/** A bar on a terminal, a line each time elsewhere. */
export function createDisplay(io: Pick<Io, 'stderr' | 'columns'>, reports: Reports, nowMs: () => number): Display {
  return io.columns === null ? lines(io, reports, nowMs) : bar(io, io.columns, reports, nowMs);
}

function totals(reports: Reports): {
  done: number;
  of: number;
  rows: number;
  requests: number;
} {
  const all = [...reports.values()];
  const sum = (what: (report: StreamReport) => number): number =>
    all.reduce((total, report) => total + what(report), 0);
  return {
    done: sum(({ sweepRows }) => sweepRows),
    of: sum(({ totalCount, sweepRows }) => Math.max(totalCount ?? 0, sweepRows)),
    rows: sum(({ counts }) => counts.rows),
    requests: sum(({ requests }) => requests),
  };
}

function lines(io: Pick<Io, 'stderr'>, reports: Reports, nowMs: () => number): Display {
  const begun = nowMs();
  return {
    show() {
      const { done, of, rows, requests } = totals(reports);
      const rate = rows / ((nowMs() - begun) / 1_000);
      io.stderr(`${done} of ${of} rows, ${Math.round(rate)} rows/s, ${requests} requests\n`);
    },
    end: () => undefined,
  };
}

function bar(io: Pick<Io, 'stderr'>, columns: number, reports: Reports, nowMs: () => number): Display {
  const begun = nowMs();
  return {
    show() {
      const { done, of, rows, requests } = totals(reports);
      const rate = rows / ((nowMs() - begun) / 1_000);
      const left = rate > 0 && of > done ? `${Math.ceil((of - done) / rate)} s left` : '';
      const text = ` ${done}/${of} rows  ${Math.round(rate)} rows/s  ${requests} requests  ${left}`;
      const width = Math.max(0, Math.min(30, columns - text.length - 3));
      const filled = of === 0 ? 0 : Math.round((done / of) * width);
      io.stderr(`\r[${'='.repeat(filled)}${' '.repeat(width - filled)}]${text}\u001b[K`);
    },
    end: () => io.stderr('\r\u001b[K'),
  };
}
