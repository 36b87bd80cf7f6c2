import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Kafka } from 'kafkajs';

import type { EntityOptions } from '../../simulator/account';
import { startSimulator, type Simulator } from '../../simulator/server';
import { TransientError } from '../../src/errors';
import { createSingleObjectDecoder } from '../../src/sinks/avro';
import { createKafka } from '../../src/sinks/client';
import { readCommitted, type CommittedRecord } from '../../src/sinks/look';
import { projectRoot } from '../java';
import { startKafka } from '../kafka';

/** A legal entity of the demo: what the simulator makes up for it, and its id in the service. */
export interface Company extends EntityOptions {
  readonly id: string;
  /** The streams that its entity file names; those of the demo unless given. */
  readonly streams?: readonly string[];
}

export type Stream = 'clients' | 'invoices' | 'corrective-invoices';

/** A record's value, decoded. */
export type Fields = Readonly<Record<string, unknown>>;

/** A record as it arrived on its topic. */
export interface Arrival {
  readonly stream: Stream;
  readonly entity: string;
  readonly id: number;
  readonly op: string;
  /** What the key had before; undefined = nothing. */
  readonly before: Fields | undefined;
  /** Undefined = deleted. */
  readonly after: Fields | undefined;
  /** By `performance.now()`. */
  readonly atMs: number;
}

/** What a consumer of the topics has seen and holds, growing as records arrive. */
export interface View {
  readonly arrivals: readonly Arrival[];
  /** The latest value of each key of an entity's stream. */
  readonly latest: (entity: string, stream: Stream) => ReadonlyMap<number, Fields>;
}

/** Where Kafka is, and how it is left. */
export interface Broker {
  readonly bootstrap: string;
  /** What the names of the demo's topics begin with, before a dot. */
  readonly prefix: string;
  readonly isOurs: boolean;
  readonly stop: () => Promise<void>;
}

/** The service as a process of its own. */
export interface Service {
  readonly pid: number;
  /** Holds its configuration and its log. */
  readonly folder: string;
  /** Throws if it ended by itself. */
  readonly check: () => Promise<void>;
  /** `infakt-kafka reconcile`: what it says, and whether all agrees. */
  readonly reconcile: () => Promise<{ readonly agrees: boolean; readonly text: string }>;
  readonly stop: () => Promise<void>;
}

const SERVICE = join(projectRoot(), 'dist/src/main.js');
const STOPPED_WITHIN_MS = 15_000;
const READ_ATTEMPTS = 20;
const READ_AGAIN_AFTER_MS = 500;
/** What the demo reads. */
export const streams: readonly Stream[] = ['clients', 'invoices', 'corrective-invoices'];

/** Ends a process with its parent, however that ends: they are tied by a channel, which breaks. */
const END_WITH_PARENT = `data:text/javascript,${encodeURIComponent(
  "process.once('disconnect', () => process.kill(process.pid, 'SIGKILL')); process.channel.unref();",
)}`;

/** A Kafka of the demo's own, or topics under a name of the demo's own in the one given, removed on stop. */
export async function openBroker(given: string | undefined, port: number): Promise<Broker> {
  if (given === undefined || given === '') {
    const cluster = await startKafka({ port });
    return { bootstrap: cluster.bootstrap, prefix: 'infakt', isOurs: true, stop: cluster.stop };
  }
  await refuseSilence(given);
  const prefix = `infakt-demo-${randomBytes(4).toString('hex')}`;
  return { bootstrap: given, prefix, isOurs: false, stop: () => removeTopics(clientOf(given), prefix) };
}

