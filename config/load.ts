import { ConfigError } from '../src/errors';
import type { Config, ConfigSources, Environment, LoadedConfig, LoadedEntities } from './config';
import { loadEntities } from './entity-files';
import { lineOf, type Findings } from './findings';
import { loadService } from './service-file';

/** Reads the service file, every entity's file and the environment; throws one `ConfigError` that names every fault found. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const { configFile, entitiesDirectory, env, knownStreams, usualStreams, needsApiKeys = true } = sources;
  const given = givenIn(env);
  const findings: Findings = { faults: [], warnings: [], secrets: new Set() };
  const service = loadService(configFile, given, sources, findings);
  const entities = loadEntities(entitiesDirectory, given, { knownStreams, usualStreams, needsApiKeys }, findings);
  const { warnings, secrets } = findings;
  if (findings.faults.length > 0 || service === null) throw faultsError('the configuration', findings);
  return freeze({ config: { service, entities }, warnings, secrets: [...secrets] });
}

/** Reads every entity's file anew, as `loadConfig` does; throws one `ConfigError` that names every fault found. */
export function loadEntitiesAnew(
  sources: Pick<ConfigSources, 'entitiesDirectory' | 'env' | 'knownStreams' | 'usualStreams' | 'streamsAtHand'>,
): LoadedEntities {
  const findings: Findings = { faults: [], warnings: [], secrets: new Set() };
  const { entitiesDirectory, env, ...names } = sources;
  const entities = loadEntities(entitiesDirectory, givenIn(env), { ...names, needsApiKeys: true }, findings);
  if (findings.faults.length > 0) throw faultsError("the entities' files", findings);
  return freeze({ entities, warnings: findings.warnings, secrets: [...findings.secrets] });
}

/** Reads the service file alone, and of the entities' files what can be read: for who sets up an entity, perhaps the first. */
export function loadServiceFile(sources: ConfigSources): Config {
  const { configFile, entitiesDirectory, knownStreams, usualStreams } = sources;
  const given = givenIn(sources.env);
  const findings: Findings = { faults: [], warnings: [], secrets: new Set() };
  const service = loadService(configFile, given, sources, findings);
  if (findings.faults.length > 0 || service === null) throw faultsError('the configuration', findings);
  const ofEntities: Findings = { faults: [], warnings: [], secrets: new Set() };
  return freeze({
    service,
    entities: loadEntities(entitiesDirectory, given, { knownStreams, usualStreams, needsApiKeys: false }, ofEntities),
  });
}

/** An empty variable counts as one that is not set. */
function givenIn(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
}

function faultsError(what: string, { faults, secrets }: Findings): ConfigError {
  const lines = faults.map((fault) => lineOf(fault, secrets));
  const count = `${lines.length} ${lines.length === 1 ? 'fault' : 'faults'}`;
  return new ConfigError([`cannot load ${what}, ${count}:`, ...lines].join('\n'));
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}
