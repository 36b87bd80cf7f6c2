import { chart, figures, html, section, table, type Figure, type Html } from '../html.ts';
import type { Books } from '../read.ts';
import { date, money } from '../text.ts';
import { currenciesOf, forEach, inCurrency } from './shared.ts';

/** Revenue and balances of all companies as one, before and after what is between them. */
export function group(books: Books): Html {
  return html`${keyFigures(books)} ${months(books)} ${balances(books)} ${debts(books)}`;
}

/** What was sold in the twelve months outside and within the group, in every currency. */
export function groupFigures({ group_months: months }: Books): readonly Figure[] {
  const one = (title: string, key: 'after' | 'intercompany'): Figure => {
    const [value = 'nothing', ...others] = currenciesOf(months).map((currency) =>
      money(sum(inCurrency(months, currency).map((row) => row[key])), currency),
    );
    return { title, value, others };
  };
  return [one('Sold outside the group', 'after'), one('Sold within the group', 'intercompany')];
}

function keyFigures({ group_balances: rows }: Books): Html {
  const one = (title: string, note: string, of: (row: Books['group_balances'][number]) => string | number): Figure => {
    const [value = 'nothing', ...others] = rows.map((row) => money(of(row), row.currency));
    return { title, value, others, note };
  };
  return figures(
    one('Owed to the group', 'by clients outside it', (row) => row.receivables_after),
    one('Between its companies', 'eliminated', (row) => sum([row.receivables_before, `-${row.receivables_after}`])),
    one('To be given back', 'to clients outside it', (row) => row.debts_after),
  );
}

function months({ group_months: all }: Books): Html {
  const legend = [
    { title: 'Sold outside the group', color: 'now' },
    { title: 'Sold within the group', color: 'within' },
  ];
  const parts = forEach(currenciesOf(all), (currency) => {
    const rows = inCurrency(all, currency);
    const title = `Net sales of the group by month, in ${currency}`;
    const bars = rows.map(({ month, after, intercompany }) => ({
      month,
      after: Number(after),
      within: Number(intercompany),
    }));
    return html`${chart('group', title, legend, { currency, bars })}
    ${table({
      caption: title,
      columns: [
        { title: 'Month', of: ({ month }) => date(month) },
        { title: 'Before elimination', of: ({ before }) => money(before, currency), kind: 'amount' },
        { title: 'Within the group', of: ({ intercompany }) => money(intercompany, currency), kind: 'amount' },
        { title: 'After elimination', of: ({ after }) => money(after, currency), kind: 'amount' },
      ],
      rows: rows.filter(({ before, intercompany }) => Number(before) !== 0 || Number(intercompany) !== 0),
      empty: 'Nothing was sold.',
    })}`;
  });
  return section(
    'Revenue before and after elimination',
    'By month of issue, in the last twelve months. What one company of the group sold to another goes out once for all.',
    parts.length === 0 ? html`<p class="empty">Nothing was sold in the last twelve months.</p>` : parts,
  );
}

function balances({ group_balances: rows }: Books): Html {
  return section(
    'What is owed, before and after elimination',
    'What one company of the group owes another is a receivable of the one and a debt of the other, and goes out of both.',
    table({
      caption: 'Receivables and debts of the group today',
      columns: [
        { title: 'Currency', of: ({ currency }) => currency },
        { title: 'Owed, before', of: (row) => money(row.receivables_before, row.currency), kind: 'amount' },
        { title: 'Owed, after', of: (row) => money(row.receivables_after, row.currency), kind: 'amount' },
        { title: 'Debts, before', of: (row) => money(row.debts_before, row.currency), kind: 'amount' },
        { title: 'Debts, after', of: (row) => money(row.debts_after, row.currency), kind: 'amount' },
      ],
      rows,
      empty: 'Nothing is owed, either way.',
    }),
  );
}

function debts({ intercompany_debts: rows }: Books): Html {
  return section(
    'Which company owes which',
    null,
    table({
      caption: 'Debts between companies of the group',
      columns: [
        { title: 'Debtor', of: ({ debtor, debtor_name: name }) => name ?? debtor ?? 'unknown' },
        { title: 'Owes to', of: ({ creditor, creditor_name: name }) => name ?? creditor },
        { title: 'Amount', of: ({ owed, currency }) => money(owed, currency), kind: 'amount' },
      ],
      rows,
      empty: 'No company of the group owes another anything.',
    }),
  );
}

/** Exact for sums of up to fifteen digits. */
function sum(amounts: readonly string[]): number {
  return amounts.reduce((total, amount) => total + Math.round(Number(amount) * 100), 0) / 100;
}
