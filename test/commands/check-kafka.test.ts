import { checkKafka } from '../../src/commands/check-kafka';
import { setUp } from '../../src/commands/io';
import { createKafka } from '../../src/sinks/client';
import { quietIo } from '../support/quiet-io';

test('where the brokers do not answer nothing else is asked of them, and no account is known', async () => {
  const env = { INFAKT_API_KEY_ALFA: 'a', INFAKT_API_KEY_BETA: 'b', INFAKT_API_KEY_GAMMA: 'c' };
  const files = { config: 'config/example/service.json', entities: 'config/example/entities' };
  const { config, kafkaLog } = setUp({ ...quietIo(), env }, files);
  const kafka = createKafka({ clientId: 'test', brokers: ['127.0.0.1:1'], ssl: null, sasl: null }, kafkaLog);
  const asked: string[] = [];
  const known = await checkKafka(config, kafka, quietIo(), (title) => {
    asked.push(title);
    return Promise.resolve(null);
  });
  expect({ known, asked }).toEqual({ known: null, asked: ['brokers'] });
});
