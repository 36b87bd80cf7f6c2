import { KafkaJSConnectionError, type Kafka, type ProducerRecord } from 'kafkajs';

import { openTelemetryWriter, writeTelemetry, type TelemetryWriter } from '../../src/sinks/telemetry-topic';
import type { OutgoingRecord } from '../../src/sinks/transaction';

/** A producer whose sends the test answers. */
function fakeKafka(answer: (send: number) => Promise<void>) {
  const sent: string[][] = [];
  let [producers, disconnected] = [0, 0];
  const kafka = {
    producer: () => {
      producers += 1;
      return {
        connect: () => Promise.resolve(),
        disconnect: () => Promise.resolve(void (disconnected += 1)),
        send: async ({ messages }: ProducerRecord) => {
          sent.push(messages.map(({ value }) => String(value)));
          await answer(sent.length);
          return [];
        },
      };
    },
  } as unknown as Pick<Kafka, 'producer'>;
  return { kafka, sent, producers: () => producers, disconnected: () => disconnected };
}

const record = (text: string): OutgoingRecord => ({
  ...{ topic: 'status', partition: 0, key: Buffer.from('k'), headers: {} },
  value: Buffer.from(text),
});

const troubles: string[] = [];
const writers: TelemetryWriter[] = [];

beforeEach(() => void troubles.splice(0));
afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.close();
});

function open(kafka: Pick<Kafka, 'producer'>, againMs = 1): TelemetryWriter {
  const writer = openTelemetryWriter(kafka, {
    topic: 'status',
    onTrouble: (about) => void troubles.push(about),
    againMs,
  });
  writers.push(writer);
  return writer;
}

test('records are sent as they come, and while one is on its way only the newest of each key waits', async () => {
  const gates: (() => void)[] = [];
  const { kafka, sent } = fakeKafka(() => new Promise((resolve) => gates.push(resolve)));
  const writer = open(kafka);
  writer.put('a', record('a1'));
  while (sent.length < 1) await Promise.resolve();
  for (const [key, text] of [
    ['a', 'a2'],
    ['b', 'b1'],
    ['a', 'a3'],
  ] as const)
    writer.put(key, record(text));
  gates[0]?.();
  while (sent.length < 2) await new Promise(setImmediate);
  gates[1]?.();
  await writer.flush(1_000);
  expect(sent).toEqual([['a1'], ['b1', 'a3']]);
});

test('what fails is tried again by another producer, told at the third time, and holds nobody up', async () => {
  const { kafka, sent, producers, disconnected } = fakeKafka((send) =>
    send <= 3 ? Promise.reject(new Error('no broker')) : Promise.resolve(),
  );
  const writer = open(kafka);
  writer.put('a', record('a1'));
  await writer.flush(5_000);
  expect(sent).toEqual(Array(4).fill(['a1']));
  expect([producers(), disconnected()]).toEqual([4, 3]);
  expect(troubles).toEqual([expect.stringContaining('writing to status')]);
});

test('a flush waits no longer than it may, and a closed writer sends nothing more', async () => {
  const { kafka, sent } = fakeKafka(() => Promise.reject(new Error('no broker')));
  const writer = open(kafka, 3_600_000);
  writer.put('a', record('a1'));
  await writer.flush(20);
  await writer.close();
  writer.put('b', record('b1'));
  await writer.flush(20);
  expect(sent).toEqual([['a1']]);
});

test('a flush of nothing is done at once', async () => {
  const { kafka, producers } = fakeKafka(() => Promise.resolve());
  await open(kafka).flush(1_000);
  expect(producers()).toBe(0);
});

test('what a person must set right is told at once', async () => {
  const refusal = Object.assign(new Error('not authorized'), { type: 'TOPIC_AUTHORIZATION_FAILED' });
  const { kafka, sent } = fakeKafka((send) => (send === 1 ? Promise.reject(refusal) : Promise.resolve()));
  const writer = open(kafka);
  writer.put('a', record('a1'));
  await writer.flush(5_000);
  expect(sent).toHaveLength(2);
  expect(troubles).toEqual([expect.stringContaining('Write on topic status')]);
});

test('records that are written once go in one send, whose failure is told and whose connection is closed', async () => {
  const good = fakeKafka(() => Promise.resolve());
  await writeTelemetry(good.kafka, 'status', [record('a'), record('b')]);
  expect([good.sent, good.disconnected()]).toEqual([[['a', 'b']], 1]);
  const bad = fakeKafka(() => Promise.reject(new KafkaJSConnectionError('connection closed')));
  await expect(writeTelemetry(bad.kafka, 'status', [record('a')])).rejects.toThrow(/^writing to status: /);
  expect([bad.sent.length, bad.disconnected()]).toEqual([1, 1]);
});
