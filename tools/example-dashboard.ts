import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { ConfigError, TransientError, exitCodeFor } from '../src/errors';
import { hideWarningOfKafkajs } from '../src/sinks/hide-warning';
import { listenForStop, messageOf } from './demo';
import { companies } from './demo/companies';
import { buildDashboard, installDashboard, serveFolder } from './example/dashboard';
import { countRows, readApi } from './example/reports';
import { openStack, tables, type Stack } from './example/stack';

const HELP = `Shows the books in PostgreSQL as pages: receivables, revenue, the group, and what
to check. The pages are built once and served until Ctrl-C.

Usage: npm run example:dashboard [-- options]

With DATABASE_URL (postgresql://user:password@host:5432/name) it reads that
database, which has the views of deploy/postgres/views.sql. Without it, it starts
all that npm run example:postgres starts, waits until its tables are filled, and
removes everything in the end.

  --port PORT       where the pages are served (default 4173, 0 = any free port)
  --help            this text

Exit codes: 0 stopped by Ctrl-C, 1 a bug, 2 usage or a missing program, 3 something
could not start.
`;

/** Much shorter than in earnest. */
const SCHEDULE = { newestSeconds: 1, clientsNewestSeconds: 2, openSeconds: 2, recentSeconds: 3, sweepSeconds: 2 };
const FILLED_WITHIN_MS = 180_000;

interface Options {
  readonly port: number;
  readonly help: boolean;
}

function optionsOf(args: readonly string[]): Options {
  try {
    const options = { port: { type: 'string', default: '4173' }, help: { type: 'boolean', default: false } } as const;
    const { values } = parseArgs({ args: [...args], options });
    if (!/^\d{1,5}$/.test(values.port)) throw new Error(`expected a port, got ${values.port}`);
    return { port: Number(values.port), help: values.help };
  } catch (cause) {
    throw new ConfigError(`Reading the arguments: ${messageOf(cause)}; see --help`, { cause });
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Builds the pages, and serves them until the signal comes. */
async function show(database: string, port: number, signal: AbortSignal): Promise<void> {
  const output = await mkdtemp(join(tmpdir(), 'dashboard-'));
  try {
    await buildDashboard({ database, output });
    const site = await serveFolder(output, port);
    say(`The dashboard is at ${site.url} until Ctrl-C.`);
    await delay(2 ** 31 - 1, undefined, { signal }).catch(() => undefined);
    await site.stop();
  } finally {
    await rm(output, { recursive: true, force: true });
  }
}

/** Resolves when every row of the API is in its table, and the companies are in `entities`. */
async function fill({ api, postgres, service }: Stack, signal: AbortSignal): Promise<void> {
  const expected = countRows(await Promise.all(companies.map(({ id, key }) => readApi(api.url, key, id))));
  const values = companies.map(({ id, nip, name }) => `('${id}', '${nip}', '${name}')`);
  await postgres.execute(`insert into entities (entity, nip, name) values ${values.join(', ')} on conflict do nothing`);
  const counts = tables.map((table) => `(select count(*) from ${table}) as ${table}`);
  const deadline = performance.now() + FILLED_WITHIN_MS;
  for (;;) {
    await service.check();
    const [row] = await postgres.select(`select ${counts.join(', ')}`);
    if (tables.every((table) => row?.[table] === expected[table])) return;
    if (performance.now() > deadline) {
      throw new TransientError(
        `Filling the tables: expected ${JSON.stringify(expected)} rows within ${FILLED_WITHIN_MS / 1_000} s, got ${JSON.stringify(row)}`,
      );
    }
    await delay(100, undefined, { signal });
  }
}

async function showMadeUpCompanies(port: number, signal: AbortSignal): Promise<void> {
  say('No DATABASE_URL: starting what npm run example:postgres starts ...');
  const onReady = (part: string, where: string): void => say(`  ${part.padEnd(13)} ${where}`);
  const stack = await openStack({ companies, schedule: SCHEDULE, onReady, signal });
  try {
    await fill(stack, signal);
    const { user, password, host, port: at } = stack.postgres;
    await show(`postgresql://${user}:${password}@${host}:${at}/infakt`, port, signal);
  } finally {
    say('Stopping and removing everything ...');
    await stack.stop();
  }
}

async function main(): Promise<void> {
  const { port, help } = optionsOf(process.argv.slice(2));
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  hideWarningOfKafkajs();
  const { signal } = listenForStop();
  try {
    await installDashboard();
    const database = process.env['DATABASE_URL'] ?? '';
    await (database === '' ? showMadeUpCompanies(port, signal) : show(database, port, signal));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

main().catch((error: unknown) => {
  const expected = error instanceof ConfigError || error instanceof TransientError;
  process.stderr.write(
    `example:dashboard: ${expected ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exitCode = exitCodeFor(error);
});
