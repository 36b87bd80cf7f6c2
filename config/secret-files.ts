import { dirname, resolve } from 'node:path';
import type { Environment } from './config';
import { hiddenText, notShown, show, type Findings } from './findings';
import { formats, type Format } from './formats';
import { readText, Unreadable, valueAt, type Sheet } from './sheet';

/** Kind of a secret whose file is read again while the service runs. */
export type SecretKind = keyof typeof secretKinds;

/** The secret that a file holds, or why its content cannot be used, in words that show none of it. */
export type SecretText = { readonly value: string } | { readonly unusable: string };

const secretKinds = {
  'api-key': { trim: trimAll, accepts: formats['infakt-kafka.api-key'].accepts },
  password: { trim: trimLineBreak, accepts: formats['infakt-kafka.text'].accepts },
  hook: { trim: trimAll, accepts: formats['infakt-kafka.hook'].accepts },
  'hook-secret': { trim: trimAll, accepts: formats['infakt-kafka.hook-secrets'].accepts },
  token: { trim: trimAll, accepts: formats['infakt-kafka.token'].accepts },
  certificates: { trim: (text: string) => text, accepts: isPem },
  'private-key': { trim: (text: string) => text, accepts: isPem },
};

/** The text without white space at its ends. */
export function trimAll(text: string): string {
  return text.trim();
}

/** The secrets of a webhook that a text holds: one, or the old and the new one. */
export function hookSecretsIn(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((secret) => secret !== '');
}

/** The text without one line break at its end. */
export function trimLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function isPem(text: unknown): boolean {
  return typeof text === 'string' && text.includes('-----BEGIN ');
}

/** Reads again a file that the configuration names. */
export function readSecret(kind: SecretKind, file: string): SecretText {
  const text = readText(file);
  if (text instanceof Unreadable) return { unusable: text.message };
  const { trim, accepts } = secretKinds[kind];
  const value = trim(text);
  if (accepts(value)) return { value };
  return { unusable: value.trim() === '' ? 'an empty file' : notShown.words };
}

/** Path of the file that a secret is taken from; null = the secret is in the environment or in the configuration file itself. */
export function fileInUse<T>(
  sheet: Sheet<T>,
  fileKey: string,
  env: Environment,
  variable: string | null,
): string | null {
  const path = valueAt(sheet.values, fileKey);
  if (typeof path !== 'string' || (variable !== null && env[variable] !== undefined)) return null;
  return resolve(dirname(sheet.file), path);
}

/** The text of the file that a key names; the path is relative to the file with the key. */
function readNamed<T>(sheet: Sheet<T>, key: string, expected: string, findings: Findings): string | null {
  const path = valueAt(sheet.values, key);
  if (typeof path !== 'string' || sheet.faulty.has(key)) return null;
  const text = readText(resolve(dirname(sheet.file), path));
  if (!(text instanceof Unreadable)) return text;
  // The path may be a secret that was put under the wrong key.
  const shown = /^\.{0,2}\//.test(path) ? show(path, findings.secrets) : 'that path';
  findings.faults.push({ file: sheet.file, key, expected, got: { words: `${text.message} at ${shown}` } });
  return null;
}

/**
 * A secret from the environment, else from the file that a key names, else from the configuration file itself with a warning.
 * Null = not given; undefined = not usable, and the reason is among the faults.
 */
export function loadSecret<T>(
  sheet: Sheet<T>,
  secret: { readonly key: string; readonly fileKey: string; readonly variable: string; readonly format: Format },
  env: Environment,
  trim: (text: string) => string,
  findings: Findings,
): string | null | undefined {
  const { key, fileKey, variable, format } = secret;
  const inline = (valueAt(sheet.raw, key) ?? null) !== null;
  if (inline) {
    findings.warnings.push(`${sheet.file}: ${key}: a secret in the open; give it by ${variable} or ${fileKey} instead`);
  }
  if (sheet.faulty.has(key) || sheet.faulty.has(fileKey)) return undefined;
  if (env[variable] === undefined && (valueAt(sheet.values, fileKey) ?? null) !== null) {
    if (inline) {
      findings.faults.push({
        file: sheet.file,
        key: fileKey,
        expected: `either ${key} or ${fileKey}`,
        got: { words: 'both' },
      });
      return undefined;
    }
    const text = readNamed(sheet, fileKey, `a readable file with ${format.expected}`, findings);
    if (text === null) return undefined;
    const value = trim(text);
    if (format.accepts(value)) {
      findings.secrets.add(value);
      return value;
    }
    const got = value === '' ? { words: 'an empty file' } : hiddenText(value);
    findings.faults.push({ file: sheet.file, key: fileKey, expected: `a file with ${format.expected}`, got });
    return undefined;
  }
  const value = valueAt(sheet.values, key);
  return typeof value === 'string' ? value : null;
}

/** The text of the PEM file that a key names; null = no file is named, or it cannot be used. */
export function loadPem<T>(sheet: Sheet<T>, key: string, findings: Findings): string | null {
  const expected = 'a readable PEM file';
  const text = readNamed(sheet, key, expected, findings);
  if (text === null || isPem(text)) return text;
  const words = text.trim() === '' ? 'an empty file' : 'a file without a PEM block';
  findings.faults.push({ file: sheet.file, key, expected, got: { words } });
  return null;
}
