import { setTimeout as delay } from 'node:timers/promises';

import type { HistoryEntry } from '../../simulator/life';
import { usualStreams } from '../../src/sources/streams/all-streams';
import { createSingleObjectDecoder } from '../../src/sinks/avro';
import { createKafka } from '../../src/sinks/client';
import { readCommitted } from '../../src/sinks/look';
import { configureService, keyOf, startSimulatorProcess, type SimulatorProcess } from './children';
import { createTally, delayCells, type Change, type Delays, type KindOfChange, type Observed } from './delays';
import { defaultRhythm, play, tenCompanies } from './freshness';
import { openBroker, type Broker } from './kafka';
import { sweepOf } from './log';
import { fixed, surroundings, table } from './tables';

/** How long to look. */
export interface LiveOptions {
  readonly minutes: number;
}

const REQUESTS_PER_MINUTE = 300;
const SWEEP_SECONDS = 600;
const LATENCY_MS = 150;
/** The simulator's history does not tell edits apart. */
const shownKinds: Readonly<Record<string, readonly KindOfChange[]>> = {
  'new invoice': ['new invoice'],
  'new correction': ['new correction'],
  'new client': ['new client'],
  paid: ['paid'],
  edited: ['edited, unpaid', 'edited, recent', 'edited, old', 'edited client'],
};

/** The same companies in real time, with HTTP and a broker, and in virtual time; returns the markdown to print. */
export async function live({ minutes }: LiveOptions, say: (text: string) => void): Promise<string> {
  const before = surroundings();
  say('starting the broker and the simulator');
  const broker = await openBroker();
  const { companies, rates } = tenCompanies;
  try {
    const simulator = await startSimulatorProcess(companies, REQUESTS_PER_MINUTE);
    try {
      await admin(simulator, 'faults', 'POST', { times: 'Infinity', action: { delay: LATENCY_MS } });
      const real = await measure(broker, simulator, minutes, say);
      say('the same in virtual time');
      const quiet = { trouble: null, killEveryMinutes: null, maxShare: 0.01 };
      const virtual = await play({ ...quiet, companies, rates, hours: minutes / 60, rhythm: defaultRhythm() });
      const cellsOf = (delays: ReadonlyMap<KindOfChange, Delays>, kinds: readonly KindOfChange[]): string[] => {
        const all = kinds.flatMap((kind) => delays.get(kind) ?? []);
        const [count = '', p50 = '', p95 = '', longest = ''] = delayCells({
          seenAfterMs: all.flatMap(({ seenAfterMs }) => seenAfterMs),
          waitingMs: [],
        });
        return [count, `${p50} / ${p95} / ${longest}`];
      };
      return [
        before,
        `### ${companies.length} companies in real time, ${fixed(minutes)} minutes, and the same in virtual time\n`,
        table([
          ['delay: p50 / p95 / longest', 'changes', 'real', 'changes', 'virtual'],
          ...Object.entries(shownKinds).map(([name, kinds]) => [
            name,
            ...cellsOf(real.delays, kinds),
            ...cellsOf(virtual.delays, kinds),
          ]),
        ]),
        table([
          ['', 'real', 'virtual'],
          ['requests a minute', fixed(real.total / minutes, 1), fixed(virtual.requests.total / virtual.minutes, 1)],
          ['answers 429', fixed(real.refused), fixed(virtual.requests.refused)],
          ['most requests in any 60 s', fixed(real.mostPerMinute), fixed(virtual.requests.mostPerMinute)],
        ]),
      ].join('\n');
    } finally {
      await simulator.stop();
    }
  } finally {
    await broker.stop();
  }
}

