import { type Simulator, startSimulator } from '../../simulator/server';
import { partitionOf } from '../../src/sinks/partition';
import { type CommittedRecord, readCommitted } from './java-reader';
import { brokers, cleanUp } from './kafka';
import { type ServiceSetting, type TestService, testService } from './once';

/** A service that reads one company, `alfa`, from a simulator of its own. */
export interface OneCompany {
  readonly simulator: Simulator;
  readonly service: TestService;
  /** Partition of the state topic that holds what is known of it. */
  readonly shard: number;
  /** `host:port,...` that its records are read from. */
  readonly bootstrap: string;
}

export interface CompanyOptions {
  readonly clients?: number;
  readonly invoices?: number;
  /** Sections of the service file. */
  readonly service?: ServiceSetting['service'];
  readonly projections?: readonly string[];
  /** Another cluster than that of the tests. */
  readonly bootstrap?: string;
}

export const API_KEY = 'key-a';
/** Of a second company, which the service does not read unless told to. */
export const OTHER_API_KEY = 'key-b';
const NIP = '1111111111';

/** Starts the simulator and configures the service; both are gone after the test. */
export async function oneCompany({
  clients = 5,
  invoices = 20,
  service: sections = {},
  projections = [],
  bootstrap = brokers().join(','),
}: CompanyOptions = {}): Promise<OneCompany> {
  const simulator = await startSimulator({
    entities: [
      { key: API_KEY, name: 'Alfa', nip: NIP, clients, invoices, seed: 1 },
      { key: OTHER_API_KEY, name: 'Beta', nip: '2222222222', clients: 3, invoices: 0, seed: 2 },
    ],
  });
  cleanUp(() => simulator.stop());
  const service = testService({
    url: simulator.url,
    entities: { alfa: { api_key: API_KEY, nip: NIP, streams: ['clients', 'invoices'] } },
    service: { ...sections, kafka: { brokers: bootstrap.split(','), ...sections['kafka'] } },
    projections,
  });
  return { simulator, service, shard: partitionOf('alfa', 2), bootstrap };
}

/** The committed records of some of the service's topics. */
export function recordsOf({ service, bootstrap }: OneCompany, ...topics: string[]): Promise<CommittedRecord[]> {
  return readCommitted(
    bootstrap,
    topics.map((topic) => service.topic(topic)),
  );
}

/** Every row that the company has is in its topic exactly once, and nothing else is (I1, I2). */
export async function expectEachRowOnce(company: OneCompany): Promise<CommittedRecord[]> {
  const records = await recordsOf(company, 'clients', 'invoices');
  const { clients, invoices } = company.simulator.admin.truth()[API_KEY] ?? {};
  const published = records.map(({ topic, key }) => `${topic} ${key?.toString('hex') ?? ''}`);
  expect({ records: published.length, keys: new Set(published).size }).toEqual({
    records: (clients?.count ?? 0) + (invoices?.count ?? 0),
    keys: (clients?.count ?? 0) + (invoices?.count ?? 0),
  });
  return records;
}

/** How often the shard was opened and restored. */
export async function sessionsOf(company: OneCompany): Promise<number> {
  const state = await recordsOf(company, 'state');
  return state.filter(({ key }) => key?.toString() === `["${company.service.prefix}",{"session":true}]`).length;
}
