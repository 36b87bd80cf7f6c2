import convict from 'convict';
import { readFileSync } from 'node:fs';
import { isObject } from '../src/json';
import type { Environment } from './config';
import { hiddenText, type Fault, type Findings } from './findings';
import { formats, type Format } from './formats';
import { nearMiss } from './near-miss';
import { isSetting, settingsOf, type Schema, type Section } from './setting';

for (const [name, format] of Object.entries<Format>(formats)) {
  convict.addFormat({
    name,
    validate: (value: unknown) => {
      if (!format.accepts(value)) throw new Error('refused');
    },
    coerce: format.parse ?? ((text: string) => text),
  });
}

/** The values of one file, and what is needed to check them further. */
export interface Sheet<T> {
  readonly file: string;
  readonly values: T;
  /** Keys with a fault; a further check of one would report the same fault twice. */
  readonly faulty: ReadonlySet<string>;
  /** Content of the file, before environment and defaults. */
  readonly raw: Readonly<Record<string, unknown>>;
}

type AddFault = (key: string, expected: string, got: Fault['got'], asks?: string) => void;

/** Reads one file by its schema; faults and secrets are added to the findings, null = the file holds no JSON object. */
export function loadSheet<T>(
  file: string,
  schema: Schema<T> & Section,
  env: Environment,
  findings: Findings,
): Sheet<T> | null {
  const content = readObject(file, findings);
  if (content === null) return null;
  // For editors: where the JSON Schema of the file is.
  const { $schema, ...raw } = content;
  const settings = new Map(settingsOf(schema));
  for (const [key, { sensitive, format, env: variable }] of settings) {
    if (sensitive !== true || format === 'infakt-kafka.path') continue;
    for (const secret of [valueAt(raw, key), variable === undefined ? undefined : env[variable]]) {
      if (typeof secret === 'string' && secret !== '') findings.secrets.add(secret);
    }
  }

  const faulty = new Set<string>();
  const fault: AddFault = (key, expected, got, asks) => {
    faulty.add(key);
    findings.faults.push({ file, key, expected, got, ...(asks === undefined ? {} : { asks }) });
  };
  if ($schema !== undefined && typeof $schema !== 'string') {
    fault('$schema', 'text: where the JSON Schema of this file is', { words: kindOf($schema) });
  }
  const declared = declaredOnly(raw, schema, '', faulty, fault);
  const sheet = convict<T>(schema, { env, args: [] });
  sheet.load(declared);
  const values = sheet.getProperties();
  try {
    sheet.validate({ allowed: 'strict' });
  } catch (error) {
    for (const line of error instanceof Error ? error.message.split('\n') : []) {
      const key = /^([\w.-]+): /.exec(line)?.[1];
      const setting = key === undefined ? undefined : settings.get(key);
      if (key === undefined || setting === undefined) throw error;
      if (faulty.has(key)) continue;
      const value = valueAt(values, key);
      const variable = setting.env !== undefined && env[setting.env] !== undefined ? ` (${setting.env})` : '';
      const elsewhere = value === null && setting.env !== undefined ? `, here or in ${setting.env}` : '';
      const hidden = setting.sensitive === true && value !== null;
      const isBareNip = setting.format === 'infakt-kafka.nip' && typeof value === 'number';
      faulty.add(key);
      findings.faults.push({
        file,
        key: `${key}${variable}`,
        expected: `${formats[setting.format].expected}${elsewhere}`,
        got: hidden
          ? hiddenText(value)
          : isBareNip
            ? { words: `the number ${value}: put quotes around it` }
            : { value },
      });
    }
  }
  return { file, values, faulty, raw };
}

/** The keys of a file that the schema has. Convict gets no others: it overlooks dotted keys, and fails where a section is no object. */
function declaredOnly(
  raw: Readonly<Record<string, unknown>>,
  schema: Section,
  above: string,
  faulty: Set<string>,
  fault: AddFault,
): Readonly<Record<string, unknown>> {
  const declared: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw)) {
    const key = `${above}${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}`;
    const node = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (node === undefined) {
      const known = Object.keys(schema);
      const near = nearMiss(name, known);
      const asks = near === null ? undefined : `did you mean ${near}?`;
      fault(key, `one of the keys ${known.join(', ')}`, { words: 'an unknown key' }, asks);
    } else if (isSetting(node)) {
      if (isObject(value)) fault(key, formats[node.format].expected, { words: 'an object' });
      else declared[name] = value;
    } else if (isObject(value)) {
      declared[name] = declaredOnly(value, node, `${key}.`, faulty, fault);
    } else {
      for (const [below] of settingsOf(node, `${key}.`)) faulty.add(below);
      fault(key, `an object with keys of ${Object.keys(node).join(', ')}`, { words: kindOf(value) });
    }
  }
  return declared;
}

function readObject(file: string, { faults }: Findings): Readonly<Record<string, unknown>> | null {
  const expected = 'a readable file with a JSON object';
  const refuse = (words: string): null => {
    faults.push({ file, expected, got: { words } });
    return null;
  };
  const text = readText(file);
  if (text instanceof Unreadable) return refuse(text.message);
  if (text.trim() === '') return refuse('an empty file');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return refuse(whereJsonEnds(text, error));
  }
  return isObject(parsed) ? parsed : refuse(kindOf(parsed));
}

/** Where the text stops being JSON. The parser's own message would repeat a piece of the text, which may be a secret. */
function whereJsonEnds(text: string, error: unknown): string {
  const placeOf = (at: number): string => {
    const before = text.slice(0, at).split('\n');
    return `at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
  };
  const comment = [...text.matchAll(/"(?:\\.|[^"\\])*"|\/[/*]/g)].find(([found]) => found.startsWith('/'));
  if (comment !== undefined) return `a comment ${placeOf(comment.index)}: JSON has none, take it out`;
  const message = error instanceof Error ? error.message : '';
  if (message.startsWith('Unexpected end')) return 'JSON that ends too early';
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position === undefined) return 'text that is not JSON';
  return `text that is not JSON ${placeOf(Number(position))}`;
}

/** Why a file cannot be read. */
export class Unreadable {
  constructor(readonly message: string) {}
}

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'nothing there',
  ENOTDIR: 'something that is not a directory',
  EISDIR: 'a directory',
  EACCES: 'no permission to read it',
};

/** The reason that a fault of the file system comes to, in words. */
export function whyUnreadable(error: unknown): Unreadable {
  const code = isObject(error) && typeof error['code'] === 'string' ? error['code'] : 'an error';
  return new Unreadable(unreadable[code] ?? code);
}

/** The text of a file, or why there is none. */
export function readText(file: string): string | Unreadable {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    return whyUnreadable(error);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new Unreadable('text that is not UTF-8');
  }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'text';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The value at a key with dots; undefined = none. */
export function valueAt(values: unknown, key: string): unknown {
  return key.split('.').reduce<unknown>((node, name) => (isObject(node) ? node[name] : undefined), values);
}
