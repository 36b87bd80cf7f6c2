import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from 'avsc';

// What a shard wrote, as digests: A of every byte in its order, B of what a consumer and a restart find in the end. Reads the topics by
// their documented formats alone.

/** One record of a topic; key and value as base64, a value of null is a tombstone. */
export interface OutRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** One record of the state topic; the value as base64. */
export interface StateRecord {
  readonly key: string;
  readonly value: string | null;
}

/** What was handed to a writer at once, whatever became of it. */
export interface Transaction {
  readonly records: readonly OutRecord[];
  readonly state: readonly StateRecord[];
}

/** A story and what was written in it. */
export interface Played {
  /** All that happened outside the program, as text: where it differs, digests say nothing of the program. */
  readonly story: string;
  readonly batches: readonly Transaction[];
  /** What is committed in the end. */
  readonly records: readonly OutRecord[];
  readonly state: readonly StateRecord[];
}

/** One entry of a ledger block. */
export interface Entry {
  readonly id: number;
  readonly fingerprint: string;
  readonly definition: number;
  readonly uuid: string | null;
  /** Days since 1970-01-01; null = none. */
  readonly date: number | null;
  readonly flags: number;
  /** Number of the sweep that first missed it; 0 = not missing. */
  readonly missing: number;
  readonly lines: number;
}

/** A batch as a shard hands it over. */
interface RawBatch {
  readonly records: readonly RawRecord[];
  readonly state: readonly RawState[];
}

interface RawRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, unknown>>;
}

interface RawState {
  readonly key: string;
  readonly value: Buffer | string | null;
}

/** A copy of a batch as it is now. */
export function transactionOf({ records, state }: RawBatch): Transaction {
  return { records: records.map(outRecordOf), state: state.map(stateRecordOf) };
}

function outRecordOf({ topic, partition, key, value, headers }: RawRecord): OutRecord {
  return {
    topic,
    partition,
    key: key?.toString('base64') ?? null,
    value: value?.toString('base64') ?? null,
    headers: Object.fromEntries(Object.entries(headers).map(([name, header]) => [name, String(header)])),
  };
}

function stateRecordOf({ key, value }: RawState): StateRecord {
  return { key, value: value === null ? null : Buffer.from(value).toString('base64') };
}

/** Tells stories apart. */
export function digestOfStory({ story }: Played): string {
  return sha256(story);
}

/** A: every batch in its order, byte for byte. */
export function digestOfBatches({ batches }: Played): string {
  return sha256(batches.map((batch) => JSON.stringify(batch)).join('\n'));
}

/**
 * B: the records of each topic and key in their order, the cursor of each scan and the state that is left; without what only says when
 * something was read, by which scan, or in how many sweeps and pages.
 */
export function digestOfOutcome(played: Played): string {
  return sha256(outcomeOf(played));
}

/** What B is the digest of, one fact a line: two of them can be compared by eye. */
export function outcomeOf({ records, state }: Played): string {
  const byKey = new Map<string, string[]>();
  for (const record of records) {
    const headers = Object.entries(without(record.headers, 'observed_at', 'scan')).sort();
    const text = JSON.stringify([record.partition, headers, valueOf(record)]);
    const key = `${record.topic} ${record.key ?? record.headers['id'] ?? ''}`;
    byKey.set(key, [...(byKey.get(key) ?? []), text]);
  }
  const lines = [...byKey].flatMap(([key, texts]) => texts.map((text, index) => `${key} ${index}: ${text}`));
  return [...lines, ...stateLines(state)].sort().join('\n');
}

/** The entries of a ledger block, as schemas/avro/ledger-block.avsc says. */
export function entriesOf(bytes: Buffer): Entry[] {
  const block = blockType.fromBuffer(bytes) as Block;
  let id = block.from;
  return block.ids.map((step, at) => {
    id += step;
    const uuid = block.uuids.subarray(16 * at, 16 * at + 16).toString('hex');
    const date = block.dates.readInt32LE(4 * at);
    return {
      id,
      fingerprint: hex(block.fingerprints.readUInt32LE(8 * at)) + hex(block.fingerprints.readUInt32LE(8 * at + 4)),
      definition: block.definitions[at] ?? 0,
      uuid: block.oddUuids.find((odd) => odd.id === id)?.uuid ?? (/^0*$/.test(uuid) ? null : dashed(uuid)),
      date: date === -2147483648 ? null : date,
      flags: block.flags[at] ?? 0,
      missing: block.missing.readUInt32LE(4 * at),
      lines: block.lines.readUInt16LE(2 * at),
    };
  });
}

