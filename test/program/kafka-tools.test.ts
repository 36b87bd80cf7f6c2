import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Kafka, Message, Producer } from 'kafkajs';
import { TransientError } from '../../src/errors';
import { projectRoot } from '../../tools/java';
import { startKafka } from '../../tools/kafka';
import { readCommitted } from '../support/java-reader';
import { brokers, cleanUp, createTopic, kafkaClient, uniqueName, until, withAdmin } from '../support/kafka';

const TOOLS = join(projectRoot(), 'dist', 'tools', 'kafka.js');
const CLI = join(projectRoot(), 'dist', 'tools', 'kafka-cli.js');
const REGISTRY_CLI = join(projectRoot(), 'dist', 'tools', 'registry-cli.js');

beforeAll(() => {
  if (!existsSync(CLI)) throw new Error(`Looking for ${CLI}: expected it from \`npm run build\`, got none`);
});

describe('the broker of the tests', () => {
  test('gives the Java reader all committed records and no others, as they were sent', async () => {
    // The broker deletes what is older than its retention, and looks every five minutes.
    const topic = await createTopic('reader', { partitions: 2, config: { 'retention.ms': '-1' } });
    const bytes = Buffer.from([0, 255, 10]);
    const headers = { op: 'c', name: 'Köln "\n' };
    const producer = await transactionalProducer(kafkaClient());
    await transact(producer, 'commit', topic, [
      { partition: 0, key: 'zażółć', value: bytes, headers, timestamp: '1700000000000' },
      { partition: 1, key: null, value: 'x' },
    ]);
    await transact(producer, 'abort', topic, [{ partition: 0, key: 'aborted', value: 'a' }]);
    await transact(producer, 'commit', topic, [{ partition: 0, key: 'zażółć', value: null }]);

    const records = await readCommitted(brokers().join(), [topic]);

    const at = (partition: number) => records.filter((record) => record.partition === partition);
    expect(at(0).map(({ offset, key, value }) => [offset, key?.toString(), value])).toEqual([
      [0, 'zażółć', bytes],
      [4, 'zażółć', null],
    ]);
    expect(at(0)[0]).toMatchObject({ topic, timestamp: 1700000000000, headers });
    expect(at(1).map(({ key, value, headers }) => [key, value?.toString(), headers])).toEqual([[null, 'x', {}]]);
  });

  test('lets the Java reader wait for an open transaction and say so when it stays open', async () => {
    const topic = await createTopic('reader');
    const producer = await transactionalProducer(kafkaClient());
    const transaction = await producer.transaction();
    cleanUp(() => (transaction.isActive() ? transaction.abort() : Promise.resolve()));
    await transaction.send({ topic, messages: [{ value: 'late' }] });

    await expect(readCommitted(brokers().join(), [topic], { withinSeconds: 3 })).rejects.toThrow(
      /is a transaction still open\?/,
    );

    const reading = readCommitted(brokers().join(), [topic]);
    await transaction.commit();
    expect((await reading).map(({ value }) => value?.toString())).toEqual(['late']);
  });

  test('refuses topics that do not exist instead of creating them', async () => {
    const producer = kafkaClient({ retry: { retries: 0 } }).producer();
    await producer.connect();
    cleanUp(() => producer.disconnect());
    await expect(producer.send({ topic: uniqueName('absent'), messages: [{ value: 'x' }] })).rejects.toThrow(
      /does not host this topic-partition/,
    );
  });
});