/** Rejects where the broker that the environment names cannot be used: it may be there from long ago. */
async function refuseSilence(given: string): Promise<void> {
  const admin = clientOf(given).admin();
  try {
    await admin.connect();
  } catch (cause) {
    throw new TransientError(
      `Connecting to Kafka at ${given}, as KAFKA_BROKERS in the environment says: expected an answer, got ${cause instanceof Error ? cause.message : String(cause)}; without KAFKA_BROKERS the demo starts a broker of its own`,
      { cause },
    );
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** The simulated API, in this process. */
export function openApi(companies: readonly Company[]): Promise<Simulator> {
  return startSimulator({ entities: companies });
}

/** Starts `infakt-kafka run` with a configuration in a temporary folder, removed on stop. */
export async function openService(options: {
  readonly broker: Broker;
  readonly apiUrl: string;
  readonly companies: readonly Company[];
  readonly schedule: Fields;
  readonly logLevel: string;
  /** What else the service file has. */
  readonly settings?: Fields;
}): Promise<Service> {
  const { broker, apiUrl, companies, schedule, logLevel, settings } = options;
  const folder = await mkdtemp(join(tmpdir(), 'infakt-demo-'));
  const entities = join(folder, 'entities');
  await mkdir(entities);
  const file = {
    service: { id: broker.prefix },
    infakt: { baseUrl: `${apiUrl}/api/v3`, requestsPerMinute: 0 },
    kafka: { brokers: broker.bootstrap.split(',') },
    topics: { prefix: broker.prefix },
    schedule,
    log: { level: logLevel },
    // Another service of this machine may have the port.
    http: { port: 0 },
    ...settings,
  };
  await writeFile(join(folder, 'service.json'), json(file));
  for (const { id, name, nip, key, streams: named = streams } of companies) {
    await writeFile(join(entities, `${id}.key`), key);
    const entity = { name, nip, api_key_file: `${id}.key`, start_date: 'all', streams: named };
    await writeFile(join(entities, `${id}.json`), json(entity));
  }

  const log = join(folder, 'service.log');
  const output = openSync(log, 'a');
  const configuration = ['--config', join(folder, 'service.json'), '--entities', entities];
  const command = ['run', ...configuration];
  const child = spawn(process.execPath, ['--import', END_WITH_PARENT, SERVICE, ...command], {
    stdio: ['ignore', output, output, 'ipc'],
    // Out of reach of a terminal's Ctrl-C, which the demo answers for both.
    detached: true,
    // Nothing that is set for another service: the variables win over the files.
    env: {},
  });
  closeSync(output);
  let ended: string | undefined;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      ended = `its end with ${signal ?? `exit code ${code ?? 0}`}`;
      resolve();
    });
    child.once('error', ({ message }) => {
      ended = message;
      resolve();
    });
  });

  return {
    pid: child.pid ?? 0,
    folder,
    async check() {
      if (ended === undefined) return;
      const lines = (await readFile(log, 'utf8')).trim().split('\n').slice(-10);
      throw new TransientError(`running the service: expected it to go on, got ${ended}:\n${lines.join('\n')}`);
    },
    reconcile: () =>
      new Promise((resolve) => {
        execFile(process.execPath, [SERVICE, 'reconcile', ...configuration], { env: {} }, (error, stdout, stderr) =>
          resolve({ agrees: error === null, text: stdout + stderr }),
        );
      }),
    async stop() {
      const impatience = new AbortController();
      child.kill('SIGTERM');
      const patience = delay(STOPPED_WITHIN_MS, undefined, { signal: impatience.signal }).then(
        () => child.kill('SIGKILL'),
        () => undefined,
      );
      await exited;
      impatience.abort();
      await patience;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Consumes the topics of all streams from their beginning, as soon as they exist, until stopped. */
export function follow(broker: Broker): View & {
  /** Throws if a topic cannot be read any more. */
  readonly check: () => void;
  readonly stop: () => Promise<void>;
} {
  const kafka = clientOf(broker.bootstrap);
  const decode = createSingleObjectDecoder();
  const arrivals: Arrival[] = [];
  const held = new Map<string, Map<number, Fields>>();
  const latest = (entity: string, stream: Stream): Map<number, Fields> => {
    const name = `${entity} ${stream}`;
    const known = held.get(name) ?? new Map<number, Fields>();
    held.set(name, known);
    return known;
  };
  const take = (stream: Stream, { key, value, headers }: CommittedRecord): void => {
    const { entity, id } = fieldsOf(key === null ? null : decode(key));
    if (typeof entity !== 'string' || typeof id !== 'number')
      throw new Error(`a key of ${stream} without entity or id`);
    const values = latest(entity, stream);
    const before = values.get(id);
    const after = value === null ? undefined : fieldsOf(decode(value));
    if (after === undefined) values.delete(id);
    else values.set(id, after);
    arrivals.push({ stream, entity, id, op: headers['op'] ?? '', before, after, atMs: performance.now() });
  };

  const stopping = new AbortController();
  /** A broker that has just started may be busy at first: then from the beginning again, less what was taken. */
  const readOn = async (stream: Stream): Promise<void> => {
    const next = new Map<number, number>();
    const options = {
      serviceId: broker.prefix,
      topic: `${broker.prefix}.${stream}`,
      follow: true,
      stop: stopping.signal,
      deadlineMs: Infinity,
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        await readCommitted(kafka, options, (record) => {
          if (record.offset < (next.get(record.partition) ?? 0)) return false;
          next.set(record.partition, record.offset + 1);
          take(stream, record);
          return false;
        });
        return;
      } catch (error) {
        if (!(error instanceof TransientError) || attempt === READ_ATTEMPTS) throw error;
        await delay(READ_AGAIN_AFTER_MS, undefined, { signal: stopping.signal });
      }
    }
  };
  const failures: unknown[] = [];
  const reading = (async () => {
    await topicsExist(kafka, broker.prefix, stopping.signal);
    await Promise.all(streams.map(readOn));
  })().catch((error: unknown) => void failures.push(error));

  return {
    arrivals,
    latest,
    check() {
      if (failures.length > 0) throw failures[0];
    },
    async stop() {
      stopping.abort();
      await reading;
    },
  };
}

/** Waits until the service has created them and each partition has a leader. */
async function topicsExist(kafka: Kafka, prefix: string, signal: AbortSignal): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    for (const stream of streams) {
      const topic = `${prefix}.${stream}`;
      // Asked for by name, a topic that is not there might be created.
      while (!(await admin.listTopics()).includes(topic)) await delay(100, undefined, { signal });
      while (!(await hasOffsets(() => admin.fetchTopicOffsets(topic)))) await delay(100, undefined, { signal });
    }
  } finally {
    await admin.disconnect();
  }
}

function hasOffsets(fetch: () => Promise<unknown>): Promise<boolean> {
  return fetch().then(
    () => true,
    () => false,
  );
}

async function removeTopics(kafka: Kafka, prefix: string): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${prefix}.`));
    if (topics.length > 0) await admin.deleteTopics({ topics });
    const { groups } = await admin.listGroups();
    const ids = groups.map(({ groupId }) => groupId).filter((id) => id === prefix || id.startsWith(`${prefix}.`));
    if (ids.length > 0) await admin.deleteGroups(ids);
  } finally {
    await admin.disconnect();
  }
}

function clientOf(bootstrap: string): Kafka {
  const brokers = bootstrap.split(',');
  return createKafka({ clientId: 'infakt-demo', brokers, ssl: null, sasl: null }, () => undefined);
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {};
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
