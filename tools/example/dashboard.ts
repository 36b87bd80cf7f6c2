import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';

import { ConfigError, TransientError } from '../../src/errors';
import { HOST, outputOf, projectRoot } from '../java';

const run = promisify(execFile);

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** The package of the dashboard, `examples/dashboard`. */
export function dashboardFolder(): string {
  return join(projectRoot(), 'examples', 'dashboard');
}

/** Installs the dashboard's packages, unless those of its lock file are there. */
export async function installDashboard(): Promise<void> {
  const folder = dashboardFolder();
  const [wanted, installed] = await Promise.all([
    versionsIn(join(folder, 'package-lock.json')),
    versionsIn(join(folder, 'node_modules', '.package-lock.json')).catch(() => undefined),
  ]);
  if (installed === wanted) return;
  const command = ['ci', '--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', command, { cwd: folder, maxBuffer: 1 << 26 }).catch((cause: unknown) => {
    throw new TransientError(`Installing the dashboard's packages: expected success, got: ${outputOf(cause)}`, {
      cause,
    });
  });
}

/** The packages that every machine installs, with their versions; those for one kind of machine are optional. */
async function versionsIn(file: string): Promise<string> {
  const { packages } = JSON.parse(await readFile(file, 'utf8')) as {
    readonly packages: Readonly<Record<string, { readonly version: string; readonly optional?: boolean }>>;
  };
  const needed = Object.entries(packages).filter(([path, { optional }]) => path !== '' && optional !== true);
  return JSON.stringify(needed.map(([path, { version }]) => [path, version]).sort());
}

export interface DashboardOptions {
  /** `postgresql://user:password@host:port/name`. */
  readonly database: string;
  /** The day that the figures are for, `YYYY-MM-DD`; default: today in Warsaw. */
  readonly day?: string;
  /** Where the site goes; what the folder held before is removed. */
  readonly output: string;
}

/** Builds the site from the database, without a network but for that. */
export async function buildDashboard({ database, day, output }: DashboardOptions): Promise<void> {
  const environment = {
    ...process.env,
    DATABASE_URL: database,
    DASHBOARD_DAY: day ?? '',
    DASHBOARD_OUT: output,
  };
  const vite = join(dashboardFolder(), 'node_modules', 'vite', 'bin', 'vite.js');
  await run(process.execPath, [vite, 'build'], { cwd: dashboardFolder(), env: environment }).catch((cause: unknown) => {
    throw new TransientError(`Building the dashboard: expected pages, got: ${outputOf(cause)}`, { cause });
  });
}

/** A server of static files; it listens on this machine alone. */
export interface Site {
  readonly url: string;
  readonly stop: () => Promise<void>;
}

/** Serves a folder of static files on a port, 0 for any that is free. */
export async function serveFolder(folder: string, port = 0): Promise<Site> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://site');
    const path = pathname === '/' ? '/index.html' : pathname;
    // A URL's path has no `..` left.
    readFile(join(folder, path)).then(
      (content) => {
        response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
        response.end(content);
      },
      () => {
        response.writeHead(404).end();
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(new ConfigError(`Serving ${folder} at ${HOST}:${port}: expected a free port, got: ${cause.message}`));
    });
    server.listen(port, HOST, resolve);
  });
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
