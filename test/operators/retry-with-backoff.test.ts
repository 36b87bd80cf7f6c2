import * as fc from 'fast-check';
import { TestScheduler } from 'rxjs/testing';
import { fullJitter, retryWithBackoff } from '../../src/operators/retry-with-backoff';
import { virtualTime } from '../support/virtual-time';

/** A failure that names the wait it asks for. */
class Busy extends Error {
  constructor(readonly waitMs: number) {
    super('busy');
  }
}

const unavailable = new Error('the other side is down');
const mayPass = (): boolean => true;
const policy = { attempts: 3, waitMs: (_: unknown, retry: number) => 2 ** retry, mayPass };

describe('retryWithBackoff', () => {
  test('doubles the wait after each failure, then gives up', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const request = cold('   -#        ', undefined, unavailable);
      const subscriptions = [
        '                      ^!        ',
        '                      ---^!     ',
        '                      --------^!',
      ];
      const expected = '       ---------#';
      expectObservable(request.pipe(retryWithBackoff(policy))).toBe(expected, undefined, unavailable);
      expectSubscriptions(request.subscriptions).toBe(subscriptions);
    }));

  test('the policy sees the error, so that a wait may be what the other side asked for', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const busy = new Busy(5);
      const request = cold('   -#            ', undefined, busy);
      const subscriptions = [
        '                      ^!            ',
        '                      ------^!      ',
        '                      ------------^!',
      ];
      const expected = '       -------------#';
      const waitMs = (error: unknown): number => (error instanceof Busy ? error.waitMs : 1);
      expectObservable(request.pipe(retryWithBackoff({ ...policy, waitMs }))).toBe(expected, undefined, busy);
      expectSubscriptions(request.subscriptions).toBe(subscriptions);
    }));

  test('tries again at once where the wait is none', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const request = cold('   -#  ', undefined, unavailable);
      const subscriptions = ['^!  ', '-^! ', '--^!'];
      const expected = '       ---#';
      expectObservable(request.pipe(retryWithBackoff({ ...policy, waitMs: () => 0 }))).toBe(
        expected,
        undefined,
        unavailable,
      );
      expectSubscriptions(request.subscriptions).toBe(subscriptions);
    }));

  test('passes values on, before a failure and after it', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a#   ', undefined, unavailable);
      const fine = cold('  -a-b| ');
      const twice = { attempts: 2, waitMs: () => 1, mayPass };
      expectObservable(source.pipe(retryWithBackoff(twice))).toBe('-a--a#', undefined, unavailable);
      expectObservable(fine.pipe(retryWithBackoff(twice))).toBe('  -a-b| ');
      expectSubscriptions(source.subscriptions).toBe(['^-!', '---^-!']);
      expectSubscriptions(fine.subscriptions).toBe('^---!');
    }));

  test('with a policy of one try, a failure is final', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const request = cold('-#', undefined, unavailable);
      expectObservable(request.pipe(retryWithBackoff({ ...policy, attempts: 1 }))).toBe('-#', undefined, unavailable);
      expectSubscriptions(request.subscriptions).toBe('^!');
    }));

  test('mirrors a source that never emits, and one that is empty', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const never = cold('-');
      const empty = cold('|');
      expectObservable(never.pipe(retryWithBackoff(policy))).toBe('-');
      expectObservable(empty.pipe(retryWithBackoff(policy))).toBe('|');
      expectSubscriptions(never.subscriptions).toBe('^');
      expectSubscriptions(empty.subscriptions).toBe('(^!)');
    }));

  test('passes an error straight through that does not pass by waiting', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const bug = new TypeError('undefined is not a function');
      const broken = cold(' -#', undefined, bug);
      const narrow = { ...policy, mayPass: (error: unknown) => !(error instanceof TypeError) };
      expectObservable(broken.pipe(retryWithBackoff(narrow))).toBe('-#', undefined, bug);
      expectSubscriptions(broken.subscriptions).toBe('^!');
    }));

  test('stops at once when unsubscribed while a try is under way, and while it waits', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const slow = cold('   -----|');
      const failing = cold('-#', undefined, unavailable);
      expectObservable(slow.pipe(retryWithBackoff(policy)), '   --!').toBe('-');
      expectObservable(failing.pipe(retryWithBackoff(policy)), '--!').toBe('-');
      expectSubscriptions(slow.subscriptions).toBe('   ^-!');
      expectSubscriptions(failing.subscriptions).toBe('^!');
    }));

  test.each(['waitMs', 'mayPass'] as const)('fails with what a throwing %s threw', (name) =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const bug = new Error('no such retry');
      const throwing = (): never => {
        throw bug;
      };
      const request = cold('-#', undefined, unavailable);
      expectObservable(request.pipe(retryWithBackoff({ ...policy, [name]: throwing }))).toBe('-#', undefined, bug);
      expectSubscriptions(request.subscriptions).toBe('^!');
    }),
  );

  test('counts the tries of each subscription for itself', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const request = cold('-#', undefined, unavailable);
      const retried = request.pipe(retryWithBackoff({ attempts: 2, waitMs: () => 1, mayPass }));
      expectObservable(retried, '   ^     ').toBe('---#     ', undefined, unavailable);
      expectObservable(retried, '   ----^ ').toBe('-------# ', undefined, unavailable);
      expectSubscriptions(request.subscriptions).toBe(['^!', '--^!', '----^!', '------^!']);
    }));

  test('waits by the scheduler it is given', () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected));
    const request = scheduler.createColdObservable('-#', undefined, unavailable);
    const retried = request.pipe(retryWithBackoff({ attempts: 2, waitMs: () => 20, mayPass, scheduler }));
    scheduler.expectObservable(retried).toBe('----#', undefined, unavailable);
    scheduler.expectSubscriptions(request.subscriptions).toBe(['^!', '---^!']);
    scheduler.flush();
  });
});

describe('fullJitter', () => {
  const api = { firstMs: 500, maxMs: 30_000 };

  test('its ceiling doubles with each retry up to the largest wait', () => {
    const ceiling = fullJitter({ ...api, random: () => 1 });
    expect([1, 2, 3, 4, 5, 6, 7, 8, 2_000].map(ceiling)).toEqual([
      500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });

  test('its floor is no wait at all', () => {
    expect([1, 2, 6].map(fullJitter({ ...api, random: () => 0 }))).toEqual([0, 0, 0]);
  });

  test('a wait is always within its bounds', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.integer({ min: 1, max: 10_000 }),
        (chance, retries) => {
          const waitMs = fullJitter({ ...api, random: () => chance })(retries);
          expect(waitMs).toBeGreaterThanOrEqual(0);
          expect(waitMs).toBeLessThanOrEqual(Math.min(30_000, 500 * 2 ** (retries - 1)));
        },
      ),
    );
  });
});
