import * as fc from 'fast-check';
import {
  type Budget,
  type Clock,
  createBudget,
  monotonicClock,
  type RequestOutcome,
  type RequestPace,
  type Slot,
} from '../../src/sources/budget';

const MINUTE = 60_000;

/** Time that moves only when told to, letting promises settle in between. */
function virtualClock() {
  let now = 0;
  let timers: { readonly at: number; readonly callback: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    schedule: (ms, callback) => {
      const timer = { at: now + ms, callback };
      timers.push(timer);
      return () => (timers = timers.filter((other) => other !== timer));
    },
  };
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  async function runUntil(end: number) {
    await settle();
    for (;;) {
      const next = timers.reduce((first, timer) => Math.min(first, timer.at), Infinity);
      if (next > end) break;
      now = Math.max(now, next);
      const due = timers.filter((timer) => timer.at <= now);
      timers = timers.filter((timer) => timer.at > now);
      for (const { callback } of due) callback();
      await settle();
    }
    now = end;
  }
  return { clock, runUntil, run: (ms: number) => runUntil(now + ms), timers: () => timers.length };
}

interface Send {
  readonly entity: string;
  readonly at: number;
  readonly slot: Slot;
}

function fixture(requestsPerMinute: number) {
  const time = virtualClock();
  const paces: RequestPace[] = [];
  const budget = createBudget({ requestsPerMinute, clock: time.clock, onPace: (pace) => paces.push(pace) });
  const sends: Send[] = [];
  const ask = (entity: string, times = 1, signal?: AbortSignal) => {
    for (let i = 0; i < times; i++) {
      budget
        .slots(entity)
        .take(signal)
        .then(
          (slot) => sends.push({ entity, at: time.clock.now(), slot }),
          () => undefined,
        );
    }
  };
  /** One request from asking to its outcome, waiting as long as it takes. */
  const exchange = async (entity: string, outcome: RequestOutcome) => {
    const before = sends.length;
    ask(entity);
    while (sends.length === before) await time.run(100);
    sends.at(-1)?.slot.done(outcome);
  };
  return { ...time, budget, paces, sends, ask, exchange };
}

const ok: RequestOutcome = { status: 200, json: true, list: true };
const forbidden: RequestOutcome = { status: 403, json: true, list: true };
const blocked: RequestOutcome = { status: 403, json: false };
const elsewhere: RequestOutcome = { ...blocked, place: 'another list' };

/** The most of these moments that any 60 s contain. */
function busiestMinute(moments: readonly number[]): number {
  const sorted = [...moments].sort((a, b) => a - b);
  let first = 0;
  let most = 0;
  sorted.forEach((moment, i) => {
    while ((sorted[first] ?? 0) <= moment - MINUTE) first++;
    most = Math.max(most, i - first + 1);
  });
  return most;
}

/** Keeps every entity asking for ever; each request is answered after `latencyMs`. */
async function keepBusy(
  { clock, runUntil }: ReturnType<typeof virtualClock>,
  budget: Budget,
  entities: readonly string[],
  latencyMs: number,
  endMs: number,
  answer: (sentAt: number) => RequestOutcome = () => ok,
): Promise<number[]> {
  const sentAt: number[] = [];
  const loop = async (entity: string) => {
    while (clock.now() < endMs) {
      const slot = await budget.slots(entity).take();
      const at = clock.now();
      sentAt.push(at);
      clock.schedule(latencyMs, () => slot.done(answer(at)));
    }
  };
  for (const entity of entities) void loop(entity);
  await runUntil(endMs);
  return sentAt;
}

