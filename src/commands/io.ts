import { firstValueFrom } from 'rxjs';

import type { Config } from '../../config/config';
import { contentOfEntities } from '../../config/entity-files';
import { loadConfig, loadEntitiesAnew } from '../../config/load';
import { didYouMean } from '../../config/near-miss';
import { hookSecretsIn, readSecret } from '../../config/secret-files';
import { ConfigError } from '../errors';
import { whenAborted } from '../operators/when-aborted';
import { allStreams, projectionNames, usualStreams } from '../sources/streams/all-streams';
import { createSecrets, type Secrets } from '../secrets';
import type { EntityFiles } from '../service/watch-entities';
import type { KafkaLog } from '../sinks/client';
import { createLogger, type Logger } from '../telemetry';
import { logText } from '../log-text';
import { fitted, pageOf, plainPage, type Page } from './page';
import type { Questions } from './questions';

/** All that a command may touch of its process. */
export interface Io {
  /** Results. */
  readonly stdout: (text: string) => void;
  /** Logs and progress. */
  readonly stderr: (text: string) => void;
  /** Columns of the terminal that stderr is; null = not a terminal. */
  readonly columns: number | null;
  /** How results are shown; plain unless given. */
  readonly page?: Page;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted at the first SIGINT or SIGTERM, whose name is the reason. */
  readonly stop: AbortSignal;
  readonly version: string;
  /** Absent = there is no stdin to be asked. */
  readonly questions?: Questions;
  /** How this process calls itself among the replicas of its service. */
  readonly replica: string;
}

/** Prints lines of a result for a person, as wide as the page. */
export function printLines({ stdout, page = plainPage }: Pick<Io, 'stdout' | 'page'>, text: string, indent = 2): void {
  stdout(`${fitted(text, page, indent)}\n`);
}

/** The name of the signal that stops the process, once it has come. */
export async function whenStopped({ stop }: Pick<Io, 'stop'>): Promise<string> {
  await firstValueFrom(whenAborted(stop));
  return String(stop.reason);
}

/** Options that every command with a configuration has. */
export const configOptions = {
  config: { type: 'string', default: 'config/service.json' },
  entities: { type: 'string', default: 'config/entities' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Lines of a help about the options that every command with a configuration has. */
export const configHelp = `  --config FILE      the service file (config/service.json)
  --entities DIR     the folder with one file per legal entity (entities, beside the service file)
  --help             this text`;

/** A command line that cannot be understood; the message says what was expected. */
export function usageError(message: string): ConfigError {
  return new ConfigError(`${message}${message.endsWith('?') ? ' See' : '; see'} --help`);
}

/** No entity has the name that `--entity` gives; `known` are those that do. */
export function unknownEntity(name: string, known: readonly string[]): ConfigError {
  const names = [...new Set(known)];
  return usageError(
    `--entity expects one that is configured or remembered (${names.join(', ')}), got "${name}"${didYouMean(name, names)}`,
  );
}

/** The enabled entities, or the one that `--entity` names; any other name is a usage error. */
export function chosenEntities({ entities }: Pick<Config, 'entities'>, only: string | undefined): Config['entities'] {
  const enabled = entities.filter((entity) => entity.enabled);
  if (only === undefined) return enabled;
  const chosen = enabled.filter(({ id }) => id === only);
  if (chosen.length > 0) return chosen;
  const names = enabled.map(({ id }) => id);
  const isDisabled = entities.some(({ id }) => id === only);
  const got = isDisabled ? `"${only}", which is not enabled` : `"${only}"${didYouMean(only, names)}`;
  throw usageError(`--entity expects one that is enabled (${names.join(', ')}), got ${got}`);
}

/** What a command with a configuration begins with. */
export interface SetUp {
  readonly config: Config;
  readonly logger: Logger;
  readonly kafkaLog: KafkaLog;
  readonly secrets: Secrets;
  /** The files of the entities, for whoever goes on while they change. */
  readonly entityFiles: EntityFiles;
}

/** What nothing shows of entities without a NIP; null = each that is read has one. */
export function withoutNip({ entities }: Pick<Config, 'entities'>): string | null {
  const names = entities.filter(({ enabled, nip }) => enabled && nip === null).map(({ id }) => id);
  if (names.length === 0) return null;
  return `no nip is set for ${names.join(', ')}: whichever account a key shows first is taken for the right one, so a key set by mistake publishes another company's rows; set nip in ${names.length === 1 ? "the entity's file" : 'the file of each'}`;
}

/** Writes lines of the log to stderr, as the format says; in colours where a page of the terminal has them. */
function logWriter({ stderr, columns, env }: Io, format: Config['service']['log']['format']): (line: string) => void {
  if (format === 'json' || (format === 'auto' && columns === null)) return stderr;
  const terminal = columns === null ? {} : { isTTY: true, columns };
  const { hasColour: colour } = pageOf(terminal, env);
  return (line) => stderr(logText(line, { colour }));
}

/** Loads the configuration and makes the logger; warnings are logged. `needsApiKeys`: false where a command asks nothing of the API. */
export function setUp(
  io: Io,
  { config: configFile, entities }: { readonly config: string; readonly entities: string },
  { needsApiKeys = true }: { readonly needsApiKeys?: boolean } = {},
): SetUp {
  const sources = {
    entitiesDirectory: entities,
    env: io.env,
    knownStreams: allStreams.map(({ name }) => name),
    usualStreams: usualStreams.map(({ name }) => name),
  };
  const content = (): string => contentOfEntities(entities);
  // Before they are loaded: what changes meanwhile is seen as a change.
  const loadedContent = content();
  const {
    config,
    warnings,
    secrets: loaded,
  } = loadConfig({
    ...sources,
    configFile,
    needsApiKeys,
    knownProjections: projectionNames,
  });
  const streamsAtHand = [...new Set([...sources.usualStreams, ...config.entities.flatMap(({ streams }) => streams)])];
  const known = new Set(loaded);
  const { level, format } = config.service.log;
  const logger = createLogger({ level, secrets: known }, { write: logWriter(io, format) });
  const secrets = createSecrets({
    read: readSecret,
    onChange: (kind, file, value) => {
      if (kind !== 'certificates') known.add(value);
      if (kind === 'hook-secret') for (const secret of hookSecretsIn(value)) known.add(secret);
      logger.info({ file }, 'secret read again');
    },
    onUnusable: (file, got) =>
      logger.warn(
        { about: `${file}: expected what it held before or its successor, got ${got}; what it held is used on` },
        'attention',
      ),
  });
  for (const warning of warnings) logger.warn({ about: warning }, 'configuration');
  // The log of kafkajs is about its own retries; errors of this program report what those come to.
  const kafkaLog: KafkaLog = ({ message }) => logger.debug({ kafkajs: message }, 'kafka client');
  const entityFiles: EntityFiles = {
    loaded: loadedContent,
    content,
    load() {
      const { entities: anew, warnings: about, secrets: seen } = loadEntitiesAnew({ ...sources, streamsAtHand });
      for (const secret of seen) known.add(secret);
      for (const warning of about) logger.warn({ about: warning }, 'configuration');
      return anew;
    },
  };
  return { config, logger, kafkaLog, secrets, entityFiles };
}
