import type { Page } from '../model';
import { placeName, type Place } from './memory';
import type { PageToCommit } from './page-changes';

/**
 * How a scan's pages go into transactions: any number at a time, or, after the broker refused a transaction, one page or one row at a time
 * up to an id, until the row that is refused alone is known.
 */
export type Caution =
  | { readonly name: 'none' }
  | { readonly name: 'page by page'; readonly upTo: number }
  | { readonly name: 'row by row'; readonly upTo: number };

const NONE: Caution = { name: 'none' };

/** The next state after a refusal. `alone`: the refused transaction held this one page and nothing else. */
export function afterRefusal(before: Caution, upTo: number, alone: boolean): Caution {
  switch (before.name) {
    case 'none':
      return { name: 'page by page', upTo };
    case 'page by page':
      return { name: alone ? 'row by row' : 'page by page', upTo: Math.max(before.upTo, upTo) };
    case 'row by row':
      return { name: 'row by row', upTo: Math.max(before.upTo, upTo) };
  }
}

/** The next state after a page was committed, this id the last that the page proves. */
export function afterCommit(before: Caution, { upTo, end }: Pick<PageSent, 'upTo' | 'end'>): Caution {
  return before.name === 'none' || end || (upTo ?? 0) >= before.upTo ? NONE : before;
}

/** What must be known of a page until its transaction has ended. Not its rows: they would outlive their use by many pages. */
export interface PageSent extends Place {
  readonly upTo: number | null;
  readonly end: boolean;
  /** The id of a page's one row; null = more rows, or none. */
  readonly onlyId: number | null;
}

/** A page without its rows. */
export function pageSent({ state, scan }: Place, { interval, end, rows }: Page): PageSent {
  return { state, scan, upTo: interval.upTo, end, onlyId: rows.length === 1 ? (rows[0]?.id ?? null) : null };
}

/** The caution of every scan of a shard; outlives the sessions, as each refusal ends one. */
export class Cautions {
  readonly #byPlace = new Map<string, Caution>();
  readonly #refusedRows = new Set<string>();

  /** How this page goes into a transaction. */
  of(place: Place, { interval }: Page): Caution {
    const caution = this.#of(placeName(place));
    return caution.name !== 'none' && (interval.after ?? 0) < caution.upTo ? caution : NONE;
  }

  /** The broker refused a transaction of these pages while those others waited: all of them are read again and go in smaller pieces. */
  shrinkAfterRefusal(refused: readonly PageSent[], waiting: readonly PageSent[]): void {
    const [only, ...others] = refused;
    const alone = others.length === 0;
    if (only?.onlyId != null && alone) {
      this.#refusedRows.add(`${placeName(only)} ${only.onlyId}`);
      return;
    }
    for (const page of [...refused, ...waiting]) {
      const name = placeName(page);
      const upTo = page.upTo ?? Number.MAX_SAFE_INTEGER;
      this.#byPlace.set(name, afterRefusal(this.#of(name), upTo, alone && page === only));
    }
  }

  /** A page was committed; where it reaches the end of what was refused, pages go together again. */
  committed(page: PageSent): void {
    const name = placeName(page);
    const caution = afterCommit(this.#of(name), page);
    if (caution.name === 'none') this.#byPlace.delete(name);
    else this.#byPlace.set(name, caution);
  }

  /** True once of a row that was refused alone: should the row change, the broker is asked again. */
  takeRefusedRow(place: Place, id: number): boolean {
    return this.#refusedRows.size > 0 && this.#refusedRows.delete(`${placeName(place)} ${id}`);
  }

  #of(name: string): Caution {
    return this.#byPlace.get(name) ?? NONE;
  }
}

/** A page as many of one row each; only the last of them may move the cursor. */
export function cutUp(whole: PageToCommit): readonly PageToCommit[] {
  const { page } = whole;
  return page.rows.map((row, index) => {
    const last = index === page.rows.length - 1;
    const after = index === 0 ? page.interval.after : (page.rows[index - 1]?.id ?? null);
    const part: Page = {
      ...page,
      rows: [row],
      strays: last ? page.strays : [],
      interval: { after, upTo: last ? page.interval.upTo : row.id },
      end: last && page.end,
    };
    return { ...whole, page: part };
  });
}
