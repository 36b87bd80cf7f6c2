import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { TransientError } from '../../src/errors';

/** The program that is measured. */
const PROGRAM = join(__dirname, '../../src/main.js');

/** What a program that has ended used of the machine. */
export interface Usage {
  /** User and system time. */
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
  /** The longest time for which the program let nothing else happen, its modules' loading left out. */
  readonly longestBlockMs: number;
}

/** A program that has ended. */
export interface Ended extends Usage {
  readonly code: number | null;
  readonly stdout: string;
}

/** A program that runs. */
export interface Child {
  readonly pid: number;
  readonly startedMs: number;
  /** Rejects where the exit code is not 0, unless it was killed. */
  readonly ended: Promise<Ended>;
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** How a program is started. */
export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Folder for a CPU profile. */
  readonly profile?: string | undefined;
  /** Called with each line on stderr. */
  readonly onLine?: (line: string) => void;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs a script in a Node process of its own and takes down what it uses. */
export function startScript(script: string, args: readonly string[], options: ChildOptions = {}): Child {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const usageFile = join(folder, 'usage.json');
  const flags = ['--require', require.resolve('./usage')];
  if (options.profile !== undefined) flags.push('--cpu-prof', '--cpu-prof-dir', options.profile);
  const startedMs = performance.now();
  const child = spawn(process.execPath, [...flags, script, ...args], {
    env: { ...process.env, ...options.env, BENCH_USAGE_FILE: usageFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  let unfinished = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-4_000);
    const lines = (unfinished + text).split('\n');
    unfinished = lines.pop() ?? '';
    for (const line of lines) options.onLine?.(line);
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      running.delete(child);
      const usage = signal === null ? readUsage(usageFile) : { cpuSeconds: NaN, peakRssMb: NaN, longestBlockMs: NaN };
      rmSync(folder, { recursive: true });
      if (code === 0 || signal !== null) resolve({ code, stdout, ...usage });
      else
        reject(
          new TransientError(`running ${script} ${args.join(' ')}: expected exit code 0, got ${code ?? ''}; ${stderr}`),
        );
    });
  });
  ended.catch(() => undefined);
  return { pid: child.pid ?? 0, startedMs, ended, kill: (signal) => child.kill(signal) };
}

function readUsage(file: string): Usage {
  const used = JSON.parse(readFileSync(file, 'utf8')) as NodeJS.ResourceUsage & Pick<Usage, 'longestBlockMs'>;
  const { userCPUTime, systemCPUTime, maxRSS, longestBlockMs } = used;
  return { cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, peakRssMb: maxRSS / 1_024, longestBlockMs };
}

/** A simulator in a process of its own. */
export interface SimulatorProcess {
  /** Without the path of the API. */
  readonly url: string;
  /** Begins the statistics anew. */
  readonly resetStats: () => Promise<void>;
  readonly stats: () => Promise<SimulatorStats>;
  /** Resolves with `performance.now()` when the entity with this key has made a request since the last reset. */
  readonly firstRequest: (key: string) => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** The part of the simulator's statistics that is of use here. */
export interface SimulatorStats {
  readonly total: number;
  readonly mostPerMinute: number;
  readonly byEntity: Readonly<Record<string, number>>;
  readonly byStatus: Readonly<Record<string, number>>;
}

/** A made-up company: its API key is `key-<id>`. */
export interface Company {
  readonly id: string;
  readonly clients: number;
  readonly invoices: number;
}

const READY_WITHIN_MS = 300_000;
const ASK_EVERY_MS = 10;

/** The API key of a company. */
export function keyOf({ id }: Pick<Company, 'id'>): string {
  return `key-${id}`;
}

/** Starts `simulate`; resolves when it answers. */
export async function startSimulatorProcess(
  companies: readonly Company[],
  requestsPerMinute = 0,
): Promise<SimulatorProcess> {
  const entities = companies.flatMap((company) => [
    '--entity',
    `${keyOf(company)}=${company.id}:${company.clients}:${company.invoices}`,
  ]);
  const args = ['simulate', '--port', '0', '--requests-per-minute', String(requestsPerMinute), ...entities];
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => {
      running.delete(child);
      resolve();
    });
  });
  const url = await new Promise<string>((resolve, reject) => {
    let greeting = '';
    const late = setTimeout(
      () => reject(new TransientError('starting the simulator: expected its address, got none in time')),
      READY_WITHIN_MS,
    );
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      greeting += text;
      const found = /(http:\S+)\/api\/v3/.exec(greeting)?.[1];
      if (found === undefined) return;
      clearTimeout(late);
      resolve(found);
    });
    void gone.then(() => {
      clearTimeout(late);
      reject(new TransientError('starting the simulator: expected it to run, got its end'));
    });
  });
  const stats = async (last = 0): Promise<SimulatorStats> => {
    const answer = await fetch(`${url}/__admin/stats?last=${last}`);
    return (await answer.json()) as SimulatorStats;
  };
  return {
    url,
    stats,
    async resetStats() {
      await fetch(`${url}/__admin/stats`, { method: 'DELETE' });
    },
    async firstRequest(key) {
      while (((await stats()).byEntity[key] ?? 0) === 0) await delay(ASK_EVERY_MS);
      return performance.now();
    },
    async stop() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** A configuration of the service in a folder of its own. */
export interface Service {
  readonly prefix: string;
  /** Starts a command of the program with this configuration. */
  readonly start: (command: readonly string[], options?: ChildOptions) => Child;
  readonly remove: () => void;
}

/** What the configuration says. */
export interface ServiceSetting {
  /** Prefix of the topics, and the service's id. */
  readonly prefix: string;
  readonly url: string;
  readonly brokers: readonly string[];
  readonly companies: readonly Company[];
  readonly streams: readonly string[];
  readonly requestsPerMinute: number;
  readonly sweepSeconds: number;
}

/** Writes a configuration; everything that it does not say is the default. */
export function configureService(setting: ServiceSetting): Service {
  const { prefix, url, brokers, companies, streams, requestsPerMinute, sweepSeconds } = setting;
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const entities = join(folder, 'entities');
  mkdirSync(entities);
  for (const { id } of companies)
    writeFileSync(join(entities, `${id}.json`), JSON.stringify({ start_date: 'all', streams }));
  writeFileSync(
    join(folder, 'service.json'),
    JSON.stringify({
      service: { id: prefix },
      infakt: { baseUrl: `${url}/api/v3`, requestsPerMinute },
      kafka: { brokers },
      topics: { prefix },
      schedule: { sweepSeconds },
      http: { port: 0 },
    }),
  );
  const keys = Object.fromEntries(
    companies.map((company) => [`INFAKT_API_KEY_${company.id.toUpperCase().replaceAll('-', '_')}`, keyOf(company)]),
  );
  return {
    prefix,
    start: (command, options = {}) =>
      startScript(PROGRAM, [...command, '--config', join(folder, 'service.json'), '--entities', entities], {
        ...options,
        env: { ...keys, ...options.env },
      }),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
