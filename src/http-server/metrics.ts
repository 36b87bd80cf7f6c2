import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { ServiceEvent } from '../service/events';
import { troubleOf } from '../errors';
import { factsOf } from '../status/reasons';
import { totalOf } from '../status/recent-changes';
import { reasonsOf, type StreamStatus } from '../status/stream-status';
import { streamName } from '../status/targets';

/** The metrics of one run. */
export interface Metrics {
  /** Takes in an event. */
  tell(event: ServiceEvent, nowMs: number): void;
  /** Everything in Prometheus' text format. */
  render(): Promise<string>;
  readonly contentType: string;
  /** Every metric, by its name. */
  described(): readonly { readonly name: string; readonly help: string; readonly type: string }[];
}

/** What the metrics ask for when they are read. */
export interface MetricsSetting {
  readonly version: string;
  /** The streams that this replica reads. */
  readonly own: () => readonly StreamStatus[];
  readonly isReady: () => boolean;
  readonly now: () => number;
}

const PREFIX = 'infakt_kafka_';
const MINUTE_MS = 60_000;
const SECONDS = [0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30];
const WALK_SECONDS = [1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400];
const WAIT_SECONDS = [0.1, 1, 5, 15, 60, 300, 900];
const RECORDS = [1, 10, 100, 500, 1_000, 2_000];
const BYTES = [1_000, 10_000, 100_000, 1_000_000, 4_000_000, 16_000_000];
/** Other statuses are counted by their first digit, so that an API which invents some makes no series of them. */
const STATUSES: ReadonlySet<number> = new Set([
  200, 301, 302, 400, 401, 402, 403, 404, 405, 408, 410, 422, 429, 500, 502, 503, 504,
]);

const place = ['entity', 'stream'] as const;

/** Makes the metrics of a run; their series are bounded by the entities, their streams and the shards. */
export function createMetrics(setting: MetricsSetting): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const counters = createCounters(registry);
  const timings = createTimings(registry);
  /** The streams as they are while the metrics are being read: every metric of a stream takes its value from there. */
  let own: readonly StreamStatus[] = [];
  const gauges = createGauges(registry, { ...setting, own: () => own });
  return {
    tell(event, nowMs) {
      counters.tell(event);
      timings.tell(event);
      gauges.tell(event, nowMs);
    },
    render() {
      own = setting.own();
      return registry.metrics();
    },
    contentType: registry.contentType,
    described: () => registry.getMetricsAsArray().map(({ name, help, type }) => ({ name, help, type: String(type) })),
  };
}

/** What only grows. */
function createCounters(registry: Registry): { readonly tell: (event: ServiceEvent) => void } {
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new Counter({ name: `${PREFIX}${name}`, help, labelNames: [...labelNames], registers: [registry] });
  const requests = counter('requests_total', 'Requests to the API that have ended, by status; none = no answer came.', [
    'entity',
    'status',
  ]);
  const retries = counter(
    'request_retries_total',
    'Requests to the API that were made again, by how the try before ended.',
    ['cause'],
  );
  const rows = counter('rows_read_total', 'Rows that answers of the API held and that were compared.', place);
  const records = counter(
    'changes_total',
    'Changes that were published, by kind: created, updated, republished, deleted.',
    [...place, 'kind'],
  );
  const letters = counter('dead_letters_total', 'Rows that went to the dead-letter topic.', place);
  const misfits = counter(
    'misfits_total',
    'Values that were published as null as they were not of the kind of their field.',
    place,
  );
  const drift = counter(
    'api_drift_total',
    'Differences of the API that a stream had not shown before, by kind: field, value, page-size, filter, ordering.',
    [...place, 'kind'],
  );
  const sweeps = counter('sweeps_total', 'Sweeps that have finished, by whether they were complete.', [
    ...place,
    'complete',
  ]);
  const parkings = counter('parkings_total', 'How often a stream or an entity was parked, by reason.', ['reason']);
  const commits = counter('commits_total', 'Transactions that have ended, by outcome.', ['outcome']);
  const hints = counter(
    'hints_total',
    'Deliveries of webhooks, by what became of them; docs/webhooks.md has each outcome.',
    ['entity', 'outcome'],
  );
  const opened = counter('sessions_opened_total', 'How often a shard was opened: fenced and restored.', []);
  const lost = counter('sessions_lost_total', 'How often a shard, or Kafka as a whole, was given up, by cause.', [
    'cause',
  ]);
  return {
    tell(event) {
      switch (event.kind) {
        case 'request':
          requests.inc({ entity: event.entity, status: statusName(event.status ?? null) });
          if (event.after !== null)
            retries.inc({ cause: event.after === 'no-answer' ? 'no-answer' : statusName(event.after) });
          return;
        case 'page': {
          const { entity, stream, counts } = event;
          rows.inc({ entity, stream }, counts.rows);
          const { created, updated, republished, deleted } = counts;
          for (const [kind, number] of Object.entries({ created, updated, republished, deleted }))
            if (number > 0) records.inc({ entity, stream, kind }, number);
          const odd = Object.values(event.misfits ?? {}).reduce((sum, number) => sum + number, 0);
          if (odd > 0) misfits.inc({ entity, stream }, odd);
          return;
        }
        case 'hint':
          hints.inc({ entity: event.entity, outcome: event.outcome });
          return;
        case 'dead-letter':
          letters.inc({ entity: event.entity, stream: event.stream });
          return;
        case 'drift':
          if (!event.isNews) return;
          for (const { what } of event.found) drift.inc({ entity: event.entity, stream: event.stream, kind: what });
          return;
        case 'swept':
          sweeps.inc({ entity: event.entity, stream: event.stream, complete: String(event.completeness.complete) });
          return;
        case 'parked':
          parkings.inc({ reason: event.reason });
          return;
        case 'commit':
          commits.inc({ outcome: event.outcome });
          return;
        case 'shard-ready':
          if (event.restoreMs !== null) opened.inc();
          return;
        case 'lost':
          lost.inc({ cause: troubleOf(event.error) ?? event.loss });
          return;
        default:
      }
    },
  };
}

