import type { Config } from '../../config/config';
import { shortcomingsJson, shortcomingsText, type Completeness } from '../rules/completeness';
import { NO_COUNTS } from '../rules/cursor';
import { forecast, type StreamToday, type Plan } from '../rules/forecast';
import { completenessIn, lastSweep, readRemembered, type StreamView } from '../upkeep/remembered';
import type { ReadTopics } from '../upkeep/find-records';
import { lettersByError } from '../upkeep/letters-by-error';
import { allStreams } from '../sources/streams/all-streams';
import { userAgentOf } from '../service/api';
import { kafkaSettings } from '../service/cluster';
import { createKafka } from '../sinks/client';
import { createRecordReader } from '../sinks/record-reader';
import { createRegistry } from '../sinks/registry';
import { command, type Command } from './command';
import { configHelp, configOptions, setUp, usageError } from './io';
import { misfitsText } from './misfits-text';
import { forecastText, planText } from './plan-text';
import { resetCommand } from './reset';

const help = `Usage: infakt-kafka state show [options]
       infakt-kafka state reset --help

Prints what the state topic remembers: for each entity and stream the scans and where they stand, the rows in the ledger, the last
finished sweep and what it lacks, the standing dead letters by error, the fields whose values were not of their kind, what waits for
a person and how to release it, and the plan: when each scan comes next, how often at today's size, and the requests that it takes.
Changes nothing and does not disturb a running service.
Which streams are parked is not stored, so it is not shown: every start tries at once, and the log of the running service says so.

Options
  --json             one JSON object on stdout
${configHelp}
`;

/** What the state topic cannot tell, by the names that the log has for it. */
const NOT_STORED = ['parked'] as const;

const DEADLINE_MS = 10 * 60_000;

const showCommand = command({
  help,
  options: { ...configOptions, json: { type: 'boolean', default: false } },
  takesWords: true,
  async run(values, io, words) {
    if (words.length !== 1 || words[0] !== 'show')
      throw usageError(`expected "state show" or "state reset", got "state ${words.join(' ')}"`);
    const { config, kafkaLog, secrets } = setUp(io, values, { needsApiKeys: false });
    const topic = `${config.service.topics.prefix}.state`;
    const topics = {
      kafka: createKafka(kafkaSettings(config, secrets), kafkaLog),
      serviceId: config.service.service.id,
      prefix: config.service.topics.prefix,
      stop: io.stop,
      deadlineMs: DEADLINE_MS,
    };
    const { accounts, streams: shown } = await readRemembered(topics.kafka, { ...topics, topic });
    const errorsOf = await deadLettersOf(config, topics, io.version, shown);
    const nowMs = Date.now();
    const { requestsPerMinute } = config.service.infakt;
    const planned = forecast(readIn(config, shown), { settings: config.service.schedule, requestsPerMinute, nowMs });
    if (values.json)
      io.stdout(
        `${JSON.stringify({ accounts: Object.fromEntries(accounts), streams: shown.map((view) => ({ ...asJson(view, completenessIn(config, view)), dead_letters_by_error: errorsOf?.(view) ?? null })), not_stored: NOT_STORED, plan: planJson(planned, requestsPerMinute) })}\n`,
      );
    else if (shown.length === 0) io.stdout(`${topic} remembers nothing yet\n`);
    else {
      for (const view of shown) {
        io.stdout(asText(view, completenessIn(config, view), planned, nowMs));
        io.stdout(deadLettersText(view, errorsOf));
      }
      io.stdout(`plan: ${planText(planned, requestsPerMinute)}\n`);
      io.stdout(
        `${NOT_STORED.join()}: not stored, as every start tries at once; the log of the running service says so\n`,
      );
    }
    return 0;
  },
});

type ErrorsOf = Awaited<ReturnType<typeof lettersByError>>;

/** The standing dead letters of each stream by error, as the dead-letter topic has them. */
async function deadLettersOf(
  { service }: Config,
  topics: Omit<ReadTopics, 'decode'>,
  version: string,
  views: readonly StreamView[],
): Promise<ErrorsOf> {
  const settings = service.registry;
  const registry = settings === null ? null : createRegistry({ settings, userAgent: userAgentOf(version) });
  const standing = views.map(({ entity, stream, ledger }) => ({ entity, stream, ids: ledger.deadLettered() }));
  const decode = createRecordReader(registry);
  return lettersByError({ ...topics, decode }, standing).finally(() => registry?.close());
}

