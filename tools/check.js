'use strict';
// Runs every `check:...` and `...:check` script of package.json, as many at a time as there are processors, and shows the output of each as a
// whole. Ends with exit code 1 if one of them failed. Plain JavaScript: the checks run also where the build does not.
const { spawn } = require('node:child_process');
const { availableParallelism } = require('node:os');
const { join } = require('node:path');

const root = join(__dirname, '..');
const { scripts } = require(join(root, 'package.json'));
// The longest begin first; the others follow in the order of package.json.
const longest = ['check:lint', 'check:format', 'check:types'];
const others = Object.keys(scripts).filter((name) => /^check:|:check$/.test(name) && !longest.includes(name));
const waiting = [...longest, ...others];
const failed = [];

function runScript(name) {
  const began = Date.now();
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', name], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (output += text));
    child.once('error', (error) => (output += `${error.message}\n`));
    child.once('close', (code) => {
      if (code !== 0) failed.push(name);
      const seconds = ((Date.now() - began) / 1000).toFixed(1);
      process.stdout.write(`${name}: ${code === 0 ? 'ok' : 'FAILED'} after ${seconds} s\n`);
      if (code !== 0) process.stdout.write(output);
      resolve();
    });
  });
}

async function work() {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await runScript(name);
}

Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work)).then(() => {
  if (failed.length === 0) return;
  process.stdout.write(`Failed: ${failed.join(', ')}\n`);
  process.exitCode = 1;
});
