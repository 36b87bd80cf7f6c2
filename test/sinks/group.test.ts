import type { Consumer, ConsumerConfig, ConsumerEvents, EachBatchHandler, Kafka } from 'kafkajs';

import { TransientError } from '../../src/errors';
import { groupIsEmpty, joinGroup, type Membership } from '../../src/sinks/group';

type Listener = (event: { readonly payload: unknown }) => void;

const events: Pick<ConsumerEvents, 'GROUP_JOIN' | 'HEARTBEAT' | 'REBALANCING' | 'END_BATCH_PROCESS' | 'CRASH'> = {
  GROUP_JOIN: 'consumer.group_join',
  HEARTBEAT: 'consumer.heartbeat',
  REBALANCING: 'consumer.rebalancing',
  END_BATCH_PROCESS: 'consumer.end_batch_process',
  CRASH: 'consumer.crash',
};

/** A consumer whose group and broker are the test. */
function fakeKafka() {
  const listeners = new Map<string, Listener>();
  const calls: string[] = [];
  let config: ConsumerConfig | undefined;
  let eachBatch: EachBatchHandler | undefined;
  const consumer: Pick<
    Consumer,
    'on' | 'pause' | 'resume' | 'seek' | 'connect' | 'subscribe' | 'run' | 'disconnect'
  > & { readonly events: typeof events } = {
    events,
    on: (name: string, listener: unknown) => {
      listeners.set(name, listener as Listener);
      return () => undefined;
    },
    pause: (topics) => calls.push(`pause ${topics.map(({ partitions }) => String(partitions)).join()}`),
    resume: (topics) => calls.push(`resume ${topics.map(({ partitions }) => String(partitions)).join()}`),
    seek: ({ partition, offset }) => calls.push(`seek ${partition} to ${offset}`),
    connect: () => Promise.resolve(),
    subscribe: () => Promise.resolve(),
    run: (options) => {
      eachBatch = options?.eachBatch;
      return Promise.resolve();
    },
    disconnect: () => Promise.resolve(),
  };
  const kafka = {
    consumer: (given: ConsumerConfig) => {
      config = given;
      return consumer as Consumer;
    },
  } satisfies Pick<Kafka, 'consumer'>;
  /** Makes the consumer refuse calls, as it does while kafkajs restarts it. */
  const withoutGroup = (): void => {
    for (const call of ['pause', 'resume', 'seek'] as const) {
      consumer[call] = () => {
        throw new Error('Consumer group was not initialized, consumer#run must be called first');
      };
    }
  };
  const emit = (name: string, payload: unknown) => listeners.get(name)?.({ payload });
  return {
    kafka,
    calls,
    withoutGroup,
    join: (...shards: number[]) => emit(events.GROUP_JOIN, { memberAssignment: { state: shards } }),
    heartbeat: () => emit(events.HEARTBEAT, {}),
    crash: (error: Error, restart: boolean) => emit(events.CRASH, { error, restart }),
    ended: (partition: number, lastOffset: number) =>
      emit(events.END_BATCH_PROCESS, { partition, lastOffset: String(lastOffset) }),
    deliver: (partition: number, ...offsets: number[]) =>
      eachBatch?.({
        batch: {
          partition,
          messages: offsets.map((offset) => ({ key: Buffer.from(`k${offset}`), value: null, offset: String(offset) })),
        },
      } as Parameters<EachBatchHandler>[0]),
    heartbeatMs: () => config?.heartbeatInterval,
    restarts: async (error: Error) => config?.retry?.restartOnFailure?.(error),
  };
}

const settings = { groupId: 'service', stateTopic: 'state', sessionTimeoutMs: 10_000, readDeadlineMs: 10_000 };

/** Every assignment that the member was told, and how that ended. */
function watch({ owned }: Membership) {
  const seen: (number[] | string)[] = [];
  owned.subscribe({
    next: (shards) => seen.push([...shards]),
    error: (error: unknown) => seen.push(error instanceof Error ? error.message : 'no error'),
    complete: () => seen.push('complete'),
  });
  return seen;
}

