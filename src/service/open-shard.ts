import type { EntityConfig } from '../../config/load';
import type { EntityId } from '../model';
import type { Rhythm } from '../reading/read-shard';
import type { Reader } from '../reading/stream-reading';
import { targetsOf } from '../rules/rhythm';
import type { ShardOptions } from '../shard/shard';
import { ensureTopics, verifyLayout } from '../sinks/topics';
import { openWriter } from '../sinks/writer';
import { allStreams } from '../sources/streams/all-streams';
import { batchBytes, topicSettings } from './cluster';
import type { RunContext, ServiceOptions } from './run-context';

/** What of a run, or of a command that writes state, a shard is opened with. */
export interface ShardSetting extends Pick<RunContext, 'cluster' | 'codecs' | 'membership'> {
  readonly options: Pick<ServiceOptions, 'config' | 'patience' | 'now'>;
}

/** What the shard of that number is made of, with these streams of these entities. */
export function shardOptions(
  { options, cluster, codecs, membership }: ShardSetting,
  number: number,
  entities: readonly { readonly id: EntityId; readonly streams: readonly string[] }[],
): ShardOptions {
  const { config, patience, now } = options;
  const { kafka, topics } = cluster;
  const { layout, encodeBlock, decodeBlock } = codecs;
  let current = topics;
  /** A topic may have been deleted or made anew since the start: then what the ledger says was published is gone. */
  const lookAgain = async (): Promise<void> => {
    current = await ensureTopics(kafka, topicSettings(config, 'must-exist'));
  };
  return {
    number,
    serviceId: config.service.service.id,
    stateTopic: topics.state.name,
    streams: entities.flatMap((entity) =>
      allStreams
        .filter(({ name }) => entity.streams.includes(name))
        .map((declaration) => ({ entity: entity.id, codec: codecs.streamCodec(declaration) })),
    ),
    deadLetters: topics.deadLetters,
    laps: codecs.sweeps,
    encodeBlock,
    decodeBlock,
    openWriter: async () => {
      await lookAgain();
      return openWriter(kafka, {
        transactionalId: `${topics.state.name}-${number}`,
        stateTopic: topics.state.name,
        partition: number,
        maxBatchBytes: batchBytes(current),
        deadlineMs: patience.commitMs,
      });
    },
    read: (offset, each, end) => membership.read(number, offset, each, end),
    layout,
    verifyLayout: async (stored) => {
      try {
        verifyLayout(stored, current, layout);
      } catch {
        // What the owner before committed while it was being fenced lies beyond the ends seen before that.
        await lookAgain();
        verifyLayout(stored, current, layout);
      }
    },
    now,
    idleCommitMs: patience.idleCommitMs,
  };
}

/** The entity as the shard's reading sees it. */
export function readerOf({ api, options }: Pick<RunContext, 'api' | 'options'>, entity: EntityConfig): Reader {
  return {
    entity: entity.id,
    nip: entity.nip,
    startDate: entity.startDate,
    endDate: entity.endDate,
    streams: allStreams.filter(({ name }) => entity.streams.includes(name)),
    rest: api.of(entity, options.onAttempt),
    deletions: entity.deletions,
  };
}

/** How often each scan comes round; null = every stream is swept once. */
export function rhythmOf({ config, endless }: Pick<ServiceOptions, 'config' | 'endless'>): Rhythm | null {
  const { schedule } = config.service;
  return endless ? { targets: (stream) => targetsOf(schedule, stream), recentDays: schedule.recentDays } : null;
}
