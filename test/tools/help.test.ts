import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { projectRoot } from '../../tools/java';

test.each(['kafka-cli', 'registry-cli', 'demo', 'example-postgres', 'example-dashboard', 'bench'])(
  'the help of tools/%s fits 80 columns',
  (tool) => {
    const program = join(projectRoot(), 'dist/tools', `${tool}.js`);
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, '--help'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: npm run /m);
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  },
);
