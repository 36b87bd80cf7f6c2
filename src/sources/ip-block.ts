import type { EntityId } from '../model';

/** What an answer, or the lack of one, says of a block. */
export interface BlockSign {
  readonly status?: number;
  /** What was asked for, such as the name of a list: a refusal of one says nothing of another. */
  readonly place?: string;
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
  /** What those entities were refused. */
  readonly refusals: Set<string>;
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

/** One refusal that may be a sign of a block. */
interface Refusal {
  readonly entity: EntityId;
  readonly place: string;
  readonly json: boolean;
  readonly atMs: number;
}

/** The states that may follow each state: a pause may begin anew, twice as long or as long as before. */
const TRANSITIONS: Readonly<Record<BlockState['state'], readonly BlockState['state'][]>> = {
  open: ['blocked'],
  blocked: ['probing'],
  probing: ['open', 'blocked'],
};

/**
 * Tells a block of the IP from refusals of single entities and lists.
 *
 * List 403s in JSON of two entities within a minute, or 403s that are not JSON of two entities or two places of one, are a block if no
 * request at all was answered with 200 since the first of these refusals: a pause of 1 min, doubling to 15, with one probe after each
 * pause. What was refused while others were served is remembered by entity and place, and its 403s count again only after that very
 * place has answered 200.
 */
export function createIpBlock(): IpBlock {
  let block: BlockState = { state: 'open' };
  /** Refusals since the last 200, of the last minute. */
  let refusals: readonly Refusal[] = [];
  const refusedAlone = new Set<string>();

  function become(next: BlockState): void {
    if (!TRANSITIONS[block.state].includes(next.state)) {
      throw new Error(`the IP block was ${block.state} and cannot become ${next.state}; this is a bug`);
    }
    block = next;
  }

  function judgeProbe({ status, json, fault }: BlockSign, nowMs: number): void {
    if (block.state !== 'probing') return;
    const { pauseMs, suspects, refusals: refused } = block;
    if (status === undefined && fault !== true) {
      // Given up before an answer came: the pause is over as before.
      become({ ...block, state: 'blocked' });
      return;
    }
    const answered = status !== undefined && status !== 403 && status !== 429 && status < 500;
    if (answered && (status < 300 || (status >= 400 && json === true))) {
      for (const place of refused) refusedAlone.add(place);
      become({ state: 'open' });
      return;
    }
    // Anything but another refusal says nothing about the block.
    const nextMs = status === 403 ? Math.min(LONGEST_PAUSE, pauseMs * 2) : pauseMs;
    become({ state: 'blocked', pauseMs: nextMs, untilMs: nowMs + nextMs, suspects, refusals: refused });
  }

  function judgeRefusal(refusal: Refusal): void {
    const { entity, atMs } = refusal;
    if (block.state !== 'open') {
      block.suspects.add(entity);
      block.refusals.add(placeName(refusal));
      return;
    }
    if (refusedAlone.has(placeName(refusal))) return;
    refusals = [...refusals.filter((earlier) => earlier.atMs >= atMs - MINUTE), refusal];
    if (!refusals.some((earlier) => areWitnesses(earlier, refusal))) return;
    become({
      state: 'blocked',
      pauseMs: FIRST_PAUSE,
      untilMs: atMs + FIRST_PAUSE,
      suspects: new Set(refusals.map((one) => one.entity)),
      refusals: new Set(refusals.map(placeName)),
    });
    refusals = [];
  }

  return {
    now: () => block,
    send: () => {
      if (block.state === 'open') return false;
      become({ ...block, state: 'probing' });
      return true;
    },
    answered: (entity, sign, probe, nowMs) => {
      const { status, json, list, place = '' } = sign;
      if (probe) judgeProbe(sign, nowMs);
      if (status === 200) {
        for (const refusal of refusals) refusedAlone.add(placeName(refusal));
        refusals = [];
        refusedAlone.delete(placeName({ entity, place }));
      }
      if (status === 403 && json !== undefined && (!json || list === true))
        judgeRefusal({ entity, place, json, atMs: nowMs });
    },
  };
}

function placeName({ entity, place }: Pick<Refusal, 'entity' | 'place'>): string {
  return `${entity} ${place}`;
}

/** Whether two refusals together are a sign of a block: an entity's own key may be refused several lists in JSON. */
function areWitnesses(one: Refusal, other: Refusal): boolean {
  return one.entity !== other.entity || (one.place !== other.place && !one.json && !other.json);
}

/** Which entities met something within the last minute. */
export interface Sightings {
  /** Counts the entities that met it within the last minute, this one included. */
  readonly add: (entity: EntityId, nowMs: number) => number;
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
  };
}
