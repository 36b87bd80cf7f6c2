import { logText } from '../src/log-text';

const time = new Date(2026, 10, 29, 9, 5, 7).toISOString();
const text = (fields: object, colour = false): string =>
  logText(`${JSON.stringify({ time, ...fields })}\n`, { colour });

test('a line says when, what it is about, what happened, and the facts', () => {
  expect(text({ level: 'info', entity: 'alfa', stream: 'invoices', sweep: 12, rows: 3, msg: 'caught up' })).toBe(
    '09:05:07 alfa invoices: caught up sweep=12 rows=3\n',
  );
  expect(text({ level: 'info', version: '0.2.0', brokers: ['a:1', 'b:2'], rest: [], msg: 'started' })).toBe(
    '09:05:07 started version=0.2.0 brokers=a:1,b:2 rest=none\n',
  );
  expect(text({ level: 'warn', shard: 3, oldest: { entity: 'a' }, note: 'two words', msg: 'shard parked' })).toBe(
    '09:05:07 WARN shard 3: shard parked oldest={"entity":"a"} note="two words"\n',
  );
});

test('an entity as a whole has no stream', () => {
  expect(text({ level: 'warn', entity: 'alfa', stream: null, reason: 'unauthorized', msg: 'parked' })).toBe(
    '09:05:07 WARN alfa: parked reason=unauthorized\n',
  );
});

test('what a person should know stands behind the message as it is', () => {
  expect(text({ level: 'warn', about: 'no nip is set for alfa: set it', msg: 'configuration' })).toBe(
    '09:05:07 WARN configuration - no nip is set for alfa: set it\n',
  );
});

test('an error stands below, with causes that say something more', () => {
  const err = {
    type: 'TransientError',
    code: 'TRANSIENT',
    message: 'asking the API: got ECONNREFUSED',
    cause: { message: 'got ECONNREFUSED', cause: { message: 'the cable' } },
  };
  expect(text({ level: 'error', entity: 'alfa', err, msg: 'parked' })).toBe(
    '09:05:07 ERROR alfa: parked\n         asking the API: got ECONNREFUSED\n         because: the cable\n',
  );
});

test('the level alone is coloured', () => {
  expect(text({ level: 'warn', msg: 'parked' }, true)).toBe('09:05:07 \x1b[33mWARN\x1b[0m parked\n');
  expect(text({ level: 'info', msg: 'started' }, true)).toBe('09:05:07 started\n');
});

test('what others wrote cannot steer a terminal', () => {
  const evil = 'a\x1b[2J\x07\x9b31m';
  const line = text({ level: 'info', err: { message: evil }, about: evil, name: evil, msg: 'x' }, true);
  expect(line).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
});
