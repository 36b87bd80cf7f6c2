import { setTimeout } from 'node:timers/promises';

import { TransientError } from '../errors';
import { isObject, textOrNull } from '../json';
import type { Cursor, EntityId, StreamName } from '../model';
import type { CoverageWatch, Coverage, SweepEvidence } from '../rules/coverage';
import { readCommitted } from '../sinks/look';
import { skippedBlocks, StoredTopic } from '../state/read-state';
import { finishedSweepOf } from './finished-sweep';
import type { ReadTopics } from './find-records';

/** The wait after Kafka could not be used, before the topic is read anew. */
const AGAIN_MS = 2_000;

/**
 * Reads the records of finished sweeps, as they come, until they say whether the watch's instant is covered, or `topics.stop` is aborted. An
 * outage of Kafka is waited for; each is told.
 */
export async function awaitCoverage(
  topics: ReadTopics,
  watch: CoverageWatch,
  onTrouble: (message: string) => void,
  againMs = AGAIN_MS,
): Promise<Coverage> {
  const { stop } = topics;
  while (!stop.aborted) {
    try {
      // Only at the topic's end is it known which sweep of a stream is the newest.
      await readSweeps(topics, watch, false);
      if (watch.coverage().kind === 'waiting' && !isAborted(stop)) await readSweeps(topics, watch, true);
      return watch.coverage();
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      onTrouble(error.message);
      await setTimeout(againMs, undefined, { signal: stop }).catch(() => undefined);
    }
  }
  return watch.coverage();
}

/** A function, as the compiler takes what was read of a signal to hold for good. */
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

async function readSweeps(
  { kafka, serviceId, prefix, stop, deadlineMs, decode }: ReadTopics,
  watch: CoverageWatch,
  follow: boolean,
): Promise<void> {
  const topic = `${prefix}.sweeps`;
  await readCommitted(kafka, { serviceId, topic, follow, stop, deadlineMs }, async ({ value }) => {
    const sweep = value === null ? null : await evidenceIn(decode, value);
    if (sweep !== null) watch.add(sweep);
    return follow && watch.coverage().kind !== 'waiting';
  });
}

async function evidenceIn(decode: ReadTopics['decode'], bytes: Buffer): Promise<SweepEvidence | null> {
  try {
    return evidenceOf(await decode(bytes));
  } catch (error) {
    if (error instanceof TransientError) throw error;
    // A record that no schema fits is evidence of nothing.
    return null;
  }
}

/** What the decoded record of a finished sweep is evidence of; null = it is a record of another kind. */
export function evidenceOf(value: unknown): SweepEvidence | null {
  const sweep = finishedSweepOf(value, []);
  if (sweep === undefined || !isObject(value)) return null;
  const [entity, stream] = [textOrNull(value['entity']), textOrNull(value['stream'])];
  if (entity === null || stream === null) return null;
  return {
    entity,
    stream,
    number: sweep.number,
    startedAtMs: Date.parse(sweep.startedAt),
    finishedAtMs: Date.parse(sweep.finishedAt),
    // Records of before there was this field say nothing of it.
    complete: value['complete'] === true,
    lacks: value['complete'] === true ? '' : lacksIn(value),
  };
}

function lacksIn(value: Readonly<Record<string, unknown>>): string {
  const hold = textOrNull(value['hold']);
  const counts = [
    ['dead_letters_standing', 'dead letters standing'],
    ['pending', 'pending'],
    ['unreadable', 'unreadable'],
    ['accepted', "of these accepted in the entity's file"],
  ] as const;
  const parts = [
    ...(hold === null ? [] : [`deletions wait for a person (hold ${hold})`]),
    ...counts.flatMap(([name, words]) =>
      typeof value[name] === 'number' && value[name] > 0 ? [`${value[name]} ${words}`] : [],
    ),
  ];
  return parts.length === 0 ? 'its record does not say that it is complete' : parts.join(', ');
}

/** The sweeps of an entity as the state topic has them, one that is under way among them, by stream. */
export async function sweepsIn(topics: ReadTopics, entity: EntityId): Promise<ReadonlyMap<StreamName, Cursor>> {
  const { kafka, serviceId, prefix, deadlineMs } = topics;
  const topic = `${prefix}.state`;
  const stored = new StoredTopic({ serviceId, topic, ...skippedBlocks });
  await readCommitted(kafka, { serviceId, topic, follow: false, deadlineMs }, (record) => {
    stored.apply(record);
    return false;
  });
  const cursors = new Map<StreamName, Cursor>();
  for (const state of stored.partitions.values())
    for (const entry of state.entries())
      if (entry.kind === 'scan' && entry.scan === 'sweep' && entry.entity === entity)
        cursors.set(entry.stream, entry.value);
  return cursors;
}
