import { ConfigError, RecordError, TransientError } from '../errors';
import type { EntityId, StreamName } from '../model';
import { readCommitted } from '../sinks/look';
import { statusOfRecord, streamOfKey, type StreamStatus } from '../status/stream-status';
import { streamName } from '../status/targets';
import type { ReadTopics } from './find-records';

/** How a stream stands as its replica has told last; null = nobody has told of it. */
export type StatusOf = (entity: EntityId, stream: StreamName) => StreamStatus | null;

/** Reads where every stream stands, as the status topic says; null = it cannot be read, which is no reason to tell nothing else. */
export async function readStatuses({
  kafka,
  serviceId,
  prefix,
  deadlineMs,
  decode,
}: ReadTopics): Promise<StatusOf | null> {
  const newest = new Map<string, StreamStatus>();
  const note = async (key: Buffer, value: Buffer | null): Promise<void> => {
    const place = streamOfKey(await decode(key));
    if (place === null) return;
    const status = value === null ? null : statusOfRecord(await decode(value));
    const name = streamName(place.entity, place.stream);
    if (status !== null) newest.set(name, status);
    else if (value === null) newest.delete(name);
  };
  try {
    const topic = `${prefix}.status`;
    await readCommitted(kafka, { serviceId, topic, follow: false, deadlineMs }, async ({ key, value }) => {
      if (key === null) return false;
      // A record that is no status is left out, as replicas do.
      await note(key, value).catch((error: unknown) => {
        if (!(error instanceof RecordError)) throw error;
      });
      return false;
    });
  } catch (error) {
    if (error instanceof ConfigError || error instanceof TransientError) return null;
    throw error;
  }
  return (entity, stream) => newest.get(streamName(entity, stream)) ?? null;
}
