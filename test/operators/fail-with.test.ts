import { failWith } from '../../src/operators/fail-with';
import { virtualTime } from '../support/virtual-time';

const lost = new Error('the session is over');
const own = new Error('the source failed by itself');

describe('failWith', () => {
  test('errors as soon as the watched Observable does, and lets go of the source', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b-c-d|');
      const watched = cold('----#    ', undefined, lost);
      expectObservable(source.pipe(failWith(watched))).toBe('-a-b#', undefined, lost);
      expectSubscriptions(source.subscriptions).toBe('^---!');
      expectSubscriptions(watched.subscriptions).toBe('^---!');
    }));

  test('completes with the source, and lets go of what it watched', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b|');
      const watched = cold('-------#', undefined, lost);
      expectObservable(source.pipe(failWith(watched))).toBe('-a-b|');
      expectSubscriptions(source.subscriptions).toBe('^---!');
      expectSubscriptions(watched.subscriptions).toBe('^---!');
    }));

  test('takes neither values nor the end of what it watches for anything', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a---b|');
      const watched = cold('x-x|   ');
      expectObservable(source.pipe(failWith(watched))).toBe('-a---b|');
      expectSubscriptions(source.subscriptions).toBe('^-----!');
      expectSubscriptions(watched.subscriptions).toBe('^--!');
    }));

  test('passes the error of the source on', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a#', undefined, own);
      const watched = cold('----#', undefined, lost);
      expectObservable(source.pipe(failWith(watched))).toBe('-a#', undefined, own);
      expectSubscriptions(source.subscriptions).toBe('^-!');
      expectSubscriptions(watched.subscriptions).toBe('^-!');
    }));

  test('fails while the source is silent, and mirrors one that is empty', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const never = cold('-');
      const empty = cold('|');
      const watched = cold('---#', undefined, lost);
      expectObservable(never.pipe(failWith(watched))).toBe('---#', undefined, lost);
      expectObservable(empty.pipe(failWith(watched))).toBe('|');
      expectSubscriptions(never.subscriptions).toBe('^--!');
      expectSubscriptions(empty.subscriptions).toBe('(^!)');
    }));

  test('mirrors the source beside something that never happens', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-|');
      const watched = cold('-');
      expectObservable(source.pipe(failWith(watched))).toBe('-a-|');
      expectSubscriptions(watched.subscriptions).toBe('^--!');
    }));

  test('lets go of both at once when unsubscribed', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(' -a-b|');
      const watched = cold('-----#', undefined, lost);
      expectObservable(source.pipe(failWith(watched)), '--!').toBe('-a');
      expectSubscriptions(source.subscriptions).toBe('^-!');
      expectSubscriptions(watched.subscriptions).toBe('^-!');
    }));

  test('fails with what was watched where that had failed before', () =>
    virtualTime(({ cold, expectObservable }) => {
      const source = cold('-a|');
      const watched = cold('#', undefined, lost);
      expectObservable(source.pipe(failWith(watched))).toBe('#', undefined, lost);
    }));
});
