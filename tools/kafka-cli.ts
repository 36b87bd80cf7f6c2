import '../src/refuse-old-node';

import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { helpText } from '../src/commands/page';
import { ConfigError, TransientError, exitCodeFor } from '../src/errors';
import { projectRoot } from './java';
import { startKafka } from './kafka';

const HELP = `Starts one Kafka broker on this machine and keeps its data between runs.

Usage: npm run kafka -- [options]

  --port <number>   port to listen on (default 9092); 0 takes any free one
  --data <folder>   where the data is kept (default .kafka/data in the project)
  --clean           start empty: what the folder holds is deleted first
  --help            this text

Ctrl-C stops the broker. Needs Java 17 or newer and, the first time, Maven:
tools/install-java.sh installs both.
Exit codes: 0 stopped, 1 bug, 2 usage or a missing program, 3 the broker could not start or ended by itself.
`;

async function main(): Promise<number> {
  const options = {
    port: { type: 'string' },
    data: { type: 'string' },
    clean: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const;
  const { values } = parse(() => parseArgs({ options }));
  if (values.help === true) {
    process.stdout.write(helpText(HELP));
    return 0;
  }
  const port = portOf(values.port ?? '9092');
  const directory = values.data === undefined ? join(projectRoot(), '.kafka', 'data') : resolve(values.data);

  const stopSignal = firstSignal();
  process.stderr.write(`Starting Kafka on port ${port}, data in ${directory}\n`);
  const cluster = await startKafka({ directory, port, clean: values.clean === true });
  const [broker] = cluster.brokers;
  process.stdout.write(`${cluster.bootstrap}\n`);
  process.stderr.write(`Ready (pid ${broker?.pid ?? 'none'}): KAFKA_BROKERS=${cluster.bootstrap}. Ctrl-C stops it.\n`);

  const ended = await Promise.race([stopSignal, broker?.exited]);
  if (ended === undefined) {
    throw new TransientError(
      `Running Kafka at ${cluster.bootstrap}: expected it to go on, got its end; see ${directory}`,
    );
  }
  process.stderr.write(`Stopping Kafka on ${ended}\n`);
  await cluster.stop();
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

main().then(
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
