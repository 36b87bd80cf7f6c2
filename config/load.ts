import convict from 'convict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigError } from '../src/errors';
import type { EntityId, StreamName } from '../src/model';
import type { RegistrySettings } from '../src/sinks/registry';
import {
  apiKeyVariable,
  baseUrlOf,
  entitySchema,
  formats,
  httpUrlOf,
  isLoopback,
  isSetting,
  nipDigits,
  serviceSchema,
  settingsOf,
  type EntityFile,
  type Format,
  type SaslMechanism,
  type Schema,
  type Section,
  type ServiceFile,
} from './schema';

/** How the brokers are spoken to over TLS; certificates and key are PEM text. */
export interface TlsConfig {
  readonly enabled: boolean;
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** Where each of them stands, to be read again. */
  readonly files: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null };
}

export interface SaslConfig {
  readonly mechanism: SaslMechanism;
  readonly username: string;
  readonly password: string;
  /** Where the password can be read again; null = it cannot change. */
  readonly passwordFile: string | null;
}

/** The schema registry, and where the password or token, and the authorities, can be read again. */
export interface RegistryConfig extends RegistrySettings {
  readonly files: { readonly auth: string | null; readonly ca: string | null };
}

/** The service file, checked: files that it names are read, the base URL has no slash at its end. */
export interface ServiceConfig extends Omit<ServiceFile, 'kafka' | 'registry'> {
  readonly kafka: {
    readonly brokers: readonly string[];
    readonly sessionTimeoutMs: number;
    readonly ssl: TlsConfig;
    /** Null = no sign-in. */
    readonly sasl: SaslConfig | null;
  };
  /** Null = no registry. */
  readonly registry: RegistryConfig | null;
}

/** One legal entity, checked. */
export interface EntityConfig {
  readonly id: EntityId;
  readonly name: string;
  readonly enabled: boolean;
  /** Ten digits; null = not given. */
  readonly nip: string | null;
  /** Empty only where the entity is not enabled and no key is given. */
  readonly apiKey: string;
  /** Where the key can be read again; null = it cannot change. */
  readonly apiKeyFile: string | null;
  /** `YYYY-MM-DD`, `all`, or null = not given. */
  readonly startDate: string | null;
  /** `YYYY-MM-DD`; null = no upper bound. */
  readonly endDate: string | null;
  readonly streams: readonly StreamName[];
  readonly deletions: {
    /** From 0 to 1. */
    readonly maxShare: number;
    /** Null = no hold is agreed to. */
    readonly confirm: string | null;
  };
}

export interface Config {
  readonly service: ServiceConfig;
  /** Ordered by id; those that are not enabled too. */
  readonly entities: readonly EntityConfig[];
}

type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigSources {
  readonly configFile: string;
  readonly entitiesDirectory: string;
  /** An empty variable counts as one that is not set. */
  readonly env: Environment;
  readonly knownStreams: readonly StreamName[];
  readonly knownProjections: readonly string[];
}

export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
  /** Every secret value that was seen, used or not: what the log must never show. */
  readonly secrets: readonly string[];
}

/** Reads the service file, every entity's file and the environment; throws one `ConfigError` that names every fault of them. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const { configFile, entitiesDirectory, env, knownStreams } = sources;
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const findings: Findings = { faults: [], warnings: [], secrets: new Set() };
  const service = loadService(configFile, given, sources, findings);
  const entities = loadEntities(entitiesDirectory, given, knownStreams, findings);
  const { faults, warnings, secrets } = findings;
  if (faults.length > 0 || service === null) {
    const lines = faults.map((fault) => lineOf(fault, secrets));
    throw new ConfigError(
      [`cannot load the configuration, ${lines.length} ${lines.length === 1 ? 'fault' : 'faults'}:`, ...lines].join(
        '\n',
      ),
    );
  }
  return freeze({ config: { service, entities }, warnings, secrets: [...secrets] });
}

interface Fault {
  readonly file: string;
  readonly key?: string;
  readonly expected: string;
  /** Either a value, shown without what is secret in it, or words of ours. */
  readonly got: { readonly value: unknown } | { readonly words: string };
}

interface Findings {
  readonly faults: Fault[];
  readonly warnings: string[];
  readonly secrets: Set<string>;
}

