import { simulate } from '../../simulator/cli';
import type { Command } from './command';

/** `infakt-kafka simulate`: serves the simulated API until stopped. */
export const simulateCommand: Command = (argv, io) =>
  simulate(argv, { stdout: io.stdout, stderr: io.stderr, stopped: io.stopped.then(() => undefined) });
