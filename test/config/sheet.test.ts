import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Findings } from '../../config/findings';
import { loadSheet, readText, Unreadable, valueAt, type Sheet } from '../../config/sheet';
import type { Section, Setting } from '../../config/setting';

let directory: string;
let findings: Findings;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'infakt-kafka-config-'));
  findings = { faults: [], warnings: [], secrets: new Set() };
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

interface Values {
  readonly name: string | null;
  readonly key: string | null;
  readonly section: { readonly limit: number };
}

const name: Setting<string | null> = {
  doc: 'A name.',
  format: 'infakt-kafka.text',
  default: null,
  nullable: true,
  env: 'NAME',
};
const key: Setting<string | null> = {
  ...name,
  doc: 'A key.',
  format: 'infakt-kafka.api-key',
  env: 'KEY',
  sensitive: true,
};
const limit: Setting<number> = { doc: 'A limit.', format: 'infakt-kafka.seconds', default: 5 };

function load(content: string, env: Readonly<Record<string, string>> = {}): Sheet<Values> | null {
  const file = join(directory, 'file.json');
  writeFileSync(file, content);
  const schema = { name, key, section: { limit } };
  return loadSheet<Values>(file, schema satisfies Section, env, findings);
}

function faults(): string[] {
  return findings.faults.map(({ key: at, expected, got }) => {
    return `${at ?? ''}: ${expected}, ${'words' in got ? got.words : JSON.stringify(got.value)}`;
  });
}

test('the environment wins over the file, and the file over the default', () => {
  const sheet = load('{"name":"of the file","section":{"limit":7}}', { NAME: 'of the environment' });
  expect(sheet?.values).toEqual({ name: 'of the environment', key: null, section: { limit: 7 } });
  expect(sheet?.raw).toEqual({ name: 'of the file', section: { limit: 7 } });
  expect(findings.faults).toEqual([]);
});

test('text that spells a number counts as that number', () => {
  expect(load('{"section":{"limit":"12"}}')?.values.section.limit).toBe(12);
});

test('all faults of a file are found, and their keys known', () => {
  const sheet = load('{"name":" ","other":1,"section":{"limit":0}}');
  expect(faults().toSorted()).toEqual([
    'name: text, " "',
    'other: one of the keys name, key, section, an unknown key',
    'section.limit: an integer from 1 to 86400, 0',
  ]);
  expect([...(sheet?.faulty ?? [])].toSorted()).toEqual(['name', 'other', 'section.limit']);
});

test('a section that is no object is one fault, whatever keys it has', () => {
  const sheet = load('{"section":[1]}');
  expect(faults()).toEqual(['section: an object with keys of limit, a list']);
  expect(sheet?.faulty.has('section.limit')).toBe(true);
});

test('an object in the place of a value is a fault', () => {
  load('{"name":{}}');
  expect(faults()).toEqual(['name: text, an object']);
});

test('secrets of the file and of the environment are known, and no fault shows one (I11)', () => {
  load('{"key":"s3cret of the file"}', { KEY: 's3cret of the environment' });
  expect([...findings.secrets]).toEqual(['s3cret of the file', 's3cret of the environment']);
  expect(faults()).toEqual([
    'key (KEY): an API key: visible ASCII characters without spaces, a value that is not shown',
  ]);
});

test.each([
  ['', 'an empty file'],
  ['[]', 'a list'],
  ['null', 'null'],
  ['"s3cret"', 'text'],
  ['{"key":', 'JSON that ends too early'],
])('a file with the content %j is refused as %s', (content, got) => {
  expect(load(content)).toBeNull();
  expect(faults()).toEqual([`: a readable file with a JSON object, ${got}`]);
});

test('a file that is not JSON is refused by line and column, and nothing of it is shown (I11)', () => {
  expect(load('{\n  "key": s3cret\n}')).toBeNull();
  expect(faults()[0]).toMatch(/text that is not JSON/);
  expect(faults()[0]).not.toContain('s3cret');
});

test('a text that cannot be read says why', () => {
  expect(readText(join(directory, 'nowhere'))).toEqual(new Unreadable('nothing there'));
  expect(readText(directory)).toEqual(new Unreadable('a directory'));
  writeFileSync(join(directory, 'latin1'), Buffer.of(0xf3));
  expect(readText(join(directory, 'latin1'))).toEqual(new Unreadable('text that is not UTF-8'));
});

test('a key with dots leads to its value, and through no value to none', () => {
  expect(valueAt({ a: { b: 1 } }, 'a.b')).toBe(1);
  expect(valueAt({ a: [1] }, 'a.0')).toBeUndefined();
  expect(valueAt({ a: 'text' }, 'a.length')).toBeUndefined();
});

test('a file may say where its JSON Schema is, at its top and as text', () => {
  expect(load('{"$schema":"./service.schema.json","name":"a"}')?.values).toMatchObject({ name: 'a' });
  expect(findings.faults).toEqual([]);
  load('{"$schema":1,"name":"a","section":{"$schema":"x"}}');
  expect(findings.faults.map(({ key }) => key)).toEqual(['$schema', 'section."$schema"']);
});
