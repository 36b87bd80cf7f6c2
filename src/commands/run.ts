import { lastValueFrom, tap } from 'rxjs';

import { runService } from '../service/serve';
import { usualPatience, type Patience } from '../service/patience';
import { type ServiceOptions } from '../service/run-context';
import { command, type Command } from './command';
import { configHelp, configOptions, setUp, whenStopped, withoutNip } from './io';
import { createNarrator } from './narrate';

const help = `Usage: infakt-kafka run [options]

Reads every stream of every enabled entity over and over and publishes what changed, until stopped. A fault of the API parks the
entity or stream that it concerns, which is tried again later; a Kafka that cannot be reached is tried until it can. Logs go to stderr:
lines for people on a terminal, JSON otherwise (log.format).

The first SIGINT or SIGTERM finishes what is being committed and exits, within 10 seconds; the second exits at once.

Options
${configHelp}

Exit code: 0 stopped, 2 configuration, or something that no waiting cures (the message says what to do).
`;

/** `infakt-kafka run`: reads everything over and over until stopped. */
export function runCommand(
  patience: Patience = usualPatience(Math.random),
  { now = Date.now, socketFactory }: Partial<Pick<ServiceOptions, 'now' | 'socketFactory'>> = {},
): Command {
  return command({
    help,
    options: configOptions,
    async run(values, io) {
      const { config, logger, kafkaLog, secrets } = setUp(io, values);
      const unproven = withoutNip(config);
      if (unproven !== null) logger.warn({ about: unproven }, 'configuration');
      const entities = config.entities.filter(({ enabled }) => enabled).map(({ id }) => id);
      void whenStopped(io).then((signal) => logger.info({ signal }, 'stopping: finishing what is being committed'));
      const narrator = createNarrator(logger);
      logger.info({ version: io.version, entities: entities.length, brokers: config.service.kafka.brokers }, 'started');
      const summing = setInterval(() => narrator.sumUp(), 60_000);
      await lastValueFrom(
        runService({
          config,
          patience,
          kafkaLog,
          secrets,
          version: io.version,
          now,
          socketFactory,
          endless: true,
          stop: io.stop,
        }).pipe(tap(narrator.tell)),
        { defaultValue: null },
      ).finally(() => clearInterval(summing));
      await whenStopped(io);
      logger.info('stopped');
      return 0;
    },
  });
}
