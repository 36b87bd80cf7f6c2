import fc from 'fast-check';

import type { PagePlace } from '../../src/model';
import { countPage, Finder, MOST_REQUESTS, type PageCount, type Ranks } from '../../src/rules/search';

const LIMIT = 100;
const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => 2 * (at + 1));

/** A list as the API has it, and what is known of it. */
function world(list: number[], known: number[], total: (real: number) => number = (real) => real) {
  const ledger = new Set(known);
  let ascending: readonly number[] | null = null;
  const sorted = () => (ascending ??= [...ledger].sort((a, b) => a - b));
  const ranks: Ranks = {
    sizeOf: () => ledger.size,
    rank: (id) => {
      const at = sorted().findIndex((each) => each >= id);
      return at < 0 ? ledger.size : at;
    },
  };
  /** Reads a page and brings the ledger up to it; null = the page is empty. */
  const look = (offset: number): { readonly count: PageCount; readonly changes: number } | null => {
    const ids = list.slice(offset, offset + LIMIT);
    const [first] = ids;
    const last = ids.at(-1);
    if (first === undefined || last === undefined) return null;
    let changes = 0;
    const shown = new Set(ids);
    for (const id of sorted()) {
      if (id > last) break;
      if ((offset > 0 && id < first) || shown.has(id)) continue;
      ledger.delete(id);
      changes += 1;
    }
    for (const id of ids) {
      if (ledger.has(id)) continue;
      ledger.add(id);
      changes += 1;
    }
    const place: PagePlace = { offset, rows: ids.length, first, last };
    if (changes > 0) ascending = null;
    return { count: countPage(ranks, 'all', place, { total: total(list.length), order: 'asc' }), changes };
  };
  return { ledger, ranks, look, isKnown: () => JSON.stringify(sorted()) === JSON.stringify(list) };
}

/** Plays a search to its end; returns its requests. */
function search(here: ReturnType<typeof world>, finder: Finder, from: number) {
  const seen = here.look(from);
  const wanted = seen !== null && finder.note(seen.count, 0);
  let requests = 0;
  while (wanted) {
    const next = finder.next(0);
    if ('end' in next) return { wanted, requests, end: next.end };
    requests += 1;
    const looked = here.look(next.offset);
    finder.looked(looked?.count ?? null, looked?.changes ?? 0);
  }
  return { wanted, requests, end: null };
}

test.each([
  ['a row that left', (ids: number[]) => ids.filter((id) => id !== 1_234)],
  ['a row that came back', (ids: number[]) => [...ids, 1_235].sort((a, b) => a - b)],
  ['the first row', (ids: number[]) => ids.slice(1)],
  ['three rows far apart', (ids: number[]) => ids.filter((id) => ![10, 5_000, 13_500].includes(id))],
])('%s of 8 000 is found in a few requests, whichever page says so', (_, change) => {
  const known = upTo(8_000);
  for (const from of [0, 4_000, 7_900]) {
    const here = world(change([...known]), known);
    const { requests, end } = search(here, new Finder(LIMIT), from);
    expect(here.isKnown()).toBe(true);
    if (end !== null) expect(requests).toBeLessThan(25);
  }
});

test('a page that agrees starts nothing', () => {
  const ids = upTo(1_000);
  expect(search(world(ids, ids), new Finder(LIMIT), 300).wanted).toBe(false);
});

test('newest says from the other end how many rows are below it', () => {
  const ranks: Ranks = { sizeOf: () => 10, rank: (id) => id - 1 };
  const place = { offset: 0, rows: 4, first: 10, last: 7 };
  expect(countPage(ranks, 'all', place, { total: 9, order: 'desc' })).toEqual({
    list: 'all',
    from: 5,
    to: 9,
    total: 9,
    below: -1,
    above: 0,
  });
});

