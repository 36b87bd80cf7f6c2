import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { choosePort, findJava, HOST, projectRoot } from '../../tools/java';
import { type KafkaCluster, kafkaLibrary, startKafka } from '../../tools/kafka';
import { expectEachRowOnce, oneCompany, type OneCompany } from '../support/one-company';

/** Nobody listens there. */
const NOBODY = `${HOST}:1`;

let classes: string;
let cluster: KafkaCluster;
/** A second port of the same broker, by which clients are told that the broker is where nobody listens. */
let misleading: string;

beforeAll(async () => {
  classes = await mkdtemp(join(tmpdir(), 'strict-topics-'));
  const [java, library] = await Promise.all([findJava(), kafkaLibrary()]);
  const javac = java === 'java' ? 'javac' : join(dirname(java), 'javac');
  const source = join(projectRoot(), 'test', 'support', 'StrictTopics.java');
  await promisify(execFile)(javac, ['-d', classes, '-cp', join(library, '*'), source]);
  const taken = new Set<number>();
  const port = await choosePort('Kafka', 0, taken);
  taken.add(port);
  misleading = `${HOST}:${await choosePort('Kafka', 0, taken)}`;
  cluster = await startKafka({
    port,
    classes,
    listeners: { [`MISLEADING://${misleading}`]: 'PLAINTEXT' },
    overrides: {
      'advertised.listeners': `PLAINTEXT://${HOST}:${port},MISLEADING://${NOBODY}`,
      'create.topic.policy.class.name': 'StrictTopics',
    },
  });
});

afterAll(async () => {
  await cluster.stop();
  await rm(classes, { recursive: true });
});

const at = (bootstrap: string, topics: Readonly<Record<string, unknown>> = {}): Promise<OneCompany> =>
  oneCompany({ bootstrap, service: { kafka: { brokers: bootstrap.split(',') }, topics } });

test('a broker that tells an address at which nobody answers is named, with what it told, by a run and by check', async () => {
  const { service } = await at(misleading);
  const told = `${NOBODY} is no address of kafka.brokers: a broker named it as its own or another's (advertised.listeners)`;
  const run = await service.once();
  expect({ code: run.code, says: run.stderr.includes(told) ? told : run.stderr }).toEqual({ code: 3, says: told });
  const check = await service.command(['check']);
  expect({ code: check.code, says: check.stdout.includes(told) ? told : check.stdout }).toEqual({
    code: 3,
    says: told,
  });
});

test('a policy of the cluster that refuses settings gets topics without them, told in its own words, and the run is complete', async () => {
  const company = await at(cluster.bootstrap);
  const told =
    /creating \S.*[.]state.*: the broker does not allow their settings \(.*(segment[.]ms|min[.]cleanable[.]dirty[.]ratio) is not yours to set here\)/;
  const check = await company.service.command(['check']);
  expect(check.code).toBe(0);
  expect(check.stdout).toMatch(/will be made without .*min[.]cleanable[.]dirty[.]ratio/);
  const run = await company.service.once();
  expect(run).toMatchObject({ code: 0, complete: true });
  expect(run.stderr).toMatch(told);
  expect(run.stderr).toMatch(/they were made without .*segment[.]ms/);
  await expectEachRowOnce(company);
});

test('a policy that refuses the topics themselves ends a run and check with exit code 2 and its own sentence', async () => {
  const { service } = await at(cluster.bootstrap, { partitions: 7 });
  const told = 'seven partitions are one too many here';
  const run = await service.once();
  expect({ code: run.code, says: run.stderr.includes(told) }).toEqual({ code: 2, says: true });
  const check = await service.command(['check']);
  expect({ code: check.code, says: check.stdout.includes(told) }).toEqual({ code: 2, says: true });
});
