import { simulate } from '../../simulator/cli';
import { signal, withSimulator } from './ask';

function run(argv: readonly string[]) {
  let stdout = '';
  let stderr = '';
  const stopped = signal();
  const greeted = signal();
  const code = simulate(argv, {
    stdout(text) {
      stdout += text;
      greeted.give();
    },
    stderr(text) {
      stderr += text;
    },
    stopped: stopped.promise,
  });
  return {
    async greeting() {
      await greeted.promise;
      return stdout;
    },
    async end() {
      stopped.give();
      return { code: await code, stdout, stderr };
    },
  };
}

test('serves the entities of the command line until it is stopped', async () => {
  const argv = ['--port', '0', '--entity', 'k1=Dom: Handlowy:3:12', '--entity', 'k2=Żuk S.A.:1:0', '--seed', '9'];
  const running = run(argv);
  const text = await running.greeting();
  const base = /http:\/\/127\.0\.0\.1:\d+\/api\/v3/.exec(text)?.[0] ?? '';
  expect(text).toContain("curl -H 'X-inFakt-ApiKey: k1'");
  expect(text).toMatch(/k1 +Dom: Handlowy, NIP \d{10}, 3 clients, 12 invoices/);
  const response = await fetch(`${base}/invoices.json`, { headers: { 'X-inFakt-ApiKey': 'k1' } });
  expect(await response.json()).toMatchObject({ metainfo: { total_count: 12 } });
  expect(await running.end()).toMatchObject({ code: 0, stderr: '' });
  await expect(fetch(`${base}/invoices.json`)).rejects.toThrow();
});

test('--help lists options and admin calls', async () => {
  const { code, stdout, stderr } = await run(['--help']).end();
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('--requests-per-minute');
  expect(stdout).toContain('POST   /__admin/faults');
});

test.each([
  [
    ['--entity', 'nonsense'],
    '--entity must be KEY=NAME:CLIENTS:INVOICES or KEY=NAME:CLIENTS:INVOICES:NIP, got "nonsense"',
  ],
  [['--entity', 'k=A:1:1', '--entity', 'k=B:1:1'], '--entity has the key "k" twice'],
  [['--port', 'http'], '--port must be a whole number, got "http"'],
  [['--port', '70000'], '--port must be 65535 or less, got 70000'],
  [['--ties', 'random'], '--ties must be shuffled or stable, got "random"'],
  [['--what'], '--what'],
  [['extra'], 'extra'],
])('%j is refused with exit code 2 and a reason', async (argv, reason) => {
  const { code, stdout, stderr } = await run(argv).end();
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(reason);
});

test('a port that is taken ends it with exit code 3', () =>
  withSimulator({}, async ({ port }) => {
    const { code, stderr } = await run(['--port', String(port)]).end();
    expect(code).toBe(3);
    expect(stderr).toContain('EADDRINUSE');
  }));
