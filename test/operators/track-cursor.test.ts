import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { defer, EMPTY, lastValueFrom, map, NEVER, type Observable, of, Subject, throwError, toArray } from 'rxjs';
import { type CreditedPage, trackCursor } from '../../src/operators/track-cursor';
import { virtualTime } from '../support/virtual-time';

const unavailable = new Error('the other side is down');
const refused = new Error('not this page');

/** Pages as letters, and the letters of those whose credit was given back, in that order. */
function credited() {
  const released: string[] = [];
  const withCredit = map((page: string): CreditedPage<string> => ({ page, release: () => released.push(page) }));
  return { released, withCredit };
}

/** Commits each page as its letter says. */
function commitsOf(commits: Record<string, Observable<string>>): (page: string) => Observable<string> {
  return (page) => commits[page] ?? EMPTY;
}

function isCollector(value: unknown): value is () => void {
  return typeof value === 'function';
}

function fail(error: unknown): void {
  throw error;
}

describe('trackCursor', () => {
  test('emits the cursors of pages that are committed side by side, in the order of the pages', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('    -a-b-c|     ');
      const a = cold('          ---(A|)   ');
      const b = cold('            ---(B|) ');
      const c = cold('              -(C|) ');
      const commit = commitsOf({ a, b, c });
      const expected = '       ----A-(BC|) ';
      expectObservable(source.pipe(credited().withCredit, trackCursor({ commit }))).toBe(expected);
      expectSubscriptions(source.subscriptions).toBe('^-----!');
      expectSubscriptions(a.subscriptions).toBe('     -^--!');
      expectSubscriptions(b.subscriptions).toBe('     ---^--!');
      expectSubscriptions(c.subscriptions).toBe('     -----^!');
    }));

  test('no cursor comes out before every earlier page is committed, in whatever order the commits resolve', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('    -abc|      ');
      const a = cold('          -----(A|)');
      const b = cold('           --(B|)  ');
      const c = cold('            -(C|)  ');
      const expected = '       ------(ABC|)';
      expectObservable(source.pipe(credited().withCredit, trackCursor({ commit: commitsOf({ a, b, c }) }))).toBe(
        expected,
      );
    }));

  test('gives a credit back when its own page is committed, also ahead of earlier pages, and once', () => {
    const { released, withCredit } = credited();
    const pages = new Subject<string>();
    const commits: Record<string, Subject<string>> = { a: new Subject(), b: new Subject() };
    const cursors: string[] = [];
    pages
      .pipe(withCredit, trackCursor({ commit: commitsOf(commits) }))
      .subscribe({ next: (cursor) => cursors.push(cursor), error: fail });
    pages.next('a');
    pages.next('b');
    expect(released).toEqual([]);
    commits['b']?.next('B');
    expect([released, cursors]).toEqual([['b'], []]);
    commits['b']?.complete();
    commits['a']?.next('A');
    commits['a']?.next('more of A');
    commits['a']?.complete();
    expect([released, cursors]).toEqual([
      ['b', 'a'],
      ['A', 'B', 'more of A'],
    ]);
  });

  test('a failure of the source comes after the cursors of all pages that were taken from it', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('    -ab#          ', undefined, unavailable);
      const a = cold('          -----(A|)   ');
      const b = cold('           ------(B|) ');
      const expected = '       ------A-(B#) ';
      const cursors = source.pipe(credited().withCredit, trackCursor({ commit: commitsOf({ a, b }) }));
      expectObservable(cursors).toBe(expected, undefined, unavailable);
      expectSubscriptions(source.subscriptions).toBe('^--!');
      expectSubscriptions(b.subscriptions).toBe('     --^-----!');
    }));

  test('keeps a failure of the source back for as long as a commit is open', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('-a#', undefined, unavailable);
      expectObservable(source.pipe(credited().withCredit, trackCursor({ commit: () => NEVER }))).toBe('-');
    }));

  test('a failed commit while an earlier one is open: no further page is taken, and the earlier cursor comes out first', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('    -ab---c|  ');
      const a = cold('          ----(A|)');
      const b = cold('           -#     ', undefined, refused);
      const c = cold('|');
      const expected = '       -----(A#) ';
      const cursors = source.pipe(credited().withCredit, trackCursor({ commit: commitsOf({ a, b, c }) }));
      expectObservable(cursors).toBe(expected, undefined, refused);
      expectSubscriptions(source.subscriptions).toBe('^--!');
      expectSubscriptions(a.subscriptions).toBe('     -^---!');
      expectSubscriptions(c.subscriptions).toBe([]);
    }));

  test('a failed commit is the failure that comes out, also where the source failed before it', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('-a#', undefined, unavailable);
      const a = cold('      ---#', undefined, refused);
      const cursors = source.pipe(credited().withCredit, trackCursor({ commit: commitsOf({ a }) }));
      expectObservable(cursors).toBe('----#', undefined, refused);
    }));

  test('cursors behind a failed commit do not come out, though their pages are committed', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('-abc|');
      const a = cold('      ---(A|)');
      const b = cold('       -#', undefined, refused);
      const c = cold('        (C|)');
      const cursors = source.pipe(credited().withCredit, trackCursor({ commit: commitsOf({ a, b, c }) }));
      expectObservable(cursors).toBe('----(A#)', undefined, refused);
    }));

  test('several commits that reject while the first is open reject nothing that nobody handles', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    let settleFirst: (cursor: string) => void = () => undefined;
    const first = new Promise<string>((resolve) => {
      settleFirst = resolve;
    });
    const { released, withCredit } = credited();
    const cursors: string[] = [];
    const ended = new Promise<unknown>((resolve) => {
      of('a', 'b', 'c')
        .pipe(
          withCredit,
          trackCursor({ commit: (page) => (page === 'a' ? first : Promise.reject(new Error(`not ${page}`))) }),
        )
        .subscribe({ next: (cursor) => cursors.push(cursor), error: resolve });
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([cursors, released.toSorted()]).toEqual([[], ['b', 'c']]);
    settleFirst('A');
    expect(await ended).toEqual(new Error('not b'));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect([cursors, unhandled]).toEqual([['A'], []]);
  });

  test('what follows a cursor comes out in its own time, beside later pages, and a failure of the source waits for it', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('    -ab#          ', undefined, unavailable);
      const a = cold('          -A---(x|)   ');
      const b = cold('           -(B|)      ');
      const expected = '       --AB--(x#)   ';
      const cursors = source.pipe(credited().withCredit, trackCursor({ commit: commitsOf({ a, b }) }));
      expectObservable(cursors).toBe(expected, undefined, unavailable);
    }));

  test('what follows a cursor that is kept back comes out behind it', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('    -ab|          ');
      const a = cold('          ---(A|)     ');
      const b = cold('           Bx------(z|)');
      const expected = '       ----(ABx)-(z|)';
      const cursors = source.pipe(credited().withCredit, trackCursor({ commit: commitsOf({ a, b }) }));
      expectObservable(cursors).toBe(expected);
    }));

  test('a commit that completes without a cursor settles its page', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('-ab|');
      const a = cold('      ---|');
      const b = cold('       (B|)');
      const { withCredit } = credited();
      expectObservable(source.pipe(withCredit, trackCursor({ commit: commitsOf({ a, b }) }))).toBe('----(B|)');
    }));

  test('mirrors a source that never emits, one that is empty, and one that only fails', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const [never, empty, failing] = [cold('-'), cold('|'), cold('-#', {}, unavailable)];
      const { withCredit } = credited();
      const commit = (): Observable<string> => NEVER;
      expectObservable(never.pipe(withCredit, trackCursor({ commit }))).toBe('-');
      expectObservable(empty.pipe(withCredit, trackCursor({ commit }))).toBe('|');
      expectObservable(failing.pipe(withCredit, trackCursor({ commit }))).toBe('-#', undefined, unavailable);
      expectSubscriptions(never.subscriptions).toBe('^');
      expectSubscriptions(empty.subscriptions).toBe('(^!)');
      expectSubscriptions(failing.subscriptions).toBe('^!');
    }));

  test('unsubscribing drops the rest and gives every credit back', () => {
    const { released, withCredit } = credited();
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -ab---|');
      const a = cold('        ----(A|)');
      const b = cold('         (B|)');
      expectObservable(source.pipe(withCredit, trackCursor({ commit: commitsOf({ a, b }) })), '---!').toBe('-');
      expectSubscriptions(source.subscriptions).toBe('^--!');
      expectSubscriptions(a.subscriptions).toBe('     -^-!');
    });
    expect(released).toEqual(['b', 'a']);
  });

  test('what a throwing commit threw comes out in the turn of its page, and its credit is given back', () => {
    const { released, withCredit } = credited();
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-ab--c|');
      const a = cold('      ---(A|)');
      const commit = (page: string): Observable<string> => {
        if (page === 'b') throw refused;
        return a;
      };
      expectObservable(source.pipe(withCredit, trackCursor({ commit }))).toBe('----(A#)', undefined, refused);
      expectSubscriptions(source.subscriptions).toBe('^-!');
    });
    expect(released).toEqual(['b', 'a']);
  });

  test('does not keep a page in memory while its commit is open', async () => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    if (!isCollector(collect)) throw new Error('expected a way to collect garbage, got none');
    const pages = new Subject<CreditedPage<{ readonly rows: readonly number[] }>>();
    const open = pages.pipe(trackCursor({ commit: ({ rows }) => new Promise<number>(() => rows.length) }));
    const subscription = open.subscribe({ error: fail });
    const emit = (): WeakRef<object> => {
      const page = { rows: [1, 2, 3] };
      pages.next({ page, release: () => undefined });
      return new WeakRef(page);
    };
    const page = emit();
    for (let rounds = 0; rounds < 100 && page.deref() !== undefined; rounds++) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    expect(page.deref()).toBeUndefined();
    subscription.unsubscribe();
  });

  test('keeps the pages of each subscription for itself', async () => {
    const { withCredit } = credited();
    let subscriptions = 0;
    const source = defer(() => {
      subscriptions += 1;
      return subscriptions === 1 ? of('a', 'b') : throwError(() => unavailable);
    });
    const cursors = source.pipe(withCredit, trackCursor({ commit: (page) => [page.toUpperCase()] }), toArray());
    expect(await lastValueFrom(cursors)).toEqual(['A', 'B']);
    await expect(lastValueFrom(cursors)).rejects.toBe(unavailable);
  });
});
