import { loadSchema, schemaNames } from '../../src/sinks/avro';
import { recordsOf, type FieldOutline, type RecordOutline } from './schema';

const avroTypes: ReadonlyMap<string, string> = new Map([
  ['string', 'string'],
  ['boolean', 'boolean'],
  ['int', 'number'],
  ['long', 'number'],
  ['bytes', 'Buffer'],
]);

/** TypeScript declarations of everything that the topics hold, as avsc and what is built on it decode it. */
export function renderRecordTypes(): string {
  const records = schemaNames()
    .filter((name) => name !== 'ledger-block')
    .flatMap((name) => recordsOf(loadSchema(name)));
  return `// Generated from schemas/avro/*.avsc by \`npm run docs\`; do not edit.
// Dates are days and times milliseconds since 1970, as Avro has them.

${records.map(renderInterface).join('\n')}`;
}

function renderInterface({ name, doc, fields }: RecordOutline): string {
  return `/** ${doc} */
export interface ${name} {
${fields.map(renderField).join('\n')}
}
`;
}

function renderField(field: FieldOutline): string {
  const element = avroTypes.get(field.type) ?? field.type;
  const type = field.isArray ? `readonly ${element}[]` : element;
  return `  /** ${field.doc} */\n  readonly ${field.name}: ${type}${field.isNullable ? ' | null' : ''};`;
}
