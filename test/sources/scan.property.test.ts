import fc from 'fast-check';
import { asapScheduler, defer, EMPTY, lastValueFrom, type Observable, observeOn, of, throwError, toArray } from 'rxjs';
import { FatalError } from '../../src/errors';
import type { Answer, Interval, Page, Position, Row } from '../../src/model';
import { judge, judgeSpot, type Paging, startPosition } from '../../src/rules/paging';
import { scan, spotRead } from '../../src/sources/scan';

const NO_FILTERS = { scopeField: null, openField: null };

/** Raise it to search longer: `SCAN_RUNS=60000`. */
const runs = Number(process.env['SCAN_RUNS'] ?? 1000);

/** What happens to the collection between two requests. */
type Change =
  | { readonly kind: 'append'; readonly gaps: readonly number[] }
  | { readonly kind: 'arrive'; readonly ids: readonly number[] }
  | { readonly kind: 'leave'; readonly where: number; readonly count: number }
  | { readonly kind: 'edit'; readonly where: number }
  | { readonly kind: 'stray'; readonly key: number; readonly value: unknown };

interface History {
  readonly ids: readonly number[];
  /** Before the nth request. */
  readonly changes: readonly (readonly Change[])[];
  readonly paging: Paging;
  /** The server's own limit. */
  readonly cap: number;
  /** How far off `total_count` is, request by request, over and over. */
  readonly miscounts: readonly number[];
  /** After the nth request the process dies and goes on from an older durable position, chosen by `back`. */
  readonly crashes: readonly { readonly after: number; readonly back: number }[];
}

interface Item {
  readonly key: number;
  readonly value: unknown;
}

interface Proof {
  readonly interval: Interval;
  readonly rows: readonly Row[];
  readonly next: Position;
  /** What was there when the page was read, in the direction of the walk. */
  readonly moment: readonly Row[];
}

/** A list as the API keeps it: sorted by id, one snapshot an answer, changed between requests by the history. */
class Collection {
  private items: Item[];
  private highest: number;
  private version = 0;
  private asked = 0;
  /** Ids that were there from the first request to now. */
  readonly throughout: Set<number>;

  constructor(private readonly history: History) {
    this.items = history.ids.map((id) => ({ key: id, value: this.row(id) }));
    this.highest = Math.max(0, ...history.ids);
    for (const change of history.changes[0] ?? []) this.apply(change);
    this.throughout = new Set(this.rows().map((row) => row.id));
  }

  answer(offset: number): Answer {
    const { changes, paging, cap, miscounts } = this.history;
    if (this.asked === 2_500) throw new Error('expected an end or a reason to park, got 2 500 requests');
    if (this.asked > 0) for (const change of changes[this.asked] ?? []) this.apply(change);
    const present = new Set(this.rows().map((row) => row.id));
    for (const id of this.throughout) if (!present.has(id)) this.throughout.delete(id);
    const totalCount = Math.max(0, this.items.length + (miscounts[this.asked % miscounts.length] ?? 0));
    this.asked += 1;
    const rows = this.listed().slice(offset, offset + Math.min(paging.limit, cap));
    return { rows: rows.map((item) => item.value), totalCount, began: this.asked, ended: this.asked };
  }

  rows(): Row[] {
    return this.listed()
      .map((item) => item.value)
      .filter(isRow);
  }

  private listed(): Item[] {
    return this.history.paging.order === 'asc' ? this.items : this.items.toReversed();
  }

  private row(id: number): Row {
    this.version += 1;
    return { id, version: this.version };
  }

  private apply(change: Change): void {
    switch (change.kind) {
      case 'append':
        for (const gap of change.gaps) this.put({ key: this.highest + gap, value: this.row(this.highest + gap) });
        break;
      case 'arrive':
        for (const id of change.ids) this.put({ key: id, value: this.row(id) });
        break;
      case 'leave': {
        const most = Math.max(0, this.items.length - change.count);
        this.items.splice(Math.round(change.where * most), change.count);
        break;
      }
      case 'edit': {
        const at = Math.floor(change.where * this.items.length);
        const item = this.items[at];
        if (item !== undefined && isRow(item.value)) this.items[at] = { ...item, value: this.row(item.value.id) };
        break;
      }
      case 'stray':
        this.put({ key: change.key + 0.5, value: change.value });
    }
  }

