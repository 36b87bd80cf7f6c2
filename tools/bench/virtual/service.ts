import { ReplaySubject } from 'rxjs';

import { createBudget } from '../../../src/sources/budget';
import { daysOf } from '../../../src/changes/kinds';
import { NO_DATE, type Fingerprint } from '../../../src/changes/ledger';
import type { EntityId, LedgerBlock, StreamDeclaration } from '../../../src/model';
import { runShard, type Rhythm } from '../../../src/reading/read-shard';
import type { Progress } from '../../../src/reading/stream-reading';
import type { StreamCodec } from '../../../src/changes/records';
import { createMarks } from '../../../src/service/serve';
import { createShard } from '../../../src/shard/shard';
import type { ShardOptions } from '../../../src/shard/shard-options';
import { createEncoder, loadSchema } from '../../../src/sinks/avro';
import type { OutgoingRecord, Writer } from '../../../src/sinks/transaction';
import { partitionOf } from '../../../src/sinks/partition';
import type { StoredRecord } from '../../../src/sinks/transaction';
import { TransientError } from '../../../src/errors';
import type { VirtualApi } from './api';
import type { VirtualTime } from './time';

/** A record as a consumer of the virtual service gets it. */
export interface VirtualRecord {
  readonly entity: string;
  readonly stream: string;
  readonly id: number;
  /** Number of the last change of the row that it shows; null = a tombstone. */
  readonly change: number | null;
}

/** The partitions of a state topic, compacted at once; they outlive what writes to them. */
export interface VirtualKafka {
  readonly partition: (number: number) => Pick<ShardOptions, 'openWriter' | 'read' | 'newSessionId'>;
}

const SERVICE = 'bench';
const STATE_TOPIC = 'bench.state';
const LAPS_TOPIC = 'bench.sweeps';
const STATE_PARTITIONS = 12;
const PAGE_ROWS = 100;
const CREDITS = 20;
const IDLE_COMMIT_MS = 10_000;
/** From the first send of a transaction to its commit. */
const COMMIT_MS = 20;

/** Kafka without a broker: a transaction takes 20 ms and always stands, unless a newer writer was there first. */
export function createVirtualKafka(onRecords: (records: readonly OutgoingRecord[]) => void): VirtualKafka {
  const partitions = new Map<number, ReturnType<typeof createPartition>>();
  return {
    partition(number) {
      const partition = partitions.get(number) ?? createPartition(number, onRecords);
      partitions.set(number, partition);
      return partition;
    },
  };
}

function createPartition(number: number, onRecords: (records: readonly OutgoingRecord[]) => void) {
  const state = new Map<string, StoredRecord>();
  let newest = 0;
  let end = 0;
  let sessions = 0;
  const writerOf = (epoch: number): Writer => ({
    commit: (batch) =>
      new Promise((resolve) => {
        setTimeout(() => {
          if (epoch !== newest) {
            resolve({ kind: 'fenced', error: new TransientError('bench: a newer writer exists') });
            return;
          }
          for (const { key, value } of batch.state) {
            state.delete(key);
            state.set(key, { key, value: value === null ? null : Buffer.from(value), offset: end });
            end += 1;
          }
          // The record that ends the transaction.
          end += 1;
          onRecords(batch.records.filter(({ topic }) => topic !== LAPS_TOPIC));
          resolve({ kind: 'committed', lastOffsets: new Map([[STATE_TOPIC, new Map([[number, end - 2]])]]) });
        }, COMMIT_MS);
      }),
    close: () => Promise.resolve(),
  });
  return {
    newSessionId: () => `session ${(sessions += 1)}`,
    openWriter: () => {
      newest += 1;
      return Promise.resolve(writerOf(newest));
    },
    read: (from: number, each: (record: StoredRecord) => boolean) => {
      for (const record of [...state.values()]) if (record.offset >= from && each(record)) break;
      return Promise.resolve();
    },
  };
}

export interface VirtualServiceOptions {
  readonly time: VirtualTime;
  readonly api: VirtualApi;
  readonly kafka: VirtualKafka;
  readonly entities: readonly EntityId[];
  readonly streams: readonly StreamDeclaration[];
  readonly requestsPerMinute: number;
  readonly rhythm: Rhythm;
  readonly maxShare: number;
  readonly onProgress: (progress: Progress) => void;
}

