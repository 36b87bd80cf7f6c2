import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { loadConfig, loadServiceFile } from '../../config/load';
import { ConfigError, exitCodeFor } from '../../src/errors';

const cases = join(__dirname, 'cases');
const knownStreams = ['clients', 'invoices'];
const knownProjections = ['ksef', 'invoice-lines'];
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'infakt-kafka-config-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** A case is one text file: what precedes the first `-- name --` is its description, each such line begins a file. */
function parseCase(text: string): { title: string; files: ReadonlyMap<string, string> } {
  const [title = '', ...parts] = text.split(/^-- (\S+) --\n/m);
  const files = new Map<string, string>();
  for (let at = 0; at + 1 < parts.length; at += 2) files.set(parts[at] ?? '', parts[at + 1] ?? '');
  return { title: title.trim(), files };
}

function write(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(join(directory, file)), { recursive: true });
  writeFileSync(join(directory, file), content);
}

function load(env: Readonly<Record<string, string>> = {}): ReturnType<typeof loadConfig> {
  return loadConfig({
    configFile: join(directory, 'service.json'),
    entitiesDirectory: join(directory, 'entities'),
    env,
    knownStreams,
    usualStreams: knownStreams,
    knownProjections,
  });
}

function loadFaulty(env: Readonly<Record<string, string>> = {}): ConfigError {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('loading the configuration: expected a ConfigError, got a configuration');
}

function variablesOf(text: string): Readonly<Record<string, string>> {
  const lines = text.split('\n').filter((line) => line !== '');
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

const parsed = readdirSync(cases)
  .sort()
  .map((name) => ({ name, ...parseCase(readFileSync(join(cases, name), 'utf8')) }));

test.each(parsed)('$name: $title', ({ name, files }) => {
  for (const [file, text] of files) {
    if (file.endsWith('/')) mkdirSync(join(directory, file), { recursive: true });
    else if (file !== 'env' && file !== 'expected') write(file, text);
  }
  const env = variablesOf(files.get('env') ?? '');
  const expected = files.get('expected') ?? '';
  const plain = (text: string): string => text.replaceAll(`${directory}/`, '').replaceAll(directory, '.');

  if (name.startsWith('good-')) {
    const loaded = load(env);
    const { secrets } = loaded;
    const config: unknown = JSON.parse(plain(JSON.stringify(loaded.config)));
    const warnings = loaded.warnings.map(plain);
    expect({ config, warnings, secrets }).toEqual(JSON.parse(expected));
  } else {
    const error = loadFaulty(env);
    expect(`${plain(error.message)}\n`).toBe(expected);
    expect(error.message).not.toMatch(/s3cret/);
    expect(exitCodeFor(error)).toBe(2);
  }
});

test('a file that is not UTF-8 is a fault, not a name with other letters', () => {
  write('service.json', '{"kafka":{"brokers":["localhost:9092"]}}');
  write('entities/alfa.json', Buffer.from('{"name":"Sp\xf3\xb3ka"}', 'latin1'));
  expect(loadFaulty({ INFAKT_API_KEY_ALFA: 'one' }).message).toContain(
    'alfa.json: expected a readable file with a JSON object, got text that is not UTF-8',
  );
});

test('a byte order mark before the JSON is no fault', () => {
  write('service.json', '\uFEFF{"kafka":{"brokers":["localhost:9092"]}}');
  write('entities/alfa.json', '{}');
  expect(load({ INFAKT_API_KEY_ALFA: 'one' }).config.service.kafka.brokers).toEqual(['localhost:9092']);
});

test('a key called __proto__ is an unknown key', () => {
  write('service.json', '{"kafka":{"brokers":["localhost:9092"]},"__proto__":{"log":{"level":"debug"}}}');
  write('entities/alfa.json', '{}');
  expect(loadFaulty({ INFAKT_API_KEY_ALFA: 'one' }).message).toContain('__proto__: expected one of the keys');
});

test('the environment of the process is not read', () => {
  write('service.json', '{"kafka":{"brokers":["localhost:9092"]}}');
  write('entities/alfa.json', '{}');
  const before = process.env['LOG_LEVEL'];
  process.env['LOG_LEVEL'] = 'debug';
  try {
    expect(load({ INFAKT_API_KEY_ALFA: 'one' }).config.service.log.level).toBe('info');
  } finally {
    if (before === undefined) delete process.env['LOG_LEVEL'];
    else process.env['LOG_LEVEL'] = before;
  }
});

test('a loaded configuration cannot be changed, and the list of streams that was passed in still can', () => {
  write('service.json', '{"kafka":{"brokers":["localhost:9092"]}}');
  write('entities/alfa.json', '{}');
  const { config, warnings, secrets } = load({ INFAKT_API_KEY_ALFA: 'one' });
  for (const frozen of [config, config.service.kafka.brokers, config.service.kafka.ssl, config.entities[0]]) {
    expect(Object.isFrozen(frozen)).toBe(true);
  }
  expect(Object.isFrozen(config.entities[0]?.streams)).toBe(true);
  expect(Object.isFrozen(warnings) && Object.isFrozen(secrets)).toBe(true);
  expect(Object.isFrozen(knownStreams)).toBe(false);
});

test('the example files load with a key for each entity in the environment', () => {
  const root = join(__dirname, '../..');
  const { config, warnings } = loadConfig({
    configFile: join(root, 'config/example/service.json'),
    entitiesDirectory: join(root, 'config/example/entities'),
    env: { INFAKT_API_KEY_ALFA: 'one', INFAKT_API_KEY_BETA: 'two', INFAKT_API_KEY_GAMMA: 'three' },
    knownStreams,
    usualStreams: knownStreams,
    knownProjections,
  });
  expect(config.entities.map(({ id }) => id)).toEqual(['alfa', 'beta', 'gamma']);
  expect(warnings).toEqual([]);
});

test('the service file is loaded before there is any entity, and its own faults are told all the same', () => {
  const loadService = (): ReturnType<typeof loadServiceFile> =>
    loadServiceFile({
      configFile: join(directory, 'service.json'),
      entitiesDirectory: join(directory, 'entities'),
      env: {},
      knownStreams,
      usualStreams: knownStreams,
      knownProjections,
    });
  write('service.json', '{"kafka": {"brokers": ["localhost:9092"]}}');
  expect(loadService()).toMatchObject({ service: { kafka: { brokers: ['localhost:9092'] } }, entities: [] });
  write('entities/alfa.json', '{"nip": "1111111111"}');
  write('entities/broken.json', '{');
  expect(loadService().entities).toMatchObject([{ id: 'alfa', nip: '1111111111' }]);
  write('service.json', '{"kafka": {"brokers": []}}');
  expect(loadService).toThrow(/cannot load the configuration, 1 fault:\n.*kafka\.brokers/);
});