  private put(item: Item): void {
    if (this.items.some(({ key }) => key === item.key)) return;
    this.items.push(item);
    this.items.sort((a, b) => a.key - b.key);
    this.highest = Math.max(this.highest, Math.floor(item.key));
  }
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && 'version' in value;
}

const id = fc.integer({ min: 1, max: 400 });
/** 0 and 1 are the two ends of the collection. */
const where = fc.oneof(
  fc.constantFrom(0, 1),
  fc.integer({ min: 0, max: 99 }).map((percent) => percent / 100),
);
const alive: fc.Arbitrary<Change> = fc.oneof(
  fc.record({
    kind: fc.constant('append' as const),
    gaps: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 12 }),
  }),
  fc.record({ kind: fc.constant('arrive' as const), ids: fc.array(id, { minLength: 1, maxLength: 12 }) }),
  fc.record({
    kind: fc.constant('arrive' as const),
    ids: fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 12 }),
  }),
  fc.record({ kind: fc.constant('leave' as const), where, count: fc.integer({ min: 1, max: 15 }) }),
  fc.record({ kind: fc.constant('leave' as const), where, count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('edit' as const), where }),
);
const stray: fc.Arbitrary<Change> = fc.record({
  kind: fc.constant('stray' as const),
  key: id,
  value: fc.constantFrom(null, 7, 'x', [], {}, { id: '12' }, { id: 0 }, { id: -3 }, { id: 1.5 }, { id: 2 ** 53 }),
});
const crashes = fc.array(fc.record({ after: fc.integer({ min: 1, max: 30 }), back: fc.integer({ min: 0, max: 5 }) }), {
  maxLength: 3,
});

function histories(options: {
  readonly change: fc.Arbitrary<Change>;
  readonly server: fc.Arbitrary<Pick<History, 'cap' | 'miscounts'> & { readonly limit: number }>;
}): fc.Arbitrary<History> {
  return fc
    .record({
      ids: fc.uniqueArray(id, { maxLength: 40, size: 'max' }).map((ids) => ids.toSorted((a, b) => a - b)),
      changes: fc.array(fc.array(options.change, { maxLength: 3 }), { maxLength: 25 }),
      order: fc.constantFrom('asc' as const, 'desc' as const),
      server: options.server,
      crashes,
    })
    .map(({ ids, changes, order, server: { limit, cap, miscounts }, crashes }) => ({
      ...{ ids, changes, cap, miscounts, crashes },
      paging: { limit, order },
    }));
}

/** A cap below the limit, as long as `total_count` is not understated: both at once look like the end of the list. */
const cappedServer = fc.record({
  limit: fc.integer({ min: 2, max: 9 }),
  cap: fc.integer({ min: 1, max: 9 }),
  miscounts: fc.oneof(
    fc.constant([0]),
    fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 300 })), { minLength: 1, maxLength: 4 }),
  ),
});
const miscountingServer = fc
  .record({
    limit: fc.integer({ min: 2, max: 9 }),
    miscounts: fc.array(fc.oneof(fc.constant(-1000), fc.integer({ min: -20, max: 20 })), {
      minLength: 1,
      maxLength: 4,
    }),
  })
  .map(({ limit, miscounts }) => ({ limit, miscounts, cap: limit }));
const honestServer = fc
  .record({ limit: fc.integer({ min: 6, max: 9 }), cap: fc.integer({ min: 5, max: 9 }) })
  .map(({ limit, cap }) => ({ limit, cap, miscounts: [0] }));

