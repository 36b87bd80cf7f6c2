import { EMPTY, firstValueFrom, NEVER, of, throwError } from 'rxjs';

import { untilStopped } from '../../src/commands/run';
import { ConfigError, exitCodeFor } from '../../src/errors';
import { whenAborted } from '../../src/operators/when-aborted';

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

test.each([
  ['at once', EMPTY],
  ['after it read something', of('a page')],
])('a service that ends %s although nobody stopped it is a bug, with exit code 1 (I10)', async (_when, service) => {
  const failure = await failureOf(untilStopped(service, new AbortController().signal));
  expect(String(failure)).toContain('nobody stopped it');
  expect(exitCodeFor(failure)).toBe(1);
});

test('a service that was stopped has ended well', async () => {
  const stop = new AbortController();
  const ended = untilStopped(whenAborted(stop.signal), stop.signal);
  stop.abort('SIGTERM');
  await ended;
});

test('what ends a service is passed on', async () => {
  const error = new ConfigError('reading the arguments');
  expect(
    await failureOf(
      untilStopped(
        throwError(() => error),
        new AbortController().signal,
      ),
    ),
  ).toBe(error);
});

test('a service that goes on is waited for', async () => {
  const ended = untilStopped(NEVER, new AbortController().signal).then(() => 'ended');
  expect(await Promise.race([ended, firstValueFrom(of('goes on'))])).toBe('goes on');
});
