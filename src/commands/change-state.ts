import type { Config } from '../../config/config';
import { didYouMean } from '../../config/near-miss';
import { ConfigError } from '../errors';
import type { EntityId, StreamDeclaration } from '../model';
import { allStreams } from '../sources/streams/all-streams';
import { usualPatience } from '../service/patience';
import { withState, type RepairSetting } from '../upkeep/with-state';
import { configOptions, usageError, type Io, type SetUp } from './io';

/** Options of every command that changes what is remembered of one entity. */
export const changeOptions = {
  ...configOptions,
  entity: { type: 'string' },
  stream: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** Line of a help about `--stream`. */
export const streamHelp = `  --stream NAME      only this stream: ${allStreams.map(({ name }) => name).join(', ')}`;

/** Whose state a command changes. */
export interface ChangeTarget {
  readonly entity: EntityId;
  /** Null = all streams. */
  readonly stream: StreamDeclaration | null;
}

/** Reads whose state is to be changed; a command line that does not say so is a usage error. */
export function changeTarget({
  entity,
  stream,
}: {
  readonly entity?: string | undefined;
  readonly stream?: string | undefined;
}): ChangeTarget {
  if (entity === undefined) throw usageError('expected --entity, got none');
  return { entity, stream: stream === undefined ? null : streamNamed(stream) };
}

function streamNamed(name: string): StreamDeclaration {
  const found = allStreams.find((stream) => stream.name === name);
  if (found !== undefined) return found;
  const names = allStreams.map((stream) => stream.name);
  throw usageError(`--stream expects one of ${names.join(', ')}, got "${name}"${didYouMean(name, names)}`);
}

/** The entities that are configured, to be named beside one that is not. */
function amongConfigured({ entities }: Config, entity: EntityId, error: unknown): unknown {
  if (!(error instanceof ConfigError) || entities.some(({ id }) => id === entity)) return error;
  const names = entities.map(({ id }) => id).join(', ');
  return new ConfigError(`${error.message}; ${entity} is not configured either, as ${names} are`, { cause: error });
}

/** Changes what is remembered of an entity, as `withState` does: a running service need not be stopped. */
export async function changeState<T>(
  io: Io,
  { config, logger, kafkaLog, secrets }: SetUp,
  entity: EntityId,
  change: Parameters<typeof withState<T>>[2],
): Promise<T> {
  const setting: RepairSetting = {
    config,
    patience: usualPatience(Math.random),
    kafkaLog,
    secrets,
    version: io.version,
    now: Date.now,
    random: Math.random,
    stop: io.stop,
    onWarning: (warning) => logger.warn({ about: warning }, 'surroundings'),
  };
  try {
    return await withState(setting, entity, change);
  } catch (error) {
    throw amongConfigured(config, entity, error);
  }
}
