import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { projectRoot } from '../../tools/java';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'install-java-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

const java17 = `echo 'openjdk version "17.0.15" 2025-04-15' >&2`;
const asks = 'echo "asked: $*"';

/** Runs the script where these shell scripts, and what the script itself is made of, are all the programs there are. */
function install(programs: Readonly<Record<string, string>>) {
  for (const name of ['bash', 'sed', 'head', 'env'])
    symlinkSync(
      `${['/usr/bin', '/bin'].find((path) => spawnSync(join(path, name)).error === undefined) ?? ''}/${name}`,
      join(folder, name),
    );
  for (const [name, script] of Object.entries(programs))
    writeFileSync(join(folder, name), `#!${join(folder, 'bash')}\n${script}\n`, { mode: 0o755 });
  const script = join(projectRoot(), 'tools/install-java.sh');
  const { status, stdout, stderr } = spawnSync(script, { env: { PATH: folder }, encoding: 'utf8' });
  return { status, stdout, stderr };
}

test('does nothing where Java 17 and Maven are there', () => {
  const refused = { 'apt-get': 'exit 9', id: 'echo 0' };
  expect(install({ java: java17, mvn: '', ...refused })).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('as root on Debian installs what is missing, in the version of Java that the release has', () => {
  const apt = { 'apt-get': asks, 'apt-cache': '[ "$2" != openjdk-17-jdk-headless ]', id: 'echo 0' };
  const { status, stdout } = install(apt);
  expect(stdout).toMatch(/^installing openjdk-21-jdk-headless maven$/m);
  expect(stdout).toMatch(/^asked: install .* openjdk-21-jdk-headless maven$/m);
  expect(status).toBe(0);
});

test('installs Maven alone where Java is there, and Java where it is too old', () => {
  const apt = { 'apt-get': asks, 'apt-cache': '', id: 'echo 0' };
  expect(install({ ...apt, java: java17 }).stdout).toMatch(/^installing maven$/m);
  rmSync(folder, { recursive: true });
  folder = mkdtempSync(join(tmpdir(), 'install-java-'));
  const old = { java: `echo 'openjdk version "11.0.2"' >&2`, mvn: '' };
  expect(install({ ...apt, ...old }).stdout).toMatch(/^installing openjdk-17-jdk-headless$/m);
});

test.each([
  {
    where: 'on Debian without being root',
    programs: { 'apt-get': asks, id: 'echo 1000' },
    says: /sudo \S+install-java\.sh$/,
  },
  { where: 'with dnf', programs: { dnf: '' }, says: /dnf install java-21-openjdk-headless maven$/ },
  { where: 'with Homebrew', programs: { brew: '' }, says: /brew install openjdk@21 maven/ },
  { where: 'on Windows', programs: { 'winget.exe': '' }, says: /winget install \S+JDK, and Maven from https/ },
  { where: 'elsewhere', programs: {}, says: /dnf: .*; brew: .*; winget: / },
])('$where says in one line what to install', ({ programs, says }) => {
  const { status, stdout, stderr } = install(programs);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(/^Java 17 or later and Maven are needed: .*\n$/);
  expect(stderr.trimEnd()).toMatch(says);
});
