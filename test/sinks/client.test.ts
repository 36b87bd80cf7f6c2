import { createServer, type AddressInfo } from 'node:net';

import { createKafka, type KafkaSettings } from '../../src/sinks/client';
import { classify } from '../../src/sinks/faults';

/** A broker that answers whatever it is asked with these bytes; `use` gets its address. */
async function withBroker<T>(bytes: Buffer, use: (address: string) => Promise<T>): Promise<T> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(bytes));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

async function failureOf(settings: Partial<KafkaSettings>): Promise<string> {
  const kafka = createKafka({ clientId: 'test', brokers: [], ssl: null, sasl: null, ...settings }, () => undefined);
  const admin = kafka.admin({ retry: { retries: 0 } });
  const error: unknown = await admin.connect().then(
    () => 'connected',
    (reason: unknown) => reason,
  );
  await admin.disconnect();
  return classify(error, 'connecting').error.message;
}

// kafkajs tries each connection six times, so the tests wait side by side.
test.concurrent('a broker that speaks TLS to a client that does not is recognised by its alert', async () => {
  const alert = Buffer.from([0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x0a]);
  const message = await withBroker(alert, (address) => failureOf({ brokers: [address] }));
  expect(message).toMatch(/the broker speaks TLS at this port; set kafka\.ssl\.enabled/);
});

test.concurrent('what is no TLS at a port where TLS is expected is recognised', async () => {
  const plain = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');
  const message = await withBroker(plain, (address) => failureOf({ brokers: [address], ssl: {} }));
  expect(message).toMatch(/what listens at this port does not speak TLS/);
});

test.concurrent('files of kafka.ssl are read at each connection, and named if they cannot be used', async () => {
  let read = 0;
  const key = (): string => {
    read += 1;
    return 'no key at all';
  };
  const ssl = { key, cert: () => 'no certificate' };
  const message = await withBroker(Buffer.alloc(0), (address) => failureOf({ brokers: [address], ssl }));
  expect(message).toMatch(/see to the files of kafka\.ssl/);
  expect(read).toBeGreaterThan(1);
});

test.concurrent('a port that nobody listens at is a fault that may pass', async () => {
  expect(await failureOf({ brokers: ['127.0.0.1:9'] })).toMatch(/^connecting: .*ECONNREFUSED/);
});
