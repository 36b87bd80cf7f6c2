import { hideWarningOfKafkajs } from '../../src/sinks/hide-warning';

const before = process.listeners('warning');
afterEach(() => {
  process.removeAllListeners('warning');
  for (const listener of before) process.on('warning', listener);
});

test('a negative timer is not printed, and every other warning is, once', () => {
  const printed: string[] = [];
  process.removeAllListeners('warning');
  process.on('warning', ({ name }) => printed.push(name));
  hideWarningOfKafkajs();
  for (const name of ['TimeoutNegativeWarning', 'DeprecationWarning', 'TimeoutNegativeWarning'])
    process.emit('warning', Object.assign(new Error('a warning'), { name }));
  expect(printed).toEqual(['DeprecationWarning']);
});
