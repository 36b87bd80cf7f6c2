import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pages } from '../../tools/generate-docs';

const root = join(__dirname, '../..');

test.each(pages)('$file is what the code generates', ({ file, render }) => {
  expect(readFileSync(join(root, file), 'utf8')).toBe(render(root));
});
