import {
  configureService,
  keyOf,
  startScript,
  startSimulatorProcess,
  type Child,
  type ChildOptions,
  type Company,
  type Ended,
  type Service,
  type SimulatorProcess,
} from './children';
import { openBroker, type Broker, type StateSize } from './kafka';
import { fixed, median, spread, surroundings, table } from './tables';

/** What to compare. */
export interface CompareOptions {
  readonly runs: number;
  readonly rows: number;
  /** Folder for CPU profiles of the service. */
  readonly profile: string | undefined;
}

interface Run {
  readonly rowsPerSecond: number;
  readonly cpuPer100k: number;
  readonly peakRssMb: number;
}

interface ServiceRun extends Run {
  /** From the start of the program to its first request. */
  readonly firstRequestSeconds: number;
}

interface Round {
  readonly first: ServiceRun;
  readonly unchanged: ServiceRun;
  readonly a: Run;
  readonly b: Run;
  readonly c: Run;
  readonly smallService: ServiceRun;
  readonly smallFloor: Run;
  readonly state: StateSize;
}

/** What all runs share. */
interface Stage {
  readonly broker: Broker;
  readonly simulator: SimulatorProcess;
  readonly profile: string | undefined;
}

const SMALL_ROWS = 10_000;
const LABELS = {
  first: 'the service, first time',
  unchanged: 'the service, unchanged',
  a: '(a) a transaction a page, one after the other',
  b: '(b) ten pages a transaction, next page fetched ahead',
  c: '(c) fetch and parse alone',
} as const;

/** The service beside bare loops, in turn; returns the markdown to print. */
export async function compare({ runs, rows, profile }: CompareOptions, say: (text: string) => void): Promise<string> {
  const before = surroundings();
  say('starting the broker and the simulator');
  const broker = await openBroker();
  try {
    const companies = [company('bench', rows), company('small', SMALL_ROWS)];
    const simulator = await startSimulatorProcess(companies);
    try {
      const stage = { broker, simulator, profile };
      const rounds: Round[] = [];
      for (let number = 1; number <= runs; number += 1) {
        rounds.push(await round(stage, `bench-${process.pid}-${number}`, rows));
        say(`run ${number} of ${runs}: ${summary(rounds)}`);
      }
      return `${before}\n${report(rounds, rows, await rowBytes(simulator))}`;
    } finally {
      await simulator.stop();
    }
  } finally {
    await broker.stop();
  }
}

function company(id: string, invoices: number): Company {
  return { id, clients: 500, invoices };
}

async function round(stage: Stage, prefix: string, rows: number): Promise<Round> {
  const big = company('bench', rows);
  const small = company('small', SMALL_ROWS);
  const service = serviceOf(stage, `${prefix}-s`, big);
  const smallService = serviceOf(stage, `${prefix}-t`, small);
  try {
    const first = await once(stage, service, big);
    const b = await floor(stage, 'b', prefix, big);
    const unchanged = await once(stage, service, big);
    const c = await floor(stage, 'c', prefix, big);
    const a = await floor(stage, 'a', prefix, big);
    const smallFloor = await floor(stage, 'b', prefix, small);
    const state = await stage.broker.stateSize(service.prefix);
    return { first, unchanged, a, b, c, smallFloor, smallService: await once(stage, smallService, small), state };
  } finally {
    service.remove();
    smallService.remove();
    await stage.broker.deleteTopics(prefix);
    for (const { prefix: own } of [service, smallService]) await stage.broker.deleteTopics(own);
  }
}

function serviceOf({ broker, simulator }: Stage, prefix: string, of: Company): Service {
  return configureService({
    prefix,
    url: simulator.url,
    brokers: broker.brokers,
    companies: [of],
    streams: ['invoices'],
    requestsPerMinute: 0,
    sweepSeconds: 600,
  });
}

async function once({ simulator, profile }: Stage, service: Service, of: Company): Promise<ServiceRun> {
  await simulator.resetStats();
  const child = service.start(['once', '--json'], { profile });
  const firstRequest = await Promise.race([simulator.firstRequest(keyOf(of)), endOf(child)]);
  const ended = await child.ended;
  const { streams } = JSON.parse(ended.stdout) as { streams: readonly { rows: number; seconds: number }[] };
  const [{ rows, seconds } = { rows: 0, seconds: NaN }] = streams;
  return { ...runOf(ended, rows, seconds), firstRequestSeconds: (firstRequest - child.startedMs) / 1_000 };
}

