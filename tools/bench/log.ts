/** A sweep that the service's log says is complete. */
export interface LoggedSweep {
  readonly entity: string;
  readonly stream: string;
  readonly rows: number;
  readonly created: number;
  readonly unchanged: number;
}

/** Reads one line of the log; null = it does not say that a sweep is complete. */
export function sweepOf(line: string): LoggedSweep | null {
  if (!line.startsWith('{')) return null;
  const entry = JSON.parse(line) as LoggedSweep & { readonly msg?: string };
  return entry.msg === 'caught up' || entry.msg === 'sweep complete' ? entry : null;
}
