import { type KafkaCluster, startKafka } from '../../tools/kafka';
import { brokers, cleanUp } from '../support/kafka';
import { expectEachRowOnce, oneCompany, type OneCompany, sessionsOf } from '../support/one-company';
import { API, startProxy, type Verdict } from '../support/tcp-proxy';

describe('a broker that is not there', () => {
  test('ends a run with exit code 3 within 30 s, naming the brokers and what was tried', async () => {
    const { service } = await oneCompany({ service: { kafka: { brokers: ['127.0.0.1:9', '127.0.0.1:11'] } } });
    const begun = Date.now();
    const run = await service.once();
    expect(run.code).toBe(3);
    expect(Date.now() - begun).toBeLessThan(30_000);
    expect(run.stderr).toMatch(/connecting to Kafka at 127\.0\.0\.1:9, 127\.0\.0\.1:11: .*ECONNREFUSED/);
  });

  test('ends a run with exit code 3 within 30 s where it takes connections and answers nothing', async () => {
    const { service } = await oneCompany();
    const proxy = await proxied(() => 'drop-request');
    const begun = Date.now();
    const run = await service.once({ outside: proxy });
    expect(run.code).toBe(3);
    expect(Date.now() - begun).toBeLessThan(30_000);
    expect(run.stderr).toContain(`connecting to Kafka at ${brokers().join(', ')}: expected an answer within`);
  });
});

describe('a broker killed in mid-transaction', () => {
  let cluster: KafkaCluster;
  let company: OneCompany;

  beforeAll(async () => {
    cluster = await startKafka({
      overrides: { 'broker.session.timeout.ms': '3000', 'broker.heartbeat.interval.ms': '500' },
    });
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    company = await oneCompany({ invoices: 450, bootstrap: cluster.bootstrap });
  });

  const killed = (afterwards: () => void): Promise<Pick<Proxied, 'socketFactory'>> => {
    let commits = 0;
    return proxied(async ({ apiKey }) => {
      if (apiKey !== API.endTxn || ++commits !== 4) return 'pass';
      await cluster.brokers[0]?.kill();
      afterwards();
      return 'close-before';
    });
  };

  test('I2: a run recovers by itself when the broker is back, and every row is there exactly once', async () => {
    let back: Promise<void> | undefined;
    const outside = await killed(() => {
      back = cluster.brokers[0]?.start();
    });
    const patience = { reopenMs: () => 1_000, reopenTries: 30, confirmMs: 40_000 };
    expect(await company.service.once({ outside, patience })).toMatchObject({ code: 0, complete: true });
    expect(back).toBeDefined();
    await back;
    await expectEachRowOnce(company);
    expect(await sessionsOf(company)).toBeGreaterThan(1);
  });

  test('a run ends with exit code 3 when the broker does not come back, and the next one completes the sweep', async () => {
    let killedAt = Infinity;
    const outside = await killed(() => {
      killedAt = Date.now();
    });
    const patience = { reopenMs: () => 500, reopenTries: 4, confirmMs: 3_000 };
    const run = await company.service.once({ outside, patience });
    expect(run.code).toBe(3);
    expect(run.stderr).toMatch(/committing \d+ records/);
    expect(Date.now() - killedAt).toBeLessThan(3_000 + 10_000);
    await cluster.brokers[0]?.start();
    expect(await company.service.once()).toMatchObject({ code: 0, complete: true });
    await expectEachRowOnce(company);
  });
});

describe('an answer of Kafka that is lost', () => {
  test('I2: TRANSACTION OUTCOME UNKNOWN, again and again: nothing is lost and nothing is published twice', async () => {
    const company = await oneCompany({ clients: 130, invoices: 450 });
    let commits = 0;
    const faults: Verdict[] = [];
    const outside = await proxied(({ apiKey }) => {
      if (apiKey !== API.endTxn) return 'pass';
      commits += 1;
      if (faults.length >= 6 || commits % 3 === 1) return 'pass';
      // Both look the same from here: the connection is closed. One transaction stands, the other does not.
      const verdict = commits % 3 === 2 ? 'close-after-forward' : 'close-before';
      faults.push(verdict);
      return verdict;
    });
    const run = await company.service.once({ outside });
    expect(run).toMatchObject({ code: 0, complete: true });
    expect(faults.length).toBeGreaterThanOrEqual(4);
    await expectEachRowOnce(company);
    expect(await sessionsOf(company)).toBeGreaterThan(2);
  });

  test('I2: a commit that gets no answer at all is given up at the deadline and read back', async () => {
    const company = await oneCompany({ invoices: 250 });
    let commits = 0;
    const outside = await proxied(({ apiKey }) =>
      apiKey === API.endTxn && [3, 5].includes(++commits) ? 'drop-response' : 'pass',
    );
    const run = await company.service.once({ outside, patience: { commitMs: 2_000 } });
    expect(run).toMatchObject({ code: 0, complete: true });
    expect(commits).toBeGreaterThanOrEqual(5);
    await expectEachRowOnce(company);
  });
});

interface Proxied {
  readonly socketFactory: Awaited<ReturnType<typeof startProxy>>['socketFactory'];
}

/** Kafka through a proxy that asks what to do with each request. */
async function proxied(
  interceptor: Parameters<Awaited<ReturnType<typeof startProxy>>['intercept']>[0],
): Promise<Proxied> {
  const { socketFactory, intercept, close } = await startProxy();
  cleanUp(close);
  intercept(interceptor);
  return { socketFactory };
}
