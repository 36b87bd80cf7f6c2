import { peekCommand } from '../../src/commands/peek';
import { quietIo } from '../support/quiet-io';

test.each([
  [[], 'expected one topic, got 0'],
  [['clients', 'invoices'], 'expected one topic, got 2'],
  [['clients', '--limit', 'all'], '--limit expects a whole number, got "all"'],
  [['clients', '--last', 'some'], '--last expects a whole number, got "some"'],
  [['clients', '--last', '1', '--follow'], 'expected --last alone'],
  [['clients', '--last', '1', '--limit', '2'], 'expected --last alone'],
  [['clients', '--id', '1.5'], '--id expects a whole number, got "1.5"'],
])('peek %j says what was expected, before any file is read', async (argv, message) => {
  await expect(peekCommand(argv, quietIo())).rejects.toThrow(message);
});
