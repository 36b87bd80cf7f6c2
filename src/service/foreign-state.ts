import type { Config } from '../../config/config';
import { asError, ConfigError, TransientError } from '../errors';
import { readCommitted } from '../sinks/look';
import type { Membership } from '../sinks/group';
import { verifyLayout } from '../state/layout';
import { LAYOUT_VERSION, parseStateKey, parseStateValue, type Layout } from '../state/state-topic';
import { entitiesByShard } from './cluster';
import { expectedKeysOf } from './codecs';
import type { Cluster } from './run-context';

/** One record of any partition of the state topic. */
interface StateRecordSeen {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: Buffer | null;
}

/** How the state topic is looked at. */
export interface StateLook {
  /** Where each partition of the state topic ended at the start. */
  readonly ends: readonly number[];
  /** The partitions that this replica may read through the group of the service. */
  readonly owned: ReadonlySet<number>;
  readonly readOwned: (partition: number, each: (record: StateRecordSeen) => boolean, end: number) => Promise<void>;
  /** Reads all partitions through a group of its own, which costs the broker's delay of a first rebalance. */
  readonly readAll: (each: (record: StateRecordSeen) => boolean) => Promise<void>;
  /**
   * Whether a record answers the question, so that no further record is read. Throws where the record is another service's, is broken, or
   * says that the topics are not as they were.
   */
  readonly settles: (record: StateRecordSeen) => boolean;
}

/**
 * Rejects where the state topic is another service's or does not fit the topics, before anything is written to it. The group that the service
 * has joined anyway reads what this replica owns; a partition of itself that is foreign or broken is left to its shard, as long as another
 * one is this service's.
 */
export async function refuseForeignState({ ends, owned, readOwned, readAll, settles }: StateLook): Promise<void> {
  const used = ends.flatMap((end, partition) => (end > 0 ? [partition] : []));
  if (used.length === 0) return;
  const seen: Seen = { isSettled: false, isOurs: false, refusals: [] };
  const judge = (record: StateRecordSeen): boolean => {
    seen.isSettled = settles(record);
    seen.isOurs = true;
    return seen.isSettled;
  };
  const readable = used.filter((partition) => owned.has(partition));
  let isWhole = readable.length === used.length;
  for (const partition of readable) {
    try {
      await readOwned(partition, judge, ends[partition] ?? 0);
    } catch (error) {
      // The partition moved to another replica meanwhile.
      if (error instanceof TransientError) isWhole = false;
      else if (concernsService(error)) throw error;
      else seen.refusals.push(asError(error));
    }
    if (seen.isSettled) return;
  }
  if (!isWhole) {
    await readAll((record) => {
      try {
        return judge(record);
      } catch (error) {
        if (concernsService(error)) throw error;
        seen.refusals.push(asError(error));
        return false;
      }
    });
  }
  const [refusal] = seen.refusals;
  if (refusal !== undefined && !seen.isOurs) throw refusal;
}

/** What the records that were read so far come to. */
interface Seen {
  isSettled: boolean;
  /** Whether some record is this service's. */
  isOurs: boolean;
  /** Faults of single partitions. */
  readonly refusals: Error[];
}

/** Anything else than a ConfigError of the whole service is a fault of what stands in one partition. */
function concernsService(error: unknown): boolean {
  return error instanceof ConfigError && error.concerns === 'service';
}

/** What a look at the state topic of the configured service needs. */
interface LookSetting {
  readonly cluster: Cluster;
  readonly config: Config;
  readonly membership: Pick<Membership, 'read'>;
  readonly owned: ReadonlySet<number>;
  readonly deadlineMs: number;
}

/** Looks at the state topic before any shard is opened; resolves with the layout of a used shard where some shard was never used, else null. */
export async function lookAtState(setting: LookSetting): Promise<Layout | null> {
  const met: Layout[] = [];
  await refuseForeignState(stateLook(setting, (layout) => met.push(layout)));
  return met.at(-1) ?? null;
}

/** Looks at the state topic of the configured service. */
function stateLook(
  { cluster: { kafka, topics, framing }, config, membership, owned, deadlineMs }: LookSetting,
  onLayout: (layout: Layout) => void,
): StateLook {
  const topic = topics.state.name;
  const serviceId = config.service.service.id;
  const ends = topics.highWatermarks.get(topic) ?? [];
  // A shard that was never used cannot tell how many partitions the topics had: one that was used is asked.
  const allUsed = [...entitiesByShard(config.entities, topics.state.partitions).keys()].every(
    (shard) => (ends[shard] ?? 0) > 0,
  );
  const expected = expectedKeysOf(topics, framing);
  return {
    ends,
    owned,
    readOwned: (partition, each, end) => membership.read(partition, 0, (record) => each({ ...record, partition }), end),
    readAll: (each) =>
      readCommitted(kafka, { serviceId, topic, follow: false, deadlineMs }, ({ partition, offset, key, value }) =>
        each({ partition, offset, key: key?.toString() ?? '', value }),
      ),
    settles({ partition, offset, key, value }) {
      const parsed = parseStateKey(serviceId, key, `${topic}, partition ${partition}, offset ${offset}`);
      if (allUsed) return true;
      if (value === null || !('layout' in parsed)) return false;
      const layout = parseStateValue('layout', value);
      // A newer program's is refused by the shard.
      if (layout.version > LAYOUT_VERSION) return true;
      // Another replica may have written on since the topics were looked at; each shard compares the ends when it is opened.
      verifyLayout({ ...layout, lastOffsets: {} }, topics, expected);
      onLayout(layout);
      return true;
    },
  };
}
