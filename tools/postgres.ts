import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { ConfigError, TransientError } from '../src/errors';
import { choosePort, HOST, localProcess, outputOf } from './java';

/** A row of an answer, its columns by name, as PostgreSQL writes them in JSON. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** One database of a PostgreSQL. */
export interface Database {
  readonly jdbcUrl: string;
  /** The rows that one statement without a semicolon selects. */
  readonly select: (sql: string) => Promise<readonly SqlRow[]>;
  /** Runs statements, all of them or none. */
  readonly execute: (sql: string) => Promise<void>;
  /** Runs a file of statements and the files that it includes, all of them or none. */
  readonly executeFile: (path: string) => Promise<void>;
}

/** A local PostgreSQL and its first, empty database; its processes end with this one, however it ends. */
export interface LocalPostgres extends Database {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly version: string;
  /** Creates a further, empty database. */
  readonly createDatabase: (name: string) => Promise<Database>;
  /** Breaks every connection and ends it as a crash would; what was committed is there at the next start. */
  readonly crash: () => Promise<void>;
  /** Starts it again, on the same port and data. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Where its programs are looked for. */
export interface PostgresSurroundings {
  readonly path?: string;
  /** Where Debian and its kin have them, by version. */
  readonly installed?: string;
}

const USER = 'infakt';
const DATABASE = 'infakt';
const OWN_USER = 'postgres';
/** It is thrown away in the end: only the machine's own crash could lose what is not yet on the disk. */
const SETTINGS = { fsync: 'off', unix_socket_directories: '', track_commit_timestamp: 'on', lc_messages: 'C' };

const run = promisify(execFile);

/** Starts a PostgreSQL as a child process and resolves when it takes queries. */
export async function startPostgres(): Promise<LocalPostgres> {
  const programs = await findPostgres();
  const user = await unprivileged();
  const port = await choosePort('PostgreSQL', 0, new Set());
  const folder = await mkdtemp(join(tmpdir(), 'local-postgres-'));
  const password = randomBytes(16).toString('hex');
  const environment = { ...process.env, PGHOST: HOST, PGPORT: String(port), PGUSER: USER, PGPASSWORD: password };
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const data = join(folder, 'data');
  const server = localProcess({
    title: `PostgreSQL at ${HOST}:${port}`,
    command: [join(programs, 'postgres'), '-D', data, '-h', HOST, '-p', String(port), ...settings],
    log: join(folder, 'postgres.log'),
    removeWhenOrphaned: folder,
    ...(user === undefined ? {} : { user }),
  });

  const ask = async (database: string, ...statements: readonly string[]): Promise<string> => {
    const command = ['-X', '-q', '-A', '-t', '-1', '-v', 'ON_ERROR_STOP=1', '-d', database, ...statements];
    const { stdout } = await run(join(programs, 'psql'), command, { env: environment, maxBuffer: 1 << 28 }).catch(
      (cause: unknown) => {
        throw new TransientError(`Asking PostgreSQL at ${HOST}:${port}: expected an answer, got: ${outputOf(cause)}`, {
          cause,
        });
      },
    );
    return stdout;
  };
  const createDatabase = async (name: string): Promise<Database> => {
    // Not in a transaction, which psql would begin for it.
    const create = ['-X', '-q', '-d', 'postgres', '-c', `create database ${name}`];
    await run(join(programs, 'psql'), create, { env: environment });
    return {
      jdbcUrl: `jdbc:postgresql://${HOST}:${port}/${name}`,
      select: async (sql) =>
        JSON.parse(await ask(name, '-c', `select coalesce(json_agg(answer), '[]') from (${sql}) answer`)) as SqlRow[],
      execute: async (sql) => {
        await ask(name, '-c', sql);
      },
      executeFile: async (path) => {
        await ask(name, '-f', path);
      },
    };
  };
  const ready = (): Promise<boolean> =>
    run(join(programs, 'pg_isready'), ['-q', '-d', 'postgres'], { env: environment }).then(
      () => true,
      () => false,
    );
  const start = (): Promise<void> => server.start(ready, 'to take queries');
  const crash = async (): Promise<void> => {
    // Not SIGKILL: the server's other processes would outlive it for a moment, and keep the next one from starting.
    if (server.running) process.kill(server.pid, 'SIGQUIT');
    await server.exited;
  };
  const stop = async (): Promise<void> => {
    await crash();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await prepare(programs, folder, data, password, user);
    await start();
    const database = await createDatabase(DATABASE);
    const [row] = await database.select('select version()');
    const version = /PostgreSQL (\S+)/.exec(String(row?.['version']))?.[1] ?? 'unknown';
    return {
      ...database,
      host: HOST,
      port,
      user: USER,
      password,
      version,
      createDatabase,
      crash,
      start,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The folder with the programs of the newest PostgreSQL of this machine. */
export async function findPostgres({
  path = process.env['PATH'] ?? '',
  installed = '/usr/lib/postgresql',
}: PostgresSurroundings = {}): Promise<string> {
  // Debian has psql alone on the PATH, the programs of the server in a folder for each version.
  const versions = await readdir(installed).catch(() => []);
  versions.sort((one, two) => Number(two) - Number(one));
  const places = [...path.split(delimiter), ...versions.map((version) => join(installed, version, 'bin'))];
  const programs = ['initdb', 'postgres', 'psql', 'pg_isready'];
  const found = places.find((place) => programs.every((program) => existsSync(join(place, program))));
  if (found !== undefined) return found;
  throw new ConfigError(
    `Looking for PostgreSQL: expected ${programs.join(', ')} in one folder of the PATH or in ${installed}/*/bin, got none. ` +
      'On Debian or Ubuntu tools/install-postgres.sh installs it, elsewhere the package "postgresql" or "postgresql-server" does',
  );
}

/** PostgreSQL refuses to run as root. */
async function unprivileged(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): Promise<number> =>
    run('id', [flag, OWN_USER]).then(
      ({ stdout }) => Number(stdout),
      (cause: unknown) => {
        const expected = `expected a user ${OWN_USER} to run it as, as root must not`;
        throw new ConfigError(`Starting PostgreSQL: ${expected}, got none`, { cause });
      },
    );
  return { uid: await id('-u'), gid: await id('-g') };
}

async function prepare(
  programs: string,
  folder: string,
  data: string,
  password: string,
  user: { readonly uid: number; readonly gid: number } | undefined,
): Promise<void> {
  const secret = join(folder, 'password');
  await writeFile(secret, password, { mode: 0o600 });
  if (user !== undefined) for (const path of [folder, secret]) await chown(path, user.uid, user.gid);
  const options = ['-D', data, '-U', USER, '-A', 'scram-sha-256', `--pwfile=${secret}`];
  const command = [...options, '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'];
  await run(join(programs, 'initdb'), command, { ...user, cwd: folder }).catch((cause: unknown) => {
    throw new TransientError(`Preparing ${data} for PostgreSQL: expected success, got: ${outputOf(cause)}`, { cause });
  });
  await rm(secret);
}
