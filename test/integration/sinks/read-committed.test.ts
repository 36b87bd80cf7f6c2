import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Producer, Transaction } from 'kafkajs';
import { convertCompilerOptionsFromJson, createProgram, getPreEmitDiagnostics } from 'typescript';

import { correctReadCommitted } from '../../../src/sinks/read-committed';
import { readCommitted } from '../../support/java-reader';
import { brokers, cleanUp, createTopic, kafkaClient, uniqueName, until, withAdmin } from '../../support/kafka';
import { type Program, startProgram } from '../../support/program';
import { userProject } from '../../support/user-project';

const committed = ['committed 0', 'committed 1', 'committed 2', 'committed 3'];

test('two writers with interleaved aborted transactions: a stock kafkajs consumer shows aborted records, a corrected one none', async () => {
  const topic = await interleavedTopic();
  expect((await readCommitted(brokers().join(','), [topic])).map(({ value }) => String(value))).toEqual(committed);

  const stock = await consumed(topic, 'committed 3');
  expect(stock.filter((value) => value.startsWith('aborted')).length).toBeGreaterThan(0);

  correctReadCommitted();
  correctReadCommitted();
  expect(await consumed(topic, 'committed 3')).toEqual(committed);
});

test('the export of the package corrects the kafkajs that a program shares with it, and by its require also one of its own', async () => {
  const [topic, shared, separate] = await Promise.all([
    interleavedTopic(),
    userProject(['kafkajs']),
    userProject(['kafkajs'], { ownCopies: ['kafkajs'] }),
  ]);
  const programs = {
    'none, shared': printValues(shared, topic, ''),
    'own, shared': printValues(shared, topic, 'correctReadCommitted();'),
    'own, separate': printValues(separate, topic, 'correctReadCommitted();'),
    'require, separate': printValues(separate, topic, 'correctReadCommitted(require);'),
  };

  const printed = Object.entries(programs).map(async ([name, program]) => {
    const values = await program.printed((lines) => lines.includes('committed 3'));
    return [name, values.some((value) => value.startsWith('aborted')) ? 'shows aborted records' : values] as const;
  });
  expect(Object.fromEntries(await Promise.all(printed))).toEqual({
    'none, shared': 'shows aborted records',
    'own, shared': committed,
    'own, separate': 'shows aborted records',
    'require, separate': committed,
  });
});

test.each([
  { module: 'node16', moduleResolution: 'node16' },
  // Many programs still use the old one.
  { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' },
])('the export of the package has types for the module resolution $moduleResolution', async (resolution) => {
  const folder = await userProject([]);
  const file = join(folder, 'program.ts');
  await writeFile(
    file,
    `import { correctReadCommitted } from 'infakt-kafka/read-committed';
     correctReadCommitted();
     correctReadCommitted((id) => id.length);
     // @ts-expect-error -- not a way to load modules
     correctReadCommitted(1);`,
  );
  const quick = { lib: ['es2023'], types: [], skipDefaultLibCheck: true };
  const json = { ...resolution, strict: true, noEmit: true, ...quick };
  const { options, errors } = convertCompilerOptionsFromJson(json, folder);
  expect(errors).toEqual([]);
  const program = createProgram([file], options);
  expect(getPreEmitDiagnostics(program).map(({ messageText }) => messageText)).toEqual([]);
});

/** A topic in which two writers have aborted overlapping transactions and committed others between them. */
async function interleavedTopic(): Promise<string> {
  const topic = await createTopic('interleaved');
  await withAdmin(kafkaClient(), (admin) =>
    until(() => admin.fetchTopicOffsets(topic), { what: `${topic} to be led` }),
  );
  const [first, second] = await Promise.all([transactionalProducer(), transactionalProducer()]);
  for (const [round, value] of committed.entries()) {
    const older = await until(() => first.transaction(), { what: 'the markers of the one before' });
    await send(older, topic, `aborted ${round}a`);
    const newer = await until(() => second.transaction(), { what: 'the markers of the one before' });
    await send(newer, topic, `aborted ${round}b`);
    await send(older, topic, `aborted ${round}c`);
    // The later one ends first, so that the broker lists it first.
    await newer.abort();
    const between = await until(() => second.transaction(), { what: 'the markers of the one before' });
    await send(between, topic, value);
    await older.abort();
    await between.commit();
  }
  return topic;
}

/** Runs a program of a user that prints the values of a topic, with a line of its own before. */
function printValues(folder: string, topic: string, line: string): Program {
  const source = `
    const { Kafka, logLevel } = require('kafkajs');
    const { correctReadCommitted } = require('infakt-kafka/read-committed');
    ${line}
    const kafka = new Kafka({ brokers: ${JSON.stringify(brokers())}, logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId: '${uniqueName('reader')}', maxWaitTimeInMs: 100 });
    consumer
      .subscribe({ topic: '${topic}', fromBeginning: true })
      .then(() => consumer.run({ eachMessage: async ({ message }) => console.log(String(message.value)) }));`;
  return startProgram([process.execPath, '-e', source], { cwd: folder });
}

async function transactionalProducer(): Promise<Producer> {
  const producer = kafkaClient().producer({ transactionalId: uniqueName('interleaved'), maxInFlightRequests: 1 });
  await producer.connect();
  cleanUp(() => producer.disconnect());
  return producer;
}

async function send(transaction: Transaction, topic: string, value: string): Promise<void> {
  await transaction.send({ topic, messages: [{ value }] });
}

/** What a kafkajs consumer is handed up to a value. */
async function consumed(topic: string, last: string): Promise<string[]> {
  const groupId = uniqueName('reader');
  const consumer = kafkaClient().consumer({ groupId, readUncommitted: false, maxWaitTimeInMs: 100 });
  const values: string[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachMessage: ({ message }) => {
        values.push(String(message.value));
        return Promise.resolve();
      },
    });
    await until(() => values.includes(last), { what: `the reader to come to "${last}"` });
  } finally {
    await consumer.disconnect();
  }
  await withAdmin(kafkaClient(), (admin) => admin.deleteGroups([groupId]));
  return values;
}
