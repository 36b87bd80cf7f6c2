import { keyOf, type Company } from './children';
import { withBroker, withService } from './stage';
import { spread, surroundings, table } from './tables';

/** How often to start. */
export interface StartOptions {
  readonly runs: number;
}

/** What a broker does where nobody configured it; the local one is told not to wait. */
const BROKER_DEFAULTS = { 'group.initial.rebalance.delay.ms': '3000' };

/** From the start of the program to its first request, on a broker with default settings; returns the markdown to print. */
export async function start({ runs }: StartOptions, say: (text: string) => void): Promise<string> {
  const before = surroundings();
  const company: Company = { id: 'bench', clients: 5, invoices: 5 };
  say('starting the broker and the simulator');
  const setting = { companies: [company], streams: ['clients', 'invoices'], requestsPerMinute: 0, sweepSeconds: 3_600 };
  return withBroker(
    (broker) =>
      withService(broker, setting, async ({ simulator, service }) => {
        await service.start(['once']).ended;
        const seconds: Record<'run' | 'once', number[]> = { run: [], once: [] };
        for (let each = 0; each < runs; each += 1) {
          for (const command of ['run', 'once'] as const) {
            await simulator.resetStats();
            const child = service.start([command]);
            const firstMs = await simulator.firstRequest(keyOf(company));
            if (command === 'run') child.kill('SIGTERM');
            await child.ended;
            seconds[command].push((firstMs - child.startedMs) / 1_000);
            say(`${command}: first request after ${((firstMs - child.startedMs) / 1_000).toFixed(1)} s`);
          }
        }
        return [
          `${before}\nA broker with default settings (\`group.initial.rebalance.delay.ms\` 3000), topics that were used before, one entity.\n`,
          table([
            ['program start to first request, s', 'measured', 'wanted'],
            ['`run`', spread(seconds.run, 1), '< 4'],
            ['`once`', spread(seconds.once, 1), '< 4'],
          ]),
        ].join('\n');
      }),
    BROKER_DEFAULTS,
  );
}
