import type { Producer } from 'kafkajs';

import type { JsonObject } from '../../simulator/rows';
import { loadSchema, type Encoder } from '../../src/sinks/avro';
import { partitionOf } from '../../src/sinks/partition';
import { countRows, readApi, runReports, type ApiRows } from '../../tools/example/reports';
import { fillFinalTotals } from '../../tools/example/books';
import { streams } from '../../tools/demo/stage';
import { connectorOf, openStack, tables, type Stack } from '../../tools/example/stack';
import type { SqlRow } from '../../tools/postgres';
import { kafkaClient, until, uniqueName, withAdmin } from '../support/kafka';
import { testBooks } from './books';
import { testDictionaries } from './dictionaries';
import { testKsef } from './ksef';
import { registeredEncoder, withField } from './registered';

const companies = [
  {
    ...{
      id: 'alfa',
      key: 'key-alfa',
      name: 'Alfa Sp. z o.o.',
      nip: '1111111111',
      clients: 30,
      invoices: 430,
      orders: 30,
    },
    streams: [
      ...streams,
      'advance-invoices',
      'final-invoices',
      'margin-invoices',
      'oss-invoices',
      'corrective-oss-invoices',
    ],
  },
  { id: 'beta', key: 'key-beta', name: 'Beta S.A.', nip: '2222222222', clients: 20, invoices: 250 },
  { id: 'gamma', key: 'key-gamma', name: 'Gamma Sp. j.', nip: '3333333333', clients: 5, invoices: 20 },
];
/** How often each of the tests that break something does so. */
const rounds = Number(process.env['CONNECT_ROUNDS'] ?? 1);
const withinMs = 60_000;
const topic = 'infakt.clients';
/** An entity that the service does not know: its records are ours. */
const entity = 'ours';

const undo: (() => Promise<unknown>)[] = [];
let stack: Stack;
let producer: Producer;
let key: Encoder;
let value: Encoder;

/** One of our own records; `id` and `city` are enough to tell them apart. */
interface Ours {
  readonly id: number;
  readonly city: string;
}

beforeAll(async () => {
  stack = await openStack({
    companies,
    schedule: { newestSeconds: 1, clientsNewestSeconds: 1, openSeconds: 1, recentSeconds: 1, sweepSeconds: 1 },
    onReady: () => undefined,
    signal: new AbortController().signal,
  });
  undo.push(stack.stop);
  const { broker, registry } = stack;
  await until(() => rowsAreThere(), { what: 'the first rows of every table', withinMs });
  await fillFinalTotals(stack.postgres, await rowsOfApi());
  key = await registeredEncoder(registry.url, `${topic}-key`, loadSchema('client-key'));
  value = await registeredEncoder(registry.url, `${topic}-value`, loadSchema('client'));
  producer = kafkaClient({ brokers: [broker.bootstrap] }).producer({
    transactionalId: uniqueName('connect-test'),
    idempotent: true,
    maxInFlightRequests: 1,
  });
  undo.push(() => producer.disconnect());
  await producer.connect();
  // The first time, Kafka Connect and the registry are downloaded.
}, 600_000);

afterAll(async () => {
  for (const each of undo.reverse()) await each();
}, 60_000);

async function rowsAreThere(): Promise<boolean> {
  await stack.service.check();
  const expected = countRows(await rowsOfApi());
  const counts = await Promise.all(tables.map(async (table) => [table, await count(table)] as const));
  return counts.every(([table, rows]) => rows === expected[table]);
}

function rowsOfApi(): Promise<ApiRows[]> {
  return Promise.all(companies.map((company) => readApi(stack.api.url, company)));
}

async function count(table: string, where = `entity <> '${entity}'`): Promise<number> {
  const [row] = await stack.postgres.select(`select count(*) as rows from ${table} where ${where}`);
  return Number(row?.['rows']);
}

/** Sends records of ours in one transaction, which is committed unless `abort`. */
async function send(records: readonly Ours[], options: { readonly by?: Encoder; readonly abort?: true } = {}) {
  const transaction = await producer.transaction();
  await transaction.send({
    topic,
    acks: -1,
    messages: records.map((record) => ({
      key: key.encode({ entity, id: record.id }),
      value: (options.by ?? value).encode(complete(record)),
      partition: partitionOf(`${entity}/${record.id}`, 6),
    })),
  });
  await (options.abort === true ? transaction.abort() : transaction.commit());
}

