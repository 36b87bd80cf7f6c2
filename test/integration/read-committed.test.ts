import type { Producer, Transaction } from 'kafkajs';

import { correctReadCommitted } from '../../src/sinks/read-committed';
import { readCommitted } from '../support/java-reader';
import { brokers, cleanUp, createTopic, kafkaClient, uniqueName, until, withAdmin } from '../support/kafka';

test('two writers with interleaved aborted transactions: a stock kafkajs consumer shows aborted records, a corrected one none', async () => {
  const topic = await createTopic('interleaved');
  await withAdmin(kafkaClient(), (admin) =>
    until(() => admin.fetchTopicOffsets(topic), { what: `${topic} to be led` }),
  );
  const [first, second] = await Promise.all([transactionalProducer(), transactionalProducer()]);
  const committed: string[] = [];
  for (let round = 0; round < 4; round += 1) {
    const older = await first.transaction();
    await send(older, topic, `aborted ${round}a`);
    const newer = await second.transaction();
    await send(newer, topic, `aborted ${round}b`);
    await send(older, topic, `aborted ${round}c`);
    // The later one ends first, so that the broker lists it first.
    await newer.abort();
    const between = await until(() => second.transaction(), { what: 'the markers of the one before' });
    await send(between, topic, `committed ${round}`);
    committed.push(`committed ${round}`);
    await older.abort();
    await between.commit();
  }
  expect((await readCommitted(brokers().join(','), [topic])).map(({ value }) => String(value))).toEqual(committed);

  const stock = await consumed(topic, 'committed 3');
  expect(stock.filter((value) => value.startsWith('aborted')).length).toBeGreaterThan(0);

  correctReadCommitted();
  correctReadCommitted();
  expect(await consumed(topic, 'committed 3')).toEqual(committed);
});

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
