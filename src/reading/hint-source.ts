import type { EntityId, StreamName } from '../model';
import type { Hint, HintOutcome } from '../rules/hints';

/** A hint that a stream has to see to, until it is settled. */
export interface TakenHint extends Hint {
  /** Says what became of it; only the first call counts. */
  readonly settle: (outcome: HintOutcome) => void;
}

/** One stream of an entity while it is read, as whoever has hints sees it. */
export interface HintTaker {
  readonly stream: StreamName;
  /** Whether the stream remembers a row with this uuid. */
  readonly knows: (uuid: string) => boolean;
  /** Whether a hint about a row that no stream remembers may be about a new one of this stream. */
  readonly expects: (hint: Hint) => boolean;
  /** Hands a hint over that is this stream's. */
  readonly take: (hint: TakenHint) => void;
  /** Tells of more hints than are taken one by one: the newest and the open rows are to be read. */
  readonly burst: () => void;
}

/** Where hints about the rows of all entities come from. */
export interface HintSource {
  /** Offers a stream's hints to a taker, until the function returned is called. */
  readonly join: (entity: EntityId, taker: HintTaker) => () => void;
  /** Tells that scans found so many documents paid, or gone, that no hint had brought up. */
  readonly foundUnhinted: (entity: EntityId, documents: number) => void;
}
