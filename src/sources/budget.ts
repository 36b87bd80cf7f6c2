import type { EntityId, Turn } from '../model';
import { createDealer } from './dealer';
import { type BlockSign, type BlockState, createIpBlock, createSightings } from './ip-block';
import { createBucket, createPace, createWindow, type Pace, type RequestWindow } from './pace';

/** Time as the budget sees it: it must not jump, so not the wall clock. */
export interface Clock {
  readonly now: () => number;
  /** Calls back after `ms`, once; the returned function cancels it. */
  readonly schedule: (ms: number, callback: () => void) => () => void;
}

/** The process's own monotonic clock. */
export const monotonicClock: Clock = {
  now: () => performance.now(),
  schedule: (ms, callback) => {
    const timer = setTimeout(callback, Math.ceil(ms));
    return () => clearTimeout(timer);
  },
};

/** How a request ended; all of it absent = it was given up before an answer came. */
export interface RequestOutcome extends BlockSign {
  readonly retryAfterMs?: number;
}

/** Leave to send one request. */
export interface Slot {
  /** To be called once the answer is complete or given up; only the first call counts. */
  readonly done: (outcome: RequestOutcome) => void;
}

/** What one entity sees of the budget. */
export interface Slots {
  /** Resolves when one request may be sent, at once; rejects only if aborted while waiting, which leaves the queue. */
  readonly take: (signal?: AbortSignal, turn?: Turn) => Promise<Slot>;
  /** Calls back when one request may be sent, at once, perhaps before it returns; the function returned leaves the queue. */
  readonly wait: (grant: (slot: Slot) => void, turn?: Turn) => () => void;
}

export interface BudgetState {
  /** Requests a minute at present; null = unlimited. */
  readonly requestsPerMinute: number | null;
  /** By the budget's clock; null while requests are sent. */
  readonly pausedUntil: number | null;
  readonly why: 'retry-after' | 'ip-block' | null;
}

/** The requests of the last 60 s as the API may count them, and how many it may be at most; null = no limit. */
export interface Allowance {
  readonly used: number;
  readonly limit: number | null;
}

/** How the one IP is treated: at its full pace, slower after a 429 or 503, or not at all for a while. */
export type RequestPace = 'full' | 'slowed' | 'paused: retry-after' | 'paused: ip-block';

/** The requests that one egress IP may make; while nobody waits it holds no timer. */
export interface Budget {
  readonly slots: (entity: EntityId) => Slots;
  readonly state: () => BudgetState;
  readonly allowance: () => Allowance;
  /** How much of the requests is this process's, from 0 to 1; a new share begins without a burst. */
  readonly setShare: (share: number) => void;
  /** Stops for good: what still waits is never sent. */
  readonly close: () => void;
}

export interface BudgetOptions {
  /** 0 = no limit; pauses and blocks still apply. */
  readonly requestsPerMinute: number;
  /** Part of that which reading for freshness may use, more than 0 and at most 1; default all. */
  readonly refreshShare?: number;
  readonly clock: Clock;
  /** Called each time that an answer makes all requests slow down, stop or go on. */
  readonly onPace?: (pace: RequestPace) => void;
}

interface WaitingRequest {
  readonly entity: EntityId;
  readonly grant: (slot: Slot) => void;
}

const MINUTE = 60_000;
/** Of a request that belongs to no schedule: an entity's account, what looks at single rows, and all of a run of one sweep. */
const UNNAMED: Turn = { stream: '', scan: 'spot', urgency: { kind: 'bulk' } };
const BURST = 5;
const LEAST_WAIT_MS = 0.1;
const LONGEST_RETRY_AFTER = 5 * MINUTE;
/** Without a limit: each request under way holds a connection, and a thousand entities would open a thousand at once. */
const UNLIMITED_AT_A_TIME = 32;