/** Fewer rows than asked for, and any total: only a walk whose end must be confirmed sees through that. */
const lyingServer = fc.record({
  limit: fc.integer({ min: 2, max: 9 }),
  cap: fc.integer({ min: 2, max: 9 }),
  miscounts: fc.array(fc.oneof(fc.constant(-1000), fc.integer({ min: -20, max: 20 })), { minLength: 1, maxLength: 4 }),
});

const change = fc.oneof({ weight: 9, arbitrary: alive }, { weight: 1, arbitrary: stray });
/** From a server that gives at least two rows where there are two: one that gives single rows shows no row's neighbour, nor the end. */
const confirmed = (history: History): History => ({
  ...history,
  cap: Math.max(2, history.cap),
  paging: { ...history.paging, confirmsEnd: true },
});
const countedHistory = histories({ change, server: fc.oneof(cappedServer, miscountingServer) });
const anyHistory = fc.oneof(
  countedHistory,
  histories({ change: alive, server: fc.oneof(cappedServer, miscountingServer, lyingServer) }).map(confirmed),
);
const honestHistory = histories({ change: alive, server: honestServer });

function reasonOf(error: unknown): string {
  if (error instanceof FatalError) return error.reason;
  throw error;
}

/** Walks as a scan does, with a crash here and there; every position passes through JSON. */
function walk(history: History) {
  const collection = new Collection(history);
  const proofs: Proof[] = [];
  let position = startPosition();
  let before: readonly Row[] = [];
  for (let request = 1; ; request += 1) {
    const answer = collection.answer(position.offset);
    let verdict;
    try {
      verdict = judge(position, answer, history.paging);
    } catch (error) {
      return { outcome: reasonOf(error), proofs, throughout: collection.throughout };
    }
    const now = collection.rows();
    const { emptyAt } = position;
    // An end that two answers prove is nothing of the moment of one: what came in between them may be missing.
    const known = new Set([...before.map((row) => row.id), ...answer.rows.filter(isRow).map((row) => row.id)]);
    const moment = emptyAt === undefined ? now : now.filter((row) => known.has(row.id));
    before = now;
    position = verdict.next;
    if (verdict.kind === 'proved') {
      proofs.push({ interval: verdict.interval, rows: verdict.rows, next: verdict.next, moment });
      if (verdict.end) return { outcome: 'ended', proofs, throughout: collection.throughout };
    }
    const crash = history.crashes.find(({ after }) => after === request);
    if (crash !== undefined) {
      proofs.length = Math.max(0, proofs.length - crash.back);
      position = proofs.at(-1)?.next ?? startPosition();
    }
    position = JSON.parse(JSON.stringify(position)) as Position;
  }
}

function isInside({ after, upTo }: Interval, id: number): boolean {
  return (after === null || id > after) && (upTo === null || id <= upTo);
}

function expectToTile(intervals: readonly Interval[], { order }: Paging, complete: boolean): void {
  const upwards = order === 'asc' ? intervals : intervals.toReversed();
  const first = upwards[0];
  const last = upwards.at(-1);
  if (first === undefined || last === undefined) return;
  if (complete || order === 'asc') expect(first.after).toBeNull();
  if (complete || order === 'desc') expect(last.upTo).toBeNull();
  for (const [index, { after, upTo }] of upwards.entries()) {
    const below = upwards[index - 1];
    if (below !== undefined) {
      expect(after).toBe(below.upTo);
      expect(after).not.toBeNull();
    }
    if (after !== null && upTo !== null) expect(upTo).toBeGreaterThan(after);
  }
}

