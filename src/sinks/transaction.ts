import type { ConfigError, TransientError } from '../errors';

/** One record for a data topic; the partition is chosen by us. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  /** Null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** One record of the shard's own partition of the state topic. */
export interface StateRecord {
  readonly key: string;
  /** Null removes the key. */
  readonly value: Buffer | string | null;
}

/** What one transaction holds; it is committed whole or not at all. */
export interface Batch {
  readonly state: readonly StateRecord[];
  readonly records: readonly OutgoingRecord[];
}

/**
 * How a transaction ended. Only `committed` is certain: after any other outcome the transaction may or may not stand, the writer is
 * used up, and the state topic alone tells (kafkajs does not retry EndTxn and strands its producer: tulios/kafkajs#1355).
 */
export type Outcome =
  | { readonly kind: 'committed'; readonly lastOffsets: LastOffsets }
  /** A newer writer of this shard exists. */
  | { readonly kind: 'fenced'; readonly error: TransientError }
  /** The broker will not take these records, whoever sends them. */
  | { readonly kind: 'refused'; readonly error: TransientError }
  /** A person must set something right: rights, settings. */
  | { readonly kind: 'forbidden'; readonly error: ConfigError }
  /** The connection or a broker failed. `late`: not everything was sent and answered within the deadline. */
  | { readonly kind: 'lost'; readonly error: TransientError; readonly late?: boolean };

/** Last offset written, by topic and partition. */
export type LastOffsets = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** The one writer of a shard. */
export interface Writer {
  /** Commits a batch in one transaction; never throws for what Kafka does. */
  commit(batch: Batch): Promise<Outcome>;
  /** Lets go of the connections, within two seconds. */
  close(): Promise<void>;
}

/** One committed record of the state topic. */
export interface StoredRecord {
  readonly key: string;
  readonly value: Buffer | null;
  readonly offset: number;
}
