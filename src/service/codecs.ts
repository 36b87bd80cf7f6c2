import { createHash } from 'node:crypto';

import type { Config, RegistryConfig } from '../../config/config';
import { createDecoder } from '../changes/decode';
import { createFingerprint, HASH_VERSION, NORMALISATION_VERSION } from '../changes/fingerprint';
import { daysOf } from '../changes/kinds';
import { ConfigError, TransientError } from '../errors';
import { isObject } from '../json';
import { NO_DATE } from '../changes/block';
import type { LinesCodec, StreamCodec } from '../changes/records';
import type { EntitiesCodec, ReportCodec, SweepsCodec } from '../changes/reports';
import type { LedgerBlock, Projection, Row, StreamDeclaration, StreamName } from '../model';
import type { Secrets } from '../secrets';
import { createEncoder, loadSchema, releasedSchemas, type Encoder } from '../sinks/avro';
import { confluent, singleObject, type Framing } from '../sinks/framing';
import { createRegistry, type RegistrySettings } from '../sinks/registry';
import { type SubjectSchema } from '../sinks/registry-subjects';
import type { Topic, Topics } from '../sinks/topics';
import type { StatusCodec } from '../status/stream-status';
import { allStreams } from '../sources/streams/all-streams';
import { DICTIONARIES, dictionaryStreams } from '../sources/streams/dictionaries';
import { KSEF, ksefStreamOf } from '../sources/streams/ksef';
import type { ExpectedKeys } from '../state/layout';
import { LAYOUT_VERSION, type Definition, type Layout } from '../state/state-topic';

/** All that turns rows, sweeps and ledger blocks into bytes: compiled once and shared by every entity and shard, as schemas are large. */
export interface Codecs {
  readonly streamCodec: (declaration: StreamDeclaration) => StreamCodec;
  /** What KSeF says of a stream's documents; null where there is no topic of that, or KSeF knows none of them. */
  readonly ksefCodec: (stream: StreamName) => StreamCodec | null;
  /** Those of the dictionaries; none where there is no topic of them. */
  readonly dictionaryCodecs: () => readonly StreamCodec[];
  readonly sweeps: SweepsCodec;
  readonly entities: EntitiesCodec;
  readonly status: StatusCodec;
  readonly encodeBlock: (block: LedgerBlock) => Buffer;
  readonly decodeBlock: (bytes: Buffer) => LedgerBlock;
  /** What a new shard writes down about its surroundings. */
  readonly layout: Layout;
  readonly formerKeySchemas: NonNullable<ExpectedKeys['formerKeySchemas']>;
}

/** The same codecs, but for a new shard, which writes keys as a shard with this layout does: all shards share the topics. */
export function withNewShardsLike(codecs: Codecs, { keySchemas: used }: Pick<Layout, 'keySchemas'>): Codecs {
  const keySchemas = Object.fromEntries(
    Object.entries(codecs.layout.keySchemas).map(([topic, id]) => [topic, used[topic] ?? id]),
  );
  return { ...codecs, layout: { ...codecs.layout, keySchemas } };
}

/** What of the configuration decides how records look. */
type RecordSetting = Pick<Config['service'], 'projections' | 'volatileFields'>;

/** Everything that has a data topic, by the topic's name without the prefix. */
const sources = [
  ...allStreams,
  ...allStreams.flatMap(({ projection }) => (projection === null ? [] : [projection])),
  { name: KSEF, schema: KSEF },
  { name: DICTIONARIES, schema: 'dictionary-entry' },
];

