import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { planCommand } from '../../src/commands/plan';
import { ConfigError } from '../../src/errors';
import { isObject } from '../../src/json';

const folder = mkdtempSync(join(tmpdir(), 'plan-'));
afterAll(() => rmSync(folder, { recursive: true }));
const nowhere = ['--config', join(folder, 'nothing', 'service.json')];

async function plan(...argv: string[]): Promise<{ readonly code: number; readonly out: string }> {
  let out = '';
  const code = await planCommand(argv, {
    stdout: (text) => void (out += text),
    stderr: () => undefined,
    columns: null,
    env: {},
    stop: new AbortController().signal,
    version: '1.2.3',
    replica: 'here',
  });
  return { code, out };
}

test('companies that are only thought of need neither a configuration nor Kafka', async () => {
  const { code, out } = await plan(...nowhere, '--add', '50x5000', '--add', '1x20000', '--new-per-day', '200');
  expect(code).toBe(0);
  expect(out).toContain(
    '50 companies of 5000 invoices and 1 company of 20000 invoices, behind one IP address with 290',
  );
  expect(out).toMatch(/^new invoices +200 +\S+ (s|min) +\S+ (s|min)$/m);
  expect(out).toContain('no entity is configured');
  expect(out).toContain('one invoice in five is unpaid');
});

test('a program gets the same as JSON', async () => {
  const { out } = await plan(...nowhere, '--add', '2x5000', '--within', '60', '--json');
  const json: unknown = JSON.parse(out);
  expect(json).toMatchObject({
    allowed_per_minute: 290,
    guarantees: { times_as_long: 1, addresses: 1 },
    within: { seconds: 60, addresses: 1 },
  });
  const scans = isObject(json) && Array.isArray(json['scans']) ? json['scans'] : [];
  // Two companies: clients have two scans, invoices and corrections four each.
  expect(scans).toHaveLength(20);
});

test.each([
  [
    ['--add', '5y5'],
    '--add expects companies x invoices of each, up to 2000x10000000, e.g. 50x5000, got "5y5"; see --help',
  ],
  [
    ['--add', '0x5'],
    '--add expects companies x invoices of each, up to 2000x10000000, e.g. 50x5000, got "0x5"; see --help',
  ],
  [['--add', '2001x5'], 'got "2001x5"'],
  [
    ['--add', '1x5', '--new-per-day', 'many'],
    '--new-per-day expects a whole number of new invoices a day, 1 or more, got "many"; see --help',
  ],
  [['--add', '1x5', '--within', '0'], '--within expects a whole number of seconds, 1 or more, got "0"; see --help'],
  [
    ['--new-per-day', '5'],
    '--new-per-day is about the companies of --add, and there is none, e.g. --add 50x5000; see --help',
  ],
  [['--add'], '--add expects a value'],
])('%j is refused in one sentence', async (argv, message) => {
  const refused = plan(...nowhere, ...argv);
  await expect(refused).rejects.toThrow(ConfigError);
  await expect(refused).rejects.toThrow(message);
});

test('without a configuration there must be something to think of', async () => {
  await expect(plan(...nowhere)).rejects.toThrow('cannot load the configuration');
});

test('where Kafka does not answer, entities count as companies of which nothing is known, and that is said', async () => {
  mkdirSync(join(folder, 'entities'));
  writeFileSync(join(folder, 'entities', 'alfa.json'), JSON.stringify({}));
  const file = join(folder, 'service.json');
  writeFileSync(file, JSON.stringify({ kafka: { brokers: ['127.0.0.1:1'] }, infakt: { requestsPerMinute: 100 } }));
  const { code, out } = await plan('--config', file, '--add', '3x1000');
  expect(code).toBe(0);
  expect(out).toContain('1 company as configured and 3 companies of 1000 invoices, behind one IP address with 100');
  expect(out).toMatch(/infakt\.state could not be read \(.+\), so nothing is known of the entities/);
  expect(out).toContain('nothing was read yet of 3 streams of 1 entities');
}, 40_000);