test('I8: whatever arrives and however slowly it is answered, no 60 s hold more than the budget', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 30 }),
      fc.array(
        fc.record({
          entity: fc.constantFrom('a', 'b', 'c'),
          at: fc.integer({ min: 0, max: 3 * MINUTE }),
          latencyMs: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 0, max: 90_000 })),
          reached: fc.double({ min: 0, max: 1, noNaN: true }),
          status: fc.constantFrom(200, 200, 200, 404, 429, 503),
        }),
        { minLength: 1, maxLength: 120 },
      ),
      async (requestsPerMinute, requests) => {
        const { clock, runUntil } = virtualClock();
        const budget = createBudget({ requestsPerMinute, clock });
        const counted: number[] = [];
        for (const { entity, at, latencyMs, reached, status } of requests) {
          clock.schedule(at, () => {
            void budget
              .slots(entity)
              .take()
              .then((slot) => {
                counted.push(clock.now() + latencyMs * reached);
                clock.schedule(latencyMs, () => slot.done({ status, json: true, list: true }));
              });
          });
        }
        await runUntil(1_000 * MINUTE);
        expect(counted).toHaveLength(requests.length);
        expect(busiestMinute(counted)).toBeLessThanOrEqual(requestsPerMinute);
      },
    ),
    { numRuns: 60 },
  );
});

test('I8: a process that follows a killed one adds no more than the burst to the busiest 60 s', async () => {
  const time = virtualClock();
  const first = createBudget({ requestsPerMinute: 60, clock: time.clock });
  await time.run(MINUTE);
  const before = await keepBusy(time, first, ['a'], 100, 3 * MINUTE);
  const second = createBudget({ requestsPerMinute: 60, clock: time.clock });
  const after = await keepBusy(time, second, ['a'], 100, 6 * MINUTE);
  expect(busiestMinute([...before, ...after])).toBeLessThanOrEqual(60 + 5);
});

test('uses at least 97 % of the budget while there is work', async () => {
  const time = virtualClock();
  const budget = createBudget({ requestsPerMinute: 290, clock: time.clock });
  const sentAt = await keepBusy(time, budget, ['a', 'b', 'c'], 200, 11 * MINUTE);
  const used = sentAt.filter((at) => at >= MINUTE).length;
  expect(used).toBeGreaterThanOrEqual(0.97 * 290 * 10);
  expect(busiestMinute(sentAt)).toBeLessThanOrEqual(290);
});

test('paces the first requests evenly, without a burst', async () => {
  const { ask, sends, run } = fixture(60);
  ask('a', 4);
  await run(4_100);
  expect(sends.map(({ at }) => at)).toEqual([1_000, 2_000, 3_000, 4_000]);
});

test('quiet earns a burst of five and no more', async () => {
  const { ask, sends, run } = fixture(60);
  await run(MINUTE);
  ask('a', 7);
  await run(1_000);
  expect(sends.map(({ at }) => at)).toEqual([MINUTE, MINUTE, MINUTE, MINUTE, MINUTE, MINUTE + 1_000]);
});

test('a slot becomes free 60 s after its answer, not after its sending', async () => {
  const { ask, sends, run } = fixture(2);
  await run(5 * MINUTE);
  ask('a', 3);
  await run(50_000);
  expect(sends).toHaveLength(2);
  for (const { slot } of sends) slot.done(ok);
  await run(59_999);
  expect(sends).toHaveLength(2);
  await run(1);
  expect(sends).toHaveLength(3);
});

test('an outcome told twice counts once', async () => {
  const { ask, sends, run } = fixture(2);
  await run(5 * MINUTE);
  ask('a', 4);
  await run(0);
  sends[0]?.slot.done(ok);
  sends[0]?.slot.done({ status: 429, retryAfterMs: MINUTE });
  await run(MINUTE);
  expect(sends).toHaveLength(3);
});

test('I9: an entity with a thousand requests waiting does not delay the single one of another', async () => {
  const { ask, sends, run } = fixture(60);
  ask('greedy', 1_000);
  await run(10_000);
  const before = sends.length;
  ask('modest');
  await run(2_000);
  expect(sends.slice(before).map(({ entity }) => entity)).toEqual(['modest', 'greedy']);
});

test('entities take turns, and keep their own order', async () => {
  const { budget, sends, ask, run, clock } = fixture(600);
  const order: string[] = [];
  for (const name of ['a1', 'a2', 'b1', 'a3', 'b2', 'c1']) {
    void budget
      .slots(name.charAt(0))
      .take()
      .then(() => order.push(name));
  }
  await run(700);
  expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  expect(clock.now()).toBe(700);
  ask('a');
  await run(100);
  expect(sends).toHaveLength(1);
});

