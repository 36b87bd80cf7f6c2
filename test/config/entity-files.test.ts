import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EntityConfig } from '../../config/config';
import { contentOfEntities, loadEntities } from '../../config/entity-files';
import type { Findings } from '../../config/findings';

let directory: string;
let findings: Findings;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'infakt-kafka-config-'));
  findings = { faults: [], warnings: [], secrets: new Set() };
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

function load(
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
  needsApiKeys = true,
): readonly EntityConfig[] {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  const known = { knownStreams: ['clients', 'invoices', 'rare'], usualStreams: ['clients', 'invoices'] };
  return loadEntities(directory, env, { ...known, needsApiKeys }, findings);
}

function faults(): string[] {
  return findings.faults.map(({ file, key, got }) => {
    return `${file.slice(directory.length + 1)} ${key ?? ''} ${'words' in got ? got.words : JSON.stringify(got.value)}`;
  });
}

test('entities are in the order of their ids, whose names the files have; other files are left alone', () => {
  mkdirSync(join(directory, 'folder'));
  const files = { 'beta.json': '{}', 'alfa.json': '{"name":"Alfa"}', '.hidden.json': '', 'notes.txt': '' };
  const entities = load(files, { INFAKT_API_KEY_ALFA: 'a', INFAKT_API_KEY_BETA: 'b' });
  expect(entities).toMatchObject([
    { id: 'alfa', name: 'Alfa', apiKey: 'a', streams: ['clients', 'invoices'] },
    { id: 'beta', name: 'beta', apiKey: 'b' },
  ]);
  expect(findings.faults).toEqual([]);
});

test('a command that asks nothing of the API needs no API keys, nor their files', () => {
  const files = { 'alfa.json': '{}', 'beta.json': '{"api_key_file":"nowhere"}' };
  expect(load(files, {}, false).map(({ id }) => id)).toEqual(['alfa', 'beta']);
  expect(findings.faults).toEqual([]);
  load(files);
  expect(findings.faults.map(({ key }) => key)).toEqual(['api_key', 'api_key_file']);
});

test('a folder without a file, and none at all, are faults', () => {
  const none = { knownStreams: [], usualStreams: [] };
  expect(load({})).toEqual([]);
  expect(loadEntities(join(directory, 'nowhere'), {}, { ...none, needsApiKeys: true }, findings)).toEqual([]);
  expect(findings.faults.map(({ got }) => got)).toEqual([{ words: 'none' }, { words: 'nothing there' }]);
});

test('a key in the environment of an entity that has no file is warned of', () => {
  load({ 'alfa.json': '{"api_key":"a"}' }, { INFAKT_API_KEY_BETA: 'b' });
  expect(findings.warnings).toContain(`INFAKT_API_KEY_BETA is set, but ${directory} has no file of such an entity`);
  expect(findings.secrets.has('b')).toBe(true);
});

test('the secrets of a webhook are taken from the environment, each known as a secret, and those of no file are warned of', () => {
  const env = { INFAKT_HOOK_SECRET_ALFA: 'old, new', INFAKT_HOOK_SECRET_BETA: 'another' };
  const [alfa] = load({ 'alfa.json': '{"api_key":"a","hook_secret_file":"not/there"}' }, env);
  expect([alfa?.hookSecret, alfa?.hookSecretFile]).toEqual(['old, new', null]);
  expect(['old', 'new', 'another'].filter((secret) => !findings.secrets.has(secret))).toEqual([]);
  expect(findings.warnings).toContain(`INFAKT_HOOK_SECRET_BETA is set, but ${directory} has no file of such an entity`);
});

test('an enabled entity needs a key, a disabled one does not, and one of all is enabled', () => {
  load({ 'alfa.json': '{"enabled":false}' });
  expect(faults()).toEqual(['  none']);
  load({ 'beta.json': '{}' });
  expect(faults()).toEqual(['  none', 'beta.json api_key nothing']);
});

test('a file that cannot be read may be the one that is enabled: nothing is said of that then', () => {
  load({ 'alfa.json': '{"enabled":false}', 'beta.json': '{"a":' });
  expect(faults()).toEqual(['beta.json  JSON that ends too early']);
});

