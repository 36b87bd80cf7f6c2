import '../src/refuse-old-node';

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import type { AccountTruth } from '../simulator/account';
import type { Admin } from '../simulator/admin';
import { isObject } from '../simulator/rows';
import type { Simulator } from '../simulator/server';
import { helpText } from '../src/commands/page';
import { ConfigError, TransientError, exitCodeFor } from '../src/errors';
import { hideWarningOfKafkajs } from '../src/sinks/hide-warning';
import { alfa, beta, companies, gamma } from './demo/companies';
import { amountText, bar, clip, countText, createScreen, WIDTH, type Screen } from './demo/screen';
import {
  follow,
  openApi,
  openBroker,
  openService,
  streams,
  type Arrival,
  type Broker,
  type Company,
  type Fields,
  type Service,
  type Stream,
  type View,
} from './demo/stage';
import { findJava } from './java';
import { kafkaLibrary } from './kafka';

const HELP = `Shows infakt-kafka at work on this machine, in about a minute and a half: one
minute of it is what a deletion takes to be proven.

Usage: npm run demo [-- options]

Starts a Kafka broker, the simulator of the inFakt API with three made-up
companies, and the service. Changes a few things in the API, prints each change
as it arrives on its topic, and holds in the end what the API has against what a
consumer of the topics has. Then it stops and removes everything it started.

  --keep            stay up after that, print changes as they come, until Ctrl-C
  --port <number>   Kafka's port (with --keep 9092, otherwise any free one);
                    0 takes any free one
  --help            this text

Needs Java 17 or newer and, the first time, Maven: tools/install-java.sh
installs both. Where KAFKA_BROKERS is set, no broker is started: that one gets
topics infakt-demo-*, removed in the end.
NO_COLOR and LOG_LEVEL (of the service's log, see --keep) are respected.

Exit codes: 0 API and Kafka agree, 1 they differ, or a bug, 2 usage or a missing
program, 3 something could not start or ended by itself, 130 or 143 stopped
before the end.
`;

/** Much shorter than in earnest, where they are 15, 300, 900 and 600 s: a demo has no patience. */
const SCHEDULE = { newestSeconds: 1, clientsNewestSeconds: 2, openSeconds: 2, recentSeconds: 3, sweepSeconds: 3 };
const FIRST_SWEEP_WITHIN_MS = 90_000;
/** A deletion takes a minute: two reads of its place so far apart must miss the row. */
const CHANGE_WITHIN_MS = 150_000;
const DOWNLOAD_NOTICE_AFTER_MS = 1_000;

/** Everything that runs while the story is told. */
interface Scene {
  readonly screen: Screen;
  /** Aborted when the demo is to stop. */
  readonly signal: AbortSignal;
  readonly broker: Broker;
  readonly api: Simulator;
  readonly service: Service;
  readonly view: View;
  /** Throws if a part of it does not run any more. */
  readonly check: () => Promise<void>;
}

interface Step {
  readonly title: string;
  readonly company: Company;
  readonly stream: Stream;
  /** Changes a row in the API, and says what happened to it. */
  readonly change: (admin: Admin) => { readonly id: number; readonly about: string };
}

