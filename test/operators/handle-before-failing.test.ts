import { EMPTY, NEVER } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { handleBeforeFailing } from '../../src/operators/handle-before-failing';

const unavailable = new Error('the other side is down');
const refused = new Error('not this one');

function virtualTime(callback: Parameters<TestScheduler['run']>[0]): void {
  new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(callback);
}

describe('handleBeforeFailing', () => {
  test('passes a failure of the source on only when what came before it is handled', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -ab#        ', undefined, unavailable);
      const handling = cold('-----(x|)');
      expectObservable(source.pipe(handleBeforeFailing(() => handling))).toBe('------x(x#)', undefined, unavailable);
      expectSubscriptions(source.subscriptions).toBe('^--!');
      expectSubscriptions(handling.subscriptions).toBe(['-^----!', '--^----!']);
    }));

  test('handles values side by side and gives on what comes of each, several or none', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b-c|');
      const [slow, quick] = [cold('---x-y|'), cold('z|')];
      const handle = (value: string) => (value === 'a' ? slow : value === 'b' ? quick : EMPTY);
      expectObservable(source.pipe(handleBeforeFailing(handle))).toBe('---zx-y|');
      expectSubscriptions(source.subscriptions).toBe('^-----!');
      expectSubscriptions(slow.subscriptions).toBe(' -^-----!');
      expectSubscriptions(quick.subscriptions).toBe('---^!');
    }));

  test('a failed handling fails the whole at once, and lets go of the source', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a--b--c|');
      const handling = cold('--#', undefined, refused);
      expectObservable(source.pipe(handleBeforeFailing(() => handling))).toBe('---#', undefined, refused);
      expectSubscriptions(source.subscriptions).toBe('^--!');
    }));

  test('a handling that fails after the source goes before the failure of the source', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('  -a#', undefined, unavailable);
      const handling = cold('---#', undefined, refused);
      expectObservable(source.pipe(handleBeforeFailing(() => handling))).toBe('----#', undefined, refused);
    }));

  test('keeps the failure back for as long as a handling goes on', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('-a#', undefined, unavailable);
      expectObservable(source.pipe(handleBeforeFailing(() => NEVER))).toBe('-');
    }));

  test('mirrors a source that never emits, one that is empty, and one that only fails', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const never = cold('-');
      const empty = cold('|');
      const failing = cold('-#', undefined, unavailable);
      expectObservable(never.pipe(handleBeforeFailing(() => NEVER))).toBe('-');
      expectObservable(empty.pipe(handleBeforeFailing(() => NEVER))).toBe('|');
      expectObservable(failing.pipe(handleBeforeFailing(() => NEVER))).toBe('-#', undefined, unavailable);
      expectSubscriptions(never.subscriptions).toBe('^');
      expectSubscriptions(empty.subscriptions).toBe('(^!)');
      expectSubscriptions(failing.subscriptions).toBe('^!');
    }));

  test('lets go of the source and of what is being handled when unsubscribed', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('  -a----|');
      const handling = cold('----x|');
      expectObservable(source.pipe(handleBeforeFailing(() => handling)), '---!').toBe('-');
      expectSubscriptions(source.subscriptions).toBe('  ^--!');
      expectSubscriptions(handling.subscriptions).toBe('-^-!');
    }));

  test('fails with what a throwing handler threw', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-b|');
      const throwing = (): never => {
        throw refused;
      };
      expectObservable(source.pipe(handleBeforeFailing(throwing))).toBe('-#', undefined, refused);
      expectSubscriptions(source.subscriptions).toBe('^!');
    }));

  test('keeps the failure of each subscription for itself', () =>
    virtualTime(({ cold, hot, expectObservable }) => {
      const source = hot('-a-#', undefined, unavailable);
      const handled = source.pipe(handleBeforeFailing(() => cold('----(x|)')));
      expectObservable(handled, '^').toBe('  -----(x#)', undefined, unavailable);
      expectObservable(handled, '--^').toBe('---#', undefined, unavailable);
    }));
});
