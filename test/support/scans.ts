import type { Simulator } from '../../simulator/server';
import { isObject } from '../../src/json';
import { until } from './kafka';
import { SWEEP_ENDS, type RunEnd, type Running } from './run';

/** What the invoices are asked for by; `whole` is the sweep, and a row read alone in its list. Only of a scope without dates. */
export type Purpose = 'newest' | 'open' | 'recent' | 'whole' | 'detail';

type Asked = ReturnType<Simulator['admin']['stats']>['last'][number];

/** The requests for invoices of one company, oldest first; those after the first `since` of them. */
export function requestsOf({ admin }: Simulator, key: string, since = 0): Asked[] {
  return admin
    .stats()
    .last.filter(({ entity, path }) => entity === key && path.startsWith('invoices'))
    .slice(since);
}

/** What a request was made for. */
export function purposeOf({ path, query }: Asked): Purpose {
  const parameters = new URLSearchParams(query);
  if (path !== 'invoices.json') return 'detail';
  if (parameters.get('order') === 'id desc') return 'newest';
  if (parameters.has('q[paid_date_null]')) return 'open';
  return parameters.has('q[invoice_date_gteq]') ? 'recent' : 'whole';
}

/** Waits until so many more walks of each of these scans were begun: all of them but the last are over then. */
export async function walksBegun(
  simulator: Simulator,
  key: string,
  purposes: readonly Purpose[],
  walks: number,
): Promise<void> {
  const begun = (purpose: Purpose): number =>
    requestsOf(simulator, key).filter(
      (request) => purposeOf(request) === purpose && new URLSearchParams(request.query).get('offset') === '0',
    ).length;
  const before = purposes.map((purpose) => ({ purpose, count: begun(purpose) }));
  await until(() => before.every(({ purpose, count }) => begun(purpose) >= count + walks), {
    what: `${walks} walks of ${purposes.join(', ')} with ${key}`,
    withinMs: 600_000,
  });
}

/** Waits until a run has told of so many more sweeps of each of these streams, named `entity stream`. */
export async function sweepsReported(run: Running, streams: readonly string[], sweeps: number): Promise<void> {
  const told = (stream: string): number => SWEEP_ENDS.reduce((sum, message) => sum + run.count(message, stream), 0);
  const before = streams.map((stream) => ({ stream, count: told(stream) }));
  const behind = (): string[] =>
    before.filter(({ stream, count }) => told(stream) < count + sweeps).map(({ stream }) => stream);
  let end: RunEnd | undefined;
  void run.ended.then((ended) => (end = ended));
  const story = (): string => end?.stderr.slice(-3_000) ?? run.told().slice(-30).join('\n');
  await until(() => behind().length === 0 || end !== undefined, { what: 'sweeps', withinMs: 600_000 }).catch(
    () => undefined,
  );
  if (behind().length > 0) throw new Error(`Waiting for ${sweeps} sweeps of ${behind().join(', ')}: ${story()}`);
}

/** Ids of a company's plain invoices of which this is true, ascending. */
export function invoicesWhere(
  { admin }: Simulator,
  key: string,
  fits: (row: Readonly<Record<string, unknown>>, date: string) => boolean,
): number[] {
  const { ids } = admin.truth()[key]?.invoices ?? { ids: [] };
  return ids.filter((id) => {
    const row = admin.row(key, 'invoices', id);
    return isObject(row) && typeof row['invoice_date'] === 'string' && fits(row, row['invoice_date']);
  });
}

/** The day so many days from now; before today if negative. */
export function dayFromNow(days: number): string {
  return new Date(Date.now() + days * 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
}
