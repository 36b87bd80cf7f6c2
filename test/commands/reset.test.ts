import { resetCommand } from '../../src/commands/reset';
import { quietIo } from '../support/quiet-io';

test.each([
  [['--yes'], 'expected --entity, got none'],
  [['--entity', 'alfa', '--stream', 'orders', '--purge'], '--stream expects one of clients, invoices'],
  [['--entity', 'alfa', '--config', '/no/such/file'], '/no/such/file'],
])('reset with %j forgets nothing and says what was expected', async (argv, message) => {
  const io = quietIo();
  await expect(resetCommand(argv, io)).rejects.toThrow(message);
  expect(io.printed()).toBe('');
});
