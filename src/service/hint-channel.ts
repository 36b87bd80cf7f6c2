import type { EntityId } from '../model';
import type { HintSource, HintTaker, TakenHint } from '../reading/hint-source';
import { createHintSilence, readDelivery, type Hint, type HintOutcome, type HintSilence } from '../rules/hints';

/** The way of hints from whoever receives webhooks to the streams that read for them. */
export interface HintChannel extends HintSource {
  /** Takes in the body of a genuine delivery, undefined where it is no JSON. Every delivery comes to one outcome, at once or later. */
  readonly deliver: (entity: EntityId, body: unknown) => void;
  /** Says that these entities are read by this replica from now on, until the function returned is called. */
  readonly own: (entities: readonly EntityId[]) => () => void;
}

/** What a channel is made with. */
export interface HintChannelSetting {
  readonly now: () => number;
  /** Whether deliveries about an entity can come at all: it has a secret. */
  readonly listensFor: (entity: EntityId) => boolean;
  /** Told what became of each delivery. */
  readonly onOutcome: (entity: EntityId, outcome: HintOutcome) => void;
  /** Told once each time that hints about an entity have stopped although its scans find what they should bring up. */
  readonly onSilence: (entity: EntityId) => void;
}

/** Hints of one entity that wait, those that are to be read again among them; more are a burst. */
const MOST_WAITING = 50;
/** How often a burst that goes on is told of. */
const BURST_MS = 10_000;
/** For so long a row that was read for a hint is not read for another one that says the same. */
const KNOWN_MS = 60_000;
/** Rows read for hints that are remembered for that; the oldest are forgotten first. */
const MOST_KNOWN = 1_000;

/** What is known of the hints of one entity. */
interface Hinted {
  readonly takers: Set<HintTaker>;
  /** Hints that a stream sees to, by what they say. */
  readonly waiting: Set<string>;
  /** When the row was read that a hint was about, by what the hint says, oldest first. */
  readonly known: Map<string, number>;
  readonly silence: HintSilence;
  /** When a burst was told of last. */
  burstMs: number;
  /** How many shards of this replica read the entity: two for a moment, while one takes over from itself. */
  owners: number;
}

/** Makes a channel to which no stream listens yet. */
export function createHintChannel({ now, listensFor, onOutcome, onSilence }: HintChannelSetting): HintChannel {
  const entities = new Map<EntityId, Hinted>();

  function hintedOf(entity: EntityId): Hinted {
    let hinted = entities.get(entity);
    if (hinted === undefined) {
      const silence = createHintSilence(now());
      hinted = { takers: new Set(), waiting: new Set(), known: new Map(), silence, burstMs: -Infinity, owners: 0 };
      entities.set(entity, hinted);
    }
    return hinted;
  }

  /** What becomes of a hint at once; null = a stream sees to it. */
  function place(entity: EntityId, hinted: Hinted, hint: Hint): HintOutcome | null {
    const { takers, waiting, known, owners } = hinted;
    if (owners === 0) return 'elsewhere';
    if (takers.size === 0) return 'parked';
    const name = `${hint.kind} ${hint.event} ${hint.uuid}`;
    if (waiting.has(name) || now() - (known.get(name) ?? -Infinity) < KNOWN_MS) return 'known';
    if (waiting.size >= MOST_WAITING) {
      if (now() - hinted.burstMs >= BURST_MS) {
        hinted.burstMs = now();
        for (const taker of takers) taker.burst();
      }
      return 'full';
    }
    const all = [...takers];
    const taker = all.find(({ knows }) => knows(hint.uuid)) ?? all.find(({ expects }) => expects(hint));
    if (taker === undefined) return 'not-followed';
    waiting.add(name);
    taker.take(taken(entity, hinted, hint, name));
    return null;
  }

  function taken(entity: EntityId, { waiting, known }: Hinted, hint: Hint, name: string): TakenHint {
    return {
      ...hint,
      settle(outcome) {
        if (!waiting.delete(name)) return;
        if (outcome === 'read') remember(known, name, now());
        onOutcome(entity, outcome);
      },
    };
  }

  return {
    deliver(entity, body) {
      const hinted = hintedOf(entity);
      hinted.silence.hinted(now());
      const hint = readDelivery(body);
      const outcome = typeof hint === 'string' ? hint : place(entity, hinted, hint);
      if (outcome !== null) onOutcome(entity, outcome);
    },
    own(owned) {
      for (const entity of owned) hintedOf(entity).owners += 1;
      return () => {
        for (const entity of owned) hintedOf(entity).owners -= 1;
      };
    },
    join(entity, taker) {
      const { takers } = hintedOf(entity);
      takers.add(taker);
      return () => void takers.delete(taker);
    },
    foundUnhinted(entity, documents) {
      const { silence } = hintedOf(entity);
      if (!listensFor(entity)) silence.hinted(now());
      else if (silence.foundUnhinted(documents, now())) onSilence(entity);
    },
  };
}

function remember(known: Map<string, number>, name: string, atMs: number): void {
  known.delete(name);
  known.set(name, atMs);
  const [oldest] = known.keys();
  if (known.size > MOST_KNOWN && oldest !== undefined) known.delete(oldest);
}
