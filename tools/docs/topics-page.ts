import { serviceSchema } from '../../config/schema';
import { settingsOf } from '../../config/setting';
import { allStreams } from '../../src/sources/streams/all-streams';
import { loadSchema, singleObjectPrefix } from '../../src/sinks/avro';
import { wantedTopics } from '../../src/sinks/topics';
import { recordsOf, type FieldOutline, type RecordOutline } from './schema';

/** A topic whose records consumers read. */
interface Source {
  /** Without the prefix. */
  readonly name: string;
  /** File name in schemas/avro, without its ending. */
  readonly schema: string;
  readonly isProjection: boolean;
}

const dataSources: readonly Source[] = allStreams.flatMap(({ name, schema, projection }) => [
  { name, schema, isProjection: false },
  ...(projection === null ? [] : [{ name: projection.name, schema: projection.schema, isProjection: true }]),
]);

const sources: readonly Source[] = [
  ...dataSources,
  { name: 'sweeps', schema: 'sweep', isProjection: false },
  { name: 'entities', schema: 'entity', isProjection: false },
];

/** The headers of every record of these topics. */
export const recordHeaders: readonly (readonly [name: string, meaning: string])[] = [
  [
    'id',
    '`<entity>/<id>`, readable at any console, tombstones included; of a line `<entity>/<invoice_id>/<line_no>`. A dead letter of a row without an id has none.',
  ],
  ['entity', 'The legal entity: the name of its configuration file.'],
  [
    'stream',
    'What the record is about: the name of the topic without the prefix; of a dead letter, that of the topic where it should be.',
  ],
  [
    'op',
    '`r` read for the first time, before the first complete sweep over everything, or asked for again; `c` created; `u` updated; `d` deleted, with a null value.',
  ],
  ['scan', 'What the row was read by, such as `sweep`.'],
  ['observed_at', 'When the row was read, ISO 8601 in UTC; it never decreases within an entity.'],
  [
    'misfits',
    'Where there are any: names of the fields, with commas between, whose value was not of their kind and is in `extra` instead; `services.unit` is one of a line.',
  ],
  ['fingerprint', 'Of the row, 16 hexadecimal digits; the same as long as nothing changes that counts as a change.'],
];

const deadLetterHeaders: typeof recordHeaders = [
  ['error', 'Why the row could not become a record; without its values.'],
  ['error_path', 'The field that the error is about; empty where it is about the whole row.'],
  ['cut_from_bytes', 'The size of the row, where it was cut to fit.'],
  ['sha256', 'The hash of the whole row, where it was cut to fit.'],
];

/** The page about everything that the service publishes. */
export function renderTopicsPage(): string {
  return `# Topics

Generated from \`schemas/avro\` and the code by \`npm run docs\`; do not edit.

\`<prefix>\` is \`topics.prefix\` of \`config/service.json\`, \`${defaultOf('topics.prefix')}\` unless set. Read with \`isolation.level=read_committed\`: records
are written in transactions, and those of aborted ones stay in the topics.

## All topics

${renderOverview()}

The service creates what is missing, with these settings, unless \`topics.create\` is false. Where the replication factor is 3 or more,
\`min.insync.replicas\` is 2. Numbers of partitions are settings: \`topics.partitions\`, and \`state.partitions\` for the state. They stay what they
were when the service first wrote. A record's partition is murmur2 of \`<entity>/<id>\` modulo their number (of a line: the id of its
invoice; of a sweep: \`<entity>/<stream>\`, of an entity: \`<entity>\`), so everything about a row is in one partition and in order.

Of a compacted topic a consumer that starts at the beginning gets at least the newest record of each key. A null value, a tombstone, says
that what the key stands for is gone.

## Headers

Of every record, as UTF-8 text:

${table(
  ['Header', 'Meaning'],
  recordHeaders.map(([name, meaning]) => [code(name), meaning]),
)}

A record of \`<prefix>.sweeps\` has the first six; its \`op\` is \`c\`, its \`stream\` the one that was swept, and its \`id\` \`<entity>/<stream>\`.
One of \`<prefix>.entities\` has \`id\`, \`entity\`, \`stream\`, \`op\` and \`observed_at\`; its \`stream\` is \`entities\`, and its \`id\` the entity.

Besides, of a dead letter, whose value is the row as the API sent it, in JSON:

${table(
  ['Header', 'Meaning'],
  deadLetterHeaders.map(([name, meaning]) => [code(name), meaning]),
)}

## Encoding

Keys and values are Avro. What comes before the Avro bytes says which schema wrote them:

- With \`registry.url\` set, the wire format of Confluent's schema registry: a zero byte, then the schema's id in the registry, 4 bytes,
  big-endian. Subjects are \`<topic>-key\` and \`<topic>-value\`.
- Without, Avro's single-object encoding: the bytes C3 01, then the CRC-64-AVRO fingerprint of the schema's Parsing Canonical Form, 8 bytes,
  little-endian. Below they are given with each schema.

The fields of a key never change. Value schemas change only so that a reader with the new one reads all records that were written with older
ones: fields are added, nullable, and none is removed or renamed. Released versions are in \`schemas/released\`.

Records are named as \`infakt.Invoice\` and \`infakt.InvoiceKey\`. Version 0.1.0 named them \`infakt.invoice\` and \`infakt.invoice_key\`; each schema
has its old name in \`aliases\`, nested records too, so a reader with the new schema reads old records. Another name means other first bytes of a key,
and compaction goes by bytes. A service whose layout record names an old key schema therefore goes on with that one, version 1 in
\`schemas/released\`, and so does one whose registry has the old key schema of a topic. A new service has the new keys. The fingerprints below are those of the new schemas;
[docs/consuming.md](consuming.md#fingerprints-in-go) lists the old ones too.

## Kinds of values

- **Money** is a \`long\` in minor units, 1/100 of the document's currency, whatever the currency.
- A **date** is an \`int\`, days since 1970-01-01; a **time** is a \`long\`, milliseconds since 1970-01-01T00:00:00Z.
- A **decimal** is text in plain notation: no exponent, no zeros in front or behind that say nothing.
- **JSON** is text: an object or array with sorted keys. Fields that the schemas do not know yet are kept this way in \`extra\`.
- Numbers of tax, accounts, telephones and postal codes are text, as they were entered.
- **Strict** are the fields without which a record would lie: a value that is not of their kind makes the row a dead letter. Of any other
  field such a value is a misfit: the column is null (a text with U+0000 is without it), \`extra\` keeps the value under the field's name, and
  the header \`misfits\` names the field. No misfit is what loses nothing: a text from an integer or boolean, a boolean from \`"true"\` or
  \`"false"\`, an integer or money from their digits as text. Money with a point or comma could be of major units, and is none.
- Numbers that a double would round keep all their digits, in \`extra\`, JSON, decimals, texts and dead letters.
- What is not set, the API shows as null, as an empty text or not at all; here it is always null.

${sources.map(renderSource).join('\n')}`;
}

