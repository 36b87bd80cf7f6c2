import type { Kafka, Producer, ProducerConfig, Transaction } from 'kafkajs';
import { type KafkaCluster, startKafka } from '../../tools/kafka';
import { readCommitted } from '../support/java-reader';
import { cleanUp, createTopic, kafkaClient, uniqueName, until, withAdmin } from '../support/kafka';
import { API, type KafkaProxy, type Verdict, startProxy } from '../support/tcp-proxy';

// Why the transactional producer of this project lets kafkajs retry nothing: one retry of a send that spans two leaders
// loses or doubles records inside a transaction that commits.

const STOCK: ProducerConfig = { idempotent: true, retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 10 } };
const SAFE: ProducerConfig = { idempotent: false, maxInFlightRequests: 1, retry: { retries: 0 } };

let cluster: KafkaCluster;
let direct: Kafka;

beforeAll(async () => {
  cluster = await startKafka({ brokers: 2 });
  direct = kafkaClient({ brokers: cluster.bootstrap.split(',') });
});

afterAll(() => cluster.stop());

test.each([
  { name: 'the stock producer loses it and commits', settings: STOCK, error: undefined, committed: ['1 stays'] },
  { name: 'the safe producer fails and commits nothing', settings: SAFE, error: 'not the leader', committed: [] },
])('a partition moves to a leader that has already answered: $name', async ({ settings, error, committed }) => {
  const { topic, proxy, producer, transaction, resume } = await openTransaction(settings);
  const answered = new Promise<void>((resolve) => {
    producer.on(producer.events.REQUEST, ({ payload }) => {
      if (payload.apiKey === API.produce && payload.broker === address(2)) resolve();
    });
  });
  let moved: Promise<void> | undefined;
  proxy.intercept(async ({ apiKey, broker }): Promise<Verdict> => {
    if (apiKey === API.produce && broker === address(1)) {
      moved ??= answered.then(() => movePartition(topic, 0, 2));
      await moved;
    }
    return 'pass';
  });

  const failure = await send(transaction, topic, ['moves', 'stays']);

  expect(moved).toBeDefined();
  await finish({ transaction, failure, error, resume });
  expect(await committedIn(topic)).toEqual(committed);
});

test.each([
  {
    name: 'the stock producer doubles the latter and commits',
    settings: STOCK,
    error: undefined,
    committed: ['0 fails', '1 waits', '1 waits'],
  },
  { name: 'the safe producer fails and commits nothing', settings: SAFE, error: 'Closed connection', committed: [] },
])('one leader fails while the other has not answered yet: $name', async ({ settings, error, committed }) => {
  const { topic, proxy, producer, transaction, resume } = await openTransaction(settings);
  const inFlight = signal();
  const movedOn = signal();
  const produced = { failing: 0, waiting: 0 };
  proxy.intercept(async ({ apiKey, broker }): Promise<Verdict> => {
    if (apiKey !== API.produce) return 'pass';
    if (broker === address(2)) {
      inFlight.give();
      return ++produced.waiting === 1 ? { answerAfter: movedOn.given } : 'pass';
    }
    await inFlight.given;
    if (++produced.failing === 1) return 'close-before';
    movedOn.give();
    return 'pass';
  });

  // With one request in flight, the producer goes on to ask the waiting broker for metadata, and queues that.
  producer.on(producer.events.REQUEST_QUEUE_SIZE, ({ payload }) => {
    if (produced.failing > 0 && payload.queueSize > 0 && payload.broker === address(2)) movedOn.give();
  });

  const failure = await send(transaction, topic, ['fails', 'waits']);
  movedOn.give();

  expect(produced.failing).toBeGreaterThan(0);
  await finish({ transaction, failure, error, resume });
  expect(await committedIn(topic)).toEqual(committed);
});

