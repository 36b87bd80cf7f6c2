import { NEVER, of } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { parkOnFailure, type ParkEvent, type ParkPolicy } from '../../src/operators/park-on-failure';
import { virtualTime } from '../support/virtual-time';

const unavailable = new Error('the other side is down');

type Event = ParkEvent<string, Error>;

/** The events that the diagrams name: values in small letters, a parking for 2, 4 or 8 ms, R retrying, G given up. */
const events: Record<string, Event> = {
  a: { kind: 'value', value: 'a' },
  b: { kind: 'value', value: 'b' },
  P: { kind: 'parked', error: unavailable, waitMs: 2 },
  Q: { kind: 'parked', error: unavailable, waitMs: 4 },
  S: { kind: 'parked', error: unavailable, waitMs: 8 },
  R: { kind: 'retrying' },
  G: { kind: 'given-up', error: unavailable },
  Z: { kind: 'parked', error: unavailable, waitMs: 0 },
};

/** Waits 2 ms, then 4, then 8, for whatever is an Error. */
function policyWith(changes: Partial<ParkPolicy<string, Error>> = {}): ParkPolicy<string, Error> {
  return {
    parks: (error): error is Error => error instanceof Error,
    waitMs: (_error, failures) => 2 ** failures,
    until: NEVER,
    ...changes,
  };
}

describe('parkOnFailure', () => {
  test('subscribes to a failed source again after a wait that grows with the failures in a row, and says so', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('   -#                 ', undefined, unavailable);
      const unsubscribed = '  ^-----------------!';
      const expected = '      -P-RQ---RS-------R';
      const subscriptions = ['^!', '---^!', '--------^!', '-----------------^!'];
      expectObservable(source.pipe(parkOnFailure(policyWith())), unsubscribed).toBe(expected, events);
      expectSubscriptions(source.subscriptions).toBe(subscriptions);
    }));

  test('gives a source up where the policy names no wait, as the last event', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#', undefined, unavailable);
      const policy = policyWith({ waitMs: (_error, failures) => (failures < 2 ? 2 : null) });
      expectObservable(source.pipe(parkOnFailure(policy))).toBe('-P-R(G|)', events);
      expectSubscriptions(source.subscriptions).toBe(['^!', '---^!']);
    }));

  test('tells the policy of the retries in all, however many values came between', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('-a#', undefined, unavailable);
      const policy = policyWith({ waitMs: (_error, failures, retries) => (retries < 2 ? 2 * failures : null) });
      expectObservable(source.pipe(parkOnFailure(policy))).toBe('-aP-RaP-Ra(G|)', events);
    }));

  test('a value ends the row of failures, so the next wait is a short one again', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a#', undefined, unavailable);
      expectObservable(source.pipe(parkOnFailure(policyWith())), '^---------!').toBe('-aP-RaP-Ra', events);
      expectSubscriptions(source.subscriptions).toBe(['^-!', '----^-!', '--------^-!']);
    }));

  test('a value that shows nothing does not end the row of failures', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('-a#', undefined, unavailable);
      const policy = policyWith({ isProgress: (value) => value === 'b' });
      expectObservable(source.pipe(parkOnFailure(policy)), '^---------!').toBe('-aP-RaQ---', events);
    }));

  test('passes an error straight through that is not its own', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a#', undefined, 'not an Error');
      expectObservable(source.pipe(parkOnFailure(policyWith()))).toBe('-a#', events, 'not an Error');
      expectSubscriptions(source.subscriptions).toBe('^-!');
    }));

  test('waits no time at all where that is the policy', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#', undefined, unavailable);
      expectObservable(source.pipe(parkOnFailure(policyWith({ waitMs: () => 0 }))), '^-!').toBe('-(ZR)', events);
      expectSubscriptions(source.subscriptions).toBe(['^!', '-^!']);
    }));

  test('completes during a wait when the time for waiting is over, without subscribing again', () =>
    virtualTime(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold('-a#', undefined, unavailable);
      const until = hot('  ---x');
      expectObservable(source.pipe(parkOnFailure(policyWith({ until })))).toBe('-aP|', events);
      expectSubscriptions(source.subscriptions).toBe('^-!');
      expectSubscriptions(until.subscriptions).toBe('--^!');
    }));

  test('neither parks nor gives up after the time for waiting is over: it completes with the failure', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('-a#', undefined, unavailable);
      const until = of('over');
      expectObservable(source.pipe(parkOnFailure(policyWith({ until })))).toBe('-a|', events);
      expectObservable(source.pipe(parkOnFailure(policyWith({ until, waitMs: () => null })))).toBe('-a|', events);
    }));

  test('leaves a source that is not failing alone when the time for waiting is over', () =>
    virtualTime(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold('-a---b|');
      const until = hot('  ---x');
      expectObservable(source.pipe(parkOnFailure(policyWith({ until })))).toBe('-a---b|', events);
      expectSubscriptions(source.subscriptions).toBe('^-----!');
      expectSubscriptions(until.subscriptions).toBe([]);
    }));

  test('mirrors a source that never emits, and one that is empty', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const never = cold('-');
      const empty = cold('|');
      expectObservable(never.pipe(parkOnFailure(policyWith()))).toBe('-');
      expectObservable(empty.pipe(parkOnFailure(policyWith()))).toBe('|');
      expectSubscriptions(never.subscriptions).toBe('^');
      expectSubscriptions(empty.subscriptions).toBe('(^!)');
    }));

  test('stops at once when unsubscribed, while the source runs and while it is parked', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const slow = cold('   -----|');
      const failing = cold('-#', undefined, unavailable);
      expectObservable(slow.pipe(parkOnFailure(policyWith())), '   --!').toBe('-');
      expectObservable(failing.pipe(parkOnFailure(policyWith())), '--!').toBe('-P', events);
      expectSubscriptions(slow.subscriptions).toBe('   ^-!');
      expectSubscriptions(failing.subscriptions).toBe('^!');
    }));

  test.each(['waitMs', 'parks'] as const)('fails with what a throwing %s threw', (name) =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const bug = new Error('a policy must not throw');
      const throwing = (): never => {
        throw bug;
      };
      const source = cold('-#', undefined, unavailable);
      expectObservable(source.pipe(parkOnFailure(policyWith({ [name]: throwing })))).toBe('-#', undefined, bug);
      expectSubscriptions(source.subscriptions).toBe('^!');
    }),
  );

  test('counts the failures of each subscription for itself', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#', undefined, unavailable);
      const policy = policyWith({ waitMs: (_error, failures) => (failures < 2 ? 2 : null) });
      const parked = source.pipe(parkOnFailure(policy));
      expectObservable(parked, '^    ').toBe('-P-R(G|)', events);
      expectObservable(parked, '--^  ').toBe('---P-R(G|)', events);
      expectSubscriptions(source.subscriptions).toBe(['^!', '--^!', '---^!', '-----^!']);
    }));

  test('waits by the scheduler it is given', () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    const source = scheduler.createColdObservable('-#', undefined, unavailable);
    const policy = policyWith({ waitMs: (_error, failures) => (failures < 2 ? 20 : null), scheduler });
    const parked = { ...events, P: { kind: 'parked', error: unavailable, waitMs: 20 } };
    scheduler.expectObservable(source.pipe(parkOnFailure(policy))).toBe('-P-R(G|)', parked);
    scheduler.expectSubscriptions(source.subscriptions).toBe(['^!', '---^!']);
    scheduler.flush();
  });
});
