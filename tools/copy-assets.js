'use strict';
// What the compiler does not carry over but the program reads at run time.
const { cpSync, chmodSync, existsSync, rmSync } = require('node:fs');
const { join } = require('node:path');

const root = join(__dirname, '..');
// The schemas are read where they are; copies of earlier builds would be taken for them.
rmSync(join(root, 'dist/schemas'), { recursive: true, force: true });
cpSync(join(root, 'tools/kafka'), join(root, 'dist/tools/kafka'), { recursive: true });
cpSync(join(root, 'src/http-server/assets'), join(root, 'dist/src/http-server/assets'), { recursive: true });
cpSync(join(root, 'package.json'), join(root, 'dist/package.json'));
const main = join(root, 'dist/src/main.js');
if (existsSync(main)) chmodSync(main, 0o755);
