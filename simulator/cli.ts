import { parseArgs } from 'node:util';
import { isNativeError } from 'node:util/types';
import type { EntityOptions } from './account';
import { adminHelp } from './admin';
import type { BooksOptions } from './books';
import { decodeRates, type LifeRates } from './life';
import type { Habits } from './listing';
import { createRandom, seedFrom } from './random';
import { isDate, taxNumber } from './rows';
import { startSimulator, type Simulator } from './server';
import { decodeModes, type UnprovenModes } from './unproven';

/** What the command writes to, and when it is to end. */
export interface SimulateIo {
  stdout(text: string): void;
  stderr(text: string): void;
  readonly stopped: Promise<void>;
  /** Ends the message about an option that does not exist. */
  readonly didYouMean?: (option: string, known: readonly string[]) => string;
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
  --entity KEY=NAME:CLIENTS:INVOICES[:CORRECTIONS][:NIP]
                                      a legal entity: API key, company name, numbers of rows; may be repeated; unless
                                      given, corrections are 3 % of the invoices and the NIP (10 digits) is made up
                                      (${defaultEntities.map((entity) => `"${entity}"`).join(',\n                                      ')})
  --seed N                            the same seed makes the same rows (1)
  --until DAY                         the last day of the rows that are there at the start, YYYY-MM-DD: the same day
                                      makes the same rows on whatever day they are looked at (the first of this month)
  --books plain|odd                   rows that an accountant would believe, every third company by the cash method; odd:
                                      also documents that a person has to look at (ordinary rows and hard ones)
  --left-to-pay zeroed|untouched      left_to_pay of a paid document, with --books (zeroed)
  --life issue=N,pay=N,edit=N,remove=N
                                      what happens by itself, times a minute in all entities together (nothing)
  --help                              this text

Limit
  --requests-per-minute N             refuse what is above this (0: no limit; the real API allows 300)
  --limit-window sliding|fixed        any 60 seconds, or one minute after another (sliding)
  --limit-status 429|503              how requests above it are answered (429)
  --limit-body json|html              and with what (json)
  --retry-after seconds|date|none     the form of Retry-After (seconds)

Habits of the API that are not documented
  --ties shuffled|stable              rows the order does not tell apart (shuffled, as in the real API)
  --over-limit clamp|refuse           a limit above 100: 100 is used, or 400 is answered (clamp)
  --count rows|ten                    what "count" tells: rows of the page, or always 10 (rows)
  --links own|foreign|doubled|URL     where "next" and "previous" point: here, to another host, to /v3/v3/, to the host
                                      of the URL (own; those of costs foreign)
  --filter NAME=MODE                  how lists treat a filter of which nobody knows whether it works; may be repeated: NAME
                                      paid_date_gteq, updated_at_gteq, created_at_gteq, id_gt or fields; MODE works, ignored,
                                      refused, day-off, week or wrong-rows (ignored; fields cuts rows down); fields also
                                      some or nulls; NAME ksef: what rows of documents show of KSeF by themselves, MODE works,
                                      week, some, nulls or number (nothing)

Admin interface (JSON, no key)
${adminHelp}`;

class UsageError extends Error {}

function wholeOption(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`--${name} must be a whole number, got ${JSON.stringify(text)}`);
  return Number(text);
}

function dayOption(name: string, text: string): string {
  if (!isDate(text)) throw new UsageError(`--${name} must be a day as YYYY-MM-DD, got ${JSON.stringify(text)}`);
  return text;
}

/** Rows that end today would all be others tomorrow, under whoever comes back. */
function firstOfMonth(now: Date): string {
  return `${now.toISOString().slice(0, 7)}-01`;
}

function choiceOption<T extends string>(name: string, text: string | undefined, choices: readonly [T, ...T[]]): T {
  if (text === undefined) return choices[0];
  const chosen = choices.find((choice) => choice === text);
  if (chosen === undefined) {
    throw new UsageError(`--${name} must be ${choices.join(' or ')}, got ${JSON.stringify(text)}`);
  }
  return chosen;
}

function linksOption(text: string | undefined): NonNullable<Habits['links']> {
  const [, scheme, host] = /^(https?):\/\/(.+)$/.exec(text ?? '') ?? [];
  if (text === undefined || host === undefined || !URL.canParse(text)) {
    return choiceOption('links', text, ['own', 'foreign', 'doubled']);
  }
  return `${scheme === 'http' ? 'http' : 'https'}://${host}`;
}

/** What the books of each company are to be; undefined where no books are wanted. */
function booksOption(books: string | undefined, leftToPay: string | undefined): BooksOptions | undefined {
  const left = choiceOption('left-to-pay', leftToPay, ['zeroed', 'untouched']);
  if (books !== undefined) return { odd: choiceOption('books', books, ['plain', 'odd']) === 'odd', leftToPay: left };
  if (leftToPay !== undefined) throw new UsageError('--left-to-pay needs --books');
  return undefined;
}

