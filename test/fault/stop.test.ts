import { cleanUp, until } from '../support/kafka';
import { companies, expectAgreement, type Running, type Scene, startRun } from '../support/run';
import { API, startProxy, type Verdict } from '../support/tcp-proxy';

const JOIN_GROUP = 11;
const FETCH = 1;

const STOPPED = ['stopping: finishing what is being committed', 'stopped'];

describe('SIGTERM', () => {
  const DEADLINE_MS = 10_000;

  interface Phase {
    readonly phase: string;
    /** Starts the run and resolves when it is in that phase. */
    readonly reach: (scene: Scene) => Promise<Running>;
    readonly withinMs: number;
    /** How long a request of the API may take. */
    readonly timeoutMs?: number;
  }

  /** Starts it behind a proxy that does something to the nth request of a kind. */
  async function behindProxy(
    { service }: Scene,
    { apiKey: wanted, nth, verdict }: { readonly apiKey: number; readonly nth: number; readonly verdict: Verdict },
  ): Promise<Running> {
    const proxy = await startProxy();
    cleanUp(proxy.close);
    let seen = 0;
    proxy.intercept(({ apiKey }) => (apiKey === wanted && ++seen >= nth ? verdict : 'pass'));
    const run = startRun(service, { outside: { socketFactory: proxy.socketFactory } });
    await until(() => seen >= nth, { what: `request ${nth} of kind ${wanted}` });
    return run;
  }

  async function whileAsked(
    { simulator, service }: Scene,
    path: string,
    then: (reached: () => void) => Promise<unknown>,
  ): Promise<Running> {
    let reached = false;
    simulator.admin.addFault({ match: { path }, before: () => then(() => (reached = true)).then(() => undefined) });
    const run = startRun(service);
    await until(() => reached, { what: `a request for ${path}` });
    return run;
  }

  const phases: readonly Phase[] = [
    {
      phase: 'while Kafka is looked for',
      reach: (scene) => behindProxy(scene, { apiKey: API.metadata, nth: 1, verdict: 'drop-request' }),
      withinMs: 1_000,
    },
    {
      phase: 'while the group is joined',
      reach: (scene) => behindProxy(scene, { apiKey: JOIN_GROUP, nth: 1, verdict: 'drop-response' }),
      withinMs: DEADLINE_MS + 1_000,
    },
    {
      phase: 'while the shard is fenced',
      reach: (scene) => behindProxy(scene, { apiKey: API.initProducerId, nth: 1, verdict: 'drop-response' }),
      withinMs: 5_000,
    },
    {
      phase: 'while its state is read',
      reach: (scene) => behindProxy(scene, { apiKey: FETCH, nth: 1, verdict: 'drop-response' }),
      withinMs: DEADLINE_MS + 1_000,
    },
    {
      phase: 'while it is asked whose account it is',
      reach: (scene) =>
        whileAsked(scene, 'account/', (reached) => {
          reached();
          return new Promise(() => undefined);
        }),
      withinMs: 7_000,
      timeoutMs: 1_000,
    },
    {
      phase: 'while a page is on its way',
      reach: (scene) =>
        whileAsked(scene, 'invoices.json', (reached) => {
          reached();
          return new Promise(() => undefined);
        }),
      withinMs: 7_000,
      timeoutMs: 1_000,
    },
    {
      phase: 'while a transaction is being committed',
      reach: (scene) => {
        const late = new Promise((resolve) => {
          cleanUp(() => {
            resolve(null);
            return Promise.resolve();
          });
        });
        return behindProxy(scene, { apiKey: API.endTxn, nth: 3, verdict: { answerAfter: late } });
      },
      withinMs: DEADLINE_MS + 1_000,
    },
    {
      phase: 'between two sweeps',
      reach: async ({ service, names }) => {
        const run = startRun(service);
        await run.sweeps(...names);
        return run;
      },
      withinMs: 3_000,
    },
    {
      phase: 'while an entity is parked',
      reach: async ({ service, simulator }) => {
        simulator.admin.addFault({ match: { path: 'invoices.json' }, action: { status: 401 }, times: Infinity });
        const run = startRun(service, { patience: { parkMs: () => 60_000 } });
        await run.says('parked');
        simulator.admin.clearFaults();
        return run;
      },
      withinMs: 3_000,
    },
    {
      phase: 'while a Retry-After is waited for',
      reach: (scene) => {
        const busy = { status: 429, headers: { 'retry-after': '50' } };
        scene.simulator.admin.addFault({ match: { path: 'invoices.json' }, action: busy });
        return behindProxy(scene, { apiKey: API.endTxn, nth: 3, verdict: 'pass' });
      },
      withinMs: 7_000,
    },
  ];

  test.each(phases)(
    '$phase ends it in time with exit code 0, and the next one goes on',
    async ({ reach, withinMs, timeoutMs = 30_000 }) => {
      const scene = await companies(['alfa'], { service: { infakt: { timeoutMs } } });
      const run = await reach(scene);
      const end = await run.stop();
      expect(end.code).toBe(0);
      expect(end.tookMs).toBeLessThan(withinMs);
      expect(run.told().filter((line) => STOPPED.includes(line))).toEqual(STOPPED);
      expect(run.told().join()).not.toContain('given up');

      scene.simulator.admin.clearFaults();
      const next = startRun(scene.service);
      await next.says('caught up', { before: 1 });
      expect(await next.stop()).toMatchObject({ code: 0 });
      await expectAgreement(scene);
    },
  );
});
