import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { allStreams } from '../../src/sources/streams/all-streams';
import { connectorOf } from '../../tools/example/stack';

const root = join(__dirname, '../..');
const directory = join(root, 'deploy/connect');
const STRINGS = 'org.apache.kafka.connect.storage.StringConverter';
const configurations = readdirSync(directory).filter((file) => file.endsWith('.json'));

type Configuration = Readonly<Record<string, string>>;
const read = (file: string): Configuration => JSON.parse(readFileSync(join(directory, file), 'utf8')) as Configuration;

test.each(configurations)('%s reads headers as the text that they are, and committed records alone', (file) => {
  const configuration = read(file);
  expect(configuration['header.converter']).toBe(STRINGS);
  expect(configuration['consumer.override.isolation.level']).toBe('read_committed');
});

test('a worker reads headers as text where a connector does not say how', () => {
  expect(readFileSync(join(directory, 'worker.properties'), 'utf8')).toContain(`\nheader.converter=${STRINGS}\n`);
});

/** How a type of Avro without its null is stored; an array of records cannot be. */
const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  long: 'bigint',
  int: 'integer',
  boolean: 'boolean',
  date: 'date',
  'timestamp-millis': 'timestamp(6)',
  array: 'text[]',
};

/** The fields of a stream's records, and the type of the column that each becomes. */
function fieldsOf(schema: string): ReadonlyMap<string, string | undefined> {
  interface Type {
    readonly type: string;
    readonly logicalType?: string;
    readonly items?: unknown;
  }
  const { fields } = JSON.parse(readFileSync(join(root, 'schemas/avro', `${schema}.avsc`), 'utf8')) as {
    readonly fields: readonly { readonly name: string; readonly type: Type | string | readonly (Type | string)[] }[];
  };
  return new Map(
    fields.map(({ name, type }) => {
      const [named = 'null'] = [type].flat().filter((one) => one !== 'null');
      const known = typeof named === 'string' ? named : (named.logicalType ?? named.type);
      const isStored = typeof named === 'string' || named.items === undefined || named.items === 'string';
      return [name, isStored ? TYPES[known] : undefined];
    }),
  );
}

/** The columns that the views' files add to a table. */
function columnsOf(table: string): readonly (readonly [string, string])[] {
  const sql = ['tables.sql', 'ksef-tables.sql']
    .map((file) => readFileSync(join(root, 'deploy/postgres/books', file), 'utf8'))
    .join('\n');
  return [...sql.matchAll(new RegExp(`^alter table ${table}\\b([^;]*);`, 'gm'))].flatMap(([, added = '']) =>
    [...added.matchAll(/add column if not exists (\w+) ([\w()]+)/g)].map(
      ([, name = '', type = '']) => [name, type] as const,
    ),
  );
}

describe.each(allStreams.map(({ name, schema }) => [name, schema] as const))('the stream %s', (name, schema) => {
  const fields = fieldsOf(schema);
  const files = [name, `${schema}-fingerprints`];
  const listOf = (file: string, key: string): readonly string[] =>
    Object.entries(read(`${file}.json`))
      .filter(([setting]) => setting.startsWith('transforms.') && setting.endsWith(`.${key}`))
      .flatMap(([, value]) => value.split(','));

  test.each(files)('%s.json fills its table from its topic', (file) => {
    const table = file.replaceAll('-', '_');
    expect(read(`${file}.json`)).toMatchObject({
      name: connectorOf(table),
      topics: `infakt.${name}`,
      'collection.name.format': table,
    });
  });

  test.each(files)('%s.json names fields of the schema alone, and leaves out those that no column can hold', (file) => {
    const [kept, dropped] = [listOf(file, 'include'), listOf(file, 'exclude')];
    expect([...kept, ...dropped].filter((field) => !fields.has(field))).toEqual([]);
    const sent = [...fields].filter(
      ([field]) => !dropped.includes(field) && (kept.length === 0 || kept.includes(field)),
    );
    expect(sent.filter(([, type]) => type === undefined)).toEqual([]);
  });

  test.each(files)('%s.json sends every column that the views read, in its type', (file) => {
    const [kept, dropped] = [listOf(file, 'include'), listOf(file, 'exclude')];
    const columns = columnsOf(file.replaceAll('-', '_'));
    expect(columns).toContainEqual(['fingerprint', 'text']);
    const isSent = (field: string): boolean => !dropped.includes(field) && (kept.length === 0 || kept.includes(field));
    expect(columns.filter(([field, type]) => !isSent(field) || fields.get(field) !== type)).toEqual([]);
  });
});
