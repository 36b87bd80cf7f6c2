import type { Clock } from '../../../src/sources/budget';

/** Time that passes only while it is told to: between two moments at which something happens, at once. */
export interface VirtualTime {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly clock: Clock;
  /** Lets so much time pass; what falls due happens in its order, each with all that follows from it. */
  readonly pass: (ms: number) => Promise<void>;
  /** Gives the process its own timers back. */
  readonly end: () => void;
}

interface Moment {
  readonly atMs: number;
  readonly number: number;
  readonly work: () => void;
  /** Null = once. */
  readonly everyMs: number | null;
}

const TIMERS = ['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] as const;

/** Puts the timers of the whole process on virtual time: one at a time. */
export function beginVirtualTime(startMs: number): VirtualTime {
  const moments = createHeap<Moment>((one, other) => one.atMs - other.atMs || one.number - other.number);
  const waiting = new Set<number>();
  let nowMs = startMs;
  let numbers = 0;

  function add(work: () => void, waitMs: number, everyMs: number | null, number = (numbers += 1)): number {
    waiting.add(number);
    moments.add({ atMs: nowMs + waitMs, number, work, everyMs });
    return number;
  }
  const cancel = (number: number): void => void waiting.delete(number);
  // As Node does.
  const least = (ms: number | undefined): number => (ms === undefined || !(ms >= 1) ? 1 : ms);
  const virtual = {
    setTimeout: (work: () => void, ms?: number) => add(work, least(ms), null),
    setInterval: (work: () => void, ms?: number) => add(work, least(ms), least(ms)),
    clearTimeout: cancel,
    clearInterval: cancel,
  };
  const own = TIMERS.map((name) => ({ name, value: globalThis[name] }));
  for (const name of TIMERS) replace(name, virtual[name]);

  return {
    now: () => nowMs,
    clock: {
      now: () => nowMs - startMs,
      schedule: (ms, work) => {
        const number = add(work, Math.max(0, ms), null);
        return () => cancel(number);
      },
    },
    async pass(ms) {
      const until = nowMs + ms;
      await settle();
      for (let next = moments.first(); next !== undefined && next.atMs <= until; next = moments.first()) {
        moments.take();
        if (!waiting.has(next.number)) continue;
        nowMs = next.atMs;
        if (next.everyMs === null) waiting.delete(next.number);
        else add(next.work, next.everyMs, next.everyMs, next.number);
        next.work();
        await settle();
      }
      nowMs = until;
    },
    end() {
      for (const { name, value } of own) replace(name, value);
    },
  };
}

function replace(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

/** All that follows from the last moment by promises alone. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function createHeap<T>(compare: (one: T, other: T) => number) {
  const items: T[] = [];
  const before = (one: number, other: number): boolean => {
    const [left, right] = [items[one], items[other]];
    return left !== undefined && right !== undefined && compare(left, right) < 0;
  };
  const swap = (one: number, other: number): void => {
    const [left, right] = [items[one], items[other]];
    if (left === undefined || right === undefined) return;
    items[one] = right;
    items[other] = left;
  };
  return {
    first: (): T | undefined => items[0],
    add(item: T): void {
      let at = items.push(item) - 1;
      for (let above = (at - 1) >> 1; at > 0 && before(at, above); above = (at - 1) >> 1) {
        swap(at, above);
        at = above;
      }
    },
    take(): void {
      swap(0, items.length - 1);
      items.pop();
      let at = 0;
      for (;;) {
        const left = 2 * at + 1;
        const least = before(left + 1, left) ? left + 1 : left;
        if (!before(least, at)) return;
        swap(at, least);
        at = least;
      }
    },
  };
}
