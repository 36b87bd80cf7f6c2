import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pages } from '../../tools/generate-docs';

test.each(pages)('$file is what the code generates', ({ file, render }) => {
  expect(readFileSync(join(__dirname, '../..', file), 'utf8')).toBe(render());
});
