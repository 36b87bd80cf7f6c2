import { defer, filter, NEVER, of } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { type Loss, reopenWhenLost, type ReopenEvent, type ReopenPolicy } from '../../src/operators/reopen-when-lost';
import { virtualTime } from '../support/virtual-time';

const gone = new Error('the connection is gone');
const busy = new RangeError('too much at once');

type Kind = 'gone' | 'busy';

/** The first, second or third loss of a kind in a row, and the wait after it. */
function lost(kind: Kind, inARow: number, waitMs: number): ReopenEvent<string, Kind> {
  return { kind: 'lost', loss: { kind, error: kind === 'gone' ? gone : busy, inARow }, waitMs };
}

/** The events that the diagrams name: values in small letters, 1 to 3 for losses in a row. */
const events: Record<string, ReopenEvent<string, Kind>> = {
  a: { kind: 'value', value: 'a' },
  b: { kind: 'value', value: 'b' },
  '1': lost('gone', 1, 2),
  '2': lost('gone', 2, 4),
  '3': lost('gone', 3, 8),
};

/** Waits 2 ms, then 4, then 8, after a lost connection, and 1 ms where it was too much. */
function policyWith(changes: Partial<ReopenPolicy<string, Kind>> = {}): ReopenPolicy<string, Kind> {
  return {
    lossOf: (error) => (error === gone ? 'gone' : error === busy ? 'busy' : null),
    waitMs: ({ kind, inARow }) => (kind === 'busy' ? 1 : 2 ** inARow),
    isProgress: () => true,
    until: NEVER,
    ...changes,
  };
}

const isValue = ({ kind }: ReopenEvent<string, Kind>): boolean => kind === 'value';

describe('reopenWhenLost', () => {
  test('opens a lost source again after a wait that grows with the losses in a row, and says so', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('   -#               ', undefined, gone);
      const unsubscribed = '  ^---------------!';
      const expected = '      -1--2----3------';
      expectObservable(source.pipe(reopenWhenLost(policyWith())), unsubscribed).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(['^!', '---^!', '--------^!']);
    }));

  test('passes the error on where the policy names no wait', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#', undefined, gone);
      const policy = policyWith({ waitMs: ({ inARow }) => (inARow < 2 ? 2 : null) });
      expectObservable(source.pipe(reopenWhenLost(policy))).toBe('-1--#', events, gone);
      expectSubscriptions(source.subscriptions).toBe(['^!', '---^!']);
    }));

  test('passes an error straight through that is no loss', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const bug = new TypeError('undefined is not a function');
      const source = cold('-a#', undefined, bug);
      expectObservable(source.pipe(reopenWhenLost(policyWith()))).toBe('-a#', events, bug);
      expectSubscriptions(source.subscriptions).toBe('^-!');
    }));

  test('a value ends the row of losses if it shows that the source works', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('-a#', undefined, gone);
      expectObservable(source.pipe(reopenWhenLost(policyWith())), '^--------!').toBe('-a1--a1--', events);
      const idle = policyWith({ isProgress: (value) => value === 'b' });
      expectObservable(source.pipe(reopenWhenLost(idle)), '^--------!').toBe('-a1--a2--', events);
    }));

  test('counts each kind of loss by itself', () => {
    const losses: Omit<Loss<Kind>, 'error'>[] = [];
    virtualTime(({ cold, expectObservable }) => {
      const errors = [gone, busy, gone, busy];
      const source = defer(() => cold('-#', undefined, errors.shift()));
      const policy = policyWith({
        waitMs: ({ kind, inARow }) => {
          losses.push({ kind, inARow });
          return losses.length < 4 ? 1 : null;
        },
      });
      expectObservable(source.pipe(reopenWhenLost(policy), filter(isValue))).toBe('-------#', undefined, busy);
    });
    expect(losses).toEqual([
      { kind: 'gone', inARow: 1 },
      { kind: 'busy', inARow: 1 },
      { kind: 'gone', inARow: 2 },
      { kind: 'busy', inARow: 2 },
    ]);
  });

  test('waits only from when the source may be opened again', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#', undefined, gone);
      const ready = cold(' ---x|');
      const policy = policyWith({ ready: () => ready });
      expectObservable(source.pipe(reopenWhenLost(policy)), '^-------!').toBe('-1------', events);
      expectSubscriptions(ready.subscriptions).toBe(' -^---!');
      expectSubscriptions(source.subscriptions).toBe(['^!', '-------^!']);
    }));

  test('passes on why the source may not be opened again', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#', undefined, gone);
      const ready = cold(' --#', undefined, busy);
      expectObservable(source.pipe(reopenWhenLost(policyWith({ ready: () => ready })))).toBe('-1-#', events, busy);
      expectSubscriptions(source.subscriptions).toBe('^!');
    }));

  test('completes during a wait when the time for waiting is over', () =>
    virtualTime(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold('-a#', undefined, gone);
      const until = hot('  ---x');
      expectObservable(source.pipe(reopenWhenLost(policyWith({ until })))).toBe('-a1|', events);
      expectSubscriptions(source.subscriptions).toBe('^-!');
      expectSubscriptions(until.subscriptions).toBe('--^!');
    }));

  test('waits for nothing after the time for waiting is over: it completes with the loss', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('-a#', undefined, gone);
      expectObservable(source.pipe(reopenWhenLost(policyWith({ until: of('over') })))).toBe('-a|', events);
    }));

  test('mirrors a source that never emits, and one that is empty', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const [never, empty] = [cold('-'), cold('|')];
      expectObservable(never.pipe(reopenWhenLost(policyWith()))).toBe('-');
      expectObservable(empty.pipe(reopenWhenLost(policyWith()))).toBe('|');
      expectSubscriptions(never.subscriptions).toBe('^');
      expectSubscriptions(empty.subscriptions).toBe('(^!)');
    }));

  test('stops at once when unsubscribed, while the source is open and while it is lost', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const [open, failing] = [cold('-----|'), cold('-#', undefined, gone)];
      expectObservable(open.pipe(reopenWhenLost(policyWith())), '   --!').toBe('-');
      expectObservable(failing.pipe(reopenWhenLost(policyWith())), '--!').toBe('-1', events);
      expectSubscriptions(open.subscriptions).toBe('   ^-!');
      expectSubscriptions(failing.subscriptions).toBe('^!');
    }));

  test.each(['lossOf', 'waitMs', 'ready'] as const)('fails with what a throwing %s threw', (name) =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const bug = new Error('a policy must not throw');
      const throwing = (): never => {
        throw bug;
      };
      const source = cold('-#', undefined, gone);
      const expected = name === 'ready' ? '-(1#)' : '-#';
      expectObservable(source.pipe(reopenWhenLost(policyWith({ [name]: throwing })))).toBe(expected, events, bug);
      expectSubscriptions(source.subscriptions).toBe('^!');
    }),
  );

  test('waits by the scheduler it is given', () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    const source = scheduler.createColdObservable('-#', undefined, gone);
    const policy = policyWith({ waitMs: ({ inARow }) => (inARow < 2 ? 20 : null), scheduler });
    scheduler.expectObservable(source.pipe(reopenWhenLost(policy))).toBe('-1--#', { '1': lost('gone', 1, 20) }, gone);
    scheduler.expectSubscriptions(source.subscriptions).toBe(['^!', '---^!']);
    scheduler.flush();
  });
});
