import type { Kafka } from 'kafkajs';

import { startKafka, type KafkaCluster } from '../../tools/kafka';
import { type CommittedRecord, readCommitted } from '../support/java-reader';
import { cleanUp, kafkaClient, until, withAdmin } from '../support/kafka';
import { API_KEY, expectEachRowOnce, oneCompany, type OneCompany, recordsOf } from '../support/one-company';

/** A cluster of the test's own. */
async function clusterWith(overrides: Readonly<Record<string, string>> = {}): Promise<KafkaCluster> {
  const cluster = await startKafka({ overrides });
  cleanUp(() => cluster.stop());
  return cluster;
}

const NAMES = ['clients', 'invoices', 'corrective-invoices', 'sweeps', 'entities', 'dead-letters', 'state'];
const clientOf = ({ bootstrap }: { readonly bootstrap: string }): Kafka =>
  kafkaClient({ brokers: bootstrap.split(',') });

function withoutNulls(headers: CommittedRecord['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).flatMap(([name, text]) => (text === null ? [] : [[name, text]])));
}

describe('a move to another cluster as docs/repair.md has it', () => {
  /** Copies what a reader of committed records sees, each record into the partition that it was in, as MirrorMaker 2 does. */
  async function copyTopics({ service, bootstrap }: OneCompany, target: Kafka): Promise<void> {
    const topics = NAMES.map((name) => service.topic(name));
    await withAdmin(target, async (admin) => {
      await admin.createTopics({
        waitForLeaders: false,
        topics: topics.map((topic) => ({
          topic,
          numPartitions: topic.endsWith('.state') ? 2 : 3,
          configEntries: /[.](sweeps|dead-letters)$/.test(topic) ? [] : [{ name: 'cleanup.policy', value: 'compact' }],
        })),
      });
      for (const topic of topics)
        await until(() => admin.fetchTopicOffsets(topic).then(() => true), { what: `${topic} to be led` });
    });
    await sendAll(target, await readCommitted(bootstrap, topics));
  }

  async function sendAll(
    target: Kafka,
    records: readonly Omit<CommittedRecord, 'offset' | 'timestamp'>[],
  ): Promise<void> {
    const producer = target.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    try {
      for (const topic of new Set(records.map((record) => record.topic))) {
        const messages = records
          .filter((record) => record.topic === topic)
          .map(({ partition, key, value, headers }) => ({ partition, key, value, headers: withoutNulls(headers) }));
        await producer.send({ topic, messages });
      }
    } finally {
      await producer.disconnect();
    }
  }

  /** Step 3: the newest layout of each partition is written back with no offsets. */
  async function emptyLastOffsets({ service }: OneCompany, bootstrap: string): Promise<void> {
    const state = await readCommitted(bootstrap, [service.topic('state')]);
    const layouts = state.filter(({ key }) => String(key) === `["${service.prefix}",{"layout":true}]`);
    const newest = new Map(layouts.map((record) => [record.partition, record]));
    const emptied = [...newest.values()].map((record) => {
      const layout = JSON.parse(String(record.value)) as Record<string, unknown>;
      return { ...record, value: Buffer.from(JSON.stringify({ ...layout, lastOffsets: {} })) };
    });
    expect(emptied).toHaveLength(1);
    await sendAll(clientOf({ bootstrap }), emptied);
  }

  test('is refused as it stands, and after the steps there goes on where the old cluster ended (I1, I2)', async () => {
    const company = await oneCompany();
    const { service, simulator } = company;
    expect(await service.once()).toMatchObject({ code: 0 });
    const [id = 0] = simulator.admin.truth()[API_KEY]?.invoices.ids ?? [];
    simulator.admin.edit(API_KEY, 'invoices', id, { notes: 'edited' });
    // Each run ends transactions, whose markers are not copied.
    expect(await service.once()).toMatchObject({ streams: { 'alfa invoices': { updated: 1 } } });

    const { bootstrap } = await clusterWith();
    await copyTopics(company, clientOf({ bootstrap }));
    const moved = { ...company, bootstrap };
    service.configure({
      url: simulator.url,
      entities: { alfa: { api_key: API_KEY, nip: '1111111111', streams: ['clients', 'invoices'] } },
      service: { kafka: { brokers: bootstrap.split(','), sessionTimeoutMs: 6_000 } },
    });
    const before = await recordsOf(moved, 'clients', 'invoices');
    const refused = await service.once();
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(
      /expected partition \d of .* to reach beyond offset \d+, got a high watermark of \d+/,
    );
    expect((await service.command(['check'])).code).toBe(2);
    expect(await recordsOf(moved, 'clients', 'invoices')).toHaveLength(before.length);

    await emptyLastOffsets(company, bootstrap);
    expect(await service.command(['check'])).toMatchObject({ code: 0 });
    expect(await service.once()).toMatchObject({
      code: 0,
      streams: { 'alfa clients': { created: 0, unchanged: 5 }, 'alfa invoices': { updated: 0, unchanged: 20 } },
    });
    expect(await recordsOf(moved, 'clients', 'invoices')).toHaveLength(before.length);
    simulator.admin.edit(API_KEY, 'invoices', id, { notes: 'edited again' });
    expect(await service.once()).toMatchObject({ code: 0, streams: { 'alfa invoices': { updated: 1 } } });
    expect(await recordsOf(moved, 'clients', 'invoices')).toHaveLength(before.length + 1);
  });
});

describe('a broker whose settings are not the usual ones', () => {
  const at = ({ bootstrap }: KafkaCluster, kafka: Readonly<Record<string, unknown>> = {}): Promise<OneCompany> =>
    oneCompany({ bootstrap, service: { kafka: { brokers: bootstrap.split(','), ...kafka } } });

  test('a longest compaction lag below that of the topics leaves the settings out, and check and a run say so', async () => {
    const cluster = await clusterWith({ 'log.cleaner.max.compaction.lag.ms': '86400000' });
    const company = await at(cluster);
    const check = await company.service.command(['check']);
    expect(check.stdout).toMatch(
      /ok {3}topics: .*state will be created at the first run; .*will be made without .*min.compaction.lag.ms/,
    );
    const run = await company.service.once();
    expect(run).toMatchObject({ code: 0, complete: true });
    expect(run.stderr).toMatch(/the broker does not allow their settings \(.*compaction.lag.*they were made without/);
    await expectEachRowOnce(company);
  });

  test('bounds of sessions and transactions that leave no room end a run and check with exit code 2 and both numbers', async () => {
    const cluster = await clusterWith({
      'group.min.session.timeout.ms': '20000',
      'transaction.max.timeout.ms': '20000',
    });
    const short = await at(cluster);
    const long = await at(cluster, { sessionTimeoutMs: 30_000 });
    for (const [company, text] of [
      [short, /expected kafka.sessionTimeoutMs from 20000 to \d+.*got 6000/],
      [long, /expected transaction.max.timeout.ms of the broker to be 30000 or more.*got 20000/],
    ] as const) {
      const run = await company.service.once();
      expect(run.code).toBe(2);
      expect(run.stderr).toMatch(text);
      const check = await company.service.command(['check']);
      expect(check.code).toBe(2);
      expect(check.stdout).toMatch(text);
    }
  });

  test('transactions that want three replicas of one broker end a run and check with exit code 2, within 30 s', async () => {
    const company = await at(await clusterWith({ 'transaction.state.log.replication.factor': '3' }));
    const begun = performance.now();
    const run = await company.service.once();
    expect(performance.now() - begun).toBeLessThan(30_000);
    expect(run.code).toBe(2);
    expect(run.stderr).toMatch(/expected 3 brokers for __transaction_state.*got 1/);
    expect((await company.service.command(['check'])).stdout).toMatch(
      /FAIL brokers: .*3 brokers for __transaction_state/,
    );
  });
});
