import { setTimeout as delay } from 'node:timers/promises';

import { choosePort } from '../java';
import type { Child, Company, SimulatorProcess } from './children';
import type { Broker } from './kafka';
import { sweepOf } from './log';
import { usageOf } from './million';
import { withBroker, withService } from './stage';
import { fixed, spread, surroundings, table } from './tables';

/** How many entities rest, and for how long. */
export interface IdleOptions {
  readonly entities: number;
  readonly minutes: number;
}

const STREAMS = ['clients', 'invoices', 'corrective-invoices'];
const SCRAPE_EVERY_MS = 15_000;
const ASKED_TIMES = 10;
/** The service rests once it has asked for nothing for so long. */
const QUIET_MS = 20_000;
/** Nothing is due while it is measured. */
const RESTING = Object.fromEntries(
  ['NEWEST', 'CLIENTS_NEWEST', 'OPEN', 'RECENT', 'SWEEP'].map((scan) => [`SCHEDULE_${scan}_SECONDS`, '21600']),
);

/** What a service that rests used within some minutes. */
interface Rest {
  readonly what: string;
  readonly cpuMsAMinute: number;
  readonly rssMb: number;
}

/** What one path answered. */
interface Answers {
  readonly path: string;
  readonly ms: readonly number[];
  readonly bytes: number;
  readonly series: number;
}

/** A service that has read everything and rests: what HTTP and metrics take of the machine; returns the markdown to print. */
export async function idle({ entities, minutes }: IdleOptions, say: (text: string) => void): Promise<string> {
  const before = surroundings();
  say('starting the broker');
  return withBroker(async (broker) => {
    const setting = { broker, entities, minutes, say };
    const { rests: without } = await measure({ ...setting, port: 0 });
    const { rests, answers } = await measure({ ...setting, port: await choosePort('infakt-kafka', 0, new Set()) });
    return [
      `${before}\n${entities} entities of ${STREAMS.length} streams that were read once, ${minutes} minutes each.\n`,
      table([
        ['', 'CPU, ms a minute', 'RSS at the end, MB'],
        ...[...without, ...rests].map(({ what, cpuMsAMinute, rssMb }) => [what, fixed(cpuMsAMinute), fixed(rssMb)]),
      ]),
      table([
        [`asked ${ASKED_TIMES} times`, 'ms', 'KB', 'series'],
        ...answers.map(({ path, ms, bytes, series }) => [
          path,
          spread(ms, 1),
          fixed(bytes / 1_000),
          series === 0 ? '' : fixed(series),
        ]),
      ]),
    ].join('\n');
  });
}

async function measure({
  broker,
  entities,
  minutes,
  port,
  say,
}: IdleOptions & {
  readonly broker: Broker;
  /** 0 = the service answers nobody. */
  readonly port: number;
  readonly say: (text: string) => void;
}): Promise<{ readonly rests: readonly Rest[]; readonly answers: readonly Answers[] }> {
  const companies = Array.from({ length: entities }, (_, number): Company => ({
    id: `company-${number}`,
    clients: 3,
    invoices: 3,
  }));
  const setting = { companies, streams: STREAMS, requestsPerMinute: 0, sweepSeconds: 3_600, suffix: `-${port}` };
  return withService(broker, setting, async ({ simulator, service }) => {
    let readOnce = (): void => undefined;
    const isRead = new Promise<void>((resolve) => {
      readOnce = resolve;
    });
    const read = new Set<string>();
    const child = service.start(['run'], {
      env: { ...RESTING, HTTP_PORT: String(port) },
      onLine(line) {
        const sweep = sweepOf(line);
        if (sweep !== null) read.add(`${sweep.entity} ${sweep.stream}`);
        if (read.size === entities * STREAMS.length) readOnce();
      },
    });
    await Promise.race([isRead, child.ended]);
    await quiet(simulator);
    const rest = async (what: string, act?: () => Promise<unknown>): Promise<Rest> => {
      const result = await restOf(child, { what, minutes, act });
      say(`${what}: ${fixed(result.cpuMsAMinute)} ms a minute, ${fixed(result.rssMb)} MB`);
      return result;
    };
    const rests: Rest[] = [];
    const answers: Answers[] = [];
    if (port === 0) rests.push(await rest('without HTTP'));
    else {
      rests.push(await rest('with HTTP, nobody asks'));
      rests.push(await rest(`with HTTP, /metrics every ${SCRAPE_EVERY_MS / 1_000} s`, () => ask(port, '/metrics')));
      for (const path of ['/metrics', '/health', '/']) answers.push(await answersOf(port, path));
    }
    child.kill('SIGTERM');
    await child.ended;
    return { rests, answers };
  });
}

async function quiet({ stats }: SimulatorProcess): Promise<void> {
  let before = -1;
  for (;;) {
    const { total } = await stats();
    if (total === before) return;
    before = total;
    await delay(QUIET_MS);
  }
}

async function restOf(
  { pid }: Child,
  {
    what,
    minutes,
    act,
  }: { readonly what: string; readonly minutes: number; readonly act: (() => Promise<unknown>) | undefined },
): Promise<Rest> {
  const before = usageOf(pid).cpuSeconds;
  const untilMs = performance.now() + minutes * 60_000;
  while (performance.now() < untilMs) {
    await act?.();
    await delay(Math.min(SCRAPE_EVERY_MS, Math.max(0, untilMs - performance.now())));
  }
  const { cpuSeconds, rssMb } = usageOf(pid);
  return { what, cpuMsAMinute: ((cpuSeconds - before) * 1_000) / minutes, rssMb };
}

async function answersOf(port: number, path: string): Promise<Answers> {
  const ms: number[] = [];
  let text = '';
  for (let time = 0; time < ASKED_TIMES; time += 1) {
    const begun = performance.now();
    text = await ask(port, path);
    ms.push(performance.now() - begun);
  }
  const series = path === '/metrics' ? text.split('\n').filter((line) => /^[^#]/.test(line)).length : 0;
  return { path, ms, bytes: Buffer.byteLength(text), series };
}

async function ask(port: number, path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${port}${path}`)).text();
}
