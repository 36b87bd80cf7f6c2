import type { EntityId, ScanName, StreamName, Turn } from '../model';

/** How often things are looked at, as configured. */
export interface ScheduleSettings {
  readonly newestSeconds: number;
  readonly clientsNewestSeconds: number;
  readonly openSeconds: number;
  readonly recentSeconds: number;
  readonly sweepSeconds: number;
  readonly sweepAtLeastHours: number;
}

/** When a scan begins, and how fast it wants to go on. */
export interface Target {
  /** From the start of one walk to the start of the next, at the earliest. */
  readonly everyMs: number;
  /** How long a walk may take from its start. */
  readonly withinMs: number;
}

/** The scans that have a rhythm of their own; a spot read follows from another scan. */
export type TimedScan = Exclude<ScanName, 'spot'>;

/** Where a walk stands, for `turnOf`. */
export interface Walk {
  readonly stream: StreamName;
  readonly scan: TimedScan;
  readonly target: Target;
  /** Requests that a whole walk is thought to take; null = not known yet. */
  readonly pages: number | null;
  /** How many of them were made. */
  readonly done: number;
  readonly startedAtMs: number;
}

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** What another scan has brought up is read soon, but not before everything else: as often as this. */
const SPOT_PACE_MS = 5 * SECOND;
/** A first lap, before its first page says how much there is. */
const PAGES_UNKNOWN = 100;
/** A late lap slows the other scans of its entity down to this part of their pace, and no further. */
const MOST_URGENT_LAP = 16;
/** Requests that an entity may be dealt ahead of the others when something of it is due; it goes without later. */
const QUANTUM = 3;
/** How often a walk may begin before its time. */
const EARLY_MS = HOUR;
/** A first lap wants to be over so soon. */
const FIRST_LAP_MS = 10 * MINUTE;
/** Corrections are few: short of requests, a look for new ones gives way to the others to this part of its pace. */
const CORRECTIONS_PART = 4;

/** The targets of one stream's scans. */
export function targetsOf(settings: ScheduleSettings, stream: StreamName): Readonly<Record<TimedScan, Target>> {
  const each = (seconds: number, part = 1): Target => ({
    everyMs: seconds * SECOND,
    withinMs: seconds * SECOND * part,
  });
  const newest = (): Target => {
    if (stream === 'clients') return each(settings.clientsNewestSeconds);
    return each(settings.newestSeconds, stream === 'corrective-invoices' ? CORRECTIONS_PART : 1);
  };
  return {
    newest: newest(),
    open: each(settings.openSeconds),
    recent: each(settings.recentSeconds),
    sweep: { everyMs: settings.sweepSeconds * SECOND, withinMs: settings.sweepAtLeastHours * HOUR },
  };
}

/** The target of a lap before which next to nothing of the stream is published: not in its longest time, but soon. */
export function firstLapOf(sweep: Target): Target {
  return { ...sweep, withinMs: Math.min(sweep.withinMs, FIRST_LAP_MS) };
}

/**
 * When the next walk begins, given when the last one did; by the wall clock, as it outlives the process.
 *
 * A walk that is under way is not asked about here: it goes on at once. A clock that was set back delays a scan by no
 * more than one turn. `early`: something speaks for a look before its time, which is heeded once an hour.
 */
export function dueAt({ everyMs }: Target, lastStartedMs: number | null, nowMs: number, early = false): number {
  if (lastStartedMs === null) return nowMs;
  const waitMs = early ? Math.min(everyMs, EARLY_MS) : everyMs;
  return Math.max(nowMs, Math.min(nowMs, lastStartedMs) + waitMs);
}

/** How many requests an undisturbed walk over so many rows takes, as pages overlap by one row. */
export function pagesOf(totalCount: number, limit: number): number {
  return Math.floor(Math.max(0, totalCount - 1) / (limit - 1)) + 1;
}

/**
 * What a walk says of itself when it asks for its next request.
 *
 * The requests of a walk are spread over the time that it may take, so that every scan wants them at a pace. A lap of
 * the sweep has a line beside its pace: where it must be by now to end in time.
 */
export function turnOf({ stream, scan, target, pages, done, startedAtMs }: Walk, nowMs: number): Turn {
  if (scan !== 'sweep') {
    return { stream, scan, paceMs: Math.max(1, target.withinMs / Math.max(pages ?? 1, done + 1)) };
  }
  const paceMs = lapPaceMs(target, pages);
  return { stream, scan, paceMs, behind: (nowMs - startedAtMs) / paceMs - done };
}

/** How the reading of a single row says so: a spot read, or the GET that a deletion asks for. */
export function spotTurn(stream: StreamName): Turn {
  return { stream, scan: 'spot', paceMs: SPOT_PACE_MS };
}

/** Leaves room for the requests that a lap may be behind when the others are slowed down most. */
function lapPaceMs({ withinMs }: Target, pages: number | null): number {
  return Math.max(1, withinMs / ((pages ?? PAGES_UNKNOWN) + MOST_URGENT_LAP));
}

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
  return Math.max(age, Math.min(MOST_URGENT_LAP, 1 + behind + (nowMs - askedMs) / paceMs));
}

