import { refuseNewerLayout, verifyLayout } from '../state/layout';
import type { Kafka } from 'kafkajs';

import type { Config } from '../../config/config';
import { ConfigError } from '../errors';
import { currentDefinitions, expectedKeysOf, subjectsOf } from '../service/codecs';
import { startSettings, topicSettings, WITHOUT_REGISTRY } from '../service/cluster';
import { userAgentOf } from '../service/api';
import { confluent, singleObject, type Framing } from '../sinks/framing';
import { groupIsEmpty } from '../sinks/group';
import { readCommitted } from '../sinks/look';
import { createRegistry } from '../sinks/registry';
import { allTopics, ensureTopics, missingTopics, type Topics } from '../sinks/topics';
import { skippedBlocks, StoredTopic } from '../state/read-state';
import type { Account, Layout } from '../state/state-topic';
import type { Attempt } from './check-findings';
import type { Io } from './io';

const LOOK_DEADLINE_MS = 5 * 60_000;

/** Checks brokers, topics, registry and state; returns the accounts that the state topic remembers, null where a check failed. */
export async function checkKafka(
  config: Config,
  kafka: Kafka,
  io: Io,
  attempt: Attempt,
): Promise<ReadonlyMap<string, Account> | null> {
  const { service } = config;
  const settings = topicSettings(config, false);
  const notes: string[] = [];
  const missing = await attempt('brokers', null, async () => {
    const names = await missingTopics(kafka, settings, (text) => notes.push(text));
    return { value: names, text: [`${service.kafka.brokers.join(', ')} answer`, ...notes].join('; ') };
  });
  if (missing === null) return null;
  if (missing.length > 0) {
    await attempt('topics', null, async () => {
      const names = missing.join(', ');
      if (!service.topics.create)
        throw new ConfigError(
          `expected ${names} to exist, as topics.create is false; create them, or set topics.create to true`,
        );
      // What a run would refuse at its start is refused here.
      const more: string[] = [];
      await missingTopics(kafka, startSettings(kafka, config, LOOK_DEADLINE_MS), (text) => more.push(text));
      const unsaid = more.filter((text) => !notes.includes(text));
      return { value: null, text: [`${names} will be created at the first run`, ...unsaid].join('; ') };
    });
    const named = (name: string): { readonly name: string } => ({ name: `${settings.prefix}.${name}` });
    const wanted = {
      data: new Map(settings.data.map((name) => [name, named(name)])),
      sweeps: named('sweeps'),
      entities: named('entities'),
      status: named('status'),
    };
    await attempt('registry', null, () => checkRegistry(config, wanted, io.version));
    return null;
  }
  const topics = await attempt('topics', null, async () => {
    const seen = await ensureTopics(kafka, settings);
    const text = allTopics(seen)
      .map(({ name, partitions }) => `${name} (${partitions} partitions)`)
      .join(', ');
    return { value: seen, text: [text, ...seen.warnings].join('; ') };
  });
  if (topics === null) return null;
  const framing = await attempt('registry', null, () => checkRegistry(config, topics, io.version));
  return framing === null ? null : attempt('state', null, () => checkState(config, kafka, topics, framing, io));
}

/** Whether the registry has each schema, or would take it; changes nothing there. */
async function checkRegistry(
  { service }: Config,
  topics: Parameters<typeof subjectsOf>[0],
  version: string,
): Promise<{ readonly value: Framing; readonly text: string }> {
  if (service.registry === null) return { value: singleObject, text: `none configured: ${WITHOUT_REGISTRY}` };
  const registry = createRegistry({ settings: service.registry, userAgent: userAgentOf(version) });
  try {
    const examined = await registry.examine(subjectsOf(topics));
    const refused = examined.flatMap((each) => (each.state === 'refused' ? [each.reason] : []));
    if (refused.length > 0) throw new ConfigError(refused.join('; '));
    const ids = new Map(
      examined.flatMap((each) => (each.state === 'registered' ? [[each.subject, each.id] as const] : [])),
    );
    const missing = examined.length - ids.size;
    return {
      value: { ...confluent(ids), schemaId: (subject) => String(ids.get(subject) ?? 'none') },
      text: [
        `${service.registry.url} has ${ids.size} of ${examined.length} schemas`,
        ...(missing > 0 ? [`${missing} will be registered at the first run`] : []),
        ...new Set(examined.flatMap((each) => each.notes)),
      ].join('; '),
    };
  } finally {
    registry.close();
  }
}

/** Whether the state topic can be read, belongs to this service and fits the topics; the accounts that it holds. */
async function checkState(
  { service, entities }: Config,
  kafka: Kafka,
  topics: Topics,
  framing: Framing,
  io: Io,
): Promise<{ readonly value: ReadonlyMap<string, Account>; readonly text: string }> {
  const serviceId = service.service.id;
  // A right to join the group includes the right to see it.
  await groupIsEmpty(kafka, serviceId, 0);
  const topic = topics.state.name;
  const stored = new StoredTopic({ serviceId, topic, ...skippedBlocks });
  const reading = { serviceId, topic, follow: false, stop: io.stop, deadlineMs: LOOK_DEADLINE_MS };
  await readCommitted(kafka, reading, (record) => {
    stored.apply(record);
    return false;
  });
  const accounts = new Map<string, Account>();
  const layouts = new Map<number, Layout>();
  for (const [partition, state] of stored.partitions) {
    const layout = state.layout();
    if (layout !== null) layouts.set(partition, layout);
    for (const entry of state.entries()) if (entry.kind === 'account') accounts.set(entry.entity, entry.value);
  }
  // A service beside this command may have written on since the first look.
  const ends = await ensureTopics(kafka, topicSettings({ service, entities }, false));
  const now = expectedKeysOf(topics, framing);
  for (const [partition, layout] of layouts) {
    refuseNewerLayout(layout, currentDefinitions(service), `reading partition ${partition} of ${topics.state.name}`);
    verifyLayout(layout, ends, now);
  }
  return {
    value: accounts,
    text: layouts.size === 0 ? 'nothing remembered yet' : `${layouts.size} shards in use, their layout fits`,
  };
}
