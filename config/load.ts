import { ConfigError } from '../src/errors';
import type { Config, ConfigSources, LoadedConfig } from './config';
import { loadEntities } from './entity-files';
import { lineOf, type Findings } from './findings';
import { loadService } from './service-file';

/** Reads the service file, every entity's file and the environment; throws one `ConfigError` that names every fault found. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const { configFile, entitiesDirectory, env, knownStreams, needsApiKeys = true } = sources;
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const findings: Findings = { faults: [], warnings: [], secrets: new Set() };
  const service = loadService(configFile, given, sources, findings);
  const entities = loadEntities(entitiesDirectory, given, { knownStreams, needsApiKeys }, findings);
  const { faults, warnings, secrets } = findings;
  if (faults.length > 0 || service === null) throw refusal(findings);
  return freeze({ config: { service, entities }, warnings, secrets: [...secrets] });
}

/** Reads the service file alone, and of the entities' files what can be read: for who sets up an entity, perhaps the first. */
export function loadServiceFile(sources: ConfigSources): Config {
  const { configFile, entitiesDirectory, env, knownStreams } = sources;
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const findings: Findings = { faults: [], warnings: [], secrets: new Set() };
  const service = loadService(configFile, given, sources, findings);
  if (findings.faults.length > 0 || service === null) throw refusal(findings);
  const ofEntities: Findings = { faults: [], warnings: [], secrets: new Set() };
  return freeze({
    service,
    entities: loadEntities(entitiesDirectory, given, { knownStreams, needsApiKeys: false }, ofEntities),
  });
}

function refusal({ faults, secrets }: Findings): ConfigError {
  const lines = faults.map((fault) => lineOf(fault, secrets));
  return new ConfigError(
    [`cannot load the configuration, ${lines.length} ${lines.length === 1 ? 'fault' : 'faults'}:`, ...lines].join('\n'),
  );
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}
