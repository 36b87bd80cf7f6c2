import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

import { apiKeyVariable } from '../../config/entity-schema';
import { formats, nipDigits } from '../../config/formats';
import { ConfigError } from '../errors';
import { isObject } from '../json';

/** Where an entity's file and the file of its key are. */
export interface EntityPlaces {
  readonly entityFile: string;
  /** In a folder beside that of the entities, which git ignores. */
  readonly keyFile: string;
}

/** What an account shows of the company that it belongs to. */
export interface ShownCompany {
  readonly taxId: string | null;
  readonly name: string | null;
}

/** What was written, and what of the account could not be. */
export interface WrittenEntity {
  /** Ten digits; null = the account shows no NIP with a right check digit. */
  readonly nip: string | null;
}

/** Whether a name can be an entity's id, as its file is named. */
export function isEntityId(text: string): boolean {
  return /^[a-z0-9][a-z0-9-]*$/.test(text);
}

/** The files of an entity that is new; a ConfigError where one of them is there, or its variable would hide the key's file. */
export function placesOf(
  entitiesDirectory: string,
  entity: string,
  env: Readonly<Record<string, string | undefined>>,
): EntityPlaces {
  const entityFile = join(entitiesDirectory, `${entity}.json`);
  const keyFile = join(dirname(entitiesDirectory), 'keys', `${entity}.key`);
  for (const file of [entityFile, keyFile])
    if (existsSync(file))
      throw new ConfigError(
        `${file}: expected no such file, as nothing is overwritten, got one; choose another id, or remove it`,
      );
  const variable = apiKeyVariable(entity);
  if ((env[variable] ?? '') !== '')
    throw new ConfigError(`${variable} is set and would be used instead of the file with the key; unset it first`);
  return { entityFile, keyFile };
}

/** The key in a text that a person or a file gave; a ConfigError, without anything of the text, where it is none. */
export function keyIn(text: string): string {
  const key = text.trim();
  if (formats['infakt-kafka.api-key'].accepts(key)) return key;
  throw new ConfigError(
    `expected ${formats['infakt-kafka.api-key'].expected}, got ${key === '' ? 'nothing' : `a text of ${key.length} characters that is none`}`,
  );
}

/** The key in a file; a ConfigError that names the file where it cannot be read. */
export function keyInFile(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const code = isObject(cause) && typeof cause['code'] === 'string' ? cause['code'] : 'an error';
    throw new ConfigError(`${file}: expected a readable file with an API key, got ${code}`);
  }
  return keyIn(text);
}

/** Writes the key, for the file's owner alone, and the entity's file, which names the key's file; both or none. */
export function writeEntity(
  { entityFile, keyFile }: EntityPlaces,
  key: string,
  { taxId, name }: ShownCompany,
): WrittenEntity {
  const nip = nipDigits(taxId);
  const content = {
    ...(name === null ? {} : { name }),
    ...(nip === null ? {} : { nip }),
    api_key_file: relative(dirname(entityFile), keyFile).replaceAll('\\', '/'),
  };
  mkdirSync(dirname(keyFile), { recursive: true, mode: 0o700 });
  mkdirSync(dirname(entityFile), { recursive: true });
  const ignore = join(dirname(keyFile), '.gitignore');
  if (!existsSync(ignore)) writeFileSync(ignore, '*\n');
  writeFileSync(keyFile, `${key}\n`, { flag: 'wx', mode: 0o600 });
  try {
    writeFileSync(entityFile, `${JSON.stringify(content, null, 2)}\n`, { flag: 'wx' });
  } catch (error) {
    rmSync(keyFile);
    throw error;
  }
  return { nip };
}
