import { type Simulator, startSimulator } from '../../simulator/server';
import type { Io } from '../../src/commands/io';
import { runCommand } from '../../src/commands/run';
import { exitCodeFor } from '../../src/errors';
import { createFingerprint, fingerprintHex } from '../../src/changes/fingerprint';
import type { Row } from '../../src/model';
import type { Patience } from '../../src/service/patience';
import type { ServiceOptions } from '../../src/service/run-context';
import { createSingleObjectDecoder, loadSchema } from '../../src/sinks/avro';
import { clients } from '../../src/sources/streams/clients';
import { invoices } from '../../src/sources/streams/invoices';
import { readCommitted } from './java-reader';
import { brokers, cleanUp, until } from './kafka';
import { impatient, type ServiceSetting, testService, type TestService } from './once';

/** The streams that are read of every company here. */
export const readStreams = ['clients', 'invoices'] as const;

/** What the log says of a sweep that has read its list to the end. */
export const SWEEP_ENDS = ['caught up', 'sweep complete', 'sweep finished, not complete'] as const;

/** One line of the log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** How a run ended. */
export interface RunEnd {
  readonly code: number;
  readonly stderr: string;
  /** From the signal to the end. */
  readonly tookMs: number;
}

/** A `run` under way in this process. */
export interface Running {
  /** The log so far. */
  readonly logs: readonly LogLine[];
  /** What a person sees at the level `info`, as `message`, or `entity stream message: reason` where a line has those; without what is said of the configuration. */
  told(): string[];
  /** How many lines say this, of this entity if one is named. */
  count(message: string, entity?: string): number;
  /** Waits until the log says this once more than `before` times. */
  says(
    message: string,
    how?: { readonly entity?: string; readonly before?: number; readonly withinMs?: number },
  ): Promise<void>;
  /** Waits until every stream of these entities has gone through a sweep that was begun after this call. */
  sweeps(...entities: readonly string[]): Promise<void>;
  /** Sends the stop signal and waits for the end. */
  stop(): Promise<RunEnd>;
  /** Resolves when it ends, by a stop or by itself. */
  readonly ended: Promise<RunEnd>;
}

export interface RunSetting {
  readonly patience?: Partial<Patience>;
  readonly outside?: Partial<Pick<ServiceOptions, 'now' | 'socketFactory'>>;
  /** How the process calls itself. */
  readonly replica?: string;
}

