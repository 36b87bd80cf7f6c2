import { createMetrics, type Metrics, type MetricsSetting } from '../../src/http-server/metrics';
import type { Outcome } from '../../src/sinks/transaction';
import type { ServiceEvent } from '../../src/service/events';
import type { StreamStatus } from '../../src/status/stream-status';
import {
  drifted,
  iso,
  lostFor,
  pageRead,
  parkedFor,
  requestEnded,
  restored,
  shardReady,
  shardsOwned,
  START_MS,
  sweptAt,
} from '../support/service-events';

const status: StreamStatus = {
  ...{ entity: 'alfa', stream: 'clients', state: 'reading', reason: null, also: [], sinceMs: START_MS },
  ...{ untilMs: null, sweep: null, completeMs: START_MS - 90_000, staleAfterMs: 1_800_000, firstSweep: null },
  ...{ newestMs: START_MS - 10_000, filters: null, toldMs: START_MS, owner: 'one', version: '0.2.0', entitySet: 'e1' },
};

let nowMs: number;
let own: readonly StreamStatus[];

beforeEach(() => {
  nowMs = START_MS;
  own = [status];
});

function metricsOf(changes: Partial<MetricsSetting> = {}): Metrics {
  return createMetrics({ version: '0.2.0', own: () => own, isReady: () => true, now: () => nowMs, ...changes });
}

const letter = {
  kind: 'dead-letter',
  entity: 'alfa',
  stream: 'clients',
  id: 7,
  path: 'nip',
  reason: 'odd',
} as const;

function commit(outcome: Outcome['kind'] = 'committed', shard = 0): ServiceEvent {
  return { kind: 'commit', shard, outcome, ms: 40, records: 120, bytes: 50_000 };
}

/** Our series and their values, as they are read. */
async function series(metrics: Metrics): Promise<Record<string, number>> {
  const lines = (await metrics.render()).split('\n').filter((line) => line.startsWith('infakt_kafka_'));
  return Object.fromEntries(
    lines.map((line) => [
      line.slice('infakt_kafka_'.length, line.lastIndexOf(' ')),
      Number(line.slice(line.lastIndexOf(' '))),
    ]),
  );
}

async function after(...events: readonly ServiceEvent[]): Promise<Record<string, number>> {
  const metrics = metricsOf();
  for (const event of events) metrics.tell(event, nowMs);
  return series(metrics);
}

const at = START_MS / 1_000;
const place = 'entity="alfa",stream="clients"';

test.each<[string, readonly ServiceEvent[], Record<string, number>]>([
  ['the version', [], { 'build_info{version="0.2.0"}': 1, ready: 1 }],
  ['a request', [requestEnded()], { 'requests_total{entity="alfa",status="200"}': 1 }],
  [
    'a request without an answer',
    [requestEnded({ status: undefined as never })],
    { 'requests_total{entity="alfa",status="none"}': 1 },
  ],
  [
    'a status that the API invents',
    [requestEnded({ status: 599 })],
    { 'requests_total{entity="alfa",status="5xx"}': 1 },
  ],
  [
    'retries',
    [requestEnded({ attempt: 2, after: 503 }), requestEnded({ attempt: 2, after: 'no-answer' })],
    { 'request_retries_total{cause="503"}': 1, 'request_retries_total{cause="no-answer"}': 1 },
  ],
  [
    'the wait for the allowance',
    [requestEnded({ waitedMs: 2_000 }), requestEnded({ waitedMs: null })],
    { allowance_wait_seconds_count: 1, allowance_wait_seconds_sum: 2 },
  ],
  [
    'the allowance',
    [requestEnded({ allowance: { used: 40, limit: 290 } })],
    { allowance_used_requests: 40, allowance_left_requests: 250 },
  ],
  [
    'rows and changes by kind',
    [pageRead('newest', { counts: { rows: 100, created: 3, updated: 2, deleted: 1, unchanged: 95 } })],
    {
      [`rows_read_total{${place}}`]: 100,
      [`changes_total{${place},kind="created"}`]: 3,
      [`changes_total{${place},kind="updated"}`]: 2,
      [`changes_total{${place},kind="deleted"}`]: 1,
      [`last_change_timestamp_seconds{${place}}`]: at,
    },
  ],
  ['dead letters', [letter, letter], { [`dead_letters_total{${place}}`]: 2 }],
  ['misfits', [pageRead('open', { misfits: { notes: 2, 'services.unit': 3 } })], { [`misfits_total{${place}}`]: 5 }],
  [
    'changes of the API, without what was there before',
    [drifted(), drifted(true, { name: 'size' }), drifted(false)],
    { [`api_drift_total{${place},kind="field"}`]: 2 },
  ],
  [
    'a walk',
    [pageRead('newest', { ended: START_MS + 4_000 }), pageRead('newest'), pageRead('spot', { ended: START_MS })],
    { 'walk_seconds_count{scan="newest"}': 1, 'walk_seconds_sum{scan="newest"}': 4 },
  ],
  [
    'sweeps',
    [sweptAt(START_MS), sweptAt(START_MS, { complete: false })],
    {
      [`sweeps_total{${place},complete="true"}`]: 1,
      [`sweeps_total{${place},complete="false"}`]: 1,
      [`ledger_rows{${place}}`]: 250,
      [`ledger_bytes{${place}}`]: 12_000,
    },
  ],
  [
    'commits',
    [commit(), commit('lost')],
    {
      'commits_total{outcome="committed"}': 1,
      'commits_total{outcome="lost"}': 1,
      commit_seconds_sum: 0.04,
      commit_records_sum: 120,
      commit_bytes_sum: 50_000,
      'last_commit_timestamp_seconds{shard="0"}': at,
    },
  ],
  [
    'sessions',
    [
      shardReady(0, restored('clients', { live: 77 })),
      lostFor(0),
      lostFor(0, 'lost', 'hand-over'),
      lostFor(0, 'refused'),
    ],
    {
      sessions_opened_total: 1,
      restore_seconds_sum: 0.25,
      'sessions_lost_total{cause="lost"}': 1,
      'sessions_lost_total{cause="hand-over"}': 1,
      'sessions_lost_total{cause="refused"}': 1,
      [`ledger_rows{${place}}`]: 77,
    },
  ],
  ['shards', [shardsOwned([0, 3])], { shards_owned: 2 }],
  ['parkings', [parkedFor('unauthorized')], { 'parkings_total{reason="unauthorized"}': 1 }],
  [
    'how fresh a stream is',
    [],
    {
      [`last_sweep_timestamp_seconds{${place}}`]: at - 90,
      [`last_newest_timestamp_seconds{${place}}`]: at - 10,
      [`stale_after_seconds{${place}}`]: 1_800,
    },
  ],
])('%s can be read', async (_what, events, expected) => {
  expect(await after(...events)).toMatchObject(expected);
});