interface OpenTransaction {
  /** Partition 0 is led by broker 1, partition 1 by broker 2. */
  readonly topic: string;
  readonly proxy: KafkaProxy;
  readonly producer: Producer;
  readonly transaction: Transaction;
  /** Fences the producer with a new one of the same transactional id, which aborts what was left open. */
  readonly resume: () => Promise<void>;
}

async function openTransaction(settings: ProducerConfig): Promise<OpenTransaction> {
  const topic = await createTopic('defect', { client: direct, replicas: [[1], [2]] });
  await Promise.all(
    cluster.brokers.map(({ id }) => until(() => knows(id, topic), { what: `broker ${id} to know ${topic}` })),
  );
  const proxy = await startProxy();
  cleanUp(proxy.close);
  const client = kafkaClient({ brokers: cluster.bootstrap.split(','), socketFactory: proxy.socketFactory });
  const transactionalId = uniqueName('defect');
  const begin = async (): Promise<{ producer: Producer; transaction: Transaction }> => {
    const producer = client.producer({ ...settings, transactionalId });
    await producer.connect();
    cleanUp(() => producer.disconnect());
    const transaction = await until(() => producer.transaction(), { what: 'a producer id' });
    return { producer, transaction };
  };
  const resume = async (): Promise<void> => {
    proxy.intercept(() => 'pass');
    await begin();
  };
  return { topic, proxy, resume, ...(await begin()) };
}

/** One record for each partition in a single send; gives the error that it rejects with. */
async function send(transaction: Transaction, topic: string, values: readonly string[]): Promise<unknown> {
  const messages = values.map((value, partition) => ({ partition, value }));
  return transaction.send({ topic, messages }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

interface Ending extends Pick<OpenTransaction, 'transaction' | 'resume'> {
  readonly failure: unknown;
  readonly error: string | undefined;
}

/** Commits what the producer believes to be sent; starts anew where it has failed. */
async function finish({ transaction, failure, error, resume }: Ending): Promise<void> {
  if (error === undefined) {
    expect(failure).toBeUndefined();
    await transaction.commit();
  } else {
    expect(failure).toMatchObject({ message: expect.stringContaining(error) as string });
    await resume();
  }
}

/** `partition value` of every record that a read_committed reader sees. */
async function committedIn(topic: string): Promise<readonly string[]> {
  const records = await readCommitted(cluster.bootstrap, [topic]);
  return records.map(({ partition, value }) => `${partition} ${String(value)}`).sort();
}

async function movePartition(topic: string, partition: number, broker: number): Promise<void> {
  await withAdmin(direct, (admin) =>
    admin.alterPartitionReassignments({
      topics: [{ topic, partitionAssignment: [{ partition, replicas: [broker] }] }],
    }),
  );
  await Promise.all(
    cluster.brokers.map(({ id }) =>
      until(async () => (await leadersOf(id, topic))[partition] === broker, {
        what: `broker ${id} to see the new leader`,
      }),
    ),
  );
}

async function knows(brokerId: number, topic: string): Promise<boolean> {
  const leaders = await leadersOf(brokerId, topic);
  return leaders[0] === 1 && leaders[1] === 2;
}

/** Leader of each partition, as this broker sees it. */
async function leadersOf(brokerId: number, topic: string): Promise<readonly number[]> {
  const broker = cluster.brokers.find(({ id }) => id === brokerId);
  const client = kafkaClient({ brokers: [`${broker?.host ?? ''}:${broker?.port ?? 0}`] });
  const { topics } = await withAdmin(client, (admin) => admin.fetchTopicMetadata({ topics: [topic] }));
  const partitions = [...(topics[0]?.partitions ?? [])].sort((a, b) => a.partitionId - b.partitionId);
  return partitions.map(({ leader }) => leader);
}

function address(brokerId: number): string {
  return cluster.bootstrap.split(',')[brokerId - 1] ?? '';
}

function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = (): void => undefined;
  const given = new Promise<void>((resolve) => (give = resolve));
  return { given, give };
}
