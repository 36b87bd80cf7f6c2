import { createHash } from 'node:crypto';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Producer } from 'kafkajs';
import { ModuleKind, ScriptTarget, transpileModule } from 'typescript';

import { createEncoder, loadSchema, releasedSchemas, singleObjectPrefix } from '../../src/sinks/avro';
import { fetchByMaven, findJava, projectRoot } from '../../tools/java';
import { javaOptions, kafkaLibrary } from '../../tools/kafka';
import { startRegistry } from '../../tools/registry';
import type { CommittedRecord } from '../support/java-reader';
import { cleanUp, kafkaClient, uniqueName, until } from '../support/kafka';
import { API_KEY, type OneCompany, oneCompany, recordsOf } from '../support/one-company';
import { startProgram } from '../support/program';
import { examplePython } from '../support/python';
import { userProject } from '../support/user-project';

const EXAMPLES = join(projectRoot(), 'examples');

test('without a registry, the console consumer and the examples in Java, Python and TypeScript read all that is committed and no more', async () => {
  const company = await oneCompany({ clients: 2, invoices: 12 });
  const expected = [...(await history(company)), ...(await writeOlder(company))].sort();
  const environment = surroundings(company);
  const [java, jars, library, python, user] = await Promise.all([
    findJava(),
    exampleJars(),
    kafkaLibrary(),
    examplePython(),
    userProject(['avsc', 'kafkajs']),
  ]);
  await cp(join(projectRoot(), 'schemas'), join(user, 'schemas'), { recursive: true });
  const typescript = await readFile(join(EXAMPLES, 'typescript', 'invoices.mts'), 'utf8');
  const { outputText } = transpileModule(typescript, {
    compilerOptions: { module: ModuleKind.ES2022, target: ScriptTarget.ES2022 },
  });
  await writeFile(join(user, 'invoices.mjs'), outputText);
  const consoleConsumer = [
    ...['--bootstrap-server', company.bootstrap, '--topic', company.service.topic('invoices'), '--from-beginning'],
    ...['--isolation-level', 'read_committed', '--max-messages', String(expected.length)],
    ...['--property', 'print.value=false', '--property', 'print.headers=true'],
  ];

  const programs = {
    console: startProgram(
      [java, ...javaOptions(library, 128), 'org.apache.kafka.tools.consumer.ConsoleConsumer', ...consoleConsumer],
      { cwd: projectRoot() },
    ),
    java: startProgram([java, '-XX:TieredStopAtLevel=1', '-cp', join(jars, '*'), 'examples/java/Invoices.java'], {
      cwd: projectRoot(),
      env: environment,
    }),
    python: startProgram([python, 'examples/python/invoices_without_registry.py'], {
      cwd: projectRoot(),
      env: environment,
    }),
    typescript: startProgram([process.execPath, 'invoices.mjs'], {
      cwd: user,
      env: environment,
    }),
  };

  const all = (lines: readonly string[]): boolean => lines.length >= expected.length;
  const printed = {
    console: (await programs.console.printed(all)).map((line) => /\bop:(\w+)/.exec(line)?.[1]).sort(),
    java: [...(await programs.java.printed(all))].sort(),
    python: [...(await programs.python.printed(all))].sort(),
    typescript: [...(await programs.typescript.printed(all))].sort(),
  };
  expect(printed).toEqual({
    console: expected.map((line) => line.slice(0, 1)).sort(),
    java: expected,
    python: expected,
    typescript: expected,
  });
});

test('with a registry, the AvroDeserializer of confluent-kafka reads all that is committed and no more', async () => {
  const [registry, python] = await Promise.all([startRegistry(), examplePython()]);
  cleanUp(() => registry.stop());
  const company = await oneCompany({
    clients: 2,
    invoices: 12,
    service: { registry: { url: registry.url, autoRegister: true } },
  });
  const expected = await history(company);

  const reader = startProgram([python, 'examples/python/invoices.py'], {
    cwd: projectRoot(),
    env: { ...surroundings(company), REGISTRY_URL: registry.url },
  });

  expect([...(await reader.printed((lines) => lines.length >= expected.length))].sort()).toEqual(expected);
});

