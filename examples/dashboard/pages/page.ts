import { html, type Html } from '../html.ts';
import type { Books } from '../read.ts';
import { count, date } from '../text.ts';
import { group } from './group.ts';
import { overview } from './overview.ts';
import { receivables } from './receivables.ts';
import { revenue } from './revenue.ts';
import { toCheck } from './to-check.ts';

interface Page {
  readonly file: string;
  readonly title: string;
  readonly lead: string;
  readonly content: (books: Books) => Html;
}

const pages: readonly Page[] = [
  {
    file: 'index',
    title: 'The books',
    lead: 'What is owed, what was earned, and what wants a look.',
    content: overview,
  },
  {
    file: 'receivables',
    title: 'Receivables',
    lead: 'What clients owe, how late it is, and what came in.',
    content: receivables,
  },
  {
    file: 'revenue',
    title: 'Revenue',
    lead: 'Net sales by date of issue, corrections subtracted, this year against the last.',
    content: revenue,
  },
  {
    file: 'group',
    title: 'The group',
    lead: 'All companies as one, before and after what they sold to and owe each other.',
    content: group,
  },
  {
    file: 'to-check',
    title: 'To check',
    lead: 'What a person must look at before the figures are signed.',
    content: toCheck,
  },
];

/** The files of the pages, without `.html`. */
export const files: readonly string[] = pages.map(({ file }) => file);

/** A page with what all heads say in front of its own, and its figures in place of its empty body. */
export function fill(template: string, file: string, books: Books): string {
  const page = pages.find((each) => each.file === file);
  if (page === undefined) throw new Error(`Filling ${file}.html: expected one of the pages, got an unknown one`);
  return template
    .replace('<head>', () => `<head>${head(page).text}`)
    .replace('<body></body>', () => `<body>${body(page, books).text}</body>`);
}

function head({ title }: Page): Html {
  return html`
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <meta name="color-scheme" content="light dark" />
    <meta
      http-equiv="Content-Security-Policy"
      content="default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'"
    />
    <meta name="robots" content="noindex" />
    <title>${title}</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/browser/style.css" />
  `;
}

function body({ file, title, lead, content }: Page, books: Books): Html {
  const findings = books.to_check[0]?.findings ?? '0';
  const links = pages.map((page) => {
    const badge = page.file === 'to-check' && findings !== '0' ? html` <span class="badge">${findings}</span>` : null;
    const address = `./${page.file}.html`;
    return page.file === file
      ? html`<li><a href="${address}" aria-current="page">${page.title}${badge}</a></li>`
      : html`<li><a href="${address}">${page.title}${badge}</a></li>`;
  });
  return html`
    <header>
      <nav aria-label="Pages">
        <ul>
          ${links}
        </ul>
      </nav>
    </header>
    <main>
      <h1>${title}</h1>
      <p class="lead">${lead}</p>
      ${content(books)}
    </main>
    <footer>${freshness(books)}</footer>
  `;
}

function freshness({ freshness: [fresh] }: Books): Html | null {
  if (fresh === undefined) return null;
  const what = `${count(fresh.documents, 'document')} of ${count(fresh.companies, 'company', 'companies')}`;
  const newest = fresh.newest === null ? '' : ` The newest of them was read from inFakt on ${date(fresh.newest)}.`;
  return html`<p>
    Figures of ${date(fresh.day)}, read from the database on ${date(fresh.read_at)} (Warsaw time): ${what}.${newest}
  </p>`;
}
