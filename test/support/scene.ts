import { setImmediate as turn } from 'node:timers/promises';
import { from, mergeMap, retry, throwError } from 'rxjs';

import { TransientError } from '../../src/errors';
import type { Row, StreamDeclaration } from '../../src/model';
import type { Progress } from '../../src/reading/progress';
import { readShard } from '../../src/reading/read-shard';
import type { Reader, Rhythm, ShardReadingOptions } from '../../src/reading/stream-reading';
import { createShard } from '../../src/shard/shard';
import type { ShardOptions } from '../../src/shard/shard-options';
import { createTurns } from '../../src/turns';
import { whenAborted } from '../../src/operators/when-aborted';
import {
  createMarks,
  createMemoryKafka,
  createMemoryRest,
  type DetailAnswer,
  type DetailRequest,
  idOf,
  itemStream,
  type ListRequest,
  type MemoryKafka,
  type MemoryKafkaOptions,
  type MemoryRestOptions,
  memoryShard,
} from './memory';

const LIMIT = 4;

/** Sweeps so often, and the other scans once. */
export function sweepsEvery(everyMs: number): Rhythm {
  const rarely = 3_600_000;
  return {
    guarantees: () => ({ newest: rarely, open: rarely, recent: rarely, sweep: everyMs }),
    recentDays: 45,
  };
}

/** What surrounds the processes of a scene. */
export interface Setting {
  /** Rows by entity and stream. */
  readonly rows: Readonly<Record<string, Readonly<Record<string, readonly Row[]>>>>;
  readonly streams?: readonly StreamDeclaration[];
  /** What is told of the rows of these beside them, of each entity. */
  readonly besides?: readonly StreamDeclaration[];
  readonly kafka?: MemoryKafkaOptions;
  readonly before?: (request: ListRequest, asked: number) => void | Promise<void>;
  readonly beforeDetail?: (request: DetailRequest, asked: number) => DetailAnswer | Promise<DetailAnswer>;
  readonly falsify?: MemoryRestOptions['falsify'];
  readonly leave?: MemoryRestOptions['leave'];
  readonly heeds?: MemoryRestOptions['heeds'];
  readonly raw?: MemoryRestOptions['raw'];
  readonly account?: MemoryRestOptions['account'];
  /** As `account`, where entities differ. */
  readonly accountOf?: (entity: string) => ReturnType<NonNullable<MemoryRestOptions['account']>>;
}

/** One process of the service, reading the shard. */
export interface Running {
  readonly told: readonly Progress[];
  /** What was told of one kind, as `entity stream`. */
  readonly of: (kind: Progress['kind']) => string[];
  /** Null when it completed, else the error. */
  readonly ended: Promise<unknown>;
  readonly stop: () => void;
  /** Ends it as a crash does. */
  readonly kill: () => void;
}

export interface Scene {
  readonly kafka: MemoryKafka;
  /** Every request for a list, by all processes. */
  readonly asked: readonly ListRequest[];
  /** Every request for a single row, by all processes. */
  readonly askedAlone: readonly DetailRequest[];
  readonly start: (
    options?: Partial<
      Pick<
        ShardReadingOptions,
        'rhythm' | 'parkMs' | 'limit' | 'credits' | 'open' | 'now' | 'newId' | 'hints' | 'ksef' | 'dictionaries'
      >
    > &
      Partial<Pick<Reader, 'nip' | 'startDate' | 'endDate' | 'deletions'>> &
      Partial<Pick<ShardOptions, 'idleCommitMs' | 'absentForMs'>> & { readonly accepted?: readonly number[] },
  ) => Running;
}

const living = new Set<() => void>();
afterEach(() => {
  for (const kill of living) kill();
  living.clear();
});