/** The newest value of each key of the state topic that is left, as compaction leaves it. */
export function compacted(state: readonly StateRecord[]): Map<string, Buffer> {
  const left = new Map<string, Buffer>();
  for (const { key, value } of state) {
    if (value === null) left.delete(key);
    else left.set(key, Buffer.from(value, 'base64'));
  }
  return left;
}

/** What a key of the state topic is about. */
export function stateKeyOf(key: string): Readonly<Record<string, unknown>> {
  const [, about] = JSON.parse(key) as [string, Readonly<Record<string, unknown>>];
  return about;
}

/** Parses a JSON value of the state topic. */
export function jsonOf(value: Buffer): Readonly<Record<string, unknown>> {
  return JSON.parse(value.toString()) as Readonly<Record<string, unknown>>;
}

interface Block {
  readonly from: number;
  readonly ids: readonly number[];
  readonly fingerprints: Buffer;
  readonly definitions: Buffer;
  readonly uuids: Buffer;
  readonly oddUuids: readonly { readonly id: number; readonly uuid: string }[];
  readonly dates: Buffer;
  readonly flags: Buffer;
  readonly missing: Buffer;
  readonly lines: Buffer;
}

function schemaType(name: string): Type {
  const text = readFileSync(join(__dirname, `../../schemas/avro/${name}.avsc`), 'utf8');
  return Type.forSchema(JSON.parse(text) as Parameters<typeof Type.forSchema>[0]);
}

const blockType = schemaType('ledger-block');
/** The schema of the values of a topic, by the last part of its name; others hold JSON. */
const valueTypes = new Map(
  ['client', 'invoice', 'corrective-invoice', 'invoice-line', 'corrective-invoice-line'].map((name) => [
    `${name}s`,
    schemaType(name),
  ]),
);
/** Before each value stand two magic bytes and the fingerprint of its schema. */
const PREFIX_BYTES = 10;

function valueOf({ topic, value }: OutRecord): unknown {
  if (value === null) return null;
  const type = valueTypes.get(topic.slice(topic.indexOf('.') + 1));
  if (type === undefined) return value;
  const bytes = Buffer.from(value, 'base64');
  const decoded = type.fromBuffer(bytes.subarray(PREFIX_BYTES)) as Readonly<Record<string, unknown>>;
  return [bytes.subarray(0, PREFIX_BYTES).toString('hex'), without(decoded, 'observed_at')];
}

function stateLines(state: readonly StateRecord[]): string[] {
  return [...compacted(state)].flatMap(([key, value]) => {
    const about = stateKeyOf(key);
    if ('session' in about) return [];
    if ('block' in about) {
      const { entity, stream } = about;
      return entriesOf(value).map((entry) => {
        return `entry ${String(entity)} ${String(stream)} ${JSON.stringify({ ...entry, missing: entry.missing > 0 })}`;
      });
    }
    return [`state ${key} ${JSON.stringify(lasting(about, jsonOf(value)))}`];
  });
}

/** Of a value of the state topic, what does not depend on the time, nor on how often and in which order it was read. */
function lasting(about: Readonly<Record<string, unknown>>, value: Readonly<Record<string, unknown>>): unknown {
  if ('layout' in about) {
    return without(value, 'lastOffsets', 'observedAt');
  }
  if ('hold' in about) return { reason: value['reason'] };
  if (!('scan' in about)) return value;
  const { query, totalCount, counts, sums, mark = null, finishedAt } = value;
  if (about['scan'] !== 'sweep') return { query, mark };
  return { query, totalCount, counts, sums, finished: finishedAt !== null };
}

function hex(number: number): string {
  return number.toString(16).padStart(8, '0');
}

/** 32 hexadecimal digits as a UUID is written. */
function dashed(uuid: string): string {
  return uuid.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function without(value: Readonly<Record<string, unknown>>, ...names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
