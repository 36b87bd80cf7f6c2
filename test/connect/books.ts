import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startSimulator } from '../../simulator/server';
import { onceCommand } from '../../src/commands/once';
import { makeViews } from '../../tools/example/reports';
import { companions, connectorConfig, connectorOf, tables, type Stack } from '../../tools/example/stack';
import type { Database } from '../../tools/postgres';
import { companies, countBooks, fillByHand, readTimes, sections, serveBooks } from '../support/books';
import { until } from '../support/kafka';
import { impatient } from '../support/once';
import { quietIo } from '../support/quiet-io';

/** Prefix of the topics and of the connectors, and the name of the database. */
const PREFIX = 'books';
const withinMs = 60_000;

/**
 * The documents of docs/books-example.md, served by a simulated API, published by the service and brought by Kafka Connect into a database of
 * their own, beside what else the stack does; the views say there what the page says.
 */
export function testBooks(stackOf: () => Stack): void {
  describe('docs/books-example.md, through the topics and Kafka Connect', () => {
    let database: Database;

    beforeAll(async () => {
      const stack = stackOf();
      database = await stack.postgres.createDatabase(PREFIX);
      await makeViews(database);
      await fillByHand(database);
      await publishBooks(stack);
      await connectBooks(stack, database);
      await until(() => expectFilled(stack, database), { what: 'the books to be in their tables', withinMs });
    });

    // Nobody needs them any more, and a worker has little memory.
    afterAll(async () => {
      for (const table of [...tables, ...companions])
        await fetch(`${stackOf().connect.url}/connectors/${nameOf(table)}`, { method: 'DELETE' });
    });

    test.each(sections.filter(({ sql }) => sql !== undefined))('$title', async ({ sql = '', table }) => {
      const columns = table.columns.map((column) => `${column}::text`).join(', ');
      const answer = await database.select(`select ${columns} from (${sql}) answer`);
      expect(answer.map((row) => table.columns.map((column) => row[column] ?? ''))).toEqual(
        table.rows.map((row) => row.map((cell) => cell ?? '')),
      );
    });

    test('the views can be made again over tables that are filled', async () => {
      const before = await database.select('select count(*) as findings from to_check');
      await makeViews(database);
      expect(await database.select('select count(*) as findings from to_check')).toEqual(before);
    });
  });
}

/** Runs `once` at each time at which the page says that something was read, over what the API shows then. */
async function publishBooks({ broker, registry }: Stack): Promise<void> {
  const simulator = await startSimulator({ entities: companies });
  const folder = await mkdtemp(join(tmpdir(), 'books-test-'));
  try {
    const entities = join(folder, 'entities');
    await mkdir(entities);
    for (const { id, key, streams } of companies)
      await writeFile(join(entities, `${id}.json`), JSON.stringify({ api_key: key, start_date: 'all', streams }));
    const service = {
      service: { id: PREFIX },
      infakt: { baseUrl: `${simulator.url}/api/v3`, requestsPerMinute: 0 },
      kafka: { brokers: broker.bootstrap.split(',') },
      topics: { prefix: PREFIX },
      registry: { url: registry.url, autoRegister: true },
      projections: ['invoice-lines', 'corrective-invoice-lines'],
    };
    await writeFile(join(folder, 'service.json'), JSON.stringify(service));
    for (const atMs of readTimes) {
      serveBooks(simulator.admin, atMs);
      const began = Date.now();
      const once = onceCommand(impatient, { now: () => atMs + Date.now() - began });
      let said = '';
      const io = { ...quietIo(), stderr: (text: string) => void (said += text) };
      const code = await once(['--config', join(folder, 'service.json'), '--entities', entities], io);
      if (code !== 0) throw new Error(`publishing the books: expected exit code 0, got ${code}:\n${said}`);
    }
  } finally {
    await simulator.stop();
    await rm(folder, { recursive: true });
  }
}

/** Of PostgreSQL's 100 connections the first ten connectors hold half. */
const FEW_CONNECTIONS = {
  'connection.pool.min_size': '1',
  'connection.pool.max_size': '2',
  'connection.pool.acquire_increment': '1',
};

/** The connectors of `deploy/connect` once more, with other topics and another database. */
async function connectBooks({ connect }: Stack, { jdbcUrl }: Database): Promise<void> {
  for (const table of [...tables, ...companions]) {
    const config = await connectorConfig(table);
    const topics = (config['topics'] ?? '').replace(/^infakt\./, `${PREFIX}.`);
    const own = { name: nameOf(table), topics, 'connection.url': jdbcUrl, ...FEW_CONNECTIONS };
    await connect.put(nameOf(table), { ...config, ...own });
  }
}

function nameOf(table: string): string {
  return connectorOf(table).replace(/^infakt-/, `${PREFIX}-`);
}

/** Throws where a connector failed, a row of the page is not in its table as it was read last, or its fingerprint not beside it. */
async function expectFilled({ connect }: Stack, database: Database): Promise<true> {
  for (const table of [...tables, ...companions])
    for (const { error } of await connect.states(nameOf(table)))
      if (error !== undefined) throw new Error(`${nameOf(table)}: ${error}`);
  const rows = countBooks();
  const expected = {
    ...rows,
    client_fingerprints: rows['clients'],
    invoice_fingerprints: rows['invoices'],
    corrective_invoice_fingerprints: rows['corrective_invoices'],
    advance_invoice_fingerprints: rows['advance_invoices'],
    final_invoice_fingerprints: rows['final_invoices'],
    margin_invoice_fingerprints: rows['margin_invoices'],
    oss_invoice_fingerprints: rows['oss_invoices'],
    corrective_oss_invoice_fingerprints: rows['corrective_oss_invoices'],
    last_sweeps: companies.flatMap(({ streams }) => streams).length,
    proved: companies.flatMap(({ streams }) => streams).length,
    differ: 0,
  };
  const counts = Object.keys(expected).filter((name) => !['last_sweeps', 'proved', 'differ'].includes(name));
  const [found] = await database.select(
    `select ${counts.map((name) => `(select count(*) from ${name}) as ${name}`).join(', ')},
      (select count(*) from sweeps where started_at >= '${new Date(readTimes.at(-1) ?? 0).toISOString()}') as last_sweeps,
      (select count(*) from copy_proof where verdict = 'proved') as proved,
      (select count(*) from rows_that_differ) as differ`,
  );
  expect(found).toEqual(expected);
  return true;
}
