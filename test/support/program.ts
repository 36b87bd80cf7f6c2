import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import { cleanUp, until } from './kafka';

/** A program that runs beside the test and is gone after it. */
export interface Program {
  /** Waits until it has printed enough and gives that; if it ends before, tells what it complained of. */
  printed(enough: (lines: readonly string[]) => boolean, withinMs?: number): Promise<readonly string[]>;
}

/** Starts a program with nothing but what is given in its environment, and the PATH. */
export function startProgram(
  command: readonly [string, ...string[]],
  { cwd, env = {} }: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> },
): Program {
  const [file, ...args] = command;
  const child = spawn(file, args, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  let complaint = '';
  let ended: string | undefined;
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
  child.once('error', ({ message }) => (ended = message));
  const closed = once(child, 'close').then(
    ([code, signal]) => (ended = `exit code ${String(code ?? signal)}`),
    () => undefined,
  );
  cleanUp(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  return {
    async printed(enough, withinMs = 60_000) {
      const failed = (got: string, cause?: unknown): Error =>
        new Error(
          `Running ${command.join(' ')}: expected it to print enough, got ${lines.length} lines and ${got}: ${complaint.slice(-2000)}`,
          { cause },
        );
      await until(() => enough(lines) || ended !== undefined, { what: `${file} to print enough`, withinMs }).catch(
        (error: unknown) => {
          throw failed('no more in time', error);
        },
      );
      if (!enough(lines)) throw failed(ended ?? 'its end');
      return lines;
    },
  };
}
