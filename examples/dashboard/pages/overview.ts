import { figures, html, section, type Figure, type Html } from '../html.ts';
import type { Books } from '../read.ts';
import { count } from '../text.ts';
import { groupFigures } from './group.ts';
import { owedFigures } from './receivables.ts';
import { soldFigures } from './revenue.ts';

/** The figures of each page that one asks for first. */
export function overview(books: Books): Html {
  const checks = books.to_check[0]?.findings ?? '0';
  const check: Figure =
    checks === '0'
      ? { title: 'Findings', value: 'none', note: 'the figures can be signed' }
      : {
          title: 'Findings',
          value: checks,
          note: `${count(companiesIn(books), 'company', 'companies')} concerned`,
          isWarning: true,
        };
  return html`
    ${card('receivables', 'Receivables', owedFigures(books))} ${card('revenue', 'Revenue', soldFigures(books))}
    ${card('group', 'The group, in the last twelve months', groupFigures(books))}
    ${card('to-check', 'To check', [check])}
  `;
}

function companiesIn({ to_check: findings }: Books): number {
  return new Set(findings.map(({ entity }) => entity)).size;
}

function card(file: string, title: string, all: readonly Figure[]): Html {
  return section(html`<a href="./${file}.html">${title}</a>`, null, figures(...all));
}
