import type { Simulator } from '../../simulator/server';
import { createSingleObjectDecoder } from '../../src/sinks/avro';
import { parseStateValue, stateKey } from '../../src/state/state-topic';
import { type CommittedRecord, readCommitted } from './java-reader';
import { brokers, kafkaClient, withAdmin } from './kafka';
import type { RunResult, TestService } from './once';

/** A committed record of a data topic or of the dead letters. */
export interface Published {
  /** Without the prefix: `invoices`, `dead-letters`. */
  readonly topic: string;
  /** Partition and offset. */
  readonly place: string;
  readonly entity: string | null;
  readonly stream: string | null;
  /** Null where the record has no key. */
  readonly id: number | null;
  readonly op: string | null;
  /** Decoded. */
  readonly key: Readonly<Record<string, unknown>> | null;
  readonly headers: CommittedRecord['headers'];
  /** Decoded; null is a tombstone. */
  readonly value: Readonly<Record<string, unknown>> | null;
  /** As it was written. */
  readonly text: string;
}

/** All that a service has written: what anybody may read, and every byte of every topic of it. */
export interface Everything {
  readonly published: readonly Published[];
  readonly raw: readonly CommittedRecord[];
}

/** Reads all topics of a service as a read_committed reader sees them. */
export async function readEverything(service: TestService): Promise<Everything> {
  const names = await withAdmin(kafkaClient(), (admin) => admin.listTopics());
  const raw = await readCommitted(
    brokers().join(','),
    names.filter((name) => name.startsWith(`${service.prefix}.`)),
  );
  const decode = createSingleObjectDecoder();
  const published = raw
    .map((record) => ({ ...record, topic: record.topic.slice(service.prefix.length + 1) }))
    .filter(({ topic }) => topic !== 'state')
    .map(({ topic, partition, offset, key, value, headers }): Published => {
      const decodedKey = key === null ? null : decode(key);
      return {
        topic,
        place: `${partition}:${offset}`,
        entity: headers['entity'] ?? null,
        stream: headers['stream'] ?? null,
        id: isObject(decodedKey) && typeof decodedKey['id'] === 'number' ? decodedKey['id'] : null,
        op: headers['op'] ?? null,
        key: isObject(decodedKey) ? decodedKey : null,
        headers,
        value: objectOf(value, topic === 'dead-letters' ? letterOf : decode),
        text: value?.toString() ?? '',
      };
    });
  return { published, raw };
}

/** The records of one entity on a topic; those that came after an earlier reading only, if it is given. */
export function recordsOf(read: Everything, topic: string, entity: string, since?: Everything): Published[] {
  const known = new Set(since?.published.map((record) => `${record.topic} ${record.place}`));
  return read.published.filter(
    (record) => record.topic === topic && record.entity === entity && !known.has(`${topic} ${record.place}`),
  );
}

/** Ids that one entity has on a topic, ascending; one that was published twice is there twice. */
export function idsOf(read: Everything, topic: string, entity: string): (number | null)[] {
  return recordsOf(read, topic, entity)
    .map(({ id }) => id)
    .sort((a, b) => (a ?? 0) - (b ?? 0));
}

/** Where the sweep of a stream stands, as the state topic holds it. */
export function sweepOf({ raw }: Everything, service: TestService, entity: string, stream: string): unknown {
  const key = stateKey(service.prefix, { entity, stream, scan: 'sweep' });
  const newest = raw
    .filter((record) => record.topic === service.topic('state') && record.key?.toString() === key)
    .at(-1);
  return newest?.value == null ? null : parseStateValue('scan', newest.value);
}

/** What a run logged of an entity's troubles, in order: the message, and the reason where it has one. */
export function troublesOf({ logs }: RunResult, entity: string): string[] {
  return logs
    .filter((line) => line['entity'] === entity && (line['msg'] === 'retrying' || 'reason' in line))
    .map(({ msg, reason }) => (typeof reason === 'string' ? `${String(msg)}: ${reason}` : String(msg)));
}

/** How often an entity was asked for a path, such as `invoices.json`, at an offset (any, unless given). */
export function asked(simulator: Simulator, key: string, path: string, offset?: number): number {
  return simulator.admin
    .stats()
    .last.filter((request) => request.entity === key && request.path === path)
    .filter(({ query }) => offset === undefined || new URLSearchParams(query).get('offset') === String(offset)).length;
}

/**
 * I11: no key in anything that was printed, logged or written to Kafka, and nothing of a buyer outside the topics that are
 * there for it.
 */
export function expectSecretsKept(
  simulator: Simulator,
  keys: readonly string[],
  runs: readonly RunResult[],
  { raw }: Everything,
): void {
  expect(raw.length).toBeGreaterThan(0);
  const shown = runs.flatMap(({ stdout, stderr }) => [stdout, stderr]).join('\n');
  const everyByte = raw.map(({ key, value, headers }) => textOf([key, value]) + JSON.stringify(headers));
  expect(keys.filter((key) => shown.includes(key) || everyByte.some((bytes) => bytes.includes(key)))).toEqual([]);

  const hidden = [
    shown,
    ...raw.map(({ topic, value, headers }) =>
      topic.endsWith('.state') ? textOf([value]) + JSON.stringify(headers) : JSON.stringify(headers),
    ),
  ].join('\n');
  const buyers = buyersOf(simulator);
  expect(buyers.size).toBeGreaterThan(0);
  expect([...buyers].filter((text) => hidden.includes(text))).toEqual([]);
}

/** Names, addresses and numbers of every buyer in the simulator. */
export function buyersOf({ admin }: Simulator): Set<string> {
  const telling = /^(client_)?(company_name|email|nip|tax_code|phone_number)$|^bank_account$/;
  const texts = new Set<string>();
  for (const [entity, truth] of Object.entries(admin.truth())) {
    for (const stream of ['clients', 'invoices'] as const) {
      for (const id of truth[stream].ids) {
        const row = admin.row(entity, stream, id);
        for (const [name, value] of Object.entries(isObject(row) ? row : {})) {
          if (telling.test(name) && typeof value === 'string' && value.length >= 8) texts.add(value);
        }
      }
    }
  }
  return texts;
}

function textOf(parts: readonly (Buffer | null)[]): string {
  return parts.map((part) => part?.toString() ?? '').join('\n');
}

/** The row that a dead letter holds; null where no row could be read, and it holds the bytes of an answer. */
function letterOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString()) as unknown;
  } catch {
    return null;
  }
}

function objectOf(bytes: Buffer | null, decode: (bytes: Buffer) => unknown): Published['value'] {
  const value = bytes === null ? null : decode(bytes);
  return isObject(value) ? value : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