/** How long things take, and how large they are. */
function createTimings(registry: Registry): { readonly tell: (event: ServiceEvent) => void } {
  const histogram = <L extends string>(
    name: string,
    help: string,
    buckets: readonly number[],
    labelNames: readonly L[],
  ) =>
    new Histogram({
      name: `${PREFIX}${name}`,
      help,
      buckets: [...buckets],
      labelNames: [...labelNames],
      registers: [registry],
    });
  const waits = histogram(
    'allowance_wait_seconds',
    'How long a request waited for its turn among all.',
    WAIT_SECONDS,
    [],
  );
  const walks = histogram('walk_seconds', 'How long a whole walk of a scan took, from its start.', WALK_SECONDS, [
    'scan',
  ]);
  const commitSeconds = histogram(
    'commit_seconds',
    'How long a transaction took, from its first send to its end.',
    SECONDS,
    [],
  );
  const commitRecords = histogram(
    'commit_records',
    'Records of a transaction, without those of the state topic.',
    RECORDS,
    [],
  );
  const commitBytes = histogram('commit_bytes', 'Bytes of a transaction, with those of the state topic.', BYTES, []);
  const restores = histogram('restore_seconds', 'How long it took to fence and restore a shard.', SECONDS, []);
  return {
    tell(event) {
      switch (event.kind) {
        case 'request':
          if (event.waitedMs !== null) waits.observe(event.waitedMs / 1_000);
          return;
        case 'page': {
          const { scan, cursor } = event;
          if (scan === undefined || scan === 'spot' || scan === 'search' || cursor.finishedAt === null) return;
          const ms = Date.parse(cursor.finishedAt) - Date.parse(cursor.startedAt);
          walks.observe({ scan }, Math.max(0, ms) / 1_000);
          return;
        }
        case 'commit':
          if (event.outcome !== 'committed') return;
          commitSeconds.observe(event.ms / 1_000);
          commitRecords.observe(event.records);
          commitBytes.observe(event.bytes);
          return;
        case 'shard-ready':
          if (event.restoreMs !== null) restores.observe(event.restoreMs / 1_000);
          return;
        default:
      }
    },
  };
}

/** What the last events have told, for the gauges that show it when they are read. */
function createLastTold() {
  const changedMs = new Map<string, number>();
  const ledgers = new Map<string, { readonly rows: number; readonly bytes: number }>();
  const committedMs = new Map<number, number>();
  let allowance: { readonly used: number; readonly limit: number | null; readonly atMs: number } | null = null;
  let owned: ReadonlySet<number> = new Set();
  return {
    changedMs,
    ledgers,
    committedMs,
    shardsOwned: () => owned.size,
    allowanceUsed: (nowMs: number) => (allowance === null || nowMs - allowance.atMs > MINUTE_MS ? 0 : allowance.used),
    allowanceLimit: () => allowance?.limit ?? null,
    tell(event: ServiceEvent, nowMs: number): void {
      switch (event.kind) {
        case 'request':
          allowance = { ...event.allowance, atMs: nowMs };
          return;
        case 'page':
          if (totalOf(event.counts) > 0) changedMs.set(streamName(event.entity, event.stream), nowMs);
          return;
        case 'swept':
          ledgers.set(streamName(event.entity, event.stream), { rows: event.live, bytes: event.ledgerBytes });
          return;
        case 'shard-ready':
          for (const { entity, stream, live, ledgerBytes } of event.streams)
            ledgers.set(streamName(entity, stream), { rows: live, bytes: ledgerBytes });
          return;
        case 'commit':
          if (event.outcome === 'committed') committedMs.set(event.shard, nowMs);
          return;
        case 'shards':
          owned = new Set(event.shards);
          for (const shard of committedMs.keys()) if (!owned.has(shard)) committedMs.delete(shard);
          return;
        default:
      }
    },
  };
}

