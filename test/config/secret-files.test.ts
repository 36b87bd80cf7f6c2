import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Findings } from '../../config/findings';
import { formats } from '../../config/formats';
import { fileInUse, hookSecretsIn, loadPem, loadSecret, readSecret, trimAll } from '../../config/secret-files';
import type { Sheet } from '../../config/sheet';

let directory: string;
let findings: Findings;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'infakt-kafka-config-'));
  findings = { faults: [], warnings: [], secrets: new Set() };
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function write(file: string, content: string | Uint8Array): void {
  writeFileSync(join(directory, file), content);
}

/** A configuration file with these values, in the folder of the test. */
function sheetWith(values: Readonly<Record<string, string>>): Sheet<Readonly<Record<string, string>>> {
  return { file: join(directory, 'alfa.json'), values, faulty: new Set(), raw: values };
}

const PEM = '-----BEGIN CERTIFICATE-----\nx\n';

describe('a secret', () => {
  const load = (values: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) =>
    loadSecret(
      sheetWith({ ...values, ...(env['KEY'] === undefined ? {} : { key: env['KEY'] }) }),
      { key: 'key', fileKey: 'key_file', variable: 'KEY', format: formats['infakt-kafka.api-key'] },
      env,
      trimAll,
      findings,
    );

  test('is null where it is not given', () => {
    expect(load({})).toBeNull();
    expect(findings).toEqual({ faults: [], warnings: [], secrets: new Set() });
  });

  test('in a file that the configuration names is known as a secret', () => {
    write('key', ' s3cret\n');
    expect(load({ key_file: 'key' })).toBe('s3cret');
    expect([...findings.secrets]).toEqual(['s3cret']);
  });

  test('in the configuration file itself is warned of', () => {
    expect(load({ key: 's3cret' })).toBe('s3cret');
    expect(findings.warnings).toEqual([
      `${join(directory, 'alfa.json')}: key: a secret in the open; give it by KEY or key_file instead`,
    ]);
  });

  test('in the environment makes the file unread', () => {
    expect(load({ key_file: 'nowhere' }, { KEY: 's3cret' })).toBe('s3cret');
    expect(findings.faults).toEqual([]);
  });

  test.each([
    ['both in a file and in the open', { key: 'a', key_file: 'key' }, 'both'],
    ['in a file that is not there', { key_file: './nowhere' }, 'nothing there at "./nowhere"'],
    ['in an empty file', { key_file: 'empty' }, 'an empty file'],
    ['that its format refuses', { key_file: 'blanks' }, 'a value that is not shown'],
    ['put where the path belongs', { key_file: 's3cret' }, 'nothing there at that path'],
  ])('%s is a fault that shows none of it (I11)', (_what, values, got) => {
    write('empty', '\n');
    write('blanks', 's3cret with blanks');
    expect(load(values)).toBeUndefined();
    expect(findings.faults).toMatchObject([{ key: 'key_file', got: { words: got } }]);
  });
});

describe('a PEM file', () => {
  test('is read whole, by a path relative to the file that names it', () => {
    write('ca.pem', PEM);
    expect(loadPem(sheetWith({ caFile: 'ca.pem' }), 'caFile', findings)).toBe(PEM);
  });

  test('that no key names is none', () => {
    expect(loadPem(sheetWith({}), 'caFile', findings)).toBeNull();
    expect(findings.faults).toEqual([]);
  });

  test('without a PEM block is a fault', () => {
    write('ca.pem', 's3cret');
    expect(loadPem(sheetWith({ caFile: 'ca.pem' }), 'caFile', findings)).toBeNull();
    expect(findings.faults).toMatchObject([{ key: 'caFile', got: { words: 'a file without a PEM block' } }]);
  });
});

test('a file is in use where the environment has no value of its own', () => {
  const sheet = sheetWith({ key_file: 'key' });
  expect(fileInUse(sheet, 'key_file', {}, 'KEY')).toBe(join(directory, 'key'));
  expect(fileInUse(sheet, 'key_file', { KEY: 's3cret' }, 'KEY')).toBeNull();
  expect(fileInUse(sheet, 'key_file', { KEY: 's3cret' }, null)).toBe(join(directory, 'key'));
  expect(fileInUse(sheet, 'other', {}, 'KEY')).toBeNull();
});

test.each([
  ['api-key', ' s3cret \n', 's3cret'],
  ['password', ' s3cret \n', ' s3cret '],
  ['token', 's3cret\n', 's3cret'],
  ['private-key', '-----BEGIN PRIVATE KEY-----\nx\n', '-----BEGIN PRIVATE KEY-----\nx\n'],
] as const)('a file that is read again as %s holds what it would have held at the start', (kind, text, value) => {
  write('secret', text);
  expect(readSecret(kind, join(directory, 'secret'))).toEqual({ value });
});

test.each([
  ['api-key', 's3cret with spaces', 'a value that is not shown'],
  ['password', '\n', 'an empty file'],
  ['certificates', 's3cret', 'a value that is not shown'],
  ['token', Buffer.of(0xff), 'text that is not UTF-8'],
] as const)('a file that cannot be used as %s says why and nothing of what it holds', (kind, text, unusable) => {
  write('secret', text);
  expect(readSecret(kind, join(directory, 'secret'))).toEqual({ unusable });
  expect(readSecret(kind, join(directory, 'elsewhere'))).toEqual({ unusable: 'nothing there' });
});

test.each([
  ['one', ['one']],
  ['old,new', ['old', 'new']],
  ['old , new', ['old', 'new']],
  ['old \r\n new', ['old', 'new']],
])('the secrets of a webhook in %j are taken apart', (text, secrets) => {
  expect(hookSecretsIn(text)).toEqual(secrets);
});
