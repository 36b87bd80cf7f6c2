import { endOffsets, readCommitted, throwAwayGroup, type CommittedRecord } from '../../../src/sinks/look';
import { cleanUp, createTopic, kafkaClient, uniqueName, until, withAdmin } from '../../support/kafka';

const SERVICE = uniqueName('service');

/** A broker lists a new partition as led a moment before it answers for it. */
async function ledTopic(partitions = 1): Promise<string> {
  const topic = await createTopic('look', { partitions });
  await until(() => endOffsets(kafkaClient(), topic), { what: `${topic} to be led` });
  return topic;
}

async function send(topic: string, keys: readonly string[], commit: boolean): Promise<void> {
  const producer = kafkaClient().producer({ transactionalId: uniqueName('look'), maxInFlightRequests: 1 });
  await producer.connect();
  cleanUp(() => producer.disconnect());
  const transaction = await producer.transaction();
  const messages = keys.map((key) => ({ key, value: `value of ${key}`, headers: { op: 'c' } }));
  await transaction.send({ topic, messages });
  await (commit ? transaction.commit() : transaction.abort());
}

async function read(
  topic: string,
  options: { readonly follow?: boolean; readonly stop?: AbortSignal } = {},
  each: (record: CommittedRecord) => boolean = () => false,
): Promise<CommittedRecord[]> {
  const records: CommittedRecord[] = [];
  await readCommitted(
    kafkaClient(),
    { serviceId: SERVICE, topic, follow: false, deadlineMs: 20_000, ...options },
    (record) => {
      records.push(record);
      return each(record);
    },
  );
  return records;
}

test('what is committed is read to the end that the topic has, and nothing that was aborted', async () => {
  const topic = await ledTopic(2);
  await send(topic, ['a', 'b'], true);
  await send(topic, ['gone'], false);
  const records = await read(topic);
  expect(records.map(({ key }) => String(key)).sort()).toEqual(['a', 'b']);
  expect(records[0]).toMatchObject({ headers: { op: 'c' } });
});

test('an empty topic is at its end at once, and a topic that is not there is named', async () => {
  expect(await read(await ledTopic())).toEqual([]);
  await expect(read(uniqueName('nowhere'))).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('expected a topic of that name') as string,
  });
});

test('reading ends early where the reader has enough, and fails with its error', async () => {
  const topic = await ledTopic();
  await send(topic, ['a', 'b', 'c'], true);
  await expect(
    read(topic, {}, () => {
      throw new Error('enough of it');
    }),
  ).rejects.toThrow('enough of it');
  expect((await read(topic, {}, ({ key }) => String(key) === 'a')).length).toBeGreaterThan(0);
});

test('following goes on after the end until it is stopped, and leaves no group behind', async () => {
  const topic = await ledTopic();
  await send(topic, ['a'], true);
  const stop = new AbortController();
  const seen: string[] = [];
  const whole = read(topic, { follow: true, stop: stop.signal }, ({ key }) => {
    seen.push(String(key));
    return false;
  });
  await until(() => seen.length === 1, { what: 'the record that was there', withinMs: 30_000 });
  await send(topic, ['b'], true);
  await until(() => seen.length === 2, { what: 'the record that came later', withinMs: 30_000 });
  stop.abort();
  await whole;
  expect(seen).toEqual(['a', 'b']);
  const { groups } = await withAdmin(kafkaClient(), (admin) => admin.listGroups());
  expect(groups.filter(({ groupId }) => groupId.startsWith(SERVICE))).toEqual([]);
});

test('the ends of a topic are given by partition', async () => {
  const topic = await ledTopic(2);
  const ends = await endOffsets(kafkaClient(), topic);
  expect([...ends].sort((a, b) => a.partition - b.partition)).toEqual([
    { partition: 0, low: 0, high: 0 },
    { partition: 1, low: 0, high: 0 },
  ]);
});

test('each throw-away group has a name that the documented right covers', () => {
  const [one, other] = [throwAwayGroup('books'), throwAwayGroup('books')];
  expect(one).toMatch(/^books\.look\.[0-9a-f]{12}$/);
  expect(other).not.toBe(one);
});