test('what is only wanted for freshness uses its part of the allowance, and what is read for the first time all of it', async () => {
  const time = virtualClock();
  const budget = createBudget({ requestsPerMinute: 60, refreshShare: 0.5, clock: time.clock });
  const worth = { index: 1, late: 0, polledMs: 0, inMs: 0 };
  const kinds = { scheduled: { kind: 'scheduled', worth: () => worth }, bulk: { kind: 'bulk' } } as const;
  const sent = { scheduled: 0, bulk: 0 };
  const askOn = (kind: 'scheduled' | 'bulk'): void => {
    budget.slots('a').wait(
      (slot) => {
        sent[kind] += 1;
        slot.done({ status: 200 });
        askOn(kind);
      },
      { stream: 'invoices', scan: 'sweep', urgency: kinds[kind] },
    );
  };
  askOn('scheduled');
  await time.run(10 * 60_000);
  expect(sent.scheduled).toBeGreaterThan(290);
  expect(sent.scheduled).toBeLessThanOrEqual(305);
  askOn('bulk');
  const before = { ...sent };
  await time.run(10 * 60_000);
  expect(sent.scheduled + sent.bulk - before.scheduled).toBeGreaterThan(590);
  expect(sent.scheduled - before.scheduled).toBeGreaterThan(280);
});

test('I9: an entity whose every call hangs has less than its share of requests, as each holds its slot for longer', async () => {
  const time = virtualClock();
  const budget = createBudget({ requestsPerMinute: 20, clock: time.clock });
  const counts = { hangs: 0, well: 0 };
  const loop = async (entity: keyof typeof counts, latencyMs: number) => {
    for (;;) {
      const slot = await budget.slots(entity).take();
      counts[entity]++;
      time.clock.schedule(latencyMs, () => slot.done({ fault: true }));
    }
  };
  for (let i = 0; i < 20; i++) {
    void loop('hangs', 30_000);
    void loop('well', 200);
  }
  await time.runUntil(60 * MINUTE);
  budget.close();
  expect(counts.hangs / counts.well).toBeLessThan(0.75);
  expect(counts.hangs).toBeGreaterThan(200);
});

test('hundreds of entities share one timer', async () => {
  const { ask, run, sends, timers } = fixture(600);
  for (let i = 0; i < 500; i++) ask(`entity-${i}`, 2);
  await run(0);
  expect(timers()).toBe(1);
  await run(50_100);
  expect(new Set(sends.map(({ entity }) => entity)).size).toBe(500);
});

test('a request that is given up while it waits leaves the queue, and the last one takes the timer with it', async () => {
  const { ask, sends, run, timers } = fixture(60);
  const aborter = new AbortController();
  ask('a', 3, aborter.signal);
  ask('b');
  aborter.abort();
  await run(1_000);
  expect(sends.map(({ entity }) => entity)).toEqual(['b']);
  const other = new AbortController();
  ask('a', 1, other.signal);
  expect(timers()).toBe(1);
  other.abort();
  expect(timers()).toBe(0);
});

test('a wait that is given up before it began is refused', async () => {
  const { budget } = fixture(60);
  await expect(budget.slots('a').take(AbortSignal.abort())).rejects.toThrow('entity a');
});

test('a wait calls back when its turn has come, between those that were asked for with a promise', async () => {
  const { budget, ask, sends, clock, run } = fixture(60);
  ask('alfa');
  const granted: number[] = [];
  budget.slots('alfa').wait(() => granted.push(clock.now()));
  ask('alfa');
  await run(10_000);
  expect(granted).toHaveLength(1);
  const [first, last] = sends.map(({ at }) => at);
  expect(granted[0]).toBeGreaterThan(first ?? Infinity);
  expect(granted[0]).toBeLessThan(last ?? 0);
});

test('a wait that is left is granted nothing, and the last one takes the timer with it', async () => {
  const { budget, run, timers } = fixture(60);
  const granted: Slot[] = [];
  const leave = budget.slots('alfa').wait((slot) => granted.push(slot));
  expect(timers()).toBe(1);
  leave();
  expect(timers()).toBe(0);
  await run(10_000);
  expect(granted).toEqual([]);
});

