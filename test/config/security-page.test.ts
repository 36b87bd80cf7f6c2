import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { loadConfig } from '../../config/load';

const page = readFileSync(join(__dirname, '../../docs/security.md'), 'utf8');
const chapter = /^## Managed Kafka.*?(?=^## )/ms.exec(page)?.[0] ?? '';
const blocks = [...chapter.matchAll(/^### (.+?)\n.*?^```json\n(.*?)^```/gms)].map(
  ([, provider = '', text = '']) => [provider, text] as const,
);

test('the page has a block for each provider', () => {
  expect(blocks.map(([provider]) => provider)).toEqual([
    'Confluent Cloud',
    'Aiven',
    'Amazon MSK',
    'Azure Event Hubs',
    'Redpanda',
  ]);
});

test.each(blocks)('the block for %s is a service file that the program accepts', (_provider, text) => {
  const folder = mkdtempSync(join(tmpdir(), 'security-page-'));
  try {
    const secret = join(folder, 'secret.pem');
    writeFileSync(secret, '-----BEGIN CERTIFICATE-----\nsecret\n');
    const file = join(folder, 'service.json');
    // Ports are numbers in reality, and the files are mounted.
    writeFileSync(file, text.replaceAll(/[A-Z]+-PORT/g, '12345').replaceAll(/\/run\/secrets\/[a-z.-]+/g, secret));
    mkdirSync(join(folder, 'entities'));
    writeFileSync(join(folder, 'entities/alfa.json'), '{"nip":"1111111111"}');
    const { config, warnings } = loadConfig({
      configFile: file,
      entitiesDirectory: join(folder, 'entities'),
      env: { INFAKT_API_KEY_ALFA: 'a-key' },
      knownStreams: ['invoices'],
      usualStreams: ['invoices'],
      knownProjections: ['ksef'],
    });
    expect(config.service.kafka.ssl.enabled).toBe(true);
    expect(config.service.kafka.sasl).not.toBeNull();
    expect(warnings).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
