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

test.each(['before', 'after'])(
  'I2: a send that arrives when its transaction was given up, %s the next writer has opened, is not shown with the next transaction',
  async (when) => {
    const state = await createTopic('state', { client: direct, replicas: [[1]] });
    const data = await createTopic('data', { client: direct, replicas: [[1], [2]] });
    await withAdmin(direct, (admin) =>
      until(() => admin.fetchTopicOffsets(data), { what: 'both partitions to be led by their brokers' }),
    );
    const proxy = await startProxy();
    cleanUp(proxy.close);
    const proxied = kafkaClient({ brokers: cluster.bootstrap.split(','), socketFactory: proxy.socketFactory });
    const transactionalId = uniqueName('unverified');
    const open = async (kafka: Kafka): Promise<Writer> => {
      const writer = await openWriter(kafka, {
        transactionalId,
        stateTopic: state,
        partition: 0,
        maxBatchBytes: () => 1_000_000,
        deadlineMs: 20_000,
      });
      cleanUp(() => writer.close());
      return writer;
    };
    const batch = (name: string): Batch => ({
      state: [{ key: name, value: 'cursor' }],
      records: [0, 1].map((partition) => ({
        topic: data,
        partition,
        key: Buffer.from(name),
        value: Buffer.from(name),
        headers: {},
      })),
    });

    const writer = await open(proxied);
    expect((await writer.commit(batch('before'))).kind).toBe('committed');
    const release = signal();
    const held = signal();
    let dataSends = 0;
    proxy.intercept(async ({ apiKey, broker }): Promise<Verdict> => {
      if (apiKey !== API.produce) return 'pass';
      if (broker === address(2)) {
        held.give();
        return { forwardAfter: release.given };
      }
      // The first send to broker 1 is the state's.
      dataSends += 1;
      if (dataSends < 2) return 'pass';
      await held.given;
      return 'close-before';
    });
    expect((await writer.commit(batch('late'))).kind).toBe('lost');
    const arrive = async (): Promise<void> => {
      release.give();
      await passing();
    };
    if (when === 'before') {
      await arrive();
      await until(async () => (await endOf(data, 1)) >= 3, { what: 'the late send, or the marker of an abort' });
    }
    const next = await open(direct);
    // The late send is before the broker then: several requests go to and fro before the next send to its partition.
    if (when === 'after') await arrive();
    expect((await next.commit(batch('next'))).kind).toBe('committed');
    const records = await readCommitted(cluster.bootstrap, [data]);
    expect(records.map(({ partition, value }) => `${partition} ${String(value)}`).sort()).toEqual([
      '0 before',
      '0 next',
      '1 before',
      '1 next',
    ]);
  },
);

const passing = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function endOf(topic: string, partition: number): Promise<number> {
  const offsets = await withAdmin(direct, (admin) => admin.fetchTopicOffsets(topic));
  return Number(offsets.find((each) => each.partition === partition)?.high ?? 0);
}

function address(brokerId: number): string {
  return cluster.bootstrap.split(',')[brokerId - 1] ?? '';
}

function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give };
}