test('two entities with one key, or one NIP however it is written, are refused', () => {
  const nips = ['1234563218', 'PL 123-456-32-18'];
  const [alfa, beta] = nips.map((nip) => JSON.stringify({ nip, api_key: 's3cret' }));
  load({ 'alfa.json': alfa ?? '', 'beta.json': beta ?? '' });
  expect(faults()).toEqual(['beta.json api_key that of entity alfa', 'beta.json nip that of entity alfa, 1234563218']);
});

test('an entity whose file names no streams has the usual ones, and one whose file names others has those', () => {
  const named = JSON.stringify({ api_key: 'b', streams: ['rare'] });
  const loaded = load({ 'alfa.json': '{"api_key":"a"}', 'beta.json': named });
  expect(loaded.map(({ streams }) => streams)).toEqual([['clients', 'invoices'], ['rare']]);
  expect(faults()).toEqual([]);
});

test('a service at work takes no stream that has no topic yet', () => {
  writeFileSync(join(directory, 'alfa.json'), JSON.stringify({ api_key: 'a', streams: ['rare', 'clients'] }));
  const known = { knownStreams: ['clients', 'rare'], usualStreams: ['clients'], needsApiKeys: true };
  for (const streamsAtHand of [['clients', 'rare'], ['clients']])
    loadEntities(directory, {}, { ...known, streamsAtHand }, findings);
  expect(faults()).toEqual(['alfa.json streams ["rare"]']);
  expect(findings.faults[0]?.expected).toContain('named when the service started (clients)');
});

test('streams that do not exist, and dates the wrong way round, are faults', () => {
  const content = { api_key: 'a', streams: ['orders'], start_date: '2026-02-01', end_date: '2026-01-01' };
  load({ 'alfa.json': JSON.stringify(content) });
  expect(faults()).toEqual(['alfa.json end_date "2026-01-01"', 'alfa.json streams ["orders"]']);
});

test('the content of the folder is another one when a file is written, swapped by a link, renamed or removed, and the same when it is written again', () => {
  const file = join(directory, 'alfa.json');
  const contents: string[] = [];
  const look = (): string => {
    const content = contentOfEntities(directory);
    contents.push(content);
    return content;
  };
  const empty = look();
  writeFileSync(file, '{}');
  const written = look();
  writeFileSync(file, '{}');
  expect(contentOfEntities(directory)).toBe(written);
  writeFileSync(join(directory, 'notes.txt'), 'not an entity');
  expect(contentOfEntities(directory)).toBe(written);
  // As tools that mount configuration do: the same name leads to another file.
  unlinkSync(file);
  mkdirSync(join(directory, '..data'));
  writeFileSync(join(directory, '..data', 'alfa.json'), '{"name":"Alfa"}');
  symlinkSync(join(directory, '..data', 'alfa.json'), file);
  look();
  renameSync(file, join(directory, 'beta.json'));
  look();
  expect(new Set(contents).size).toBe(contents.length);
  unlinkSync(join(directory, 'beta.json'));
  expect(contentOfEntities(directory)).toBe(empty);
});

test('the content is another one when a mounted folder is swapped behind two links (jdiazcano/cfg4k#65)', () => {
  for (const [version, content] of [
    ['..2026_11_30_01', '{}'],
    ['..2026_11_30_02', '{"name":"Alfa"}'],
  ] as const) {
    mkdirSync(join(directory, version));
    writeFileSync(join(directory, version, 'alfa.json'), content);
  }
  symlinkSync('..2026_11_30_01', join(directory, '..data'));
  symlinkSync(join('..data', 'alfa.json'), join(directory, 'alfa.json'));
  const before = contentOfEntities(directory);
  symlinkSync('..2026_11_30_02', join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
  expect(contentOfEntities(directory)).not.toBe(before);
});

test('the content of a folder that cannot be read is one of its own', () => {
  expect(contentOfEntities(join(directory, 'nowhere'))).not.toBe(contentOfEntities(directory));
});

test('a start_date in the future is warned of, one of today is not', () => {
  const today = new Intl.DateTimeFormat('sv-SE', { timeZone: 'Europe/Warsaw' }).format();
  load({ 'alfa.json': '{"start_date":"2999-01-01"}', 'beta.json': `{"start_date":"${today}"}` }, {}, false);
  expect(findings.faults).toEqual([]);
  expect(findings.warnings).toEqual([
    `${join(directory, 'alfa.json')}: start_date: 2999-01-01 lies in the future, no document before that day is read`,
  ]);
});
