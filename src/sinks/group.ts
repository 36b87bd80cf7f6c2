import type { Batch, Consumer, Kafka } from 'kafkajs';
import { ReplaySubject, type Observable } from 'rxjs';

import { asError, TransientError } from '../errors';
import { watchContact } from './contact';
import { classify, withDeadline } from './faults';
import type { StoredRecord } from './transaction';

/** This replica's place in the consumer group whose partitions are the shards. */
export interface Membership {
  /** The shards that this replica owns, at every join of the group; errors when the group cannot be kept. */
  readonly owned: Observable<ReadonlySet<number>>;
  /** Resolves when the group says, later than this call, that the shard is still ours. */
  confirmed(shard: number): Promise<void>;
  /** Hands over committed records of an owned shard from an offset on, until `each` returns true or all before `end` are read. */
  read(shard: number, from: number, each: (record: StoredRecord) => boolean, end?: number): Promise<void>;
  /** Leaves the group, so that others need not wait for the session to time out. */
  leave(): Promise<void>;
}

/** The group and how patient it is. */
export interface GroupSettings {
  readonly groupId: string;
  readonly stateTopic: string;
  readonly sessionTimeoutMs: number;
  /** A read of a shard's state that takes longer is given up. */
  readonly readDeadlineMs: number;
  /** Called with an error once nothing was heard of the group for ten seconds, and with null when it is heard again. */
  readonly onContact?: (failure: TransientError | null) => void;
}

/** Where this replica stands in the group. */
type MemberState = 'joining' | 'member' | 'left';

/** The states that may follow each state; every rebalance is another join, and leaving again changes nothing. */
const MEMBER_TRANSITIONS: Readonly<Record<MemberState, readonly MemberState[]>> = {
  joining: ['member', 'left'],
  member: ['member', 'left'],
  left: ['left'],
};

/** A reading of one shard; a shard without one is idle. */
interface Reading {
  readonly from: number;
  readonly end: number;
  readonly each: (record: StoredRecord) => boolean;
  readonly done: () => void;
  readonly failed: (error: Error) => void;
}

const LEAVE_DEADLINE_MS = 5_000;
/** At most so long between two heartbeats, however long the session may be: ten seconds without one are told as a silent Kafka. */
const HEARTBEAT_MS = 3_000;
const ANSWER_DEADLINE_MS = 20_000;

/**
 * Joins the consumer group over the state topic. Kafka's group protocol spreads the shards and moves them when a replica goes; the same
 * consumer reads a shard's state when asked to and is paused otherwise. It never commits offsets.
 */
export function joinGroup(kafka: Pick<Kafka, 'consumer'>, settings: GroupSettings): Membership {
  const { stateTopic, groupId, onContact } = settings;
  const contact = watchContact((failure) =>
    onContact?.(
      failure === null
        ? null
        : new TransientError(
            `taking part in group ${groupId}: expected a heartbeat to be answered, got no sign of life for 10 s`,
            {
              cause: failure.cause,
            },
          ),
    ),
  );
  const consumer = createConsumer(kafka, settings, () => state !== 'left');
  const rights = { group: `Read on group ${settings.groupId}`, topic: `Read on topic ${stateTopic}` };
  const owned = new ReplaySubject<ReadonlySet<number>>(1);
  const readings = new Map<number, Reading>();
  let listed: ReadonlySet<number> = new Set();
  let waiting: { readonly shard: number; readonly done: () => void; readonly failed: (error: Error) => void }[] = [];
  let state: MemberState = 'joining';

  const become = (next: MemberState): void => {
    if (!MEMBER_TRANSITIONS[state].includes(next)) {
      throw new Error(
        next === 'member' ? `joined group ${settings.groupId} after leaving it` : `cannot be ${next} once ${state}`,
      );
    }
    state = next;
  };
  const confirm = (): void => {
    const confirmed = waiting.filter(({ shard }) => listed.has(shard));
    waiting = waiting.filter(({ shard }) => !listed.has(shard));
    for (const { done } of confirmed) done();
  };
  const begin = (shard: number, from: number): void => {
    try {
      consumer.seek({ topic: stateTopic, partition: shard, offset: String(from) });
      consumer.resume([{ topic: stateTopic, partitions: [shard] }]);
    } catch (error) {
      // While kafkajs restarts a consumer that lost its brokers, the consumer has no group to seek in.
      throw classify(error, `reading shard ${shard} of ${stateTopic} from offset ${from}`, rights).error;
    }
  };
  /** Fetches no more of a shard. A consumer that is being restarted is not fetching, and its next join pauses every shard. */
  const rest = (shard: number): void => {
    try {
      consumer.pause([{ topic: stateTopic, partitions: [shard] }]);
    } catch {
      // Whatever ended the reading is told, and not this.
    }
  };

  // Emitted synchronously, before the first fetch of the new generation.
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    contact.heard();
    // A member that was being restarted when it left would keep its share of the shards and read none: the throw makes it give up.
    become('member');
    listed = new Set(payload.memberAssignment[stateTopic] ?? []);
    consumer.pause([{ topic: stateTopic, partitions: [...listed] }]);
    for (const [shard, reading] of readings) {
      // A join forgets where a partition was being read: a restore under way starts again, a lost shard's ends.
      if (listed.has(shard)) begin(shard, reading.from);
      else {
        readings.delete(shard);
        const message = `reading shard ${shard} of ${stateTopic}: it moved to another replica`;
        reading.failed(new TransientError(message, { trouble: 'hand-over' }));
      }
    }
    owned.next(listed);
    confirm();
  });
  consumer.on(consumer.events.HEARTBEAT, () => {
    contact.heard();
    confirm();
  });
  consumer.on(consumer.events.REBALANCING, () => contact.expectSilence(rebalanceTimeoutOf(settings)));
  // The event comes also for batches that hold nothing but markers, as the last of a partition does.
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    const reading = readings.get(payload.partition);
    if (reading !== undefined && Number(payload.lastOffset) >= reading.end - 1) reading.done();
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    contact.failed(payload.error);
    if (payload.restart) return;
    owned.error(classify(payload.error, `taking part in group ${settings.groupId}`, rights).error);
  });

  const started = start(consumer, stateTopic, readings).catch((error: unknown) => {
    owned.error(classify(error, `joining group ${settings.groupId}`, rights).error);
  });

  return {
    owned: owned.asObservable(),
    confirmed: (shard) => new Promise((resolve, reject) => waiting.push({ shard, done: resolve, failed: reject })),
    async read(shard, from, each, end = Infinity) {
      if (from >= end) return;
      if (!listed.has(shard))
        throw new TransientError(`reading shard ${shard} of ${stateTopic}: it belongs to another replica`);
      if (readings.has(shard)) throw new Error(`shard ${shard} of ${stateTopic} is being read already; this is a bug`);
      let reading: Reading | undefined;
      const whole = new Promise<void>((resolve, reject) => {
        reading = { from, end, each, done: resolve, failed: reject };
        readings.set(shard, reading);
        begin(shard, from);
      });
      try {
        await withDeadline(
          whole,
          settings.readDeadlineMs,
          `reading shard ${shard} of ${stateTopic} from offset ${from} to its marker`,
        );
      } finally {
        // A shard that went and came back may be read anew by now.
        if (readings.get(shard) === reading) {
          readings.delete(shard);
          rest(shard);
        }
      }
    },
    async leave() {
      become('left');
      contact.end();
      const gone = new TransientError(`taking part in group ${settings.groupId}: it was left`);
      for (const { failed } of [...readings.values(), ...waiting.splice(0)]) failed(gone);
      await started;
      await withDeadline(consumer.disconnect(), LEAVE_DEADLINE_MS, 'leaving the group').catch(() => undefined);
      owned.complete();
    },
  };
}

