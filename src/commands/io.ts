import type { Observable } from 'rxjs';

import { loadConfig, readSecret, type Config } from '../../config/load';
import { ConfigError } from '../errors';
import type { StreamDeclaration } from '../model';
import type { Patience } from '../service/patience';
import { allStreams } from '../sources/streams/all-streams';
import { createSecrets, type Secrets } from '../secrets';
import type { KafkaLog } from '../sinks/writer';
import { createLogger, type Logger } from '../telemetry';
import type { RepairSetting } from '../upkeep/with-state';

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

/** The stream of that name. */
export function streamNamed(name: string): StreamDeclaration {
  const found = allStreams.find((stream) => stream.name === name);
  if (found !== undefined) return found;
  throw usageError(`--stream expects one of ${allStreams.map((stream) => stream.name).join(', ')}, got "${name}"`);
}

/** What a command that writes state takes. */
export function repairSetting(
  io: Io,
  { config, logger, kafkaLog, secrets }: ReturnType<typeof setUp>,
  patience: Patience,
): RepairSetting {
  const running = { stopping: false };
  void io.stopped.then(() => (running.stopping = true));
  return {
    config,
    patience,
    kafkaLog,
    secrets,
    version: io.version,
    now: Date.now,
    random: Math.random,
    stopped: () => running.stopping,
    onWarning: (warning) => logger.warn({ about: warning }, 'surroundings'),
  };
}

/** Loads the configuration and makes the logger; warnings are logged. */
export function setUp(
  io: Io,
  { config: configFile, entities }: { readonly config: string; readonly entities: string },
): { readonly config: Config; readonly logger: Logger; readonly kafkaLog: KafkaLog; readonly secrets: Secrets } {
  const {
    config,
    warnings,
    secrets: loaded,
  } = loadConfig({
    configFile,
    entitiesDirectory: entities,
    env: io.env,
    knownStreams: allStreams.map(({ name }) => name),
    knownProjections: allStreams.flatMap(({ projection }) => (projection === null ? [] : [projection.name])),
  });
  const known = new Set(loaded);
  const logger = createLogger({ level: config.service.log.level, secrets: known }, { write: io.stderr });
  const secrets = createSecrets({
    read: readSecret,
    onChange: (kind, file, value) => {
      if (kind !== 'certificates') known.add(value);
      logger.info({ file }, 'secret read again');
    },
    onUnusable: (file, got) =>
      logger.warn(
        { about: `${file}: expected what it held before or its successor, got ${got}; what it held is used on` },
        'attention',
      ),
  });
  for (const warning of warnings) logger.warn({ about: warning }, 'configuration');
  // What kafkajs has to say is about its own retries; what they come to is told by our errors.
  const kafkaLog: KafkaLog = ({ message }) => logger.debug({ kafkajs: message }, 'kafka client');
  return { config, logger, kafkaLog, secrets };
}
