import { NEVER } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { parkOnFailure, type ParkPolicy } from '../../src/operators/park-on-failure';

const unavailable = new Error('the other side is down');

function virtualTime(callback: Parameters<TestScheduler['run']>[0]): void {
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(callback);
}

/** A policy that waits 2 frames, then 4, then 8, and keeps a diary of what it is told. */
function policyWith(changes: Partial<ParkPolicy> = {}): { policy: ParkPolicy; diary: string[] } {
  const diary: string[] = [];
  const policy: ParkPolicy = {
    waitMs: (_error, failures) => 2 ** failures,
    onPark: (error, waitMs) => diary.push(`parked for ${waitMs}: ${String(error)}`),
    onRetry: () => diary.push('retrying'),
    until: NEVER,
    ...changes,
  };
  return { policy, diary };
}

describe('parkOnFailure', () => {
  test('asks a failed source again after a wait that grows with the failures in a row', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#              ', undefined, unavailable);
      const subscriptions = ['^!', '---^!', '--------^!', '-----------------^-!'];
      expectObservable(source.pipe(parkOnFailure(policyWith().policy)), '^------------------!').toBe('-');
      expectSubscriptions(source.subscriptions).toBe([...subscriptions.slice(0, 3), '-----------------^!']);
    }));

  test('says so before each wait and after it', () => {
    const { policy, diary } = policyWith({ waitMs: (_error, failures) => (failures < 3 ? 2 ** failures : null) });
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('-#', undefined, unavailable);
      expectObservable(source.pipe(parkOnFailure(policy))).toBe('---------#', undefined, unavailable);
    });
    expect(diary).toEqual([
      `parked for 2: ${String(unavailable)}`,
      'retrying',
      `parked for 4: ${String(unavailable)}`,
      'retrying',
    ]);
  });

  test('a value ends the row of failures, so the next wait is a short one again', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a#', undefined, unavailable);
      expectObservable(source.pipe(parkOnFailure(policyWith().policy)), '^---------!').toBe('-a---a---a');
      expectSubscriptions(source.subscriptions).toBe(['^-!', '----^-!', '--------^-!']);
    }));

  test('passes an error on that its policy does not park, and is told of no parking', () => {
    const { policy, diary } = policyWith({ waitMs: () => null });
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a#', undefined, unavailable);
      expectObservable(source.pipe(parkOnFailure(policy))).toBe('-a#', undefined, unavailable);
      expectSubscriptions(source.subscriptions).toBe('^-!');
    });
    expect(diary).toEqual([]);
  });

  test('waits no time at all where that is the policy', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#', undefined, unavailable);
      const { policy } = policyWith({ waitMs: (_error, failures) => (failures < 3 ? 0 : null) });
      expectObservable(source.pipe(parkOnFailure(policy))).toBe('---#', undefined, unavailable);
      expectSubscriptions(source.subscriptions).toBe(['^!', '-^!', '--^!']);
    }));

  test('completes during a wait when the time for waiting is over, without asking again', () => {
    const { policy, diary } = policyWith();
    virtualTime(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold('-a#', undefined, unavailable);
      const until = hot('  ---x');
      expectObservable(source.pipe(parkOnFailure({ ...policy, until }))).toBe('-a-|');
      expectSubscriptions(source.subscriptions).toBe('^-!');
      expectSubscriptions(until.subscriptions).toBe('--^!');
    });
    expect(diary).toEqual([`parked for 2: ${String(unavailable)}`]);
  });

  test('leaves a source that is not failing alone when the time for waiting is over', () =>
    virtualTime(({ cold, hot, expectObservable, expectSubscriptions }) => {
      const source = cold('-a---b|');
      const until = hot('  ---x');
      expectObservable(source.pipe(parkOnFailure({ ...policyWith().policy, until }))).toBe('-a---b|');
      expectSubscriptions(source.subscriptions).toBe('^-----!');
      expectSubscriptions(until.subscriptions).toBe([]);
    }));

  test('mirrors a source that never emits, and one that is empty', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const never = cold('-');
      const empty = cold('|');
      expectObservable(never.pipe(parkOnFailure(policyWith().policy))).toBe('-');
      expectObservable(empty.pipe(parkOnFailure(policyWith().policy))).toBe('|');
      expectSubscriptions(never.subscriptions).toBe('^');
      expectSubscriptions(empty.subscriptions).toBe('(^!)');
    }));

  test('stops at once when unsubscribed, while the source runs and while it is parked', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const slow = cold('   -----|');
      const failing = cold('-#', undefined, unavailable);
      expectObservable(slow.pipe(parkOnFailure(policyWith().policy)), '   --!').toBe('-');
      expectObservable(failing.pipe(parkOnFailure(policyWith().policy)), '--!').toBe('-');
      expectSubscriptions(slow.subscriptions).toBe('   ^-!');
      expectSubscriptions(failing.subscriptions).toBe('^!');
    }));

  test.each(['waitMs', 'onPark', 'onRetry'] as const)('fails with what a throwing %s threw', (name) =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const bug = new Error('a policy must not throw');
      const throwing = (): never => {
        throw bug;
      };
      const { policy } = policyWith({ [name]: throwing });
      const source = cold('-#', undefined, unavailable);
      expectObservable(source.pipe(parkOnFailure(policy))).toBe(name === 'onRetry' ? '---#' : '-#', undefined, bug);
      expectSubscriptions(source.subscriptions).toBe('^!');
    }),
  );

  test('counts the failures of each subscription for itself', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#', undefined, unavailable);
      const { policy } = policyWith({ waitMs: (_error, failures) => (failures < 2 ? 2 : null) });
      const parked = source.pipe(parkOnFailure(policy));
      expectObservable(parked, '^').toBe('     ----#', undefined, unavailable);
      expectObservable(parked, '-----^').toBe('---------#', undefined, unavailable);
      expectSubscriptions(source.subscriptions).toBe(['^!', '---^!', '-----^!', '--------^!']);
    }));

  test('waits by the scheduler it is given', () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    const source = scheduler.createColdObservable('-#', undefined, unavailable);
    const { policy } = policyWith({ waitMs: (_error, failures) => (failures < 2 ? 20 : null), scheduler });
    scheduler.expectObservable(source.pipe(parkOnFailure(policy))).toBe('----#', undefined, unavailable);
    scheduler.expectSubscriptions(source.subscriptions).toBe(['^!', '---^!']);
    scheduler.flush();
  });
});