const story: readonly Step[] = [
  {
    title: 'An invoice is paid',
    company: alfa,
    stream: 'invoices',
    change(admin) {
      const { ids } = truthOf(admin, alfa, { paid_date_null: 'true' }).invoices;
      const invoice = newest(ids, (id) => {
        const row = admin.row(alfa.key, 'invoices', id);
        return isObject(row) && row['status'] === 'sent' && row['currency'] === 'PLN' ? row : undefined;
      });
      admin.pay(alfa.key, idOf(invoice));
      return { id: idOf(invoice), about: `${text(invoice['number'])}, ${moneyText(invoice, 'gross_price')}` };
    },
  },
  {
    title: 'An invoice is added',
    company: beta,
    stream: 'invoices',
    change(admin) {
      const invoice = admin.add(beta.key, 'invoices');
      return { id: idOf(invoice), about: `${text(invoice['number'])}, ${moneyText(invoice, 'gross_price')}` };
    },
  },
  {
    title: 'A client moves',
    company: gamma,
    stream: 'clients',
    change(admin) {
      const client = newest(truthOf(admin, gamma).clients.ids, (id) => {
        const row = admin.row(gamma.key, 'clients', id);
        return isObject(row) && typeof row['company_name'] === 'string' && row['city'] !== 'Gdańsk' ? row : undefined;
      });
      const address = { city: 'Gdańsk', street: 'Długi Targ', street_number: '28', postal_code: '80-830' };
      admin.edit(gamma.key, 'clients', idOf(client), address);
      return { id: idOf(client), about: `${text(client['company_name'])}, to ${address.city}` };
    },
  },
  {
    title: 'An invoice is deleted',
    company: alfa,
    stream: 'invoices',
    change(admin) {
      const [id = 0] = truthOf(admin, alfa).invoices.ids;
      const invoice = admin.row(alfa.key, 'invoices', id);
      admin.remove(alfa.key, 'invoices', id);
      const about = isObject(invoice) ? `${text(invoice['number'])}, ${moneyText(invoice, 'gross_price')}` : '';
      return { id, about: `${about}; two reads a minute apart must miss it` };
    },
  },
];

/** Plays it all; returns the exit code. */
async function play(keep: boolean, port: number, screen: Screen, signal: AbortSignal): Promise<number> {
  const undo: (() => Promise<unknown>)[] = [];
  const tell = async (): Promise<number> => {
    const scene = await setUp(port, screen, signal, undo);
    await firstSweep(scene);
    for (const [index, step] of story.entries()) await tellStep(scene, index + 1, step);
    const agreed = [closingTable(scene), await reconciled(scene)].every(Boolean);
    if (keep) await stayUp(scene);
    return agreed ? 0 : 1;
  };
  const outcome = await tell().then(
    (code) => ({ code }),
    (error: unknown) => ({ error }),
  );
  screen.show('', screen.style('dim', 'Stopping and removing everything ...'));
  const failures: unknown[] = [];
  for (const stop of undo.reverse()) await stop().catch((error: unknown) => failures.push(error));
  screen.show();
  for (const failure of failures) screen.print(`Could not stop a part of it: ${messageOf(failure)}`);
  if ('error' in outcome) throw outcome.error;
  if (failures.length > 0) throw failures[0];
  // From the start of this process on.
  screen.print('', `Done in ${secondsSince(0)}; nothing is left running.`);
  if (!keep) screen.print('To look around in it yourself: npm run demo -- --keep');
  return outcome.code;
}

async function setUp(
  port: number,
  screen: Screen,
  signal: AbortSignal,
  undo: (() => Promise<unknown>)[],
): Promise<Scene> {
  screen.print(
    screen.style('bold', 'infakt-kafka: what changes in inFakt, on Kafka, once'),
    '',
    'Three made-up companies in a simulator of the inFakt API, a Kafka broker, and',
    'the service that reads the one and publishes to the other.',
    '',
  );
  const given = process.env['KAFKA_BROKERS'];
  const kafkaMs = performance.now();
  if (given === undefined || given === '') await findKafka(screen);
  signal.throwIfAborted();
  screen.show(part(screen, 'Kafka', 'starting ...'));
  const broker = await openBroker(given, port);
  undo.push(broker.stop);
  const where = broker.isOurs ? `ready after ${secondsSince(kafkaMs)}` : 'as KAFKA_BROKERS says';
  screen.print(part(screen, 'Kafka', `${broker.bootstrap}, ${where}`));
  signal.throwIfAborted();

  const api = await openApi(companies);
  undo.push(() => api.stop());
  screen.print(part(screen, 'inFakt API', `${api.url}, simulated`));
  signal.throwIfAborted();

  const service = await openService({
    broker,
    apiUrl: api.url,
    companies,
    schedule: SCHEDULE,
    logLevel: process.env['LOG_LEVEL'] ?? 'info',
  });
  undo.push(service.stop);
  const view = follow(broker);
  undo.push(view.stop);
  screen.print(part(screen, 'infakt-kafka', `process ${service.pid}`));
  const check = async (): Promise<void> => {
    await service.check();
    view.check();
  };
  return { screen, signal, broker, api, service, view, check };
}

