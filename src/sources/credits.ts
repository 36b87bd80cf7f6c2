/** Gives a credit back. */
export type Release = () => void;

/** At most `count` credits out at a time; those who wait are served in order. */
export function createCredits(count: number): () => Promise<Release> {
  let free = count;
  const waiting: (() => void)[] = [];
  const give = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return async () => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    return give;
  };
}

/** Holds at most one credit, and gives back what was not passed on: also a credit that arrives after `close`. */
export function holdCredit(credit: () => Promise<Release>) {
  let held: Release | null = null;
  let closed = false;
  const pass = (): Release => {
    const release = held;
    held = null;
    return () => release?.();
  };
  return {
    take: async (): Promise<void> => {
      if (held !== null) return;
      held = await credit();
      if (closed) pass()();
    },
    pass,
    close: () => {
      closed = true;
      pass()();
    },
  };
}
