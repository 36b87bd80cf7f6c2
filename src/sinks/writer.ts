import { Partitioners, type Kafka, type Producer, type RecordMetadata, type Transaction } from 'kafkajs';

import { classify, kafkaType, withDeadline } from './faults';
import { checkCoverage, oneTopicAtATime, sendRounds, topicMessages, type Send, type SendLimits } from './sends';
import type { Batch, LastOffsets, Writer } from './transaction';

/** What a writer needs to know of its shard. */
export interface WriterOptions extends SendLimits {
  readonly transactionalId: string;
  /** A transaction that takes longer is given up. */
  readonly deadlineMs: number;
}

const CLOSE_DEADLINE_MS = 2_000;
const CONCURRENT_TRANSACTIONS_WAIT_MS = 5;
const COORDINATOR_MOVING: ReadonlySet<string> = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'CONCURRENT_TRANSACTIONS',
]);

/**
 * Takes the shard's transactional id, which fences every older writer and ends what it left open, and returns the new writer.
 * Rejects with a TransientError or ConfigError.
 *
 * The producer never retries: kafkajs loses and doubles records inside a committed transaction when one of its retries spans several
 * leaders. Only the first send, which goes to one partition, is repeated here while the previous transaction's markers are written.
 */
export async function openWriter(kafka: Pick<Kafka, 'producer'>, options: WriterOptions): Promise<Writer> {
  const producer = kafka.producer({
    transactionalId: options.transactionalId,
    idempotent: false,
    maxInFlightRequests: 1,
    transactionTimeout: 30_000,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { retries: 0, initialRetryTime: 10, maxRetryTime: 10, factor: 0, multiplier: 1 },
  });
  let first: Transaction | null = null;
  try {
    first = await withDeadline(
      fence(producer),
      options.deadlineMs,
      `taking the transactional id ${options.transactionalId}`,
    );
  } catch (error) {
    await closeProducer(producer);
    const { transactionalId } = options;
    const rights = { transactionalId: `Write on transactional id ${transactionalId}` };
    throw classify(error, `taking the transactional id ${transactionalId}`, rights).error;
  }

  /** Begun, and its commit not yet asked for. */
  let open: Transaction | null = null;
  /** Topics that this writer has written to. */
  const allowed = new Set<string>();
  let sending: readonly string[] = [];

  const attempt = async (batch: Batch): Promise<LastOffsets> => {
    const transaction = first ?? (await producer.transaction());
    first = null;
    open = transaction;
    const lastOffsets = new Map<string, Map<number, number>>();
    const rounds = sendRounds(options, batch).flatMap((round) => oneTopicAtATime(round, allowed));
    for (const [number, round] of rounds.entries()) {
      sending = [...round.keys()];
      const result =
        number === 0
          ? await sendFirst(transaction, round)
          : await transaction.sendBatch({ acks: -1, topicMessages: topicMessages(round) });
      checkCoverage(round, result, lastOffsets);
      for (const topic of sending) allowed.add(topic);
    }
    sending = [];
    open = null;
    await transaction.commit();
    return lastOffsets;
  };

  return {
    async commit(batch) {
      const attempted = `committing ${batch.records.length} records and ${batch.state.length} state records of ${options.transactionalId}`;
      try {
        const lastOffsets = await withDeadline(attempt(batch), options.deadlineMs, attempted);
        return { kind: 'committed', lastOffsets };
      } catch (error) {
        // Left open it would hold back every read_committed reader until it times out; whether it ends does not matter to us.
        if (open !== null) await withDeadline(open.abort(), CLOSE_DEADLINE_MS, 'aborting').catch(() => undefined);
        open = null;
        return classify(error, attempted, {
          topic: `Write on topic ${sending.join(' and topic ')}`,
          transactionalId: `Write on transactional id ${options.transactionalId}`,
        });
      }
    },
    close: () => closeProducer(producer),
  };
}

async function fence(producer: Producer): Promise<Transaction> {
  await producer.connect();
  for (let tries = 0; ; tries += 1) {
    try {
      return await producer.transaction();
    } catch (error) {
      // kafkajs gives InitProducerId five tries with its own fixed waits; a large cluster that is starting needs longer.
      if (!COORDINATOR_MOVING.has(kafkaType(error)) || tries >= 3) throw error;
    }
  }
}

async function sendFirst(transaction: Transaction, send: Send): Promise<RecordMetadata[]> {
  for (;;) {
    try {
      return await transaction.sendBatch({ acks: -1, topicMessages: topicMessages(send) });
    } catch (error) {
      // The markers of the transaction before this one are still being written (tulios/kafkajs#304); bounded by the commit's deadline.
      if (kafkaType(error) !== 'CONCURRENT_TRANSACTIONS') throw error;
      await new Promise((resolve) => setTimeout(resolve, CONCURRENT_TRANSACTIONS_WAIT_MS));
    }
  }
}

/** kafkajs' disconnect hangs while a request is unanswered, so it is never awaited without a bound. */
async function closeProducer(producer: Producer): Promise<void> {
  await withDeadline(producer.disconnect(), CLOSE_DEADLINE_MS, 'disconnecting a producer').catch(() => undefined);
}
