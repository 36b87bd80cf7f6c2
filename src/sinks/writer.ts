import {
  CompressionTypes,
  Partitioners,
  type Kafka,
  type Producer,
  type ProducerBatch,
  type RecordMetadata,
  type Transaction,
} from 'kafkajs';

import { ConfigError, TransientError } from '../errors';
import { TRANSACTION_TIMEOUT_MS } from './broker-settings';
import type { ClockBounds } from './clock-bounds';
import { classify, kafkaType, withDeadline } from './faults';
import { checkCoverage, oneTopicAtATime, sendRounds, topicMessages, type Send, type SendLimits } from './sends';
import type { Batch, LastOffsets, Writer } from './transaction';

/** What a writer needs to know of its shard. */
export interface WriterOptions extends SendLimits {
  readonly transactionalId: string;
  /** Of data topics; the state topic is never compressed. Default: none. */
  readonly compression?: 'none' | 'gzip';
  /** How far the clock may be from the broker's by a topic, to be named where the broker refuses the time of records. */
  readonly clock?: (topic: string) => ClockBounds | undefined;
  /** A transaction that takes longer is given up. */
  readonly deadlineMs: number;
  /** Once aborted, nothing is fenced any more: the shard may have another owner. */
  readonly wanted?: AbortSignal;
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
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { retries: 0, initialRetryTime: 10, maxRetryTime: 10, factor: 0, multiplier: 1 },
  });
  let first: Transaction | null = null;
  let late = false;
  try {
    first = await withDeadline(
      fence(producer, options, () => late),
      options.deadlineMs,
      `taking the transactional id ${options.transactionalId}`,
    );
  } catch (error) {
    late = true;
    await closeProducer(producer);
    const { transactionalId } = options;
    const rights = { transactionalId: `Write on transactional id ${transactionalId}` };
    throw classify(error, `taking the transactional id ${transactionalId}`, rights).error;
  }

  /** True once a commit did not go through. */
  let givenUp = false;
  /** Whatever a transaction that was given up is still waiting for, it neither sends nor commits anything more. */
  const goOn = (): void => {
    if (givenUp) throw new TransientError(`a transaction of ${options.transactionalId} goes on: it was given up`);
  };
  /** Topics that this writer has written to. */
  const allowed = new Set<string>();
  let sending: readonly string[] = [];

  /** A commit given up later than the broker gives up the transaction would be one that nobody waits for. */
  const deadlineMs = Math.min(options.deadlineMs, TRANSACTION_TIMEOUT_MS);
  const attempt = async (batch: Batch): Promise<LastOffsets> => {
    const transaction = first ?? (await producer.transaction());
    first = null;
    const lastOffsets = new Map<string, Map<number, number>>();
    const rounds = sendRounds(options, batch).flatMap((round) => oneTopicAtATime(round, allowed));
    for (const [number, round] of rounds.entries()) {
      goOn();
      sending = [...round.keys()];
      const result =
        number === 0
          ? await sendFirst(transaction, sendOf(round, options), goOn)
          : await transaction.sendBatch(sendOf(round, options));
      checkCoverage(round, result, lastOffsets);
      for (const topic of sending) allowed.add(topic);
    }
    sending = [];
    goOn();
    await transaction.commit();
    return lastOffsets;
  };

  return {
    async commit(batch) {
      const attempted = `committing ${batch.records.length} records and ${batch.state.length} state records of ${options.transactionalId}`;
      const begun = performance.now();
      try {
        const lastOffsets = await withDeadline(attempt(batch), deadlineMs, attempted);
        return { kind: 'committed', lastOffsets };
      } catch (error) {
        // No abort: it has the epoch of the sends, and may overtake one that is still on its way to another leader. A broker that does not
        // verify transactions (before 3.6, or switched off) takes that send behind the abort's marker, and shows it with the next commit.
        // The next InitProducerId ends the transaction under a higher epoch, so that the late send is refused.
        givenUp = true;
        const outcome = classify(error, attempted, {
          topic: `Write on topic ${sending.join(' and topic ')}`,
          transactionalId: `Write on transactional id ${options.transactionalId}`,
          clocks: sending.flatMap((topic) => options.clock?.(topic) ?? []),
        });
        if (outcome.kind === 'lost') return { ...outcome, late: performance.now() - begun >= deadlineMs };
        return outcome.kind === 'refused' && !sending.some((topic) => topic !== options.stateTopic)
          ? { kind: 'forbidden', error: stateRefused(options.stateTopic, outcome.error) }
          : outcome;
      }
    },
    close: () => closeProducer(producer),
  };
}

/** No row is in the state topic: what the broker refuses there, it refuses whatever rows are sent. */
function stateRefused(stateTopic: string, error: TransientError): ConfigError {
  return new ConfigError(
    `${error.message}; ${stateTopic} takes no record of that size: set its max.message.bytes to 1048588, the broker's default, or more`,
    { cause: error, mayPass: true },
  );
}

async function fence(
  producer: Producer,
  { wanted, transactionalId }: Pick<WriterOptions, 'wanted' | 'transactionalId'>,
  isLate: () => boolean,
): Promise<Transaction> {
  await producer.connect();
  for (let tries = 0; ; tries += 1) {
    // Taken later, the id would be taken from the writer that was opened meanwhile.
    if (isLate() || wanted?.aborted === true)
      throw new TransientError(`${transactionalId} was given up before it was taken`);
    try {
      return await producer.transaction();
    } catch (error) {
      // kafkajs gives InitProducerId five tries with its own fixed waits; a large cluster that is starting needs longer.
      if (!COORDINATOR_MOVING.has(kafkaType(error)) || tries >= 3) throw error;
    }
  }
}

/** One send as kafkajs takes it. */
function sendOf(
  send: Send,
  { compression, stateTopic }: Pick<WriterOptions, 'compression' | 'stateTopic'>,
): ProducerBatch {
  const gzip = compression === 'gzip' && !send.has(stateTopic);
  return { acks: -1, topicMessages: topicMessages(send), ...(gzip ? { compression: CompressionTypes.GZIP } : {}) };
}

async function sendFirst(transaction: Transaction, send: ProducerBatch, goOn: () => void): Promise<RecordMetadata[]> {
  for (;;) {
    try {
      return await transaction.sendBatch(send);
    } catch (error) {
      // The markers of the transaction before this one are still being written (tulios/kafkajs#304); bounded by the commit's deadline.
      if (kafkaType(error) !== 'CONCURRENT_TRANSACTIONS') throw error;
      await new Promise((resolve) => setTimeout(resolve, CONCURRENT_TRANSACTIONS_WAIT_MS));
      goOn();
    }
  }
}

/** kafkajs' disconnect hangs while a request is unanswered, so it is never awaited without a bound. */
async function closeProducer(producer: Producer): Promise<void> {
  await withDeadline(producer.disconnect(), CLOSE_DEADLINE_MS, 'disconnecting a producer').catch(() => undefined);
}
