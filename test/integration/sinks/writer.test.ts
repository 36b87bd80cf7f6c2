import type { Kafka, RecordMetadata } from 'kafkajs';

import type { Batch, Outcome, Writer } from '../../../src/sinks/transaction';
import { openWriter, type WriterOptions } from '../../../src/sinks/writer';
import { type CommittedRecord, readCommitted } from '../../support/java-reader';
import { brokers, cleanUp, createTopic, kafkaClient, uniqueName, until, withAdmin } from '../../support/kafka';
import { API, startProxy, type Verdict } from '../../support/tcp-proxy';

interface Place {
  readonly data: string;
  /** Opens a writer of the same shard. */
  open(kafka?: Pick<Kafka, 'producer'>, options?: Partial<WriterOptions>): Promise<Writer>;
  /** `topic/partition key` of every committed record, the shard's topic as `state`. */
  committed(): Promise<string[]>;
  records(): Promise<CommittedRecord[]>;
}

const SHARD = 1;

async function place(topicConfig: Readonly<Record<string, string>> = {}): Promise<Place> {
  const [state, data] = await Promise.all([
    createTopic('state', { partitions: 2 }),
    createTopic('data', { partitions: 3, config: topicConfig }),
  ]);
  // A broker lists a new partition as led a moment before it accepts records for it.
  await withAdmin(kafkaClient(), async (admin) => {
    for (const topic of [state, data])
      await until(() => admin.fetchTopicOffsets(topic), { what: `${topic} to be led` });
  });
  const transactionalId = uniqueName('writer');
  const records = (): Promise<CommittedRecord[]> => readCommitted(brokers().join(','), [state, data]);
  return {
    data,
    async open(kafka = kafkaClient(), options = {}) {
      const writer = await openWriter(kafka, {
        transactionalId,
        stateTopic: state,
        partition: SHARD,
        maxBatchBytes: () => 1_000_000,
        deadlineMs: 10_000,
        ...options,
      });
      cleanUp(() => writer.close());
      return writer;
    },
    records,
    async committed() {
      const found = await records();
      return found
        .map(({ topic, partition, key }) => `${topic === state ? 'state' : 'data'}/${partition} ${String(key)}`)
        .sort();
    },
  };
}

/** One state record and one record in each of two partitions, all named alike. */
function batchOf({ data }: Place, name: string, value: Buffer = Buffer.from(name)): Batch {
  return {
    state: [{ key: name, value: 'cursor' }],
    records: [0, 2].map((partition) => ({ topic: data, partition, key: Buffer.from(name), value, headers: {} })),
  };
}

const whole = (name: string): string[] => [`data/0 ${name}`, `data/2 ${name}`, `state/1 ${name}`];

async function committedBy(writer: Writer, batch: Batch): Promise<Outcome & { kind: 'committed' }> {
  const outcome = await writer.commit(batch);
  if (outcome.kind !== 'committed') throw outcome.error;
  return outcome;
}

beforeAll(async () => {
  // A broker's first transaction makes __transaction_state; a client without retries would not wait for that.
  const writer = await (await place()).open();
  await writer.close();
});

test('a batch is committed whole, and the outcome says where its records ended', async () => {
  const here = await place();
  const writer = await here.open();
  await committedBy(writer, batchOf(here, 'first'));
  const { lastOffsets } = await committedBy(writer, {
    ...batchOf(here, 'second'),
    records: [...batchOf(here, 'second').records, ...batchOf(here, 'third').records],
  });
  expect(await here.committed()).toEqual(
    [...whole('first'), ...whole('second'), 'data/0 third', 'data/2 third'].sort(),
  );
  const ends = new Map<string, number>();
  for (const { topic, partition, offset } of await here.records()) ends.set(`${topic}/${partition}`, offset);
  const said = [...lastOffsets].flatMap(([topic, offsets]) =>
    [...offsets].map(([partition, offset]) => [`${topic}/${partition}`, offset] as const),
  );
  expect(new Map(said)).toEqual(ends);
});

test('what does not fit one send is several sends of one transaction', async () => {
  const here = await place();
  const writer = await here.open(kafkaClient(), { maxBatchBytes: () => 100_000 });
  const value = Buffer.alloc(1_000, 'x');
  const records = Array.from({ length: 2_500 }, (_, index) => ({
    topic: here.data,
    partition: index % 3,
    key: Buffer.from(String(index)),
    // Half of them by their bytes, the others by their number.
    value: index < 500 ? value : null,
    headers: {},
  }));
  const state = Array.from({ length: 150 }, (_, index) => ({ key: `block ${index}`, value }));
  const { lastOffsets } = await committedBy(writer, { state, records });
  const read = await here.records();
  const offsets = read.filter(({ topic, partition }) => topic === here.data && partition === 0);
  expect(read).toHaveLength(2_500 + 150);
  expect(offsets.map(({ key }) => Number(key))).toEqual(
    records.flatMap(({ partition }, index) => (partition === 0 ? [index] : [])),
  );
  expect(lastOffsets.get(here.data)?.get(0)).toBe(offsets.at(-1)?.offset);
});

