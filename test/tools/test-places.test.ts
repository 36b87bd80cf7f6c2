import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import ts from 'typescript';

const root = join(__dirname, '../..');

/** Declarations whose one function is an address: what reads them shows that they hold. */
const declarations = /^src\/sources\/streams\//;

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`);
}

/** Whether a file does anything: it has a function with a body, or a class. */
function behaves(file: string): boolean {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest);
  const found = (node: ts.Node): boolean =>
    ts.isClassDeclaration(node) ||
    ((ts.isFunctionDeclaration(node) || ts.isArrowFunction(node) || ts.isMethodDeclaration(node)) &&
      node.body !== undefined) ||
    ts.forEachChild(node, found) === true;
  return found(source);
}

/** Where the tests of a file are looked for: under its own name and place, with a real broker where only that shows it. */
function testsOf(file: string): readonly string[] {
  const name = file.replace(/^src\//, '').replace(/\.ts$/, '');
  return [`test/${name}.test.ts`, `test/integration/${name}.test.ts`];
}

test('every source file with behaviour has a test file of its name and place', () => {
  const files = [...filesIn('src'), ...filesIn('config')].filter((file) => !declarations.test(file));
  expect(files.length).toBeGreaterThan(100);
  const missing = files.filter((file) => behaves(file) && !testsOf(file).some((test) => existsSync(join(root, test))));
  expect(missing).toEqual([]);
});