test('without a limit a request is sent at once, but no more than 32 are under way at a time, dealt evenly', async () => {
  const { ask, sends, run, budget } = fixture(0);
  ask('a', 31);
  ask('b', 2);
  ask('c', 1_000);
  await run(0);
  expect(sends).toHaveLength(32);
  sends[7]?.slot.done(ok);
  sends[8]?.slot.done(ok);
  await run(0);
  expect(sends.slice(31).map(({ entity }) => entity)).toEqual(['b', 'c', 'b']);
  expect(budget.state()).toEqual({ requestsPerMinute: null, pausedUntil: null, why: null });
});

test('without a limit a Retry-After and a block still apply', async () => {
  const { ask, sends, run, exchange, budget, clock } = fixture(0);
  await exchange('a', { status: 429, retryAfterMs: 7_000 });
  ask('b');
  await run(6_999);
  expect(sends).toHaveLength(1);
  await run(1);
  sends[1]?.slot.done(elsewhere);
  await exchange('a', blocked);
  expect(budget.state()).toEqual({
    requestsPerMinute: null,
    pausedUntil: clock.now() + MINUTE,
    why: 'ip-block',
  });
});

test('a 429 halves the pace of everybody, down to a sixteenth', async () => {
  const { exchange, budget } = fixture(160);
  const rates: (number | null)[] = [];
  for (let i = 0; i < 6; i++) {
    await exchange('a', { status: 429 });
    rates.push(budget.state().requestsPerMinute);
  }
  expect(rates).toEqual([80, 40, 20, 10, 10, 10]);
});

test('several 429 to requests that were on their way together halve the pace once', async () => {
  const { ask, sends, run, budget } = fixture(160);
  await run(MINUTE);
  ask('a', 5);
  await run(0);
  for (const { slot } of sends) slot.done({ status: 429 });
  expect(budget.state().requestsPerMinute).toBe(80);
});

test('the pace recovers by itself: from the slowest to the full one in 75 s', async () => {
  const { exchange, budget, run } = fixture(160);
  for (let i = 0; i < 5; i++) await exchange('a', { status: 429 });
  expect(budget.state().requestsPerMinute).toBe(10);
  await run(5_000);
  expect(budget.state().requestsPerMinute).toBe(20);
  await run(69_999);
  expect(budget.state().requestsPerMinute).toBe(150);
  await run(1);
  expect(budget.state().requestsPerMinute).toBe(160);
});

test('a busy budget is back at its full use soon after the last 429', async () => {
  const time = virtualClock();
  const budget = createBudget({ requestsPerMinute: 290, clock: time.clock });
  const sentAt = await keepBusy(time, budget, ['a', 'b'], 200, 8 * MINUTE, (at) =>
    at < 2 * MINUTE ? { status: 429 } : ok,
  );
  expect(sentAt.filter((at) => at > MINUTE && at <= 2 * MINUTE).length).toBeLessThan(0.15 * 290);
  expect(sentAt.filter((at) => at > 5 * MINUTE && at <= 8 * MINUTE).length).toBeGreaterThan(0.97 * 290 * 3);
});

test('a Retry-After on a 429 stops everybody for that long, and recovery begins after it', async () => {
  const { ask, sends, run, exchange, budget, clock } = fixture(60);
  await exchange('a', { status: 429, retryAfterMs: 30_000 });
  const until = clock.now() + 30_000;
  expect(budget.state()).toEqual({ requestsPerMinute: 30, pausedUntil: until, why: 'retry-after' });
  ask('b');
  await run(29_999);
  expect(sends).toHaveLength(1);
  expect(budget.state().requestsPerMinute).toBe(30);
  await run(1);
  expect(sends).toHaveLength(2);
  expect(budget.state()).toEqual({ requestsPerMinute: 30, pausedUntil: null, why: null });
});

