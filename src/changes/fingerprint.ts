import { decimalOf, fieldsOf, instantOf, integerOf, isExact, isInteger, moneyOf, type Field, type Kind } from './kinds';
import { ExactNumber, isObject } from '../json';
import type { Row } from '../model';

/** Number of the way that names and values are hashed; a part of every definition. */
export const HASH_VERSION = 1;

/** Number of the way that values are made equal before they are hashed; a part of every definition. */
export const NORMALISATION_VERSION = 1;

/** Ends a volatile path that is one only in documents in PLN, the currency of a document that names none. */
const IN_PLN = '[PLN]';

/** The paths that no change is judged by in a document in PLN, or in one of another currency. */
export function volatilePaths(declared: readonly string[], isInPln: boolean): readonly string[] {
  if (!isInPln) return declared.filter((path) => !path.endsWith(IN_PLN));
  return declared.map((path) => (path.endsWith(IN_PLN) ? path.slice(0, -IN_PLN.length) : path));
}

/** Writes the 64 bits of a row into `out`: the high half into element 0, the low half into element 1. */
export type Fingerprint = (row: Row, out: Uint32Array) => void;

/** A name of a field, compiled: hash, kind of the values, and the names inside. */
interface Name {
  readonly a: number;
  readonly b: number;
  readonly kind: Kind | 'unknown';
  readonly volatile: boolean;
  readonly members: ReadonlyMap<string, Name>;
}

interface Container {
  readonly value: object;
  readonly name: Name | undefined;
  readonly a: number;
  readonly b: number;
}

const [M1, M2, M3, M4] = [0x85ebca6b | 0, 0xc2b2ae35 | 0, 0x9e3779b1 | 0, 0x27d4eb2f];

/**
 * Compiles a function that tells rows apart by all that a record of theirs would say: 64 bits over the (path, value) pairs of
 * what is neither null, nor empty text, nor volatile. The order of keys, the spelling of a number and the zone of a timestamp
 * do not count; a field counts the same whether the schema knows the field or not. The function takes any JSON at any depth,
 * never throws, and must not be called from within itself.
 */