function deadLettersText(view: StreamView, errorsOf: ErrorsOf): string {
  if (view.ledger.deadLettered().length === 0) return '';
  if (errorsOf === null) return '  dead letters by error: not known, as their topic cannot be read\n';
  const each = errorsOf(view).map(
    ({ path, expected, rows }) => `    ${rows} ${path === '' ? '' : `${path}: `}${expected}\n`,
  );
  return `  dead letters by error (peek dead-letters --last 5 shows the newest):\n${each.join('')}`;
}

/** `infakt-kafka state`: shows what is remembered, or with `reset` forgets it. */
export const stateCommand: Command = (argv, io) =>
  argv[0] === 'reset' ? resetCommand(argv.slice(1), io) : showCommand(argv, io);

function asJson(
  { entity, stream, ledger, cursors, hold }: StreamView,
  completeness: Completeness,
): Record<string, unknown> {
  const lacks = shortcomingsJson(completeness);
  const last = lastSweep(cursors);
  return {
    entity,
    stream,
    ledger_rows: ledger.size,
    missing: ledger.missingSince(Number.MAX_SAFE_INTEGER).length,
    last_sweep: last,
    complete: last !== null && completeness.complete,
    reasons: completeness.reasons,
    ...lacks,
    misfits: cursors['sweep']?.misfits ?? {},
    cursors,
    hold,
  };
}

/** The streams that are read as configured. */
function readIn({ entities }: Config, views: readonly StreamView[]): readonly StreamToday[] {
  return entities
    .filter(({ enabled }) => enabled)
    .flatMap(({ id, streams }) =>
      allStreams
        .filter(({ name }) => streams.includes(name))
        .map((declaration) => {
          const view = views.find(({ entity, stream }) => entity === id && stream === declaration.name);
          const cursors = view?.cursors ?? {};
          const of = (scan: string): number => cursors[scan]?.totalCount ?? 0;
          const rows = { sweep: view?.ledger.live ?? 0, open: of('open'), recent: of('recent') };
          return { entity: id, declaration, rows, cursors };
        }),
    );
}

function planJson({ wantedPerMinute, forecasts }: Plan, requestsPerMinute: number): Record<string, unknown> {
  return {
    wanted_per_minute: wantedPerMinute,
    allowed_per_minute: requestsPerMinute === 0 ? null : requestsPerMinute,
    scans: forecasts.map(({ scan, underWay, dueAtMs, everyMs }) => ({
      entity: scan.entity,
      stream: scan.stream,
      scan: scan.scan,
      pages: scan.pages,
      under_way: underWay,
      due_at: new Date(dueAtMs).toISOString(),
      every_seconds: everyMs / 1_000,
    })),
  };
}

function asText(view: StreamView, completeness: Completeness, { forecasts }: Plan, nowMs: number): string {
  const { entity, stream, ledger, cursors, hold } = view;
  const last = lastSweep(cursors);
  const lastText =
    last === null
      ? 'no finished sweep yet'
      : `last finished sweep: ${last.number}${last.finished_at === null ? '' : `, finished ${last.finished_at}`}`;
  const scans = Object.entries(cursors).map(([scan, cursor]) => {
    const { from, to } = cursor.query;
    const scope =
      from === null && to === null ? 'everything' : `${from ?? 'the beginning'} to ${to ?? 'now and beyond'}`;
    const where =
      cursor.finishedAt === null
        ? `under way at offset ${cursor.position.offset} of ${cursor.totalCount ?? '?'}`
        : 'complete';
    const { rows, created, firstRead, updated, republished, unchanged, deadLetters } = {
      ...NO_COUNTS,
      ...cursor.counts,
    };
    return `  ${scan} ${cursor.number}: ${where}, ${scope}, started ${cursor.startedAt}; ${rows} rows, ${created} created (${firstRead} first read), ${updated} updated, ${republished} republished, ${unchanged} unchanged, ${deadLetters} dead-lettered\n`;
  });
  const next = forecasts
    .filter(({ scan }) => scan.entity === entity && scan.stream === stream)
    .map((each) => `  next ${each.scan.scan}: ${forecastText(each, nowMs)}\n`);
  const missing = ledger.missingSince(Number.MAX_SAFE_INTEGER).length;
  const held = hold === null ? '' : `  HELD since ${hold.since}: ${hold.reason} (hold ${hold.id})\n`;
  const lacks = shortcomingsText(completeness);
  const stands = lacks === '' ? '' : `  ${completeness.complete ? 'complete' : 'NOT complete'}: ${lacks}\n`;
  const { misfits } = cursors['sweep'] ?? {};
  const odd = misfits === undefined ? '' : `  misfits published so far: ${misfitsText(misfits)}\n`;
  return `${entity} ${stream}: ${ledger.size} rows in the ledger, ${missing} missing, ${lastText}\n${stands}${odd}${[...scans, ...next].join('')}${held}`;
}
