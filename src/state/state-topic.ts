import type { StoredDrift } from '../changes/drift';
import { ConfigError } from '../errors';
import { isObject } from '../json';
import type { Cursor, EntityId, ScanName, StreamName } from '../model';

/** What a key of the state topic stands for; the topic's keys are `["<service id>", {...}]`, readable with console tools. */
export type StateKey =
  | { readonly layout: true }
  | { readonly session: true }
  | { readonly entity: EntityId; readonly account: true }
  | { readonly entity: EntityId; readonly stream: StreamName; readonly scan: ScanName }
  | { readonly entity: EntityId; readonly stream: StreamName; readonly block: number }
  | { readonly entity: EntityId; readonly stream: StreamName; readonly strays: true }
  | { readonly entity: EntityId; readonly stream: StreamName; readonly hold: true };

/** Which account an entity's key belonged to when it was first seen (I7). */
export interface Account {
  readonly taxId: string | null;
  readonly accountUuid: string | null;
  /** Day of the first run, `YYYY-MM-DD`: what a default `start_date` is counted from. */
  readonly firstRun: string;
  /** What the newest record of the entity says; absent = there is none. */
  readonly published?: ShownAccount;
}

/** What is known of an entity's account, as its record says. */
export interface ShownAccount {
  readonly taxId: string | null;
  readonly name: string | null;
}

/** Whether two accounts, or none, show the same. */
export function showSame(one: ShownAccount | undefined, other: ShownAccount | undefined): boolean {
  return one?.taxId === other?.taxId && one?.name === other?.name;
}

/** How the rows of one stream are judged; entries name theirs by its index in `Layout.definitions`. */
export interface Definition {
  readonly stream: StreamName;
  readonly hashVersion: number;
  readonly normalisationVersion: number;
  readonly volatileFields: readonly string[];
}

/** The newest layout that this program reads and writes. */
export const LAYOUT_VERSION = 1;

/** What must not change under a shard, and what its last transaction but one left behind. */
export interface Layout {
  /** Number of the way that a shard's state is laid out; a program refuses a shard whose number is above `LAYOUT_VERSION`. */
  readonly version: number;
  /** Version of the program that wrote this layout, for people: nothing is decided by it. */
  readonly writtenBy?: string;
  readonly statePartitions: number;
  /** Partition counts of the data topics. */
  readonly partitions: Readonly<Record<string, number>>;
  readonly keyFraming: 'single-object' | 'confluent';
  /** Fingerprint or registry id of each key schema, by topic. */
  readonly keySchemas: Readonly<Record<string, string>>;
  /** Append-only. */
  readonly definitions: readonly Definition[];
  /** Last offset that the transaction before the one with this record wrote, by topic and partition. */
  readonly lastOffsets: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Epoch ms of the newest `observed_at` published. */
  readonly observedAt: number;
}

/** Fingerprints of dead-lettered rows without an id, newest last, at most 100. */
export interface Strays {
  readonly fingerprints: readonly string[];
  /** What was published of rows whose last reading went to the dead-letter topic: their entries have that reading's fingerprint. */
  readonly lastPublished?: readonly {
    readonly id: number;
    readonly fingerprint: string;
    readonly definition: number;
  }[];
  /** How the API was seen to differ from what is documented; absent = nothing was looked at yet, or by an older program. */
  readonly drift?: StoredDrift;
}

/** Why a stream or entity waits for a human. */
export interface Hold {
  readonly id: string;
  readonly reason: string;
  readonly since: string;
  /** The newest sweep whose missing rows it holds back: what it releases. */
  readonly sweep: number;
}

/** What the session marker says; a restore reads until it meets its own. */
export interface SessionMarker {
  readonly session: string;
  readonly at: string;
}

/** Shape of each kind of value; ledger blocks are Avro instead. */
export interface StateValues {
  readonly layout: Layout;
  readonly session: SessionMarker;
  readonly account: Account;
  readonly scan: Cursor;
  readonly strays: Strays;
  readonly hold: Hold;
}

/** Writes a key. */
export function stateKey(serviceId: string, key: StateKey): string {
  return JSON.stringify([serviceId, key]);
}

/** Reads a key; a ConfigError where the record was not written by this service. */
export function parseStateKey(serviceId: string, text: string, where: string): StateKey {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(
      `reading ${where}: expected a key like ["${serviceId}",{...}], got ${text.length} characters that are not JSON`,
      { cause, concerns: 'shard' },
    );
  }
  if (!Array.isArray(parsed) || parsed.length !== 2 || typeof parsed[0] !== 'string') {
    throw new ConfigError(
      `reading ${where}: expected a key like ["${serviceId}",{...}], got another shape; a state topic belongs to one service`,
      { concerns: 'shard' },
    );
  }
  if (parsed[0] !== serviceId) {
    throw new ConfigError(
      `reading ${where}: expected records of service "${serviceId}", got one of "${parsed[0]}"; a state topic belongs to one service: set service.id back, or give this service its own topics.prefix`,
      { concerns: 'shard' },
    );
  }
  const key: unknown = parsed[1];
  if (!isStateKey(key))
    throw new ConfigError(
      `reading ${where}: expected a known kind of state key, got ${JSON.stringify(key)}; was it written by a newer version?`,
      { concerns: 'shard' },
    );
  return key;
}

function isStateKey(key: unknown): key is StateKey {
  if (typeof key !== 'object' || key === null) return false;
  if ('layout' in key || 'session' in key) return true;
  if (!('entity' in key) || typeof key.entity !== 'string') return false;
  if ('account' in key) return true;
  if (!('stream' in key) || typeof key.stream !== 'string') return false;
  return (
    'strays' in key ||
    'hold' in key ||
    ('scan' in key && typeof key.scan === 'string') ||
    ('block' in key && typeof key.block === 'number')
  );
}

/** Reads a value written by this service under its own key; a ConfigError where no JSON object stands there. */
export function parseStateValue<K extends keyof StateValues>(kind: K, bytes: Buffer): StateValues[K] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString());
  } catch (cause) {
    throw new ConfigError(
      `reading a ${kind} of the state topic: expected JSON, got ${bytes.length} bytes of something else; the state is damaged and has to be rebuilt`,
      { cause, concerns: 'shard' },
    );
  }
  if (!isObject(parsed)) {
    throw new ConfigError(
      `reading a ${kind} of the state topic: expected a JSON object, got another value; the state is damaged and has to be rebuilt`,
      { concerns: 'shard' },
    );
  }
  return parsed as unknown as StateValues[K];
}
