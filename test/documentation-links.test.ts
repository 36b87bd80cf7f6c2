import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

import { projectRoot } from '../tools/java';
import { pagesOf } from './support/documented-commands';

const root = projectRoot();
const pages = [...pagesOf(root), 'CHANGELOG.md'];

/** The text of a page without its blocks of code. */
function proseOf(page: string): string {
  return readFileSync(join(root, page), 'utf8').replace(/^ *```[\s\S]*?^ *```/gm, '');
}

/** The places of a page that a link may name: its headings, as GitHub names them. */
function placesIn(page: string): ReadonlySet<string> {
  const seen = new Map<string, number>();
  const headings = [...proseOf(page).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replace(/ /g, '-'),
  );
  return new Set(
    headings.map((name) => {
      const before = seen.get(name) ?? 0;
      seen.set(name, before + 1);
      return before === 0 ? name : `${name}-${before}`;
    }),
  );
}

test('each link of the documentation leads to a file, and to a heading where it names one', () => {
  const links = pages.flatMap((page) =>
    [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => ({ page, target }))
      .filter(({ target }) => !/^[a-z]+:/.test(target)),
  );
  expect(links.length).toBeGreaterThan(150);
  const broken = links.filter(({ page, target }) => {
    const [file = '', place] = target.split('#');
    const path = file === '' ? page : normalize(join(dirname(page), file));
    return !existsSync(join(root, path)) || (place !== undefined && !placesIn(path).has(place));
  });
  expect(broken).toEqual([]);
});

test('the questions lead to an answer for each thing that an operator asks first', () => {
  const questions = [...proseOf('docs/faq.md').matchAll(/^\*\*(.+\?)/gm)].map(([, question = '']) =>
    question.toLowerCase(),
  );
  for (const about of [
    'deploy',
    'works',
    'told',
    'ksef',
    'upgrade',
    'back up',
    'add a company without downtime',
    'state topic is lost',
    'airbyte',
    'memory do 200',
  ])
    expect(questions.filter((question) => question.includes(about))).toHaveLength(1);
});