/** The codecs of a service; each stream's is compiled when it is first asked for. The program's version goes into the layouts that are written. */
export function createCodecs(setting: RecordSetting, topics: Topics, framing: Framing, version?: string): Codecs {
  const block = createEncoder(loadSchema('ledger-block'), { prefix: Buffer.alloc(0) });
  const compiled = new Map<string, StreamCodec>();
  const streamCodec = (declaration: StreamDeclaration): StreamCodec => {
    const codec = compiled.get(declaration.name) ?? codecOf(declaration, setting, topics, framing);
    compiled.set(declaration.name, codec);
    return codec;
  };
  return {
    streamCodec,
    ksefCodec(stream) {
      const declaration = ksefStreamOf(stream);
      return declaration === undefined || !topics.data.has(KSEF) ? null : streamCodec(declaration);
    },
    dictionaryCodecs: () => (topics.data.has(DICTIONARIES) ? dictionaryStreams.map(streamCodec) : []),
    sweeps: reportCodecOf('sweep', topics.sweeps, framing),
    entities: reportCodecOf('entity', topics.entities, framing),
    status: reportCodecOf('status', topics.status, framing),
    encodeBlock: (value) => block.encode(value),
    decodeBlock: (bytes) => block.decode(bytes) as LedgerBlock,
    layout: layoutOf(topics, framing, version),
    formerKeySchemas: formerKeysOf(topics, framing),
  };
}

/** What the look of records at a registry takes. */
export interface FramingSetting {
  /** Null = no registry: records are in Avro's single-object encoding. */
  readonly registry: RegistryConfig | null;
  readonly secrets: Secrets;
  readonly userAgent: string;
  readonly onWarning: (warning: string) => void;
}

/** How records begin; before the first record every schema is known to the registry, where there is one. */
export async function resolveFraming(
  { registry: config, secrets, userAgent, onWarning }: FramingSetting,
  topics: Topics,
): Promise<Framing> {
  if (config === null) return singleObject;
  const registry = createRegistry({ settings: registryAsOfNow(config, secrets), userAgent, onNote: onWarning });
  try {
    return confluent(await registry.resolve(subjectsOf(topics)));
  } catch (error) {
    throw ofRegistry(error, config.url);
  } finally {
    registry.close();
  }
}

/** The same failure, said to be the registry's, with the key under which its address is configured. */
function ofRegistry(error: unknown, url: string): unknown {
  if (!(error instanceof TransientError) && !(error instanceof ConfigError)) return error;
  const message = `using the schema registry at ${url} (registry.url): ${error.message}`;
  const context = { trouble: 'registry' as const, status: error.status, cause: error };
  return error instanceof ConfigError
    ? new ConfigError(message, { ...context, mayPass: error.mayPass })
    : new TransientError(message, context);
}

/** Whose schemas a registry must know: the keys and values of every topic in Avro. */
export function subjectsOf(topics: AvroTopics<{ readonly name: string }>): readonly SubjectSchema[] {
  return [...avroTopics(topics), { topic: topics.status, schema: 'status' }].flatMap(({ topic, schema }) => [
    {
      name: `${topic.name}-key`,
      schemaText: loadSchema(`${schema}-key`),
      formerTexts: formerKeySchemas(schema),
    },
    { name: `${topic.name}-value`, schemaText: loadSchema(schema) },
  ]);
}

/** What a new shard writes down about its surroundings. */
export function layoutOf(topics: Topics, framing: Framing, version?: string): Layout {
  const all = avroTopics(topics);
  return {
    version: LAYOUT_VERSION,
    ...(version === undefined ? {} : { writtenBy: version }),
    statePartitions: topics.state.partitions,
    partitions: Object.fromEntries(all.map(({ topic }) => [topic.name, topic.partitions])),
    keyFraming: framing.name,
    keySchemas: Object.fromEntries(
      all.map(({ topic, schema }) => [topic.name, framing.schemaId(`${topic.name}-key`, loadSchema(`${schema}-key`))]),
    ),
    definitions: [],
    lastOffsets: {},
    observedAt: 0,
  };
}

/** What the keys of a stored layout are compared with. */
export function expectedKeysOf(topics: Topics, framing: Framing): ExpectedKeys {
  return { ...layoutOf(topics, framing), formerKeySchemas: formerKeysOf(topics, framing) };
}

/** Ids of the released key schemas that a layout may name instead of the newest, by topic. */
function formerKeysOf(topics: Topics, framing: Framing): NonNullable<ExpectedKeys['formerKeySchemas']> {
  return Object.fromEntries(
    avroTopics(topics).map(({ topic, schema }) => [
      topic.name,
      formerKeySchemas(schema).map((text) => framing.schemaId(`${topic.name}-key`, text)),
    ]),
  );
}