function complete(record: Ours): object {
  return { entity, observed_at: Date.now(), ...record };
}

function ours(from: number, to: number, city: string): Ours[] {
  return Array.from({ length: to - from }, (_, index) => ({ id: from + index, city }));
}

/** How many rows of ours have each city. */
async function cities(from: number, to: number): Promise<Record<string, number>> {
  const rows = await stack.postgres.select(
    `select city, count(*) as rows from clients where entity = '${entity}' and id >= ${from} and id < ${to} group by 1`,
  );
  return Object.fromEntries(rows.map(({ city, rows: found }) => [String(city), Number(found)]));
}

async function allRunning(): Promise<boolean> {
  const states = await Promise.all(tables.map((table) => stack.connect.states(connectorOf(table))));
  for (const { error } of states.flat()) if (error !== undefined) throw new Error(error);
  return states.every((of) => of.length === 2 && of.every(({ state }) => state === 'RUNNING'));
}

test('every row of the API is in its table, and what reports add up is what the API adds up to', async () => {
  await until(allRunning, { what: 'every connector to run', withinMs });
  const reports = await runReports(stack.postgres, await rowsOfApi());
  expect(reports.map(({ name, agrees }) => ({ name, agrees }))).toEqual([
    { name: 'kinds', agrees: true },
    { name: 'receivables', agrees: true },
    { name: 'revenue', agrees: true },
    { name: 'vat', agrees: true },
  ]);
  for (const { fromTables } of reports) expect(fromTables.length).toBeGreaterThan(5);
  const kinds = new Set(reports[0]?.fromTables.map(({ kind }) => kind));
  expect(kinds).toEqual(new Set(['advance', 'correction', 'final', 'invoice', 'margin']));
});

test('the keys of tables are the keys of topics, amounts are integers, dates are dates', async () => {
  const keys = await stack.postgres.select(
    `select table_name as name, string_agg(column_name, ',' order by ordinal_position) as columns
     from information_schema.key_column_usage where table_schema = 'public' group by 1 order by 1`,
  );
  expect(keys).toEqual([
    { name: 'advance_invoice_fingerprints', columns: 'entity,id' },
    { name: 'advance_invoices', columns: 'entity,id' },
    { name: 'client_fingerprints', columns: 'entity,id' },
    { name: 'clients', columns: 'entity,id' },
    { name: 'closed_months', columns: 'entity,month' },
    { name: 'corrective_invoice_fingerprints', columns: 'entity,id' },
    { name: 'corrective_invoice_lines', columns: 'entity,invoice_id,line_no' },
    { name: 'corrective_invoices', columns: 'entity,id' },
    { name: 'corrective_oss_invoice_fingerprints', columns: 'entity,id' },
    { name: 'corrective_oss_invoices', columns: 'entity,id' },
    { name: 'entities', columns: 'entity' },
    { name: 'exchange_rates', columns: 'day,currency' },
    { name: 'final_invoice_fingerprints', columns: 'entity,id' },
    { name: 'final_invoices', columns: 'entity,id' },
    { name: 'final_totals', columns: 'entity' },
    { name: 'invoice_fingerprints', columns: 'entity,id' },
    { name: 'invoice_lines', columns: 'entity,invoice_id,line_no' },
    { name: 'invoices', columns: 'entity,id' },
    { name: 'jpk_filings', columns: 'entity,month' },
    { name: 'ksef', columns: 'entity,stream,id' },
    { name: 'ksef_duty', columns: 'entity' },
    { name: 'ksef_failures', columns: 'first_day' },
    { name: 'margin_invoice_fingerprints', columns: 'entity,id' },
    { name: 'margin_invoices', columns: 'entity,id' },
    { name: 'oss_invoice_fingerprints', columns: 'entity,id' },
    { name: 'oss_invoices', columns: 'entity,id' },
    { name: 'sweeps', columns: 'entity,stream' },
  ]);
  const types = await stack.postgres.select(
    `select column_name as name, data_type as type from information_schema.columns
     where table_schema = 'public' and table_name = 'invoices'`,
  );
  const typeOf = new Map(types.map(({ name, type }) => [name, type]));
  expect(typeOf.get('gross_price')).toBe('bigint');
  expect(typeOf.get('left_to_pay')).toBe('bigint');
  expect(typeOf.get('invoice_date')).toBe('date');
  expect(typeOf.get('client_tax_code')).toBe('text');
  expect(typeOf.has('services')).toBe(false);
});

