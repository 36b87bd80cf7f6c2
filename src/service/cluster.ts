import type { Kafka } from 'kafkajs';

import type { Config, EntityConfig, ServiceConfig } from '../../config/config';
import { ConfigError, TransientError } from '../errors';
import type { StreamDeclaration } from '../model';
import type { Secrets } from '../secrets';
import type { ClockBounds } from '../sinks/clock-bounds';
import { groupIsEmpty } from '../sinks/group';
import { readCommitted } from '../sinks/look';
import { partitionOf } from '../sinks/partition';
import { allTopics, ensureTopics, type TopicSettings, type Topics } from '../sinks/topics';
import { createKafka, type KafkaSettings } from '../sinks/client';
import { parseStateKey, parseStateValue } from '../state/state-topic';
import { allStreams, projectionNames } from '../sources/streams/all-streams';
import { userAgentOf } from './api';
import { resolveFraming } from './codecs';
import type { Emit } from './events';
import type { Cluster, ServiceOptions } from './run-context';
import { signInOf, signInText } from './sign-in';

/** What it means to go without a schema registry, for whoever can still decide. */
export const WITHOUT_REGISTRY =
  "keys and values are in Avro's single-object encoding, which the Avro converters of Kafka Connect, ksqlDB and Flink SQL cannot read, and which cannot be changed once the first record is written";

/** The sections of the service file that something takes. */
interface ServicePart<K extends keyof ServiceConfig> {
  readonly service: Pick<ServiceConfig, K>;
}

/** Connects, makes and verifies the topics, resolves the schemas; in a run of one sweep, rejects where another instance is at work. */
export async function openCluster(options: ServiceOptions, emit: Emit): Promise<Cluster> {
  const { config, endless, kafkaLog, patience, secrets, socketFactory, version } = options;
  const kafka = createKafka({ ...kafkaSettings(config, secrets), socketFactory }, kafkaLog);
  const topics = await ensureTopics(kafka, startSettings(kafka, config, patience.restoreMs));
  const onWarning = (about: string): void => emit({ kind: 'surroundings', about });
  for (const warning of topics.warnings) onWarning(warning);
  const { registry } = config.service;
  if (registry === null && isUnused(topics))
    emit({ kind: 'setting', about: `no registry.url is set: ${WITHOUT_REGISTRY}` });
  const framing = await resolveFraming({ registry, secrets, userAgent: userAgentOf(version), onWarning }, topics);
  if (!endless) await waitForEmptyGroup(kafka, config, emit);
  return { kafka, topics, framing };
}

/** Whether no service has ever written to the state topic, so that nothing is encoded yet. */
export function isUnused({ state, highWatermarks }: Pick<Topics, 'state' | 'highWatermarks'>): boolean {
  return (highWatermarks.get(state.name) ?? []).every((end) => end === 0);
}

/** How the configured cluster is reached. */
export function kafkaSettings(
  { service }: ServicePart<'service' | 'kafka' | 'proxies'>,
  secrets: Secrets,
): KafkaSettings {
  const { ssl, sasl, brokers } = service.kafka;
  const { ca, cert, key, files } = ssl;
  return {
    clientId: service.service.id,
    brokers,
    ssl: ssl.enabled
      ? {
          ...(ca === null ? {} : { ca: () => secrets.latest('certificates', files.ca, ca) }),
          ...(cert === null ? {} : { cert: () => secrets.latest('certificates', files.cert, cert) }),
          ...(key === null ? {} : { key: () => secrets.latest('private-key', files.key, key) }),
        }
      : null,
    sasl: sasl === null ? null : signInOf(sasl, { secrets, proxies: service.proxies }),
  };
}

/** Which streams the files of the entities name. */
interface NamedStreams {
  readonly entities: readonly Pick<EntityConfig, 'streams'>[];
}

/** The topics of the configured service: an optional stream that no entity's file names needs none, and is looked at where one exists. */
export function topicSettings(
  { service, entities }: ServicePart<'kafka' | 'topics' | 'state' | 'projections'> & NamedStreams,
  create: TopicSettings['create'],
): TopicSettings {
  const named = new Set(entities.flatMap(({ streams }) => streams));
  const isNeeded = ({ name, isOptional }: StreamDeclaration): boolean => isOptional !== true || named.has(name);
  const others = allStreams.filter((stream) => !isNeeded(stream)).map(({ name }) => name);
  return {
    brokers: service.kafka.brokers,
    access: accessOf(service.kafka),
    prefix: service.topics.prefix,
    data: [...allStreams.filter(isNeeded).map(({ name }) => name), ...service.projections],
    formerData: [...others, ...projectionNames.filter((name) => !service.projections.includes(name))],
    dataPartitions: service.topics.partitions,
    statePartitions: service.state.partitions,
    replicationFactor: service.topics.replicationFactor,
    sessionTimeoutMs: service.kafka.sessionTimeoutMs,
    create,
  };
}

