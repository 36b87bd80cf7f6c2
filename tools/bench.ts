import { parseArgs } from 'node:util';

import { helpText } from '../src/commands/page';
import { ConfigError, exitCodeFor } from '../src/errors';
import { compare } from './bench/compare';
import { FILTERS, freshness } from './bench/freshness';
import { encode } from './bench/encode';
import { idle } from './bench/idle';
import { ksef } from './bench/ksef';
import { limit } from './bench/limit';
import { live } from './bench/live';
import { many } from './bench/many';
import { million } from './bench/million';
import { start } from './bench/start';

const HELP = `Measures the service on this machine and prints markdown tables. Numbers are printed, never judged.

Usage: npm run bench [-- [mode] [options]]

Modes
  compare           the service beside three bare loops (the default)
  million           1 000 000 invoices once: three sweeps, restart, state
  start             program start to first request, on a broker with default settings
  many              200 and 1 000 entities of six rows: memory, and how long the loop is blocked
  idle              300 entities that rest: what HTTP and metrics take, with nobody who asks and with a scrape every 15 s
  encode            one record made of one row, in both framings
  limit             ten entities that share an allowance of 300 requests a minute
  freshness         how long a change takes to a consumer, by kind: 1, 10 and 100 entities, in virtual time; needs no broker
  ksef              how long a number of KSeF takes to a consumer and what it costs: 10 entities, in virtual time; needs no broker
  live              the same of ten entities in real time, beside virtual time

Options
  --runs N          compare, start: runs, interleaved (5)
  --rows N          compare: invoices (100000); million: invoices (1000000)
  --minutes N       limit, live: how long (10); idle: each of three rests (3)
  --entities N      freshness: of 1, 10 or 100 entities alone; idle: how many (300)
  --hours N         freshness, ksef: virtual hours of each run (ksef: 6)
  --filters NAME    freshness: the API heeds filters of payments (paid), of edits (changed), or all that can be proven (works); default none
  --totals lie      freshness: totals of lists are wrong, so that no search goes by them
  --profile DIR     compare: write CPU profiles of the service there
  --help            this text

A Kafka broker is started for the time of the run, which needs Java 17 and, the first time, Maven; KAFKA_BROKERS=host:port uses another
one, whose topics bench-* are made and deleted. Progress goes to stderr. Run it on an otherwise idle machine.
`;

async function main(): Promise<number> {
  const { values, positionals } = parse();
  const [mode = 'compare', ...more] = positionals;
  if (values.help || more.length > 0) {
    process.stdout.write(helpText(HELP));
    return values.help ? 0 : 2;
  }
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const report = await measure(mode, values, say);
  process.stdout.write(`\n${report}`);
  return 0;
}

async function measure(
  mode: string,
  values: ReturnType<typeof parse>['values'],
  say: (text: string) => void,
): Promise<string> {
  switch (mode) {
    case 'compare':
      return compare(
        {
          runs: count('runs', values.runs ?? '5'),
          rows: count('rows', values.rows ?? '100000'),
          profile: values.profile,
        },
        say,
      );
    case 'million':
      return million({ rows: count('rows', values.rows ?? '1000000') }, say);
    case 'encode':
      return encode({ runs: count('runs', values.runs ?? '5'), rows: count('rows', values.rows ?? '100000') });
    case 'start':
      return start({ runs: count('runs', values.runs ?? '5') }, say);
    case 'many':
      return many(say);
    case 'idle':
      return idle(
        { entities: count('entities', values.entities ?? '300'), minutes: count('minutes', values.minutes ?? '3') },
        say,
      );
    case 'limit':
      return limit({ minutes: count('minutes', values.minutes ?? '10') }, say);
    case 'live':
      return live({ minutes: count('minutes', values.minutes ?? '10') }, say);
    case 'ksef':
      return ksef({ hours: count('hours', values.hours ?? '6') }, say);
    case 'freshness':
      return freshness(
        {
          companies: values.entities === undefined ? null : count('entities', values.entities),
          hours: values.hours === undefined ? null : count('hours', values.hours),
          filters: filtersNamed(values.filters ?? 'none'),
          totalsLie: doTotalsLie(values.totals ?? 'right'),
        },
        say,
      );
    default:
      throw new ConfigError(
        `reading the arguments: expected the mode compare, million, start, many, idle, encode, limit, freshness, ksef or live, got ${mode}`,
      );
  }
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: 'string' },
        rows: { type: 'string' },
        minutes: { type: 'string' },
        entities: { type: 'string' },
        hours: { type: 'string' },
        filters: { type: 'string' },
        totals: { type: 'string' },
        profile: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (cause) {
    const got = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`reading the arguments: ${got}; see --help`, { cause });
  }
}

function filtersNamed(text: string): keyof typeof FILTERS {
  if (isFilters(text)) return text;
  throw new ConfigError(`reading --filters: expected ${Object.keys(FILTERS).join(', ')}, got ${text}`);
}

function isFilters(text: string): text is keyof typeof FILTERS {
  return Object.hasOwn(FILTERS, text);
}

function doTotalsLie(text: string): boolean {
  if (text === 'right' || text === 'lie') return text === 'lie';
  throw new ConfigError(`reading --totals: expected right or lie, got ${text}`);
}

function count(name: string, text: string): number {
  if (/^[1-9]\d{0,7}$/.test(text)) return Number(text);
  throw new ConfigError(`reading --${name}: expected a whole number above 0, got ${text}`);
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const code = exitCodeFor(error);
    const text = error instanceof Error ? (code === 1 ? error.stack : error.message) : String(error);
    process.stderr.write(`bench: ${text}\n`);
    process.exitCode = code;
  },
);
