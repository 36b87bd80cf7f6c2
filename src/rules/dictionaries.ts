import type { Answer, Interval, Row, Worth } from '../model';
import { ABSENT_FOR_MS } from './deletions';
import { isRow } from './paging';
import { DAY_MS } from './scope';
import { IDLE_POLL_MS, WORTH_A_REQUEST } from './stream-schedule';

const HOUR_MS = 60 * 60 * 1_000;
/** By how much sooner than after a day a dictionary may be read again, so that those of many entities do not come all at once. */
const SPREAD_MS = 2 * HOUR_MS;

/** How often dictionaries are read. */
export interface DictionaryPace {
  /** From one reading to the next, at most. */
  readonly everyMs: number;
  readonly spreadMs: number;
  /** How far apart two readings must be that prove an entry gone. */
  readonly absentForMs: number;
}

/** Once a day, and a minute after an entry was missed. */
export const DAILY: DictionaryPace = { everyMs: DAY_MS, spreadMs: SPREAD_MS, absentForMs: ABSENT_FOR_MS };

/** What of a dictionary the JPK writes for an id, by the field that has it. */
const CODE_FIELDS: Readonly<Record<string, string>> = {
  gtus: 'name',
  documents_markings: 'code',
  vat_rates: 'symbol',
};

/** More entries than these are no dictionary. */
export const MOST_ENTRIES = 10_000;

/** A whole list of a dictionary, or why its answers are none. */
export type WholeList =
  | {
      readonly kind: 'whole';
      /** Ids ascending. */
      readonly rows: readonly Row[];
      /** What has no id that a key could hold. */
      readonly strays: readonly unknown[];
      readonly totalCount: number;
    }
  | { readonly kind: 'broken'; readonly got: string };

/**
 * Puts the answers of a list together, whatever their order: whole only if each of them names the same total, together they have as many rows,
 * and no id stands twice.
 */
export function wholeListOf(answers: readonly Answer[]): WholeList {
  const totals = [...new Set(answers.map(({ totalCount }) => totalCount))];
  const [totalCount = 0] = totals;
  if (totals.length > 1) return { kind: 'broken', got: `totals of ${totals.join(' and ')}` };
  const all = answers.flatMap(({ rows }) => rows);
  if (all.length !== totalCount) return { kind: 'broken', got: `${all.length} entries` };
  const rows: Row[] = [];
  const strays: unknown[] = [];
  for (const value of all) {
    const row = withNumber(value);
    if (row === null) strays.push(value);
    else rows.push(row);
  }
  if (new Set(rows.map(({ id }) => id)).size < rows.length) return { kind: 'broken', got: 'an id twice' };
  return { kind: 'whole', rows: rows.toSorted((one, other) => one.id - other.id), strays, totalCount };
}

/** The row, its id as the number that it is: the documents of some dictionaries call it a text. */
function withNumber(value: unknown): Row | null {
  if (isRow(value)) return value;
  if (typeof value !== 'object' || value === null || !('id' in value)) return null;
  const { id } = value;
  if (typeof id !== 'string' || !/^[1-9]\d{0,14}$/.test(id)) return null;
  return { ...value, id: Number(id) };
}

/**
 * An entry as a row to be published: every value as inFakt wrote it, its dictionary, and under `code` what a JPK writes for the id. A field of
 * inFakt by the name of the dictionary's own is kept as well.
 */
export function entryOf(kind: string, row: Row): Row {
  const { kind: other, ...fields } = row;
  const { code } = row;
  const field = CODE_FIELDS[kind];
  return {
    ...fields,
    ...(other === undefined ? {} : { 'entry.kind': other }),
    id: row.id,
    kind,
    code: (code ?? '') === '' && field !== undefined ? row[field] : code,
  };
}

/**
 * The ids that a whole list proves complete. An empty list proves nothing, nor does one with less than half of the entries known, nor one with
 * an entry that has no id: that may be the one which is missed.
 */
export function provedBy(
  { rows, strays }: Extract<WholeList, { readonly kind: 'whole' }>,
  isKnown: (id: number) => boolean,
  known: number,
): Interval {
  const shown = rows.filter(({ id }) => isKnown(id)).length;
  const isBelieved = rows.length > 0 && strays.length === 0 && 2 * shown >= known;
  return isBelieved ? { after: null, upTo: null } : NO_ID;
}

/** The interval that proves nothing: no id is above the highest safe integer. */
const NO_ID: Interval = { after: Number.MAX_SAFE_INTEGER, upTo: null };

/** Whether an interval is that of a list which is believed. */
export function isBelieved({ after }: Interval): boolean {
  return after === null;
}

/** What the last reading of a dictionary left behind. */
export interface LastReading {
  /** When it ended, in milliseconds since 1970; null = the dictionary was never read. */
  readonly endedMs: number | null;
  /** Whether entries are missing that no second reading has proved gone. */
  readonly awaitsProof: boolean;
}

/** When a dictionary is to be read again; one that was never read at once. `name` spreads the readings of many. */
export function nextReadingMs(
  { endedMs, awaitsProof }: LastReading,
  name: string,
  { everyMs, spreadMs, absentForMs }: DictionaryPace,
): number {
  if (endedMs === null) return -Infinity;
  return endedMs + (awaitsProof ? Math.min(everyMs, absentForMs) : everyMs - spreadMs * shareOf(name));
}

/** Whether a reading that was asked for then proves a second time what an earlier one missed. */
export function isSecondProof(askedMs: number, endedMs: number | null, { absentForMs }: DictionaryPace): boolean {
  return endedMs !== null && askedMs - endedMs >= absentForMs;
}

/** A number from 0 up to 1 that the name decides. */
function shareOf(name: string): number {
  let hash = 0;
  for (const character of name) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
  return (hash % 1_000) / 1_000;
}

/** What a request for a dictionary is worth: the place of an idle look for what is new, and after an hour the least that is dealt before those. */
export function worthOfDictionary(sinceMs: number, nowMs: number): Worth {
  const index = nowMs - sinceMs >= HOUR_MS ? WORTH_A_REQUEST : 0;
  return { index, late: 0, polledMs: IDLE_POLL_MS, inMs: 0 };
}
