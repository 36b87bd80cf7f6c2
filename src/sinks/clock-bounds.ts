/** How far the time of a record may be from the broker's clock for a topic to take the record. */
export interface ClockBounds {
  /** Infinity = without limit. */
  readonly aheadMs: number;
  /** Infinity = without limit. */
  readonly behindMs: number;
}

const AHEAD = 'message.timestamp.after.max.ms';
const BEHIND = 'message.timestamp.before.max.ms';
/** Both ways, of brokers before Kafka 3.6. */
const EITHER = 'message.timestamp.difference.max.ms';

/** The settings of a topic that bound the clock of who writes to the topic. */
export const CLOCK_SETTINGS: readonly string[] = [AHEAD, BEHIND, EITHER];

/** The bounds that a topic's settings have. */
export function clockBounds(settings: ReadonlyMap<string, string>): ClockBounds {
  const limit = (name: string): number => {
    const ms = Number(settings.get(name) ?? settings.get(EITHER) ?? NaN);
    // The greatest long is how brokers write that there is no limit.
    return Number.isSafeInteger(ms) ? ms : Infinity;
  };
  return { aheadMs: limit(AHEAD), behindMs: limit(BEHIND) };
}

/** What a refused time says of this machine's clock, as far as the bounds of the topics written to allow; `nowMs` is what the clock shows. */
export function clockFault(bounds: readonly ClockBounds[], nowMs: number): string {
  const clock = `this machine's clock, at ${new Date(nowMs).toISOString()}, is`;
  const ahead = Math.min(...bounds.map(({ aheadMs }) => aheadMs));
  const behind = Math.min(...bounds.map(({ behindMs }) => behindMs));
  const aheadText = `ahead of the broker's by more than ${spanText(ahead)} (${AHEAD} of the topic)`;
  const behindText = `behind the broker's by more than ${spanText(behind)} (${BEHIND} of the topic)`;
  if (behind === Infinity && ahead < Infinity) return `${clock} ${aheadText}: set the clock right`;
  if (ahead === Infinity && behind < Infinity) return `${clock} ${behindText}: set the clock right`;
  if (ahead < Infinity) return `${clock} ${aheadText}, or ${behindText}: set the clock right`;
  return `${clock} further from the broker's than ${AHEAD} (or ${BEHIND}) of the topic allows: set the clock right`;
}

function spanText(ms: number): string {
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000} h`;
  if (ms % 60_000 === 0) return `${ms / 60_000} min`;
  return `${ms / 1_000} s`;
}
