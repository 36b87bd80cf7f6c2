import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { projectRoot } from '../../tools/java';

const run = promisify(execFile);

/** The path of a Python with the packages of examples/python. */
export function examplePython(): Promise<string> {
  return pythonWith('examples/python/requirements.txt');
}

/** The path of a Python with the packages that a file of the project lists, installed in a virtual environment of the project the first time. */
export async function pythonWith(list: string): Promise<string> {
  const requirements = join(projectRoot(), list);
  const { stdout: version } = await run('python3', ['--version']).catch((cause: unknown) => {
    throw new Error(`Looking for Python with the packages of ${list}: expected python3 on the PATH, got none`, {
      cause,
    });
  });
  const contents = createHash('sha256')
    .update(version)
    .update(await readFile(requirements));
  const cache = join(projectRoot(), '.kafka');
  const folder = join(cache, `python-${contents.digest('hex').slice(0, 12)}`);
  if (!existsSync(folder)) {
    await mkdir(cache, { recursive: true });
    const unfinished = await mkdtemp(`${folder}.part-`);
    try {
      await run('python3', ['-m', 'venv', unfinished]);
      await run(join(unfinished, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', '-r', requirements]);
      // The folder gets its name only when it is whole; where another process was faster, its folder is as good.
      await rename(unfinished, folder).catch((error: unknown) => {
        if (!existsSync(folder)) throw error;
      });
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
  }
  return join(folder, 'bin', 'python');
}
