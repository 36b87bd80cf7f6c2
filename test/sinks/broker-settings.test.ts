import type { Admin } from 'kafkajs';

import { ConfigError } from '../../src/errors';
import {
  brokerSettings,
  brokerVersion,
  refuseBrokerSettings,
  type BrokerSettings,
} from '../../src/sinks/broker-settings';

const settings = (changes: Readonly<Record<string, string>> = {}): BrokerSettings =>
  new Map(
    Object.entries({
      'group.min.session.timeout.ms': '6000',
      'group.max.session.timeout.ms': '1800000',
      'transaction.max.timeout.ms': '900000',
      'transaction.state.log.replication.factor': '3',
      'offsets.topic.replication.factor': '1',
      ...changes,
    }),
  );
const all = new Set(['__transaction_state', '__consumer_offsets']);
const none: ReadonlySet<string> = new Set();

test.each<[string, BrokerSettings, number, number, ReadonlySet<string>, RegExp]>([
  [
    'a session timeout below the bound',
    settings(),
    1_000,
    3,
    all,
    /kafka.sessionTimeoutMs from 6000 to 1800000.*got 1000/,
  ],
  [
    'a session timeout above it',
    settings({ 'group.max.session.timeout.ms': '9000' }),
    10_000,
    3,
    all,
    /6000 to 9000.*10000/,
  ],
  [
    'transactions that may not last',
    settings({ 'transaction.max.timeout.ms': '10000' }),
    10_000,
    3,
    all,
    /transaction.max.timeout.ms.*30000.*got 10000/,
  ],
  [
    'too few brokers for transactions',
    settings(),
    10_000,
    1,
    none,
    /3 brokers for __transaction_state, as transaction.state.log.replication.factor.*got 1/,
  ],
  [
    'too few brokers for groups',
    settings({ 'transaction.state.log.replication.factor': '1', 'offsets.topic.replication.factor': '2' }),
    10_000,
    1,
    none,
    /2 brokers for __consumer_offsets/,
  ],
])('%s is named with the setting and both numbers', (_what, found, sessionTimeoutMs, brokers, existing, message) => {
  const check = () => refuseBrokerSettings({ settings: found, brokers }, { sessionTimeoutMs }, existing);
  expect(check).toThrow(message);
  expect(check).toThrow(ConfigError);
});

test.each<[string, BrokerSettings, number, ReadonlySet<string>]>([
  ['settings that fit', settings(), 3, none],
  ['fewer brokers than replicas, where the topics were made in better times', settings(), 1, all],
  ['settings that nobody may see', null, 1, none],
  ['settings without values', new Map(), 1, none],
])('%s are no reason to refuse', (_what, found, brokers, existing) => {
  expect(() =>
    refuseBrokerSettings({ settings: found, brokers }, { sessionTimeoutMs: 10_000 }, existing),
  ).not.toThrow();
});

test.each<[Readonly<Record<string, string>> | null, RegExp]>([
  [null, /cannot be told/],
  [{}, /^Kafka before 3.6/],
  [{ 'inter.broker.protocol.version': '2.8-IV1' }, /^they speak 2.8-IV1 among each other; Kafka before 3.6/],
  [{ 'transaction.partition.verification.enable': 'true' }, /^Kafka 3.6 or later, which verifies/],
  [{ 'transaction.partition.verification.enable': 'false' }, /told not to verify/],
])('of brokers with %j the version is told as far as it can be', (found, text) => {
  expect(brokerVersion(found === null ? null : settings(found))).toMatch(text);
});

test('brokers whose settings may not be seen are asked in vain, and counted', async () => {
  const admin = {
    describeCluster: () =>
      Promise.resolve({ brokers: [{ nodeId: 1, host: 'a', port: 1 }], controller: 1, clusterId: 'c' }),
    describeConfigs: () => Promise.reject(Object.assign(new Error('no'), { type: 'CLUSTER_AUTHORIZATION_FAILED' })),
  } as Partial<Admin> as Admin;
  expect(await brokerSettings(admin)).toEqual({ settings: null, brokers: 1 });
});