test('the examples in Python and Java find a changed byte, a lost row and a doubled one in a topic by the record of its sweep', async () => {
  const company = await oneCompany({ clients: 2, invoices: 12 });
  expect((await company.service.once()).code).toBe(0);
  const [java, jars, python] = await Promise.all([findJava(), exampleJars(), examplePython()]);
  const [row] = await recordsOf(company, 'invoices');
  if (row?.value == null || row.key === null) throw new Error('expected a record of an invoice');
  const { topic, partition, key, value, headers } = row;
  const changed = Buffer.from(value);
  const at = changed.indexOf(headers['fingerprint'] ?? 'none');
  changed[at] = changed[at] === 0x31 ? 0x32 : 0x31;
  const producer = await transactionalProducer();
  let written = 12;
  const write = async (
    ...messages: readonly { readonly key: Buffer; readonly value: Buffer | null }[]
  ): Promise<void> => {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: messages.map((message) => ({ partition, ...message })) });
    await transaction.commit();
    written += messages.length;
    // The broker ends a transaction a moment after it has promised to.
    await until(async () => (await recordsOf(company, 'invoices')).length === written, { what: 'all to be committed' });
  };
  const shown = async (): Promise<readonly string[]> => {
    const setting = { cwd: projectRoot(), env: surroundings(company) };
    const programs = [
      startProgram([python, 'examples/python/completeness.py'], setting),
      startProgram(
        [java, '-XX:TieredStopAtLevel=1', '-cp', join(jars, '*'), 'examples/java/Completeness.java'],
        setting,
      ),
    ];
    const printed = await Promise.all(programs.map((program) => program.printed((lines) => lines.length > 0)));
    return printed.map(([line = '']) => line);
  };
  const both = (line: string): readonly string[] => [line, line];

  expect(await shown()).toEqual(both('alfa 12 equal'));
  await write({ key, value: changed });
  expect(await shown()).toEqual(both('alfa 12 different'));
  await write({ key, value: null });
  expect(await shown()).toEqual(both('alfa 11 different'));
  const again = Buffer.concat([key, Buffer.of(0)]);
  await write({ key, value }, { key: again, value });
  expect(await shown()).toEqual(both('alfa 13 different'));
  await write({ key: again, value: null });
  expect(await shown()).toEqual(both('alfa 12 equal'));
});

test('every example is short enough to be read at a glance', async () => {
  const found = await readdir(EXAMPLES, { recursive: true });
  const sources = found.filter((file) => /\.(py|java|mts)$/.test(file) && !file.includes('node_modules'));
  const lengths = sources.map(
    async (file) => (await readFile(join(EXAMPLES, file), 'utf8')).trimEnd().split('\n').length,
  );
  expect(sources.length).toBe(6);
  expect(Math.max(...(await Promise.all(lengths)))).toBeLessThan(45);
});

/**
 * Lets the service publish invoices, a change and a new one, and others write what it would at a deletion and when it dies in the middle of
 * a transaction. Gives what an example prints of it, sorted.
 */
async function history(company: OneCompany): Promise<string[]> {
  const { simulator, service } = company;
  const { admin } = simulator;
  expect((await service.once()).code).toBe(0);
  const ids = admin.truth()[API_KEY]?.invoices.ids ?? [];
  const lines = ids.map((id) => lineOf('r', admin.row(API_KEY, 'invoices', id)));
  const [paid = 0] = ids;
  lines.push(
    lineOf('u', admin.edit(API_KEY, 'invoices', paid, { status: 'paid', paid_date: '2026-11-20', gross_price: 5 })),
  );
  lines.push(lineOf('c', admin.add(API_KEY, 'invoices', { number: 'Zażółć 1/2026' })));
  expect((await service.once()).code).toBe(0);

  const change = (await recordsOf(company, 'invoices')).find(({ headers }) => headers['op'] === 'u');
  if (change === undefined) throw new Error('expected a record of the paid invoice');
  await writeAborted(change);
  lines.push(`d alfa ${paid} deleted`);
  return lines.sort();
}