/** One shard, its API and its Kafka, and any number of processes that read it. */
export function scene({
  rows,
  streams,
  besides = [],
  kafka: kafkaOptions = {},
  before = () => undefined,
  beforeDetail = () => undefined,
  falsify,
  leave,
  heeds,
  raw,
  account,
  accountOf,
}: Setting): Scene {
  const kafka = createMemoryKafka({ pause: () => turn(), ...kafkaOptions });
  const asked: ListRequest[] = [];
  const askedAlone: DetailRequest[] = [];
  const declarations = streams ?? [itemStream('items'), itemStream('things')];
  const streamsOf = (entity: string): StreamDeclaration[] =>
    declarations.filter(({ name }) => rows[entity]?.[name] !== undefined);
  const entities = Object.keys(rows);

  const start: Scene['start'] = ({
    nip = null,
    startDate = 'all',
    endDate = null,
    deletions = { maxShare: 0, confirm: null },
    idleCommitMs = 10_000,
    absentForMs = 0,
    now = Date.now,
    accepted = [],
    ...options
  } = {}) => {
    const stop = new AbortController();
    const marks = createMarks();
    const shard = createShard(
      memoryShard(
        kafka,
        entities.flatMap((entity) =>
          [...streamsOf(entity), ...besides].map((declaration) => ({ entity, declaration })),
        ),
        { idleCommitMs, absentForMs, now, accepted },
      ),
    );
    const told: Progress[] = [];
    let kill: () => void = () => undefined;
    const ended = new Promise<unknown>((resolve) => {
      const subscription = readShard({
        open: () => shard.open(),
        readers: entities.map((entity) => ({
          entity,
          nip,
          startDate,
          endDate,
          deletions,
          streams: streamsOf(entity),
          rest: createMemoryRest({
            entity,
            rows: (stream) => rows[entity]?.[stream] ?? [],
            marks,
            pause: () => turn(),
            before: (request) => {
              asked.push(request);
              return before(request, asked.length);
            },
            beforeDetail: (request) => {
              askedAlone.push(request);
              return beforeDetail(request, askedAlone.length);
            },
            ...(falsify === undefined ? {} : { falsify }),
            ...(leave === undefined ? {} : { leave }),
            ...(heeds === undefined ? {} : { heeds }),
            ...(raw === undefined ? {} : { raw }),
            ...(account === undefined ? {} : { account }),
            ...(accountOf === undefined ? {} : { account: () => accountOf(entity) }),
          }),
        })),
        rhythm: null,
        ksef: null,
        newId: () => 'hold',
        twins: { check: () => undefined, identified: () => undefined },
        parkMs: () => 1,
        limit: LIMIT,
        credits: 4,
        requestOrder: marks,
        turn: createTurns(),
        now,
        stop: stop.signal,
        stopping: whenAborted(stop.signal),
        ...options,
      })
        .pipe(
          retry({
            delay: (error: unknown) =>
              error instanceof TransientError
                ? from(turn()).pipe(mergeMap(() => from(turn())))
                : throwError(() => error),
          }),
        )
        .subscribe({ next: (progress) => told.push(progress), complete: () => resolve(null), error: resolve });
      kill = () => {
        subscription.unsubscribe();
        resolve('killed');
      };
      // What a failed test leaves behind would run for ever.
      living.add(kill);
    });
    return {
      told,
      of: (kind) =>
        told
          .filter((progress) => progress.kind === kind)
          .map(({ entity, stream }) => (stream === null ? entity : `${entity} ${stream}`)),
      ended,
      stop: () => stop.abort(),
      kill,
    };
  };
  return { kafka, asked, askedAlone, start };
}

/** Rows with the ids from 1 on. */
export function items(count: number, content = 'first'): Row[] {
  return Array.from({ length: count }, (_, index) => ({ id: index + 1, content: `${content} ${index + 1}` }));
}

/** Far more than a busy machine takes, and less than a test may. */
const GIVES_UP_AFTER_MS = 120_000;

/** Turns of the event loop, until it is so. */
export async function when(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + GIVES_UP_AFTER_MS;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`gave up waiting for ${condition.toString()}`);
    await turn();
  }
}

/** Long enough for anything that could still happen without a timer. */
export async function quiet(): Promise<void> {
  for (let n = 0; n < 100; n++) await turn();
}

/** Ids of the records of a topic, in order. */
export function idsOn({ kafka }: Scene, topic: string): number[] {
  return kafka.records.filter((record) => record.topic === topic).map((record) => idOf(record));
}

/** The ids from 1 on. */
export function upTo(count: number): number[] {
  return items(count).map(({ id }) => id);
}