test('each change of the pace is reported once, with the answer that shows it', async () => {
  const { budget, paces, exchange, run } = fixture(60);
  await exchange('a', ok);
  expect(paces).toEqual([]);
  await exchange('a', { status: 429, retryAfterMs: 30_000 });
  await exchange('a', { status: 429 });
  expect(paces).toEqual(['paused: retry-after', 'slowed']);
  await run(5 * MINUTE);
  budget.setShare(0.5);
  await exchange('a', ok);
  await exchange('a', elsewhere);
  await exchange('a', blocked);
  await exchange('b', ok);
  expect(paces).toEqual(['paused: retry-after', 'slowed', 'full', 'paused: ip-block', 'full']);
});

test('a Retry-After stops nobody for longer than five minutes', async () => {
  const { exchange, budget, clock } = fixture(60);
  await exchange('a', { status: 429, retryAfterMs: 60 * MINUTE });
  expect(budget.state().pausedUntil).toBe(clock.now() + 5 * MINUTE);
});

test('I9: 503 of one entity alone changes nothing', async () => {
  const { exchange, budget } = fixture(160);
  for (let i = 0; i < 10; i++) await exchange('a', { status: 503, retryAfterMs: 60_000 });
  expect(budget.state()).toEqual({ requestsPerMinute: 160, pausedUntil: null, why: null });
});

test('503 of two entities within a minute halves the pace', async () => {
  const { exchange, budget, run } = fixture(160);
  await exchange('a', { status: 503 });
  await run(MINUTE + 1);
  await exchange('b', { status: 503 });
  expect(budget.state().requestsPerMinute).toBe(160);
  await exchange('a', { status: 503 });
  expect(budget.state().requestsPerMinute).toBe(80);
});

test('403s that are not JSON pause everybody for a minute, then let one probe through', async () => {
  const { ask, sends, run, exchange, budget, clock } = fixture(600);
  await exchange('a', elsewhere);
  sends.splice(0);
  await exchange('a', blocked);
  expect(budget.state()).toEqual({
    requestsPerMinute: 600,
    pausedUntil: clock.now() + MINUTE,
    why: 'ip-block',
  });
  ask('b', 2);
  ask('c');
  await run(MINUTE - 1);
  expect(sends).toHaveLength(1);
  await run(1);
  expect(sends).toHaveLength(2);
  await run(MINUTE);
  expect(sends).toHaveLength(2);
  sends[1]?.slot.done(ok);
  await run(1_000);
  expect(sends).toHaveLength(4);
  expect(budget.state().why).toBeNull();
});

test('each refused probe doubles the pause, up to fifteen minutes, and a block after that starts again at one', async () => {
  const { exchange, budget, clock } = fixture(600);
  const pauses: number[] = [];
  const pause = () => ((budget.state().pausedUntil ?? 0) - clock.now()) / MINUTE;
  await exchange('a', elsewhere);
  for (let i = 0; i < 6; i++) {
    await exchange('a', blocked);
    pauses.push(pause());
  }
  expect(pauses).toEqual([1, 2, 4, 8, 15, 15]);
  await exchange('a', ok);
  await exchange('a', { ...ok, place: 'another list' });
  await exchange('a', elsewhere);
  await exchange('a', blocked);
  expect(pause()).toBe(1);
});

test.each<[string, RequestOutcome]>([
  ['a network fault', { fault: true }],
  ['a 503', { status: 503, json: false }],
  ['a 429', { status: 429, json: true }],
  ['a redirect', { status: 302, json: false }],
  ['a 404 page', { status: 404, json: false }],
])('a probe that ends in %s neither ends nor lengthens the pauses', async (_title, outcome) => {
  const { exchange, budget, clock } = fixture(600);
  await exchange('a', elsewhere);
  await exchange('a', blocked);
  await exchange('b', outcome);
  expect(budget.state()).toMatchObject({ pausedUntil: clock.now() + MINUTE, why: 'ip-block' });
});

test("a probe that the API itself refuses, as with another entity's bad key, ends the block", async () => {
  const { exchange, budget } = fixture(600);
  await exchange('a', elsewhere);
  await exchange('a', blocked);
  await exchange('b', { status: 401, json: true });
  expect(budget.state().why).toBeNull();
});

