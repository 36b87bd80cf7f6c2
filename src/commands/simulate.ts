import { simulate } from '../../simulator/cli';
import type { Io } from './io';

/** `infakt-kafka simulate`: serves the simulated API until stopped. */
export function simulateCommand(argv: readonly string[], io: Io): Promise<number> {
  return simulate(argv, { stdout: io.stdout, stderr: io.stderr, stopped: io.stopped.then(() => undefined) });
}
