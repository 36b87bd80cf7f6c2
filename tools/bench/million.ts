import { readFileSync } from 'node:fs';

import { keyOf, type Child, type Company } from './children';
import { sweepOf } from './log';
import { withBroker, withService, type Stage } from './stage';
import { fixed, surroundings, table } from './tables';

/** How much to read. */
export interface MillionOptions {
  readonly rows: number;
}

/** What one sweep took. */
interface Sweep {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** At its end. */
  readonly rssMb: number;
  /** Of the process so far. */
  readonly peakRssMb: number;
  readonly created: number;
  readonly unchanged: number;
}

const SWEEPS = 3;
const TICKS_A_SECOND = 100;

/** Three sweeps over many invoices by one process, then a clean restart and one after a kill; returns the markdown to print. */
export async function million({ rows }: MillionOptions, say: (text: string) => void): Promise<string> {
  const before = surroundings();
  const company: Company = { id: 'bench', clients: 500, invoices: rows };
  say('starting the broker and the simulator');
  const setting = { companies: [company], streams: ['invoices'], requestsPerMinute: 0, sweepSeconds: 1 };
  return withBroker((broker) =>
    withService(broker, setting, async (stage) => `${before}\n${await measure({ rows, company, ...stage }, say)}`),
  );
}

interface MillionStage extends Stage {
  readonly rows: number;
  readonly company: Company;
}

async function measure(stage: MillionStage, say: (text: string) => void): Promise<string> {
  const { rows, broker, service } = stage;
  const sweeps = await runSweeps(stage, say);
  const { liveBytes, writtenBytes } = await broker.stateSize(service.prefix);

  const clean = await restart(stage);
  clean.child.kill('SIGKILL');
  await clean.child.ended;
  say(`restarted after a clean stop in ${clean.seconds.toFixed(1)} s`);
  const killed = await restart(stage);
  killed.child.kill('SIGTERM');
  const { peakRssMb } = await killed.child.ended;
  say(`restarted after a kill in ${killed.seconds.toFixed(1)} s`);

  const sweepRows = sweeps.map(({ seconds, cpuSeconds, rssMb, peakRssMb: peak, created, unchanged }, index) => [
    String(index + 1),
    fixed(created),
    fixed(unchanged),
    fixed(rows / seconds),
    fixed((cpuSeconds / rows) * 100_000, 1),
    fixed(rssMb),
    fixed(peak),
  ]);
  return [
    `${fixed(rows)} invoices, one process.\n`,
    table([
      ['sweep', 'created', 'unchanged', 'rows/s', 'CPU s a 100 000 rows', 'RSS at its end, MB', 'peak RSS, MB'],
      ...sweepRows,
    ]),
    table([
      ['', 'measured', 'wanted'],
      ['greatest peak RSS, MB', fixed(Math.max(...sweeps.map((sweep) => sweep.peakRssMb))), '< 250'],
      ['state, compacted, MB', fixed(liveBytes / 1e6, 1), ''],
      ['state, compacted, bytes a row', fixed(liveBytes / rows, 1), ''],
      ['state as it lay in the topic, MB', fixed(writtenBytes / 1e6, 1), ''],
      ['restart after a clean stop: program start to first request, s', fixed(clean.seconds, 1), '< 5'],
      ['restart after a kill: program start to first request, s', fixed(killed.seconds, 1), '< 15'],
      ['peak RSS of a process that only restored, MB', fixed(peakRssMb), ''],
    ]),
  ].join('\n');
}

async function runSweeps({ service, rows }: MillionStage, say: (text: string) => void): Promise<readonly Sweep[]> {
  const sweeps: Sweep[] = [];
  let begunMs = performance.now();
  let cpuBefore = 0;
  const child = service.start(['run'], {
    env: { LOG_LEVEL: 'debug' },
    onLine(line) {
      const sweep = sweepOf(line);
      if (sweep === null) return;
      const { cpuSeconds, rssMb, peakRssMb } = usageOf(child.pid);
      const now = performance.now();
      const { created, unchanged } = sweep;
      sweeps.push({
        seconds: (now - begunMs) / 1_000,
        cpuSeconds: cpuSeconds - cpuBefore,
        rssMb,
        peakRssMb,
        created,
        unchanged,
      });
      say(`sweep ${sweeps.length}: ${fixed(rows / ((now - begunMs) / 1_000))} rows/s, ${fixed(rssMb)} MB`);
      begunMs = now;
      cpuBefore = cpuSeconds;
      if (sweeps.length === SWEEPS) child.kill('SIGTERM');
    },
  });
  await child.ended;
  return sweeps;
}

async function restart({
  service,
  simulator,
  company,
}: MillionStage): Promise<{ readonly child: Child; readonly seconds: number }> {
  await simulator.resetStats();
  const child = service.start(['run']);
  const firstMs = await simulator.firstRequest(keyOf(company));
  return { child, seconds: (firstMs - child.startedMs) / 1_000 };
}

/** What a running process used so far (Linux only). */
export function usageOf(pid: number): {
  readonly cpuSeconds: number;
  readonly rssMb: number;
  readonly peakRssMb: number;
} {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  // After the name in brackets, which may hold anything, the fields of proc(5) from the third on.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const megabytes = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1_024;
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND,
    rssMb: megabytes('VmRSS'),
    peakRssMb: megabytes('VmHWM'),
  };
}
