import { BehaviorSubject, concat, NEVER, of } from 'rxjs';

import type { EntityConfig } from '../../../config/config';
import { daysOf } from '../../../src/changes/kinds';
import { NO_DATE } from '../../../src/changes/block';
import { type Fingerprint } from '../../../src/changes/fingerprint';
import type { StreamCodec } from '../../../src/changes/records';
import type { ReportCodec } from '../../../src/changes/reports';
import { TransientError } from '../../../src/errors';
import type { EntityId, StreamDeclaration } from '../../../src/model';
import type { Progress } from '../../../src/reading/progress';
import type { Rhythm } from '../../../src/reading/stream-reading';
import { createRequestOrder } from '../../../src/service/api';
import { entitiesByShard } from '../../../src/service/cluster';
import { createCodecs } from '../../../src/service/codecs';
import { usualPatience } from '../../../src/service/patience';
import type { EntitiesByShard, RunContext } from '../../../src/service/run-context';
import { runShards } from '../../../src/service/serve';
import type { ShardOptions } from '../../../src/shard/shard-options';
import { singleObject } from '../../../src/sinks/framing';
import { whenAborted } from '../../../src/operators/when-aborted';
import { createTurns } from '../../../src/turns';
import type { StoredRecord, OutgoingRecord, Writer } from '../../../src/sinks/transaction';
import type { Topic, Topics } from '../../../src/sinks/topics';
import { KSEF, ksefStreamOf } from '../../../src/sources/streams/ksef';
import { createBudget, type Budget } from '../../../src/sources/budget';
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
  readonly partition: (number: number) => Pick<ShardOptions, 'openWriter' | 'read'>;
}

const SERVICE = 'bench';
const STATE_PARTITIONS = 12;
/** The default of `schedule.allowance`. */
const REFRESH_SHARE = 0.9;
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
          onRecords(
            batch.records.filter(({ topic }) => topic !== topics.sweeps.name && topic !== topics.entities.name),
          );
          resolve({ kind: 'committed', lastOffsets: new Map([[topics.state.name, new Map([[number, end - 2]])]]) });
        }, COMMIT_MS);
      }),
    close: () => Promise.resolve(),
  });
  return {
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
  /** The first day of documents of which it is read what KSeF says; absent = that is not read. */
  readonly ksefFrom?: string;
  readonly onProgress: (progress: Progress) => void;
}

/** One process of the service, wired as a real one: only the broker, the API and what records look like are stand-ins. */
export interface VirtualService {
  /** Ends it as a crash does. */
  readonly kill: () => void;
  /** What ended it by itself; null while it runs. */
  readonly failure: () => unknown;
}

/** Starts a process. */
export function startVirtualService(options: VirtualServiceOptions): VirtualService {
  const budget = createBudget({
    requestsPerMinute: options.requestsPerMinute,
    refreshShare: REFRESH_SHARE,
    clock: options.time.clock,
  });
  let failure: unknown = null;
  const fail = (error: unknown): void => {
    failure = error;
  };
  const running = runShards(runContextOf(options, budget, fail)).subscribe({ next: options.onProgress, error: fail });
  return {
    kill() {
      running.unsubscribe();
      budget.close();
    },
    failure: () => failure,
  };
}

/** A run that owns every shard from its beginning to its end; nothing is ever lost in Kafka, so that a loss is a failure. */
function runContextOf(
  { time, api, kafka, entities, streams, rhythm, maxShare, ksefFrom }: VirtualServiceOptions,
  budget: Budget,
  fail: (error: unknown) => void,
): RunContext {
  const requestOrder = createRequestOrder();
  const stop = new AbortController().signal;
  const shards = entitiesByShard(
    entities.map((id) => entityOf(id, streams, maxShare)),
    STATE_PARTITIONS,
  );
  return {
    options: {
      patience: usualPatience(() => 0),
      endless: true,
      now: time.now,
      stop,
    },
    emit: (event) => {
      if (event.kind === 'lost') fail(event.error);
    },
    serviceId: SERVICE,
    topics,
    codecs: {
      ...createCodecs({ projections: [], volatileFields: [] }, topics, singleObject),
      streamCodec: codecOf,
      ksefCodec: (stream) => {
        const declaration = ksefFrom === undefined ? undefined : ksefStreamOf(stream);
        return declaration === undefined ? null : ksefCodecOf(declaration);
      },
      // Moments of virtual time are no whole milliseconds, as the schema wants them.
      sweeps: emptyReports(topics.sweeps),
      entities: emptyReports(topics.entities),
    },
    membership: {
      owned: concat(of(new Set(shards.keys())), NEVER),
      confirmed: () => Promise.resolve(),
    },
    partition: (number) => ({ ...kafka.partition(number), verifyLayout: () => Promise.resolve() }),
    api: {
      of: ({ id }) => api.rest(id, budget.slots(id), requestOrder),
      setShare: budget.setShare,
      allowance: budget.allowance,
    },
    budgetScope: 'replica',
    requestOrder,
    ksefFrom: ksefFrom ?? null,
    dictionaries: false,
    turn: createTurns(),
    stopping: whenAborted(stop),
    shards: new BehaviorSubject<EntitiesByShard>(shards),
    rhythm,
    holders: new Map(),
    twins: { check: () => undefined, identified: () => undefined, forget: () => undefined },
    noteRow: () => undefined,
    driftFinders: new Map(),
  };
}

