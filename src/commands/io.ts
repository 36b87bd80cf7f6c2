import type { Observable } from 'rxjs';

import { loadConfig, type Config } from '../../config/load';
import { ConfigError } from '../errors';
import type { KafkaLog } from '../sinks/kafka';
import { createLogger, type Logger } from '../telemetry';

/** All that a command may touch of its process. */
export interface Io {
  /** Results. */
  readonly stdout: (text: string) => void;
  /** Logs and progress. */
  readonly stderr: (text: string) => void;
  /** Columns of the terminal that stderr is; null = not a terminal. */
  readonly columns: number | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Emits once, at the first SIGINT or SIGTERM. */
  readonly stop: Observable<NodeJS.Signals>;
  /** Resolves with that. */
  readonly stopped: Promise<NodeJS.Signals>;
  readonly version: string;
}

/** Options that every command with a configuration has. */
export const configOptions = {
  config: { type: 'string', default: 'config/service.json' },
  entities: { type: 'string', default: 'config/entities' },
  help: { type: 'boolean', default: false },
} as const;

/** How those are described in a command's help. */
export const configHelp = `  --config FILE      the service file (config/service.json)
  --entities DIR     the folder with one file per legal entity (config/entities)
  --help             this text`;

/** A command line that cannot be understood; the message says what was expected. */
export function usageError(message: string): ConfigError {
  return new ConfigError(`${message}; see --help`);
}

/** Loads the configuration and makes the logger; warnings are logged. */
export function setUp(
  io: Io,
  { config: configFile, entities }: { readonly config: string; readonly entities: string },
  knownStreams: readonly string[],
): { readonly config: Config; readonly logger: Logger; readonly kafkaLog: KafkaLog } {
  const { config, warnings, secrets } = loadConfig({
    configFile,
    entitiesDirectory: entities,
    env: io.env,
    knownStreams,
  });
  const logger = createLogger({ level: config.service.log.level, secrets }, { write: io.stderr });
  for (const warning of warnings) logger.warn({ about: warning }, 'configuration');
  // What kafkajs has to say is about its own retries; what they come to is told by our errors.
  const kafkaLog: KafkaLog = ({ message }) => logger.debug({ kafkajs: message }, 'kafka client');
  return { config, logger, kafkaLog };
}
