/* The stock filter of kafkajs 2.2.4 delivers aborted records of a partition with several writers: it takes the broker's list of aborted
 * transactions in the order given (that of completion) and enters at most one of them per record. */

interface FetchedMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
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
}

const CORRECTED = Symbol('aborted records are hidden');

/**
 * Makes every kafkajs consumer of this process hide aborted records the way the Java client does, partitions with several
 * transactional writers included. Calling it again changes nothing.
 */
export function correctReadCommitted(): void {
  // eslint-disable-next-line @typescript-eslint/no-require-imports -- kafkajs has no types for this module and no public seam
  const { prototype } = require('kafkajs/src/broker') as { prototype: BrokerPrototype & { [CORRECTED]?: true } };
  if (prototype[CORRECTED] === true) return;
  const stock = prototype.fetch;
  prototype.fetch = async function fetch(request) {
    const answer = await stock.call(this, request);
    for (const { partitions } of answer.responses) partitions.forEach(hideAborted);
    return answer;
  };
  prototype[CORRECTED] = true;
}

/** Marks aborted records as control records, which kafkajs skips while it still moves its offset past them. */
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