/** The texts of the released key schemas that are not the newest, oldest first. */
function formerKeySchemas(schema: string): readonly string[] {
  const newest = loadSchema(`${schema}-key`);
  return releasedSchemas(`${schema}-key`).filter((text) => text !== newest);
}

/** The settings of the registry, with its secrets as their files hold them now. */
export function registryAsOfNow({ files, ...settings }: RegistryConfig, secrets: Secrets): RegistrySettings {
  const { auth, ca } = settings;
  const latest =
    auth === null || 'token' in auth
      ? auth && { token: secrets.latest('token', files.auth, auth.token) }
      : { ...auth, password: secrets.latest('password', files.auth, auth.password) };
  return { ...settings, auth: latest, ca: ca === null ? null : secrets.latest('certificates', files.ca, ca) };
}

/** The topics whose keys and values are Avro. */
interface AvroTopics<T> {
  /** By name without the prefix. */
  readonly data: ReadonlyMap<string, T>;
  readonly sweeps: T;
  readonly entities: T;
  readonly status: T;
}

/** Those in Avro that transactions write to, and of which a shard's layout tells. */
function avroTopics<T>(
  topics: Omit<AvroTopics<T>, 'status'>,
): readonly { readonly topic: T; readonly schema: string }[] {
  return [
    ...[...topics.data].map(([name, topic]) => ({ topic, schema: schemaOf(name) })),
    { topic: topics.sweeps, schema: 'sweep' },
    { topic: topics.entities, schema: 'entity' },
  ];
}

/** The schema of what a data topic holds, by the topic's name without the prefix. */
function schemaOf(name: string): string {
  const source = sources.find((each) => each.name === name);
  if (source === undefined) throw new Error(`no stream or projection is called ${name}; this is a bug`);
  return source.schema;
}

function codecOf(
  declaration: StreamDeclaration,
  setting: RecordSetting,
  topics: Topics,
  framing: Framing,
): StreamCodec {
  const { beside, dictionary } = declaration;
  const topic = topics.data.get((beside ?? dictionary)?.topic ?? declaration.name);
  if (topic === undefined) throw new Error(`no topic for stream ${declaration.name}; this is a bug`);
  const schemaText = loadSchema(declaration.schema);
  const { value, keys } = encodersOf(declaration.schema, topic.name, framing);
  const { projection } = declaration;
  const linesOf = projection === null ? () => null : linesCodecsOf(projection, topics, framing);
  const isAskedFor = projection !== null && setting.projections.includes(projection.name);
  const part = partOfKey(declaration);
  const codecWith = (keySchemas: Layout['keySchemas']): StreamCodec => {
    const key = keys(keySchemas);
    const formerLines = linesOf(keySchemas);
    return {
      ...unkeyed,
      encodeKey: (id) => key.encode(part === null ? id : { ...id, ...part }),
      lines: isAskedFor ? formerLines : null,
      formerLines,
    };
  };
  const definition = definitionOf(declaration, setting.volatileFields);
  const unkeyed = {
    declaration,
    definition,
    definitionNumber: definitionNumberOf(definition),
    fingerprintUnder: fingerprintsOf(schemaText),
    decode: createDecoder(schemaText, declaration.documentedValues),
    encode: (record: Record<string, unknown>) => value.encode(record),
    dateOf: (row: Row) => dayOf(row, declaration.scopeField),
    topic,
    withKeysOf: codecWith,
  } satisfies Partial<StreamCodec>;
  return codecWith({});
}

/** What a key names beside entity and id, where several streams share a topic; null = nothing. */
function partOfKey({ beside, dictionary }: StreamDeclaration): Readonly<Record<string, string>> | null {
  if (beside !== undefined) return { stream: beside.stream };
  return dictionary === undefined ? null : { kind: dictionary.kind };
}

