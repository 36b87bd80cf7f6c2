import type { Database, LocalPostgres } from '../postgres';
import { totalsOf, type OrderRows } from './orders';

/** A sum of the books. */
export interface Sum {
  readonly says: string;
  readonly amount: number;
  readonly currency: 'PLN' | 'EUR';
}

/** A view that ought to have nothing to tell, unless that is usual, and how much it tells. */
export interface Finding {
  readonly name: string;
  readonly says: string;
  readonly count: number;
  readonly isUsual: boolean;
}

const SUMS: readonly { readonly says: string; readonly sql: string; readonly currency?: Sum['currency'] }[] = [
  {
    says: 'owed by clients (documents in PLN)',
    sql: `select sum(open_amount) from receivables where currency = 'PLN'`,
  },
  { says: '  of this overdue', sql: `select sum(overdue) from overdue_by_client where currency = 'PLN'` },
  { says: 'owed to clients (documents in PLN)', sql: `select sum(amount) from credits where currency = 'PLN'` },
  {
    says: 'net revenue (documents in PLN)',
    sql: `select sum(net_before_elimination) from group_revenue where currency = 'PLN'`,
  },
  {
    says: '  of this from outside the group',
    sql: `select sum(net_after_elimination) from group_revenue where currency = 'PLN'`,
  },
  { says: 'net revenue (all, in zloty)', sql: 'select sum(net_pln) from sales_documents_pln where not not_income' },
  { says: 'VAT (all, in zloty)', sql: 'select sum(tax_pln) from sales_documents_pln' },
  { says: 'sold under a margin procedure, gross', sql: 'select sum(gross) from margin_by_month' },
  {
    says: 'sold under OSS, gross, before corrections',
    sql: `select sum(gross) from oss_by_quarter where currency = 'EUR'`,
    currency: 'EUR',
  },
];

const FINDINGS: readonly (Pick<Finding, 'name' | 'says'> & { readonly sql: string; readonly isUsual?: true })[] = [
  {
    name: 'copy_proof',
    says: 'tables that are not proved by their fingerprints',
    sql: `select count(*) from copy_proof where verdict <> 'proved'`,
  },
  {
    name: 'completeness',
    says: 'months that are not as inFakt showed them',
    sql: 'select count(*) from completeness where not is_whole',
  },
  {
    name: 'to_check',
    says: 'corrections of OSS invoices, to enter by hand',
    sql: `select count(*) from to_check where document = 'oss-correction'`,
    isUsual: true,
  },
  {
    name: 'to_check',
    says: 'other documents that a person has to look at',
    sql: `select count(*) from to_check where document is distinct from 'oss-correction'`,
  },
];

/** Tells the views what the totals of each company's final invoices are of, as `check` says it. */
export async function fillFinalTotals(database: Database, rows: readonly OrderRows[]): Promise<void> {
  for (const of of rows) {
    const totals = totalsOf(of);
    if (totals !== 'whole' && totals !== 'rest') continue;
    await database.execute(
      `insert into final_totals (entity, totals) values ('${of.entity}', '${totals}') on conflict do nothing`,
    );
  }
}

/** Fills made-up rates for every working day of four years: NBP's cannot be asked for without a network. */
export async function fillRates(postgres: LocalPostgres): Promise<void> {
  await postgres.execute(`insert into exchange_rates (day, currency, rate, table_number)
    select day::date, currency, rate + extract(day from day) / 1000, 'made up'
    from generate_series(current_date - 1461, current_date, interval '1 day') day
    cross join (values ('EUR', 4.25), ('USD', 3.65)) rates (currency, rate)
    where extract(isodow from day) < 6 and day::date not in (
      select holiday.day from generate_series(0, 4) back
      cross join lateral polish_holidays(extract(year from current_date)::integer - back) holiday
    )
    on conflict do nothing`);
}

/** What the views add up to, and what they find; settled once a sweep has shown everything that the tables hold. */
export async function closeBooks(postgres: LocalPostgres): Promise<{
  readonly sums: readonly Sum[];
  readonly findings: readonly Finding[];
  readonly isSettled: boolean;
}> {
  const one = async (sql: string): Promise<number> => {
    const [row] = await postgres.select(`select (${sql}) as figure`);
    return Number(row?.['figure'] ?? 0);
  };
  const [rows, changed, companies] = [
    await one('select count(*) from completeness'),
    await one('select sum(changed_since) from completeness'),
    await one('select count(*) from entities'),
  ];
  const isSettled = rows > 0 && changed === 0 && companies > 0;
  const sums = isSettled
    ? await Promise.all(
        SUMS.map(async ({ says, sql, currency = 'PLN' }) => ({ says, currency, amount: await one(sql) })),
      )
    : [];
  const findings = isSettled
    ? await Promise.all(
        FINDINGS.map(async ({ name, says, sql, isUsual = false }) => ({ name, says, isUsual, count: await one(sql) })),
      )
    : [];
  return { sums, findings, isSettled };
}