/** Starts `run` with short waits; it is stopped after the test at the latest. */
export function startRun(
  service: TestService,
  { patience = {}, outside = {}, replica = 'here' }: RunSetting = {},
): Running {
  const stop = new AbortController();
  let stderr = '';
  let stoppedAt = 0;
  const logs: LogLine[] = [];
  /** Lines so far, by message, by message and entity, and by message, entity and stream: thousands a second may come. */
  const counts = new Map<string, number>();
  const note = (line: LogLine): void => {
    logs.push(line);
    const [message, entity, stream] = [line['msg'], line['entity'], line['stream']].map((part) =>
      typeof part === 'string' ? part : '',
    );
    for (const name of new Set([`${message} `, `${message} ${entity}`, `${message} ${entity} ${stream}`]))
      counts.set(name, (counts.get(name) ?? 0) + 1);
  };
  const io: Io = {
    stdout: () => undefined,
    stderr: (text) => {
      stderr += text;
      for (const line of text.split('\n')) if (line.startsWith('{')) note(JSON.parse(line) as LogLine);
    },
    columns: null,
    env: {},
    stop: stop.signal,
    version: '0.0.0-test',
    replica,
  };
  const ended = runCommand({ ...impatient, ...patience }, outside)(service.options, io)
    .catch((error: unknown) => {
      const code = exitCodeFor(error);
      io.stderr(
        `${error instanceof Error ? ((code === 1 ? error.stack : undefined) ?? error.message) : String(error)}\n`,
      );
      return code;
    })
    .then((code): RunEnd => ({ code, stderr, tookMs: Date.now() - stoppedAt }));
  let over: RunEnd | null = null;
  void ended.then((end) => (over = end));
  const halt = (): Promise<RunEnd> => {
    stoppedAt = Date.now();
    stop.abort('SIGTERM');
    return ended;
  };
  cleanUp(halt);

  const count = (message: string, entity?: string): number => counts.get(`${message} ${entity ?? ''}`) ?? 0;
  const untilLogged = async (condition: () => boolean, what: string, withinMs = 60_000): Promise<void> => {
    const outcome = await until(() => (condition() ? 'yes' : over !== null && 'over'), { what, withinMs }).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}; its log ends with ${stderr.slice(-3_000)}`, { cause: error });
      },
    );
    if (outcome === 'over' && !condition())
      throw new Error(`Waiting for ${what}: the run ended: ${stderr.slice(-3_000)}`);
  };
  const sweepsOf = (entity: string, stream: string): number =>
    SWEEP_ENDS.reduce((sum, message) => sum + (counts.get(`${message} ${entity} ${stream}`) ?? 0), 0);
  return {
    logs,
    told: () => logs.filter(({ level, msg }) => level !== 'debug' && !OF_THE_SETTING.has(String(msg))).map(toldOf),
    count,
    says: (message, { entity, before = 0, withinMs } = {}) =>
      untilLogged(() => count(message, entity) > before, `"${message}" of ${entity ?? 'anyone'}`, withinMs),
    async sweeps(...entities) {
      const streams = entities.flatMap((entity) =>
        readStreams.map((stream) => ({ entity, stream, before: sweepsOf(entity, stream) })),
      );
      // The next sweep to be complete may have been begun before.
      const done = (): boolean => streams.every(({ entity, stream, before }) => sweepsOf(entity, stream) >= before + 2);
      await untilLogged(done, `two sweeps of ${entities.join(', ')}`, 300_000);
    },
    stop: halt,
    ended,
  };
}

/** What is said of how this service is set up and what the simulator always shows, whatever happens in a run. */
const OF_THE_SETTING: ReadonlySet<string> = new Set(['configuration', 'the API differs from what is documented']);

function toldOf({ msg, entity, stream, reason }: LogLine): string {
  const place = [entity, stream].filter((part) => typeof part === 'string');
  return [...place, typeof reason === 'string' ? `${String(msg)}: ${reason}` : String(msg)].join(' ');
}

/** Companies in a simulator, and a service that reads them all. */
export interface Scene {
  readonly simulator: Simulator;
  readonly service: TestService;
  /** Entities; the API key of each is `key-` and its name. */
  readonly names: readonly string[];
  /** How often a row is to be found, by `entity stream id`, where not once. */
  readonly times: Map<string, number>;
  readonly bootstrap: string;
}

export interface SceneSetting {
  /** Sections of the service file. */
  readonly service?: ServiceSetting['service'];
  /** Another cluster than that of the tests. */
  readonly bootstrap?: string;
}

/** Starts a simulator with 3 clients and 120 invoices of each company; the same names make the same rows. */
export function simulate(names: readonly string[], port = 0): Promise<Simulator> {
  return startSimulator({
    port,
    entities: names.map((name, seed) => ({
      key: keyOf(name),
      name,
      nip: '1111111111',
      clients: 3,
      invoices: 120,
      seed,
    })),
  });
}

/** Companies, and a service that goes through them in quick succession and logs every sweep; both are gone after the test. */
export async function companies(
  names: readonly string[],
  { service = {}, bootstrap = brokers().join(',') }: SceneSetting = {},
): Promise<Scene> {
  const simulator = await simulate(names);
  cleanUp(() => simulator.stop());
  const sections = {
    ...service,
    kafka: { brokers: bootstrap.split(','), ...service['kafka'] },
    schedule: { sweepSeconds: 1 },
    log: { level: 'debug' },
  };
  const entities = Object.fromEntries(names.map((name) => [name, { api_key: keyOf(name), streams: readStreams }]));
  return {
    simulator,
    names,
    times: new Map(),
    bootstrap,
    service: testService({ url: simulator.url, entities, service: sections }),
  };
}

/** The same service once more, as another replica that answers on a port of its own. */
export function onPort({ service, simulator, names }: Scene, port: number): void {
  service.configure({
    url: simulator.url,
    entities: Object.fromEntries(names.map((name) => [name, { api_key: keyOf(name), streams: readStreams }])),
    service: { http: { port }, schedule: { sweepSeconds: 1 }, log: { level: 'debug' } },
  });
}

/** Edits an invoice of an entity, of which one more record is to come then. */
export function edit({ simulator: { admin }, times }: Scene, entity: string, index: number): void {
  const id = admin.truth()[keyOf(entity)]?.invoices.ids[index] ?? 0;
  const place = `${entity} invoices ${id}`;
  const versions = (times.get(place) ?? 1) + 1;
  times.set(place, versions);
  admin.edit(keyOf(entity), 'invoices', id, { notes: `version ${versions}` });
}

/**
 * The closing table, as Kafka's own Java client reads it: every row of the API is in its topic as often as it changed, and its newest record
 * says what the API says (I1, I2).
 */
export async function expectAgreement({ service, simulator, names, times, bootstrap }: Scene): Promise<void> {
  const topics = readStreams.map((stream) => service.topic(stream));
  const decodeKey = createSingleObjectDecoder();
  const found: Record<string, { times: number; newest: string | null }> = {};
  for (const { topic, key, headers } of await readCommitted(bootstrap, topics)) {
    const { entity, id } = decodeKey(key ?? Buffer.alloc(0)) as { entity: string; id: number };
    const place = `${entity} ${topic.slice(service.prefix.length + 1)} ${id}`;
    found[place] = { times: (found[place]?.times ?? 0) + 1, newest: headers['fingerprint'] ?? null };
  }
  const expected: typeof found = {};
  const truth = simulator.admin.truth();
  for (const stream of readStreams) {
    const { schema, volatileFields } = stream === 'clients' ? clients : invoices;
    const fingerprint = createFingerprint({ schemaText: loadSchema(schema), volatileFields });
    const out = new Uint32Array(2);
    for (const entity of names) {
      for (const id of truth[keyOf(entity)]?.[stream].ids ?? []) {
        const place = `${entity} ${stream} ${id}`;
        fingerprint(simulator.admin.row(keyOf(entity), stream, id) as Row, out);
        expected[place] = { times: times.get(place) ?? 1, newest: fingerprintHex(out[0] ?? 0, out[1] ?? 0) };
      }
    }
  }
  expect(found).toEqual(expected);
}

export function keyOf(name: string): string {
  return `key-${name}`;
}
