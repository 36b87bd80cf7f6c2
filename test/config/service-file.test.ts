import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceConfig } from '../../config/config';
import type { Findings } from '../../config/findings';
import { loadService } from '../../config/service-file';

let directory: string;
let findings: Findings;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'infakt-kafka-config-'));
  findings = { faults: [], warnings: [], secrets: new Set() };
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const kafka = { brokers: ['localhost:9092'] };

function load(content: Readonly<Record<string, unknown>>): ServiceConfig | null {
  const file = join(directory, 'service.json');
  writeFileSync(file, JSON.stringify({ kafka, ...content }));
  return loadService(file, {}, { knownStreams: ['clients'], knownProjections: ['ksef', 'client-lines'] }, findings);
}

test('a file that is not there is one fault and no configuration', () => {
  const known = { knownStreams: [], knownProjections: ['ksef'] };
  expect(loadService(join(directory, 'nowhere.json'), {}, known, findings)).toBeNull();
  expect(findings.faults).toHaveLength(1);
});

test('the brokers are enough: there is no TLS, no sign-in and no registry then', () => {
  expect(load({})).toMatchObject({
    infakt: { baseUrl: 'https://api.infakt.pl/api/v3' },
    kafka: { brokers: ['localhost:9092'], ssl: { enabled: false, ca: null }, sasl: null },
    registry: null,
  });
  expect(findings).toMatchObject({ faults: [], warnings: [] });
});

test.each([
  ['volatileFields', { volatileFields: ['orders.id', 'clients.id'] }, ['orders.id']],
  ['projections', { projections: ['client-lines', 'order-lines'] }, ['order-lines']],
])('%s that name nothing known are one fault, with these alone', (key, content, got) => {
  load(content);
  expect(findings.faults).toMatchObject([{ key, got: { value: got } }]);
});

test('a setting that has no effect any more is taken with a warning', () => {
  load({ schedule: { sweepSeconds: 7_200, sweepAtLeastHours: 1 } });
  expect(findings.faults).toEqual([]);
  expect(findings.warnings).toEqual([expect.stringContaining('schedule.sweepAtLeastHours has no effect any more')]);
});

test.each([
  ['more requests than inFakt answers', { infakt: { requestsPerMinute: 301 } }, /answers no more than 300 requests/],
  [
    'a password that goes to a broker in the clear',
    { kafka: { brokers: ['kafka:9092'], sasl: { mechanism: 'plain', username: 'a', password: 'b' } } },
    /the password goes to kafka:9092 in the clear/,
  ],
  [
    'a token that goes to a registry in the clear',
    { registry: { url: 'http://r', token: 't' } },
    /the token goes to r /,
  ],
  ['whoever asks', { http: { host: '0.0.0.0' } }, /whoever reaches 0\.0\.0\.0:8080 may read/],
])('%s is warned of', (_what, content, warning) => {
  load(content);
  expect(findings.faults).toEqual([]);
  expect(findings.warnings).toEqual(expect.arrayContaining([expect.stringMatching(warning)]));
});

test.each([
  ['asks on this machine', { host: '127.0.0.1' }],
  ['asks on this machine by IPv6', { host: '::1' }],
  ['has a token', { host: '0.0.0.0', token: 'let-me-read-this' }],
  ['asks nowhere', { host: '0.0.0.0', port: 0 }],
])('nobody is warned of who %s', (_who, http) => {
  load({ http });
  expect(findings.warnings.filter((warning) => warning.includes('http.host'))).toEqual([]);
});

test('the token of HTTP is read from its file, which is read again later', () => {
  writeFileSync(join(directory, 'token'), ' let-me-read-this\n');
  expect(load({ http: { tokenFile: 'token' } })?.http).toEqual({
    ...{ port: 8080, host: '127.0.0.1', token: 'let-me-read-this', tokenFile: join(directory, 'token') },
  });
  expect(findings.secrets).toContain('let-me-read-this');
});
