import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { balance, changedFields } from '../../tools/demo';
import { projectRoot } from '../../tools/java';
import { brokers, cleanUp, kafkaClient, until, withAdmin } from '../support/kafka';

const run = promisify(execFile);

interface Demo {
  readonly child: ChildProcess;
  /** All that it wrote to stdout until now. */
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<number | null>;
  /** What still runs, or lies about, of all that it started and wrote. */
  readonly remains: () => Promise<readonly string[]>;
}

/** `npm run demo` without npm, its output in pipes, its temporary files in a folder of its own. */
function startDemo(args: readonly string[], env: NodeJS.ProcessEnv = {}): Demo {
  const folder = mkdtempSync(join(tmpdir(), 'demo-test-'));
  const child = spawn(process.execPath, [join(projectRoot(), 'dist/tools/demo.js'), ...args], {
    env: { ...process.env, KAFKA_BROKERS: '', TMPDIR: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (out.stderr += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  cleanUp(async () => {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    child,
    stdout: () => out.stdout,
    stderr: () => out.stderr,
    ended,
    async remains() {
      // Broker and service have the folder in their arguments.
      const { stdout } = await run('ps', ['-A', '-ww', '-o', 'args='], { maxBuffer: 1 << 24 });
      return [...readdirSync(folder), ...stdout.split('\n').filter((line) => line.includes(folder))];
    },
  };
}

async function expectNothingLeft(demo: Demo): Promise<void> {
  // The broker's watchdog is told to go and not waited for.
  await until(async () => (await demo.remains()).length === 0, { what: 'the last process of the demo to end' });
}

/** Nor a group. */
async function expectNoTopic(demo: Demo): Promise<void> {
  const prefix = /to (infakt-demo-\w+)\.clients/.exec(demo.stdout())?.[1] ?? 'no prefix in the output';
  expect(prefix).toMatch(/^infakt-demo-/);
  const left = (): Promise<string[]> =>
    withAdmin(kafkaClient(), async (admin) => {
      const { groups } = await admin.listGroups();
      const names = [...(await admin.listTopics()), ...groups.map(({ groupId }) => groupId)];
      return names.filter((name) => name.startsWith(prefix));
    });
  // A broker lists a topic for a moment after the controller has removed it.
  await until(async () => (await left()).length === 0, { what: 'the topics and groups of the demo to be gone' });
}

test('the demo tells its story to its end, and with --keep stays up until it is stopped', async () => {
  // Side by side, as each waits the minute that a deletion takes to be proven.
  await Promise.all([toldToItsEnd(), keptUntilStopped()]);
}, 300_000);

async function toldToItsEnd(): Promise<void> {
  const demo = startDemo([]);
  expect({ code: await demo.ended, stderr: demo.stderr() }).toEqual({ code: 0, stderr: '' });
  await expectNothingLeft(demo);

  const output = demo.stdout();
  expect(output).toMatch(/An invoice is paid[^]*infakt\.invoices +\{"entity":"alfa","id":\d+\} +updated/);
  expect(output).toMatch(/\n +status +sent → paid\n +paid_date +null → \d{4}-\d{2}-\d{2}\n/);
  expect(output).toMatch(/An invoice is added[^]*infakt\.invoices +\{"entity":"beta","id":\d+\} +created/);
  expect(output).toMatch(/\n +gross_price +[\d,]+\.\d\d [A-Z]{3}\n/);
  expect(output).toMatch(/A client moves[^]*infakt\.clients +\{"entity":"gamma","id":\d+\} +updated/);
  expect(output).toMatch(/\n +city +\S.* → Gdańsk\n/);
  expect(output).toMatch(/An invoice is deleted[^]*infakt\.invoices +\{"entity":"alfa","id":\d+\} +deleted/);
  expect(output.match(/read from the topic \d+\.\d s and [\d,]+ requests after it changed in the API/g)).toHaveLength(
    4,
  );

  const table = output.slice(output.indexOf('rows in the API'));
  expect(table.match(/^ {4}clients +(\S+) +\1 {2}agree$/gm)).toHaveLength(3);
  expect(table.match(/^ {4}invoices +(\S+) +\1 {2}agree$/gm)).toHaveLength(3);
  expect(table.match(/^ {4}corrective-invoices +(\S+) +\1 {2}agree$/gm)).toHaveLength(3);
  expect(table.match(/^ {6}gross sum, PLN +(\S+\.\d\d) +\1 {2}agree$/gm)).toHaveLength(6);
  expect(table).toContain('4,764 records: 4,761 first ones and 3 changes; none came twice');
  expect(output).not.toContain('DIFFER');
  expect(output).toContain('every stream agrees with its last sweep');

  expect(output.split('\n').filter((line) => line.length > 80)).toEqual([]);
  expect(output.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
}

/** It prints further changes and how to look around. */
async function keptUntilStopped(): Promise<void> {
  const demo = startDemo(['--keep'], { KAFKA_BROKERS: brokers().join(',') });
  const guide = await until(() => /\n {2}DEMO=[^]*as they come:\n/.exec(demo.stdout())?.[0], {
    what: 'the demo to say how to look around',
    withinMs: 220_000,
  });

  const script = guide.split('\n').filter((line) => /^ {2,4}(DEMO=|npx |--config)/.test(line));
  // An npx around the tests would have its settings passed on to this one, and one that was killed leaves half a package in the usual cache.
  const cache = mkdtempSync(join(tmpdir(), 'demo-test-npm-'));
  cleanUp(() => rm(cache, { recursive: true, force: true }));
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'));
  const env = { ...Object.fromEntries(others), npm_config_cache: cache };
  const { stdout } = await run('sh', ['-ec', script.join('\n')], { cwd: projectRoot(), env });
  expect(stdout).toMatch(/^\{"topic":"infakt-demo-\w+\.invoices",.*"entity":"alfa"/);
  expect(stdout).toMatch(/^alfa invoices: 1199 rows in the ledger/m);

  const address = /curl -X POST (\S+)/.exec(guide)?.[1] ?? '';
  await fetch(address, { method: 'POST' });
  const id = /\/(\d+)\/pay$/.exec(address)?.[1] ?? '';
  await until(() => demo.stdout().split('as they come:')[1]?.includes(`"id":${id}}  updated`), {
    what: 'the change to be printed',
  });

  demo.child.kill('SIGINT');
  expect({ code: await demo.ended, stderr: demo.stderr() }).toEqual({ code: 0, stderr: '' });
  await expectNothingLeft(demo);
  await expectNoTopic(demo);
}

test('stopped while Kafka is starting it leaves nothing running', async () => {
  const demo = startDemo([]);
  await until(async () => (await demo.remains()).length > 0, { what: 'Kafka to be starting' });
  demo.child.kill('SIGINT');
  expect({ code: await demo.ended, stderr: demo.stderr() }).toEqual({ code: 130, stderr: '' });
  expect(demo.stdout()).toContain('Stopped before the end');
  await expectNothingLeft(demo);
});

test('stopped in the middle it leaves nothing running and no topic on a broker that was given', async () => {
  const demo = startDemo([], { KAFKA_BROKERS: brokers().join(',') });
  await until(() => demo.stdout().includes('An invoice is paid'), { what: 'the story to begin', withinMs: 120_000 });
  demo.child.kill('SIGTERM');
  expect({ code: await demo.ended, stderr: demo.stderr() }).toEqual({ code: 143, stderr: '' });
  expect(demo.stdout()).toContain('Stopped before the end');
  await expectNothingLeft(demo);
  await expectNoTopic(demo);
});

test('when it is killed, broker and service end with it', async () => {
  const demo = startDemo([]);
  await until(() => demo.stdout().includes('First it publishes'), { what: 'the service to run', withinMs: 120_000 });
  demo.child.kill('SIGKILL');
  await demo.ended;
  await until(async () => (await demo.remains()).every((line) => /^infakt-demo-\w+$/.test(line)), {
    what: 'broker and service to end',
  });
});

test('without Java it says what is missing and exits with 2', async () => {
  const demo = startDemo([], { JAVA_HOME: '/nowhere' });
  expect(await demo.ended).toBe(2);
  expect(demo.stderr()).toMatch(/^demo: Looking for Java .*expected version 17 or newer, got none/);
});

test.each(['127.0.0.1:1', '127.0.0.1:1,127.0.0.1:2'])(
  'with %s in KAFKA_BROKERS, where nobody answers, it says so in one line and exits with 3',
  async (given) => {
    const demo = startDemo([], { KAFKA_BROKERS: given });
    expect(await demo.ended).toBe(3);
    expect(demo.stderr()).toMatch(
      new RegExp(`^demo: Connecting to Kafka at ${given}, as KAFKA_BROKERS in the environment says: .*its own\n$`),
    );
  },
);

describe('the closing table', () => {
  const truth = {
    clients: { count: 1, ids: [5] },
    invoices: {
      count: 2,
      ids: [7, 9],
      sums: { PLN: { count: 2, net: 100, tax: 23, gross: 12_345 } },
    },
    corrective_invoices: { count: 1, ids: [8], sums: { PLN: { count: 1, net: -100, tax: -23, gross: -123 } } },
  };
  const latest = (invoices: Readonly<Record<number, Readonly<Record<string, unknown>>>>) => (stream: string) =>
    new Map<number, Readonly<Record<string, unknown>>>(
      stream === 'clients'
        ? [[5, {}]]
        : stream === 'invoices'
          ? Object.entries(invoices).map(([id, fields]) => [Number(id), fields])
          : [[8, { currency: 'PLN', gross_price: -123 }]],
    );

  test('agrees where ids and sums are the same', () => {
    const kafka = { 7: { currency: 'PLN', gross_price: 12_300 }, 9: { currency: 'PLN', gross_price: 45 } };
    expect(balance(truth, latest(kafka))).toEqual([
      { label: 'clients', api: '1', kafka: '1', agrees: true },
      { label: 'invoices', api: '2', kafka: '2', agrees: true },
      { label: '  gross sum, PLN', api: '123.45', kafka: '123.45', agrees: true },
      { label: 'corrective-invoices', api: '1', kafka: '1', agrees: true },
      { label: '  gross sum, PLN', api: '-1.23', kafka: '-1.23', agrees: true },
    ]);
  });

  test.each([
    {
      what: 'a key is missing',
      kafka: { 7: { currency: 'PLN', gross_price: 12_345 } },
      verdicts: [true, false, true, true, true],
    },
    {
      what: 'a key is another one',
      kafka: { 7: { currency: 'PLN', gross_price: 12_345 }, 8: { currency: 'PLN', gross_price: 0 } },
      verdicts: [true, false, true, true, true],
    },
    {
      what: 'a sum is off by a grosz',
      kafka: { 7: { currency: 'PLN', gross_price: 12_345 }, 9: { currency: 'PLN', gross_price: 1 } },
      verdicts: [true, true, false, true, true],
    },
    {
      what: 'a currency is another one',
      kafka: { 7: { currency: 'PLN', gross_price: 12_300 }, 9: { currency: 'EUR', gross_price: 45 } },
      verdicts: [true, true, false, false, true, true],
    },
  ])('differs where $what', ({ kafka, verdicts }) => {
    expect(balance(truth, latest(kafka)).map(({ agrees }) => agrees)).toEqual(verdicts);
  });

  test('counts no field but those that a change is about', () => {
    const before = { id: 7, observed_at: '2026-01-01', status: 'sent', services: [{ id: 1 }] };
    expect(changedFields(before, { ...before, observed_at: '2026-01-02' })).toEqual([]);
    expect(changedFields(before, { ...before, status: 'paid', services: [{ id: 2 }] })).toEqual(['status', 'services']);
  });
});
