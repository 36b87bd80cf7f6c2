import { resyncCommand } from '../../src/commands/resync';
import { quietIo } from '../support/quiet-io';

test.each([
  [['--id', '0'], '--id expects a whole number from 1, got "0"'],
  [['--id', '1e3'], '--id expects a whole number from 1, got "1e3"'],
  [['--from', '2026-02-30'], '--from expects a day as YYYY-MM-DD, got "2026-02-30"'],
  [['--id', '7', '--to', '2026-02-01'], 'expected either --id or --from and --to, got both'],
  [['--from', '2026-02-02', '--to', '2026-02-01'], 'expected --from not to be later than --to'],
  [['--stream', 'clients', '--from', '2026-02-02'], 'expected no dates, as clients have none'],
])('resync with %j says what was expected, before any file is read', async (argv, message) => {
  await expect(resyncCommand(['--entity', 'alfa', ...argv], quietIo())).rejects.toThrow(message);
});
