import { TransientError } from '../../src/errors';
import {
  batchBytes,
  clockOf,
  entitiesByShard,
  isUnused,
  kafkaSettings,
  refuseOtherMembers,
  topicSettings,
} from '../../src/service/cluster';
import type { Secrets } from '../../src/secrets';
import { partitionOf } from '../../src/sinks/partition';

const noSsl = { enabled: false, ca: null, cert: null, key: null, files: { ca: null, cert: null, key: null } };
const kafka = {
  brokers: ['one:9092', 'two:9092'],
  sessionTimeoutMs: 10_000,
  compression: 'none' as const,
  ssl: noSsl,
  sasl: null,
};
const sasl = { mechanism: 'plain', username: 'x', password: 'loaded', passwordFile: '/run/password' } as const;
const shown = (
  settings: Partial<typeof kafka> | { readonly sasl: typeof sasl },
  projections: readonly string[] = [],
  streams: readonly string[] = ['clients'],
) => ({
  entities: [{ streams }],
  service: {
    kafka: { ...kafka, ...settings },
    topics: { prefix: 't', partitions: 6, replicationFactor: 3, create: true },
    state: { partitions: 12 },
    projections: [...projections],
  },
});
const secrets: Secrets = { latest: (_kind, file, loaded) => (file === null ? loaded : `${file} now`) };

const oss = ['oss-invoices', 'corrective-oss-invoices'];

test('the data topics are the usual streams, those that an entity names, and the projections asked for; the others are former ones', () => {
  const { data, formerData, prefix, create } = topicSettings(shown({}, ['invoice-lines']), 'must-exist');
  expect({ data, formerData, prefix, create }).toEqual({
    data: ['clients', 'invoices', 'corrective-invoices', 'invoice-lines'],
    formerData: [
      'advance-invoices',
      'final-invoices',
      'margin-invoices',
      ...oss,
      'corrective-invoice-lines',
      'ksef',
      'dictionaries',
    ],
    prefix: 't',
    create: 'must-exist',
  });
  expect(topicSettings(shown({}, [], ['margin-invoices']), true)).toMatchObject({
    data: ['clients', 'invoices', 'corrective-invoices', 'margin-invoices'],
    formerData: [
      'advance-invoices',
      'final-invoices',
      ...oss,
      'invoice-lines',
      'corrective-invoice-lines',
      'ksef',
      'dictionaries',
    ],
  });
});

test('a state topic is unused until some partition of it has a record', () => {
  const state = { name: 't.state', partitions: 2, maxMessageBytes: 1 };
  const unusedWith = (ends: readonly number[]): boolean => {
    const highWatermarks = new Map([
      ['t.state', ends],
      ['t.invoices', [9]],
    ]);
    return isUnused({ state, highWatermarks });
  };
  expect([[0, 0], [0, 1], []].map(unusedWith)).toEqual([true, false, true]);
});

test.each([
  ['in the clear', {}, ''],
  ['over TLS', { ssl: { ...noSsl, enabled: true } }, ' over TLS'],
  [
    'over TLS with a certificate and a sign-in',
    { ssl: { ...noSsl, enabled: true, cert: 'pem', key: 'pem' }, sasl },
    ' over TLS with a client certificate, signing in as x by plain',
  ],
  ['with a sign-in alone', { sasl }, ' signing in as x by plain'],
])('says that the brokers are spoken to %s', (_how, settings, access) => {
  expect(topicSettings(shown(settings), true).access).toBe(access);
});

test('secrets of the cluster are those of their files when they are used, not those that were loaded', () => {
  const ssl = { ...noSsl, enabled: true, ca: 'loaded', files: { ...noSsl.files, ca: '/run/ca' } };
  const proxies = { https: null, http: null, except: [] };
  const settings = kafkaSettings(
    { service: { service: { id: 'svc' }, kafka: { ...kafka, ssl, sasl }, proxies } },
    secrets,
  );
  expect(settings.clientId).toBe('svc');
  expect(settings.ssl?.ca?.()).toBe('/run/ca now');
  expect(settings.ssl?.cert).toBeUndefined();
  expect(settings.sasl).toMatchObject({ mechanism: 'plain', username: 'x' });
  expect(settings.sasl !== null && 'password' in settings.sasl && settings.sasl.password()).toBe('/run/password now');
});

test('a shard has the enabled entities that hash to it, and a shard without any is not listed', () => {
  const names = ['alfa', 'beta', 'gamma', 'delta'];
  const entities = [...names.map((id) => ({ id, enabled: true })), { id: 'off', enabled: false }];
  const shards = entitiesByShard(entities, 3);
  const found = [...shards].flatMap(([number, each]) => each.map(({ id }) => [id, number]));
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(names.map((id) => [id, partitionOf(id, 3)])));
  expect([...shards.values()].every((each) => each.length > 0)).toBe(true);
});

const topic = (name: string, maxMessageBytes: number) => ({ name, partitions: 3, maxMessageBytes });
const topics = {
  data: new Map([['clients', topic('t.clients', 10_000)]]),
  sweeps: topic('t.sweeps', 20_000),
  entities: topic('t.entities', 1_000_000),
  deadLetters: topic('t.dead-letters', 30_000),
  state: topic('t.state', 40_000),
  status: topic('t.status', 1_000_000),
  highWatermarks: new Map(),
  warnings: [],
};

test('a batch may have what the topic takes, less 1 KB for itself', () => {
  const limit = batchBytes(topics);
  expect(['t.clients', 't.sweeps', 't.dead-letters', 't.state', 'another'].map(limit)).toEqual([
    8_976, 18_976, 28_976, 38_976, 1_000_000,
  ]);
});

test('how far the clock may be off is known by topic, where the topic tells', () => {
  const clock = { aheadMs: 60_000, behindMs: Infinity };
  const bounds = clockOf({ ...topics, state: { ...topics.state, clock } });
  expect(['t.state', 't.clients', 'another'].map(bounds)).toEqual([clock, undefined, undefined]);
});

test('a run of one sweep refuses a group that keeps a shard from it', () => {
  expect(() => refuseOtherMembers(new Set([0, 1, 2]), topics, 'svc')).not.toThrow();
  const refused = () => refuseOtherMembers(new Set([0, 2]), topics, 'svc');
  expect(refused).toThrow(TransientError);
  expect(refused).toThrow(/taking part alone in group svc: .* gave this one 2 of 3 shards/);
});
