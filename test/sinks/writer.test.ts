import type { Kafka, ProducerBatch, RecordMetadata, Transaction } from 'kafkajs';

import { openWriter } from '../../src/sinks/writer';
import type { Batch } from '../../src/sinks/transaction';

/** A producer whose sends the test answers; every call is written down. */
function fakeKafka(answer: (send: number, batch: ProducerBatch) => Promise<RecordMetadata[]>) {
  const calls: string[] = [];
  let sends = 0;
  const transaction: Pick<Transaction, 'sendBatch' | 'commit' | 'abort'> = {
    sendBatch: (batch) => {
      sends += 1;
      calls.push(`send ${(batch.topicMessages ?? []).map(({ topic }) => topic).join()}`);
      return answer(sends, batch);
    },
    commit: () => Promise.resolve(void calls.push('commit')),
    abort: () => Promise.resolve(void calls.push('abort')),
  };
  const producer = {
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    transaction: () => Promise.resolve(transaction as Transaction),
  };
  const kafka = { producer: () => producer } as unknown as Pick<Kafka, 'producer'>;
  return { kafka, calls };
}

const answered = ({ topicMessages = [] }: ProducerBatch): RecordMetadata[] =>
  topicMessages.flatMap(({ topic, messages }) =>
    [...new Set(messages.map(({ partition = 0 }) => partition))].map((partition) => ({
      topicName: topic,
      partition,
      errorCode: 0,
      baseOffset: '0',
    })),
  );

const batch: Batch = {
  state: [{ key: 'cursor', value: '1' }],
  records: [{ topic: 'data', partition: 0, key: null, value: Buffer.from('x'), headers: {} }],
};
const options = {
  transactionalId: 'state-1',
  stateTopic: 'state',
  partition: 1,
  maxBatchBytes: () => 1_000_000,
  deadlineMs: 1_000,
};
const passing = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('I2: a commit that a send failed aborts nothing: an abort may overtake a send to another leader', async () => {
  const { kafka, calls } = fakeKafka((send, sent) =>
    send === 2 ? Promise.reject(new Error('Closed connection')) : Promise.resolve(answered(sent)),
  );
  const writer = await openWriter(kafka, options);
  expect(await writer.commit(batch)).toMatchObject({ kind: 'lost', late: false });
  await writer.close();
  expect(calls).toEqual(['send state', 'send data']);
});

test.each([
  { stage: 'the first send', late: 1, calls: ['send state'] },
  { stage: 'a later send', late: 2, calls: ['send state', 'send data'] },
])('I2: a commit given up at its deadline during $stage sends and commits nothing more', async ({ late, calls }) => {
  let answerLate = (): void => undefined;
  const fake = fakeKafka((send, sent) =>
    send === late
      ? new Promise((resolve) => (answerLate = () => resolve(answered(sent))))
      : Promise.resolve(answered(sent)),
  );
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
  try {
    const writer = await openWriter(fake.kafka, { ...options, deadlineMs: 500 });
    const outcome = writer.commit(batch);
    while (fake.calls.length < calls.length) await new Promise((resolve) => setImmediate(resolve));
    await jest.advanceTimersByTimeAsync(500);
    expect(await outcome).toMatchObject({ kind: 'lost', late: true });
  } finally {
    jest.useRealTimers();
  }
  answerLate();
  await passing();
  expect(fake.calls).toEqual(calls);
});

test('I2: a commit is given up when the broker gives up its transaction, however long it may take', async () => {
  jest.useFakeTimers();
  try {
    const fake = fakeKafka(() => new Promise(() => undefined));
    const writer = await openWriter(fake.kafka, { ...options, deadlineMs: 3_600_000 });
    const outcome = writer.commit(batch);
    await jest.advanceTimersByTimeAsync(30_000);
    expect(await outcome).toMatchObject({ kind: 'lost', late: true });
  } finally {
    jest.useRealTimers();
  }
});

test('I2: a commit given up while the markers of the one before are written does not try again', async () => {
  const busy = Object.assign(new Error('busy'), { type: 'CONCURRENT_TRANSACTIONS' });
  const fake = fakeKafka(() => Promise.reject(busy));
  const writer = await openWriter(fake.kafka, { ...options, deadlineMs: 30 });
  expect(await writer.commit(batch)).toMatchObject({ kind: 'lost' });
  const tried = fake.calls.length;
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(fake.calls.length - tried).toBeLessThanOrEqual(1);
});

test.each([
  ['the state topic', 1, 'forbidden', 'CONFIG'],
  ['a data topic', 2, 'refused', 'TRANSIENT'],
] as const)(
  'I1: a record that is too large for %s is a fault of a row only where rows are',
  async (_topic, at, kind, code) => {
    const large = Object.assign(new Error('too large'), { type: 'MESSAGE_TOO_LARGE' });
    const { kafka } = fakeKafka((send, sent) =>
      send === at ? Promise.reject(large) : Promise.resolve(answered(sent)),
    );
    const writer = await openWriter(kafka, options);
    expect(await writer.commit(batch)).toMatchObject({ kind, error: { code } });
  },
);

test.each([
  ['gzip', [undefined, 1]],
  ['none', [undefined, undefined]],
] as const)(
  'with kafka.compression %s the records are compressed, and the state never',
  async (compression, expected) => {
    const used: unknown[] = [];
    const { kafka } = fakeKafka((_send, sent) => {
      used.push(sent.compression);
      return Promise.resolve(answered(sent));
    });
    const writer = await openWriter(kafka, { ...options, compression });
    expect((await writer.commit(batch)).kind).toBe('committed');
    expect(used).toEqual(expected);
  },
);

test.each(['connecting', 'asking'])(
  'I4: an id that was not got in time while %s is not asked for again: a newer writer may have it',
  async (stage) => {
    const busy = Object.assign(new Error('busy'), { type: 'CONCURRENT_TRANSACTIONS' });
    let asked = 0;
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const producer = {
      connect: () => (stage === 'connecting' ? held : Promise.resolve()),
      disconnect: () => Promise.resolve(),
      transaction: async () => {
        asked += 1;
        if (stage === 'asking') await held;
        throw busy;
      },
    };
    const kafka = { producer: () => producer } as unknown as Pick<Kafka, 'producer'>;
    await expect(openWriter(kafka, { ...options, deadlineMs: 20 })).rejects.toMatchObject({ code: 'TRANSIENT' });
    const before = asked;
    goOn();
    await passing();
    expect(asked).toBe(before);
  },
);
