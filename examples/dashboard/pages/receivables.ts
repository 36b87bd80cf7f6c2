import { chart, figures, html, section, table, type Figure, type Html } from '../html.ts';
import type { Books } from '../read.ts';
import { count, date, money } from '../text.ts';
import { clientOf, companyOf, currenciesOf, documentOf, forEach, inCurrency } from './shared.ts';

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

interface Listed {
  readonly currency: string;
  /** The sum of all in this currency, and how many they are. */
  readonly total: string;
  readonly documents: string;
}

function totalFigure(title: string, rows: readonly Listed[]): Figure {
  const firsts = currenciesOf(rows).flatMap((currency) => inCurrency(rows, currency).slice(0, 1));
  const [value = 'nothing', ...others] = firsts.map(({ total, currency }) => money(total, currency));
  const documents = firsts.reduce((sum, first) => sum + Number(first.documents), 0);
  return { title, value, others, ...(rows.length === 0 ? {} : { note: count(documents, 'document') }) };
}

/** A table for each currency, the first of them open; says how many rows are left out. */
function listed<Row extends Listed>(
  rows: readonly Row[],
  empty: string,
  list: (rows: readonly Row[]) => Html,
): readonly Html[] {
  if (rows.length === 0) return [html`<p class="empty">${empty}</p>`];
  return forEach(currenciesOf(rows), (currency) => {
    const own = inCurrency(rows, currency);
    const left = Number(own[0]?.documents) - own.length;
    return html`${list(own)} ${left > 0 ? html`<p class="note more">and ${count(left, 'more', 'more')}</p>` : null}`;
  });
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

function debtors({ debtors: all }: Books): Html {
  return section(
    'Worst debtors',
    'The ten clients that are late with most, each client once for all companies.',
    all.length === 0
      ? html`<p class="empty">Nobody is late.</p>`
      : forEach(currenciesOf(all), (currency) =>
          table({
            caption: `Clients by what they are late with, in ${currency}`,
            columns: [
              { title: 'Client', of: clientOf },
              { title: 'Overdue', of: ({ overdue }) => money(overdue, currency), kind: 'amount' },
              { title: 'Owed in all', of: ({ owed }) => money(owed, currency), kind: 'amount' },
              { title: 'Late documents', of: ({ documents }) => documents, kind: 'number' },
              { title: 'Longest', of: ({ longest }) => count(longest, 'day'), kind: 'number' },
            ],
            rows: inCurrency(all, currency),
            empty: '',
          }),
        ),
  );
}

function paid({ paid: all }: Books): Html {
  return section(
    'What came in this week',
    'Documents paid in full in the last seven days. inFakt gives no date to a part payment, so none is here.',
    listed(all, 'Nothing came in during the last seven days.', (rows) =>
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
        empty: '',
      }),
    ),
  );
}

function credits({ credits: all }: Books): Html {
  return section(
    'What is to be given back',
    'Overpaid, or corrected after the payment.',
    listed(all, 'Nothing is to be given back.', (rows) =>
      table({
        caption: 'Documents with something to be given back, the largest amount first',
        columns: [
          { title: 'Document', of: documentOf },
          { title: 'Client', of: clientOf },
          { title: 'Company', of: companyOf },
          { title: 'Why', of: ({ why }) => why },
          { title: 'Amount', of: ({ amount, currency }) => money(amount, currency), kind: 'amount' },
        ],
        rows,
        empty: '',
      }),
    ),
  );
}
