import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { pythonWith } from '../support/python';

const run = promisify(execFile);
const manifests = join(__dirname, '../../deploy/kubernetes');

let python: string;

beforeAll(async () => {
  python = await pythonWith('test/support/kubernetes-requirements.txt');
});

const validate = (...args: readonly string[]) => run(python, ['-m', 'kubernetes_validate', '--strict', ...args]);
const files = readdirSync(manifests).map((file) => join(manifests, file));

test.each(['1.25.0', '1.37.0'])(
  'the manifests are of the schemas of Kubernetes %s, and have no unknown field',
  async (version) => {
    // The schemas are part of the Python package.
    const checked = validate('-k', version, ...files);
    await expect(checked).resolves.toBeDefined();
  },
);

test('a field that Kubernetes does not know is refused', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'manifest-'));
  try {
    const file = join(folder, 'deployment.yaml');
    writeFileSync(file, readFileSync(join(manifests, 'deployment.yaml'), 'utf8').replace('maxSurge', 'maxSurges'));
    await expect(validate(file)).rejects.toMatchObject({ stdout: expect.stringMatching(/maxSurges/) as string });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