/** One process of the service: budget, schedule, pipeline, scans, ledger and commits are the real ones. */
export interface VirtualService {
  /** Ends it as a crash does. */
  readonly kill: () => void;
  /** What ended it by itself; null while it runs. */
  readonly failure: () => unknown;
}

/** Starts a process. */
export function startVirtualService(options: VirtualServiceOptions): VirtualService {
  const { time, api, entities, streams, requestsPerMinute, rhythm, maxShare, onProgress } = options;
  const budget = createBudget({ requestsPerMinute, clock: time.clock });
  const marks = createMarks();
  const shards = new Map<number, EntityId[]>();
  for (const entity of entities) {
    const number = partitionOf(entity, STATE_PARTITIONS);
    shards.set(number, [...(shards.get(number) ?? []), entity]);
  }
  let failure: unknown = null;
  const running = [...shards].map(([number, its]) => {
    const shard = createShard(shardOptions(number, its, options));
    return runShard({
      open: () => shard.open(),
      readers: its.map((entity) => ({
        entity,
        nip: null,
        startDate: 'all',
        endDate: null,
        streams,
        rest: api.rest(entity, budget.slots(entity), marks),
        deletions: { maxShare, confirm: null },
      })),
      rhythm,
      parkMs: (failures) => Math.min(15, 2 ** (failures - 1)) * 60_000,
      limit: PAGE_ROWS,
      credits: CREDITS,
      marks,
      now: time.now,
      newId: () => 'hold',
      twins: { check: () => undefined },
      stopped: () => false,
      stop: new ReplaySubject<void>(1),
    }).subscribe({
      next: onProgress,
      error: (error: unknown) => {
        failure = error;
      },
    });
  });

  function shardOptions(number: number, its: readonly EntityId[], { kafka: log }: VirtualServiceOptions): ShardOptions {
    const block = createEncoder(loadSchema('ledger-block'), { prefix: Buffer.alloc(0) });
    return {
      number,
      serviceId: SERVICE,
      stateTopic: STATE_TOPIC,
      streams: its.flatMap((entity) => streams.map((declaration) => ({ entity, codec: codecOf(declaration) }))),
      deadLetters: { name: 'bench.dead-letters', partitions: 1, maxMessageBytes: 1_000_000 },
      laps: {
        topic: { name: LAPS_TOPIC, partitions: 1, maxMessageBytes: 1_000_000 },
        encode: () => Buffer.alloc(0),
        encodeKey: () => Buffer.alloc(0),
      },
      encodeBlock: (value) => block.encode(value),
      decodeBlock: (bytes) => block.decode(bytes) as LedgerBlock,
      ...log.partition(number),
      layout: {
        version: 1,
        statePartitions: STATE_PARTITIONS,
        partitions: {},
        keyFraming: 'single-object',
        keySchemas: {},
        definitions: [],
        lastOffsets: {},
        observedAt: 0,
      },
      verifyLayout: () => Promise.resolve(),
      now: time.now,
      idleCommitMs: IDLE_COMMIT_MS,
    };
  }

  return {
    kill() {
      for (const each of running) each.unsubscribe();
      budget.close();
    },
    failure: () => failure,
  };
}

/** Rows are told apart by the number of their last change, and a record says nothing else. */
const fingerprint: Fingerprint = ({ change }, out) => {
  out[0] = typeof change === 'number' ? change : 0;
  out[1] = 1;
};

function codecOf(declaration: StreamDeclaration): StreamCodec {
  return {
    declaration,
    definition: { stream: declaration.name, hashVersion: 1, normalisationVersion: 1, volatileFields: [] },
    fingerprintUnder: () => fingerprint,
    decode: (row) => ({ ...row }),
    encode: ({ change }) => Buffer.from(JSON.stringify(change)),
    encodeKey: ({ id }) => Buffer.from(String(id)),
    dateOf: ({ invoice_date: date }) => (typeof date === 'string' ? daysOf(date) : undefined) ?? NO_DATE,
    topic: { name: `bench.${declaration.name}`, partitions: 1, maxMessageBytes: 1_000_000 },
    lines: null,
    formerLines: null,
  };
}

/** Reads what the service's stand-in codec wrote. */
export function virtualRecordOf({ key, value, headers }: OutgoingRecord): VirtualRecord {
  return {
    entity: String(headers['entity']),
    stream: String(headers['stream']),
    id: Number(key?.toString()),
    change: value === null ? null : Number(value.toString()),
  };
}