async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('every join gives the shards that are owned, which are paused until they are read', () => {
  const fake = fakeKafka();
  const seen = watch(joinGroup(fake.kafka, settings));
  fake.join(1, 2);
  fake.join(2);
  expect(seen).toEqual([[1, 2], [2]]);
  expect(fake.calls).toEqual(['pause 1,2', 'pause 2']);
});

test('I4: a shard is confirmed by a later heartbeat or join that still lists it, and by no earlier one', async () => {
  const fake = fakeKafka();
  const membership = joinGroup(fake.kafka, settings);
  fake.join(1);
  const confirmed: number[] = [];
  void membership.confirmed(1).then(() => confirmed.push(1));
  void membership.confirmed(2).then(() => confirmed.push(2));
  await settle();
  expect(confirmed).toEqual([]);
  fake.heartbeat();
  await settle();
  expect(confirmed).toEqual([1]);
  fake.join(2);
  await settle();
  expect(confirmed).toEqual([1, 2]);
});

test.each([
  [1_000, 250],
  [10_000, 1_000],
  [60_000, 3_000],
  [1_800_000, 3_000],
])(
  'I10: a session of %i ms has a heartbeat every %i ms, so that a silence of 10 s is none of the settings',
  (sessionTimeoutMs, every) => {
    const fake = fakeKafka();
    joinGroup(fake.kafka, { ...settings, sessionTimeoutMs });
    expect(fake.heartbeatMs()).toBe(every);
  },
);

describe('reading a shard', () => {
  test('hands over records from an offset on, until the reader has enough', async () => {
    const fake = fakeKafka();
    const membership = joinGroup(fake.kafka, settings);
    fake.join(1);
    await settle();
    const read: number[] = [];
    const whole = membership.read(1, 5, ({ offset }) => read.push(offset) === 2);
    await fake.deliver(1, 4, 5, 6, 7);
    await whole;
    expect(read).toEqual([5, 6]);
    expect(fake.calls).toEqual(['pause 1', 'seek 1 to 5', 'resume 1', 'pause 1']);
  });

  test('ends at the end that was given, also where nothing but markers is left', async () => {
    const fake = fakeKafka();
    const membership = joinGroup(fake.kafka, settings);
    fake.join(1);
    const whole = membership.read(1, 0, () => false, 10);
    fake.ended(1, 8);
    fake.ended(1, 9);
    await whole;
    await membership.read(1, 10, () => false, 10);
  });

  test('begins again after a join that keeps the shard, and fails after one that does not', async () => {
    const fake = fakeKafka();
    const membership = joinGroup(fake.kafka, settings);
    fake.join(1);
    const whole = membership.read(1, 3, () => false);
    fake.join(1);
    expect(fake.calls.filter((call) => call === 'seek 1 to 3')).toHaveLength(2);
    fake.join(2);
    await expect(whole).rejects.toThrow('reading shard 1 of state: it moved to another replica');
  });

  test('fails with the error of the reader', async () => {
    const fake = fakeKafka();
    const membership = joinGroup(fake.kafka, settings);
    fake.join(1);
    await settle();
    const whole = membership.read(1, 0, () => {
      throw new Error('a foreign record');
    });
    await fake.deliver(1, 0);
    await expect(whole).rejects.toThrow('a foreign record');
  });

  test('is refused while the shard is being read', async () => {
    const fake = fakeKafka();
    const membership = joinGroup(fake.kafka, settings);
    fake.join(1);
    const whole = membership.read(1, 0, () => false, 1);
    await expect(membership.read(1, 0, () => false)).rejects.toThrow('shard 1 of state is being read already');
    fake.ended(1, 0);
    await whole;
  });

  test.each(['never owned', 'lost'])('I4: is refused at once where the shard was %s', async (how) => {
    const fake = fakeKafka();
    const membership = joinGroup(fake.kafka, settings);
    if (how === 'lost') fake.join(1);
    fake.join(2);
    await expect(membership.read(1, 0, () => false)).rejects.toMatchObject({ code: 'TRANSIENT' });
    expect(fake.calls.filter((call) => call.startsWith('resume'))).toEqual([]);
  });

  test('I4: of a shard that went and came back is not ended by the end of an older one', async () => {
    const fake = fakeKafka();
    const membership = joinGroup(fake.kafka, settings);
    fake.join(1);
    const older = membership.read(1, 0, () => false).catch((error: unknown) => error);
    fake.join(2);
    fake.join(1);
    const read: number[] = [];
    const newer = membership.read(1, 3, ({ offset }) => read.push(offset) === 1);
    expect(await older).toBeInstanceOf(TransientError);
    await settle();
    expect(fake.calls.at(-1)).toBe('resume 1');
    await fake.deliver(1, 3);
    await newer;
    expect(read).toEqual([3]);
  });

  test('that cannot begin while kafkajs restarts the consumer fails for now, and is no bug', async () => {
    const fake = fakeKafka();
    const membership = joinGroup(fake.kafka, settings);
    fake.join(1);
    fake.withoutGroup();
    await expect(membership.read(1, 0, () => false)).rejects.toMatchObject({
      code: 'TRANSIENT',
      message: expect.stringContaining('reading shard 1 of state from offset 0') as string,
    });
  });

  test('that an outage ends fails with its own error, also where the consumer is being restarted then', async () => {
    const fake = fakeKafka();
    const membership = joinGroup(fake.kafka, { ...settings, readDeadlineMs: 20 });
    fake.join(1);
    const whole = membership.read(1, 0, () => false);
    fake.withoutGroup();
    await expect(whole).rejects.toThrow(/to its marker: .* within 20 ms/);
  });

  test('is given up at the deadline', async () => {
    const fake = fakeKafka();
    const membership = joinGroup(fake.kafka, { ...settings, readDeadlineMs: 1 });
    fake.join(1);
    await expect(membership.read(1, 0, () => false)).rejects.toThrow(/from offset 0 to its marker: .* within 1 ms/);
  });
});

