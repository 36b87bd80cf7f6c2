/** The commands of the program. */
export const COMMANDS = [
  'run',
  'once',
  'init',
  'check',
  'plan',
  'peek',
  'reconcile',
  'explain',
  'wait',
  'resync',
  'state',
  'simulate',
] as const;
