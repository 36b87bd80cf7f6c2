import type { Config } from '../../config/config';
import { shortcomingsJson, type Completeness } from '../rules/completeness';
import { forecast, type StreamToday, type Plan } from '../rules/forecast';
import { outlookOf, type ExpectedScan, type Outlook } from '../rules/outlook';
import { streamsKnown } from '../upkeep/expected-streams';
import { completenessIn, lastSweep, readRemembered, type StreamView } from '../upkeep/remembered';
import type { ReadTopics } from '../upkeep/find-records';
import { readStatuses } from '../upkeep/read-statuses';
import { lettersByError } from '../upkeep/letters-by-error';
import { allStreams } from '../sources/streams/all-streams';
import { dictionaryStreams } from '../sources/streams/dictionaries';
import { ksefStreams } from '../sources/streams/ksef';
import { userAgentOf } from '../service/api';
import { kafkaSettings } from '../service/cluster';
import { createKafka } from '../sinks/client';
import { openRecordReader } from '../sinks/record-reader';
import type { StreamStatus } from '../status/stream-status';
import { command, type Command } from './command';
import { configHelp, configOptions, printLines, setUp, unknownEntity, usageError } from './io';
import { plainPage } from './page';
import { planText } from './plan-text';
import { resetCommand } from './reset';
import { stateText } from './state-text';

const help = `Usage: infakt-kafka state show [options]
       infakt-kafka state reset --help

Prints what the state topic remembers: a summary, then the entities, the worst first. An entity in which all is well has one line. Of a
stream that is not complete, and with --entity of every stream: the scans and where they stand, the rows in the ledger, the last finished
sweep and what it lacks, the standing dead letters by error, the fields whose values were not of their kind, what waits for a person and how to release it, when each scan
comes next at the latest, and how often each list is thought to be read and why. Last comes the plan: the requests that the guarantees take at today's size. Changes nothing and does
not disturb a running service.

Which replica reads a stream, and how it stands there, is told from the status topic, as the replica has written last. Which streams are
parked is not remembered: every start tries at once.

Options
  --entity ID        only this entity, every stream of it in full
  --json             one JSON object on stdout
${configHelp}
`;

/** What the state topic cannot tell, by the names that the log has for it. */
const NOT_STORED = ['parked'] as const;

const FORESEEN =
  'how often each list is read is computed here from what the state topic knows; the page and /health of a running service tell how often it is, and infakt-kafka plan how fresh that makes the topics';

const DEADLINE_MS = 10 * 60_000;

const showCommand = command({
  help,
  options: { ...configOptions, entity: { type: 'string' }, json: { type: 'boolean', default: false } },
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
    const { accounts, streams } = await readRemembered(topics.kafka, { ...topics, topic });
    // What is told of documents beside them has no list and no sweep of its own, and a dictionary is no stream.
    const others = [...ksefStreams, ...dictionaryStreams];
    const read = streams.filter(({ stream }) => !others.some(({ name }) => name === stream));
    const shown = read.filter(({ entity }) => values.entity === undefined || entity === values.entity);
    const entities = config.entities.filter(({ id }) => values.entity === undefined || id === values.entity);
    if (shown.length === 0 && entities.length === 0)
      throw unknownEntity(values.entity ?? '', [...config.entities.map(({ id }) => id), ...accounts.keys()]);
    const { errorsOf, statusOf } = await toldElsewhere(config, topics, io.version, shown);
    const nowMs = Date.now();
    const { requestsPerMinute } = config.service.infakt;
    const planned = forecast(readIn({ entities }, shown), {
      settings: config.service.schedule,
      requestsPerMinute,
      nowMs,
    });
    const { schedule } = config.service;
    const { recentDays } = schedule;
    // The requests are shared by all entities, whichever are shown.
    const outlook = outlookOf(streamsKnown(config.entities, streams, { recentDays, nowMs }), {
      settings: schedule,
      requestsPerMinute,
    });
    if (values.json)
      io.stdout(
        `${JSON.stringify({ accounts: Object.fromEntries([...accounts].filter(([id]) => values.entity === undefined || id === values.entity)), streams: shown.map((view) => ({ ...asJson(view, completenessIn(config, view)), dead_letters_by_error: errorsOf?.(view) ?? null, ...ownerJson(statusOf?.(view.entity, view.stream)) })), not_stored: NOT_STORED, plan: planJson(planned, outlook, requestsPerMinute) })}\n`,
      );
    else if (shown.length === 0) printLines(io, `${topic} remembers nothing yet`);
    else {
      const { page = plainPage } = io;
      const judged = shown.map((view) => ({ view, completeness: completenessIn(config, view) }));
      const inFull = values.entity !== undefined;
      const lines = stateText(judged, {
        entities,
        plan: planned,
        foreseen: outlook.scans,
        nowMs,
        page,
        inFull,
        errorsOf,
        statusOf,
      });
      for (const line of lines) printLines(io, line, 4);
      printLines(io, `plan: ${planText(planned, requestsPerMinute)}`);
      printLines(io, `foreseen: ${FORESEEN}`);
      printLines(
        io,
        `${NOT_STORED.join()}: not stored, as every start tries at once; the log of the running service says so`,
      );
      if (!inFull) printLines(io, 'state show --entity ID tells of one entity in full');
    }
    return 0;
  },
});

/** What other topics say of the streams: the standing dead letters by error, and which replica reads them. */
async function toldElsewhere(
  { service }: Config,
  topics: Omit<ReadTopics, 'decode'>,
  version: string,
  views: readonly StreamView[],
) {
  const reader = openRecordReader(service.registry, userAgentOf(version));
  const readable = { ...topics, decode: reader.decode };
  const standing = views.map(({ entity, stream, ledger }) => ({ entity, stream, ids: ledger.deadLettered() }));
  try {
    return { errorsOf: await lettersByError(readable, standing), statusOf: await readStatuses(readable) };
  } finally {
    reader.close();
  }
}

/** `infakt-kafka state`: shows what is remembered, or with `reset` forgets it. */
export const stateCommand: Command = (argv, io) =>
  argv[0] === 'reset' ? resetCommand(argv.slice(1), io) : showCommand(argv, io);

/** The replica that reads the stream, and how it stands there; null = nobody has told. */
function ownerJson(status: StreamStatus | null | undefined): Readonly<Record<string, unknown>> {
  if (status == null) return { owner: null, status: null };
  const { owner, state, reason, also, toldMs } = status;
  return { owner, status: { state, reason, also, told_at: new Date(toldMs).toISOString() } };
}

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
function readIn({ entities }: Pick<Config, 'entities'>, views: readonly StreamView[]): readonly StreamToday[] {
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

function planJson(
  { wantedPerMinute, forecasts }: Plan,
  { scans }: Outlook,
  requestsPerMinute: number,
): Record<string, unknown> {
  const foreseen = new Map(scans.map((scan) => [`${scan.entity} ${scan.stream} ${scan.scan}`, scan]));
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
      ...foreseenJson(foreseen.get(`${scan.entity} ${scan.stream} ${scan.scan}`)),
    })),
  };
}

/** How often the list is thought to be read, and why. */
function foreseenJson(scan: ExpectedScan | undefined): Record<string, unknown> {
  if (scan === undefined) return {};
  const { everyMs, pacing, requestsPerMinute, changesPerMinute } = scan;
  return {
    foreseen: {
      every_seconds: Math.round(everyMs) / 1_000,
      paced_by: pacing,
      requests_per_minute: requestsPerMinute,
      changes_per_hour: 60 * changesPerMinute,
    },
  };
}
