import { command } from '../../src/commands/command';
import { configOptions, type Io } from '../../src/commands/io';

let stdout: string;
let io: Io;
beforeEach(() => {
  stdout = '';
  io = {
    stdout: (text) => void (stdout += text),
    stderr: () => undefined,
    columns: null,
    env: {},
    stop: new AbortController().signal,
    version: '1.2.3',
    replica: 'here',
  };
});

const options = { limit: { type: 'string', default: '5' }, help: { type: 'boolean', default: false } } as const;

test('a command gets the values of its options, and its exit code is returned', async () => {
  const limits: string[] = [];
  const limited = command({
    help: 'Help.',
    options,
    run: ({ limit }) => {
      limits.push(limit);
      return Promise.resolve(3);
    },
  });
  expect(await limited([], io)).toBe(3);
  expect(await limited(['--limit', '7'], io)).toBe(3);
  expect(limits).toEqual(['5', '7']);
  expect(stdout).toBe('');
});

test('--help prints the help with exit code 0 and runs nothing', async () => {
  const failing = command({ help: 'Help.', options, run: () => Promise.reject(new Error('was run')) });
  expect(await failing(['--help', '--limit', '7'], io)).toBe(0);
  expect(stdout).toBe('Help.');
});

test('an option that is not declared is refused, and so is a word unless words are taken', async () => {
  const words: string[] = [];
  const run = (_values: unknown, _io: unknown, given: readonly string[]) => {
    words.push(...given);
    return Promise.resolve(0);
  };
  const silent = command({ help: '', options, run });
  await expect(silent(['--other'], io)).rejects.toThrow('--other');
  await expect(silent(['word'], io)).rejects.toThrow('word');
  expect(await command({ help: '', options, takesWords: true, run })(['a', 'b'], io)).toBe(0);
  expect(words).toEqual(['a', 'b']);
});

test('the entities lie beside the service file, unless their folder is named', async () => {
  const folders: string[] = [];
  const configured = command({
    help: '',
    options: configOptions,
    run: ({ entities }) => {
      folders.push(entities);
      return Promise.resolve(0);
    },
  });
  for (const argv of [
    [],
    ['--config', 'config/example/service.json'],
    ['--config=/etc/infakt/service.json'],
    ['--config', 'service.json'],
    ['--entities', 'there', '--config', 'elsewhere/service.json'],
  ])
    await configured(argv, io);
  expect(folders).toEqual(['config/entities', 'config/example/entities', '/etc/infakt/entities', 'entities', 'there']);
});
