import { simulate } from '../../simulator/cli';
import type { Command } from './command';
import { whenStopped } from './io';

/** `infakt-kafka simulate`: serves the simulated API until stopped. */
export const simulateCommand: Command = (argv, io) =>
  simulate(argv, { stdout: io.stdout, stderr: io.stderr, stopped: whenStopped(io).then(() => undefined) });
