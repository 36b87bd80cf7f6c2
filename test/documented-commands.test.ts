import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { run } from '../src/main';
import { isObject } from '../src/json';
import { projectRoot } from '../tools/java';
import { COMMANDS } from './support/command-names';
import { commandsIn, pagesOf, type DocumentedCommand } from './support/documented-commands';
import { quietIo } from './support/quiet-io';

const root = projectRoot();

/** Programs of the documentation that this test does not start, and why not; each is named by the documentation. */
const NOT_STARTED: Readonly<Record<string, string>> = {
  $acl: 'needs a cluster with ACLs; test/fault/security.test.ts grants the same rights',
  './close-the-month': "is the reader's own",
  cd: 'is of the shell',
  cp: 'writes to /etc',
  curl: 'needs a service, a simulator or Kafka Connect; those have tests of their own for each path',
  docker: 'needs Docker',
  done: 'is of the shell',
  echo: 'is of the shell',
  for: 'is of the shell',
  grep: 'is everywhere',
  install: 'writes to /etc',
  java: 'is run by test/program/examples.test.ts',
  journalctl: 'needs systemd as the first process',
  kcat: 'is not installed everywhere; docs/recipes.md says with which version it was tried',
  kill: 'is of the shell',
  kubectl: 'needs a cluster; test/integration/kubernetes.test.ts validates the manifests',
  mkdir: 'writes to /opt and /etc',
  mvn: 'is run by test/program/examples.test.ts',
  systemctl: 'needs systemd as the first process',
};

/** Programs whose commands the tests below look at, or that come with Node.js and Python. */
const STARTED = /^(?:infakt-kafka|npm|node|jest|tools\/.*|python3|\.venv\/.*)$/;

const documented = pagesOf(root).flatMap((page) =>
  commandsIn(root, page, {
    isProgram: (word) => STARTED.test(word) || NOT_STARTED[word] !== undefined,
    commands: COMMANDS,
  }),
);
const ours = documented.filter(({ words }) => words[0] === 'infakt-kafka');
const textOf = ({ page, words }: DocumentedCommand): string => `${page}: ${words.join(' ')}`;
const unique = (commands: readonly DocumentedCommand[]): readonly [string, readonly string[]][] => [
  ...new Map(commands.map(({ words }) => [words.join(' '), words])).entries(),
];

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function inProcess(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
  stop?: AbortSignal,
): Promise<Outcome> {
  let stderr = '';
  const io = quietIo();
  const code = await run(argv, { ...io, env, stop: stop ?? io.stop, stderr: (text) => void (stderr += text) });
  return { code, stdout: io.printed(), stderr };
}

function scriptsOf(folder: string): Readonly<Record<string, unknown>> {
  const parsed: unknown = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  return isObject(parsed) && isObject(parsed['scripts']) ? parsed['scripts'] : {};
}

test('the documentation has the commands that the tests below are about', () => {
  expect(ours.length).toBeGreaterThan(40);
  expect(documented.filter(({ inBlock }) => inBlock).length).toBeGreaterThan(60);
});

test.each(unique(ours))('%s: the program has this command with these options', async (_text, words) => {
  const { code, stdout, stderr } = await inProcess([...words.slice(1), '--help']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('Usage: infakt-kafka');
  if (words[1] === 'state' && words[2] !== undefined && !words[2].startsWith('-'))
    expect(stdout).toContain(`infakt-kafka state ${words[2]}`);
});

test('a command or option that the program does not have would be found', async () => {
  expect(await inProcess(['once', '--jsn', '--help'])).toMatchObject({ code: 2 });
  expect(await inProcess(['onc', '--help'])).toMatchObject({ code: 2 });
});

test('each npm script of the documentation is there, with these options', () => {
  const named = documented.filter(({ words: [first, second] }) => first === 'npm' && second === 'run');
  expect(named.length).toBeGreaterThan(30);
  // The dashboard's page has commands of its own folder and of the whole.
  const foldersOf = (page: string): readonly string[] =>
    page.startsWith('examples/dashboard/') ? ['examples/dashboard', '.'] : ['.'];
  const missing = named.filter(
    ({ page, words: [, , script = ''] }) => !foldersOf(page).some((folder) => scriptsOf(folder)[script] !== undefined),
  );
  expect(missing.map(textOf)).toEqual([]);
  const options = named.filter(
    ({ words }) => words[3] === '--' && words.some((word) => word.startsWith('--') && word !== '--'),
  );
  for (const { words } of options) {
    const tool = /^(?:npm run build && )?node (dist\/tools\/[\w-]+\.js)$/.exec(
      String(scriptsOf('.')[words[2] ?? '']),
    )?.[1];
    const { status, stderr } = spawnSync(process.execPath, [join(root, tool ?? ''), ...words.slice(4), '--help'], {
      encoding: 'utf8',
    });
    expect({ words, status, stderr }).toEqual({ words, status: 0, stderr: '' });
  }
});

test('each file of the repository that a command names is there, and programs can be run', () => {
  const own = /^(?:tools|docs|examples|test|config|deploy|\.ci)\/[\w./-]+$/;
  const inside = documented.filter(({ page }) => !page.startsWith('examples/dashboard'));
  const files = inside.flatMap((command) =>
    command.words.filter((word) => own.test(word) && !word.includes('/target/')),
  );
  expect(files.length).toBeGreaterThan(10);
  expect([...new Set(files)].filter((file) => !existsSync(join(root, file)))).toEqual([]);
  for (const file of new Set(inside.map(({ words }) => words[0] ?? '')))
    if (own.test(file)) accessSync(join(root, file), constants.X_OK);
});

test('every other command of the documentation is named here, with the reason why it is not started', () => {
  const heads = documented.filter(({ inBlock }) => inBlock).map(({ words: [first = ''] }) => first);
  expect([...new Set(heads)].filter((head) => !STARTED.test(head) && NOT_STARTED[head] === undefined)).toEqual([]);
  expect(Object.keys(NOT_STARTED).filter((head) => !heads.includes(head))).toEqual([]);
});

test('the simulator starts with the options of each command that starts one', async () => {
  for (const [text, words] of unique(ours.filter(({ words }) => words[1] === 'simulate'))) {
    const stop = new AbortController();
    stop.abort('SIGTERM');
    const argv = words.slice(1).map((word, index, all) => (all[index - 1] === '--port' ? '0' : word));
    const outcome = await inProcess(argv.includes('--port') ? argv : [...argv, '--port', '0'], {}, stop.signal);
    expect({ text, ...outcome }).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('inFakt API simulator') as string,
    });
  }
});

test('the example configuration is one that check --offline accepts, as the documentation says', async () => {
  const keys = { INFAKT_API_KEY_ALFA: 'key-alfa', INFAKT_API_KEY_BETA: 'key-beta', INFAKT_API_KEY_GAMMA: 'key-gamma' };
  const { code, stdout } = await inProcess(['check', '--offline', '--config', 'config/example/service.json'], keys);
  expect({ code, stdout }).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('All 2 checks are ok.') as string,
  });
});