/**
 * Deals one IP's requests out to its entities, so that any 60 s see no more than `requestsPerMinute` of them.
 *
 * Requests are evenly paced, with a burst of at most 5 that quiet earns and a new budget does not have, and each keeps
 * its slot, of which there are `requestsPerMinute`, until 60 s after its answer: whenever between sending and answer
 * the API counted it, its window is over by then. Which request is next, the dealer says; to it a request that is long
 * in being answered counts as up to two. What is only wanted for freshness is paced besides, to its part of the allowance.
 *
 * A 429, or 503 from two entities within a minute, slows the pace down; refusals that look like a block of the IP pause
 * everything.
 */
export function createBudget(options: BudgetOptions): Budget {
  const { requestsPerMinute, refreshShare = 1, clock, onPace = () => undefined } = options;
  const limited = requestsPerMinute > 0;
  const pace = createPace(clock.now());
  /** Tokens for what is wanted for freshness alone; without a limit there is no end of them. */
  const refreshes = createBucket(clock.now());
  const perMinute = (): number | null => (limited ? requestsPerMinute * share * pace.factor() * refreshShare : null);
  const dealer = createDealer<WaitingRequest>(perMinute);
  const window = createWindow();
  const block = createIpBlock();
  const parts: BudgetParts = { limited, pace, window, block, unavailable: createSightings() };
  let share = 1;
  let reported: RequestPace = 'full';
  let cancelTimer: (() => void) | null = null;
  let closed = false;

  function advance(now: number): void {
    pace.advance(now);
    refreshes.fill(now, pace.factor());
    window.advance(now);
  }

  const refreshAtMs = (now: number): number => (limited ? refreshes.nextAtMs(now, pace.factor()) : now);

  function pump(): void {
    cancelTimer?.();
    cancelTimer = null;
    if (closed) return;
    const now = clock.now();
    advance(now);
    let turn = Infinity;
    while (dealer.waits() && (turn = sendableAtMs(parts, now)) <= now) {
      const state = block.now();
      const dealt = dealer.next(now, {
        // A probe by an entity that may be refused for reasons of its own proves little.
        ...(state.state !== 'open' && { avoid: state.suspects }),
        mayRefresh: refreshAtMs(now) <= now,
      });
      if (dealt === null) break;
      if (dealt.refreshes) refreshes.take();
      send(dealt.request, now);
    }
    if (!dealer.waits()) return;
    const refreshMs = refreshAtMs(now);
    const wanted = refreshMs > now ? Math.min(refreshMs, dealer.wantedAtMs(now, false)) : dealer.wantedAtMs(now, true);
    const next = Math.max(turn, wanted);
    // A clock may not move by less than it can show: not so little that nothing has changed.
    if (next < Infinity) cancelTimer = clock.schedule(Math.max(LEAST_WAIT_MS, next - now), pump);
  }

  function send({ entity, grant }: WaitingRequest, sentAt: number): void {
    const request = pace.send();
    const probe = block.send();
    window.open();
    let finished = false;
    grant({
      done: (outcome) => {
        if (finished) return;
        finished = true;
        const now = clock.now();
        window.close();
        advance(now);
        if (limited) {
          window.cool(now + MINUTE);
          // The request had its slot for that much longer.
          dealer.charge(entity, Math.min(1, (now - sentAt) / MINUTE));
        }
        block.answered(entity, outcome, probe, now);
        judge(parts, { entity, request, outcome }, now);
        pump();
        report();
      },
    });
  }

  /** Only answers change the pace: time alone gives it back, as the next answer shows. */
  function report(): void {
    const { why } = state();
    const now: RequestPace = why !== null ? `paused: ${why}` : limited && pace.factor() < 1 ? 'slowed' : 'full';
    if (now === reported) return;
    reported = now;
    onPace(now);
  }

  function wait(entity: EntityId, turn: Turn, grant: (slot: Slot) => void): () => void {
    const leave = dealer.add(entity, turn, { entity, grant }, clock.now());
    pump();
    return () => {
      leave();
      pump();
    };
  }

  function state(): BudgetState {
    const now = clock.now();
    advance(now);
    const rate = limited ? requestsPerMinute * share * pace.factor() : null;
    return { requestsPerMinute: rate, ...pauseOf(block.now(), pace.pausedUntilMs(), now) };
  }

  function setShare(part: number): void {
    if (!limited || part === share) return;
    advance(clock.now());
    divide(part);
    pump();
  }

  function divide(part: number): void {
    share = part;
    window.resize(Math.max(1, Math.floor(requestsPerMinute * share)));
    pace.allow((requestsPerMinute * share) / MINUTE, Math.max(1, BURST * share));
    refreshes.allow((requestsPerMinute * share * refreshShare) / MINUTE, Math.max(1, BURST * share));
  }

  if (limited) divide(1);
  else window.resize(UNLIMITED_AT_A_TIME);
  return {
    slots: (entity) => ({
      take: (signal, turn = UNNAMED) =>
        whenGranted(`the wait of entity ${entity} for its turn`, signal, (grant) => wait(entity, turn, grant)),
      wait: (grant, turn = UNNAMED) => wait(entity, turn, grant),
    }),
    state,
    allowance: () => {
      advance(clock.now());
      return { used: window.used(), limit: limited ? window.size() : null };
    },
    setShare,
    close: () => {
      closed = true;
      pump();
    },
  };
}

