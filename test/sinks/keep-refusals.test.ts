import { keepRefusals } from '../../src/sinks/keep-refusals';

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
