import { getEventListeners } from 'node:events';
import { lastValueFrom, Subscription } from 'rxjs';
import { whenAborted } from '../../src/operators/when-aborted';

function fail(error: unknown): void {
  throw error;
}

describe('whenAborted', () => {
  test('emits the reason the moment the signal is aborted, once, and completes', () => {
    const controller = new AbortController();
    const seen: unknown[] = [];
    whenAborted(controller.signal).subscribe({
      next: (reason) => seen.push(reason),
      complete: () => seen.push('complete'),
      error: fail,
    });
    expect(seen).toEqual([]);
    controller.abort('SIGTERM');
    expect(seen).toEqual(['SIGTERM', 'complete']);
  });

  test('emits at once to whoever subscribes when the signal is aborted already, with the reason', async () => {
    expect(await lastValueFrom(whenAborted(AbortSignal.abort('SIGTERM')))).toBe('SIGTERM');
  });

  test('emits at once to whoever subscribes after others have seen the abort', () => {
    const controller = new AbortController();
    const aborted = whenAborted(controller.signal);
    const seen: string[] = [];
    aborted.subscribe({ next: () => seen.push('early'), error: fail });
    controller.abort();
    aborted.subscribe({ next: () => seen.push('late'), error: fail });
    expect(seen).toEqual(['early', 'late']);
  });

  test('never emits where the signal is never aborted', () => {
    const seen: unknown[] = [];
    const subscription = whenAborted(new AbortController().signal).subscribe({
      next: (value) => seen.push(value),
      error: fail,
    });
    subscription.unsubscribe();
    expect(seen).toEqual([]);
  });

  test('has one listener on the signal for all of its subscribers, and none when they are gone', () => {
    const { signal } = new AbortController();
    const aborted = whenAborted(signal);
    const all = new Subscription();
    for (let n = 0; n < 20; n++) all.add(aborted.subscribe({ error: fail }));
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    all.unsubscribe();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });
});