const nothing = { words: 'nothing' };
const notShown = { words: 'a value that is not shown' };

function lineOf({ file, key, expected, got }: Fault, secrets: ReadonlySet<string>): string {
  const shown = 'words' in got ? got.words : show(got.value, secrets);
  return `${file}: ${key === undefined ? '' : `${key}: `}expected ${expected}, got ${shown}`;
}

function show(value: unknown, secrets: ReadonlySet<string>): string {
  if (value === null || value === undefined) return nothing.words;
  if (Array.isArray(value)) return `[${value.map((item) => show(item, secrets)).join(', ')}]`;
  if (typeof value === 'object') return 'an object';
  const masked = [...secrets]
    .sort((one, other) => other.length - one.length)
    .reduce(
      (text, secret) => text.replaceAll(secret, '***'),
      typeof value === 'string' ? value : JSON.stringify(value),
    );
  if (typeof value !== 'string') return masked;
  // What stands before an @ or after a ? may be credentials, whatever key it was put under.
  const open = masked.replace(/^.*@/s, '***@').replace(/[?#].*$/s, '?***');
  return JSON.stringify(open.length > 120 ? `${open.slice(0, 120)}...` : open);
}

for (const [name, format] of Object.entries<Format>(formats)) {
  convict.addFormat({
    name,
    validate: (value: unknown) => {
      if (!format.accepts(value)) throw new Error('refused');
    },
    coerce: format.parse ?? ((text: string) => text),
  });
}

/** A file's values, with which of its keys had a fault: what is compared with these would only be a fault twice. */
interface Sheet<T> {
  readonly file: string;
  readonly values: T;
  readonly faulty: ReadonlySet<string>;
  /** What the file itself says, before environment and defaults. */
  readonly raw: Readonly<Record<string, unknown>>;
}

function loadSheet<T>(
  file: string,
  schema: Schema<T> & Section,
  env: Environment,
  findings: Findings,
): Sheet<T> | null {
  const raw = readObject(file, findings);
  if (raw === null) return null;
  const settings = new Map(settingsOf(schema));
  for (const [key, { sensitive, format, env: variable }] of settings) {
    if (sensitive !== true || format === 'infakt-kafka.path') continue;
    for (const secret of [valueAt(raw, key), variable === undefined ? undefined : env[variable]]) {
      if (typeof secret === 'string' && secret !== '') findings.secrets.add(secret);
    }
  }

  const faulty = new Set<string>();
  const fault = (key: string, expected: string, got: Fault['got']): void => {
    faulty.add(key);
    findings.faults.push({ file, key, expected, got });
  };
  const declared = declaredOnly(raw, schema, '', faulty, fault);
  const sheet = convict<T>(schema, { env, args: [] });
  sheet.load(declared);
  const values = sheet.getProperties();
  try {
    sheet.validate({ allowed: 'strict' });
  } catch (error) {
    for (const line of error instanceof Error ? error.message.split('\n') : []) {
      const key = /^([\w.]+): /.exec(line)?.[1];
      const setting = key === undefined ? undefined : settings.get(key);
      if (key === undefined || setting === undefined) throw error;
      if (faulty.has(key)) continue;
      const value = valueAt(values, key);
      const variable = setting.env !== undefined && env[setting.env] !== undefined ? ` (${setting.env})` : '';
      const elsewhere = value === null && setting.env !== undefined ? `, here or in ${setting.env}` : '';
      const hidden = setting.sensitive === true && value !== null;
      faulty.add(key);
      findings.faults.push({
        file,
        key: `${key}${variable}`,
        expected: `${formats[setting.format].expected}${elsewhere}`,
        got: hidden ? notShown : { value },
      });
    }
  }
  return { file, values, faulty, raw };
}

/** What of a file the schema knows. Convict is given no more: it overlooks dotted keys and breaks on a section that is none. */
function declaredOnly(
  raw: Readonly<Record<string, unknown>>,
  schema: Section,
  above: string,
  faulty: Set<string>,
  fault: (key: string, expected: string, got: Fault['got']) => void,
): Readonly<Record<string, unknown>> {
  const declared: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(raw)) {
    const key = `${above}${/^[\w-]+$/.test(name) ? name : JSON.stringify(name)}`;
    const node = Object.hasOwn(schema, name) ? schema[name] : undefined;
    if (node === undefined) {
      fault(key, `one of the keys ${Object.keys(schema).join(', ')}`, { words: 'an unknown key' });
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

/** Says where the text stops being JSON without repeating any of it, as the parser's own message does: it may be a secret. */
function whereJsonEnds(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : '';
  if (message.startsWith('Unexpected end')) return 'JSON that ends too early';
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position === undefined) return 'text that is not JSON';
  const before = text.slice(0, Number(position)).split('\n');
  return `text that is not JSON at line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}`;
}

class Unreadable {
  constructor(readonly message: string) {}
}

const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'nothing there',
  ENOTDIR: 'something that is not a directory',
  EISDIR: 'a directory',
  EACCES: 'no permission to read it',
};

function whyUnreadable(error: unknown): Unreadable {
  const code = isObject(error) && typeof error['code'] === 'string' ? error['code'] : 'an error';
  return new Unreadable(unreadable[code] ?? code);
}

function readText(file: string): string | Unreadable {
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

/** What a file may hold that is read again while the service runs. */
export type SecretKind = keyof typeof secretKinds;

/** What such a file holds, or in words that show nothing of it why that cannot be used. */
export type SecretText = { readonly value: string } | { readonly unusable: string };

const secretKinds = {
  'api-key': { trim: trimAll, accepts: formats['infakt-kafka.api-key'].accepts },
  password: { trim: trimLineBreak, accepts: formats['infakt-kafka.text'].accepts },
  token: { trim: trimAll, accepts: formats['infakt-kafka.token'].accepts },
  certificates: { trim: (text: string) => text, accepts: isPem },
  'private-key': { trim: (text: string) => text, accepts: isPem },
};

function trimAll(text: string): string {
  return text.trim();
}

function trimLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function isPem(text: unknown): boolean {
  return typeof text === 'string' && text.includes('-----BEGIN ');
}

/** Reads a file that the configuration named once more. */
export function readSecret(kind: SecretKind, file: string): SecretText {
  const text = readText(file);
  if (text instanceof Unreadable) return { unusable: text.message };
  const { trim, accepts } = secretKinds[kind];
  const value = trim(text);
  if (accepts(value)) return { value };
  return { unusable: value.trim() === '' ? 'an empty file' : notShown.words };
}

/** The path of a file that holds what a key is about; null where a variable or the file itself holds it. */
function fileInUse<T>(sheet: Sheet<T>, fileKey: string, env: Environment, variable: string | null): string | null {
  const path = valueAt(sheet.values, fileKey);
  if (typeof path !== 'string' || (variable !== null && env[variable] !== undefined)) return null;
  return resolve(dirname(sheet.file), path);
}

/** The text of a file that a key names, by a path relative to the file with the key. */
function readNamed<T>(sheet: Sheet<T>, key: string, expected: string, findings: Findings): string | null {
  const path = valueAt(sheet.values, key);
  if (typeof path !== 'string' || sheet.faulty.has(key)) return null;
  const text = readText(resolve(dirname(sheet.file), path));
  if (!(text instanceof Unreadable)) return text;
  // A secret may have been put where its file's path belongs.
  const shown = /^\.{0,2}\//.test(path) ? show(path, findings.secrets) : 'that path';
  findings.faults.push({ file: sheet.file, key, expected, got: { words: `${text.message} at ${shown}` } });
  return null;
}

/**
 * A secret from the environment, else from the file that a key names, else from the file itself with a warning.
 * Null = not given; undefined = not usable, which is among the faults.
 */
function loadSecret<T>(
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
  if (env[variable] === undefined && (valueAt(sheet.raw, fileKey) ?? null) !== null) {
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
    const got = value === '' ? { words: 'an empty file' } : notShown;
    findings.faults.push({ file: sheet.file, key: fileKey, expected: `a file with ${format.expected}`, got });
    return undefined;
  }
  const value = valueAt(sheet.values, key);
  return typeof value === 'string' ? value : null;
}

function loadService(
  file: string,
  env: Environment,
  { knownStreams, knownProjections }: Pick<ConfigSources, 'knownStreams' | 'knownProjections'>,
  findings: Findings,
): ServiceConfig | null {
  const sheet = loadSheet<ServiceFile>(file, serviceSchema, env, findings);
  if (sheet === null) return null;
  const { values, faulty } = sheet;
  const { infakt, kafka, volatileFields } = values;

  const unknown = faulty.has('volatileFields')
    ? []
    : volatileFields.filter((path) => !knownStreams.some((stream) => path.startsWith(`${stream}.`)));
  if (unknown.length > 0) {
    const expected = `paths that begin with a stream's name and a dot (${knownStreams.join(', ')})`;
    findings.faults.push({ file, key: 'volatileFields', expected, got: { value: unknown } });
  }
  const strange = faulty.has('projections')
    ? []
    : values.projections.filter((projection) => !knownProjections.includes(projection));
  if (strange.length > 0) {
    const expected = `projections that exist (${knownProjections.join(', ')})`;
    findings.faults.push({ file, key: 'projections', expected, got: { value: strange } });
  }
  const baseUrl = baseUrlOf(infakt.baseUrl);
  const { requestsPerMinute: requests } = infakt;
  if (baseUrl?.startsWith('https://api.infakt.pl/') === true && (requests === 0 || requests > 300)) {
    const allowed = requests === 0 ? 'any number' : String(requests);
    findings.warnings.push(
      `${file}: infakt.requestsPerMinute: inFakt answers no more than 300 requests in 60 s, this allows ${allowed}`,
    );
  }
  const { sweepSeconds, sweepAtLeastHours } = values.schedule;
  const timed = !faulty.has('schedule.sweepSeconds') && !faulty.has('schedule.sweepAtLeastHours');
  if (timed && sweepSeconds > sweepAtLeastHours * 3_600) {
    const expected = `no more than schedule.sweepAtLeastHours, ${sweepAtLeastHours * 3_600} s`;
    findings.faults.push({ file, key: 'schedule.sweepSeconds', expected, got: { value: sweepSeconds } });
  }
  const ssl = loadTls(sheet, env, findings);
  const sasl = loadSasl(sheet, env, findings);
  if (sasl?.mechanism === 'plain' && !ssl.enabled && !faulty.has('kafka.brokers')) {
    const remote = kafka.brokers.find((broker) => !isLoopback(broker.replace(/:\d+$/, '')));
    if (remote !== undefined) {
      findings.warnings.push(`${file}: kafka.sasl: without kafka.ssl the password goes to ${remote} in the clear`);
    }
  }
  return {
    ...values,
    infakt: { ...infakt, baseUrl: baseUrl ?? infakt.baseUrl },
    kafka: { brokers: kafka.brokers, sessionTimeoutMs: kafka.sessionTimeoutMs, ssl, sasl },
    registry: loadRegistry(sheet, env, findings),
  };
}

function loadTls(sheet: Sheet<ServiceFile>, env: Environment, findings: Findings): TlsConfig {
  const { file, values, faulty } = sheet;
  const { enabled, ...files } = values.kafka.ssl;
  const fault = (key: string, expected: string, got: string): void => {
    findings.faults.push({ file, key: `kafka.ssl.${key}`, expected, got: { words: got } });
  };
  const [first] = Object.entries(files).flatMap(([key, path]) => (path === null ? [] : [key]));
  if (!enabled && !faulty.has('kafka.ssl.enabled') && first !== undefined) {
    fault('enabled', `true, as kafka.ssl.${first} is given`, 'false');
  }
  if (files.certFile !== null && files.keyFile === null) fault('keyFile', 'the key of kafka.ssl.certFile', 'nothing');
  if (files.keyFile !== null && files.certFile === null) {
    fault('certFile', 'the certificate of kafka.ssl.keyFile', 'nothing');
  }
  const pem = (key: keyof typeof files): string | null => loadPem(sheet, `kafka.ssl.${key}`, findings);
  const key = pem('keyFile');
  if (key !== null) findings.secrets.add(key);
  const inUse = (name: keyof typeof files): string | null => fileInUse(sheet, `kafka.ssl.${name}`, env, null);
  return {
    enabled,
    ca: pem('caFile'),
    cert: pem('certFile'),
    key,
    files: { ca: inUse('caFile'), cert: inUse('certFile'), key: inUse('keyFile') },
  };
}

/** The text of a PEM file that a key names; null where there is none or it cannot be used. */
function loadPem<T>(sheet: Sheet<T>, key: string, findings: Findings): string | null {
  const expected = 'a readable PEM file';
  const text = readNamed(sheet, key, expected, findings);
  if (text === null || isPem(text)) return text;
  const words = text.trim() === '' ? 'an empty file' : 'a file without a PEM block';
  findings.faults.push({ file: sheet.file, key, expected, got: { words } });
  return null;
}

function loadRegistry(sheet: Sheet<ServiceFile>, env: Environment, findings: Findings): RegistryConfig | null {
  const { file, values, faulty } = sheet;
  const { url: given, autoRegister, compatibility, username, caFile, timeoutMs } = values.registry;
  const fault = (key: string, expected: string, got: Fault['got'] = nothing): void => {
    findings.faults.push({ file, key: `registry.${key}`, expected, got });
  };
  const password = loadSecret(
    sheet,
    {
      key: 'registry.password',
      fileKey: 'registry.passwordFile',
      variable: 'REGISTRY_PASSWORD',
      format: formats['infakt-kafka.text'],
    },
    env,
    trimLineBreak,
    findings,
  );
  const token = loadSecret(
    sheet,
    {
      key: 'registry.token',
      fileKey: 'registry.tokenFile',
      variable: 'REGISTRY_TOKEN',
      format: formats['infakt-kafka.token'],
    },
    env,
    trimAll,
    findings,
  );
  const ca = loadPem(sheet, 'registry.caFile', findings);
  const url = httpUrlOf(given);
  const secure = url?.startsWith('https:') === true;
  if (url !== null && !secure && caFile !== null) {
    fault('url', 'an https:// URL, as registry.caFile is given', { value: given });
  }
  if ([...faulty].some((key) => key.startsWith('registry.')) || password === undefined || token === undefined) {
    return null;
  }
  if (url === null) {
    const without = { autoRegister: autoRegister ? true : null, username, password, token, caFile };
    const [first] = Object.entries(without).flatMap(([key, value]) => (value === null ? [] : [key]));
    if (first !== undefined) fault('url', `one, as registry.${first} is given`);
    return null;
  }
  if (username !== null && password === null) fault('password', 'one, as registry.username is given');
  if (password !== null && username === null) fault('username', 'one, as registry.password is given');
  if (token !== null && (username !== null || password !== null)) {
    const other = username === null ? 'password' : 'username';
    fault('token', `either registry.${other} or registry.token`, { words: 'both' });
  }
  const basic = username === null || password === null ? null : { username, password };
  const auth = token === null ? basic : { token };
  const { hostname, host } = new URL(url);
  if (auth !== null && !secure && !isLoopback(hostname)) {
    const what = 'token' in auth ? 'token' : 'password';
    findings.warnings.push(`${file}: registry.url: without https the ${what} goes to ${host} in the clear`);
  }
  const files = {
    auth:
      token === null
        ? fileInUse(sheet, 'registry.passwordFile', env, 'REGISTRY_PASSWORD')
        : fileInUse(sheet, 'registry.tokenFile', env, 'REGISTRY_TOKEN'),
    ca: fileInUse(sheet, 'registry.caFile', env, null),
  };
  return { url, auth, ca, autoRegister, compatibility, timeoutMs, files };
}

function loadSasl(sheet: Sheet<ServiceFile>, env: Environment, findings: Findings): SaslConfig | null {
  const { file, values, faulty } = sheet;
  const { mechanism, username } = values.kafka.sasl;
  const password = loadSecret(
    sheet,
    {
      key: 'kafka.sasl.password',
      fileKey: 'kafka.sasl.passwordFile',
      variable: 'KAFKA_SASL_PASSWORD',
      format: formats['infakt-kafka.text'],
    },
    env,
    trimLineBreak,
    findings,
  );
  if (password === undefined || faulty.has('kafka.sasl.mechanism') || faulty.has('kafka.sasl.username')) return null;
  const missing = (key: string, because: string): void => {
    findings.faults.push({
      file,
      key: `kafka.sasl.${key}`,
      expected: `one, as kafka.sasl.${because} is given`,
      got: nothing,
    });
  };
  if (mechanism === null) {
    if (username !== null || password !== null) missing('mechanism', username === null ? 'password' : 'username');
    return null;
  }
  if (username === null) missing('username', 'mechanism');
  if (password === null) missing('password', 'mechanism');
  if (username === null || password === null) return null;
  const passwordFile = fileInUse(sheet, 'kafka.sasl.passwordFile', env, 'KAFKA_SASL_PASSWORD');
  return { mechanism, username, password, passwordFile };
}

function loadEntities(
  directory: string,
  env: Environment,
  knownStreams: readonly StreamName[],
  findings: Findings,
): readonly EntityConfig[] {
  const refuse = (file: string, expected: string, words: string): void => {
    findings.faults.push({ file, expected, got: { words } });
  };
  let files: readonly string[];
  try {
    files = readdirSync(directory)
      .filter((name) => /^[^.].*\.json$/i.test(name))
      .sort();
  } catch (error) {
    refuse(directory, 'a readable directory with one file for each entity', whyUnreadable(error).message);
    return [];
  }
  if (files.length === 0) refuse(directory, 'at least one file <entity>.json', 'none');

  const variables = new Set(files.map((name) => apiKeyVariable(name.slice(0, -'.json'.length))));
  for (const [variable, value] of Object.entries(env)) {
    if (!/^INFAKT_API_KEY(?:_|$)/.test(variable) || value === undefined) continue;
    findings.secrets.add(value);
    if (!variables.has(variable)) {
      findings.warnings.push(`${variable} is set, but ${directory} has no file of such an entity`);
    }
  }

  const entities: EntityConfig[] = [];
  let unclear = false;
  for (const name of files) {
    const file = join(directory, name);
    const id = name.slice(0, -'.json'.length);
    if (!/^[a-z0-9][a-z0-9-]*\.json$/.test(name)) {
      findings.faults.push({
        file,
        expected: 'a name of a-z, 0-9 and -, no dash first, then .json',
        got: { value: name },
      });
      unclear = true;
      continue;
    }
    const sheet = loadSheet<EntityFile>(file, entitySchema(id), env, findings);
    if (sheet === null || sheet.faulty.has('enabled')) unclear = true;
    if (sheet !== null) entities.push(loadEntity(id, sheet, env, knownStreams, findings));
  }
  if (files.length > 0 && !unclear && !entities.some(({ enabled }) => enabled)) {
    refuse(directory, 'at least one entity that is enabled', 'none');
  }
  refuseTwins(directory, entities, findings);
  return entities;
}

function loadEntity(
  id: EntityId,
  sheet: Sheet<EntityFile>,
  env: Environment,
  knownStreams: readonly StreamName[],
  findings: Findings,
): EntityConfig {
  const { file, values, faulty } = sheet;
  const variable = apiKeyVariable(id);
  const apiKey = loadSecret(
    sheet,
    { key: 'api_key', fileKey: 'api_key_file', variable, format: formats['infakt-kafka.api-key'] },
    env,
    trimAll,
    findings,
  );
  if (apiKey === null && values.enabled) {
    const expected = `the API key, by ${variable}, api_key_file or api_key`;
    findings.faults.push({ file, key: 'api_key', expected, got: nothing });
  }
  const { start_date: startDate, end_date: endDate } = values;
  const bounded = startDate !== null && startDate !== 'all' && endDate !== null;
  if (bounded && endDate < startDate && !faulty.has('start_date') && !faulty.has('end_date')) {
    const expected = `a date not before start_date, ${startDate}`;
    findings.faults.push({ file, key: 'end_date', expected, got: { value: endDate } });
  }
  const unknown = faulty.has('streams') ? [] : (values.streams ?? []).filter((name) => !knownStreams.includes(name));
  if (unknown.length > 0) {
    const expected = `streams that exist (${knownStreams.join(', ')})`;
    findings.faults.push({ file, key: 'streams', expected, got: { value: unknown } });
  }
  return {
    id,
    name: values.name ?? id,
    enabled: values.enabled,
    nip: nipDigits(values.nip),
    apiKey: apiKey ?? '',
    apiKeyFile: fileInUse(sheet, 'api_key_file', env, variable),
    startDate,
    endDate,
    streams: values.streams ?? [...knownStreams],
    deletions: values.deletions,
  };
}

/** Two entities with one account would publish everything twice. */
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

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return 'text';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The value at a key with dots, undefined where there is none. */
function valueAt(values: unknown, key: string): unknown {
  return key.split('.').reduce<unknown>((node, name) => (isObject(node) ? node[name] : undefined), values);
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}
