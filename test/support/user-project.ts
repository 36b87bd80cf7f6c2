import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { projectRoot } from '../../tools/java';
import { cleanUp } from './kafka';

const run = promisify(execFile);

/**
 * Somebody else's program: a folder whose `node_modules` holds this package as npm would pack and install it, and other packages as real
 * copies. Removed after the test.
 */
export async function userProject(
  packages: readonly string[],
  {
    ownCopies = [],
  }: { /** Packages that ours does not share with the program. */ readonly ownCopies?: readonly string[] } = {},
): Promise<string> {
  const root = projectRoot();
  if (!existsSync(join(root, 'dist', 'src', 'main.js'))) {
    throw new Error('Packing infakt-kafka: expected dist from `npm run build`, got none');
  }
  const folder = await mkdtemp(join(tmpdir(), 'infakt-kafka-user-'));
  cleanUp(() => rm(folder, { recursive: true }));
  const modules = join(folder, 'node_modules');
  const installed = join(modules, 'infakt-kafka');
  await mkdir(installed, { recursive: true });
  // Its scripts would build, which was done, and in the folder that other tests run from.
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  const { stdout } = await run('npm', pack, { cwd: root });
  await run('tar', ['-xzf', join(folder, stdout.trim()), '-C', installed, '--strip-components=1']);
  for (const name of packages) await copyPackage(name, modules);
  for (const name of ownCopies) await copyPackage(name, join(installed, 'node_modules'));
  return folder;
}

async function copyPackage(name: string, modules: string): Promise<void> {
  await cp(join(projectRoot(), 'node_modules', name), join(modules, name), { recursive: true });
}
