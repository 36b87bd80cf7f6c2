import { ConfigError, exitCodeFor, troubleOf } from '../errors';
import type { Counts, Misfits } from '../model';
import type { Progress } from '../reading/progress';
import { shortcomingsJson, shortcomingsText, type Completeness } from '../rules/completeness';
import { DEFAULT_DAYS } from '../rules/scope';
import type { ServiceEvent } from '../service/events';
import { addCounts, addMisfits, NO_COUNTS } from '../rules/cursor';
import { adviceOn } from './advice';
import type { Io } from './io';
import { misfitsText } from './misfits-text';
import { painted, plainPage, type Page } from './page';

const NAMED_STREAMS = 10;

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
  /** What a person is to do so that the stream can be read; null = nothing, or the log says so. */
  advice: string | null;
  /** Values published in this run that were not of their field's kind. */
  misfits: Misfits;
  /** The first day of a scope that nobody has set; null = not known, or a person has set the scope. */
  defaultFrom: string | null;
  readonly hasDefaultScope: boolean;
  /** Null until the deletions of the finished sweep are decided. */
  completeness: Completeness | null;
  /** The stream was parked in this run as its rows were of another shape. */
  shapeChanged: boolean;
  startedMs: number | null;
  endedMs: number | null;
}

/** Reports by `entity stream`. */
export type Reports = ReadonlyMap<string, StreamReport>;

/** In one word, what ended a run before its time. */
export function failureReason(error: unknown): string {
  return (
    troubleOf(error) ?? (error instanceof ConfigError ? 'configuration' : exitCodeFor(error) === 1 ? 'bug' : 'kafka')
  );
}

/** The report of a stream of which nothing was read yet. `hasDefaultScope`: whether no `start_date` is set. */
export function newReport(entity: string, stream: string, hasDefaultScope = false): StreamReport {
  return {
    hasDefaultScope,
    defaultFrom: null,
    entity,
    stream,
    requests: 0,
    counts: NO_COUNTS,
    totalCount: null,
    sweepRows: 0,
    complete: false,
    reason: null,
    advice: null,
    misfits: {},
    completeness: null,
    shapeChanged: false,
    startedMs: null,
    endedMs: null,
  };
}

/** Whether nothing of a stream is left to be read: its sweep is complete, or the account does not have the stream. */
export function isDone({ complete, reason }: Pick<StreamReport, 'complete' | 'reason'>): boolean {
  return complete || isNotAvailable({ reason });
}

function isNotAvailable({ reason }: Pick<StreamReport, 'reason'>): boolean {
  return reason === 'not-available';
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
    case 'contact':
    case 'entities':
    case 'shards':
    case 'waiting':
    case 'hint':
    case 'surroundings':
    case 'setting':
    case 'commit':
    case 'status':
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
    // Whatever another stream of the entity meets later changes nothing of this one.
    if (report.completeness !== null && progress.kind !== 'page' && progress.kind !== 'swept') continue;
    report.endedMs = nowMs;
    if (progress.kind === 'page') {
      report.counts = addCounts(report.counts, progress.counts);
      report.misfits = addMisfits(report.misfits, progress.misfits ?? {});
      report.totalCount = progress.cursor.totalCount;
      report.sweepRows = progress.cursor.counts.rows;
      if (report.hasDefaultScope) report.defaultFrom = progress.cursor.query.from;
    }
    if (progress.kind === 'parked' && progress.reason === 'shape-changed') report.shapeChanged = true;
    if (progress.kind === 'swept') {
      const { completeness } = progress;
      report.completeness = completeness;
      report.complete = completeness.complete;
      report.reason = reasonOf(report, completeness);
    }
    if (progress.kind === 'given-up') {
      report.reason = progress.reason;
      report.advice = adviceOn(progress.error) || null;
    }
  }
}

function reasonOf({ shapeChanged }: StreamReport, { reasons }: Completeness): string | null {
  const [first] = reasons;
  if (first === undefined) return null;
  return first === 'dead-letters' && shapeChanged ? 'shape-changed' : first;
}