describe('leaving', () => {
  test('ends what waits, and the shards', async () => {
    const fake = fakeKafka();
    const membership = joinGroup(fake.kafka, settings);
    const seen = watch(membership);
    fake.join(1);
    const waits = [membership.read(1, 0, () => false), membership.confirmed(2)].map((work) =>
      work.catch((error: unknown) => error),
    );
    await membership.leave();
    for (const error of await Promise.all(waits)) expect(error).toBeInstanceOf(TransientError);
    expect(seen).toEqual([[1], 'complete']);
  });

  test('keeps a member from coming back, as one that kafkajs is restarting would', async () => {
    const fake = fakeKafka();
    const membership = joinGroup(fake.kafka, settings);
    expect(await fake.restarts(new Error('lost'))).toBe(true);
    await membership.leave();
    expect(() => fake.join(1)).toThrow('joined group service after leaving it');
    expect(await fake.restarts(new Error('lost'))).toBe(false);
  });
});

test('a crash that kafkajs does not restart from ends the membership with what a person must set right', () => {
  const fake = fakeKafka();
  const seen = watch(joinGroup(fake.kafka, settings));
  fake.crash(new Error('passing'), true);
  fake.crash(Object.assign(new Error('no'), { type: 'GROUP_AUTHORIZATION_FAILED' }), false);
  expect(seen).toEqual([expect.stringContaining("give the service's user Read on group service")]);
});

describe('a group', () => {
  const adminOf = (sizes: number[]) => ({
    admin: () =>
      ({
        connect: () => Promise.resolve(),
        disconnect: () => Promise.resolve(),
        describeGroups: () =>
          Promise.resolve({ groups: [{ members: Array.from({ length: sizes.shift() ?? 1 }, () => ({})) }] }),
      }) as unknown as ReturnType<Kafka['admin']>,
  });

  test('is waited for until it is empty, for as long as is given', async () => {
    expect(await groupIsEmpty(adminOf([1, 0]), 'service', 10_000)).toBe(true);
    expect(await groupIsEmpty(adminOf([1]), 'service', 0)).toBe(false);
  });
});
