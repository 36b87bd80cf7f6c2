import { Subject } from 'rxjs';

import { createCodecs } from '../../../src/service/codecs';
import type { ServiceEvent } from '../../../src/service/events';
import { exchangeStatus, type ExchangeSetting, type StatusExchange } from '../../../src/service/exchange-status';
import { singleObject } from '../../../src/sinks/framing';
import type { StreamStatus } from '../../../src/status/stream-status';
import { cleanUp, createTopic, kafkaClient, uniqueName, until } from '../../support/kafka';
import { memoryTopics } from '../../support/service';
import { START_MS } from '../../support/service-events';

const status: StreamStatus = {
  ...{ entity: 'alfa', stream: 'clients', state: 'reading', reason: null, also: [], sinceMs: START_MS },
  ...{
    untilMs: null,
    sweep: null,
    completeMs: START_MS,
    staleAfterMs: 3_600_000,
    firstSweep: null,
    newestMs: null,
    filters: null,
  },
  ...{ toldMs: START_MS, owner: 'one', version: '0.2.0', entitySet: 'e1' },
};

interface Replica {
  readonly exchange: StatusExchange;
  readonly statuses: Subject<readonly StreamStatus[]>;
  readonly events: ServiceEvent[];
  /** Waits until the topic has told of so many records. */
  readonly hears: (count: number) => Promise<readonly ServiceEvent[]>;
}

function join(topic: string, changes: Partial<ExchangeSetting['options']> = {}): Replica {
  const topics = { ...memoryTopics, status: { name: topic, partitions: 1, maxMessageBytes: 1_000_000 } };
  const { status: codec } = createCodecs({ projections: [], volatileFields: [] }, topics, singleObject);
  const statuses = new Subject<readonly StreamStatus[]>();
  const events: ServiceEvent[] = [];
  const exchange = exchangeStatus({
    options: {
      config: { service: { registry: null, service: { id: uniqueName('s') } }, entities: [] } as never,
      secrets: { latest: (_kind, _file, loaded) => loaded },
      statuses,
      version: '0.2.0',
      ...changes,
    },
    emit: (event) => void events.push(event),
    cluster: { kafka: kafkaClient(), topics, framing: singleObject },
    codec,
  });
  cleanUp(() => exchange.close());
  const heard = (): ServiceEvent[] => events.filter(({ kind }) => kind === 'status');
  return {
    exchange,
    statuses,
    events,
    hears: (count) => until(() => heard().length >= count && heard(), { what: `${count} records of ${topic}` }),
  };
}

test('what one replica says of its streams, every replica hears: those that come later too, and the last words', async () => {
  const topic = await createTopic('status', { config: { 'cleanup.policy': 'compact' } });
  const one = join(topic, { lastStatuses: () => [{ ...status, state: 'stopped' }] });
  one.statuses.next([status]);
  const [event] = await one.hears(1);
  expect(event).toEqual({
    kind: 'status',
    entity: 'alfa',
    stream: 'clients',
    shard: expect.any(Number) as number,
    status,
  });
  const other = join(topic);
  expect(await other.hears(1)).toEqual([event]);
  await one.exchange.end();
  expect((await other.hears(2))[1]).toMatchObject({ status: { state: 'stopped' } });
  one.statuses.next([status]);
  expect([one, other].flatMap(({ events }) => events).filter(({ kind }) => kind === 'surroundings')).toEqual([]);
});

test('records that are no status are left out, and one without a value says that nothing is told any more', async () => {
  const topic = await createTopic('status', { config: { 'cleanup.policy': 'compact' } });
  const one = join(topic);
  one.statuses.next([status]);
  await one.hears(1);
  const key = createCodecs({ projections: [], volatileFields: [] }, memoryTopics, singleObject).status.encodeKey({
    entity: 'alfa',
    stream: 'clients',
  });
  const producer = kafkaClient().producer();
  await producer.connect();
  const messages = [
    { key: 'a', value: 'b' },
    { key, value: 'not Avro' },
    { key, value: null },
  ];
  await producer.send({ topic, messages });
  await producer.disconnect();
  expect((await one.hears(2)).map((event) => event.kind === 'status' && event.status)).toEqual([status, null]);
});

test('a topic that is not there is told, and nothing else happens', async () => {
  const one = join(uniqueName('nowhere'));
  await until(() => one.events.length > 0, { what: 'it to be told' });
  expect(one.events).toMatchObject([
    { kind: 'surroundings', about: expect.stringMatching(/^reading nowhere/) as string },
  ]);
});

test('a run that tells of no status neither writes nor reads', async () => {
  const one = join('nowhere', { statuses: undefined });
  await one.exchange.end();
  expect(one.events).toEqual([]);
});
