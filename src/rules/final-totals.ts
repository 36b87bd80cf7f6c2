import { isObject } from '../json';

/** What the gross totals of final invoices contain: the whole order, what the advances have left of it, or sometimes the one and sometimes the other. */
export type FinalTotals = 'whole' | 'rest' | 'mixed';

/** What some final invoices of an account show of their totals. */
export interface FinalTotalsSeen {
  /** Null = no document tells. */
  readonly totals: FinalTotals | null;
  /** Documents whose amounts agree with one reading and not with the other. */
  readonly telling: number;
}

/**
 * Holds the amounts of final invoices of which nothing was paid yet against both readings: what is left to pay is the gross total, or that total less
 * the advances that the document names. A document that fits both readings, or neither, tells nothing, and neither does one that was paid: nobody
 * knows what is counted as paid then.
 */
export function finalTotalsOf(rows: readonly unknown[]): FinalTotalsSeen {
  const readings = rows.flatMap((row) => readingOf(row) ?? []);
  const [first = null] = readings;
  const isMixed = readings.some((reading) => reading !== first);
  return { totals: isMixed ? 'mixed' : first, telling: readings.length };
}

function readingOf(row: unknown): 'whole' | 'rest' | null {
  if (!isObject(row) || !Array.isArray(row['previous_advances'])) return null;
  const { gross_price: gross, paid_price: paid, left_to_pay: left, previous_advances: previous } = row;
  const advances = previous.map((advance: unknown) => (isObject(advance) ? advance['advance_price'] : null));
  const amounts = [gross, left, ...advances];
  if (paid !== 0 || !amounts.every((amount) => typeof amount === 'number')) return null;
  const [grossPrice = 0, leftToPay = 0, ...received] = amounts;
  const sum = received.reduce((total, amount) => total + amount, 0);
  const missing = grossPrice - leftToPay;
  if (sum === 0 || (missing !== sum && missing !== 0)) return null;
  return missing === sum ? 'whole' : 'rest';
}
