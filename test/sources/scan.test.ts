import { defer, EMPTY, map, NEVER, Observable, of, Subject, take, throwError } from 'rxjs';
import { FatalError } from '../../src/errors';
import type { Answer, Position, Query } from '../../src/model';
import { startPosition } from '../../src/rules/paging';
import { scan, type ScanOptions, type ScanStep, type SpotRead, spotRead } from '../../src/sources/scan';

const NO_FILTERS = { scopeField: null, openField: null };

function rows(...ids: number[]) {
  return ids.map((id) => ({ id }));
}

function answer(shown: readonly unknown[], totalCount = 1000): Answer {
  return { rows: shown, totalCount, began: 1, ended: 2 };
}

function at(offset: number, anchor: number | null, rest: Partial<Position> = {}): Position {
  return { ...startPosition(), offset, anchor, ...rest };
}

const everything: Query = { from: null, to: null, order: 'asc' };

/** A list of `count` rows with the ids 1 to `count`, answered at once. */
function listOf(count: number, limit: number) {
  return (offset: number): Observable<Answer> =>
    defer(() => {
      const shown = Math.max(0, Math.min(limit, count - offset));
      return of(answer(rows(...Array.from({ length: shown }, (_, index) => offset + index + 1)), count));
    });
}

/** Credits without end, counted while they are out. */
function openCredit() {
  const credit = {
    out: 0,
    taken: 0,
    take: (): Promise<() => void> => {
      credit.out += 1;
      credit.taken += 1;
      return Promise.resolve(() => {
        credit.out -= 1;
      });
    },
  };
  return credit;
}

