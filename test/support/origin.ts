import { NO_DATE } from '../../src/changes/block';
import type { Origin, OutputTopic, StreamCodec } from '../../src/changes/records';
import { invoices } from '../../src/sources/streams/invoices';

// Records as JSON, so that a test can read what was written.

export const topicOf = (name: string, maxMessageBytes = 1_000_000): OutputTopic => ({
  name,
  partitions: 6,
  maxMessageBytes,
});
export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
export const read = (bytes: Buffer | null | undefined): unknown =>
  bytes == null ? bytes : JSON.parse(bytes.toString());

/** An invoice of alfa that `open` showed. */
export function originOf(changes: Partial<StreamCodec> = {}): Origin {
  const codec: StreamCodec = {
    declaration: invoices,
    definition: { stream: 'invoices', hashVersion: 1, normalisationVersion: 1, volatileFields: [] },
    definitionNumber: 23,
    fingerprintUnder: () => undefined,
    decode: (row, _entity, observedAtMs) => ({ record: { ...row, observed_at: observedAtMs }, misfits: [] }),
    encode: json,
    encodeKey: json,
    dateOf: () => NO_DATE,
    topic: topicOf('invoices'),
    lines: null,
    formerLines: null,
    withKeysOf() {
      return this;
    },
    ...changes,
  };
  return { entity: 'alfa', codec, scan: 'open', observedAtMs: 1000, observedAt: '1970-01-01T00:00:01.000Z' };
}