/** Kafka's programs are fetched once; that can take long enough to be told. */
async function findKafka(screen: Screen): Promise<void> {
  await findJava();
  const notice = setTimeout(() => {
    screen.print(part(screen, 'Kafka', 'fetched through Maven, this once; may take minutes ...'));
  }, DOWNLOAD_NOTICE_AFTER_MS);
  try {
    await kafkaLibrary();
  } finally {
    clearTimeout(notice);
  }
}

function part(screen: Screen, name: string, what: string): string {
  return `  ${screen.style('cyan', name.padEnd(13))} ${what}`;
}

async function firstSweep(scene: Scene): Promise<void> {
  const { screen, view, api, broker } = scene;
  const beganMs = performance.now();
  const progress = companies.map((company) => {
    const truth = truthOf(api.admin, company);
    return { company, total: streams.reduce((sum, stream) => sum + truth[listOf(stream)].count, 0) };
  });
  const published = ({ id }: Company): number => streams.reduce((sum, stream) => sum + view.latest(id, stream).size, 0);
  const bars = (): string[] =>
    progress.map(({ company, total }) => {
      const done = published(company);
      const count = `${countText(done).padStart(6)} of ${countText(total).padStart(6)}`;
      return `  ${company.name.padEnd(24)} ${screen.style('green', bar(done, total, 34))} ${count}`;
    });

  screen.print(
    '',
    screen.style('bold', 'First it publishes every client, every invoice and every correction'),
    ...streams.map((stream) => `  to ${broker.prefix}.${stream}`),
    '',
  );
  let toldMs = beganMs;
  let told = 0;
  await until(scene, 'every row to be published', FIRST_SWEEP_WITHIN_MS, () => {
    const complete = progress.every(({ company, total }) => published(company) >= total);
    if (!screen.isTerminal && !complete && view.arrivals.length > told && performance.now() - toldMs > 500) {
      toldMs = performance.now();
      told = view.arrivals.length;
      const counts = companies.map((company) => `${company.id} ${countText(published(company))}`);
      screen.print(`  so far: ${counts.join(', ')}`);
    }
    screen.show(...bars());
    return complete ? true : undefined;
  });
  const seconds = ((view.arrivals.at(-1)?.atMs ?? beganMs) - beganMs) / 1_000;
  screen.print(
    ...bars(),
    `  ${countText(view.arrivals.length)} records ${seconds.toFixed(1)} s after the service was started`,
    '',
    screen.style('bold', 'From now on it publishes only what changes'),
    `  It looks for new documents every ${SCHEDULE.newestSeconds} s, at open ones every ${SCHEDULE.openSeconds} s, at everything`,
    `  every ${SCHEDULE.sweepSeconds} s; in earnest it goes where changes are.`,
  );
}

async function tellStep(scene: Scene, number: number, { title, company, stream, change }: Step): Promise<void> {
  const { screen, view, api } = scene;
  let next = view.arrivals.length;
  const beganMs = performance.now();
  const asked = api.admin.stats().total;
  const { id, about } = change(api.admin);
  screen.print('', screen.style('bold', `${number}. ${title}`), `   ${clip(`${company.name}: ${about}`, WIDTH - 3)}`);
  const found = await until(scene, `${stream} ${id} of ${company.id} on its topic`, CHANGE_WITHIN_MS, () => {
    screen.show(screen.style('dim', `   waiting for it to be found ... ${secondsSince(beganMs)}`));
    for (; next < view.arrivals.length; next += 1) {
      const arrival = view.arrivals[next];
      if (arrival === undefined) continue;
      screen.print(...arrivalLines(scene, arrival));
      if (arrival.entity === company.id && arrival.stream === stream && arrival.id === id) return arrival;
    }
    return undefined;
  });
  const seconds = ((found.atMs - beganMs) / 1_000).toFixed(1);
  const requests = countText(api.admin.stats().total - asked);
  screen.print(
    screen.style('dim', `   read from the topic ${seconds} s and ${requests} requests after it changed in the API`),
  );
}

