import type { EntityId } from '../model';

/** What an answer, or the lack of one, says of a block. */
export interface BlockSign {
  readonly status?: number;
  /** Whether it asked for a list: only there is a 403 in JSON a sign of more than a missing permission. */
  readonly list?: boolean;
  /** Whether the answer was JSON, as all of the API's own answers are. */
  readonly json?: boolean;
  /** True where no answer came: network fault, time-out. */
  readonly fault?: boolean;
}

/** Whether the API's protection lets this IP's requests pass. */
export type BlockState =
  | { readonly state: 'open' }
  | ({ readonly state: 'blocked' } & Pause)
  /** One request is on its way to find out; nothing else is sent. */
  | ({ readonly state: 'probing' } & Pause);

interface Pause {
  readonly pauseMs: number;
  readonly untilMs: number;
  /** Entities that were refused, perhaps for reasons of their own: a probe of theirs proves little. */
  readonly suspects: Set<EntityId>;
}

/** The block of one IP, as its refused requests tell of it. */
export interface IpBlock {
  readonly now: () => BlockState;
  /** Notes that a request is sent; true = it is the probe. */
  readonly send: () => boolean;
  readonly answered: (entity: EntityId, sign: BlockSign, probe: boolean, nowMs: number) => void;
}

const MINUTE = 60_000;
const FIRST_PAUSE = MINUTE;
const LONGEST_PAUSE = 15 * MINUTE;

/** The states that may follow each state: a pause may begin anew, twice as long or as long as before. */
const TRANSITIONS: Readonly<Record<BlockState['state'], readonly BlockState['state'][]>> = {
  open: ['blocked'],
  blocked: ['probing'],
  probing: ['open', 'blocked'],
};

/**
 * Tells a block of the IP from refusals of single entities.
 *
 * A 403 that is not JSON, or list 403s of two entities within a minute, are a block: a pause of 1 min, doubling to 15, with
 * one probe after each pause. Entities that caused a block which another entity's probe ended were refused for reasons of
 * their own: their 403s count again only after they had a success.
 */
export function createIpBlock(): IpBlock {
  let block: BlockState = { state: 'open' };
  const forbidden = createSightings();
  const refusedAlone = new Set<EntityId>();

  function become(next: BlockState): void {
    if (!TRANSITIONS[block.state].includes(next.state)) {
      throw new Error(`the IP block was ${block.state} and cannot become ${next.state}; this is a bug`);
    }
    block = next;
  }

  function judgeProbe(entity: EntityId, { status, json, fault }: BlockSign, nowMs: number): void {
    if (block.state !== 'probing') return;
    const { pauseMs, untilMs, suspects } = block;
    if (status === undefined && fault !== true) {
      // Given up before an answer came: the pause is over as before.
      become({ state: 'blocked', pauseMs, untilMs, suspects });
      return;
    }
    const answered = status !== undefined && status !== 403 && status !== 429 && status < 500;
    if (answered && (status < 300 || (status >= 400 && json === true))) {
      for (const suspect of suspects) if (suspect !== entity) refusedAlone.add(suspect);
      become({ state: 'open' });
      return;
    }
    // Anything but another refusal says nothing about the block.
    const nextMs = status === 403 ? Math.min(LONGEST_PAUSE, pauseMs * 2) : pauseMs;
    become({ state: 'blocked', pauseMs: nextMs, untilMs: nowMs + nextMs, suspects });
  }

  function judgeRefusal(entity: EntityId, json: boolean, nowMs: number): void {
    if (block.state !== 'open') block.suspects.add(entity);
    else if (!refusedAlone.has(entity) && (forbidden.add(entity, nowMs) > 1 || !json)) {
      become({ state: 'blocked', pauseMs: FIRST_PAUSE, untilMs: nowMs + FIRST_PAUSE, suspects: forbidden.take() });
    }
  }

  return {
    now: () => block,
    send: () => {
      if (block.state === 'open') return false;
      become({ ...block, state: 'probing' });
      return true;
    },
    answered: (entity, sign, probe, nowMs) => {
      const { status, json, list } = sign;
      if (probe) judgeProbe(entity, sign, nowMs);
      if (status === 200) refusedAlone.delete(entity);
      if (status === 403 && json !== undefined && (!json || list === true)) judgeRefusal(entity, json, nowMs);
    },
  };
}

/** Which entities met something within the last minute. */
export interface Sightings {
  /** Counts the entities that met it within the last minute, this one included. */
  readonly add: (entity: EntityId, nowMs: number) => number;
  /** Forgets all entities, and says which they were. */
  readonly take: () => Set<EntityId>;
}

/** Nothing has been met yet. */
export function createSightings(): Sightings {
  const seen = new Map<EntityId, number>();
  return {
    add: (entity, nowMs) => {
      seen.set(entity, nowMs);
      for (const [other, at] of seen) if (at < nowMs - MINUTE) seen.delete(other);
      return seen.size;
    },
    take: () => {
      const entities = new Set(seen.keys());
      seen.clear();
      return entities;
    },
  };
}
