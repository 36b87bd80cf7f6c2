import { firstValueFrom } from 'rxjs';

import { ConfigError } from '../errors';
import type { EntityId, StreamName } from '../model';
import { userAgentOf } from '../service/api';
import { kafkaSettings, startSettings } from '../service/cluster';
import { createCodecs, resolveFraming } from '../service/codecs';
import { kafkaPartition, shardOptions } from '../service/open-shard';
import type { Cluster, ServiceOptions } from '../service/run-context';
import { joinGroup } from '../sinks/group';
import { dropGroup, throwAwayGroup } from '../sinks/look';
import { partitionOf } from '../sinks/partition';
import { writeTelemetry } from '../sinks/telemetry-topic';
import { ensureTopics, missingTopics } from '../sinks/topics';
import { goneStatusOf } from '../status/stream-status';
import { createKafka } from '../sinks/client';
import { withDeadline } from '../sinks/faults';
import { allStreams } from '../sources/streams/all-streams';
import type { RepairOptions } from './repair';

/** What a command that writes state needs from outside. */
export interface RepairSetting extends Pick<
  ServiceOptions,
  'config' | 'patience' | 'kafkaLog' | 'secrets' | 'stop' | 'now' | 'version'
> {
  /** Called with what is not as it should be and goes all the same. */
  readonly onWarning: (warning: string) => void;
  readonly random: () => number;
}

/** What is lent beside the state. */
export interface Lent {
  /** Removes from the status topic what was told of these streams of the entity; rejects where that fails. */
  readonly forgetStatuses: (streams: readonly StreamName[]) => Promise<void>;
}

/** Lends all that a change of an entity's state takes. The service's group is not joined: its shards are read through a throw-away one. */
export async function withState<T>(
  setting: RepairSetting,
  entity: EntityId,
  use: (options: RepairOptions, lent: Lent) => Promise<T>,
): Promise<T> {
  const { config, patience, stop, random } = setting;
  const cluster = await openUsedCluster(setting);
  const { kafka, topics, framing } = cluster;
  const groupId = throwAwayGroup(config.service.service.id);
  const membership = joinGroup(kafka, {
    groupId,
    stateTopic: topics.state.name,
    sessionTimeoutMs: config.service.kafka.sessionTimeoutMs,
    readDeadlineMs: patience.restoreMs,
  });
  try {
    await withDeadline(firstValueFrom(membership.owned), patience.confirmMs, `joining group ${groupId}`);
    const number = partitionOf(entity, topics.state.partitions);
    // An optional stream that was never read has no topic, and nothing is remembered of it.
    const streams = allStreams.map(({ name }) => name).filter((name) => topics.data.has(name));
    const codecs = createCodecs(config.service, topics, framing, setting.version);
    const lent: Lent = {
      async forgetStatuses(forgotten) {
        const told = forgotten.filter((stream) => streams.includes(stream));
        const gone = told.map((stream) => goneStatusOf(codecs.status, { entity, stream }, setting.now()));
        await writeTelemetry(kafka, topics.status.name, gone);
      },
    };
    const options: RepairOptions = {
      entity,
      shard: shardOptions(
        {
          options: setting,
          serviceId: config.service.service.id,
          topics,
          codecs,
          partition: (shard) => kafkaPartition({ config, patience, cluster, codecs, membership }, shard),
        },
        number,
        [{ id: entity, streams }],
      ),
      end: topics.highWatermarks.get(topics.state.name)?.[number] ?? 0,
      stop,
      againMs: (tries) => random() * 2 * patience.reopenMs(tries),
    };
    return await use(options, lent);
  } finally {
    await membership.leave();
    await dropGroup(kafka, groupId);
  }
}

/** A cluster whose state topic exists: a change of nothing would make the topics of a service that never ran. */
async function openUsedCluster({
  config,
  kafkaLog,
  patience,
  secrets,
  onWarning,
  version,
}: RepairSetting): Promise<Cluster> {
  const kafka = createKafka(kafkaSettings(config, secrets), kafkaLog);
  const settings = startSettings(kafka, config, patience.restoreMs);
  const stateTopic = `${settings.prefix}.state`;
  if ((await missingTopics(kafka, settings)).includes(stateTopic))
    throw new ConfigError(
      `reading ${stateTopic}: expected what the service remembers, got no topic of that name in the cluster; nothing was published yet, or topics.prefix is another one`,
    );
  const topics = await ensureTopics(kafka, settings);
  for (const warning of topics.warnings) onWarning(warning);
  const { registry } = config.service;
  const framing = await resolveFraming({ registry, secrets, userAgent: userAgentOf(version), onWarning }, topics);
  return { kafka, topics, framing };
}
