import { ConfigError, exitCodeFor, FatalError, RecordError, TransientError } from '../src/errors';

test.each([
  [new ConfigError('a person must act'), 2],
  [new TransientError('may pass'), 3],
  [new FatalError('parked', { reason: 'forbidden', parks: 'stream' }), 3],
  [new RecordError('one row', { path: 'services[2].quantity' }), 1],
  [new TypeError('a bug'), 1],
  ['not even an error', 1],
])('the exit code of %s is %i', (error, code) => {
  expect(exitCodeFor(error)).toBe(code);
});

test('an error keeps its class as its name, whom it is about, and its cause only where there is one', () => {
  const cause = new Error('underneath');
  const error = new TransientError('reading', {
    entity: 'alfa',
    stream: 'clients',
    status: 503,
    retryAfterMs: 2000,
    cause,
  });
  expect(error).toMatchObject({
    name: 'TransientError',
    code: 'TRANSIENT',
    entity: 'alfa',
    stream: 'clients',
    status: 503,
  });
  expect(error.retryAfterMs).toBe(2000);
  expect(error.cause).toBe(cause);
  expect('cause' in new TransientError('reading')).toBe(false);
});

test('nobody outside can set right what a ConfigError says, unless it says so', () => {
  expect(new ConfigError('a right is missing', { mayPass: true }).mayPass).toBe(true);
  expect(new ConfigError('a wrong value').mayPass).toBe(false);
});