/** A promise and how to fulfil it. */
function later<T>() {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

/** Lets everything go on that waits for nothing but its turn. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

function run(options: Partial<ScanOptions>) {
  const got = { steps: [] as ScanStep[], error: null as unknown, completed: false };
  const subscription = scan({
    query: everything,
    filters: NO_FILTERS,
    position: startPosition(),
    limit: 4,
    ask: listOf(10, 4),
    credit: () => Promise.resolve(() => undefined),
    stop: new AbortController().signal,
    ...options,
  })
    .pipe(take(6000)) // a scan that does not end fails its test instead of hanging it
    .subscribe({
      next: (step) => got.steps.push(step),
      error: (error: unknown) => {
        got.error = error;
      },
      complete: () => {
        got.completed = true;
      },
    });
  return {
    got,
    subscription,
    ids: () => got.steps.map(({ page }) => page.rows.map((row) => row.id)),
  };
}

describe('scan', () => {
  test('yields every row once, marks the last page and completes', async () => {
    const { got, ids } = run({});
    await settle();
    expect(ids()).toEqual([[1, 2, 3, 4], [5, 6, 7], [8, 9, 10], []]);
    expect(got.steps.map(({ page }) => page.end)).toEqual([false, false, false, true]);
    expect(got).toMatchObject({ completed: true, error: null });
    expect(got.steps[1]?.page).toMatchObject({
      ...{ strays: [], outsideQuery: 0, interval: { after: 4, upTo: 7 }, totalCount: 10, began: 1, ended: 2 },
      next: { offset: 6, anchor: 7, step: 1, requests: 2, unproven: 0 },
    });
  });

  test('goes on from the position of any page', async () => {
    const whole = run({});
    await settle();
    const resumed = run({ position: whole.got.steps[1]?.page.next ?? startPosition() });
    await settle();
    expect(resumed.ids()).toEqual([[8, 9, 10], []]);
  });

  test('yields one empty page of an empty list', async () => {
    const { got, ids } = run({ ask: listOf(0, 4) });
    await settle();
    expect(ids()).toEqual([[]]);
    expect(got.completed).toBe(true);
  });

  test('walks 5 000 pages that are answered at once', async () => {
    const { got } = run({ limit: 100, ask: listOf(4999 * 99 + 2, 100) });
    while (!got.completed) await settle();
    expect(got.error).toBeNull();
    expect(got.steps).toHaveLength(5000);
    expect(got.steps.reduce((sum, { page }) => sum + page.rows.length, 0)).toBe(4999 * 99 + 2);
  });

  test('asks nothing before it is subscribed, and keeps nothing between subscriptions', async () => {
    const asked: number[] = [];
    const ask = (offset: number) => {
      asked.push(offset);
      return listOf(10, 4)(offset);
    };
    const credit = openCredit();
    const cold = scan({
      ...{ query: everything, filters: NO_FILTERS, position: startPosition(), limit: 4, ask },
      ...{ credit: credit.take, stop: new AbortController().signal },
    });
    await settle();
    expect(credit.taken).toBe(0);
    for (const expected of [
      [0, 3, 6, 9],
      [0, 3, 6, 9, 0, 3, 6, 9],
    ]) {
      await cold.pipe(take(100)).forEach(({ release }) => {
        release();
      });
      expect(asked).toEqual(expected);
      expect(credit.out).toBe(0);
    }
  });

  test('asks for the next page while one is being handled, as far ahead as there are credits', async () => {
    const asked: number[] = [];
    let free = 2;
    const waiting: (() => void)[] = [];
    const release = () => {
      free += 1;
      waiting.shift()?.();
    };
    const { got } = run({
      credit: async () => {
        if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve));
        free -= 1;
        return release;
      },
      ask: (offset) => {
        asked.push(offset);
        return listOf(10, 4)(offset);
      },
    });
    await settle();
    expect(asked).toEqual([0, 3]);
    got.steps[0]?.release();
    await settle();
    expect(asked).toEqual([0, 3, 6]);
    got.steps[1]?.release();
    await settle();
    expect(asked).toEqual([0, 3, 6, 9]);
    expect(got.completed).toBe(true);
  });

  test('keeps its credit while it steps', async () => {
    const credit = openCredit();
    const asked: number[] = [];
    const { got, ids } = run({
      position: at(9, 4),
      credit: credit.take,
      ask: (offset) => {
        asked.push(offset);
        return listOf(8, 4)(offset);
      },
    });
    await settle();
    expect(asked).toEqual([9, 8, 6, 2, 5]);
    expect(ids()).toEqual([
      [5, 6],
      [7, 8],
    ]);
    expect(credit.taken).toBe(2);
    for (const { release } of got.steps) release();
    expect(credit.out).toBe(0);
  });

  test('stopped, it finishes the page under way and completes without an end page', async () => {
    const credit = openCredit();
    const answers = new Subject<Answer>();
    const stop = new AbortController();
    const { got, ids } = run({ credit: credit.take, ask: () => answers, stop: stop.signal });
    await settle();
    stop.abort();
    expect(got.completed).toBe(false);
    answers.next(answer(rows(1, 2, 3, 4)));
    await settle();
    expect(ids()).toEqual([[1, 2, 3, 4]]);
    expect(got).toMatchObject({ completed: true, error: null });
    expect(credit).toMatchObject({ taken: 1, out: 1 });
  });

  test('stopped between two steps, it gives its credit back', async () => {
    const credit = openCredit();
    let asked = 0;
    const stop = new AbortController();
    const { got } = run({
      position: at(9, 4),
      credit: credit.take,
      stop: stop.signal,
      ask: (offset) => {
        asked += 1;
        stop.abort();
        return listOf(8, 4)(offset);
      },
    });
    await settle();
    expect(got).toMatchObject({ completed: true, steps: [] });
    expect(asked).toBe(1);
    expect(credit).toMatchObject({ taken: 1, out: 0 });
  });

  test('stopped while it waits for a credit, it asks nothing more and gives the credit back', async () => {
    const credit = later<() => void>();
    const stop = new AbortController();
    let released = 0;
    const ask = jest.fn(listOf(10, 4));
    const { got } = run({ credit: () => credit.promise, stop: stop.signal, ask });
    stop.abort();
    credit.resolve(() => (released += 1));
    await settle();
    expect(got).toMatchObject({ completed: true, steps: [] });
    expect(ask).not.toHaveBeenCalled();
    expect(released).toBe(1);
  });

  test('stopped before it starts, it takes no credit', async () => {
    const credit = openCredit();
    const { got } = run({ credit: credit.take, stop: AbortSignal.abort() });
    await settle();
    expect(got.completed).toBe(true);
    expect(credit.taken).toBe(0);
  });

  test('unsubscribed, it aborts the request under way and gives its credit back', async () => {
    const credit = openCredit();
    let aborted = 0;
    const ask = () => new Observable<Answer>(() => () => (aborted += 1));
    const { subscription } = run({ credit: credit.take, ask });
    await settle();
    expect(credit.out).toBe(1);
    subscription.unsubscribe();
    expect(aborted).toBe(1);
    expect(credit.out).toBe(0);
  });

  test('unsubscribed while it waits for a credit, it gives back the one that comes too late', async () => {
    const credit = later<() => void>();
    let released = 0;
    const ask = jest.fn(listOf(10, 4));
    const { subscription } = run({ credit: () => credit.promise, ask });
    await settle();
    subscription.unsubscribe();
    credit.resolve(() => (released += 1));
    await settle();
    expect(released).toBe(1);
    expect(ask).not.toHaveBeenCalled();
  });

  test('unsubscribed by whoever receives a page, it leaves that credit alone and takes no other', async () => {
    const credit = openCredit();
    const step = await new Promise<ScanStep>((resolve, reject) => {
      const subscription = scan({
        ...{ query: everything, filters: NO_FILTERS, position: startPosition(), limit: 4, ask: listOf(10, 4) },
        ...{ credit: credit.take, stop: new AbortController().signal },
      }).subscribe({
        next: (received) => {
          subscription.unsubscribe();
          resolve(received);
        },
        error: reject,
      });
    });
    await settle();
    expect(credit.out).toBe(1);
    step.release();
    expect(credit.out).toBe(0);
  });

  test('waits for as long as an answer takes', async () => {
    const { got, subscription } = run({ ask: () => NEVER });
    await settle();
    expect(got).toEqual({ steps: [], error: null, completed: false });
    subscription.unsubscribe();
  });

  const unavailable = new Error('unavailable');
  test.each<[string, ScanOptions['ask'], unknown]>([
    ['of a request', () => throwError(() => unavailable), unavailable],
    [
      'thrown before the request',
      () => {
        throw unavailable;
      },
      unavailable,
    ],
    ['of an answer out of order', () => of(answer(rows(2, 1))), expect.any(FatalError)],
    ['of a request without an answer', () => EMPTY, expect.objectContaining({ name: 'EmptyError' })],
  ])('passes on the error %s and gives its credit back', async (_, ask, expected) => {
    const credit = openCredit();
    const { got } = run({ credit: credit.take, ask });
    await settle();
    expect(got.error).toEqual(expected);
    expect(got).toMatchObject({ steps: [], completed: false });
    expect(credit).toMatchObject({ taken: 1, out: 0 });
  });

  test('passes on the error of a credit', async () => {
    const { got } = run({ credit: () => Promise.reject(unavailable) });
    await settle();
    expect(got.error).toBe(unavailable);
  });

  const dated = [
    { id: 1, invoice_date: '2024-02-29' },
    { id: 2, invoice_date: '2024-03-01' },
    { id: 3, invoice_date: '2024-03-31' },
    { id: 4, invoice_date: '2024-04-01' },
    { id: 5, invoice_date: null },
    { id: 6 },
    { id: 7, invoice_date: '01.03.2024' },
    { id: 8, invoice_date: 20240315 },
  ];
  test.each<[string, Query, string | null, number[]]>([
    ['between two dates', { from: '2024-03-01', to: '2024-03-31', order: 'asc' }, 'invoice_date', [2, 3, 7, 8]],
    ['from a date', { from: '2024-03-01', to: null, order: 'asc' }, 'invoice_date', [2, 3, 4, 7, 8]],
    ['up to a date', { from: null, to: '2024-03-31', order: 'asc' }, 'invoice_date', [1, 2, 3, 7, 8]],
    ['without a date', everything, 'invoice_date', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['of a stream without a scope', { from: '2024-03-01', to: null, order: 'asc' }, null, [1, 2, 3, 4, 5, 6, 7, 8]],
  ])(
    'leaves out and counts the rows that the query %s excludes, and none whose date has another form (I1)',
    async (_, query, scopeField, expected) => {
      const { got, ids } = run({
        query,
        filters: { scopeField, openField: null },
        limit: 100,
        ask: () => of(answer(dated, 8)),
      });
      await settle();
      expect(ids()).toEqual([expected]);
      expect(got.steps[0]?.page.outsideQuery).toBe(8 - expected.length);
      expect(got.steps[0]?.page.interval).toEqual({ after: null, upTo: null });
    },
  );

  test('passes strays on with the page that shows them', async () => {
    const { got } = run({ ask: () => of(answer([...rows(1), 'x'], 2)) });
    await settle();
    expect(got.steps[0]?.page).toMatchObject({
      rows: rows(1),
      strays: [{ rows: ['x'], gap: { after: 1, upTo: null } }],
      end: true,
    });
  });
});

describe('spotRead', () => {
  function look(options: { id: number; rank: number; ask: (offset: number) => Observable<Answer>; query?: Query }) {
    const asked: number[] = [];
    const got = { spots: [] as SpotRead[], error: null as unknown, completed: false };
    const subscription = spotRead({
      ...{ id: options.id, rank: options.rank, query: options.query ?? everything, limit: 10 },
      filters: { scopeField: 'invoice_date', openField: null },
      ask: (offset) => {
        asked.push(offset);
        return options.ask(offset);
      },
    }).subscribe({
      next: (spot) => got.spots.push(spot),
      error: (error: unknown) => {
        got.error = error;
      },
      complete: () => {
        got.completed = true;
      },
    });
    return { asked, got, subscription };
  }

  test('asks once where the rank is right, with the id in the middle of the answer', async () => {
    const { asked, got } = look({ id: 51, rank: 50, ask: listOf(100, 10) });
    await settle();
    expect(asked).toEqual([45]);
    expect(got.spots).toEqual([{ found: { id: 51 }, interval: { after: 50, upTo: 51 }, began: 1, ended: 2 }]);
    expect(got.completed).toBe(true);
  });

  test('asks from the start of the list where the rank is small', async () => {
    const { asked, got } = look({ id: 3, rank: 2, ask: listOf(100, 10) });
    await settle();
    expect(asked).toEqual([0]);
    expect(got.spots).toMatchObject([{ found: { id: 3 } }]);
  });

  test('steps to an id that is not where its rank says', async () => {
    const behind = look({ id: 31, rank: 50, ask: listOf(100, 10) });
    const ahead = look({ id: 71, rank: 50, ask: listOf(100, 10) });
    const far = look({ id: 31, rank: 500, ask: listOf(100, 10) });
    for (const { got } of [behind, ahead, far]) while (!got.completed) await settle();
    expect(behind.asked).toEqual([45, 44, 42, 38, 30]);
    expect(ahead.asked).toEqual([45, 54, 63]);
    expect(behind.got.spots).toMatchObject([{ found: { id: 31 } }]);
    expect(ahead.got.spots).toMatchObject([{ found: { id: 71 } }]);
    expect(far.got.spots).toMatchObject([{ found: { id: 31 } }]);
  });

  test('says that an id is not there', async () => {
    const { got } = look({ id: 101, rank: 100, ask: listOf(100, 10) });
    await settle();
    expect(got.spots).toEqual([{ found: null, interval: { after: 100, upTo: 101 }, began: 1, ended: 2 }]);
  });

  test('says of a row that the query excludes that it is not there', async () => {
    const shown = [{ id: 1, invoice_date: '2024-01-01' }];
    const query: Query = { from: '2024-02-01', to: null, order: 'asc' };
    const { got } = look({ id: 1, rank: 0, query, ask: () => of(answer(shown, 1)) });
    await settle();
    expect(got.spots).toMatchObject([{ found: null }]);
  });

  test('survives more steps, answered at once, than a stack holds', async () => {
    const { asked, got } = look({ id: 40_000, rank: 0, ask: listOf(150_000, 30) });
    while (!got.completed && got.error === null) await settle();
    expect(got.spots).toMatchObject([{ found: { id: 40_000 } }]);
    expect(asked.length).toBeGreaterThan(1300);
  });

  test('passes errors on, and aborts the request under way when unsubscribed', async () => {
    const failed = look({ id: 1, rank: 0, ask: () => throwError(() => new Error('unavailable')) });
    const unanswered = look({ id: 1, rank: 0, ask: () => EMPTY });
    const disordered = look({ id: 1, rank: 0, ask: () => of(answer(rows(2, 1))) });
    let aborted = 0;
    const waiting = look({ id: 1, rank: 0, ask: () => new Observable<Answer>(() => () => (aborted += 1)) });
    await settle();
    expect(failed.got.error).toEqual(new Error('unavailable'));
    expect(unanswered.got.error).toMatchObject({ name: 'EmptyError' });
    expect(disordered.got.error).toMatchObject({ reason: 'out-of-order' });
    waiting.subscription.unsubscribe();
    expect(aborted).toBe(1);
    expect(waiting.got).toEqual({ spots: [], error: null, completed: false });
  });
});

test('a page of fewer rows than asked for says so, unless the list ends there or a smaller page was asked for', async () => {
  const cappedAt = async (count: number, given: number, asked?: number) => {
    const marked = asked === undefined ? {} : { asked };
    const { got } = run({
      ask: (offset) => listOf(count, given)(offset).pipe(map((each) => ({ ...each, ...marked }))),
    });
    await settle();
    return got.steps[0]?.page.cappedAt ?? null;
  };
  expect(await cappedAt(10, 3, 4)).toBe(3);
  expect([await cappedAt(10, 4, 4), await cappedAt(3, 3, 4), await cappedAt(10, 3)]).toEqual([null, null, null]);
});
