import type { EntityId, Turn } from '../model';
import { MOST_URGENT_SWEEP } from '../rules/rhythm';

/** Requests that an entity may be dealt ahead of the others when something of it is due; it goes without later. */
const QUANTUM = 3;

/** Decides which of the requests that wait is sent next; `T` is whatever its owner knows the request by. */
export interface Dealer<T> {
  /** Queues a request; the function returned takes it out again. */
  readonly add: (entity: EntityId, turn: Turn, request: T, nowMs: number) => () => void;
  /** Takes out the request to be sent now, null if none waits. One of an entity in `avoid` only if no other waits. */
  readonly next: (nowMs: number, avoid?: ReadonlySet<EntityId>) => T | null;
  /** Counts more against an entity than the one request that it was dealt. */
  readonly charge: (entity: EntityId, requests: number) => void;
  readonly waits: () => boolean;
}

interface Waiter<T> {
  readonly turn: Turn;
  readonly request: T;
  readonly askedMs: number;
  /** Whether it is one of a `newest` that a sweep has gone before. */
  passed: boolean;
}

/** The requests of one scan, in the order in which they came. */
interface Lane<T> {
  readonly waiters: Set<Waiter<T>>;
  dealtMs: number;
}

interface EntityQueue<T> {
  readonly entity: EntityId;
  readonly lanes: Map<string, Lane<T>>;
  /** Requests dealt; never left behind those of the entities that had more to ask for. */
  dealt: number;
  waiting: number;
}

interface Candidate<T> {
  readonly queue: EntityQueue<T>;
  readonly lane: Lane<T>;
  readonly waiter: Waiter<T>;
  readonly urgency: number;
}

/**
 * Deals requests by deficit round robin over the entities and by urgency within each. A request is refused to nobody
 * while it is the only one.
 *
 * Urgency is the time since the scan's last request over its pace: short of requests, all scans of an entity slow down
 * in proportion. From 1 on a request is due. In each round every entity that waits is dealt one request; for what is
 * due an entity may be up to a quantum ahead of the round, so that it seldom waits behind what others read in advance.
 *
 * A sweep that is behind its line is as urgent as it is late, up to 16, and catches up; the other scans then keep at
 * least a sixteenth of their pace. No request of `newest` waits behind two of its entity's sweeps.
 */
export function createDealer<T>(): Dealer<T> {
  const queues = new Map<EntityId, EntityQueue<T>>();
  const waiting = new Set<EntityQueue<T>>();
  let round = 0;

  function queueOf(entity: EntityId): EntityQueue<T> {
    let queue = queues.get(entity);
    if (queue === undefined) {
      queue = { entity, lanes: new Map(), dealt: round, waiting: 0 };
      queues.set(entity, queue);
    }
    return queue;
  }

  function add(entity: EntityId, turn: Turn, request: T, nowMs: number): () => void {
    const queue = queueOf(entity);
    const name = `${turn.stream} ${turn.scan}`;
    const lane = queue.lanes.get(name) ?? { waiters: new Set(), dealtMs: -Infinity };
    queue.lanes.set(name, lane);
    const waiter: Waiter<T> = { turn, request, askedMs: nowMs, passed: false };
    lane.waiters.add(waiter);
    queue.waiting += 1;
    if (!waiting.has(queue)) {
      // Nobody saves up turns by being quiet.
      queue.dealt = Math.max(queue.dealt, round);
      waiting.add(queue);
    }
    return () => remove(queue, lane, waiter);
  }

  function remove(queue: EntityQueue<T>, lane: Lane<T>, waiter: Waiter<T>): void {
    if (!lane.waiters.delete(waiter)) return;
    queue.waiting -= 1;
    if (queue.waiting === 0) waiting.delete(queue);
  }

  function next(nowMs: number, avoid?: ReadonlySet<EntityId>): T | null {
    const others = avoid === undefined ? [] : [...waiting].filter(({ entity }) => !avoid.has(entity));
    const pool = others.length > 0 ? others : [...waiting];
    const leastDealt = pool.reduce((least, { dealt }) => Math.min(least, dealt), Infinity);
    let chosen: Candidate<T> | null = null;
    for (const queue of pool) {
      const ahead = queue.dealt - leastDealt;
      if (ahead >= QUANTUM) continue;
      const candidate = mostUrgent(queue, nowMs);
      if (candidate === null || (ahead >= 1 && candidate.urgency < 1)) continue;
      if (chosen === null || comesFirst(candidate, chosen)) chosen = candidate;
    }
    if (chosen === null) return null;
    const { queue, lane, waiter } = chosen;
    round = Math.max(round, leastDealt);
    remove(queue, lane, waiter);
    lane.dealtMs = nowMs;
    queue.dealt += 1;
    if (waiter.turn.scan === 'sweep') notePassed(queue);
    return waiter.request;
  }

  function charge(entity: EntityId, requests: number): void {
    queueOf(entity).dealt += requests;
  }

  return { add, next, charge, waits: () => waiting.size > 0 };
}

/** Takes requests in the order in which they came, whosever they are: for where each is to be sent as soon as there is a connection. */
export function createLine<T>(): Dealer<T> {
  const line = new Set<{ readonly entity: EntityId; readonly request: T }>();
  return {
    add(entity, _, request) {
      const waiter = { entity, request };
      line.add(waiter);
      return () => void line.delete(waiter);
    },
    next(_, avoid) {
      let [first] = line;
      if (avoid !== undefined) first = [...line].find(({ entity }) => !avoid.has(entity)) ?? first;
      if (first === undefined) return null;
      line.delete(first);
      return first.request;
    },
    charge: () => undefined,
    waits: () => line.size > 0,
  };
}

function mostUrgent<T>(queue: EntityQueue<T>, nowMs: number): Candidate<T> | null {
  const heads: Candidate<T>[] = [];
  for (const lane of queue.lanes.values()) {
    const [waiter] = lane.waiters;
    if (waiter !== undefined) heads.push({ queue, lane, waiter, urgency: urgencyOf(waiter, lane, nowMs) });
  }
  const first = mostUrgentOf(heads);
  if (first?.waiter.turn.scan !== 'sweep') return first;
  const passed = mostUrgentOf(heads.filter(({ waiter }) => waiter.passed));
  return passed === null ? first : { ...passed, urgency: first.urgency };
}

function mostUrgentOf<T>(candidates: readonly Candidate<T>[]): Candidate<T> | null {
  let first: Candidate<T> | null = null;
  for (const candidate of candidates) if (first === null || candidate.urgency > first.urgency) first = candidate;
  return first;
}

/** What of `newest` waits now takes the place of the sweep's next request. */
function notePassed<T>({ lanes }: EntityQueue<T>): void {
  for (const { waiters } of lanes.values()) {
    for (const waiter of waiters) if (waiter.turn.scan === 'newest') waiter.passed = true;
  }
}

function urgencyOf<T>({ turn, askedMs }: Waiter<T>, { dealtMs }: Lane<T>, nowMs: number): number {
  const { paceMs, behind } = turn;
  // A scan that has rested is due when it asks, and no more than that.
  const age = (nowMs - Math.max(dealtMs, askedMs - paceMs)) / paceMs;
  if (behind === undefined) return age;
  return Math.max(age, Math.min(MOST_URGENT_SWEEP, 1 + behind + (nowMs - askedMs) / paceMs));
}

function comesFirst<T>(one: Candidate<T>, other: Candidate<T>): boolean {
  if (one.urgency !== other.urgency) return one.urgency > other.urgency;
  return one.queue.dealt < other.queue.dealt;
}
