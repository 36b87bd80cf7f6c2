import { lastValueFrom, tap, type Observable } from 'rxjs';

import { runService } from '../service/serve';
import { usualPatience, type Patience } from '../service/patience';
import { type ServiceOptions } from '../service/run-context';
import { command, type Command } from './command';
import { configHelp, configOptions, setUp, whenStopped, withoutNip } from './io';
import { createNarrator } from './narrate';
import { watchRun } from './watch-run';

const help = `Usage: infakt-kafka run [options]

Reads every stream of every enabled entity over and over and publishes what changed, until stopped. A fault of the API parks the
entity or stream that it concerns, which is tried again later; a Kafka that cannot be reached is tried until it can. Logs go to stderr:
lines for people on a terminal, JSON otherwise (log.format).

The files of the entities may be changed, added and removed while it runs: that acts within seconds on the entity alone. A file that is
removed stops the reading and deletes nothing. Faulty files are reported, and the last good ones stay in force.

While it runs, it answers on http.host:http.port (127.0.0.1:8080): / is a page for people, /livez and /readyz are for probes, /health says what
is wrong and what to do, /metrics is for Prometheus. With hooks.enabled, /hooks/<entity> takes the webhooks of inFakt (docs/webhooks.md).

The first SIGINT or SIGTERM finishes what is being committed and exits, within 10 seconds; the second exits at once.

Options
${configHelp}

Exit code: 0 stopped, 2 configuration, a port that is taken, or something that no waiting cures (the message says what to do).
`;

/** How often time alone may change where a stream stands. */
const LOOK_MS = 5_000;

/** `infakt-kafka run`: reads everything over and over until stopped. */
export function runCommand(
  patience: Patience = usualPatience(Math.random),
  { now = Date.now, socketFactory }: Partial<Pick<ServiceOptions, 'now' | 'socketFactory'>> = {},
): Command {
  return command({
    help,
    options: configOptions,
    async run(values, io) {
      const { config, logger, kafkaLog, secrets, entityFiles: files } = setUp(io, values);
      let inForce = config.entities;
      const entityFiles = { ...files, load: () => (inForce = files.load()) };
      const unproven = withoutNip(config);
      if (unproven !== null) logger.warn({ about: unproven }, 'configuration');
      const entities = config.entities.filter(({ enabled }) => enabled).map(({ id }) => id);
      void whenStopped(io).then((signal) => logger.info({ signal }, 'stopping: finishing what is being committed'));
      const narrator = createNarrator(logger);
      logger.info({ version: io.version, entities: entities.length, brokers: config.service.kafka.brokers }, 'started');
      const { replica, version } = io;
      const entitiesNow = () => inForce;
      const watch = await watchRun({ config, entities: entitiesNow, secrets, logger, replica, version, now });
      const summing = setInterval(() => narrator.sumUp(), 60_000);
      const looking = setInterval(() => watch.look(), LOOK_MS);
      const service = runService({
        config,
        patience,
        kafkaLog,
        secrets,
        entityFiles,
        version: io.version,
        now,
        socketFactory,
        endless: true,
        stop: io.stop,
        hints: watch.hints,
        statuses: watch.statuses,
        lastStatuses: watch.lastStatuses,
      }).pipe(
        tap(narrator.tell),
        tap((event) => watch.tell(event)),
      );
      await untilStopped(service, io.stop).finally(() => {
        clearInterval(summing);
        clearInterval(looking);
        return watch.close();
      });
      logger.info('stopped');
      return 0;
    },
  });
}

/** Waits for the end of a service that was stopped. One that ends by itself is a bug: nothing would be read any more, and exit code 0 would say that all is well. */
export async function untilStopped(service: Observable<unknown>, stop: AbortSignal): Promise<void> {
  await lastValueFrom(service, { defaultValue: null });
  if (!stop.aborted) throw new Error('the service ended although nobody stopped it; this is a bug');
}
