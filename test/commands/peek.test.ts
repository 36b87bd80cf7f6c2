import { peekCommand } from '../../src/commands/peek';
import { quietIo } from '../support/quiet-io';

test.each([
  [[], 'expected one topic, got 0'],
  [['clients', 'invoices'], 'expected one topic, got 2'],
  [['clients', '--limit', 'all'], '--limit expects a whole number, got "all"'],
  [['clients', '--id', '1.5'], '--id expects a whole number, got "1.5"'],
])('peek %j says what was expected, before any file is read', async (argv, message) => {
  await expect(peekCommand(argv, quietIo())).rejects.toThrow(message);
});