describe('I1, I5: an anchored walk over a list that changes between requests', () => {
  test('misses no row that was there throughout, once it has ended', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const { outcome, proofs, throughout } = walk(history);
        if (outcome !== 'ended') return;
        const seen = new Set(proofs.flatMap(({ rows }) => rows.map((row) => row.id)));
        expect([...throughout].filter((id) => !seen.has(id))).toEqual([]);
      }),
      { numRuns: runs },
    );
  });

  test('proves of an interval exactly the rows that were in it at that moment', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        for (const { interval, rows, moment } of walk(history).proofs) {
          expect(rows).toEqual(moment.filter((row) => isInside(interval, row.id)));
        }
      }),
      { numRuns: runs },
    );
  });

  test('calls no row absent that moved in front of the end of a list that had shrunk, from a server that gives single rows', () => {
    const { outcome, proofs } = walk({
      ids: [6, 7, 8, 9, 10, 11],
      changes: [
        [],
        [{ kind: 'arrive', ids: [2, 1, 3, 4, 5] }],
        [
          { kind: 'append', gaps: [1, 1, 1, 1, 1] },
          { kind: 'leave', where: 0, count: 2 },
          { kind: 'leave', where: 0, count: 13 },
        ],
        [{ kind: 'arrive', ids: [1] }],
      ],
      ...{ cap: 1, miscounts: [0], crashes: [], paging: { limit: 2, order: 'asc' } },
    });
    expect(proofs.map(({ interval }) => interval)).toEqual([{ after: null, upTo: 6 }]);
    expect(outcome).toBe('no-progress');
  });

  test('proves intervals that tile the id line without a gap or an overlap, each row once', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        const { outcome, proofs } = walk(history);
        expectToTile(
          proofs.map(({ interval }) => interval),
          history.paging,
          outcome === 'ended',
        );
        const ids = proofs.flatMap(({ rows }) => rows.map((row) => row.id));
        expect(new Set(ids).size).toBe(ids.length);
      }),
      { numRuns: runs },
    );
  });

  test('ends, or parks for a reason that fits', () => {
    fc.assert(
      fc.property(anyHistory, (history) => {
        expect(['ended', 'no-progress', 'malformed-answer']).toContain(walk(history).outcome);
      }),
      { numRuns: runs },
    );
  });

  test('ends where total_count is right and every row has an id', () => {
    fc.assert(
      fc.property(honestHistory, (history) => {
        expect(walk(history).outcome).toBe('ended');
      }),
      { numRuns: runs },
    );
  });
});

describe('a spot read in a list that changes between requests', () => {
  const ranks = fc.integer({ min: 0, max: 80 });

  function look(history: History, wanted: number, rank: number) {
    const collection = new Collection(history);
    let position: Position = { ...startPosition(), offset: rank };
    for (;;) {
      const answer = collection.answer(position.offset);
      try {
        const verdict = judgeSpot(wanted, position, answer, history.paging);
        if (verdict.kind === 'settled') {
          return { outcome: 'settled', found: verdict.found, moment: collection.rows() };
        }
        position = verdict.next;
      } catch (error) {
        return { outcome: reasonOf(error), found: null, moment: [] };
      }
    }
  }

  test('settles an id exactly as the list had it at that moment, there or not', () => {
    fc.assert(
      fc.property(countedHistory, id, ranks, (history, wanted, rank) => {
        const { outcome, found, moment } = look(history, wanted, rank);
        expect(['settled', 'no-progress', 'malformed-answer']).toContain(outcome);
        if (outcome === 'settled') expect(found).toEqual(moment.find((row) => row.id === wanted) ?? null);
      }),
      { numRuns: runs },
    );
  });

  test('settles every id where total_count is right and every row has an id', () => {
    fc.assert(
      fc.property(honestHistory, id, ranks, (history, wanted, rank) => {
        expect(look(history, wanted, rank).outcome).toBe('settled');
      }),
      { numRuns: runs },
    );
  });

  test('as an Observable emits what was settled, or fails', async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory, id, ranks, async (history, wanted, rank) => {
        const { limit, order } = history.paging;
        const expected = look(history, wanted, Math.max(0, rank - Math.floor(limit / 2)));
        const collection = new Collection(history);
        const ask = (offset: number) => defer(() => of(collection.answer(offset)));
        const query = { from: null, to: null, order };
        const spots = lastValueFrom(
          spotRead({ id: wanted, rank, query, filters: NO_FILTERS, limit, ask }).pipe(toArray()),
          { defaultValue: [] },
        );
        const got = await spots.then(
          ([spot, ...more]) => ({ outcome: more.length === 0 ? 'settled' : 'twice', spot }),
          (error: unknown) => ({ outcome: reasonOf(error), spot: undefined }),
        );
        expect(got.outcome).toBe(expected.outcome);
        if (expected.outcome !== 'settled') return;
        expect(got.spot).toMatchObject({ found: expected.found, interval: { after: wanted - 1, upTo: wanted } });
      }),
      { numRuns: Math.ceil(runs / 10) },
    );
  });
});