function lineOf(op: string, row: unknown): string {
  if (typeof row !== 'object' || row === null) throw new Error('expected a row of the simulator');
  const { number, gross_price: gross, currency, status } = row as Readonly<Record<string, string | number | null>>;
  const amount = String(gross).padStart(3, '0').replace(/(..)$/, '.$1');
  return `${op} alfa ${String(number ?? '-')} ${amount} ${String(currency)} ${String(status)}`;
}

/** Writes a change and a deletion as version 0.1.0 did, by key and value schemas of older names; gives what an example prints of them. */
async function writeOlder(company: OneCompany): Promise<string[]> {
  const like = (await recordsOf(company, 'invoices')).find(({ value }) => value !== null);
  if (like?.value == null) throw new Error('expected a record of an invoice');
  const [keys, values] = ['invoice-key', 'invoice'].map((name) => {
    const [oldest = ''] = releasedSchemas(name);
    expect(oldest).not.toBe(loadSchema(name));
    return createEncoder(oldest, { prefix: singleObjectPrefix(oldest) });
  });
  const invoice = createEncoder(loadSchema('invoice'), { prefix: singleObjectPrefix(loadSchema('invoice')) });
  const row = invoice.decode(like.value) as Readonly<Record<string, unknown>>;
  const key = keys?.encode({ entity: 'alfa', id: 7 }) ?? null;
  const value = values?.encode({ ...row, entity: 'alfa', id: 7, number: '7/2025', gross_price: 123_45 }) ?? null;
  const { topic, partition } = like;
  const producer = kafkaClient().producer({ maxInFlightRequests: 1 });
  await producer.connect();
  cleanUp(() => producer.disconnect());
  for (const [op, content] of [
    ['u', value],
    ['d', null],
  ] as const)
    await producer.send({ topic, messages: [{ partition, key, value: content, headers: { op } }] });
  return [`u alfa 7/2025 123.45 ${String(row['currency'])} ${String(row['status'])}`, 'd alfa 7 deleted'];
}

/** What the examples are told about where to read. */
function surroundings({ bootstrap, service }: OneCompany): Record<string, string> {
  return { LC_ALL: 'C.UTF-8', KAFKA_BROKERS: bootstrap, TOPIC: service.topic('invoices') };
}

async function exampleJars(): Promise<string> {
  const pom = join(EXAMPLES, 'java', 'pom.xml');
  const version = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
    .slice(0, 12);
  return fetchByMaven('the jars of the Java example', `example-${version}`, (target) => [
    ...['-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${target}`],
  ]);
}

/** Two writers of one partition, whose aborted transactions overlap, and a tombstone as the last record. */
async function writeAborted(like: CommittedRecord): Promise<void> {
  const [older, newer] = await Promise.all([transactionalProducer(), transactionalProducer()]);
  const { topic, partition, key, value } = like;
  const aborted = { topic, messages: [{ partition, key, value, headers: { op: 'aborted' } }] };
  const first = await older.transaction();
  await first.send(aborted);
  const second = await newer.transaction();
  await second.send(aborted);
  await first.send(aborted);
  // The later one ends first, so that the broker lists it first.
  await second.abort();
  await first.abort();
  const last = await until(() => newer.transaction(), { what: 'the markers of the one before' });
  await last.send({ topic, messages: [{ partition, key, value: null, headers: { op: 'd' } }] });
  await last.commit();
}

async function transactionalProducer(): Promise<Producer> {
  const producer = kafkaClient().producer({ transactionalId: uniqueName('example'), maxInFlightRequests: 1 });
  await producer.connect();
  cleanUp(() => producer.disconnect());
  return producer;
}
