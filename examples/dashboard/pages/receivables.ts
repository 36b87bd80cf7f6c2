import { chart, figures, html, section, table, type Figure, type Html } from '../html.ts';
import type { Books } from '../read.ts';
import { count, date, money } from '../text.ts';
import { clientOf, companyOf, currenciesOf, documentOf, inCurrency } from './shared.ts';

const ages = [
  { key: 'not_due', title: 'Not due yet', color: 'age-0' },
  { key: 'days_1_30', title: '1\u201330 days late', color: 'age-1' },
  { key: 'days_31_60', title: '31\u201360 days', color: 'age-2' },
  { key: 'days_61_90', title: '61\u201390 days', color: 'age-3' },
  { key: 'over_90', title: 'Over 90 days', color: 'age-4' },
  { key: 'no_due_date', title: 'No due date', color: 'age-none' },
] as const;

/** What is owed, how late it is, who is late with most, what came in, and what is to be given back. */
export function receivables(books: Books): Html {
  return html` ${keyFigures(books)} ${ageing(books)} ${debtors(books)} ${paid(books)} ${credits(books)} `;
}

/** Owed and overdue, in every currency. */
export function owedFigures({ ageing: rows }: Books): readonly Figure[] {
  const totals = rows.filter(({ entity }) => entity === null);
  const [first, ...others] = totals;
  if (first === undefined) return [{ title: 'Owed', value: 'nothing' }];
  const documents = totals.reduce((sum, total) => sum + Number(total.documents), 0);
  const longest = Math.max(...totals.map((total) => total.longest));
  return [
    {
      title: 'Owed',
      value: money(first.owed, first.currency),
      others: others.map(({ owed, currency }) => money(owed, currency)),
      note: count(documents, 'document'),
    },
    {
      title: 'Overdue',
      value: money(first.overdue, first.currency),
      others: others.map(({ overdue, currency }) => money(overdue, currency)),
      note: longest > 0 ? `the oldest for ${count(longest, 'day')}` : 'nothing is late',
      isWarning: longest > 0,
    },
  ];
}

function keyFigures(books: Books): Html {
  return figures(
    ...owedFigures(books),
    totalFigure('Came in this week', books.paid),
    totalFigure('To be given back', books.credits),
  );
}

/** The sum of some documents, which every row of them has for its currency. */
function totalFigure(title: string, rows: readonly { readonly currency: string; readonly total: string }[]): Figure {
  const totals = currenciesOf(rows).map((currency) => money(inCurrency(rows, currency)[0]?.total ?? '0', currency));
  const [value = 'nothing', ...others] = totals;
  return { title, value, others, ...(rows.length === 0 ? {} : { note: count(rows.length, 'document') }) };
}

function ageing({ ageing: all }: Books): Html {
  const parts = currenciesOf(all).map((currency) => {
    const rows = inCurrency(all, currency);
    const shown = ages.filter(({ key }) => rows.some((row) => Number(row[key]) !== 0));
    const bars = rows
      .filter(({ entity }) => entity !== null)
      .flatMap((row) =>
        shown.map(({ key, title }) => ({ company: companyOf(row), age: title, amount: Number(row[key]) })),
      )
      .filter(({ amount }) => amount !== 0);
    return html`${chart('ageing', `Owed to each company, by age, in ${currency}`, shown, { currency, ages: shown, bars })}
    ${table({
      caption: `Owed to each company, by age, in ${currency}`,
      columns: [
        { title: 'Company', of: companyOf },
        ...shown.map(({ key, title }) => ({
          title,
          of: (row: Books['ageing'][number]) => money(row[key], currency),
          kind: 'amount' as const,
        })),
        { title: 'In all', of: ({ owed }) => money(owed, currency), kind: 'amount' },
      ],
      rows,
      isTotal: ({ entity }) => entity === null,
      empty: '',
    })}`;
  });
  return section(
    'How late it is',
    'By due date, moved to the next working day where it falls on a holiday. Corrections are subtracted from their invoice.',
    parts.length === 0 ? html`<p class="empty">Nobody owes anything.</p>` : parts,
  );
}

function debtors({ debtors: rows }: Books): Html {
  return section(
    'Worst debtors',
    'The ten clients that are late with most, each client once for all companies.',
    table({
      caption: 'Clients by what they are late with',
      columns: [
        { title: 'Client', of: clientOf },
        { title: 'Overdue', of: ({ overdue, currency }) => money(overdue, currency), kind: 'amount' },
        { title: 'Owed in all', of: ({ owed, currency }) => money(owed, currency), kind: 'amount' },
        { title: 'Late documents', of: ({ documents }) => documents, kind: 'number' },
        { title: 'Longest', of: ({ longest }) => count(longest, 'day'), kind: 'number' },
      ],
      rows,
      empty: 'Nobody is late.',
    }),
  );
}

function paid({ paid: rows }: Books): Html {
  return section(
    'What came in this week',
    'Documents paid in full in the last seven days. inFakt gives no date to a part payment, so none is here.',
    table({
      caption: 'Paid documents, the latest first',
      columns: [
        { title: 'Document', of: documentOf },
        { title: 'Client', of: clientOf },
        { title: 'Company', of: companyOf },
        { title: 'Paid on', of: ({ paid_date: day }) => date(day) },
        { title: 'Amount', of: ({ amount, currency }) => money(amount, currency), kind: 'amount' },
      ],
      rows,
      empty: 'Nothing came in during the last seven days.',
    }),
  );
}

function credits({ credits: rows }: Books): Html {
  return section(
    'What is to be given back',
    null,
    table({
      caption: 'Overpaid, or corrected after the payment',
      columns: [
        { title: 'Document', of: documentOf },
        { title: 'Client', of: clientOf },
        { title: 'Company', of: companyOf },
        { title: 'Why', of: ({ why }) => why },
        { title: 'Amount', of: ({ amount, currency }) => money(amount, currency), kind: 'amount' },
      ],
      rows,
      empty: 'Nothing is to be given back.',
    }),
  );
}
