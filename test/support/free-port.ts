import { choosePort } from '../../tools/java';

/** A free port of this machine, below the range of outgoing connections. */
export function freePort(): Promise<number> {
  return choosePort('a run', 0, new Set());
}
