import { concat, ignoreElements, map, of, throwError, timer, type Observable } from 'rxjs';

import { subscribeAgain } from '../../src/operators/subscribe-again';
import { virtualTime } from '../support/virtual-time';

/** Letters as they are; an error becomes R, and the source is wanted again after 2 ms, so many times. */
function wanting(times: number) {
  return subscribeAgain<string, string>(() => {
    let left = times;
    return {
      value: (letter) => letter,
      failed(error, again): Observable<string> {
        if (left === 0) return throwError(() => error);
        left -= 1;
        return concat(of('R'), timer(2).pipe(map(again), ignoreElements()));
      },
    };
  });
}

describe('subscribeAgain', () => {
  test('subscribes again once what comes instead of the error has completed, where it was asked to', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-a-#');
      expectObservable(source.pipe(wanting(2))).toBe('-a-R--a-R--a-#');
      expectSubscriptions(source.subscriptions).toBe(['^--!', '-----^--!', '----------^--!']);
    }));

  test('completes where it was not asked to, also after it was asked to once', () =>
    virtualTime(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('-#');
      let failures = 0;
      const policy = subscribeAgain<string, string>(() => ({
        value: (letter) => letter,
        failed(_error, again) {
          failures += 1;
          if (failures === 1) again();
          return of('R');
        },
      }));
      expectObservable(source.pipe(policy)).toBe('-R(R|)');
      expectSubscriptions(source.subscriptions).toBe(['^!', '-^!']);
    }));

  test('completes with its source', () =>
    virtualTime(({ cold, expectObservable }) => {
      expectObservable(cold('-a-|').pipe(wanting(2))).toBe('-a-|');
    }));

  test('begins anew for each subscription to the whole', () =>
    virtualTime(({ cold, expectObservable }) => {
      const whole = cold('-#').pipe(wanting(1));
      expectObservable(whole).toBe('-R--#');
      expectObservable(whole).toBe('-R--#');
    }));
});