test('a probe that is given up makes room for another at once', async () => {
  const { ask, sends, run, exchange } = fixture(600);
  await exchange('a', elsewhere);
  sends.splice(0);
  await exchange('a', blocked);
  ask('b', 2);
  await run(MINUTE);
  sends[1]?.slot.done({});
  await run(0);
  expect(sends).toHaveLength(3);
});

test('list 403s in JSON of two entities within a minute are a block, those of one entity are not', async () => {
  const { exchange, budget, run } = fixture(600);
  for (let i = 0; i < 5; i++) await exchange('a', forbidden);
  await run(MINUTE + 1);
  await exchange('b', forbidden);
  expect(budget.state().why).toBeNull();
  await exchange('a', forbidden);
  expect(budget.state().why).toBe('ip-block');
});

test('I9: 403s in JSON of two entities on anything but a list are no block', async () => {
  const { exchange, budget } = fixture(600);
  await exchange('a', { status: 403, json: true, list: false });
  await exchange('b', { status: 403, json: true, list: false });
  expect(budget.state().why).toBeNull();
});

test('an entity that did not cause the block is asked for the probe first', async () => {
  const { ask, sends, run, exchange } = fixture(600);
  await exchange('a', elsewhere);
  await exchange('a', blocked);
  await run(10_000);
  ask('a');
  await run(1_000);
  ask('b');
  await run(MINUTE);
  expect(sends.at(-1)?.entity).toBe('b');
});

test('I9: entities that stay refused after the probe of another succeeded block nobody again', async () => {
  const { exchange, budget } = fixture(600);
  await exchange('a', forbidden);
  await exchange('b', forbidden);
  await exchange('c', ok);
  await exchange('a', forbidden);
  await exchange('b', blocked);
  expect(budget.state().why).toBeNull();
  await exchange('b', ok);
  await exchange('b', blocked);
  await exchange('b', elsewhere);
  expect(budget.state().why).toBe('ip-block');
});

test('I9: two entities whose keys may not read one list cost the others nothing of their requests', async () => {
  const { clock, runUntil } = virtualClock();
  const budget = createBudget({ requestsPerMinute: 300, clock });
  const counted = new Map<string, number>();
  const read = async (entity: string, answers: readonly RequestOutcome[]): Promise<void> => {
    for (let n = 0; clock.now() < 5 * MINUTE; n++) {
      const slot = await budget.slots(entity).take();
      counted.set(entity, (counted.get(entity) ?? 0) + 1);
      clock.schedule(100, () => slot.done(answers[n % answers.length] ?? ok));
    }
  };
  const invoices = { ...ok, place: 'invoices' };
  // Each retry of the entity begins with its account, and then its lists are asked for.
  const account: RequestOutcome = { status: 200, json: true, list: false, place: 'account' };
  const corrections = { ...forbidden, place: 'corrective_invoices' };
  void read('alfa', [account, corrections]);
  void read('beta', [account, { ...corrections, json: false }]);
  for (const entity of ['gamma', 'delta']) void read(entity, [invoices]);
  await runUntil(5 * MINUTE);
  expect(counted.get('gamma')).toBeGreaterThan(290);
  expect(counted.get('delta')).toBeGreaterThan(290);
});

test('refusals of requests that were on their way when the block began do not lengthen it', async () => {
  const { ask, sends, run, budget, clock } = fixture(600);
  await run(MINUTE);
  ask('a', 3);
  await run(0);
  for (const [at, { slot }] of sends.entries()) slot.done({ ...blocked, place: `list ${at}` });
  expect(budget.state().pausedUntil).toBe(clock.now() + MINUTE);
});

test('an answer to a request sent before the block does not end it', async () => {
  const { ask, sends, run, budget } = fixture(600);
  await run(MINUTE);
  ask('a', 3);
  await run(0);
  sends[0]?.slot.done(blocked);
  sends[1]?.slot.done(elsewhere);
  sends[2]?.slot.done(ok);
  expect(budget.state().why).toBe('ip-block');
});

