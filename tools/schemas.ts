import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isObject } from '../src/json';
import { readingFaults } from '../src/sinks/avro';

const USAGE = `Usage: npm run schemas:check | npm run schemas:release

check     holds every published schema against all its released versions: whoever has the new one must be able to read all that was written
          with an old one, fields keep their meaning, and key schemas never change
release   writes what differs from its last released version as the next one

Exit codes: 0 done, 1 a schema would break its readers, 2 usage.
`;

/** Schemas of what only the service itself reads. */
const internal: ReadonlySet<string> = new Set(['ledger-block']);

/** A schema that consumers know, and what was released of it. */
interface Published {
  readonly name: string;
  /** Null = the schema is gone. */
  readonly text: string | null;
  /** Oldest first. */
  readonly releases: readonly { readonly version: number; readonly text: string }[];
}

/** Every published schema of a folder that holds `avro/<name>.avsc` and `released/<name>/<version>.avsc`. */
function publishedIn(folder: string): readonly Published[] {
  const [current, released] = [join(folder, 'avro'), join(folder, 'released')];
  const names = new Set([
    ...namesIn(current).filter((name) => !internal.has(name)),
    ...(existsSync(released) ? readdirSync(released) : []),
  ]);
  return [...names].sort().map((name) => {
    const file = join(current, `${name}.avsc`);
    return {
      name,
      text: existsSync(file) ? readFileSync(file, 'utf8') : null,
      releases: namesIn(join(released, name))
        .map(Number)
        .sort((one, two) => one - two)
        .map((version) => ({ version, text: readFileSync(join(released, name, `${version}.avsc`), 'utf8') })),
    };
  });
}

function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((file) => file.endsWith('.avsc'))
    .map((file) => file.slice(0, -'.avsc'.length));
}

/** What would break the readers of the published schemas in a folder, one text a fault. */
export function schemaFaults(folder: string): readonly string[] {
  return publishedIn(folder).flatMap(({ name, text, releases }) =>
    releases.flatMap(({ version, text: released }) =>
      faultsBetween(name, text, released).map((fault) => `${name}.avsc against its version ${version}: ${fault}`),
    ),
  );
}

function faultsBetween(name: string, text: string | null, released: string): readonly string[] {
  if (text === null) return ['expected it to be there still, got no such file'];
  if (text === released) return [];
  if (name.endsWith('-key') && unnamed(text) !== unnamed(released))
    return [
      'expected the same text but for names, aliases and what the record is said to be, as key schemas are frozen, got another one',
    ];
  const now = meaningsOf(JSON.parse(text), '');
  const changed = [...meaningsOf(JSON.parse(released), '')].flatMap(([path, meaning]) => {
    const found = now.get(path);
    if (found === undefined) return [`${path}: expected it to be there still, got no such field`];
    return found === meaning ? [] : [`${path}: expected ${meaning} as before, got ${found}`];
  });
  return [...readingFaults(text, released), ...changed];
}

/** The text of a key schema without its record's name, aliases and doc: readers follow a new name by its alias, and a shard goes on with the name it began with. */
function unnamed(text: string): string {
  return text
    .replace(/"name": *"\w+"/, '"name"')
    .replace(/"doc": *"[^"]*"/, '"doc"')
    .replace(/\n *"aliases": *\[[^\]]*\],/, '');
}

/** By the path of each field, those of its attributes that say how its value is meant: Avro itself does not compare them. */
function meaningsOf(schema: unknown, path: string): ReadonlyMap<string, string> {
  if (Array.isArray(schema)) return new Map(schema.flatMap((branch) => [...meaningsOf(branch, path)]));
  if (!isObject(schema)) return new Map();
  const { fields } = schema;
  if (!Array.isArray(fields)) return meaningsOf(schema['items'], path);
  return new Map(
    fields.filter(isObject).flatMap((field) => {
      const at = `${path}${String(field['name'])}`;
      const meant = { logicalType: logicalTypeOf(field['type']), unit: field['unit'], kind: field['kind'] };
      return [[at, JSON.stringify(meant)] as const, ...meaningsOf(field['type'], `${at}.`)];
    }),
  );
}

function logicalTypeOf(type: unknown): unknown {
  const branches: readonly unknown[] = Array.isArray(type) ? type : [type];
  return branches.filter(isObject).find((branch) => 'logicalType' in branch)?.['logicalType'];
}

/** Published schemas that differ from their last released version, or have none. */
function unreleasedIn(
  folder: string,
): readonly { readonly name: string; readonly text: string; readonly next: number }[] {
  return publishedIn(folder).flatMap(({ name, text, releases }) => {
    const last = releases.at(-1);
    return text === null || text === last?.text ? [] : [{ name, text, next: (last?.version ?? 0) + 1 }];
  });
}

/** Writes the next released version of each published schema that has changed; returns what it wrote, below the folder. */
export function releaseSchemas(folder: string): readonly string[] {
  return unreleasedIn(folder).map(({ name, text, next }) => {
    mkdirSync(join(folder, 'released', name), { recursive: true });
    const file = join('released', name, `${next}.avsc`);
    writeFileSync(join(folder, file), text);
    return file;
  });
}

function main(folder: string, [command, ...more]: readonly string[]): number {
  if ((command !== 'check' && command !== 'release') || more.length > 0) {
    console.error(USAGE);
    return 2;
  }
  const faults = schemaFaults(folder);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) return 1;
  if (command === 'release') for (const file of releaseSchemas(folder)) console.log(`schemas/${file}`);
  else
    for (const { name, next } of unreleasedIn(folder))
      console.log(`${name}.avsc has changes that are not released: they will be version ${next}`);
  return 0;
}

if (require.main === module) process.exitCode = main(join(process.cwd(), 'schemas'), process.argv.slice(2));
