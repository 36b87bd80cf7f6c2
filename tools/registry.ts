import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { choosePort, fetchByMaven, findJava, HOST, localProcess } from './java';

/** What a local registry may be asked for. */
export interface RegistryOptions {
  /** Any free one by default, or with 0. */
  readonly port?: number;
  /** Where its schemas and their ids stay between runs; by default it keeps nothing. */
  readonly directory?: string;
  /** Begins without what the folder holds from earlier runs. */
  readonly clean?: boolean;
  /** File that it appends its output to; one in a temporary folder, removed on stop, by default. */
  readonly log?: string;
}

/** A local Apicurio Registry; its process ends with this one, however it ends. */
export interface LocalRegistry {
  /** Base of the API that it shares with Confluent's registry: what `registry.url` is set to. */
  readonly url: string;
  /** Base of its own API, which the Apicurio converters of Kafka Connect speak. */
  readonly apicurioUrl: string;
  /** Of the Java process. */
  readonly pid: number;
  /** Resolves when the process that runs now has ended, whatever the cause. */
  readonly exited: Promise<void>;
  /** Kills it, which forgets everything that is in no folder, and starts it again on the same port. */
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Of the same line as the Connect converters; the later ones need a newer Java or do not resolve. */
const VERSION = '2.6.13.Final';

const OPTIONS = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-XX:-UsePerfData'];
const run = promisify(execFile);

/** Starts a registry as a child process and resolves when it answers. */
export async function startRegistry({
  port = 0,
  directory,
  clean = false,
  log,
}: RegistryOptions = {}): Promise<LocalRegistry> {
  const java = await findJava();
  const jar = join(await registryProgram(), `apicurio-registry-app-${VERSION}-runner.jar`);
  const chosen = await choosePort('the registry', port, new Set());
  if (clean && directory !== undefined) await rm(directory, { recursive: true, force: true });
  const origin = `http://${HOST}:${chosen}`;
  const url = `${origin}/apis/ccompat/v7`;
  const temporary = directory === undefined ? await mkdtemp(join(tmpdir(), 'local-registry-')) : undefined;
  const folder = temporary ?? directory ?? '';
  const kept = directory === undefined ? [] : [`-Dquarkus.datasource.jdbc.url=jdbc:h2:file:${join(folder, 'schemas')}`];
  const server = localProcess({
    title: `the registry at ${origin}`,
    command: [java, ...OPTIONS, ...kept, `-Dquarkus.http.host=${HOST}`, `-Dquarkus.http.port=${chosen}`, '-jar', jar],
    log: log ?? join(folder, 'registry.log'),
    removeWhenOrphaned: temporary,
  });

  const start = (): Promise<void> => server.start(() => answers(`${url}/subjects`), 'to list its subjects');
  const stop = async (): Promise<void> => {
    if (temporary === undefined) return server.stop();
    // There is nothing to save, and the orderly way takes seconds.
    await server.kill();
    await rm(temporary, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    apicurioUrl: `${origin}/apis/registry/v2`,
    get pid() {
      return server.pid;
    },
    get exited() {
      return server.exited;
    },
    restart: async () => {
      await server.kill();
      await start();
    },
    stop,
  };
}

/** The folder with the registry's program, fetched through Maven the first time. */
export function registryProgram(): Promise<string> {
  const archive = `apicurio-registry-app-${VERSION}-all.tar.gz`;
  const goal = (target: string) => [
    'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy',
    `-Dartifact=io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`,
    `-DoutputDirectory=${target}`,
  ];
  const unpack = async (target: string): Promise<void> => {
    await run('tar', ['-xzf', archive], { cwd: target });
    await rm(join(target, archive));
  };
  return fetchByMaven('Apicurio Registry', `registry-${VERSION}`, goal, {}, unpack);
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
