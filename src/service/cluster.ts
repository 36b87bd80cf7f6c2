import { verifyLayout } from '../state/layout';
import type { Kafka } from 'kafkajs';

import type { Config, EntityConfig, ServiceConfig } from '../../config/config';
import { TransientError } from '../errors';
import type { Secrets } from '../secrets';
import { groupIsEmpty } from '../sinks/group';
import { readCommitted } from '../sinks/look';
import { partitionOf } from '../sinks/partition';
import { ensureTopics, type TopicSettings, type Topics } from '../sinks/topics';
import { createKafka, type KafkaSettings } from '../sinks/client';
import { allStreams } from '../sources/streams/all-streams';
import { parseStateKey, parseStateValue } from '../state/state-topic';
import { userAgentOf } from './api';
import { layoutOf, resolveFraming } from './codecs';
import type { Emit } from './events';
import type { Cluster, ServiceOptions } from './run-context';

/** The sections of the service file that something takes. */
interface ServicePart<K extends keyof ServiceConfig> {
  readonly service: Pick<ServiceConfig, K>;
}

/** Connects, makes and verifies the topics, resolves the schemas; rejects where another service or, in a run of one sweep, another instance is at work. */
export async function openCluster(options: ServiceOptions, emit: Emit): Promise<Cluster> {
  const { config, endless, kafkaLog, patience, secrets, socketFactory, version } = options;
  const kafka = createKafka({ ...kafkaSettings(config, secrets), socketFactory }, kafkaLog);
  const topics = await ensureTopics(kafka, topicSettings(config, config.service.topics.create));
  const onWarning = (about: string): void => emit({ kind: 'surroundings', about });
  for (const warning of topics.warnings) onWarning(warning);
  const { registry } = config.service;
  const framing = await resolveFraming({ registry, secrets, userAgent: userAgentOf(version), onWarning }, topics);
  const cluster = { kafka, topics, framing };
  await refuseForeignState(cluster, config, patience.restoreMs);
  if (!endless) await waitForEmptyGroup(kafka, config);
  return cluster;
}

/** How the configured cluster is reached. */
export function kafkaSettings({ service }: ServicePart<'service' | 'kafka'>, secrets: Secrets): KafkaSettings {
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
    sasl:
      sasl === null ? null : { ...sasl, password: () => secrets.latest('password', sasl.passwordFile, sasl.password) },
  };
}

/** The topics of the configured service. */
export function topicSettings(
  { service }: ServicePart<'kafka' | 'topics' | 'state' | 'projections'>,
  create: TopicSettings['create'],
): TopicSettings {
  const projections = allStreams.flatMap(({ projection }) => (projection === null ? [] : [projection.name]));
  return {
    brokers: service.kafka.brokers,
    access: accessOf(service.kafka),
    prefix: service.topics.prefix,
    data: [...allStreams.map(({ name }) => name), ...service.projections],
    formerData: projections.filter((name) => !service.projections.includes(name)),
    dataPartitions: service.topics.partitions,
    statePartitions: service.state.partitions,
    replicationFactor: service.topics.replicationFactor,
    create,
  };
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

/** Bytes that a batch for a topic may have, with room for what a batch takes beside its records. */
export function batchBytes(topics: Topics): (topic: string) => number {
  const limits = new Map(
    [...topics.data.values(), topics.sweeps, topics.deadLetters, topics.state].map(({ name, maxMessageBytes }) => [
      name,
      maxMessageBytes - 1_024,
    ]),
  );
  return (topic) => limits.get(topic) ?? 1_000_000;
}

/** Throws a TransientError unless the group gave every shard to this instance: in a run of one sweep nobody else may take part. */
export function refuseOtherMembers(owned: ReadonlySet<number>, topics: Pick<Topics, 'state'>, groupId: string): void {
  const { partitions } = topics.state;
  if (owned.size < partitions) throw notAlone(groupId, `gave this one ${owned.size} of ${partitions} shards`);
}

/**
 * Refuses another service's state topic before anything is written to it. Where a shard was never used, and so cannot tell how many
 * partitions the topics had, one that was used is asked.
 */
async function refuseForeignState(
  { kafka, topics, framing }: Cluster,
  config: Config,
  deadlineMs: number,
): Promise<void> {
  const ends = topics.highWatermarks.get(topics.state.name) ?? [];
  const used = (shard: number): boolean => (ends[shard] ?? 0) > 0;
  if (!ends.some((end) => end > 0)) return;
  const allUsed = [...entitiesByShard(config.entities, topics.state.partitions).keys()].every(used);
  const serviceId = config.service.service.id;
  const topic = topics.state.name;
  const expected = layoutOf(topics, framing);
  const never = new Promise<never>(() => undefined);
  await readCommitted(kafka, { serviceId, topic, follow: false, stopped: never, deadlineMs }, (record) => {
    const { key, value, partition, offset } = record;
    const parsed = parseStateKey(
      serviceId,
      key?.toString() ?? '',
      `${topic}, partition ${partition}, offset ${offset}`,
    );
    if (allUsed) return true;
    if (value === null || !('layout' in parsed)) return false;
    verifyLayout(parseStateValue('layout', value), topics, expected);
    return true;
  });
}

/** Waits as long as a predecessor that was killed may still be listed in the group; rejects if a member is left then. */
async function waitForEmptyGroup(kafka: Kafka, { service }: Config): Promise<void> {
  const groupId = service.service.id;
  const waitMs = service.kafka.sessionTimeoutMs + 5_000;
  if (!(await groupIsEmpty(kafka, groupId, waitMs))) throw notAlone(groupId, `still has members after ${waitMs} ms`);
}

function notAlone(groupId: string, got: string): TransientError {
  return new TransientError(
    `taking part alone in group ${groupId}: expected no other instance of the service, got a group that ${got}; stop the other one, or wait for it`,
  );
}

/** In which way the brokers are spoken to: " over TLS, signing in as x by plain". */
function accessOf({ ssl, sasl }: Config['service']['kafka']): string {
  const certificate = ssl.cert === null ? '' : ' with a client certificate';
  const tls = ssl.enabled ? ` over TLS${certificate}` : '';
  return sasl === null ? tls : `${tls}${tls === '' ? '' : ','} signing in as ${sasl.username} by ${sasl.mechanism}`;
}
