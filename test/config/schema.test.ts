import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Findings } from '../../config/findings';
import { formats } from '../../config/formats';
import { type ServiceFile, serviceSchema } from '../../config/schema';
import { settingsOf } from '../../config/setting';
import { loadSheet, valueAt } from '../../config/sheet';

test('every key of the service file has a doc, and every default is accepted by its format', () => {
  for (const [key, setting] of settingsOf(serviceSchema)) {
    expect([key, setting.doc]).toEqual([key, expect.stringMatching(/\.$/)]);
    if (setting.default !== null) expect([key, formats[setting.format].accepts(setting.default)]).toEqual([key, true]);
  }
});

test('every secret of the service file is marked as one, so that no message shows it', () => {
  const secrets = settingsOf(serviceSchema).filter(([key]) =>
    /^alerts|(?:password|token|secret|key)(?:File)?$/i.test(key),
  );
  expect(secrets).toHaveLength(13);
  for (const [key, { sensitive }] of secrets) expect([key, sensitive]).toEqual([key, true]);
});

/** A text that each format takes, where it is not the first of a few. */
const texts: Readonly<Record<string, string>> = {
  'infakt-kafka.base-url': 'https://other.example',
  'infakt-kafka.hook': 'https://hooks.example/?token=1',
  'infakt-kafka.http-url': 'https://other.example',
  'infakt-kafka.session-timeout': '6000',
  'infakt-kafka.region': 'eu-central-1',
  'infakt-kafka.part': '0.5',
  'infakt-kafka.brokers': 'a.example:1, b.example:2',
  'infakt-kafka.volatile-fields': 'invoices.notes,clients.notes',
  'infakt-kafka.projections': '["invoice-lines"]',
  'infakt-kafka.date': '2026-04-01',
};

test('every key of the service file can be set by a variable of its own, as text', () => {
  const settings = settingsOf(serviceSchema);
  expect(new Set(settings.map(([, { env }]) => env)).size).toBe(settings.length);
  const folder = mkdtempSync(join(tmpdir(), 'schema-'));
  const file = join(folder, 'service.json');
  writeFileSync(file, '{"kafka":{"brokers":["of-the-file:1"]}}');
  try {
    for (const [key, { env = '', format, default: usual }] of settings) {
      const { kind } = formats[format];
      const other = typeof kind === 'object' ? kind.find((choice) => choice !== usual) : undefined;
      const text =
        texts[format] ?? other ?? (kind === 'boolean' ? String(usual !== true) : kind === 'number' ? '7' : 'x');
      const findings: Findings = { faults: [], warnings: [], secrets: new Set() };
      const sheet = loadSheet<ServiceFile>(file, serviceSchema, { [env]: text }, findings);
      const value = valueAt(sheet?.values, key);
      expect({ key, faults: findings.faults, accepted: formats[format].accepts(value) }).toEqual({
        key,
        faults: [],
        accepted: true,
      });
      expect([key, value]).not.toEqual([key, usual]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the variables that version 0.1.0 had are those of the rule', () => {
  const variables = settingsOf(serviceSchema).map(([, { env }]) => env);
  const released =
    'SERVICE_ID INFAKT_BASE_URL INFAKT_REQUESTS_PER_MINUTE KAFKA_BROKERS KAFKA_SASL_MECHANISM KAFKA_SASL_USERNAME KAFKA_SASL_PASSWORD REGISTRY_URL REGISTRY_USERNAME REGISTRY_PASSWORD REGISTRY_TOKEN TOPICS_PREFIX LOG_LEVEL';
  expect(variables).toEqual(expect.arrayContaining(released.split(' ')));
});
