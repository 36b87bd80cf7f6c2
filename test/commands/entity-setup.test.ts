import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { isEntityId, keyIn, keyInFile, placesOf, writeEntity } from '../../src/commands/entity-setup';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'setup-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const company = { taxId: 'PL 111-111-11-11', name: 'Alfa sp. z o.o.' };

test('the key stands in a file of its own that its owner alone may read and git ignores, and is named by the entity', () => {
  const places = placesOf(join(folder, 'entities'), 'alfa', {});
  expect(writeEntity(places, 'the-key', company)).toEqual({ nip: '1111111111' });
  expect(JSON.parse(readFileSync(join(folder, 'entities/alfa.json'), 'utf8'))).toEqual({
    name: 'Alfa sp. z o.o.',
    nip: '1111111111',
    api_key_file: '../keys/alfa.key',
  });
  expect(readFileSync(join(folder, 'keys/alfa.key'), 'utf8')).toBe('the-key\n');
  expect(statSync(join(folder, 'keys/alfa.key')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(folder, 'keys/.gitignore'), 'utf8')).toBe('*\n');
});

test('an account without a NIP that holds gives the file none', () => {
  const places = placesOf(join(folder, 'entities'), 'alfa', {});
  expect(writeEntity(places, 'the-key', { taxId: '1111111112', name: null })).toEqual({ nip: null });
  expect(JSON.parse(readFileSync(places.entityFile, 'utf8'))).toEqual({ api_key_file: '../keys/alfa.key' });
});

test.each(['entities/alfa.json', 'keys/alfa.key'])('nothing is overwritten where %s is there', (file) => {
  mkdirSync(join(folder, file.split('/')[0] ?? ''));
  writeFileSync(join(folder, file), 'mine');
  expect(() => placesOf(join(folder, 'entities'), 'alfa', {})).toThrow(
    'expected no such file, as nothing is overwritten',
  );
  const places = { entityFile: join(folder, 'entities/alfa.json'), keyFile: join(folder, 'keys/alfa.key') };
  expect(() => writeEntity(places, 'the-key', company)).toThrow('EEXIST');
  expect(readFileSync(join(folder, file), 'utf8')).toBe('mine');
  // Both or none.
  if (file === 'entities/alfa.json') expect(() => statSync(places.keyFile)).toThrow('ENOENT');
});

test('a variable that would be used instead of the file is refused', () => {
  expect(() => placesOf(folder, 'alfa-2', { INFAKT_API_KEY_ALFA_2: 'x' })).toThrow('INFAKT_API_KEY_ALFA_2 is set');
});

test('a text that is no key is refused without being repeated', () => {
  expect(keyIn('  a-key \n')).toBe('a-key');
  expect(() => keyIn(' ')).toThrow('got nothing');
  expect(() => keyIn('no key at all')).toThrow(/^expected an API key: .*, got a text of 13 characters that is none$/);
  writeFileSync(join(folder, 'key'), 'a-key\n');
  expect(keyInFile(join(folder, 'key'))).toBe('a-key');
  expect(() => keyInFile(join(folder, 'none'))).toThrow(/none: expected a readable file with an API key, got ENOENT/);
});

test('an id is what a file of an entity may be called', () => {
  expect(['alfa', 'a-1', '9'].every(isEntityId)).toBe(true);
  expect(['', '-a', 'Alfa', 'a.b', '../a'].some(isEntityId)).toBe(false);
});