/** What the views of completeness find wrong with rows of the service's entities. */
async function found(): Promise<{ readonly parts: readonly SqlRow[]; readonly copies: readonly SqlRow[] }> {
  const ofService = `entity <> '${entity}'`;
  return {
    parts: await stack.postgres.select(
      `with part as (select * from completeness where not is_whole and ${ofService})
       select entity, stream, sum(rows_difference) as rows, (
         select array_agg(id order by id) from part other cross join lateral unnest(other.ids_that_differ) id
         where other.entity = part.entity and other.stream = part.stream
       ) as ids
       from part group by 1, 2`,
    ),
    copies: await stack.postgres.select(
      `select entity, stream, verdict from copy_proof where verdict <> 'proved' and ${ofService} order by 1, 2`,
    ),
  };
}

test('tables that hold all that inFakt showed are whole, and each copy is proved by its fingerprints (I1)', async () => {
  const isWhole = async (): Promise<boolean> => {
    const [row] = await stack.postgres.select(`select count(*) as parts from completeness where is_whole`);
    const { parts, copies } = await found();
    return Number(row?.['parts']) > 100 && parts.length === 0 && copies.length === 0;
  };
  await until(isWhole, { what: 'every month to be whole', withinMs });
  expect(await stack.postgres.select('select entity, nip from entities order by 1')).toEqual([
    { entity: 'alfa', nip: '1111111111' },
    { entity: 'beta', nip: '2222222222' },
    { entity: 'gamma', nip: '3333333333' },
  ]);
});

test('three rows that are deleted by hand are named, a changed amount and a doubled row too', async () => {
  const rows = await stack.postgres.select(
    `select id from invoices where entity = 'beta' and invoice_date is not null order by id limit 4`,
  );
  const [one, two, three, four] = rows.map(({ id }) => Number(id));
  await stack.postgres.execute(`create table saved as select * from invoices where entity = 'beta'`);
  await stack.postgres.execute(`delete from invoices where entity = 'beta' and id in (${one}, ${two}, ${three})`);
  expect(await found()).toEqual({
    parts: [{ entity: 'beta', stream: 'invoices', rows: -3, ids: [one, two, three] }],
    copies: [{ entity: 'beta', stream: 'invoices', verdict: 'differs' }],
  });
  await stack.postgres.execute(`insert into invoices select * from saved where id in (${one}, ${two}, ${three})`);

  await stack.postgres.execute(
    `update invoices set gross_price = gross_price + 1 where entity = 'beta' and id = ${four};
     update invoices set fingerprint = translate(left(fingerprint, 1), '0123456789abcdef', '123456789abcdef0') || substr(fingerprint, 2)
       where entity = 'beta' and id = ${one}`,
  );
  const changed = await found();
  expect(changed.parts[0]?.['ids']).toContain(four);
  expect(changed.copies).toEqual([{ entity: 'beta', stream: 'invoices', verdict: 'differs' }]);

  await stack.postgres.execute(
    `delete from invoices where entity = 'beta'; insert into invoices select * from saved; update saved set id = 1;
     insert into invoices select * from saved limit 1`,
  );
  expect(await found()).toMatchObject({
    parts: [{ entity: 'beta', stream: 'invoices', rows: 1, ids: [1] }],
    copies: [{ entity: 'beta', stream: 'invoices', verdict: 'differs' }],
  });
  await stack.postgres.execute(`delete from invoices where entity = 'beta' and id = 1; drop table saved`);
  expect(await found()).toEqual({ parts: [], copies: [] });
});

test('a change of a grosz in a table is a report that differs', async () => {
  const [owed] = await stack.postgres.select(
    `select entity, id from receivables where document = 'invoice' and invoice_date is not null limit 1`,
  );
  const where = `entity = '${String(owed?.['entity'])}' and id = ${String(owed?.['id'])}`;
  const rows = await rowsOfApi();
  await stack.postgres.execute(`update invoices set gross_price = gross_price + 1 where ${where}`);
  const reports = await runReports(stack.postgres, rows);
  await stack.postgres.execute(`update invoices set gross_price = gross_price - 1 where ${where}`);
  expect(reports.map(({ agrees }) => agrees)).toEqual([false, false, false, true]);
});

