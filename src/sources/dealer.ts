import type { EntityId, Turn, Worth } from '../model';
import { IDLE_POLL_MS, isWanted, WORTH_A_REQUEST } from '../rules/stream-schedule';
import { createRecentUse } from './recent-use';

/** Requests in a row for what is known to have changed, before another kind has its turn. */
const MOST_URGENT_RUN = 3;
/** An entity pays for what it takes above so many times its fair share. */
const FAIR_TIMES = 4;
/** How steeply. */
const FAIR_POWER = 4;
/** What is not wanted yet is looked at again after this, as what it is worth may have changed meanwhile. */
const LOOK_AGAIN_MS = 5_000;
const LEAST_WAIT_MS = 20;

/** Which requests may be sent now. */
export interface Choice {
  /** One of these entities only if no other waits. */
  readonly avoid?: ReadonlySet<EntityId>;
  /** False where the part of the allowance is used up that may be spent on freshness: then `now` and `bulk` alone are dealt. */
  readonly mayRefresh: boolean;
}

/** Decides which of the requests that wait is sent next; `T` is whatever its owner knows the request by. */
export interface Dealer<T> {
  /** Queues a request; the function returned takes it out again. A request without a turn belongs to a run of one sweep. */
  readonly add: (entity: EntityId, turn: Turn, request: T, nowMs: number) => () => void;
  /** Takes out the request to be sent now, with whether it is one for freshness; null = none is wanted yet. */
  readonly next: (nowMs: number, choice: Choice) => Dealt<T> | null;
  /** Counts more against an entity than the one request that it was dealt. */
  readonly charge: (entity: EntityId, requests: number) => void;
  /** When a request that waits is wanted at the earliest; Infinity = none waits. */
  readonly wantedAtMs: (nowMs: number, mayRefresh: boolean) => number;
  readonly waits: () => boolean;
}

/** A request that is sent now. */
export interface Dealt<T> {
  readonly request: T;
  /** Whether it counts against the part of the allowance that may be spent on freshness. */
  readonly refreshes: boolean;
}

interface Waiter<T> {
  readonly entity: EntityId;
  readonly request: T;
}

interface Scheduled<T> extends Waiter<T> {
  readonly worth: () => Worth;
  /** True where something was learned since that makes it wanted at once. */
  readonly isHurried: () => boolean;
  /** Not wanted before this, as far as was known when it was looked at. */
  lookAtMs: number;
}

/** A scheduled request that was looked at. */
interface Candidate<T> {
  readonly waiter: Scheduled<T>;
  readonly worth: Worth;
  /** Part of what the request is worth that counts, as its entity had more than its share. */
  readonly part: number;
}

/**
 * Deals requests to what they are worth.
 *
 * What is known to have changed comes first, up to three times in a row. What is read for the first time and what is read for freshness have
 * every second request each while both wait. Of the scheduled requests every second one is that which is latest against its guarantee, if any
 * is late, and the others are those of the greatest index; an entity that had more than four times its share of the last minute counts for
 * less. Where nothing is worth a request, the oldest look for what is new is made. Requests of one kind are dealt evenly to entities, and
 * within an entity in the order in which they came.
 *
 * `requestsPerMinute` is what all entities together may use; null = there is no limit, and so no share.
 */
