import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { isObject } from '../../src/json';

// The constants of docs/consuming.md, computed here by Avro's specification alone, as somebody who writes a reader would.

const root = join(__dirname, '../..');
const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];

/** The Parsing Canonical Form of a schema: names in full, nothing that does not change the bytes, a fixed order, no white space. */
function canonical(schema: unknown, namespace: string): string {
  if (Array.isArray(schema)) return `[${schema.map((branch) => canonical(branch, namespace)).join(',')}]`;
  if (typeof schema === 'string') return JSON.stringify(PRIMITIVES.includes(schema) ? schema : full(schema, namespace));
  if (!isObject(schema)) throw new Error(`expected a schema, got ${String(schema)}`);
  const { type, name, fields, items } = schema;
  const own = typeof schema['namespace'] === 'string' ? schema['namespace'] : namespace;
  if (type === 'array') return `{"type":"array","items":${canonical(items, namespace)}}`;
  if (type !== 'record') return canonical(type, namespace);
  if (typeof name !== 'string' || !Array.isArray(fields)) throw new Error('expected a record with a name and fields');
  const parts = fields.map((field: unknown) => {
    if (!isObject(field)) throw new Error('expected a field');
    return `{"name":${JSON.stringify(field['name'])},"type":${canonical(field['type'], own)}}`;
  });
  return `{"name":${JSON.stringify(full(name, own))},"type":"record","fields":[${parts.join(',')}]}`;
}

function full(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

/** CRC-64-AVRO by the specification's table, eight bytes little-endian. */
function crc64(bytes: Buffer): Buffer {
  const EMPTY = 0xc15d213aa4d7a795n;
  const table = Array.from({ length: 256 }, (_, index) => {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit += 1) value = (value >> 1n) ^ (EMPTY & -(value & 1n));
    return value;
  });
  let crc = EMPTY;
  for (const byte of bytes) crc = (crc >> 8n) ^ (table[Number(crc & 0xffn) ^ byte] ?? 0n);
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt.asUintN(64, crc));
  return out;
}

function constantOf(file: string): string {
  const schema: unknown = JSON.parse(readFileSync(join(root, file), 'utf8'));
  return `c301${crc64(Buffer.from(canonical(schema, ''))).toString('hex')}`;
}

/** The map in the page, by file. */
function inDocs(): Map<string, string> {
  const page = readFileSync(join(root, 'docs/consuming.md'), 'utf8');
  return new Map(
    [...page.matchAll(/^\t"(c301[0-9a-f]{16})": "(.+)",$/gm)].map(([, prefix = '', file = '']) => [file, prefix]),
  );
}

test('the constants for readers in Go are the CRC-64-AVRO of the canonical form of the schemas that they name', () => {
  const found = [...inDocs()];
  expect(found.length).toBeGreaterThan(20);
  expect(found).toEqual(found.map(([file]) => [file, constantOf(file)]));
});

test('every schema that a record may have been written with has its constant', () => {
  const listed = new Set(inDocs().values());
  const files = ['avro', 'released'].flatMap((folder) =>
    readdirSync(join(root, 'schemas', folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.avsc') && file !== 'ledger-block.avsc')
      .map((file) => `schemas/${folder}/${file}`),
  );
  expect(files.filter((file) => !listed.has(constantOf(file)))).toEqual([]);
});
