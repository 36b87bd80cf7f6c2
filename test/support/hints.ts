import type { HintSource, HintTaker } from '../../src/reading/hint-source';
import type { Hint, HintOutcome } from '../../src/rules/hints';

/** Hints that a test gives, as a channel does. */
export interface TestHints {
  readonly source: HintSource;
  /** The streams that are read now, by `entity stream`. */
  readonly takers: ReadonlyMap<string, HintTaker>;
  /** Hands a hint to a stream; what became of it is in `outcomes`. */
  readonly give: (place: string, hint: Pick<Hint, 'kind' | 'uuid'>) => void;
  /** As `kind uuid outcome`, in the order in which they came. */
  readonly outcomes: readonly string[];
  /** Documents that scans found without a hint. */
  readonly unhinted: () => number;
}

/** A source of hints to which no stream listens yet. */
export function createTestHints(): TestHints {
  const takers = new Map<string, HintTaker>();
  const outcomes: string[] = [];
  let unhinted = 0;
  return {
    takers,
    outcomes,
    unhinted: () => unhinted,
    source: {
      join(entity, taker) {
        const name = `${entity} ${taker.stream}`;
        takers.set(name, taker);
        return () => void takers.delete(name);
      },
      foundUnhinted: (_, documents) => void (unhinted += documents),
    },
    give(place, { kind, uuid }) {
      let isSettled = false;
      takers.get(place)?.take({
        kind,
        uuid,
        event: kind,
        settle(outcome: HintOutcome) {
          if (!isSettled) outcomes.push(`${kind} ${uuid} ${outcome}`);
          isSettled = true;
        },
      });
    },
  };
}
