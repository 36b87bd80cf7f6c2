import { waitCommand } from '../../src/commands/wait';
import { quietIo } from '../support/quiet-io';

const covers = ['--covers', '2026-12-01T00:00:00+01:00'];

test.each([
  [covers, 'expected --entity, got none'],
  [['--entity', 'alfa'], '--covers expects a date and time with its zone'],
  [['--entity', 'alfa', '--covers', '2026-12-01'], 'got "2026-12-01"'],
  [['--entity', 'alfa', '--covers', '2026-12-01T00:00:00'], 'got "2026-12-01T00:00:00"'],
  [['--entity', 'alfa', ...covers, '--timeout', '2'], '--timeout expects a span up to 20d'],
  [['--entity', 'alfa', ...covers, '--timeout', '21d'], 'got "21d"'],
])('wait %j says what was expected, before any file is read', async (argv, message) => {
  await expect(waitCommand(argv, quietIo())).rejects.toThrow(message);
});