async function measure(broker: Broker, simulator: SimulatorProcess, minutes: number, say: (text: string) => void) {
  const { companies, rates } = tenCompanies;
  const service = configureService({
    prefix: `bench-${process.pid}`,
    url: simulator.url,
    brokers: broker.brokers,
    companies,
    streams: usualStreams.map(({ name }) => name),
    requestsPerMinute: REQUESTS_PER_MINUTE,
    sweepSeconds: SWEEP_SECONDS,
  });
  const stop = new AbortController();
  try {
    const behind = new Set(companies.flatMap(({ id }) => usualStreams.map(({ name }) => `${id} ${name}`)));
    const child = service.start(['run'], {
      env: { LOG_LEVEL: 'debug' },
      onLine(line) {
        const sweep = sweepOf(line);
        if (sweep !== null) behind.delete(`${sweep.entity} ${sweep.stream}`);
      },
    });
    while (behind.size > 0) await delay(1_000);
    say('everything was read once');
    const observed: Observed[] = [];
    const reading = follow(broker, service.prefix, stop.signal, observed);
    // Until the consumers have what is there already.
    await delay(20_000);
    observed.length = 0;
    await simulator.resetStats();
    const since = Date.now();
    await admin(simulator, 'life', 'PUT', rates);
    for (let minute = 1; minute <= minutes; minute += 1) {
      await delay(since + minute * 60_000 - Date.now());
      say(`minute ${minute} of ${minutes}: ${observed.length} records`);
    }
    const { total, byStatus, mostPerMinute } = await simulator.stats();
    const entries = (await admin(simulator, `history?since=${since}`, 'GET')) as readonly HistoryEntry[];
    const nowMs = Date.now();
    stop.abort();
    await reading;
    child.kill('SIGTERM');
    await child.ended;
    const delays = delaysOf(entries, observed, nowMs);
    return { delays, total, mostPerMinute, refused: byStatus['429'] ?? 0 };
  } finally {
    stop.abort();
    service.remove();
    await broker.deleteTopics(service.prefix);
  }
}

async function admin(simulator: SimulatorProcess, path: string, method: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${simulator.url}/__admin/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as unknown;
}

/** Reads the topics as a consumer does, until stopped. */
async function follow(broker: Broker, prefix: string, stop: AbortSignal, observed: Observed[]): Promise<void> {
  const { brokers } = broker;
  const kafka = createKafka({ clientId: 'bench', brokers, ssl: null, sasl: null }, () => undefined);
  const decode = createSingleObjectDecoder();
  await Promise.all(
    usualStreams.map(({ name: stream }) =>
      readCommitted(
        kafka,
        { serviceId: prefix, topic: `${prefix}.${stream}`, follow: true, stop, deadlineMs: 60_000 },
        ({ key, value, headers }) => {
          const { id } = Object(key === null ? {} : decode(key)) as { readonly id?: unknown };
          const observedMs = Date.parse(headers['observed_at'] ?? '');
          observed.push({
            atMs: Date.now(),
            entity: headers['entity'] ?? '',
            stream,
            id: Number(id),
            shows: ({ atMs }) => observedMs >= atMs,
            tombstone: value === null,
          });
          return false;
        },
      ),
    ),
  );
}

function delaysOf(
  entries: readonly HistoryEntry[],
  observed: readonly Observed[],
  nowMs: number,
): ReadonlyMap<KindOfChange, Delays> {
  const tally = createTally();
  const entityOf = new Map(tenCompanies.companies.map((company) => [keyOf(company), company.id]));
  const changes = entries.map(({ time, entity, stream, id, kind }, number): Change => {
    const place = { entity: entityOf.get(entity) ?? '', stream: stream.replace('_', '-'), id };
    return { number, atMs: time, ...place, kind: kindOf(kind, stream) };
  });
  const events = [
    ...changes.map((change) => ({ atMs: change.atMs, tell: () => tally.changed(change) })),
    ...observed.map((record) => ({ atMs: record.atMs, tell: () => tally.observed(record) })),
  ];
  for (const { tell } of events.toSorted((one, other) => one.atMs - other.atMs)) tell();
  return tally.delays(nowMs);
}

function kindOf(kind: HistoryEntry['kind'], stream: HistoryEntry['stream']): KindOfChange {
  if (kind === 'remove') return 'deleted';
  if (stream === 'clients') return kind === 'add' ? 'new client' : 'edited client';
  if (kind === 'add') return stream === 'invoices' ? 'new invoice' : 'new correction';
  return kind === 'pay' ? 'paid' : 'edited, old';
}
