import { execFile, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ConfigError, TransientError } from '../src/errors';

/** Where programs are looked for and jars are kept. */
export interface Surroundings {
  /** Default: this process's own. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Default: `.kafka` in the project. */
  readonly cache?: string;
}

/** A server of ours in a process of its own, always the same command; it ends with this process, however that ends. */
export interface LocalProcess {
  /** Of the program itself; of the last one while it is down. */
  readonly pid: number;
  readonly running: boolean;
  /** Resolves when the process that runs now has ended, whatever the cause. */
  readonly exited: Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  readonly kill: () => Promise<void>;
  /** SIGTERM, then SIGKILL if that takes too long; resolves when the process is gone. */
  readonly stop: () => Promise<void>;
  /** Starts the program unless it runs; resolves when it is ready, which is asked again and again. */
  readonly start: (ready: () => Promise<boolean>, expected: string) => Promise<void>;
}

export interface LocalProcessOptions {
  /** What it is and where, for messages. */
  readonly title: string;
  readonly command: readonly string[];
  /** File that its output is appended to. */
  readonly log: string;
  /** A folder to remove if this process goes without stopping it. */
  readonly removeWhenOrphaned?: string | undefined;
  /** Default: this process's own. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Whom it runs as; default: whom this process runs as. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** Where every local server listens. */
export const HOST = '127.0.0.1';

const READY_WITHIN_MS = 90_000;
const STOPPED_WITHIN_MS = 20_000;
const OTHER_WAYS =
  'tools/install-java.sh installs Java and Maven on Debian and Ubuntu, and says what to install elsewhere. Other ways to have a broker: `docker compose up` with the compose.yaml of this repository, or KAFKA_BROKERS=host:port of one of your own';

/**
 * Runs the command given from $2 on as this very process, and beside it a watchdog that kills it, and removes the folder
 * $1 if there is one, when the parent is gone: that is, when the pipe at 3 ends before a line came.
 */
const UNDER_WATCH = `
{ read -r farewell <&3 || { kill -9 $$; [ -z "$1" ] || rm -rf "$1"; }; } </dev/null >/dev/null 2>&1 &
shift
exec "$@" 3<&-
`;

const run = promisify(execFile);

/** The path of a Java that the local servers run on. */
export async function findJava({ environment = process.env }: Surroundings = {}): Promise<string> {
  const home = environment['JAVA_HOME'];
  const java = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
  const attempt = `Looking for Java (${java}): expected version 17 or newer`;
  const { stderr } = await run(java, ['-version'], { env: environment }).catch((cause: unknown) => {
    throw new ConfigError(`${attempt}, got none. ${OTHER_WAYS}`, { cause });
  });
  const version = /version "(\d+)/.exec(stderr)?.[1];
  if (!(Number(version) >= 17)) throw new ConfigError(`${attempt}, got ${version ?? stderr}. ${OTHER_WAYS}`);
  return java;
}

/** The checkout that the tools belong to, seen from its `tools` and from its `dist/tools`. */
export function projectRoot(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'compose.yaml'))) return folder;
    if (folder === dirname(folder)) {
      throw new ConfigError(
        `Looking for the project upward from ${__dirname}: expected a folder with package.json and compose.yaml, got none`,
      );
    }
  }
}

/**
 * The folder of this name in the cache, filled by Maven the first time: `goal` gets the folder that its files go to.
 *
 * A folder gets its name only when it is whole: after `finish`, where there is something to do to it.
 */
