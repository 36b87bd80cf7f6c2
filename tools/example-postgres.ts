import '../src/refuse-old-node';

import { parseArgs } from 'node:util';

import { firstValueFrom } from 'rxjs';

import { isObject } from '../simulator/rows';
import { helpText } from '../src/commands/page';
import { ConfigError, TransientError, exitCodeFor } from '../src/errors';
import { createKafka } from '../src/sinks/client';
import { readCommitted } from '../src/sinks/look';
import { connectPrograms } from './connect';
import { whenAborted } from '../src/operators/when-aborted';
import { hideWarningOfKafkajs } from '../src/sinks/hide-warning';
import { isGivenToNpm, listenForStop, messageOf, secondsSince } from './demo';
import { alfa, beta, gamma } from './demo/companies';
import { bar, clip, countText, createScreen, verdictOf, WIDTH, type Screen } from './demo/screen';
import { closeBooks, fillFinalTotals, fillRates, type Finding } from './example/books';
import { countTables, FILLED_WITHIN_MS, openMadeUp, rowsOfApi, until, type Running } from './example/made-up';
import { showKsef } from './example/ksef';
import { cellText, countRows, runReports, type ApiRows, type Report } from './example/reports';
import { tables, type Stack } from './example/stack';
import { findJava } from './java';
import { kafkaLibrary } from './kafka';
import { findPostgres, type SqlRow } from './postgres';
import { registryProgram } from './registry';

const HELP = `Shows infakt-kafka filling tables in PostgreSQL through Kafka Connect, in a
minute or two once its programs are fetched.

Usage: npm run example:postgres [-- options]

Starts Kafka, a schema registry, PostgreSQL, Kafka Connect with the connectors
of deploy/connect, the simulator of the inFakt API with three made-up companies,
and the service. Waits until all is in its tables, changes a few things, runs
the reports of deploy/postgres/reports and holds their sums, of every kind of
document, against what the API's own answers add up to. Then come the books'
own sums, what lacks in the tables, nothing, what a person has to check, nothing
but corrections of OSS invoices, and what KSeF has: numbers, what was rejected
and why, and what to ask. In the end it stops and removes everything it started.

  --keep            stay up after that, to look around with psql, until Ctrl-C
  --help            this text

Needs Java 17 or newer and, the first time, Maven (tools/install-java.sh), and
PostgreSQL (tools/install-postgres.sh). NO_COLOR is respected.

Exit codes: 0 tables and API agree, 1 they differ, or a bug, 2 usage or a missing
program, 3 something could not start or ended by itself, 130 or 143 stopped
before the end.
`;

const CHANGED_WITHIN_MS = 60_000;
const SHOWN_ROWS = 8;
/** Why the net of two reports is not the same. */
const NO_INCOME: Readonly<Record<string, string>> = {
  revenue: ', without sales that are no income',
  kinds: ', with sales that are no income',
  vat: ', with sales that are no income',
};

/** Everything that runs while it is told. */
interface Scene extends Running {
  readonly screen: Screen;
  readonly beganMs: number;
}

/** Plays it all; returns the exit code. */
async function play(keep: boolean, screen: Screen, signal: AbortSignal): Promise<number> {
  screen.print(
    screen.style('bold', 'infakt-kafka: inFakt as tables in PostgreSQL'),
    '',
    'Three made-up companies in a simulator of the inFakt API, the service, Kafka,',
    'a schema registry, Kafka Connect with a JDBC sink, and PostgreSQL.',
    '',
  );
  await findPrograms(screen);
  const beganMs = performance.now();
  const stack = await openMadeUp({
    ksef: true,
    onReady: (name, where, afterMs) =>
      screen.print(part(screen, name, `${where}, ready after ${(afterMs / 1_000).toFixed(1)} s`)),
    signal,
  });
  const tell = async (): Promise<boolean> => {
    const scene = { screen, signal, stack, beganMs };
    const before = await fill(scene);
    await change(scene);
    const agreed = [await closing(scene), await showKsef(scene, before)].every(Boolean);
    if (keep) await stayUp(scene);
    return agreed;
  };
  const outcome = await tell().then(
    (agreed) => ({ agreed }),
    (error: unknown) => ({ error }),
  );
  screen.show('', screen.style('dim', 'Stopping and removing everything ...'));
  await stack.stop();
  screen.show();
  if ('error' in outcome) throw outcome.error;
  // From the start of this process on: fetching and stopping are part of what somebody waits for.
  screen.print('', `Done in ${secondsSince(0)}; nothing is left running.`);
  if (!keep) screen.print('To look around in it yourself: npm run example:postgres -- --keep');
  return outcome.agreed ? 0 : 1;
}

