import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EntityId } from '../src/model';
import type { ConfigSources, EntityConfig, Environment } from './config';
import { apiKeyVariable, entitySchema, hookSecretVariable, type EntityFile } from './entity-schema';
import { nothing, type Findings } from './findings';
import { formats, nipDigits } from './formats';
import { fileInUse, hookSecretsIn, loadSecret, trimAll } from './secret-files';
import { loadSheet, whyUnreadable, type Sheet } from './sheet';

/** Made once, as making one takes longer than all else that is done for an entity. */
const warsawDays = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Warsaw' });

/** Reads and checks the file of every entity. Faults and warnings are added to the findings. */
export function loadEntities(
  directory: string,
  env: Environment,
  expected: Pick<ConfigSources, 'knownStreams' | 'usualStreams' | 'streamsAtHand'> & { readonly needsApiKeys: boolean },
  findings: Findings,
): readonly EntityConfig[] {
  const refuse = (file: string, expected: string, words: string): void => {
    findings.faults.push({ file, expected, got: { words } });
  };
  let files: readonly string[];
  try {
    files = entityFilesIn(directory);
  } catch (error) {
    refuse(directory, 'a readable directory with one file for each entity', whyUnreadable(error).message);
    return [];
  }
  if (files.length === 0) refuse(directory, 'at least one file <entity>.json', 'none');

  const ids = files.map((name) => name.slice(0, -'.json'.length));
  const variables = new Set(ids.flatMap((id) => [apiKeyVariable(id), hookSecretVariable(id)]));
  for (const [variable, value] of Object.entries(env)) {
    if (!/^INFAKT_(?:API_KEY|HOOK_SECRET)(?:_|$)/.test(variable) || value === undefined) continue;
    noteSecrets(findings, value);
    if (!variables.has(variable)) {
      findings.warnings.push(`${variable} is set, but ${directory} has no file of such an entity`);
    }
  }

  const entities: EntityConfig[] = [];
  let hasUnreadableFile = false;
  for (const name of files) {
    const file = join(directory, name);
    const id = name.slice(0, -'.json'.length);
    if (!/^[a-z0-9][a-z0-9-]*\.json$/.test(name)) {
      findings.faults.push({
        file,
        expected: 'a name of a-z, 0-9 and -, no dash first, then .json',
        got: { value: name },
      });
      hasUnreadableFile = true;
      continue;
    }
    const sheet = loadSheet<EntityFile>(file, entitySchema(id), env, findings);
    if (sheet === null || sheet.faulty.has('enabled')) hasUnreadableFile = true;
    if (sheet !== null) entities.push(loadEntity(id, sheet, env, expected, findings));
  }
  if (files.length > 0 && !hasUnreadableFile && !entities.some(({ enabled }) => enabled)) {
    refuse(directory, 'at least one entity that is enabled', 'none');
  }
  refuseTwins(directory, entities, findings);
  return entities;
}

/**
 * A digest of the names and the contents of all entities' files: another one, when one of them changed. By content, as tools that mount or
 * save files swap links and write twice. What cannot be read counts as content too.
 */
export function contentOfEntities(directory: string): string {
  const hash = createHash('sha256');
  const contentOf = (read: () => string): string => {
    try {
      return read();
    } catch (error) {
      return whyUnreadable(error).message;
    }
  };
  let files: readonly string[] = [];
  hash.update(
    contentOf(() => {
      files = entityFilesIn(directory);
      return '';
    }),
  );
  for (const name of files)
    hash.update(JSON.stringify([name, contentOf(() => readFileSync(join(directory, name), 'utf8'))]));
  return hash.digest('hex');
}

function entityFilesIn(directory: string): readonly string[] {
  return readdirSync(directory)
    .filter((name) => /^[^.].*\.json$/i.test(name))
    .sort();
}

