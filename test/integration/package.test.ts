import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expectEachRowOnce, oneCompany } from '../support/one-company';

const run = promisify(execFile);
const root = join(__dirname, '../..');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string };

let release: string;
let user: string;

beforeAll(async () => {
  release = mkdtempSync(join(tmpdir(), 'infakt-kafka-release-'));
  user = mkdtempSync(join(tmpdir(), 'infakt-kafka-user-'));
  await run(join(root, 'tools/release.sh'), [release, '--draft'], { cwd: root });
  writeFileSync(join(user, 'package.json'), '{}');
  const quietly = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
  await run('npm', ['install', ...quietly, join(release, `infakt-kafka-${version}.tgz`)], { cwd: user });
});

afterAll(() => {
  for (const folder of [release, user]) rmSync(folder, { recursive: true });
});

/** The program as its package installs it. */
function installed(...argv: readonly string[]): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return run(join(user, 'node_modules/.bin/infakt-kafka'), argv, { cwd: user });
}

test('a release is the package, the list of all that it brings, and checksums', async () => {
  const names = ['cdx.json', 'sha256', 'tgz'].map((ending) => `infakt-kafka-${version}.${ending}`);
  expect(readdirSync(release).sort()).toEqual(names);
  await run('sha256sum', ['--check', '--strict', `infakt-kafka-${version}.sha256`], { cwd: release });
  const list = JSON.parse(readFileSync(join(release, `infakt-kafka-${version}.cdx.json`), 'utf8')) as {
    readonly components: readonly { readonly name: string; readonly version: string }[];
  };
  const lock = JSON.parse(readFileSync(join(user, 'node_modules/.package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, unknown>>;
  };
  const brought = Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, ''));
  expect(['infakt-kafka', ...list.components.map(({ name }) => name)].sort()).toEqual(brought.sort());
});

test('the package holds what runs: no tests, tools, sources, maps or examples', async () => {
  const { stdout } = await run('tar', ['-tzf', join(release, `infakt-kafka-${version}.tgz`)]);
  const files = stdout.trim().split('\n');
  const allowed =
    /^package\/(?:(?:LICENSE|README\.md|package\.json|dist\/package\.json)$|dist\/(?:src|config|simulator)\/[\w/-]+\.js$|dist\/src\/http-server\/assets\/page\.css$|dist\/src\/(?:operators\/[\w-]+|sinks\/read-committed)\.d\.ts$|schemas\/(?:avro|released)\/[\w/-]+\.avsc$|schemas\/[\w.-]+\.(?:d\.ts|json)$)/;
  expect(files.filter((file) => !allowed.test(file))).toEqual([]);
  expect(files).toEqual(expect.arrayContaining(['package/dist/src/main.js', 'package/schemas/records.d.ts']));
});

test('installed in an empty folder it says its version and its help, and exports what it promises', async () => {
  expect(await installed('--version')).toEqual({ stdout: `${version}\n`, stderr: '' });
  expect((await installed('check', '--help')).stdout).toMatch(/^Usage: infakt-kafka check/);
  expect((await installed('simulate', '--help')).stdout).toMatch(/^Usage: infakt-kafka simulate/);
  const exported = ['operators', 'read-committed', 'schemas/avro/invoice.avsc', 'package.json'];
  for (const name of exported) {
    await run(process.execPath, ['-p', `require.resolve('infakt-kafka/${name}')`], { cwd: user });
  }
});

test('installed in an empty folder it checks, and publishes everything once', async () => {
  const company = await oneCompany();
  const { options } = company.service;
  await expect(
    installed('once', '--json', ...options).then(({ stdout }) => JSON.parse(stdout) as unknown),
  ).resolves.toMatchObject({
    complete: true,
  });
  await expectEachRowOnce(company);
  expect((await installed('check', ...options)).stdout).toMatch(/^ok +key/m);
});
