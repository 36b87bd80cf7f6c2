import { SessionEnded } from '../../src/shard/session-ended';

test('the end of a session says what ended it, and is none of the errors that park', () => {
  const cause = new Error('the connection was lost');
  const ended = new SessionEnded(cause);
  expect(ended).toMatchObject({
    name: 'SessionEnded',
    message: 'the session has ended: the connection was lost',
    cause,
  });
});
