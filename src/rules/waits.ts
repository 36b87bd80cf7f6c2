/** How long something may take: the part of all cases in which it takes longer than a time. */
export interface Wait {
  readonly longerThan: (ms: number) => number;
  /** Nothing takes longer than this. */
  readonly mostMs: number;
}

/** Steps of a sum over a wait. */
const STEPS = 400;
const PARTS = 12;

/** The wait for what comes round every so often, from a moment that does not know when it came last. */
export function waitFor(everyMs: number): Wait {
  return { longerThan: (ms) => (ms <= 0 ? 1 : Math.max(0, 1 - ms / everyMs)), mostMs: everyMs };
}

/** The wait for whichever of two that know nothing of each other comes first. */
export function eitherOf(one: Wait, other: Wait): Wait {
  return {
    longerThan: (ms) => one.longerThan(ms) * other.longerThan(ms),
    mostMs: Math.min(one.mostMs, other.mostMs),
  };
}

/** A wait, and then a fixed time. */
export function andThen(wait: Wait, ms: number): Wait {
  return { longerThan: (all) => wait.longerThan(all - ms), mostMs: wait.mostMs + ms };
}

/** A wait, and then, in a part of all cases, one more that lasts up to so long. */
export function andPerhaps(wait: Wait, part: number, upToMs: number): Wait {
  if (part <= 0 || upToMs <= 0) return wait;
  return {
    longerThan(ms) {
      let more = 0;
      for (let at = 0; at < PARTS; at++) more += wait.longerThan(ms - ((at + 0.5) / PARTS) * upToMs);
      return (1 - part) * wait.longerThan(ms) + (part * more) / PARTS;
    },
    mostMs: wait.mostMs + upToMs,
  };
}

/** The wait of one of several, each as likely as its weight says. */
export function oneOf(waits: readonly { readonly wait: Wait; readonly weight: number }[]): Wait {
  const all = waits.reduce((sum, { weight }) => sum + weight, 0);
  return {
    longerThan: (ms) => waits.reduce((sum, { wait, weight }) => sum + (weight / all) * wait.longerThan(ms), 0),
    mostMs: waits.reduce((most, { wait }) => Math.max(most, wait.mostMs), 0),
  };
}

/** How long it takes in the mean. */
export function meanOf({ longerThan, mostMs }: Wait): number {
  if (!Number.isFinite(mostMs)) return Infinity;
  let sum = 0;
  for (let at = 0; at < STEPS; at++) sum += longerThan(((at + 0.5) / STEPS) * mostMs);
  return (sum * mostMs) / STEPS;
}

/** What it takes at most in that part of all cases. */
export function quantileOf({ longerThan, mostMs }: Wait, part: number): number {
  if (!Number.isFinite(mostMs)) return Infinity;
  let [least, most] = [0, mostMs];
  for (let step = 0; step < 40; step++) {
    const middle = (least + most) / 2;
    if (longerThan(middle) > 1 - part) least = middle;
    else most = middle;
  }
  return most;
}
