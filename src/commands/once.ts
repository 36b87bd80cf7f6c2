import { parseArgs } from 'node:util';
import { lastValueFrom, tap } from 'rxjs';

import type { Counts } from '../model';
import type { Progress } from '../reading/stream-reading';
import { usualPatience, type Patience } from '../service/patience';
import type { ServiceOptions } from '../service/run-context';
import { runService } from '../service/serve';
import { addCounts, NO_COUNTS } from '../rules/cursor';
import { configHelp, configOptions, setUp, type Io } from './io';
import { createNarrator } from './narrate';

const help = `Usage: infakt-kafka once [options]

Reads one complete lap of every stream of every enabled entity, publishes what changed since the last run, and exits. A lap that was
begun before is finished. Progress goes to stderr.

Options
  --json             print the result as one JSON object on stdout
${configHelp}

Exit code: 0 all complete, 2 configuration, 3 a stream is not complete (which and why is printed) or Kafka cannot be used.
`;

/** What a run did to one stream. */
interface StreamReport {
  readonly entity: string;
  readonly stream: string;
  requests: number;
  counts: Counts;
  totalCount: number | null;
  /** Rows of the lap so far, those of an earlier run included. */
  lapRows: number;
  complete: boolean;
  reason: string | null;
  startedMs: number | null;
  endedMs: number | null;
}

const LINE_EVERY_MS = 5_000;
const BAR_EVERY_MS = 200;

/** `infakt-kafka once`: returns the exit code. */
export async function onceCommand(
  argv: readonly string[],
  io: Io,
  patience: Patience = usualPatience(Math.random),
  { now = Date.now, socketFactory }: Partial<Pick<ServiceOptions, 'now' | 'socketFactory'>> = {},
): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { ...configOptions, json: { type: 'boolean', default: false } },
  });
  if (values.help) {
    io.stdout(help);
    return 0;
  }
  const { config, logger, kafkaLog, secrets } = setUp(io, values);
  const reports = new Map<string, StreamReport>();
  for (const entity of config.entities.filter(({ enabled }) => enabled)) {
    for (const stream of entity.streams) reports.set(`${entity.id} ${stream}`, newReport(entity.id, stream));
  }
  const running = { stopping: false };
  const display = io.columns === null ? lines(io, reports) : bar(io, io.columns, reports);
  const narrator = createNarrator(logger);
  const run = runService({
    config,
    patience,
    kafkaLog,
    secrets,
    version: io.version,
    now,
    socketFactory,
    onAttempt: ({ entity, stream }) => {
      const report = reports.get(`${entity} ${stream}`);
      if (report === undefined) return;
      report.requests += 1;
      report.startedMs ??= performance.now();
    },
    onLost: narrator.lost,
    onPace: narrator.pace,
    onWarning: (warning) => logger.warn({ about: warning }, 'surroundings'),
    onBack: narrator.back,
    endless: false,
    stopped: () => running.stopping,
    stop: io.stop,
  }).pipe(
    // The summary at the end says which laps are complete.
    tap((progress) => (progress.kind === 'lap' ? undefined : narrator.tell(progress))),
    tap((progress) => note(reports, progress)),
  );
  void io.stopped.then((signal) => {
    running.stopping = true;
    logger.info({ signal }, 'stopping: finishing what is being committed');
  });
  const showing = setInterval(() => display.show(), io.columns === null ? LINE_EVERY_MS : BAR_EVERY_MS);
  const failure = await lastValueFrom(run, { defaultValue: null }).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  clearInterval(showing);
  display.end();
  const streams = [...reports.values()];
  for (const report of streams)
    if (!report.complete) report.reason ??= failure === null ? (running.stopping ? 'stopped' : 'not read') : 'kafka';
  if (values.json)
    io.stdout(
      `${JSON.stringify({ complete: streams.every(({ complete }) => complete), streams: streams.map(asJson) })}\n`,
    );
  else for (const report of streams) io.stderr(`${summary(report)}\n`);
  if (failure !== null) throw failure.error;
  return streams.every(({ complete }) => complete) ? 0 : 3;
}