test('transactions one right after the other wait for the markers of the one before', async () => {
  const here = await place();
  const writer = await here.open();
  const names = Array.from({ length: 25 }, (_, index) => `page ${String(index).padStart(2, '0')}`);
  for (const name of names) await committedBy(writer, batchOf(here, name));
  expect(await here.committed()).toEqual(names.flatMap(whole).sort());
});

test('I4: a newer writer of the shard fences the older one, whose batch stays invisible', async () => {
  const here = await place();
  const older = await here.open();
  await committedBy(older, batchOf(here, 'older'));
  const newer = await here.open();
  expect(await older.commit(batchOf(here, 'zombie'))).toMatchObject({
    kind: 'fenced',
    error: { code: 'TRANSIENT', message: expect.stringContaining('a newer writer took this shard') as string },
  });
  await committedBy(newer, batchOf(here, 'newer'));
  expect(await here.committed()).toEqual([...whole('newer'), ...whole('older')].sort());
});

test('I4: opening a writer ends what an older one has left open in mid-transaction', async () => {
  const here = await place();
  const { kafka, intercept } = await proxied();
  const older = await here.open(kafka, { deadlineMs: 1_000 });
  intercept(({ apiKey }) => (apiKey === API.endTxn ? 'drop-request' : 'pass'));
  expect(await older.commit(batchOf(here, 'left open'))).toMatchObject({ kind: 'lost' });
  await committedBy(await here.open(), batchOf(here, 'next'));
  expect(await here.committed()).toEqual(whole('next'));
});

test('a transaction that the broker ended as it was open for too long is not said to have been taken by a newer writer', async () => {
  const here = await place();
  const { socketFactory, intercept, close } = await startProxy();
  cleanUp(close);
  // The service's own time-out is no shorter than its deadline: this befalls a process that was asleep.
  const producer: Kafka['producer'] = (config) =>
    kafkaClient({ socketFactory }).producer({ ...config, transactionTimeout: 1_000 });
  const writer = await here.open({ producer }, { deadlineMs: 30_000 });
  const ended = (): Promise<boolean> =>
    withAdmin(kafkaClient(), async (admin) => {
      const offsets = await admin.fetchTopicOffsets(here.data);
      // One record, and the marker of the abort.
      return offsets.some(({ partition, high }) => partition === 0 && high === '2');
    });
  intercept(async ({ apiKey }): Promise<Verdict> => {
    if (apiKey === API.endTxn) await until(ended, { what: 'the broker to end the transaction' });
    return 'pass';
  });
  expect(await writer.commit(batchOf(here, 'too late'))).toMatchObject({
    kind: 'fenced',
    error: {
      code: 'TRANSIENT',
      message: expect.stringMatching(
        /; a newer writer took this shard, or the broker ended the transaction as it was open for too long$/,
      ) as string,
    },
  });
  await committedBy(await here.open(), batchOf(here, 'next'));
  expect(await here.committed()).toEqual(whole('next'));
}, 120_000);

test.each<{ verdict: Verdict; what: string; stands: boolean }>([
  { what: 'EndTxn is not forwarded', verdict: 'close-before', stands: false },
  { what: 'EndTxn is swallowed', verdict: 'drop-request', stands: false },
  { what: 'the answer to EndTxn is lost with the connection', verdict: 'close-after-forward', stands: true },
  { what: 'the answer to EndTxn never comes', verdict: 'drop-response', stands: true },
])('I2: $what: the outcome is "lost" and only the topics tell', async ({ verdict, stands }) => {
  const here = await place();
  const { kafka, intercept } = await proxied();
  const writer = await here.open(kafka, { deadlineMs: 1_000 });
  intercept(({ apiKey }) => (apiKey === API.endTxn ? verdict : 'pass'));
  const outcome = await writer.commit(batchOf(here, 'unknown'));
  expect(outcome).toMatchObject({ kind: 'lost', error: { code: 'TRANSIENT' } });
  const begun = Date.now();
  await writer.close();
  expect(Date.now() - begun).toBeLessThan(3_000);
  await committedBy(await here.open(), batchOf(here, 'next'));
  expect(await here.committed()).toEqual([...whole('next'), ...(stands ? whole('unknown') : [])].sort());
});