function seconds({ startedMs, endedMs }: StreamReport): number {
  return startedMs === null || endedMs === null ? 0 : Math.round(endedMs - startedMs) / 1_000;
}

/** The report as one element of `once --json`. */
export function asJson(report: StreamReport): Record<string, unknown> {
  const { entity, stream, requests, counts, misfits, complete, reason, advice, completeness } = report;
  const { rows, created, firstRead, updated, republished, deleted, unchanged, deadLetters } = counts;
  return {
    entity,
    stream,
    requests,
    rows,
    created,
    first_read: firstRead,
    updated,
    republished,
    deleted,
    unchanged,
    dead_letters: deadLetters,
    misfits,
    ...(completeness === null ? {} : shortcomingsJson(completeness)),
    complete,
    seconds: seconds(report),
    reason,
    reasons: completeness?.reasons ?? (reason === null ? [] : [reason]),
    ...(advice === null ? {} : { advice }),
  };
}

/** The report as one line for a person. */
export function summary(report: StreamReport, page: Page = plainPage): string {
  const { entity, stream, counts, misfits, complete, reason, advice, completeness, defaultFrom } = report;
  if (isNotAvailable(report)) return `${entity} ${stream}: not available: the account does not have this list`;
  const { rows, created, firstRead, updated, republished, deleted, unchanged, deadLetters } = counts;
  const scope = defaultFrom === null ? '' : ` (start_date not set: ${DEFAULT_DAYS} days, from ${defaultFrom})`;
  const first = firstRead > 0 ? `, ${firstRead} first read` : '';
  const again = republished > 0 ? `, ${republished} republished` : '';
  const gone = deleted > 0 ? `, ${deleted} deleted` : '';
  const letters = deadLetters > 0 ? `, ${deadLetters} dead-lettered` : '';
  const lacks = completeness === null ? '' : shortcomingsText(completeness);
  const odd = Object.keys(misfits).length > 0 ? `, misfits in ${misfitsText(misfits)}` : '';
  const because = `${painted('red', 'NOT complete', page)}: ${reason ?? 'unknown'}${advice === null ? '' : `, ${advice}`}`;
  const end = `${complete ? painted('green', 'complete', page) : because}${lacks === '' ? '' : `: ${lacks}`}`;
  return `${entity} ${stream}: ${rows} rows${scope}${first}, ${created - firstRead} created, ${updated} updated${again}${gone}, ${unchanged} unchanged${letters}${odd} in ${seconds(report).toFixed(1)} s, ${end}`;
}

/** The last line of all reports: how many streams are complete, and which are not. */
export function verdictText(reports: readonly StreamReport[]): string {
  const lacking = reports.filter((report) => !isDone(report)).map(({ entity, stream }) => `${entity} ${stream}`);
  const absent = reports.filter(isNotAvailable).length;
  if (lacking.length === 0)
    return `All ${reports.length - absent} streams are complete${absent === 0 ? '' : `; ${absent} more not available`}.`;
  const named = lacking.slice(0, NAMED_STREAMS).join(', ');
  const more = lacking.length > NAMED_STREAMS ? ` and ${lacking.length - NAMED_STREAMS} more` : '';
  return `${lacking.length} of ${reports.length} streams are NOT complete: ${named}${more}`;
}

/** Shows a person how far a run is. */
export interface Display {
  show(): void;
  /** Leaves nothing on the screen that only made sense while the run went on. */
  end(): void;
}

/** A bar on a terminal, a line each time elsewhere. */
export function createDisplay(
  io: Pick<Io, 'stderr' | 'columns'>,
  reports: Reports,
  nowMs: () => number,
  waits: Waits = createWaits(),
): Display {
  return io.columns === null ? lines(io, reports, nowMs, waits) : bar(io, io.columns, reports, nowMs, waits);
}

/** For whom a run waits before it can go on, and until when. */
export interface Waits {
  readonly note: (event: ServiceEvent, wallMs: number) => void;
  /** One text a wait. */
  readonly texts: () => readonly string[];
}