function comesFirst<T>(one: Candidate<T>, other: Candidate<T>): boolean {
  if (one.urgency !== other.urgency) return one.urgency > other.urgency;
  return one.account.dealt < other.account.dealt;
}

/** A scan as the plan sees it. */
export interface PlannedScan {
  readonly entity: EntityId;
  readonly stream: StreamName;
  readonly scan: TimedScan;
  readonly target: Target;
  /** Requests that a whole walk takes at today's size. */
  readonly pages: number;
  readonly lastStartedMs: number | null;
  /** Null = never, or under way again. */
  readonly lastFinishedMs: number | null;
}

/** A scan and what comes of it. */
export interface Forecast {
  readonly scan: PlannedScan;
  readonly underWay: boolean;
  /** When the next walk begins if nothing is short; of one under way, when it began. */
  readonly dueAtMs: number;
  /** From the start of one walk to the start of the next, as long as nothing else has to be read. */
  readonly everyMs: number;
}

/** What the scans want, and what they get. */
export interface Plan {
  /** Requests a minute that keep every target, each lap in its longest time. */
  readonly wantedPerMinute: number;
  readonly forecasts: readonly Forecast[];
}

/** Foretells how often each scan will have a whole walk; `requestsPerMinute` null = no limit. */
export function plan(scans: readonly PlannedScan[], requestsPerMinute: number | null, nowMs: number): Plan {
  const byEntity = new Map<EntityId, PlannedScan[]>();
  for (const scan of scans) byEntity.set(scan.entity, [...(byEntity.get(scan.entity) ?? []), scan]);
  const loads = [...byEntity].map(([entity, its]) => loadOf(entity, its));
  const outcomes = new Map(
    shareOut(loads, (requestsPerMinute ?? Infinity) / MINUTE).map(({ load, rate }) => [
      load.entity,
      paceWithin(load, rate),
    ]),
  );
  const forecasts = scans.map((scan): Forecast => {
    const { target, lastStartedMs, lastFinishedMs } = scan;
    const { slowdown, lapMs } = outcomes.get(scan.entity) ?? { slowdown: 1, lapMs: () => 0 };
    const underWay = lastStartedMs !== null && lastFinishedMs === null;
    return {
      scan,
      underWay,
      dueAtMs: underWay ? lastStartedMs : dueAt(target, lastStartedMs, nowMs),
      everyMs: scan.scan === 'sweep' ? Math.max(target.everyMs, lapMs(target)) : walkEveryMs(target, slowdown),
    };
  });
  const wanted = loads.reduce((sum, { others, laps }) => sum + others + laps, 0);
  return { wantedPerMinute: wanted * MINUTE, forecasts };
}

/** A scan that gives way to others goes at its slower pace as soon as there are too few requests for all. */
function walkEveryMs({ everyMs, withinMs }: Target, slowdown: number): number {
  return slowdown > 1 ? Math.max(everyMs, withinMs * slowdown) : everyMs;
}

/** What one entity wants, in requests a millisecond. */
interface Load {
  readonly entity: EntityId;
  readonly others: number;
  /** With laps in their longest time, and in their shortest. */
  readonly laps: number;
  readonly fastLaps: number;
  readonly lapPages: number;
}

function loadOf(entity: EntityId, scans: readonly PlannedScan[]): Load {
  let [others, laps, fastLaps, lapPages] = [0, 0, 0, 0];
  for (const { scan, target, pages } of scans) {
    if (scan !== 'sweep') {
      others += pages / target.withinMs;
      continue;
    }
    laps += 1 / lapPaceMs(target, pages);
    fastLaps += pages / target.everyMs;
    lapPages += pages;
  }
  return { entity, others, laps, fastLaps, lapPages };
}

/** Gives each its equal share, and what some do not want to the rest. */
function shareOut(loads: readonly Load[], rate: number): { readonly load: Load; readonly rate: number }[] {
  const most = ({ others, laps, fastLaps }: Load): number => others + Math.max(laps, fastLaps);
  let left = rate;
  return loads
    .toSorted((one, other) => most(one) - most(other))
    .map((load, at) => {
      const given = Math.min(most(load), left / (loads.length - at));
      left -= given;
      return { load, rate: given };
    });
}

/** How the dealer divides what an entity gets: see `createDealer`. */
function paceWithin({ others, laps, lapPages }: Load, rate: number) {
  const short = rate < others + laps;
  const lapRate = short
    ? Math.min(laps, Math.max(rate - others / MOST_URGENT_LAP, (rate * laps) / (others + laps)))
    : rate - others;
  return {
    slowdown: short && others > 0 ? others / (rate - lapRate) : 1,
    lapMs: ({ withinMs }: Target) => (short ? (withinMs * laps) / lapRate : lapPages / lapRate),
  };
}
