import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { TransientError } from '../src/errors';
import { choosePort, fetchByMaven, findJava, HOST, localProcess, outputOf, projectRoot } from './java';
import { javaOptions } from './kafka';
import type { LocalPostgres } from './postgres';

/** What a connector is to do; values as the worker's REST API takes them. */
export type ConnectorConfig = Readonly<Record<string, string>>;

/** What a local worker is to be told. */
export interface ConnectOptions {
  /** The Kafka that it reads from and keeps its own topics in. */
  readonly bootstrap: string;
  /** Where the Avro converters find the schemas: Apicurio's own API. */
  readonly apicurioUrl: string;
  /** Where connectors write to. */
  readonly postgres: Pick<LocalPostgres, 'jdbcUrl' | 'user' | 'password'>;
}

/** A local Kafka Connect worker with Avro converters and a JDBC sink; its process ends with this one, however it ends. */
export interface ConnectWorker {
  readonly url: string;
  /** Gives a connector its configuration, and creates it if it is new. */
  readonly put: (name: string, config: ConnectorConfig) => Promise<void>;
  /** The state of a connector and of each of its tasks, the connector's first; a task that failed says why. */
  readonly states: (name: string) => Promise<readonly ConnectorState[]>;
  /** Starts again what failed of a connector: a worker does not by itself. */
  readonly restartFailed: (name: string) => Promise<void>;
  /** SIGKILL; resolves when the process is gone. */
  readonly kill: () => Promise<void>;
  /** Starts it again, on the same port; its connectors are in Kafka. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** How a connector, or a task of it, fares: `RUNNING`, `FAILED`, `UNASSIGNED` and others. */
export interface ConnectorState {
  readonly state: string;
  /** What it failed of in the end. */
  readonly error: string | undefined;
}

const POM = join(projectRoot(), 'tools', 'connect', 'pom.xml');
const PROPERTIES = join(projectRoot(), 'deploy', 'connect', 'worker.properties');
const ANSWERED_WITHIN_MS = 30_000;
const run = promisify(execFile);

/** Starts one worker as a child process and resolves when it takes connectors. */
export async function startConnect({ bootstrap, apicurioUrl, postgres }: ConnectOptions): Promise<ConnectWorker> {
  const [java, { library, plugins }] = await Promise.all([findJava(), connectPrograms()]);
  const port = await choosePort('Kafka Connect', 0, new Set());
  const url = `http://${HOST}:${port}`;
  const folder = await mkdtemp(join(tmpdir(), 'local-connect-'));
  const file = join(folder, 'worker.properties');
  const worker = localProcess({
    title: `Kafka Connect at ${url}`,
    command: [java, ...javaOptions(library, 384), 'org.apache.kafka.connect.cli.ConnectDistributed', file],
    log: join(folder, 'connect.log'),
    removeWhenOrphaned: folder,
    // What connectors say as ${env:NAME}.
    environment: {
      ...process.env,
      APICURIO_REGISTRY_URL: apicurioUrl,
      POSTGRES_JDBC_URL: postgres.jdbcUrl,
      POSTGRES_USER: postgres.user,
      POSTGRES_PASSWORD: postgres.password,
    },
  });

  const start = (): Promise<void> => worker.start(() => answers(`${url}/connectors`), 'to list its connectors');
  const stop = async (): Promise<void> => {
    // There is nothing to save, and the orderly way takes seconds.
    await worker.kill();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    // In a file of properties the last one of a name wins.
    const local = Object.entries(localProperties(bootstrap, port, plugins)).map(([name, value]) => `${name}=${value}`);
    await writeFile(file, [await readFile(PROPERTIES, 'utf8'), ...local, ''].join('\n'));
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    put: async (name, config) => {
      const body = JSON.stringify(config);
      const headers = { 'content-type': 'application/json' };
      await ask(`Configuring ${name}`, `${url}/connectors/${name}/config`, { method: 'PUT', headers, body });
    },
    states: async (name) => {
      const answer = await ask(`Asking how ${name} is`, `${url}/connectors/${name}/status`);
      const { connector, tasks } = answer as Readonly<Record<'connector', Status>> & { readonly tasks: Status[] };
      return [connector, ...tasks].map(({ state, trace }) => ({ state, error: rootCause(trace) }));
    },
    restartFailed: async (name) => {
      const restart = `${url}/connectors/${name}/restart?includeTasks=true&onlyFailed=true`;
      await ask(`Restarting ${name}`, restart, { method: 'POST' });
    },
    kill: worker.kill,
    start,
    stop,
  };
}

interface Status {
  readonly state: string;
  readonly trace?: string;
}

/** The last cause that a Java stack trace names. */
function rootCause(trace: string | undefined): string | undefined {
  const lines = trace?.split('\n') ?? [];
  return lines.findLast((line) => line.startsWith('Caused by:')) ?? lines[0];
}

/** The jars of a worker and the folders of its plugins, fetched through Maven the first time. */
export async function connectPrograms(): Promise<{ readonly library: string; readonly plugins: readonly string[] }> {
  const pom = await readFile(POM, 'utf8');
  const version = (name: string): string => {
    const found = new RegExp(`<${name}\\.version>(.+)</${name}\\.version>`).exec(pom)?.[1];
    if (found === undefined) throw new Error(`Reading ${POM}: expected the property ${name}.version, got none`);
    return found;
  };
  const copy = (profile: string, inside: string) => (target: string) => {
    return ['-f', POM, '-P', profile, 'dependency:copy-dependencies', `-DoutputDirectory=${join(target, inside)}`];
  };
  const unpack = (target: string) => {
    return ['-f', POM, '-P', 'jdbc-sink', 'dependency:unpack-dependencies', `-DoutputDirectory=${target}`];
  };
  // One after the other: Maven may not fill its own cache twice at a time.
  const library = await fetchByMaven('Kafka Connect', `connect-${version('kafka')}`, copy('worker', '.'));
  const converter = await fetchByMaven(
    'the Avro converter',
    `avro-converter-${version('apicurio')}`,
    copy('avro-converter', 'apicurio-avro-converter'),
    {},
    (target) => declarePlugins(library, target),
  );
  const sink = await fetchByMaven('the JDBC sink', `jdbc-sink-${version('debezium')}`, unpack);
  return { library, plugins: [converter, sink] };
}

/** Adds to plugins what a worker finds them by without loading every class of every jar, which takes it long and much memory. */
async function declarePlugins(library: string, folder: string): Promise<void> {
  const tool = ['org.apache.kafka.tools.ConnectPluginPath', 'sync-manifests', '--plugin-path', folder];
  await run(await findJava(), [...javaOptions(library, 256), ...tool]).catch((cause: unknown) => {
    throw new TransientError(`Declaring the plugins in ${folder}: expected success, got: ${outputOf(cause)}`, {
      cause,
    });
  });
}

/** What a local worker has in place of what `deploy/connect` says. */
function localProperties(bootstrap: string, port: number, plugins: readonly string[]): Record<string, string> {
  return {
    'bootstrap.servers': bootstrap,
    listeners: `http://${HOST}:${port}`,
    'rest.advertised.host.name': HOST,
    'plugin.path': plugins.join(','),
    'plugin.discovery': 'service_load',
    // A single worker that comes back after a crash goes on soon: nobody else could have its tasks.
    'scheduled.rebalance.max.delay.ms': '0',
    'session.timeout.ms': '6000',
    'heartbeat.interval.ms': '1000',
    'consumer.session.timeout.ms': '6000',
    'consumer.heartbeat.interval.ms': '1000',
  };
}

/** The decoded answer to one request, asked again while the worker deals out its tasks, or does not know of a new connector yet. */
async function ask(attempt: string, url: string, init: RequestInit = {}): Promise<unknown> {
  const deadline = Date.now() + ANSWERED_WITHIN_MS;
  for (;;) {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(ANSWERED_WITHIN_MS) });
    const text = await response.text();
    if (response.ok) return text === '' ? undefined : JSON.parse(text);
    if (![404, 409].includes(response.status) || Date.now() > deadline) {
      throw new TransientError(`${attempt}: expected success, got ${response.status}: ${text.slice(0, 2000)}`);
    }
    await delay(100);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