/** What is missing is told before anything is started; what is fetched once is fetched before the time is taken. */
async function findPrograms(screen: Screen): Promise<void> {
  await findJava();
  await findPostgres();
  const notice = setTimeout(() => {
    screen.print(part(screen, 'Programs', 'fetched through Maven, this once; may take minutes ...'), '');
  }, 1_000);
  try {
    await kafkaLibrary();
    await registryProgram();
    await connectPrograms();
  } finally {
    clearTimeout(notice);
  }
}

function part(screen: Screen, name: string, what: string): string {
  return `  ${screen.style('cyan', name.padEnd(13))} ${what}`;
}

/** Shows the tables fill, and gives the rows that the API had. */
async function fill(scene: Scene): Promise<readonly ApiRows[]> {
  const { screen, stack, beganMs } = scene;
  const rowsBefore = await rowsOfApi(stack);
  const expected = countRows(rowsBefore);
  screen.print('', screen.style('bold', 'Every row of the API becomes a row of its table'), '');
  const counts = new Map<string, number>();
  const bars = (): string[] =>
    tables.map((table) => {
      const [done, total] = [counts.get(table) ?? 0, expected[table] ?? 0];
      const text = `${countText(done).padStart(6)} of ${countText(total).padStart(6)}`;
      return `  ${table.padEnd(24)} ${screen.style('green', bar(done, total, 34))} ${text}`;
    });
  let firstMs: number | undefined;
  await until(scene, 'every row to be in its table', FILLED_WITHIN_MS, async () => {
    for (const [table, rows] of await countTables(stack)) counts.set(table, rows);
    if (firstMs === undefined && [...counts.values()].some((rows) => rows > 0)) firstMs = performance.now();
    screen.show(...bars());
    return tables.every((table) => counts.get(table) === expected[table]) ? true : undefined;
  });
  const all = countText([...counts.values()].reduce((sum, rows) => sum + rows, 0));
  const first = (((firstMs ?? beganMs) - beganMs) / 1_000).toFixed(1);
  screen.print(...bars(), `  first rows ${first} s, all ${all} rows ${secondsSince(beganMs)} after the start`);
  return rowsBefore;
}

/** Something that happens in inFakt, and the row in which it shows. */
interface Happening {
  readonly title: string;
  readonly table: 'clients' | 'invoices';
  readonly entity: string;
  /** Changes the API; gives the row's id, and what is true of the row from then on. */
  readonly happen: (stack: Stack) => { readonly id: number; readonly shows: string };
}

const happenings: readonly Happening[] = [
  {
    title: 'An invoice is paid',
    table: 'invoices',
    entity: alfa.id,
    happen({ api: { admin } }) {
      const { ids = [] } = admin.truth({ paid_date_null: 'true' })[alfa.key]?.invoices ?? {};
      // A draft would be sent to KSeF only now.
      const isSent = (row: unknown): boolean => isObject(row) && row['status'] === 'sent';
      const unpaid = ids.findLast((id) => isSent(admin.row(alfa.key, 'invoices', id))) ?? 0;
      admin.pay(alfa.key, unpaid);
      return { id: unpaid, shows: `status = 'paid'` };
    },
  },
  {
    title: 'An invoice is added',
    table: 'invoices',
    entity: beta.id,
    happen: ({ api: { admin } }) => ({ id: Number(admin.add(beta.key, 'invoices')['id']), shows: 'true' }),
  },
  {
    title: 'A client moves',
    table: 'clients',
    entity: gamma.id,
    happen({ api: { admin } }) {
      const id = admin.truth()[gamma.key]?.clients.ids[0] ?? 0;
      admin.edit(gamma.key, 'clients', id, { city: 'Hel', street: 'Wiejska', postal_code: '84-150' });
      return { id, shows: `city = 'Hel'` };
    },
  },
];

