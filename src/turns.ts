/**
 * Gives each caller a turn of the event loop of its own, in order: the promise of one call resolves in each turn. Work that comes in bulk
 * is spread by it, so that heartbeats, answers and timers wait for one piece of it and not for all.
 */
export function createTurns(): () => Promise<void> {
  const waiting: (() => void)[] = [];
  const next = (): void => {
    waiting.shift()?.();
    if (waiting.length > 0) setImmediate(next);
  };
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 1) setImmediate(next);
    });
}
