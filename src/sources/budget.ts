import type { EntityId, Turn } from '../model';
import { spotTurn } from '../rules/rhythm';
import { createDealer } from './dealer';

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
export interface Outcome {
  readonly status?: number;
  /** Whether it asked for a list: only there is a 403 in JSON a sign of more than a missing permission. */
  readonly list?: boolean;
  /** Whether the answer was JSON, as all of the API's own answers are. */
  readonly json?: boolean;
  readonly retryAfterMs?: number;
  /** True where no answer came: network fault, time-out. */
  readonly fault?: boolean;
}

/** Leave to send one request. */
export interface Slot {
  /** To be called once the answer is complete or given up; only the first call counts. */
  readonly done: (outcome: Outcome) => void;
}

/** What one entity sees of the budget. */
export interface Slots {
  /** Resolves when one request may be sent, at once; rejects only if aborted while waiting, which leaves the queue. */
  readonly take: (signal?: AbortSignal, turn?: Turn) => Promise<Slot>;
}

export interface BudgetState {
  /** Requests a minute at present; null = unlimited. */
  readonly requestsPerMinute: number | null;
  /** By the budget's clock; null while requests are sent. */
  readonly pausedUntil: number | null;
  readonly why: 'retry-after' | 'ip-block' | null;
}

/** The requests that one egress IP may make; while nobody waits it holds no timer. */
export interface Budget {
  readonly slots: (entity: EntityId) => Slots;
  readonly state: () => BudgetState;
  /** How much of the requests is this process's, from 0 to 1; a new share begins without a burst. */
  readonly setShare: (share: number) => void;
  /** Stops for good: what still waits is never sent. */
  readonly close: () => void;
}

export interface BudgetOptions {
  /** 0 = no limit; pauses and blocks still apply. */
  readonly requestsPerMinute: number;
  readonly clock: Clock;
}

interface Waiter {
  readonly entity: EntityId;
  readonly grant: (slot: Slot) => void;
}

const MINUTE = 60_000;
/** Of a request that belongs to no scan: an entity's account, and what looks at single rows. */
const UNNAMED = spotTurn('');
const BURST = 5;
const SLOWEST = 1 / 16;
const RECOVERY_STEP = 1 / 16;
const RECOVERY_MS = 5_000;
const LONGEST_RETRY_AFTER = 5 * MINUTE;
const FIRST_BLOCK = MINUTE;
const LONGEST_BLOCK = 15 * MINUTE;

/**
 * Deals one IP's requests out to its entities, so that any 60 s see no more than `requestsPerMinute` of them.
 *
 * Requests are evenly paced, with a burst of at most 5 that quiet earns and a new budget does not have, and each keeps
 * its slot, of which there are `requestsPerMinute`, until 60 s after its answer: whenever between sending and answer
 * the API counted it, its window is over by then. Whose request is next is dealt by the schedule; to it a request that
 * is long in being answered counts as up to two.
 *
 * A 429, or 503 from two entities within a minute, halves the pace, down to 1/16, once for all requests that were on
 * their way then; each 5 s without a further one give 1/16 of the full pace back. A 403 that is not JSON, or list 403s of
 * two entities within a minute, pause everything for 1 min, doubling to 15, with one probe after each pause. Entities
 * that caused a block which another entity's probe ended were refused for reasons of their own: their 403s count again
 * only after they had a success.
 */
