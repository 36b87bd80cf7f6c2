import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { loadSchema, schemaNames, singleObjectPrefix } from '../../src/sinks/avro';

/** Where the constants stand in the page; what is between these lines is generated. */
const BEGIN = '<!-- Generated from schemas/avro and schemas/released by npm run docs: begin -->';
const END = '<!-- Generated: end -->';

/** Schemas of the service's own memory, which no consumer reads. */
const PRIVATE = ['ledger-block'];

/** The page about consuming, with the constants of single-object encoding as they are now; everything else of it is written by hand. */
export function renderConsumingPage(root: string): string {
  const page = readFileSync(join(root, 'docs/consuming.md'), 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error('docs/consuming.md has no place for the fingerprints; this is a bug');
  return `${page.slice(0, begin)}${BEGIN}\n\n${renderConstants(root)}\n\n${page.slice(end)}`;
}

function renderConstants(root: string): string {
  const files = new Map<string, string>();
  for (const name of schemaNames().filter((each) => !PRIVATE.includes(each)))
    files.set(prefixOf(loadSchema(name)), `schemas/avro/${name}.avsc`);
  const released = join(root, 'schemas/released');
  for (const file of readdirSync(released, { recursive: true, encoding: 'utf8' }).sort()) {
    if (!file.endsWith('.avsc')) continue;
    const prefix = prefixOf(readFileSync(join(released, file), 'utf8'));
    if (!files.has(prefix)) files.set(prefix, `schemas/released/${file}`);
  }
  const lines = [...files].map(([prefix, file]) => `\t"${prefix}": "${file}",`);
  return ['```go', 'var schemaFiles = map[string]string{', ...lines, '}', '```'].join('\n');
}

function prefixOf(text: string): string {
  return singleObjectPrefix(text).toString('hex');
}
