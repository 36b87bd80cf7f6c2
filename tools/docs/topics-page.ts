import { serviceSchema } from '../../config/schema';
import { settingsOf } from '../../config/setting';
import { allStreams } from '../../src/sources/streams/all-streams';
import { DICTIONARIES } from '../../src/sources/streams/dictionaries';
import { KSEF } from '../../src/sources/streams/ksef';
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
  /** Whether a file of an entity has to name the stream. */
  readonly isOptional?: boolean;
}

const dataSources: readonly Source[] = [
  ...allStreams.flatMap(({ name, schema, projection, isOptional = false }) => [
    { name, schema, isProjection: false, isOptional },
    ...(projection === null ? [] : [{ name: projection.name, schema: projection.schema, isProjection: true }]),
  ]),
  { name: KSEF, schema: KSEF, isProjection: true },
  { name: DICTIONARIES, schema: 'dictionary-entry', isProjection: true },
];

const sources: readonly Source[] = [
  ...dataSources,
  { name: 'sweeps', schema: 'sweep', isProjection: false },
  { name: 'entities', schema: 'entity', isProjection: false },
  { name: 'status', schema: 'status', isProjection: false },
];

/** The headers of every record of these topics. */
export const recordHeaders: readonly (readonly [name: string, meaning: string])[] = [
  [
    'id',
    '`<entity>/<id>`, of a line `<entity>/<invoice_id>/<line_no>`, of a document in KSeF `<entity>/<stream>/<id>`, of an entry of a dictionary `<entity>/<kind>/<id>`; a dead letter of a row without an id has none.',
  ],
  ['entity', 'The legal entity: the name of its configuration file.'],
  ['stream', "The topic's name without the prefix; of a dead letter, that of the topic where it should be."],
  [
    'op',
    '`r` first reading, before the first complete sweep, or asked for again; `c` created; `u` updated; `d` deleted, with a null value.',
  ],
  ['scan', 'The scan that read the row, such as `sweep`.'],
  ['observed_at', 'When the row was read, ISO 8601 in UTC; it never decreases within an entity.'],
  [
    'misfits',
    'Only where there are any: names of the fields, with commas between, whose value was not of their kind and is in `extra`; `services.unit` is one of a line.',
  ],
  ['fingerprint', 'Hash of the row, 16 hexadecimal digits; the same until something changes that counts as a change.'],
];

const deadLetterHeaders: typeof recordHeaders = [
  ['error', 'Why the row could not become a record; without its values.'],
  ['error_path', 'The field that the error is about; empty if it is about the whole row.'],
  ['cut_from_bytes', 'The size of the row, if it was cut to fit.'],
  ['sha256', 'The hash of the whole row, if it was cut to fit.'],
];

/** Where a field comes from, in the words of the schemas and in those of the page; a list row of the API needs none. */
const origins = new Map([
  ['inFakt API, list row', ''],
  ['inFakt API, list', ''],
  ['infakt-kafka', 'service'],
  ['inFakt API, list row since 2025', 'since 2025'],
  ['inFakt API, list row before 2025', 'before 2025'],
  ['inFakt API, list row where it is shown', 'where it is shown'],
  ['inFakt API, documented in 2026, not known whether list rows have it', '2026'],
  ['inFakt API, detail only', 'detail'],
]);

/** Sentences of the schemas that hold for every field of a kind; the page has them once. */
const SAID_ONCE = [
  " Minor units (1/100) of the document's currency.",
  ' Days since 1970-01-01.',
  ' Milliseconds since 1970-01-01T00:00:00Z.',
  ' JSON text with sorted keys.',
  ' Plain decimal notation without exponent or trailing zeros.',
  ' Where the API says null, an empty text or nothing at all, the record says null.',
];

/** So many equal fields make one record worth describing by another. */
const WORTH_SHARING = 10;

