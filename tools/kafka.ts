import { execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { ConfigError, TransientError } from '../src/errors';

/** What a local cluster may be asked for. */
export interface KafkaOptions {
  /** Each broker is a controller too; 1 by default. */
  readonly brokers?: number;
  /** Where the data stays between runs; a temporary folder, removed on stop, by default. */
  readonly directory?: string;
  /** Begins without what the folder holds from earlier runs. */
  readonly clean?: boolean;
  /** Port of the first broker, the others follow it; any free ones by default, or with 0. */
  readonly port?: number;
  /** Broker properties on top, or in place, of the built-in ones. */
  readonly overrides?: Readonly<Record<string, string>>;
  /** File that the brokers append their output to; one a broker, beside its data, by default. */
  readonly log?: string;
}

/** One broker of a local cluster, always on the same port and data. */
interface KafkaBroker {
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** Of the Java process itself; of the last one while the broker is down. */
  readonly pid: number;
  /** Resolves when the process that runs now has ended, whatever the cause. */
  readonly exited: Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  readonly kill: () => Promise<void>;
  /** SIGTERM, then SIGKILL if that takes too long; resolves when the process is gone. */
  readonly stop: () => Promise<void>;
  /**
   * Resolves when the broker is back and known to the cluster; after a kill that takes until its old session has ended
   * (`broker.session.timeout.ms`, 9 s).
   */
  readonly start: () => Promise<void>;
}

/** A local cluster; its processes end with this one, however it ends. */
export interface KafkaCluster {
  /** `host:port,...` of all brokers. */
  readonly bootstrap: string;
  readonly brokers: readonly KafkaBroker[];
  readonly stop: () => Promise<void>;
}

const HOST = '127.0.0.1';
const READY_WITHIN_MS = 90_000;
const STOPPED_WITHIN_MS = 20_000;
const ASSETS = join(__dirname, 'kafka');
const OTHER_WAYS =
  'Other ways to have a broker: `docker compose up` with the compose.yaml of this repository, or KAFKA_BROKERS=host:port of one of your own';

/**
 * Runs the command given from $2 on as this very process, and beside it a watchdog that kills it, and removes the folder
 * $1 if there is one, when the parent is gone: that is, when the pipe at 3 ends before a line came.
 */
const UNDER_WATCH = `
{ read -r farewell <&3 || { kill -9 $$; [ -z "$1" ] || rm -rf "$1"; }; } </dev/null >/dev/null 2>&1 &
shift
exec "$@" 3<&-
`;

const run = promisify(execFile);

/** Starts brokers as child processes and resolves when every one of them knows all the others. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const java = await findJava();
  const library = await kafkaLibrary();
  const count = options.brokers ?? 1;
  const ports = await choosePorts(count, options.port ?? 0);
  const temporary = options.directory === undefined ? await mkdtemp(join(tmpdir(), 'local-kafka-')) : undefined;
  const directory = temporary ?? options.directory ?? '';
  const voters = ports.map(({ controller }, index) => `${index + 1}@${HOST}:${controller}`).join(',');
  const ids = ports.map((_, index) => index + 1);
  const clusterId = newClusterId();

  const brokers = ports.map(({ broker: port, controller }, index) => {
    const id = index + 1;
    const folder = join(directory, `broker-${id}`);
    return {
      folder,
      properties: { ...brokerProperties({ id, port, controller, voters, count, folder }), ...options.overrides },
      broker: brokerProcess({
        id,
        port,
        command: [java, ...javaOptions(library, 512), 'kafka.Kafka', join(folder, 'server.properties')],
        log: options.log ?? join(folder, 'broker.log'),
        removeWhenOrphaned: temporary,
      }),
    };
  });

  const stop = async (): Promise<void> => {
    await Promise.all(brokers.map(({ broker }) => (temporary === undefined ? broker.stop() : broker.kill())));
    if (temporary !== undefined) await rm(temporary, { recursive: true, force: true });
  };
  try {
    await Promise.all(
      brokers.map(async ({ folder, properties, broker }) => {
        if (options.clean === true) await rm(folder, { recursive: true, force: true });
        await format({ java, library, folder, properties, clusterId });
        await broker.launch(ids);
      }),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    bootstrap: ports.map(({ broker }) => `${HOST}:${broker}`).join(','),
    brokers: brokers.map(({ broker }) => broker),
    stop,
  };
}

/** Where programs are looked for and jars are kept. */
export interface Surroundings {
  /** Default: this process's own. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Default: `.kafka` in the project. */
  readonly cache?: string;
}

/** The folder with the jars of Kafka and its tools, fetched through Maven the first time. */
export async function kafkaLibrary({ environment, cache }: Surroundings = {}): Promise<string> {
  const folder = cache ?? join(projectRoot(), '.kafka');
  const pom = join(ASSETS, 'pom.xml');
  const version = /<kafka\.version>(.+)<\/kafka\.version>/.exec(await readFile(pom, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`Reading ${pom}: expected the property kafka.version, got none`);
  const library = join(folder, `lib-${version}`);
  if (existsSync(library)) return library;

  await mkdir(folder, { recursive: true });
  const download = await mkdtemp(`${library}.part-`);
  try {
    await copyJars(pom, download, environment);
    // The folder gets its name only when it is whole; where another process was faster, its folder is as good.
    await rename(download, library).catch((error: unknown) => {
      if (!existsSync(library)) throw error;
    });
  } finally {
    await rm(download, { recursive: true, force: true });
  }
  return library;
}

/** The path of a Java that Kafka runs on. */
export async function findJava({ environment = process.env }: Surroundings = {}): Promise<string> {
  const home = environment['JAVA_HOME'];
  const java = home === undefined || home === '' ? 'java' : join(home, 'bin', 'java');
  const attempt = `Looking for Java (${java}) to run Kafka: expected version 17 or newer`;
  const { stderr } = await run(java, ['-version'], { env: environment }).catch((cause: unknown) => {
    throw new ConfigError(`${attempt}, got none. ${OTHER_WAYS}`, { cause });
  });
  const version = /version "(\d+)/.exec(stderr)?.[1];
  if (!(Number(version) >= 17)) throw new ConfigError(`${attempt}, got ${version ?? stderr}. ${OTHER_WAYS}`);
  return java;
}

/** Options of a Java process of the local Kafka: everything but the main class. */
export function javaOptions(library: string, heapMegabytes: number): readonly string[] {
  return [
    `-Xmx${heapMegabytes}m`,
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-XX:-UsePerfData',
    `-Dlog4j2.configurationFile=${join(ASSETS, 'log4j2.properties')}`,
    '-cp',
    join(library, '*'),
  ];
}

/** The checkout that the tools belong to, seen from its `tools` and from its `dist/tools`. */
export function projectRoot(): string {
  for (let folder = __dirname; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'compose.yaml'))) return folder;
    if (folder === dirname(folder)) {
      throw new ConfigError(
        `Looking for the project upward from ${__dirname}: expected a folder with package.json and compose.yaml, got none`,
      );
    }
  }
}