/** What is so now. Series of streams and shards that another replica has taken over go, as their values would grow old here. */
function createGauges(
  registry: Registry,
  { own, isReady, now, version }: MetricsSetting,
): { readonly tell: (event: ServiceEvent, nowMs: number) => void } {
  const told = createLastTold();
  const gauge = <L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[],
    show: (self: Gauge<L>) => void,
  ): void => {
    new Gauge({
      name: `${PREFIX}${name}`,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      collect(this: Gauge<L>): void {
        this.reset();
        show(this);
      },
    });
  };
  const perStream = (
    name: string,
    help: string,
    valueOf: (status: StreamStatus, name: string) => number | null,
  ): void => {
    gauge(name, help, place, (self) => {
      for (const status of own()) {
        const { entity, stream } = status;
        const value = valueOf(status, streamName(entity, stream));
        if (value !== null) self.set({ entity, stream }, value);
      }
    });
  };
  const seconds = (ms: number | null | undefined): number | null => (ms == null ? null : ms / 1_000);

  gauge('build_info', 'The version of infakt-kafka that runs; always 1.', ['version'], (self) =>
    self.set({ version }, 1),
  );
  gauge('ready', 'Whether this replica takes part in the group and has restored its shards.', [], (self) =>
    self.set(isReady() ? 1 : 0),
  );
  gauge('shards_owned', 'Shards that the group has given to this replica.', [], (self) => self.set(told.shardsOwned()));
  gauge('allowance_used_requests', 'Requests of the last 60 s, as the API may count them.', [], (self) =>
    self.set(told.allowanceUsed(now())),
  );
  gauge(
    'allowance_left_requests',
    'Requests that may still be sent within these 60 s; absent without a limit.',
    [],
    (self) => {
      const limit = told.allowanceLimit();
      if (limit === null) self.remove();
      else self.set(Math.max(0, limit - told.allowanceUsed(now())));
    },
  );
  gauge('last_commit_timestamp_seconds', 'When the last transaction of a shard was committed.', ['shard'], (self) => {
    for (const [shard, ms] of told.committedMs) self.set({ shard: String(shard) }, ms / 1_000);
  });
  perStream('last_sweep_timestamp_seconds', 'When the last complete sweep ended, or before.', ({ completeMs }) =>
    seconds(completeMs),
  );
  perStream('last_newest_timestamp_seconds', 'When the newest rows were looked at last.', ({ newestMs }) =>
    seconds(newestMs),
  );
  perStream('last_change_timestamp_seconds', 'When a change was published last, by this process.', (_, name) =>
    seconds(told.changedMs.get(name)),
  );
  perStream('stale_after_seconds', 'How old the last complete sweep may be.', ({ staleAfterMs }) =>
    seconds(staleAfterMs),
  );
  perStream(
    'ledger_rows',
    'Rows that the ledger remembers as being in the list.',
    (_, name) => told.ledgers.get(name)?.rows ?? null,
  );
  perStream('ledger_bytes', 'Memory that the ledger takes.', (_, name) => told.ledgers.get(name)?.bytes ?? null);
  gauge(
    'stream_problem',
    'Each thing that is wrong with a stream, by reason; 1 = it makes /health answer 503, 0 = it is only noted.',
    [...place, 'reason'],
    (self) => {
      for (const status of own()) {
        const { entity, stream } = status;
        for (const reason of reasonsOf(status))
          self.set({ entity, stream, reason }, factsOf(reason).isUnhealthy ? 1 : 0);
      }
    },
  );
  return { tell: (event, nowMs) => told.tell(event, nowMs) };
}

function statusName(status: number | null): string {
  if (status === null) return 'none';
  return STATUSES.has(status) ? String(status) : `${Math.floor(status / 100)}xx`;
}
