import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { SaslConfig } from '../../config/config';
import type { Findings } from '../../config/findings';
import { loadSasl } from '../../config/sasl';
import { type ServiceFile, serviceSchema } from '../../config/schema';
import { loadSheet } from '../../config/sheet';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'infakt-kafka-config-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function load(
  sasl: object,
  { brokers = ['kafka:9092'], env = {} }: { brokers?: readonly string[]; env?: Record<string, string> } = {},
): { readonly sasl: SaslConfig | null; readonly faults: readonly string[]; readonly secrets: readonly string[] } {
  const file = join(directory, 'service.json');
  writeFileSync(file, JSON.stringify({ kafka: { brokers, sasl } }));
  writeFileSync(join(directory, 'secret'), 's3cret-of-file\n');
  const findings: Findings = { faults: [], warnings: [], secrets: new Set() };
  const sheet = loadSheet<ServiceFile>(file, serviceSchema, env, findings);
  if (sheet === null) throw new Error('expected a sheet, got none');
  const loaded = loadSasl(sheet, env, findings);
  const faults = findings.faults.map(({ key = '', expected }) => `${key}: expected ${expected}`);
  return { sasl: loaded, faults, secrets: [...findings.secrets] };
}

const client = { mechanism: 'oauthbearer', tokenUrl: 'https://sign-in.example/token', clientId: 'books' };

test('no key of kafka.sasl is no sign-in', () => {
  expect(load({})).toEqual({ sasl: null, faults: [], secrets: [] });
});

test('a client has its secret from a file, or from the environment before that', () => {
  const files = { ...client, clientSecretFile: 'secret' };
  expect(load(files)).toMatchObject({
    sasl: { clientSecret: 's3cret-of-file', clientSecretFile: join(directory, 'secret'), scope: null },
    secrets: ['s3cret-of-file'],
  });
  expect(load(files, { env: { KAFKA_SASL_CLIENT_SECRET: 's3cret-of-env' } })).toMatchObject({
    sasl: { clientSecret: 's3cret-of-env', clientSecretFile: null },
    secrets: ['s3cret-of-env'],
  });
});

test.each([
  [
    { mechanism: 'oauthbearer' },
    ['tokenUrl', 'clientId', 'clientSecret'].map(
      (key) => `kafka.sasl.${key}: expected one, as kafka.sasl.mechanism is oauthbearer`,
    ),
  ],
  [
    { mechanism: 'plain', username: 'u', password: 'p', scope: 's', region: 'eu-west-1' },
    ['scope', 'region'].map((key) => `kafka.sasl.${key}: expected none, as kafka.sasl.mechanism is plain`),
  ],
  [{ tokenUrl: 'https://t.example' }, ['kafka.sasl.mechanism: expected one, as kafka.sasl.tokenUrl is given']],
  [
    { ...client, clientSecret: 's', tokenUrl: 'http://sign-in.example/token' },
    [expect.stringMatching(/^kafka.sasl.tokenUrl: expected an https:\/\/ URL/)],
  ],
  [
    { mechanism: 'aws-msk-iam' },
    ['kafka.sasl.region: expected the region of the cluster, as no name in kafka.brokers has one'],
  ],
])('%j is refused, each fault by its key', (sasl, faults) => {
  expect(load(sasl)).toMatchObject({ sasl: null, faults });
});

test.each([
  ['b-1.books.abc123.c2.kafka.eu-central-1.amazonaws.com:9098', 'eu-central-1'],
  ['boot-abc.c1.kafka-serverless.us-gov-west-1.amazonaws.com:9098', 'us-gov-west-1'],
  ['b-1.books.abc123.c2.kafka.cn-north-1.amazonaws.com.cn:9098', 'cn-north-1'],
])('the region of Amazon MSK is in the name %s', (broker, region) => {
  const brokers = ['private.example:9098', broker];
  expect(load({ mechanism: 'aws-msk-iam' }, { brokers }).sasl).toEqual({ mechanism: 'aws-msk-iam', region });
  expect(load({ mechanism: 'aws-msk-iam', region: 'eu-west-3' }, { brokers }).sasl).toMatchObject({
    region: 'eu-west-3',
  });
});
