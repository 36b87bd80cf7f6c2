import { lastValueFrom, tap } from 'rxjs';

import { runService } from '../service/serve';
import { usualPatience, type Patience } from '../service/patience';
import { type ServiceOptions } from '../service/run-context';
import { command, type Command } from './command';
import { configHelp, configOptions, printLines, setUp, whenStopped, withoutNip } from './io';
import { createNarrator } from './narrate';
import {
  asJson,
  createDisplay,
  createWaits,
  failureReason,
  isDone,
  newReport,
  note,
  summary,
  verdictText,
  type StreamReport,
} from './once-report';

const help = `Usage: infakt-kafka once [options]

Reads one complete sweep of every stream of every enabled entity, publishes what changed since the last run, and exits. A sweep that was
begun before is finished; what changed since then in the rows that it had read is published by the next run. Prints one line a stream, those
that are not complete last; progress goes to stderr. Of an entity without start_date only the documents of the last 90 days are read.

Options
  --json             print the result as one JSON object on stdout
${configHelp}

Exit code: 0 all complete, 2 configuration, 3 a stream is not complete (which and why is printed) or Kafka cannot be used. A stream is
not complete either while a row of it stands as a dead letter, deletions wait for a person, or a missing row is neither there nor deleted;
"accept" in the entity's file takes such rows by their ids. A list that the account does not have, of a stream that the entity's file names, is
told as not available, and nothing else waits for it.
`;

const LINE_EVERY_MS = 5_000;
const BAR_EVERY_MS = 200;

/** `infakt-kafka once`: reads everything once. */
export function onceCommand(
  patience: Patience = usualPatience(Math.random),
  { now = Date.now, socketFactory }: Partial<Pick<ServiceOptions, 'now' | 'socketFactory'>> = {},
): Command {
  return command({
    help,
    options: { ...configOptions, json: { type: 'boolean', default: false } },
    async run(values, io) {
      const { config, logger, kafkaLog, secrets } = setUp(io, values);
      const unproven = withoutNip(config);
      if (unproven !== null) logger.warn({ about: unproven }, 'configuration');
      const reports = new Map<string, StreamReport>();
      for (const entity of config.entities.filter(({ enabled }) => enabled)) {
        for (const stream of entity.streams)
          reports.set(`${entity.id} ${stream}`, newReport(entity.id, stream, entity.startDate === null));
      }
      const clock = (): number => performance.now();
      const waits = createWaits();
      const display = createDisplay(io, reports, clock, waits);
      const narrator = createNarrator(logger);
      const progress = runService({
        config,
        patience,
        kafkaLog,
        secrets,
        version: io.version,
        now,
        socketFactory,
        endless: false,
        stop: io.stop,
      }).pipe(
        // The summary at the end says which sweeps are complete.
        tap((each) => (each.kind === 'swept' ? undefined : narrator.tell(each))),
        tap((each) => {
          note(reports, each, clock());
          waits.note(each, now());
        }),
      );
      void whenStopped(io).then((signal) => logger.info({ signal }, 'stopping: finishing what is being committed'));
      const showing = setInterval(() => display.show(), io.columns === null ? LINE_EVERY_MS : BAR_EVERY_MS);
      const failure = await lastValueFrom(progress, { defaultValue: null }).then(
        () => null,
        (error: unknown) => ({ error }),
      );
      clearInterval(showing);
      display.end();
      const streams = [...reports.values()];
      const ended = failure === null ? (io.stop.aborted ? 'stopped' : 'not read') : failureReason(failure.error);
      for (const report of streams) if (!report.complete) report.reason ??= ended;
      const complete = streams.every(isDone);
      const cause = failure !== null && failure.error instanceof Error ? failure.error.message : null;
      const nothingRead = failure !== null && streams.every(({ requests }) => requests === 0);
      if (values.json)
        io.stdout(
          `${JSON.stringify({ complete, ...(cause === null ? {} : { cause }), streams: streams.map(asJson) })}\n`,
        );
      else if (nothingRead) io.stderr(`Nothing was read: ${ended}\n`);
      else {
        // What is not complete stands at the end, where it is seen.
        for (const report of streams.toSorted((one, other) => Number(isDone(other)) - Number(isDone(one))))
          printLines(io, summary(report, io.page));
        printLines(io, verdictText(streams));
      }
      if (failure !== null) throw failure.error;
      return complete ? 0 : 3;
    },
  });
}