export async function fetchByMaven(
  what: string,
  name: string,
  goal: (target: string) => readonly string[],
  { environment = process.env, cache = join(projectRoot(), '.kafka') }: Surroundings = {},
  finish: (target: string) => Promise<unknown> = () => Promise.resolve(),
): Promise<string> {
  const folder = join(cache, name);
  if (existsSync(folder)) return folder;

  await mkdir(cache, { recursive: true });
  const download = await mkdtemp(`${folder}.part-`);
  try {
    await run('mvn', ['-q', '-B', ...goal(download)], { env: environment }).catch((cause: unknown) => {
      if (isMissing(cause)) {
        throw new ConfigError(`Fetching ${what}: expected Maven (mvn) on the PATH, got none. ${OTHER_WAYS}`, { cause });
      }
      throw new TransientError(`Fetching ${what} through Maven: expected its jars, got: ${outputOf(cause)}`, { cause });
    });
    await finish(download);
    // A temporary folder is its owner's alone; whoever works here next reads this one too.
    await chmod(download, 0o755);
    // Where another process was faster, its folder is as good.
    await rename(download, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(download, { recursive: true, force: true });
  }
  return folder;
}

/** A process that is not started yet. */
export function localProcess(options: LocalProcessOptions): LocalProcess {
  const { title, command, log, removeWhenOrphaned, environment = process.env, user } = options;
  const attempt = `Starting ${title}`;
  let running = false;
  let pid = 0;
  let exited = Promise.resolve();

  const signal = async (name: NodeJS.Signals): Promise<void> => {
    if (running) process.kill(pid, name);
    await exited;
  };

  const spawnProcess = (): void => {
    mkdirSync(dirname(log), { recursive: true });
    const output = openSync(log, 'a');
    const child = spawn('sh', ['-c', UNDER_WATCH, 'sh', removeWhenOrphaned ?? '', ...command], {
      stdio: ['ignore', output, output, 'pipe'],
      // Out of reach of a terminal's Ctrl-C, so that whoever started the servers stops them in order.
      detached: true,
      env: environment,
      ...user,
    });
    closeSync(output);
    running = true;
    pid = child.pid ?? 0;
    // Not stdin, which Node closes as soon as the process has ended, before a word can be said.
    const watchdog = child.stdio[3];
    // It may be gone before the farewell: nobody is left to be told then.
    watchdog?.on('error', () => undefined);
    exited = new Promise((resolve) => {
      const ended = (): void => {
        running = false;
        if (watchdog instanceof Writable) watchdog.end('farewell\n');
        resolve();
      };
      child.once('exit', ended).once('error', ended);
    });
  };

  return {
    get pid() {
      return pid;
    },
    get running() {
      return running;
    },
    get exited() {
      return exited;
    },
    kill: () => signal('SIGKILL'),
    stop: async () => {
      const impatience = new AbortController();
      const patience = delay(STOPPED_WITHIN_MS, undefined, { signal: impatience.signal }).then(
        () => signal('SIGKILL'),
        () => undefined,
      );
      await signal('SIGTERM');
      impatience.abort();
      await patience;
    },
    start: async (ready, expected) => {
      if (!running) spawnProcess();
      const deadline = Date.now() + READY_WITHIN_MS;
      while (!(await ready())) {
        if (!running) throw new TransientError(`${attempt}: expected it to run, got its end. ${await tail(log)}`);
        if (Date.now() > deadline) {
          await signal('SIGKILL');
          const late = `expected it ${expected} within ${READY_WITHIN_MS} ms`;
          throw new TransientError(`${attempt}: ${late}, got none of it. ${await tail(log)}`);
        }
        await delay(50);
      }
    },
  };
}

/** The port that was asked for, if nothing listens on it, or with 0 one that is free; never one of `taken`. */
export async function choosePort(title: string, port: number, taken: ReadonlySet<number>): Promise<number> {
  if (port === 0) return freePort(taken);
  if (await isFree(port)) return port;
  throw new TransientError(
    `Starting ${title} at ${HOST}:${port}: expected a free port, got one that another program listens on`,
  );
}

/** Below the range that systems take the ports of outgoing connections from: a server that is down keeps its port. */
async function freePort(taken: ReadonlySet<number>): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}

async function tail(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  const lines = text.trim().split('\n').slice(-20);
  return text === '' ? `Nothing in ${log}` : `End of ${log}:\n${lines.join('\n')}`;
}

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}

/** What a program said before it failed. */
export function outputOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const said = ['stdout' in error && error.stdout, 'stderr' in error && error.stderr];
  const output = said.filter((text) => typeof text === 'string' && text !== '').join('\n');
  if (output !== '') return output.slice(-2000);
  return 'message' in error && typeof error.message === 'string' ? error.message : 'no word of it';
}
