import { stateCommand } from '../../src/commands/state';
import { quietIo } from '../support/quiet-io';

test.each([
  [[], 'got "state "'],
  [['drop'], 'got "state drop"'],
  [['show', 'all'], 'got "state show all"'],
])('state with %j says that it shows or resets', async (argv, got) => {
  await expect(stateCommand(argv, quietIo())).rejects.toThrow(`expected "state show" or "state reset", ${got}`);
});

test('what follows "state reset" goes to reset', async () => {
  const io = quietIo();
  expect(await stateCommand(['reset', '--help'], io)).toBe(0);
  expect(io.printed()).toContain('Usage: infakt-kafka state reset');
});
