import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import type { RequestDetails } from '../../simulator/faults';
import { createRandom, integer, type Random } from '../../simulator/random';
import { createSingleObjectDecoder } from '../../src/sinks/avro';
import { projectRoot } from '../../tools/java';
import { readCommitted } from '../support/java-reader';
import { cleanUp, until } from '../support/kafka';
import { API_KEY, oneCompany, type OneCompany } from '../support/one-company';

// The program as its users start it, killed at any moment: what a reader that is not kafkajs then sees.

const kills = Number(process.env['FAULT_KILLS'] ?? 8);
const seed = Number(process.env['FAULT_SEED'] ?? Date.now() % 1_000_000);
/** One sweep bears so many kills; more are done with fresh topics. */
const KILLS_A_SWEEP = 8;
const CLIENTS = 2_000;
const INVOICES = 18_000;
const LIMIT = 100;
/** Members of the group that were killed are forgotten so soon. */
const SESSION_TIMEOUT_MS = 1_500;
const KILL_CYCLE_MS = 40_000;
/** What the program promises, and a little for the machine. */
const STOP_DEADLINE_MS = 12_000;

type Signal = 'SIGKILL' | 'SIGTERM' | 'SIGINT';

/** One run of the program. */
interface Run {
  /** What it asked the API for so far, lists only. */
  readonly asked: RequestDetails[];
  readonly stderr: () => string;
  /** Sends a signal, now or a little later; one that comes too late does nothing. */
  readonly signal: (signal: Signal, afterMs?: number) => void;
  /** Called at each request for a list, before it is answered. */
  onRequest: (request: RequestDetails) => void;
  /** How it ended: an exit code, or the signal that killed it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** The programs that one test starts, one after the other, and the company that they read. */
interface Scene {
  readonly company: OneCompany;
  readonly start: () => Run;
}

async function scene(size: { readonly clients: number; readonly invoices: number }): Promise<Scene> {
  const company = await oneCompany({ ...size, service: { kafka: { sessionTimeoutMs: SESSION_TIMEOUT_MS } } });
  let current: Run | undefined;
  company.simulator.admin.addFault({
    match: { path: '^(clients|invoices)\\.json$' },
    times: Infinity,
    before: (request) => {
      current?.asked.push(request);
      current?.onRequest(request);
    },
  });
  const start = (): Run => {
    const program = join(projectRoot(), 'dist', 'src', 'main.js');
    const child = spawn(process.execPath, [program, 'once', ...company.service.options], {
      env: { PATH: process.env['PATH'] },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const timers: NodeJS.Timeout[] = [];
    const ended = once(child, 'close').then((): number | NodeJS.Signals => {
      for (const timer of timers) clearTimeout(timer);
      return child.exitCode ?? child.signalCode ?? 'SIGKILL';
    });
    const run: Run = {
      asked: [],
      stderr: () => stderr,
      signal: (signal, afterMs = 0) => void timers.push(setTimeout(() => child.kill(signal), afterMs)),
      onRequest: () => undefined,
      ended,
    };
    cleanUp(async () => {
      child.kill('SIGKILL');
      await ended;
    });
    current = run;
    return run;
  };
  return { company, start };
}

/** When a run is killed: so many milliseconds after its start, or after a request that the simulator sees. */
interface Moment {
  readonly phase: string;
  readonly afterMs: number;
  /** Undefined = counted from the start. */
  readonly request?: (request: RequestDetails, asked: number) => boolean;
}

const isLastPage = ({ path, offset }: RequestDetails): boolean =>
  offset + LIMIT >= (path.startsWith('clients') ? CLIENTS : INVOICES);

function between(random: Random, least: number, most: number): number {
  return least + integer(random, most - least + 1);
}

/** From its start to its first request, as measured last: the first run of a sweep, and one that follows a killed one. */
interface StartMs {
  fresh: number;
  again: number;
}

/** The moments of one sweep, each chosen where the program does something else. */
function moments(random: Random, startMs: StartMs): readonly (() => Moment)[] {
  const request = (phase: string, from: number, to: number, withinMs: number) => (): Moment => {
    const number = between(random, from, to);
    return { phase, afterMs: between(random, 0, withinMs), request: (_, asked) => asked === number };
  };
  return [
    () => ({ phase: 'start-up', afterMs: between(random, 0, Math.round(startMs.fresh)) }),
    request('first pages', 1, 6, 60),
    request('transactions', 20, 50, 20),
    () => ({ phase: 'restore', afterMs: Math.max(0, Math.round(startMs.again) - between(random, 0, 700)) }),
    request('transactions', 2, 40, 5),
    request('pages', 10, 50, 100),
    () => ({ phase: 'end of a sweep', afterMs: between(random, 0, 60), request: (asked) => isLastPage(asked) }),
    () => ({
      phase: 'end of the sweep',
      afterMs: between(random, 0, 120),
      request: (asked) => isLastPage(asked) && asked.path.startsWith('invoices'),
    }),
  ];
}

/** Where the first run that got so far went on: the rows committed before; 0 again = that sweep was complete. */
function resumedAt(runs: readonly Run[]): string {
  const asked = runs.find((run) => run.asked.length > 0)?.asked ?? [];
  const offset = (name: string): number | undefined => asked.find(({ path }) => path.startsWith(name))?.offset;
  return `clients from ${offset('clients') ?? '?'}, invoices from ${offset('invoices') ?? '?'}`;
}

/** Every row of the company is in its topic exactly once, nothing else is, and no row was set aside (I1, I2). */
async function expectEachRowOnce({ simulator, service, bootstrap }: OneCompany): Promise<void> {
  const topics = ['clients', 'invoices', 'dead-letters'].map((name) => service.topic(name));
  const records = await readCommitted(bootstrap, topics);
  const decode = createSingleObjectDecoder();
  const published = Object.fromEntries(topics.map((topic) => [topic, new Array<unknown>()]));
  for (const { topic, key } of records) published[topic]?.push(key === null ? null : decode(key));
  const truth = simulator.admin.truth()[API_KEY];
  const keys = (ids: readonly number[] = []): unknown[] => ids.map((id) => ({ entity: 'alfa', id }));
  const byId = (list: readonly unknown[] = []): unknown[] =>
    list.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  expect(byId(published[service.topic('clients')])).toEqual(byId(keys(truth?.clients.ids)));
  expect(byId(published[service.topic('invoices')])).toEqual(byId(keys(truth?.invoices.ids)));
  expect(published[service.topic('dead-letters')]).toEqual([]);
}

test(
  `each row is published once although the program is killed ${kills} times while it sweeps ${CLIENTS + INVOICES} rows`,
  async () => {
    const random = createRandom(seed);
    process.stdout.write(`FAULT_SEED=${seed} FAULT_KILLS=${kills}\n`);
    const startMs: StartMs = { fresh: 1_000, again: 2_500 };
    let done = 0;
    while (done < kills) {
      const { company, start } = await scene({ clients: CLIENTS, invoices: INVOICES });
      const runs: Run[] = [];
      const told: string[] = [];
      for (const moment of moments(random, startMs).slice(0, Math.min(KILLS_A_SWEEP, kills - done))) {
        const { phase, afterMs, request } = moment();
        const begun = performance.now();
        const run = start();
        runs.push(run);
        if (request === undefined) run.signal('SIGKILL', afterMs);
        run.onRequest = (details) => {
          if (run.asked.length === 1) startMs[runs.length === 1 ? 'fresh' : 'again'] = performance.now() - begun;
          if (request?.(details, run.asked.length) === true) run.signal('SIGKILL', afterMs);
        };
        const end = await run.ended;
        if (end !== 'SIGKILL' && end !== 0)
          throw new Error(`expected it to be killed, got exit ${end}: ${run.stderr()}`);
        done += 1;
        const number = done;
        const where = `${phase}, ${afterMs} ms after ${request === undefined ? 'the start' : `request ${run.asked.length}`}`;
        told.push(`kill ${number}: ${end === 0 ? 'too late, ' : ''}${where}`);
      }
      const last = start();
      runs.push(last);
      const code = await last.ended;
      for (const [index, text] of told.entries())
        process.stdout.write(`${text}; the next run: ${resumedAt(runs.slice(index + 1))}\n`);
      expect({ code, stderr: code === 0 ? '' : last.stderr() }).toEqual({ code: 0, stderr: '' });
      await expectEachRowOnce(company);
    }
  },
  (kills + 2) * KILL_CYCLE_MS,
);

/** Starts a run whose first request never gets an answer. */
async function startStuck({ company: { simulator }, start }: Scene): Promise<{ run: Run; release: () => void }> {
  const hang = simulator.admin.addFault({ times: Infinity, match: { path: 'account' }, action: { hang: true } });
  const run = start();
  await until(() => simulator.admin.faults().some(({ id, taken }) => id === hang && taken > 0), {
    what: 'a request that gets no answer',
    withinMs: 30_000,
  });
  return { run, release: () => simulator.admin.clearFaults(hang) };
}

test('SIGTERM ends a sweep with exit code 3, a second signal ends it at once, and the next run publishes the rest once', async () => {
  const here = await scene({ clients: 300, invoices: 4_000 });

  const first = here.start();
  first.onRequest = () => {
    if (first.asked.length === 12) first.signal('SIGTERM');
  };
  expect(await first.ended).toBe(3);
  expect(first.asked.length).toBeLessThan(43);

  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    const { run, release } = await startStuck(here);
    run.signal(signal);
    await until(() => run.stderr().includes('stopping'), { what: 'the program to say that it stops' });
    const begun = performance.now();
    run.signal(signal);
    expect(await run.ended).toBe(code);
    expect(performance.now() - begun).toBeLessThan(2_000);
    release();
  }

  const { run, release } = await startStuck(here);
  const begun = performance.now();
  run.signal('SIGTERM');
  expect(await run.ended).toBe(3);
  expect(performance.now() - begun).toBeLessThan(STOP_DEADLINE_MS);
  release();

  expect(await here.start().ended).toBe(0);
  await expectEachRowOnce(here.company);
}, 480_000);