async function endOf({ ended }: Child): Promise<number> {
  await ended;
  return NaN;
}

async function floor(stage: Stage, name: 'a' | 'b' | 'c', base: string, of: Company): Promise<Run> {
  const { broker, simulator } = stage;
  const prefix = `${base}-${name}-${of.id}`;
  const partitions = name === 'c' ? 0 : await broker.createTopics(prefix);
  const options: ChildOptions = {};
  const child = startScript(
    require.resolve('./floor'),
    [
      `--floor=${name}`,
      `--url=${simulator.url}`,
      `--key=${keyOf(of)}`,
      `--brokers=${broker.brokers.join(',')}`,
      `--prefix=${prefix}`,
      `--partitions=${partitions}`,
    ],
    options,
  );
  const ended = await child.ended;
  await broker.deleteTopics(prefix);
  const { rows, seconds } = JSON.parse(ended.stdout) as { rows: number; seconds: number };
  return runOf(ended, rows, seconds);
}

function runOf({ cpuSeconds, peakRssMb }: Ended, rows: number, seconds: number): Run {
  return { rowsPerSecond: rows / seconds, cpuPer100k: (cpuSeconds / rows) * 100_000, peakRssMb };
}

async function rowBytes({ url }: SimulatorProcess): Promise<number> {
  const answer = await fetch(`${url}/api/v3/invoices.json?order=id+asc&limit=100`, {
    headers: { 'X-inFakt-ApiKey': keyOf({ id: 'bench' }) },
  });
  const { entities } = (await answer.json()) as { entities: readonly unknown[] };
  return Buffer.byteLength(JSON.stringify(entities)) / entities.length;
}

function summary(rounds: readonly Round[]): string {
  const last = rounds.slice(-1);
  const parts = (['first', 'unchanged', 'a', 'b', 'c'] as const).map((name) => {
    const rate = last.map((of) => of[name].rowsPerSecond);
    const cpu = last.map((of) => of[name].cpuPer100k);
    return `${name} ${fixed(median(rate))} rows/s ${fixed(median(cpu), 1)} CPU s`;
  });
  return parts.join(', ');
}

function report(rounds: readonly Round[], rows: number, bytes: number): string {
  const of = (what: (one: Round) => number): number[] => rounds.map(what);
  const rates = (['first', 'unchanged', 'a', 'b', 'c'] as const).map((name) => [
    LABELS[name],
    spread(of((one) => one[name].rowsPerSecond)),
    spread(
      of((one) => one[name].cpuPer100k),
      1,
    ),
    spread(of((one) => one[name].peakRssMb)),
  ]);
  const figures = [
    [
      'first time / (b)',
      spread(
        of(({ first, b }) => first.rowsPerSecond / b.rowsPerSecond),
        2,
      ),
      '>= 0.9',
    ],
    [
      'unchanged / (c)',
      spread(
        of(({ unchanged, c }) => unchanged.rowsPerSecond / c.rowsPerSecond),
        2,
      ),
      '>= 0.5',
    ],
    [
      `peak RSS at ${fixed(SMALL_ROWS)} rows, the service, MB`,
      spread(of(({ smallService }) => smallService.peakRssMb)),
      '',
    ],
    [`peak RSS at ${fixed(SMALL_ROWS)} rows, (b), MB`, spread(of(({ smallFloor }) => smallFloor.peakRssMb)), ''],
    [
      'the difference, MB',
      spread(of(({ smallService, smallFloor }) => smallService.peakRssMb - smallFloor.peakRssMb)),
      '<= 40',
    ],
    [
      'state, compacted, bytes a row',
      spread(
        of(({ state }) => state.liveBytes / rows),
        1,
      ),
      '',
    ],
    [
      'state as written in two sweeps, bytes a row',
      spread(
        of(({ state }) => state.writtenBytes / rows),
        1,
      ),
      '',
    ],
    [
      'restart: program start to first request, s',
      spread(
        of(({ unchanged }) => unchanged.firstRequestSeconds),
        1,
      ),
      '< 5',
    ],
  ];
  return [
    `${fixed(rows)} invoices of ${fixed(bytes)} bytes of JSON, ${rounds.length} interleaved runs, median (least-greatest).\n`,
    table([['', 'rows/s', 'CPU s a 100 000 rows', 'peak RSS, MB'], ...rates]),
    table([['', 'measured', 'wanted'], ...figures]),
  ].join('\n');
}
