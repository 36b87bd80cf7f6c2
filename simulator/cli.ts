import { parseArgs } from 'node:util';
import type { EntityOptions } from './account';
import { adminHelp } from './admin';
import { createRandom, seedFrom } from './random';
import { taxNumber } from './rows';
import { startSimulator, type Simulator } from './server';

/** What the command writes to, and when it is to end. */
export interface SimulateIo {
  stdout(text: string): void;
  stderr(text: string): void;
  readonly stopped: Promise<void>;
}

const defaultEntities = [
  'key-alfa=Alfa Usługi Sp. z o.o.:50:400:1111111111',
  'key-beta=Beta Żubr Przewozy S.A.:200:3000:2222222222',
  'key-gamma=Gamma Gęś i Wąż Sp. j.:20:150:3333333333',
];

const help = `Usage: infakt-kafka simulate [options]

Serves made-up legal entities in the form of the inFakt API until it is stopped.

Options
  --port N                            port to listen on (4010; 0 takes a free one)
  --host ADDRESS                      address to listen on (127.0.0.1)
  --entity KEY=NAME:CLIENTS:INVOICES[:NIP]
                                      a legal entity: API key, company name, numbers of rows; may be repeated
                                      (${defaultEntities.map((entity) => `"${entity}"`).join(',\n                                      ')})
  --seed N                            the same seed makes the same rows (1)
  --requests-per-minute N             answer 429 above this (0: no limit; the real API allows 300)
  --ties shuffled|stable              rows the order does not tell apart (shuffled, as in the real API)
  --help                              this text

Admin interface (JSON, no key)
${adminHelp}`;

class UsageError extends Error {}

function wholeOption(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${name} must be a whole number, got ${JSON.stringify(text)}`);
  return Number(text);
}

function entityOption(text: string, seed: number): EntityOptions {
  const [, key, name, clients, invoices, nip] = /^([^=]+)=(.+?):(\d{1,8}):(\d{1,8})(?::(\d{10}))?$/.exec(text) ?? [];
  if (key === undefined || name === undefined) {
    throw new UsageError(
      `--entity must be KEY=NAME:CLIENTS:INVOICES or KEY=NAME:CLIENTS:INVOICES:NIP, got ${JSON.stringify(text)}`,
    );
  }
  const own = (seed + seedFrom(key)) >>> 0;
  return {
    key,
    name,
    nip: nip ?? taxNumber(createRandom(own)),
    clients: Number(clients),
    invoices: Number(invoices),
    seed: own,
  };
}

/** Undefined where only help is wanted. */
function readOptions(argv: readonly string[]) {
  const { values } = parse(argv);
  if (values.help === true) return undefined;
  const seed = wholeOption('seed', values.seed ?? '1');
  const port = wholeOption('port', values.port ?? '4010');
  if (port > 65_535) throw new UsageError(`--port must be 65535 or less, got ${port}`);
  const ties = values.ties ?? 'shuffled';
  if (ties !== 'shuffled' && ties !== 'stable') {
    throw new UsageError(`--ties must be shuffled or stable, got ${JSON.stringify(ties)}`);
  }
  const entities = (values.entity ?? defaultEntities).map((text) => entityOption(text, seed));
  const keys = entities.map(({ key }) => key);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw new UsageError(`--entity has the key ${JSON.stringify(twice)} twice`);
  return {
    port,
    host: values.host ?? '127.0.0.1',
    entities,
    seed,
    requestsPerMinute: wholeOption('requests-per-minute', values['requests-per-minute'] ?? '0'),
    ties,
  } as const;
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string' },
        host: { type: 'string' },
        entity: { type: 'string', multiple: true },
        seed: { type: 'string' },
        'requests-per-minute': { type: 'string' },
        ties: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Runs the `simulate` command; resolves with its exit code: 0 done, 2 wrong usage, 3 the port cannot be had. */
export async function simulate(argv: readonly string[], io: SimulateIo): Promise<number> {
  let options;
  try {
    options = readOptions(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    io.stderr(`simulate: ${error.message}\nTry --help.\n`);
    return 2;
  }
  if (options === undefined) {
    io.stdout(help);
    return 0;
  }
  let simulator: Simulator;
  try {
    simulator = await startSimulator(options);
  } catch (error) {
    io.stderr(`simulate: cannot listen on ${options.host}:${options.port}: ${String(error)}\n`);
    return 3;
  }
  io.stdout(greeting(simulator.url, options.entities));
  await io.stopped;
  await simulator.stop();
  return 0;
}

function greeting(url: string, entities: readonly EntityOptions[]): string {
  const rows = entities.map(
    ({ key, name, nip, clients, invoices }) =>
      `  ${key.padEnd(16)} ${name}, NIP ${nip}, ${clients} clients, ${invoices} invoices\n`,
  );
  const key = entities[0]?.key ?? 'KEY';
  return `inFakt API simulator: ${url}/api/v3

API keys
${rows.join('')}
Try
  curl -H 'X-inFakt-ApiKey: ${key}' '${url}/api/v3/invoices.json?limit=2&order=id+asc'
  curl ${url}/__admin/
`;
}
