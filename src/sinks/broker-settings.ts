import { ConfigResourceTypes, type Admin } from 'kafkajs';

import { ConfigError } from '../errors';

/** After how long a broker ends a transaction that nobody ended. */
export const TRANSACTION_TIMEOUT_MS = 30_000;

/** What of a service depends on the settings of the brokers. */
export interface ServiceNeeds {
  readonly sessionTimeoutMs: number;
}

const ASKED = [
  'group.min.session.timeout.ms',
  'group.max.session.timeout.ms',
  'transaction.max.timeout.ms',
  'transaction.state.log.replication.factor',
  'offsets.topic.replication.factor',
  'transaction.partition.verification.enable',
  'inter.broker.protocol.version',
] as const;

/** The settings of a broker, by name; null where this service's user may not see them, or the cluster has none to show. */
export type BrokerSettings = ReadonlyMap<string, string> | null;

/** Asks one broker for its settings. Needs a right that nothing else needs: without it the answer is null. */
export async function brokerSettings(
  admin: Admin,
): Promise<{ readonly settings: BrokerSettings; readonly brokers: number }> {
  const { brokers } = await admin.describeCluster();
  const [first] = brokers;
  if (first === undefined) return { settings: null, brokers: 0 };
  const configNames: string[] = [...ASKED];
  const resource = { type: ConfigResourceTypes.BROKER, name: String(first.nodeId), configNames };
  try {
    const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
    const entries = resources.flatMap(({ configEntries }) => configEntries);
    return {
      settings: new Map(entries.map(({ configName, configValue }) => [configName, configValue])),
      brokers: brokers.length,
    };
  } catch {
    return { settings: null, brokers: brokers.length };
  }
}

/** Throws a ConfigError where the brokers' settings leave no room for this service, with the setting and both numbers. */
export function refuseBrokerSettings(
  { settings, brokers }: { readonly settings: BrokerSettings; readonly brokers: number },
  { sessionTimeoutMs }: ServiceNeeds,
  existing: ReadonlySet<string>,
): void {
  const asked = 'looking at the settings of the brokers';
  const number = (name: (typeof ASKED)[number]): number | null => {
    const value = Number(settings?.get(name) ?? NaN);
    return Number.isFinite(value) ? value : null;
  };
  const [least, most] = [number('group.min.session.timeout.ms'), number('group.max.session.timeout.ms')];
  if ((least !== null && sessionTimeoutMs < least) || (most !== null && sessionTimeoutMs > most))
    throw new ConfigError(
      `${asked}: expected kafka.sessionTimeoutMs from ${least ?? 0} to ${most ?? 'any'}, as group.min.session.timeout.ms and group.max.session.timeout.ms of the broker have it, got ${sessionTimeoutMs}`,
    );
  const longest = number('transaction.max.timeout.ms');
  if (longest !== null && longest < TRANSACTION_TIMEOUT_MS)
    throw new ConfigError(
      `${asked}: expected transaction.max.timeout.ms of the broker to be ${TRANSACTION_TIMEOUT_MS} or more, as long as a transaction of this program may take, got ${longest}; raise it in the broker`,
    );
  for (const [topic, name] of [
    ['__transaction_state', 'transaction.state.log.replication.factor'],
    ['__consumer_offsets', 'offsets.topic.replication.factor'],
  ] as const) {
    const replicas = number(name);
    if (replicas === null || replicas <= brokers || existing.has(topic)) continue;
    throw new ConfigError(
      `${asked}: expected ${replicas} brokers for ${topic}, as ${name} of the broker asks for, got ${brokers}; Kafka cannot make that topic, and without it there are no transactions and no groups. Set ${name} to ${brokers} in the broker, or start the others`,
      { mayPass: true },
    );
  }
}

/** What can be told of the brokers' version, for a person. */
export function brokerVersion(settings: BrokerSettings): string {
  if (settings === null) return 'their version cannot be told: the user may not see their settings';
  const protocol = settings.get('inter.broker.protocol.version');
  const spoken = protocol === undefined ? '' : `they speak ${protocol} among each other; `;
  const verifies = settings.get('transaction.partition.verification.enable');
  if (verifies === undefined) return `${spoken}Kafka before 3.6, which does not verify transactions`;
  return `${spoken}Kafka 3.6 or later, ${verifies === 'true' ? 'which verifies transactions' : 'told not to verify transactions'}`;
}