test('a row that changes in the API is updated in place, and an invoice that loses lines loses their rows', async () => {
  const { admin } = stack.api;
  const [unpaid] = admin.truth({ paid_date_null: 'true' })['key-alfa']?.invoices.ids ?? [];
  const [longest] = await stack.postgres.select(
    `select invoice_id, count(*) as lines from invoice_lines where entity = 'alfa' group by 1 order by 2 desc limit 1`,
  );
  const id = Number(unpaid);
  const cut = Number(longest?.['invoice_id']);
  const before = await count('invoices');
  admin.pay('key-alfa', id, '2026-01-31');
  const lines = (admin.row('key-alfa', 'invoices', cut) as JsonObject)['services'] as readonly unknown[];
  expect(lines.length).toBeGreaterThan(1);
  admin.edit('key-alfa', 'invoices', cut, { services: lines.slice(0, 1) });

  const paid = `entity = 'alfa' and id = ${id} and status = 'paid' and paid_date = '2026-01-31'`;
  await until(async () => (await count('invoices', paid)) === 1, { what: 'the payment', withinMs });
  const left = `entity = 'alfa' and invoice_id = ${cut}`;
  await until(async () => (await count('invoice_lines', left)) === 1, { what: 'the lines to go', withinMs });
  expect(await count('invoices')).toBe(before);
  const reports = await runReports(stack.postgres, await rowsOfApi());
  expect(reports.map(({ agrees }) => agrees)).toEqual([true, true, true, true]);
});

test('a text with U+0000, which PostgreSQL does not take, reaches its table without it, and the sink goes on (I6)', async () => {
  const [id = 0, later = 0] = stack.api.admin.truth()['key-alfa']?.clients.ids ?? [];
  stack.api.admin.edit('key-alfa', 'clients', id, { note: 'before\u0000after' });
  const where = (note: string, of: number): string => `entity = 'alfa' and id = ${of} and note = '${note}'`;
  await until(async () => (await count('clients', where('beforeafter', id))) === 1, { what: 'the text', withinMs });
  const [row] = await stack.postgres.select(`select extra from clients where ${where('beforeafter', id)}`);
  expect(JSON.parse(String(row?.['extra']))).toEqual({ note: 'before\u0000after' });
  stack.api.admin.edit('key-alfa', 'clients', later, { note: 'another' });
  await until(async () => (await count('clients', where('another', later))) === 1, { what: 'a later text', withinMs });
  expect(await allRunning()).toBe(true);
});

test('a tombstone removes its row and no other', async () => {
  await send(ours(1, 4, 'Gdynia'));
  await until(async () => (await cities(1, 4))['Gdynia'] === 3, { what: 'three rows', withinMs });
  await producer.send({
    topic,
    messages: [{ key: key.encode({ entity, id: 2 }), value: null, partition: partitionOf(`${entity}/2`, 6) }],
  });
  await until(async () => (await cities(1, 4))['Gdynia'] === 2, { what: 'one row to go', withinMs });
  expect(await count('clients', `entity = '${entity}' and id = 2`)).toBe(0);
});

test('records of an aborted transaction are never seen', async () => {
  await send(ours(100, 200, 'Gdynia'));
  await send([...ours(150, 200, 'Atlantyda'), ...ours(200, 300, 'Atlantyda')], { abort: true });
  await send(ours(300, 400, 'Sopot'));
  // Behind the aborted ones in every partition.
  await until(async () => (await cities(300, 400))['Sopot'] === 100, { what: 'the later rows', withinMs });
  expect(await cities(100, 400)).toEqual({ Gdynia: 100, Sopot: 100 });
});

test('a new nullable field becomes a column, and records of both versions are taken', async () => {
  const later = await registeredEncoder(stack.registry.url, `${topic}-value`, withField('client', 'peppol_id'));
  await send(ours(500, 501, 'Gdynia'));
  const transaction = await producer.transaction();
  const record = { ...complete({ id: 501, city: 'Gdynia' }), peppol_id: '9945:1111111111' };
  const message = { key: key.encode({ entity, id: 501 }), value: later.encode(record) };
  await transaction.send({ topic, messages: [{ ...message, partition: partitionOf(`${entity}/501`, 6) }] });
  await transaction.commit();
  await send(ours(502, 503, 'Gdynia'));
  await until(async () => (await cities(500, 503))['Gdynia'] === 3, { what: 'three rows', withinMs });
  expect(
    await stack.postgres.select(
      `select id, peppol_id from clients where entity = '${entity}' and id between 500 and 502 order by id`,
    ),
  ).toEqual([
    { id: 500, peppol_id: null },
    { id: 501, peppol_id: '9945:1111111111' },
    { id: 502, peppol_id: null },
  ]);
});

