import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Io } from '../src/commands/io';
import { run } from '../src/main';
import { COMMANDS } from './support/command-names';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function command(argv: readonly string[], env: Io['env'] = {}): Promise<Outcome> {
  const out = { stdout: '', stderr: '' };
  const code = await run(argv, {
    stdout: (text) => void (out.stdout += text),
    stderr: (text) => void (out.stderr += text),
    columns: null,
    env,
    stop: new AbortController().signal,
    version: '1.2.3',
    replica: 'here',
  });
  return { code, ...out };
}

describe('help', () => {
  test.each([['--help'], ['help'], ['-h']])('%s names every command, on stdout, with exit code 0', async (word) => {
    const { code, stdout, stderr } = await command([word]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of COMMANDS) expect(stdout).toMatch(new RegExp(`^ {2}${name} `, 'm'));
    expect(stdout).toContain('Exit codes: 0 done, 1 a bug, 2 configuration or usage, 3 something outside');
  });

  test.each(COMMANDS)('%s --help describes its own options, with exit code 0', async (name) => {
    const { code, stdout, stderr } = await command([name, '--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: infakt-kafka ${name}\\b`));
    expect(stdout).toMatch(/^ {2}--help /m);
  });

  test.each([[], ...COMMANDS.map((name) => [name]), ['state', 'reset']])(
    'fits 80 columns (%s %s)',
    async (...words) => {
      const { stdout } = await command([...words.filter((word) => typeof word === 'string'), '--help']);
      expect(stdout).toMatch(/^Usage: /);
      expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    },
  );

  test('of a command comes in every way that people ask for it', async () => {
    const { stdout } = await command(['once', '--help']);
    for (const argv of [
      ['help', 'once'],
      ['once', '-h'],
      ['--help', 'once'],
    ])
      expect(await command(argv)).toEqual({ code: 0, stdout, stderr: '' });
  });

  test.each(['run', 'once', 'check', 'peek', 'state'])(
    '%s --help names the options of the configuration',
    async (name) => {
      const { stdout } = await command([name, '--help']);
      expect(stdout).toContain('--config FILE');
      expect(stdout).toContain('--entities DIR');
    },
  );
});

test.each(['--version', 'version', '-v'])('%s says the version and nothing else', async (word) => {
  expect(await command([word])).toEqual({ code: 0, stdout: '1.2.3\n', stderr: '' });
});

describe('a command line that cannot be understood ends with exit code 2 and one line on stderr', () => {
  async function expectUsage(argv: readonly string[], says: RegExp): Promise<void> {
    const { code, stdout, stderr } = await command(argv);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(says);
    expect(stderr).toMatch(/--help/);
    expect(stderr).not.toMatch(/\n\s+at /);
  }

  test('an unknown command, and which ones there are', () =>
    expectUsage(
      ['reed'],
      /unknown command "reed", expected one of run, once, init, check, plan, peek, reconcile, explain, wait, resync, state, simulate/,
    ));

  test('a command that is only a property of every object', () => expectUsage(['constructor'], /unknown command/));

  test.each(COMMANDS)('an unknown option of %s', (name) => expectUsage([name, '--nonsense'], /--nonsense/));

  test('what is wrong with an option is one short sentence in the words of the program', async () => {
    const said = async (...argv: string[]): Promise<string> => (await command(argv)).stderr;
    expect(await said('once', '--nonsense')).toBe('infakt-kafka: unknown option --nonsense; see --help\n');
    expect(await said('once', 'word')).toBe('infakt-kafka: expected options only, got the word "word"; see --help\n');
    expect(await said('once', '--config')).toBe('infakt-kafka: --config expects a value, got none; see --help\n');
    expect(await said('once', '--json=yes')).toBe('infakt-kafka: --json takes no value, got one; see --help\n');
    expect(await said('once', '--config', '--json')).toBe(
      'infakt-kafka: --config expects a value, got none; see --help\n',
    );
  });

  test('a slip of an option, a command, a topic or a stream is answered with what was meant', async () => {
    const said = async (...argv: string[]): Promise<string> => (await command(argv)).stderr;
    expect(await said('once', '--jsno')).toBe('infakt-kafka: unknown option --jsno: did you mean --json? See --help\n');
    expect(await said('peek', '--Entity=alfa')).toContain('unknown option --Entity: did you mean --entity?');
    expect(await said('chek')).toBe('infakt-kafka: unknown command "chek": did you mean check? See --help\n');
    expect(await said('resync', '--entity', 'alfa', '--stream', 'invoice')).toContain('did you mean invoices?');
    expect(await said('simulate', '--prot', '1')).toContain('did you mean --port?');
  });

  test.each(COMMANDS)('a word too many after %s', async (name) => {
    const words = name === 'peek' ? ['a', 'b', 'c'] : ['show', 'nonsense'];
    const { code, stderr } = await command([name, ...words]);
    expect(code).toBe(2);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  test.each(['run', 'once', 'check'])('an option of %s without its value', (name) =>
    expectUsage([name, '--config'], /--config/),
  );

  test.each(['run', 'once', 'check'])('a value for an option of %s that takes none', (name) =>
    expectUsage([name, '--help=yes'], /--help/),
  );

  test.each([
    [[], 'expected --entity, got none'],
    [['--stream', 'orders'], '--stream expects one of clients, invoices'],
    [['--from', '2026-02-30'], '--from expects a day as YYYY-MM-DD, got "2026-02-30"'],
    [['--from', '2026-01-02', '--to', '2026-01-01'], 'expected --from not to be later than --to'],
    [['--from', '2026-01-02', '--id', '7'], 'expected either --id or --from and --to, got both'],
    [['--from', '2026-01-02', '--stream', 'clients'], 'expected no dates, as clients have none'],
    [['--id', '1e3'], '--id expects a whole number from 1, got "1e3"'],
  ])('resync %j, and what was expected', async (args, says) => {
    const entity = args.length === 0 ? [] : ['--entity', 'alfa'];
    await expectUsage(['resync', ...entity, ...args], new RegExp(says));
  });

  test('state reset of nothing in particular', () => expectUsage(['state', 'reset', '--yes'], /expected --entity/));

  test('options without a command are those of run', () => expectUsage(['--json'], /--json/));
});

describe('a configuration that cannot be read', () => {
  let folder: string;
  let options: readonly string[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'infakt-kafka-'));
    mkdirSync(join(folder, 'entities'));
    options = ['--config', join(folder, 'service.json'), '--entities', join(folder, 'entities')];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test.each(['run', 'once', 'peek', 'state'])(
    'ends %s with exit code 2 and a message that names the file',
    async (name) => {
      const words = name === 'state' ? ['show'] : name === 'peek' ? ['clients'] : [];
      const { code, stdout, stderr } = await command([name, ...words, ...options]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('service.json');
      expect(stderr).not.toMatch(/\n\s+at /);
    },
  );

  test('is told by check as its only finding, with exit code 2', async () => {
    const { code, stdout } = await command(['check', ...options]);
    expect(code).toBe(2);
    expect(stdout).toMatch(/^FAIL configuration: [^]*service\.json/);
  });

  test('is told without the secret that it holds in the wrong place', async () => {
    writeFileSync(join(folder, 'service.json'), '{"kafka":{"brokers":["localhost:9092"]}}');
    writeFileSync(join(folder, 'entities', 'alfa.json'), '{"api_key":"s3cret key with blanks","nip":"12"}');
    const { code, stdout, stderr } = await command(['run', ...options]);
    expect(code).toBe(2);
    expect(stderr).toContain('alfa.json');
    expect(stdout + stderr).not.toContain('s3cret');
  });
});

test('the program itself ends by the exit code of its command, and answers on stdout', async () => {
  const program = join(__dirname, '..', 'dist', 'src', 'main.js');
  const start = (...argv: string[]): Promise<Outcome> =>
    new Promise((resolve) => {
      const child = execFile(process.execPath, [program, ...argv], (_error, stdout, stderr) =>
        resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      );
    });
  const [version, unknown] = await Promise.all([start('--version'), start('reed')]);
  expect(version).toMatchObject({ code: 0, stderr: '' });
  expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(unknown).toMatchObject({ code: 2, stdout: '' });
});

test('the program ends without a word when nobody reads its results any more, as after a pipe into head', async () => {
  const program = join(__dirname, '..', 'dist', 'src', 'main.js');
  const child = spawn(process.execPath, [program, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect({ code, stderr }).toEqual({ code: 141, stderr: '' });
});
