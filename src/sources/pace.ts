/** How fast requests may be sent, from the rate that is allowed and what the API said of it. */
export interface Pace {
  /** Part of the full rate at present, from 1/16 to 1. */
  readonly factor: () => number;
  /** Before this nothing is sent, as a Retry-After asks for. */
  readonly pausedUntilMs: () => number;
  /** Brings tokens and factor up to `nowMs`. */
  readonly advance: (nowMs: number) => void;
  /** When the next request has a token; not before `nowMs`, up to which the pace was brought. */
  readonly tokenAtMs: (nowMs: number) => number;
  /** Counts one request as sent and gives its number. */
  readonly send: () => number;
  /** Halves the pace because of an answer to this request; once for all requests that were on their way. */
  readonly slowDown: (request: number, nowMs: number) => void;
  /** Sends nothing before this. */
  readonly pauseUntil: (untilMs: number) => void;
  /** Allows another full rate, in requests a millisecond, and begins without a burst. */
  readonly allow: (rate: number, burst: number) => void;
}

const SLOWEST = 1 / 16;
const RECOVERY_STEP = 1 / 16;
const RECOVERY_MS = 5_000;

/**
 * Paces requests evenly, with a burst that quiet earns and a new pace does not have.
 *
 * Slowing down halves the pace, down to 1/16, once for all requests that were on their way then; each 5 s without a
 * further reason give 1/16 of the full pace back.
 */
export function createPace(nowMs: number): Pace {
  const bucket = createBucket(nowMs);
  let factor = 1;
  let recoversAtMs = Infinity;
  let sent = 0;
  /** Number of requests sent when the pace was last halved. */
  let slowedAfter = 0;
  let pausedUntilMs = -Infinity;

  return {
    factor: () => factor,
    pausedUntilMs: () => pausedUntilMs,
    advance: (now) => {
      while (recoversAtMs <= now) {
        bucket.fill(recoversAtMs, factor);
        factor = Math.min(1, factor + RECOVERY_STEP);
        recoversAtMs = factor < 1 ? recoversAtMs + RECOVERY_MS : Infinity;
      }
      bucket.fill(now, factor);
    },
    tokenAtMs: (now) => Math.max(now, Math.min(recoversAtMs, bucket.nextAtMs(now, factor))),
    send: () => {
      bucket.take();
      return ++sent;
    },
    slowDown: (request, now) => {
      recoversAtMs = Math.max(now, pausedUntilMs) + RECOVERY_MS;
      if (request <= slowedAfter) return;
      slowedAfter = sent;
      factor = Math.max(SLOWEST, factor / 2);
      bucket.empty();
    },
    pauseUntil: (untilMs) => {
      pausedUntilMs = Math.max(pausedUntilMs, untilMs);
    },
    allow: bucket.allow,
  };
}

/** Tokens, one a request, that time brings at the rate that is allowed. */
export function createBucket(beginMs: number) {
  let tokens = 0;
  let filledAtMs = beginMs;
  let rate = Infinity;
  let burst = 0;
  return {
    fill: (untilMs: number, factor: number): void => {
      if (Number.isFinite(rate)) tokens = Math.min(burst, tokens + (untilMs - filledAtMs) * rate * factor);
      filledAtMs = untilMs;
    },
    nextAtMs: (nowMs: number, factor: number): number =>
      // A thousandth of a token forgives rounding.
      tokens < 0.999 ? nowMs + (1 - tokens) / (rate * factor) : nowMs,
    take: (): void => {
      tokens -= 1;
    },
    empty: (): void => {
      tokens = 0;
    },
    allow: (newRate: number, newBurst: number): void => {
      rate = newRate;
      burst = newBurst;
      tokens = 0;
    },
  };
}

/** Slots for requests: each is held from the sending until the time given once it is answered. */
export interface RequestWindow {
  readonly advance: (nowMs: number) => void;
  /** When a slot is free: now, or when the next one has cooled; Infinity = only an answer can tell. */
  readonly freeAtMs: (nowMs: number) => number;
  readonly open: () => void;
  readonly close: () => void;
  readonly cool: (untilMs: number) => void;
  readonly resize: (slots: number) => void;
  readonly size: () => number;
  /** Slots that are not free. */
  readonly used: () => number;
}

/** Opens a window without a limit. */
export function createWindow(): RequestWindow {
  let capacity = Infinity;
  let underWay = 0;
  /** When the slots of answered requests become free, ascending; those before `firstCooling` are free already. */
  let cooling: number[] = [];
  let firstCooling = 0;
  return {
    advance: (nowMs: number): void => {
      while ((cooling[firstCooling] ?? Infinity) <= nowMs) firstCooling++;
      if (firstCooling > capacity) {
        cooling = cooling.slice(firstCooling);
        firstCooling = 0;
      }
    },
    freeAtMs: (nowMs: number): number =>
      underWay + cooling.length - firstCooling >= capacity ? (cooling[firstCooling] ?? Infinity) : nowMs,
    open: (): void => {
      underWay++;
    },
    close: (): void => {
      underWay--;
    },
    cool: (untilMs: number): void => {
      cooling.push(untilMs);
    },
    resize: (slots: number): void => {
      capacity = slots;
    },
    size: () => capacity,
    used: () => underWay + cooling.length - firstCooling,
  };
}
