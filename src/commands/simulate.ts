import { didYouMean } from '../../config/near-miss';
import { simulate } from '../../simulator/cli';
import type { Command } from './command';
import { whenStopped } from './io';
import { helpText } from './page';

/** `infakt-kafka simulate`: serves the simulated API until stopped. */
export const simulateCommand: Command = (argv, io) =>
  simulate(argv, {
    stdout: (text) => io.stdout(text.startsWith('Usage:') ? helpText(text) : text),
    stderr: io.stderr,
    stopped: whenStopped(io).then(() => undefined),
    didYouMean,
  });