/** The page about everything that the service publishes. */
export function renderTopicsPage(): string {
  return `# Topics

Generated from \`schemas/avro\` and the code by \`npm run docs\`; do not edit.

\`<prefix>\` is \`topics.prefix\` of \`config/service.json\`, \`${defaultOf('topics.prefix')}\` unless set. Read with
\`isolation.level=read_committed\`: records are written in transactions, and those of aborted ones stay in the topics. Only those of
\`<prefix>.status\` are not: they are telemetry, written shortly after what they tell of, now and then twice.

## All topics

${renderOverview()}

The service creates missing topics with these settings, unless \`topics.create\` is false; \`min.insync.replicas\` is 2 where the replication
factor is 3 or more:

${renderTopicSettings()}

Numbers of partitions are settings (\`topics.partitions\`, \`state.partitions\`) and stay as they were when the service first wrote. A record's
partition is murmur2 of \`<entity>/<id>\` modulo their number (of a line: the id of its invoice; of a sweep: \`<entity>/<stream>\`; of an
entity: \`<entity>\`), so everything about a row is in one partition and in order.

A consumer that reads a compacted topic from the beginning gets at least the newest record of each key. A null value, a tombstone, says that
the row is gone.

## Headers

Every record has these, as UTF-8 text:

${renderHeaders(recordHeaders)}

A record of \`<prefix>.sweeps\` has the first six; its \`op\` is \`c\`, its \`stream\` the one that was swept, and its \`id\` \`<entity>/<stream>\`.
One of \`<prefix>.entities\` has \`id\`, \`entity\`, \`stream\`, \`op\` and \`observed_at\`; its \`stream\` is \`entities\`, and its \`id\` the entity.
One of \`<prefix>.status\` has the same; its \`op\` is \`u\`, its \`stream\` the one that it is about, and its \`id\` \`<entity>/<stream>\`.

A dead letter, whose value is the row as the API sent it, in JSON, also has these:

${renderHeaders(deadLetterHeaders)}

## Encoding

Keys and values are Avro. The bytes before the Avro bytes say which schema wrote them:

- With \`registry.url\` they are Confluent's wire format: a zero byte, then the schema's id in the registry, 4 bytes, big-endian. Subjects
  are \`<topic>-key\` and \`<topic>-value\`.
- Without it they are Avro's single-object encoding: the bytes C3 01, then the CRC-64-AVRO fingerprint of the schema's Parsing Canonical
  Form, 8 bytes, little-endian. They stand below beside each schema.

The fields of a key never change. Value schemas only gain nullable fields, so a reader with the new one reads all older records. Released
versions are in \`schemas/released\`.

Version 0.1.0 named the records \`infakt.invoice\` and \`infakt.invoice_key\`; each schema has its old name in \`aliases\`, so a reader with the
new schema reads old records. A service that began under 0.1.0, or whose registry has the old key schema of a topic, goes on with the old key
schemas, version 1 in \`schemas/released\`: another name means other first bytes of a key, and compaction goes by bytes. The bytes below are
those of the new schemas; [docs/consuming.md](consuming.md#fingerprints-in-go) lists the old ones too.

## Kinds of values

The fields of a key mean the same as those of its value. The types are Avro's, and these:

- **money** is a \`long\` in minor units, 1/100 of the document's currency, whatever the currency.
- **date** is an \`int\`, days since 1970-01-01 (\`date\`); **time** is a \`long\`, milliseconds since 1970-01-01T00:00:00Z
  (\`timestamp-millis\`).
- **decimal** is a \`string\` in plain notation, without exponent, leading or trailing zeros.
- **json** is a \`string\`: an object or array with sorted keys.

Every field may be null unless it is **never null**. A null stands for null, for an empty text and for a missing field of the API. Numbers of
tax, accounts, telephones and postal codes are text, as they were entered. Numbers that a double would round keep all their digits, in
\`extra\`, json, decimals, texts and dead letters.

**strict** fields are those without which a record would lie: a value that is not of their kind makes the row a dead letter. Such a value of
any other field is a misfit: the column is null (a text with U+0000 is without it), \`extra\` keeps the value under the field's name, and the
header \`misfits\` names the field. A value that loses nothing is no misfit: a text from an integer or boolean, a boolean from \`"true"\` or
\`"false"\`, an integer or money from their digits as text. Money with a point or comma could be of major units, and is a misfit.

Fields come from the row in the API's list, unless parentheses say otherwise: **(service)** is set by infakt-kafka; **(since 2025)** and
**(before 2025)** are in list rows from, or until, that year; **(2026)** was documented in 2026, and nobody knows whether list rows have it;
**(detail)** is shown only where one document is asked for.

${renderSources()}`;
}

function renderOverview(): string {
  const rows = allTopics().map(({ topic, partitions }) => {
    const source = sources.find(({ name }) => topic === `<prefix>.${name}`);
    return [
      source === undefined ? code(topic) : `[${code(topic)}](#${anchorOf(topic)})`,
      source === undefined ? (others.get(topic)?.key ?? '') : keyOf(source),
      source === undefined ? (others.get(topic)?.value ?? '') : valueOf(source),
      String(partitions),
    ];
  });
  return table(['Topic', 'Key', 'Value', 'Partitions'], rows);
}

/** A line for each set of settings, with the topics that have it. */
function renderTopicSettings(): string {
  const topics = new Map<string, string[]>();
  for (const { topic, config } of allTopics()) {
    const settings = Object.entries(config)
      .map(([name, value]) => code(`${name}=${value}`))
      .join(', ');
    topics.set(settings, [...(topics.get(settings) ?? []), topic.replace('<prefix>.', '')]);
  }
  return [...topics].map(([settings, names]) => `- ${names.join(', ')}: ${settings}`).join('\n');
}

function allTopics(): ReturnType<typeof wantedTopics> {
  return wantedTopics({
    prefix: '<prefix>',
    data: dataSources.map(({ name }) => name),
    dataPartitions: Number(defaultOf('topics.partitions')),
    statePartitions: Number(defaultOf('state.partitions')),
  });
}

const others = new Map([
  ['<prefix>.dead-letters', { key: "as the row's record, or null", value: 'a row that could not become a record' }],
  ['<prefix>.state', { key: 'JSON', value: "the service's own memory; not for others to read" }],
]);

