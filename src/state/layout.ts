import { ConfigError } from '../errors';
import type { LastOffsets } from '../sinks/transaction';
import { LAYOUT_VERSION, type Definition, type Layout } from './state-topic';

/** A topic of the cluster, as far as a layout depends on it. */
interface ExistingTopic {
  readonly name: string;
  readonly partitions: number;
}

/** The topics of a service as the cluster has them now. */
export interface ExistingTopics {
  readonly data: ReadonlyMap<string, ExistingTopic>;
  readonly sweeps: ExistingTopic;
  readonly entities: ExistingTopic;
  readonly state: ExistingTopic;
  /** High watermarks, by topic and partition. */
  readonly highWatermarks: ReadonlyMap<string, readonly number[]>;
}

/**
 * Throws a ConfigError where a newer program laid out the shard, or told the rows of a stream apart in a newer way than is known here: to
 * go on would publish every row again, and once more when the newer program has the shard back.
 */
export function refuseNewerLayout(stored: Layout, known: readonly Definition[], where: string): void {
  const { version, writtenBy, definitions } = stored;
  const writer = writtenBy === undefined ? 'a newer infakt-kafka' : `infakt-kafka ${writtenBy} or newer`;
  const left = 'the shard is left alone, as going on would publish its rows again in turns with the newer program';
  if (version > LAYOUT_VERSION)
    throw new ConfigError(
      `${where}: expected a layout of version ${LAYOUT_VERSION} at most, got ${version}; this needs ${writer}, and ${left}`,
      { concerns: 'shard', trouble: 'newer-version' },
    );
  for (const { stream, hashVersion, normalisationVersion } of definitions) {
    const own = known.find((definition) => definition.stream === stream);
    if (own === undefined) continue;
    if (hashVersion <= own.hashVersion && normalisationVersion <= own.normalisationVersion) continue;
    throw new ConfigError(
      `${where}: expected ${stream} under hash version ${own.hashVersion} and normalisation version ${own.normalisationVersion} at most, got ${hashVersion} and ${normalisationVersion}; this needs ${writer}, and ${left}`,
      { concerns: 'shard', trouble: 'newer-version' },
    );
  }
}

/** The stored layout, to which topics of streams that came later are added. */
export function withTopicsOf(stored: Layout, now: Layout): Layout {
  return {
    ...stored,
    ...(now.writtenBy === undefined ? {} : { writtenBy: now.writtenBy }),
    partitions: { ...now.partitions, ...stored.partitions },
    keySchemas: { ...now.keySchemas, ...stored.keySchemas },
  };
}

/** How keys are written now: what a stored layout may differ from only where another program of ours wrote it. */
export interface ExpectedKeys extends Pick<Layout, 'keyFraming' | 'keySchemas'> {
  /** Ids of the released key schemas that a layout may name instead of the newest, by topic. */
  readonly formerKeySchemas?: Readonly<Record<string, readonly string[]>>;
}

/**
 * Throws a ConfigError where partition counts, key framing, key schemas or the ends of topics are not as the stored layout has them: keys
 * would move, change their bytes, or be published again. The error says what to do.
 */
export function verifyLayout(layout: Layout, topics: ExistingTopics, expected: ExpectedKeys): void {
  const attempted = `comparing ${topics.state.name} with the cluster`;
  const partitions = { [topics.state.name]: layout.statePartitions, ...layout.partitions };
  const actual = new Map(
    [topics.state, topics.sweeps, topics.entities, ...topics.data.values()].map((topic) => [
      topic.name,
      topic.partitions,
    ]),
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
    const isReleased = expected.formerKeySchemas?.[name]?.includes(id) ?? false;
    if (now !== undefined && now !== id && !isReleased)
      throw new ConfigError(
        layout.keyFraming === 'confluent'
          ? `${attempted}: expected the key schema of ${name} to have the id ${id} in the registry as before, got ${now}; every key would get other bytes, and each row two keys. The registry is another one or lost its schemas: restore it, or start over under another topics.prefix`
          : `${attempted}: expected the key schema ${id} of ${name}, got ${now}; key schemas are frozen, and this program knows no released one with that fingerprint`,
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

/**
 * Throws a ConfigError where a commit ended at an offset that its partition had passed before: the topic was deleted and made anew while the
 * service ran, and what was published into it is gone.
 */
export function refuseOlderOffsets(before: Layout['lastOffsets'], committed: LastOffsets): void {
  for (const [topic, partitions] of committed) {
    for (const [partition, now] of partitions) {
      const last = before[topic]?.[partition] ?? -1;
      if (now > last) continue;
      throw new ConfigError(
        `committing to partition ${partition} of ${topic}: expected offsets beyond ${last}, got ${now}; the topic was deleted and made anew, or lost records, while the service ran. What was published there before is gone: restore the topic, or start over under another topics.prefix, see docs/repair.md`,
      );
    }
  }
}

/** The higher of two offsets of each partition. */
export function highestOffsets(
  one: Layout['lastOffsets'],
  other: Layout['lastOffsets'],
): Record<string, Record<number, number>> {
  const highest: Record<string, Record<number, number>> = {};
  for (const [topic, partitions] of [...Object.entries(one), ...Object.entries(other)]) {
    const known = (highest[topic] ??= {});
    for (const [partition, last] of Object.entries(partitions))
      known[Number(partition)] = Math.max(known[Number(partition)] ?? -1, last);
  }
  return highest;
}