test('what is wrong with a stream is a series a reason, and gone when it is well again', async () => {
  const metrics = metricsOf();
  own = [{ ...status, reason: 'stale', also: ['misfits'] }];
  expect(await series(metrics)).toMatchObject({
    [`stream_problem{${place},reason="stale"}`]: 1,
    [`stream_problem{${place},reason="misfits"}`]: 0,
  });
  own = [status];
  expect(Object.keys(await series(metrics)).filter((name) => name.startsWith('stream_problem'))).toEqual([]);
});

test('a stream that another replica reads now, and its shard, have no timestamps here, which would grow old', async () => {
  const metrics = metricsOf();
  for (const event of [shardsOwned([0]), commit(), pageRead('newest', { counts: { created: 1 } })])
    metrics.tell(event, nowMs);
  own = [];
  metrics.tell(shardsOwned([1]), nowMs);
  const left = Object.keys(await series(metrics)).filter((name) => name.includes('timestamp'));
  expect(left).toEqual([]);
});

test('the allowance that nobody used for a minute is not used', async () => {
  const metrics = metricsOf();
  metrics.tell(requestEnded({ allowance: { used: 40, limit: 290 } }), nowMs);
  nowMs += 61_000;
  expect(await series(metrics)).toMatchObject({ allowance_used_requests: 0, allowance_left_requests: 290 });
});

test('without a limit there is nothing left to tell of', async () => {
  const found = await after(requestEnded({ allowance: { used: 40, limit: null } }));
  expect(found).toMatchObject({ allowance_used_requests: 40 });
  expect(found).not.toHaveProperty('allowance_left_requests');
});

test('the series are bounded by entities and streams: a day of everything that can happen adds none to the first hour', async () => {
  const entities = ['alfa', 'beta', 'gamma'];
  const streams = ['clients', 'invoices'];
  own = entities.flatMap((entity) => streams.map((stream) => ({ ...status, entity, stream })));
  const metrics = metricsOf();
  const hour = (number: number): void => {
    for (const entity of entities) {
      for (const stream of streams) {
        for (const scan of ['newest', 'open', 'recent', 'sweep', 'spot'] as const) {
          const counts = { rows: 100, created: 1, updated: 1, republished: 1, deleted: 1 };
          metrics.tell(
            pageRead(scan, { entity, stream, counts, ended: nowMs, misfits: { [`field-${number}`]: 1 } }),
            nowMs,
          );
        }
        metrics.tell({ ...letter, entity, stream, id: number }, nowMs);
        for (const complete of [true, false])
          metrics.tell({ ...sweptAt(nowMs, { complete }), entity, stream } as ServiceEvent, nowMs);
        for (let status = 100; status < 600; status += 1)
          metrics.tell(requestEnded({ entity, stream, status, attempt: 2, after: status }), nowMs);
      }
      metrics.tell({ ...parkedFor('unavailable'), entity } as ServiceEvent, nowMs);
    }
    const shards = [number % 12, (number + 1) % 12];
    metrics.tell(shardsOwned(shards), nowMs);
    for (const shard of shards) {
      metrics.tell(shardReady(shard), nowMs);
      for (const outcome of ['committed', 'lost', 'refused', 'fenced', 'forbidden'] as const)
        metrics.tell(commit(outcome, shard), nowMs);
      for (const loss of ['lost', 'parked', 'refused'] as const) metrics.tell(lostFor(shard, loss), nowMs);
    }
    nowMs += 3_600_000;
  };
  const count = async (): Promise<number> => Object.keys(await series(metrics)).length;
  hour(1);
  const atFirst = await count();
  for (let number = 2; number <= 24; number += 1) hour(number);
  expect(await count()).toBe(atFirst);
  // docs/metrics.md tells this bound.
  expect(atFirst).toBeLessThan(200 + entities.length * 25 + entities.length * streams.length * 30);
});

test('a stream without anything to tell has no series of timestamps, and none is NaN', async () => {
  own = [{ ...status, completeMs: null, newestMs: null, staleAfterMs: null }];
  const found = await after(pageRead('newest', { cursor: { startedAt: iso(START_MS) }, ended: START_MS - 1 }));
  expect(Object.values(found).filter(Number.isNaN)).toEqual([]);
  expect(Object.keys(found).filter((name) => name.includes('timestamp'))).toEqual([]);
});

test('the process and its event loop are among the metrics', () => {
  const names = metricsOf()
    .described()
    .map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['nodejs_eventloop_lag_seconds', 'process_resident_memory_bytes']));
});
