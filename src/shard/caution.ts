import type { Page } from '../model';
import { placeName, type Place } from './memory';
import type { PageToCommit, RowSent } from './page-changes';

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
  /** A page's one row, as it was to be published; null = more rows, none, or nothing to publish. */
  readonly onlyRow: RowSent | null;
}

/** A page without its rows; the fingerprint is that of its first record, null = the page publishes nothing. */
export function pageSent({ state, scan }: Place, { interval, end, rows }: Page, fingerprint: string | null): PageSent {
  const [row, ...others] = rows;
  const onlyRow = row === undefined || others.length > 0 || fingerprint === null ? null : { id: row.id, fingerprint };
  return { state, scan, upTo: interval.upTo, end, onlyRow };
}

function nameOf(place: Place, { id, fingerprint }: RowSent): string {
  return `${placeName(place)} ${id} ${fingerprint}`;
}

/** A page or so. */
const SMALLEST_SHARE = 1 / 64;
/** Some twenty transactions until they are twice as large: one that is too large costs its whole deadline. */
const GROWTH = 1.035;

/** The caution of every scan of a shard; outlives the sessions, as each refusal ends one. */
export class Cautions {
  readonly #byPlace = new Map<string, Caution>();
  readonly #refusedRows = new Set<string>();
  #share = 1;

  /** How much of a whole transaction the next ones may hold. */
  get share(): number {
    return this.#share;
  }

  /** A transaction did not go through within its deadline, as where the broker throttles: the next ones are half as large. */
  shrinkAfterDeadline(): void {
    this.#share = Math.max(SMALLEST_SHARE, this.#share / 2);
  }

  /** A transaction went through: the next ones are a little larger, up to whole ones. */
  growAfterCommit(): void {
    this.#share = Math.min(1, this.#share * GROWTH);
  }

  /** How this page goes into a transaction. */
  of(place: Place, { interval }: Page): Caution {
    const caution = this.#of(placeName(place));
    return caution.name !== 'none' && (interval.after ?? 0) < caution.upTo ? caution : NONE;
  }

  /** The broker refused a transaction of these pages while those others waited: all of them are read again and go in smaller pieces. */
  shrinkAfterRefusal(refused: readonly PageSent[], waiting: readonly PageSent[]): void {
    const [only, ...others] = refused;
    const alone = others.length === 0;
    if (only?.onlyRow != null && alone) {
      this.#refusedRows.add(nameOf(only, only.onlyRow));
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

  /** True once of a row that was refused alone; of a row that has changed since, the broker is asked again. */
  takeRefusedRow(place: Place, row: RowSent): boolean {
    return this.#refusedRows.size > 0 && this.#refusedRows.delete(nameOf(place, row));
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
    const { unreadable, ...rest } = page;
    const part: Page = {
      ...rest,
      ...(last && unreadable !== undefined && { unreadable }),
      rows: [row],
      strays: last ? page.strays : [],
      interval: { after, upTo: last ? page.interval.upTo : row.id },
      end: last && page.end,
    };
    return { ...whole, page: part };
  });
}