async function change(scene: Scene): Promise<void> {
  const { screen, stack } = scene;
  screen.print('', screen.style('bold', 'A change in inFakt changes its row'), '');
  for (const { title, table, entity, happen } of happenings) {
    const { id, shows } = happen(stack);
    const changedMs = Date.now();
    const written = await until(scene, `${table} ${id} of ${entity} to change`, CHANGED_WITHIN_MS, async () => {
      screen.show(`  ${title} ...`);
      const [row] = await stack.postgres.select(
        `select extract(epoch from pg_xact_commit_timestamp(xmin)) * 1000 as at from ${table}
         where entity = '${entity}' and id = ${id} and ${shows}`,
      );
      return row;
    });
    const seconds = ((Number(written['at']) - changedMs) / 1_000).toFixed(1);
    const lag = Math.round(Number(written['at']) - (await latestRecordMs(stack, table)));
    const late = `${seconds} s after the change in the API, ${lag} ms after its record`;
    screen.print(`  ${title.padEnd(20)} ${entity}, ${table} ${id}`, `    in its table ${late}`);
  }
}

/** When the last record of a table's topic was sent. */
async function latestRecordMs({ broker }: Stack, table: string): Promise<number> {
  const kafka = createKafka(
    { clientId: 'example', brokers: [broker.bootstrap], ssl: null, sasl: null },
    () => undefined,
  );
  const topic = `${broker.prefix}.${table}`;
  const options = { serviceId: 'example', topic, follow: false, deadlineMs: CHANGED_WITHIN_MS };
  let latest = 0;
  await readCommitted(kafka, options, ({ timestampMs }) => {
    latest = Math.max(latest, timestampMs);
    return false;
  });
  return latest;
}

/** Prints tables and reports; true if everything agrees with the API. */
async function closing(scene: Scene): Promise<boolean> {
  const { screen, stack } = scene;
  const rows = await rowsOfApi(stack);
  await fillFinalTotals(stack.postgres, rows);
  const expected = countRows(rows);
  const counts = await until(scene, 'the lines of the new invoice', CHANGED_WITHIN_MS, async () => {
    const found = await countTables(stack);
    return [...found].every(([table, count]) => count === expected[table]) ? found : undefined;
  });
  screen.print(
    '',
    screen.style('bold', 'In the end: what the API has, and what the tables have'),
    '',
    screen.style('dim', `  ${''.padEnd(24)} ${'rows in the API'.padStart(20)} ${'rows in PostgreSQL'.padStart(20)}`),
  );
  let agreed = true;
  for (const table of tables) {
    const [api, found] = [expected[table] ?? 0, counts.get(table) ?? 0];
    agreed &&= api === found;
    const line = `${countText(api).padStart(20)} ${countText(found).padStart(20)}`;
    screen.print(`  ${table.padEnd(24)} ${line}  ${verdictOf(screen, api === found)}`);
  }
  for (const report of await runReports(stack.postgres, rows)) {
    agreed &&= report.agrees;
    screen.print(
      '',
      screen.style('bold', `deploy/postgres/reports/${report.name}.sql${NO_INCOME[report.name] ?? ''}`),
      '',
      ...reportLines(screen, report),
    );
    screen.print(
      `  ${report.fromTables.length} rows in all, of the tables and of the API: ${verdictOf(screen, report.agrees)}`,
      `  ${sumsText(report)}`,
    );
  }
  return (await showBooks(scene)) && agreed;
}

