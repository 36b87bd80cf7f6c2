import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const directory = join(__dirname, '../../deploy/connect');
const STRINGS = 'org.apache.kafka.connect.storage.StringConverter';
const configurations = readdirSync(directory).filter((file) => file.endsWith('.json'));

test.each(configurations)('%s reads headers as the text that they are, and committed records alone', (file) => {
  const configuration = JSON.parse(readFileSync(join(directory, file), 'utf8')) as Readonly<Record<string, string>>;
  expect(configuration['header.converter']).toBe(STRINGS);
  expect(configuration['consumer.override.isolation.level']).toBe('read_committed');
});

test('a worker reads headers as text where a connector does not say how', () => {
  expect(readFileSync(join(directory, 'worker.properties'), 'utf8')).toContain(`\nheader.converter=${STRINGS}\n`);
});
