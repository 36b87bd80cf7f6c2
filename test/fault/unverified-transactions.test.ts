import type { Kafka } from 'kafkajs';

import { openWriter } from '../../src/sinks/writer';
import type { Batch, Writer } from '../../src/sinks/transaction';
import { type KafkaCluster, startKafka } from '../../tools/kafka';
import { readCommitted } from '../support/java-reader';
import { cleanUp, createTopic, kafkaClient, uniqueName, until, withAdmin } from '../support/kafka';
import { API, startProxy, type Verdict } from '../support/tcp-proxy';

// Brokers before Kafka 3.6 take a record of a transaction that has ended already; those after it where this is switched off.

let cluster: KafkaCluster;
let direct: Kafka;

beforeAll(async () => {
  cluster = await startKafka({ brokers: 2, overrides: { 'transaction.partition.verification.enable': 'false' } });
  direct = kafkaClient({ brokers: cluster.bootstrap.split(',') });
});

afterAll(() => cluster.stop());

/** In each round chance decides whether the client asks for its coordinator on the connection of the late send, and waits behind it. */
const ROUNDS = 3;

test('I2: a send that arrives when its transaction was given up is not shown with the next transaction', async () => {
  const state = await createTopic('state', { client: direct, replicas: [[1]] });
  const data = await createTopic('data', { client: direct, replicas: [[1], [2]] });
  await withAdmin(direct, (admin) =>
    until(() => admin.fetchTopicOffsets(data), { what: 'both partitions to be led by their brokers' }),
  );
  const proxy = await startProxy();
  cleanUp(proxy.close);
  const proxied = kafkaClient({ brokers: cluster.bootstrap.split(','), socketFactory: proxy.socketFactory });
  const transactionalId = uniqueName('unverified');
  const open = async (kafka: Kafka, deadlineMs: number): Promise<Writer> => {
    const maxBatchBytes = (): number => 1_000_000;
    const writer = await until(
      () => openWriter(kafka, { transactionalId, stateTopic: state, partition: 0, maxBatchBytes, deadlineMs }),
      { what: 'a writer' },
    );
    cleanUp(() => writer.close());
    return writer;
  };
  const batch = (name: string): Batch => {
    const record = { topic: data, key: Buffer.from(name), value: Buffer.from(name), headers: {} };
    return { state: [{ key: name, value: 'cursor' }], records: [0, 1].map((partition) => ({ ...record, partition })) };
  };

  const expected: string[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    proxy.intercept(() => 'pass');
    const writer = await open(proxied, 5_000);
    const release = signal();
    const held = signal();
    const judged = signal();
    proxy.intercept(({ apiKey, broker }): Verdict => {
      if (apiKey !== API.produce) return 'pass';
      if (broker === address(2)) {
        held.give();
        return { forwardAfter: release.given, answered: judged.give };
      }
      return 'pass';
    });
    expect((await writer.commit(batch(`late ${round}`))).kind).toBe('lost');
    await held.given;
    release.give();
    await judged.given;
    const next = await open(direct, 20_000);
    expect((await next.commit(batch(`next ${round}`))).kind).toBe('committed');
    expected.push(`0 next ${round}`, `1 next ${round}`);
  }
  const records = await readCommitted(cluster.bootstrap, [data]);
  expect(records.map(({ partition, value }) => `${partition} ${String(value)}`).sort()).toEqual(expected.sort());
});

function address(brokerId: number): string {
  return cluster.bootstrap.split(',')[brokerId - 1] ?? '';
}

function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give };
}
