/// <reference lib="es2024.string" />
import { RecordError } from '../errors';
import type { DriftSink } from './drift';
import {
  daysOf,
  decimalOf,
  fieldsOf,
  instantOf,
  integerOf,
  isExact,
  isInteger,
  moneyOf,
  type Field,
  type Kind,
} from './kinds';
import { ExactNumber, isObject } from '../json';
import type { EntityId, Row } from '../model';

/** A row as its stream's schema describes it. */
export interface Decoded {
  readonly record: Record<string, unknown>;
  /** Fields whose value was not of their kind, such as `notes` or `services.unit`, each once. */
  readonly misfits: readonly string[];
}

/** Turns one row into the value that its stream's schema describes; what the row has that is not documented goes into the sink. */
export type Decode = (row: Row, entity: EntityId, observedAtMs: number, drift?: DriftSink) => Decoded;

/** The documented values of fields, by the field's path. */
export type DocumentedValues = Readonly<Record<string, readonly string[]>>;

type JsonObject = Readonly<Record<string, unknown>>;

/** Depth beyond which JSON is refused rather than walked. */
const MAX_DEPTH = 100;

/** What is found out while one row is decoded. */
interface RowReading {
  readonly entity: EntityId;
  readonly drift: DriftSink | undefined;
  misfits: Set<string> | undefined;
}

/**
 * Compiles a schema into a decoder of the API's rows. Null, an empty text and an absent field are all null. Another JSON type is taken
 * where nothing is lost by that. Any other value that is not of its field's kind is a misfit: its column is null and `extra` keeps the
 * value; of a strict field it is a RecordError, whose message says the type and the length of the value but never the text (I11).
 */
export function createDecoder(schemaText: string, documented: DocumentedValues = {}): Decode {
  const decodeRow = objectDecoder(fieldsOf(schemaText), { added: ADDED, within: '', documented });
  return (row, entity, observedAtMs, drift) => {
    const reading: RowReading = { entity, drift, misfits: undefined };
    const record = decodeRow(row, '', reading);
    record['entity'] = entity;
    record['observed_at'] = observedAtMs;
    return { record, misfits: reading.misfits === undefined ? NONE : [...reading.misfits].sort() };
  };
}

/** Fields that no row has; those of the fingerprint are filled by whoever publishes the record. */
const ADDED: JsonObject = { entity: null, observed_at: null, fingerprint: null, fingerprint_definition: null };

const NONE: readonly string[] = [];

/** Where an object stands that is decoded. */
interface ObjectSetting {
  readonly added: JsonObject;
  /** What its fields' paths begin with. */
  readonly within: string;
  readonly documented: DocumentedValues;
}

function objectDecoder(fields: readonly Field[], { added, within, documented }: ObjectSetting) {
  const known = new Map(fields.map((field) => [field.name, valueDecoder(field, { within, documented })]));
  // Copied for each row: V8 turns an object that grows by computed names into a slow dictionary.
  const empty: JsonObject = { ...added, ...Object.fromEntries(fields.map(({ name }) => [name, null])), extra: null };

  return (object: JsonObject, prefix: string, reading: RowReading): Record<string, unknown> => {
    const record = { ...empty };
    let kept: string[] | undefined;
    for (const name in object) {
      const value = object[name];
      if (value === null || value === undefined || value === '') continue;
      const decode = known.get(name);
      if (decode === undefined) {
        (kept ??= []).push(name);
        reading.drift?.field(within + name, value);
        continue;
      }
      const decoded = decode(value, prefix, reading);
      if (decoded instanceof Misfit) {
        (kept ??= []).push(name);
        (reading.misfits ??= new Set()).add(within + name);
        record[name] = decoded.rest;
      } else record[name] = decoded;
    }
    if (kept !== undefined)
      record['extra'] = objectJson(object, kept, 1, { entity: reading.entity, path: `${prefix}extra` });
    return record;
  };
}

/** A value that is not of its field's kind. */
class Misfit {
  /** `rest` is what the column can hold of it. */
  constructor(
    readonly expected: string,
    readonly value: unknown,
    readonly rest: string | readonly string[] | null,
    /** Where in the value, such as `[2]`. */
    readonly at = '',
  ) {}
}

/** Decodes a value that is there; a misfit of a strict field is thrown instead. */
type ValueDecoder = (value: unknown, prefix: string, reading: RowReading) => unknown;

/** Where a field stands. */
type Within = Pick<ObjectSetting, 'within' | 'documented'>;

function valueDecoder(field: Field, setting: Within): ValueDecoder {
  const { name, strict } = field;
  const path = setting.within + name;
  const values = setting.documented[path];
  const read = values === undefined ? readerOf(field, setting) : watched(readerOf(field, setting), path, values);
  if (!strict) return read;
  return (value, prefix, reading) => {
    const decoded = read(value, prefix, reading);
    if (!(decoded instanceof Misfit)) return decoded;
    throw refuse(decoded.value, decoded.expected, { entity: reading.entity, path: prefix + name + decoded.at });
  };
}

/** Lets the sink know of a text that is none of the documented ones. */
function watched(read: ValueDecoder, path: string, values: readonly string[]): ValueDecoder {
  const documented = new Set(values);
  return (value, prefix, reading) => {
    const decoded = read(value, prefix, reading);
    if (typeof decoded === 'string' && !documented.has(decoded)) reading.drift?.value(path, decoded);
    return decoded;
  };
}

