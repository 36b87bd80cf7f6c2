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

interface Account<T> {
  readonly entity: EntityId;
  readonly lanes: Map<string, Lane<T>>;
  /** Requests dealt; never left behind those of the entities that had more to ask for. */
  dealt: number;
  waiting: number;
}

interface Candidate<T> {
  readonly account: Account<T>;
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
 * A lap that is behind its line is as urgent as it is late, up to 16, and catches up; the other scans then keep at
 * least a sixteenth of their pace. No request of `newest` waits behind two of its entity's sweeps.
 */
export function createDealer<T>(): Dealer<T> {
  const accounts = new Map<EntityId, Account<T>>();
  const waiting = new Set<Account<T>>();
  let round = 0;

  function accountOf(entity: EntityId): Account<T> {
    let account = accounts.get(entity);
    if (account === undefined) {
      account = { entity, lanes: new Map(), dealt: round, waiting: 0 };
      accounts.set(entity, account);
    }
    return account;
  }

  function add(entity: EntityId, turn: Turn, request: T, nowMs: number): () => void {
    const account = accountOf(entity);
    const name = `${turn.stream} ${turn.scan}`;
    const lane = account.lanes.get(name) ?? { waiters: new Set(), dealtMs: -Infinity };
    account.lanes.set(name, lane);
    const waiter: Waiter<T> = { turn, request, askedMs: nowMs, passed: false };
    lane.waiters.add(waiter);
    account.waiting += 1;
    if (!waiting.has(account)) {
      // Nobody saves up turns by being quiet.
      account.dealt = Math.max(account.dealt, round);
      waiting.add(account);
    }
    return () => remove(account, lane, waiter);
  }

  function remove(account: Account<T>, lane: Lane<T>, waiter: Waiter<T>): void {
    if (!lane.waiters.delete(waiter)) return;
    account.waiting -= 1;
    if (account.waiting === 0) waiting.delete(account);
  }

  function next(nowMs: number, avoid?: ReadonlySet<EntityId>): T | null {
    const others = avoid === undefined ? [] : [...waiting].filter(({ entity }) => !avoid.has(entity));
    const pool = others.length > 0 ? others : [...waiting];
    const leastDealt = pool.reduce((least, { dealt }) => Math.min(least, dealt), Infinity);
    let chosen: Candidate<T> | null = null;
    for (const account of pool) {
      const ahead = account.dealt - leastDealt;
      if (ahead >= QUANTUM) continue;
      const candidate = mostUrgent(account, nowMs);
      if (candidate === null || (ahead >= 1 && candidate.urgency < 1)) continue;
      if (chosen === null || comesFirst(candidate, chosen)) chosen = candidate;
    }
    if (chosen === null) return null;
    const { account, lane, waiter } = chosen;
    round = Math.max(round, leastDealt);
    remove(account, lane, waiter);
    lane.dealtMs = nowMs;
    account.dealt += 1;
    if (waiter.turn.scan === 'sweep') notePassed(account);
    return waiter.request;
  }

  function charge(entity: EntityId, requests: number): void {
    accountOf(entity).dealt += requests;
  }

  return { add, next, charge, waits: () => waiting.size > 0 };
}

function mostUrgent<T>(account: Account<T>, nowMs: number): Candidate<T> | null {
  const heads: Candidate<T>[] = [];
  for (const lane of account.lanes.values()) {
    const [waiter] = lane.waiters;
    if (waiter !== undefined) heads.push({ account, lane, waiter, urgency: urgencyOf(waiter, lane, nowMs) });
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
function notePassed<T>({ lanes }: Account<T>): void {
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
  return one.account.dealt < other.account.dealt;
}
