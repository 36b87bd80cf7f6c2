import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { oldNodeText } from '../src/refuse-old-node';

const programs = [
  'src/main.js',
  'tools/demo.js',
  'tools/example-postgres.js',
  'tools/kafka-cli.js',
  'tools/registry-cli.js',
];

test.each(['18.19.0', '16.20.2', '14.21.3', '8.17.0'])('Node %s is refused by its version', (version) => {
  expect(oldNodeText(version)).toBe(`infakt-kafka: Node 20 or later is needed, this is ${version}`);
});

test.each(['20.0.0', '22.18.0', '24.1.0', '100.0.0'])('Node %s is not', (version) => {
  expect(oldNodeText(version)).toBeNull();
});

test.each(programs)('%s asks for the version before it loads anything else', (program) => {
  const text = readFileSync(join(__dirname, '../dist', program), 'utf8');
  expect(/require\("([^"]+)"\)/.exec(text)?.[1]).toMatch(/refuse-old-node$/);
});

describe('a Node that says that it is 18', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'old-node-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test.each(programs)('is told by %s what is needed, with exit code 2', async (program) => {
    const preload = join(folder, 'eighteen.cjs');
    writeFileSync(
      preload,
      "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.19.0' } });",
    );
    const argv = ['--require', preload, join(__dirname, '../dist', program), '--help'];
    const ended = await new Promise((resolve) => {
      const child = execFile(process.execPath, argv, (_error, stdout, stderr) =>
        resolve({ code: child.exitCode, stdout, stderr }),
      );
    });
    const stderr = 'infakt-kafka: Node 20 or later is needed, this is 18.19.0\n';
    expect(ended).toEqual({ code: 2, stdout: '', stderr });
  });
});