describe('a scan as an Observable', () => {
  /** Counts the credits that are out, and hands one out at a time to whoever waits. */
  function creditPool(size: number) {
    let free = size;
    let out = 0;
    let most = 0;
    const waiting: (() => void)[] = [];
    return {
      out: () => out,
      most: () => most,
      take: async (): Promise<() => void> => {
        while (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
        free -= 1;
        out += 1;
        most = Math.max(most, out);
        let given = false;
        return () => {
          expect(given).toBe(false);
          given = true;
          free += 1;
          out -= 1;
          waiting.shift()?.();
        };
      },
    };
  }

  async function turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
  }

  test('yields the pages of the walk within its credits, and gives every credit back however it ends', async () => {
    const endings = fc.record({
      how: fc.constantFrom('walked', 'stopped', 'failed', 'unanswered', 'unsubscribed'),
      after: fc.integer({ min: 1, max: 12 }),
    });
    const consumers = fc.record({
      credits: fc.integer({ min: 1, max: 3 }),
      delays: fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 5 }),
      immediate: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(anyHistory, endings, consumers, async (history, ending, { credits, delays, immediate }) => {
        const { limit, order } = history.paging;
        const expected = walk({ ...history, crashes: [] });
        const collection = new Collection(history);
        const pool = creditPool(credits);
        const pages: Page[] = [];
        let requests = 0;
        const cut = () => requests >= ending.after;
        const stop = new AbortController();
        if (ending.how === 'stopped' && cut()) stop.abort();
        const ask = (offset: number): Observable<Answer> => {
          requests += 1;
          if (ending.how === 'stopped' && cut()) stop.abort();
          if (ending.how === 'failed' && cut()) return throwError(() => new Error('cut'));
          if (ending.how === 'unanswered' && cut()) return EMPTY;
          const answered = defer(() => of(collection.answer(offset)));
          return immediate ? answered : answered.pipe(observeOn(asapScheduler));
        };
        const handled: Promise<void>[] = [];
        const outcome = await new Promise<string>((resolve) => {
          const subscription = scan({
            ...{ limit, ask, filters: NO_FILTERS, position: startPosition() },
            query: { from: null, to: null, order },
            confirmsEnd: history.paging.confirmsEnd ?? false,
            credit: pool.take,
            stop: stop.signal,
          }).subscribe({
            next: ({ page, release }) => {
              pages.push(page);
              handled.push(turns(delays[pages.length % delays.length] ?? 0).then(release));
              if (ending.how === 'unsubscribed' && pages.length >= ending.after) {
                subscription.unsubscribe();
                resolve('cut');
              }
            },
            error: (error: unknown) => {
              resolve(error instanceof FatalError ? error.reason : 'cut');
            },
            complete: () => {
              resolve(pages.at(-1)?.end === true ? 'ended' : 'cut');
            },
          });
        });
        await Promise.all(handled);
        await turns(10);

        expect(pool.out()).toBe(0);
        expect(pool.most()).toBeLessThanOrEqual(credits);
        if (ending.how === 'walked') expect(outcome).toBe(expected.outcome);
        else expect([expected.outcome, 'cut']).toContain(outcome);
        const walked = expected.proofs.slice(0, pages.length);
        expect(pages.map(({ interval, rows, next }) => ({ interval, rows, next }))).toEqual(
          walked.map(({ interval, rows, next }) => ({ interval, rows, next })),
        );
        if (outcome !== 'cut') expect(pages).toHaveLength(expected.proofs.length);
      }),
      { numRuns: Math.ceil(runs / 5) },
    );
  });
});