export function createBudget({ requestsPerMinute, clock }: BudgetOptions): Budget {
  const limited = requestsPerMinute > 0;
  let share = 1;
  let capacity = Infinity;
  let fullRate = Infinity;

  const dealer = createDealer<Waiter>();
  let cancelTimer: (() => void) | null = null;
  let closed = false;

  let sent = 0;
  let open = 0;
  /** When the slots of answered requests become free, ascending; those before `firstCooling` are free already. */
  let cooling: number[] = [];
  let firstCooling = 0;

  let tokens = 0;
  let accruedAt = clock.now();
  let pace = 1;
  let recoversAt = Infinity;
  /** Number of requests sent when the pace was last halved. */
  let slowedAfter = 0;
  let pausedUntil = -Infinity;

  const unavailable = createSightings();
  const forbidden = createSightings();
  const refusedAlone = new Set<EntityId>();
  let block: { pauseMs: number; until: number; probing: boolean; readonly suspects: Set<EntityId> } | null = null;

  /** Brings tokens, pace and slots up to `now`. */
  function advance(now: number): void {
    while (recoversAt <= now) {
      accrue(recoversAt);
      pace = Math.min(1, pace + RECOVERY_STEP);
      recoversAt = pace < 1 ? recoversAt + RECOVERY_MS : Infinity;
    }
    accrue(now);
    while ((cooling[firstCooling] ?? Infinity) <= now) firstCooling++;
    if (firstCooling > capacity) {
      cooling = cooling.slice(firstCooling);
      firstCooling = 0;
    }
  }

  function accrue(until: number): void {
    tokens = limited ? Math.min(Math.max(1, BURST * share), tokens + (until - accruedAt) * fullRate * pace) : 0;
    accruedAt = until;
  }

  /** When the next request may be sent: not before; Infinity = only an answer can tell. */
  function nextTurn(now: number): number {
    let at = Math.max(now, pausedUntil);
    if (block !== null) at = Math.max(at, block.probing ? Infinity : block.until);
    if (!limited) return at;
    if (open + cooling.length - firstCooling >= capacity) at = Math.max(at, cooling[firstCooling] ?? Infinity);
    // A thousandth of a token forgives rounding.
    if (tokens < 0.999) at = Math.max(at, Math.min(recoversAt, now + (1 - tokens) / (fullRate * pace)));
    return at;
  }

  function pump(): void {
    cancelTimer?.();
    cancelTimer = null;
    if (closed) return;
    const now = clock.now();
    advance(now);
    let turn = Infinity;
    while (dealer.waits() && (turn = nextTurn(now)) <= now) {
      // A probe by an entity that may be refused for reasons of its own proves little.
      const waiter = dealer.next(now, block?.suspects);
      if (waiter !== null) send(waiter, now);
    }
    if (dealer.waits() && turn < Infinity) cancelTimer = clock.schedule(turn - now, pump);
  }

  function send({ entity, grant }: Waiter, sentAt: number): void {
    const number = ++sent;
    const probe = block;
    if (probe !== null) probe.probing = true;
    open++;
    tokens -= 1;
    let finished = false;
    grant({
      done: (outcome) => {
        if (finished) return;
        finished = true;
        open--;
        const now = clock.now();
        advance(now);
        if (limited) {
          cooling.push(now + MINUTE);
          // It had its slot for that much longer.
          dealer.charge(entity, Math.min(1, (now - sentAt) / MINUTE));
        }
        if (probe !== null && probe === block) judgeProbe(probe, entity, outcome, now);
        judge(entity, number, outcome, now);
        pump();
      },
    });
  }

  function judge(entity: EntityId, number: number, outcome: Outcome, now: number): void {
    const { status, json, list, retryAfterMs = 0 } = outcome;
    if (status === 200) refusedAlone.delete(entity);
    if (status === 429) {
      pausedUntil = Math.max(pausedUntil, now + Math.min(retryAfterMs, LONGEST_RETRY_AFTER));
      slowDown(number, now);
    }
    if (status === 503 && unavailable.add(entity, now) > 1) slowDown(number, now);
    if (status === 403 && json !== undefined && (!json || list === true)) judgeRefusal(entity, json, now);
  }

  function judgeRefusal(entity: EntityId, json: boolean, now: number): void {
    if (block !== null) block.suspects.add(entity);
    else if (!refusedAlone.has(entity) && (forbidden.add(entity, now) > 1 || !json)) {
      block = { pauseMs: FIRST_BLOCK, until: now + FIRST_BLOCK, probing: false, suspects: forbidden.take() };
    }
  }

  function judgeProbe(probe: NonNullable<typeof block>, entity: EntityId, outcome: Outcome, now: number): void {
    const { status, json, fault } = outcome;
    probe.probing = false;
    if (status === undefined && fault !== true) return;
    const answered = status !== undefined && status !== 403 && status !== 429 && status < 500;
    if (answered && (status < 300 || (status >= 400 && json === true))) {
      for (const suspect of probe.suspects) if (suspect !== entity) refusedAlone.add(suspect);
      block = null;
      return;
    }
    // Anything but another refusal says nothing about the block.
    if (status === 403) probe.pauseMs = Math.min(LONGEST_BLOCK, probe.pauseMs * 2);
    probe.until = now + probe.pauseMs;
  }

  function slowDown(number: number, now: number): void {
    recoversAt = Math.max(now, pausedUntil) + RECOVERY_MS;
    if (number <= slowedAfter) return;
    slowedAfter = sent;
    pace = Math.max(SLOWEST, pace / 2);
    tokens = 0;
  }

  function slots(entity: EntityId): Slots {
    return {
      take: (signal, turn = UNNAMED) =>
        new Promise((resolve, reject) => {
          const refuse = () => reject(new Error(`the wait of entity ${entity} for its turn was given up`));
          if (signal?.aborted === true) {
            refuse();
            return;
          }
          const grant = (slot: Slot) => {
            signal?.removeEventListener('abort', abort);
            resolve(slot);
          };
          const leave = dealer.add(entity, turn, { entity, grant }, clock.now());
          const abort = () => {
            leave();
            pump();
            refuse();
          };
          signal?.addEventListener('abort', abort, { once: true });
          pump();
        }),
    };
  }

  function state(): BudgetState {
    const now = clock.now();
    advance(now);
    const rate = limited ? requestsPerMinute * share * pace : null;
    if (block !== null) {
      return { requestsPerMinute: rate, pausedUntil: Math.max(block.until, pausedUntil), why: 'ip-block' };
    }
    const paused = pausedUntil > now;
    return {
      requestsPerMinute: rate,
      pausedUntil: paused ? pausedUntil : null,
      why: paused ? 'retry-after' : null,
    };
  }

  function setShare(part: number): void {
    if (!limited || part === share) return;
    advance(clock.now());
    divide(part);
    pump();
  }

  function divide(part: number): void {
    share = part;
    fullRate = (requestsPerMinute * share) / MINUTE;
    capacity = Math.max(1, Math.floor(requestsPerMinute * share));
    tokens = 0;
  }

  function close(): void {
    closed = true;
    pump();
  }

  if (limited) divide(1);
  return { slots, state, setShare, close };
}

/** Which entities met something within the last minute. */
function createSightings() {
  const seen = new Map<EntityId, number>();
  return {
    /** Counts the entities that met it within the last minute, this one included. */
    add: (entity: EntityId, now: number): number => {
      seen.set(entity, now);
      for (const [other, at] of seen) if (at < now - MINUTE) seen.delete(other);
      return seen.size;
    },
    /** Forgets them all, and says which they were. */
    take: (): Set<EntityId> => {
      const entities = new Set(seen.keys());
      seen.clear();
      return entities;
    },
  };
}
