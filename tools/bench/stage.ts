import {
  configureService,
  startSimulatorProcess,
  type Service,
  type ServiceSetting,
  type SimulatorProcess,
} from './children';
import { openBroker, type Broker } from './kafka';

/** What a service is measured between. */
export interface Stage {
  readonly broker: Broker;
  readonly simulator: SimulatorProcess;
  readonly service: Service;
}

/** What is read, and how. */
export interface StageSetting extends Pick<
  ServiceSetting,
  'companies' | 'streams' | 'requestsPerMinute' | 'sweepSeconds'
> {
  /** Tells this service's topics from those of others on the broker; default none. */
  readonly suffix?: string;
}

/** Lends a broker, with settings of its own where they are given. */
export async function withBroker<T>(
  use: (broker: Broker) => Promise<T>,
  overrides: Readonly<Record<string, string>> = {},
): Promise<T> {
  const broker = await openBroker(overrides);
  try {
    return await use(broker);
  } finally {
    await broker.stop();
  }
}

/** Lends a simulator of these companies and a service that reads it; the simulator refuses what is above the allowance. */
export async function withService<T>(
  broker: Broker,
  { suffix = '', ...setting }: StageSetting,
  use: (stage: Stage) => Promise<T>,
): Promise<T> {
  const simulator = await startSimulatorProcess(setting.companies, setting.requestsPerMinute);
  try {
    const { url } = simulator;
    const prefix = `bench-${process.pid}${suffix}`;
    const service = configureService({ ...setting, prefix, url, brokers: broker.brokers });
    try {
      return await use({ broker, simulator, service });
    } finally {
      service.remove();
      await broker.deleteTopics(prefix);
    }
  } finally {
    await simulator.stop();
  }
}