function newReport(entity: string, stream: string): StreamReport {
  return {
    entity,
    stream,
    requests: 0,
    counts: NO_COUNTS,
    totalCount: null,
    lapRows: 0,
    complete: false,
    reason: null,
    startedMs: null,
    endedMs: null,
  };
}

function note(reports: ReadonlyMap<string, StreamReport>, progress: Progress): void {
  const { entity, stream } = progress;
  const concerned = [...reports.values()].filter(
    (report) => report.entity === entity && (stream === null || report.stream === stream),
  );
  for (const report of concerned) {
    // Deletions are decided, and told of, after the end of the lap.
    if (report.complete && progress.kind !== 'page') continue;
    report.endedMs = performance.now();
    if (progress.kind === 'page') {
      report.counts = addCounts(report.counts, progress.counts);
      report.totalCount = progress.cursor.totalCount;
      report.lapRows = progress.cursor.counts.rows;
    }
    if (progress.kind === 'lap') report.complete = true;
    if (progress.kind === 'given-up') report.reason = progress.reason;
  }
}

function seconds({ startedMs, endedMs }: StreamReport): number {
  return startedMs === null || endedMs === null ? 0 : Math.round(endedMs - startedMs) / 1_000;
}

function asJson(report: StreamReport): Record<string, unknown> {
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

function summary(report: StreamReport): string {
  const { entity, stream, counts, complete, reason } = report;
  const { rows, created, updated, deleted, unchanged, deadLetters } = counts;
  const gone = deleted > 0 ? `, ${deleted} deleted` : '';
  const letters = deadLetters > 0 ? `, ${deadLetters} dead-lettered` : '';
  const end = complete ? 'complete' : `NOT complete: ${reason ?? 'unknown'}`;
  return `${entity} ${stream}: ${rows} rows, ${created} created, ${updated} updated${gone}, ${unchanged} unchanged${letters} in ${seconds(report).toFixed(1)} s, ${end}`;
}

interface Display {
  show(): void;
  end(): void;
}

function totals(reports: ReadonlyMap<string, StreamReport>): {
  done: number;
  of: number;
  rows: number;
  requests: number;
} {
  const all = [...reports.values()];
  const sum = (what: (report: StreamReport) => number): number =>
    all.reduce((total, report) => total + what(report), 0);
  return {
    done: sum(({ lapRows }) => lapRows),
    of: sum(({ totalCount, lapRows }) => Math.max(totalCount ?? 0, lapRows)),
    rows: sum(({ counts }) => counts.rows),
    requests: sum(({ requests }) => requests),
  };
}

function lines(io: Io, reports: ReadonlyMap<string, StreamReport>): Display {
  const begun = performance.now();
  return {
    show() {
      const { done, of, rows, requests } = totals(reports);
      const rate = rows / ((performance.now() - begun) / 1_000);
      io.stderr(`${done} of ${of} rows, ${Math.round(rate)} rows/s, ${requests} requests\n`);
    },
    end: () => undefined,
  };
}

function bar(io: Io, columns: number, reports: ReadonlyMap<string, StreamReport>): Display {
  const begun = performance.now();
  return {
    show() {
      const { done, of, rows, requests } = totals(reports);
      const rate = rows / ((performance.now() - begun) / 1_000);
      const left = rate > 0 && of > done ? `${Math.ceil((of - done) / rate)} s left` : '';
      const text = ` ${done}/${of} rows  ${Math.round(rate)} rows/s  ${requests} requests  ${left}`;
      const width = Math.max(0, Math.min(30, columns - text.length - 3));
      const filled = of === 0 ? 0 : Math.round((done / of) * width);
      io.stderr(`\r[${'='.repeat(filled)}${' '.repeat(width - filled)}]${text}\u001b[K`);
    },
    end: () => io.stderr('\r\u001b[K'),
  };
}