export function createDealer<T>(requestsPerMinute: () => number | null): Dealer<T> {
  const urgent = createLine<T>();
  const bulk = createLine<T>();
  const scheduled = new Set<Scheduled<T>>();
  const use = createRecentUse();
  let urgentRun = 0;
  let wasBulk = false;
  let isGuaranteesTurn = false;

  function add(entity: EntityId, { urgency }: Turn, request: T, nowMs: number): () => void {
    if (urgency.kind !== 'scheduled') return (urgency.kind === 'now' ? urgent : bulk).add({ entity, request });
    const { worth, isHurried = () => false } = urgency;
    const waiter = { entity, request, worth, isHurried, lookAtMs: nowMs };
    scheduled.add(waiter);
    return () => void scheduled.delete(waiter);
  }

  function next(nowMs: number, { avoid, mayRefresh }: Choice): Dealt<T> | null {
    const dealt =
      choose(nowMs, avoid, mayRefresh) ?? (avoid === undefined ? null : choose(nowMs, undefined, mayRefresh));
    if (dealt === null) return null;
    use.count(dealt.waiter.entity, 1, nowMs);
    return { request: dealt.waiter.request, refreshes: dealt.refreshes };
  }

  function choose(nowMs: number, avoid: ReadonlySet<EntityId> | undefined, mayRefresh: boolean) {
    const others = bulk.waits() || (mayRefresh && scheduled.size > 0);
    if (urgentRun < MOST_URGENT_RUN || !others) {
      const waiter = urgent.take(avoid);
      if (waiter !== null) {
        urgentRun += 1;
        return { waiter, refreshes: true };
      }
    }
    urgentRun = 0;
    const first = wasBulk ? takeScheduled(nowMs, avoid, mayRefresh) : null;
    if (first !== null) {
      wasBulk = false;
      return { waiter: first, refreshes: true };
    }
    const waiter = bulk.take(avoid);
    if (waiter !== null) {
      wasBulk = true;
      return { waiter, refreshes: false };
    }
    const last = takeScheduled(nowMs, avoid, mayRefresh);
    if (last !== null) return { waiter: last, refreshes: true };
    const late = urgent.take(avoid);
    return late === null ? null : { waiter: late, refreshes: true };
  }

  function takeScheduled(
    nowMs: number,
    avoid: ReadonlySet<EntityId> | undefined,
    mayRefresh: boolean,
  ): Scheduled<T> | null {
    if (!mayRefresh || scheduled.size === 0) return null;
    const best = bestOf(wanted(nowMs, avoid));
    // Every second request is for what is late, where both are wanted; whoever has no rival has every one.
    const chosen = isGuaranteesTurn ? (best.late ?? best.worth) : (best.worth ?? best.late);
    const dealt = chosen ?? best.poll;
    if (dealt === null) return null;
    isGuaranteesTurn = dealt !== best.late;
    scheduled.delete(dealt.waiter);
    return dealt.waiter;
  }

  function wanted(nowMs: number, avoid: ReadonlySet<EntityId> | undefined): readonly Candidate<T>[] {
    const candidates: Candidate<T>[] = [];
    const limit = requestsPerMinute();
    const share = limit === null ? null : limit / Math.max(1, new Set([...scheduled].map(({ entity }) => entity)).size);
    for (const waiter of scheduled) {
      const isOfLater = waiter.lookAtMs > nowMs && !waiter.isHurried();
      if (isOfLater || avoid?.has(waiter.entity) === true) continue;
      const worth = waiter.worth();
      if (!isWanted(worth)) {
        waiter.lookAtMs = nowMs + Math.min(LOOK_AGAIN_MS, Math.max(LEAST_WAIT_MS, worth.inMs));
        continue;
      }
      candidates.push({ waiter, worth, part: share === null ? 1 : partOf(use.of(waiter.entity, nowMs), share) });
    }
    return candidates;
  }

  return {
    add,
    next,
    charge: (entity, requests) => bulk.charge(entity, requests),
    wantedAtMs(nowMs, mayRefresh) {
      if (urgent.waits() || bulk.waits()) return nowMs;
      if (!mayRefresh) return Infinity;
      let atMs = Infinity;
      for (const { lookAtMs } of scheduled) atMs = Math.min(atMs, lookAtMs);
      return Math.max(nowMs, atMs);
    },
    waits: () => urgent.waits() || bulk.waits() || scheduled.size > 0,
  };
}

/** Of what an entity used in the last minute: 1 up to four times its share, and less beyond. */
function partOf(used: number, share: number): number {
  return used <= FAIR_TIMES * share ? 1 : ((FAIR_TIMES * share) / used) ** FAIR_POWER;
}

/** The candidates that are ahead of the others: the latest, the most worth a request, and the longest without a look for what is new. */
function bestOf<T>(candidates: readonly Candidate<T>[]) {
  let late: Candidate<T> | null = null;
  let worth: Candidate<T> | null = null;
  let poll: Candidate<T> | null = null;
  for (const candidate of candidates) {
    const { worth: now, part } = candidate;
    if (now.late >= 1 && (late === null || now.late * part > late.worth.late * late.part)) late = candidate;
    if (now.index >= WORTH_A_REQUEST && (worth === null || now.index * part > worth.worth.index * worth.part)) {
      worth = candidate;
    }
    if (now.polledMs >= IDLE_POLL_MS && (poll === null || now.polledMs > poll.worth.polledMs)) poll = candidate;
  }
  return { late, worth, poll };
}

/** Requests that are dealt evenly to the entities that wait, and within an entity in the order in which they came. */
function createLine<T>() {
  const queues = new Map<EntityId, { readonly waiters: Set<Waiter<T>>; dealt: number }>();
  const waiting = new Set<EntityId>();
  let round = 0;
  const queueOf = (entity: EntityId) => {
    const queue = queues.get(entity) ?? { waiters: new Set<Waiter<T>>(), dealt: round };
    queues.set(entity, queue);
    return queue;
  };
  return {
    add(waiter: Waiter<T>): () => void {
      const queue = queueOf(waiter.entity);
      // Nobody saves up turns by being quiet.
      if (queue.waiters.size === 0) queue.dealt = Math.max(queue.dealt, round);
      queue.waiters.add(waiter);
      waiting.add(waiter.entity);
      return () => {
        queue.waiters.delete(waiter);
        if (queue.waiters.size === 0) waiting.delete(waiter.entity);
      };
    },
    /** Takes out the next request; null = none waits but those of entities to avoid. */
    take(avoid: ReadonlySet<EntityId> | undefined): Waiter<T> | null {
      let chosen: EntityId | null = null;
      let least = Infinity;
      for (const entity of waiting) {
        const { dealt } = queueOf(entity);
        if (avoid?.has(entity) === true || dealt >= least) continue;
        [chosen, least] = [entity, dealt];
      }
      if (chosen === null) return null;
      const queue = queueOf(chosen);
      const [first] = queue.waiters;
      if (first === undefined) return null;
      queue.waiters.delete(first);
      if (queue.waiters.size === 0) waiting.delete(chosen);
      round = Math.max(round, least);
      queue.dealt += 1;
      return first;
    },
    charge(entity: EntityId, requests: number): void {
      queueOf(entity).dealt += requests;
    },
    waits: () => waiting.size > 0,
  };
}