test('a share is kept to from its first moment on, and begins without a burst', async () => {
  const { ask, sends, run, budget } = fixture(60);
  await run(MINUTE);
  budget.setShare(0.5);
  expect(budget.state().requestsPerMinute).toBe(30);
  ask('a', 3);
  await run(5_999);
  expect(sends.map(({ at }) => at - MINUTE)).toEqual([2_000, 4_000]);
  budget.setShare(0.5);
  await run(1);
  expect(sends).toHaveLength(3);
});

test('the burst of a share is its part of the whole', async () => {
  const { ask, sends, run, budget } = fixture(60);
  budget.setShare(0.4);
  await run(10 * MINUTE);
  ask('a', 5);
  await run(0);
  expect(sends).toHaveLength(2);
});

test('a share of nothing sends nothing, until it grows again', async () => {
  const { ask, sends, run, budget, timers } = fixture(60);
  budget.setShare(0);
  ask('a');
  await run(10 * MINUTE);
  expect(sends).toHaveLength(0);
  expect(timers()).toBe(0);
  budget.setShare(1);
  await run(1_000);
  expect(sends).toHaveLength(1);
});

test('without a limit there is nothing to share', async () => {
  const { ask, sends, run, budget } = fixture(0);
  budget.setShare(0.1);
  ask('a', 20);
  await run(0);
  expect(sends).toHaveLength(20);
  expect(budget.state().requestsPerMinute).toBeNull();
});

test('I8: replicas that hand their shares to and fro send no more together than the budget and their bursts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ forMs: fc.integer({ min: 1, max: 2 * MINUTE }), first: fc.integer({ min: 0, max: 10 }) }), {
        minLength: 1,
        maxLength: 8,
      }),
      async (hands) => {
        const time = virtualClock();
        const replicas = [1, 2].map(() => createBudget({ requestsPerMinute: 60, clock: time.clock }));
        const share = (first: number) => {
          replicas[0]?.setShare(first / 10);
          replicas[1]?.setShare(1 - first / 10);
        };
        share(10);
        const end = hands.reduce((sum, { forMs }) => sum + forMs, 0) + MINUTE;
        const busy = replicas.map((budget, at) => keepBusy(time, budget, [`e${at}`], 100, end));
        for (const { forMs, first } of hands) {
          share(first);
          await time.run(forMs);
        }
        const sentAt = (await Promise.all(busy)).flat();
        for (const budget of replicas) budget.close();
        expect(busiestMinute(sentAt)).toBeLessThanOrEqual(60 + 5 + replicas.length);
      },
    ),
    { numRuns: 20 },
  );
});

test('a closed budget holds no timer and sends nothing more', async () => {
  const { ask, sends, run, budget, timers } = fixture(60);
  ask('a', 3);
  await run(1_000);
  budget.close();
  expect(timers()).toBe(0);
  sends[0]?.slot.done(ok);
  ask('b');
  await run(MINUTE);
  expect(sends).toHaveLength(1);
  expect(timers()).toBe(0);
});

test("the process's own clock only goes forward, calls back once its time has come, and can be told not to", async () => {
  const before = monotonicClock.now();
  let cancelled = true;
  monotonicClock.schedule(1, () => (cancelled = false))();
  const after = await new Promise<number>((resolve) => {
    monotonicClock.schedule(5, () => resolve(monotonicClock.now()));
  });
  expect(after).toBeGreaterThanOrEqual(before + 4);
  expect(cancelled).toBe(true);
});

test('tells how many requests of the last minute the API may count, and of how many', async () => {
  const { budget, ask, sends, run } = fixture(60);
  expect(budget.allowance()).toEqual({ used: 0, limit: 60 });
  ask('alfa', 3);
  await run(10_000);
  expect(budget.allowance()).toEqual({ used: 3, limit: 60 });
  for (const { slot } of sends) slot.done({ status: 200 });
  await run(59_000);
  expect(budget.allowance()).toMatchObject({ used: 3 });
  await run(1_001);
  expect(budget.allowance()).toMatchObject({ used: 0 });
  budget.setShare(0.5);
  expect(budget.allowance()).toEqual({ used: 0, limit: 30 });
  expect(fixture(0).budget.allowance()).toEqual({ used: 0, limit: null });
});
