import { takeHooks } from '../../src/commands/take-hooks';
import { listen, type HttpServer } from '../../src/http-server/server';
import { createLogger } from '../../src/telemetry';
import { deliveryOf, post } from '../support/deliveries';
import { until } from '../support/kafka';

const SECRET = 's3cret-of-a-hook';
const servers: HttpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function hooks() {
  const lines: Record<string, unknown>[] = [];
  const outcomes: string[] = [];
  const entities = [{ id: 'alfa', hookSecret: `old-one, ${SECRET}`, hookSecretFile: null as string | null }];
  const latest = new Map<string, string>();
  let nowMs = 0;
  const taken = takeHooks({
    entities: () => entities,
    secrets: { latest: (kind, file, loaded) => (file === null ? loaded : (latest.get(`${kind} ${file}`) ?? loaded)) },
    logger: createLogger(
      { level: 'info', secrets: [] },
      { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
    ),
    now: () => nowMs,
    tell: ({ entity, outcome }) => void outcomes.push(`${entity} ${outcome}`),
  });
  const server = await listen({
    port: 0,
    host: '127.0.0.1',
    token: () => null,
    routes: taken.routes,
    onFault: (error) => {
      throw error;
    },
  });
  servers.push(server);
  const send = async (secret: string | null, entity = 'alfa', body = deliveryOf('invoice_paid', { uuid: 'u-1' })) =>
    (await post(`http://127.0.0.1:${server.port}/hooks/${entity}`, body, secret)).status;
  return { ...taken, lines, outcomes, entities, latest, send, pass: (ms: number) => void (nowMs += ms) };
}

test('a thousand forged deliveries reach no stream, and are a line a minute in the log without a word of theirs', async () => {
  const here = await hooks();
  here.hints.own(['alfa']);
  here.hints.join('alfa', {
    stream: 'invoices',
    knows: () => true,
    expects: () => true,
    take: () => {
      throw new Error('a forged delivery was believed');
    },
    burst: () => undefined,
  });
  for (let n = 0; n < 20; n++) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => here.send('a-guess')));
    expect(new Set(answers)).toEqual(new Set([401]));
  }
  expect(here.outcomes).toEqual(Array<string>(1_000).fill('alfa forged'));
  expect(here.lines.map(({ msg, entity, times }) => [msg, entity, times])).toEqual([['webhook refused', 'alfa', 1]]);
  here.pass(60_000);
  await here.send('a-guess');
  expect(here.lines.at(-1)).toMatchObject({ msg: 'webhook refused', times: 1_000 });
  expect(JSON.stringify(here.lines)).not.toMatch(/s3cret|old-one|u-1|a-guess/);
});

test('the entities and their secrets are those of the moment', async () => {
  const here = await hooks();
  expect(await here.send(SECRET)).toBe(200);
  here.entities.splice(0, 1, { id: 'beta', hookSecret: 'first', hookSecretFile: '/secrets/beta' });
  expect(await here.send(SECRET)).toBe(401);
  expect(await here.send('first', 'beta')).toBe(200);
  here.latest.set('hook-secret /secrets/beta', 'first\nsecond');
  expect([await here.send('first', 'beta'), await here.send('second', 'beta')]).toEqual([200, 200]);
  await until(() => here.outcomes.length === 5, { what: 'all outcomes' });
  expect(here.outcomes.toSorted()).toEqual([
    ' unknown-entity',
    'alfa elsewhere',
    'beta elsewhere',
    'beta elsewhere',
    'beta elsewhere',
  ]);
});

test('a webhook that is set up before its secret is known is verified, and says what is missing then', async () => {
  const here = await hooks();
  here.entities.splice(0, 1, { id: 'beta', hookSecret: null as unknown as string, hookSecretFile: null });
  expect(await here.send(null, 'beta', '{"verification_code":"1"}')).toBe(200);
  expect(await here.send(SECRET, 'beta')).toBe(401);
  expect(here.outcomes).toEqual(['beta verified', 'beta no-secret']);
  expect(here.lines.map(({ msg }) => msg)).toEqual(['webhook verified', 'webhook refused']);
  expect(here.lines.at(-1)?.['about']).toContain('hook_secret');
});

test('hints that have stopped are a warning, once', async () => {
  const here = await hooks();
  here.hints.foundUnhinted('alfa', 3);
  here.pass(24 * 3_600_000);
  for (let n = 0; n < 3; n++) here.hints.foundUnhinted('alfa', 3);
  expect(here.lines.map(({ msg, entity }) => [msg, entity])).toEqual([['webhooks have stopped', 'alfa']]);
});