/** What the requests of one IP are held by. */
interface BudgetParts {
  readonly limited: boolean;
  readonly pace: Pace;
  readonly window: RequestWindow;
  readonly block: ReturnType<typeof createIpBlock>;
  readonly unavailable: ReturnType<typeof createSightings>;
}

/** When the next request may be sent: not before; Infinity = only an answer can tell. */
function sendableAtMs({ limited, pace, window, block }: BudgetParts, now: number): number {
  let at = Math.max(now, pace.pausedUntilMs());
  const state = block.now();
  if (state.state === 'blocked') at = Math.max(at, state.untilMs);
  if (state.state === 'probing') at = Infinity;
  at = Math.max(at, window.freeAtMs(now));
  return limited ? Math.max(at, pace.tokenAtMs(now)) : at;
}

/** Slows all requests down where an answer asks for that. */
function judge(
  { pace, unavailable }: BudgetParts,
  answered: { readonly entity: EntityId; readonly request: number; readonly outcome: RequestOutcome },
  now: number,
): void {
  const { entity, request, outcome } = answered;
  const { status, retryAfterMs = 0 } = outcome;
  if (status === 429) {
    pace.pauseUntil(now + Math.min(retryAfterMs, LONGEST_RETRY_AFTER));
    pace.slowDown(request, now);
  }
  if (status === 503 && unavailable.add(entity, now) > 1) pace.slowDown(request, now);
}

/** Until when nothing is sent, and why. */
function pauseOf(block: BlockState, pausedUntil: number, now: number): Omit<BudgetState, 'requestsPerMinute'> {
  if (block.state !== 'open') return { pausedUntil: Math.max(block.untilMs, pausedUntil), why: 'ip-block' };
  return pausedUntil > now ? { pausedUntil, why: 'retry-after' } : { pausedUntil: null, why: null };
}

/** Resolves with what is granted to a request that joined a queue; an aborted signal makes it leave the queue, and rejects. */
function whenGranted<T>(
  title: string,
  signal: AbortSignal | undefined,
  join: (grant: (value: T) => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let leave: (() => void) | null = null;
    const abort = (): void => {
      leave?.();
      reject(new Error(`${title} was given up`));
    };
    if (signal?.aborted === true) {
      abort();
      return;
    }
    signal?.addEventListener('abort', abort, { once: true });
    leave = join((value) => {
      signal?.removeEventListener('abort', abort);
      resolve(value);
    });
  });
}
