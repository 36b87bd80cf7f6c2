import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { TransientError } from '../src/errors';
import {
  choosePort,
  fetchByMaven,
  findJava,
  HOST,
  type LocalProcess,
  localProcess,
  outputOf,
  type Surroundings,
} from './java';

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
  /** Beside the open one, for a single broker: `NAME://host:port` and the security protocol of each. */
  readonly listeners?: Readonly<Record<string, string>>;
  /** Users that exist from the start, as the format command takes them after `--add-scram`. */
  readonly scramUsers?: readonly string[];
  /** Folder with classes of the caller's own that the brokers may be told to use. */
  readonly classes?: string;
  /** Further options of the brokers' Java. */
  readonly java?: readonly string[];
  /** File that the brokers append their output to; one a broker, beside its data, by default. */
  readonly log?: string;
}

/** One broker of a local cluster, always on the same port and data. */
interface KafkaBroker extends Pick<LocalProcess, 'pid' | 'exited' | 'kill' | 'stop'> {
  readonly id: number;
  readonly host: string;
  readonly port: number;
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

const ASSETS = join(__dirname, 'kafka');
const run = promisify(execFile);

/** Starts brokers as child processes and resolves when every one of them knows all the others. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const java = await findJava();
  const library = await kafkaLibrary();
  const count = options.brokers ?? 1;
  const classes = options.classes === undefined ? [] : [options.classes];
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
      properties: {
        ...brokerProperties({ id, port, controller, voters, count, folder, listeners: options.listeners ?? {} }),
        ...options.overrides,
      },
      broker: brokerProcess({
        id,
        port,
        command: [
          java,
          ...javaOptions(library, 512, classes),
          ...(options.java ?? []),
          'kafka.Kafka',
          join(folder, 'server.properties'),
        ],
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
        await format({ java, library, classes, folder, properties, clusterId, scramUsers: options.scramUsers ?? [] });
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

/** The folder with the jars of Kafka and its tools, fetched through Maven the first time. */
export async function kafkaLibrary(surroundings: Surroundings = {}): Promise<string> {
  const pom = join(ASSETS, 'pom.xml');
  const version = /<kafka\.version>(.+)<\/kafka\.version>/.exec(await readFile(pom, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`Reading ${pom}: expected the property kafka.version, got none`);
  const goal = (target: string) => ['-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${target}`];
  return fetchByMaven('Kafka', `lib-${version}`, goal, surroundings);
}

/**
 * Makes the archive that every later Java process of the local Kafka loads its classes from, unless there is one: starting a broker then takes
 * two thirds of the processor time. Worth it for whoever starts many.
 */
export async function archiveClasses(): Promise<void> {
  const library = await kafkaLibrary();
  const archive = archiveOf(library);
  if (existsSync(archive)) return;
  const part = await mkdtemp(`${library}-classes.part-`);
  try {
    const file = join(part, 'classes');
    const [broker] = (await startKafka({ directory: part, java: [`-XX:ArchiveClassesAtExit=${file}`] })).brokers;
    await broker?.stop();
    await rename(file, archive);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

/** Java ignores the file where another Java or another folder of jars made it. */
function archiveOf(library: string): string {
  return `${library}-classes.jsa`;
}

/** Options of a Java process of the local Kafka: everything but the main class. */
export function javaOptions(
  library: string,
  heapMegabytes: number,
  classes: readonly string[] = [],
): readonly string[] {
  const archive = archiveOf(library);
  return [
    ...(existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, '-Xlog:disable', '-Xlog:all=error:stderr'] : []),
    `-Xmx${heapMegabytes}m`,
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-XX:-UsePerfData',
    `-Dlog4j2.configurationFile=${join(ASSETS, 'log4j2.properties')}`,
    '-cp',
    [join(library, '*'), ...classes].join(delimiter),
  ];
}

interface Listeners {
  readonly id: number;
  readonly port: number;
  readonly controller: number;
  readonly voters: string;
  readonly count: number;
  readonly folder: string;
  readonly listeners: Readonly<Record<string, string>>;
}

function brokerProperties(options: Listeners): Record<string, string> {
  const { id, port, controller, voters, count, folder } = options;
  const addresses = [
    `PLAINTEXT://${HOST}:${port}`,
    `CONTROLLER://${HOST}:${controller}`,
    ...Object.keys(options.listeners),
  ].join(',');
  const protocols = Object.entries(options.listeners).map(([address, name]) => `${address.replace(/:.*/, '')}:${name}`);
  const replicas = String(Math.min(count, 3));
  const minIsr = count >= 3 ? '2' : '1';
  return {
    'process.roles': 'broker,controller',
    'node.id': String(id),
    'controller.quorum.voters': voters,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': ['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT', ...protocols].join(','),
    listeners: addresses,
    'advertised.listeners': addresses,
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
  readonly classes: readonly string[];
  readonly folder: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly clusterId: string;
  readonly scramUsers: readonly string[];
}

async function format({ java, library, classes, folder, properties, clusterId, scramUsers }: Storage): Promise<void> {
  const file = join(folder, 'server.properties');
  await mkdir(folder, { recursive: true });
  await writeFile(
    file,
    Object.entries(properties).map(([name, value]) => `${name}=${value}\n`),
  );
  if (existsSync(join(folder, 'log', 'meta.properties'))) return;
  const command = [
    ...javaOptions(library, 128, classes),
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId,
    '-c',
    file,
  ];
  for (const user of scramUsers) command.push('--add-scram', user);
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
  const title = `Kafka broker ${id} at ${HOST}:${port}`;
  const broker = localProcess({ title, command, log, removeWhenOrphaned });
  const launch = (expectedIds: readonly number[]): Promise<void> =>
    broker.start(() => listsBrokers(port, expectedIds), `to know brokers ${expectedIds.join(', ')}`);
  return {
    id,
    host: HOST,
    port,
    get pid() {
      return broker.pid;
    },
    get exited() {
      return broker.exited;
    },
    kill: broker.kill,
    stop: broker.stop,
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
  const choose = async (port: number): Promise<number> => {
    const chosen = await choosePort('Kafka', port, taken);
    taken.add(chosen);
    return chosen;
  };
  const ports = [];
  for (let index = 0; index < count; index++) ports.push(await choose(first === 0 ? 0 : first + index));
  const pairs = [];
  for (const broker of ports) pairs.push({ broker, controller: await choose(0) });
  return pairs;
}

/** 16 bytes; the first is fixed because an id that begins with a dash would pass for an option. */
function newClusterId(): string {
  return Buffer.concat([Buffer.of(1), randomBytes(15)]).toString('base64url');
}
