import { setTimeout as delay } from 'node:timers/promises';

import { keyOf, type Company, type startSimulatorProcess } from './children';
import { sweepOf } from './log';
import { withBroker, withService } from './stage';
import { fixed, median, percentile, surroundings, table } from './tables';

/** How long to read. */
export interface LimitOptions {
  readonly minutes: number;
}

const REQUESTS_PER_MINUTE = 300;
const SWEEP_SECONDS = 20;
const BIG: Company = { id: 'big', clients: 2_000, invoices: 60_000 };
const SMALL: readonly Company[] = Array.from({ length: 9 }, (_, index) => ({
  id: `small-${index + 1}`,
  clients: 20,
  invoices: 150,
}));
const COMPANIES = [BIG, ...SMALL];

/**
 * One big entity that always has work and nine small ones that are due every 20 s share the API's allowance; returns the markdown to
 * print. The simulator refuses what is above it.
 */
export async function limit({ minutes }: LimitOptions, say: (text: string) => void): Promise<string> {
  const before = surroundings();
  say('starting the broker and the simulator');
  const setting = {
    companies: COMPANIES,
    streams: ['clients', 'invoices'],
    requestsPerMinute: REQUESTS_PER_MINUTE,
    sweepSeconds: SWEEP_SECONDS,
  };
  return withBroker((broker) =>
    withService(broker, setting, async ({ simulator, service }) => {
      const sweeps = new Map<string, number[]>();
      const child = service.start(['run'], {
        env: { LOG_LEVEL: 'debug' },
        onLine(line) {
          const sweep = sweepOf(line);
          if (sweep?.stream !== 'invoices') return;
          sweeps.set(sweep.entity, [...(sweeps.get(sweep.entity) ?? []), performance.now()]);
        },
      });
      for (const { id } of COMPANIES) sweeps.set(id, []);
      // The first sweep of all of them is the start, not the steady state.
      const begun = await simulator.firstRequest(keyOf(BIG));
      for (let minute = 1; minute <= minutes; minute += 1) {
        await delay(begun + minute * 60_000 - performance.now());
        say(`minute ${minute} of ${minutes}: ${(await simulator.stats()).total} requests`);
      }
      const elapsedMinutes = (performance.now() - begun) / 60_000;
      const stats = await simulator.stats();
      child.kill('SIGTERM');
      const { peakRssMb } = await child.ended;
      return `${before}\n${report({ stats, sweeps, elapsedMinutes, peakRssMb })}`;
    }),
  );
}

function report({
  stats,
  sweeps,
  elapsedMinutes,
  peakRssMb,
}: {
  readonly stats: Awaited<ReturnType<Awaited<ReturnType<typeof startSimulatorProcess>>['stats']>>;
  readonly sweeps: ReadonlyMap<string, readonly number[]>;
  readonly elapsedMinutes: number;
  readonly peakRssMb: number;
}): string {
  const requestsOf = (company: Company): number => stats.byEntity[keyOf(company)] ?? 0;
  const between = (company: Company): number[] =>
    (sweeps.get(company.id) ?? []).flatMap((at, index, all) => {
      const before = all[index - 1];
      return before === undefined ? [] : [(at - before) / 1_000];
    });
  const perEntity = COMPANIES.map((company) => {
    const gaps = between(company);
    return [
      company.id,
      fixed(company.invoices),
      fixed(requestsOf(company) / elapsedMinutes, 1),
      fixed((sweeps.get(company.id) ?? []).length),
      fixed(median(gaps), 1),
      fixed(gaps.length === 0 ? NaN : Math.max(...gaps), 1),
    ];
  });
  const gapsOfSmall = SMALL.flatMap(between);
  const requestsOfSmall = SMALL.map(requestsOf);
  return [
    `${fixed(REQUESTS_PER_MINUTE)} requests a minute, ${fixed(elapsedMinutes, 1)} minutes, ${COMPANIES.length} entities, a sweep due every ${SWEEP_SECONDS} s.\n`,
    table([
      ['', 'measured', 'wanted'],
      [
        'share of the allowance used',
        `${fixed((stats.total / (REQUESTS_PER_MINUTE * elapsedMinutes)) * 100, 1)} %`,
        '>= 97 %',
      ],
      ['answers 429', fixed(stats.byStatus['429'] ?? 0), '0'],
      ['most requests in any 60 s', fixed(stats.mostPerMinute), `<= ${REQUESTS_PER_MINUTE}`],
      [
        'requests of the small entities, least-greatest',
        `${fixed(Math.min(...requestsOfSmall))}-${fixed(Math.max(...requestsOfSmall))}`,
        'alike',
      ],
      [
        'from sweep to sweep of a small entity, s, median / p95 / greatest',
        `${fixed(median(gapsOfSmall), 1)} / ${fixed(percentile(gapsOfSmall, 0.95), 1)} / ${fixed(Math.max(...gapsOfSmall), 1)}`,
        `${SWEEP_SECONDS}`,
      ],
      ['peak RSS, MB', fixed(peakRssMb), ''],
    ]),
    table([
      ['entity', 'invoices', 'requests a minute', 'sweeps of invoices', 'sweep to sweep, s, median', 'greatest'],
      ...perEntity,
    ]),
  ].join('\n');
}
