import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { ConfigError } from '../../src/errors';
import { findPostgres } from '../../tools/postgres';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postgres-test-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function install(bin: string, programs = ['initdb', 'postgres', 'psql', 'pg_isready']): string {
  mkdirSync(bin, { recursive: true });
  for (const program of programs) writeFileSync(join(bin, program), '');
  return bin;
}

test('of the versions that Debian has installed side by side the newest is taken', async () => {
  for (const version of ['9.6', '15', '17']) install(join(folder, version, 'bin'));
  await expect(findPostgres({ path: '', installed: folder })).resolves.toBe(join(folder, '17', 'bin'));
});

test('what is on the PATH comes first, if it is all there', async () => {
  install(join(folder, '15', 'bin'));
  const clientOnly = install(join(folder, 'usr-bin'), ['psql', 'pg_isready']);
  const whole = install(join(folder, 'own'));
  const installed = join(folder);
  await expect(findPostgres({ path: clientOnly, installed })).resolves.toBe(join(folder, '15', 'bin'));
  await expect(findPostgres({ path: `${clientOnly}:${whole}`, installed })).resolves.toBe(whole);
});

test('where there is none, it says what installs it', async () => {
  const finding = findPostgres({ path: folder, installed: join(folder, 'nothing') });
  await expect(finding).rejects.toThrow(ConfigError);
  await expect(finding).rejects.toThrow(
    /expected initdb, postgres, psql, pg_isready .* got none.*install-postgres\.sh/,
  );
});