/** The topics of the configured service at its start: what is missing is made, unless something was published there before. */
export function startSettings(
  kafka: Kafka,
  config: ServicePart<'service' | 'kafka' | 'topics' | 'state' | 'projections'> & NamedStreams,
  deadlineMs: number,
): TopicSettings {
  const settings = topicSettings(config, config.service.topics.create);
  return {
    ...settings,
    beforeCreating: (missing) =>
      refuseLostTopics(kafka, {
        serviceId: config.service.service.id,
        topic: `${settings.prefix}.state`,
        missing,
        deadlineMs,
      }),
  };
}

/** Rejects with a ConfigError where the state topic knows of records in a topic that is missing, or is another service's. */
async function refuseLostTopics(
  kafka: Kafka,
  {
    serviceId,
    topic,
    missing,
    deadlineMs,
  }: {
    readonly serviceId: string;
    readonly topic: string;
    readonly missing: readonly string[];
    readonly deadlineMs: number;
  },
): Promise<void> {
  const lost = new Set<string>();
  await readCommitted(kafka, { serviceId, topic, follow: false, deadlineMs }, (record) => {
    const { key, value, partition, offset } = record;
    const place = `${topic}, partition ${partition}, offset ${offset}`;
    const parsed = parseStateKey(serviceId, key?.toString() ?? '', place);
    if (value === null || !('layout' in parsed)) return false;
    const { lastOffsets } = parseStateValue('layout', value);
    for (const name of missing) if (Object.keys(lastOffsets[name] ?? {}).length > 0) lost.add(name);
    return false;
  });
  if (lost.size === 0) return;
  const names = [...lost].join(', ');
  throw new ConfigError(
    `looking at the topics: expected ${names} to exist, as ${topic} remembers what was published there, got no such topic; what was published there is gone. Restore what is missing, or start over under another topics.prefix`,
  );
}

/** The enabled entities of each shard that has any, by the shard's number. */
export function entitiesByShard<T extends Pick<EntityConfig, 'id' | 'enabled'>>(
  entities: readonly T[],
  statePartitions: number,
): Map<number, T[]> {
  const shards = new Map<number, T[]>();
  for (const entity of entities.filter(({ enabled }) => enabled)) {
    const shard = partitionOf(entity.id, statePartitions);
    shards.set(shard, [...(shards.get(shard) ?? []), entity]);
  }
  return shards;
}

/** How far the clock may be from the broker's, by topic. */
export function clockOf(topics: Topics): (topic: string) => ClockBounds | undefined {
  const bounds = new Map(allTopics(topics).map(({ name, clock }) => [name, clock]));
  return (topic) => bounds.get(topic);
}

/** Bytes that a batch for a topic may have, with room for what a batch takes beside its records. */
export function batchBytes(topics: Topics): (topic: string) => number {
  const limits = new Map(allTopics(topics).map(({ name, maxMessageBytes }) => [name, maxMessageBytes - 1_024]));
  return (topic) => limits.get(topic) ?? 1_000_000;
}

/** Throws a TransientError unless the group gave every shard to this instance: in a run of one sweep nobody else may take part. */
export function refuseOtherMembers(owned: ReadonlySet<number>, topics: Pick<Topics, 'state'>, groupId: string): void {
  const { partitions } = topics.state;
  if (owned.size < partitions) throw notAlone(groupId, `gave this one ${owned.size} of ${partitions} shards`);
}

/** Waits as long as a predecessor that was killed may still be listed in the group; rejects if a member is left then. */
async function waitForEmptyGroup(kafka: Kafka, { service }: Config, emit: Emit): Promise<void> {
  const groupId = service.service.id;
  const waitMs = service.kafka.sessionTimeoutMs + 5_000;
  const untilMs = Date.now() + waitMs;
  const forWhom = `another instance of the service, or the session of one that was killed, in group ${groupId}`;
  const onWaiting = (): void => emit({ kind: 'waiting', wait: { forWhom, untilMs } });
  const isEmpty = await groupIsEmpty(kafka, groupId, waitMs, onWaiting);
  emit({ kind: 'waiting', wait: null });
  if (!isEmpty) throw notAlone(groupId, `still has members after ${waitMs} ms`);
}

function notAlone(groupId: string, got: string): TransientError {
  return new TransientError(
    `taking part alone in group ${groupId}: expected no other instance of the service, got a group that ${got}; stop the other one, or wait for it`,
    { trouble: 'second-instance' },
  );
}

/** In which way the brokers are spoken to: " over TLS, signing in as x by plain". */
function accessOf({ ssl, sasl }: Config['service']['kafka']): string {
  const certificate = ssl.cert === null ? '' : ' with a client certificate';
  const tls = ssl.enabled ? ` over TLS${certificate}` : '';
  return sasl === null ? tls : `${tls}${tls === '' ? '' : ','} ${signInText(sasl)}`;
}