function readerOf({ name, kind, fields }: Field, { within, documented }: Within): ValueDecoder {
  if (kind === 'json') return (value, prefix, { entity }) => canonicalJson(value, 1, { entity, path: prefix + name });
  if (kind === 'lines') {
    const decodeLine = objectDecoder(fields, { added: {}, within: `${within}${name}.`, documented });
    return (value, prefix, reading) => {
      if (!Array.isArray(value)) return new Misfit('an array of objects', value, null);
      const odd = value.findIndex((line: unknown) => !isObject(line));
      if (odd >= 0) return new Misfit('an object', value[odd], null, `[${odd}]`);
      return value.filter(isObject).map((line, index) => decodeLine(line, `${prefix}${name}[${index}].`, reading));
    };
  }
  if (kind === 'texts') return readTexts;
  const { read, expected } = scalars[kind];
  return (value) => read(value) ?? new Misfit(expected, value, kind === 'text' ? withoutZeros(value) : null);
}

function readTexts(value: unknown): readonly string[] | Misfit {
  if (!Array.isArray(value)) return new Misfit('an array of texts', value, null);
  const odd = value.findIndex((element: unknown) => textOf(element) === undefined);
  const rest = value.flatMap((element: unknown) => textOf(element) ?? withoutZeros(element) ?? []);
  if (odd < 0) return rest;
  return new Misfit(scalars.text.expected, value[odd], rest.length === value.length ? rest : null, `[${odd}]`);
}

interface Scalar {
  /** Undefined where the value is not of this kind. */
  readonly read: (value: unknown) => string | number | boolean | undefined;
  readonly expected: string;
}

const scalars: Readonly<Record<Exclude<Kind, 'json' | 'texts' | 'lines'>, Scalar>> = {
  text: { read: textOf, expected: 'a well-formed text without U+0000' },
  boolean: { read: booleanOf, expected: 'true or false' },
  money: { read: moneyOf, expected: 'an integer of minor units' },
  integer: {
    read: (value) => (typeof value === 'string' ? integerOf(value) : exactNumber(value)),
    expected: 'an integer or its digits',
  },
  decimal: {
    read: (value) => {
      if (value instanceof ExactNumber) return decimalOf(value.text);
      return typeof value === 'number' || typeof value === 'string' ? decimalOf(value) : undefined;
    },
    expected: 'a decimal number',
  },
  date: { read: (value) => (typeof value === 'string' ? daysOf(value) : undefined), expected: 'a date YYYY-MM-DD' },
  timestamp: {
    read: (value) => (typeof value === 'string' ? instantOf(value) : undefined),
    expected: 'a date and time with its zone',
  },
};

/**
 * A text, or the JSON text of an integer or boolean. Half of a surrogate pair has no UTF-8: avsc would write bytes that not every reader
 * takes. PostgreSQL takes no U+0000.
 */
function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes(ZERO) ? value : undefined;
  if (typeof value === 'number') return isExact(value) ? String(value) : undefined;
  if (value instanceof ExactNumber) return isInteger(value) ? value.text : undefined;
  return typeof value === 'boolean' ? String(value) : undefined;
}

const ZERO = '\u0000';

/** A text less its U+0000; null where that is not all that is wrong with it. */
function withoutZeros(value: unknown): string | null {
  const rest = typeof value === 'string' ? value.replaceAll(ZERO, '') : '';
  return rest !== '' && rest.isWellFormed() ? rest : null;
}

function booleanOf(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value;
  return value === 'true' ? true : value === 'false' ? false : undefined;
}

function exactNumber(value: unknown): number | undefined {
  return typeof value === 'number' && isExact(value) ? value + 0 : undefined;
}

interface FieldPlace {
  readonly entity: EntityId;
  readonly path: string;
}

function canonicalJson(value: unknown, depth: number, place: FieldPlace): string {
  if (depth > MAX_DEPTH) {
    throw new RecordError(`normalise ${place.path}: expected JSON nested at most ${MAX_DEPTH} deep, got deeper`, place);
  }
  if (Array.isArray(value)) {
    return `[${value.map((element: unknown) => canonicalJson(element, depth + 1, place)).join(',')}]`;
  }
  if (isObject(value)) return objectJson(value, Object.keys(value), depth, place);
  if (value instanceof ExactNumber) return value.text;
  if (typeof value === 'number' && !Number.isFinite(value))
    throw refuse(value, 'a number that a double can hold', place);
  return JSON.stringify(value);
}

function objectJson(object: JsonObject, names: string[], depth: number, place: FieldPlace): string {
  const members = names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(object[name], depth + 1, place)}`);
  return `{${members.join(',')}}`;
}

function refuse(value: unknown, expected: string, place: FieldPlace): RecordError {
  return new RecordError(`normalise ${place.path}: expected ${expected}, got ${described(value)}`, place);
}

function described(value: unknown): string {
  if (typeof value === 'string') return `a text of ${value.length} characters`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value === null) return 'null';
  if (value instanceof ExactNumber) return 'a number';
  return typeof value === 'object' ? `an object of ${Object.keys(value).length} fields` : `a ${typeof value}`;
}
