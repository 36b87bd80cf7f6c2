import { simulateCommand } from '../../src/commands/simulate';
import { quietIo } from '../support/quiet-io';

test('simulate answers --help on the stdout of the command, and starts no server', async () => {
  const io = quietIo();
  expect(await simulateCommand(['--help'], io)).toBe(0);
  expect(io.printed()).toContain('infakt-kafka simulate');
});
