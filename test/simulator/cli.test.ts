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

test.each([
  ['k=A:1:100', 3, /\d{10}/],
  ['k=A:1:100:7', 7, /\d{10}/],
  ['k=A:1:100:1111111111', 3, /1111111111/],
  ['k=A:1:100:7:1111111111', 7, /1111111111/],
])('the entity %s has %d corrections', async (entity, corrections, nip) => {
  const running = run(['--port', '0', '--entity', entity]);
  const base = /http:\/\/127\.0\.0\.1:\d+/.exec(await running.greeting())?.[0] ?? '';
  const entities: unknown = await (await fetch(`${base}/__admin/entities`)).json();
  await running.end();
  const found: unknown = expect.stringMatching(nip);
  expect(entities).toEqual([
    {
      key: 'k',
      name: 'A',
      nip: found,
      clients: 1,
      invoices: 100,
      corrective_invoices: corrections,
    },
  ]);
});

test('limits, habits, filters and life are taken from the command line', async () => {
  const limit = '--requests-per-minute 1 --limit-window fixed --limit-status 503 --limit-body html --retry-after none';
  const habits = '--ties stable --over-limit refuse --count ten --links https://elsewhere.test --life pay=0.5,issue=2';
  const filters = '--filter id_gt=works --filter fields=ignored';
  const running = run(['--port', '0', ...`${limit} ${habits} ${filters}`.split(' ')]);
  const base = /http:\/\/127\.0\.0\.1:\d+/.exec(await running.greeting())?.[0] ?? '';
  const ask = (path: string) => fetch(base + path, { headers: { 'X-inFakt-ApiKey': 'key-beta' } });
  const next: unknown = expect.stringMatching(/^https:\/\/elsewhere\.test\/v3\/clients\.json\?offset=2&/);
  expect(await (await ask('/v3/clients.json?limit=2')).json()).toMatchObject({ metainfo: { count: 10, next } });
  const refused = await ask('/v3/clients.json');
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, null]);
  expect(await refused.text()).toContain('<html>');
  expect(await (await ask('/__admin/filters')).json()).toEqual({ id_gt: 'works', fields: 'ignored' });
  expect(await (await ask('/__admin/life')).json()).toEqual({ issue: 2, pay: 0.5 });
  expect(await running.end()).toMatchObject({ code: 0 });
});

test('--help lists options and admin calls', async () => {
  const { code, stdout, stderr } = await run(['--help']).end();
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain('--requests-per-minute');
  expect(stdout).toContain('--life issue=N,pay=N,edit=N,remove=N');
  expect(stdout).toContain('POST   /__admin/faults');
});

test.each([
  [['--entity', 'nonsense'], '--entity must be KEY=NAME:CLIENTS:INVOICES[:CORRECTIONS][:NIP], got "nonsense"'],
  [['--entity', 'k=A:1:1', '--entity', 'k=B:1:1'], '--entity has the key "k" twice'],
  [['--port', 'http'], '--port must be a whole number, got "http"'],
  [['--port', '70000'], '--port must be 65535 or less, got 70000'],
  [['--ties', 'random'], '--ties must be shuffled or stable, got "random"'],
  [['--count', 'none'], '--count must be rows or ten, got "none"'],
  [['--links', 'ftp://elsewhere'], '--links must be own or foreign or doubled, got "ftp://elsewhere"'],
  [['--limit-status', '500'], '--limit-status must be 429 or 503, got "500"'],
  [
    ['--filter', 'id_gt'],
    '--filter: id_gt must be one of works, ignored, refused, day-off, week, wrong-rows, got undefined',
  ],
  [['--life', 'issue'], '--life must be like issue=6,pay=4, got "issue"'],
  [['--life', 'births=6'], '--life: rates are issue, pay, edit, remove; got "births"'],
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

test('serves books that an accountant would believe, if it is asked for them', async () => {
  const argv = ['--port', '0', '--entity', 'k=A:5:40', '--books', 'plain', '--left-to-pay', 'untouched'];
  const running = run(argv);
  const base = /http:\/\/127\.0\.0\.1:\d+\/api\/v3/.exec(await running.greeting())?.[0] ?? '';
  const answer = await fetch(`${base}/invoices.json?limit=100`, { headers: { 'X-inFakt-ApiKey': 'k' } });
  const { entities } = (await answer.json()) as { readonly entities: readonly Readonly<Record<string, unknown>>[] };
  await running.end();
  expect(entities).toHaveLength(40);
  expect(entities.every((row) => row['left_to_pay'] === row['gross_price'])).toBe(true);
});

test('--left-to-pay says nothing without --books', async () => {
  const { code, stderr } = await run(['--left-to-pay', 'zeroed']).end();
  expect(code).toBe(2);
  expect(stderr).toContain('--left-to-pay needs --books');
});

test('the rows end with the first of this month unless --until says otherwise, so that tomorrow they are the same', async () => {
  const newest = async (...argv: readonly string[]): Promise<unknown> => {
    const running = run(['--port', '0', '--entity', 'k=A:1:100', ...argv]);
    const base = /http:\/\/127\.0\.0\.1:\d+\/api\/v3/.exec(await running.greeting())?.[0] ?? '';
    const response = await fetch(`${base}/invoices.json?limit=1&order=id+desc`, {
      headers: { 'X-inFakt-ApiKey': 'k' },
    });
    const { entities: rows } = (await response.json()) as { entities: readonly { created_at: string }[] };
    await running.end();
    return rows[0]?.created_at.slice(0, 10);
  };
  expect(await newest('--until', '2026-02-14')).toBe('2026-02-14');
  expect(await newest()).toMatch(/-01$/);
  const odd = run(['--until', 'soon']);
  expect(await odd.end()).toMatchObject({
    code: 2,
    stderr: 'simulate: --until must be a day as YYYY-MM-DD, got "soon"\nTry --help.\n',
  });
});
