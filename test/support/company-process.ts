import { from, mergeMap } from 'rxjs';

import { TransientError } from '../../src/errors';
import type { Row } from '../../src/model';
import { createCodecs } from '../../src/service/codecs';
import { createShard } from '../../src/shard/shard';
import type { ShardOptions } from '../../src/shard/shard-options';
import { singleObject } from '../../src/sinks/framing';
import type { Topic, Topics } from '../../src/sinks/topics';
import { usualStreams } from '../../src/sources/streams/all-streams';
import type { VirtualTime } from '../../tools/bench/virtual/time';
import { type Companies, type CompanyStory, type Delays, REFUSED, type Trouble } from './company-story';
import { type Entry, type StateRecord, type Transaction, transactionOf } from './digests';
import {
  createMarks,
  createMemoryKafka,
  createMemoryRest,
  DEAD_LETTERS,
  holdIn,
  ledgerIn,
  type MemoryKafka,
  memoryShard,
  STATE_TOPIC,
  ENTITIES,
  SWEEPS,
  topicOf,
} from './memory';
import { startProcess, type Ending, type StartedProcess } from './process';
import { hasty } from './world';

// All that the stories of companies and the recorded state topic need of the program's inside: they import nothing else of it.

/** The streams that are read of each company. */
export const STREAMS: Readonly<Record<string, readonly string[]>> = {
  alfa: ['clients', 'invoices', 'corrective-invoices'],
  beta: ['clients', 'invoices'],
};
/** `alfa` has a scope, `beta` has none. */
const START_DATES: Readonly<Record<string, string>> = { alfa: '2025-01-01', beta: 'all' };

/** Kafka and the API as they are reached, with what fails there. */
export class Network {
  private trouble: Trouble | null = null;
  private steps = 0;
  private transactions = 0;
  private requests = 0;
  readonly kafka: MemoryKafka;

  constructor(
    private readonly delays: Delays,
    onBatch: (batch: Transaction) => void,
    stored: readonly StateRecord[] = [],
  ) {
    this.kafka = createMemoryKafka({
      stored: stored.map(({ key, value }) => ({ key, value: value === null ? null : Buffer.from(value, 'base64') })),
      pause: () => this.pause(),
      onBatch: (batch) => onBatch(transactionOf(batch)),
      fate: ({ records }) => {
        if (records.some(({ topic, value }) => topic !== DEAD_LETTERS && value?.includes(REFUSED) === true))
          return 'refused';
        return this.trouble?.transactions[this.transactions++] ?? 'committed';
      },
    });
  }

  /** From now on this is the trouble; null = there is none. */
  meet(trouble: Trouble | null): void {
    this.trouble = trouble;
    this.transactions = 0;
    this.requests = 0;
  }

  async pause(): Promise<void> {
    const { stepsMs } = this.delays;
    const ms = stepsMs[this.steps++ % stepsMs.length] ?? 0;
    if (ms > 0) await sleep(ms);
  }

  asked(): void {
    if (this.trouble?.requests[this.requests++] === true) throw new TransientError('the API is down');
  }
}

/** What a process meets. */
export interface Surroundings {
  readonly companies: Companies;
  readonly network: Network;
  readonly time: VirtualTime;
  readonly story: CompanyStory;
  readonly delays: Delays;
}

/** How a process runs and ends. */
export interface CompanyProcess {
  readonly sideBySide: boolean;
  readonly ending: Ending | null;
  /** The holds that a person agrees to, by entity. */
  readonly confirm: ReadonlyMap<string, string>;
}

/** Starts a process that reads the companies. */
export function startCompanyProcess(
  { companies, network, time, story, delays }: Surroundings,
  { sideBySide, ending, confirm }: CompanyProcess,
): StartedProcess {
  const { kafka } = network;
  const marks = createMarks();
  let holds = 0;
  return startProcess({
    ending,
    lists: entitiesOf(companies).flatMap(({ entity, streams }) => streams.map(({ name }) => `${entity} ${name}`)),
    sideBySide: sideBySide ? { rhythm: hasty, sweeps: 2 } : null,
    pauses: [() => sleep(5)],
    reopening: () => from(sleep(1)).pipe(mergeMap(() => sleep(1))),
    shard: () => companyShard(kafka, time.now, delays.idleCommitMs),
    readers: (step) =>
      entitiesOf(companies).map(({ entity, streams, startDate }) => ({
        entity,
        nip: null,
        startDate,
        endDate: null,
        deletions: { maxShare: story.maxShare, confirm: confirm.get(entity) ?? null },
        streams,
        rest: createMemoryRest({
          entity,
          rows: (stream) => companies.rows(entity, listOf(stream)).map(asRow),
          marks,
          pause: () => network.pause(),
          before: async () => {
            await step();
            network.asked();
          },
          beforeDetail: async () => {
            await step();
            network.asked();
            return undefined;
          },
          alone: (row, stream) => asRow(companies.detail(entity, listOf(stream), row.id) ?? row),
        }),
      })),
    reading: {
      newId: () => `hold ${time.now()} ${(holds += 1)}`,
      parkMs: () => 1,
      limit: story.limit,
      credits: delays.credits,
      requestOrder: marks,
      now: time.now,
    },
  });
}