function entityOf(id: EntityId, streams: readonly StreamDeclaration[], maxShare: number): EntityConfig {
  return {
    id,
    name: id,
    enabled: true,
    nip: null,
    apiKey: '',
    apiKeyFile: null,
    hookSecret: null,
    hookSecretFile: null,
    startDate: 'all',
    endDate: null,
    streams: streams.map(({ name }) => name),
    accept: {},
    deletions: { maxShare, confirm: null },
  };
}

function topicOf(name: string, partitions = 1): Topic {
  return { name: `${SERVICE}.${name}`, partitions, maxMessageBytes: 1_000_000 };
}

const topics: Topics = {
  data: new Map(),
  deadLetters: topicOf('dead-letters'),
  sweeps: topicOf('sweeps'),
  entities: topicOf('entities'),
  state: topicOf('state', STATE_PARTITIONS),
  status: topicOf('status'),
  highWatermarks: new Map(),
  warnings: [],
};

/** Rows are told apart by the number of their last change, and a record says nothing else. */
const fingerprint: Fingerprint = ({ change }, out) => {
  out[0] = typeof change === 'number' ? change : 0;
  out[1] = 1;
};

function emptyReports<K>(topic: Topic): ReportCodec<K> {
  return {
    topic,
    encode: () => Buffer.alloc(0),
    encodeKey: () => Buffer.alloc(0),
    withKeysOf() {
      return this;
    },
  };
}

function codecOf(declaration: StreamDeclaration): StreamCodec {
  return {
    declaration,
    definition: { stream: declaration.name, hashVersion: 1, normalisationVersion: 1, volatileFields: [] },
    definitionNumber: 1,
    fingerprintUnder: () => fingerprint,
    decode: (row) => ({ record: { ...row }, misfits: [] }),
    encode: ({ change }) => Buffer.from(JSON.stringify(change)),
    encodeKey: ({ id }) => Buffer.from(String(id)),
    dateOf: ({ invoice_date: date }) => (typeof date === 'string' ? daysOf(date) : undefined) ?? NO_DATE,
    topic: topicOf(declaration.name),
    lines: null,
    formerLines: null,
    withKeysOf() {
      return this;
    },
  };
}

/** States in KSeF are told apart by status and number. */
const ksefFingerprint: Fingerprint = ({ status, ksef_number: number }, out) => {
  let hash = 0;
  for (const code of Buffer.from(`${String(status)} ${String(number)}`)) hash = (Math.imul(hash, 31) + code) >>> 0;
  out[0] = hash;
  out[1] = 2;
};

function ksefCodecOf(declaration: StreamDeclaration): StreamCodec {
  return {
    ...codecOf(declaration),
    fingerprintUnder: () => ksefFingerprint,
    encode: ({ stream, ksef_number: number }) => Buffer.from(JSON.stringify({ stream, number: number ?? null })),
    dateOf: () => NO_DATE,
    topic: topicOf(KSEF),
  };
}

/** Whether a record is of the topic of KSeF. */
export function isKsefRecord({ topic }: OutgoingRecord): boolean {
  return topic === topicOf(KSEF).name;
}

/** A state in KSeF as a consumer of the virtual service gets it. */
export interface VirtualKsefRecord {
  readonly entity: string;
  readonly stream: string;
  readonly id: number;
  readonly number: string | null;
}

/** Reads what the stand-in codec of KSeF wrote; null = a tombstone. */
export function virtualKsefRecordOf({ key, value, headers }: OutgoingRecord): VirtualKsefRecord | null {
  if (value === null) return null;
  const { stream, number } = JSON.parse(value.toString()) as Pick<VirtualKsefRecord, 'stream' | 'number'>;
  return { entity: String(headers['entity']), stream, id: Number(key?.toString()), number };
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
