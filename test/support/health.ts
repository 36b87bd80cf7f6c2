import type { Problem, StreamHealth } from '../../src/status/health';
import { until } from './kafka';

/** What `/health` answered. */
export interface HealthAnswer {
  readonly status: number;
  readonly body: { readonly problems: readonly Problem[]; readonly streams: readonly StreamHealth[] };
}

/** A `run` as somebody sees it who asks its port. */
export interface HealthReader {
  readonly health: () => Promise<HealthAnswer>;
  /** Waits until `/health` answers with that status, and gives the answer. */
  readonly becomes: (status: number) => Promise<HealthAnswer['body']>;
  /** The statuses of the probes. */
  readonly probes: () => Promise<{ readonly livez: number; readonly readyz: number }>;
  readonly metrics: () => Promise<string>;
}

/** Asks the port of this machine, with a token where one is given. */
export function readIn(port: number, token?: string): HealthReader {
  const ask = (path: string): Promise<Response> =>
    fetch(
      `http://127.0.0.1:${port}${path}`,
      token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } },
    );
  const health = async (): Promise<HealthAnswer> => {
    const answer = await ask('/health');
    return { status: answer.status, body: (await answer.json()) as HealthAnswer['body'] };
  };
  return {
    health,
    async becomes(status) {
      let last: HealthAnswer | null = null;
      const seen = async (): Promise<HealthAnswer | false> => {
        last = await health();
        return last.status === status && last;
      };
      const { body } = await until(seen, { what: `/health to answer ${status}` }).catch((error: unknown) => {
        throw new Error(`${String(error)}; it answered ${JSON.stringify(last?.body.problems)}`, { cause: error });
      });
      return body;
    },
    async probes() {
      const [livez, readyz] = await Promise.all(['/livez', '/readyz'].map(async (path) => (await ask(path)).status));
      return { livez: livez ?? 0, readyz: readyz ?? 0 };
    },
    metrics: async () => (await ask('/metrics')).text(),
  };
}
