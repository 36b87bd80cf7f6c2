import { setImmediate as nextTurn } from 'node:timers/promises';

import { whenAborted } from '../../src/operators/when-aborted';
import { DueScans, type Waiting } from '../../src/reading/due-scans';
import type { Slot } from '../../src/sources/budget';

const HOUR = 3_600_000;

/** A request in the queue. */
interface Queued {
  readonly scanName: Waiting;
  readonly grant: (slot: Slot) => void;
}

const opened = new Set<() => void>();
afterEach(() => {
  for (const close of opened) close();
  opened.clear();
});

/** Scans of a stream whose requests wait until the test grants them. */
function open(leave?: (queued: Queued) => () => void) {
  const stop = new AbortController();
  const queue: Queued[] = [];
  const left: Waiting[] = [];
  let arrived = (): void => undefined;
  const scans = new DueScans({
    now: () => 7,
    stop: stop.signal,
    stopping: whenAborted(stop.signal),
    turn: () => nextTurn(),
    leave(scanName, grant) {
      queue.push({ scanName, grant });
      arrived();
      return leave === undefined ? () => void left.push(scanName) : leave({ scanName, grant });
    },
  });
  const told: unknown[] = [];
  const subscription = scans.due.subscribe({
    next: (scan) => told.push(scan),
    complete: () => told.push('completed'),
    error: (error: unknown) => told.push(error),
  });
  opened.add(() => subscription.unsubscribe());
  return {
    scans,
    stop: () => stop.abort(),
    unsubscribe: () => subscription.unsubscribe(),
    queue,
    left,
    told,
    /** Resolves when so many requests were queued. */
    queued: async (count: number) => {
      while (queue.length < count) await new Promise<void>((resolve) => (arrived = resolve));
    },
  };
}

function slot() {
  const outcomes: unknown[] = [];
  return { outcomes, done: (outcome: unknown) => void outcomes.push(outcome) };
}

/** Enough for whatever follows from a grant. */
async function turns(): Promise<void> {
  for (let each = 0; each < 5; each += 1) await nextTurn();
}

test('a scan is emitted once its first request may be made, with the leave and the time at which that was given', async () => {
  const { scans, queue, queued, told } = open();
  scans.wait('newest');
  await queued(1);
  await turns();
  expect(told).toEqual([]);
  const leave = slot();
  queue[0]?.grant(leave);
  await turns();
  expect(told).toEqual([{ scanName: 'newest', dueMs: 7, slot: leave }]);
});

test('nothing but a stop completes it: not that nothing rests, nor that all was granted (I10)', async () => {
  const { scans, queue, queued, told, stop } = open();
  await turns();
  for (const scanName of ['newest', 'sweep'] as const) scans.wait(scanName);
  await queued(2);
  for (const { grant } of queue) grant(slot());
  await turns();
  expect(told).toHaveLength(2);
  expect(told).not.toContain('completed');
  stop();
  expect(told.at(-1)).toBe('completed');
});

test('leave that is granted at once is taken', async () => {
  const leave = slot();
  const { scans, queued, told } = open(({ grant }) => {
    grant(leave);
    return () => undefined;
  });
  scans.wait('open');
  await queued(1);
  await turns();
  expect(told).toEqual([{ scanName: 'open', dueMs: 7, slot: leave }]);
});

test('a scan that rests is queued after its rest, once', async () => {
  const { scans, queue, queued } = open();
  scans.wait('sweep', HOUR);
  scans.wait('sweep', 1);
  await queued(1);
  scans.wait('newest');
  await queued(2);
  expect(queue.map(({ scanName }) => scanName)).toEqual(['sweep', 'newest']);
});

test.each(['stop', 'unsubscribe'] as const)('%s ends the rests and leaves the queue', async (how) => {
  const here = open();
  here.scans.wait('sweep', HOUR);
  here.scans.wait('newest');
  await here.queued(1);
  here[how]();
  expect(here.left).toEqual(['newest']);
  expect(here.told).toEqual(how === 'stop' ? ['completed'] : []);
});

test.each(['stop', 'unsubscribe'] as const)('leave that was granted just before %s goes back unused', async (how) => {
  const here = open();
  here.scans.wait('newest');
  await here.queued(1);
  const leave = slot();
  here.queue[0]?.grant(leave);
  here[how]();
  await turns();
  expect(leave.outcomes).toEqual([{}]);
  expect(here.told).toEqual(how === 'stop' ? ['completed'] : []);
});

test('after a stop nothing waits any more', () => {
  const { scans, stop, queue } = open();
  stop();
  scans.wait('newest');
  scans.wait('sweep', 1);
  expect(queue).toEqual([]);
});

test('a fault while a request is queued is the fault of its stream', async () => {
  const fault = new Error('a bug');
  const { scans, queued, told } = open(() => {
    throw fault;
  });
  scans.wait('sweep', HOUR);
  scans.wait('newest');
  await queued(1);
  expect(told).toEqual([fault]);
});
