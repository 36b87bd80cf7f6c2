import { isObject } from '../../src/json';

/** A record of a schema, for people and for other languages. */
export interface RecordOutline {
  /** Without its namespace. */
  readonly name: string;
  readonly doc: string;
  readonly fields: readonly FieldOutline[];
}

export interface FieldOutline {
  readonly name: string;
  /** Avro's name of the type, or of the record; of the elements, where it is an array. */
  readonly type: string;
  readonly isArray: boolean;
  readonly isNullable: boolean;
  readonly logicalType: string | null;
  /** `minor` = 1/100 of the document's currency. */
  readonly unit: string | null;
  /** How a text is spelled: `decimal` or `json`. */
  readonly kind: string | null;
  /** A value that does not fit makes the row a dead letter. */
  readonly isStrict: boolean;
  readonly doc: string;
}

/** The record of a schema, then those nested in it. */
export function recordsOf(schemaText: string): readonly RecordOutline[] {
  return recordsIn(JSON.parse(schemaText));
}

function recordsIn(schema: unknown): readonly RecordOutline[] {
  if (Array.isArray(schema)) return schema.flatMap(recordsIn);
  if (!isObject(schema)) return [];
  const { fields } = schema;
  if (!Array.isArray(fields)) return recordsIn(schema['items']);
  const inner = fields.filter(isObject);
  const record = { name: String(schema['name']), doc: textOf(schema['doc']) ?? '', fields: inner.map(fieldOf) };
  return [record, ...inner.flatMap((field) => recordsIn(field['type']))];
}

function fieldOf(field: Readonly<Record<string, unknown>>): FieldOutline {
  const declared = field['type'];
  const type: unknown = Array.isArray(declared) ? declared.find((branch) => branch !== 'null') : declared;
  const isArray = isObject(type) && type['type'] === 'array';
  const element: unknown = isArray ? type['items'] : type;
  return {
    name: String(field['name']),
    type: isObject(element)
      ? String(element['type'] === 'record' ? element['name'] : element['type'])
      : String(element),
    isArray,
    isNullable: Array.isArray(declared),
    logicalType: isObject(element) ? textOf(element['logicalType']) : null,
    unit: textOf(field['unit']),
    kind: textOf(field['kind']),
    isStrict: field['strict'] === true,
    doc: textOf(field['doc']) ?? '',
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
