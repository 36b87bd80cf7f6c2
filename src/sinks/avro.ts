import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type, types } from 'avsc';
import { RecordError } from '../errors';

/** The package's own folder: two above this file, three above what was built of it. */
const home = ['../..', '../../..']
  .map((up) => join(__dirname, up))
  .find((folder) => existsSync(join(folder, 'schemas')));
const directory = join(home ?? '', 'schemas/avro');
/** What was published once, also by programs before this one: `<name>/<version>.avsc`. */
const released = join(home ?? '', 'schemas/released');

/** The files of schemas/avro, without their ending. */
export function schemaNames(): readonly string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.avsc'))
    .map((file) => file.slice(0, -'.avsc'.length))
    .sort();
}

/** The original text of a file of schemas/avro, named without its ending. */
export function loadSchema(name: string): string {
  return readFileSync(join(directory, `${name}.avsc`), 'utf8');
}

/** The texts of the released versions of a schema, oldest first; none where nothing was released. */
export function releasedSchemas(name: string): readonly string[] {
  const folder = join(released, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((file) => Number.parseInt(file, 10))
    .sort((one, two) => one - two)
    .map((version) => readFileSync(join(folder, `${version}.avsc`), 'utf8'));
}

/** One schema's way between values and bytes. */
export interface Encoder {
  /** A value that the schema does not allow is a RecordError; its message names the field, never the value. */
  encode(value: unknown): Buffer;
  /** The bytes must be this encoder's own: its prefix and one value. */
  decode(bytes: Buffer): unknown;
}

/** Compiles a schema; every encoding begins with the framing's prefix. */
export function createEncoder(schemaText: string, { prefix }: { readonly prefix: Buffer }): Encoder {
  const type = typeOf(schemaText);
  let scratch = Buffer.alloc(64 * 1024);
  prefix.copy(scratch);

  function write(value: unknown): number {
    try {
      return type.encode(value, scratch, prefix.length);
    } catch (error) {
      throw refusal(type, value) ?? error;
    }
  }

  return {
    encode(value) {
      let end = write(value);
      while (end < 0) {
        scratch = Buffer.alloc(2 * (scratch.length - end));
        prefix.copy(scratch);
        end = write(value);
      }
      return Buffer.from(scratch.subarray(0, end));
    },
    decode(bytes) {
      if (!bytes.subarray(0, prefix.length).equals(prefix)) {
        throw unreadable(type, `expected it to begin with ${prefix.toString('hex')}`, bytes);
      }
      return read(type, bytes, prefix.length);
    },
  };
}

/** What begins a value in Avro's single-object encoding: a mark and the fingerprint of the schema that wrote it. */
export function singleObjectPrefix(schemaText: string): Buffer {
  const prefix = Buffer.from('c3010000000000000000', 'hex');
  prefix.writeBigUInt64LE(rabin(Buffer.from(JSON.stringify(typeOf(schemaText).schema()))), 2);
  return prefix;
}

/** The texts of all schemas that bytes in a topic of ours may have been written by. */
function everySchema(): readonly string[] {
  const before = readdirSync(released, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.avsc'));
  return [...before.map((file) => readFileSync(join(released, file), 'utf8')), ...schemaNames().map(loadSchema)];
}

/**
 * What keeps a reader that has the one schema from reading values that were written with the other, by Avro's rules of schema resolution:
 * one text a fault, with the path of the field; none if it can read them.
 */
export function readingFaults(readerText: string, writerText: string): readonly string[] {
  return resolutionFaults(typeOf(readerText), typeOf(writerText), '');
}

/** avsc names the outermost type that cannot be read, which may be all of it: asked again of each part, it names the field. */
function resolutionFaults(reader: Type, writer: Type, path: string): readonly string[] {
  const fault = unresolvable(reader, writer);
  if (fault === undefined) return [];
  const parts = partsOf(reader, writer, path);
  return parts.length > 0 ? parts : [path === '' ? fault : `${path}: ${fault}`];
}

function unresolvable(reader: Type, writer: Type): string | undefined {
  try {
    reader.createResolver(writer);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function partsOf(reader: Type, writer: Type, path: string): readonly string[] {
  const [expected, got] = [reader, writer].map(valueType);
  if (expected instanceof types.ArrayType && got instanceof types.ArrayType)
    return resolutionFaults(expected.itemsType, got.itemsType, path);
  if (!(expected instanceof types.RecordType && got instanceof types.RecordType)) return [];
  if (![expected.name, ...(expected.aliases ?? [])].includes(got.name)) return [];
  const written = new Map(got.fields.map((field) => [field.name, field.type]));
  return expected.fields.flatMap((field) => {
    const type = [field.name, ...field.aliases].map((name) => written.get(name)).find((found) => found !== undefined);
    const at = path === '' ? field.name : `${path}.${field.name}`;
    if (type !== undefined) return resolutionFaults(field.type, type, at);
    return field.defaultValue() === undefined ? [`${at}: a new field without a default`] : [];
  });
}

/** What a union with null is about. */
function valueType(type: Type): Type {
  if (!(type instanceof types.UnwrappedUnionType)) return type;
  const [only = type, ...more] = type.types.filter((branch) => branch.typeName !== 'null');
  return more.length === 0 ? only : type;
}

/** Reads what was written in single-object encoding by any schema of ours, with dates and times as ISO text. */
export function createSingleObjectDecoder(): (bytes: Buffer) => unknown {
  const texts = new Map(everySchema().map((text) => [singleObjectPrefix(text).toString('hex'), text]));
  const readers = new Map<string, ReturnType<typeof createPlainReader>>();
  return (bytes) => {
    const prefix = bytes.toString('hex', 0, 10);
    const text = texts.get(prefix);
    if (text === undefined) {
      throw new RecordError(
        `decode a single object: expected the mark and fingerprint of a schema of ours, got ${prefix}`,
        { path: '' },
      );
    }
    // Few of the schemas are met, and each takes milliseconds to compile.
    const readPlain = readers.get(prefix) ?? createPlainReader(text);
    readers.set(prefix, readPlain);
    return readPlain(bytes, 10);
  };
}

/** Reads values that a schema wrote, from an offset to the end of the bytes, with dates and times as ISO text. */
export function createPlainReader(schemaText: string): (bytes: Buffer, start: number) => unknown {
  const type = typeOf(schemaText, isoTypes);
  return (bytes, start) => plain(read(type, bytes, start));
}

class IsoDate extends types.LogicalType {
  protected override _fromValue(days: number): string {
    return new Date(days * 86_400_000).toISOString().slice(0, 10);
  }
}

class IsoTime extends types.LogicalType {
  protected override _fromValue(millis: number): string {
    return new Date(millis).toISOString();
  }
}

const isoTypes = { date: IsoDate, 'timestamp-millis': IsoTime };

function typeOf(schemaText: string, logicalTypes: typeof isoTypes | Record<string, never> = {}): Type {
  const schema: unknown = JSON.parse(schemaText);
  if (!isSchema(schema)) throw new Error('expected the JSON text of an Avro schema');
  return Type.forSchema(schema, { wrapUnions: 'never', omitRecordMethods: true, logicalTypes });
}

/** Only what avsc would misunderstand is sorted out here; the rest it checks itself. */
function isSchema(value: unknown): value is Parameters<typeof Type.forSchema>[0] {
  return typeof value === 'string' || (typeof value === 'object' && value !== null);
}

function read(type: Type, bytes: Buffer, start: number): unknown {
  const { value, offset } = decoded(type, bytes, start);
  if (offset !== bytes.length) throw unreadable(type, 'expected exactly one value', bytes);
  return value;
}

/** avsc throws at some bytes and returns a negative offset at others. */
function decoded(type: Type, bytes: Buffer, start: number): { readonly value: unknown; readonly offset: number } {
  try {
    return type.decode(bytes, start);
  } catch {
    return { value: undefined, offset: -1 };
  }
}

function unreadable(type: Type, expected: string, bytes: Buffer): RecordError {
  return new RecordError(`decode ${nameOf(type)}: ${expected}, got ${bytes.length} other bytes`, {
    path: '',
  });
}

/** avsc's own error holds the value, so it is no cause. Undefined where the value is valid after all. */
function refusal(type: Type, value: unknown): RecordError | undefined {
  const faults: { path: string; wanted: string }[] = [];
  type.isValid(value, {
    errorHook: (steps, _value, wanted) => faults.push({ path: pathOf(steps), wanted: branchesOf(wanted) }),
  });
  const [first] = faults;
  if (first === undefined) return undefined;
  const { path, wanted } = first;
  const at = path === '' ? 'the value' : path;
  return new RecordError(`encode ${nameOf(type)}: expected ${at} to be ${wanted}, got another type or range`, { path });
}

function branchesOf(type: Type): string {
  return type instanceof types.UnwrappedUnionType ? type.types.map(nameOf).join(' or ') : nameOf(type);
}

function nameOf(type: Type): string {
  return type.name ?? type.typeName;
}

function pathOf(steps: readonly string[]): string {
  return steps
    .map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}

/** avsc gives records a class of their own and bytes as buffers. */
function plain(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

/** CRC-64-AVRO's polynomial, which is its value of no bytes, as halves of 32 bits. */
const EMPTY = { high: 0xc15d213a, low: 0xa4d7a795 };

/** What each byte does to the value, in halves that alternate: high, low. */
const rabinTable = Uint32Array.from({ length: 512 }, (_, index) => {
  let [high, low] = [0, index >> 1];
  for (let bit = 0; bit < 8; bit += 1) {
    const mask = -(low & 1);
    low = ((low >>> 1) | (high << 31)) ^ (EMPTY.low & mask);
    high = (high >>> 1) ^ (EMPTY.high & mask);
  }
  return index % 2 === 0 ? high : low;
});

/** CRC-64-AVRO as the Avro specification defines it, in numbers, as bigints are fifty times as slow. */
function rabin(bytes: Buffer): bigint {
  let { high, low } = EMPTY;
  for (const byte of bytes) {
    const at = 2 * ((low ^ byte) & 0xff);
    low = ((low >>> 8) | (high << 24)) ^ (rabinTable[at + 1] ?? 0);
    high = (high >>> 8) ^ (rabinTable[at] ?? 0);
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}