test('I2: a send whose answer is lost is not sent again by itself', async () => {
  const here = await place();
  const { kafka, intercept } = await proxied();
  const writer = await here.open(kafka);
  let produced = 0;
  intercept(({ apiKey }) => (apiKey === API.produce && ++produced === 2 ? 'close-after-forward' : 'pass'));
  expect(await writer.commit(batchOf(here, 'once'))).toMatchObject({ kind: 'lost' });
  expect(produced).toBe(2);
  await committedBy(await here.open(), batchOf(here, 'next'));
  expect(await here.committed()).toEqual(whole('next'));
});

test.each<{ what: string; got: number; twist: (result: RecordMetadata[]) => RecordMetadata[] }>([
  { what: 'leaves a partition out', got: 0, twist: (result) => result.slice(1) },
  { what: 'lists a partition twice', got: 2, twist: (result) => [...result, ...result.slice(0, 1)] },
])('I2: a send whose answer $what fails the commit', async ({ got, twist }) => {
  const here = await place();
  let sends = 0;
  const kafka = twisted((result) => (++sends === 2 ? twist(result) : result));
  const writer = await here.open(kafka);
  const outcome = await writer.commit(batchOf(here, 'untold'));
  expect(outcome).toMatchObject({
    kind: 'lost',
    error: { message: expect.stringContaining(`expected one answer for it, got ${got}`) as string },
  });
  await committedBy(await here.open(), batchOf(here, 'next'));
  expect(await here.committed()).toEqual(whole('next'));
});

test('a record that the broker will not take is refused, and nothing of its batch is visible', async () => {
  const here = await place({ 'max.message.bytes': '10000' });
  const writer = await here.open();
  expect(await writer.commit(batchOf(here, 'large', Buffer.alloc(20_000)))).toMatchObject({
    kind: 'refused',
    error: { code: 'TRANSIENT', message: expect.stringContaining('MESSAGE_TOO_LARGE') as string },
  });
  await committedBy(await here.open(), batchOf(here, 'next'));
  expect(await here.committed()).toEqual(whole('next'));
});

test('I1: records that the broker refuses for a wrong clock are no rows to be dead-lettered', async () => {
  const here = await place({ 'message.timestamp.after.max.ms': '60000' });
  const clock = jest.spyOn(Date, 'now');
  cleanUp(() => {
    clock.mockRestore();
    return Promise.resolve();
  });
  const machine = performance.timeOrigin;
  clock.mockImplementation(() => Math.round(machine + performance.now()) + 10 * 60_000);
  const clockBounds = { aheadMs: 60_000, behindMs: Infinity };
  const writer = await here.open(kafkaClient(), { clock: () => clockBounds });
  expect(await writer.commit(batchOf(here, 'ahead'))).toMatchObject({
    kind: 'forbidden',
    error: {
      code: 'CONFIG',
      message: expect.stringMatching(
        /INVALID_TIMESTAMP.*ahead of the broker's by more than 1 min.*clock right/,
      ) as string,
    },
  });
});

test('a topic that is gone makes the commit "lost", within the deadline', async () => {
  const here = await place();
  const writer = await here.open();
  await committedBy(writer, batchOf(here, 'before'));
  const batch = batchOf(here, 'nowhere');
  const records = batch.records.map((record) => ({ ...record, topic: `${here.data}-gone` }));
  expect(await writer.commit({ ...batch, records })).toMatchObject({ kind: 'lost', error: { code: 'TRANSIENT' } });
});

test('a broker that does not answer is given up at the deadline, and opening says what was tried', async () => {
  const here = await place();
  const { kafka, intercept } = await proxied();
  intercept(() => 'drop-request');
  const begun = Date.now();
  await expect(here.open(kafka, { deadlineMs: 500 })).rejects.toMatchObject({
    code: 'TRANSIENT',
    message: expect.stringMatching(/taking the transactional id writer-.*within 500 ms, got none/) as string,
  });
  expect(Date.now() - begun).toBeLessThan(4_000);
});

async function proxied() {
  const { socketFactory, intercept, close } = await startProxy();
  cleanUp(close);
  return { kafka: kafkaClient({ socketFactory, requestTimeout: 2_000, retry: { retries: 0 } }), intercept };
}

/** A client whose answers to sends inside transactions are tampered with. */
function twisted(twist: (result: RecordMetadata[]) => RecordMetadata[]): Pick<Kafka, 'producer'> {
  return {
    producer(config) {
      const producer = kafkaClient().producer(config);
      return {
        ...producer,
        async transaction() {
          const transaction = await producer.transaction();
          return { ...transaction, sendBatch: async (batch) => twist(await transaction.sendBatch(batch)) };
        },
      };
    },
  };
}
