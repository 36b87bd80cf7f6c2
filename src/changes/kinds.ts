/// <reference lib="es2024.string" />
import { isObject, textOrNull, type ExactNumber } from '../json';

/** How the values of a field are read: follows from the Avro type and the attributes of the field. */
export type Kind =
  'text' | 'integer' | 'money' | 'boolean' | 'date' | 'timestamp' | 'decimal' | 'json' | 'texts' | 'lines';

/** One field that the API sends. */
export interface Field {
  readonly name: string;
  readonly kind: Kind;
  /** Without its value a record would lie: one that does not fit makes the row a dead letter. */
  readonly strict: boolean;
  /** The fields of one element; only of `lines`. */
  readonly fields: readonly Field[];
}

/** Fields that the schemas add; a field of the API by such a name is an unknown one. */
const ownNames: ReadonlySet<unknown> = new Set([
  'entity',
  'observed_at',
  'extra',
  'fingerprint',
  'fingerprint_definition',
]);

/** The fields of an Avro record schema that the API sends, in the schema's order. */
export function fieldsOf(schemaText: string): readonly Field[] {
  const schema: unknown = JSON.parse(schemaText);
  return recordFields(schema);
}

function recordFields(schema: unknown): readonly Field[] {
  if (!isObject(schema) || !Array.isArray(schema['fields'])) throw new Error('expected the schema of an Avro record');
  return schema['fields'].filter((field: unknown) => !(isObject(field) && ownNames.has(field['name']))).map(fieldOf);
}

function fieldOf(field: unknown): Field {
  if (!isObject(field) || typeof field['name'] !== 'string')
    throw new Error('expected a named field of an Avro record');
  const name = field['name'];
  const declared = field['type'];
  const type: unknown = Array.isArray(declared) ? declared.find((branch) => branch !== 'null') : declared;
  const strict = field['strict'] === true;
  if (isObject(type) && type['type'] === 'array' && type['items'] !== 'string') {
    return { name, kind: 'lines', strict, fields: recordFields(type['items']) };
  }
  return { name, kind: kindOf(field, type), strict, fields: [] };
}

function kindOf(field: Readonly<Record<string, unknown>>, type: unknown): Kind {
  if (type === 'string') return field['kind'] === 'decimal' || field['kind'] === 'json' ? field['kind'] : 'text';
  if (type === 'long') return field['unit'] === 'minor' ? 'money' : 'integer';
  if (type === 'boolean') return 'boolean';
  if (isObject(type)) {
    if (type['type'] === 'array') return 'texts';
    if (type['logicalType'] === 'date') return 'date';
    if (type['logicalType'] === 'timestamp-millis') return 'timestamp';
  }
  throw new Error(`expected a type that has a kind, got ${JSON.stringify(type)} in field ${String(field['name'])}`);
}

/** True of the integers that survive JSON, a double and avsc, which writes a wrong sign below -2^52. */
export function isExact(value: number): boolean {
  return Number.isInteger(value) && value >= -4503599627370496 && value <= 9007199254740990;
}

/** Whether the number is written in digits alone, so that its JSON text is that of an integer. */
export function isInteger({ text }: ExactNumber): boolean {
  return /^-?\d+$/.test(text);
}

/** Minor units: an integer number, or a text of digits alone, as one with a point or comma could be of major units. */
export function moneyOf(value: unknown): number | undefined {
  if (typeof value === 'number') return isExact(value) ? value + 0 : undefined;
  return typeof value === 'string' && /^-?\d+$/.test(value) ? integerOf(value) : undefined;
}

/** Room that the state has for each uuid: a block of the ledger must fit a message whatever its rows say. */
const MAX_UUID_LENGTH = 64;

/** The uuid by which a row is addressed; null for none, and for a text that is no uuid and that no address or block could hold. */
export function uuidOf(value: unknown): string | null {
  const uuid = textOrNull(value);
  return uuid !== null && uuid.length <= MAX_UUID_LENGTH && uuid.isWellFormed() ? uuid : null;
}

/** Whether a double does not hold the number as it is written. */
export function isRounded(number: string): boolean {
  const value = Number(number);
  return !Number.isFinite(value) || decimalOf(number) !== decimalOf(value);
}

/** The integer that a text of decimal digits, with or without a sign and a fraction of zeros, stands for. */
export function integerOf(text: string): number | undefined {
  if (!/^[+-]?\d{1,16}(\.0{1,9})?$/.test(text)) return undefined;
  const value = Number(text) + 0;
  return isExact(value) ? value : undefined;
}

/** Days since 1970-01-01 of a valid calendar date `YYYY-MM-DD`. */
export function daysOf(text: string): number | undefined {
  return text.length === 10 ? daysAtStart(text) : undefined;
}

