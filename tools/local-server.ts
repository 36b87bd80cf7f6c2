import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { helpText } from '../src/commands/page';
import { ConfigError, TransientError, exitCodeFor } from '../src/errors';
import { projectRoot } from './java';

/** A server that is up. */
export interface Running {
  /** Where it is reached; alone on stdout, for scripts. */
  readonly address: string;
  readonly pid: number;
  /** Resolves when its process has ended, whatever the cause. */
  readonly exited: Promise<void>;
  readonly stop: () => Promise<void>;
}

/** A server that a person starts in a terminal of its own. */
export interface LocalServer {
  readonly name: string;
  /** Lists `--port`, `--data`, `--clean` and `--help`. */
  readonly help: string;
  readonly defaultPort: number;
  /** Folder in `.kafka` that its data is kept in. */
  readonly defaultFolder: string;
  readonly start: (how: {
    readonly port: number;
    readonly directory: string;
    /** Begins without what the folder holds. */
    readonly clean: boolean;
  }) => Promise<Running>;
  /** What to set so that infakt-kafka uses it. */
  readonly use: (address: string) => string;
}

/** Runs a server until a signal; the exit code is set as the help says. */
export function runLocalServer(server: LocalServer): void {
  serve(server).then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      process.stderr.write(
        `${error instanceof ConfigError || error instanceof TransientError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
      );
      process.exitCode = exitCodeFor(error);
    },
  );
}

async function serve({ name, help, defaultPort, defaultFolder, start, use }: LocalServer): Promise<number> {
  const options = {
    port: { type: 'string' },
    data: { type: 'string' },
    clean: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  const { values } = parse(() => parseArgs({ options }));
  if (values.help === true) {
    process.stdout.write(helpText(help));
    return 0;
  }
  const port = portOf(values.port ?? String(defaultPort));
  const directory = values.data === undefined ? join(projectRoot(), '.kafka', defaultFolder) : resolve(values.data);

  const stopSignal = firstSignal();
  process.stderr.write(`Starting ${name} on port ${port}, data in ${directory}\n`);
  const { address, pid, exited, stop } = await start({ port, directory, clean: values.clean === true });
  process.stdout.write(`${address}\n`);
  process.stderr.write(`Ready (pid ${pid}): ${use(address)}. Ctrl-C stops it.\n`);

  const ended = await Promise.race([stopSignal, exited]);
  if (ended === undefined) {
    throw new TransientError(`Running ${name} at ${address}: expected it to go on, got its end; see ${directory}`);
  }
  process.stderr.write(`Stopping ${name} on ${ended}\n`);
  await stop();
  return 0;
}

/** The first signal asks for a clean stop; a second one ends at once, and the broker with us. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let asked = false;
    const handle = (code: number) => (signal: NodeJS.Signals) => {
      if (asked) process.exit(code);
      asked = true;
      resolve(signal);
    };
    process.on('SIGINT', handle(130));
    process.on('SIGTERM', handle(143));
  });
}

function parse<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new ConfigError(`Reading the arguments: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function portOf(text: string): number {
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new ConfigError(`Reading --port: expected a number from 0 to 65535, got ${text}`);
}
