import { EntryFlag, flagsAt, type Block } from './block';
import type { LastPublished } from './compare';
import { fingerprintHex } from './fingerprint';

const { CARRIED, DEAD_LETTERED, PUBLISHED } = EntryFlag;
const HALF = 2 ** 32;

/** The keys of a stream's topic that have a record and no tombstone, and what their newest records carry. */
export interface Living {
  readonly count: number;
  /** Sum of the fingerprints modulo 2^64, 16 hexadecimal digits; null where some record carries none under the definition. */
  readonly sum: string | null;
}

/**
 * Adds up what the entries say is on the topic, in one pass. The fingerprints are those in the records: of a row whose last reading went to
 * the dead-letter topic that of the record before, which `lastPublished` knows.
 */
export function livingIn(
  blocks: readonly Block[],
  definition: number,
  lastPublished: (id: number) => LastPublished | undefined,
): Living {
  let count = 0;
  let isProvable = true;
  let high = 0;
  let low = 0;
  for (const block of blocks) {
    const { definitions, fingerprints } = block;
    for (let slot = 0; slot < block.count; slot++) {
      const flags = flagsAt(block, slot);
      if ((flags & PUBLISHED) === 0) continue;
      count++;
      if ((flags & CARRIED) === 0) isProvable = false;
      else if ((flags & DEAD_LETTERED) !== 0) {
        const last = lastPublished(block.ids[slot] ?? 0);
        if (last?.definition !== definition) isProvable = false;
        else {
          high += Number.parseInt(last.fingerprint.slice(0, 8), 16);
          low += Number.parseInt(last.fingerprint.slice(8), 16);
        }
      } else if (definitions[slot] !== definition) isProvable = false;
      else {
        high += fingerprints[2 * slot] ?? 0;
        low += fingerprints[2 * slot + 1] ?? 0;
      }
    }
    // The halves of a block fit a double; carried over here, those of any number of blocks do.
    high = (high + Math.floor(low / HALF)) % HALF;
    low %= HALF;
  }
  return { count, sum: isProvable ? fingerprintHex(high, low) : null };
}