async function copyJars(pom: string, target: string, environment = process.env): Promise<void> {
  const goal = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${target}`];
  await run('mvn', goal, { env: environment }).catch((cause: unknown) => {
    if (isMissing(cause)) {
      throw new ConfigError(`Fetching Kafka: expected Maven (mvn) on the PATH, got none. ${OTHER_WAYS}`, { cause });
    }
    throw new TransientError(`Fetching Kafka through Maven: expected its jars, got: ${outputOf(cause)}`, { cause });
  });
}

interface Listeners {
  readonly id: number;
  readonly port: number;
  readonly controller: number;
  readonly voters: string;
  readonly count: number;
  readonly folder: string;
}

function brokerProperties({ id, port, controller, voters, count, folder }: Listeners): Record<string, string> {
  const replicas = String(Math.min(count, 3));
  const minIsr = count >= 3 ? '2' : '1';
  return {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': voters,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    listeners: `PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controller}`,
    'advertised.listeners': `PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controller}`,
    'log.dirs': join(folder, 'log'),
    'auto.create.topics.enable': 'false',
    'default.replication.factor': replicas,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': minIsr,
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': minIsr,
    'share.coordinator.state.topic.num.partitions': '1',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'log.cleaner.backoff.ms': '1000',
    'log.cleaner.dedupe.buffer.size': String(16 << 20),
  };
}

interface Storage {
  readonly java: string;
  readonly library: string;
  readonly folder: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly clusterId: string;
}

async function format({ java, library, folder, properties, clusterId }: Storage): Promise<void> {
  const file = join(folder, 'server.properties');
  await mkdir(folder, { recursive: true });
  await writeFile(
    file,
    Object.entries(properties).map(([name, value]) => `${name}=${value}\n`),
  );
  if (existsSync(join(folder, 'log', 'meta.properties'))) return;
  const command = [...javaOptions(library, 128), 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', file];
  await run(java, command).catch((cause: unknown) => {
    throw new TransientError(`Formatting ${folder} for Kafka: expected success, got: ${outputOf(cause)}`, { cause });
  });
}

interface BrokerCommand {
  readonly id: number;
  readonly port: number;
  readonly command: readonly string[];
  readonly log: string;
  readonly removeWhenOrphaned: string | undefined;
}

interface LaunchableBroker extends KafkaBroker {
  /** Resolves when this broker lists all of these as alive. */
  readonly launch: (expectedIds: readonly number[]) => Promise<void>;
}

function brokerProcess({ id, port, command, log, removeWhenOrphaned }: BrokerCommand): LaunchableBroker {
  let running = false;
  let pid = 0;
  let exited = Promise.resolve();

  const signal = async (name: NodeJS.Signals): Promise<void> => {
    if (running) process.kill(pid, name);
    await exited;
  };

  const spawnProcess = (): void => {
    mkdirSync(dirname(log), { recursive: true });
    const output = openSync(log, 'a');
    const child = spawn('sh', ['-c', UNDER_WATCH, 'sh', removeWhenOrphaned ?? '', ...command], {
      stdio: ['ignore', output, output, 'pipe'],
      // Out of reach of a terminal's Ctrl-C, so that whoever started the brokers stops them in order.
      detached: true,
    });
    closeSync(output);
    running = true;
    pid = child.pid ?? 0;
    // Not stdin, which Node closes as soon as the process has ended, before a word can be said.
    const watchdog = child.stdio[3];
    // It may be gone before the farewell: nobody is left to be told then.
    watchdog?.on('error', () => undefined);
    exited = new Promise((resolve) => {
      const ended = (): void => {
        running = false;
        if (watchdog instanceof Writable) watchdog.end('farewell\n');
        resolve();
      };
      child.once('exit', ended).once('error', ended);
    });
  };

  const becomeReady = async (expectedIds: readonly number[]): Promise<void> => {
    const attempt = `Starting Kafka broker ${id} at ${HOST}:${port}`;
    const deadline = Date.now() + READY_WITHIN_MS;
    while (!(await listsBrokers(port, expectedIds))) {
      if (!running) throw new TransientError(`${attempt}: expected it to run, got its end. ${await tail(log)}`);
      if (Date.now() > deadline) {
        await signal('SIGKILL');
        const expected = `expected it to know brokers ${expectedIds.join(', ')} within ${READY_WITHIN_MS} ms`;
        throw new TransientError(`${attempt}: ${expected}, got none of it. ${await tail(log)}`);
      }
      await delay(50);
    }
  };

  const launch = async (expectedIds: readonly number[]): Promise<void> => {
    if (!running) spawnProcess();
    await becomeReady(expectedIds);
  };

  return {
    id,
    host: HOST,
    port,
    get pid() {
      return pid;
    },
    get exited() {
      return exited;
    },
    kill: () => signal('SIGKILL'),
    stop: async () => {
      const impatience = new AbortController();
      const patience = delay(STOPPED_WITHIN_MS, undefined, { signal: impatience.signal }).then(
        () => signal('SIGKILL'),
        () => undefined,
      );
      await signal('SIGTERM');
      impatience.abort();
      await patience;
    },
    start: () => launch([id]),
    launch,
  };
}

async function listsBrokers(port: number, ids: readonly number[]): Promise<boolean> {
  const client = new Kafka({
    clientId: 'local-kafka',
    brokers: [`${HOST}:${port}`],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 2000,
    retry: { retries: 0 },
  });
  const admin = client.admin();
  try {
    await admin.connect();
    const { brokers } = await admin.describeCluster();
    return ids.every((id) => brokers.some(({ nodeId }) => nodeId === id));
  } catch {
    return false;
  } finally {
    await admin.disconnect();
  }
}

async function choosePorts(count: number, first: number): Promise<readonly { broker: number; controller: number }[]> {
  const taken = new Set<number>();
  const ports = [];
  for (let index = 0; index < count; index++) {
    const broker = first === 0 ? await freePort(taken) : first + index;
    if (first !== 0 && !(await isFree(broker))) {
      throw new TransientError(
        `Starting Kafka at ${HOST}:${broker}: expected a free port, got one that another program listens on`,
      );
    }
    taken.add(broker);
    ports.push(broker);
  }
  const pairs = [];
  for (const broker of ports) pairs.push({ broker, controller: await freePort(taken) });
  return pairs;
}

/** Below the range that systems take the ports of outgoing connections from: a broker that is down keeps its port. */
async function freePort(taken: Set<number>): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}

/** 16 bytes; the first is fixed because an id that begins with a dash would pass for an option. */
function newClusterId(): string {
  return Buffer.concat([Buffer.of(1), randomBytes(15)]).toString('base64url');
}

async function tail(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  const lines = text.trim().split('\n').slice(-20);
  return text === '' ? `Nothing in ${log}` : `End of ${log}:\n${lines.join('\n')}`;
}

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}

/** What a program said before it failed. */
function outputOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const said = ['stdout' in error && error.stdout, 'stderr' in error && error.stderr];
  const output = said.filter((text) => typeof text === 'string' && text !== '').join('\n');
  if (output !== '') return output.slice(-2000);
  return 'message' in error && typeof error.message === 'string' ? error.message : 'no word of it';
}