const OP_WORDS: Readonly<Record<string, string>> = { r: 'first read', c: 'created', u: 'updated', d: 'deleted' };
/** What of a new record is worth a line. */
const OUTLINE: Readonly<Record<Stream, readonly string[]>> = {
  clients: ['company_name', 'first_name', 'last_name', 'nip', 'postal_code', 'city'],
  invoices: ['number', 'invoice_date', 'client_company_name', 'client_last_name', 'gross_price', 'status'],
  'corrective-invoices': ['number', 'invoice_date', 'corrected_invoice_number', 'gross_price', 'status'],
};

function arrivalLines({ screen, broker }: Scene, arrival: Arrival): string[] {
  const { stream, entity, id, op, before, after } = arrival;
  const what = OP_WORDS[op] ?? op;
  const head = `   ${broker.prefix}.${stream}  {"entity":"${entity}","id":${id}}  ${screen.style('green', what)}`;
  if (after === undefined) return [head];
  if (before === undefined) {
    const names = OUTLINE[stream].filter((name) => (after[name] ?? null) !== null);
    const others = Object.values(after).filter((value) => value !== null).length - names.length;
    return [
      head,
      ...fieldLines(names, (name) => screen.style('green', clip(valueText(after, name), 50))),
      `     and ${others} more fields`,
    ];
  }
  return [
    head,
    ...fieldLines(changedFields(before, after), (name) => {
      const [old, now] = [before, after].map((fields) => clip(valueText(fields, name), 24));
      return `${screen.style('red', old ?? '')} → ${screen.style('green', now ?? '')}`;
    }),
  ];
}

function fieldLines(names: readonly string[], valueOf: (name: string) => string): string[] {
  const width = names.reduce((longest, name) => Math.max(longest, name.length), 0);
  return names.map((name) => `     ${clip(name, 20).padEnd(Math.min(width, 20))}  ${valueOf(name)}`);
}

