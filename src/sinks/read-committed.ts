/* The stock filter of kafkajs 2.2.4 delivers aborted records of a partition with several writers: it takes the broker's list of aborted
 * transactions in the order given (that of completion) and enters at most one of them per record. */

import { ConfigError } from '../errors';

interface FetchedMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  /** Messages in the formats before Kafka 0.11 have none. */
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean };
  isControlRecord: boolean;
}

interface FetchedPartition {
  abortedTransactions: readonly { readonly producerId: string; readonly firstOffset: string }[] | null;
  readonly messages: readonly FetchedMessage[];
}

interface FetchAnswer {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[];
}

interface BrokerPrototype {
  fetch: (this: unknown, request: unknown) => Promise<FetchAnswer>;
  [CORRECTED]?: true;
}

/** Shared by all copies of this module in a process. */
const CORRECTED = Symbol.for('infakt-kafka: aborted records are hidden');

/**
 * Makes every consumer of one copy of kafkajs hide aborted records the way the Java client does, partitions with several
 * transactional writers included. Calling it again changes nothing.
 *
 * The copy is the one that this package resolves, which npm usually shares with the program that depends on it. Pass the
 * program's own `require` to be sure: two copies are two sets of consumers.
 *
 * @example correctReadCommitted(require)
 * @example correctReadCommitted(createRequire(import.meta.url))
 */
export function correctReadCommitted(load: (id: string) => unknown = require): void {
  const prototype = brokerOf(load('kafkajs/src/broker'));
  if (prototype[CORRECTED] === true) return;
  const stock = prototype.fetch;
  prototype.fetch = async function fetch(request) {
    const answer = await stock.call(this, request);
    for (const { partitions } of answer.responses) partitions.forEach(hideAborted);
    return answer;
  };
  prototype[CORRECTED] = true;
}

/** kafkajs has neither types for this module nor a public seam. */
function brokerOf(loaded: unknown): BrokerPrototype {
  const prototype: unknown = typeof loaded === 'function' ? loaded.prototype : undefined;
  if (isBroker(prototype)) return prototype;
  throw new ConfigError(
    'correcting how kafkajs hides aborted records: expected kafkajs 2 with fetch on the class of kafkajs/src/broker, got none',
  );
}

function isBroker(prototype: unknown): prototype is BrokerPrototype {
  return (
    typeof prototype === 'object' && prototype !== null && 'fetch' in prototype && typeof prototype.fetch === 'function'
  );
}

/**
 * Marks aborted records as control records, which kafkajs skips while it still moves its offset past them.
 *
 * @internal
 */
export function hideAborted(partition: FetchedPartition): void {
  const waiting = [...(partition.abortedTransactions ?? [])].sort((a, b) =>
    compareOffsets(a.firstOffset, b.firstOffset),
  );
  partition.abortedTransactions = [];
  const aborted = new Set<string>();
  let next = 0;
  for (const message of partition.messages) {
    for (
      let entry = waiting[next];
      entry !== undefined && compareOffsets(entry.firstOffset, message.offset) <= 0;
      entry = waiting[next]
    ) {
      aborted.add(entry.producerId);
      next += 1;
    }
    if (message.batchContext === undefined) continue;
    const { producerId, inTransaction } = message.batchContext;
    if (message.isControlRecord) {
      if (isAbortMarker(message.key)) aborted.delete(producerId);
    } else if (inTransaction && aborted.has(producerId)) {
      message.isControlRecord = true;
    }
  }
}

/** Key of a control record: version int16, type int16; type 0 is an abort. */
function isAbortMarker(key: Buffer | null): boolean {
  return key !== null && key.length >= 4 && key.readInt16BE(2) === 0;
}

function compareOffsets(a: string, b: string): number {
  return a.length === b.length ? (a < b ? -1 : a > b ? 1 : 0) : a.length - b.length;
}
