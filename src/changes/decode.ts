/// <reference lib="es2024.string" />
import { RecordError } from '../errors';
import { daysOf, decimalOf, fieldsOf, instantOf, integerOf, isExact, type Field, type Kind } from './kinds';
import { isObject } from '../json';
import type { EntityId, Row } from '../model';

/** Turns one row into the value that its stream's schema describes. */
export type Decode = (row: Row, entity: EntityId, observedAtMs: number) => Record<string, unknown>;

type JsonObject = Readonly<Record<string, unknown>>;

/** Depth beyond which JSON is refused rather than walked. */
const MAX_DEPTH = 100;

/**
 * Compiles a schema into a decoder of the API's rows. Null, an empty text and an absent field are all null; a value that is
 * not of its field's kind is a RecordError, whose message says the type and the length of the value but never the text (I11).
 */
export function createDecoder(schemaText: string): Decode {
  const decodeRow = objectDecoder(fieldsOf(schemaText), { entity: null, observed_at: null });
  return (row, entity, observedAtMs) => {
    const record = decodeRow(row, '', entity);
    record['entity'] = entity;
    record['observed_at'] = observedAtMs;
    return record;
  };
}

function objectDecoder(fields: readonly Field[], added: JsonObject) {
  const known = new Map(fields.map((field) => [field.name, valueDecoder(field)]));
  // Copied for each row: V8 turns an object that grows by computed names into a slow dictionary.
  const empty: JsonObject = { ...added, ...Object.fromEntries(fields.map(({ name }) => [name, null])), extra: null };

  return (object: JsonObject, prefix: string, entity: EntityId): Record<string, unknown> => {
    const record = { ...empty };
    let unknown: string[] | undefined;
    for (const name in object) {
      const value = object[name];
      if (value === null || value === undefined || value === '') continue;
      const decode = known.get(name);
      if (decode === undefined) (unknown ??= []).push(name);
      else record[name] = decode(value, prefix, entity);
    }
    if (unknown !== undefined) record['extra'] = objectJson(object, unknown, 1, { entity, path: `${prefix}extra` });
    return record;
  };
}

function valueDecoder(field: Field): (value: unknown, prefix: string, entity: EntityId) => unknown {
  const { name, kind, fields } = field;
  if (kind === 'json') return (value, prefix, entity) => canonicalJson(value, 1, { entity, path: prefix + name });
  if (kind === 'lines') {
    const decodeLine = objectDecoder(fields, {});
    return (value, prefix, entity) => {
      const path = prefix + name;
      if (!Array.isArray(value)) throw refuse(value, 'an array of objects', { entity, path });
      return value.map((line: unknown, index) => {
        if (!isObject(line)) throw refuse(line, 'an object', { entity, path: `${path}[${index}]` });
        return decodeLine(line, `${path}[${index}].`, entity);
      });
    };
  }
  if (kind === 'texts') {
    return (value, prefix, entity) => {
      const path = prefix + name;
      if (!Array.isArray(value)) throw refuse(value, 'an array of texts', { entity, path });
      return value.map((element: unknown, index) => {
        if (isText(element)) return element;
        if (typeof element === 'number' && isExact(element)) return String(element);
        throw refuse(element, 'a well-formed text or an integer', { entity, path: `${path}[${index}]` });
      });
    };
  }
  const { read, expected } = scalars[kind];
  return (value, prefix, entity) => {
    const decoded = read(value);
    if (decoded === undefined) throw refuse(value, expected, { entity, path: prefix + name });
    return decoded;
  };
}

interface Scalar {
  /** Undefined where the value is not of this kind. */
  readonly read: (value: unknown) => string | number | boolean | undefined;
  readonly expected: string;
}

const scalars: Readonly<Record<Exclude<Kind, 'json' | 'texts' | 'lines'>, Scalar>> = {
  text: { read: (value) => (isText(value) ? value : undefined), expected: 'a well-formed text' },
  boolean: { read: (value) => (typeof value === 'boolean' ? value : undefined), expected: 'true or false' },
  money: { read: exactNumber, expected: 'an integer of minor units' },
  integer: {
    read: (value) => (typeof value === 'string' ? integerOf(value) : exactNumber(value)),
    expected: 'an integer or its digits',
  },
  decimal: {
    read: (value) => (typeof value === 'number' || typeof value === 'string' ? decimalOf(value) : undefined),
    expected: 'a decimal number',
  },
  date: { read: (value) => (typeof value === 'string' ? daysOf(value) : undefined), expected: 'a date YYYY-MM-DD' },
  timestamp: {
    read: (value) => (typeof value === 'string' ? instantOf(value) : undefined),
    expected: 'a date and time with its zone',
  },
};

/** Half of a surrogate pair has no UTF-8: avsc would write bytes that not every reader takes. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed();
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
  return typeof value === 'object' ? `an object of ${Object.keys(value).length} fields` : `a ${typeof value}`;
}