const topic = (name: string, partitions: number): Topic => ({ name, partitions, maxMessageBytes: 1_000_000 });
const names = usualStreams.flatMap(({ name, projection }) => (projection === null ? [name] : [name, projection.name]));
const topics: Topics = {
  data: new Map(names.map((name) => [name, topic(topicOf(name), 3)])),
  deadLetters: topic(DEAD_LETTERS, 1),
  sweeps: topic(SWEEPS, 1),
  entities: topic(ENTITIES, 1),
  state: topic(STATE_TOPIC, 1),
  status: topic('infakt.status', 1),
  highWatermarks: new Map(),
  warnings: [],
};
/** Lines are published of invoices and not of corrections. */
const codecs = createCodecs({ volatileFields: [], projections: ['invoice-lines'] }, topics, singleObject);
const streams: ShardOptions['streams'] = entitiesOf({ names: Object.keys(STREAMS) }).flatMap((of) =>
  of.streams.map((declaration) => ({ entity: of.entity, codec: codecs.streamCodec(declaration) })),
);

/** The shard of both companies, with the codecs of the service, its Kafka in memory. */
function companyShard(kafka: MemoryKafka, now: () => number, idleCommitMs: number): ShardOptions {
  const { encodeBlock, decodeBlock, layout, sweeps: sweeps } = codecs;
  return { ...memoryShard(kafka, [], { now, idleCommitMs }), streams, sweeps, encodeBlock, decodeBlock, layout };
}

/** The companies as the service reads them. */
function entitiesOf({ names }: Pick<Companies, 'names'>) {
  return names.map((entity) => ({
    entity,
    streams: usualStreams.filter(({ name }) => (STREAMS[entity] ?? []).includes(name)),
    startDate: START_DATES[entity] ?? null,
  }));
}

/** The API's name of the list of a stream. */
export function listOf(stream: string): string {
  return stream.replace('-', '_');
}

function asRow(row: Readonly<Record<string, unknown>>): Row {
  return { ...row, id: Number(row['id']) };
}

/** The newest hold of each entity that has one. */
export function holdsOf(kafka: MemoryKafka): Map<string, string> {
  return new Map(
    Object.entries(STREAMS).flatMap(([entity, streams]) =>
      streams.flatMap((stream): [string, string][] => {
        const hold = holdIn(kafka, { entity, stream });
        return hold === null ? [] : [[entity, hold.id]];
      }),
    ),
  );
}

/** Waits in virtual time. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What a shard knows once it has read a state topic. */
export interface Restored {
  readonly accounts: Readonly<Record<string, unknown>>;
  /** By entity, stream and scan. */
  readonly cursors: Readonly<Record<string, unknown>>;
  /** By entity and stream. */
  readonly holds: Readonly<Record<string, unknown>>;
  readonly entries: Readonly<Record<string, readonly Entry[]>>;
  /** Rows that each list should have now, those without an id included. */
  readonly live: Readonly<Record<string, number>>;
}

/** Opens the shard of the companies over a state topic as it was left. */
export async function restore({ kafka }: Network, now: () => number): Promise<Restored> {
  const session = await createShard(companyShard(kafka, now, 1)).open();
  const lists = Object.entries(STREAMS).flatMap(([entity, names]) => names.map((stream) => ({ entity, stream })));
  const byList = <T>(of: (entity: string, stream: string) => T): Record<string, T> =>
    Object.fromEntries(lists.map(({ entity, stream }) => [`${entity} ${stream}`, of(entity, stream)]));
  const scans = ['sweep', 'newest', 'open', 'recent'] as const;
  const cursors = lists.flatMap(({ entity, stream }) =>
    scans.map((scan) => [`${entity} ${stream} ${scan}`, session.stream(entity, stream).cursor(scan)] as const),
  );
  const restored = {
    accounts: Object.fromEntries(Object.keys(STREAMS).map((entity) => [entity, session.account(entity)])),
    cursors: Object.fromEntries(cursors.filter(([, cursor]) => cursor !== null)),
    holds: byList((entity, stream) => session.stream(entity, stream).hold()),
    entries: byList((entity, stream) => {
      const ledger = ledgerIn(kafka, entity, stream);
      return ledger.ids(null, null).flatMap((id) => ledger.entry(id) ?? []);
    }),
    live: byList((entity, stream) => session.stream(entity, stream).live()),
  };
  await session.close();
  return restored;
}
