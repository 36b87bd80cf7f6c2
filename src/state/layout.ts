import { ConfigError } from '../errors';
import type { Layout } from './state-topic';

/** A topic of the cluster, as far as a layout depends on it. */
interface ExistingTopic {
  readonly name: string;
  readonly partitions: number;
}

/** The topics of a service as the cluster has them now. */
export interface ExistingTopics {
  readonly data: ReadonlyMap<string, ExistingTopic>;
  readonly sweeps: ExistingTopic;
  readonly state: ExistingTopic;
  /** High watermarks, by topic and partition. */
  readonly highWatermarks: ReadonlyMap<string, readonly number[]>;
}

/** The stored layout, to which topics of streams that came later are added. */
export function withTopicsOf(stored: Layout, now: Layout): Layout {
  return {
    ...stored,
    partitions: { ...now.partitions, ...stored.partitions },
    keySchemas: { ...now.keySchemas, ...stored.keySchemas },
  };
}

/**
 * Throws a ConfigError where partition counts, key framing, key schemas or the ends of topics are not as the stored layout has them: keys
 * would move, change their bytes, or be published again. The error says what to do.
 */
export function verifyLayout(
  layout: Layout,
  topics: ExistingTopics,
  expected: Pick<Layout, 'keyFraming' | 'keySchemas'>,
): void {
  const attempted = `comparing ${topics.state.name} with the cluster`;
  const partitions = { [topics.state.name]: layout.statePartitions, ...layout.partitions };
  const actual = new Map(
    [topics.state, topics.sweeps, ...topics.data.values()].map((topic) => [topic.name, topic.partitions]),
  );
  for (const [name, before] of Object.entries(partitions)) {
    const now = actual.get(name);
    if (now !== undefined && now !== before) {
      throw new ConfigError(
        `${attempted}: expected ${name} to have ${before} partitions as when it was first written, got ${now}; keys would move to other partitions and lose their order. Set the number back where that is possible, or start over under another topics.prefix`,
      );
    }
  }
  if (layout.keyFraming !== expected.keyFraming) {
    throw new ConfigError(
      `${attempted}: expected keys in ${layout.keyFraming} framing as before, got ${expected.keyFraming} from the configuration; every key would get other bytes, and each row two keys. ${expected.keyFraming === 'confluent' ? 'Take registry.url out again' : 'Set registry.url back'}, or start over under another topics.prefix`,
    );
  }
  for (const [name, id] of Object.entries(layout.keySchemas)) {
    const now = expected.keySchemas[name];
    if (now !== undefined && now !== id)
      throw new ConfigError(
        layout.keyFraming === 'confluent'
          ? `${attempted}: expected the key schema of ${name} to have the id ${id} in the registry as before, got ${now}; every key would get other bytes, and each row two keys. The registry is another one or lost its schemas: restore it, or start over under another topics.prefix`
          : `${attempted}: expected the key schema ${id} of ${name}, got ${now}; key schemas are frozen`,
      );
  }
  for (const [name, offsets] of Object.entries(layout.lastOffsets)) {
    for (const [partition, last] of Object.entries(offsets)) {
      const end = topics.highWatermarks.get(name)?.[Number(partition)];
      if (end !== undefined && end <= last) {
        throw new ConfigError(
          `${attempted}: expected partition ${partition} of ${name} to reach beyond offset ${last}, got a high watermark of ${end}; the topic was deleted, recreated or lost records. Restore it, or start over under another topics.prefix`,
        );
      }
    }
  }
}