describe('startKafka', () => {
  test('keeps what was committed through SIGKILL, SIGTERM and a new start on the same folder', async () => {
    const directory = await temporaryFolder();
    // A killed broker may come back only when its old session has ended.
    const overrides = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' };
    const first = await startKafka({ directory, overrides });
    cleanUp(() => first.stop());
    const [broker] = first.brokers;
    if (broker === undefined) throw new Error('expected a broker');
    const client = kafkaClient({ brokers: [first.bootstrap] });
    const topic = await createTopic('kept', { client });

    const pids = [broker.pid];
    await commitOne(client, topic, 'before');
    await broker.kill();
    expect(isAlive(broker.pid)).toBe(false);
    await broker.start();
    pids.push(broker.pid);
    await commitOne(client, topic, 'after the kill');
    await broker.stop();
    await broker.start();
    pids.push(broker.pid);
    await commitOne(client, topic, 'after the stop');
    await first.stop();

    const second = await startKafka({ directory });
    cleanUp(() => second.stop());
    const records = await readCommitted(second.bootstrap, [topic]);
    expect(records.map(({ value }) => value?.toString())).toEqual(['before', 'after the kill', 'after the stop']);
    expect(new Set(pids).size).toBe(3);
  });

  test('says that a port is taken, as a fault of the environment', async () => {
    const port = await takePort();
    await expect(startKafka({ port })).rejects.toThrow(TransientError);
    await expect(startKafka({ port })).rejects.toThrow(`127.0.0.1:${port}: expected a free port`);
  });

  test('shows the end of the broker log when the broker does not come up', async () => {
    const directory = await temporaryFolder();
    const log = join(directory, 'broker.log');
    await expect(startKafka({ directory, log, overrides: { 'num.io.threads': '0' } })).rejects.toThrow(
      /num\.io\.threads/,
    );
  });

  test('leaves neither a broker nor its folder behind when the process that started it is killed', async () => {
    const temporary = await temporaryFolder();
    const script = `require(${JSON.stringify(TOOLS)}).startKafka().then(({ brokers }) => console.log(brokers[0].pid))`;
    const child = spawn('node', ['-e', script], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    cleanUp(async () => {
      child.kill('SIGKILL');
      await exitOf(child);
    });
    const pid = Number(await firstMatch(child.stdout, /^(\d+)$/));
    expect(await readdir(temporary)).toHaveLength(1);
    child.kill('SIGKILL');
    await until(async () => !isAlive(pid) && (await readdir(temporary)).length === 0, {
      what: `broker process ${pid} to end with its parent`,
    });
  });
});

describe('npm run kafka', () => {
  test('prints the address, and stops the broker on SIGINT', async () => {
    const { child, pid, address } = await runCli();
    await withAdmin(kafkaClient({ brokers: [address] }), (admin) => admin.listTopics());
    child.kill('SIGINT');
    expect(await exitOf(child)).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  test('ends with exit code 3 when its broker dies', async () => {
    const { child, pid } = await runCli();
    process.kill(pid, 'SIGKILL');
    expect(await exitOf(child)).toBe(3);
  });

  test('ends with exit code 3 when the port is taken, and deletes nothing', async () => {
    const { child, address, directory } = await runCli();
    const second = await endOfCli(['--clean', '--port', address.split(':')[1] ?? '', '--data', directory]);
    expect(second).toMatchObject({ code: 3, complaint: expect.stringContaining('expected a free port') as string });
    expect(existsSync(join(directory, 'broker-1', 'log', 'meta.properties'))).toBe(true);
    child.kill('SIGTERM');
    expect(await exitOf(child)).toBe(0);
  });

  test.each([
    { args: ['--help'], code: 0, shown: 'Usage: npm run kafka' },
    { args: ['--port', 'many'], code: 2, shown: 'expected a number from 0 to 65535, got many' },
    { args: ['--unknown'], code: 2, shown: "Unknown option '--unknown'" },
  ])('answers $args with exit code $code', async ({ args, code, shown }) => {
    const end = await endOfCli(args);
    expect(end.code).toBe(code);
    expect(end.text + end.complaint).toContain(shown);
  });
});

describe('npm run registry', () => {
  test('prints the address, keeps schemas and their ids between runs, and forgets them where it is asked to', async () => {
    const directory = await temporaryFolder();
    const subjects = async (address: string): Promise<unknown> => (await fetch(`${address}/subjects`)).json();
    const first = await runCli({ cli: REGISTRY_CLI, directory });
    const id = await registerSchema(first.address);
    first.child.kill('SIGINT');
    expect(await exitOf(first.child)).toBe(0);
    expect(isAlive(first.pid)).toBe(false);

    const second = await runCli({ cli: REGISTRY_CLI, directory });
    expect(await subjects(second.address)).toEqual(['kept-value']);
    expect(await registerSchema(second.address)).toBe(id);
    second.child.kill('SIGTERM');
    expect(await exitOf(second.child)).toBe(0);

    const third = await runCli({ cli: REGISTRY_CLI, directory, options: ['--clean'] });
    expect(await subjects(third.address)).toEqual([]);
  });

  test('ends with exit code 3 when its registry dies', async () => {
    const { child, pid } = await runCli({ cli: REGISTRY_CLI });
    process.kill(pid, 'SIGKILL');
    expect(await exitOf(child)).toBe(3);
  });
});

/** Registers one and the same schema; resolves with its id. */
async function registerSchema(address: string): Promise<number> {
  const schema = JSON.stringify({ type: 'record', name: 'Kept', fields: [] });
  const answer = await fetch(`${address}/subjects/kept-value/versions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ schema }),
  });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { readonly id: number }).id;
}

async function transactionalProducer(client: Kafka) {
  const producer = client.producer({ transactionalId: uniqueName('tools'), idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  cleanUp(() => producer.disconnect());
  return producer;
}

async function transact(
  producer: Producer,
  end: 'commit' | 'abort',
  topic: string,
  messages: Message[],
): Promise<void> {
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages });
  await transaction[end]();
}

async function commitOne(client: Kafka, topic: string, value: string): Promise<void> {
  await transact(await transactionalProducer(client), 'commit', topic, [{ value }]);
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kafka-tools-'));
  cleanUp(() => rm(folder, { recursive: true }));
  return folder;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function takePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanUp(() => new Promise((resolve) => server.close(resolve)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('expected a TCP port');
  return address.port;
}

interface RunningCli {
  readonly child: ChildProcess;
  readonly directory: string;
  readonly address: string;
  /** Process id of the server. */
  readonly pid: number;
}

async function runCli({
  cli = CLI,
  directory: given,
  options = [],
}: {
  readonly cli?: string;
  readonly directory?: string;
  readonly options?: readonly string[];
} = {}): Promise<RunningCli> {
  const directory = given ?? (await temporaryFolder());
  const stdio = ['ignore', 'pipe', 'pipe'] as const;
  const child = spawn('node', [cli, '--port', '0', '--data', directory, ...options], { stdio: [...stdio] });
  cleanUp(async () => {
    child.kill('SIGTERM');
    await exitOf(child);
  });
  const address = firstMatch(child.stdout, /^(.+:\d+.*)$/);
  const pid = Number(await firstMatch(child.stderr, /pid (\d+)/));
  return { child, directory, address: await address, pid };
}

async function firstMatch(output: Readable, pattern: RegExp): Promise<string> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: output })) {
    const found = pattern.exec(line)?.[1];
    if (found !== undefined) return found;
    lines.push(line);
  }
  throw new Error(`Waiting for ${String(pattern)}: expected it in the output, got ${lines.join('\n')}`);
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

async function endOfCli(args: readonly string[]): Promise<{ code: number | null; text: string; complaint: string }> {
  const child = spawn('node', [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  await once(child, 'close');
  return { code: child.exitCode, text, complaint };
}
