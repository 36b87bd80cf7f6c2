import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chosenEntities, printLines, setUp, usageError, whenStopped, withoutNip, type Io } from '../../src/commands/io';
import { findingLine } from '../../src/commands/check-findings';
import { newReport, summary, verdictText } from '../../src/commands/once-report';
import { ConfigError } from '../../src/errors';

let folder: string;
let stderr: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'infakt-kafka-'));
  mkdirSync(join(folder, 'entities'));
  stderr = '';
});
afterEach(() => rmSync(folder, { recursive: true }));

function load(
  entity: Readonly<Record<string, unknown>>,
  env: Io['env'] = {},
  columns: number | null = null,
): ReturnType<typeof setUp> {
  writeFileSync(join(folder, 'service.json'), '{"kafka":{"brokers":["localhost:9092"]}}');
  writeFileSync(join(folder, 'entities', 'alfa.json'), JSON.stringify(entity));
  const io: Io = {
    stdout: () => undefined,
    stderr: (text) => void (stderr += text),
    columns,
    env,
    stop: new AbortController().signal,
    version: '1.2.3',
    replica: 'here',
  };
  return setUp(io, { config: join(folder, 'service.json'), entities: join(folder, 'entities') });
}

function logged(): readonly Record<string, unknown>[] {
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('the signal that stops the process has its name, whether it comes later or came before', async () => {
  const stop = new AbortController();
  const later = whenStopped({ stop: stop.signal });
  stop.abort('SIGTERM');
  expect([await later, await whenStopped({ stop: stop.signal })]).toEqual(['SIGTERM', 'SIGTERM']);
});

test('a command gets the configuration with the environment of its process', () => {
  const { config } = load({}, { INFAKT_API_KEY_ALFA: 's3cret' });
  expect(config.entities).toMatchObject([{ id: 'alfa', apiKey: 's3cret' }]);
  expect(stderr).toBe('');
});

test('each warning of the configuration is a line of the log', () => {
  load({ api_key: 's3cret' });
  expect(logged()).toMatchObject([{ level: 'warn', msg: 'configuration' }]);
  expect(String(logged()[0]?.['about'])).toContain('api_key: a secret in the open');
});

test('entities that are read without a nip are named, and those that have one or are disabled are not (I7)', () => {
  const { config } = load({ api_key: 's3cret' });
  const [alfa] = config.entities;
  if (alfa === undefined) throw new Error('expected an entity, got none');
  const named = (...entities: readonly Partial<typeof alfa>[]): string | null =>
    withoutNip({ entities: entities.map((each) => ({ ...alfa, ...each })) });
  expect(named({ nip: null })).toContain('no nip is set for alfa: ');
  expect(named({ nip: null }, { id: 'beta', nip: null })).toContain('no nip is set for alfa, beta: ');
  expect(named({ nip: '1111111111' }, { id: 'beta', nip: null, enabled: false })).toBeNull();
});

test('a secret of the configuration is in no error that is logged, and neither is its successor in its file (I11)', () => {
  const file = join(folder, 'key');
  writeFileSync(file, 's3cret-1');
  const { logger, secrets } = load({ api_key_file: file });
  writeFileSync(file, 's3cret-2');
  expect(secrets.latest('api-key', file, 's3cret-1')).toBe('s3cret-2');
  logger.error({ err: new Error('GET failed with s3cret-1 and s3cret-2') }, 'failed');
  expect(logged().map(({ msg }) => msg)).toEqual(['secret read again', 'failed']);
  expect(stderr).not.toContain('s3cret');
});

test('a secret file that cannot be used any more is told of, and the secret before is used on', () => {
  const file = join(folder, 'key');
  writeFileSync(file, 's3cret');
  const { secrets } = load({ api_key_file: file });
  rmSync(file);
  expect(secrets.latest('api-key', file, 's3cret')).toBe('s3cret');
  expect(logged()).toMatchObject([{ level: 'warn', msg: 'attention' }]);
});

test('a command line that cannot be understood is a fault of the configuration, with a word on the help', () => {
  expect(usageError('expected one topic, got 2')).toBeInstanceOf(ConfigError);
  expect(usageError('expected one topic, got 2').message).toBe('expected one topic, got 2; see --help');
});

test('--entity chooses one that is enabled; another name is refused with the near miss', () => {
  const { config } = load({ nip: '1111111111' }, { INFAKT_API_KEY_ALFA: 'one' });
  expect(chosenEntities(config, undefined).map(({ id }) => id)).toEqual(['alfa']);
  expect(chosenEntities(config, 'alfa').map(({ id }) => id)).toEqual(['alfa']);
  expect(() => chosenEntities(config, 'alpha')).toThrow(
    '--entity expects one that is enabled (alfa), got "alpha": did you mean alfa? See --help',
  );
  const disabled = config.entities.map((entity) => ({ ...entity, enabled: false }));
  expect(() => chosenEntities({ entities: disabled }, 'alfa')).toThrow('"alfa", which is not enabled');
});

test.each([80, 120])(
  'what a command prints fits a terminal of %i columns, and stays in whole lines elsewhere',
  (columns) => {
    const lines = [
      findingLine({
        check: 'stream invoices',
        entity: 'alfa',
        ok: false,
        text: 'expected rows '.repeat(20).trim(),
        code: 2,
      }),
      summary({
        ...newReport('alfa', 'invoices'),
        reason: 'forbidden',
        advice: 'give the key the scope '.repeat(9).trim(),
      }),
      verdictText(Array.from({ length: 9 }, () => newReport('a-company-with-a-long-name', 'corrective-invoices'))),
    ];
    for (const line of lines) {
      let printed = '';
      const stdout = (text: string): void => void (printed += text);
      printLines({ stdout, page: { columns, hasColour: false } }, line, 5);
      const shown = printed.trimEnd().split('\n');
      expect(shown.length).toBeGreaterThan(1);
      expect(shown.filter(({ length }) => length > columns)).toEqual([]);
      expect(printed.replaceAll(/\s+/g, ' ').trim()).toBe(line.replaceAll(/\s+/g, ' '));
      printed = '';
      printLines({ stdout }, line);
      expect(printed).toBe(`${line}\n`);
    }
  },
);

test.each([
  ['auto', null, 'json'],
  ['auto', 80, 'coloured'],
  ['text', null, 'text'],
  ['json', 80, 'json'],
])('with log.format %s and %p columns the log is %s', (format, columns, expected) => {
  load({ api_key: 's3cret' }, { LOG_FORMAT: format }, columns);
  const shape = stderr.startsWith('{') ? 'json' : stderr.includes('\x1b[33mWARN') ? 'coloured' : 'text';
  expect(shape).toBe(expected);
  expect(stderr).toContain('a secret in the open');
});

test('NO_COLOR keeps colours off a terminal', () => {
  load({ api_key: 's3cret' }, { NO_COLOR: '1' }, 80);
  expect(stderr).toMatch(/^\d\d:\d\d:\d\d WARN configuration - /);
});