function keyOf({ schema }: Source): string {
  const [key] = recordsOf(loadSchema(`${schema}-key`));
  return code(`{${key?.fields.map(({ name }) => name).join(', ') ?? ''}}`);
}

/** Whether a projection is published unless the configuration leaves it out. */
function isDefault(projection: string): boolean {
  return serviceSchema.projections.default.some((name) => name === projection);
}

/** The sentence that says when a projection is published. */
function publishedWhere(projection: string): string {
  return isDefault(projection)
    ? `Published unless \`projections\` is set to a list without \`${projection}\`.`
    : `Published only where \`projections\` names \`${projection}\`.`;
}

function valueOf({ name, schema, isProjection, isOptional = false }: Source): string {
  const [value] = recordsOf(loadSchema(schema));
  const isNamed = isOptional ? ', only where `streams` of an entity names it' : '';
  const isAsked = isProjection
    ? `, ${isDefault(name) ? 'unless `projections` leaves it out' : 'only where `projections` asks for it'}`
    : isNamed;
  return `${code(value?.name ?? '')}${isAsked}`;
}

function renderHeaders(headers: typeof recordHeaders): string {
  return headers.map(([name, meaning]) => `- ${code(name)}: ${meaning}`).join('\n');
}

/** Each topic's records; one that has most fields of an earlier record is described by its differences. */
function renderSources(): string {
  const described: RecordOutline[] = [];
  return sources
    .map(({ name, schema, isProjection }) => {
      const [value, ...nested] = recordsOf(loadSchema(schema));
      if (value === undefined) throw new Error(`expected a record in ${schema}.avsc`);
      return `## ${code(`<prefix>.${name}`)}

${withoutSaid(value.doc)}${isProjection ? ` ${publishedWhere(name)}` : ''}

Key: ${renderSchema(`${schema}-key`)}. Value: ${renderSchema(schema)}.

${renderFields(value, described)}
${nested.map((record) => `\nEach element ${code(`infakt.${record.name}`)}: ${withoutSaid(record.doc)}\n\n${renderFields(record, described)}\n`).join('')}`;
    })
    .join('\n');
}

function renderSchema(schema: string): string {
  const text = loadSchema(schema);
  const record = recordsOf(text)[0]?.name ?? '';
  const prefix = singleObjectPrefix(text).toString('hex').toUpperCase();
  return `[${code(`infakt.${record}`)}](../schemas/avro/${schema}.avsc) ${code(prefix)}`;
}

function renderFields(record: RecordOutline, described: RecordOutline[]): string {
  const [base] = described
    .map((earlier) => ({ earlier, shared: record.fields.filter((field) => hasEqual(earlier, field)) }))
    .filter(({ shared }) => shared.length >= WORTH_SHARING)
    .sort((a, b) => b.shared.length - a.shared.length);
  if (base === undefined) {
    described.push(record);
    return tableOf(record.fields);
  }
  const { earlier, shared } = base;
  const absent = earlier.fields.filter(({ name }) => !record.fields.some((field) => field.name === name));
  const without = absent.length === 0 ? '' : ` without ${absent.map(({ name }) => code(name)).join(', ')}`;
  return `The record has the fields of ${code(`infakt.${earlier.name}`)}${without}, about its own document. These are new or differ:

${tableOf(record.fields.filter((field) => !shared.includes(field)))}`;
}

/** Whether the other record has the field with the same type, source and meaning, said of another document. */
function hasEqual({ fields }: RecordOutline, field: FieldOutline): boolean {
  const other = fields.find(({ name }) => name === field.name);
  return other !== undefined && typeOf(other) === typeOf(field) && ofInvoice(other.doc) === ofInvoice(field.doc);
}

function ofInvoice(doc: string): string {
  return doc
    .replace(/\ba (?=corre|final|margin)/g, 'an ')
    .replace(/\b(?:(?:corrective|advance|final|margin) invoice|correction)\b/g, 'invoice');
}

function tableOf(fields: readonly FieldOutline[]): string {
  const rows = fields.map((field) => [code(field.name), typeOf(field), meaningOf(field)]);
  return table(['Field', 'Type', 'Meaning'], rows);
}

function meaningOf({ doc }: FieldOutline): string {
  const [, meaning = doc, source = ''] = /^(.*?) Source: (.*)\.$/.exec(doc) ?? [];
  const origin = origins.get(source) ?? source;
  return `${withoutSaid(meaning)}${origin === '' ? '' : ` (${origin})`}`;
}

function withoutSaid(text: string): string {
  return SAID_ONCE.reduce((left, sentence) => left.replace(sentence, ''), text);
}

const kinds = new Map([
  ['date', 'date'],
  ['timestamp-millis', 'time'],
]);

function typeOf(field: FieldOutline): string {
  const kind =
    field.unit === 'minor' ? 'money' : (field.kind ?? kinds.get(field.logicalType ?? '') ?? field.logicalType);
  const type = `${field.isArray ? 'array of ' : ''}${kind ?? field.type}`;
  const promises = [...(field.isNullable ? [] : ['never null']), ...(field.isStrict ? ['strict'] : [])];
  return [type, ...promises].join(', ');
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
