import type { Row } from '../model';
import { shownOfKsef } from './ksef';

/** A page of named fields, held against what is known of the list. */
export interface KsefPage {
  readonly rows: readonly Row[];
  /** Documents that were to be shown, in any order. */
  readonly wanted: readonly number[];
  /** What addresses a document by what is known; null = nothing. */
  readonly uuidOf: (id: number) => string | null;
  /** What a row that has no data of a document comes to. */
  readonly nothingShown: (id: number) => 'so' | 'ask' | 'contradicts';
}

/**
 * Why a page of named fields cannot be believed, in a sentence without a value of any row but ids; null = nothing is odd. A few rows that lack the
 * field, or are not there, are no surprise: the documents are asked for by themselves.
 */
export function surpriseOfPage({ rows, wanted, uuidOf, nothingShown }: KsefPage): string | null {
  if (rows.some(({ id }, index) => index > 0 && id <= (rows[index - 1]?.id ?? 0)))
    return 'rows came in another order than was asked for';
  const foreign = rows.find(({ id, uuid }) => uuidOf(id) !== null && typeof uuid === 'string' && uuid !== uuidOf(id));
  if (foreign !== undefined) return `row ${foreign.id} came with another uuid`;
  if (rows.length > 0 && rows.every((row) => shownOfKsef(row) === 'absent')) return 'rows came without ksef_data';
  const odd = rows.find((row) => ['odd', 'number'].includes(shownOfKsef(row)));
  if (odd !== undefined) return `row ${odd.id} came with another ksef_data than its own`;
  const lost = rows.find((row) => shownOfKsef(row) === 'nothing' && nothingShown(row.id) === 'contradicts');
  if (lost !== undefined) return `row ${lost.id} came without data of KSeF that it had`;
  const [first, last] = [rows[0]?.id ?? 0, rows.at(-1)?.id ?? 0];
  const between = wanted.filter((id) => id > first && id < last);
  const ids = new Set(rows.map(({ id }) => id));
  const lacking = between.filter((id) => !ids.has(id)).length;
  // One or two may have been deleted meanwhile.
  return lacking > MOST_LACKING && lacking > between.length / 2
    ? `${lacking} of ${between.length} rows did not come that the list has`
    : null;
}

const MOST_LACKING = 2;
