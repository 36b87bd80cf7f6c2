import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { helpText } from '../src/commands/page';
import { ConfigError, TransientError, exitCodeFor } from '../src/errors';
import { hideWarningOfKafkajs } from '../src/sinks/hide-warning';
import { listenForStop, messageOf } from './demo';
import { fillFinalTotals, fillRates } from './example/books';
import { buildDashboard, installDashboard, serveFolder } from './example/dashboard';
import { countTables, FILLED_WITHIN_MS, openMadeUp, rowsOfApi, until, type Running } from './example/made-up';
import { countRows } from './example/reports';
import { tables } from './example/stack';

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

/** Resolves when every row of the API is in its table, and each company in `entities`. */
async function fill(running: Running): Promise<void> {
  const { stack } = running;
  const rows = await rowsOfApi(stack);
  const expected = countRows(rows);
  await until(running, 'every row to be in its table', FILLED_WITHIN_MS, async () => {
    const counts = await countTables(stack);
    const [known] = await stack.postgres.select('select count(*) as companies from entities');
    const isFilled = tables.every((table) => counts.get(table) === expected[table]);
    return isFilled && Number(known?.['companies']) === rows.length ? true : undefined;
  });
  await fillRates(stack.postgres);
  await fillFinalTotals(stack.postgres, rows);
}

async function showMadeUpCompanies(port: number, signal: AbortSignal): Promise<void> {
  say('No DATABASE_URL: starting what npm run example:postgres starts ...');
  const onReady = (part: string, where: string): void => say(`  ${part.padEnd(13)} ${where}`);
  const stack = await openMadeUp({ onReady, signal });
  try {
    await fill({ stack, signal });
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
    process.stdout.write(helpText(HELP));
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
