import { createRandom } from './random';

/** How long KSeF takes for a document, in milliseconds: at least, at most. */
export type ClearingTime = readonly [leastMs: number, mostMs: number];

/** What became of a document that was sent to KSeF. */
export interface Clearing {
  readonly status: 'pending' | 'success' | 'error';
  /** When KSeF answered, in milliseconds since 1970; null = not yet, or never. */
  readonly finishedMs: number | null;
}

const usualTime: ClearingTime = [60_000, 120_000];
const neverShare = 0.01;
const rejectedShare = 0.02;

/** What KSeF has come to by now for a document that was sent then: the same seed has the same outcome. */
export function clearingOf(
  seed: number,
  { sentMs, nowMs }: { readonly sentMs: number; readonly nowMs: number },
  [leastMs, mostMs]: ClearingTime = usualTime,
): Clearing {
  const random = createRandom(seed);
  const share = random();
  const finishedMs = sentMs + leastMs + Math.floor(random() * (mostMs - leastMs));
  if (share < neverShare || finishedMs > nowMs) return { status: 'pending', finishedMs: null };
  return { status: share < neverShare + rejectedShare ? 'error' : 'success', finishedMs };
}
