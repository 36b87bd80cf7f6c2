import { keepReasons, keepRefusals } from '../../src/sinks/keep-refusals';

/** A pool as kafkajs has it: asks one broker after the other and forgets why they failed. */
function brokerPool(brokers: readonly string[]) {
  class BrokerPool {
    async withBroker(ask: (broker: unknown) => Promise<unknown>): Promise<unknown> {
      for (const broker of brokers) {
        try {
          return await ask(broker);
        } catch {
          continue;
        }
      }
      return null;
    }
  }
  keepRefusals(() => BrokerPool);
  return new BrokerPool();
}

const refusing = (type: string) => () => Promise.reject(Object.assign(new Error(type), { type }));

test('a missing right is thrown when every broker refused', async () => {
  await expect(brokerPool(['a', 'b']).withBroker(refusing('GROUP_AUTHORIZATION_FAILED'))).rejects.toThrow(
    'GROUP_AUTHORIZATION_FAILED',
  );
});

test('any other fault stays as kafkajs has it', async () => {
  expect(await brokerPool(['a', 'b']).withBroker(refusing('NOT_LEADER_FOR_PARTITION'))).toBeNull();
});

test('an answer of a later broker counts more than the refusal of an earlier one', async () => {
  const ask = (broker: unknown) =>
    broker === 'b' ? Promise.resolve('answer') : refusing('GROUP_AUTHORIZATION_FAILED')();
  expect(await brokerPool(['a', 'b']).withBroker(ask)).toBe('answer');
});

test('another kafkajs than the one expected is refused', () => {
  expect(() => keepRefusals(() => ({}))).toThrow(/expected kafkajs 2 with withBroker/);
});

describe('why a topic is not created', () => {
  const response = {
    parse: (data: unknown): Promise<unknown> => {
      const error = Object.assign(new Error('Policy violation'), { topic: 't.state' });
      return Promise.reject(Object.assign(new Error('Topic creation errors'), { errors: [error], data }));
    },
  };

  test.each([
    ['segment.ms must be at least 4 hours', 'segment.ms must be at least 4 hours'],
    ['', 'Policy violation'],
    [null, 'Policy violation'],
  ])('is said as the broker said it: %j', async (errorMessage, said) => {
    keepReasons(() => response);
    const data = { topicErrors: [{ topic: 't.state', errorMessage }] };
    await expect(response.parse(data)).rejects.toMatchObject({ errors: [{ message: said }] });
  });

  test('is asked of no other kafkajs than the one expected', () => {
    expect(() => keepReasons(() => ({}))).toThrow(/expected kafkajs 2 with parse/);
    expect(() => keepReasons()).not.toThrow();
  });
});
