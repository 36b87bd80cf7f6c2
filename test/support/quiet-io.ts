import type { Io } from '../../src/commands/io';

/** What a command may touch, without a process behind it: no signal ever comes, and results are kept. */
export function quietIo(): Io & { readonly printed: () => string } {
  let printed = '';
  return {
    stdout: (text) => void (printed += text),
    stderr: () => undefined,
    columns: null,
    env: {},
    stop: new AbortController().signal,
    version: '1.2.3',
    replica: 'here',
    printed: () => printed,
  };
}
