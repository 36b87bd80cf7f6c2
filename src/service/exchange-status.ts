import { asError } from '../errors';
import { partitionOf } from '../sinks/partition';
import { withDeadline } from '../sinks/faults';
import { openRecordReader } from '../sinks/record-reader';
import { followTelemetry, openTelemetryWriter } from '../sinks/telemetry-topic';
import {
  statusOfRecord,
  statusRecordOf,
  streamOfKey,
  type StatusCodec,
  type StreamStatus,
} from '../status/stream-status';
import { streamName } from '../status/targets';
import { userAgentOf } from './api';
import { registryAsOfNow } from './codecs';
import type { Emit } from './events';
import type { Cluster, ServiceOptions } from './run-context';

/** This replica's part in what the replicas of a service tell each other. */
export interface StatusExchange {
  /** Writes what is to be said last; resolves when that is done, or soon. */
  end(): Promise<void>;
  /** Neither writes nor reads any more; resolves when the connections are closed, or soon. */
  close(): Promise<void>;
}

/** What the exchange is made of. */
export interface ExchangeSetting {
  readonly options: Pick<ServiceOptions, 'config' | 'secrets' | 'statuses' | 'lastStatuses' | 'version'>;
  readonly emit: Emit;
  readonly cluster: Cluster;
  readonly codec: StatusCodec;
}

/** What was not written within this time of the end is left to the next owner. */
const LAST_WORDS_MS = 1_000;
const CLOSE_DEADLINE_MS = 5_000;

/** Writes what this replica says of its streams to the status topic, and emits what the topic says of all; what fails there is told and holds nothing up. */
export function exchangeStatus({ options, emit, cluster, codec }: ExchangeSetting): StatusExchange {
  const { config, secrets, statuses, lastStatuses, version } = options;
  const { kafka, topics } = cluster;
  if (statuses === undefined) return { end: () => Promise.resolve(), close: () => Promise.resolve() };
  const told = new Set<string>();
  const onTrouble = (about: string): void => {
    if (told.has(about)) return;
    told.add(about);
    emit({ kind: 'surroundings', about });
  };
  const topic = topics.status.name;
  const writer = openTelemetryWriter(kafka, { topic, onTrouble });
  const put = (some: readonly StreamStatus[]): void => {
    for (const status of some) writer.put(streamName(status.entity, status.stream), statusRecordOf(codec, status));
  };
  const writing = statuses.subscribe({ next: put, error: (error: unknown) => onTrouble(asError(error).message) });
  const { registry: settings } = config.service;
  const reader = openRecordReader(settings === null ? null : registryAsOfNow(settings, secrets), userAgentOf(version));
  const closed = new AbortController();
  const reading = followTelemetry(
    kafka,
    { topic, serviceId: config.service.service.id, stop: closed.signal, onTrouble },
    async (record) => {
      const place = streamOfKey(record.key === null ? null : await reader.decode(record.key));
      if (place === null) return;
      const status = record.value === null ? null : statusOfRecord(await reader.decode(record.value));
      if (record.value !== null && status === null) return;
      emit({ kind: 'status', ...place, shard: partitionOf(place.entity, topics.state.partitions), status });
    },
  );
  return {
    async end() {
      writing.unsubscribe();
      put(lastStatuses?.() ?? []);
      await writer.flush(LAST_WORDS_MS);
    },
    async close() {
      writing.unsubscribe();
      closed.abort();
      reader.close();
      const all = Promise.all([writer.close(), reading]);
      await withDeadline(all, CLOSE_DEADLINE_MS, `leaving ${topic}`).catch(() => undefined);
    },
  };
}