/** Prints the sums of the views, and what lacks or is to be checked; true if nothing does and is but what is usual. */
async function showBooks(scene: Scene): Promise<boolean> {
  const { screen, stack } = scene;
  await fillRates(stack.postgres);
  const { sums, findings } = await until(scene, 'a sweep that shows the last change', FILLED_WITHIN_MS, async () => {
    const books = await closeBooks(stack.postgres);
    return books.isSettled ? books : undefined;
  });
  const shown = ({ name, says, count, isUsual }: Finding): string => {
    const found = isUsual ? countText(count) : screen.style('red', countText(count));
    const text = count === 0 ? screen.style('green', 'nothing') : found;
    return `  ${name.padEnd(13)} ${says.padEnd(48)} ${text}`;
  };
  screen.print(
    '',
    screen.style('bold', 'The books, by deploy/postgres/views.sql (exchange rates made up)'),
    '',
    ...sums.map(
      ({ says, amount, currency }) => `  ${says.padEnd(44)} ${amounts.format(amount).padStart(15)} ${currency}`,
    ),
    '',
    ...findings.map(shown),
  );
  return findings.every(({ count, isUsual }) => count === 0 || isUsual);
}

/** Says how to look around, and waits until it is to stop. */
async function stayUp({ screen, stack, signal }: Scene): Promise<void> {
  const { host, port, user, password } = stack.postgres;
  screen.print(
    '',
    screen.style('bold', 'It stays up until Ctrl-C. In another terminal:'),
    '',
    `  psql postgresql://${user}:${password}@${host}:${port}/infakt`,
    '',
    '  select * from receivables order by open_amount desc limit 10;',
    '  select * from to_check;',
    '  select * from ksef_rejected;',
    '  \\dv',
    '',
    `inFakt is simulated at ${stack.api.url}/__admin/, Kafka is at ${stack.broker.bootstrap}.`,
  );
  await firstValueFrom(whenAborted(signal));
}

function reportLines(screen: Screen, { fromTables }: Report): string[] {
  const names = Object.keys(fromTables[0] ?? {});
  const cells = fromTables.slice(0, SHOWN_ROWS).map((row) => names.map((name) => shownCell(name, row[name])));
  const columns = names.map((name, index) => {
    const column = [name, ...cells.map((row) => row[index] ?? '')];
    const width = Math.max(...column.map(({ length }) => length));
    const isNumber = typeof fromTables[0]?.[name] === 'number';
    return column.map((cell) => (isNumber ? cell.padStart(width) : cell.padEnd(width)));
  });
  const line = (row: number): string => clip(`  ${columns.map((column) => column[row]).join(' ')}`, WIDTH);
  const more = fromTables.length - cells.length;
  return [
    screen.style('dim', line(0)),
    ...cells.map((_, index) => line(index + 1)),
    ...(more > 0 ? [`  and ${more} more rows`] : []),
  ];
}

const amounts = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

function shownCell(name: string, value: unknown): string {
  return typeof value === 'number' && name !== 'documents' ? amounts.format(value) : cellText(value);
}

/** What a report's amounts come to in the companies' own currency. */
function sumsText({ fromTables }: Report): string {
  const own = fromTables.filter(({ currency }) => currency === 'PLN');
  const names = ['net', 'tax', 'gross', 'open_amount'].filter((name) => typeof own[0]?.[name] === 'number');
  const sum = (name: string): number =>
    own.reduce((total, row: SqlRow) => total + Math.round(Number(row[name]) * 100), 0);
  return `${names.map((name) => `${name} ${amounts.format(sum(name) / 100)}`).join(', ')} PLN`;
}

function readArguments(args: readonly string[]): { readonly keep: boolean; readonly help: boolean } {
  try {
    const options = { keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
    const { keep, help } = parseArgs({ args: [...args], options }).values;
    return { keep: keep === true || isGivenToNpm('keep', process.env), help: help === true };
  } catch (cause) {
    throw new ConfigError(`Reading the arguments: ${messageOf(cause)}; see --help`, { cause });
  }
}

async function main(): Promise<number> {
  const { keep, help } = readArguments(process.argv.slice(2));
  if (help) {
    process.stdout.write(helpText(HELP));
    return 0;
  }
  hideWarningOfKafkajs();
  const { signal, exitCode } = listenForStop();
  try {
    return await play(keep, createScreen(process.stdout, process.env), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    process.stdout.write('\nStopped before the end; nothing is left running.\n');
    return exitCode();
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const expected = error instanceof ConfigError || error instanceof TransientError;
    process.stderr.write(
      `example:postgres: ${expected ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
    );
    process.exitCode = exitCodeFor(error);
  },
);
