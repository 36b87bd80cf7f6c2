import { RecordError } from '../errors';
import { ExactNumber, isObject } from '../json';
import type { Row } from '../model';
import { createDecoder } from './decode';
import { fieldsOf, type Field } from './kinds';

/** How rows differ from their schema: names of fields and JSON types, and nothing that a row says. */
export interface Shape {
  readonly rows: number;
  /** Fields of which a value is not of their kind, such as `services.unit`, with the JSON types that were seen of them. */
  readonly unfit: readonly TypedField[];
  readonly unknown: readonly TypedField[];
  /** Fields of the schema that no row has. */
  readonly absent: readonly string[];
}

interface TypedField {
  readonly field: string;
  readonly types: readonly string[];
  /** A row with such a value is a dead letter. */
  readonly strict: boolean;
}

/** Compares rows with the schema that their stream publishes them by; `expectedAbsent` are fields that lists do not show. */
export function shapeOf(schemaText: string, rows: readonly Row[], expectedAbsent: readonly string[]): Shape {
  const fields = fieldsOf(schemaText);
  const decode = createDecoder(schemaText);
  const types = new Map<string, Set<string>>();
  const unfit = new Map<string, boolean>();
  for (const row of rows) {
    noteTypes(types, fields, row, '');
    let rest: Row = row;
    for (let refused = decodeOrName(rest); refused !== null; refused = decodeOrName(rest)) {
      unfit.set(refused, true);
      const [name = ''] = refused.split('.', 1);
      if (!(name in rest)) break;
      rest = { ...rest, [name]: null };
    }
  }
  const known = namesOf(fields, '');
  const hasLines = (field: string): boolean => !field.includes('.') || types.has(field.slice(0, field.indexOf('.')));
  const typed = (field: string, strict: boolean): TypedField => ({
    field,
    types: [...(types.get(field) ?? [])].sort(),
    strict,
  });
  return {
    rows: rows.length,
    unfit: [...unfit].map(([field, strict]) => typed(field, strict)).sort(byName),
    unknown: [...types.keys()]
      .filter((field) => !known.has(field))
      .map((field) => typed(field, false))
      .sort(byName),
    absent: [...known]
      .filter((field) => !types.has(field) && hasLines(field) && !expectedAbsent.includes(field))
      .sort(),
  };

  /** Notes the misfits of a row; returns the field for which the row would be a dead letter, if there is one. */
  function decodeOrName(row: Row): string | null {
    try {
      for (const field of decode(row, '', 0).misfits) unfit.set(field, unfit.get(field) ?? false);
      return null;
    } catch (error) {
      if (error instanceof RecordError) return error.path.replaceAll(/\[\d+\]/g, '');
      throw error;
    }
  }
}

/** A shape as one sentence. */
export function shapeText({ rows, unfit, unknown, absent }: Shape): string {
  const list = (fields: readonly TypedField[]): string =>
    fields
      .map(({ field, types, strict }) => `${field} (${types.join(', ')}${strict ? '; the row is a dead letter' : ''})`)
      .join(', ');
  return [
    `${rows} rows looked at`,
    unfit.length === 0 ? 'every value fits' : `values that do not fit: ${list(unfit)}`,
    ...(unknown.length > 0 ? [`fields that the schema does not know: ${list(unknown)}`] : []),
    ...(rows > 0 && absent.length > 0 ? [`fields that no row has: ${absent.join(', ')}`] : []),
  ].join('; ');
}

function noteTypes(types: Map<string, Set<string>>, fields: readonly Field[], object: object, prefix: string): void {
  for (const [name, value] of Object.entries(object)) {
    const at = prefix + name;
    const seen = types.get(at) ?? new Set();
    types.set(at, seen.add(typeOf(value)));
    const lines = fields.find((field) => field.name === name && field.kind === 'lines');
    if (lines === undefined || !Array.isArray(value)) continue;
    for (const line of value.filter(isObject)) noteTypes(types, lines.fields, line, `${at}.`);
  }
}

function namesOf(fields: readonly Field[], prefix: string): ReadonlySet<string> {
  return new Set(fields.flatMap(({ name, fields: inner }) => [prefix + name, ...namesOf(inner, `${prefix}${name}.`)]));
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return value instanceof ExactNumber ? 'number' : typeof value;
}

function byName(one: { readonly field: string }, other: { readonly field: string }): number {
  return one.field < other.field ? -1 : 1;
}
