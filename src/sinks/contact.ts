/** Notices that a consumer hears nothing of its group any more. */
export interface ContactWatch {
  /** Called at each sign of life: a heartbeat, a join, an answered fetch. */
  readonly heard: () => void;
  /** Called where the group is being formed anew, which may take this long without a sign of life. */
  readonly expectSilence: (ms: number) => void;
  /** Called with a failure that the consumer tries to get over by itself. */
  readonly failed: (error: unknown) => void;
  readonly end: () => void;
}

const TICK_MS = 1_000;
/** Heartbeats come every second or so; a shorter silence is a busy broker. */
const SILENT_AFTER_MS = 10_000;

/**
 * Begins to watch with the first sign of life. `onContact` is called with what is known of the failure once nothing was heard for ten seconds,
 * and with null at the next sign of life. Ticks of a timer are counted, so that a process that was asleep blames nobody.
 */
export function watchContact(onContact: (failure: { readonly cause: unknown } | null) => void): ContactWatch {
  let silentMs = 0;
  let isSilent = false;
  let cause: unknown;
  let timer: NodeJS.Timeout | null = null;

  const tick = (): void => {
    silentMs += TICK_MS;
    if (isSilent || silentMs < SILENT_AFTER_MS) return;
    isSilent = true;
    onContact({ cause });
  };
  return {
    heard() {
      timer ??= setInterval(tick, TICK_MS).unref();
      silentMs = 0;
      cause = undefined;
      if (!isSilent) return;
      isSilent = false;
      onContact(null);
    },
    expectSilence(ms) {
      silentMs = Math.min(silentMs, -ms);
    },
    failed(error) {
      cause = error;
    },
    end() {
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
  };
}