/** The consumer of the group; it restarts after failures that pass for as long as it is wanted. */
function createConsumer(kafka: Pick<Kafka, 'consumer'>, settings: GroupSettings, isWanted: () => boolean): Consumer {
  return kafka.consumer({
    groupId: settings.groupId,
    sessionTimeout: settings.sessionTimeoutMs,
    rebalanceTimeout: rebalanceTimeoutOf(settings),
    heartbeatInterval: Math.min(HEARTBEAT_MS, Math.max(250, Math.floor(settings.sessionTimeoutMs / 10))),
    maxWaitTimeInMs: 100,
    maxBytesPerPartition: 4 * 1024 * 1024,
    allowAutoTopicCreation: false,
    readUncommitted: false,
    retry: {
      retries: 8,
      initialRetryTime: 200,
      maxRetryTime: 3_000,
      factor: 0.2,
      multiplier: 2,
      // Disconnecting does not end a restart that is under way. A fault that a person must set right ends the membership instead of being tried in silence.
      restartOnFailure: (error) => Promise.resolve(isWanted() && classify(error, '').kind !== 'forbidden'),
    },
  });
}

function rebalanceTimeoutOf({ sessionTimeoutMs }: GroupSettings): number {
  return Math.max(sessionTimeoutMs, 10_000);
}

async function start(consumer: Consumer, stateTopic: string, readings: ReadonlyMap<number, Reading>): Promise<void> {
  await consumer.connect();
  await consumer.subscribe({ topic: stateTopic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      handOver(batch, readings.get(batch.partition));
      return Promise.resolve();
    },
  });
}

/** Gives the reading, if there is one, the records of a batch until it has enough. */
function handOver({ messages }: Batch, reading: Reading | undefined): void {
  if (reading === undefined) return;
  try {
    for (const { key, value, offset } of messages) {
      const stored = { key: key?.toString() ?? '', value, offset: Number(offset) };
      if (stored.offset >= reading.from && reading.each(stored)) {
        reading.done();
        return;
      }
    }
  } catch (error) {
    reading.failed(asError(error));
  }
}

/** Resolves true once the group has no members, false if it still has some after the time given; `onWaiting` is called once where there are some. */
export async function groupIsEmpty(
  kafka: Pick<Kafka, 'admin'>,
  groupId: string,
  withinMs: number,
  onWaiting: () => void = () => undefined,
): Promise<boolean> {
  const attempted = `asking who is in group ${groupId}`;
  const admin = kafka.admin();
  const ask = async (): Promise<boolean> => {
    await admin.connect();
    const giveUpAt = Date.now() + withinMs;
    for (let tries = 1; ; tries += 1) {
      const { groups } = await admin.describeGroups([groupId]);
      if (groups.every(({ members }) => members.length === 0)) return true;
      if (Date.now() >= giveUpAt) return false;
      if (tries === 1) onWaiting();
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  };
  try {
    return await withDeadline(ask(), withinMs + ANSWER_DEADLINE_MS, attempted);
  } catch (error) {
    throw classify(error, attempted, { group: `Read on group ${groupId}` }).error;
  } finally {
    await withDeadline(admin.disconnect(), LEAVE_DEADLINE_MS, 'disconnecting').catch(() => undefined);
  }
}
