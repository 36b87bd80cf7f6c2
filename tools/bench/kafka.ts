import { Kafka, logLevel } from 'kafkajs';

import { createKafka } from '../../src/sinks/client';
import { readCommitted } from '../../src/sinks/look';
import { ensureTopics } from '../../src/sinks/topics';
import { startKafka } from '../kafka';

const PARTITIONS = 6;

/** The broker that everything is written to. */
export interface Broker {
  readonly brokers: readonly string[];
  /** Makes the topics of a floor as the service makes its own; returns how many partitions the data topics have. */
  readonly createTopics: (prefix: string) => Promise<number>;
  readonly deleteTopics: (prefix: string) => Promise<void>;
  readonly stateSize: (serviceId: string) => Promise<StateSize>;
  readonly stop: () => Promise<void>;
}

/** What the state topic holds. */
export interface StateSize {
  /** Keys and newest values: what is left when the topic is compacted. */
  readonly liveBytes: number;
  /** Keys and values of all records that are there now. */
  readonly writtenBytes: number;
}

/** Starts a broker of its own with these properties on top of the quick ones, or uses the one that KAFKA_BROKERS names. */
export async function openBroker(overrides: Readonly<Record<string, string>> = {}): Promise<Broker> {
  const given = process.env['KAFKA_BROKERS'];
  const cluster = given === undefined || given === '' ? await startKafka({ overrides }) : null;
  const brokers = (cluster?.bootstrap ?? given ?? '').split(',');
  const kafka = createKafka({ clientId: 'bench', brokers, ssl: null, sasl: null }, () => undefined);
  const admin = new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  return {
    brokers,
    async createTopics(prefix) {
      await ensureTopics(kafka, {
        brokers,
        prefix,
        data: ['clients', 'invoices'],
        formerData: [],
        dataPartitions: PARTITIONS,
        statePartitions: 12,
        replicationFactor: -1,
        create: true,
      });
      return PARTITIONS;
    },
    async deleteTopics(prefix) {
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${prefix}.`));
      if (topics.length > 0) await admin.deleteTopics({ topics });
    },
    async stateSize(serviceId) {
      const live = new Map<string, number>();
      let writtenBytes = 0;
      const topic = `${serviceId}.state`;
      const reading = { serviceId, topic, follow: false, deadlineMs: 300_000 };
      await readCommitted(kafka, reading, ({ partition, key, value }) => {
        const bytes = (key?.length ?? 0) + (value?.length ?? 0);
        writtenBytes += bytes;
        live.set(`${partition} ${key?.toString() ?? ''}`, value === null ? 0 : bytes);
        return false;
      });
      return { liveBytes: [...live.values()].reduce((sum, bytes) => sum + bytes, 0), writtenBytes };
    },
    async stop() {
      await admin.disconnect();
      await cluster?.stop();
    },
  };
}
