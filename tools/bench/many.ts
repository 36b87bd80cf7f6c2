import type { Company } from './children';
import type { Broker } from './kafka';
import { sweepOf } from './log';
import { usageOf } from './million';
import { withBroker, withService } from './stage';
import { fixed, surroundings, table } from './tables';

/** What is wanted of so many entities. */
const WANTED_MB: Readonly<Record<number, number>> = { 200: 160, 1_000: 250 };
const ROWS = { clients: 3, invoices: 3 };
const STREAMS = ['clients', 'invoices'];

/** One process over many entities of few rows. */
interface Measured {
  readonly entities: number;
  readonly seconds: number;
  /** When every stream was read once. */
  readonly rssMb: number;
  readonly peakRssMb: number;
  readonly longestBlockMs: number;
}

/** Many entities of six rows each, read by one process from its start until every stream was read once; returns the markdown to print. */
export async function many(say: (text: string) => void): Promise<string> {
  const before = surroundings();
  say('starting the broker');
  return withBroker(async (broker) => {
    const measured: Measured[] = [];
    for (const entities of Object.keys(WANTED_MB).map(Number)) measured.push(await measure(entities, broker, say));
    return [
      `${before}\nOne process, entities of ${ROWS.clients} clients and ${ROWS.invoices} invoices each, until every stream was read once.\n`,
      table([
        ['entities', 'rows', 's', 'RSS, MB', 'peak RSS, MB', 'wanted', 'longest block of the loop, ms', 'wanted'],
        ...measured.map(({ entities, seconds, rssMb, peakRssMb, longestBlockMs }) => [
          fixed(entities),
          fixed(entities * (ROWS.clients + ROWS.invoices)),
          fixed(seconds, 1),
          fixed(rssMb),
          fixed(peakRssMb),
          `< ${WANTED_MB[entities] ?? 0}`,
          fixed(longestBlockMs),
          '< 50',
        ]),
      ]),
    ].join('\n');
  });
}

async function measure(entities: number, broker: Broker, say: (text: string) => void): Promise<Measured> {
  const companies = Array.from({ length: entities }, (_, number): Company => ({ id: `company-${number}`, ...ROWS }));
  const setting = { companies, streams: STREAMS, requestsPerMinute: 0, sweepSeconds: 3_600, suffix: `-${entities}` };
  return withService(broker, setting, async ({ service }) => {
    const read = new Set<string>();
    let rssMb = NaN;
    let seconds = NaN;
    const child = service.start(['run'], {
      onLine(line) {
        const sweep = sweepOf(line);
        if (sweep === null || read.size === entities * STREAMS.length) return;
        read.add(`${sweep.entity} ${sweep.stream}`);
        if (read.size < entities * STREAMS.length) return;
        seconds = (performance.now() - child.startedMs) / 1_000;
        rssMb = usageOf(child.pid).rssMb;
        child.kill('SIGTERM');
      },
    });
    const { peakRssMb, longestBlockMs } = await child.ended;
    say(
      `${entities} entities: ${fixed(peakRssMb)} MB at most, the loop was blocked ${fixed(longestBlockMs)} ms at most`,
    );
    return { entities, seconds, rssMb, peakRssMb, longestBlockMs };
  });
}