test('a table that was lost comes back whole from its topic', async () => {
  const connector = `${stack.connect.url}/connectors/${connectorOf('clients')}`;
  const ask = async (path: string, method: string): Promise<boolean> => (await fetch(connector + path, { method })).ok;
  const before = await count('clients', 'true');
  expect(await ask('/stop', 'PUT')).toBe(true);
  await stack.postgres.execute('truncate clients');
  await until(() => ask('/offsets', 'DELETE'), { what: 'the connector to forget its offsets', withinMs });
  expect(await ask('/resume', 'PUT')).toBe(true);
  await until(async () => (await count('clients', 'true')) === before, { what: 'every row to come back', withinMs });
});

testDictionaries(() => stack);

testBooks(() => stack);
testKsef(() => stack);

/** How many records a topic has, with the marks of transactions. */
async function records(of: string): Promise<number> {
  const partitions = await withAdmin(kafkaClient({ brokers: [stack.broker.bootstrap] }), (admin) =>
    admin.fetchTopicOffsets(of),
  );
  return partitions.reduce((sum, { high }) => sum + Number(high), 0);
}

/** Does what somebody does who is told of a failed task; the sink waits for PostgreSQL only where it was idle as it went. */
async function restartFailed(): Promise<void> {
  for (const table of tables) {
    const states = await stack.connect.states(connectorOf(table));
    if (states.some(({ state }) => state === 'FAILED')) await stack.connect.restartFailed(connectorOf(table));
  }
}

/** Writes and overwrites rows around a breakdown: half of it before, half of it while it lasts. */
async function surviving(from: number, fail: () => Promise<void>, mend: () => Promise<void>): Promise<void> {
  const to = from + 1_000;
  for (let at = from; at < to; at += 250) await send(ours(at, at + 250, 'Gdynia'));
  await until(async () => ((await cities(from, to))['Gdynia'] ?? 0) > 0, { what: 'the first rows', withinMs });
  const published = await records('infakt.invoices');
  await fail();
  const added = stack.api.admin.add('key-beta', 'invoices');
  // Each row once more: an older value that comes late would show.
  for (let at = from; at < to; at += 250) await send(ours(at, at + 250, 'Sopot'));
  // It lasts until the service has published what changed meanwhile.
  await until(async () => (await records('infakt.invoices')) > published, { what: 'the invoice to be published' });
  await mend();
  const rewritten = async (): Promise<boolean> => {
    await restartFailed();
    return (await cities(from, to))['Sopot'] === 1_000;
  };
  await until(rewritten, {
    what: 'all rows',
    withinMs,
  });
  const isThere = async (): Promise<boolean> => {
    await restartFailed();
    return (await count('invoices', `entity = 'beta' and id = ${String(added['id'])}`)) === 1;
  };
  await until(isThere, { what: 'the invoice that was added meanwhile', withinMs });
  await until(rowsAreThere, { what: 'as many rows as the API has', withinMs });
  await until(allRunning, { what: 'every connector to run', withinMs });
  expect(await cities(from, to)).toEqual({ Sopot: 1_000 });
  const reports = await runReports(stack.postgres, await rowsOfApi());
  expect(reports.map(({ agrees }) => agrees)).toEqual([true, true, true, true]);
}

test(
  'Kafka Connect killed in the middle and started again: nothing is lost and nothing comes twice',
  async () => {
    for (let round = 0; round < rounds; round += 1) {
      await surviving(10_000 + round * 1_000, stack.connect.kill, stack.connect.start);
    }
  },
  120_000 * rounds,
);

test(
  'PostgreSQL down for a while: nothing is lost and nothing comes twice',
  async () => {
    for (let round = 0; round < rounds; round += 1) {
      await surviving(500_000 + round * 1_000, stack.postgres.crash, stack.postgres.start);
    }
  },
  120_000 * rounds,
);