/** Begins with nothing to wait for. */
export function createWaits(): Waits {
  const waits = new Map<string, string>();
  return {
    note(event, wallMs) {
      if (event.kind === 'waiting') {
        if (event.wait === null) waits.delete('group');
        else waits.set('group', `waiting for ${event.wait.forWhom}, until ${timeOf(event.wait.untilMs)} at the latest`);
      }
      if (event.kind === 'parked' || event.kind === 'retrying' || event.kind === 'given-up') {
        const place = event.stream === null ? event.entity : `${event.entity} ${event.stream}`;
        if (event.kind === 'parked')
          waits.set(
            place,
            `waiting for ${place}, parked (${event.reason}), next try at ${timeOf(wallMs + event.waitMs)}`,
          );
        else waits.delete(place);
      }
    },
    texts: () => [...waits.values()],
  };
}

/** A time of day. */
function timeOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(11, 19)} UTC`;
}

function totals(reports: Reports): {
  done: number;
  of: number;
  rows: number;
  requests: number;
  /** Streams whose number of rows is not known yet, those left out that nobody waits for. */
  uncounted: number;
} {
  const all = [...reports.values()];
  const sum = (what: (report: StreamReport) => number): number =>
    all.reduce((total, report) => total + what(report), 0);
  return {
    done: sum(({ sweepRows }) => sweepRows),
    of: sum(({ totalCount, sweepRows }) => Math.max(totalCount ?? 0, sweepRows)),
    rows: sum(({ counts }) => counts.rows),
    requests: sum(({ requests }) => requests),
    uncounted: all.filter(({ totalCount, reason }) => totalCount === null && reason === null).length,
  };
}

function lines(io: Pick<Io, 'stderr'>, reports: Reports, nowMs: () => number, waits: Waits): Display {
  const begun = nowMs();
  return {
    show() {
      const { done, of, rows, requests } = totals(reports);
      for (const text of waits.texts()) io.stderr(`${text}\n`);
      // Before the first request there is nothing to count.
      if (requests === 0 && waits.texts().length > 0) return;
      const rate = rows / ((nowMs() - begun) / 1_000);
      io.stderr(`${done} of ${of} rows, ${Math.round(rate)} rows/s, ${requests} requests\n`);
    },
    end: () => undefined,
  };
}

function bar(io: Pick<Io, 'stderr'>, columns: number, reports: Reports, nowMs: () => number, waits: Waits): Display {
  const begun = nowMs();
  const told = new Set<string>();
  let filled = 0;
  return {
    show() {
      const { done, of, rows, requests, uncounted } = totals(reports);
      // Each wait is a line of its own above the bar, once.
      for (const text of waits.texts()) {
        if (!told.has(text)) io.stderr(`\r\u001b[K${text}\n`);
        told.add(text);
      }
      if (requests === 0 && waits.texts().length > 0) return;
      const rate = rows / ((nowMs() - begun) / 1_000);
      const isCounted = uncounted === 0;
      // The bar waits until all rows are counted, and stays where it is when more rows come: it never goes back.
      const share = isCounted && of > 0 ? done / of : 0;
      const left = isCounted && rate > 0 && of > done ? `${Math.ceil((of - done) / rate)} s left` : '';
      const counted = isCounted
        ? `${done}/${of} rows`
        : `${done} rows, ${reports.size - uncounted}/${reports.size} lists counted`;
      const text = ` ${counted}  ${Math.round(rate)} rows/s  ${requests} requests  ${left}`.slice(
        0,
        Math.max(0, columns - 3),
      );
      const width = Math.max(0, Math.min(30, columns - text.length - 3));
      filled = Math.min(width, Math.max(filled, Math.round(share * width)));
      io.stderr(`\r[${'='.repeat(filled)}${' '.repeat(width - filled)}]${text}\u001b[K`);
    },
    end: () => io.stderr('\r\u001b[K'),
  };
}
