import { chart, figures, folded, html, section, table, type Figure, type Html } from '../html.ts';
import type { Books } from '../read.ts';
import { change, date, money, monthName } from '../text.ts';
import { clientOf, companyOf, currenciesOf, forEach, inCurrency, yearOf } from './shared.ts';

const NOTHING = 'Nothing was sold this year or last.';

/** Revenue by month, company and client, this year against the last. */
export function revenue(books: Books): Html {
  return html`${figures(...soldFigures(books))} ${months(books)} ${companies(books)} ${clients(books)}`;
}

/** This year and this month, in every currency. */
export function soldFigures(books: Books): readonly Figure[] {
  const [first, ...others] = books.revenue_companies.filter(({ entity }) => entity === null);
  const year = yearOf(books);
  if (first === undefined) return [{ title: `${year} so far`, value: 'nothing' }];
  const one = (title: string, key: 'this_year' | 'last_year' | 'this_month'): Figure => ({
    title,
    value: money(first[key], first.currency),
    others: others.map((total) => money(total[key], total.currency)),
  });
  const compared = change(first.this_year, first.last_year);
  const note = compared === NO_CHANGE ? 'nothing to compare with' : `${compared} in ${first.currency}`;
  return [
    { ...one(`${year} so far`, 'this_year'), note },
    one(sameDay(books), 'last_year'),
    one(date(dayOf(books).slice(0, 7)), 'this_month'),
  ];
}

const NO_CHANGE = change('1', '0');

function dayOf({ freshness: [fresh] }: Books): string {
  return fresh?.day ?? '';
}

/** "2024 to 30 November". */
function sameDay(books: Books): string {
  return `${yearOf(books) - 1} to ${date(dayOf(books)).replace(/\u00a0\d{4}$/, '')}`;
}

function months(books: Books): Html {
  const year = yearOf(books);
  const legend = [
    { title: String(year), color: 'now' },
    { title: String(year - 1), color: 'before' },
  ];
  const parts = forEach(currenciesOf(books.revenue_months), (currency) => {
    const rows = inCurrency(books.revenue_months, currency);
    const title = `Net sales by month, in ${currency}`;
    const bars = rows.map(({ month, this_year: now, last_year: before }) => ({
      month: monthName(month),
      now: now === null ? null : Number(now),
      before: Number(before),
    }));
    const figuresOfMonths = table({
      caption: title,
      columns: [
        { title: 'Month', of: ({ month }) => monthName(month) },
        { title: String(year), of: ({ this_year: net }) => money(net ?? '0', currency), kind: 'amount' },
        { title: String(year - 1), of: ({ last_year: net }) => money(net, currency), kind: 'amount' },
        {
          title: 'Change',
          of: ({ this_year: net, last_year: before }) => change(net ?? '0', net === null ? '0' : before),
          kind: 'number',
        },
      ],
      rows,
      empty: NOTHING,
    });
    return html`${chart('months', title, legend, { currency, year, bars })}
    ${folded(`The figures of each month, in ${currency}`, figuresOfMonths)}`;
  });
  return section('This year against last', null, parts.length === 0 ? html`<p class="empty">${NOTHING}</p>` : parts);
}

function companies(books: Books): Html {
  return section(
    'By company',
    'Net sales of this year, and of last year up to the same day.',
    ...currenciesOf(books.revenue_companies).map((currency) =>
      table({
        caption: `Net sales of each company, in ${currency}`,
        columns: [
          { title: 'Company', of: companyOf },
          { title: 'This month', of: ({ this_month: net }) => money(net, currency), kind: 'amount' },
          { title: `${yearOf(books)} so far`, of: ({ this_year: net }) => money(net, currency), kind: 'amount' },
          { title: sameDay(books), of: ({ last_year: net }) => money(net, currency), kind: 'amount' },
          { title: 'Change', of: ({ this_year: now, last_year: before }) => change(now, before), kind: 'number' },
        ],
        rows: inCurrency(books.revenue_companies, currency),
        isTotal: ({ entity }) => entity === null,
        empty: '',
      }),
    ),
    books.revenue_companies.length === 0 ? html`<p class="empty">${NOTHING}</p>` : null,
  );
}

function clients(books: Books): Html {
  return section(
    'By client',
    'The ten clients that bought most this year, each client once for all companies.',
    forEach(currenciesOf(books.revenue_clients), (currency) =>
      table({
        caption: `Net sales to each client, in ${currency}`,
        columns: [
          { title: 'Client', of: clientOf },
          { title: `${yearOf(books)} so far`, of: ({ this_year: net }) => money(net, currency), kind: 'amount' },
          { title: sameDay(books), of: ({ last_year: net }) => money(net, currency), kind: 'amount' },
          { title: 'Change', of: ({ this_year: now, last_year: before }) => change(now, before), kind: 'number' },
        ],
        rows: inCurrency(books.revenue_clients, currency),
        empty: '',
      }),
    ),
    books.revenue_clients.length === 0 ? html`<p class="empty">Nobody bought anything this year.</p>` : null,
  );
}