function renderOverview(): string {
  const names = dataSources.map(({ name }) => name);
  const topics = wantedTopics({
    prefix: '<prefix>',
    data: names,
    dataPartitions: Number(defaultOf('topics.partitions')),
    statePartitions: Number(defaultOf('state.partitions')),
  });
  const rows = topics.map(({ topic, partitions, config }) => {
    const source = sources.find(({ name }) => topic === `<prefix>.${name}`);
    return [
      source === undefined ? code(topic) : `[${code(topic)}](#${anchorOf(topic)})`,
      source === undefined ? (others.get(topic)?.key ?? '') : keyOf(source),
      source === undefined ? (others.get(topic)?.value ?? '') : valueOf(source),
      String(partitions),
      Object.entries(config)
        .map(([name, value]) => code(`${name}=${value}`))
        .join(', '),
    ];
  });
  return table(['Topic', 'Key', 'Value', 'Partitions', 'Settings'], rows);
}

const others = new Map([
  ['<prefix>.dead-letters', { key: "as the row's record, or null", value: 'a row that could not become a record' }],
  ['<prefix>.state', { key: 'JSON', value: "the service's own memory; not for others to read" }],
]);

function keyOf({ schema }: Source): string {
  const [key] = recordsOf(loadSchema(`${schema}-key`));
  return code(`{${key?.fields.map(({ name }) => name).join(', ') ?? ''}}`);
}

function valueOf({ schema, isProjection }: Source): string {
  const [value] = recordsOf(loadSchema(schema));
  return `${code(value?.name ?? '')}${isProjection ? ', only where `projections` asks for it' : ''}`;
}

function renderSource({ name, schema, isProjection }: Source): string {
  const topic = `<prefix>.${name}`;
  const [value, ...nested] = recordsOf(loadSchema(schema));
  if (value === undefined) throw new Error(`expected a record in ${schema}.avsc`);
  return `## ${code(topic)}

${value.doc}${isProjection ? ` Published only where \`projections\` names \`${name}\`.` : ''}

${renderSchema('Key', `${schema}-key`)}

${recordsOf(loadSchema(`${schema}-key`))
  .map(renderFields)
  .join('\n\n')}

${renderSchema('Value', schema)}

${renderFields(value)}
${nested.map((record) => `\nEach element \`infakt.${record.name}\`: ${record.doc}\n\n${renderFields(record)}\n`).join('')}`;
}

function renderSchema(part: string, schema: string): string {
  const text = loadSchema(schema);
  const file = `schemas/avro/${schema}.avsc`;
  const record = recordsOf(text)[0]?.name ?? '';
  const prefix = singleObjectPrefix(text).toString('hex').toUpperCase();
  return `${part}: ${code(`infakt.${record}`)} ([${schema}.avsc](../${file})), in single-object encoding after ${code(prefix)}.`;
}

function renderFields({ fields }: RecordOutline): string {
  const rows = fields.map((field) => {
    const [, meaning = field.doc, source = ''] = /^(.*?) Source: (.*)\.$/.exec(field.doc) ?? [];
    return [code(field.name), typeOf(field), meaning, source];
  });
  return table(['Field', 'Type', 'Meaning', 'Source'], rows);
}

function typeOf(field: FieldOutline): string {
  const type = `${field.isArray ? 'array of ' : ''}${code(field.type)}`;
  const meant = [field.logicalType, field.unit === 'minor' ? 'money' : null, field.kind].filter(
    (part) => part !== null,
  );
  const promises = [...(field.isNullable ? [] : ['never null']), ...(field.isStrict ? ['strict'] : [])];
  return [type, ...meant, ...promises].join(', ');
}

function defaultOf(key: string): string {
  const found = settingsOf(serviceSchema).find(([name]) => name === key);
  if (found === undefined) throw new Error(`no setting is called ${key}`);
  return String(found[1].default);
}

function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\w-]/g, '');
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');
}

function code(text: string): string {
  return `\`${text}\``;
}