test('a total that is wrong for ever costs a few short searches, then none until it changes', () => {
  const ids = upTo(8_000);
  const here = world(ids, ids, (real) => real + 1);
  const finder = new Finder(LIMIT);
  let nowMs = 0;
  let requests = 0;
  let searches = 0;
  for (let poll = 0; poll < 5_000; poll += 1) {
    nowMs += 15_000;
    const count = here.look(0)?.count;
    if (count === undefined || !finder.note(count, nowMs)) continue;
    searches += 1;
    for (let next = finder.next(nowMs); 'offset' in next; next = finder.next(nowMs)) {
      requests += 1;
      finder.looked(here.look(next.offset)?.count ?? null, 0);
    }
  }
  expect(searches).toBeLessThanOrEqual(4);
  expect(requests).toBeLessThan(60);
});

test('totals that are made up cost a search an hour at most in the end', () => {
  const ids = upTo(8_000);
  let made = 0;
  const here = world(ids, ids, (real) => real + (made = (made * 7 + 3) % 11));
  const finder = new Finder(LIMIT);
  let nowMs = 0;
  let requests = 0;
  for (let poll = 0; poll < 4 * 60 * 24; poll += 1) {
    nowMs += 15_000;
    const count = here.look(0)?.count;
    if (count === undefined || !finder.note(count, nowMs)) continue;
    for (let next = finder.next(nowMs); 'offset' in next; next = finder.next(nowMs)) {
      requests += 1;
      finder.looked(here.look(next.offset)?.count ?? null, 0);
    }
  }
  expect(requests).toBeLessThan(2_500);
});

test('where so much changed that a walk costs less, the search says so', () => {
  const known = upTo(20_000);
  const here = world(
    known.filter((_, at) => at % 500 !== 0),
    known,
  );
  expect(search(here, new Finder(LIMIT), 10_000)).toMatchObject({ requests: 0, end: 'walk' });
});

test('rows that move while it runs end it after its requests, at the latest', () => {
  const known = upTo(100_000);
  const list = [...known];
  list.splice(70_000, 1);
  const here = world(list, known);
  const finder = new Finder(LIMIT);
  const seen = here.look(0);
  if (seen !== null) finder.note(seen.count, 0);
  let requests = 0;
  for (let next = finder.next(0); 'offset' in next; next = finder.next(0)) {
    requests += 1;
    const looked = here.look(next.offset)?.count;
    // Everything shifts by one with every request, to and fro.
    const by = requests % 2 === 0 ? 1 : -1;
    finder.looked(looked === undefined ? null : { ...looked, below: looked.below + by, above: looked.above - by }, 1);
    expect(requests).toBeLessThanOrEqual(MOST_REQUESTS);
  }
});

test('a search that is broken off rests, and so does one whose list has totals that a walk has shown to be wrong', () => {
  const known = upTo(8_000);
  const finder = new Finder(LIMIT);
  const count = world(known.slice(1), known).look(4_000)?.count;
  if (count === undefined) throw new Error('expected a page');
  expect(finder.note(count, 0)).toBe(true);
  finder.stop(0);
  expect([finder.isSearching, finder.note(count, 1), finder.note(count, 10_000)]).toEqual([false, false, true]);
  finder.stop(10_000);
  finder.walked(false);
  expect(finder.note(count, 1e12)).toBe(false);
  finder.walked(true);
  expect(finder.note(count, 1e12)).toBe(true);
});

test('whatever came or went, a search ends within its requests, and what it brings in was shown by a page', () => {
  const ids = fc.uniqueArray(fc.integer({ min: 1, max: 3_000 }), { minLength: 1, maxLength: 800, size: 'max' });
  fc.assert(
    fc.property(ids, ids, fc.nat(800), fc.integer({ min: -3, max: 3 }), (list, known, from, lie) => {
      const sorted = list.toSorted((a, b) => a - b);
      const here = world(sorted, known, (real) => Math.max(0, real + lie));
      const { requests } = search(here, new Finder(LIMIT), Math.min(from, sorted.length - 1));
      expect(requests).toBeLessThanOrEqual(MOST_REQUESTS);
      const possible = new Set([...sorted, ...known]);
      expect([...here.ledger].filter((id) => !possible.has(id))).toEqual([]);
    }),
    { numRuns: 200 },
  );
});