/** The names of the fields in which two values of a key differ, but for when they were read. */
export function changedFields(before: Fields, after: Fields): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  names.delete('observed_at');
  return [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

function valueText(fields: Fields, name: string): string {
  const value = fields[name];
  if (/_price$|^left_to_pay$/.test(name)) return moneyText(fields, name);
  return Array.isArray(value) ? `${value.length} lines` : text(value);
}

function moneyText(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === 'number' ? `${amountText(value)} ${text(fields['currency'])}` : text(value);
}

/** One thing counted in the API and in Kafka. */
interface BalanceLine {
  readonly label: string;
  readonly api: string;
  readonly kafka: string;
  readonly agrees: boolean;
}

/** Holds what the API has of a company against the latest values of the topics' keys. */
export function balance(
  truth: Pick<AccountTruth, ReturnType<typeof listOf>>,
  latest: (stream: Stream) => ReadonlyMap<number, Fields>,
): BalanceLine[] {
  return streams.flatMap((stream) => {
    const list = truth[listOf(stream)];
    const keys = latest(stream);
    const agrees = list.ids.length === keys.size && list.ids.every((id) => keys.has(id));
    const line = { label: stream, api: countText(list.ids.length), kafka: countText(keys.size), agrees };
    return 'sums' in list ? [line, ...sumLines(list.sums, keys)] : [line];
  });
}

function sumLines(truth: AccountTruth['invoices']['sums'], keys: ReadonlyMap<number, Fields>): BalanceLine[] {
  const sums = new Map<string, number>();
  for (const { currency, gross_price: gross } of keys.values()) {
    sums.set(text(currency), (sums.get(text(currency)) ?? 0) + (typeof gross === 'number' ? gross : 0));
  }
  const currencies = [...new Set([...Object.keys(truth), ...sums.keys()])];
  // The company's own currency first.
  currencies.sort((one, two) => Number(two === 'PLN') - Number(one === 'PLN') || (one < two ? -1 : 1));
  return currencies.map((currency) => {
    const [api, kafka] = [truth[currency]?.gross ?? 0, sums.get(currency) ?? 0];
    return { label: `  gross sum, ${currency}`, api: amountText(api), kafka: amountText(kafka), agrees: api === kafka };
  });
}

/** The simulator's name of a stream's list. */
function listOf(stream: Stream): 'clients' | 'invoices' | 'corrective_invoices' {
  return stream === 'corrective-invoices' ? 'corrective_invoices' : stream;
}

/** The service's own comparison of the topics with its last sweeps. */
async function reconciled({ screen, service }: Scene): Promise<boolean> {
  const { agrees, text: said } = await service.reconcile();
  if (!agrees) screen.print('', said.trimEnd());
  screen.print(
    '',
    `infakt-kafka reconcile: ${agrees ? screen.style('green', 'every stream agrees with its last sweep') : screen.style('red', 'not all agree')}`,
  );
  return agrees;
}

/** Prints it; true if everything agrees and nothing was published twice. */
function closingTable({ screen, api, view }: Scene): boolean {
  const row = (label: string, left: string, right: string, verdict: string): string =>
    `${label.padEnd(28)} ${left.padStart(20)} ${right.padStart(20)}  ${verdict}`.trimEnd();
  screen.print(
    '',
    screen.style('bold', 'In the end: what the API has, and what a consumer of the topics has'),
    '',
    screen.style('dim', row('', 'rows in the API', 'keys in Kafka', '')),
  );
  let agreed = true;
  for (const company of companies) {
    screen.print(`  ${screen.style('cyan', company.name)}`);
    const lines = balance(truthOf(api.admin, company), (stream) => view.latest(company.id, stream));
    for (const { label, api: left, kafka, agrees } of lines) {
      agreed &&= agrees;
      const verdict = agrees ? screen.style('green', 'agree') : screen.style('red', 'DIFFER');
      screen.print(row(`    ${label}`, left, kafka, verdict));
    }
  }

  const later = view.arrivals.filter(({ before }) => before !== undefined);
  const twice = later.filter(({ before, after }) => changedFields(before ?? {}, after ?? {}).length === 0).length;
  const sweeps = api.admin.stats().last.filter(({ entity, path, query }) => {
    const asked = new URLSearchParams(query);
    const isWhole = asked.get('order') === 'id asc' && ![...asked.keys()].some((name) => name.startsWith('q['));
    return entity === gamma.key && path === 'invoices.json' && isWhole && asked.get('offset') === '0';
  }).length;
  screen.print(
    '',
    `${countText(view.arrivals.length)} records: ${countText(view.arrivals.length - later.length)} first ones and ${countText(later.length - twice)} changes; ${twice === 0 ? 'none' : screen.style('red', countText(twice))} came twice, though`,
    `everything was read ${sweeps} times, in ${countText(api.admin.stats().total)} requests.`,
  );
  return agreed && twice === 0;
}

async function stayUp(scene: Scene): Promise<void> {
  const { screen, api, broker, service, view, signal } = scene;
  const [unpaid] = truthOf(api.admin, alfa, { paid_date_null: 'true' }).invoices.ids;
  screen.print(
    '',
    screen.style('bold', 'It stays up until Ctrl-C. In another terminal, in this folder:'),
    '',
    `  DEMO=${service.folder}`,
    '',
    '  # records, decoded; --follow waits for more',
    '  npx infakt-kafka peek invoices --entity alfa --last 1 \\',
    '    --config $DEMO/service.json --entities $DEMO/entities',
    '  # what the service remembers',
    '  npx infakt-kafka state show --entity alfa \\',
    '    --config $DEMO/service.json --entities $DEMO/entities',
    '  # its log',
    '  tail -f $DEMO/service.log',
    '  # pay one more invoice; what else can be changed',
    `  curl -X POST ${api.url}/__admin/key-alfa/invoices/${unpaid ?? 0}/pay`,
    `  curl ${api.url}/__admin/`,
    '',
    `Kafka is at ${broker.bootstrap}. Changes are printed here as they come:`,
  );
  let next = view.arrivals.length;
  await until(scene, 'the end of the demo', Infinity, () => {
    for (; next < view.arrivals.length; next += 1) {
      const arrival = view.arrivals[next];
      if (arrival !== undefined) screen.print('', ...arrivalLines(scene, arrival));
    }
    return undefined;
  }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** Asks again and again until there is an answer; rejects when it takes too long, something ended, or the demo is to stop. */
async function until<T>(
  { signal, check }: Scene,
  what: string,
  withinMs: number,
  ask: () => T | undefined,
): Promise<T> {
  const beganMs = performance.now();
  for (;;) {
    await check();
    const answer = ask();
    if (answer !== undefined) return answer;
    if (performance.now() - beganMs > withinMs) {
      throw new TransientError(`waiting for ${what}: expected it within ${withinMs / 1_000} s, got nothing of it`);
    }
    await delay(50, undefined, { signal });
  }
}

function truthOf(admin: Admin, { key }: Company, filters?: Readonly<Record<string, string>>): AccountTruth {
  const truth = admin.truth(filters)[key];
  if (truth === undefined) throw new Error(`the simulator does not know ${key}`);
  return truth;
}

function newest(ids: readonly number[], find: (id: number) => Fields | undefined): Fields {
  for (const id of [...ids].reverse()) {
    const row = find(id);
    if (row !== undefined) return row;
  }
  throw new Error('the simulator has no row of the kind that the story needs');
}

function idOf(row: Fields): number {
  return Number(row['id']);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function secondsSince(beganMs: number): string {
  return `${((performance.now() - beganMs) / 1_000).toFixed(1)} s`;
}

/** The first signal asks for an orderly end, the next one ends at once. */
export function listenForStop(): { readonly signal: AbortSignal; readonly exitCode: () => number } {
  const controller = new AbortController();
  let askedMs = 0;
  let code = 0;
  const stop = (exitCode: number) => (): void => {
    if (!controller.signal.aborted) {
      code = exitCode;
      askedMs = performance.now();
      controller.abort();
      // npm repeats a signal that a terminal has already sent to everybody.
    } else if (performance.now() - askedMs > 500) process.exit(exitCode);
  };
  process.on('SIGINT', stop(130));
  process.on('SIGTERM', stop(143));
  process.on('SIGHUP', stop(129));
  // Nobody reads any more.
  process.stdout.on('error', stop(141));
  return { signal: controller.signal, exitCode: () => code };
}

/** Whether an option of a script was given to `npm run` without the two dashes that hand it on: npm takes it for one of its own. */
export function isGivenToNpm(option: string, env: NodeJS.ProcessEnv): boolean {
  return env[`npm_config_${option}`] === 'true';
}

function readArguments(argv: readonly string[]) {
  const options = {
    keep: { type: 'boolean' },
    port: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  try {
    const { values } = parseArgs({ args: [...argv], options });
    const keep = values.keep === true || isGivenToNpm('keep', process.env);
    const port = Number(values.port ?? (keep ? '9092' : '0'));
    if (!Number.isInteger(port) || port < 0 || port > 65_535)
      throw new Error(`expected --port to be a number from 0 to 65535, got ${values.port ?? ''}`);
    return { keep, help: values.help === true, port };
  } catch (cause) {
    throw new ConfigError(`Reading the arguments: ${messageOf(cause)}; see --help`, { cause });
  }
}

async function main(): Promise<number> {
  const { keep, help, port } = readArguments(process.argv.slice(2));
  if (help) {
    process.stdout.write(helpText(HELP));
    return 0;
  }
  hideWarningOfKafkajs();
  const { signal, exitCode } = listenForStop();
  try {
    return await play(keep, port, createScreen(process.stdout, process.env), signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    process.stdout.write('\nStopped before the end; nothing is left running.\n');
    return exitCode();
  }
}

if (require.main === module) {
  main().then(
    (code) => {
      process.exitCode = code;
    },
    (error: unknown) => {
      const expected = error instanceof ConfigError || error instanceof TransientError;
      process.stderr.write(
        `demo: ${expected ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
      );
      process.exitCode = exitCodeFor(error);
    },
  );
}
