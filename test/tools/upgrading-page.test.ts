import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { HASH_VERSION, NORMALISATION_VERSION } from '../../src/changes/fingerprint';
import { LAYOUT_VERSION } from '../../src/state/state-topic';

const root = join(__dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const { version } = JSON.parse(read('package.json')) as { readonly version: string };

/** The table of docs/upgrading.md: what each version needs published again. */
const rows = [...read('docs/upgrading.md').matchAll(/^\| (\d+\.\d+\.\d+) +\| (\d+) +\| (\d+) +\| (\d+) +\|/gm)].map(
  ([, name, ...numbers]) => [name, ...numbers.map(Number)] as const,
);

test('the page on upgrading has each version of the changelog, oldest first', () => {
  const released = [...read('CHANGELOG.md').matchAll(/^## (\d+\.\d+\.\d+)/gm)].map(([, name]) => name);
  expect(rows.map(([name]) => name)).toEqual(released.reverse());
});

test('the newest version has the numbers of the code, so a change that publishes rows again is written down', () => {
  expect(rows.at(-1)).toEqual([version, LAYOUT_VERSION, HASH_VERSION, NORMALISATION_VERSION]);
});

test('the changelog begins with the version of the package', () => {
  expect(/^## (\S+)/m.exec(read('CHANGELOG.md'))?.[1]).toBe(version);
});