/** Days since 1970-01-01 of a date that may be absent, as in a query; NaN for a text that is no date. */
export function dayOrNull(date: string | null): number | null {
  return date === null ? null : (daysOf(date) ?? NaN);
}

/**
 * Milliseconds since 1970-01-01T00:00:00Z of `2026-03-08T10:11:12.345+01:00`, `2026-03-08T09:11:12Z` or
 * `2026-03-08 10:11:12 +0100`, digits after the third of the fraction dropped. A text without a zone is refused:
 * such a text could stand for two instants an hour apart.
 */
export function instantOf(text: string): number | undefined {
  if (text.length < 20 || text.charCodeAt(13) !== COLON || text.charCodeAt(16) !== COLON) return undefined;
  const separator = text.charCodeAt(10);
  if (separator !== LETTER_T && separator !== SPACE) return undefined;
  const days = daysAtStart(text);
  const hours = twoDigits(text, 11);
  const minutes = twoDigits(text, 14);
  const seconds = twoDigits(text, 17);
  if (days === undefined || !(hours < 24 && minutes < 60 && seconds < 60)) return undefined;

  let at = 19;
  let millis = 0;
  if (text.charCodeAt(at) === POINT) {
    let weight = 100;
    at += 1;
    while (isDigit(text.charCodeAt(at))) {
      millis += Math.floor(weight) * (text.charCodeAt(at) - ZERO);
      weight /= 10;
      at += 1;
    }
    if (weight === 100) return undefined;
  }
  const zone = zoneMinutes(text, text.charCodeAt(at) === SPACE ? at + 1 : at);
  if (zone === undefined) return undefined;
  return days * 86_400_000 + (hours * 60 + minutes - zone) * 60_000 + seconds * 1000 + millis;
}

/**
 * A number or a numeric text in plain decimal notation: no exponent, no plus sign, no leading or trailing zeros; -0 is 0.
 * Texts keep all their digits; exponents beyond a thousand are refused.
 */
export function decimalOf(value: number | string): string | undefined {
  const text = String(value);
  if (Number.isSafeInteger(value)) return text;
  if (typeof value === 'number' && !text.includes('e')) return Number.isFinite(value) ? text : undefined;
  const match = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (Math.abs(Number(exponent)) > 1000) return undefined;
  return placePoint(sign === '-', whole + fraction, whole.length + Number(exponent));
}

function placePoint(negative: boolean, digits: string, point: number): string {
  const padded = '0'.repeat(Math.max(0, 1 - point)) + digits + '0'.repeat(Math.max(0, point - digits.length));
  const split = Math.max(point, 1);
  let start = 0;
  while (start < split - 1 && padded.charCodeAt(start) === ZERO) start += 1;
  let end = padded.length;
  while (end > split && padded.charCodeAt(end - 1) === ZERO) end -= 1;
  const magnitude = padded.slice(start, split) + (end > split ? `.${padded.slice(split, end)}` : '');
  return negative && magnitude !== '0' ? `-${magnitude}` : magnitude;
}

const [ZERO, COLON, POINT, DASH, PLUS, SPACE, LETTER_T, LETTER_Z] = [48, 58, 46, 45, 43, 32, 84, 90] as const;

function isDigit(code: number): boolean {
  return code >= ZERO && code <= ZERO + 9;
}

/** NaN where there are no two digits; all comparisons with it are false. */
function twoDigits(text: string, at: number): number {
  const high = text.charCodeAt(at);
  const low = text.charCodeAt(at + 1);
  return isDigit(high) && isDigit(low) ? (high - ZERO) * 10 + low - ZERO : NaN;
}

function daysAtStart(text: string): number | undefined {
  if (text.charCodeAt(4) !== DASH || text.charCodeAt(7) !== DASH) return undefined;
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month))) return undefined;
  // Counted in years that begin in March, so that a leap day is the last of its year.
  const shifted = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const leapDays = Math.floor(shifted / 4) - Math.floor(shifted / 100) + Math.floor(shifted / 400);
  return shifted * 365 + leapDays + dayOfYear - 719_468;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** `Z`, `UTC`, `+0100` or `+01:00`, up to the end of the text. */
function zoneMinutes(text: string, at: number): number | undefined {
  const sign = text.charCodeAt(at);
  if (sign !== PLUS && sign !== DASH) {
    const isUtc = sign === LETTER_Z ? text.length === at + 1 : text.length === at + 3 && text.endsWith('UTC');
    return isUtc ? 0 : undefined;
  }
  const minutesAt = text.charCodeAt(at + 3) === COLON ? at + 4 : at + 3;
  const hours = twoDigits(text, at + 1);
  const minutes = twoDigits(text, minutesAt);
  if (text.length !== minutesAt + 2 || !(hours < 24 && minutes < 60)) return undefined;
  return (sign === DASH ? -1 : 1) * (hours * 60 + minutes);
}