export function createFingerprint({
  schemaText,
  volatileFields,
}: {
  readonly schemaText: string;
  readonly volatileFields: readonly string[];
}): Fingerprint {
  const fields = fieldsOf(schemaText);
  const inOthers = volatilePaths(volatileFields, false);
  const rootInPln = compile('', 'unknown', fields, volatilePaths(volatileFields, true));
  const rootInOthers = inOthers.length === volatileFields.length ? rootInPln : compile('', 'unknown', fields, inOthers);
  const pending: Container[] = [];
  let sumA = 0;
  let sumB = 0;
  let pairs = 0;

  /** Adds up the pairs, so that their order does not count. The lanes are mixed as the end of MurmurHash3 does. */
  function addPair(a: number, b: number, length: number): void {
    let x = a ^ length;
    let y = b ^ length;
    x = (x + y) | 0;
    y = (y + x) | 0;
    x = mix(x);
    y = mix(y);
    x = (x + y) | 0;
    y = (y + x) | 0;
    sumA = (sumA + x) | 0;
    sumB = (sumB + y) | 0;
    pairs += 1;
  }

  function addText(text: string, a: number, b: number): void {
    const length = text.length;
    const even = length & ~1;
    let x = a;
    let y = b;
    for (let i = 0; i < even; i += 2) {
      const two = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16);
      x = Math.imul(x ^ two, M3);
      y = Math.imul(y ^ two, M4);
      x = (x << 15) | (x >>> 17);
      y = (y << 13) | (y >>> 19);
    }
    if (even < length) {
      const one = text.charCodeAt(even);
      x = Math.imul(x ^ one, M3);
      y = Math.imul(y ^ one, M4);
    }
    addPair(x, y, length);
  }

  function addNumber(value: number, a: number, b: number): void {
    addText(decimalOf(value) ?? String(value), a, b);
  }

  function addString(text: string, kind: Name['kind'], a: number, b: number): void {
    if (kind === 'unknown' || kind === 'timestamp' || kind === 'json') {
      const instant = instantOf(text);
      if (instant === undefined) addText(text, a, b);
      else addNumber(instant, a, b);
    } else if (kind === 'integer' || kind === 'money') {
      const integer = kind === 'money' ? moneyOf(text) : integerOf(text);
      if (integer === undefined) addText(text, a, b);
      else addNumber(integer, a, b);
    } else {
      addText(kind === 'decimal' ? (decimalOf(text) ?? text) : text, a, b);
    }
  }

  function addValue(value: unknown, kind: Name['kind'], name: Name | undefined, a: number, b: number): void {
    if (typeof value === 'string') addString(value, kind, a, b);
    else if (typeof value === 'number') {
      // A misfit, unlike the instant or the text of the same digits.
      if (kind === 'timestamp' || (kind === 'text' && !isExact(value))) addText(`#${value}`, a, b);
      else addNumber(value, a, b);
    } else if (typeof value === 'boolean') addText(value ? 'true' : 'false', a, b);
    else if (value instanceof ExactNumber) {
      const isMisfit = kind === 'text' && !isInteger(value);
      addText(isMisfit ? `#${value.text}` : (decimalOf(value.text) ?? value.text), a, b);
    } else if (typeof value === 'object' && value !== null) pending.push({ value, name, a, b });
  }

  function addMembers(object: Readonly<Record<string, unknown>>, { name: parent, a, b }: Container): void {
    for (const key in object) {
      const value = object[key];
      if (value === null || value === '') continue;
      const name = parent?.members.get(key);
      if (name === undefined) {
        addValue(value, 'unknown', undefined, below(a, hashA(key)), below(b, hashB(key)));
      } else if (!name.volatile) {
        addValue(value, name.kind, name, below(a, name.a), below(b, name.b));
      }
    }
  }

  function addElements(elements: readonly unknown[], { name, a, b }: Container): void {
    const kind = name?.kind === 'texts' ? 'text' : 'unknown';
    for (let i = 0; i < elements.length; i += 1) {
      const value = elements[i];
      if (value !== '') addValue(value, kind, name, below(a, i + 1), below(b, ~i));
    }
  }

  return (row, out) => {
    sumA = 0;
    sumB = 0;
    pairs = 0;
    const currency = row['currency'] ?? '';
    const root = currency === 'PLN' || currency === '' ? rootInPln : rootInOthers;
    addMembers(row, { value: row, name: root, a: M1, b: M2 });
    // A stack of our own: JSON.parse takes JSON far deeper than calls can nest.
    for (let container = pending.pop(); container !== undefined; container = pending.pop()) {
      const { value, a, b } = container;
      // The container itself is a pair, so that an empty one differs from none.
      if (Array.isArray(value)) {
        addPair(a ^ M1, b, value.length);
        addElements(value, container);
      } else if (isObject(value)) {
        addPair(a, b ^ M2, 0);
        addMembers(value, container);
      }
    }
    const x = mix(sumA ^ pairs);
    const y = mix(sumB ^ x);
    out[0] = mix(x + y);
    out[1] = y;
  };
}

/** The 64 bits as 16 hexadecimal digits. */
export function fingerprintHex(hi: number, lo: number): string {
  // A third of the time that toString(16) takes for numbers that are no small integers to V8.
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeInt32BE(hi | 0, 0);
  bytes.writeInt32BE(lo | 0, 4);
  return bytes.toString('hex');
}

function compile(name: string, kind: Name['kind'], fields: readonly Field[], volatilePaths: readonly string[]): Name {
  const names = new Set([
    ...fields.map((field) => field.name),
    ...volatilePaths.map((path) => path.split('.', 1)[0] ?? ''),
  ]);
  const members = [...names].map((member): [string, Name] => {
    const field = fields.find((candidate) => candidate.name === member);
    const inside = volatilePaths
      .filter((path) => path.startsWith(`${member}.`))
      .map((path) => path.slice(member.length + 1));
    const compiled = compile(member, field?.kind ?? 'unknown', field?.fields ?? [], inside);
    return [member, volatilePaths.includes(member) ? { ...compiled, volatile: true } : compiled];
  });
  return { a: hashA(name), b: hashB(name), kind, volatile: false, members: new Map(members) };
}

function hashA(name: string): number {
  let hash = name.length;
  for (let i = 0; i < name.length; i += 1) hash = mix(hash ^ Math.imul(name.charCodeAt(i), M3));
  return hash;
}

function hashB(name: string): number {
  let hash = ~name.length;
  for (let i = 0; i < name.length; i += 1) hash = mix(hash + Math.imul(name.charCodeAt(i), M4));
  return hash;
}

/** One lane of a path one step deeper. */
function below(lane: number, step: number): number {
  const hash = Math.imul(lane ^ step, M3);
  return (Math.imul(hash ^ (hash >>> 15), M4) + step) | 0;
}

/** Spreads every bit over all 32; one to one. */
function mix(lane: number): number {
  let x = lane;
  x = Math.imul(x ^ (x >>> 16), M1);
  x = Math.imul(x ^ (x >>> 13), M2);
  return x ^ (x >>> 16);
}