function lifeOption(text: string): LifeRates {
  const rates = text.split(',').map((part) => {
    const [, name, rate] = /^(\w+)=(\d+(?:\.\d+)?)$/.exec(part) ?? [];
    if (name === undefined) throw new UsageError(`--life must be like issue=6,pay=4, got ${JSON.stringify(text)}`);
    return [name, Number(rate)] as const;
  });
  try {
    return decodeRates(Object.fromEntries(rates));
  } catch (error) {
    throw new UsageError(`--life: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function filterOption(texts: readonly string[]): UnprovenModes {
  try {
    return decodeModes(Object.fromEntries(texts.map((text) => text.split('=', 2))));
  } catch (error) {
    throw new UsageError(`--filter: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

const entityForm = /^([^=]+)=(.+?):(\d{1,8}):(\d{1,8})(?::(\d{1,8}))?(?::(\d{10}))?$/;

function entityOption(text: string, seed: number): EntityOptions {
  const [, key, name, clients, invoices, corrections, nip] = entityForm.exec(text) ?? [];
  if (key === undefined || name === undefined) {
    throw new UsageError(`--entity must be KEY=NAME:CLIENTS:INVOICES[:CORRECTIONS][:NIP], got ${JSON.stringify(text)}`);
  }
  const own = (seed + seedFrom(key)) >>> 0;
  return {
    key,
    name,
    nip: nip ?? taxNumber(createRandom(own)),
    clients: Number(clients),
    invoices: Number(invoices),
    ...(corrections === undefined ? {} : { corrections: Number(corrections) }),
    seed: own,
  };
}

/** Undefined where only help is wanted. */
function readOptions(argv: readonly string[], { didYouMean = () => '' }: SimulateIo) {
  const { values } = parse(argv, didYouMean);
  if (values.help === true) return undefined;
  const seed = wholeOption('seed', values.seed ?? '1');
  const port = wholeOption('port', values.port ?? '4010');
  if (port > 65_535) throw new UsageError(`--port must be 65535 or less, got ${port}`);
  const retryAfter = choiceOption('retry-after', values['retry-after'], ['seconds', 'date', 'none']);
  const entities = (values.entity ?? defaultEntities).map((text) => entityOption(text, seed));
  const books = booksOption(values.books, values['left-to-pay']);
  const keys = entities.map(({ key }) => key);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw new UsageError(`--entity has the key ${JSON.stringify(twice)} twice`);
  return {
    port,
    host: values.host ?? '127.0.0.1',
    entities:
      books === undefined
        ? entities
        : entities.map((entity, index) => ({ ...entity, books: { ...books, cashMethod: index % 3 === 2 } })),
    seed,
    historyEnds: dayOption('until', values.until ?? firstOfMonth(new Date())),
    requestsPerMinute: wholeOption('requests-per-minute', values['requests-per-minute'] ?? '0'),
    limit: {
      window: choiceOption('limit-window', values['limit-window'], ['sliding', 'fixed']),
      status: choiceOption('limit-status', values['limit-status'], ['429', '503']) === '429' ? 429 : 503,
      html: choiceOption('limit-body', values['limit-body'], ['json', 'html']) === 'html',
      retryAfter: retryAfter === 'none' ? false : retryAfter,
    },
    ties: choiceOption('ties', values.ties, ['shuffled', 'stable']),
    overLimit: choiceOption('over-limit', values['over-limit'], ['clamp', 'refuse']),
    count: choiceOption('count', values.count, ['rows', 'ten']),
    links: linksOption(values.links),
    filters: filterOption(values.filter ?? []),
    ...(values.life === undefined ? {} : { life: lifeOption(values.life) }),
  } as const;
}

const optionsOfSimulate = {
  port: { type: 'string' },
  host: { type: 'string' },
  entity: { type: 'string', multiple: true },
  seed: { type: 'string' },
  until: { type: 'string' },
  'requests-per-minute': { type: 'string' },
  books: { type: 'string' },
  'left-to-pay': { type: 'string' },
  life: { type: 'string' },
  'limit-window': { type: 'string' },
  'limit-status': { type: 'string' },
  'limit-body': { type: 'string' },
  'retry-after': { type: 'string' },
  ties: { type: 'string' },
  'over-limit': { type: 'string' },
  count: { type: 'string' },
  links: { type: 'string' },
  filter: { type: 'string', multiple: true },
  help: { type: 'boolean', short: 'h' },
} as const;

function parse(argv: readonly string[], didYouMean: NonNullable<SimulateIo['didYouMean']>) {
  try {
    return parseArgs({ args: [...argv], options: optionsOfSimulate });
  } catch (error) {
    const message = isNativeError(error) ? error.message : String(error);
    const [, unknown] = /^Unknown option '([^'=]*)/.exec(message) ?? [];
    if (unknown === undefined) throw new UsageError(message, { cause: error });
    const known = Object.keys(optionsOfSimulate).map((name) => `--${name}`);
    throw new UsageError(`unknown option ${unknown}${didYouMean(unknown, known)}`, { cause: error });
  }
}

/** Runs the `simulate` command; resolves with its exit code: 0 done, 2 wrong usage, 3 the port cannot be had. */
export async function simulate(argv: readonly string[], io: SimulateIo): Promise<number> {
  let options;
  try {
    options = readOptions(argv, io);
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
