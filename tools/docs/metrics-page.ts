import { createMetrics } from '../../src/http-server/metrics';

/** The same thing in Kafka Connect and in Debezium, by the name of our metric; where they have nothing like it, a dash. */
export const peers: Readonly<Record<string, readonly [connect: string, debezium: string]>> = {
  infakt_kafka_allowance_left_requests: ['-', '-'],
  infakt_kafka_allowance_used_requests: ['-', '-'],
  infakt_kafka_allowance_wait_seconds: ['-', '-'],
  infakt_kafka_build_info: ['`app-info` `version`', '-'],
  infakt_kafka_changes_total: [
    '`source-record-write-total`',
    '`TotalNumberOfCreateEventsSeen`, `TotalNumberOfUpdateEventsSeen`, `TotalNumberOfDeleteEventsSeen`',
  ],
  infakt_kafka_commit_bytes: ['-', '-'],
  infakt_kafka_commit_records: ['`transaction-size-avg`, `transaction-size-max`', '-'],
  infakt_kafka_commit_seconds: ['`offset-commit-avg-time-ms`, `offset-commit-max-time-ms`', '-'],
  infakt_kafka_commits_total: [
    '`offset-commit-success-percentage`, `offset-commit-failure-percentage`',
    '`NumberOfCommittedTransactions`',
  ],
  infakt_kafka_dead_letters_total: ['`deadletterqueue-produce-requests`', '`NumberOfErroneousEvents`'],
  infakt_kafka_hints_total: ['-', '-'],
  infakt_kafka_last_change_timestamp_seconds: ['-', '`MilliSecondsSinceLastEvent` (an age)'],
  infakt_kafka_last_commit_timestamp_seconds: ['-', '-'],
  infakt_kafka_last_newest_timestamp_seconds: ['-', '`MilliSecondsBehindSource` (an age)'],
  infakt_kafka_last_sweep_timestamp_seconds: ['-', '`SnapshotCompleted`, of every sweep and not of the first alone'],
  infakt_kafka_ledger_bytes: ['-', '-'],
  infakt_kafka_ledger_rows: ['-', '-'],
  infakt_kafka_misfits_total: ['-', '-'],
  infakt_kafka_api_drift_total: ['-', '-'],
  infakt_kafka_parkings_total: ['`status` (`FAILED`)', '`Connected`'],
  infakt_kafka_ready: ['`status` (`RUNNING`)', '`/q/health/ready` of Debezium Server'],
  infakt_kafka_request_retries_total: ['`total-retries`', '-'],
  infakt_kafka_requests_total: ['-', '-'],
  infakt_kafka_restore_seconds: ['-', '-'],
  infakt_kafka_rows_read_total: ['`source-record-poll-total`', '`RowsScanned`, `TotalNumberOfEventsSeen`'],
  infakt_kafka_sessions_lost_total: ['-', '`Connected`'],
  infakt_kafka_sessions_opened_total: ['`task-startup-success-total`', '-'],
  infakt_kafka_shards_owned: ['`task-count`', '-'],
  infakt_kafka_stale_after_seconds: ['-', '-'],
  infakt_kafka_stream_problem: ['`status`, `total-record-errors`', '-'],
  infakt_kafka_sweeps_total: ['-', '`SnapshotCompleted`, `SnapshotAborted`'],
  infakt_kafka_walk_seconds: ['`poll-batch-avg-time-ms`', '`SnapshotDurationInSeconds`'],
};

/** Every metric of a run that is ours, in the order of the names. */
export function ownMetrics(): readonly { readonly name: string; readonly help: string; readonly type: string }[] {
  return described()
    .filter(({ name }) => name.startsWith('infakt_kafka_'))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

function described() {
  return createMetrics({ version: '', own: () => [], isReady: () => true, now: () => 0 }).described();
}

/** The page about the metrics. */
export function renderMetricsPage(): string {
  const rows = ownMetrics().map(({ name, help, type }) => {
    const [connect = '-', debezium = '-'] = peers[name] ?? [];
    return `| \`${name}\` | ${type} | ${help} | ${connect} | ${debezium} |`;
  });
  return `# Metrics

Generated from the code by \`npm run docs\`; do not edit.

\`run\` answers \`GET /metrics\` in Prometheus' text format ([operate.md](operate.md) says on which port and to whom). Times are seconds; a
\`..._timestamp_seconds\` is a moment in seconds since 1970, so that a rule can compute the age at its own time:

\`\`\`promql
time() - infakt_kafka_last_sweep_timestamp_seconds > infakt_kafka_stale_after_seconds
\`\`\`

Each replica tells of what it reads itself. A stream that moves to another replica takes its timestamps along, so an age is never that of a
former owner; counters stay, and grow no more.

| Metric | Type | Meaning | Kafka Connect | Debezium |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

The two last columns name what is nearest in Kafka Connect (JMX, \`kafka.connect\`) and in Debezium (JMX, \`debezium.<connector>\`), so that a
dashboard can be carried over. A dash: they have nothing like it.

## How many series

Labels are the entity, the stream, a scan, a shard, and words of fixed lists; a status that is not among the usual ones counts as \`4xx\`, \`5xx\`
and so on. At most 200 series are of the process (with 12 shards), 25 of each entity, and 30 of each stream of an entity, those of a histogram
included: 300 companies with three streams come to 35 000 at most, and to about 10 000 where nothing is wrong (0.9 MB, 35 ms to make). That number does not grow with time.

## Of the process

Besides these there are those that \`prom-client\` gives every process: \`process_...\` (CPU, memory, open files, the start) and \`nodejs_...\` (event
loop, garbage collection, heap).
\`nodejs_eventloop_lag_p99_seconds\` is the first to look at where everything is slow.
`;
}
