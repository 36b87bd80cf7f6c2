import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { factsOf, statusReasons } from '../../src/status/reasons';

/** Where the list stands in the page; what is between these lines is generated. */
const BEGIN = '<!-- Generated from src/status/reasons.ts by npm run docs: begin -->';
const END = '<!-- Generated: end -->';

/** The page about operating, with the list of reasons as it is now; everything else of it is written by hand. */
export function renderOperatePage(root: string): string {
  const page = readFileSync(join(root, 'docs/operate.md'), 'utf8');
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error('docs/operate.md has no place for the reasons; this is a bug');
  return `${page.slice(0, begin)}${BEGIN}\n\n${renderReasons()}\n\n${page.slice(end)}`;
}

function renderReasons(): string {
  return statusReasons
    .map((reason) => {
      const { do: todo, isUnhealthy } = factsOf(reason);
      return `- **\`${reason}\`**${isUnhealthy ? '' : ' (only noted)'}: ${todo}`;
    })
    .join('\n');
}