function loadEntity(
  id: EntityId,
  sheet: Sheet<EntityFile>,
  env: Environment,
  { knownStreams, usualStreams, streamsAtHand = knownStreams, needsApiKeys }: Parameters<typeof loadEntities>[2],
  findings: Findings,
): EntityConfig {
  const { file, values, faulty } = sheet;
  const variable = apiKeyVariable(id);
  const apiKey = loadSecret(
    sheet,
    { key: 'api_key', fileKey: 'api_key_file', variable, format: formats['infakt-kafka.api-key'] },
    env,
    trimAll,
    needsApiKeys ? findings : { ...findings, faults: [] },
  );
  if (apiKey === null && values.enabled && needsApiKeys) {
    const expected = `the API key, by ${variable}, api_key_file or api_key`;
    findings.faults.push({ file, key: 'api_key', expected, got: nothing });
  }
  const hookVariable = hookSecretVariable(id);
  const hookSecret = loadHookSecret(sheet, hookVariable, env, findings);
  const { start_date: startDate, end_date: endDate } = values;
  if (startDate !== null && startDate !== 'all' && startDate > warsawDays.format() && !faulty.has('start_date'))
    findings.warnings.push(`${file}: start_date: ${startDate} lies in the future, no document before that day is read`);
  const bounded = startDate !== null && startDate !== 'all' && endDate !== null;
  if (bounded && endDate < startDate && !faulty.has('start_date') && !faulty.has('end_date')) {
    const expected = `a date not before start_date, ${startDate}`;
    findings.faults.push({ file, key: 'end_date', expected, got: { value: endDate } });
  }
  if (startDate === null && endDate !== null && !faulty.has('start_date') && !faulty.has('end_date')) {
    const expected =
      'a start_date too, as the default one depends on the day of the first run and may lie after this end';
    findings.faults.push({ file, key: 'end_date', expected, got: { value: endDate } });
  }
  const unknown = faulty.has('streams') ? [] : (values.streams ?? []).filter((name) => !knownStreams.includes(name));
  if (unknown.length > 0) {
    const expected = `streams that exist (${knownStreams.join(', ')})`;
    findings.faults.push({ file, key: 'streams', expected, got: { value: unknown } });
  }
  const late = unknown.length > 0 ? [] : (values.streams ?? []).filter((name) => !streamsAtHand.includes(name));
  if (late.length > 0) {
    const expected = `streams that were named when the service started (${streamsAtHand.join(', ')}), as topics are made at the start alone`;
    findings.faults.push({ file, key: 'streams', expected, got: { value: late } });
  }
  return {
    id,
    name: values.name ?? id,
    enabled: values.enabled,
    nip: nipDigits(values.nip),
    apiKey: apiKey ?? '',
    apiKeyFile: fileInUse(sheet, 'api_key_file', env, variable),
    hookSecret,
    hookSecretFile: fileInUse(sheet, 'hook_secret_file', env, hookVariable),
    startDate,
    endDate,
    streams: values.streams ?? [...usualStreams],
    accept: values.accept,
    deletions: values.deletions,
  };
}

/** Notes a secret, and each of several that one text holds. */
function noteSecrets({ secrets }: Findings, text: string): void {
  for (const secret of [text, ...hookSecretsIn(text)]) secrets.add(secret);
}

/** The secrets of an entity's webhook as one text; null = none is given. */
function loadHookSecret(
  sheet: Sheet<EntityFile>,
  variable: string,
  env: Environment,
  findings: Findings,
): string | null {
  const keys = { key: 'hook_secret', fileKey: 'hook_secret_file', variable };
  const format = formats['infakt-kafka.hook-secrets'];
  const secret = loadSecret(sheet, { ...keys, format }, env, trimAll, findings) ?? null;
  if (secret !== null) noteSecrets(findings, secret);
  return secret;
}

/** Refuses two entities with one API key or one NIP: they would publish one account twice. */
function refuseTwins(directory: string, entities: readonly EntityConfig[], findings: Findings): void {
  const keys = new Map<string, EntityId>();
  const nips = new Map<string, EntityId>();
  for (const { id, apiKey, nip } of entities) {
    const file = join(directory, `${id}.json`);
    const sameKey = apiKey === '' ? undefined : keys.get(apiKey);
    if (sameKey !== undefined) {
      const got = { words: `that of entity ${sameKey}` };
      findings.faults.push({ file, key: 'api_key', expected: 'an API key of its own', got });
    } else if (apiKey !== '') keys.set(apiKey, id);
    const sameNip = nip === null ? undefined : nips.get(nip);
    if (sameNip !== undefined) {
      const got = { words: `that of entity ${sameNip}, ${nip ?? ''}` };
      findings.faults.push({ file, key: 'nip', expected: 'a NIP of its own', got });
    } else if (nip !== null) nips.set(nip, id);
  }
}