/** How the rows of every stream are told apart now. */
export function currentDefinitions({ volatileFields }: Pick<RecordSetting, 'volatileFields'>): readonly Definition[] {
  return allStreams.map((declaration) => definitionOf(declaration, volatileFields));
}

/** How the stream's rows are told apart now; `configured` holds paths that begin with a stream's name. */
function definitionOf({ name, volatileFields }: StreamDeclaration, configured: readonly string[]): Definition {
  const prefix = `${name}.`;
  const added = configured.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  return {
    stream: name,
    hashVersion: HASH_VERSION,
    normalisationVersion: NORMALISATION_VERSION,
    volatileFields: [...new Set([...volatileFields, ...added])].sort(),
  };
}

/** A number of 31 bits that only this definition has: what it says decides it, so that no shard, service or rebuilt state counts anew. */
function definitionNumberOf({ stream, hashVersion, normalisationVersion, volatileFields }: Definition): number {
  const text = JSON.stringify([stream, hashVersion, normalisationVersion, volatileFields]);
  return createHash('sha256').update(text).digest().readUInt32BE(0) >>> 1;
}

/** Fingerprints under any definition that this program still knows, each compiled once. */
export function fingerprintsOf(schemaText: string): StreamCodec['fingerprintUnder'] {
  const compiled = new Map<string, ReturnType<typeof createFingerprint>>();
  return ({ hashVersion, normalisationVersion, volatileFields }) => {
    if (hashVersion !== HASH_VERSION || normalisationVersion !== NORMALISATION_VERSION) return undefined;
    const name = volatileFields.join(' ');
    const fingerprint = compiled.get(name) ?? createFingerprint({ schemaText, volatileFields });
    compiled.set(name, fingerprint);
    return fingerprint;
  };
}

/** Codecs of lines by the key schemas of a layout; null where the topic of the lines does not exist: then nothing of them was published. */
function linesCodecsOf(
  { name, field, schema }: Projection,
  topics: Topics,
  framing: Framing,
): (keySchemas: Layout['keySchemas']) => LinesCodec | null {
  const topic = topics.data.get(name);
  if (topic === undefined) return () => null;
  const { value, keys } = encodersOf(schema, topic.name, framing);
  return (keySchemas) => {
    const key = keys(keySchemas);
    return {
      name,
      field,
      count: (row) => arrayOf(row[field]).length,
      of: (record) => arrayOf(record[field]).filter(isObject),
      encode: (record) => value.encode(record),
      encodeKey: (id) => key.encode(id),
      topic,
    };
  };
}

function reportCodecOf<K>(schema: string, topic: Topic, framing: Framing): ReportCodec<K> {
  const { value, keys } = encodersOf(schema, topic.name, framing);
  const codecWith = (keySchemas: Layout['keySchemas']): ReportCodec<K> => {
    const key = keys(keySchemas);
    return {
      encode: (record) => value.encode(record),
      encodeKey: (about) => key.encode(about),
      topic,
      withKeysOf: codecWith,
    };
  };
  return codecWith({});
}

/** The encoders of a topic, each compiled once. */
interface TopicEncoders {
  readonly value: Encoder;
  /** That of the key schema which a layout names for the topic; of the newest where the layout names none. */
  readonly keys: (keySchemas: Layout['keySchemas']) => Encoder;
}

function encodersOf(schema: string, topic: string, framing: Framing): TopicEncoders {
  const encoder = (part: 'key' | 'value', schemaText: string): Encoder =>
    createEncoder(schemaText, { prefix: framing.prefix(`${topic}-${part}`, schemaText) });
  const newest = encoder('key', loadSchema(`${schema}-key`));
  const former = new Map(
    formerKeySchemas(schema).map((text) => [framing.schemaId(`${topic}-key`, text), encoder('key', text)] as const),
  );
  return {
    value: encoder('value', loadSchema(schema)),
    keys: (keySchemas) => former.get(keySchemas[topic] ?? '') ?? newest,
  };
}

function arrayOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function dayOf(row: Row, field: string | null): number {
  const date = field === null ? null : row[field];
  return (typeof date === 'string' ? daysOf(date) : undefined) ?? NO_DATE;
}
