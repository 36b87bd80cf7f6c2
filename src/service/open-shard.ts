import { randomUUID } from 'node:crypto';
import { verifyLayout } from '../state/layout';
import type { Config, EntityConfig } from '../../config/config';
import type { Reader } from '../reading/stream-reading';
import type { ShardOptions } from '../shard/shard-options';
import { ensureTopics } from '../sinks/topics';
import { openWriter } from '../sinks/writer';
import { allStreams } from '../sources/streams/all-streams';
import { batchBytes, clockOf, topicSettings } from './cluster';
import type { Membership } from '../sinks/group';
import type { Codecs } from './codecs';
import type { Patience } from './patience';
import type { Cluster, RunContext, ServiceOptions, ShardPartition } from './run-context';

/** What of a run, or of a command that writes state, a shard is opened with. */
export interface ShardSetting
  extends
    Pick<RunContext, 'serviceId' | 'topics' | 'codecs' | 'partition'>,
    Partial<Pick<ShardOptions, 'driftFinders' | 'noteRow'>> {
  readonly options: Pick<ServiceOptions, 'patience' | 'now'>;
}

/** What the shard of that number is made of, with these streams of these entities. */
export function shardOptions(
  { options, serviceId, topics, codecs, partition, driftFinders, noteRow }: ShardSetting,
  number: number,
  entities: readonly (Pick<EntityConfig, 'id' | 'streams'> & Partial<Pick<EntityConfig, 'accept'>>)[],
): ShardOptions {
  const { layout, encodeBlock, decodeBlock } = codecs;
  const { openWriter: openShardWriter, read, verifyLayout: verify } = partition(number);
  return {
    number,
    serviceId,
    stateTopic: topics.state.name,
    streams: entities.flatMap((entity) => [
      ...allStreams
        .filter(({ name }) => entity.streams.includes(name))
        .flatMap((declaration) => {
          const accepted = entity.accept?.[declaration.name] ?? [];
          const ksef = codecs.ksefCodec(declaration.name);
          return [
            { entity: entity.id, codec: codecs.streamCodec(declaration), accepted },
            ...(ksef === null ? [] : [{ entity: entity.id, codec: ksef }]),
          ];
        }),
      ...codecs.dictionaryCodecs().map((codec) => ({ entity: entity.id, codec })),
    ]),
    deadLetters: topics.deadLetters,
    sweeps: codecs.sweeps,
    entities: codecs.entities,
    encodeBlock,
    decodeBlock,
    layout,
    openWriter: openShardWriter,
    read,
    verifyLayout: verify,
    now: options.now,
    newSessionId: randomUUID,
    noteRow,
    driftFinders,
    idleCommitMs: options.patience.idleCommitMs,
    absentForMs: options.patience.absentForMs,
  };
}

/** What the partitions of the state topic are read and written through. */
export interface PartitionSetting {
  readonly config: Config;
  readonly patience: Pick<Patience, 'commitMs'>;
  readonly cluster: Cluster;
  readonly codecs: Pick<Codecs, 'layout' | 'formerKeySchemas'>;
  readonly membership: Pick<Membership, 'read'>;
}

/** The partition of that number in Kafka. */
export function kafkaPartition(
  { config, patience, cluster, codecs, membership }: PartitionSetting,
  number: number,
): ShardPartition {
  const { kafka, topics } = cluster;
  const expected = { ...codecs.layout, formerKeySchemas: codecs.formerKeySchemas };
  let current = topics;
  /** A topic may have been deleted or made anew since the start: then what the ledger says was published is gone. */
  const lookAgain = async (): Promise<void> => {
    current = await ensureTopics(kafka, topicSettings(config, 'must-exist'));
  };
  return {
    openWriter: async (wanted) => {
      await lookAgain();
      return openWriter(kafka, {
        ...(wanted === undefined ? {} : { wanted }),
        transactionalId: `${topics.state.name}-${number}`,
        stateTopic: topics.state.name,
        partition: number,
        maxBatchBytes: batchBytes(current),
        clock: clockOf(current),
        compression: config.service.kafka.compression,
        deadlineMs: patience.commitMs,
      });
    },
    read: (offset, each, end) => membership.read(number, offset, each, end),
    verifyLayout: async (stored) => {
      try {
        verifyLayout(stored, current, expected);
      } catch {
        // What the owner before committed while it was being fenced lies beyond the ends seen before that.
        await lookAgain();
        verifyLayout(stored, current, expected);
      }
    },
  };
}

/** The entity as the shard's reading sees it. */
export function readerOf({ api, emit }: Pick<RunContext, 'api' | 'emit'>, entity: EntityConfig): Reader {
  return {
    entity: entity.id,
    nip: entity.nip,
    startDate: entity.startDate,
    endDate: entity.endDate,
    streams: allStreams.filter(({ name }) => entity.streams.includes(name)),
    rest: api.of(entity, (attempt) => emit({ kind: 'request', ...attempt, allowance: api.allowance() })),
    deletions: entity.deletions,
  };
}
